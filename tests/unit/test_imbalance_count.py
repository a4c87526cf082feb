"""Allelic counts from alignments with planted alleles, and the look-up of k-mers with either allele."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import encode
from accessiflow.imbalance import counting as allelic_counts
from accessiflow.imbalance import het_sites, mappability
from accessiflow.imbalance.counting import COUNT_COLUMNS, Filter

GENOME = "".join(np.random.default_rng(1).choice(list("ACGT"), 600))
HEADER = pysam.AlignmentHeader.from_dict(
    {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 600}, {"SN": "chr2", "LN": 600}]}
)
SITES = (100, 200, 300)  # 0-based


def other(base: str, step: int = 1) -> str:
    return "ACGT"[("ACGT".index(base) + step) % 4]


def read(
    start: int,
    *,
    name: str,
    change: dict[int, str] | None = None,
    cigar: str = "50M",
    flag: int = 0,
    mapq: int = 60,
    low: int | None = None,
):
    """A read of 50 bases of the genome from `start`, with some of its bases changed (by genome position)."""
    one = pysam.AlignedSegment(HEADER)
    bases = list(GENOME[start : start + 50])
    quality = [30] * 50
    for place, base in (change or {}).items():
        bases[place - start] = base
    if low is not None:
        quality[low - start] = 10
    one.query_name, one.query_sequence, one.flag, one.reference_id, one.reference_start = (
        name,
        "".join(bases),
        flag,
        0,
        start,
    )
    one.mapping_quality, one.cigarstring, one.query_qualities = (
        mapq,
        cigar,
        pysam.qualitystring_to_array("".join(chr(33 + q) for q in quality)),
    )
    return one


def write_bam(path: Path, reads: list) -> None:
    with pysam.AlignmentFile(str(path), "wb", header=HEADER) as out:
        for one in reads:
            out.write(one)


def write_vcf(path: Path, genotypes: bool = True) -> None:
    lines = [
        "##fileformat=VCFv4.2",
        "##contig=<ID=chr1>",
        "##contig=<ID=chr2>",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">',
    ]
    lines += ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO" + ("\tFORMAT\tS1\tS2" if genotypes else "")]
    for place, first in zip(SITES, ("0|1", "1/0", "1/1"), strict=True):
        ref = GENOME[place]
        tail = f"\tGT\t{first}\t0/1" if genotypes else ""
        lines.append(f"chr1\t{place + 1}\t.\t{ref}\t{other(ref)}\t.\t.\t.{tail}")
    ref = GENOME[400]
    lines += [f"chr1\t401\t.\t{ref}\t{other(ref)},{other(ref, 2)}\t.\t.\t." + ("\tGT\t0/2\t1/2" if genotypes else "")]
    lines += ["chr1\t500\t.\tA\tAT\t.\t.\t." + ("\tGT\t0/1\t./." if genotypes else "")]
    path.write_text("\n".join(lines) + "\n")


def test_sites_are_the_heterozygous_snvs(tmp_path: Path) -> None:
    write_vcf(tmp_path / "v.vcf")
    first, second = (het_sites.read_sites(tmp_path / "v.vcf", sample) for sample in ("", "S2"))
    assert list(first["pos"]) == [101, 201, 401]
    assert first["alt"].iloc[2] == other(GENOME[400], 2)
    assert list(second["pos"]) == [101, 201, 301]
    write_vcf(tmp_path / "n.vcf", genotypes=False)
    assert list(het_sites.read_sites(tmp_path / "n.vcf")["pos"]) == [101, 201, 301]
    with pytest.raises(InputError, match="has no sample X"):
        het_sites.read_sites(tmp_path / "v.vcf", "X")


def test_which_sample_counts_is_said_where_there_are_several(tmp_path: Path, warned: Callable[[], list[str]]) -> None:
    write_vcf(tmp_path / "v.vcf")
    assert het_sites.chosen_sample(tmp_path / "v.vcf", "S2") == "S2"
    assert warned() == []
    assert het_sites.chosen_sample(tmp_path / "v.vcf") == "S1"
    assert warned() == [f"{tmp_path}/v.vcf: has 2 samples, the first (S1) counts: name one with --sample"]
    write_vcf(tmp_path / "n.vcf", genotypes=False)
    assert het_sites.chosen_sample(tmp_path / "n.vcf") == ""
    with pytest.raises(InputError, match=r"has no sample X \(it has S1, S2\)"):
        het_sites.chosen_sample(tmp_path / "v.vcf", "X")


@pytest.mark.parametrize(("people", "says"), [(["S1"], ""), (["S2"], "S2"), (["S1", "S2"], "S1, S2"), ([], "")])
def test_reads_of_another_person_are_warned_of(
    tmp_path: Path, warned: Callable[[], list[str]], people: list[str], says: str
) -> None:
    write_vcf(tmp_path / "v.vcf")
    groups = {"RG": [{"ID": f"l{i}", "SM": person} for i, person in enumerate(people)]}
    header = pysam.AlignmentHeader.from_dict(HEADER.to_dict() | (groups if people else {}))
    with pysam.AlignmentFile(str(tmp_path / "a.bam"), "wb", header=header) as out:
        out.write(read(90, name="a"))
    allelic_counts.count(tmp_path / "a.bam", het_sites.read_sites(tmp_path / "v.vcf"), Filter(), sample="S1")
    expected = f"a.bam: the reads are of {says}, the genotypes of S1: are they of one person?"
    assert warned() == ([expected] if says else [])


CALLS = ["0|1", "0/1", "1|0", "1", "./1", ".", "0/0", "1|1", "0/1/1", "./.", "0/."]


def test_genotypes_that_are_no_heterozygous_pair_are_no_site(tmp_path: Path) -> None:
    lines = ["##fileformat=VCFv4.2", '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">']
    lines += ["##contig=<ID=chrX,length=99>", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS"]
    lines += [f"chrX\t{i + 1}\t.\tA\tC\t.\t.\t.\tGT\t{call}" for i, call in enumerate(CALLS)]
    # behind a deletion of the other haplotype neither allele is REF
    lines += ["chrX\t50\t.\tA\tC,*\t.\t.\t.\tGT\t1/2", "chrX\t51\t.\tA\tC,*\t.\t.\t.\tGT\t0/1"]
    (tmp_path / "v.vcf").write_text("\n".join(lines) + "\n")
    assert list(het_sites.read_sites(tmp_path / "v.vcf")["pos"]) == [1, 2, 3, 51]


def test_sites_need_no_contig_lines_and_bcf_holds_the_same(tmp_path: Path) -> None:
    write_vcf(tmp_path / "v.vcf")
    expected = het_sites.read_sites(tmp_path / "v.vcf", "S2")
    text = (tmp_path / "v.vcf").read_text()
    (tmp_path / "n.vcf").write_text(
        "\r\n".join(line for line in text.splitlines() if not line.startswith("##contig")) + "\r\n"
    )
    pd.testing.assert_frame_equal(het_sites.read_sites(tmp_path / "n.vcf", "S2"), expected)
    with (
        pysam.VariantFile(str(tmp_path / "v.vcf")) as source,
        pysam.VariantFile(str(tmp_path / "v.bcf"), "wb", header=source.header) as out,
    ):
        for row in source:
            out.write(row)
    pd.testing.assert_frame_equal(het_sites.read_sites(tmp_path / "v.bcf", "S2"), expected)
    whole = (tmp_path / "v.bcf").read_bytes()
    (tmp_path / "cut.bcf").write_bytes(whole[:-28])
    with pytest.raises(InputError, match="truncated"):
        het_sites.read_sites(tmp_path / "cut.bcf")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("chr1\t101", "chr1\tx", "POS must be a positive integer, found 'x'"),
        ("GT\t0|1\t0/1", "GT", r":6: has 9 tab-separated column\(s\)"),
    ],
)
def test_damaged_records_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    write_vcf(tmp_path / "v.vcf")
    (tmp_path / "v.vcf").write_text((tmp_path / "v.vcf").read_text().replace(old, new))
    with pytest.raises(InputError, match=message):
        het_sites.read_sites(tmp_path / "v.vcf")


def test_planted_alleles_are_counted(tmp_path: Path) -> None:
    place, alt = 100, {100: other(GENOME[100])}
    reads = [
        *(read(60 + i, name=f"ref{i}") for i in range(4)),
        *(read(64 + i, name=f"alt{i}", change=alt) for i in range(3)),
        read(70, name="both", change=alt, flag=0x1 | 0x40),
        read(71, name="third", change={100: other(GENOME[100], 2)}),
        read(72, name="low", low=place),
        read(73, name="mapq", mapq=29),
        read(74, name="duplicate", flag=0x400),
        read(74, name="secondary", flag=0x100),
        read(74, name="failed", flag=0x200),
        read(75, name="split", flag=0x1 | 0x40),
        read(76, name="split", change=alt, flag=0x1 | 0x80),
        read(80, name="both", change=alt, flag=0x1 | 0x80),
        read(85, name="gap", cigar="10M20D40M"),
        read(88, name="clipped", cigar="20S30M"),
        read(180, name="next", change={200: other(GENOME[200])}),
    ]
    reads[-2].reference_start = 88 + 20
    write_bam(tmp_path / "a.bam", sorted(reads, key=lambda r: r.reference_start))
    write_vcf(tmp_path / "v.vcf")
    table = allelic_counts.count(tmp_path / "a.bam", het_sites.read_sites(tmp_path / "v.vcf"), Filter())
    assert table[COUNT_COLUMNS].to_numpy().tolist() == [[4, 4, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]
    relaxed = allelic_counts.count(tmp_path / "a.bam", het_sites.read_sites(tmp_path / "v.vcf"), Filter(29, 10))
    assert relaxed[COUNT_COLUMNS].iloc[0].tolist() == [6, 4, 1, 1]


def test_alleles_behind_indels_are_read_at_their_place(tmp_path: Path) -> None:
    """An insertion of two bases before the site moves it in the read."""
    one = read(80, name="a", cigar="10M2I38M")
    sequence = GENOME[80:90] + "GG" + GENOME[90:100] + other(GENOME[100]) + GENOME[101:128]
    quality = one.query_qualities
    one.query_sequence, one.query_qualities = sequence, quality
    write_bam(tmp_path / "a.bam", [one])
    write_vcf(tmp_path / "v.vcf")
    table = allelic_counts.count(tmp_path / "a.bam", het_sites.read_sites(tmp_path / "v.vcf"), Filter())
    assert table[COUNT_COLUMNS].iloc[0].tolist() == [0, 1, 0, 0]


def write_fasta(path: Path, **contigs: str) -> None:
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))


def complement(sequence: str) -> str:
    return sequence[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_a_kmer_with_the_other_allele_elsewhere_is_found_on_both_strands(tmp_path: Path) -> None:
    k = 36
    with_alt = [GENOME[:p] + other(GENOME[p]) + GENOME[p + 1 :] for p in SITES]
    copies = (
        with_alt[0][90 : 90 + k] + "N" * 50 + complement(with_alt[1][200 - k + 1 : 201]) + "N" + GENOME[300 : 300 + k]
    )
    write_fasta(tmp_path / "g.fa", chr1=GENOME, chr2=copies)
    sites = pd.DataFrame({"chrom": "chr1", "pos": np.array([*SITES, 400, 450]) + 1})
    sites["ref"] = [GENOME[p - 1] for p in sites["pos"]]
    sites["alt"] = [other(base) for base in sites["ref"]]
    assert list(mappability.swap_check(sites, tmp_path / "g.fa", k)) == [
        "alt elsewhere",
        "alt elsewhere",
        "ref elsewhere",
        "unique",
        "unique",
    ]
    swapped = sites.rename(columns={"ref": "alt", "alt": "ref"})
    assert list(mappability.swap_check(swapped, tmp_path / "g.fa", k)) == [
        "ref elsewhere",
        "ref elsewhere",
        "alt elsewhere",
        "unique",
        "unique",
    ]
    neither = sites.assign(ref=[other(b, 2) for b in sites["ref"]], alt=[other(b, 3) for b in sites["ref"]])
    assert set(mappability.swap_check(neither, tmp_path / "g.fa", k)) == {"ref is not the genome"}


def brute_check(genome: list[str], place: int, allele: str, k: int) -> bool:
    """Whether a k-mer over the place of the first contig, with an allele, lies elsewhere, on either strand."""
    first = genome[0]
    changed = first[:place] + allele + first[place + 1 :]
    for start in range(max(0, place - k + 1), min(place, len(first) - k) + 1):
        kmer = changed[start : start + k]
        for number, contig in enumerate(genome):
            for at in range(len(contig) - k + 1):
                own = number == 0 and at == start
                if not own and contig[at : at + k] in (kmer, complement(kmer)):
                    return True
    return False


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.sampled_from([16, 17]), st.booleans())
def test_the_look_up_is_exact(tmp_path_factory: pytest.TempPathFactory, seed: int, k: int, joined: bool) -> None:
    """Against all pairs of k-mers, in genomes of few repeated words."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("ACGT"), 12)) for _ in range(3)]
    contigs = ["".join(words[i] for i in rng.integers(0, 3, 5)) for _ in range(2)]
    contigs[1] = complement(contigs[1]) if joined else contigs[1]
    folder = tmp_path_factory.mktemp("g")
    write_fasta(folder / "g.fa", a=contigs[0], b=contigs[1])
    places = np.array([16, 30, 41])
    sites = pd.DataFrame({"chrom": "a", "pos": places + 1, "ref": [contigs[0][p] for p in places]})
    sites["alt"] = [other(base) for base in sites["ref"]]
    names = {
        (False, False): "unique",
        (True, False): "ref elsewhere",
        (False, True): "alt elsewhere",
        (True, True): "both elsewhere",
    }
    expected = [
        names[tuple(brute_check(contigs, p, allele, k) for allele in (r, a))]
        for p, r, a in zip(places, sites["ref"], sites["alt"], strict=True)
    ]
    assert list(mappability.swap_check(sites, folder / "g.fa", k)) == expected


