"""Peaks: Poisson test of each bin, Benjamini-Hochberg, the peaks x tracks matrix, specificity bins, clusters and tissue sets.

Source of the rules: Kathail et al. 2024 (Methods; utils/call_peaks.py), with the Benjamini-Hochberg procedure as it should be by default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    pass

BINS_AT_ONCE = 1 << 20


def poisson_p(counts: NDArray[np.floating], mean: float) -> NDArray[np.float64]:
    """P(X >= round(count)) under a Poisson distribution, (n,); computed once for each distinct count."""
    from scipy.stats import poisson

    rounded, where = np.unique(np.round(counts), return_inverse=True)
    return poisson.sf(rounded - 1, mean)[where]


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
    for tied in np.unique(
        p[(q_first >= fdr) & (q_last < fdr)]
    ):  # "floor" only: of equal p values the later bins have the smaller q
        bins = np.flatnonzero(np.isin(rounded, values[p == tied]))
        rank = number[p < tied].sum() + 1 + np.arange(len(bins))
        out[bins] = np.floor(tied * number.sum() / rank) < fdr
    return out, mean


def tied_q(
    p: NDArray[np.float64], number: NDArray[np.integer], method: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def run_maximum(
    values: NDArray[np.floating], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Greatest value (k,) of each run [first, last) of `values`."""
    padded = np.append(values, values.dtype.type(0))
    return (
        np.fmax.reduceat(padded, np.column_stack([first, last]).ravel())[::2]
        if len(first)
        else np.empty(0, values.dtype)
    )
