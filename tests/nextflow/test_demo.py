"""The demo against its planted truth: every figure with a target reaches it."""

from __future__ import annotations

import csv

import pytest
from whole_run import Run

pytestmark = [pytest.mark.nextflow, pytest.mark.slow]


@pytest.fixture(scope="module")
def summary(demo: Run) -> list[dict[str, str]]:
    with open(demo.folder / "results/truth/summary.tsv") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_every_figure_reaches_its_target(summary: list[dict[str, str]]) -> None:
    with_target = [
        row
        for row in summary
        if row["target"] != "NA" and row["value"] != "NA" and row["figure"] != "eqtl_auroc_shuffled"
    ]
    ranks = [row for row in with_target if row["figure"] == "enrichment_rank"]
    assert len(ranks) == 2
    assert all(float(row["value"]) == 1 for row in ranks), ranks
    assert {
        "element_recall",
        "element_precision",
        "pearson_specific",
        "pearson_ubiquitous",
        "sad_correlation",
        "eqtl_auroc",
        "imbalance_auroc",
    } <= {r["figure"] for r in with_target}
    assert [row for row in with_target if row not in ranks and float(row["value"]) < float(row["target"])] == []


def test_shuffled_labels_are_at_chance(summary: list[dict[str, str]]) -> None:
    shuffled = [
        float(row["value"]) for row in summary if row["figure"] == "eqtl_auroc_shuffled" and row["value"] != "NA"
    ]
    assert shuffled
    assert 0.4 < sum(shuffled) / len(shuffled) < 0.6
