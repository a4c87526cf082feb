"""Whether reads with either allele of an SNV could come from another place of the genome: the swap-allele filter.

The reads over a heterozygous site are mapped to a genome with one of its alleles, which favours that allele where a
read with the other one fits elsewhere too. Mapping each read again with its allele swapped needs the mapper; instead,
every k-mer over the site, with REF and with ALT, is looked up in the genome, on both strands and without a mismatch.
The look-up is exact: k-mers are compared as two-bit codes.

Memory: some 40 k bytes a site and allele (3 kB a site at k = 36), a table of at most 128 MB, and a part of a contig.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import UNKNOWN, Fasta, encode, reverse_complement
from accessiflow.variants.columns import UNIQUE

if TYPE_CHECKING:
    import pandas as pd

REF_ELSEWHERE, ALT_ELSEWHERE, BOTH_ELSEWHERE = "ref elsewhere", "alt elsewhere", "both elsewhere"
NO_REF = "ref is not the genome"
SHORTEST, LONGEST = 16, 48
PART = 1 << 20  # bases of a contig that are looked at together
_WORD = 32  # bases in 64 bits
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: spreads heads over the slots (Knuth)
Words = NDArray[np.uint64]


class Kmers:
    """A set of k-mers, each counted while a genome passes.

    Attributes:
        seen: times that each distinct k-mer was met.
    """

    def __init__(self, head: Words, tail: Words, k: int) -> None:
        self._k, self._shift = k, np.uint64(2 * max(k - _WORD, 0))
        self._heads = np.unique(head)
        self._codes = np.unique(self._code(head, tail)[0])
        bits = int(np.clip(np.ceil(np.log2(len(self._heads) + 1)) + 4, 16, 27))
        self._down = np.uint64(64 - bits)
        self._maybe = np.zeros(1 << bits, bool)
        self._maybe[self._slot(self._heads)] = True
        self.seen = np.zeros(len(self._codes), np.int64)

    def count(self, codes: NDArray[np.uint8]) -> None:
        """Count the k-mers of a sequence of base codes (L,); those with an unknown base are none."""
        head, tail, known = pack(codes, self._k)
        at = np.flatnonzero(self._maybe[self._slot(head)] & known)
        np.add.at(self.seen, self.find(head[at], tail[at])[1], 1)

    def find(self, head: Words, tail: Words) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of the k-mers (m,) are in the set (their places among the m), and their numbers in it."""
        code, at = self._code(head, tail)
        number = np.minimum(np.searchsorted(self._codes, code), max(len(self._codes) - 1, 0))
        found = self._codes[number] == code if len(self._codes) else np.zeros(len(code), bool)
        return at[found], number[found]

    def _code(self, head: Words, tail: Words) -> tuple[Words, NDArray[np.int64]]:
        """One number (the head's, then the other bases) a k-mer whose head is in the set, and the places of these."""
        number = np.minimum(np.searchsorted(self._heads, head), max(len(self._heads) - 1, 0))
        at = np.flatnonzero(self._heads[number] == head) if len(self._heads) else np.empty(0, np.int64)
        return (number[at].astype(np.uint64) << self._shift) | tail[at], at

    def _slot(self, head: Words) -> Words:
        return (head * _ODD) >> self._down


class Packed(NamedTuple):
    """K-mers as two-bit numbers.

    Attributes:
        head: the first 32 bases of each.
        tail: the bases after them.
        known: whether all its bases are known.
    """

    head: Words
    tail: Words
    known: NDArray[np.bool_]


def pack(codes: NDArray[np.uint8], k: int) -> Packed:
    """The k-mers (..., L - k + 1) of base codes (..., L)."""
    size = codes.shape[-1] - k + 1
    if size <= 0:
        empty = np.empty((*codes.shape[:-1], 0), np.uint64)
        return Packed(empty, empty, empty.astype(bool))
    # Words of 1, 2, 4... bases, each put together from two of half its width.
    words = [np.where(codes < UNKNOWN, codes, 0).astype(np.uint64)]
    while 2 ** len(words) <= min(k, _WORD):
        half, last = 2 ** (len(words) - 1), words[-1]
        words.append((last[..., :-half] << np.uint64(2 * half)) | last[..., half:])
    # Unknown bases up to each place: a k-mer is known where the number does not grow over it.
    bad = np.concatenate([np.zeros((*codes.shape[:-1], 1), np.int64), np.cumsum(codes == UNKNOWN, axis=-1)], axis=-1)
    head, tail = _word(words, 0, min(k, _WORD), size), _word(words, _WORD, max(k - _WORD, 0), size)
    return Packed(head, tail, bad[..., k:] == bad[..., :-k])


