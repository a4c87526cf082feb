"""The metrics that set several models side by side (see `metrics`)."""

from __future__ import annotations

from pathlib import Path

from accessiflow.evaluation import functions
from accessiflow.evaluation import options as opt
from accessiflow.evaluation.metric import Metric, MetricTable
from accessiflow.evaluation.options import Option

# what a metric of several models reads
SEVERAL_MODELS = (
    Option("predictions", list[str], "[NAME=]FILE, once a model; the same name again is a further replicate of it."),
    opt.TARGETS,
    opt.PEAKS,
    opt.IS_PEAK,
    opt.TRACKS,
    opt.CLUSTERS,
    opt.EDGES,
)

COMPARISONS = (
    Metric(
        name="compare",
        question="Which model is best where it matters, and does it beat the baselines?",
        summary="Models on the same windows: accuracy of every replicate, tests between them, a leaderboard with the "
        "baselines.\n\nA single model is compared with its own cross-track mean.",
        inputs=SEVERAL_MODELS,
        thresholds=(
            Option("reference", str, "A model that the others are compared with on the leaderboard.", ""),
            Option("baseline", str, "Name of the k-mer ridge.", "kmer_ridge"),
            opt.MIN_TRACK.by_default(0),
            opt.MIN_BIN.by_default(1),
            opt.FDR,
            opt.BH,
            opt.LACKING,
        ),
        tables=(
            MetricTable(
                "comparison",
                "model, replicate, grouping (all, specific, specificity, cluster), group, track, n, pearson, "
                "low, high, reason",
                opt.OUTPUT,
                published="comparison.tsv",
            ),
            MetricTable(
                "comparison_tests",
                "grouping, group, model, other, n (tracks with both), median_difference (model - other), "
                "statistic (Wilcoxon signed-rank), p, q, reason",
                Option(
                    "tests", Path | None, "Write the Wilcoxon signed-rank tests between every two models too.", None
                ),
                published="comparison_tests.tsv",
            ),
            MetricTable(
                "leaderboard",
                "rank, model, replicates, n_tracks, pearson_all, pearson_specific, low, high, "
                "interval (what it is over), pearson_ubiquitous, over_correlation_own, "
                "over_correlation_ubiquitous, fnr, fpr, "
                "deviation_pearson (without each window's mean over the tracks), specific_minus_own_mean, p_own_mean, "
                "specific_minus_kmer_ridge, p_kmer_ridge, specific_minus_reference, p_reference, verdict, note",
                Option("leaderboard", Path | None, "Write one row a model, best specific accuracy first, too.", None),
                published="leaderboard.tsv",
            ),
        ),
        function=functions.compare,
    ),
    Metric(
        name="ranks",
        question="Which model is best, where some predict coverage and others probabilities of a peak?",
        summary="Models of coverage and of probabilities on the same windows, by what both have: AUROC of each track's "
        "peaks against peaks of other tracks, Spearman R with the measurement; a leaderboard.",
        inputs=SEVERAL_MODELS,
        thresholds=(
            Option(
                "probabilities", str, "Models whose predictions are probabilities, comma-separated.", "", listed=True
            ),
            opt.MIN_TRACK.by_default(0),
            opt.MIN_BIN.by_default(1),
            opt.LACKING,
        ),
        tables=(
            MetricTable(
                "ranks",
                "model, output (coverage or probability), replicate, group (all, specific, ubiquitous), track, "
                "n_positive (the track's peaks in the group), n_negative (peaks of other tracks alone), auroc, "
                "low (DeLong), high, n (windows of the group), spearman (with the measurement), reason",
                opt.OUTPUT,
                published="ranks.tsv",
            ),
            MetricTable(
                "ranks_leaderboard",
                "rank, model, output, replicates, n_tracks, auroc_all, auroc_specific, low (by resampling the tracks), "
                "high, auroc_ubiquitous, spearman_all, spearman_specific, spearman_ubiquitous, reason",
                beside="leaderboard",
                published="ranks.leaderboard.tsv",
            ),
        ),
        function=functions.ranks,
    ),
)
