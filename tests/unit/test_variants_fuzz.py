"""Damaged and odd variant files through the real reader and check.

One sentence that names the file, or rows that stand in it, nothing else.

A corpus of seeded mutations of a valid file (some of its ways at least 20 times each), and free ones by hypothesis.
"""

from __future__ import annotations

import gzip
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pysam
import pytest
from fake_predictor import FakePredictor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import Fasta
from accessiflow.scoring import sad
from accessiflow.variants.alleles import check_variant
from accessiflow.variants.vcf import read_variants, split

L = 32
SEQUENCE = "".join(random.Random(1).choice("ACGT") for _ in range(900)) + "NNNNnnnn"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1"
HEADER = [
    "##fileformat=VCFv4.2",
    "##contig=<ID=chr1,length=908>",
    "##contig=<ID=chr2,length=300>",
    '##INFO=<ID=A,Number=1,Type=Integer,Description="x">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">',
    COLUMNS,
]
EACH = 21  # seeds of each mutation
TRACKS = pd.DataFrame({"identifier": ["T"], "description": ["t"]})

Lines = list[str]
Mutation = Callable[[random.Random, Lines], bytes]
MUTATIONS: dict[str, tuple[str, Mutation]] = {}


def mutation(suffix: str = ".vcf"):
    def register(function: Mutation) -> Mutation:
        MUTATIONS[function.__name__] = (suffix, function)
        return function

    return register


def records(rng: random.Random, n: int = 25) -> Lines:
    """Valid records: SNVs, indels and multi-allelic ones of chr1 and chr2 (its first 300 bases)."""
    out = []
    for i in range(n):
        chrom, pos, width = rng.choice(["chr1", "chr1", "chr2"]), rng.randint(1, 290), rng.randint(1, 3)
        ref = SEQUENCE[pos - 1 : pos - 1 + width]
        alts = {"".join(rng.choice("ACGT") for _ in range(rng.randint(1, 4))) for _ in range(rng.randint(1, 3))} - {
            ref
        } or {ref + "A"}
        out.append(f"{chrom}\t{pos}\trs{i}\t{ref}\t{','.join(sorted(alts))}\t.\tPASS\tA=1\tGT\t0/1")
    return out


def text(lines: Lines, header: Lines = HEADER, end: str = "\n") -> bytes:
    return end.join([*header, *lines, ""]).encode()


def with_field(rng: random.Random, lines: Lines, column: int, value: str) -> Lines:
    """One record with another value in one column."""
    at = rng.randrange(len(lines))
    fields = lines[at].split("\t")
    fields[column] = value
    return [*lines[:at], "\t".join(fields), *lines[at + 1 :]]


def flipped(rng: random.Random, content: bytes, times: int) -> bytes:
    out = bytearray(content)
    for _ in range(times):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def bgzip(content: bytes) -> bytes:
    """A file as bgzip writes it, in blocks of 600 bytes."""
    out = b""
    for part in [*(content[i : i + 600] for i in range(0, len(content), 600)), b""]:
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        data = packer.compress(part) + packer.flush()
        head = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + (len(data) + 25).to_bytes(2, "little")
        out += head + data + zlib.crc32(part).to_bytes(4, "little") + len(part).to_bytes(4, "little")
    return out


@mutation()
def untouched(rng, lines):
    return text(lines)


@mutation()
def truncated(rng, lines):
    return cut(rng, text(lines))


@mutation()
def truncated_after_a_record(rng, lines):
    return text(lines)[: -rng.randint(1, 60)]


@mutation()
def bits_flipped(rng, lines):
    return flipped(rng, text(lines), rng.choice([1, 3, 40]))


@mutation()
def column_dropped(rng, lines):
    drop = rng.randrange(5)
    rows = [line.split("\t") for line in lines]
    return text(["\t".join(f for i, f in enumerate(row) if i != drop or rng.random() < 0.5) for row in rows])


@mutation()
def columns_cut(rng, lines):
    at = rng.randrange(len(lines))
    return text([*lines[:at], "\t".join(lines[at].split("\t")[: rng.randrange(1, 10)]), *lines[at + 1 :]])


