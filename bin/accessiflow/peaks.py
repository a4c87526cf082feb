"""Peaks: Poisson test of each bin, Benjamini-Hochberg, the peaks x tracks matrix, specificity bins, clusters and tissue sets.

Source of the rules: Kathail et al. 2024 (Methods; utils/call_peaks.py), with the Benjamini-Hochberg procedure as it should be by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

PAPER_EDGES, PAPER_TRACKS = (1, 10, 50, 100, 300), 684
BINS_AT_ONCE = 1 << 20


def poisson_p(counts: NDArray[np.floating], mean: float) -> NDArray[np.float64]:
    """P(X >= round(count)) under a Poisson distribution, (n,); computed once for each distinct count."""
    from scipy.stats import poisson

    rounded, where = np.unique(np.round(counts), return_inverse=True)
    return poisson.sf(rounded - 1, mean)[where]


def benjamini_hochberg(p: NDArray[np.float64], method: str = "correct") -> NDArray[np.float64]:
    """q values (n,) of p values.

    Args:
        method: "correct", or "floor": floor(p m / rank) without a monotone step, ties by index, as the paper's code had it (every q is an
            integer, so that any fdr up to 1 selects the bins whose p m / rank is below 1).
    """
    if method == "correct":
        from scipy.stats import false_discovery_control

        return false_discovery_control(p) if len(p) else p
    order = np.argsort(p, kind="stable")
    q = np.empty(len(p))
    q[order] = np.floor(p[order] * len(p) / np.arange(1, len(p) + 1))
    return q


def call_bins(counts: NDArray[np.floating], fdr: float, method: str = "correct") -> tuple[NDArray[np.bool_], float]:
    """Which bins (n,) are peaks at q < fdr, and the mean that they were tested against; NaN bins are not tested.

    Every step works on the distinct rounded counts, so that a genome of bins costs one sort. Memory: 9 bytes a bin beside the counts (float32).
    """
    mean = float(np.nanmean(counts, dtype=np.float64)) if not np.isnan(counts).all() else 0.0
    out = np.zeros(len(counts), bool)
    if not mean > 0:
        return out, mean
    rounded = np.round(counts)
    values, number = np.unique(rounded[~np.isnan(rounded)], return_counts=True)
    p = poisson_p(values, mean)
    q_first, q_last = tied_q(p, number, method)
    for low in range(0, len(counts), BINS_AT_ONCE):
        part = rounded[low : low + BINS_AT_ONCE]
        at = np.minimum(np.searchsorted(values, part), len(values) - 1)
        out[low : low + BINS_AT_ONCE] = (q_first < fdr)[at] & ~np.isnan(part)
    for tied in np.unique(p[(q_first >= fdr) & (q_last < fdr)]):  # "floor" only: of equal p values the later bins have the smaller q
        bins = np.flatnonzero(np.isin(rounded, values[p == tied]))
        rank = number[p < tied].sum() + 1 + np.arange(len(bins))
        out[bins] = np.floor(tied * number.sum() / rank) < fdr
    return out, mean


def tied_q(p: NDArray[np.float64], number: NDArray[np.integer], method: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """q values of tests that come in ties: of the first and of the last test of each distinct p value.

    Args:
        p: p values (k,), in any order.
        number: tests (k,) with each.
        method: as `benjamini_hochberg`; "correct" gives all tests of a tie the same q.
    """
    order = np.argsort(p, kind="stable")
    group = np.r_[0, np.cumsum(np.diff(p[order]) > 0)]  # different counts may share a p value
    size = np.bincount(group, weights=number[order])
    level, last = p[order][np.r_[True, np.diff(group) > 0]], np.cumsum(size)
    if method == "correct":
        q = np.minimum(np.minimum.accumulate((level * last[-1] / last)[::-1])[::-1], 1)
        first_q = last_q = q
    else:
        first_q, last_q = np.floor(level * last[-1] / (last - size + 1)), np.floor(level * last[-1] / last)
    back = group[np.argsort(order, kind="stable")]
    return first_q[back], last_q[back]


def join_bins(is_peak: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and one-past-last bin (k,) of each run of adjacent peaks."""
    change = np.diff(np.concatenate([[0], is_peak.astype(np.int8), [0]]))
    return np.flatnonzero(change == 1), np.flatnonzero(change == -1)


def run_maximum(values: NDArray[np.floating], first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.floating]:
    """Greatest value (k,) of each run [first, last) of `values`."""
    padded = np.append(values, values.dtype.type(0))
    return np.fmax.reduceat(padded, np.column_stack([first, last]).ravel())[::2] if len(first) else np.empty(0, values.dtype)


def specificity_edges(n_tracks: int, given: Sequence[int] | None = None) -> list[int]:
    """Lower edges of the specificity bins, the last one open: the user's, or the paper's for 684 tracks scaled to this number."""
    if given:
        return sorted(set(given))
    return sorted({max(1, round(edge * n_tracks / PAPER_TRACKS)) for edge in PAPER_EDGES})


def bin_labels(edges: Sequence[int]) -> list[str]:
    """Names of the specificity bins, `[1,10)` ... `[300,inf)`."""
    return [f"[{low},{high})" for low, high in zip(edges, [*edges[1:], "inf"], strict=True)]


