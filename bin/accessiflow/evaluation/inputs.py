"""What an evaluation reads: predictions and targets of the same windows, and which windows are peaks of which track.

Windows are joined by chromosome and centre, tracks by name, either by position where a file has none. Memory: the two
matrices in the precision of their files and the peak flags (a byte a value); a second copy of a matrix only where its
windows or tracks have to be reordered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.evaluation.readers import AnyFloats, Matrix, read_matrix
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peaks.matrix import PeakMatrix


@dataclass(frozen=True)
class EvaluatedWindows:
    """Aligned inputs of an evaluation.

    Attributes:
        predictions, targets: of n windows in T tracks (n, T).
        is_peak: whether each window is a peak of each track (n, T).
        n_tracks: tracks with a peak at each window (n,), over all tracks of the peak file.
        tracks: their names (T,).
        labels: names of the specificity bins, in order.
        specificity, cluster: of each window (n,), "" outside the peaks.
        sites: chrom, start, end of each window, or None where the files do not say.
        cell_types, groups: of the tracks (T,), "" where unknown; empty lists without peaks.h5ad.
        known_types: cell types and groups of all tracks of peaks.h5ad, also of those that are not predicted.
    """

    predictions: AnyFloats
    targets: AnyFloats
    is_peak: NDArray[np.bool_]
    n_tracks: NDArray[np.int64]
    tracks: list[str]
    labels: list[str]
    specificity: NDArray[np.object_]
    cluster: NDArray[np.object_]
    sites: pd.DataFrame | None
    cell_types: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    known_types: frozenset[str] = frozenset()

    def take(self, rows: NDArray[np.int64]) -> EvaluatedWindows:
        """Some of the windows, by their numbers."""
        return replace(
            self,
            predictions=self.predictions[rows],
            targets=self.targets[rows],
            is_peak=self.is_peak[rows],
            n_tracks=self.n_tracks[rows],
            specificity=self.specificity[rows],
            cluster=self.cluster[rows],
            sites=None if self.sites is None else self.sites.iloc[rows].reset_index(drop=True),
        )

    @property
    def peaks_given(self) -> bool:
        """Whether a file said which windows are peaks; else all are, and there are no specificity bins."""
        return bool(self.labels)


class AlignedPair(NamedTuple):
    """Predictions and targets of the same windows and tracks, in the same order."""

    predictions: Matrix
    targets: Matrix


class Shared(NamedTuple):
    """Where the windows or tracks that two files share stand in either: numbers (k,)."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]


def read_pair(predictions: Path, targets: Path, names: Sequence[str] = ()) -> AlignedPair:
    """Predictions and targets of the windows and tracks that both files hold, in the order of the predictions.

    Args:
        names: track names for files that have none.

    Raises:
        InputError: nothing is shared, or the numbers differ where there are no coordinates or names.
    """
    given = read_matrix(predictions).named(names)
    return join(given, given if predictions == targets else read_matrix(targets).named(names), predictions, targets)


def join(given: Matrix, truth: Matrix, predictions: Path, targets: Path) -> AlignedPair:
    """The shared windows and tracks of two matrices, in the order of the first; the paths are named in refusals.

    Raises:
        InputError: as `read_pair`.
    """
    rows = _shared_windows(given, truth, predictions, targets)
    columns, tracks = _shared_tracks(given, truth, predictions, targets)
    # A file without coordinates takes those of the other.
    place, at = (given.sites, rows.first) if given.sites is not None else (truth.sites, rows.second)
    sites = None if place is None else place.iloc[at].reset_index(drop=True)
    return AlignedPair(
        Matrix(_taken(given.values, rows.first, columns.first), tracks, sites),
        Matrix(_taken(truth.values, rows.second, columns.second), tracks, sites),
    )


