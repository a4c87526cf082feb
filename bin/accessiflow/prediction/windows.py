"""Windows around sites and along chromosomes, as base codes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes, Fasta


def centred(genome: Fasta, chroms: Sequence[str], middles: NDArray[np.int64], seq_length: int) -> Codes:
    """Windows (n, seq_length) [middle - half, middle - half + seq_length); outside the chromosome unknown."""
    out = np.empty((len(chroms), seq_length), np.uint8)
    for row, (chrom, middle) in enumerate(zip(chroms, middles.tolist(), strict=True)):
        out[row] = genome.codes(chrom, middle - seq_length // 2, middle - seq_length // 2 + seq_length)
    return out


class Tiles(NamedTuple):
    """First bases (n,) of adjacent tiles of a chromosome."""

    chrom: str
    starts: NDArray[np.int64]


def tiles(
    genome: Fasta, chroms: Iterable[str], width: int, seq_length: int, at_once: int
) -> Iterator[tuple[list[Tiles], Codes]]:
    """Tiles [start, start + width) along chromosomes, in blocks of `at_once` (the last one smaller).

    Yields:
        The tiles of a block, and the windows (n, seq_length) around them.
    """
    # A block goes on over the end of a chromosome: a model takes windows by the batch, and a draft genome has thousands
    # of contigs with a window or two each.
    left, block, windows, room = (seq_length - width) // 2, [], [], at_once
    for chrom in chroms:
        # the end of a chromosome that fills no tile is left out
        starts = np.arange(0, genome.sizes[chrom] - width + 1, width, dtype=np.int64)
        while len(starts):
            part, starts = starts[:room], starts[room:]
            # neighbouring windows overlap: one read of the FASTA, then windows are taken from it
            region = genome.codes(chrom, int(part[0]) - left, int(part[-1]) - left + seq_length)
            block.append(Tiles(chrom, part))
            windows.append(region[(part - part[0])[:, None] + np.arange(seq_length)])
            room -= len(part)
            if not room:
                yield block, np.concatenate(windows)
                block, windows, room = [], [], at_once
    if block:
        yield block, np.concatenate(windows)


def in_order(chroms: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers (n,) of windows in the order of the genome, so that overlapping ones follow one another."""
    _, chrom = np.unique(np.asarray(chroms, dtype=str), return_inverse=True)
    return np.lexsort([starts, chrom])
