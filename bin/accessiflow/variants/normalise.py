"""One name for a variant that files write in several ways: padded alleles, other places in a repeat, `-` for no base.

The rule is that of bcftools norm (Tan et al. 2015): bases that both alleles share are left out, at their end first, and
an insertion or deletion is moved left as far as the genome stays the same. Names are without the base before an indel,
so that MAF's and ANNOVAR's `-` need no genome.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.genome import Fasta, decode
from accessiflow.hdf5 import as_text

DASH = "-"
_ALLELE = re.compile(r"[ACGTN]*")
_STEP = 128  # bp looked at before an indel at once


class Names(NamedTuple):
    """Places (n,), counted from 1, and alleles (n,) of variants, "" for no base."""

    pos: NDArray[np.int64]
    ref: NDArray[np.object_]
    alt: NDArray[np.object_]


def names(chrom: ArrayLike, pos: ArrayLike, ref: ArrayLike, alt: ArrayLike, genome: Fasta | None = None) -> Names:
    """Names of variants (n,); those of single bases, and alleles that are no sequence, stay as they are.

    Args:
        chrom, pos, ref, alt: The variants as their file writes them (texts or bytes, in any case).
        genome: Moves insertions and deletions left; without it their place in a repeat counts.
    """
    first, second = (np.array(np.asarray(a, dtype=object), dtype=object, copy=True) for a in (ref, alt))
    place = np.array(pos).astype(np.int64)
    # nearly all variants are single bases: the others alone are looked at one by one
    for i in np.flatnonzero([_is_longer(one) or _is_longer(two) for one, two in zip(first, second, strict=True)]):
        place[i], first[i], second[i] = trimmed(int(place[i]), as_text(first[i]), as_text(second[i]))
        if genome is not None:
            contig = as_text(np.asarray(chrom, dtype=object)[i])
            place[i], first[i], second[i] = moved_left(contig, int(place[i]), first[i], second[i], genome)
    return Names(place, first, second)


def _is_longer(allele: str | bytes) -> bool:
    """Whether an allele is not one base."""
    return len(allele) != 1 or allele in (DASH, DASH.encode())


def trimmed(pos: int, ref: str, alt: str) -> tuple[int, str, str]:
    """Place and alleles without the bases that both alleles share, "" for no base; equal ones stay."""
    one, two = ("" if allele == DASH else allele.upper() for allele in (ref, alt))
    if one == two or not (_ALLELE.fullmatch(one) and _ALLELE.fullmatch(two)):
        return pos, ref, alt
    # the place of an insertion without a base of its own is that of the base before it (MAF, ANNOVAR)
    pos += ref == DASH
    # the end first: of a repeat the leftmost copy is left
    end = _shared(one[::-1], two[::-1])
    one, two = one[: len(one) - end], two[: len(two) - end]
    start = _shared(one, two)
    return pos + start, one[start:], two[start:]


def _shared(one: str, two: str) -> int:
    """How many bases two alleles share from their first on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))


def moved_left(chrom: str, pos: int, ref: str, alt: str, genome: Fasta) -> tuple[int, str, str]:
    """A trimmed insertion or deletion at its leftmost place; anything else as it is."""
    moving = ref or alt
    if (ref and alt) or not moving or chrom not in genome.sizes:
        return pos, ref, alt
    before, low = "", pos  # the bases from `low`, counted from 1, to the one before the allele
    while pos > 1:
        if pos == low:  # in steps: a long repeat takes few reads of the genome
            low = max(1, pos - _STEP)
            before = decode(genome.codes(chrom, low - 1, pos - 1))
        base = before[pos - 1 - low]
        if base != moving[-1] or base == "N":
            break
        moving, pos = base + moving[:-1], pos - 1
    return (pos, moving, "") if ref else (pos, "", moving)
