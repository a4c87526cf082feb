"""Allele windows: the REF and ALT sequences that a model sees, by Basenji's string rules (dna_io / vcf.snp_seq1 of the fork).

With p = pos - 1 and half = seq_length // 2, the genome string is [p - half + 1, p + half + 1 + max(0, len(REF) - len(ALT))): the allele starts at
offset half - 1. ALT replaces REF in it; each string is then brought to seq_length: a longer one loses (surplus // 2) bases on the left and the
rest on the right, a shorter one is padded with unknown bases, half (rounded down) in front.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from accessiflow.genome import UNKNOWN, Codes, Fasta, encode
from accessiflow.variants.vcf import Variant

ABSENT = "contig is not in the FASTA"


class Pair(NamedTuple):
    """Base codes (seq_length,) of the REF and the ALT window of a variant, and where the REF window starts on the chromosome."""

    ref: Codes
    alt: Codes
    start: int


def judge(variant: Variant, genome: Fasta, seq_length: int, ref_mismatch: str = "score") -> tuple[Variant, str]:
    """The variant as it is to be scored, and why it cannot be ("" if it can).

    Args:
        ref_mismatch: when ALT is the genome's allele and REF is not: "score" (as it stands, as Basenji does), "exclude", or "swap" (alleles
            exchanged). A variant of which neither allele is the genome's is excluded.
    """
    fault = check_place(variant, genome) or variant.reason
    if fault:
        return variant, fault
    if max(len(variant.ref), len(variant.alt)) > seq_length:
        return variant, f"allele is longer than the window of {seq_length} bp"
    if _is_genomes(variant.ref, variant, genome):
        return variant, ""
    if not _is_genomes(variant.alt, variant, genome):
        return variant, "neither allele is the genome's"
    if ref_mismatch == "exclude":
        return variant, "REF is not the genome's allele, ALT is"
    return (replace(variant, ref=variant.alt, alt=variant.ref) if ref_mismatch == "swap" else variant), ""


def allele_windows(variant: Variant, genome: Fasta, seq_length: int) -> Pair:
    """Windows of a variant that `judge` lets pass; a REF that is not the genome's is put into the genome in ALT's place."""
    ref, alt = encode(variant.ref), encode(variant.alt)
    half, place = seq_length // 2, variant.pos - 1
    surplus = max(0, len(ref) - len(alt))
    first = place - half + 1
    string = genome.codes(variant.chrom, first, first + seq_length + surplus)
    at = half - 1
    if not _is_genomes(variant.ref, variant, genome):
        string = _replaced(string, at, len(alt), ref)
    return Pair(fit(string, seq_length), fit(_replaced(string, at, len(ref), alt), seq_length), first + surplus // 2)


def check_place(variant: Variant, genome: Fasta) -> str:
    """Why a variant's place is not on the genome, or ""."""
    size = genome.sizes.get(variant.chrom)
    if size is None:
        return ABSENT
    return (
        "" if variant.pos >= 1 and variant.pos - 1 + len(variant.ref) <= size else "position is not on the chromosome"
    )


def fit(string: Codes, seq_length: int) -> Codes:
    """A string brought to seq_length (see the module)."""
    surplus = len(string) - seq_length
    if surplus >= 0:
        return string[surplus // 2 : surplus // 2 + seq_length]
    front = -surplus // 2
    return np.concatenate([np.full(front, UNKNOWN, np.uint8), string, np.full(-surplus - front, UNKNOWN, np.uint8)])


def _is_genomes(allele: str, variant: Variant, genome: Fasta) -> bool:
    start = variant.pos - 1
    return bool(np.array_equal(genome.codes(variant.chrom, start, start + len(allele)), encode(allele)))


def _replaced(string: Codes, at: int, width: int, allele: Codes) -> Codes:
    return np.concatenate([string[:at], allele, string[at + width :]])
