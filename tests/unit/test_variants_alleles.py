"""Allele windows: Basenji's string rules, and the laws that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.genome import UNKNOWN, Fasta, decode, encode
from accessiflow.variants.alleles import allele_windows, check_variant, fit
from accessiflow.variants.vcf import Variant

L = 64
SEQUENCE = "".join("ACGT"[i] for i in np.random.default_rng(3).integers(0, 4, 400)) + "N" * 20


@pytest.fixture(scope="module")
def genome(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{SEQUENCE}\n")
    with Fasta(path) as opened:
        yield opened


def variant(pos: int, ref: str, alt: str, chrom: str = "chr1") -> Variant:
    return Variant(1, chrom, pos, "v", ref, alt)


def at(pos: int, length: int = 1) -> str:
    return SEQUENCE[pos - 1 : pos - 1 + length]


def other(base: str) -> str:
    return "C" if base == "A" else "A"


def original_windows(pos: int, ref: str, alt: str) -> tuple[str, str]:
    """The rule of the original on strings, where the window lies inside the chromosome."""
    start = pos - 1 - (L // 2 - 1)
    string = SEQUENCE[start : start + L + max(0, len(ref) - len(alt))]
    both = string, string[: L // 2 - 1] + alt + string[L // 2 - 1 + len(ref) :]

    def fitted(text: str) -> str:
        if len(text) > L:
            cut = (len(text) - L) // 2
            return text[cut : cut + L]
        front = (L - len(text)) // 2
        return "N" * front + text + "N" * (L - len(text) - front)

    return fitted(both[0]), fitted(both[1])


@settings(max_examples=200, deadline=None)
@given(pos=st.integers(50, 300), width=st.integers(1, 40), alt=st.text("ACGT", min_size=1, max_size=60))
def test_windows_follow_the_string_rule(genome, pos, width, alt):
    pair = allele_windows(variant(pos, at(pos, width), alt), genome, L)
    assert (decode(pair.ref), decode(pair.alt)) == original_windows(pos, at(pos, width), alt)


@settings(max_examples=100, deadline=None)
@given(pos=st.integers(1, 420), width=st.integers(1, 70), alt=st.text("ACGTN", min_size=1, max_size=70))
def test_windows_have_the_models_length_anywhere(genome, pos, width, alt):
    v, reason = check_variant(variant(pos, at(pos, width), alt), genome, L)
    if not reason:
        pair = allele_windows(v, genome, L)
        assert pair.ref.shape == pair.alt.shape == (L,)


@settings(max_examples=100, deadline=None)
@given(pos=st.integers(1, 400), alt=st.sampled_from("ACGT"))
def test_snv_changes_the_one_base_left_of_the_middle(genome, pos, alt):
    pair = allele_windows(variant(pos, at(pos), alt), genome, L)
    expected = [] if at(pos) == alt else [L // 2 - 1]
    assert np.flatnonzero(pair.ref != pair.alt).tolist() == expected
    assert decode(pair.alt[L // 2 - 1 : L // 2]) == alt


def test_outside_the_chromosome_is_unknown_and_shifts_nothing(genome):
    pair = allele_windows(variant(1, at(1), other(at(1))), genome, L)
    assert (pair.ref[: L // 2 - 1] == UNKNOWN).all()
    assert decode(pair.ref[L // 2 - 1 :]) == SEQUENCE[: L // 2 + 1]
    edge = allele_windows(
        variant(L // 2 - 1, at(L // 2 - 1), other(at(L // 2 - 1))), genome, L
    )  # as POS 671 of 1,344: one base is missing
    assert decode(edge.ref) == "N" + SEQUENCE[: L - 1]


def test_genomes_allele_as_alt_by_the_three_rules(genome):
    wrong = variant(100, other(at(100)), at(100))
    assert check_variant(wrong, genome, L) == (wrong, "")
    assert check_variant(wrong, genome, L, "exclude")[1] == "REF is not the genome's allele, ALT is"
    swapped, reason = check_variant(wrong, genome, L, "swap")
    assert (swapped.ref, swapped.alt, reason) == (wrong.alt, wrong.ref, "")
    as_is, exchanged = allele_windows(wrong, genome, L), allele_windows(swapped, genome, L)
    assert np.array_equal(as_is.ref, exchanged.alt)
    assert np.array_equal(as_is.alt, exchanged.ref)


@pytest.mark.parametrize(
    ("v", "reason"),
    [
        (variant(100, "ACGTACGTA", "TTTTTTTTT"), "neither allele is the genome's"),
        (variant(0, "A", "C"), "position is not on the chromosome"),
        (variant(421, "A", "C"), "position is not on the chromosome"),
        (variant(420, "NN", "N"), "position is not on the chromosome"),
        (variant(100, "A", "C", "chr2"), "contig is not in the FASTA"),
        (variant(100, at(100), "A" * (L + 1)), f"allele is longer than the window of {L} bp"),
        (variant(100, at(100, L + 1), "A"), f"allele is longer than the window of {L} bp"),
        (variant(410, "N", "A"), ""),
    ],
)
def test_variants_are_checked(genome, v, reason):
    assert check_variant(v, genome, L)[1] == reason


@settings(max_examples=100, deadline=None)
@given(text=st.text("ACGTN", max_size=200))
def test_fit_keeps_the_middle(text):
    fitted = decode(fit(encode(text), L))
    assert len(fitted) == L
    assert (text in fitted) if len(text) <= L else (fitted in text)
