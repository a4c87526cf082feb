"""A VCF that tools can query: sorted, bgzipped and indexed, whatever order its records come in.

Memory: a block of records, and of an unsorted file as many as SORTED_AT_ONCE.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.files import atomic, open_text

if TYPE_CHECKING:
    import pysam

VCF_COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
LAST_IN_TBI = 1 << 29  # positions from here on need a .csi
LAST_INDEXED = (1 << 31) - 1  # no index goes further
SORTED_AT_ONCE = 200_000
WRITTEN_AT_ONCE = 10_000  # records


class VcfWriter:
    """Takes records; knows whether they came in order.

    Attributes:
        longest: The greatest position.
        in_order: Whether each contig's records came together, by position.
        beyond: Records at a place that no index can hold, which are left out.
    """

    def __init__(self, out: pysam.BGZFile) -> None:
        """A writer to an open file behind its header."""
        self.longest, self.in_order, self.beyond = 0, True, 0
        self._out, self._ranks, self._last = out, dict[str, int](), (0, 0)
        self._lines: list[str] = []

    def write(self, columns: Sequence[str]) -> None:
        """Write one record of eight columns."""
        pos = int(columns[1])
        if not 1 <= pos < LAST_INDEXED:
            self.beyond += 1
            return
        place = (self._ranks.setdefault(columns[0], len(self._ranks)), pos)
        self.in_order = self.in_order and place >= self._last
        self._last, self.longest = place, max(self.longest, pos)
        self._lines.append("\t".join(columns) + "\n")
        if len(self._lines) >= WRITTEN_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Hand on what is held."""
        self._out.write("".join(self._lines).encode())
        self._lines.clear()

    def rank(self, line: str) -> tuple[int, int]:
        """Where a record belongs: contigs in the order of their first record, then positions."""
        chrom, pos, _ = line.split("\t", 2)
        return self._ranks[chrom], int(pos)


@contextmanager
def write_vcf(path: Path, header: Sequence[str]) -> Iterator[VcfWriter]:
    """Open PATH (.vcf.gz) for atomic writing; its index (.tbi, or .csi beyond 2^29 bp) is written next to it.

    Args:
        path: The file.
        header: Its meta lines (##...), without line ends.
    """
    import pysam

    head = "".join(f"{line}\n" for line in [*header, "\t".join(VCF_COLUMNS)]).encode()
    with atomic(path) as temporary:
        with pysam.BGZFile(str(temporary), "wb") as out:
            out.write(head)
            writer = VcfWriter(out)
            yield writer
            writer.flush()
        if not writer.in_order:
            _sort(temporary, head, writer)
        csi = writer.longest >= LAST_IN_TBI
        with atomic(Path(f"{path}.{'csi' if csi else 'tbi'}")) as index:
            pysam.tabix_index(str(temporary), preset="vcf", index=str(index), force=True, csi=csi)


def _sort(path: Path, head: bytes, writer: VcfWriter) -> None:
    """Write a file's records again in order: sorted pieces on disk, merged."""
    import pysam

    with ExitStack() as stack:
        pieces = []
        for number, piece in enumerate(_pieces(path, writer)):
            lying = path.with_name(f"piece.{number}")
            lying.write_text("".join(piece), encoding="utf-8", newline="\n")
            pieces.append(stack.enter_context(open(lying, encoding="utf-8", newline="\n")))
        with pysam.BGZFile(str(path), "wb") as out:
            out.write(head)
            # equal places keep their order: merge takes from the earlier piece first
            lines = iter(heapq.merge(*pieces, key=writer.rank))
            while block := list(islice(lines, WRITTEN_AT_ONCE)):
                out.write("".join(block).encode())


def _pieces(path: Path, writer: VcfWriter) -> Iterator[list[str]]:
    with open_text(path) as handle:
        lines = (line for line in handle if not line.startswith("#"))
        while piece := list(islice(lines, SORTED_AT_ONCE)):
            yield sorted(piece, key=writer.rank)
