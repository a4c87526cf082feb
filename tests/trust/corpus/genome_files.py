"""Genome, regions, genes, motifs and the chain."""

from __future__ import annotations

import gzip

import pysam

from corpus.case import (
    ANNOTATE,
    BIN_A,
    BIN_EXCLUDING,
    BUILD,
    CHECK,
    GENOME,
    ISM,
    LONG,
    MERGE,
    NOT_UTF8,
    REGIONS,
    SCORE,
    SEQUENCE,
    TSS,
    accepted,
    add,
    all_of,
    bom,
    crlf,
    edit,
    missing,
    put,
    refused,
    rewrite,
)
from corpus.study import sequence

FAI = missing("genome.fa.fai")
_wrapped = "".join(
    f">{c} a description\n" + "".join(f"{sequence(c)[i : i + 60]}\n" for i in range(0, len(sequence(c)), 60))
    for c in ("chr1", "chr2", "chr3")
)


def _bgzip(study):
    content = (study / "genome.fa").read_bytes()
    with pysam.BGZFile(str(study / "genome.fa"), "wb") as out:
        out.write(content)


def _fai(name: str, old: str, new: str, *says: str, command: str = SCORE) -> None:
    refused(name, "FASTA", all_of(edit("genome.fa", old, new), FAI), command, *says)


for _command, _what in ((SCORE, "scored"), (BUILD, "cut into windows")):
    accepted(f"a FASTA without index, {_what}", "FASTA", FAI, _command)
    accepted(
        f"a FASTA in lower case, {_what}",
        "FASTA",
        rewrite("genome.fa", lambda c: c.lower().replace(b">CHR", b">chr")),
        _command,
    )
accepted("a FASTA with wrapped lines and descriptions", "FASTA", all_of(put("genome.fa", _wrapped), FAI), SCORE)
accepted("a FASTA with CRLF", "FASTA", all_of(rewrite("genome.fa", crlf), FAI), SCORE)
accepted("a FASTA without a last line end", "FASTA", all_of(rewrite("genome.fa", bytes.rstrip), FAI), SCORE)
accepted("a FASTA with blank lines at its end", "FASTA", all_of(add("genome.fa", "\n\n"), FAI), SCORE)
accepted("a FASTA compressed by bgzip", "FASTA", all_of(_bgzip, FAI), SCORE)
refused(
    "a FASTA compressed by gzip",
    "FASTA",
    all_of(rewrite("genome.fa", gzip.compress), FAI),
    SCORE,
    "genome.fa: cannot be opened as FASTA",
    "bgzip",
)
_fai("a FASTA with a contig twice", ">chr2", ">chr1", "genome.fa", "chr1 twice")
_fai("a FASTA with a contig twice, in the preflight", ">chr2", ">chr1", "genome.fa", "chr1 twice", command=CHECK)
refused(
    "a FASTA changed after it was indexed",
    "FASTA",
    rewrite("genome.fa", lambda c: c.replace(b"\n", b"\nACGTACGT", 1)),
    SCORE,
    "genome.fa",
    "index",
)
refused(
    "a FASTA cut after it was indexed", "FASTA", rewrite("genome.fa", lambda c: c[:-500]), SCORE, "genome.fa", "index"
)
refused("an index of another FASTA", "FASTA", edit("genome.fa.fai", "chr2", "chrB"), SCORE, "genome.fa", "index")
refused("an index that is no index", "FASTA", put("genome.fa.fai", "rubbish\n"), SCORE, "genome.fa", "index")
refused(
    "an index that is no index, in the preflight",
    "FASTA",
    put("genome.fa.fai", "rubbish\n"),
    CHECK,
    "genome.fa",
    "index",
)
refused(
    "a FASTA that is empty but for names",
    "FASTA",
    all_of(put("genome.fa", ">chr1\n>chr2\n>chr3\n"), FAI),
    SCORE,
    "genome.fa",
)
refused(
    "a FASTA of FASTQ",
    "FASTA",
    all_of(put("genome.fa", "@r\nACGT\n+\nIIII\n"), FAI),
    SCORE,
    "genome.fa: is not a FASTA file",
)
refused("a FASTA with a byte order mark", "FASTA", all_of(rewrite("genome.fa", bom), FAI), SCORE, "genome.fa")
refused(
    "a FASTA of uneven lines",
    "FASTA",
    all_of(put("genome.fa", _wrapped.replace("A", "A\n", 3)), FAI),
    SCORE,
    "genome.fa: cannot be opened as FASTA",
    "lines of one length are needed",
)
refused(
    "a chromosome to predict that the FASTA lacks",
    "FASTA",
    put("x", "x"),
    GENOME.replace("chr3 ", "chr8 "),
    "names the contig chr8, which genome.fa does not have",
)
refused(
    "validation chromosomes that the FASTA lacks",
    "FASTA",
    put("x", "x"),
    BUILD.replace("-v chr2", "-v chr8"),
    "no window is left in the valid fold: check the chromosomes",
)

