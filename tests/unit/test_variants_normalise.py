"""One name for a variant however a file writes it: hand-worked cases, and bcftools norm as the oracle."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pysam.bcftools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.genome import Fasta
from accessiflow.scoring.lookup import open_scores
from accessiflow.variants.alleles import check_variant
from accessiflow.variants.collect import collect
from accessiflow.variants.keys import unordered_keys, variant_keys
from accessiflow.variants.normalise import moved_left, names, trimmed
from accessiflow.variants.vcf import Variant

#                    1        10        20        30
SEQUENCE = "GATCGCAAAAGTCACACACATTGGGTCCNNGATACA" + "T" * 300 + "G"
KEY = ["chrom", "pos", "ref", "alt"]


@pytest.fixture
def genome(tmp_path: Path) -> Fasta:
    (tmp_path / "genome.fa").write_text(f">chr1\n{SEQUENCE}\n")
    return Fasta(tmp_path / "genome.fa")


# The A deleted from CAAAA (6 to 10), seven ways: one name
DELETED_A = [
    (6, "CA", "C"),
    (6, "CAA", "CA"),
    (7, "AAAA", "AAA"),
    (7, "A", "-"),
    (6, "CAAAAG", "CAAAG"),
    (6, "ca", "c"),
]


@pytest.mark.parametrize("written", DELETED_A)
def test_padded_alleles_have_the_name_without_what_they_share(written: tuple[int, str, str]) -> None:
    assert trimmed(*written) == (7, "A", "")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ((6, "C", "CT"), (7, "", "T")),
        ((6, "-", "T"), (7, "", "T")),  # MAF's place of an insertion: the base before it
        ((6, "CAA", "TAA"), (6, "C", "T")),
        ((5, "GCA", "GTA"), (6, "C", "T")),
        ((6, "CAA", "GT"), (6, "CAA", "GT")),
        ((6, "C", "<DEL>"), (6, "C", "<DEL>")),
        ((6, "I", "D"), (6, "I", "D")),
        ((6, "CA", "*"), (6, "CA", "*")),
        ((6, "CA", "CA"), (6, "CA", "CA")),
    ],
)
def test_names_by_hand(written: tuple[int, str, str], name: tuple[int, str, str]) -> None:
    assert trimmed(*written) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ((10, "A", ""), (7, "A", "")),  # the last A of AAAA is its first one
        ((19, "CA", ""), (13, "CA", "")),  # of CACACACA behind T (12): two bases at a time
        ((20, "AC", ""), (13, "CA", "")),
        ((26, "", "G"), (23, "", "G")),
        ((11, "G", ""), (11, "G", "")),
        ((6, "CAA", "GT"), (6, "CAA", "GT")),
        ((31, "", "N"), (31, "", "N")),  # unknown bases are equal to nothing
        ((336, "T", ""), (37, "T", "")),  # 300 T, read in steps
        ((1, "G", ""), (1, "G", "")),
    ],
)
def test_indels_move_left_by_hand(genome: Fasta, written: tuple[int, str, str], name: tuple[int, str, str]) -> None:
    assert moved_left("chr1", *written, genome) == name
    assert moved_left("chrX", *written, genome) == written


@settings(max_examples=15, deadline=None)
@given(data=st.data(), text=st.text("AC", min_size=30, max_size=60))
def test_names_are_those_of_bcftools(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, text: str) -> None:
    folder = tmp_path_factory.mktemp("norm")
    text = "G" + text  # an anchor: at a contig's first base bcftools takes the base behind
    (folder / "g.fa").write_text(f">chr1\n{text}\n")
    records = []
    for _ in range(12):
        pos = data.draw(st.integers(2, len(text) - 8))
        ref = text[pos - 1 : pos - 1 + data.draw(st.integers(1, 6))]
        alt = data.draw(st.text("ACT", min_size=1, max_size=6).filter(lambda a, ref=ref: a != ref))
        records.append((pos, ref, alt))
    lines = (f"chr1\t{p}\t{i}\t{r}\t{a}\t.\t.\t.\n" for i, (p, r, a) in enumerate(records))
    header = (
        f"##fileformat=VCFv4.2\n##contig=<ID=chr1,length={len(text)}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    )
    (folder / "v.vcf").write_text(header + "".join(lines))
    normal = pysam.bcftools.norm("-f", str(folder / "g.fa"), str(folder / "v.vcf"), split_lines=True)
    theirs = {int(f[2]): (int(f[1]), f[3], f[4]) for f in (line.split("\t") for line in normal if line[:1] != "#")}
    assert len(theirs) == len(records)
    with Fasta(folder / "g.fa") as genome:
        ours = names(["chr1"] * 12, *zip(*records, strict=True), genome)
    for i, mine in enumerate(zip(*ours, strict=True)):
        assert mine == trimmed(*theirs[i]), records[i]


def test_keys_know_a_variant_by_any_of_its_writings(genome: Fasta) -> None:
    table = pd.DataFrame([("chr1", *written) for written in DELETED_A], columns=KEY)
    assert len(set(variant_keys(*(table[name] for name in KEY)))) == 1
    assert len(set(unordered_keys(*(table[name].to_numpy() for name in KEY)).keys)) == 1
    shifted = pd.DataFrame([("chr1", 9, "AA", "A"), ("chr1", 6, "CA", "C")], columns=KEY)
    assert len(set(variant_keys(*(shifted[name] for name in KEY)))) == 2
    assert len(set(variant_keys(*(shifted[name] for name in KEY), genome))) == 1
    as_bytes = [[b"chr1"], np.array([7], np.uint32), [b"AAAA"], [b"AAA"]]
    assert variant_keys(*as_bytes)[0] == variant_keys(["chr1"], [6], ["CA"], ["C"])[0]


def test_scores_are_found_by_any_writing_and_in_a_repeat_by_the_genome(tmp_path: Path, genome: Fasta) -> None:
    with h5py.File(tmp_path / "s.h5", "w") as handle:
        for name, values in (
            ("chr", ["chr1"] * 3),
            ("ref_allele", ["CAA", "T", "AA"]),
            ("alt_allele", ["CA", "C", "A"]),
        ):
            handle.create_dataset(name, data=np.array(values, "S4"))
        handle["pos"] = np.array([6, 3, 100], np.uint32)
        handle["SAD"] = np.arange(6, dtype=np.float32).reshape(3, 2)
        handle["target_ids"] = handle["target_labels"] = np.array(["a", "b"], "S1")
    asked = pd.DataFrame([("chr1", 9, "AA", "A"), ("chr1", 6, "CA", "C"), ("chr1", 7, "A", "-"), ("chr1", 3, "C", "T")])
    asked.columns = pd.Index(KEY)
    with open_scores([tmp_path / "s.h5"]) as scores:
        assert scores.find(asked).tolist() == [-1, 0, 0, 4]
    with open_scores([tmp_path / "s.h5"], genome.path) as scores:
        assert scores.find(asked).tolist() == [0, 0, 0, 4]


def test_variants_without_a_base_are_scored_with_the_one_before(genome: Fasta) -> None:
    found = {
        (6, "-", "T"): (6, "C", "CT", ""),
        (7, "A", "-"): (6, "CA", "C", ""),
        (7, "T", "-"): (6, "CT", "C", ""),  # ALT is the genome's: as for any other such variant
        (1, "G", "-"): (0, "NG", "N", "position is not on the chromosome"),
    }
    for (pos, ref, alt), (at, one, other, reason) in found.items():
        checked = check_variant(Variant(1, "chr1", pos, "v", ref, alt), genome, 20)
        assert (checked.variant.pos, checked.variant.ref, checked.variant.alt, checked.reason) == (
            at,
            one,
            other,
            reason,
        )


def test_what_a_set_holds_in_another_writing_is_not_collected(tmp_path: Path) -> None:
    (tmp_path / "set.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\nchr1\t6\t.\tCAA\tCA\n")
    (tmp_path / "t.tsv").write_text("chrom\tpos\tref\talt\nchr1\t6\tCA\tC\nchr1\t7\tA\t-\nchr1\t3\tT\tC\n")
    assert collect([tmp_path / "set.vcf"], [], [tmp_path / "t.tsv"], tmp_path / "out.vcf") == 1
    assert (tmp_path / "out.vcf").read_text().splitlines()[2:] == ["chr1\t3\t.\tT\tC"]
