"""Peak calling and tissue sets against the paper's own code (kathail2024/01 and 07), through the script."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.peaks.calling import poisson_p
from accessiflow.statistics import benjamini_hochberg

BIN = 128
TRACKS = (0, 7, 23)


def write_coverage(path: Path, bins: np.ndarray) -> Path:
    with h5py.File(path, "w") as out:
        out.attrs.update({"bin_size": BIN, "kind": "bigwig", "scale": 1.0, "track": path.name.split(".")[0]})
        out["chr1"] = bins.astype(np.float32)
    return path


def called_bins(path: Path, n: int) -> np.ndarray:
    out = np.zeros(n, bool)
    if path.stat().st_size > 28:  # an empty bgzipped file
        for row in pd.read_csv(path, sep="\t", header=None).itertuples():
            out[row[2] // BIN : row[3] // BIN] = True
    return out


@pytest.mark.parametrize(
    ("method", "fdr", "mask"), [("correct", 0.01, "peaks_correct_bh_fdr01"), ("floor", 0.01, "peaks_upstream_fdr01")]
)
def test_called_peaks_are_the_papers(golden, script, tmp_path, method, fdr, mask):
    reference = np.load(golden / "kathail2024" / "01_poisson_peaks_bh.npz")
    for track in TRACKS:
        coverage = write_coverage(tmp_path / f"t{track}.coverage.h5", reference["targets"][:, track])
        script("peaks", "call", coverage, "--fdr", fdr, "--bh", method, "--output", tmp_path / "t.peaks.bed.gz")
        found = called_bins(tmp_path / "t.peaks.bed.gz", len(reference["targets"]))
        np.testing.assert_array_equal(found, reference[mask][:, track])


def test_p_and_q_values_are_the_papers(golden):
    reference = np.load(golden / "kathail2024" / "01_poisson_peaks_bh.npz")
    for track in range(reference["targets"].shape[1]):
        p = poisson_p(reference["targets"][:, track].astype(np.float32), float(reference["lambda_"][track]))
        np.testing.assert_allclose(p, reference["pvals"][:, track], atol=1e-7)
        given = reference["pvals"][:, track]
        np.testing.assert_allclose(benjamini_hochberg(given), reference["q_correct_bh"][:, track], atol=1e-12)
        assert ((benjamini_hochberg(given, "floor") < 0.05) == reference["peaks_upstream_fdr05"][:, track]).all()
        assert ((benjamini_hochberg(given) < 0.05) == reference["peaks_correct_bh_fdr05"][:, track]).all()


def test_q_values_of_eight_p_values(golden):
    reference = json.loads((golden / "kathail2024" / "01_ben_hoch_micro.json").read_text())
    p = np.array(reference["p"])
    np.testing.assert_allclose(benjamini_hochberg(p), reference["correct"])
    np.testing.assert_array_equal(benjamini_hochberg(p, "floor"), reference["upstream"])


def test_tissue_sets_are_the_papers(golden, script, tmp_path):
    import anndata
    from scipy.sparse import csc_matrix

    reference = np.load(golden / "kathail2024" / "07_tissue_split.npz")
    is_peak = reference["peaks"]
    n = len(is_peak)
    start = np.arange(n) * BIN
    obs = pd.DataFrame(
        {
            "chrom": "chr1",
            "start": start,
            "end": start + BIN,
            "n_tracks": is_peak.sum(axis=1),
            "specificity_bin": "",
            "cluster": "",
        }
    )
    var = pd.DataFrame(
        {"cell_type": [f"c{i}" for i in range(24)], "group": reference["tissue_category"]},
        index=[f"t{i}" for i in range(24)],
    )
    obs.index = obs.index.astype(str)
    matrix = anndata.AnnData(np.zeros(is_peak.shape, np.float32), obs, var, layers={"is_peak": csc_matrix(is_peak)})
    matrix.write_h5ad(tmp_path / "peaks.h5ad")
    script(
        "peaks",
        "sets",
        tmp_path / "peaks.h5ad",
        "--by",
        "group",
        "--min-share",
        0.3,
        "--strict-share",
        "--outdir",
        tmp_path / "sets",
    )
    for name in reference.files[2:]:
        tissue, _, half = name.rpartition("_bin_")
        bed = pd.read_csv(tmp_path / "sets" / f"{tissue}.{'high' if half == '0' else 'low'}.bed", sep="\t", header=None)
        np.testing.assert_array_equal(bed[1].to_numpy() // BIN, reference[name], err_msg=name)
