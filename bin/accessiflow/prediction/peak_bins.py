"""The bins of peaks.h5ad as windows that predictions are compared at: their places, and their coverage in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import dataset, open_hdf5
from accessiflow.peaks.matrix import read_element, read_frames

if TYPE_CHECKING:
    import pandas as pd

_BLOCK_BYTES = 1 << 26


class PeakBins(NamedTuple):
    """Bins of peaks.h5ad.

    Attributes:
        tracks: Names (T,) of its tracks.
        sites: chrom, start, end of the bins (n,).
        rows: Their rows (n,) in the file, ascending.
    """

    tracks: list[str]
    sites: pd.DataFrame
    rows: NDArray[np.int64]


def peak_bins(path: Path, chroms: Sequence[str]) -> PeakBins:
    """The peak bins of some chromosomes; of all, where none is named.

    Raises:
        InputError: The file is no peaks.h5ad, or has no bin there.
    """
    with open_hdf5(path, ["obs", "var", "X"]) as handle:
        obs, var = read_frames(handle, path)
    sites = obs[["chrom", "start", "end"]].astype({"chrom": str}).reset_index(drop=True)
    rows = np.flatnonzero(sites["chrom"].isin(list(chroms))) if chroms else np.arange(len(sites))
    if not len(rows):
        raise InputError(f"has no bin on {', '.join(chroms)}: choose other test chromosomes", path)
    return PeakBins([str(name) for name in var.index], sites.iloc[rows].reset_index(drop=True), rows)


def coverage_blocks(path: Path, bins: PeakBins) -> Iterator[NDArray[np.float32]]:
    """Coverage (b, T) of the bins, block by block in their order."""
    step = max(1, _BLOCK_BYTES // (4 * max(1, len(bins.tracks))))
    with open_hdf5(path, ["X"]) as handle:
        dense = isinstance(handle["X"], h5py.Dataset)
        # AnnData may hold X as a sparse matrix, which is read whole
        values = dataset(handle, "X", path, ndim=(2,)) if dense else read_element(handle, "X", path).tocsr()
        for low in range(0, len(bins.rows), step):
            rows = bins.rows[low : low + step]
            if dense:
                first = int(rows[0])
                yield values[first : int(rows[-1]) + 1][rows - first].astype(np.float32)
            else:
                yield values[rows].toarray().astype(np.float32)
