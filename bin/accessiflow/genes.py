"""Genes: transcription start sites, and the distance to the nearest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import BED_HEADERS, LONGEST_CHROMOSOME, read_bed, whole_number
from accessiflow.log import log

if TYPE_CHECKING:
    import pandas as pd

STRAND_WORDS = {"+": "+", "-": "-", ".": "", "*": "", "": "", "1": "+", "-1": "-"}  # as BED, R and Ensembl write them
UCSC_NAMES = {"txStart": "tx_start", "txEnd": "tx_end"}


def read_tss(path: Path) -> pd.DataFrame:
    """Read transcription start sites from BED6, or from a table of name, chrom, tx_start, strand and tx_end.

    With tx_end (or UCSC's names txStart and txEnd), tx_start is the gene's least base and a gene on the reverse strand
    starts at tx_end - 1, as in BED; without, tx_start is the start site itself, whatever the strand.

    Returns:
        chrom, position (0-based) and name, a row a gene.

    Raises:
        InputError: a row has no chromosome or position, or a strand that is none.
    """
    import pandas as pd

    with open_text(path) as handle:
        lines = (
            line.rstrip("\n").split("\t")
            for line in handle
            if line.strip() and not line.startswith(("track", "browser"))
        )
        first = [field.strip() for field in next(lines, [])]
    if {"chrom", "tx_start"} <= {UCSC_NAMES.get(name, name) for name in (field.lstrip("#") for field in first)}:
        return _tss_of_table(path)
    # BED has its start in column 2, the table without header has a chromosome there.
    if len(first) >= 3 and first[2].isdecimal() and not first[1].isdecimal():
        return _tss_of_table(path, ("name", "chrom", "tx_start", "strand")[: len(first)])
    bed = read_bed(path)
    if bed.empty:
        raise InputError("holds no gene", path)
    # A gene on the reverse strand starts at its last base.
    strands = _bed_strands(path)
    if not (strands != "").any() and (bed["end"] - bed["start"] > 1).any():
        log.warning("%s: names no strand (column 6): every gene is taken to start at its first base", path.name)
    position = np.where(strands == "-", np.maximum(bed["end"] - 1, 0), bed["start"])
    return pd.DataFrame({"chrom": bed["chrom"], "position": position, "name": bed["name"]})


def _bed_strands(path: Path) -> NDArray[np.str_]:
    """Strand (n,) of a BED file's lines by column 6, "" where a line has none."""
    out = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or line.startswith(BED_HEADERS):
                continue
            row = line.rstrip("\n").split("\t")
            if 3 < len(row) < 6 and row[-1].strip() in ("+", "-"):
                raise InputError(f"has its strand in column {len(row)}, BED has it in column 6", path, number)
            out.append(_strand(row[5] if len(row) > 5 else "", path, number))
    return np.array(out)


def _strand(value: str, path: Path, line: int) -> str:
    """+ or -, "" for an unknown one."""
    strand = STRAND_WORDS.get(value.strip())
    if strand is None:
        raise InputError(f"has the strand {value.strip()[:20]!r}, expected +, - or .", path, line)
    return strand


def _tss_of_table(path: Path, header: Sequence[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(
                handle,
                sep="\t",
                header=None if header else 0,
                names=header,
                usecols=range(len(header)) if header else None,
                dtype=str,
                na_filter=False,
            )
        except (pd.errors.ParserError, ValueError, OSError, EOFError) as error:
            raise InputError(f"is not a readable table of genes ({str(error).splitlines()[0]})", path) from None
    table = table.rename(columns=lambda c: str(c).strip().lstrip("#")).rename(columns=UCSC_NAMES)
    if table.empty:
        raise InputError("holds no gene", path)
    lines = np.arange(len(table)) + (1 if header else 2)
    position = _positions(table["tx_start"], table["chrom"], lines, path)
    if {"tx_end", "strand"} <= set(table.columns):
        strands = [_strand(value, path, int(line)) for value, line in zip(table["strand"], lines, strict=True)]
        reverse = np.array(strands) == "-"
        position = np.where(
            reverse, np.maximum(_positions(table["tx_end"], table["chrom"], lines, path) - 1, 0), position
        )
    # A gene without a name goes by its place.
    name = table["name"] if "name" in table else table["chrom"] + ":" + table["tx_start"]
    return pd.DataFrame({"chrom": table["chrom"], "position": position, "name": name})


def _positions(values: pd.Series, chrom: pd.Series, lines: NDArray[np.int64], path: Path) -> NDArray[np.int64]:
    """Coordinates (n,) of genes, of which each must have a chromosome too."""
    numbers = [whole_number(value) for value in values]
    known = np.array([number is not None and 0 <= number < LONGEST_CHROMOSOME for number in numbers])
    wrong = ~known | (chrom == "").to_numpy()
    if wrong.any():
        at = int(wrong.argmax())
        raise InputError(
            f"needs a chromosome and an integer {values.name}, found {values[at][:20]!r}", path, int(lines[at])
        )
    return np.array(numbers, np.int64)


def nearest_distance(
    position_start: NDArray[np.int64], position_end: NDArray[np.int64], tss: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Distance (n,) in bp of intervals [start, end) to the nearest of sorted positions.

    It is 0 where a position lies inside, else the gap + 1, as PyRanges counts; NaN where there is no position.
    """
    if len(tss) == 0:
        return np.full(len(position_start), np.nan)
    right = np.searchsorted(tss, position_start, side="left")
    after = tss[np.minimum(right, len(tss) - 1)]
    before = tss[np.maximum(right - 1, 0)]
    up = np.where(right < len(tss), np.where(after < position_end, 0, after - position_end + 1), np.inf)
    down = np.where(right > 0, position_start - before, np.inf)
    return np.minimum(up, down).astype(np.float64)