@pytest.mark.parametrize("k", [16, 32, 36, 48])
def test_packed_kmers_are_two_bits_a_base(k: int) -> None:
    codes = encode(GENOME[:60] + "N" + GENOME[61:130])
    head, tail, known = mappability.pack(codes, k)
    for at in (0, 5, 70):
        digits = [int(c) for c in codes[at : at + k]]
        value = [sum(d << 2 * (len(part) - 1 - i) for i, d in enumerate(part)) for part in (digits[:32], digits[32:])]
        if 4 not in digits:
            assert (int(head[at]), int(tail[at])) == tuple(value)
    assert list(np.flatnonzero(~known)) == list(range(61 - k, 61))
    assert len(mappability.pack(codes[: k - 1], k)[0]) == 0


def test_parts_of_a_genome_hold_each_kmer_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fasta(tmp_path / "g.fa", chr1=GENOME, chr2=other(GENOME[0]) + GENOME[100:220])
    sites = pd.DataFrame(
        {
            "chrom": "chr1",
            "pos": [51, 151],
            "ref": [GENOME[50], GENOME[150]],
            "alt": [other(GENOME[50]), other(GENOME[150])],
        }
    )
    found = []
    for size in (17, 64, 1 << 20):
        monkeypatch.setattr(mappability, "PART", size)
        found.append(list(mappability.swap_check(sites, tmp_path / "g.fa", 20)))
    assert found == [["unique", "ref elsewhere"]] * 3