def _taken(values: AnyFloats, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> AnyFloats:
    """The chosen rows and columns, without a copy where they are all in order."""
    whole = [
        len(at) == size and bool((at == np.arange(size)).all())
        for at, size in zip((rows, columns), values.shape, strict=True)
    ]
    if all(whole):
        return values
    return values[rows] if whole[1] else values[np.ix_(rows, columns)]


def _shared_windows(a: Matrix, b: Matrix, path: Path, other: Path, count: bool = True) -> Shared:
    """The windows that two matrices share; those of one alone are counted where both are what is evaluated."""
    import pandas as pd

    every = np.arange(len(a.values))
    if a.sites is None or b.sites is None:
        if len(a.values) != len(b.values):
            raise InputError(
                f"holds {len(a.values)} windows, {other.name} {len(b.values)}: "
                "without chrom, start, end in both they must agree",
                path,
            )
        return Shared(every, every)
    left, right = a.centres(), b.centres()
    # The usual case: nothing to reorder.
    if np.array_equal(left, right):
        return Shared(every, every)
    # A centre that stands twice could be joined with either.
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
    shared = int((at >= 0).sum())
    if count:
        left_out("windows", len(left) - shared, len(left), f"not in {other.name}", source=path.name)
        left_out("windows", len(right) - shared, len(right), f"not in {path.name}", source=other.name)
    return Shared(every[at >= 0], at[at >= 0])


def _shared_tracks(a: Matrix, b: Matrix, path: Path, other: Path) -> tuple[Shared, list[str]]:
    """The shared tracks, and their names."""
    wide = a.values.shape[1], b.values.shape[1]
    if a.tracks is None or b.tracks is None:
        if wide[0] != wide[1]:
            raise InputError(
                f"holds {wide[0]} tracks, {other.name} {wide[1]}: without names (target_ids) in both they must agree",
                path,
            )
        numbers = np.arange(wide[0])
        return Shared(numbers, numbers), a.tracks or b.tracks or [str(number) for number in numbers]
    shared = [t for t in a.tracks if t in set(b.tracks)]
    if not shared:
        raise InputError(
            f"shares no track with {other.name} ({', '.join(a.tracks[:3])}... and {', '.join(b.tracks[:3])}...)", path
        )
    for own, file, beside in ((wide[0], path, other), (wide[1], other, path)):
        left_out("tracks", own - len(shared), own, f"not in {beside.name}", source=file.name)
    return Shared(_positions(a.tracks, shared), _positions(b.tracks, shared)), shared


def _positions(known: Sequence[str], chosen: Sequence[str]) -> NDArray[np.int64]:
    at = {name: i for i, name in enumerate(known)}
    return np.array([at[name] for name in chosen], np.int64)


def load(
    predictions: Path,
    targets: Path,
    peaks: Path | None,
    is_peak: Path | None,
    edges: list[int] | None = None,
    names: Sequence[str] = (),
) -> EvaluatedWindows:
    """Read and align everything.

    Args:
        peaks: peaks.h5ad: a window takes the flags of the peak bin that holds the centre of its central bases.
        is_peak: or a matrix of flags (n, T) of the windows themselves.
        edges: lower edges of the specificity bins; without them those of peaks.h5ad, or the paper's scaled to the
            tracks of `is_peak`.
        names: track names for files that have none.

    Raises:
        InputError: shapes, tracks or windows that do not agree.
    """
    return attach(*read_pair(predictions, targets, names), peaks, is_peak, edges, predictions)


def attach(
    given: Matrix, truth: Matrix, peaks: Path | None, is_peak: Path | None, edges: list[int] | None, source: Path
) -> EvaluatedWindows:
    """Aligned predictions and targets with the peaks of their windows, as `load`; `source` is named in refusals."""
    if (peaks is None) == (is_peak is None):
        raise InputError("needs either --peaks or --is-peak")
    if is_peak is not None:
        return _with_flags(given, truth, is_peak, edges)
    assert peaks is not None
    return _with_peaks(given, truth, peaks, edges, source)


def _with_flags(given: Matrix, truth: Matrix, path: Path, edges: list[int] | None) -> EvaluatedWindows:
    from accessiflow.peaks.specificity import bin_labels, specificity_bin, specificity_edges

    flags = read_matrix(path)
    if not np.isin(flags.values, (0, 1)).all():
        raise InputError("holds values other than 0 and 1: expected whether each window is a peak of each track", path)
    rows = _shared_windows(given, flags, Path("predictions"), path, count=False)
    if len(rows.first) < len(given.values):
        raise InputError(f"lacks {len(given.values) - len(rows.first)} of the {len(given.values)} windows", path)
    whole = flags.values[rows.second].astype(bool)
    columns = _flag_columns(given, flags, path)
    # Specificity counts all tracks of the file, also those that are not predicted.
    n_tracks = whole.sum(axis=1)
    cut = specificity_edges(whole.shape[1], edges)
    cluster = np.full(len(whole), "", dtype=object)
    return EvaluatedWindows(
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


def _with_peaks(given: Matrix, truth: Matrix, path: Path, edges: list[int] | None, source: Path) -> EvaluatedWindows:
    from accessiflow.peaks.matrix import read_peaks
    from accessiflow.peaks.specificity import bin_labels, specificity_bin

    matrix = read_peaks(path)
    assert given.tracks is not None
    unknown = [t for t in given.tracks if t not in matrix.tracks]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(matrix.tracks[:8])})", path)
    rows = _peak_rows(given, matrix, path, source)
    # A window without a peak bin takes the first row, and what it took is blanked again.
    inside, safe = rows >= 0, np.maximum(rows, 0)
    left_out("windows", int((~inside).sum()), len(rows), "in no peak bin", expected=True)
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
    return EvaluatedWindows(
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
        frozenset(str(v) for name in ("cell_type", "group") if name in matrix.var for v in matrix.var[name]),
    )


def _peak_rows(given: Matrix, matrix: PeakMatrix, path: Path, source: Path) -> NDArray[np.int64]:
    """Row (n,) of the peak bin of each window, -1 for none."""
    if given.sites is None:
        # Predictions of the peak bins themselves need not say where they are.
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
