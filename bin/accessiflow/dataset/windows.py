"""Which windows a dataset holds, in which order: contigs, strides, folds, Basenji's seeded shuffle.

Memory: 21 bytes a window, twice that while they are put in order. A human genome at a stride of 192 bp has 15 million
windows, which take 0.3 and 0.6 GB.
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import require_file, write_text
from accessiflow.intervals import FOLDS, IntervalSet, fold_of
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd

BREAK_ABOVE = 786_432  # bp; Basenji's default
SHUFFLE_SEED = 44  # Basenji's default
WINDOWS_PER_WRITE = 1 << 16


class ChromRows(NamedTuple):
    """Row numbers (k,) of windows of one chromosome, by their starts."""

    chrom: str
    rows: NDArray[np.int64]


class Contig(NamedTuple):
    """A region of a chromosome without gaps, [start, end)."""

    chrom: str
    start: int
    end: int


@dataclass(frozen=True)
class WindowTable:
    """Model inputs of equal length, in the order of their records.

    Attributes:
        names: chromosome names.
        chrom: index (n,) into `names` of each window.
        start: first base (n,), 0-based.
        fold: index (n,) into FOLDS.
        length: bp of every window.
    """

    names: tuple[str, ...]
    chrom: NDArray[np.int32]
    start: NDArray[np.int64]
    fold: NDArray[np.int8]
    length: int

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray) -> WindowTable:
        """The windows of some rows (numbers or a mask), in their order."""
        return WindowTable(self.names, self.chrom[rows], self.start[rows], self.fold[rows], self.length)

    def of_fold(self, fold: str) -> NDArray[np.int64]:
        """Row numbers of a fold."""
        return np.flatnonzero(self.fold == FOLDS.index(fold))

    def spans(self, span: int) -> Iterator[ChromRows]:
        """All windows by chromosome and start, in parts whose starts lie within `span` bp of each other."""
        bounds = np.searchsorted(self.chrom[self._order], np.arange(len(self.names) + 1))
        for name, low, high in zip(self.names, bounds[:-1], bounds[1:], strict=True):
            rows = self._order[low:high]
            for part in np.split(rows, np.flatnonzero(np.diff(self.start[rows] // span)) + 1):
                if len(part):
                    yield ChromRows(name, part)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """Row numbers by chromosome and start."""
        return np.lexsort((self.start, self.chrom))


@dataclass(frozen=True)
class Geometry:
    """Lengths in bp.

    Attributes:
        seq_length: length of a window.
        crop: bases of a window left out of the target on each side.
        target_width: bases summed into one target value.
        stride: distance of neighbouring windows in training contigs.
        stride_test: distance of neighbouring windows in validation and test contigs.
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


