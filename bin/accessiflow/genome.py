"""Genome sequence: FASTA windows as base codes and one-hot arrays, reverse complement.

Base codes are uint8: A 0, C 1, G 2, T 3, anything else (N, IUPAC, outside the contig) 4. One-hot rows follow A, C, G, T;
code 4 is 0.25 in each channel, as the padding of Basenji's shifts (spec: deterministic, no random base).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import require_file

UNKNOWN = 4
BASES = b"ACGT"
_CODE = np.full(256, UNKNOWN, np.uint8)
for _i, _b in enumerate(BASES):
    _CODE[_b] = _CODE[_b + 32] = _i
_LETTER = np.frombuffer(b"ACGTN", np.uint8)
ONE_HOT = np.vstack([np.eye(4, dtype=np.float32), np.full((1, 4), 0.25, np.float32)])
_COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)


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


def reverse_complement_one_hot(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reverse complement of a one-hot array (..., L, 4): both axes reversed."""
    return array[..., ::-1, ::-1]


class Fasta:
    """Random access to an indexed FASTA (plain or bgzipped); the index is made beside the file when missing.

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
            raise InputError(f"cannot be opened as FASTA ({error}): re-index it with samtools faidx", self.path) from None
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
            out[left - start : right - start] = encode(self._file.fetch(chrom, left, right))
        return out

    def require(self, chroms: Iterable[str], source: Path | str) -> None:
        """Check that all contigs are here.

        Raises:
            InputError: one is not (naming where it came from).
        """
        unknown = sorted(set(chroms) - set(self.sizes))
        if unknown:
            raise InputError(f"names the contig {unknown[0]}, which {self.path.name} does not have ({', '.join(list(self.sizes)[:3])}...)", source)

    def close(self) -> None:
        """Close the underlying file."""
        self._file.close()

    def __enter__(self) -> Fasta:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
