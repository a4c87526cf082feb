"""Signals to coverage: bigWig, BAM, CRAM, fragments and bedGraph -> sums over fixed-width bins along each chromosome.

The value of a bin is the sum of the coverage of its bases. Coverage is the file's value (bigWig, bedGraph; gaps are 0)
or the number of Tn5 insertions (BAM, CRAM, fragments). The last bin of a chromosome is dropped unless it is whole.

Memory, in addition to one chromosome's bins: 1 Mb of values for a bigWig; 4 bytes an insertion for BAM, CRAM and
fragments; 24 bytes a line of the largest chromosome and 8 bytes a bin for a bedGraph (20 bytes a line when it becomes a
bigWig).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from accessiflow.errors import InputError
from accessiflow.signal.bedgraph import BedGraph
from accessiflow.signal.bigwig import BigWig
from accessiflow.signal.insertions import Counting, Insertions, insertions


def barcode_fault(kind: str) -> str:
    """What keeps the cells of a signal from being chosen by their barcodes; "" if nothing does."""
    if kind == "fragments":
        return ""
    return f"is a {kind}, of which no cells can be chosen: barcodes go with a fragments file alone"


def open_signal(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> BigWig | Insertions | BedGraph:
    """The coverage of a signal file on the chromosomes of `sizes`.

    BAM, CRAM and fragments are read here, once and without an index; bigWig and bedGraph when their bins are asked for.

    Raises:
        InputError: no contig is shared, a record cannot be read, or barcodes are given for what holds none. It may also
            come while the bins are read.
    """
    if counting.barcodes is not None and (fault := barcode_fault(kind)):
        raise InputError(fault, path)
    if kind == "bigwig":
        return BigWig(path, sizes)
    if kind == "bedgraph":
        return BedGraph(path, sizes)
    return Insertions(insertions(path, kind, sizes, counting), sizes)
