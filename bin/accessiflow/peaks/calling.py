"""Peak calling: a Poisson test of each bin and the Benjamini-Hochberg procedure.

Source of the rules: Kathail et al. 2024 (Methods; utils/call_peaks.py). The paper's code rounds its q values down to
whole numbers, so that 0 is significant: the method "floor". The default is the textbook's procedure.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS_AT_ONCE = 1 << 20


class CalledBins(NamedTuple):
    """Which bins (n,) are peaks, and the mean that they were tested against."""

    is_peak: NDArray[np.bool_]
    mean: float


class TiedQ(NamedTuple):
    """q values (k,) of the first and of the last test of each distinct p value."""

    first: NDArray[np.float64]
    last: NDArray[np.float64]


class BinRuns(NamedTuple):
    """First and one-past-last bin (k,) of runs of adjacent peaks."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]


def poisson_p(counts: NDArray[np.floating], mean: float) -> NDArray[np.float64]:
    """P(X >= round(count)) under a Poisson distribution, (n,); computed once for each distinct count."""
    from scipy.stats import poisson

    rounded, where = np.unique(np.round(counts), return_inverse=True)
    return poisson.sf(rounded - 1, mean)[where]  # sf is P(X > x)


def call_bins(counts: NDArray[np.floating], fdr: float, method: str = "correct") -> CalledBins:
    """Call the bins whose q value is below `fdr`; NaN bins are not tested.

    Every step works on the distinct rounded counts, so that a genome of bins costs one sort.
    Memory: 9 bytes a bin in addition to the counts (float32).

    Args:
        counts: insertions in each bin (n,).
        fdr: false discovery rate.
        method: "correct" or "floor".
    """
    mean = float(np.nanmean(counts, dtype=np.float64)) if not np.isnan(counts).all() else 0.0
    out = np.zeros(len(counts), bool)
    if not mean > 0:
        return CalledBins(out, mean)
    rounded = np.round(counts)
    values, number = np.unique(rounded[~np.isnan(rounded)], return_counts=True)
    p = poisson_p(values, mean)
    q = tied_q(p, number, method)
    for low in range(0, len(counts), BINS_AT_ONCE):
        part = rounded[low : low + BINS_AT_ONCE]
        at = np.minimum(np.searchsorted(values, part), len(values) - 1)
        out[low : low + BINS_AT_ONCE] = (q.first < fdr)[at] & ~np.isnan(part)
    # With "floor" only: of bins with equal p values, those later in the genome have a later rank and a smaller q.
    for tied in np.unique(p[(q.first >= fdr) & (q.last < fdr)]):
        bins = np.flatnonzero(np.isin(rounded, values[p == tied]))
        rank = number[p < tied].sum() + 1 + np.arange(len(bins))
        out[bins] = np.floor(tied * number.sum() / rank) < fdr
    return CalledBins(out, mean)


def tied_q(p: NDArray[np.float64], number: NDArray[np.integer], method: str) -> TiedQ:
    """q values of tests that come in ties.

    Args:
        p: p values (k,), in any order.
        number: how many tests (k,) have each.
        method: "correct" or "floor"; "correct" gives all tests of a tie the same q.
    """
    order = np.argsort(p, kind="stable")
    group = np.r_[0, np.cumsum(np.diff(p[order]) > 0)]  # different counts may share a p value
    size = np.bincount(group, weights=number[order])
    level = p[order][np.r_[True, np.diff(group) > 0]]
    last_rank = np.cumsum(size)
    total = last_rank[-1]
    if method == "correct":
        q = np.minimum(np.minimum.accumulate((level * total / last_rank)[::-1])[::-1], 1)
        first_q = last_q = q
    else:
        first_q = np.floor(level * total / (last_rank - size + 1))
        last_q = np.floor(level * total / last_rank)
    back = group[np.argsort(order, kind="stable")]  # from sorted groups to the order of `p`
    return TiedQ(first_q[back], last_q[back])


def join_bins(is_peak: NDArray[np.bool_]) -> BinRuns:
    """The runs of adjacent peaks among bins (n,)."""
    change = np.diff(np.concatenate([[0], is_peak.astype(np.int8), [0]]))
    return BinRuns(np.flatnonzero(change == 1), np.flatnonzero(change == -1))


def run_maximum(
    values: NDArray[np.floating], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.floating]:
    """Greatest value (k,) of each run [first, last) of `values`."""
    if len(first) == 0:
        return np.empty(0, values.dtype)
    # reduceat takes the maximum up to the next index: every second one is of the gap between two runs. The pad lets the
    # last run end at the last bin.
    padded = np.append(values, values.dtype.type(0))
    return np.fmax.reduceat(padded, np.column_stack([first, last]).ravel())[::2]
