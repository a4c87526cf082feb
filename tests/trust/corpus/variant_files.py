"""Variants: VCF, BCF, tables of eQTLs, allelic counts, calls and measured effects."""

from __future__ import annotations

import gzip
from pathlib import Path

import pysam

from corpus.case import (
    CALL,
    CHECK,
    CLASSIFY,
    COLLECT,
    COUNT,
    DIRECTION,
    IMBALANCE,
    LONG,
    PANEL,
    QTL,
    SCORE,
    SCORE_BCF,
    SPLIT,
    SPLIT_GZ,
    accepted,
    bom,
    crlf,
    edit,
    put,
    refused,
    rewrite,
)

HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
REST = "\t.\t.\t.\n"

_vcfs = {
    "with a position that is a word": ("chr1\tten\t.\tA\tC", "v.vcf:3: POS must be a positive integer, found 'ten'"),
    "with a negative position": ("chr1\t-5\t.\tA\tC", "v.vcf:3: POS must be a positive integer, found '-5'"),
    "with a fraction as position": ("chr1\t5.5\t.\tA\tC", "v.vcf:3: POS must be a positive integer, found '5.5'"),
    "with a position of 10,000 digits": (f"chr1\t{'9' * 10_000}\t.\tA\tC", "v.vcf:3: POS must be a positive integer"),
    "with an Arabic digit": ("chr1\t٣\t.\tA\tC", "v.vcf:3: POS must be a positive integer"),
    "of spaces instead of tabs": (
        "chr1 5 . A C",
        "v.vcf:3: has 4 tab-separated column(s), a VCF record has at least 5",
    ),
    "with a carriage return inside": ("chr1\t5\t.\tA\rB\tC", "v.vcf:3: holds a carriage return inside the line"),
}
for _kind, (_row, _says) in _vcfs.items():
    for _command in (SCORE, SPLIT):
        refused(f"a VCF {_kind}, for {_command.split()[1]}", "VCF", put("v.vcf", HEADER + _row + REST), _command, _says)
_odd = {
    "an empty VCF": "",
    "a VCF of a header alone": HEADER,
    "a VCF of an unknown contig": HEADER + f"chrQ\t5\t.\tA\tC{REST}",
    "a VCF past the chromosome's end": HEADER + f"chr1\t999999\t.\tA\tC{REST}",
}
for _kind, _text in _odd.items():
    refused(f"{_kind}, in the preflight", "VCF", put("v.vcf", _text), CHECK, "v.vcf")
refused(
    "a VCF of another assembly",
    "VCF",
    rewrite(
        "v.vcf",
        lambda c: (
            c.replace(b"\tA\t", b"\tX\t")
            .replace(b"\tC\t", b"\tA\t")
            .replace(b"\tG\t", b"\tC\t")
            .replace(b"\tT\t", b"\tG\t")
        ),
    ),
    CHECK,
    "v.vcf: ",
    "REF alleles disagree with the FASTA",
    "another assembly?",
)
refused(
    "a VCF without its last line end, cut",
    "VCF",
    rewrite("v.vcf", lambda c: c[:-9]),
    SCORE,
    "v.vcf:126: is the last line and ends in column 8 of 10: truncated, copy the file again",
)
refused(
    "a VCF that lost a line end",
    "VCF",
    rewrite("v.vcf", lambda c: c[:-60].rsplit(b"\n", 1)[0] + c[-60:].lstrip()),
    SCORE,
    "v.vcf:",
)
refused(
    "a compressed VCF with a damaged block",
    "VCF",
    rewrite("v.vcf.gz", lambda c: c[:200] + bytes(40) + c[240:]),
    SPLIT_GZ,
    "v.vcf.gz: cannot be read after line",
)
refused(
    "a compressed VCF without its last block",
    "VCF",
    rewrite("v.vcf.gz", lambda c: c[:-28]),
    SPLIT_GZ,
    "v.vcf.gz: lacks the closing block of bgzip",
)
refused(
    "a VCF that is BCF by name",
    "BCF",
    rewrite("v.bcf", lambda c: b"##fileformat=VCFv4.2\n"),
    SCORE_BCF,
    "v.bcf: is not a BCF file",
)
refused(
    "a BCF with a damaged block",
    "BCF",
    rewrite("v.bcf", lambda c: c[:200] + bytes(40) + c[240:]),
    SCORE_BCF,
    "v.bcf: cannot be read as BCF after record",
)
refused(
    "a BCF without records' end",
    "BCF",
    rewrite("v.bcf", lambda c: c[:-28]),
    SCORE_BCF,
    "v.bcf: lacks the closing block of bgzip",
)
for _name in ("../x", "$(touch x)", "a b", LONG):
    refused(
        f"a variant set called {_name[:12]!r}",
        "option",
        put("x", ""),
        f"{SPLIT} --set '{_name}'",
        "is not a name: use letters, digits",
    )
