"""Null variants: shuffled surroundings keep every dinucleotide, matched places keep bases and distance to a gene."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import Fasta, decode, encode
from accessiflow.scoring.null_variants import SEARCHED, write_null
from accessiflow.scoring.shuffling import shuffle_dinucleotides, shuffle_flanks
from accessiflow.variants.alleles import allele_windows
from accessiflow.variants.vcf import Variant, read_variants

LENGTH = 20_000
STARTS = [1000, 6000, 11_000, 17_000]  # 0-based


@pytest.fixture(scope="module")
def genome(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(3)
    sequence = "".join(np.array(list("ACGT"))[rng.integers(0, 4, LENGTH)])
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n>chr2\n{sequence[:300]}\n")
    (folder / "genes.bed").write_text("".join(f"chr1\t{s}\t{s + 200}\tg{s}\t0\t+\n" for s in STARTS))
    rows = [
        (pos, sequence[pos - 1], "ACGT"[("ACGT".index(sequence[pos - 1]) + 1) % 4]) for pos in range(700, 19_000, 61)
    ]
    lines = [f"chr1\t{pos}\trs{pos}\t{ref}\t{alt}\n" for pos, ref, alt in rows]
    (folder / "set.vcf").write_text("".join(lines))
    (folder / "odd.vcf").write_text(
        lines[0]
        + f"chr1\t900\tmnv\t{sequence[899:901]}\tTTT\n"
        + "chr1\t950\tsymbolic\tA\t<DEL>\nchr9\t5\tabsent\tA\tC\n"
        + f"chr1\t960\twrong\t{'A' if sequence[959] != 'A' else 'C'}\tG\n"
    )
    return folder


def pairs(codes: np.ndarray) -> Counter:
    return Counter(zip(codes[:-1].tolist(), codes[1:].tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=60), st.integers(0, 2**32))
def test_every_dinucleotide_and_both_ends_are_kept(bases, seed):
    codes = np.array(bases, np.uint8)
    found = shuffle_dinucleotides(codes, np.random.default_rng(seed))
    assert pairs(found) == pairs(codes)
    assert found[:1].tolist() == bases[:1]
    assert found[-1:].tolist() == bases[-1:]


def test_every_order_with_the_same_dinucleotides_comes_as_often():
    """AACAGATA: from A four ways lead back to A (A itself, C, G, T), in 4! orders of them."""
    codes, rng = encode("AACAGATA"), np.random.default_rng(0)
    counts = Counter(decode(shuffle_dinucleotides(codes, rng)) for _ in range(4800))
    assert len(counts) == 24
    assert max(abs(n - 200) for n in counts.values()) < 5 * 200**0.5


def test_shuffled_surroundings_depend_on_variant_and_seed_alone(genome):
    variant = Variant(1, "chr1", 5000, "v", "A", "C")
    window = np.random.default_rng(1).integers(0, 4, 400).astype(np.uint8)
    found = shuffle_flanks(window, 200, 203, variant, 7)
    assert np.array_equal(found, shuffle_flanks(window, 200, 203, variant, 7))
    assert not np.array_equal(found, shuffle_flanks(window, 200, 203, variant, 8))
    assert np.array_equal(found[199:204], window[199:204])  # the allele and its neighbours
    assert pairs(found) == pairs(window)
    assert (found != window).mean() > 0.5


def test_both_alleles_stand_in_the_same_shuffled_surroundings(genome):
    with Fasta(genome / "genome.fa") as fasta:
        ref = decode(fasta.codes("chr1", 4999, 5000))
        variant = Variant(1, "chr1", 5000, "v", ref, "C" if ref != "C" else "G")
        plain = allele_windows(variant, fasta, 128)
        windows = allele_windows(
            variant, fasta, 128, lambda codes, low, high: shuffle_flanks(codes, low, high, variant, 1)
        )
    assert (
        np.flatnonzero(windows.ref != windows.alt).tolist() == np.flatnonzero(plain.ref != plain.alt).tolist() == [63]
    )
    assert pairs(windows.ref) == pairs(plain.ref)
    assert (windows.ref != plain.ref).sum() > 40


def test_matched_variants_keep_bases_and_distance(genome, tmp_path):
    counts = write_null(
        genome / "set.vcf", genome / "genome.fa", tmp_path / "null.vcf", "matched", 1000, 1, genome / "genes.bed"
    )
    given = {variant.id: variant for variant in read_variants(genome / "set.vcf")}
    found = list(read_variants(tmp_path / "null.vcf"))
    assert counts == (len(found), len(given) - len(found))
    assert len(found) > 0.9 * len(given)
    distance = lambda pos: min(abs(pos - 1 - start) for start in STARTS)  # noqa: E731
    with Fasta(genome / "genome.fa") as fasta:
        for null in found:
            own = given[null.id.removeprefix("null_")]
            around = [fasta.codes(v.chrom, v.pos - 2, v.pos + 1).tolist() for v in (own, null)]
            assert around[0] == around[1]
            assert (own.ref, own.alt) == (null.ref, null.alt)
            assert own.pos != null.pos
            assert abs(distance(own.pos) - distance(null.pos)) <= SEARCHED


def test_a_draw_is_of_the_set_in_its_order_and_by_seed(genome, tmp_path):
    def draw(seed: int) -> list[int]:
        write_null(genome / "set.vcf", genome / "genome.fa", tmp_path / "n.vcf", "shuffled", 40, seed)
        return [variant.pos for variant in read_variants(tmp_path / "n.vcf")]

    one = draw(1)
    assert len(one) == len(set(one)) == 40
    assert one == sorted(one)
    assert one == draw(1)
    assert one != draw(2)
    every = [variant.pos for variant in read_variants(genome / "set.vcf")]
    often = Counter(pos for seed in range(150) for pos in draw(seed))
    # 150 draws of 40 of 300: each some 20 times, whatever its place in the file
    assert set(often) == set(every)
    third = len(every) // 3
    thirds = [sum(often[pos] for pos in every[i * third : (i + 1) * third]) for i in range(3)]
    assert all(abs(n - 2000) < 5 * 2000**0.5 for n in thirds)


def test_what_cannot_be_scored_is_not_drawn(genome, tmp_path, warned):
    counts = write_null(genome / "odd.vcf", genome / "genome.fa", tmp_path / "null.vcf", "shuffled", 10, 1)
    # the symbolic one is no sequence; the absent contig and the wrong REF are drawn and then left out
    assert [variant.pos for variant in read_variants(tmp_path / "null.vcf")] == [700, 900]
    assert counts == (2, 2)
    empty = tmp_path / "none.vcf"
    empty.write_text("chr9\t5\tabsent\tA\tC\n")
    write_null(empty, genome / "genome.fa", tmp_path / "null.vcf", "shuffled", 10, 1)
    assert list(read_variants(tmp_path / "null.vcf")) == []
    assert any("no variant of the set has a place in the null" in sentence for sentence in warned())


def test_a_matched_null_needs_genes_on_the_genome(genome, tmp_path, refused):
    with pytest.raises(InputError, match="give --genes"):
        write_null(genome / "set.vcf", genome / "genome.fa", tmp_path / "n.vcf", "matched", 5, 1)
    (tmp_path / "other.bed").write_text("chr9\t5\t9\tg\t0\t+\n")
    sentence = refused(
        "sad",
        "null",
        genome / "set.vcf",
        "-f",
        genome / "genome.fa",
        "--output",
        tmp_path / "n.vcf",
        "--kind",
        "matched",
        "--genes",
        tmp_path / "other.bed",
    )
    assert "has no gene on the FASTA's contigs" in sentence
