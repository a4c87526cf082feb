"""Signals to coverage: bigWig, BAM, scATAC fragments and bedGraph -> sums over fixed-width bins along each chromosome.

The value of a bin is the sum of the coverage of its bases. Coverage is the file's value (bigWig, bedGraph; gaps are 0)
or the number of Tn5 insertions (BAM, fragments). The last bin of a chromosome is dropped unless it is whole.

Memory, in addition to one chromosome's bins: 1 Mb of values for a bigWig; 4 bytes an insertion for BAM and fragments;
24 bytes a line of the largest chromosome and 8 bytes a bin for a bedGraph (20 bytes a line when it becomes a bigWig).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from accessiflow.signal.bedgraph import BedGraph
from accessiflow.signal.bigwig import BigWig
from accessiflow.signal.insertions import Counting, Insertions, insertions


def open_signal(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> BigWig | Insertions | BedGraph:
    """The coverage of a signal file on the chromosomes of `sizes`.

    BAM and fragments are read here, once and without an index; bigWig and bedGraph when their bins are asked for.

    Raises:
        InputError: no contig is shared, or a record cannot be read. It may also come while the bins are read.
    """
    if kind == "bigwig":
        return BigWig(path, sizes)
    if kind == "bedgraph":
        return BedGraph(path, sizes)
    return Insertions(insertions(path, kind, sizes, counting), sizes)
