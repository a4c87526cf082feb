"""LD scores by ldsc's own rules, all annotations in one pass of the genotypes.

l(j, c) = sum over SNPs k in the window of a_c(k) (r2_jk - (1 - r2_jk) / (N - 2)). ldsc's windows are rounded to chunks
of 50 SNPs: the first b0 = 50 ceil(first j with left(j) > 0 / 50) SNPs form one complete block (all pairs); each later
chunk [s, s + 50) is paired with itself and with the SNPs [s - 50 ceil((s - left(s)) / 50), s).

Memory: the standardised genotypes (8 bytes each) of one window and a block, and 8 bytes a SNP and annotation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

CHUNK = 50
STEP = 4 * CHUNK
BLOCK = 512
Floats = NDArray[np.float64]
Read = Callable[[int, int], Floats]


def block_lefts(cm: Floats, window: float) -> NDArray[np.int64]:
    """left(j) (n,): the first SNP k with cM_j - cM_k <= window, positions sorted; differences in float64, as ldsc's."""
    left = np.searchsorted(cm, cm - window * (1 + 1e-9) - 1e-9, side="left").astype(np.int64)
    while (far := cm - cm[left] > window).any():
        left += far
    return left


def standardise(counts: NDArray[np.uint8], missing: int = 255) -> Floats:
    """Genotypes (n, people) as z scores by SNP, missing calls at the SNP's mean; a constant SNP is all zero."""
    values = counts.astype(np.float64)
    absent = counts == missing
    gaps = absent.any(axis=1)
    if gaps.any():
        part, holes = values[gaps], absent[gaps]
        known = np.maximum((~holes).sum(axis=1, keepdims=True), 1)
        values[gaps] = np.where(holes, np.where(holes, 0, part).sum(axis=1, keepdims=True) / known, part)
    values -= values.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", values, values) / counts.shape[1])[:, None]
    values /= np.where(spread > 0, spread, 1)
    return values


def ld_scores(read: Read, left: NDArray[np.int64], annotations: Floats, people: int) -> Floats:
    """LD scores (n, c).

    Args:
        read: standardised genotypes (high - low, people) of SNPs [low, high).
        left: see block_lefts.
        annotations: (n, c).
    """
    n = len(left)
    out = np.zeros_like(annotations)
    positive = np.flatnonzero(left > 0)
    first = min(-(-int(positive[0]) // CHUNK) * CHUNK, n) if len(positive) else n
    _complete(read, first, annotations, out, people)
    if first < n:
        _slide(read, first, left, annotations, out, people)
    return out


def _slide(read: Read, first: int, left: NDArray[np.int64], annotations: Floats, out: Floats, people: int) -> None:
    """The chunks from `first` on, several at a time; `held` are the genotypes of SNPs [base, base + len(held))."""
    n, base = len(left), _start(first, left)
    held = read(base, first)
    for block in range(first, n, STEP):
        begin, end = _start(block, left), min(block + STEP, n)
        held, base = np.concatenate([held[begin - base :], read(block, end)]), begin
        pairs = _unbiased(held, held[block - base :], people)
        for start in range(block + CHUNK, end, CHUNK):  # a later chunk's window starts later
            chunk, outside = slice(start - block, start - block + CHUNK), _start(start, left)
            pairs[: outside - base, chunk] = 0
            pairs[block - base :][chunk, : max(outside - block, 0)] = 0
        out[base:block] += pairs[: block - base] @ annotations[block:end]
        out[block:end] += pairs.T @ annotations[base:end]


def _start(start: int, left: NDArray[np.int64]) -> int:
    """First SNP that a later chunk is paired with."""
    return max(start + int(left[start] - start) // CHUNK * CHUNK, 0)


def _complete(read: Read, high: int, annotations: Floats, out: Floats, people: int) -> None:
    """All pairs of SNPs in [0, high), block by block."""
    for low in range(0, high, BLOCK):
        rows = slice(low, min(low + BLOCK, high))
        mine = read(rows.start, rows.stop)
        out[rows] += _unbiased(mine, mine, people) @ annotations[rows]
        for start in range(rows.stop, high, BLOCK):
            columns = slice(start, min(start + BLOCK, high))
            pairs = _unbiased(mine, read(columns.start, columns.stop), people)
            out[rows] += pairs @ annotations[columns]
            out[columns] += pairs.T @ annotations[rows]


def _unbiased(one: Floats, other: Floats, people: int) -> Floats:
    """r2 - (1 - r2) / (N - 2) of every pair (rows of one, rows of other)."""
    values = one @ other.T
    values *= np.sqrt((people - 1) / (people - 2)) / people
    np.square(values, out=values)
    values -= 1 / (people - 2)
    return values
