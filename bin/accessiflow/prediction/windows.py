"""Windows around sites and along chromosomes, as base codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes, Fasta


def centred(genome: Fasta, chroms: Sequence[str], middles: NDArray[np.int64], seq_length: int) -> Codes:
    """Windows (n, seq_length) [middle - half, middle - half + seq_length); outside the chromosome unknown."""
    out = np.empty((len(chroms), seq_length), np.uint8)
    for row, (chrom, middle) in enumerate(zip(chroms, middles.tolist(), strict=True)):
        out[row] = genome.codes(chrom, middle - seq_length // 2, middle - seq_length // 2 + seq_length)
    return out


def tiles(
    genome: Fasta, chrom: str, width: int, seq_length: int, at_once: int
) -> Iterator[tuple[NDArray[np.int64], Codes]]:
    """Tiles [start, start + width) along a chromosome, block by block.

    Yields:
        Starts (n,) of the tiles, and the windows (n, seq_length) around them.
    """
    # the end of a chromosome that fills no tile is left out
    starts = np.arange(0, genome.sizes[chrom] - width + 1, width, dtype=np.int64)
    left = (seq_length - width) // 2
    for low in range(0, len(starts), at_once):
        part = starts[low : low + at_once]
        # neighbouring windows overlap: one read of the FASTA, then windows are taken from it
        region = genome.codes(chrom, int(part[0]) - left, int(part[-1]) - left + seq_length)
        yield part, region[(part - part[0])[:, None] + np.arange(seq_length)]


def in_order(chroms: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers (n,) of windows in the order of the genome, so that overlapping ones follow one another."""
    _, chrom = np.unique(np.asarray(chroms, dtype=str), return_inverse=True)
    return np.lexsort([starts, chrom])
