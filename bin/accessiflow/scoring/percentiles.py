"""Percentiles of scores, gathered while the scores are written: nothing is read a second time row by row.

float16: its 65,536 values are counted for each track. Other precisions: each track's scores wait side by side, in
memory where they are few, else in a temporary file that is read track by track. Either gives numpy's percentiles of all
values.

Memory: 256 kB a track for counts, or 256 MB of columns, and 64 MB of scores that wait.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accessiflow.dataset.scratch import WaitingTable
from accessiflow.statistics import Doubles

# Basenji's: finer in the tails, where the effects are
PERCENTILES = np.concatenate([np.arange(0.001, 0.1, 0.001), np.arange(0.1, 0.9, 0.01), np.arange(0.9, 1, 0.001)])
_HALVES = 1 << 16  # values of a float16
COUNTED_FROM = 1 << 16  # variants: of fewer the columns themselves are smaller than the counts
COLUMN_BYTES = 1 << 28  # of columns that are held in memory
WAITING_BYTES = 1 << 26
Scores = NDArray[np.floating]


class Percentiles:
    """Percentiles of each track (T,) of scores that come in blocks of rows, in order.

    A context manager: the temporary file is gone at its end.
    """

    def __init__(self, rows: int, tracks: int, dtype: DTypeLike) -> None:
        """For scores (rows, tracks) of a precision."""
        self._shape, self._dtype = (rows, tracks), np.dtype(dtype)
        self._waiting: list[Scores] = []
        counted = self._dtype == np.float16 and rows > COUNTED_FROM
        self._store: _Counts | _Columns = (_Counts if counted else _Columns)(rows, tracks, self._dtype)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the temporary file."""
        self._store.close()

    def add(self, values: Scores) -> None:
        """The next rows (k, T), in the precision of the file."""
        self._waiting.append(values)
        # Many rows at once: each track takes a step of its own for every flush.
        if sum(block.nbytes for block in self._waiting) >= WAITING_BYTES:
            self._flush()

    def table(self) -> Scores:
        """Percentiles (T, 279), linear, in the precision of the scores; NaN without rows."""
        self._flush()
        rows, tracks = self._shape
        out = np.full((tracks, len(PERCENTILES)), np.nan, self._dtype)
        for track in range(tracks if rows else 0):
            out[track] = self._store.percentiles(track)
        return out

    def _flush(self) -> None:
        if self._waiting:
            self._store.add(np.concatenate(self._waiting))
            self._waiting = []


class _Counts:
    """How often each float16 occurs in each track."""

    def __init__(self, rows: int, tracks: int, _dtype: np.dtype[Any]) -> None:
        self._counts = np.zeros((tracks, _HALVES), np.uint32 if rows < 1 << 32 else np.uint64)

    def add(self, values: Scores) -> None:
        bits = np.ascontiguousarray(values.T).view(np.uint16)
        for track, column in enumerate(bits):
            self._counts[track] += np.bincount(column, minlength=_HALVES).astype(self._counts.dtype)

    def percentiles(self, track: int) -> Doubles:
        return percentiles_of_counts(self._counts[track])

    def close(self) -> None:
        pass


class _Columns:
    """The scores of each track one after the other."""

    def __init__(self, rows: int, tracks: int, dtype: np.dtype[Any]) -> None:
        self._table, self._done = WaitingTable(tracks, rows, dtype, COLUMN_BYTES), 0

    def add(self, values: Scores) -> None:
        self._table.put_band(self._done, values.T)
        self._done += len(values)

    def percentiles(self, track: int) -> Scores:
        return np.percentile(self._table.take(np.array([track]))[0], 100 * PERCENTILES)

    def close(self) -> None:
        self._table.__exit__()


def percentiles_of_counts(counts: NDArray[np.unsignedinteger]) -> Doubles:
    """Percentiles (279,) of float16 values, by how often each of the 65,536 bit patterns occurs.

    They are those of `numpy.percentile` of the values themselves: the same two neighbours, interpolated by the same
    arithmetic.
    """
    values = np.arange(_HALVES, dtype=np.uint16).view(np.float16)
    if counts[np.isnan(values)].any():
        return np.full(len(PERCENTILES), np.nan)
    order = np.argsort(values, kind="stable")  # NaN last: none of them is there
    below_or_equal = np.cumsum(counts[order], dtype=np.int64)
    n = below_or_equal[-1]
    place = (n - 1) * np.true_divide(100 * PERCENTILES, 100)
    first = np.floor(place).astype(np.int64)
    low, high = (
        values[order[np.searchsorted(below_or_equal, rank, side="right")]]
        for rank in (first, np.minimum(first + 1, n - 1))
    )
    share = place - first
    with np.errstate(over="ignore", invalid="ignore"):  # a difference beyond float16 is infinite, as numpy has it
        step = high - low
        return np.where(share >= 0.5, high - step * (1 - share), low + step * share)
