"""What a run says at its end: warnings of its tasks, and what they left out, from their run records."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.nextflow
MUNGED = """Read 1000 SNPs from --sumstats file.
Removed 12 SNPs with missing values.
Removed 0 SNPs with INFO <= 0.9.
Removed 7 SNPs with MAF <= 0.01.
WARNING: 3 SNPs had FRQ outside of [0,1]. The "FRQ" column may be mislabeled.
Removed 40 variants that were not SNPs or were strand-ambiguous.
941 SNPs remain.
Removed 41 SNPs with duplicated rs numbers (900 SNPs remain).
"""


def loss(n: int, of: int, what: str = "SNPs", reason: str = "no score", **more: object) -> dict[str, object]:
    return {"what": what, "n": n, "of": of, "reason": reason} | more


RECORDS: dict[str, dict[str, dict[str, object]]] = {
    "nothing": {"PEAKS_BIN.T": {"warnings": [], "left_out": []}},
    "warnings alone": {"PEAKS_BIN.T": {"warnings": ["a", "b"]}, "PEAKS_BIN.U": {"warnings": ["a"]}, "X": {}},
    "a share above": {"EQTL_CLASSIFY.m.liver": {"warnings": ["w"], "left_out": [loss(6, 100, source="m")]}},
    "a share at the limit": {"EQTL_CLASSIFY.m.liver": {"left_out": [loss(5, 100)]}},
    "asked for": {"DATASET_SUBSET.d": {"left_out": [loss(90, 100, expected=True)]}},
    "of an unknown whole": {"PEAKS_BIN.T": {"left_out": [{"what": "reads", "n": 9, "of": None, "reason": "r"}]}},
    "the preflight's": {"PREFLIGHT_CHECK": {"left_out": [loss(90, 100)]}},
    "two tasks of one kind": {
        "PEAKS_BIN.T": {"left_out": [loss(30, 40, "alignments", "unmapped")]},
        "PEAKS_BIN.U": {"left_out": [loss(10, 40, "alignments", "unmapped"), loss(2, 3, "contigs", "unknown")]},
    },
    "many": {"PEAKS_MERGE": {"left_out": [loss(n, 100, reason=f"r{n}") for n in range(10, 22)]}},
}


@pytest.fixture(scope="module")
def said(groovy: Callable[[str, object], object], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The lines of each case with and without a report, and the shell function for munging: one start of Nextflow."""
    folder = tmp_path_factory.mktemp("warnings")
    for case, records in RECORDS.items():
        stages = folder / case / "pipeline_info/stages"
        stages.mkdir(parents=True)
        for name, record in records.items():
            (stages / f"{name}.run.json").write_text(json.dumps(record))
        (stages / "STUB.run.json").write_text("")
    (folder / "no records").mkdir()
    given = {"folder": str(folder), "cases": [*RECORDS, "no records"]}
    code = """[
        lines: given.cases.collectEntries { [(it): Warnings.lines(file("${given.folder}/${it}"), 0.05, true)] },
        wide: Warnings.lines(file("${given.folder}/a share above"), 0.5, false),
        munged: Ldsc.munged(),
    ]"""
    return groovy(code, given)


def test_a_run_that_lost_nothing_says_nothing(said) -> None:
    assert said["lines"]["nothing"] == [] == said["lines"]["no records"]
    assert said["lines"]["a share at the limit"] == [] == said["lines"]["asked for"]
    assert said["lines"]["of an unknown whole"] == [] == said["lines"]["the preflight's"]


def test_warnings_are_counted_and_found(said) -> None:
    first, where = said["lines"]["warnings alone"]
    assert first == "3 warning(s) of 2 task(s)"
    assert where.startswith("Read on: ") and where.endswith(
        'pipeline_info/stages/*.run.json ("warnings", "left_out"), and "Mind this" at the head of the report'
    )


def test_what_is_more_than_the_share_is_named_with_task_number_and_reason(said) -> None:
    assert said["lines"]["a share above"][:-1] == [
        "1 warning(s) of 1 task(s)",
        "Left out, more than 5 % of what a task read:",
        "  - EQTL_CLASSIFY.m.liver, m: 6 of 100 SNPs (6 %): no score",
    ]


def test_another_share_and_a_run_without_a_report(said) -> None:
    first, where = said["wide"]
    assert first == "1 warning(s) of 1 task(s)"
    assert "report" not in where


def test_tasks_of_one_kind_are_one_line_that_of_the_largest_share(said) -> None:
    assert said["lines"]["two tasks of one kind"][1:-1] == [
        "  - PEAKS_BIN.T (the most of 2): 30 of 40 alignments (75 %): unmapped",
        "  - PEAKS_BIN.U: 2 of 3 contigs (66.7 %): unknown",
    ]


def test_the_largest_shares_come_first_and_the_others_are_counted(said) -> None:
    lines = said["lines"]["many"]
    assert lines[1] == "  - PEAKS_MERGE: 21 of 100 SNPs (21 %): r21"
    assert lines[11:13] == ["  - and 2 more", lines[-1]]


def test_what_munging_removes_is_in_its_run_record(said) -> None:
    done = subprocess.run(
        ["bash", "-euc", f"{said['munged']}\nmunged T2D"], input=MUNGED, capture_output=True, text=True, check=True
    )
    record = json.loads(done.stdout)
    reasons = {
        "with missing values": 12,
        "with MAF <= 0.01": 7,
        "that were not SNPs or were strand-ambiguous": 40,
        "with duplicated rs numbers": 41,
    }
    assert record["left_out"] == [loss(n, 1000, reason=reason, source="T2D") for reason, n in reasons.items()]
    assert record["warnings"] == ["WARNING: 3 SNPs had FRQ outside of [0,1]. The FRQ column may be mislabeled."]