accepted("a VCF with CRLF", "VCF", rewrite("v.vcf", crlf), SCORE)
accepted("a VCF with a byte order mark", "VCF", rewrite("v.vcf", bom), SCORE)
accepted(
    "a VCF in lower case",
    "VCF",
    rewrite("v.vcf", lambda c: c.replace(b"\tA\t", b"\ta\t").replace(b"\tG\t", b"\tg\t")),
    SCORE,
)
accepted("a gzipped VCF under the name of a plain one", "VCF", rewrite("v.vcf", gzip.compress), SPLIT)
refused("a VCF without genotypes, as panel", "VCF", put("v.vcf", HEADER + f"chr1\t5\t.\tA\tC{REST}"), PANEL, "v.vcf")
refused(
    "a VCF without a heterozygous site",
    "VCF",
    rewrite("v.vcf", lambda c: c.replace(b"0/1", b"0/0")),
    COUNT,
    "v.vcf: holds no heterozygous SNV among 120 records",
)


def _other_bam(study: Path) -> None:
    pysam.AlignmentFile(str(study / "B.bam"), "wb", header={"SQ": [{"SN": "1", "LN": 9}]}).close()


refused("a BAM to count of other names", "BAM", _other_bam, COUNT, "B.bam")

_tables = {
    "without the column alt": ("\talt\t", "\tother\t", "lacks the column(s) alt"),
    "with a position that is a word": ("\t300\t", "\tten\t", ":2: column pos: expected an integer, found 'ten'"),
    "with a position of 0": ("\t300\t", "\t0\t", ":2: pos must be at least 1"),
    "with a fraction as position": ("\t300\t", "\t300.5\t", ":2: column pos: expected an integer, found '300.5'"),
    "with an infinite position": ("\t300\t", "\tinf\t", ":2: column pos: expected an integer"),
    "with a position beyond integers": ("\t300\t", "\t1e300\t", ":2: column pos: expected an integer"),
    "without a chromosome": ("chr1\t300", "\t300", ":2: has no value in column chrom"),
    "with a quote left open": ("chr1\t300", '"chr1\t300', ""),
    "of spaces instead of tabs": ("chrom\tpos\t", "chrom pos ", "has more columns than names in its header"),
    "with a column twice": ("\tref\t", "\talt\t", "lacks the column(s) ref"),
}
for _file, _command in (("e.tsv", CLASSIFY), ("c.tsv", CALL)):
    for _kind, (_old, _new, _says) in _tables.items():
        refused(
            f"{_file} {_kind}",
            "table of variants",
            edit(_file, _old, _new),
            _command,
            f"{_file}{_says}" if _says[:1] == ":" else f"{_file}: ",
            _says,
        )
    refused(
        f"{_file} with a header alone",
        "table of variants",
        rewrite(_file, lambda c: c.partition(b"\n")[0] + b"\n"),
        _command,
        f"{_file}: has a header and no row",
    )
    accepted(f"{_file} with CRLF", "table of variants", rewrite(_file, crlf), _command)
    accepted(f"{_file} with a byte order mark", "table of variants", rewrite(_file, bom), _command)
    accepted(f"{_file} with comments", "table of variants", rewrite(_file, lambda c: b"# a\n" + c), _command)
    accepted(
        f"{_file} with columns in another order",
        "table of variants",
        rewrite(
            _file,
            lambda c: b"".join(
                b"\t".join((line.split(b"\t")[::-1])[i] for i in range(len(line.split(b"\t")))) + b"\n"
                for line in c.splitlines()
            ),
        ),
        _command,
    )
