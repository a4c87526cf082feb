"""The types of coverage that all kinds of signal yield, and the contigs that a file shares with the genome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import log

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


def shared_contigs(path: Path, named: Mapping[str, object] | list[str], sizes: Mapping[str, int]) -> list[str]:
    """The chromosomes that a file names and the genome has, in the genome's order; others are named in the log.

    Raises:
        InputError: there is none.
    """
    shared = [c for c in sizes if c in named]
    if not shared:
        theirs, ours = ", ".join(list(named)[:3]), ", ".join(list(sizes)[:3])
        raise InputError(f"shares no contig with the genome (file: {theirs}; genome: {ours}): rename them", path)
    unknown = [c for c in named if c not in sizes]
    if unknown:
        log.info(
            "%s: %d contig(s) unknown to the genome are left out (%s...)",
            path.name,
            len(unknown),
            ", ".join(unknown[:3]),
        )
    return shared
