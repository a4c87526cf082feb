"""One signal file -> the sums over fixed-width bins of its track (T.coverage.h5), and its coverage as a bigWig."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.intervals import IntervalSet
from accessiflow.log import left_out, log
from accessiflow.signal.bedgraph import BedGraph
from accessiflow.signal.bigwig import BigWig, write_bigwig
from accessiflow.signal.bins import mask_excluded, write_coverage
from accessiflow.signal.insertions import Counting, Insertions
from accessiflow.signal.reading import open_signal


@dataclass(frozen=True)
class Binning:
    """How coverage becomes bins.

    Attributes:
        bin_size: bp of a bin.
        scale: factor of the sums.
        excluded: a bin that touches one of these intervals is NaN.
    """

    bin_size: int = 128
    scale: float = 1.0
    excluded: Sequence[IntervalSet] = ()


def bin_signal(
    signal: Path,
    kind: str,
    sizes: Mapping[str, int],
    counting: Counting,
    binning: Binning,
    track: str,
    output: Path,
    bigwig: Path | None = None,
) -> None:
    """Write the bins of a signal file, and on request its per-base coverage.

    Args:
        signal: the file.
        kind: bigwig, bam, fragments or bedgraph.
        sizes: chromosome lengths.
        counting: which reads of a BAM or fragments count.
        binning: how coverage becomes bins.
        track: name of the track.
        output: the file of the bins.
        bigwig: where the per-base coverage goes; a signal that is a bigWig itself is not written again.

    Raises:
        InputError: no contig is shared, or a record cannot be read.
    """
    opened = open_signal(signal, kind, sizes, counting)
    cut = sum(size % binning.bin_size for size in sizes.values())
    left_out("bases", cut, sum(sizes.values()), "behind the last whole bin of their chromosome")
    write_coverage(output, track, kind, binning.scale, binning.bin_size, binned(opened, binning))
    if bigwig is not None and not isinstance(opened, BigWig):
        write_bigwig(bigwig, sizes, opened.per_base())
    log.info("%s: %s -> %s", kind, signal.name, output.name)


def binned(signal: BigWig | Insertions | BedGraph, binning: Binning) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Chromosome and its bins (n,), one after the other."""
    for chrom, bins in signal.bins(binning.bin_size):
        masked = bins * binning.scale
        for intervals in binning.excluded:
            masked = mask_excluded(masked, *intervals.merged(chrom), binning.bin_size)
        touched = int(np.isnan(masked).sum())
        left_out("bins", touched, len(masked), "touch an excluded interval", expected=True)
        yield chrom, masked
