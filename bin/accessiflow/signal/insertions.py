"""Tn5 insertions counted in BAM, CRAM and scATAC fragments files."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import read_lines
from accessiflow.log import left_out, log
from accessiflow.signal.alignments import UNUSABLE, check_reference, lengths_of, open_alignments, records
from accessiflow.signal.coverage import (
    RECORDS_AT_ONCE,
    ChromBins,
    ChromRuns,
    Ends,
    Positions,
    check_lengths,
    shared_contigs,
)
from accessiflow.signal.fragments import fragment_columns
from accessiflow.signal.tables import coordinates, table_chunks

if TYPE_CHECKING:
    import pysam


PROPER_PAIR, REVERSE = 0x2, 0x10
# flag -> why such an alignment is not counted, in the order in which they are asked
UNUSED = {
    0x4: "unmapped",
    0x100 | 0x800: "secondary or supplementary",
    0x200: "failed quality checks",
    0x400: "flagged as duplicates",
}
LOW_MAPQ = "mapping quality below {}"


@dataclass(frozen=True)
class Counting:
    """Which insertions of a BAM or fragments file are counted.

    Attributes:
        count: "insertions" (5' end of each read) or "fragments" (both ends of proper pairs).
        shift: move 5' ends +4 (forward) and -5 (reverse) to the centre of the Tn5 cut (BAM only).
        min_mapq: least mapping quality (BAM only).
        barcodes: count these cells only (fragments only); None for all.
        fasta: the genome, by which a CRAM is read.
    """

    count: str = "insertions"
    shift: bool = True
    min_mapq: int = 30
    barcodes: frozenset[str] | None = None
    fasta: Path | None = None


def read_barcodes(path: Path) -> frozenset[str]:
    """Cell barcodes, one a line.

    Raises:
        InputError: there is none.
    """
    barcodes = frozenset(read_lines(path))
    if not barcodes:
        raise InputError("holds no barcode", path)
    return barcodes


@dataclass(frozen=True)
class Insertions:
    """Insertions counted in a BAM, CRAM or fragments file: sorted 0-based positions on every chromosome."""

    positions: Positions
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[ChromBins]:
        """Each chromosome with its insertions per bin (size // bin_size,)."""
        for chrom, positions in self.positions.items():
            n = self.sizes[chrom] // bin_size
            usable = positions[: np.searchsorted(positions, n * bin_size)]
            yield ChromBins(chrom, np.bincount(usable // bin_size, minlength=n).astype(np.float64))

    def per_base(self) -> Iterator[ChromRuns]:
        """Each chromosome's insertions per base, some at a time."""
        for chrom, positions in self.positions.items():
            low = 0
            while low < len(positions):
                # A part ends behind all insertions of a base: a bigWig takes one value for each.
                last = positions[min(low + RECORDS_AT_ONCE, len(positions)) - 1]
                high = np.searchsorted(positions, last, side="right")
                base, count = np.unique(positions[low:high], return_counts=True)
                yield ChromRuns(chrom, base.astype(np.int64), base.astype(np.int64) + 1, count.astype(np.float32))
                low = int(high)


def insertions(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> Positions:
    """Sorted insertion positions (0-based) on every chromosome of `sizes`, from a BAM, CRAM or fragments file."""
    read = _read_fragments if kind == "fragments" else _read_alignments
    collected = read(path, sizes, counting)
    out, outside = {}, 0
    for chrom, size in sizes.items():
        positions = np.frombuffer(collected.get(chrom, array("I")), np.uint32)
        positions.sort()  # in place, in the array's own buffer: a sorted copy would double the memory
        out[chrom] = positions[: np.searchsorted(positions, size)]
        outside += len(positions) - len(out[chrom])
    counted = sum(map(len, out.values())) + outside
    left_out("insertions", outside, counted, "past the end of their chromosome", source=path.name)
    if outside:
        log.warning("%s: %d insertion(s) past the end of their chromosome are left out", path.name, outside)
    return out


def _read_alignments(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    out: dict[str, array[int]] = {}
    skipped: Counter[str] = Counter()
    number = before = 0
    with open_alignments(path, counting.fasta) as handle:
        lengths = lengths_of(handle)
        shared = set(shared_contigs(path, lengths, sizes))
        check_lengths(path, lengths, sizes)
        check_reference(handle, path, counting.fasta)
        names = [name if name in shared else None for name in handle.references]
        for number, read in enumerate(records(handle, path), 1):  # noqa: B007
            if read.flag & UNUSABLE or read.mapping_quality < counting.min_mapq:
                skipped[unused(read.flag) or LOW_MAPQ.format(counting.min_mapq)] += 1
            elif (name := names[read.reference_id]) is None:
                skipped["on contigs unknown to the genome"] += 1
            elif counting.count == "fragments" and not read.flag & PROPER_PAIR:
                skipped["not in a proper pair"] += 1
            else:
                ends = _ends(read, counting)
                inside = [p for p in ends if p >= 0]
                before += len(ends) - len(inside)
                out.setdefault(name, array("I")).extend(inside)
    for reason, n in sorted(skipped.items()):
        left_out("alignments", n, number, reason, source=path.name)
    read_of = before + sum(map(len, out.values()))
    left_out("insertions", before, read_of, "moved left of their chromosome's start", source=path.name)
    return out


def unused(flag: int) -> str:
    """Why an alignment of this flag is not counted; "" where it is."""
    return next((reason for bits, reason in UNUSED.items() if flag & bits), "")


def _ends(read: pysam.AlignedSegment, counting: Counting) -> list[int]:
    """Positions of one read that passes the filters; the shift may move one left of base 0."""
    plus, minus = (4, -5) if counting.shift else (0, 0)
    if counting.count == "fragments":
        # Both reads of a pair carry the template's length, the right one with a minus sign: a pair counts once.
        if not (read.flag & PROPER_PAIR and read.template_length > 0):
            return []
        ends = [read.reference_start + plus, read.reference_start + read.template_length - 1 + minus]
    elif read.flag & REVERSE:
        ends = [(read.reference_end or read.reference_start + 1) - 1 + minus]
    else:
        ends = [read.reference_start + plus]
    return ends


def _read_fragments(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    out: dict[str, array[int]] = {}
    seen: Counter[str] = Counter()
    listed = 0
    cells: set[str] = set()
    ends = Ends(sizes)
    names, places, doubt = fragment_columns(path, counting.barcodes is not None, sizes)
    if doubt:
        log.warning("%s: %s", path.name, doubt)
    for chunk in table_chunks(path, names, places):
        start, end = coordinates(chunk, path)
        keep = np.ones(len(chunk), bool)
        if counting.barcodes is not None:
            keep = chunk["barcode"].isin(counting.barcodes).to_numpy()
            cells.update(chunk["barcode"][keep].unique())
        for chrom, rows in chunk.groupby("chrom", sort=False).indices.items():
            seen[str(chrom)] += len(rows)
            listed += int(keep[rows].sum())
            if chrom in sizes:
                ends.add(str(chrom), start[rows], end[rows])
                chosen = rows[keep[rows]]
                # The ends of a fragment are its two insertions, shifted already by the program that wrote the file;
                # of a single read only its 5' end is one.
                strand = chunk["strand"].to_numpy()[chosen] if "strand" in chunk else np.full(len(chosen), ".")
                cuts = np.concatenate([start[chosen][strand != "-"], end[chosen][strand != "+"] - 1])
                out.setdefault(str(chrom), array("I")).frombytes(cuts.astype(np.uint32).tobytes())
    shared_contigs(path, seen, sizes)
    elsewhere = sum(n for chrom, n in seen.items() if chrom not in sizes)
    left_out("fragments", elsewhere, seen.total(), "on contigs unknown to the genome", source=path.name)
    ends.check(path)
    if counting.barcodes is not None:
        of_others = seen.total() - listed
        left_out("fragments", of_others, seen.total(), "of barcodes not listed", source=path.name, expected=True)
        _check_cells(path, counting.barcodes, cells)
    return out


def _check_cells(path: Path, listed: frozenset[str], found: set[str]) -> None:
    """Warn of listed barcodes without a fragment; none with one is an error."""
    if not found:
        raise InputError(
            "holds no fragment of the listed barcodes: are they written alike (a suffix such as -1)?", path
        )
    absent = sorted(listed - found)
    left_out("barcodes", len(absent), len(listed), "listed, without a fragment", source=path.name)
    if absent:
        log.warning(
            "%s: has no fragment of %d of the %d listed barcodes (%s...)",
            path.name,
            len(absent),
            len(listed),
            ", ".join(absent[:3]),
        )
