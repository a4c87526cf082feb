"""Signals to coverage: bigWig, BAM, scATAC fragments and bedGraph -> sums over fixed-width bins along each chromosome.

Value of a bin = sum over its bases of per-base coverage, where coverage is the file's value (bigWig, bedGraph; gaps are 0) or the number of Tn5
insertions (BAM, fragments). The trailing partial bin of a chromosome is dropped.

Memory: bigWig 1 Mb of values; BAM and fragments 4 bytes an insertion; bedGraph 24 bytes a line of the largest chromosome and 8 bytes a bin (as
bigWig: 20 bytes a line). All plus one chromosome's bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.signal.bedgraph import BedGraph
from accessiflow.signal.bigwig import BigWig
from accessiflow.signal.insertions import Counting, Insertions, insertions

if TYPE_CHECKING:
    pass


def open_signal(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> BigWig | Insertions | BedGraph:
    """The coverage of a signal file on the chromosomes of `sizes`; BAM and fragments are read here, once and without an index.

    Raises:
        InputError: here or while its bins are read: no contig is shared, or a record cannot be read.
    """
    if kind == "bigwig":
        return BigWig(path, sizes)
    if kind == "bedgraph":
        return BedGraph(path, sizes)
    return Insertions(insertions(path, kind, sizes, counting), sizes)
