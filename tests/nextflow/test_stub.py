"""The wiring of the whole pipeline, without its work: every process once, nothing twice on -resume."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from wiring import PROCESSES

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.nextflow, pytest.mark.xdist_group("stub")]  # its runs are made once, and gone on from


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


@pytest.fixture(scope="module")
def compared(launcher: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The committed sheet of training choices with predictions from elsewhere, and ldsc's own LD scores."""
    folder = tmp_path_factory.mktemp("choices")
    (folder / "elsewhere.tsv").write_text("chrom\tstart\tend\tA\n")
    (folder / "regions.bed").write_text("chr1\t1000\t121000\n")
    rows = (ROOT / "assets" / "choices.csv").read_text().splitlines()
    (folder / "models.csv").write_text(
        "\n".join(
            [
                rows[0],
                rows[2] + ",predictions",
                *(f"{row}," for row in rows[3:]),
                "elsewhere,,,,,,elsewhere.tsv",
                "from_track,demo,balanced,multi,1,single:B,",
                "",
            ]
        )
    )
    return folder, run_choices(launcher, folder)


def run_choices(launcher: Path, folder: Path, *more: str) -> str:
    import subprocess

    command = [
        launcher,
        "run",
        ROOT,
        "-profile",
        "test,venv",
        "-stub-run",
        "-ansi-log",
        "false",
        "--models",
        folder / "models.csv",
        *more,
    ]
    done = subprocess.run(
        # a task a single-task model: their scores are joined
        [
            *map(str, command),
            "--shard_models",
            "1",
            "--variant_null",
            "shuffled",
            "--ld_score_engine",
            "ldsc",
            "--regions",
            str(folder / "regions.bed"),
            "--ism_logos",
        ],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_process_runs_as_a_stub(first: str, compared: tuple[Path, str]) -> None:
    # only where the panel is a VCF, or brings a baseline, or with --k_folds
    optional = {"HERITABILITY_PANEL", "HERITABILITY_BASELINE", "DATASET_FOLDS"}
    ran = submitted(first) | submitted(compared[1])
    assert set(PROCESSES) - ran <= optional


def test_a_models_sheet_becomes_trainings(compared: tuple[Path, str]) -> None:
    ran = set(re.findall(r"MODELS:(TRAIN_\w+ \(.+\))", compared[1]))
    plain = {
        "multi.r1",
        "multi.r2",
        "multi.r3",
        "single.A",
        "single.B",
        "multi_2x",
        "peaks",
        "gc_matched",
        "kmer_ridge",
    }
    assert ran == {f"TRAIN_FIT ({name})" for name in plain} | {
        *(f"TRAIN_TRANSFER (transfer.{track})" for track in "AB"),
        "TRAIN_TRANSFER (from_track)",
    }
    evaluated = set(re.findall(r"MODELS:EVALUATE \((.+)\)", compared[1]))
    assert evaluated == {
        "multi.r1",
        "multi.r2",
        "multi.r3",
        "single",
        "multi_2x",
        "peaks",
        "gc_matched",
        "transfer",
        "kmer_ridge",
        "elsewhere",
        "from_track",
    }


def test_single_task_models_are_scored_some_in_a_task(launcher: Path, tmp_path: Path) -> None:
    """25 cell types in two tasks a shard: 1,000 tasks for 500 shards, where a task for each would be 12,500."""
    import subprocess

    (tmp_path / "trained").mkdir()
    for name in ("params.json", "model_best.h5", "targets.txt"):
        (tmp_path / "trained" / name).touch()
    (tmp_path / "signal.bw").touch()
    (tmp_path / "v.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n")
    (tmp_path / "g.fa").write_text(">chr1\nACGT\n")
    tracks = [f"t{n},t{n},signal.bw" for n in range(25)]
    (tmp_path / "tracks.csv").write_text("\n".join(["track,cell_type,signal", *tracks, ""]))
    (tmp_path / "models.csv").write_text("model,weights,task\neach,trained/model_best.h5,single\n")
    (tmp_path / "variants.csv").write_text("set,vcf\nv,v.vcf\n")
    given = {"tracks": "tracks.csv", "models": "models.csv", "variants": "variants.csv", "fasta": "g.fa"}
    options = [text for name, file in given.items() for text in (f"--{name}", str(tmp_path / file))]
    command = [launcher, "run", ROOT, "-profile", "venv", "-stub-run", "-ansi-log", "false", "--stages", "score"]
    done = subprocess.run([*map(str, command), *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.findall(r"VARIANTS:(SAD_\w+) \((.+)\)", done.stdout)
    assert [name for name, _ in ran].count("SAD_SCORE") == 2
    assert sorted(tag.split()[0] for name, tag in ran if name == "SAD_MERGE") == ["each.b1", "each.b2"]
    assert [tag for name, tag in ran if name == "SAD_JOIN"] == ["each v"]


def test_a_new_row_trains_only_itself(compared: tuple[Path, str], launcher: Path) -> None:
    folder = compared[0]
    with open(folder / "models.csv", "a") as sheet:
        sheet.write("small,demo,non_ubiquitous,multi,1,,\n")
    again = run_choices(launcher, folder, "-resume")
    ran = re.findall(r"Submitted process > (?:MODELS|VARIANTS):\w+ \((.+)\)", again)
    assert {name for name in ran if not name.startswith("small")} <= {"non_ubiquitous", "models"}
    assert "TRAIN_FIT (small)" in again


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
        "variants/demo/all/variants.vcf.gz",
        "variants/demo/all/variants.vcf.gz.tbi",
        "variants/demo/all/variants.tsv.gz",
        "heritability/heritability.tsv",
        "eqtl/demo.A.classification.tsv",
        "allelic_imbalance/demo.A.auroc.tsv",
        "evaluation/variant_effects.summary.tsv",
        "evaluation/summary.tsv",
        "allelic_imbalance/A.sites.tsv",
        "eqtl/demo.A.classification.distributions.tsv",
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


def test_a_rotation_trains_every_fold_and_evaluates_them_as_one(nextflow) -> None:
    done = nextflow(
        "run",
        ROOT,
        "-profile",
        "test,venv",
        "-stub-run",
        "--stages",
        "evaluate",
        "--k_folds",
        "3",
        "-ansi-log",
        "false",
    )
    assert done.returncode == 0, done.stdout
    assert {"DATASET_FOLDS", "PREDICT_MERGE"} <= submitted(done.stdout)
    assert set(re.findall(r"TRAIN_FIT \((.+)\)", done.stdout)) == {"demo.f1", "demo.f2", "demo.f3"}
    assert set(re.findall(r"DATASET_SUBSET \((.+)\)", done.stdout)) == {
        f"{name}.f{i}" for name in ("all", "balanced") for i in (1, 2, 3)
    }
    assert set(re.findall(r"MODELS:EVALUATE \((.+)\)", done.stdout)) == {"demo", "probabilities", "gc"}
