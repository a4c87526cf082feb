"""The metrics: what each asks, reads and writes.

The commands of evaluate.py, its `all` and the tables of docs/output.md are made from here.

Nothing heavy is imported before a metric is computed: `functions` imports what computes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.evaluation import functions, loading
from accessiflow.evaluation import options as opt
from accessiflow.evaluation.comparisons import COMPARISONS
from accessiflow.evaluation.metric import Command, Metric, MetricTable, Values, inputs_of
from accessiflow.evaluation.options import Option
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd

PAIR = (opt.PREDICTIONS, opt.TARGETS)
WITH_PEAKS = (*PAIR, opt.PEAKS, opt.IS_PEAK, opt.TRACKS)
WITH_CLUSTERS = (*PAIR, opt.PEAKS, opt.TRACKS, opt.CLUSTERS)
EITHER = (*WITH_PEAKS, opt.CLUSTERS)


def _by_distance_in_all(min_bin_peaks: int) -> dict[str, int]:
    """As the paper: 50 peaks in a bin, 25 in one of a distance, 500 over all bins."""
    return {"min_bin_peaks": min_bin_peaks // 2, "min_all_peaks": min_bin_peaks * 10}


METRICS = (
    Metric(
        name="specificity",
        question="How accurate is a track in its specific peaks, how in its common ones?",
        summary="Pearson R of log2(x + 1) in each track's peaks, by specificity bin.",
        source="Fig. 2",
        number="02",
        inputs=(*WITH_PEAKS, opt.EDGES),
        thresholds=(
            opt.MIN_TRACK,
            opt.MIN_BIN,
            Option("all_bins", bool, "Only tracks that have every bin, as the paper.", False),
        ),
        tables=(
            MetricTable(
                "specificity",
                "track, bin, n (the track's test peaks in the bin), pearson, reason, low, high",
                opt.OUTPUT,
                published="M.specificity.tsv",
            ),
        ),
        function=functions.specificity,
        windows=loading.flagged,
        in_all=True,
    ),
    Metric(
        name="clusters",
        question="How accurate is a track in each peak cluster?",
        summary="Pearson R of log2(x + 1) in each peak cluster, for every track.",
        source="Basset, by cluster",
        number="12",
        inputs=WITH_CLUSTERS,
        thresholds=(opt.MIN_TRACK.by_default(0), opt.MIN_BIN.by_default(1)),
        tables=(
            MetricTable(
                "clusters",
                "track, cluster, n (all windows of the cluster), pearson, reason, low, high",
                opt.OUTPUT,
                published="M.clusters.tsv",
            ),
        ),
        function=functions.clusters,
        windows=loading.clustered,
        in_all=True,
    ),
    Metric(
        name="precision",
        question="Are the tracks that a model ranks highest at a peak those that have it?",
        summary="Precision of the top N tracks at each peak, N = its number of tracks, by specificity bin.",
        source="Fig. 2",
        number="03",
        inputs=(*WITH_PEAKS, opt.EDGES),
        thresholds=(),
        tables=(
            MetricTable(
                "precision",
                "bin, n, precision (mean share of the N highest predicted tracks that are peaks), precision_median, "
                "chance (mean N / all tracks), reason, low, high",
                opt.OUTPUT,
                published="M.precision.tsv",
            ),
        ),
        function=functions.precision,
        windows=loading.flagged,
        in_all=True,
        of_probabilities=True,
    ),
    Metric(
        name="cell-types",
        question="Are predictions of different cell types more alike than their measurements?",
        summary="Pearson R of log2(x + 1) between tracks in each cluster, of the predictions and of the measurements.",
        source="Fig. 4B",
        number="13",
        inputs=WITH_CLUSTERS,
        thresholds=(
            Option(
                "pair_tracks",
                int,
                "With more tracks, rows for the pairs of so many, evenly over their order (the means are over all); "
                "0: all.",
                32,
                least=0,
            ),
        ),
        tables=(
            MetricTable(
                "cell_types",
                "source (prediction or measurement), cluster, track, other, n, pearson (between the two tracks), "
                "reason, low, high",
                opt.OUTPUT,
                published="M.cell_types.tsv",
            ),
            MetricTable(
                "over_correlation",
                "cluster, pairs, prediction (mean over pairs), measurement (mean over pairs), "
                "over_correlation (their mean difference), low, high",
                Option("summary", Path | None, "Write the over-correlation of each cluster too.", None),
                published="M.over_correlation.tsv",
            ),
        ),
        function=functions.cell_types,
        windows=loading.clustered,
        in_all=True,
    ),
    Metric(
        name="donors",
        question="How alike are measurements of different donors, the ceiling of any such comparison?",
        summary="Pearson R of log2(x + 1) between experiments of different donors in each cluster.",
        source="Fig. 4B",
        number="13b",
        inputs=(
            opt.TARGETS.saying("Measurements of replicates of several donors: windows x experiments."),
            Option("tracks", Path, "Tracks sheet: track, cell_type and donor of each experiment."),
            opt.PEAKS,
            opt.CLUSTERS,
        ),
        thresholds=(
            Option("drop_zeros", bool, "Leave out windows in which any experiment has 0, as the paper.", True),
        ),
        tables=(
            MetricTable(
                "donors",
                "kind (same cell type or different cell types), cluster, cell_type, other_cell_type, track, other, "
                "donor, other_donor, n, pearson, reason, low, high",
                opt.OUTPUT,
                published="donors.tsv",
            ),
        ),
        function=functions.donors,
    ),
    Metric(
        name="replicate-ceiling",
        question="How well does a second experiment reproduce a track's peaks?",
        summary="How well a replicate reproduces each track's peaks, by specificity bin, beside the predictions.",
        source="Fig. S3",
        number="06",
        inputs=(*PAIR, opt.REPLICATE, opt.PAIRS, opt.PEAKS, opt.IS_PEAK, opt.TRACKS, opt.EDGES),
        thresholds=(opt.MIN_TRACK, opt.MIN_BIN, opt.FDR.by_default(0.01), opt.BH),
        tables=(
            MetricTable(
                "replicate_ceiling",
                "track, experiment (the second one), bin, n (the track's peaks), replicate (Pearson of the raw values "
                "with the track), prediction (the same), recalled (share of the peaks that are called on the "
                "replicate), reason, low (of replicate), high, prediction_low, prediction_high",
                opt.OUTPUT,
                published="M.replicate_ceiling.tsv",
            ),
        ),
        function=functions.replicate_ceiling,
        windows=loading.flagged,
    ),
    Metric(
        name="binary",
        question="How well do predicted peak probabilities classify peaks?",
        summary="AUROC and AUPRC of predicted peak probabilities against as many negatives, by specificity bin.",
        source="Fig. S2",
        number="05",
        inputs=(
            opt.PREDICTIONS,
            opt.TARGETS.saying("Peak labels of the windows: windows x tracks of 0 and 1."),
            opt.TRACKS,
            opt.EDGES,
        ),
        thresholds=(
            opt.MIN_TRACK,
            opt.MIN_BIN,
            opt.MIN_NEGATIVE,
        ),
        tables=(
            MetricTable(
                "binary",
                "track, bin, n (positives), auroc, auprc, reason",
                opt.OUTPUT,
                published="M.binary.tsv",
            ),
        ),
        function=functions.binary,
        windows=loading.labelled,
        bootstrap=False,
        seed=opt.SEED.by_default(11),
        of_probabilities=True,
    ),
    Metric(
        name="tss-distance",
        question="Does accuracy depend on the distance to the nearest TSS?",
        summary="Pearson R of log2(x + 1) by distance to the nearest TSS, within and over the specificity bins.",
        source="Fig. S4",
        number="04",
        inputs=(*PAIR, opt.GENES, opt.PEAKS, opt.IS_PEAK, opt.TRACKS, opt.EDGES),
        thresholds=(
            Option(
                "distance_edges",
                str,
                "Edges of the distance bins in bp, comma-separated, or `tertiles` of the peaks.",
                "8851,34701",
            ),
            opt.MIN_TRACK,
            opt.MIN_BIN.by_default(25),
            Option(
                "min_all_peaks", int, "The row over all specificity bins needs more windows than this.", 500, least=0
            ),
        ),
        tables=(
            MetricTable(
                "tss_distance",
                "track, distance_bin, bin (of specificity, or all), n, pearson, reason, low, high",
                opt.OUTPUT,
                published="M.tss_distance.tsv",
            ),
            MetricTable(
                "tss_distance_tests",
                "bin, near, far, n_near, n_far, u, p (Mann-Whitney, nearer greater), q, reason",
                Option("tests", Path | None, "Write the Mann-Whitney tests between distance bins too.", None),
                published="M.tss_distance_tests.tsv",
            ),
        ),
        function=functions.tss_distance,
        windows=loading.flagged,
        without_sites="no distance can be measured",
        in_all=True,
        in_all_thresholds=_by_distance_in_all,
    ),
    Metric(
        name="loci",
        question="What do good, middling and bad predictions look like?",
        summary="Example loci by rule: best, median and worst specific peak, and a ubiquitous one.",
        inputs=(*PAIR, opt.PEAKS, opt.TRACKS),
        thresholds=(
            Option("number", int, "Tracks to choose loci for.", 3, least=1),
            Option("shown", int, "Tracks in the table at each locus: its own, and others evenly.", 24, least=1),
        ),
        tables=(
            MetricTable(
                "loci",
                "locus, rule, track, chrom, start, end, pearson (of the locus), measured, predicted",
                opt.OUTPUT,
                published="M.loci.tsv",
            ),
            MetricTable(
                "loci_peaks",
                "#chrom, start, end, name (TRACK:rule: the peak that a locus is chosen by)",
                Option("peaks_output", Path | None, "Write the peaks that the loci are chosen by, as BED, too.", None),
                published="M.loci_peaks.tsv",
            ),
        ),
        function=functions.loci,
        windows=loading.flagged,
        without_sites="no locus can be shown",
        bootstrap=False,
        seed=opt.UNUSED_SEED,
        in_all=True,
    ),
    Metric(
        name="density",
        question="Where do predictions and measurements part, window by window?",
        summary="Windows counted on a grid of measured against predicted log2(x + 1), of some tracks.",
        source="Fig. 3B",
        inputs=WITH_CLUSTERS,
        thresholds=(
            Option("number", int, "Tracks, evenly over their order.", 3, least=1),
            Option("cells", int, "Of the grid along each axis.", 20, least=2),
        ),
        tables=(
            MetricTable(
                "density",
                "track, set (specific, ubiquitous, all), measured (lower edge of a cell in log2 of x + 1), predicted, "
                "width (of a cell), n (windows in it), n_windows (of the set), pearson (of the set)",
                opt.OUTPUT,
                published="M.density.tsv",
            ),
        ),
        function=functions.density,
        windows=loading.clustered,
        bootstrap=False,
        seed=opt.UNUSED_SEED,
        in_all=True,
    ),
    Metric(
        name="replicates",
        question="Do replicates of a model disagree more in specific peaks?",
        summary="Coefficient of variation of the predictions across replicates, by cluster, and whether it is greater "
        "than in ubiquitous peaks.",
        source="Fig. 3D",
        number="14",
        inputs=(
            Option(
                "predictions", list[Path], "Predictions of one replicate of the model; once a replicate, at least two."
            ),
            Option(
                "targets",
                Path | None,
                "The measurement: the windows and tracks to evaluate; default: those of the first replicate.",
                None,
            ),
            opt.PEAKS,
            opt.TRACKS,
            opt.CLUSTERS,
        ),
        thresholds=(
            opt.SPECIFIC,
            opt.UBIQUITOUS,
            Option("ddof", int, "1: sample standard deviation, 0: population.", 1, least=0, most=1),
        ),
        tables=(
            MetricTable(
                "replicates",
                "track, cluster, n, cv_median (of a window's predictions over the replicates), cv_mean, "
                "u (Mann-Whitney, greater than in ubiquitous windows), p, q, reason, low, high",
                opt.OUTPUT,
                published="MODEL.replicates.tsv",
            ),
            MetricTable(
                "replicates_tests",
                "track, n_specific, n_ubiquitous, median_specific, median_ubiquitous, u, p, q, reason",
                Option(
                    "tests",
                    Path | None,
                    "Write the tests of all specific windows of each track against the ubiquitous ones too.",
                    None,
                ),
            ),
        ),
        function=functions.replicates,
    ),
    Metric(
        name="height-matched",
        question="Is accuracy lower in specific peaks because they are lower?",
        summary="Pearson R of log2(x + 1) in specific peaks and in ubiquitous peaks of the same height.",
        source="Fig. S7C",
        number="15",
        inputs=EITHER,
        thresholds=(
            opt.SPECIFIC,
            opt.UBIQUITOUS,
            Option(
                "repeats",
                int,
                "Draws of ubiquitous windows; 1: a single draw, as the paper, without an interval.",
                100,
                least=1,
            ),
        ),
        tables=(
            MetricTable(
                "height_matched",
                "track, set (specific and ubiquitous of equal heights, and each _unmatched), n, pearson, reason, "
                "low, high",
                opt.OUTPUT,
                published="M.height_matched.tsv",
            ),
        ),
        function=functions.height_matched,
        windows=loading.flagged_or_clustered,
        in_all=True,
    ),
    Metric(
        name="errors",
        question="Which peaks would be missed, and which invented, if they were called on the predictions?",
        summary="False negative and positive rates of peaks called on the predictions, over all windows, "
        "all peaks and each cluster.\n\nWith --clusters alone the measured peaks are called on the "
        "targets in the same way.",
        source="Fig. S14",
        number="16",
        inputs=EITHER,
        thresholds=(opt.FDR, opt.BH),
        tables=(
            MetricTable(
                "errors",
                "track, region (all: every window; peaks: those of any track; or a cluster), n_peaks, n_others, fnr, "
                "fnr_low (Wilson), fnr_high, fpr, fpr_low, fpr_high, reason",
                opt.OUTPUT,
                published="M.errors.tsv",
            ),
        ),
        function=functions.errors,
        windows=loading.flagged_or_clustered,
        bootstrap=False,
        seed=opt.UNUSED_SEED,
        in_all=True,
    ),
    *COMPARISONS,
    Metric(
        name="sequence",
        question="What sequence do specific and ubiquitous peaks have?",
        summary="GC, CpG islands and motifs of the peaks: one row a peak, a summary by cluster, motif enrichment over "
        "ubiquitous peaks and background.",
        source="Fig. S8",
        number="17",
        inputs=(
            Option("fasta", Path, "Genome."),
            Option(
                "bed", Path | None, "Peaks; cluster in column 4, or of the peak bin of --peaks at their centre.", None
            ),
            opt.PEAKS,
            Option("motifs", Path | None, "Motifs in MEME format.", None),
        ),
        thresholds=(
            Option(
                "p_value", float, "A sequence holds a motif at a place of this p value or less.", 1e-4, least=0, most=1
            ),
            Option(
                "background",
                str,
                "Background windows: uniform over the genome, or gc (matched to the peaks).",
                "uniform",
                choices=("uniform", "gc"),
            ),
            Option("number", int, "Background windows.", 50_000, least=1),
        ),
        tables=(
            MetricTable(
                "sequence",
                "chrom, start, end, name, cluster, length, gc, cpg_oe (CpG observed over expected), cpg_island, "
                "ctcf (with a CTCF motif)",
                opt.OUTPUT.saying(
                    "Table, one row a peak; PREFIX.summary.tsv and PREFIX.motifs.tsv are written beside it."
                ),
                published="sequence.tsv",
            ),
            MetricTable(
                "sequence_summary",
                "cluster, figure (gc, cpg_oe, cpg_island, ctcf), n, value, low, high, reason",
                beside="summary",
                published="sequence.summary.tsv",
            ),
            MetricTable(
                "sequence_motifs",
                "cluster, control (ubiquitous or background), motif, motif_name, n, tp (sequences with the motif), "
                "tp_percent, n_control, fp, fp_percent, enr (ratio), p (Fisher), q, reason",
                beside="motifs",
                published="sequence.motifs.tsv",
            ),
        ),
        function=functions.sequence,
    ),
)


def every(values: Values) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Path and table of every metric of `all` whose inputs are there, on windows that are read once.

    Those that read a further file come first, so that a refusal of it leaves nothing written.
    """
    windows = loading.flagged(inputs_of(values))
    probabilities = values["kind"] == "probability"
    chosen = [metric for metric in METRICS if (metric.of_probabilities if probabilities else metric.in_all)]
    for metric in sorted(chosen, key=lambda metric: not metric.further_inputs):
        lacks_file = any(values[option.name] is None for option in metric.further_inputs)
        lacks_sites = metric.without_sites and windows.sites is None and not metric.further_inputs
        if lacks_file or lacks_sites:
            needs = ", ".join(option.flag for option in metric.further_inputs) or "coordinates of the windows"
            left_out("metrics", 1, len(chosen), f"{metric.name}: needs {needs}", expected=True)
            continue
        defaults = {option.name: option.default for option in metric.thresholds}
        own = defaults | {**values, **metric.in_all_thresholds(values["min_bin_peaks"])}
        # Where the paper's code has a seed, the first seed of ours is that one.
        own["seed"] = values["seed"] + metric.seed.default
        for table, found in zip(metric.tables, metric.compute(own, windows), strict=True):
            assert found is not None
            yield Path(f"{values['prefix']}.{table.name}.tsv"), found


COMMANDS = {metric.name: metric.command for metric in METRICS} | {
    "all": Command(
        "Every metric that the inputs allow, read once: "
        + ", ".join(metric.tables[0].name for metric in METRICS if metric.in_all)
        + "; of probabilities: "
        + ", ".join(metric.tables[0].name for metric in METRICS if metric.of_probabilities)
        + ".",
        (
            *PAIR,
            Option("peaks", Path, "peaks.h5ad"),
            Option("prefix", str, "Tables are written as PREFIX.METRIC.tsv."),
            opt.TRACKS,
            Option("genes", Path | None, "Genes: for the accuracy by TSS distance.", None),
            Option(
                "kind",
                str,
                "What the predictions are: coverage, or probability.",
                "coverage",
                choices=("coverage", "probability"),
            ),
            opt.MIN_TRACK,
            opt.MIN_BIN,
            opt.MIN_NEGATIVE,
            opt.FDR,
            opt.BH,
            opt.RESAMPLES,
            opt.SEED,
        ),
        every,
    )
}