def test_counts_through_the_script_can_be_called(script, tmp_path: Path) -> None:
    write_bam(
        tmp_path / "a.bam",
        [read(60 + i, name=f"r{i}", change={100: other(GENOME[100])} if i % 2 else {}) for i in range(40)],
    )
    write_vcf(tmp_path / "v.vcf")
    write_fasta(tmp_path / "g.fa", chr1=GENOME, chr2=GENOME[180:260])
    options = [
        "--vcf",
        tmp_path / "v.vcf",
        "--fasta",
        tmp_path / "g.fa",
        "--swap-check",
        "--output",
        tmp_path / "c.tsv",
    ]
    script("imbalance", "count", tmp_path / "a.bam", *options)
    counts = pd.read_csv(tmp_path / "c.tsv", sep="\t")
    assert list(counts.columns) == ["chrom", "pos", "ref", "alt", *COUNT_COLUMNS, "mappability"]
    assert counts[["ref_count", "alt_count"]].iloc[0].tolist() == [20, 20]
    assert list(counts["mappability"]) == ["unique", "ref elsewhere", "unique"]
    script("imbalance", "call", "--counts", tmp_path / "c.tsv", "--output", tmp_path / "T.tsv")
    assert list(pd.read_csv(tmp_path / "T.tsv", sep="\t")["label"]) == ["balanced", "neither", "neither"]


