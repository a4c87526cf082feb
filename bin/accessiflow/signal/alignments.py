"""Alignments: BAM, and CRAM with the genome that it was written with.

A CRAM holds differences from its reference. Every contig of its header must be in the FASTA with the sequence of the
header's checksum: htslib else looks for it wherever the header or the environment says (UR, REF_PATH, the network).
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from accessiflow.errors import InputError
from accessiflow.files import require_file
from accessiflow.genome import Fasta

if TYPE_CHECKING:
    import pysam

UNUSABLE = 0x4 | 0x100 | 0x200 | 0x400 | 0x800  # unmapped, secondary, QC fail, duplicate, supplementary
# Flags and contigs, the fields of a CRAM (htslib's required_fields) that are read without its reference: for others it
# opens the file of the header's UR, and indexes it there.
WITHOUT_REFERENCE = 0x2 | 0x4


def require_alignments(path: Path) -> str:
    """BAM or CRAM, by how a file starts.

    Raises:
        InputError: it is missing, a folder, empty, unreadable or another format.
    """
    require_file(path, "BAM or CRAM file")
    try:
        with open(path, "rb") as raw, gzip.open(path) as unzipped:
            first = raw.read(14)
            if first[:4] == b"CRAM":
                return "CRAM"
            # "BC" in the header's extra field marks BGZF; plain gzip cannot be indexed.
            is_bam = first[12:] == b"BC" and unzipped.read(4) == b"BAM\1"
    except (OSError, EOFError, zlib.error):
        is_bam = False
    if not is_bam:
        raise InputError("is not a readable BAM file (its first bytes are wrong): make one with samtools view -b", path)
    return "BAM"


@contextmanager
def open_alignments(path: Path, fasta: Path | None = None, index: Path | None = None) -> Iterator[pysam.AlignmentFile]:
    """A BAM or CRAM for reading.

    Args:
        path: the file.
        fasta: the genome; a CRAM without it shows flags and contigs alone.
        index: the file's index, where it does not lie beside it.

    Raises:
        InputError: it is neither, or its header is damaged.
    """
    import pysam

    form = require_alignments(path)
    if form == "BAM":
        options = {}
    elif fasta is None:
        options = {"format_options": [f"required_fields={WITHOUT_REFERENCE}".encode()]}
    else:
        options = {"reference_filename": str(fasta)}
    verbosity = pysam.set_verbosity(0)  # htslib prints its own complaints to stderr, next to our one sentence
    try:
        try:
            handle = pysam.AlignmentFile(
                str(path), check_sq=True, index_filename=None if index is None else str(index), **options
            )
        except (OSError, ValueError, NotImplementedError) as error:
            raise InputError(f"is not a readable {form} file ({_sentence(error)}): truncated?", path) from None
        try:
            with handle:
                yield handle
        except OSError as error:  # of a damaged file, closing may fail too
            raise InputError(f"cannot be read as {form} ({_sentence(error)}): truncated?", path) from None
    finally:
        pysam.set_verbosity(verbosity)


def records(handle: pysam.AlignmentFile, path: Path) -> Iterator[pysam.AlignedSegment]:
    """All records in the order of the file.

    Raises:
        InputError: one cannot be read (with the number of the last that could).
    """
    number = 0
    try:
        for number, read in enumerate(handle.fetch(until_eof=True), 1):  # noqa: B007
            yield read
    except (OSError, ValueError, NotImplementedError) as error:
        form = "CRAM" if handle.is_cram else "BAM"
        raise InputError(
            f"cannot be read as {form} after record {number} ({_sentence(error)}): truncated?", path
        ) from None


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def lengths_of(handle: pysam.AlignmentFile) -> dict[str, int]:
    """Contig -> length by the header, in its order."""
    return dict(zip(handle.references, handle.lengths, strict=True))


class Genome(Protocol):
    """A genome, of which contigs have lengths and checksums (as SAM headers have them)."""

    sizes: dict[str, int]

    def md5(self, chrom: str) -> str:
        """Checksum of a contig's sequence."""


def check_reference(handle: pysam.AlignmentFile, path: Path, fasta: Path | None) -> None:
    """Check that a CRAM was written with this genome; a BAM fits any.

    Raises:
        InputError: no genome is given, or it is another.
    """
    if not handle.is_cram or fasta is None:
        fault = reference_fault(handle, None)
    else:
        with Fasta(fasta) as genome:
            fault = reference_fault(handle, genome)
    if fault:
        raise InputError(fault, path)


def reference_fault(handle: pysam.AlignmentFile, genome: Genome | None) -> str:
    """What keeps a CRAM from being read with a genome; "" if nothing does."""
    if not handle.is_cram:
        return ""
    if genome is None:
        return "is a CRAM, which is read with the genome that it was written with: give --fasta"
    named = {contig["SN"]: str(contig.get("M5", "")).lower() for contig in handle.header.to_dict()["SQ"]}
    lacking = [name for name in named if name not in genome.sizes]
    if lacking:
        return (
            f"is a CRAM of a reference with the contig {lacking[0]}, which the FASTA lacks ({len(lacking)} of "
            f"{len(named)} contigs): give the FASTA that it was written with, or make a BAM of it"
        )
    other = next((name for name, checksum in named.items() if checksum and checksum != genome.md5(name)), "")
    if not other:
        return ""
    return (
        f"is a CRAM of another reference: the sequence of {other} has another checksum (md5) in the FASTA: give the "
        "FASTA that it was written with"
    )