def contigs_of(
    sizes: Mapping[str, int], gaps: pd.DataFrame | None, limit: pd.DataFrame | None, seq_length: int
) -> list[Contig]:
    """The regions that can hold a window.

    Args:
        sizes: chromosome lengths.
        gaps: assembly gaps, taken out of the chromosomes.
        limit: intervals that the regions are cut to; overlapping ones give a region each, as with `bedtools intersect`.
        seq_length: shorter regions are dropped.
    """
    pieces: list[Contig] = []
    blocked = IntervalSet(gaps) if gaps is not None else None
    for chrom, size in sizes.items():
        gap_edges = [] if blocked is None else np.column_stack(blocked.merged(chrom)).ravel().tolist()
        # The pairs (0, first gap's start), (its end, next gap's start), ..., (last gap's end, size) are the pieces.
        edges = [0, *gap_edges, size]
        pieces += [Contig(chrom, a, min(b, size)) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    if limit is not None:
        start, end = limit["start"].to_numpy(), limit["end"].to_numpy()
        # by chromosome once: a draft genome has thousands, each with an interval or two
        own = {str(chrom): (start[rows], end[rows]) for chrom, rows in limit.groupby("chrom").indices.items()}
        pieces = [part for piece in pieces if piece.chrom in own for part in _intersect(piece, *own[piece.chrom])]
    kept = [c for c in pieces if c.end - c.start >= seq_length]
    short = len(pieces) - len(kept)
    left_out("regions", short, len(pieces), f"shorter than a window of {seq_length} bp")
    bases, used = (sum(c.end - c.start for c in part) for part in (pieces, kept))
    left_out("bases", bases - used, bases, f"in regions shorter than a window of {seq_length} bp")
    return kept


def _intersect(piece: Contig, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[Contig]:
    """The parts of a piece in the intervals (k,) of its chromosome."""
    met = (starts < piece.end) & (ends > piece.start)
    hits = sorted(zip(starts[met].tolist(), ends[met].tolist(), strict=True), key=lambda hit: _bedtools_bin(*hit))
    return [Contig(piece.chrom, max(piece.start, s), min(piece.end, e)) for s, e in hits]


def _bedtools_bin(start: int, end: int) -> tuple[int, int]:
    """Level and number of the UCSC bin that holds an interval, by which bedtools orders the hits of a region."""
    # The finest bins are of 2^14 bp, those of each further level eight times as long.
    level, low, high = 0, start >> 14, (end - 1) >> 14
    while low != high:
        level, low, high = level + 1, low >> 3, high >> 3
    return level, low


def break_contigs(contigs: Sequence[Contig], lose_largest: bool = False) -> list[Contig]:
    """Halve contigs above 786,432 bp until none is left; the result is in Basenji's heap order.

    Args:
        contigs: regions to break.
        lose_largest: drop the last one taken from the heap, as Basenji does.
    """
    # Negative lengths, as Python's heap gives the least first.
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


def split_folds(
    contigs: Sequence[Contig], valid_chroms: Sequence[str], test_chroms: Sequence[str]
) -> dict[str, list[Contig]]:
    """Fold -> its contigs, by chromosome, order kept."""
    folds: dict[str, list[Contig]] = {fold: [] for fold in FOLDS}
    fold = fold_of([contig.chrom for contig in contigs], valid_chroms, test_chroms)
    for name, contig in zip(fold, contigs, strict=True):
        folds[name].append(contig)
    return folds


def join_contigs(contigs: Sequence[Contig]) -> list[Contig]:
    """Join adjacent pieces of a chromosome; chromosomes in order of first appearance, pieces sorted by start."""
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


def windows_of(folds: Mapping[str, Sequence[Contig]], geometry: Geometry) -> WindowTable:
    """Every window of the folds' contigs, in the order of FOLDS and of the contigs."""
    names = tuple(dict.fromkeys(contig.chrom for fold in FOLDS for contig in folds[fold]))
    number = {name: i for i, name in enumerate(names)}
    chroms, starts, fold_numbers = [np.empty(0, np.int32)], [np.empty(0, np.int64)], [np.empty(0, np.int8)]
    for i, fold in enumerate(FOLDS):
        stride = geometry.stride if fold == "train" else geometry.stride_test
        for contig in folds[fold]:
            start = np.arange(contig.start, contig.end - geometry.seq_length + 1, stride, dtype=np.int64)
            chroms.append(np.full(len(start), number[contig.chrom], np.int32))
            starts.append(start)
            fold_numbers.append(np.full(len(start), i, np.int8))
    chrom, start, fold_number = (np.concatenate(parts) for parts in (chroms, starts, fold_numbers))
    return WindowTable(names, chrom, start, fold_number, geometry.seq_length)


def shuffled(windows: WindowTable, seed: int = SHUFFLE_SEED) -> WindowTable:
    """All windows, train then valid then test, each fold shuffled by Python's `random` as Basenji does."""
    # Python's generator, not numpy's, for Basenji's order; an array, because a list takes 36 bytes an integer.
    generator = random.Random(seed)
    rows = []
    for fold in FOLDS:
        order = array("q", windows.of_fold(fold).tobytes())
        generator.shuffle(order)
        rows.append(np.frombuffer(order, np.int64))
    return windows.take(np.concatenate(rows))


def write_windows(windows: WindowTable, path: Path) -> None:
    """Write sequences.bed: chromosome, start, end and fold of each window, in record order."""
    with write_text(path) as bed:
        for low in range(0, len(windows), WINDOWS_PER_WRITE):
            part = windows.take(np.arange(low, min(low + WINDOWS_PER_WRITE, len(windows))))
            rows = zip(part.chrom.tolist(), part.start.tolist(), part.fold.tolist(), strict=True)
            bed.writelines(f"{windows.names[c]}\t{s}\t{s + windows.length}\t{FOLDS[f]}\n" for c, s, f in rows)


def read_windows(path: Path, sizes: Mapping[str, int] | None, seq_length: int) -> WindowTable:
    """Read sequences.bed, as written here, by Basenji, or by a user who chose the windows.

    Args:
        path: the file.
        sizes: contig lengths; None where the genome is not at hand.
        seq_length: bp that every window must have.

    Raises:
        InputError: a row is no window of seq_length bp inside a contig of the genome, or the labels are not train,
            valid, test in this order.
    """
    import pandas as pd

    columns = {"chrom": "category", "start": np.int64, "end": np.int64, "fold": "category"}
    require_file(path)
    try:
        table = pd.read_csv(
            path, sep="\t", header=None, names=list(columns), dtype=columns, usecols=range(4), keep_default_na=False
        )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(
            f"needs the columns chromosome, start, end and fold ({str(error).strip().splitlines()[0]})", path
        ) from None
    names = tuple(map(str, table["chrom"].cat.categories))
    start, end = table["start"].to_numpy(), table["end"].to_numpy()
    # Checks are made once a name and spread over the rows by the categories' numbers; -1 is no contig, or no fold.
    unlimited = np.iinfo(np.int64).max
    limits = [unlimited if sizes is None else sizes.get(name, -1) for name in names]
    limit = np.array(limits, np.int64)[table["chrom"].cat.codes]
    fold_numbers = [FOLDS.index(f) if f in FOLDS else -1 for f in table["fold"].cat.categories]
    fold = np.array(fold_numbers, np.int8)[table["fold"].cat.codes]
    _require(limit >= 0, "names a contig that the genome does not have", path)
    _require(end - start == seq_length, f"has a window that is not {seq_length} bp long (-l)", path)
    _require((start >= 0) & (end <= limit), "has a window that leaves its contig: another assembly?", path)
    _require(
        np.r_[fold[:1] >= 0, np.diff(fold) >= 0] & (fold >= 0),
        "needs the labels train, valid, test in column 4, in this order",
        path,
    )
    return WindowTable(names, table["chrom"].cat.codes.to_numpy().astype(np.int32), start, fold, seq_length)


def _require(good: NDArray[np.bool_], sentence: str, path: Path) -> None:
    if not good.all():
        raise InputError(sentence, path, int(good.argmin()) + 1)