def test_fragments_of_lanes_that_number_their_reads_alike_are_apart(tmp_path: Path, warned) -> None:
    write_vcf(tmp_path / "v.vcf")
    sites = het_sites.read_sites(tmp_path / "v.vcf")
    alt = other(GENOME[100])

    def lane(group: str, changed: int, flag: int = 0) -> list:
        made = [read(80, name=str(i), change={100: alt} if i < changed else {}, flag=flag) for i in range(30)]
        for one in made:
            one.set_tag("RG", group or None)
        return made

    write_bam(tmp_path / "lanes.bam", lane("l1", 0) + lane("l2", 15))
    counts = allelic_counts.count(tmp_path / "lanes.bam", sites, Filter())
    assert counts[COUNT_COLUMNS].iloc[0].tolist() == [45, 15, 0, 0]
    assert warned() == []
    # without read groups, single reads are fragments of their own; mates cannot be told apart
    write_bam(tmp_path / "single.bam", lane("", 0) + lane("", 15))
    counts = allelic_counts.count(tmp_path / "single.bam", sites, Filter())
    assert counts[COUNT_COLUMNS].iloc[0].tolist() == [45, 15, 0, 0]
    assert "30 unpaired reads share name and read group" in warned()[0]
    write_bam(tmp_path / "pairs.bam", lane("", 0, 67) + lane("", 15, 67))
    with pytest.raises(InputError, match=r"pairs\.bam: two reads 1 are called '0' in read group ''"):
        allelic_counts.count(tmp_path / "pairs.bam", sites, Filter())


