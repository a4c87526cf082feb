"""What an evaluation reads: predictions and targets of the same windows, and which windows are peaks of which track.

Windows are joined by chromosome and centre, tracks by name, either by position where a file has none. Memory: the two matrices in the precision of
their files and the peak flags (a byte a value); a second copy of a matrix only where its windows or tracks have to be reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.evaluation.readers import Floats, Matrix, read_matrix
from accessiflow.log import log

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peaks.matrix import PeakMatrix


@dataclass(frozen=True)
class Windows:
    """Aligned inputs of an evaluation.

    Attributes:
        predictions, targets: (n, T). is_peak: (n, T) bool. n_tracks: tracks with a peak at each window (n,), over all tracks of the peak file.
        tracks: names (T,). labels: specificity bins in order; specificity, cluster: (n,), "" outside the peaks.
        sites: chrom, start, end, or None. cell_types, groups: of the tracks (T,), "" where unknown; empty lists without peaks.h5ad.
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
    cell_types: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)

    @property
    def peaks_given(self) -> bool:
        """Whether a file said which windows are peaks; else `is_peak` is true everywhere and there are no specificity bins."""
        return bool(self.labels)


def read_pair(predictions: Path, targets: Path, names: Sequence[str] = ()) -> tuple[Matrix, Matrix]:
    """Predictions and targets of the windows and tracks that both files hold, in the order of the predictions.

    Args:
        names: track names for files that have none.

    Raises:
        InputError: nothing is shared, or the numbers differ where there are no coordinates or names.
    """
    given = read_matrix(predictions).named(names)
    return join(given, given if predictions == targets else read_matrix(targets).named(names), predictions, targets)


def join(given: Matrix, truth: Matrix, predictions: Path, targets: Path) -> tuple[Matrix, Matrix]:
    """The shared windows and tracks of two matrices, in the order of the first; the paths are named in refusals.

    Raises:
        InputError: as `read_pair`.
    """
    rows = _shared_windows(given, truth, predictions, targets)
    columns, tracks = _shared_tracks(given, truth, predictions, targets)
    place, at = (given.sites, rows[0]) if given.sites is not None else (truth.sites, rows[1])
    sites = None if place is None else place.iloc[at].reset_index(drop=True)
    return Matrix(_taken(given.values, rows[0], columns[0]), tracks, sites), Matrix(
        _taken(truth.values, rows[1], columns[1]), tracks, sites
    )


