"""Signals: bigWig, BAM, fragments, bedGraph, barcodes, and the coverage and peak files made of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyBigWig
import pysam

from corpus.case import (
    BIN_A,
    BIN_B,
    BIN_C,
    BIN_D,
    BUILD,
    CHECK,
    COUNT,
    LONG,
    MERGE,
    NOT_UTF8,
    PEAKS,
    Change,
    accepted,
    add,
    bom,
    crlf,
    edit,
    put,
    refused,
    rewrite,
    rewrite_gz,
    stored,
)
from corpus.study import SIZES, bam, bigwig


def _bigwig(chroms: dict[str, int], *rows: tuple[str, int, int, float]) -> Change:
    return lambda study: bigwig(study / "A.bw", chroms, list(rows))


def _bam(chroms: dict[str, int], *reads: tuple[str, int]) -> Change:
    return lambda study: bam(study / "B.bam", chroms, list(reads))


def _without_contigs(study: Path) -> None:
    with pysam.AlignmentFile(str(study / "B.bam"), "wb", header={"HD": {"VN": "1.6"}}) as out:
        out.write(pysam.AlignedSegment(out.header))


def _cut_bam(study: Path) -> None:
    content = (study / "B.bam").read_bytes()
    (study / "B.bam").write_bytes(content[: len(content) // 2] + content[-28:])


for _kind, _value in {"negative": -1.0, "infinite": np.inf}.items():
    _row = ("chr1", 100, 200, _value)
    refused(
        f"a bigWig with {_kind} coverage",
        "bigWig",
        _bigwig(SIZES, _row),
        BIN_A,
        "A.bw: has the coverage",
        "at chr1:100-101: coverage must be a number >= 0",
    )
    refused(f"a bigWig with {_kind} coverage, as target", "bigWig", _bigwig(SIZES, _row), BUILD, "A.bw")
refused(
    "a targets table with an identifier twice",
    "targets table",
    edit("targets.txt", "1\tB\t", "1\tA\t"),
    BUILD,
    "targets.txt:3: the identifier 'A' is already on line 2",
)


def _with_nan(study: Path) -> None:
    """Whole arrays, in which bases without a value are NaN."""
    with pyBigWig.open(str(study / "A.bw")) as handle:
        values = {chrom: handle.values(chrom, 0, length, numpy=True) for chrom, length in SIZES.items()}
    with pyBigWig.open(str(study / "A.bw"), "w") as out:
        out.addHeader(list(SIZES.items()))
        for chrom, array in values.items():
            out.addEntries(chrom, 0, values=array.astype(float), span=1, step=1)


accepted("a bigWig with stored NaN", "bigWig", _with_nan, BIN_A)
accepted("a bigWig with stored NaN, in the preflight", "bigWig", _with_nan, CHECK)
accepted("a bigWig with stored NaN, as target", "bigWig", _with_nan, BUILD)
refused(
    "a bigWig of other names",
    "bigWig",
    _bigwig({"1": 6000}, ("1", 5, 9, 1.0)),
    BIN_A,
    "A.bw: shares no contig with the genome (file: 1; genome: chr1",
)
refused(
    "a bigWig of another assembly",
    "bigWig",
    _bigwig({"chr1": 5000, "chr3": 2000}, ("chr1", 5, 9, 1.0)),
    CHECK,
    "A.bw: chr1 has 5000 bp, in the genome 6000",
    "another assembly?",
)
refused(
    "a bigWig of no data on the test chromosomes",
    "bigWig",
    _bigwig(SIZES, ("chr1", 5, 9, 1.0)),
    CHECK,
    "track A: has no data on any of the test_chroms (chr3)",
)
refused(
    "a bigWig that is a bigBed",
    "bigWig",
    rewrite("A.bw", lambda c: b"\xeb\xf2\x89\x87" + c[4:]),
    BIN_A,
    "A.bw: is not a bigWig file (its magic number is wrong)",
)
refused("a bigWig cut before its index", "bigWig", rewrite("A.bw", lambda c: c[:-200]), BIN_A, "A.bw")
refused(
    "a bigWig with its header overwritten",
    "bigWig",
    rewrite("A.bw", lambda c: c[:8] + b"\xff" * 56 + c[64:]),
    BIN_A,
    "A.bw",
)
refused(
    "a bigWig with its data overwritten",
    "bigWig",
    rewrite("A.bw", lambda c: c[:400] + b"\xa5" * (len(c) - 700) + c[-300:]),
    BIN_A,
    "A.bw",
)
refused(
    "a bigWig that is all zero behind its magic",
    "bigWig",
    rewrite("A.bw", lambda c: c[:4] + bytes(len(c) - 4)),
    BIN_A,
    "A.bw",
)
refused(
    "a signal of nothing but zeros",
    "coverage.h5",
    stored("A.coverage.h5", lambda h: [h[c].__setitem__(slice(None), 0) for c in h]),
    PEAKS,
    "A.coverage.h5: has no coverage at all: no peak can be called",
)

refused("a BAM without a contig", "BAM", _without_contigs, BIN_B, "B.bam")
refused("a BAM of other names", "BAM", _bam({"1": 6000}, ("1", 5)), BIN_B, "B.bam: shares no contig with the genome")
refused(
    "a BAM of another assembly",
    "BAM",
    _bam({"chr1": 5000}, ("chr1", 5)),
    CHECK,
    "B.bam: chr1 has 5000 bp, in the genome 6000",
)
refused("a BAM with a block gone", "BAM", _cut_bam, BIN_B, "B.bam: cannot be read as BAM after record")
refused(
    "a BAM that is gzipped text",
    "BAM",
    put("B.bam", gzip.compress(b"text\n" * 50)),
    BIN_B,
    "B.bam: is not a readable BAM file",
)
refused(
    "a BAM that is gzipped text, in the preflight",
    "BAM",
    put("B.bam", gzip.compress(b"text\n" * 50)),
    CHECK,
    "B.bam: is not a",
)
refused(
    "a BAM that is SAM",
    "BAM",
    put("B.bam", "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:6000\n"),
    BIN_B,
    "B.bam: is not a readable BAM file",
)
refused("a BAM to count that is noise", "BAM", put("B.bam", bytes(range(256))), COUNT, "B.bam")
refused("a BAM to count that is cut", "BAM", rewrite("B.bam", lambda c: c[: len(c) // 2]), COUNT, "B.bam")

_fragments = {
    "with end before start": "chr1\t90\t10\tCELL\t1\n",
    "with an empty fragment": "chr1\t10\t10\tCELL\t1\n",
    "with a negative start": "chr1\t-1\t10\tCELL\t1\n",
    "with a fraction": "chr1\t1.5\t10\tCELL\t1\n",
    "with a word": "chr1\tone\t10\tCELL\t1\n",
    "with an end of 30 digits": f"chr1\t1\t{'9' * 30}\tCELL\t1\n",
    "with three columns": "chr1\t1\t10\n",
    "of spaces instead of tabs": "chr1 1 10 CELL 1\n",
    "with an infinite end": "chr1\t1\tinf\tCELL\t1\n",
}
for _kind, _text in _fragments.items():
    refused(
        f"fragments {_kind}",
        "fragments",
        rewrite_gz("C.fragments.tsv.gz", lambda c, t=_text: c[:0] + t.encode() + c),
        BIN_C,
        "C.fragments.tsv.gz:1: ",
    )
    refused(
        f"fragments {_kind}, further down",
        "fragments",
        rewrite_gz("C.fragments.tsv.gz", lambda c, t=_text: c + t.encode()),
        BIN_C,
        "C.fragments.tsv.gz:341: ",
    )
refused(
    "fragments of other names",
    "fragments",
    rewrite_gz("C.fragments.tsv.gz", lambda c: c.replace(b"chr", b"")),
    BIN_C,
    "C.fragments.tsv.gz: shares no contig with the genome",
)
refused(
    "fragments of no listed cell",
    "fragments",
    put("barcodes.txt", "CELL-1\n"),
    BIN_C,
    "C.fragments.tsv.gz: holds no fragment of the listed barcodes",
)
refused(
    "fragments that are empty inside",
    "fragments",
    put("C.fragments.tsv.gz", gzip.compress(b"")),
    BIN_C,
    "C.fragments.tsv.gz: holds no record",
)
refused(
    "fragments of comments alone",
    "fragments",
    put("C.fragments.tsv.gz", gzip.compress(b"# a\n# b\n")),
    BIN_C,
    "C.fragments.tsv.gz: holds no record",
)
refused(
    "fragments with a damaged block",
    "fragments",
    rewrite("C.fragments.tsv.gz", lambda c: c[:60] + b"\0\xff" * 9 + c[78:]),
    BIN_C,
    "C.fragments.tsv.gz: cannot be read",
)
refused(
    "fragments of bedGraph",
    "fragments",
    rewrite_gz("C.fragments.tsv.gz", lambda c: b"chr1\t0\t5\n"),
    BIN_C,
    "C.fragments.tsv.gz:1: has fewer than 4 columns",
)
refused("barcodes of blank lines", "barcodes", put("barcodes.txt", "\n \n"), BIN_C, "barcodes.txt: holds no barcode")
accepted("fragments in plain text", "fragments", rewrite("C.fragments.tsv.gz", gzip.decompress), BIN_C)
accepted("fragments with CRLF", "fragments", rewrite_gz("C.fragments.tsv.gz", crlf), BIN_C)
accepted(
    "fragments with comments in front",
    "fragments",
    rewrite_gz("C.fragments.tsv.gz", lambda c: b"# id=x\n#\n" + c),
    BIN_C,
)
accepted(
    "fragments in two gzip members", "fragments", rewrite("C.fragments.tsv.gz", lambda c: gzip.compress(b"") + c), BIN_C
)
accepted("barcodes with CRLF", "barcodes", put("barcodes.txt", "CELL\r\n\r\n"), BIN_C)
accepted("barcodes with a byte order mark", "barcodes", rewrite("barcodes.txt", bom), BIN_C)

_bedgraphs = {
    "with negative coverage": ("chr1\t0\t5\t-1\n", "D.bedgraph:1: needs a coverage >= 0, found '-1'"),
    "with NaN": ("chr1\t0\t5\tnan\n", "D.bedgraph:1: needs a coverage >= 0, found 'nan'"),
    "with infinite coverage": ("chr1\t0\t5\tinf\n", "D.bedgraph:1: needs a coverage >= 0, found 'inf'"),
    "with coverage beyond numbers": ("chr1\t0\t5\t1e999\n", "D.bedgraph:1: needs a coverage >= 0, found '1e999'"),
    "with coverage beyond single precision": (
        "chr1\t0\t5\t1e300\n",
        "the track X has a bin of coverage above 3.40282e+38 on chr1",
    ),
    "with a word": ("chr1\t0\t5\thigh\n", "D.bedgraph:1: needs a coverage >= 0, found 'high'"),
    "with end before start": ("chr1\t9\t5\t1\n", "D.bedgraph:1: needs integers 0 <= start < end, found '9' and '5'"),
    "that overlaps itself": ("chr1\t0\t9\t1\nchr1\t5\t12\t1\n", "D.bedgraph: has overlapping intervals at chr1:5"),
    "that comes back to a chromosome": (
        "chr1\t0\t9\t1\nchr2\t0\t9\t1\nchr1\t20\t29\t1\n",
        "D.bedgraph:3: comes back to chr1, which ended before",
    ),
    "with three columns": ("chr1\t0\t9\n", "D.bedgraph:1: has fewer than 4 columns"),
    "of other names": ("1\t0\t9\t1\n", "D.bedgraph: shares no contig with the genome"),
    "that is not UTF-8": (NOT_UTF8, "D.bedgraph: cannot be read (it is not UTF-8 text)"),
    "of track lines alone": ("track type=bedGraph\n", "D.bedgraph: holds no record"),
    "with a field of 10,000 characters": (f"chr1\t{LONG}\t5\t1\n", "D.bedgraph:1: needs integers"),
    "with decimal commas": ("chr1\t0\t5\t1,5\n", "D.bedgraph:1: needs a coverage >= 0, found '1,5'"),
}
for _kind, (_text, _says) in _bedgraphs.items():
    refused(f"a bedGraph {_kind}", "bedGraph", put("D.bedgraph", _text), BIN_D, _says)
accepted(
    "a bedGraph as R writes it",
    "bedGraph",
    rewrite("D.bedgraph", lambda c: c.replace(b"\t1280\t", b"\t1.28e+03\t")),
    BIN_D,
)
accepted(
    "a bedGraph as R writes it, in the preflight",
    "bedGraph",
    rewrite("D.bedgraph", lambda c: c.replace(b"\t1280\t", b"\t1.28e+03\t")),
    CHECK,
)
accepted("a bedGraph with CRLF", "bedGraph", rewrite("D.bedgraph", crlf), BIN_D)
accepted("a bedGraph with a byte order mark", "bedGraph", rewrite("D.bedgraph", bom), BIN_D)
accepted(
    "a bedGraph with track and browser lines",
    "bedGraph",
    rewrite("D.bedgraph", lambda c: b"browser x\ntrack type=bedGraph\n" + c),
    BIN_D,
)

_peaks = {
    "past the chromosome's end": (
        "chr1\t0\t99999\n",
        "A.peaks.bed.gz:1: is no peak on the chromosomes of the coverage files",
    ),
    "with end before start": ("chr1\t90\t10\n", "A.peaks.bed.gz:1: "),
    "of other names": ("1\t0\t64\n", "A.peaks.bed.gz:1: is no peak on the chromosomes of the coverage files"),
    "with two columns": ("chr1\t5\n", "A.peaks.bed.gz"),
    "with a word": ("chr1\tone\t64\n", "A.peaks.bed.gz:1: "),
}
for _kind, (_text, _says) in _peaks.items():
    refused(f"peaks {_kind}", "peaks", put("A.peaks.bed.gz", gzip.compress(_text.encode())), MERGE, _says)
refused(
    "peaks of no track",
    "peaks",
    lambda study: [(study / f"{t}.peaks.bed.gz").write_bytes(gzip.compress(b"")) for t in "ABCD"],
    MERGE,
    "no track has a peak",
)
refused(
    "a track of the sheet without peaks",
    "tracks sheet",
    add("tracks.csv", "E,e,E.bw,\n"),
    MERGE,
    "no coverage file for the track(s) E of the sheet",
)
refused(
    "a track whose name is another's",
    "tracks sheet",
    edit("tracks.csv", "\nB,", "\nA,"),
    MERGE,
    "tracks.csv:3: the track 'A' is already on line 2",
)