@pytest.mark.parametrize(
    ("records", "kept"),
    [
        (["A\tC,G\t1/2"], False),
        (["A\tC\t0/1", "A\tG\t0/1"], False),  # 1/2 after bcftools norm -m-
        (["A\tC\t./1", "A\tG\t1/."], False),
        (["A\tC\t0|1", "A\t*\t0|1"], False),  # the other haplotype is deleted
        (["A\tC\t0/1", "A\tAT\t0/1"], False),
        (["A\tC\t0/1", "A\tG\t0/0"], True),
        (["A\tG\t0/0", "A\tC\t1|0"], True),
        (["A\tC\t0/1", "A\tC\t0/1"], True),  # the record twice
        (["A\tG,C\t0/2"], True),
        (["A\tC,<NON_REF>\t0/1"], True),
        (["A\tC\t./1"], False),
        (["A\tC\t1"], False),  # haploid
        (["A\tC\t0/1/1"], False),
        (["AT\tGC\t0/1"], False),  # two bases at once
        (["A\tC\t./."], False),
    ],
)
def test_genotypes_as_files_split_and_merge_them(tmp_path: Path, records: list[str], kept: bool) -> None:
    rows = [f"chr1\t10\t.\t{a}\t{b}\t.\t.\t.\tGT\t{gt}" for a, b, gt in (record.split("\t") for record in records)]
    header = write_vcf(tmp_path / "v.vcf") or (tmp_path / "v.vcf").read_text().split("#CHROM")[0]
    names = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS\n"
    (tmp_path / "g.vcf").write_text(header + names + "\n".join([*rows, "chr1\t20\t.\tT\tC\t.\t.\t.\tGT\t0/1"]) + "\n")
    sites = het_sites.read_sites(tmp_path / "g.vcf")
    assert sites.to_numpy().tolist() == [["chr1", 10, "A", "C"]] * kept + [["chr1", 20, "T", "C"]]


def test_bad_alignments_and_variants_are_refused(refused, tmp_path: Path) -> None:
    write_vcf(tmp_path / "v.vcf")
    sites = het_sites.read_sites(tmp_path / "v.vcf")
    write_bam(tmp_path / "u.bam", [read(70, name="a"), read(60, name="b")])
    with pytest.raises(InputError, match=r"not sorted by coordinate \(record 2\)"):
        allelic_counts.count(tmp_path / "u.bam", sites, Filter())
    write_bam(tmp_path / "a.bam", [read(60, name=f"a{i}") for i in range(2000)])
    with pytest.raises(InputError, match="shares no contig"):
        allelic_counts.count(tmp_path / "a.bam", sites.assign(chrom="1"), Filter())
    whole = (tmp_path / "a.bam").read_bytes()
    (tmp_path / "cut.bam").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cut\.bam: is not a readable BAM"):
        allelic_counts.count(tmp_path / "cut.bam", sites, Filter())
    (tmp_path / "x.vcf").write_text("not a VCF\n")
    with pytest.raises(InputError, match=r"x\.vcf: cannot be read as VCF or BCF"):
        het_sites.read_sites(tmp_path / "x.vcf")
    text = (tmp_path / "v.vcf").read_text()
    (tmp_path / "h.vcf").write_text("".join(line for line in text.splitlines(keepends=True) if line.startswith("#")))
    with pytest.raises(InputError, match="holds no heterozygous SNV among 0 records"):
        het_sites.read_sites(tmp_path / "h.vcf")
    options = ["--vcf", tmp_path / "v.vcf", "--output", tmp_path / "c.tsv"]
    assert "give --fasta" in refused("imbalance", "count", tmp_path / "a.bam", *options, "--swap-check")
    assert not (tmp_path / "c.tsv").exists()