@mutation()
def carriage_returns_before_newlines(rng, lines):
    return text(lines, end="\r\n")


@mutation()
def carriage_returns_only(rng, lines):
    return text(lines, header=rng.choice([HEADER, []]), end="\r")


@mutation()
def stray_carriage_return(rng, lines):
    content = text(lines)
    at = rng.randrange(len(content))
    return content[:at] + b"\r" + content[at:]


@mutation(".vcf.gz")
def gzip_instead_of_bgzip(rng, lines):
    return gzip.compress(text(lines))


@mutation(".vcf.gz")
def bgzipped(rng, lines):
    return bgzip(text(lines))


@mutation(".vcf.gz")
def truncated_gzip(rng, lines):
    return cut(rng, gzip.compress(text(lines)))


@mutation(".vcf.gz")
def truncated_bgzip(rng, lines):
    return cut(rng, bgzip(text(lines)))


@mutation(".vcf.gz")
def flipped_gzip(rng, lines):
    return flipped(rng, gzip.compress(text(lines)), 1)


@mutation(".vcf.gz")
def flipped_bgzip(rng, lines):
    return flipped(rng, bgzip(text(lines)), rng.choice([1, 5]))


@mutation(".vcf.gz")
def several_members_or_rubbish_behind(rng, lines):
    whole = gzip.compress(text(lines[:9])) + gzip.compress(text(lines[9:], header=[]))
    return whole + rng.choice([b"", b"rubbish", b"\0" * 7, gzip.compress(b"")])


@mutation()
def duplicated(rng, lines):
    return text([rng.choice(lines) for _ in lines])


@mutation()
def another_contig(rng, lines):
    return text(
        with_field(
            rng,
            lines,
            0,
            rng.choice(
                ["1", "chrX", "", "CHR1", "chr1 ", "chr1\u200b", "HLA-A*01:01:01:01", "../chr1", "$(id)", "c" * 5000]
            ),
        )
    )


@mutation()
def all_contigs_unknown(rng, lines):
    return text([line.replace("chr", rng.choice(["", "Chr", "contig"])) for line in lines])


@mutation()
def odd_position(rng, lines):
    values = [
        "0",
        "-1",
        "4294967296",
        "9999999999",
        "10000000000",
        "1e3",
        "3.0",
        "0x1f",
        "",
        " 7",
        "7 ",
        "+5",
        "٣",
        "1_0",
        "NaN",
        "00012",
        "909",
        "908",
    ]
    return text(with_field(rng, lines, 1, rng.choice(values)))


@mutation()
def nul_bytes(rng, lines):
    content = text(lines)
    at = rng.randrange(len(content))
    return content[:at] + b"\0" * rng.randint(1, 9) + content[at:]


@mutation()
def not_utf8(rng, lines):
    content = bytearray(text(lines))
    at = rng.randrange(len(content))
    return bytes(content[:at] + bytes(rng.randrange(128, 256) for _ in range(rng.randint(1, 4))) + content[at:])


@mutation()
def without_header(rng, lines):
    return text(lines, header=HEADER[rng.randrange(7) :])


@mutation()
def spaces_for_tabs(rng, lines):
    at = rng.randrange(len(lines))
    return text(
        [
            line.replace("\t", rng.choice([" ", "  ", ","])) if i == at or rng.random() < 0.05 else line
            for i, line in enumerate(lines)
        ]
    )


ODD = [
    "*",
    "<DEL>",
    "<*>",
    "A]chr2:5]",
    "[chr1:9[A",
    ".A",
    "A.",
    ".",
    "",
    "-",
    "R",
    "AYN",
    "N",
    "acgt",
    "A" * 40,
    "A;C",
    "A/C",
    "A|C",
    " A",
    "A ",
    "0",
    "é",
    "ß",
    "\u2028",
    "A,,C",
    ",",
    "A" * 5000,
]


@mutation()
def odd_alternative(rng, lines):
    return text(with_field(rng, lines, 4, rng.choice(ODD)))