def _taken(values: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Floats:
    """The chosen rows and columns, without a copy where they are all in order."""
    whole = [
        len(at) == size and bool((at == np.arange(size)).all())
        for at, size in zip((rows, columns), values.shape, strict=True)
    ]
    if all(whole):
        return values
    return values[rows] if whole[1] else values[np.ix_(rows, columns)]


def _shared_windows(a: Matrix, b: Matrix, path: Path, other: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers (k,) of the shared windows in each."""
    import pandas as pd

    every = np.arange(len(a.values))
    if a.sites is None or b.sites is None:
        if len(a.values) != len(b.values):
            raise InputError(
                f"holds {len(a.values)} windows, {other.name} {len(b.values)}: without chrom, start, end in both they must agree",
                path,
            )
        return every, every
    left, right = a.centres(), b.centres()
    if np.array_equal(left, right):
        return every, every
    for keys, source in ((pd.Index(left), path), (pd.Index(right), other)):
        if keys.has_duplicates:
            raise InputError(
                f"holds two windows around {keys[keys.duplicated()][0]}: windows are joined by their centre", source
            )
    at = pd.Index(right).get_indexer(left)
    if not (at >= 0).any():
        raise InputError(
            f"shares no window with {other.name} (centres {left[0]}... and {right[0]}...): another genome or grid?",
            path,
        )
    log.info("%d windows are in %s (%d) and %s (%d)", (at >= 0).sum(), path.name, len(left), other.name, len(right))
    return every[at >= 0], at[at >= 0]


def _shared_tracks(
    a: Matrix, b: Matrix, path: Path, other: Path
) -> tuple[tuple[NDArray[np.int64], NDArray[np.int64]], list[str]]:
    """Column numbers (k,) of the shared tracks in each, and their names."""
    wide = a.values.shape[1], b.values.shape[1]
    if a.tracks is None or b.tracks is None:
        if wide[0] != wide[1]:
            raise InputError(
                f"holds {wide[0]} tracks, {other.name} {wide[1]}: without names (target_ids) in both they must agree",
                path,
            )
        return (np.arange(wide[0]), np.arange(wide[0])), a.tracks or b.tracks or [str(i) for i in range(wide[0])]
    shared = [t for t in a.tracks if t in set(b.tracks)]
    if not shared:
        raise InputError(
            f"shares no track with {other.name} ({', '.join(a.tracks[:3])}... and {', '.join(b.tracks[:3])}...)", path
        )
    if len(shared) < max(wide):
        log.info("%d tracks are in %s (%d) and %s (%d)", len(shared), path.name, wide[0], other.name, wide[1])
    return (_positions(a.tracks, shared), _positions(b.tracks, shared)), shared


def _positions(known: Sequence[str], wanted: Sequence[str]) -> NDArray[np.int64]:
    at = {name: i for i, name in enumerate(known)}
    return np.array([at[name] for name in wanted], np.int64)


def load(
    predictions: Path,
    targets: Path,
    peaks: Path | None,
    is_peak: Path | None,
    edges: list[int] | None = None,
    names: Sequence[str] = (),
) -> Windows:
    """Read and align everything.

    Args:
        peaks: peaks.h5ad: a window takes the flags of the peak bin that holds the centre of its central bases.
        is_peak: or a matrix of flags (n, T) of the windows themselves.
        edges: lower edges of the specificity bins; default: those of peaks.h5ad, or the paper's scaled to the tracks of `is_peak`.
        names: track names for files that have none.

    Raises:
        InputError: shapes, tracks or windows that do not agree.
    """
    return attach(*read_pair(predictions, targets, names), peaks, is_peak, edges, predictions)


def attach(
    given: Matrix, truth: Matrix, peaks: Path | None, is_peak: Path | None, edges: list[int] | None, source: Path
) -> Windows:
    """Aligned predictions and targets with the peaks of their windows, as `load`; `source` is named in refusals."""
    if (peaks is None) == (is_peak is None):
        raise InputError("needs either --peaks or --is-peak")
    return (
        _with_flags(given, truth, is_peak, edges)
        if is_peak is not None
        else _with_peaks(given, truth, peaks, edges, source)
    )  # type: ignore[arg-type]


def _with_flags(given: Matrix, truth: Matrix, path: Path, edges: list[int] | None) -> Windows:
    from accessiflow.peaks.specificity import bin_labels, specificity_bin, specificity_edges

    flags = read_matrix(path)
    if not np.isin(flags.values, (0, 1)).all():
        raise InputError("holds values other than 0 and 1: expected whether each window is a peak of each track", path)
    rows = _shared_windows(given, flags, Path("predictions"), path)
    if len(rows[0]) < len(given.values):
        raise InputError(f"lacks {len(given.values) - len(rows[0])} of the {len(given.values)} windows", path)
    whole = flags.values[rows[1]].astype(bool)
    columns = _flag_columns(given, flags, path)
    n_tracks = whole.sum(axis=1)
    cut = specificity_edges(whole.shape[1], edges)
    cluster = np.full(len(whole), "", dtype=object)
    return Windows(
        given.values,
        truth.values,
        whole[:, columns],
        n_tracks,
        given.tracks or [],
        bin_labels(cut),
        specificity_bin(n_tracks, cut),
        cluster,
        given.sites,
    )


def _flag_columns(given: Matrix, flags: Matrix, path: Path) -> NDArray[np.int64]:
    assert given.tracks is not None
    if flags.tracks is not None and set(given.tracks) <= set(flags.tracks):
        return _positions(flags.tracks, given.tracks)
    if flags.values.shape[1] != len(given.tracks):
        raise InputError(
            f"has {flags.values.shape[1]} tracks, the predictions {len(given.tracks)}, and their names do not agree",
            path,
        )
    return np.arange(len(given.tracks))


def _with_peaks(given: Matrix, truth: Matrix, path: Path, edges: list[int] | None, source: Path) -> Windows:
    from accessiflow.peaks.matrix import read_peaks
    from accessiflow.peaks.specificity import bin_labels, specificity_bin

    matrix = read_peaks(path)
    assert given.tracks is not None
    unknown = [t for t in given.tracks if t not in matrix.tracks]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(matrix.tracks[:8])})", path)
    rows = _peak_rows(given, matrix, path, source)
    inside, safe = rows >= 0, np.maximum(rows, 0)
    columns = _positions(matrix.tracks, given.tracks)
    flags = np.zeros(truth.values.shape, bool)
    flags[inside] = matrix.is_peak.tocsr()[rows[inside]][:, columns].toarray()

    def of(column: str) -> NDArray[np.object_]:
        return np.where(inside, matrix.obs[column].astype(str).to_numpy(dtype=object)[safe], "")

    n_tracks = np.where(inside, matrix.obs["n_tracks"].to_numpy()[safe], 0)
    specificity = specificity_bin(n_tracks, sorted(edges)) if edges else of("specificity_bin")
    labels = bin_labels(sorted(edges)) if edges else matrix.labels
    described = [
        [str(v) for v in matrix.var[name].iloc[columns]] if name in matrix.var else []
        for name in ("cell_type", "group")
    ]
    return Windows(
        given.values,
        truth.values,
        flags,
        n_tracks,
        given.tracks,
        labels,
        specificity,
        of("cluster"),
        given.sites,
        *described,
    )


def _peak_rows(given: Matrix, matrix: PeakMatrix, path: Path, source: Path) -> NDArray[np.int64]:
    """Row (n,) of the peak bin of each window, -1 for none; without coordinates the windows must be the peak bins themselves."""
    if given.sites is None:
        if len(given.values) == len(matrix.obs):
            return np.arange(len(matrix.obs))
        raise InputError(
            "does not say where its windows are (chrom, start, end): give --is-peak instead of --peaks", source
        )
    middle = (given.sites["start"].to_numpy() + given.sites["end"].to_numpy()) // 2
    rows = matrix.locate(given.sites["chrom"].to_numpy(dtype=object), middle)
    if not (rows >= 0).any():
        raise InputError(
            f"has no peak at any of the {len(rows)} windows: another genome, or no peak on their chromosomes", path
        )
    return rows
