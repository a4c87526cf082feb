"""Reference accuracy against the paper's own code (kathail2024/02), through the script."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

EDGES = "1,4,8,12,18"


@pytest.fixture
def inputs(golden, tmp_path):
    reference = np.load(golden / "kathail2024" / "02_inputs.npz")
    for name in ("preds", "targets", "peaks"):
        np.save(tmp_path / f"{name}.npy", reference[name])
    with h5py.File(tmp_path / "preds.h5", "w") as out:
        out["preds"] = reference["preds"][:, None, :]
    return tmp_path


@pytest.mark.parametrize("predictions", ["preds.npy", "preds.h5"])
def test_pearson_by_specificity_bin_is_the_papers(golden, script, inputs, predictions):
    script(
        *("evaluate", "specificity", "--predictions", inputs / predictions, "--targets", inputs / "targets.npy", "--is-peak", inputs / "peaks.npy"),
        *("--edges", EDGES, "--min-track-peaks", 10, "--min-bin-peaks", 5, "--output", inputs / "out.tsv"),
    )
    table = pd.read_csv(inputs / "out.tsv", sep="\t", dtype={"track": str})
    for column, file, tolerance in (("pearson", "02_bin_pearson.tsv", 1e-5), ("n", "02_bin_num_peaks.tsv", 0)):
        reference = pd.read_csv(golden / "kathail2024" / file, sep="\t", index_col=0)
        found = table[column].to_numpy().reshape(reference.shape)
        np.testing.assert_allclose(found, reference.to_numpy(), atol=tolerance)
