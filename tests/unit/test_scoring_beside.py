"""Several single-task models in one scoring task: the scores that each has alone, side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

pytest.importorskip("tensorflow")
from small_model import TARGETS, L, write_model

from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.loading import load_beside, load_tracks

STATS = "SAD,REF,ALT,COS"
EVERY = ("SAD", "REF", "ALT", "COS", "target_ids", "target_labels", "pos", "SAD_pct")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[Path]:
    """Two models of the same windows and other tracks."""
    first = write_model(tmp_path_factory.mktemp("first"))
    second = tmp_path_factory.mktemp("second") / "model"
    shutil.copytree(first, second)
    with h5py.File(second / "model_best.h5", "r+") as handle:
        handle.visititems(lambda name, item: item.write_direct(item[()] * 0.7) if name.endswith("kernel:0") else None)
    (second / "targets.txt").write_text(TARGETS.replace("A", "D").replace("B", "E").replace("C", "F"))
    return [first, second]


@pytest.fixture(scope="module")
def vcf(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("vcf") / "v.vcf"
    rows = [f"chr1\t{pos}\t.\t{'ACGT'[pos % 4]}\t{'ACGT'[(pos + 1) % 4]}\t.\t.\t." for pos in range(20, 400, 9)]
    path.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "\n".join(rows) + "\n")
    return path


def arguments(model: Path, vcf: Path, out: Path) -> list[object]:
    files = [model / "params.json", model / "model_best.h5", vcf, "-f", model / "genome.fa"]
    return ["score", *files, "-t", model / "targets.txt", "-o", out, "--stats", STATS, "--rc", "--shifts", "1,0"]


def datasets(folder: Path) -> dict[str, np.ndarray]:
    with h5py.File(folder / "sad.h5") as handle:
        return {name: handle[name][()] for name in EVERY}


@pytest.mark.parametrize("engine", ["native", "tensorflow"])
def test_scores_are_those_of_each_model_alone(models, vcf, script, tmp_path, engine):
    for name, model in zip("ab", models, strict=True):
        script("sad", *arguments(model, vcf, tmp_path / name), "--engine", engine)
    script("sad", "join", tmp_path / "a/sad.h5", tmp_path / "b/sad.h5", "-o", tmp_path / "joined")
    beside = ["--beside", models[1], "--engine", engine]
    script("sad", *arguments(models[0], vcf, tmp_path / "both"), *beside)
    joined, both = datasets(tmp_path / "joined"), datasets(tmp_path / "both")
    assert both["target_ids"].tolist() == [name.encode() for name in "ABCDEF"]
    assert not np.array_equal(both["SAD"][:, :3], both["SAD"][:, 3:])
    for name in EVERY:
        if name != "COS":
            assert np.array_equal(joined[name], both[name]), name
    # of all six tracks, from the predictions themselves where the joined have their float32
    np.testing.assert_allclose(both["COS"], joined["COS"], rtol=1e-3, atol=1e-9)


def test_a_killed_batch_goes_on_only_with_the_same_models(models, vcf, script, tmp_path):
    part = tmp_path / "x.part"
    beside = ["--beside", models[1], "--engine", "native"]
    script("sad", *arguments(models[0], vcf, tmp_path / "one"), *beside, "--partial", part)
    script("sad", *arguments(models[0], vcf, tmp_path / "two"), "--engine", "native", "--partial", part)
    assert datasets(tmp_path / "two")["SAD"].shape[1] == 3


def test_models_that_cannot_stand_side_by_side_are_refused(models, vcf, refused, tmp_path):
    given = arguments(models[0], vcf, tmp_path / "out")
    assert "the track A is in two of the models" in refused("sad", *given, "--beside", models[0])
    longer = tmp_path / "longer"
    shutil.copytree(models[1], longer)
    params = json.loads((longer / "params.json").read_text())
    params["model"]["seq_length"] = 2 * L
    (longer / "params.json").write_text(json.dumps(params))
    said = refused("sad", *given, "--beside", longer)
    assert f"reads {2 * L} bp" in said and f"the first model {L}" in said
    assert not (tmp_path / "out").exists()


def test_mutants_stand_side_by_side_too(models):
    files = [[m / name for name in ("params.json", "model_best.h5", "targets.txt")] for m in models]
    alone = [load_tracks(*f, Ensemble(True), engine="native").predictor for f in files]
    both = load_beside(load_tracks(*files[0], Ensemble(True), engine="native"), models[1:], "native").predictor
    window = np.random.default_rng(0).integers(0, 4, L, dtype=np.uint8)
    changed = np.repeat(window[None], 3, axis=0)
    changed[[0, 1, 2], [5, 30, 60]] ^= 1
    found = both.changed(window, changed, Ensemble(True))
    each = [one.changed(window, changed, Ensemble(True)) for one in alone]
    assert np.array_equal(found.mutants, np.concatenate([one.mutants for one in each], axis=2))
    assert np.array_equal(found.reference, np.concatenate([one.reference for one in each], axis=1))
    both.keep([4, 0])
    assert both.output_shape.tracks == 2
    assert np.array_equal(both.predict(changed)[..., 1], alone[0].predict(changed)[..., 0])
