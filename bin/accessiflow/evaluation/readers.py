"""Matrices of windows x tracks from HDF5 (preds.h5, targets.h5, predict.h5), h5ad, npy and TSV.

Memory: the matrix in the precision of its file (half precision is widened to single, integers to double) and one block
of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_table, require_file
from accessiflow.hdf5 import as_texts, dataset, open_hdf5
from accessiflow.log import log
from accessiflow.peaks.matrix import read_element

if TYPE_CHECKING:
    import h5py
    import pandas as pd

AnyFloats = NDArray[np.floating]  # in the precision of its file
SITE = ("chrom", "start", "end")
VALUES_AT_ONCE = 1 << 24


@dataclass(frozen=True)
class Matrix:
    """Values of windows (n, T), and what the file says about them.

    Attributes:
        values: (n, T) of n windows and T tracks.
        tracks: names (T,), or None where the file has none.
        sites: chrom, start, end of the windows' central bases, or None.
    """

    values: AnyFloats
    tracks: list[str] | None
    sites: pd.DataFrame | None

    def centres(self) -> NDArray[np.object_]:
        """`chrom:centre` (n,) of each window; needs sites."""
        assert self.sites is not None
        middle = (self.sites["start"] + self.sites["end"]) // 2
        return (self.sites["chrom"].astype(str) + ":" + middle.astype(str)).to_numpy(dtype=object)

    def named(self, names: Sequence[str]) -> Matrix:
        """Itself, with these track names where it has none and their number fits."""
        if self.tracks is not None or len(names) != self.values.shape[1]:
            return self
        return replace(self, tracks=list(names))


def read_matrix(path: Path) -> Matrix:
    """Read predictions or targets.

    Raises:
        InputError: an unknown kind of file, no matrix in it, or values that are not finite.
    """
    require_file(path, "matrix file")
    reader = {".h5": _read_hdf5, ".h5ad": _read_h5ad, ".npy": _read_npy, ".tsv": _read_tsv}.get(path.suffix)
    if reader is None:
        raise InputError("is neither .h5, .h5ad, .npy nor .tsv", path)
    matrix = reader(path)
    if matrix.values.ndim != 2 or matrix.values.size == 0:
        raise InputError(f"holds an array of shape {matrix.values.shape}, expected windows x tracks", path)
    if matrix.tracks is not None and len(matrix.tracks) != matrix.values.shape[1]:
        raise InputError(f"names {len(matrix.tracks)} tracks and holds values of {matrix.values.shape[1]}", path)
    _check_finite(matrix, path)
    return matrix


def _check_finite(matrix: Matrix, path: Path) -> None:
    # Block by block: flags of the whole matrix would be another byte a value.
    step = max(VALUES_AT_ONCE // matrix.values.shape[1], 1)
    for low in range(0, len(matrix.values), step):
        bad = ~np.isfinite(matrix.values[low : low + step])
        if bad.any():
            window, column = np.argwhere(bad)[0]
            track = matrix.tracks[column] if matrix.tracks else str(column)
            value = matrix.values[low + window, column]
            raise InputError(
                f"holds {value} in window {low + window + 1}, track {track}: expected finite numbers", path
            )


def _floats(values: ArrayLike) -> AnyFloats:
    """Single precision stays, half precision and flags become single, anything else double."""
    array = np.asarray(values)
    precision = np.float32 if array.dtype in (np.float32, np.float16, np.bool_) else np.float64
    return array.astype(precision, copy=False)


def _read_hdf5(path: Path) -> Matrix:
    import pandas as pd

    with open_hdf5(path) as handle:
        names = [n for n in ("preds", "targets", "predictions", "is_peak", "labels") if n in handle]
        # Else the one dataset that can be a matrix, whatever its name.
        names = names or [n for n, item in handle.items() if getattr(item, "ndim", 0) in (2, 3)]
        if len(names) != 1:
            raise InputError(
                f"needs one dataset of windows x tracks, preds or targets (found: {', '.join(list(handle)[:8])})", path
            )
        data = dataset(handle, names[0], path, ndim=(2, 3))
        values = _summed(data) if data.ndim == 3 else _floats(data[()])
        tracks = as_texts(dataset(handle, "target_ids", path, "S")[()]) if "target_ids" in handle else None
        sites = None
        if set(SITE) <= set(handle):
            start, end = (dataset(handle, name, path, "iu")[()] for name in ("start", "end"))
            sites = pd.DataFrame(
                {"chrom": as_texts(dataset(handle, "chrom", path, "S")[()]), "start": start, "end": end}
            )
    # Coordinates of another number than the windows are those of something else.
    if sites is not None and len(sites) != len(values):
        log.warning("%s: names %d places for %d windows: not used", path.name, len(sites), len(values))
    return Matrix(values, tracks, sites if sites is None or len(sites) == len(values) else None)


def _summed(data: h5py.Dataset) -> AnyFloats:
    """Values (n, T) of a dataset (n, B, T), summed over B block by block."""
    n, positions, tracks = data.shape
    if positions == 1:
        return _floats(data[:, 0])
    out = np.empty((n, tracks))
    step = max(VALUES_AT_ONCE // max(positions * tracks, 1), 1)
    for low in range(0, n, step):
        out[low : low + step] = data[low : low + step].sum(axis=1, dtype=np.float64)
    return out


def _read_h5ad(path: Path) -> Matrix:
    with open_hdf5(path, ["obs", "var"]) as handle:
        obs, var = read_element(handle, "obs", path), read_element(handle, "var", path)
        x = read_element(handle, "X", path) if "X" in handle else np.empty((0, 0))
    values = x.toarray() if hasattr(x, "toarray") else np.asarray(x)
    sites = obs[list(SITE)].reset_index(drop=True).astype({"chrom": str}) if set(SITE) <= set(obs) else None
    return Matrix(_floats(values), [str(v) for v in var.index], sites)


def _read_npy(path: Path) -> Matrix:
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError):
        raise InputError("is not a readable .npy array", path) from None
    if values.dtype.kind not in "fiub":
        raise InputError(f"holds an array of type {values.dtype}, expected numbers", path)
    return Matrix(_floats(values[:, 0] if values.ndim == 3 and values.shape[1] == 1 else values), None, None)


def _read_tsv(path: Path) -> Matrix:
    table = read_table(path)
    sites = table[list(SITE)].astype({"chrom": str}) if set(SITE) <= set(table) else None
    # Columns that pandas wrote for an index are no tracks.
    numbers = table[[c for c in table if c not in (*SITE, "name") and not str(c).startswith("Unnamed")]]
    text = [c for c in numbers if numbers[c].dtype.kind not in "fiub"]
    if text:
        raise InputError(f"has text in the column {text[0]}", path)
    return Matrix(numbers.to_numpy(np.float64), [str(c) for c in numbers], sites)
