"""The types of coverage that all kinds of signal yield, and the contigs that a file shares with the genome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import left_out, log

MOST_HANGING = 0.001  # share of a file's records that may hang over their chromosome's end
RECORDS_AT_ONCE = 1 << 16  # intervals handed on together: some MB, and few enough calls into C
Positions = dict[str, NDArray[np.uint32]]
"""Chromosome -> sorted 0-based positions; 4 bytes each, as no chromosome is longer than 2^31 bp."""


class ChromBins(NamedTuple):
    """A chromosome and the sums of its bins (n,)."""

    chrom: str
    bins: NDArray[np.float64]


class ChromRuns(NamedTuple):
    """A chromosome, and starts, ends and values (k,) of its sorted, disjoint intervals of equal coverage."""

    chrom: str
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    value: NDArray[np.floating]


def shared_contigs(path: Path, named: Mapping[str, object], sizes: Mapping[str, int]) -> list[str]:
    """The chromosomes that a file names and the genome has, in the genome's order; others are named in the log.

    Raises:
        InputError: there is none.
    """
    shared = [c for c in sizes if c in named]
    if not shared:
        theirs, ours = ", ".join(list(named)[:3]), ", ".join(list(sizes)[:3])
        raise InputError(f"shares no contig with the genome (file: {theirs}; genome: {ours}): rename them", path)
    unknown = [c for c in named if c not in sizes]
    left_out("contigs", len(unknown), len(named), "unknown to the genome", source=path.name)
    if unknown:
        log.info("%s: not in the genome: %s...", path.name, ", ".join(unknown[:3]))
    return shared


def length_fault(lengths: Mapping[str, int], sizes: Mapping[str, int]) -> str:
    """What says that a header with contig lengths is of another assembly; "" if nothing does.

    Every contig that both name must have one length: an assembly may share some of its contigs with another.

    Args:
        lengths: contig -> length by the header.
        sizes: contig -> length in the genome.
    """
    shared = [chrom for chrom in lengths if chrom in sizes]
    wrong = [chrom for chrom in shared if lengths[chrom] != sizes[chrom]]
    if not wrong:
        return ""
    first = wrong[0]
    return (
        f"{first} has {lengths[first]} bp, in the genome {sizes[first]} ({len(wrong)} of {len(shared)} contigs differ)"
        ": another assembly?"
    )


def check_lengths(path: Path, lengths: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    """Check the contig lengths of a header.

    Raises:
        InputError: one is not the genome's.
    """
    fault = length_fault(lengths, sizes)
    if fault:
        raise InputError(fault, path)


class Ends:
    """Records of a file without contig lengths (fragments, bedGraph) against the ends of the genome's chromosomes.

    None may begin past the end. At most 1 in 1,000 may hang over it, as programs that extend or shift reads write them:
    these are cut there. More are another assembly's.
    """

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._records = self._hanging = 0
        self._beyond = False
        self._furthest = ("", 0)  # chromosome and end of the record that reaches past the end the most

    def add(self, chrom: str, start: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        """Count the records (n,) of a chromosome of the genome."""
        size = self._sizes[chrom]
        self._records += len(end)
        past = int((end > size).sum())
        if past:
            self._hanging += past
            self._beyond |= bool((start >= size).any())
            furthest, known = int(end.max()), self._furthest
            if not known[0] or furthest - size > known[1] - self._sizes[known[0]]:
                self._furthest = (chrom, furthest)

    def add_fitting(self, number: int) -> None:
        """Count records that end within their chromosome."""
        self._records += number

    def warning(self, whole: bool = True) -> str:
        """How many records hang over the end; "" for none. `whole`: all records were counted."""
        if not self._hanging:
            return ""
        return f"{self._counted(whole)} hang over the end of their chromosome and are cut there"

    def fault(self, whole: bool = True) -> str:
        """What says that the file is of another assembly; "" if nothing does. `whole`: all records were counted."""
        too_many = whole and self._hanging > MOST_HANGING * self._records
        if not (self._beyond or too_many):
            return ""
        chrom, end = self._furthest
        return (
            f"reaches {chrom}:{end}, in the genome {chrom} has {self._sizes[chrom]} bp ({self._counted(whole)} end "
            "past the end of their chromosome): another assembly?"
        )

    def _counted(self, whole: bool) -> str:
        return f"{self._hanging} of {self._records} record(s)" if whole else f"at least {self._hanging} record(s)"

    def check(self, path: Path) -> None:
        """Warn of records that hang over the end.

        Raises:
            InputError: they are of another assembly.
        """
        fault = self.fault()
        if fault:
            raise InputError(fault, path)
        if warning := self.warning():
            log.warning("%s: %s", path.name, warning)