refused(
    "a count that is negative",
    "allelic counts",
    edit("c.tsv", "\t12\t", "\t-12\t"),
    CALL,
    "c.tsv:2: column ref_count: expected an integer, found '-12'",
)
refused("a count that is NaN", "allelic counts", edit("c.tsv", "\t12\t", "\tnan\t"), CALL, "c.tsv:2: column ref_count")
refused(
    "a count beyond integers",
    "allelic counts",
    edit("c.tsv", "\t12\t", "\t1e300\t"),
    CALL,
    "c.tsv:2: column ref_count: expected an integer",
)
refused(
    "a count of 30 digits",
    "allelic counts",
    edit("c.tsv", "\t12\t", f"\t{'9' * 30}\t"),
    CALL,
    "c.tsv:2: column ref_count: expected an integer",
)
refused(
    "a beta that is infinite",
    "eQTL table",
    edit("e.tsv", "\t0.3\t", "\tinf\t"),
    DIRECTION,
    "e.tsv:2: column beta: expected a number, found 'inf'",
)
refused(
    "a beta that is missing",
    "eQTL table",
    edit("e.tsv", "\t0.3\t", "\tNA\t"),
    DIRECTION,
    "e.tsv:2: column beta: expected a number",
)
refused(
    "a pip above 1",
    "eQTL table",
    edit("e.tsv", "\t0.95\t", "\t95\t"),
    CHECK,
    "e.tsv:2: pip must lie between 0 and 1, found '95.0'",
)
refused(
    "a pip that is a word",
    "eQTL table",
    edit("e.tsv", "\t0.95\t", "\thigh\t"),
    CLASSIFY,
    "e.tsv:2: column pip: expected a number, found 'high'",
)
refused(
    "a gene that no genes file has",
    "eQTL table",
    rewrite("e.tsv", lambda c: c.replace(b"\tg1", b"\tENSG").replace(b"\tg2", b"\tENSG").replace(b"\tg3", b"\tENSG")),
    CLASSIFY,
    "no gene of the variants is in the genes file",
)
refused(
    "genes given to variants without a gene",
    "eQTL table",
    edit("e.tsv", "\tgene", "\tgenus"),
    CLASSIFY,
    "the variants have no column gene",
)
_known = {
    "with its columns in capitals": lambda c: c.partition(b"\n")[0].upper() + b"\n" + c.partition(b"\n")[2],
    "with GWAS names of its columns": lambda c: c.replace(
        b"chrom\tpos\tref\talt\tpip", b"chromosome\tbase_pair_location\tREF\tALT\tvariable_prob", 1
    ),
    "with pips that pass 1 by rounding": lambda c: c.replace(b"\t0.95\t", b"\t1.0000000000000002\t"),
}
for _kind, _rule in _known.items():
    accepted(f"an eQTL table {_kind}", "eQTL table", rewrite("e.tsv", _rule), CLASSIFY)
accepted(
    "allelic counts named as GATK's",
    "allelic counts",
    rewrite(
        "c.tsv",
        lambda c: c.replace(
            b"chrom\tpos\tref\talt\tref_count\talt_count",
            b"contig\tposition\trefAllele\taltAllele\trefCount\taltCount",
            1,
        ),
    ),
    CALL,
)
refused(
    "an eQTL table with two columns of PIPs",
    "eQTL table",
    edit("e.tsv", "\tbeta", "\tPIP"),
    CLASSIFY,
    "e.tsv: has several columns that may be pip (pip, PIP)",
)
refused(
    "an eQTL table with R's names of rows",
    "eQTL table",
    rewrite("e.tsv", lambda c: c.replace(b"\nchr1", b"\n1\tchr1")),
    CLASSIFY,
    "e.tsv: has more columns than names in its header",
    "row.names = FALSE",
)
refused(
    "an eQTL table of other tissues",
    "eQTL table",
    rewrite(
        "e.tsv",
        lambda c: b"".join(
            line + b"\t" + (b"tissue" if i == 0 else b"skin" if i % 2 else b"lung") + b"\n"
            for i, line in enumerate(c.splitlines())
        ),
    ),
    CHECK,
    "e.tsv: holds 2 tissues in column tissue (skin, lung...), none of them blood",
)
refused(
    "an eQTL table named by rs numbers",
    "eQTL table",
    rewrite("e.tsv", lambda c: c.replace(b"chrom\tpos\tref\talt", b"variant_id\tx\ty\tz", 1)),
    CLASSIFY,
    "e.tsv:2: column variant_id: expected a variant such as chr1:123 A/G",
)
refused(
    "allelic counts that are fractions",
    "allelic counts",
    edit("c.tsv", "\t12\t", "\t12.5\t"),
    CALL,
    "c.tsv:2: column ref_count: expected an integer, found '12.5'",
)
refused(
    "no positive at all",
    "eQTL table",
    rewrite("e.tsv", lambda c: c.replace(b"0.95", b"0.5")),
    CHECK,
    "e.tsv: no variant has a PIP above 0.9: the tissue blood has no positives",
)
refused(
    "calls without a label",
    "imbalance calls",
    edit("calls.tsv", "label", "lable"),
    IMBALANCE,
    "calls.tsv: lacks the column(s) label",
)
refused(
    "a track that the scores lack",
    "sad.h5",
    put("x", ""),
    IMBALANCE.replace("--track A", "--track Z"),
    "sad/sad.h5: has no track Z (tracks: A, B)",
)
refused("measured effects without beta", "QTL table", edit("e.tsv", "beta", "colour"), QTL, "e.tsv")
refused("measured effects with an infinite beta", "QTL table", edit("e.tsv", "\t0.3\t", "\tinf\t"), QTL, "e.tsv:2: ")
refused(
    "measured effects with a position of 0",
    "QTL table",
    edit("e.tsv", "\t300\t", "\t0\t"),
    QTL,
    "e.tsv:2: pos must be at least 1 (1-based), found '0'",
)
refused(
    "a table to collect without alleles",
    "eQTL table",
    edit("e.tsv", "\tref\talt\t", "\ta\tb\t"),
    COLLECT,
    "e.tsv: lacks the column(s) ref, alt",
)