@mutation()
def odd_reference(rng, lines):
    return text(with_field(rng, lines, 3, rng.choice(ODD)))


@mutation()
def many_alleles(rng, lines):
    return text(
        with_field(rng, lines, 4, ",".join(rng.choice([*ODD[:12], "A", "C", "GT"]) for _ in range(rng.randint(2, 60))))
    )


@mutation()
def lower_case(rng, lines):
    return text([line.lower().replace("rs", "RS") if rng.random() < 0.5 else line for line in lines])


@mutation()
def odd_id(rng, lines):
    return text(
        with_field(
            rng,
            lines,
            2,
            rng.choice(
                [
                    "",
                    ".",
                    "a;b",
                    "\x0b\x0c",
                    "\x85",
                    "=1+1",
                    "<script>",
                    "x" * 9000,
                    "id with spaces",
                    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
                ]
            ),
        )
    )


@mutation()
def blank_and_comment_lines(rng, lines):
    return text(
        [
            part
            for line in lines
            for part in rng.choice(
                [[line], ["", line], ["# x\ty", line], ["\t\t", line] if rng.random() < 0.1 else [line]]
            )
        ]
    )


@mutation()
def lines_joined(rng, lines):
    content = text(lines)
    ends = [i for i, c in enumerate(content) if c == 10]
    at = rng.choice(ends)
    return content[:at] + content[at + 1 :]


@mutation()
def byte_order_marks(rng, lines):
    return rng.choice(
        [b"\xef\xbb\xbf" + text(lines), text(lines).decode().encode("utf-16"), text(lines).decode().encode("utf-16-le")]
    )


@mutation()
def forged_shard(rng, lines):
    header = ["##accessiflow_shard", *HEADER]
    return text(
        [
            line.replace("A=1", rng.choice(["LINE=7", "LINE=", "LINE=x", "7", "LINE=-3"]))
            for line in lines[: rng.randint(1, 9)]
        ],
        header=header,
    )


@mutation(".tsv")
def table(rng, lines):
    names = ["chrom", "pos", "ref", "alt", "id", "beta"]
    rng.shuffle(names)
    rows = [dict(zip(("chrom", "pos", "id", "ref", "alt", "beta"), line.split("\t"), strict=False)) for line in lines]
    content = text(["\t".join(row[name] for name in names) for row in rows], header=["\t".join(names)])
    return rng.choice(
        [
            content,
            cut(rng, content),
            flipped(rng, content, 3),
            content.replace(b"chrom", b"\xef\xbb\xbfchrom"),
            content.replace(b"\n", b"\r\n"),
        ]
    )


@mutation(".tsv.gz")
def table_with_odd_header(rng, lines):
    header = rng.choice(
        [
            "chrom\tpos\tref",
            "seq\tpos\tref\talt",
            "chrom pos ref alt",
            "",
            "chrom\tpos\tref\talt\talt",
            "CHROM\tPOS\tREF\tALT\tq\tr",
        ]
    )
    return gzip.compress(text(["\t".join(np.array(line.split("\t"))[[0, 1, 3, 4]]) for line in lines], header=[header]))


@mutation()
def rubbish(rng, lines):
    return rng.choice([b"", b"##fileformat=VCFv4.2\n#CHROM\tPOS\tI", b"BCF\2\2"]) + bytes(
        rng.randrange(256) for _ in range(rng.randrange(400))
    )


@mutation()
def another_format(rng, lines):
    return rng.choice(
        [
            b"\x89HDF\r\n\x1a\n",
            b"\x1f\x8b",
            b"PK\3\4",
            b"CRAM",
            b"BAM\1",
            b"@HD\tVN:1.6\n",
            b">chr1\nACGT\n",
            b"{}",
            b"chr1,10,rs,A,C\n",
        ]
    ) + rng.choice([b"", b"\0" * 50])


def write_bcf(path: Path, lines: Lines) -> bytes:
    """The records as BCF."""
    path.write_bytes(text(lines))
    with (
        pysam.VariantFile(str(path)) as source,
        pysam.VariantFile(str(path.with_suffix(".bcf")), "wb", header=source.header) as out,
    ):
        for record in source:
            out.write(record)
    return path.with_suffix(".bcf").read_bytes()


