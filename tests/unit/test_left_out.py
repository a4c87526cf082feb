"""Nothing is lost without a word: what a command does not use of its input is counted in its run record, with its
reason and of how many, and the report and the end of a run say it."""

from __future__ import annotations

import json
from collections import Counter
from importlib import import_module
from pathlib import Path

import loss_cases_analyses  # noqa: F401 (registers its cases, as the next)
import loss_cases_signal  # noqa: F401
import loss_cases_variants  # noqa: F401
import pytest
import typer
from loss_cases import CASES, Case

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path.stem for path in (ROOT / "bin").glob("*.py"))
# Commands that can lose nothing, and why
NOTHING = {
    ("dataset", "targets"): "a row of the table for each row of the sheet; a signal of no track is refused",
    ("heritability", "freq"): "a row for each SNP of the panel, for those that do not vary too",
    ("preflight", "checksums"): "a row for each file; one that cannot be read is refused",
    ("report", "igv"): "an entry of the session for each file that is named",
    ("report", "render"): "reads results, of which its tables and their TSV have every row",
    ("sad", "split"): "a line in some shard for each record, for one that cannot be scored too: scoring counts it",
    ("simulate", "study"): "has no input",
}


def commands() -> set[tuple[str, str]]:
    """Script and command of all that there are."""
    found = set()
    for script in SCRIPTS:
        app: typer.Typer = import_module(script).app
        for command in app.registered_commands:
            assert command.callback is not None
            found.add((script, command.name or command.callback.__name__.replace("_", "-")))
    return found


def test_every_command_has_a_case_or_a_reason_why_it_loses_nothing() -> None:
    walked = {(case.script, case.command) for case in CASES}
    assert commands() == walked | set(NOTHING)
    assert not walked & set(NOTHING)
    assert all(NOTHING.values())


@pytest.mark.parametrize("case", CASES, ids=[f"{c.script} {c.command}: {c.make.__name__}" for c in CASES])
def test_what_a_command_leaves_out_is_in_its_record(script, script_apart, tmp_path: Path, case: Case) -> None:
    stage, *arguments = (walk := case.make(tmp_path, script)).arguments
    assert [stage, arguments[0]] == [case.script, case.command]
    # a training fixes the threads of a framework that another test of this process may have started
    run = script_apart if stage == "train" else script
    run(stage, "--run-info", tmp_path / "record.json", *arguments)
    entries = json.loads((tmp_path / "record.json").read_text())["left_out"]
    found: Counter[tuple[str, str]] = Counter()
    whole: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        assert {"what", "n", "of", "reason"} <= set(entry) <= {"what", "n", "of", "reason", "source", "expected"}
        assert 0 < entry["n"] <= entry["of"]
        # of several files of one kind the sums
        found[entry["what"], entry["reason"]] += entry["n"]
        whole[entry["what"], entry["reason"]] += entry["of"]
    assert {kind: (n, whole[kind]) for kind, n in found.items()} == walk.lost
