"""What a run keeps for its record: warnings and counts, of its threads, of its worker processes, and Python's own."""

from __future__ import annotations

import ast
import json
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from accessiflow import cli
from accessiflow.log import (
    Loss,
    LossKeeper,
    Recording,
    kept_losses,
    kept_warnings,
    left_out,
    log,
    recalled,
    rows_without_value,
)

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _forgotten():
    """Nothing of another test, and the warnings of this one kept as in a run."""
    kept_losses.clear()
    kept_warnings.clear()
    log.addHandler(kept_warnings)
    yield
    log.removeHandler(kept_warnings)
    kept_losses.clear()
    kept_warnings.clear()


def entries() -> list[dict[str, object]]:
    return [loss.record() for loss in kept_losses.losses()]


def test_counts_of_one_kind_add_up_and_one_of_none_adds_to_the_whole_alone() -> None:
    left_out("reads", 3, 10, "unmapped", source="T")
    left_out("reads", 0, 90, "unmapped", source="T")
    left_out("reads", 1, 10, "unmapped", source="U", expected=True)
    left_out("sites", 0, 5, "no score")
    left_out("records", 2)
    assert entries() == [
        {"what": "reads", "n": 3, "of": 100, "reason": "unmapped", "source": "T"},
        {"what": "reads", "n": 1, "of": 10, "reason": "unmapped", "source": "U", "expected": True},
        {"what": "records", "n": 2, "of": None, "reason": ""},
    ]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(50, 100)), min_size=1, max_size=20))
def test_in_whatever_parts_a_file_is_counted_the_sums_are_the_same(parts: list[tuple[int, int]]) -> None:
    keeper = LossKeeper()
    for n, of in parts:
        keeper.add(Loss("reads", "unmapped", "", False, n, of))
    n, of = (sum(column) for column in zip(*parts, strict=True))
    assert [(loss.n, loss.of) for loss in keeper.losses()] == ([(n, of)] if n else [])


def test_threads_count_without_losing_one() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: left_out("reads", 1, 2, "unmapped"), range(4000)))
    assert entries() == [{"what": "reads", "n": 4000, "of": 8000, "reason": "unmapped"}]


def test_numbers_in_reasons_make_no_kinds_of_their_own() -> None:
    rows_without_value(["3 windows, not above 50", "", None, float("nan"), "12 windows, not above 2.5"], "rows")
    assert entries() == [{"what": "rows", "n": 2, "of": 5, "reason": "N windows, not above N"}]


@pytest.mark.parametrize(
    ("n", "of", "expected", "level"),
    [(6, 100, False, "WARNING"), (5, 100, False, "INFO"), (60, 100, True, "INFO"), (6, None, False, "INFO")],
)
def test_more_than_the_share_is_a_warning_of_the_log_and_stands_once_in_the_record(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    n: int,
    of: int | None,
    expected: bool,
    level: str,
) -> None:
    monkeypatch.setattr(log, "propagate", True)
    left_out("SNPs", n, of, "no score", source="T", expected=expected)
    with caplog.at_level("INFO"):
        kept_losses.say()
    (record,) = caplog.records
    assert record.levelname == level
    assert record.getMessage() == f"T: {n}{f' of {of}' if of else ''} SNPs left out: no score"
    assert kept_warnings.sentences() == []


def _worked(number: int) -> int:
    log.warning("an odd number" if number % 2 else "even: %d", *([] if number % 2 else [number]))
    left_out("items", number, 10, "too large", source="worker")
    return number * number


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_what_worker_processes_warn_of_and_leave_out_comes_home(start: str) -> None:
    log.warning("of the parent")
    left_out("items", 5, 10, "too large", source="worker")
    with ProcessPoolExecutor(2, get_context(start)) as pool:
        assert list(recalled(pool.map(Recording(_worked), range(4)))) == [0, 1, 4, 9]
    assert kept_warnings.sentences() == ["of the parent", "even: 0", "an odd number (2 times)", "even: 2"]
    assert entries() == [{"what": "items", "n": 11, "of": 50, "reason": "too large", "source": "worker"}]


def test_workers_of_a_simulated_study_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    from accessiflow.simulate import study

    found = list(study._map(partial(_worked), [2, 3], threads=2))
    assert found == [4, 9]
    assert kept_warnings.sentences() == ["even: 2", "an odd number"]


def test_no_pool_of_processes_forgets_its_warnings() -> None:
    """A pool whose results do not pass `recalled` would lose what its workers say."""
    for path in (ROOT / "bin").rglob("*.py"):
        text = path.read_text()
        pools = text.count("ProcessPoolExecutor(") + text.count(".Pool(")
        assert pools == text.count("recalled(pool.") or path.name == "log.py", path


def test_every_count_has_a_whole_and_a_reason() -> None:
    """Without them a share cannot be told, nor what became of the rest."""
    bare = []
    for path in (ROOT / "bin").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "left_out":
                given = {0: "what", 1: "n", 2: "of", 3: "reason"}
                names = {given[i] for i in range(len(call.args))} | {keyword.arg for keyword in call.keywords}
                bare += [f"{path.name}:{call.lineno}"] * (not set(given.values()) <= names)
    assert bare == []


app = cli.make_app("A script for tests.")


@app.command()
def warn(kind: Annotated[str, typer.Argument()]) -> None:
    """Warn as packages do."""
    if kind == "divide":
        np.array([1.0]) / 0
    else:
        warnings.warn("a coming version", FutureWarning, stacklevel=1)


@app.command()
def other() -> None:
    """A second command, so that the first has a name."""


@pytest.mark.parametrize(
    ("kind", "kept"), [("divide", ["RuntimeWarning: divide by zero encountered in divide"]), ("coming", [])]
)
def test_a_warning_of_numpy_is_in_the_record_one_on_coming_versions_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, kept: list[str]
) -> None:
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    monkeypatch.setattr(sys, "argv", ["script.py", "--run-info", str(tmp_path / "r.json"), "warn", kind])
    with warnings.catch_warnings(record=True), pytest.raises(SystemExit) as ended:
        warnings.simplefilter("always")
        cli.run(app)
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)
    assert ended.value.code == 0
    assert json.loads((tmp_path / "r.json").read_text())["warnings"] == kept


def test_a_record_of_a_run_that_lost_nothing_has_an_empty_list(script, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("track,cell_type,signal\nT,T,T.bw\n")
    script(
        "dataset",
        "--run-info",
        tmp_path / "r.json",
        "targets",
        "--tracks",
        tmp_path / "t.csv",
        "--output",
        tmp_path / "t",
    )
    assert json.loads((tmp_path / "r.json").read_text())["left_out"] == []


def test_quiet_runs_still_say_what_is_more_than_the_share(script, tmp_path: Path) -> None:
    (tmp_path / "g.sizes").write_text("a\t9000\nb\t9000\nc\t9000\nd\t10\n")
    options = ["folds", tmp_path / "g.sizes", "--number", 3, "-o", tmp_path / "f.tsv"]
    done = script("dataset", "--quiet", *options)
    assert "WARNING 1 of 4 chromosomes left out: shorter than a window of 1344 bp: in no fold" in done.stderr
