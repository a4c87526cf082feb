"""Genomic intervals: BED files, chromosome sizes, folds and overlaps. Coordinates are 0-based and half-open."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd

FOLDS = ("train", "valid", "test")
BED_HEADERS = ("#", "track", "browser")  # how lines of BED and bedGraph files begin that are no intervals
LONGEST_CHROMOSOME = 1 << 31  # bp: BAM, tabix and bigWig cannot number more
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{0,15})?([eE]\+?[0-9]{1,2})?")


def whole_number(text: str) -> int | None:
    """A coordinate as programs write it, `1e+05` (R's 100000) and `5.0` too; None where it is no whole number."""
    if text.isascii() and text.isdecimal() and len(text) < 20:  # more digits are no coordinate of any genome
        return int(text)
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return int(value) if value.is_integer() else None


class BedRow(NamedTuple):
    """A line of a BED file; `name` is "" where it has no fourth column."""

    chrom: str
    start: int
    end: int
    name: str


def read_bed(path: Path, sizes: Mapping[str, int] | None = None) -> pd.DataFrame:
    """Read a BED file: chrom, start, end and, where present, name, in file order.

    Args:
        path: the file, plain or compressed.
        sizes: chromosome lengths; an interval past the end of its chromosome is an error, one on another contig stays.

    Raises:
        InputError: a line with fewer than three columns, a coordinate that is no integer, start < 0 or end < start.
    """
    import pandas as pd

    rows: list[BedRow] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or line.startswith(BED_HEADERS):
                continue
            rows.append(_bed_row(line.rstrip("\n").split("\t"), path, number, sizes))
    table = pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])
    return table.astype({"start": np.int64, "end": np.int64})


def _bed_row(fields: Sequence[str], path: Path, number: int, sizes: Mapping[str, int] | None) -> BedRow:
    if len(fields) < 3:
        raise InputError(f"has {len(fields)} tab-separated column(s), BED needs at least 3", path, number)
    start, end = whole_number(fields[1]), whole_number(fields[2])
    if start is None or end is None:
        raise InputError(
            f"start and end must be integers, found {fields[1][:20]!r} and {fields[2][:20]!r}", path, number
        )
    if not fields[0]:
        raise InputError("names no chromosome in its first column", path, number)
    if not 0 <= start <= end < LONGEST_CHROMOSOME:
        raise InputError(f"needs 0 <= start <= end, found {fields[1][:20]} and {fields[2][:20]}", path, number)
    if sizes is not None and end > sizes.get(fields[0], end):
        raise InputError(
            f"ends at {end}, past the end of {fields[0]} ({sizes[fields[0]]} bp): another assembly?", path, number
        )
    return BedRow(fields[0], start, end, fields[3] if len(fields) > 3 else "")


def count_elsewhere(table: pd.DataFrame, known: Container[str], path: Path, what: str = "intervals") -> None:
    """Count the intervals of a file whose contigs are none of the known ones: nothing can overlap them.

    Args:
        table: with the column chrom.
        known: names of contigs.
        path: the file.
        what: the unit of a row.
    """
    elsewhere = sum(n for chrom, n in table["chrom"].value_counts().items() if chrom not in known)
    left_out(what, elsewhere, len(table), "on contigs unknown to the genome", source=path.name)


def read_chrom_sizes(path: Path) -> dict[str, int]:
    """Chromosome name -> length from a two-column chrom.sizes or a .fai file, in file order."""
    sizes: dict[str, int] = {}
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.split()
            if not fields:
                continue
            if (
                len(fields) < 2
                or not fields[1].isdecimal()
                or len(fields[1]) > 10
                or int(fields[1]) >= LONGEST_CHROMOSOME
            ):
                raise InputError("needs a chromosome name and its length in bp", path, number)
            if "/" in fields[0] or fields[0] == ".":
                raise InputError(f"the chromosome name {fields[0][:80]!r} is a path: rename it", path, number)
            if fields[0] in sizes:
                raise InputError(f"names the chromosome {fields[0]} twice", path, number)
            sizes[fields[0]] = int(fields[1])
    if not sizes:
        raise InputError("names no chromosome", path)
    return sizes


def split_list(text: str | None) -> list[str]:
    """The items of a comma-separated option (`chr4,chr5`), blanks dropped."""
    return [item.strip() for item in (text or "").split(",") if item.strip()]


def fold_of(chrom: ArrayLike, valid_chroms: Iterable[str], test_chroms: Iterable[str]) -> NDArray[np.object_]:
    """Fold name (train, valid or test) of each chromosome name (n,)."""
    names = np.asarray(chrom, dtype=object)
    out = np.full(names.shape, "train", dtype=object)
    out[np.isin(names, list(valid_chroms))] = "valid"
    out[np.isin(names, list(test_chroms))] = "test"
    return out


class IntervalSet:
    """The union of a set of intervals, for fast vectorised queries against one chromosome at a time."""

    def __init__(self, table: pd.DataFrame) -> None:
        self._merged: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        starts, ends = table["start"].to_numpy(), table["end"].to_numpy()
        # By row numbers: a table for each of the 20,000 contigs of a draft genome would take seconds.
        for chrom, rows in table.groupby("chrom", sort=False).indices.items():
            order = rows[np.argsort(starts[rows], kind="stable")]
            start, end = starts[order], ends[order]
            # An early long interval may reach past later ones: a new part begins behind all ends so far.
            reach = np.maximum.accumulate(end)
            first = np.r_[True, start[1:] > reach[:-1]]
            last = np.r_[first[1:], True]
            self._merged[str(chrom)] = (start[first], reach[last])

    def merged(self, chrom: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Starts and ends (k,) of the disjoint, sorted intervals of a chromosome."""
        empty = np.empty(0, np.int64)
        return self._merged.get(chrom, (empty, empty))

    def overlaps(self, chrom: str, start: ArrayLike, end: ArrayLike) -> NDArray[np.bool_]:
        """Whether each query [start, end) shares at least one base with the set."""
        starts, ends = self.merged(chrom)
        query_start, query_end = np.asarray(start), np.asarray(end)
        # Disjoint and sorted: fewer intervals end before the query than start before its end, if and only if one of
        # them overlaps it.
        return np.searchsorted(ends, query_start, side="right") < np.searchsorted(starts, query_end, side="left")

    def contains(self, chrom: str, position: ArrayLike) -> NDArray[np.bool_]:
        """Whether each 0-based position lies in the set."""
        where = np.asarray(position)
        return self.overlaps(chrom, where, where + 1)
