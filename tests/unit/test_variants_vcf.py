"""Variant files: what a record gives, what is refused, and shards that remember their lines."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.variants.vcf import is_shard, read_variants, split

HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=1000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def write(path: Path, *records: str, header: str = HEADER, end: str = "\n") -> Path:
    text = header + "".join(f"{record}\n" for record in records)
    path.write_bytes(text.replace("\n", end).encode())
    return path


def brief(path: Path) -> list[tuple]:
    return [(v.line, v.chrom, v.pos, v.id, v.ref, v.alt, v.reason) for v in read_variants(path)]


def test_records_come_in_order_multi_allelic_ones_split_in_place(tmp_path):
    vcf = write(tmp_path / "a.vcf", "chr1\t10\trs1\tA\tC,GT,<DEL>\t.\t.\t.", "chr1\t5\t.\tac\tA", "chr1\t5\t.\tac\tA")
    assert brief(vcf) == [
        (4, "chr1", 10, "rs1", "A", "C", ""),
        (4, "chr1", 10, "rs1", "A", "GT", ""),
        (4, "chr1", 10, "rs1", "A", "<DEL>", "symbolic allele"),
        (5, "chr1", 5, "chr1:5", "AC", "A", ""),
        (6, "chr1", 5, "chr1:5", "AC", "A", ""),
    ]


@pytest.mark.parametrize(
    ("ref", "alt", "reason"),
    [
        ("A", "*", "symbolic allele"),
        ("A", "A]chr2:5]", "symbolic allele"),
        ("A", ".", "no ALT allele"),
        ("A", "", "no ALT allele"),
        ("A", "R", "ALT is no sequence"),
        ("-", "A", ""),  # MAF's, ANNOVAR's: the base before it is found in the genome
        ("A", "-", ""),
        ("-", "-", "REF is no sequence"),
        ("A", "C-", "ALT is no sequence"),
        ("I", "D", "REF is no sequence"),
        ("A", "N", "an allele has unknown bases"),
        ("n", "A", "an allele has unknown bases"),
        ("N", "N]chr2:5]", "symbolic allele"),
    ],
)
def test_alleles_that_are_no_sequence_have_a_reason(tmp_path, ref, alt, reason):
    assert [row[-1] for row in brief(write(tmp_path / "a.vcf", f"chr1\t10\trs1\t{ref}\t{alt}"))] == [reason]


def test_line_ends_and_compression_do_not_matter(tmp_path):
    records = ["chr1\t10\trs1\tA\tC", "chr1\t20\trs2\tG\tT\t.\t.\tX=\xe9"]
    plain = brief(write(tmp_path / "a.vcf", *records))
    assert plain == brief(write(tmp_path / "b.vcf", *records, end="\r\n"))
    (tmp_path / "c.vcf.gz").write_bytes(gzip.compress((tmp_path / "a.vcf").read_bytes()))
    assert plain == brief(tmp_path / "c.vcf.gz")
    (tmp_path / "latin.vcf").write_bytes((tmp_path / "a.vcf").read_text().encode("latin-1"))
    assert plain == brief(tmp_path / "latin.vcf")
    (tmp_path / "marked.vcf").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.vcf").read_bytes())
    assert plain == brief(tmp_path / "marked.vcf")
    (tmp_path / "no_newline.vcf").write_bytes((tmp_path / "a.vcf").read_bytes().rstrip(b"\n"))
    assert plain == brief(tmp_path / "no_newline.vcf")


def test_bcf_gives_the_same_variants_by_record(tmp_path):
    import pysam

    vcf = write(
        tmp_path / "a.vcf",
        "chr1\t10\trs1\tA\tC,G\t.\t.\t.",
        "chr1\t20\t.\tGAT\tG\t.\t.\t.",
        "chr1\t30\t.\tG\t.\t.\t.\t.",
    )
    with (
        pysam.VariantFile(str(vcf)) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as copy,
    ):
        for record in source:
            copy.write(record)
    assert [row[1:] for row in brief(tmp_path / "a.bcf")] == [row[1:] for row in brief(vcf)]
    assert [row[0] for row in brief(tmp_path / "a.bcf")] == [1, 1, 2, 3]
    assert not is_shard(tmp_path / "a.bcf")


def test_tsv_gives_the_same_variants(tmp_path):
    text = "#chrom\tpos\tref\talt\tid\tbeta\nchr1\t10\tA\tC,G\trs1\t0.5\n# comment\n\nchr1\t20\tgat\tG\t.\t1\n"
    tsv = write(tmp_path / "a.tsv", header=text)
    assert brief(tsv) == [
        (2, "chr1", 10, "rs1", "A", "C", ""),
        (2, "chr1", 10, "rs1", "A", "G", ""),
        (5, "chr1", 20, "chr1:20", "GAT", "G", ""),
    ]
    other = text.replace("#chrom\tpos\tref\talt\tid", "CHR\tPosition\tREF_ALLELE\taltAllele\trsid")
    assert brief(write(tmp_path / "b.tsv", header=other)) == brief(tsv)


def test_empty_files_hold_no_variant(tmp_path):
    (tmp_path / "nothing.vcf").write_bytes(b"")
    (tmp_path / "nothing.vcf.gz").write_bytes(gzip.compress(b""))
    for path in (tmp_path / "nothing.vcf", tmp_path / "nothing.vcf.gz", write(tmp_path / "header.vcf")):
        assert brief(path) == []


def test_damaged_files_are_refused_with_their_place(tmp_path):
    whole = gzip.compress(write(tmp_path / "a.vcf", *(f"chr1\t{i}\trs{i}\tA\tC" for i in range(1, 3000))).read_bytes())
    cases = {
        "truncated.vcf.gz": (whole[:-200], "truncated or damaged"),
        "flipped.vcf.gz": (whole[:2000] + b"\0\1\2\3" + whole[2004:], "truncated or damaged"),
        "short.vcf": (b"chr1\t10\trs1\tA\n", "short.vcf:1: has 4 tab-separated"),
        "spaces.vcf": (HEADER.encode() + b"chr1 10 rs1 A C\n", "spaces.vcf:4: has 1 tab-separated"),
        "word.vcf": (b"chr1\tten\trs1\tA\tC\n", "word.vcf:1: POS must be"),
        "superscript.vcf": ("chr1\t1²\trs1\tA\tC\n".encode(), "POS must be"),
        "huge.vcf": (b"chr1\t99999999999\trs1\tA\tC\n", "POS must be"),
        "lacks.tsv": (b"chrom\tpos\tref\nchr1\t1\tA\n", "lacks the column(s) alt"),
        "ragged.tsv": (b"chrom\tpos\tref\talt\nchr1\t1\tA\n", "ragged.tsv:2: has 3"),
        "float.tsv": (b"chrom\tpos\tref\talt\nchr1\t1.5\tA\tC\n", "float.tsv:2: POS must be"),
        "twice.tsv": (b"chrom\tpos\tref\talt\talt\nchr1\t1\tA\tC\tG\n", "twice.tsv:1: has two columns alt"),
        "returns.vcf": (
            HEADER.replace("\n", "\r").encode() + b"chr1\t10\trs1\tA\tC\r",
            "returns.vcf:1: holds a carriage return inside",
        ),
        "middle.vcf": (
            HEADER.encode() + b"chr1\t10\trs1\tA\tC\t.",
            "middle.vcf:4: is the last line and ends in column 6 of 8",
        ),
        "joined.vcf": (
            HEADER.encode() + b"chr1\t10\trs1\tA\tC\t.\t.\tA=1chr1\t20\trs2\tA\tC\t.\t.\t.\n",
            "joined.vcf:4: has 15 tab-separated columns, the header 8",
        ),
        "shard.vcf": (b"##accessiflow_shard\nchr1\t10\trs1\tA\tC\t.\t.\tLINE=x\n", "shard.vcf:2: POS must be"),
        "cut_shard.vcf": (b"##accessiflow_shard\nchr1\t10\trs1\tA\tC\n", "cut_shard.vcf:2: has 5"),
        "broken.bcf": (b"BCF\x02\x02garbage", "truncated or damaged"),
    }
    for name, (content, sentence) in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as refused:
            list(read_variants(tmp_path / name))
        assert sentence in str(refused.value), name
        assert "\n" not in str(refused.value), name
    with pytest.raises(InputError, match="no such"):
        list(read_variants(tmp_path / "absent.vcf"))


def test_bgzipped_file_without_its_closing_block_is_refused(tmp_path):
    import pysam

    vcf = write(tmp_path / "a.vcf", "chr1\t10\trs1\tA\tC")
    pysam.tabix_compress(str(vcf), str(tmp_path / "a.vcf.gz"))
    assert brief(tmp_path / "a.vcf.gz") == brief(vcf)
    (tmp_path / "cut.vcf.gz").write_bytes((tmp_path / "a.vcf.gz").read_bytes()[:-28])
    with pytest.raises(InputError, match="closing block"):
        list(read_variants(tmp_path / "cut.vcf.gz"))


def test_truncated_bcf_is_refused(tmp_path):
    import pysam

    vcf = write(tmp_path / "a.vcf", *(f"chr1\t{i}\trs{i}\tA\tC\t.\t.\t." for i in range(1, 900)))
    with (
        pysam.VariantFile(str(vcf)) as source,
        pysam.VariantFile(str(tmp_path / "a.bcf"), "wb", header=source.header) as copy,
    ):
        for record in source:
            copy.write(record)
    content = (tmp_path / "a.bcf").read_bytes()
    (tmp_path / "cut.bcf").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="truncated"):
        list(read_variants(tmp_path / "cut.bcf"))


def test_line_of_ten_megabases_is_read(tmp_path):
    vcf = write(tmp_path / "a.vcf", "chr1\t10\trs1\tA\t" + "ACGT" * 2_500_000, "chr1\t11\trs2\tA\tC")
    assert [len(v.alt) for v in read_variants(vcf)] == [10_000_000, 1]


FIELD = st.text(st.characters(blacklist_characters="\t\n\r", blacklist_categories=["Cs"]), min_size=1, max_size=5)
ALLELE = st.text("ACGTNacgt", min_size=1, max_size=4) | st.sampled_from(["<DEL>", "*", ".", "R"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 2000), ALLELE, st.lists(ALLELE, min_size=1, max_size=3)), max_size=12),
    size=st.integers(1, 5),
    blank=st.booleans(),
)
def test_shards_hold_every_record_once_with_its_line(tmp_path, rows, size, blank):
    records = [f"chr1\t{pos}\t.\t{ref}\t{','.join(alts)}" for pos, ref, alts in rows]
    vcf = write(tmp_path / "a.vcf", *([*records[:1], "", *records[1:]] if blank else records))
    shards = split(vcf, size, tmp_path / "shards", "set")
    assert len(shards) == max(1, -(-len(rows) // size))
    assert all(is_shard(path) for path in shards)
    assert [row for path in shards for row in brief(path)] == brief(vcf)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.lists(FIELD | ALLELE | st.integers(-5, 10**11).map(str), max_size=7).map("\t".join) | st.binary(max_size=60)
)
def test_any_line_gives_variants_or_one_sentence(tmp_path, line):
    raw = line if isinstance(line, bytes) else line.encode()
    (tmp_path / "fuzz.vcf").write_bytes(b"chr1\t1\trs1\tA\tC\n" + raw + b"\nchr1\t2\trs2\tA\tC\n")
    try:
        found = brief(tmp_path / "fuzz.vcf")
    except InputError as error:
        assert "fuzz.vcf" in str(error)
    else:
        assert (found[0][2], found[-1][2]) == (1, 2)