_sizes = {
    "without lengths": ("chr1\nchr2\n", "genome.fa.fai:1: needs a chromosome name and its length"),
    "with a length that is a word": ("chr1\tlong\n", "genome.fa.fai:1: needs a chromosome name and its length"),
    "with a length of an odd digit": ("chr1\t6²\n", "genome.fa.fai:1: needs a chromosome name and its length"),
    "with a length of 10,000 digits": (f"chr1\t{'9' * 10_000}\n", "genome.fa.fai:1: "),
    "with a negative length": ("chr1\t-6\n", "genome.fa.fai:1: needs a chromosome name and its length"),
    "with a chromosome twice": ("chr1\t6\nchr1\t6\n", "genome.fa.fai:2: names the chromosome chr1 twice"),
    "of blank lines": ("\n\n", "genome.fa.fai"),
    "of another assembly": ("chrZ\t6000\n", "shares no contig with the genome"),
    "with a name that is a path": ("chr1\t6000\nchr/../x\t600\n", "genome.fa.fai:2: "),
    "with a length beyond any chromosome": ("chr1\t99999999999999\n", "genome.fa.fai:1: "),
}
for _kind, (_text, _says) in _sizes.items():
    refused(f"chromosome sizes {_kind}", "chrom sizes", put("genome.fa.fai", _text), BIN_A, _says)
accepted("chromosome sizes with CRLF", "chrom sizes", rewrite("genome.fa.fai", crlf), BIN_A)

_beds = {
    "with end before start": ("chr1\t20\t10\n", "black.bed:1: needs 0 <= start <= end, found 20 and 10"),
    "with a negative start": ("chr1\t-5\t10\n", "black.bed:1: needs 0 <= start <= end, found -5 and 10"),
    "with two columns": ("chr1\t5\n", "black.bed:1: "),
    "of spaces instead of tabs": ("chr1 5 10\n", "black.bed:1: "),
    "with fractions": ("chr1\t1.5\t10\n", "black.bed:1: start and end must be integers, found '1.5'"),
    "with hexadecimal numbers": ("chr1\t0x1\t10\n", "black.bed:1: start and end must be integers"),
    "with an end of 30 digits": (f"chr1\t1\t{'9' * 30}\n", "black.bed:1: "),
    "with an end of 10,000 digits": (f"chr1\t1\t{'9' * 10_000}\n", "black.bed:1: "),
    "with a field of 10,000 characters": (f"chr1\t{LONG}\t10\n", "black.bed:1: start and end must be integers"),
    "that is not UTF-8": (b"chr1\t1\t2\t\xff\n", "black.bed: cannot be read (it is not UTF-8 text)"),
    "that is comma-separated": ("chr1,1,2\n", "black.bed:1: "),
    "with a NUL": ("chr1\t1\t2\0\n", "black.bed:1: "),
    "with no chromosome": ("\t1\t2\n", "black.bed:1: "),
    "in UTF-16": ("chr1\t1\t2\n".encode("utf-16"), "black.bed: cannot be read (it is not UTF-8 text)"),
}
for _kind, (_text, _says) in _beds.items():
    refused(f"a BED {_kind}", "BED", put("black.bed", _text), BIN_EXCLUDING, _says)
refused(
    "a BED past the end of a chromosome",
    "BED",
    put("black.bed", "chr2\t5\t9999\n"),
    CHECK,
    "black.bed:1: ends at 9999, past the end of chr2 (3000 bp): another assembly?",
)
refused(
    "a BED of other chromosomes",
    "BED",
    put("black.bed", "1\t5\t99\n"),
    CHECK,
    "black.bed: shares no chromosome with the FASTA",
)
refused(
    "regions of other chromosomes",
    "BED",
    put("black.bed", "1\t5\t99\n"),
    REGIONS,
    "black.bed: names the contig 1, which genome.fa does not have",
)
refused("regions of other chromosomes, for ISM", "BED", put("black.bed", "1\t5\t99\n"), ISM, "black.bed", "1")
refused("no region", "BED", put("black.bed", "# nothing\n"), REGIONS, "black.bed: holds no region")
refused("no region for ISM", "BED", put("black.bed", "# nothing\n"), ISM, "black.bed: holds no region")
refused(
    "a cluster without a name",
    "clusters BED",
    put("clusters.bed", "chr1\t0\t100\n"),
    CHECK,
    "clusters.bed: every interval needs the name of its cluster in column 4",
)
refused(
    "clusters without names, as annotations",
    "clusters BED",
    put("clusters.bed", "chr1\t0\t100\n"),
    "heritability clusters --bed clusters.bed --outdir out",
    "clusters.bed",
    "fourth column",
)
accepted("a BED with CRLF", "BED", rewrite("black.bed", crlf), BIN_EXCLUDING)
accepted("a BED with a byte order mark", "BED", rewrite("black.bed", bom), BIN_EXCLUDING)
accepted(
    "a BED with track lines, comments and blank lines",
    "BED",
    rewrite("black.bed", lambda c: b"track name=x\n# y\n\nbrowser z\n" + c + b"\n"),
    BIN_EXCLUDING,
)
accepted("a gzipped BED", "BED", rewrite("black.bed", gzip.compress), BIN_EXCLUDING)

