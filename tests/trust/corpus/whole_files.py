"""Every file that a script reads: absent, empty, a folder, noise, and (binary ones) cut in the middle."""

from __future__ import annotations

import numpy as np

from corpus import case
from corpus.case import cut, folder, missing, put, refused, rewrite

HDF5 = "is not a readable HDF5 file (truncated or another format)"
TEXT = "cannot be read (it is not UTF-8 text)"
ZIPPED = "Compressed file ended before the end-of-stream marker"
JSON = "is not valid JSON"
NOISE = np.random.default_rng(11).bytes(400)

# file: format, command that reads it, what is said of noise in it, of a cut file ("": its text may end anywhere)
FILES = {
    "genome.fa": ("FASTA", case.SCORE, "is not a FASTA file", ""),
    "genome.fa.fai": ("chrom sizes", case.BIN_A, TEXT, ""),
    "A.bw": ("bigWig", case.BIN_A, "is not a bigWig file (its magic number is wrong)", "cannot be read as bigWig ("),
    "B.bam": (
        "BAM",
        case.BIN_B,
        "is not a readable BAM file (its first bytes are wrong)",
        "no BGZF EOF marker; file may be truncated",
    ),
    "C.fragments.tsv.gz": ("fragments", case.BIN_C, TEXT, ZIPPED),
    "barcodes.txt": ("barcodes", case.BIN_C, TEXT, ""),
    "D.bedgraph": ("bedGraph", case.BIN_D, TEXT, ""),
    "black.bed": ("BED", case.BIN_EXCLUDING, TEXT, ""),
    "A.coverage.h5": ("coverage.h5", case.PEAKS, HDF5, HDF5),
    "A.peaks.bed.gz": ("peaks", case.MERGE, TEXT, ZIPPED),
    "tracks.csv": ("sheet", case.MERGE, TEXT, ""),
    "genes.tsv": ("genes", case.MERGE, TEXT, ""),
    "clusters.bed": ("BED", case.MERGE, TEXT, ""),
    "peaks.h5ad": ("h5ad", case.SETS, HDF5, HDF5),
    "targets.txt": ("targets table", case.BUILD, TEXT, ""),
    "data/tfrecords/train-0.tfr": (
        "TFRecord",
        case.FIT,
        "is not a ZLIB-compressed TFRecord file, or is damaged",
        "ends in the middle of a record: truncated",
    ),
    "data/statistics.json": ("statistics.json", case.FIT, TEXT, JSON),
    "data/sequences.bed": ("BED", case.TEST, TEXT, ""),
    "data/targets.txt": ("targets table", case.FIT, TEXT, ""),
    "ridge.json": ("model params", case.FIT, TEXT, JSON),
    "ridge/model_best.h5": ("model_best.h5", case.TEST, HDF5, HDF5),
    "net/params.json": ("model params", case.SCORE, TEXT, JSON),
    "net/model_best.h5": ("model_best.h5", case.SCORE, HDF5, HDF5),
    "net/targets.txt": ("targets table", case.SCORE, TEXT, ""),
    "v.vcf": ("VCF", case.SCORE, "holds a carriage return inside the line", ""),
    "v.vcf.gz": (
        "VCF",
        case.SPLIT_GZ,
        "holds a carriage return inside the line",
        "lacks the closing block of bgzip: truncated",
    ),
    "v.bcf": (
        "BCF",
        case.SCORE_BCF,
        "is not a BCF file (its first bytes are wrong)",
        "lacks the closing block of bgzip: truncated",
    ),
    "e.tsv": ("eQTL table", case.CLASSIFY, TEXT, ""),
    "n.tsv": ("eQTL table", case.CLASSIFY, TEXT, ""),
    "sad/sad.h5": ("sad.h5", case.QTL, HDF5, HDF5),
    "c.tsv": ("allelic counts", case.CALL, TEXT, ""),
    "calls.tsv": ("imbalance calls", case.IMBALANCE, TEXT, ""),
    "preds/preds.h5": ("preds.h5", case.SPECIFICITY, HDF5, HDF5),
    "preds/targets.h5": ("targets.h5", case.SPECIFICITY, HDF5, HDF5),
    "motifs.meme": ("MEME", case.SEQUENCE, TEXT, ""),
    "lift.chain": ("chain", case.ANNOTATE, TEXT, ""),
    "panel.1.bim": ("plink bim", case.LD_SCORES, TEXT, ":23: expected chromosome, id, cM, bp and two alleles"),
    "panel.1.bed": (
        "plink bed",
        case.LD_SCORES,
        "is not a SNP-major plink .bed file",
        "has 45 bytes, 40 SNPs of 8 people need 83: truncated",
    ),
    "panel.1.fam": ("plink fam", case.LD_SCORES, TEXT, "a .fam file has six: truncated?"),
    "black.1.annot.gz": ("annot", case.LD_SCORES, TEXT, ZIPPED),
    "base.1.annot.gz": ("annot", case.BASELINE, TEXT, ZIPPED),
    "base.1.l2.ldscore.gz": ("ldscore", case.BASELINE, TEXT, ZIPPED),
    "panel.1.frq": ("frq", case.AGREE, TEXT, "holds 22 SNPs, panel.1.bim 40"),
    "w.1.l2.ldscore.gz": ("ldscore", case.AGREE, TEXT, ZIPPED),
    "t.black.results": ("ldsc results", case.SUMMARISE, TEXT, ""),
    "t.black.log": ("ldsc log", case.SUMMARISE, TEXT, ""),
    "t.cell_type_results.txt": ("ldsc results", case.CTS, TEXT, ""),
    "t.tsv": ("sumstats", case.CHECK, TEXT, ""),
    "params.json": ("params.json", case.CHECK, TEXT, JSON),
    "results/evaluation/ridge.specificity.tsv": ("results", case.RENDER, TEXT, ""),
}
SAID_OF_MISSING = {
    "data/tfrecords/train-0.tfr": ("data: has no TFRecords of the train fold",),
    "results/evaluation/ridge.specificity.tsv": ("results: holds no result to report",),
}
MAY_BE_EMPTY = {"v.vcf", "t.black.results", "t.cell_type_results.txt", "results/evaluation/ridge.specificity.tsv"}

for _file, (_kind, _command, _noise, _cut) in FILES.items():
    _name = _file.rsplit("/", 1)[-1]
    refused(f"{_file} is missing", _kind, missing(_file), _command, *SAID_OF_MISSING.get(_file, (_name, "no such")))
    if _file not in MAY_BE_EMPTY:
        refused(f"{_file} is empty", _kind, put(_file, b""), _command, _name, "is empty")
    # scores may be a folder of published files
    _what = "holds no file of scores" if _file == "sad/sad.h5" else "is a folder"
    refused(f"{_file} is a folder", _kind, folder(_file), _command, _name, _what)
    refused(f"{_file} is noise", _kind, put(_file, NOISE), _command, _name, _noise)
    if _cut:
        refused(f"{_file} is cut", _kind, rewrite(_file, cut), _command, _name, _cut)