@pytest.fixture(scope="module")
def fasta(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">chr1\n{SEQUENCE}\n>chr2\n{SEQUENCE[:300]}\n")
    with Fasta(path):
        return path


SUMMING = FakePredictor(lambda codes: codes.sum(axis=1, dtype=np.float64).reshape(-1, 1, 1), L)


def plain(content: bytes) -> list[bytes]:
    """The lines of a file, decompressed."""
    return (
        (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    )


def assert_stands_in_the_file(variants, content: bytes, table: bool) -> None:
    """Each record of the file has its alleles, in order, each what its line says."""
    lines = plain(content)
    columns, first = ["chrom", "pos", "id", "ref", "alt"], 0
    if table:
        first = next((i for i, line in enumerate(lines, 1) if line.strip() and (line[:1] != b"#" or b"\t" in line)), 0)
        columns = [name.strip().lstrip("#").lower() for name in lines[first - 1].decode("utf-8", "replace").split("\t")]
    numbers = [i for i, line in enumerate(lines, 1) if i > first and line.strip() and line[:1] != b"#"]
    if lines[0] == b"##accessiflow_shard":
        return
    expected = []
    for number in numbers:
        fields = dict(
            zip(
                columns,
                (f.decode("utf-8", "replace") for f in lines[number - 1].rstrip(b"\r").split(b"\t")),
                strict=False,
            )
        )
        expected += [
            (number, fields["chrom"], int(fields["pos"]), fields["ref"].lower(), alt.strip().lower())
            for alt in fields["alt"].split(",")
        ]
    assert [(v.line, v.chrom, v.pos, v.ref.lower(), v.alt.lower()) for v in variants] == expected


def outcome(path: Path, genome: Fasta, content: bytes, known: bool = True) -> str:
    """Read and check a file: "refused", or the number of rows that would be scored; anything else fails."""
    path.write_bytes(content)
    try:
        variants = list(read_variants(path))
    except InputError as error:
        assert str(error).startswith(f"{path}:"), error
        assert "\n" not in str(error)
        assert re.search(
            r":\d+: |after (line|record) \d+|closing block|is empty|lacks the column|is not a BCF file", str(error)
        ), error
        return "refused"
    checked = [check_variant(v, genome, L) for v in variants]
    for v, reason in checked:
        if not reason:
            assert re.fullmatch("[ACGTN]+", v.ref)
            assert re.fullmatch("[ACGTN]+", v.alt)
            here = SEQUENCE[v.pos - 1 :].upper()
            assert here.startswith(v.ref) or here.startswith(v.alt)
    if known:
        assert_stands_in_the_file(variants, content, ".tsv" in path.name and not content.startswith(b"##"))
    return str(sum(not reason for _, reason in checked))


@pytest.mark.parametrize("name", MUTATIONS)
def test_any_damage_is_refused_or_shifts_nothing(tmp_path, fasta, name):
    suffix, mutate = MUTATIONS[name]
    outcomes = set()
    with Fasta(fasta) as genome:
        for seed in range(EACH):
            rng = random.Random(f"{name} {seed}")
            outcomes.add(outcome(tmp_path / f"f{suffix}", genome, mutate(rng, records(rng))))
    if name in ("untouched", "carriage_returns_before_newlines", "gzip_instead_of_bgzip", "bgzipped", "duplicated"):
        assert "refused" not in outcomes
        assert "0" not in outcomes
    if name in (
        "truncated_gzip",
        "truncated_bgzip",
        "carriage_returns_only",
        "spaces_for_tabs",
        "table_with_odd_header",
        "another_format",
    ):
        assert outcomes <= {"refused", "0"}, outcomes


def test_a_table_may_name_its_columns_as_other_tools_do(tmp_path):
    rows = "chr1\t10\tA\tG\nchr2\t20\tC\tT\n"
    (tmp_path / "plain.tsv").write_text(f"chrom\tpos\tref\talt\n{rows}")
    for header in ("chr\tpos\tref\talt", "CHROM\tPOSITION\tREF\tALT"):
        (tmp_path / "other.tsv").write_text(f"{header}\n{rows}")
        read = [(v.chrom, v.pos, v.ref, v.alt) for v in read_variants(tmp_path / "other.tsv")]
        assert read == [(v.chrom, v.pos, v.ref, v.alt) for v in read_variants(tmp_path / "plain.tsv")]
        assert len(read) == 2


def test_the_corpus_is_large_enough():
    assert len(MUTATIONS) * EACH >= 500


@pytest.mark.parametrize("name", MUTATIONS)
def test_scoring_damaged_files_leaves_whole_results_or_none(tmp_path, fasta, name):
    suffix, mutate = MUTATIONS[name]
    for seed in range(3):
        rng = random.Random(f"{name} {seed}")
        path, out = tmp_path / f"f{suffix}", tmp_path / str(seed)
        path.write_bytes(mutate(rng, records(rng)))
        try:
            scored, excluded = sad.score(SUMMING, path, fasta, TRACKS, out, None, sad.ScoreOptions())
        except InputError:
            assert not [p for p in out.rglob("*") if p.is_file()]
            continue
        assert scored + excluded == len(list(read_variants(path)))
        assert len((out / "excluded.tsv").read_text().split("\n")) == excluded + 2
        with h5py.File(out / "sad.h5") as handle:
            assert {len(handle[n]) for n in ("snp", "chr", "pos", "ref_allele", "alt_allele", "SAD")} == {scored}
        shards = split(path, 7, tmp_path / f"shards{seed}", "s")
        whole = [(v.line, v.chrom, v.pos, v.ref, v.alt) for v in read_variants(path)]
        if name != "forged_shard":
            assert [(v.line, v.chrom, v.pos, v.ref, v.alt) for shard in shards for v in read_variants(shard)] == whole


@pytest.mark.parametrize("packed", [True, False])
def test_damaged_bcf_is_refused_or_gives_its_records(tmp_path, fasta, packed):
    with Fasta(fasta) as genome:
        for seed in range(EACH):
            rng = random.Random(seed)
            content = write_bcf(tmp_path / "v.vcf", lines := records(rng))
            true = [
                (i, *line.split("\t")[:2], a) for i, line in enumerate(lines, 1) for a in line.split("\t")[4].split(",")
            ]
            content = content if packed else gzip.decompress(content)
            assert outcome(tmp_path / "f.bcf", genome, content, known=False) != "refused"
            assert [(v.line, v.chrom, str(v.pos), v.alt) for v in read_variants(tmp_path / "f.bcf")] == true
            for damaged in (cut(rng, content), flipped(rng, content, 1), content[:-28]):
                found = outcome(tmp_path / "f.bcf", genome, damaged, known=False)
                if packed and damaged[:3] == content[:3] and found != "refused":
                    assert [(v.line, v.chrom, str(v.pos), v.alt) for v in read_variants(tmp_path / "f.bcf")] == true


@pytest.mark.parametrize("column", [0, 2, 3, 4, 7])
def test_lines_of_ten_megabases(tmp_path, fasta, column):
    lines = records(random.Random(3), 4)
    fields = lines[1].split("\t")
    fields[column] = "ACGT" * 2_600_000
    with Fasta(fasta) as genome:
        assert outcome(tmp_path / "f.vcf", genome, text([lines[0], "\t".join(fields), *lines[2:]])) != "refused"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.binary(max_size=6)), max_size=6),
    seed=st.integers(0, 9),
    packed=st.booleans(),
)
def test_any_edits_are_refused_or_shift_nothing(tmp_path, fasta, edits, seed, packed):
    content = text(records(random.Random(seed), 6))
    for place, dropped, inserted in edits:
        at = int(place * len(content))
        content = content[:at] + inserted + content[at + dropped :]
    with Fasta(fasta) as genome:
        outcome(tmp_path / "f.vcf", genome, gzip.compress(content) if packed else content)
