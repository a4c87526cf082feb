"""The whole pipeline for real, on the smallest study: results, byte-for-byte repetition, kill -9 of the head and -resume."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.nextflow, pytest.mark.slow, pytest.mark.xdist_group("pipeline")]


def start(launcher: Path, folder: Path, *args: str) -> subprocess.Popen[bytes]:
    command = [str(launcher), "run", str(ROOT), "-profile", "test,venv", "-ansi-log", "false", *args]
    with open(folder / "run.log", "ab") as log:
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def results_of(folder: Path) -> dict[str, str]:
    """Digest of every result file that must not differ between runs."""
    out = {}
    for path in sorted((folder / "results").rglob("*")):
        name = str(path.relative_to(folder / "results"))
        if not path.is_file() or name.startswith("pipeline_info/"):
            continue
        data = path.read_bytes()
        if name == "report.html":
            data = re.sub(rb'<section id="run">.*?</section>', b"", data, flags=re.S)
        out[name] = hashlib.sha256(data).hexdigest()
    return out


@pytest.fixture(scope="module")
def undisturbed(launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = start(launcher, folder).wait(timeout=1500)
    assert done == 0, (folder / "run.log").read_text()[-5000:]
    return folder


def test_every_stage_gives_its_results(undisturbed: Path) -> None:
    results = results_of(undisturbed)
    for name in (
        "peaks/peaks.h5ad",
        "models/demo/model_best.h5",
        "predictions/demo/preds.h5",
        "evaluation/demo.specificity.tsv",
        "variants/demo/study/sad.h5",
        "heritability/heritability.tsv",
        "truth/summary.tsv",
        "igv_session.xml",
        "report.html",
    ):
        assert name in results, name
    assert not (undisturbed / "results/report.html").read_text().count("http://cdn")


def test_killed_five_times_and_resumed_gives_the_same_bytes(launcher: Path, undisturbed: Path, tmp_path: Path) -> None:
    rng = random.Random(5)
    for _ in range(5):
        head = start(launcher, tmp_path, "-resume")
        try:
            head.wait(timeout=rng.uniform(12, 32))
            break  # done before the kill
        except subprocess.TimeoutExpired:
            os.killpg(head.pid, signal.SIGKILL)
            head.wait()
            time.sleep(1)
    assert start(launcher, tmp_path, "-resume").wait(timeout=1500) == 0, (tmp_path / "run.log").read_text()[-5000:]
    killed, whole = results_of(tmp_path), results_of(undisturbed)
    assert set(killed) == set(whole)
    assert [name for name in whole if killed[name] != whole[name]] == []
