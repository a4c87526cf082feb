"""The papers' own configurations run to the end without their work, on sheets of a few of their rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import papers
import pytest

pytestmark = [pytest.mark.nextflow, pytest.mark.xdist_group("papers")]
# many tasks that do nothing: as many at once as there are, whatever they would ask for
QUICK = """
executor { cpus = 32; memory = '64 GB'; pollInterval = '50ms'; queueSize = 32 }
process.resourceLimits = [cpus: 1, memory: 1.GB, time: 1.h]
"""
TRAINED = {
    "PEAKS_MERGE",
    "DATASET_BUILD",
    "TRAIN_FIT",
    "PREDICT_TEST",
    "SAD_MERGE",
    "SAD_ANNOTATE",
    "IMBALANCE_EVALUATE",
}
EVERY = {"PREFLIGHT_CHECK", "PEAKS_SETS", "EVALUATE", "REPORT_RENDER"}
RAN = {
    "kidney": EVERY | TRAINED | {"LDSC_H2", "HERITABILITY_CLUSTERS", "EVALUATE_REPLICATES"},
    "immune": EVERY | TRAINED | {"LDSC_H2", "HERITABILITY_CLUSTERS", "EVALUATE_REPLICATES"},
    "enformer": EVERY | {"PREDICT_IMPORT", "EQTL_CLASSIFY", "EQTL_DIRECTION", "LDSC_H2"},
    "sei": EVERY | {"PREDICT_IMPORT", "EQTL_CLASSIFY", "EQTL_DIRECTION"},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = papers.study(tmp_path_factory.mktemp("papers") / "study", rows=2)
    for name in papers.PARAMS:
        papers.pretend(list(papers.checked(name, folder).absent))
    (folder / "quick.config").write_text(QUICK)
    return folder


@pytest.mark.parametrize("name", sorted(RAN))
def test_a_papers_configuration_runs_to_the_end(name: str, study: Path, nextflow) -> None:
    done = nextflow(
        "-log", f"{name}.log", "run", papers.ROOT, "-profile", "venv", "-stub-run", "-c", "quick.config",
        "-work-dir", f"work_{name}", "-params-file", papers.PARAMS[name], cwd=study,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]
    ran = set(re.findall(r"Submitted process > (?:\w+:)*(\w+)", done.stdout))
    assert ran >= RAN[name]
    if name in ("enformer", "sei"):
        assert not ran & (TRAINED | {"SAD_SCORE", "SAD_SPLIT", "PEAKS_BIN"}), "published scores need no training"
    assert (study / f"results_{name}" / "report.html").exists()


def test_what_is_to_be_fetched_is_listed_and_nothing_runs(nextflow, environments: Path, tmp_path: Path) -> None:
    folder = papers.study(tmp_path / "study", rows=2)
    asked = ("run", papers.ROOT, "-profile", "venv", "-ansi-log", "false", "-params-file", papers.PARAMS["sei"])
    done = nextflow(*asked, "--preflight_only", cwd=folder)
    assert done.returncode == 0, done.stdout[-4000:]
    ran = re.findall(r"Submitted process > (?:\w+:)*(\w+)", done.stdout)
    assert set(ran) == {"PREFLIGHT_CHECK", "PREFLIGHT_CHECKSUMS"}
    report = json.loads((folder / "results_sei" / "pipeline_info" / "preflight.json").read_text())
    assert report["problems"] == []
    names = {path.removeprefix(f"{folder}/data/") for path in report["to_fetch"]}
    assert {"sei/peaks.h5ad", "sei/sad.h5", "sei/predictions", "reference/genes.hg38.tsv"} <= names
