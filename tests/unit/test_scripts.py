"""Every stage script as a program of its own: it starts, and says what it can do."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from accessiflow import __version__
from accessiflow.log import WarningKeeper

BIN = Path(__file__).resolve().parents[2] / "bin"
SCRIPTS = sorted(path.stem for path in BIN.glob("*.py"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_starts_and_lists_its_commands(script_apart, name: str) -> None:
    helped = script_apart(name, "--help").stdout
    assert helped.startswith(f"Usage: {name}.py [OPTIONS] COMMAND [ARGS]...")
    assert "Commands:" in helped


def test_a_script_says_its_version(script_apart) -> None:
    assert script_apart("peaks", "--version").stdout == f"accessiflow {__version__}\n"


def test_a_script_behaves_alike_in_this_process_and_in_its_own(script, script_apart, tmp_path: Path) -> None:
    arguments = ("peaks", "call", tmp_path / "none.h5", "--output", tmp_path / "t.bed.gz")
    own, here = (run(*arguments, check=False) for run in (script_apart, script))
    assert (own.returncode, own.stdout, own.stderr) == (here.returncode, here.stdout, here.stderr)
    assert own.returncode == 2


def test_warnings_of_a_run_are_in_its_run_record_and_not_in_the_next_ones(script, tmp_path: Path) -> None:
    line = "chr1\t10\tA\tC\t22\t10\n"
    records = []
    for lines in (3, 1):  # rows of one site that are equal are warned of
        (tmp_path / "counts.tsv").write_text("chrom\tpos\tref\talt\tref_count\talt_count\n" + line * lines)
        record = tmp_path / f"{lines}.json"
        options = ("--counts", tmp_path / "counts.tsv", "--output", tmp_path / "calls.tsv")
        script("imbalance", "--quiet", "--run-info", record, "call", *options)
        records.append(json.loads(record.read_text())["warnings"])
    assert len(records[0]) == 1 and "counts.tsv" in records[0][0]
    assert records[1] == []


def test_a_warning_that_comes_often_is_kept_once_and_of_many_some() -> None:
    keeper = WarningKeeper()
    for number in range(3 * WarningKeeper.MOST):
        keeper.emit(logging.LogRecord("x", logging.WARNING, "", 0, "track %d", (number % 250,), None))
    kept = keeper.sentences()
    assert kept[0] == "track 0 (3 times)" and kept[-1] == "and 100 more warnings, in the log of the task"
    assert len(kept) == WarningKeeper.MOST + 1
    keeper.clear()
    assert keeper.sentences() == []
