"""Genome sequence: FASTA windows as base codes and one-hot arrays, reverse complement.

Base codes are uint8: A 0, C 1, G 2, T 3, anything else (N, IUPAC, outside the contig) 4. One-hot rows follow
A, C, G, T; code 4 is 0.25 in each channel, as in the padding of Basenji's shifts. No base is ever drawn at random in
its place, so results do not differ between runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import require_file

if TYPE_CHECKING:
    import pysam

Codes = NDArray[np.uint8]  # base codes (n, L) of windows
UNKNOWN = 4
BASES = b"ACGT"
_CODE = np.full(256, UNKNOWN, np.uint8)
for _i, _b in enumerate(BASES):
    _CODE[_b] = _CODE[_b + 32] = _i  # ASCII lower case is 32 above upper case
_LETTER = np.frombuffer(b"ACGTN", np.uint8)
ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.full((1, 4), 0.25, np.float32)])
_COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)
UNINDEXED = "lines of one length are needed, compression by bgzip, and an index of its own (samtools faidx)"
LAST_BYTES = 1 << 12  # of a file, which hold its last line unless that is a sequence
CHECKSUM_BASES = 1 << 22  # of a chromosome whose checksum is made
REINDEX = "index it again with samtools faidx"


def check_index(fasta: Path, index: Path) -> None:
    """Check that an index is of this plain FASTA: each name stands where the index says, and no contig is missing.

    Without the check a former file's index gives bases from wrong places, and no error.

    Raises:
        InputError: it is of another or a former file, or the FASTA holds a contig twice.
    """
    known: set[bytes] = set()
    with open(fasta, "rb") as raw:
        for name, length, offset, bases, width in sorted(_index_rows(index), key=lambda row: row[2]):
            header = _next_header(raw, offset)
            words = header[1:].split()
            _check_new(header, known, fasta)  # before the place
            if raw.tell() != offset or words[:1] != [name]:
                break
            known.add(name)
            # Over the contig's full lines and the bases of its last one.
            raw.seek(offset + (length // bases * width + length % bases if bases else 0))
        else:
            # A seek may pass the end of the file, by one byte where the last line has no line end.
            if raw.tell() <= fasta.stat().st_size + 1:
                left = _unindexed_record(raw)
                if not left:
                    return
                _check_new(left, known, fasta)
    raise InputError(f"does not fit its index {index.name}: {REINDEX}", fasta)


def unindexed(fasta: Path) -> str:
    """What keeps a FASTA from being indexed, as far as it is known."""
    with open(fasta, "rb") as raw:
        first = raw.read(14)
        if first[:2] == b"\x1f\x8b" and first[12:] != b"BC":  # no extra field of BGZF
            return f"it is compressed by gzip, in which no base can be looked up: gunzip {fasta.name}, then bgzip it"
        raw.seek(max(fasta.stat().st_size - LAST_BYTES, 0))
        last = raw.read().rstrip().rpartition(b"\n")[2]
    if last[:1] != b">":
        return UNINDEXED
    return f"its last record {last[1:].decode('utf-8', 'replace')[:80]!r} has no bases: leave that record out"


class IndexRow(NamedTuple):
    """A contig's line of a .fai.

    Attributes:
        name: contig name.
        length: length in bp.
        offset: where the first base stands in the file, in bytes.
        bases: bases of a full line.
        width: bytes of a full line, its end included.
    """

    name: bytes
    length: int
    offset: int
    bases: int
    width: int


def _index_rows(index: Path) -> list[IndexRow]:
    rows = []
    for number, line in enumerate(index.read_bytes().splitlines(), 1):
        name, *numbers = line.split(b"\t")
        if len(numbers) < 4 or not all(n.isdigit() and len(n) < 16 for n in numbers[:4]):
            raise InputError(f"is no index of a FASTA: {REINDEX}", index, number)
        length, offset, bases, width = map(int, numbers[:4])
        rows.append(IndexRow(name, length, offset, bases, width))
    return rows


def _next_header(raw: BinaryIO, offset: int) -> bytes:
    """The header right before the bases at `offset`: records without bases, which no index lists, are passed over."""
    header = _next_line(raw)
    while header[:1] == b">" and raw.tell() < offset:
        following = _next_line(raw)
        if following[:1] != b">":
            break
        header = following
    return header


def _check_new(header: bytes, known: Container[bytes], fasta: Path) -> None:
    """Check that no contig before has the name of this one: samtools indexes the first of two only."""
    words = header[1:].split()
    if header[:1] == b">" and words and words[0] in known:
        twice = words[0].decode("utf-8", "replace")
        raise InputError(f"holds the contig {twice} twice: rename or leave out one of them", fasta)


def _unindexed_record(raw: BinaryIO) -> bytes:
    """The header of what is left; nothing where only records without bases are."""
    header = b""
    while line := _next_line(raw):
        if line[:1] != b">":
            return header or line
        header = line
    return b""


def _next_line(raw: BinaryIO) -> bytes:
    """The next line that begins here and is not blank; nothing at the end."""
    line = raw.readline()
    while line and not line.strip():
        line = raw.readline()
    return line


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Base codes (L,) of a sequence; lower case counts as upper case."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return _CODE[np.frombuffer(raw, np.uint8)]


def decode(codes: NDArray[np.uint8]) -> str:
    """The sequence of base codes, N for unknown."""
    return _LETTER[codes].tobytes().decode()


def one_hot(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One-hot (..., L, 4) float32 of base codes (..., L); unknown bases are 0.25 each."""
    return ONE_HOT[codes]


