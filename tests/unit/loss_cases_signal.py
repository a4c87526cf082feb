"""What the commands from signal to predictions leave out: peaks, dataset, train, predict."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pyBigWig
import pysam
from loss_cases import Lost, Script, Walk, flags, loses, sheet, write_lines, write_peaks
from small_model import write_model
from small_training import document, fold, write_dataset

from accessiflow.dataset.tfrecords import write_records
from accessiflow.signal.bins import write_coverage
from accessiflow.training.batches import FoldArrays

UNKNOWN = "on contigs unknown to the genome"
SIZES = ("chr1\t1000", "chr2\t1000")
TAIL: Lost = {("bases", "behind the last whole bin of their chromosome"): (200, 2000)}  # 100 of each, in bins of 300


def binned(d: Path, signal: Path, **options: object) -> list[object]:
    write_lines(d / "sizes", *SIZES)
    return [
        "peaks",
        "bin",
        signal,
        *flags(chrom_sizes=d / "sizes", bin_size=300, output=d / "T.coverage.h5", **options),
    ]


@loses("peaks", "bin")
def fragments(d: Path, _: Script) -> Walk:
    rows = ["chr1\t10\t90\tC\t1"] * 1000 + ["chr1\t950\t1001\tC\t1", "chr1\t5\t9\tOTHER\t1", "chrUn\t1\t5\tC\t1"]
    write_lines(d / "f.tsv", *rows)
    write_lines(d / "cells", "C", "D")
    lost: Lost = {
        ("contigs", "unknown to the genome"): (1, 2),
        ("fragments", UNKNOWN): (1, 1003),
        ("fragments", "of barcodes not listed"): (1, 1003),
        ("barcodes", "listed, without a fragment"): (1, 2),
        # of 1,001 fragments of listed cells on known contigs, each two insertions
        ("insertions", "past the end of their chromosome"): (1, 2002),
    }
    return Walk(binned(d, d / "f.tsv", kind="fragments", barcodes=d / "cells"), lost | TAIL)


@loses("peaks", "bin")
def bedgraph(d: Path, _: Script) -> Walk:
    """Read twice, for the bins and for the bigWig, and counted once."""
    write_lines(d / "b.bedgraph", "chr1\t10\t90\t2", "chrUn\t1\t5\t3", "chrUn\t7\t8\t3")
    write_lines(d / "x.bed", "chr1\t310\t320", "chrUn\t0\t9")
    lost: Lost = {
        ("contigs", "unknown to the genome"): (1, 2),
        ("intervals", UNKNOWN): (3, 5),  # 2 of 3 of the signal, 1 of 2 of the excluded ones
        ("bins", "touch an excluded interval"): (1, 6),
    }
    return Walk(binned(d, d / "b.bedgraph", bigwig=d / "T.bw", exclude=d / "x.bed"), lost | TAIL)


@loses("peaks", "bin")
def alignments(d: Path, _: Script) -> Walk:
    header = pysam.AlignmentHeader.from_references(["chr1", "chr2", "chrUn"], [1000, 1000, 500])
    # flag, contig, position, mapping quality
    reads = [(0x4, -1, -1, 0), (0x400, 0, 5, 60), (0x404, -1, -1, 0), (0x100, 0, 5, 60), (0x800, 0, 5, 60)]
    reads += [(0x200, 0, 5, 60), (0, 0, 5, 29), (0, 0, 5, 0), (0, 2, 5, 60), (0, 0, 10, 60), (0x10, 0, 0, 60)]
    with pysam.AlignmentFile(str(d / "r.bam"), "wb", header=header) as out:
        for number, (flag, contig, position, quality) in enumerate([*reads, (0, 0, 997, 60)]):
            read = pysam.AlignedSegment(header)
            read.query_name, read.query_sequence, read.flag = f"r{number}", "ACG", flag
            read.reference_id, read.reference_start, read.mapping_quality = contig, position, quality
            read.cigarstring = None if contig < 0 else "3M"
            out.write(read)
    lost: Lost = {
        ("contigs", "unknown to the genome"): (1, 3),
        ("alignments", "unmapped"): (2, 12),
        ("alignments", "secondary or supplementary"): (2, 12),
        ("alignments", "failed quality checks"): (1, 12),
        ("alignments", "flagged as duplicates"): (1, 12),
        ("alignments", "mapping quality below 30"): (2, 12),
        ("alignments", UNKNOWN): (1, 12),
        ("insertions", "moved left of their chromosome's start"): (1, 3),  # 2 - 5
        ("insertions", "past the end of their chromosome"): (1, 2),  # 997 + 4
    }
    return Walk(binned(d, d / "r.bam"), lost | TAIL)


@loses("peaks", "bin")
def pairs(d: Path, _: Script) -> Walk:
    header = pysam.AlignmentHeader.from_references(["chr1", "chr2"], [1000, 1000])
    with pysam.AlignmentFile(str(d / "r.bam"), "wb", header=header) as out:
        for number, flag in enumerate((0x1 | 0x2 | 0x40, 0x1 | 0x40, 0)):  # in a proper pair, in another, of one end
            read = pysam.AlignedSegment(header)
            read.query_name, read.query_sequence, read.flag = f"r{number}", "ACG", flag
            read.reference_id, read.reference_start, read.mapping_quality = 0, 10, 60
            read.cigarstring, read.template_length = "3M", 50
            out.write(read)
    return Walk(binned(d, d / "r.bam", count="fragments"), {("alignments", "not in a proper pair"): (2, 3)} | TAIL)


def write_bins(path: Path, *bins: float) -> Path:
    write_coverage(path, path.name.split(".")[0], "bedgraph", 1.0, 100, [("chr1", np.array(bins))])
    return path


@loses("peaks", "call")
def call(d: Path, _: Script) -> Walk:
    arguments = [
        "peaks",
        "call",
        write_bins(d / "T.coverage.h5", 1, 50, np.nan, 1, 1),
        "--output",
        d / "T.peaks.bed.gz",
    ]
    return Walk(arguments, {("bins", "excluded from the coverage: not tested"): (1, 5)})


@loses("peaks", "merge")
def merge(d: Path, _: Script) -> Walk:
    for track in "TUV":
        write_bins(d / f"{track}.coverage.h5", 50, 1, 1, 50, 1)
        write_lines(d / f"{track}.peaks.bed", "chr1\t0\t100", "chr1\t300\t400")
    rows = [{"track": t, "cell_type": t, "signal": f"{t}.bw"} for t in "TU"]
    write_lines(d / "genes.bed", "chr1\t20\t21\tg\t0\t+", "chrUn\t20\t21\th\t0\t+", "chrUn\t50\t51\ti\t0\t+")
    write_lines(d / "own.bed", "chr1\t0\t100\tmine", "chr1\t300\t400", "chrUn\t0\t9\tmine")
    arguments = ["peaks", "merge", *(d / f"{t}.peaks.bed" for t in "TUV"), "--tracks", sheet(d / "t.csv", rows)]
    arguments += flags(
        coverage=[d / f"{t}.coverage.h5" for t in "TUV"], output=d / "peaks.h5ad", genes=d / "genes.bed",
        clusters=d / "own.bed",
    )  # fmt: skip
    lost: Lost = {
        ("coverage files", "of no track of the sheet"): (1, 3),
        ("peak files", "of no track of the sheet"): (1, 3),
        ("genes", UNKNOWN): (2, 3),
        ("intervals", "no cluster's name in column 4"): (1, 3),
        ("intervals", "on chromosomes without a window or peak bin"): (1, 3),
    }
    return Walk(arguments, lost)


@loses("peaks", "merge")
def genes_elsewhere(d: Path, _: Script) -> Walk:
    write_coverage(d / "T.coverage.h5", "T", "bedgraph", 1.0, 100, [(c, np.array([50.0, 1, 1])) for c in ("c1", "c2")])
    write_lines(d / "T.peaks.bed", "c1\t0\t100", "c2\t0\t100")
    write_lines(d / "genes.bed", "c1\t20\t21\tg\t0\t+")
    tracks = sheet(d / "t.csv", [{"track": "T", "cell_type": "T", "signal": "T.bw"}])
    options = flags(tracks=tracks, coverage=d / "T.coverage.h5", output=d / "peaks.h5ad", genes=d / "genes.bed")
    lost: Lost = {("peak bins", "no gene on their chromosome: no distance to a TSS"): (1, 2)}
    return Walk(["peaks", "merge", d / "T.peaks.bed", *options], lost)


BINS = [("chr1", 100 * i, 100 * i + 100) for i in range(8)]


@loses("peaks", "sets")
def sets(d: Path, _: Script) -> Walk:
    # in turn a peak of a, of b, of c alone and of all three
    flag = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]] * 2)
    write_peaks(d / "p.h5ad", BINS, flag, ["shared"] * 8, "abc", ["g", "", ""])
    lost: Lost = {
        ("tracks", "no group in the tracks sheet: in no tissue set"): (2, 3),
        ("peak bins", "in too few tracks of every tissue: in no set"): (4, 8),
    }
    return Walk(["peaks", "sets", d / "p.h5ad", *flags(outdir=d / "sets", by="group")], lost)


@loses("peaks", "sets")
def equally_specific(d: Path, _: Script) -> Walk:
    write_peaks(d / "p.h5ad", BINS, np.eye(2)[[0, 1] * 4], ["shared"] * 8, "ab")
    arguments = ["peaks", "sets", d / "p.h5ad", *flags(outdir=d / "sets", by="cell_type")]
    return Walk(arguments, {("tissue sets", "empty: no annotation"): (2, 4)})


def write_genome(d: Path) -> None:
    """Three chromosomes and a scaffold shorter than a window, and two signals with a contig more."""
    letters = "ACGT" * 500
    rows = [f">{name}\n{letters[:size]}" for name, size in (("chr1", 2000), ("chr2", 2000), ("chr3", 2000), ("s", 100))]
    write_lines(d / "g.fa", *rows)
    for track in "AB":
        with pyBigWig.open(str(d / f"{track}.bw"), "w") as out:
            out.addHeader([("chr1", 2000), ("chr2", 2000), ("chr3", 2000), ("un", 50)])
            for chrom in ("chr1", "chr2", "chr3"):
                out.addEntries([chrom], [0], ends=[2000], values=[1.0])
    write_lines(d / "targets.txt", "index\tidentifier\tfile\tsum_stat\tdescription", "0\tA\tA.bw\tsum\tA",
                "1\tB\tB.bw\tsum\tB")  # fmt: skip


WINDOWS = ["-l", 200, "-w", 100, "--crop", 50, "--stride", 100, "--stride_test", 100]


@loses("dataset", "build")
def build(d: Path, _: Script) -> Walk:
    write_genome(d)
    write_lines(d / "x.bed", "chr1\t0\t400", "un\t0\t10")
    folds = ["-v", "chr2,chr9", "-t", "chr3", "--exclude", d / "x.bed"]
    lost: Lost = {
        ("contigs", "unknown to the genome"): (2, 8),  # one of four, of each signal
        ("intervals", UNKNOWN): (1, 2),
        ("chromosomes", "of -v and -t, unknown to the genome"): (1, 3),
        ("regions", "shorter than a window of 200 bp"): (1, 4),
        ("bases", "in regions shorter than a window of 200 bp"): (100, 6100),
        # 19 windows a chromosome; targets lie at 50 to 150: those of windows that begin at 0 to 300 touch
        ("windows", "their target touches an excluded interval"): (4, 57),
    }
    return Walk(["dataset", "build", d / "g.fa", d / "targets.txt", *WINDOWS, *folds, "-o", d / "out"], lost)


@loses("dataset", "subset")
def subset(d: Path, script: Script) -> Walk:
    write_genome(d)
    script("dataset", "build", d / "g.fa", d / "targets.txt", *WINDOWS, "-v", "chr2", "-t", "chr3", "-o", d / "all")
    # centres at 100, 200, 300 and 400 lie in the peaks
    places = [(chrom, 0, 500) for chrom in ("chr1", "chr2")]
    write_peaks(d / "p.h5ad", places, np.ones((2, 1)), ["shared"] * 2, "A")
    options = flags(out=d / "new", peaks=d / "p.h5ad", training_set="peaks", tracks="A")
    reason = "{} windows that are not in the training set peaks"
    lost: Lost = {
        ("windows", reason.format("train")): (15, 19),
        ("windows", reason.format("valid")): (15, 19),
        ("tracks", "not among those asked for"): (1, 2),
    }
    return Walk(["dataset", "subset", d / "all", *options], lost)


@loses("dataset", "folds")
def folds(d: Path, _: Script) -> Walk:
    write_lines(d / "g.sizes", *(f"chr{i}\t9000" for i in range(4)), "s1\t500", "s2\t1343")
    options = ["--number", 3, "-o", d / "folds.tsv"]
    lost: Lost = {("chromosomes", "shorter than a window of 1344 bp: in no fold"): (2, 6)}
    return Walk(["dataset", "folds", d / "g.sizes", *options], lost)


@loses("train", "fit")
def network(d: Path, _: Script) -> Walk:
    (d / "params.json").write_text(json.dumps(document(train_epochs_max=1)))
    valid = fold(20, 2)
    valid.targets[:, :, 1] = 0
    write_dataset(d / "data", fold(40, 1), valid)
    lost: Lost = {
        ("windows", "of training, in each epoch: fill no batch of 16"): (8, 40),
        ("windows", "of validation, in each epoch: fill no batch of 16"): (4, 20),
        ("tracks", "0 in all validation windows: not in the mean validation accuracy"): (1, 2),
    }
    return Walk(["train", "fit", d / "params.json", d / "data", "-o", d / "out", "--no-jit"], lost)


@loses("train", "fit")
def ridge(d: Path, _: Script) -> Walk:
    (d / "params.json").write_text(json.dumps({"adapter": "kmer_ridge", "model": {"k": 1, "central": 24}}))
    train, valid = (
        np.concatenate([part.targets, part.targets[:, :, :1]], axis=2) for part in (fold(40, 1), fold(20, 2))
    )
    valid[:, :, 1] = 3  # constant, not 0
    parts = (FoldArrays(fold(len(t), s).codes, t) for s, t in ((1, train), (2, valid)))
    write_dataset(d / "data", *parts)
    lost: Lost = {
        ("tracks", "not among those asked for"): (1, 3),
        ("tracks", "constant in the validation windows: not in their mean accuracy"): (1, 2),
    }
    return Walk(["train", "fit", d / "params.json", d / "data", "-o", d / "out", "--tracks", "A,B"], lost)


def model(d: Path) -> list[object]:
    """A model of three tracks and a genome, in a folder of their own."""
    (d / "model").mkdir()
    write_model(d / "model")
    return [d / "model" / name for name in ("params.json", "model_best.h5")]


SOME_TRACKS = ("tracks", "of the model, not in the targets table")


def of_one_track(d: Path) -> list[object]:
    """Options of a command that is asked for one of the model's three tracks."""
    return ["-f", d / "model/genome.fa", "-t", write_lines(d / "one.txt", "\tidentifier", "1\tB"), "-o", d / "out"]


