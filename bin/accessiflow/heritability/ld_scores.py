"""LD scores by ldsc's own rules, all annotations in one pass of the genotypes.

l(j, c) = sum over SNPs k in the window of a_c(k) (r2_jk - (1 - r2_jk) / (N - 2)). ldsc's windows are rounded to chunks of 50 SNPs: the first
b0 = 50 ceil(first j with left(j) > 0 / 50) SNPs form one complete block (all pairs); each later chunk [s, s + 50) is paired with itself and with
the SNPs [s - 50 ceil((s - left(s)) / 50), s).

Memory: the standardised genotypes (8 bytes each) of one window and a chunk, and 8 bytes a SNP and annotation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CHUNK = 50
BLOCK = 512
Floats = NDArray[np.float64]


def block_lefts(cm: Floats, window: float) -> NDArray[np.int64]:
    """left(j) (n,): the first SNP with a position of at least cM_j - window, positions sorted."""
    return np.searchsorted(cm, cm - window, side="left").astype(np.int64)


def standardise(counts: NDArray[np.uint8], missing: int = 255) -> Floats:
    """Genotypes (n, people) as z scores by SNP, missing calls at the SNP's mean; a constant SNP is all zero."""
    values = counts.astype(np.float64)
    absent = counts == missing
    if absent.any():
        values[absent] = np.nan
        means = np.nanmean(values, axis=1, keepdims=True)
        values = np.where(absent, means, values)
    values -= values.mean(axis=1, keepdims=True)
    spread = values.std(axis=1, keepdims=True)
    return values / np.where(spread > 0, spread, 1)


def ld_scores(read: Callable[[int, int], Floats], left: NDArray[np.int64], annotations: Floats, people: int) -> Floats:
    """LD scores (n, c).

    Args:
        read: standardised genotypes (high - low, people) of SNPs [low, high).
        left: see block_lefts. annotations: (n, c).
    """
    n = len(left)
    out = np.zeros_like(annotations)
    positive = np.flatnonzero(left > 0)
    first = min(-(-int(positive[0]) // CHUNK) * CHUNK, n) if len(positive) else n
    _complete(read, 0, first, annotations, out, people)
    window, base = (read(0, 0), 0) if first == n else (read(_start(first, left), first), _start(first, left))
    for start in range(first, n, CHUNK):
        begin = _start(start, left)
        window, base = window[begin - base :], begin
        chunk = read(start, min(start + CHUNK, n))
        rows = slice(start, start + len(chunk))
        pairs = _unbiased(window @ chunk.T / people, people)
        out[begin:start] += pairs @ annotations[rows]
        out[rows] += pairs.T @ annotations[begin:start]
        out[rows] += _unbiased(chunk @ chunk.T / people, people) @ annotations[rows]
        window = np.concatenate([window, chunk])
    return out


def _start(start: int, left: NDArray[np.int64]) -> int:
    """First SNP that a later chunk is paired with."""
    return max(start + int(left[start] - start) // CHUNK * CHUNK, 0)


def _complete(read: Callable[[int, int], Floats], low: int, high: int, annotations: Floats, out: Floats, people: int) -> None:
    """All pairs of SNPs in [low, high), block by block."""
    for a in range(low, high, BLOCK):
        rows = slice(a, min(a + BLOCK, high))
        mine = read(rows.start, rows.stop)
        out[rows] += _unbiased(mine @ mine.T / people, people) @ annotations[rows]
        for b in range(rows.stop, high, BLOCK):
            columns = slice(b, min(b + BLOCK, high))
            pairs = _unbiased(mine @ read(columns.start, columns.stop).T / people, people)
            out[rows] += pairs @ annotations[columns]
            out[columns] += pairs.T @ annotations[rows]


def _unbiased(correlation: Floats, people: int) -> Floats:
    squared = correlation * correlation
    return squared - (1 - squared) / (people - 2)
