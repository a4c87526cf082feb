"""Allele windows: the REF and ALT sequences that a model sees, by Basenji's rules (dna_io, vcf.snp_seq1 of the fork).

With p = pos - 1 and half = seq_length // 2, the genome string is
    [p - half + 1, p + half + 1 + max(0, len(REF) - len(ALT))),
so that the allele starts at offset half - 1. ALT replaces REF in it; each string is then brought to seq_length: a
longer one loses (surplus // 2) bases on the left and the rest on the right, a shorter one is padded with unknown bases,
half (rounded down) in front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from accessiflow.genome import UNKNOWN, Codes, Fasta, decode, encode
from accessiflow.variants.normalise import DASH
from accessiflow.variants.vcf import Variant

ABSENT = "contig is not in the FASTA"


class AlleleWindows(NamedTuple):
    """The windows of a variant.

    Attributes:
        ref: Base codes (seq_length,) of the REF window.
        alt: Base codes (seq_length,) of the ALT window.
        start: Where the REF window starts on the chromosome.
    """

    ref: Codes
    alt: Codes
    start: int


class CheckedVariant(NamedTuple):
    """A variant as it is to be scored, and the reason why it cannot be ("" if it can)."""

    variant: Variant
    reason: str


def check_variant(variant: Variant, genome: Fasta, seq_length: int, ref_mismatch: str = "score") -> CheckedVariant:
    """Check a variant against the genome.

    Args:
        variant: One allele pair of a record.
        genome: The FASTA.
        seq_length: The model's input in bp.
        ref_mismatch: What to do when ALT is the genome's allele and REF is not: "score" (as it stands, as Basenji
            does), "exclude", or "swap" (alleles exchanged). A variant of which neither allele is the genome's is
            excluded.
    """
    variant = anchored(variant, genome)
    reason = check_place(variant, genome) or variant.reason
    if reason:
        return CheckedVariant(variant, reason)
    if max(len(variant.ref), len(variant.alt)) > seq_length:
        return CheckedVariant(variant, f"allele is longer than the window of {seq_length} bp")
    if _is_genomes(variant.ref, variant, genome):
        return CheckedVariant(variant, "")
    if not _is_genomes(variant.alt, variant, genome):
        return CheckedVariant(variant, "neither allele is the genome's")
    if ref_mismatch == "exclude":
        return CheckedVariant(variant, "REF is not the genome's allele, ALT is")
    if ref_mismatch == "swap":
        variant = replace(variant, ref=variant.alt, alt=variant.ref)
    return CheckedVariant(variant, "")


def allele_windows(
    variant: Variant, genome: Fasta, seq_length: int, around: Callable[[Codes, int, int], Codes] | None = None
) -> AlleleWindows:
    """Windows of a variant that `check_variant` gives no reason against.

    A REF that is not the genome's is put into the genome in ALT's place.

    Args:
        variant: One allele pair.
        genome: The FASTA.
        seq_length: The windows' length.
        around: Changes the bases around the allele before ALT replaces REF: gets the window, and where REF starts and
            ends in it.
    """
    ref, alt = encode(variant.ref), encode(variant.alt)
    half, place = seq_length // 2, variant.pos - 1
    # a deletion shortens ALT: so many more bases are read that its window is filled too
    surplus = max(0, len(ref) - len(alt))
    first = place - half + 1
    string = genome.codes(variant.chrom, first, first + seq_length + surplus)
    at = half - 1
    if not _is_genomes(variant.ref, variant, genome):
        string = _replaced(string, at, len(alt), ref)
    if around is not None:
        string = around(string, at, at + len(ref))
    changed = _replaced(string, at, len(ref), alt)
    return AlleleWindows(fit(string, seq_length), fit(changed, seq_length), first + surplus // 2)


def check_place(variant: Variant, genome: Fasta) -> str:
    """Why a variant's place is not on the genome, or ""."""
    size = genome.sizes.get(variant.chrom)
    if size is None:
        return ABSENT
    on_it = variant.pos >= 1 and variant.pos - 1 + len(variant.ref) <= size
    return "" if on_it else "position is not on the chromosome"


def anchored(variant: Variant, genome: Fasta) -> Variant:
    """A variant with `-` for no base as VCF writes it, with the base before it; any other as it is."""
    if DASH not in (variant.ref, variant.alt) or variant.chrom not in genome.sizes:
        return variant
    pos = variant.pos if variant.ref == DASH else variant.pos - 1
    base = decode(genome.codes(variant.chrom, pos - 1, pos))
    ref, alt = (base + allele.replace(DASH, "") for allele in (variant.ref, variant.alt))
    return replace(variant, pos=pos, ref=ref, alt=alt)


def fit(string: Codes, seq_length: int) -> Codes:
    """A string brought to seq_length (see the module)."""
    surplus = len(string) - seq_length
    if surplus >= 0:
        return string[surplus // 2 : surplus // 2 + seq_length]
    front = -surplus // 2  # of an odd number, half rounded down: the allele keeps Basenji's place
    return np.concatenate([np.full(front, UNKNOWN, np.uint8), string, np.full(-surplus - front, UNKNOWN, np.uint8)])


def _is_genomes(allele: str, variant: Variant, genome: Fasta) -> bool:
    start = variant.pos - 1
    return bool(np.array_equal(genome.codes(variant.chrom, start, start + len(allele)), encode(allele)))


def _replaced(string: Codes, at: int, width: int, allele: Codes) -> Codes:
    return np.concatenate([string[:at], allele, string[at + width :]])
