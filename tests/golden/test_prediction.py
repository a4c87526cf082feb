"""Predictions against those of the original basenji_predict_bed and basenji_test, through predict.py."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from accessiflow.files import read_table
from accessiflow.genome import UNKNOWN, Fasta
from accessiflow.prediction.windows import centred

pytest.importorskip("keras")


@pytest.fixture(scope="module")
def basenji(golden):
    return golden / "basenji"


@pytest.fixture(scope="module")
def model(basenji):
    return basenji / "params_small.json", basenji / "model/model_best_small.h5"


@pytest.fixture(scope="module")
def tested(script, basenji, model, tmp_path_factory):
    out = tmp_path_factory.mktemp("test")
    script("predict", "test", *model, basenji / "data_plain", "-o", out, "--save", "--threads", 1)
    return out


def test_bed_regions_get_the_predictions_of_the_original(script, basenji, model, tmp_path):
    inputs = basenji / "inputs"
    site = ("-f", inputs / "genome.fa", "-t", inputs / "targets.txt", "-o", tmp_path, "--threads", 1)
    script("predict", "bed", *model, inputs / "predict.bed", *site, "--rc", "--shifts", "1,0,-1")
    with h5py.File(tmp_path / "predict.h5") as ours, h5py.File(basenji / "predict_bed/predict.h5") as original:
        for name in ("chrom", "start", "end"):
            assert np.array_equal(ours[name][()], original[name][()]), name
            assert ours[name].dtype == original[name].dtype
        assert ours["target_ids"][()].tolist() == [b"T0", b"T1", b"T2", b"T3"]
        assert ours["preds"].dtype == np.float64
        chroms = [c.decode() for c in original["chrom"][()]]
        middles = (original["start"][()] + original["end"][()]) // 2
        with Fasta(inputs / "genome.fa") as genome:
            known = ~(centred(genome, chroms, middles, 1344) == UNKNOWN).any(axis=1)
        assert known.sum() == 78
        np.testing.assert_allclose(ours["preds"][()][known], original["preds"][()][known], rtol=1e-5, atol=1e-5)


def test_accuracy_table_is_that_of_the_original(tested, basenji):
    ours, original = (read_table(folder / "acc.txt") for folder in (tested, basenji / "test"))
    assert ours.columns.tolist() == original.columns.tolist()
    assert ours[["index", "identifier", "description"]].equals(original[["index", "identifier", "description"]])
    # windows with N differ: the original draws a base
    np.testing.assert_allclose(ours[["pearsonr", "r2"]], original[["pearsonr", "r2"]], atol=2e-4)


def test_saved_predictions_and_targets_are_those_of_the_original(tested, basenji):
    for name, dataset in (("preds", "preds"), ("targets", "targets")):
        with h5py.File(tested / f"{name}.h5") as ours, h5py.File(basenji / f"test/{name}.h5") as original:
            assert ours[dataset].dtype == original[dataset].dtype
            np.testing.assert_allclose(ours[dataset][()], original[dataset][()], rtol=1e-5, atol=1e-5)


def test_saved_sites_are_the_central_targets_of_the_windows(tested, basenji):
    windows = [
        line.split("\t")
        for line in (basenji / "data_plain/sequences.bed").read_text().splitlines()
        if line.endswith("test")
    ]
    with h5py.File(tested / "targets.h5") as ours:
        assert ours["chrom"][()].tolist() == [w[0].encode() for w in windows]
        assert ours["start"][()].tolist() == [int(w[1]) + 576 for w in windows]
        assert set((ours["end"][()] - ours["start"][()]).tolist()) == {192}
