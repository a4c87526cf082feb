"""What all kinds of signal have in common: types of coverage, contigs shared with the genome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import log

RECORDS_AT_ONCE = 1 << 16
Intervals = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
Positions = dict[str, NDArray[np.uint32]]
Bins = tuple[str, NDArray[np.float64]]
Runs = tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Chromosome, starts, ends and values (k,) of its sorted, disjoint intervals of equal coverage."""


def shared_contigs(path: Path, found: Mapping[str, object] | list[str], sizes: Mapping[str, int]) -> list[str]:
    """The chromosomes that a file and the genome share, in the genome's order; others are named in the log.

    Raises:
        InputError: there is none.
    """
    shared = [c for c in sizes if c in found]
    if not shared:
        raise InputError(
            f"shares no contig with the genome (file: {', '.join(list(found)[:3])}; genome: {', '.join(list(sizes)[:3])}): rename them",
            path,
        )
    unknown = [c for c in found if c not in sizes]
    if unknown:
        log.info(
            "%s: %d contig(s) unknown to the genome are left out (%s...)",
            path.name,
            len(unknown),
            ", ".join(unknown[:3]),
        )
    return shared
