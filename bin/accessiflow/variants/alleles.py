"""Allele windows: the REF and ALT sequences that a model sees, by Basenji's string rules (dna_io / vcf.snp_seq1 of the fork).

With p = pos - 1 and half = seq_length // 2, the genome string is [p - half + 1, p + half + 1 + max(0, len(REF) - len(ALT))): the allele starts at
offset half - 1. ALT replaces REF in it; each string is then brought to seq_length: a longer one loses (surplus // 2) bases on the left and the
rest on the right, a shorter one is padded with unknown bases, half (rounded down) in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import UNKNOWN, Fasta, encode
from accessiflow.variants.vcf import Variant

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """The windows of a variant, or why it has none.

    Attributes:
        ref, alt: base codes (seq_length,); empty when there is a reason.
        reason: why the variant is excluded, or "".
        swapped: its alleles were exchanged because ALT is the genome's.
    """

    ref: Codes
    alt: Codes
    reason: str = ""
    swapped: bool = False


_NONE = np.empty(0, np.uint8)


def allele_windows(variant: Variant, genome: Fasta, seq_length: int, ref_mismatch: str = "score") -> Pair:
    """Windows of a variant.

    Args:
        ref_mismatch: when ALT is the genome's allele and REF is not: "score" (REF is put into the genome, as Basenji does), "exclude", or
            "swap" (alleles exchanged). A variant of which neither allele is the genome's is excluded.
    """
    fault = variant.reason or check_place(variant, genome)
    if fault:
        return Pair(_NONE, _NONE, fault)
    ref, alt = encode(variant.ref), encode(variant.alt)
    half, place = seq_length // 2, variant.pos - 1
    surplus = max(0, len(ref) - len(alt))
    string = genome.codes(variant.chrom, place - half + 1, place + seq_length - half + 1 + surplus)
    at = half - 1
    if _same(string, at, ref):
        return Pair(fit(string, seq_length), fit(_replaced(string, at, len(ref), alt), seq_length))
    if not _same(genome.codes(variant.chrom, place, place + len(alt)), 0, alt):
        return Pair(_NONE, _NONE, "neither allele is the genome's")
    if ref_mismatch == "exclude":
        return Pair(_NONE, _NONE, "REF is not the genome's allele, ALT is")
    if ref_mismatch == "swap":
        exchanged = Variant(variant.line, variant.chrom, variant.pos, variant.id, variant.alt, variant.ref)
        pair = allele_windows(exchanged, genome, seq_length)
        return Pair(pair.ref, pair.alt, pair.reason, swapped=True)
    with_ref = _replaced(string, at, len(alt), ref)
    return Pair(fit(with_ref, seq_length), fit(_replaced(with_ref, at, len(ref), alt), seq_length))


def check_place(variant: Variant, genome: Fasta) -> str:
    """Why a variant's place is not on the genome, or ""."""
    size = genome.sizes.get(variant.chrom)
    if size is None:
        return "contig is not in the FASTA"
    return "" if 1 <= variant.pos and variant.pos - 1 + len(variant.ref) <= size else "position is not on the chromosome"


def fit(string: Codes, seq_length: int) -> Codes:
    """A string brought to seq_length (see the module)."""
    surplus = len(string) - seq_length
    if surplus >= 0:
        return string[surplus // 2 : surplus // 2 + seq_length]
    front = -surplus // 2
    return np.concatenate([np.full(front, UNKNOWN, np.uint8), string, np.full(-surplus - front, UNKNOWN, np.uint8)])


def _same(string: Codes, at: int, allele: Codes) -> bool:
    return bool(np.array_equal(string[at : at + len(allele)], allele))


def _replaced(string: Codes, at: int, width: int, allele: Codes) -> Codes:
    return np.concatenate([string[:at], allele, string[at + width :]])
