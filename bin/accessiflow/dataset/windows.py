"""Which windows a dataset holds, in which order: contigs, strides, folds, Basenji's seeded shuffle."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accessiflow.intervals import FOLDS, IntervalSet

if TYPE_CHECKING:
    import pandas as pd

BREAK_ABOVE = 786_432
SHUFFLE_SEED = 44


class Contig(NamedTuple):
    """A stretch of a chromosome without gaps, [start, end)."""

    chrom: str
    start: int
    end: int


class Window(NamedTuple):
    """A model input [start, end) and its fold."""

    chrom: str
    start: int
    end: int
    fold: str


@dataclass(frozen=True)
class Geometry:
    """Lengths in bp.

    Attributes:
        seq_length: of a window. crop: bases cut from each side of the target. target_width: bases summed into one target value.
        stride, stride_test: distance of neighbouring windows in training/validation and test contigs.
    """

    seq_length: int = 1344
    crop: int = 576
    target_width: int = 192
    stride: int = 192
    stride_test: int = 192

    @property
    def target_length(self) -> int:
        """Target values of a window and track."""
        return (self.seq_length - 2 * self.crop) // self.target_width


def contigs_of(sizes: Mapping[str, int], gaps: pd.DataFrame | None, limit: pd.DataFrame | None, seq_length: int) -> list[Contig]:
    """Chromosomes minus gaps, cut to the intervals of `limit` (an intersection for each, duplicates stay), of seq_length at least."""
    pieces: list[Contig] = []
    blocked = IntervalSet(gaps) if gaps is not None else None
    for chrom, size in sizes.items():
        starts, ends = blocked.merged(chrom) if blocked is not None else (np.empty(0, int), np.empty(0, int))
        edges = [0, *np.column_stack([starts, ends]).ravel().tolist(), size]
        pieces += [Contig(chrom, a, min(b, size)) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    if limit is not None:
        pieces = [part for piece in pieces for part in _intersect(piece, limit)]
    return [c for c in pieces if c.end - c.start >= seq_length]


def _intersect(piece: Contig, limit: pd.DataFrame) -> list[Contig]:
    rows = limit[(limit["chrom"] == piece.chrom) & (limit["start"] < piece.end) & (limit["end"] > piece.start)]
    hits = sorted(zip(rows["start"].tolist(), rows["end"].tolist(), strict=True), key=lambda hit: _bedtools_bin(*hit))
    return [Contig(piece.chrom, max(piece.start, s), min(piece.end, e)) for s, e in hits]


def _bedtools_bin(start: int, end: int) -> tuple[int, int]:
    """Level and number of the UCSC bin that holds an interval: bedtools reports the hits of a region bin by bin, finest level (16 kb) first."""
    level, low, high = 0, start >> 14, (end - 1) >> 14
    while low != high:
        level, low, high = level + 1, low >> 3, high >> 3
    return level, low


def break_contigs(contigs: Sequence[Contig], lose_largest: bool = False) -> list[Contig]:
    """Halve contigs above 786,432 bp until none is left, in Basenji's heap order.

    Args:
        lose_largest: drop the last one taken from the heap, as Basenji does.
    """
    heap: list[tuple[int, Contig]] = []
    for contig in contigs:
        heapq.heappush(heap, (contig.start - contig.end, contig))
    while heap:
        length, contig = heapq.heappop(heap)
        if -length <= BREAK_ABOVE:
            if not lose_largest:
                heapq.heappush(heap, (length, contig))
            break
        middle = contig.start + (-length) // 2
        for part in (Contig(contig.chrom, contig.start, middle), Contig(contig.chrom, middle, contig.end)):
            heapq.heappush(heap, (part.start - part.end, part))
    return [contig for _, contig in heap]


def split_folds(contigs: Sequence[Contig], valid_chroms: Sequence[str], test_chroms: Sequence[str]) -> dict[str, list[Contig]]:
    """Fold -> its contigs, by chromosome, order kept."""
    folds: dict[str, list[Contig]] = {fold: [] for fold in FOLDS}
    for contig in contigs:
        folds["test" if contig.chrom in test_chroms else "valid" if contig.chrom in valid_chroms else "train"].append(contig)
    return folds


def join_contigs(contigs: Sequence[Contig]) -> list[Contig]:
    """Adjacent pieces of a chromosome joined again, chromosomes in order of first appearance, pieces sorted by start."""
    by_chrom: dict[str, list[Contig]] = {}
    for contig in contigs:
        by_chrom.setdefault(contig.chrom, []).append(contig)
    joined: list[Contig] = []
    for pieces in by_chrom.values():
        pieces.sort(key=lambda c: c.start)
        current = pieces[0]
        for piece in pieces[1:]:
            if current.end == piece.start:
                current = Contig(current.chrom, current.start, piece.end)
            else:
                joined.append(current)
                current = piece
        joined.append(current)
    return joined


def windows_of(contigs: Sequence[Contig], geometry: Geometry, fold: str) -> list[Window]:
    """Every window of a fold's contigs, in contig order."""
    stride = geometry.stride_test if fold == "test" else geometry.stride
    return [Window(c.chrom, s, s + geometry.seq_length, fold) for c in contigs for s in range(c.start, c.end - geometry.seq_length + 1, stride)]


def shuffled(folds: Mapping[str, list[Window]], seed: int = SHUFFLE_SEED) -> list[Window]:
    """All windows, train then valid then test, each shuffled by Python's `random` as Basenji does."""
    generator = random.Random(seed)
    out: list[Window] = []
    for fold in FOLDS:
        rows = list(folds[fold])
        generator.shuffle(rows)
        out += rows
    return out
