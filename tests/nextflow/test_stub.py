"""The wiring of the whole pipeline, without its work: every process once, nothing twice on -resume."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.nextflow


def submitted(text: str) -> set[str]:
    return set(re.findall(r"Submitted process > (?:\w+:)*(\w+)", text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stub")


@pytest.fixture(scope="module")
def first(launcher: Path, folder: Path) -> str:
    import subprocess

    done = subprocess.run(
        [str(launcher), "run", str(ROOT), "-profile", "test,venv", "-stub-run", "-ansi-log", "false"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_process_runs_as_a_stub(first: str) -> None:
    optional = {"HERITABILITY_PANEL", "HERITABILITY_BASELINE"}  # only where the panel is a VCF, or brings a baseline
    assert {module.stem.upper() for module in (ROOT / "modules").glob("*.nf")} - submitted(first) <= optional


def test_results_have_the_documented_layout(first: str, folder: Path) -> None:
    results = folder / "results"
    for name in (
        "report.html",
        "igv_session.xml",
        "peaks/peaks.h5ad",
        "peaks/sets/sets.tsv",
        "models/demo/model_best.h5",
        "predictions/demo/preds.h5",
        "evaluation/demo.specificity.tsv",
        "variants/demo/all/sad.h5",
        "variants/demo/all/excluded.tsv",
        "heritability/heritability.tsv",
        "eqtl/demo.A.classification.tsv",
        "allelic_imbalance/demo.A.auroc.tsv",
        "truth/summary.tsv",
        "pipeline_info/versions.yml",
        "pipeline_info/params.json",
        "pipeline_info/preflight.json",
        "pipeline_info/trace.txt",
        "pipeline_info/training/demo.train_log.tsv",
    ):
        assert (results / name).exists(), name


def test_nothing_runs_again_on_resume(first: str, folder: Path, nextflow) -> None:
    again = nextflow("run", ROOT, "-profile", "test,venv", "-stub-run", "-resume", "-ansi-log", "false", cwd=folder)
    assert again.returncode == 0, again.stdout
    assert not submitted(again.stdout)


def test_stages_named_bring_what_they_need(nextflow, tmp_path: Path) -> None:
    done = nextflow("run", ROOT, "-profile", "test,venv", "-stub-run", "--stages", "imbalance", "-ansi-log", "false")
    assert done.returncode == 0, done.stdout
    ran = submitted(done.stdout)
    assert {"IMBALANCE_EVALUATE", "SAD_MERGE", "TRAIN_FIT", "PEAKS_MERGE"} <= ran
    assert not ran & {"EVALUATE", "EQTL_CLASSIFY", "REPORT_RENDER", "LDSC_H2"}
