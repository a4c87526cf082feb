"""What the columns of a fragments file are, by its first records, and whether it is one at all.

Fragments have 3 to 6 columns: chrom, start, end, barcode, count, strand. Those of paired ends are two insertions, start
and end - 1. A strand in column 6 marks one read of a single end (SnapATAC2, tagAlign): one insertion, at its 5' end.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import BED_HEADERS, whole_number

COLUMNS = ("chrom", "start", "end", "barcode", "count", "strand")
STRANDS = frozenset("+-.")
SAMPLE = 1000  # records that are looked at
FEWEST_REGIONS = 20  # in order and apart from each other, that are no fragments by chance
FEWEST = 100  # records among which barcodes of cells repeat


class FragmentColumns(NamedTuple):
    """The columns that are read: their names, and their places from 0.

    Attributes:
        names: the columns.
        places: where they stand.
        doubt: what lets one think that the file holds regions, "" if nothing does.
    """

    names: list[str]
    places: list[int]
    doubt: str = ""


def fragment_columns(path: Path, barcodes: bool, contigs: Container[str] = ()) -> FragmentColumns:
    """The columns of a fragments file that are needed to count its insertions.

    Args:
        path: the file.
        barcodes: whether fragments are chosen by their barcodes.
        contigs: names of the genome's chromosomes.

    Raises:
        InputError: the file holds no record, no barcodes where they are asked for, or something else than fragments:
            BEDPE, narrowPeak, bedGraph, or a BED of regions that each have a name.
    """
    with open_text(path) as handle:
        numbered = ((number, line) for number, line in enumerate(handle, 1) if line.strip())
        records = (
            (number, line.rstrip("\n").split("\t")) for number, line in numbered if not line.startswith(BED_HEADERS)
        )
        sample = list(islice(records, SAMPLE))
    if not sample:
        raise InputError("holds no record", path)
    line, rows = sample[0][0], [row for _, row in sample]
    width, least = len(rows[0]), 4 if barcodes else 3
    if width < least:
        raise InputError(f"has fewer than {least} columns ({', '.join(COLUMNS[:least])})", path, line)
    rows = [row for row in rows if len(row) == width]
    fault = _fault(rows, width, barcodes, contigs)
    if fault:
        raise InputError(fault, path, line)
    places = [*range(min(width, 4)), *([5] if width == len(COLUMNS) else [])]
    return FragmentColumns([COLUMNS[place] for place in places], places, _doubt(rows))


def _fault(rows: Sequence[Sequence[str]], width: int, barcodes: bool, contigs: Container[str]) -> str:
    """What says that records of one width are no fragments; "" if nothing does."""
    if width >= len(COLUMNS) and all(_is_pair(row, contigs) for row in rows):
        return (
            "is BEDPE (columns 4 to 6 are a second interval): fragments have one interval, from the start of the left "
            "read to the end of the right one"
        )
    if width > len(COLUMNS):
        return f"has {width} columns, as narrowPeak: fragments have 3 to 6 ({', '.join(COLUMNS)})"
    strands = {row[5] for row in rows} if width == len(COLUMNS) else set()
    if strands - STRANDS:
        return f"has {min(strands - STRANDS)[:20]!r} in column 6, which is the strand of fragments: +, - or ."
    if strands & {"+", "-"} or barcodes or width < 4:
        return ""
    names = [row[3] for row in rows]
    numbers = width == 4 and all(_is_number(name) for name in names)
    if numbers and (len(names) >= FEWEST or not all(name.isdecimal() for name in names)):
        return "has numbers for barcodes in column 4, as bedGraph: state its kind in the column `kind`"
    if len(names) >= FEWEST and len(set(names)) == len(names):
        return (
            "has another name in column 4 of every line, as a BED of regions: fragments have the barcode of a cell "
            "there, or three columns only"
        )
    return ""


def _doubt(rows: Sequence[Sequence[str]]) -> str:
    """What lets one think that records without barcodes that repeat are regions; "" if nothing does."""
    names = [row[3] for row in rows if len(row) > 3]
    if len(set(names)) < len(names) or (len(rows[0]) == len(COLUMNS) and rows[0][5] in "+-"):
        return ""
    end = {"": 0}  # chromosome -> the furthest end so far
    for row in rows:
        start, stop = whole_number(row[1]), whole_number(row[2])
        if start is None or stop is None or start < end.get(row[0], 0):
            return ""
        end[row[0]] = stop
    if len(rows) < FEWEST_REGIONS:
        return ""
    return (
        f"none of its first {len(rows)} records overlaps another, as in a BED of peaks or regions: each counts as a "
        "fragment with two insertions"
    )


def _is_pair(row: Sequence[str], contigs: Container[str]) -> bool:
    return (row[3] in contigs or row[3] == row[0]) and None not in (whole_number(row[4]), whole_number(row[5]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