def reverse_complement(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reverse complement of base codes (..., L), along the last axis."""
    return _COMPLEMENT[codes[..., ::-1]]


def sequence_md5(handle: pysam.FastaFile, chrom: str) -> str:
    """md5 of a contig's sequence in upper case: M5 of SAM headers (SAM specification, 1.3.2)."""
    digest = hashlib.md5(usedforsecurity=False)
    for start in range(0, handle.get_reference_length(chrom), CHECKSUM_BASES):
        digest.update(handle.fetch(chrom, start, start + CHECKSUM_BASES).upper().encode())
    return digest.hexdigest()


class Fasta:
    """Random access to an indexed FASTA (plain or bgzipped); a missing index is made next to the file.

    Attributes:
        sizes: contig name -> length in bp, in file order.
    """

    def __init__(self, path: Path) -> None:
        import pysam

        self.path = require_file(Path(path), "FASTA file")
        with open(self.path, "rb") as raw:
            first = raw.read(2)
        if first[:1] != b">" and first != b"\x1f\x8b":
            raise InputError("is not a FASTA file: its first character is not '>'", self.path)
        try:
            self._file = pysam.FastaFile(str(self.path))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot be opened as FASTA ({error}): {unindexed(self.path)}", self.path) from None
        if first[:1] == b">":
            check_index(self.path, Path(f"{self.path}.fai"))
        self.sizes: dict[str, int] = dict(zip(self._file.references, self._file.lengths, strict=True))

    def codes(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Base codes (end - start,) of a 0-based half-open window; positions outside the contig are unknown.

        Raises:
            InputError: the contig is not in the FASTA.
        """
        size = self.sizes.get(chrom)
        if size is None:
            raise InputError(f"has no contig {chrom} (it has {', '.join(list(self.sizes)[:5])}...)", self.path)
        out = np.full(end - start, UNKNOWN, np.uint8)
        left, right = max(start, 0), min(end, size)
        if left < right:
            try:
                bases = encode(self._file.fetch(chrom, left, right))
            except (OSError, ValueError) as error:
                raise InputError(
                    f"cannot be read at {chrom}:{left}-{right} ({error}): truncated or damaged", self.path
                ) from None
            if len(bases) != right - left:  # htslib gives what it gets, without an error
                raise InputError(
                    f"cannot be read at {chrom}:{left}-{right}: {len(bases)} bases found, {REINDEX}", self.path
                )
            out[left - start : right - start] = bases
        return out

    def md5(self, chrom: str) -> str:
        """Checksum of a contig, as SAM headers have it."""
        return sequence_md5(self._file, chrom)

    def require(self, chroms: Iterable[str], source: Path | str) -> None:
        """Check that all contigs are here.

        Raises:
            InputError: one is not (naming where it came from).
        """
        unknown = sorted(set(chroms) - set(self.sizes))
        if unknown:
            known = ", ".join(list(self.sizes)[:3])
            raise InputError(
                f"names the contig {unknown[0]}, which {self.path.name} does not have ({known}...)", source
            )

    def close(self) -> None:
        """Close the underlying file."""
        self._file.close()

    def __enter__(self) -> Fasta:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Composition(NamedTuple):
    """Of sequences (n,), over their known bases alone.

    gc: share of G and C; NaN where no base is known.
    cpg_oe: CpG observed over expected, CpG x known bases / (C x G); NaN without a C or a G.
    island: "True" where gc > 0.5 and cpg_oe > 0.6 (Gardiner-Garden and Frommer 1987, whatever the length), else
        "False"; "NA" where no base is known.
    """

    gc: NDArray[np.float64]
    cpg_oe: NDArray[np.float64]
    island: NDArray[np.object_]


def gc_share(gc: NDArray[np.integer], known: NDArray[np.integer]) -> NDArray[np.float64]:
    """GC share (n,) of sequences with `gc` G and C among `known` bases; NaN where none is known."""
    return np.divide(gc, known, out=np.full(len(known), np.nan), where=known > 0)


def composition_of(
    c: NDArray[np.integer], g: NDArray[np.integer], cpg: NDArray[np.integer], known: NDArray[np.integer]
) -> Composition:
    """Composition of sequences by how many C, G, CpG and known bases (n,) each holds."""
    gc, pairs = gc_share(c + g, known), c * g
    ratio = np.divide(cpg * known, pairs, out=np.full(len(known), np.nan), where=pairs > 0)
    island = np.where((gc > 0.5) & (ratio > 0.6), "True", "False").astype(object)
    return Composition(gc, ratio, np.where(known > 0, island, "NA"))


def gc_and_cpg(codes: Codes) -> Composition:
    """Composition of windows of base codes (n, L)."""
    cpg = ((codes[:, :-1] == 1) & (codes[:, 1:] == 2)).sum(axis=1)
    return composition_of((codes == 1).sum(axis=1), (codes == 2).sum(axis=1), cpg, (codes != UNKNOWN).sum(axis=1))


def window_gc(codes: Codes) -> NDArray[np.float64]:
    """GC share (n,) of windows of base codes (n, L)."""
    return gc_share(((codes == 1) | (codes == 2)).sum(axis=1), (codes != UNKNOWN).sum(axis=1))


def shift_codes(codes: Codes, shifts: NDArray[np.int64]) -> Codes:
    """Windows (n, L) moved right by shifts (n,) (left where negative); vacated positions are unknown."""
    where = np.arange(codes.shape[1])[None, :] - shifts[:, None]
    inside = (where >= 0) & (where < codes.shape[1])
    moved = np.take_along_axis(codes, np.clip(where, 0, codes.shape[1] - 1), axis=1)
    return np.where(inside, moved, np.uint8(UNKNOWN))
