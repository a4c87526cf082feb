"""What the analyses leave out: evaluate, eqtl, imbalance, and what reads their results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from loss_cases import (
    Lost,
    Script,
    Walk,
    flags,
    loses,
    sheet,
    write_lines,
    write_peaks,
    write_predictions,
    write_scores,
)

TRACKS, TURN = "abc", ["a", "b", "c", "ubiquitous"]
PLACES = [("chr1", 10 * i, 10 * i + 10) for i in range(13)] + [("chr2", 0, 10)]
PREDICTED = [*range(12), 13]  # numbers of PLACES: all of chr1 but the last, and chr2
MEASURED = range(1, 14)  # all but the first
FEW = ("rows", "N windows, not above N (min_bin_peaks)")


def write_windows(d: Path) -> list[object]:
    """preds.h5, targets.h5 and peaks.h5ad: twelve windows and three tracks are in both files.

    Bins 0 to 10 of chr1 are in turn a peak of a, of b, of c and of all three, that of chr2 is of all. So of the shared
    windows two are a's own, three b's, three c's, three are ubiquitous and one, number 11, lies in no bin.
    """
    rng = np.random.default_rng(2)
    predicted, measured = 16 + 5 * rng.random((2, len(PLACES), 4))
    measured[4, 0], measured[1, 1] = 1, 100  # lower than any height that is matched, and higher than any other
    write_predictions(d / "preds.h5", predicted[PREDICTED], [PLACES[i] for i in PREDICTED], "abcx")
    write_predictions(d / "targets.h5", measured[MEASURED, :3], [PLACES[i] for i in MEASURED], TRACKS, "targets")
    at = [*range(11), 13]
    turn = np.array([i % 4 for i in range(11)] + [3])
    flag = (turn[:, None] == np.arange(3)) | (turn[:, None] == 3)
    write_peaks(d / "peaks.h5ad", [PLACES[i] for i in at], flag, [TURN[i] for i in turn], TRACKS)
    return flags(predictions=d / "preds.h5", targets=d / "targets.h5", bootstrap=0)


JOINED: Lost = {
    ("windows", "not in targets.h5"): (1, 13),
    ("windows", "not in preds.h5"): (1, 13),
    ("tracks", "not in targets.h5"): (1, 4),
}
FLAGGED: Lost = JOINED | {("windows", "in no peak bin"): (1, 12)}
MATCHED: Lost = {
    ("specific windows", "of a height outside 2.5 to 10: not matched"): (1, 8),
    ("specific windows", "no ubiquitous window of their height: not matched"): (1, 7),
    # a has one specific window left, and one that is drawn for it
    ("rows", "fewer than two windows, or constant values"): (2, 12),
}


@loses("evaluate", "specificity")
def specificity(d: Path, _: Script) -> Walk:
    options = flags(peaks=d / "peaks.h5ad", min_track_peaks=0, min_bin_peaks=2, output=d / "o.tsv")
    return Walk(["evaluate", "specificity", *write_windows(d), *options], FLAGGED | {FEW: (1, 6)})


@loses("evaluate", "clusters")
def clusters(d: Path, _: Script) -> Walk:
    write_lines(d / "c.bed", "chr1\t0\t60\tone", "chr1\t60\t120", "chr3\t0\t9\ttwo")
    lost: Lost = {
        ("intervals", "no cluster's name in column 4"): (1, 3),
        ("intervals", "on chromosomes without a window or peak bin"): (1, 3),
        ("windows", "in no cluster"): (7, 12),
    }
    options = flags(clusters=d / "c.bed", output=d / "o.tsv")
    return Walk(["evaluate", "clusters", *write_windows(d), *options], JOINED | lost)


@loses("evaluate", "precision")
def precision(d: Path, _: Script) -> Walk:
    return Walk(
        ["evaluate", "precision", *write_windows(d), *flags(peaks=d / "peaks.h5ad", output=d / "o.tsv")], FLAGGED
    )


@loses("evaluate", "cell-types")
def cell_types(d: Path, _: Script) -> Walk:
    return Walk(
        ["evaluate", "cell-types", *write_windows(d), *flags(peaks=d / "peaks.h5ad", output=d / "o.tsv")], FLAGGED
    )


@loses("evaluate", "donors")
def donors(d: Path, _: Script) -> Walk:
    write_windows(d)
    values = 16 + np.random.default_rng(4).random((13, 3))
    values[4, 1] = 0  # window 5, of b's cluster
    write_predictions(d / "t.h5", values, [PLACES[i] for i in MEASURED], TRACKS, "targets")
    rows = [
        {"track": t, "cell_type": "x", "signal": f"{t}.bw", "donor": donor}
        for t, donor in zip("abcz", ("1", "2", "", "1"), strict=True)
    ]
    options = flags(
        targets=d / "t.h5", tracks=sheet(d / "s.csv", rows), peaks=d / "peaks.h5ad", output=d / "o.tsv", bootstrap=0
    )
    lost: Lost = {
        ("tracks", "without a donor in the sheet"): (1, 4),
        ("tracks", "of no donor of the sheet"): (1, 3),
        ("tracks", "of the sheet, not measured"): (1, 3),
        ("windows", "in no cluster"): (2, 13),
        ("windows", "an experiment has 0 there (--drop-zeros)"): (1, 11),
    }
    return Walk(["evaluate", "donors", *options], lost)


@loses("evaluate", "replicate-ceiling")
def replicate_ceiling(d: Path, _: Script) -> Walk:
    given = write_windows(d)
    np.save(d / "r.npy", 16 + np.random.default_rng(4).random((12, 3)))
    options = flags(
        peaks=d / "peaks.h5ad", replicate=d / "r.npy", min_track_peaks=0, min_bin_peaks=2, output=d / "o.tsv"
    )
    return Walk(["evaluate", "replicate-ceiling", *given, *options], FLAGGED | {FEW: (1, 6)})


@loses("evaluate", "binary")
def binary(d: Path, _: Script) -> Walk:
    write_windows(d)
    turn = np.array([i % 4 for i in range(1, 14)])
    labels = (turn[:, None] == np.arange(3)) | (turn[:, None] == 3)
    write_predictions(d / "l.h5", labels, [PLACES[i] for i in MEASURED], TRACKS, "labels")
    options = flags(
        predictions=d / "preds.h5",
        targets=d / "l.h5",
        min_track_peaks=6,
        min_bin_peaks=0,
        output=d / "o.tsv",
        min_negative_tracks=0,
    )
    lost: Lost = {
        ("windows", "not in l.h5"): (1, 13),
        ("windows", "not in preds.h5"): (1, 13),
        ("tracks", "not in l.h5"): (1, 4),
        # of windows 1 to 11 and 13 two are of a alone, four of b, three of c, three of all
        ("rows", "N test peaks in the track, not above N (min_track_peaks)"): (2, 3),
        ("rows", "N negatives for N positives"): (1, 3),
    }
    return Walk(["evaluate", "binary", *options], lost)


@loses("evaluate", "tss-distance")
def tss_distance(d: Path, _: Script) -> Walk:
    write_lines(d / "g.bed", "chr1\t50\t60\tg\t0\t+", "chr9\t50\t60\th\t0\t+")
    options = flags(
        peaks=d / "peaks.h5ad",
        genes=d / "g.bed",
        min_track_peaks=0,
        min_bin_peaks=0,
        min_all_peaks=0,
        output=d / "o.tsv",
    )
    lost: Lost = {
        ("genes", "on contigs unknown to the genome"): (1, 2),
        ("peak windows", "no TSS on their chromosome: in no distance bin"): (1, 11),
        # the two farther of three distances, in two bins and over all, of three tracks
        ("rows", "N windows, not above N"): (18, 27),
    }
    return Walk(["evaluate", "tss-distance", *write_windows(d), *options], FLAGGED | lost)


@loses("evaluate", "density")
def density(d: Path, _: Script) -> Walk:
    given = write_windows(d)[:4]
    return Walk(["evaluate", "density", *given, *flags(peaks=d / "peaks.h5ad", output=d / "o.tsv")], FLAGGED)


@loses("evaluate", "loci")
def loci(d: Path, _: Script) -> Walk:
    given = write_windows(d)[:4]  # no resamples
    return Walk(["evaluate", "loci", *given, *flags(peaks=d / "peaks.h5ad", output=d / "o.tsv")], FLAGGED)


@loses("evaluate", "replicates")
def replicates(d: Path, _: Script) -> Walk:
    write_windows(d)
    for name, tracks in (("p", TRACKS), ("q", "abcy")):
        values = 16 + np.random.default_rng(ord(name)).random((13, len(tracks)))
        values[5, 0] = 0
        write_predictions(d / f"{name}.h5", values, [PLACES[i] for i in PREDICTED], tracks)
    options = flags(predictions=[d / "p.h5", d / "q.h5"], peaks=d / "peaks.h5ad", output=d / "o.tsv", bootstrap=0)
    lost: Lost = {
        ("windows", "in no peak bin"): (1, 13),
        ("tracks", "not in p.h5"): (1, 4),
        ("predictions", "0 in the mean of the replicates: no coefficient of variation"): (1, 39),
    }
    return Walk(["evaluate", "replicates", *options], lost)


@loses("evaluate", "height-matched")
def height_matched(d: Path, _: Script) -> Walk:
    options = flags(peaks=d / "peaks.h5ad", output=d / "o.tsv", repeats=2)
    return Walk(["evaluate", "height-matched", *write_windows(d), *options], FLAGGED | MATCHED)


NO_PEAK = ("rows", "no peak of the track")


@loses("evaluate", "errors")
def errors(d: Path, _: Script) -> Walk:
    given = write_windows(d)[:4]
    options = flags(peaks=d / "peaks.h5ad", output=d / "o.tsv")
    return Walk(["evaluate", "errors", *given, *options], FLAGGED | {NO_PEAK: (6, 18)})  # in the others' clusters


@loses("evaluate", "compare")
def compare_models(d: Path, _: Script) -> Walk:
    """Every window of the measurement must be predicted: those that are predicted besides are left out."""
    write_windows(d)
    at = [i for i in MEASURED if i in PREDICTED]
    values = 16 + np.random.default_rng(4).random((12, 3))
    write_predictions(d / "t.h5", values, [PLACES[i] for i in at], TRACKS, "targets")
    options = flags(
        predictions=f"m={d / 'preds.h5'}",
        targets=d / "t.h5",
        peaks=d / "peaks.h5ad",
        output=d / "o.tsv",
        bootstrap=0,
        min_bin_peaks=2,
    )
    lost: Lost = {
        ("windows", "not in t.h5"): (1, 13),
        ("tracks", "not in t.h5"): (1, 4),
        ("windows", "in no peak bin"): (1, 12),
        # a's specific windows, its specificity bin, and its cluster in three tracks; of the model and its mean
        FEW: (10, 54),
    }
    return Walk(["evaluate", "compare", *options], lost)


@loses("evaluate", "ranks")
def rank_models(d: Path, _: Script) -> Walk:
    """The windows are those of `compare_models`."""
    arguments, lost = compare_models(d, _)
    # a's specific windows, of three groups of windows in three tracks
    return Walk(
        ["evaluate", "ranks", *arguments[2:]], {key: n for key, n in lost.items() if key != FEW} | {FEW: (1, 9)}
    )


@loses("predict", "experiments")
def experiments(d: Path, _: Script) -> Walk:
    """b and c have no label, nor has another track of theirs; of the other three a alone is measured."""
    write_windows(d)
    rows = [(track, track, "", "") for track in TRACKS] + [("a2", "a", "2", ""), ("far", "z", "1", "")]
    columns = ("track", "cell_type", "replicate", "donor")
    tracks = sheet(d / "t.csv", [dict(zip(columns, row, strict=True)) | {"signal": f"{row[0]}.bw"} for row in rows])
    options = flags(tracks=tracks, windows=d / "targets.h5", output=d / "o.h5")
    lost: Lost = {
        ("tracks", "of the sheet, of no replicate or donor"): (2, 5),
        ("tracks", "not measured in targets.h5: in no comparison"): (2, 3),
    }
    return Walk(["predict", "experiments", *options], lost)


@loses("evaluate", "sequence")
def sequence(d: Path, _: Script) -> Walk:
    write_windows(d)
    write_lines(d / "g.fa", ">chr1", "ACGTACGTAC" * 20 + "N" * 20)
    write_lines(d / "p.bed", "chr1\t0\t10", "chr1\t10\t20", "chr1\t200\t220")
    options = flags(fasta=d / "g.fa", bed=d / "p.bed", peaks=d / "peaks.h5ad", output=d / "o.tsv", bootstrap=0)
    lost: Lost = {
        ("peaks", "in no cluster: not in the summary"): (1, 3),
        ("peaks", "no known base: not in the means of GC and CpG"): (1, 3),
        ("rows", "no CTCF motif given"): (2, 8),
    }
    return Walk(["evaluate", "sequence", *options], lost)


@loses("evaluate", "all")
def every_metric(d: Path, _: Script) -> Walk:
    options = flags(peaks=d / "peaks.h5ad", prefix=d / "m", min_track_peaks=0, min_bin_peaks=2)
    lost: Lost = {
        ("metrics", "tss-distance: needs --genes"): (1, 9),
        FEW: (1 + 3, 6 + 12),  # a's bin of specificity, and its cluster in three tracks
        NO_PEAK: (6, 18),
    }
    return Walk(["evaluate", "all", *write_windows(d), *options], FLAGGED | MATCHED | lost)


@loses("evaluate", "summary")
def summed(d: Path, _: Script) -> Walk:
    (d / "r/evaluation").mkdir(parents=True)
    rows = ["a\t[1,2)\t9\t0.5\t", "b\t[1,2)\t9\t0.7\t", "c\t[1,2)\t2\tNA\t2 windows, not above 50"]
    write_lines(d / "r/evaluation/m.specificity.tsv", "track\tbin\tn\tpearson\treason", *rows)
    options = flags(output=d / "s.tsv", bootstrap=0)
    return Walk(["evaluate", "summary", d / "r", *options], {("values", "NA in its table: in no mean"): (1, 3)})


@loses("evaluate", "effects")
def effects(d: Path, _: Script) -> Walk:
    (d / "r/eqtl").mkdir(parents=True)
    (d / "r/heritability").mkdir()
    head = "tissue\tbin\tn_positive\tauroc\treason"
    write_lines(
        d / "r/eqtl/m.liver.classification.tsv",
        head,
        "liver\t[1,2)\t50\t0.7\t",
        "liver\t[2,inf)\t3\tNA\t3 variants, fewer than 40",
    )
    head = "model\ttrait\tfocal\tannotation\tEnrichment\tbaseline\tgroup\treason"
    rows = [
        "liver.high\tT\tyes\tliver.high\t2\t\tliver\t",
        "top\tT\tyes\ttop\t3\t\tliver\t",
        "liver.high\tU\tyes\tliver.high\t2\t\tlung\t",
    ]
    write_lines(d / "r/heritability/heritability.tsv", head, *rows)
    rows = ["liver.high\tliver.high\tNA\tNA\tNA\tNA", "top\tliver.high\tm\tmean\ttop\t0.5"]
    write_lines(d / "r/heritability/annotations.tsv", "annotation\tset\tmodel\tstatistic\thalf\tshare", *rows)
    lost: Lost = {
        ("values on variants", "N variants, fewer than N"): (1, 3),
        ("traits", "no enrichment of the highest |SAD| in the specific peaks of their tissue"): (1, 2),
    }
    return Walk(["evaluate", "effects", d / "r", "--output", d / "e.tsv"], lost)


def write_variants(path: Path, columns: str, *rows: tuple[object, ...]) -> Path:
    """A table of variants A to C on chr1: position and further columns."""
    return write_lines(path, f"chrom\tref\talt\tpos\t{columns}", *(("chr1", "A", "C", *row) for row in rows))


def benchmark(d: Path, positions: range | list[int]) -> list[object]:
    """Scores of variants at positions, and bins: [0, 1000) specific, [1000, 2000) shared."""
    write_scores(
        d / "s.h5", [("chr1", p, "A", "C") for p in positions], SAD=np.random.default_rng(1).random((len(positions), 1))
    )
    write_peaks(d / "p.h5ad", [("chr1", 0, 1000), ("chr1", 1000, 2000)], np.array([[1, 0], [1, 1]]), "xy", "xy")
    return flags(scores=d / "s.h5", peaks=d / "p.h5ad", output=d / "o.tsv", folds=2, min_positives=2)


TOO_FEW = ("specificity bins", "N variants, fewer than N")
REPEATED = ("rows", "of a variant with several: the row of its nearest gene stays")


@loses("eqtl", "classify")
def classify(d: Path, _: Script) -> Walk:
    options = benchmark(d, [*range(10, 300, 10), 5000])
    rows: list[tuple[object, ...]] = [(10 * i, "liver", 0.95) for i in range(1, 9)]
    rows += [
        (5000, "liver", 0.95),
        (6000, "liver", 0.95),
        (90, "liver", "NA"),
        (100, "liver", 0.5),
        (110, "liver", 0.5),
    ]
    rows += [(10, "liver", 0.99), *((10, "brain", 0.95) for _ in range(3))]
    write_variants(d / "e.tsv", "tissue\tpip", *rows)
    write_variants(d / "n.tsv", "note", *((p, "") for p in [*range(200, 280, 10), 200, 20, 7000]))
    lost: Lost = {
        ("rows", "of other tissues"): (3, 17),
        ("rows", "no pip"): (1, 14),
        ("rows", "pip of at most 0.9: no positives"): (2, 14),
        REPEATED: (1, 11),
        ("negatives", "rows of a variant that is there already"): (1, 11),
        ("negatives", "positives too"): (1, 11),
        ("positives", "no score"): (1, 10),
        ("positives", "in no peak: in no specificity bin"): (1, 10),
        ("negatives", "no score"): (1, 9),
        TOO_FEW: (1, 2),
    }
    more = flags(positives=d / "e.tsv", negatives=d / "n.tsv", tissue="liver", single_track=True)
    return Walk(["eqtl", "classify", *options, *more], lost)


@loses("eqtl", "classify")
def classify_one_table(d: Path, _: Script) -> Walk:
    options = benchmark(d, range(10, 300, 10))
    rows = [*((10 * i, 0.95) for i in range(1, 5)), (50, 0.5), *((10 * i, 0.001) for i in range(10, 14)), (10, 0.0005)]
    write_variants(d / "e.tsv", "pip", *rows)
    lost: Lost = {
        ("rows", "pip of at most 0.9: no positives"): (6, 10),
        ("rows", "of variants with a pip of 0.01 or more: no negatives"): (6, 10),
        TOO_FEW: (1, 2),
    }
    return Walk(["eqtl", "classify", *options, *flags(positives=d / "e.tsv", single_track=True)], lost)


@loses("eqtl", "direction")
def direction(d: Path, _: Script) -> Walk:
    options = benchmark(d, range(10, 300, 10))
    rows = [
        (10, "C", 1, "g"),
        (20, "C", -1, "g"),
        (30, "C", 0, "g"),
        (50, "C", 1, "g"),
        (50, "C", -1, "h"),
        (60, "C", 1, "z"),
        (70, "T", 1, "g"),
    ]
    write_variants(d / "e.tsv", "effect_allele\tbeta\tgene\tpip", *((*row, 0.95) for row in rows))
    write_lines(d / "g.bed", "chr1\t5\t6\tg\t0\t+", "chr1\t5\t6\th\t0\t+")
    lost: Lost = {
        ("effects", "the effect allele is neither REF nor ALT"): (1, 7),
        ("rows", "no direction: beta is 0 or unknown"): (2, 7),
        ("rows", "of variants whose sign differs between genes"): (2, 7),
        ("rows", "a gene that the genes file lacks: no distance to a TSS"): (1, 3),
        ("specificity bins", "N positives and N negatives, both must be at least N"): (1, 2),
        TOO_FEW: (1, 2),
    }
    return Walk(["eqtl", "direction", *options, *flags(variants=d / "e.tsv", genes=d / "g.bed")], lost)


@loses("imbalance", "count")
def count(d: Path, _: Script) -> Walk:
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n'
    head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
    rows = [
        ("chr1", 10, "A", "C", "0|1"),
        ("chr1", 20, "A", "C", "0|1"),
        ("chr1", 30, "A", "C", "1|1"),
        ("chr1", 40, "AT", "C", "0|1"),
    ]
    rows += [("chr1", 50, "A", "C,G", "1|2"), ("chr1", 60, "A", "C", "1"), ("chr2", 10, "A", "C", "0|1")]
    body = "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\tGT\t{g}\n" for c, p, r, a, g in rows)
    (d / "v.vcf").write_text(f"##fileformat=VCFv4.2\n{form}{head}{body}")
    header = pysam.AlignmentHeader.from_dict({"HD": {"SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 1000}]})
    with pysam.AlignmentFile(str(d / "r.bam"), "wb", header=header) as out:
        for number, (flag, mapq, quality) in enumerate(
            [(0, 60, 30), (0, 60, 30), (0, 60, 5), (0, 7, 30), (0x400, 60, 30)]
        ):
            read = pysam.AlignedSegment(header)
            read.query_name, read.query_sequence, read.flag, read.cigarstring = f"r{number}", "A" * 8, flag, "8M"
            read.reference_id, read.reference_start, read.mapping_quality = 0, 5, mapq
            read.query_qualities = pysam.qualitystring_to_array(chr(33 + quality) * 8)
            out.write(read)
    lost: Lost = {
        ("records", "homozygous"): (1, 7),
        ("records", "not a biallelic SNV"): (1, 7),
        ("records", "neither allele is REF"): (1, 7),
        ("records", "no diploid genotype"): (1, 7),
        ("sites", "on contigs that the alignments lack: without reads"): (1, 3),
        ("alignments", "mapping quality below 30"): (1, 5),
        ("alignments", "flagged as duplicates"): (1, 5),
        ("bases", "at sites, unknown or of a quality below 20"): (1, 3),
    }
    return Walk(["imbalance", "count", d / "r.bam", *flags(vcf=d / "v.vcf", output=d / "o.tsv")], lost)


COUNTS = [(10, "S", 30, 5), (10, "S", 30, 5), (20, "S", 1, 2), (30, "S", ".", "."), (40, "S", 20, 20)]


@loses("imbalance", "call")
def call(d: Path, _: Script) -> Walk:
    write_variants(d / "c.tsv", "sample\tref_count\talt_count", *COUNTS)
    lost: Lost = {
        ("rows", "no counts"): (1, 5),
        ("rows", "repeat another of the same sample"): (1, 4),
        ("sites", "no more than 20 reads"): (1, 3),
    }
    return Walk(["imbalance", "call", *flags(counts=d / "c.tsv", output=d / "o.tsv")], lost)


def write_calls(d: Path, *models: str) -> list[object]:
    """Six sites, of which four are imbalanced; of these three are scored, one with 0 for both alleles."""
    labels = ["imbalanced"] * 4 + ["balanced", "neither"]
    write_variants(
        d / "calls.tsv", "ratio\tlabel", *((10 * i, 0.3 + i / 10, label) for i, label in enumerate(labels, 1))
    )
    for model in models:
        ref = np.array([[0], [1], [2], [1], [1]])
        write_scores(
            d / model / "sad.h5", [("chr1", p, "A", "C") for p in (10, 20, 30, 50, 60)], "T", REF=ref, ALT=ref * 2
        )
    return flags(calls=d / "calls.tsv", track="T", output=d / "o.tsv")


PASSED = ("sites", "not labelled imbalanced")
NO_SCORE, NO_SHARE = ("sites", "no score"), ("sites", "REF and ALT are both predicted as 0: no share")
ONE_CLASS = "N sites with more REF and N with more ALT reads: both must be at least N"


@loses("imbalance", "evaluate")
def evaluate(d: Path, _: Script) -> Walk:
    arguments = ["imbalance", "evaluate", *write_calls(d, "m"), "--scores", d / "m/sad.h5"]
    return Walk(arguments, {PASSED: (2, 6), NO_SCORE: (1, 4), NO_SHARE: (1, 4), ("groups", ONE_CLASS): (1, 1)})


@loses("imbalance", "compare")
def compare_calls(d: Path, _: Script) -> Walk:
    """Both models lose the same sites."""
    scores = flags(scores=[f"{model}={d / model / 'sad.h5'}" for model in ("m", "n")])
    arguments = ["imbalance", "compare", *write_calls(d, "m", "n"), *scores]
    return Walk(arguments, {PASSED: (2, 6), NO_SCORE: (2, 8), NO_SHARE: (2, 8), ("comparisons", ONE_CLASS): (1, 1)})


@loses("simulate", "compare")
def compare_truth(d: Path, _: Script) -> Walk:
    (d / "truth").mkdir()
    (d / "truth/params.json").write_text(json.dumps({"groups": {"g": ["a"]}, "test_chroms": ["chr1"]}))
    rows = [("chr1", 10 * i, "A", "C", i) for i in range(1, 5)] + [("chr2", 10, "A", "C", 1)]
    pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt", "a"]).to_csv(
        d / "truth/variants.tsv", sep="\t", index=False
    )
    write_scores(d / "s.h5", [("chr1", 10 * i, "A", "C") for i in (1, 2, 4)], "a", SAD=np.array([[1], [3], [2]]))
    options = flags(truth=d / "truth", scores=d / "s.h5", output=d / "o.tsv")
    return Walk(["simulate", "compare", *options], {("SNPs", "of the test chromosomes, without a score"): (1, 4)})


@loses("preflight", "check")
def preflight(d: Path, _: Script) -> Walk:
    write_lines(d / "g.fa", ">chr1", "A" * 100)
    pysam.faidx(str(d / "g.fa"))
    write_variants(d / "c.tsv", "ref_count\talt_count", (10, 1, 2), (20, ".", "."))
    given = {"fasta": "g.fa", "allelic_counts": str(sheet(d / "s.csv", [{"cell_type": "T", "counts": "c.tsv"}]))}
    (d / "params.json").write_text(json.dumps(given))
    options = flags(params=d / "params.json", output=d / "o.json")
    return Walk(["preflight", "check", *options], {("rows", "no counts"): (1, 2)})