@loses("predict", "bed")
def bed(d: Path, _: Script) -> Walk:
    files = model(d)
    write_lines(d / "r.bed", "chr1\t90\t110", "chr1\t0\t2")
    return Walk(["predict", "bed", *files, d / "r.bed", *of_one_track(d)], {SOME_TRACKS: (2, 3)})


@loses("predict", "genome")
def along_chromosomes(d: Path, _: Script) -> Walk:
    files = model(d)
    lost: Lost = {
        SOME_TRACKS: (2, 3),
        ("chromosomes", "not among --chromosomes"): (1, 3),
        # 500 = 15 x 32 + 20 and 90 = 2 x 32 + 26
        ("bases", "at the ends of chromosomes, which fill no tile of 32 bp"): (46, 590),
    }
    return Walk(["predict", "genome", *files, *of_one_track(d), *flags(chromosomes="chr1,chr2", target_width=8)], lost)


def write_test_fold(folder: Path, n: int, tracks: str, positions: int = 4) -> None:
    """A dataset folder of n test windows of 64 bp; the last track is constant."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (n, 64), dtype=np.uint8)
    targets = rng.random((n, positions, len(tracks))).astype(np.float32)
    targets[:, :, -1] = 1
    write_records(folder / "tfrecords/test-0.tfr", zip(codes, targets, strict=True))
    facts = {"num_targets": len(tracks), "seq_length": 64, "target_length": positions, "test_seqs": n, "crop_bp": 16}
    (folder / "statistics.json").write_text(json.dumps(facts))
    write_lines(folder / "sequences.bed", *(f"chr1\t{100 * i}\t{100 * i + 64}\ttest" for i in range(n)))
    write_lines(folder / "targets.txt", "\tidentifier\tsum_stat", *(f"{i}\t{t}\tsum" for i, t in enumerate(tracks)))


CONSTANT = ("tracks", "constant: no accuracy, not in the means")


@loses("predict", "test")
def predicted_fold(d: Path, _: Script) -> Walk:
    files = model(d)
    write_test_fold(d / "data", 5, "ABDC")  # the model's are A, B, C
    lost: Lost = {("tracks", "not among those asked for"): (1, 4), CONSTANT: (1, 3)}
    return Walk(["predict", "test", *files, d / "data", "-o", d / "out", "--save"], lost)


@loses("predict", "import")
def imported_table(d: Path, _: Script) -> Walk:
    write_test_fold(d / "data", 5, "AB")
    # windows 1 to 4 of the five, and two of another chromosome; centres at 32 + 100 i
    places = [("chr1", 100 * i + 31, 100 * i + 33) for i in range(1, 5)] + [("chr2", 0, 2), ("chr2", 4, 6)]
    rows = [(*place, i, 2 * i, 3 * i) for i, place in enumerate(places)]
    write_lines(d / "p.tsv", "chrom\tstart\tend\tA\tB\tmore", *rows)
    lost: Lost = {
        ("windows", "test windows that the file lacks"): (1, 5),
        ("windows", "of the file, no test windows"): (2, 6),
        ("tracks", "of the file, not ours"): (1, 3),
        CONSTANT: (1, 2),
    }
    return Walk(["predict", "import", d / "p.tsv", d / "data", "-o", d / "out", "--missing", "exclude"], lost)


@loses("predict", "import")
def imported_bigwigs(d: Path, _: Script) -> Walk:
    write_test_fold(d / "data", 3, "AB")
    for track in "ABX":
        with pyBigWig.open(str(d / f"{track}.bw"), "w") as out:
            out.addHeader([("chr1", 1000)])
            out.addEntries(["chr1"] * 3, [10, 110, 210], ends=[60, 160, 260], values=[1.0, 2.0, 4.0])
    lost: Lost = {("bigWigs", "of no track of the dataset"): (1, 3), CONSTANT: (1, 2)}
    return Walk(["predict", "import", *(d / f"{t}.bw" for t in "ABX"), d / "data", "-o", d / "out"], lost)


@loses("predict", "merge")
def merged(d: Path, script: Script) -> Walk:
    files = model(d)
    write_test_fold(d / "data", 5, "ABC")
    script("predict", "test", *files, d / "data", "-o", d / "one", "--save")
    shutil.copy(d / "one/preds.h5", d / "preds.h5")
    return Walk(["predict", "merge", d / "one", "-o", d / "out"], {CONSTANT: (1, 3)})
