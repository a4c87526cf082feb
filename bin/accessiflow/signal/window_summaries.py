"""Sum, mean or maximum of a bigWig over windows, many of them from one query.

Windows that lie near one another are read together, as one run of bases: a query finds its place in the file's index
and inflates whole blocks, whatever it asks for. Memory: one run of 1 Mb and its windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.signal.bigwig import BASES_AT_ONCE, open_bigwig

if TYPE_CHECKING:
    import pandas as pd

LARGEST_GAP = 1 << 13  # bp between two windows of a run: reading them costs less than another query
GATHERED = 1 << 22  # values of windows that are held at once


def window_summaries(path: Path, sites: pd.DataFrame, summary: str) -> NDArray[np.float32]:
    """Summaries (n,) of the windows of a table (chrom, start, end), bases without a value as 0.

    Args:
        path: the bigWig.
        sites: the windows, in any order; one may pass the end of its chromosome.
        summary: sum, max, or else the mean, over all bases of the window, those beyond the chromosome's end included.

    Raises:
        InputError: the file is damaged, or lacks a chromosome of the windows.
    """
    handle = open_bigwig(path)
    sizes = handle.chroms()
    unknown = sorted(set(sites["chrom"]) - set(sizes))
    if unknown:
        raise InputError(f"has no chromosome {unknown[0]}, on which test windows lie", path)
    out = np.zeros(len(sites), np.float32)
    start, end = sites["start"].to_numpy(np.int64), sites["end"].to_numpy(np.int64)
    for chrom, rows in sites.groupby("chrom", sort=False).indices.items():
        stop = np.minimum(end[rows], sizes[chrom])
        for run in _runs(start[rows], stop):
            at = rows[run]
            left, right = int(start[at].min()), int(stop[run].max())
            if right > left:
                values = _values(handle, path, str(chrom), left, right)
                out[at] = _summaries(values, start[at] - left, stop[run] - left, summary)
    handle.close()
    if summary not in ("sum", "max"):
        # by the window's own length, also where it passes the end of the chromosome, as in a dataset
        out = (out / (end - start).astype(np.float32)).astype(np.float32)
    return out


def _runs(start: NDArray[np.int64], stop: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Numbers (k,) of the windows of each run, by start."""
    order = np.argsort(start, kind="stable")
    far = np.flatnonzero(start[order][1:] - np.maximum.accumulate(stop[order])[:-1] > LARGEST_GAP) + 1
    for near in np.split(order, far):
        # A run is cut into spans: one that went along a whole chromosome would take its bases into memory.
        span = (start[near] - start[near[0]]) // BASES_AT_ONCE
        yield from np.split(near, np.flatnonzero(np.diff(span)) + 1)


def _values(handle: Any, path: Path, chrom: str, left: int, right: int) -> NDArray[np.float32]:
    try:
        values = handle.values(chrom, left, right, numpy=True)
    except RuntimeError as error:
        raise InputError(f"cannot be read at {chrom}:{left}-{right} ({error}): truncated?", path) from None
    # None from a file without any value.
    return np.nan_to_num(values) if len(values) else np.zeros(right - left, np.float32)


def _summaries(
    values: NDArray[np.float32], first: NDArray[np.int64], last: NDArray[np.int64], summary: str
) -> NDArray[np.float32]:
    """Sums or maxima (k,) of [first, last) of some values."""
    out = np.zeros(len(first), np.float32)
    width = last - first
    # Windows of one length side by side: nearly all, but for those that pass the end of the chromosome.
    for length in np.unique(width[width > 0]):
        of_length = np.flatnonzero(width == length)
        views = sliding_window_view(values, int(length))
        step = max(1, GATHERED // int(length))
        for low in range(0, len(of_length), step):
            at = of_length[low : low + step]
            part = views[first[at]]
            # The maximum of what is measured, 0 at least, as bases without a value are.
            out[at] = part.max(axis=1, initial=0) if summary == "max" else part.sum(axis=1)
    return out
