"""What an evaluation reads: predictions and targets of the same windows, and which windows are peaks of which track.

Predictions and targets may be HDF5 (preds.h5, targets.h5, predict.h5: (n, B, T), summed over B), h5ad, npy or TSV (windows x tracks).
Memory: the two matrices in float64 and the peak flags.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_hdf5, read_table, require_file

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Matrix:
    """Values of windows (n, T), and what the file says about them.

    Attributes:
        tracks: names (T,), or None. sites: chrom, start, end of the windows' central bases, or None.
    """

    values: Floats
    tracks: list[str] | None
    sites: pd.DataFrame | None


@dataclass(frozen=True)
class Windows:
    """Aligned inputs of an evaluation.

    Attributes:
        predictions, targets: (n, T). is_peak: (n, T) bool. n_tracks: tracks with a peak at each window (n,), over all tracks of the peak file.
        tracks: names (T,). labels: specificity bins in order; specificity, cluster: (n,), "" outside the peaks.
        sites: chrom, start, end, or None.
    """

    predictions: Floats
    targets: Floats
    is_peak: NDArray[np.bool_]
    n_tracks: NDArray[np.int64]
    tracks: list[str]
    labels: list[str]
    specificity: NDArray[np.object_]
    cluster: NDArray[np.object_]
    sites: pd.DataFrame | None


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
    bad = ~np.isfinite(matrix.values)
    if bad.any():
        raise InputError(f"has a value that is no finite number (window {int(np.argwhere(bad)[0][0]) + 1})", path)
    return matrix


def load(predictions: Path, targets: Path, peaks: Path | None, is_peak: Path | None, edges: list[int] | None = None) -> Windows:
    """Read and align everything.

    Args:
        peaks: peaks.h5ad: a window takes the flags of the peak bin that holds the centre of its central bases.
        is_peak: or a matrix of flags (n, T) of the windows themselves.

    Raises:
        InputError: shapes, tracks or windows that do not agree.
    """
    given, truth = read_matrix(predictions), read_matrix(targets)
    if given.values.shape != truth.values.shape:
        raise InputError(f"has shape {given.values.shape}, the targets {truth.values.shape}: other windows or tracks", predictions)
    if given.tracks and truth.tracks and given.tracks != truth.tracks:
        raise InputError(f"has other tracks than {targets.name} ({', '.join(given.tracks[:3])} / {', '.join(truth.tracks[:3])})", predictions)
    tracks = given.tracks or truth.tracks or [str(i) for i in range(given.values.shape[1])]
    sites = given.sites if given.sites is not None else truth.sites
    if (peaks is None) == (is_peak is None):
        raise InputError("needs either --peaks or --is-peak")
    if is_peak is not None:
        return _with_flags(given.values, truth.values, is_peak, tracks, sites, edges)
    assert peaks is not None
    return _with_peaks(given.values, truth.values, peaks, tracks, sites, predictions)


def _with_flags(predictions: Floats, targets: Floats, path: Path, tracks: list[str], sites: pd.DataFrame | None, edges: list[int] | None) -> Windows:
    from accessiflow.peaks import bin_labels, specificity_bin, specificity_edges

    flags = read_matrix(path).values != 0
    if flags.shape != targets.shape:
        raise InputError(f"has shape {flags.shape}, the targets {targets.shape}", path)
    n_tracks = flags.sum(axis=1)
    cut = specificity_edges(flags.shape[1], edges)
    return Windows(
        predictions, targets, flags, n_tracks, tracks, bin_labels(cut), specificity_bin(n_tracks, cut), np.full(len(flags), "", object), sites
    )


def _with_peaks(predictions: Floats, targets: Floats, path: Path, tracks: list[str], sites: pd.DataFrame | None, source: Path) -> Windows:
    from accessiflow.peak_matrix import read_peaks

    if sites is None:
        raise InputError("does not say where its windows are (chrom, start, end): give --is-peak instead of --peaks", source)
    matrix = read_peaks(path)
    unknown = [t for t in tracks if t not in matrix.tracks]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(matrix.tracks[:8])})", path)
    middle = (sites["start"].to_numpy() + sites["end"].to_numpy()) // 2
    rows = matrix.locate(sites["chrom"].to_numpy(dtype=object), middle)
    inside, safe = rows >= 0, np.maximum(rows, 0)
    columns = [matrix.tracks.index(t) for t in tracks]
    flags = np.zeros(targets.shape, bool)
    flags[inside] = matrix.is_peak.tocsr()[rows[inside]][:, columns].toarray()

    def of(column: str) -> NDArray[np.object_]:
        return np.where(inside, matrix.obs[column].astype(str).to_numpy(dtype=object)[safe], "")

    n_tracks = np.where(inside, matrix.obs["n_tracks"].to_numpy()[safe], 0)
    return Windows(predictions, targets, flags, n_tracks, tracks, matrix.labels, of("specificity_bin"), of("cluster"), sites)


def _read_hdf5(path: Path) -> Matrix:
    import pandas as pd

    with open_hdf5(path) as handle:
        name = next((n for n in ("preds", "targets", "predictions") if n in handle), None)
        if name is None:
            raise InputError(f"holds neither preds nor targets (found: {', '.join(list(handle)[:8])})", path)
        values = handle[name][()].astype(np.float64)
        tracks = [t.decode() for t in handle["target_ids"][()]] if "target_ids" in handle else None
        sites = None
        if {"chrom", "start", "end"} <= set(handle):
            sites = pd.DataFrame({"chrom": [c.decode() for c in handle["chrom"][()]], "start": handle["start"][()], "end": handle["end"][()]})
    return Matrix(values.sum(axis=1) if values.ndim == 3 else values, tracks, sites)


def _read_h5ad(path: Path) -> Matrix:
    import anndata

    data = anndata.read_h5ad(path)
    x = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
    sites = data.obs[["chrom", "start", "end"]].reset_index(drop=True) if {"chrom", "start", "end"} <= set(data.obs) else None
    return Matrix(x.astype(np.float64), [str(v) for v in data.var_names], None if sites is None else sites.astype({"chrom": str}))


def _read_npy(path: Path) -> Matrix:
    try:
        values = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise InputError("is not a readable .npy array", path) from None
    return Matrix(values.astype(np.float64), None, None)


def _read_tsv(path: Path) -> Matrix:
    table = read_table(path)
    place = [c for c in ("chrom", "start", "end") if c in table]
    sites = table[place].astype({"chrom": str}) if len(place) == 3 else None
    numbers = table.drop(columns=place)
    text = [c for c in numbers if not np.issubdtype(numbers[c].dtype, np.number)]
    if text:
        raise InputError(f"has text in the column {text[0]}", path)
    return Matrix(numbers.to_numpy(np.float64), [str(c) for c in numbers], sites)