def swap_check(sites: pd.DataFrame, fasta: Path, k: int) -> NDArray[np.object_]:
    """Whether a k-mer over an SNV with either allele occurs elsewhere in the genome, for each SNV (n,).

    Args:
        sites: chrom, pos (1-based), ref, alt.
        fasta: the genome.
        k: length of the k-mers.

    Returns:
        UNIQUE, REF_ELSEWHERE, ALT_ELSEWHERE, BOTH_ELSEWHERE, or NO_REF where the genome has neither allele.
    """
    with Fasta(fasta) as genome:
        genome.require(sites["chrom"], "the table of sites")
        around = _windows(sites, genome, k)
        packed = [_both_strands(around, encode("".join(sites[allele])), k) for allele in ("ref", "alt")]
        parts = [(head[known], tail[known]) for strands in packed for head, tail, known in strands]
        kmers = Kmers(*(np.concatenate(column) for column in zip(*parts, strict=True)), k)
        for codes in _parts(genome, k):
            kmers.count(codes)
        here = around[:, k - 1]
    elsewhere = [
        _elsewhere(kmers, strands, here == encode("".join(sites[allele])))
        for strands, allele in zip(packed, ("ref", "alt"), strict=True)
    ]
    present = np.isin(here, range(UNKNOWN)) & (
        (here == encode("".join(sites["ref"]))) | (here == encode("".join(sites["alt"])))
    )
    names = np.array([UNIQUE, REF_ELSEWHERE, ALT_ELSEWHERE, BOTH_ELSEWHERE], dtype=object)
    return np.where(present, names[elsewhere[0] + 2 * elsewhere[1]], NO_REF)


def _word(words: list[Words], offset: int, width: int, size: int) -> Words:
    """The `width` bases from `offset` on behind each of `size` places, put together from words of 1, 2, 4... bases."""
    out = np.zeros((*words[0].shape[:-1], size), np.uint64)
    for power in reversed(range(len(words))):
        if width >> power & 1:
            out = (out << np.uint64(2 << power)) | words[power][..., offset : offset + size]
            offset += 1 << power
    return out


def _windows(sites: pd.DataFrame, genome: Fasta, k: int) -> NDArray[np.uint8]:
    """Base codes (n, 2k - 1) of the genome around each site."""
    places = zip(sites["chrom"], sites["pos"].to_numpy() - 1, strict=True)
    return np.array([genome.codes(chrom, int(at) - k + 1, int(at) + k) for chrom, at in places], np.uint8)


def _both_strands(around: NDArray[np.uint8], allele: NDArray[np.uint8], k: int) -> list[Packed]:
    """The k-mers (n, k) over each site with an allele in it, forward and reversed, both in the order of the forward."""
    changed = around.copy()
    changed[:, k - 1] = allele
    reverse = pack(reverse_complement(changed), k)
    return [pack(changed, k), Packed(*(part[:, ::-1] for part in reverse))]


def _parts(genome: Fasta, k: int) -> Iterator[NDArray[np.uint8]]:
    """The genome in parts that overlap by k - 1 bases, so that each k-mer lies in one."""
    for chrom, size in genome.sizes.items():
        for start in range(0, size, PART):
            yield genome.codes(chrom, start, min(start + PART + k - 1, size))


def _elsewhere(kmers: Kmers, strands: list[Packed], is_genome: NDArray[np.bool_]) -> NDArray[np.int64]:
    """1 (n,) where a k-mer of an allele was met at another place than the site itself.

    Args:
        kmers: the k-mers, counted over the genome.
        strands: those of the allele (n, k), forward and reversed.
        is_genome: whether the genome has the allele at the site (n,), so that its k-mers are met there once.
    """
    (head, tail, known), (back_head, back_tail, _) = strands
    times = _times(kmers, head, tail, known)
    # A k-mer that is its own reverse complement counts once.
    times += np.where((head == back_head) & (tail == back_tail), 0, _times(kmers, back_head, back_tail, known))
    return ((times > is_genome[:, None]) & known).any(axis=1).astype(np.int64)


def _times(kmers: Kmers, head: Words, tail: Words, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    out = np.zeros(head.size, np.int64)
    at, number = kmers.find(head.ravel(), tail.ravel())
    out[at] = kmers.seen[number]
    return np.where(known, out.reshape(head.shape), 0)
