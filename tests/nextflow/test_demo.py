"""The demo against its planted truth: every figure with a target reaches it."""

from __future__ import annotations

import csv
import re
from urllib.parse import unquote
from xml.etree import ElementTree

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


def test_every_path_of_the_browser_session_resolves(demo: Run) -> None:
    results = demo.folder / "results"
    session = ElementTree.parse(results / "igv_session.xml").getroot()
    paths = [str(resource.get("path")) for resource in session.iter("Resource")]
    assert {path.split("/")[0] for path in paths} >= {"predictions", "peaks"}
    assert [path for path in [str(session.get("genome")), *paths] if not (results / path).exists()] == []
    names = [str(track.get("name")) for track in session.iter("Track")]
    assert len(set(names)) == len(names) and {name.split()[-1] for name in names} == {"measured", "predicted", "peaks"}


def test_every_link_of_the_report_resolves(demo: Run) -> None:
    results = demo.folder / "results"
    page = (results / "report.html").read_text()
    links = {unquote(link) for link in re.findall(r'href="([^"#][^"]*)"', page)}
    beside = {link for link in links if not link.startswith(("data:", "http://localhost:60151/"))}
    assert beside and [link for link in sorted(beside) if not (results / link).exists()] == []
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r' id="([^"]+)"', page))
