"""The rows of peaks.h5ad without its matrices: where variants fall, and in which specificity bin or cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import open_hdf5
from accessiflow.peak_matrix import PeakMatrix, read_element, read_frames
from accessiflow.peaks import bin_labels, specificity_bin, specificity_edges

if TYPE_CHECKING:
    import pandas as pd


def read_peak_rows(path: Path, edges: Sequence[int] = ()) -> PeakMatrix:
    """Read obs, var and uns of peaks.h5ad; is_peak has no column. `edges` replace the specificity bins of the file.

    Memory: about 100 bytes a peak bin.

    Raises:
        InputError: it is no such file.
    """
    from scipy.sparse import csc_matrix

    with open_hdf5(path, ["obs", "var"]) as handle:
        obs, var = read_frames(handle, path)
        uns = {"edges": read_element(handle, "uns/edges", path)} if "uns/edges" in handle else {}
    counts = obs["n_tracks"].to_numpy()
    if edges or "specificity_bin" not in obs.columns:
        uns["edges"] = specificity_edges(len(var), edges)
        obs["specificity_bin"] = specificity_bin(counts, uns["edges"])
    obs["specificity_bin"] = obs["specificity_bin"].astype(str).to_numpy(dtype=object)
    return PeakMatrix(obs, var, csc_matrix((len(obs), 0), dtype=bool), uns)


def specificity_labels(peaks: PeakMatrix) -> list[str]:
    """Names of the specificity bins from specific to ubiquitous, those without a peak included where the file tells its edges."""
    found: pd.Series = peaks.obs.groupby("specificity_bin", observed=True)["n_tracks"].min().sort_values()
    present = [str(name) for name in found.index if name not in ("", "NA", "nan")]
    if "edges" not in peaks.uns:
        return present
    named = bin_labels([int(edge) for edge in peaks.uns["edges"]])
    return named if set(present) <= set(named) else present


def column_at(peaks: PeakMatrix, chrom: NDArray[np.object_], pos: NDArray[np.int64], column: str) -> NDArray[np.object_]:
    """Value (n,) of an obs column at the peak bin that holds base `pos` (1-based); "" outside the peaks."""
    rows = peaks.locate(chrom, pos - 1)
    out = np.full(len(rows), "", dtype=object)
    out[rows >= 0] = peaks.obs[column].astype(str).to_numpy(dtype=object)[rows[rows >= 0]]
    return out