_genes = {
    "with a start that is a word": (
        "name\tchrom\ttx_start\tstrand\ng1\tchr1\there\t+\n",
        "genes.tsv:2: needs a chromosome and an integer tx_start, found 'here'",
    ),
    "with a negative start": (
        "name\tchrom\ttx_start\tstrand\ng1\tchr1\t-5\t+\n",
        "genes.tsv:2: needs a chromosome and an integer tx_start",
    ),
    "with a start of 30 digits": (f"name\tchrom\ttx_start\tstrand\ng1\tchr1\t{'9' * 30}\t+\n", "genes.tsv:2: "),
    "without a chromosome": ("name\tchrom\ttx_start\tstrand\ng1\t\t5\t+\n", "genes.tsv:2: needs a chromosome"),
    "with a row too short": ("name\tchrom\ttx_start\tstrand\ng1\n", "genes.tsv:2: "),
    "of a GTF": ('chr1\tx\tgene\t1\t9\t.\t+\t.\tgene_id "g"\n', "genes.tsv:1: "),
    "of BED with end before start": ("chr1\t9\t5\tg\t0\t+\n", "genes.tsv:1: needs 0 <= start <= end"),
    "that are not UTF-8": (NOT_UTF8, "genes.tsv: cannot be read (it is not UTF-8 text)"),
    "with a header alone": ("name\tchrom\ttx_start\tstrand\n", "genes.tsv: "),
}
for _kind, (_text, _says) in _genes.items():
    refused(f"genes {_kind}", "genes", put("genes.tsv", _text), MERGE, _says)
refused("genes of other chromosomes", "genes", edit("genes.tsv", "chr", "C"), CHECK, "genes.tsv")
refused(
    "genes of no window's chromosome",
    "genes",
    put("genes.tsv", "name\tchrom\ttx_start\tstrand\ng\tchrQ\t5\t+\n"),
    TSS,
    "genes.tsv: has no gene on a chromosome of the windows",
)
accepted("genes with CRLF", "genes", rewrite("genes.tsv", crlf), MERGE)
accepted("genes with a byte order mark", "genes", rewrite("genes.tsv", bom), MERGE)

_motifs = {
    "without a motif": ("MEME version 4\n", "motifs.meme: holds no motif"),
    "without a matrix": ("MEME version 4\nMOTIF a\n", "motifs.meme", "the motif a has no matrix"),
    "of protein": (
        "MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n",
        "motifs.meme:2: has the alphabet",
        "expected ACGT",
    ),
    "with three probabilities": (
        "MEME version 4\nMOTIF a\n0.5 0.25 0.25\n",
        "motifs.meme:3: expected four probabilities",
    ),
    "whose row sums to 2": ("MEME version 4\nMOTIF a\n0.5 0.5 0.5 0.5\n", "motifs.meme:3: expected four probabilities"),
    "with a NaN": ("MEME version 4\nMOTIF a\n0.5 nan 0.25 0.25\n", "motifs.meme:3: expected four probabilities"),
    "with a negative probability": (
        "MEME version 4\nMOTIF a\n0.5 -0.5 0.5 0.5\n",
        "motifs.meme:3: expected four probabilities",
    ),
    "with a motif twice": ("MEME version 4\n" + "MOTIF a\n1 0 0 0\n" * 2, "motifs.meme: holds the motif a twice"),
}
for _kind, (_text, *_says) in _motifs.items():
    refused(f"motifs {_kind}", "MEME", put("motifs.meme", _text), SEQUENCE, *_says)
refused(
    "motifs in another format",
    "MEME",
    put("motifs.meme", ">a\nA [1 2]\n"),
    CHECK,
    "motifs.meme: is no motif file in MEME format",
)
accepted("motifs with CRLF", "MEME", rewrite("motifs.meme", crlf), SEQUENCE)

_chains = {
    "with a header of too few fields": "chain 1000 chr1 6000 +\n6000\n\n",
    "with a word for a number": "chain 1000 chr1 6000 + zero 6000 chr1 6000 + 0 6000 1\n6000\n\n",
    "with a block that is a word": "chain 1000 chr1 6000 + 0 6000 chr1 6000 + 0 6000 1\nlong\n\n",
    "cut in a block": "chain 1000 chr1 6000 + 0 6000 chr1 6000 + 0 6000 1\n60",
    "without a chain": "# nothing\n",
    "of other chromosomes": "chain 1000 chr8 6000 + 0 6000 chr8 6000 + 0 6000 1\n6000\n\n",
}
for _kind, _text in _chains.items():
    refused(f"a chain {_kind}", "chain", put("lift.chain", _text), ANNOTATE, "lift.chain: ")
refused(
    "a chain in another format", "chain", put("lift.chain", "chr1\t1\t2\n"), CHECK, "lift.chain: is no liftover chain"
)