def specificity_bin(n_tracks: NDArray[np.integer], edges: Sequence[int]) -> NDArray[np.object_]:
    """Name of the specificity bin of each peak (n,); "" below the first edge."""
    labels = np.array(["", *bin_labels(edges)], dtype=object)
    return labels[np.searchsorted(np.asarray(edges), n_tracks, side="right")]


def clusters(is_peak: NDArray[np.bool_], cell_types: Sequence[str], groups: Sequence[str], ubiquitous_share: float = 0.8) -> NDArray[np.object_]:
    """Cluster of each peak (n,) from its tracks (n, T): `ubiquitous`, the one cell type or group that holds all its peaks, else `shared`."""
    by_type = _any_by(is_peak, cell_types)
    by_group = _any_by(is_peak, groups)
    out = np.full(len(is_peak), "shared", dtype=object)
    for members in (by_group, by_type) if len([g for g in by_group if g]) > 1 else (by_type,):
        stacked = np.column_stack(list(members.values()))
        single = stacked.sum(axis=1) == 1
        names = np.array(list(members), dtype=object)
        named = single & (names[stacked.argmax(axis=1)] != "")
        out[named] = names[stacked.argmax(axis=1)][named]
    share = np.column_stack(list(by_type.values())).mean(axis=1)
    out[share >= ubiquitous_share] = "ubiquitous"
    return out


def _any_by(is_peak: NDArray[np.bool_], names: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    keys = np.asarray(names, dtype=object)
    return {str(name): is_peak[:, keys == name].any(axis=1) for name in dict.fromkeys(names)}


def nearest_distance(position_start: NDArray[np.int64], position_end: NDArray[np.int64], tss: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distance (n,) of intervals [start, end) to the nearest of sorted positions: 0 inside, else gap + 1 as PyRanges counts; NaN without any."""
    if len(tss) == 0:
        return np.full(len(position_start), np.nan)
    right = np.searchsorted(tss, position_start, side="left")
    after = tss[np.minimum(right, len(tss) - 1)]
    before = tss[np.maximum(right - 1, 0)]
    up = np.where(right < len(tss), np.where(after < position_end, 0, after - position_end + 1), np.inf)
    down = np.where(right > 0, position_start - before, np.inf)
    return np.minimum(up, down).astype(np.float64)


def gc_and_cpg(codes: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """GC share (n,) of windows of base codes (n, L), and whether each passes as a CpG island: GC > 50 %, observed/expected CpG > 0.6."""
    c, g = (codes == 1).sum(axis=1), (codes == 2).sum(axis=1)
    known = (codes < 4).sum(axis=1)
    cpg = ((codes[:, :-1] == 1) & (codes[:, 1:] == 2)).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gc = (c + g) / known
        ratio = cpg * codes.shape[1] / (c * g)
    return gc, (gc > 0.5) & (np.nan_to_num(ratio, nan=0.0, posinf=0.0) > 0.6)


@dataclass(frozen=True)
class TissueSet:
    """Tissue peaks of a group or cell type, split at the median of their specificity.

    Attributes:
        name, by: the tissue, and whether it is a group or a cell type.
        median: of n_tracks over the set.
        n_tracks: tracks of the tissue.
        high, low: row numbers of the more specific half (below the median) and of the rest.
    """

    name: str
    by: str
    median: float
    n_tracks: int
    high: NDArray[np.int64]
    low: NDArray[np.int64]


def tissue_sets(
    is_peak: NDArray[np.bool_] | object, n_tracks: NDArray[np.integer], var: pd.DataFrame, by: Sequence[str], min_share: float, strict: bool = False
) -> Iterator[TissueSet]:
    """Peaks present in at least (strict: more than) `min_share` of a tissue's tracks, for each value of the columns `by`.

    Args:
        is_peak: (n, T) array or scipy sparse matrix.
        n_tracks: number of all tracks with each peak (n,).
        var: one row a track with the columns `by`.
    """
    for column in by:
        for name in dict.fromkeys(value for value in var[column] if value):
            members = np.flatnonzero((var[column] == name).to_numpy())
            share = np.asarray(is_peak[:, members].sum(axis=1)).ravel() / len(members)  # type: ignore[index]
            chosen = np.flatnonzero((share > min_share) if strict else (share >= min_share - 1e-12))
            median = float(np.median(n_tracks[chosen])) if len(chosen) else float("nan")
            specific = n_tracks[chosen] < median
            yield TissueSet(str(name), column, median, len(members), chosen[specific], chosen[~specific])


def mask_excluded(bins: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64], bin_size: int) -> NDArray[np.float64]:
    """Bins (n,) with NaN where a bin touches an excluded interval."""
    out = bins.copy()
    for start, end in zip(starts, ends, strict=True):
        if end > start:
            out[start // bin_size : (end - 1) // bin_size + 1] = np.nan
    return out


def global_bins(sizes: Mapping[str, int], bin_size: int) -> dict[str, int]:
    """Number of the first bin of each chromosome when all are laid end to end."""
    counts = [size // bin_size for size in sizes.values()]
    return dict(zip(sizes, np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int).tolist(), strict=True))
