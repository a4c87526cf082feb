#!/usr/bin/env python3
"""Reference accuracy of predictions, by cell type specificity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from accessiflow.evaluation.bootstrap import Bootstrap
    from accessiflow.evaluation.inputs import Windows

app = cli.make_app(__doc__ or "")

Predictions = Annotated[Path, typer.Option(help="preds.h5, predict.h5, .h5ad, .npy or .tsv: windows x tracks.")]
Targets = Annotated[Path, typer.Option(help="The same of the measurement.")]
Peaks = Annotated[Path | None, typer.Option(help="peaks.h5ad")]
IsPeak = Annotated[Path | None, typer.Option(help="Peak flags of the windows, instead of --peaks.")]
Tracks = Annotated[Path | None, typer.Option(help="Tracks sheet: names the columns of files without names.")]
Clusters = Annotated[
    Path | None, typer.Option(help="BED of clusters (name in column 4), instead of those of peaks.h5ad.")
]
Output = Annotated[Path, typer.Option(help="Table.")]
Edges = Annotated[
    str, typer.Option(help="Lower edges of the specificity bins, comma-separated; default: those of --peaks.")
]
MinTrack = Annotated[int, typer.Option(min=0, help="A track needs more test peaks than this.")]
MinBin = Annotated[int, typer.Option(min=0, help="A bin or cluster needs more windows than this.")]
Resamples = Annotated[
    int, typer.Option("--bootstrap", min=0, help="Resamples of the windows for the 95 % intervals; 0: none.")
]
Bh = Annotated[str, typer.Option(help="Benjamini-Hochberg: correct, or floor (as the paper's code).")]
Specific = Annotated[
    str,
    typer.Option(
        help="Clusters to take as specific, comma-separated; default: those of the track's own cell type or group."
    ),
]
Ubiquitous = Annotated[str, typer.Option(help="Clusters to take as ubiquitous, comma-separated; default: ubiquitous.")]


def _load(
    predictions: Path, targets: Path, peaks: Path | None, is_peak: Path | None, tracks: Path | None, edges: str = ""
) -> Windows:
    from accessiflow.evaluation.inputs import load

    return load(predictions, targets, peaks, is_peak, cli.edges(edges) or None, _names(tracks))


def _bootstrap(repeats: int, seed: int) -> Bootstrap:
    from accessiflow.evaluation.bootstrap import Bootstrap

    return Bootstrap(repeats, seed)


def _names(tracks: Path | None) -> list[str]:
    from accessiflow.sheets import read_sheet

    return [] if tracks is None else list(read_sheet("tracks", tracks)["track"])


@app.command()
def specificity(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    edges: Edges = "",
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 50,
    all_bins: Annotated[bool, typer.Option(help="Only tracks that have every bin, as the paper.")] = False,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) in each track's peaks, by specificity bin."""
    from accessiflow.evaluation.accuracy import by_specificity
    from accessiflow.files import write_table

    windows = _load(predictions, targets, peaks, is_peak, tracks, edges)
    write_table(by_specificity(windows, min_track_peaks, min_bin_peaks, all_bins, _bootstrap(bootstrap, seed)), output)


@app.command()
def clusters(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    min_track_peaks: MinTrack = 0,
    min_bin_peaks: MinBin = 1,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) in each peak cluster, for every track."""
    from accessiflow.evaluation.accuracy import by_cluster
    from accessiflow.files import write_table

    windows, names = _clustered(predictions, targets, peaks, clusters, tracks)
    write_table(by_cluster(windows, names, min_track_peaks, min_bin_peaks, _bootstrap(bootstrap, seed)), output)


def _clustered(
    predictions: Path, targets: Path, peaks: Path | None, clusters: Path | None, tracks: Path | None
) -> tuple[Windows, list[str]]:
    """The windows with their clusters, and the names of the clusters."""
    from accessiflow.evaluation.clusters import assign_clusters, load_clustered
    from accessiflow.evaluation.sets import cluster_names, with_cell_types
    from accessiflow.sheets import read_sheet

    windows = (
        assign_clusters(load_clustered(predictions, targets, _names(tracks)), clusters)
        if clusters is not None
        else _load(predictions, targets, peaks, None, tracks)
    )
    names = cluster_names(windows)
    if not names:
        raise InputError("no test window lies in a cluster: do the windows and the clusters have the same chromosomes?")
    return windows if tracks is None else with_cell_types(windows, read_sheet("tracks", tracks)), names


@app.command()
def precision(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    edges: Edges = "",
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Precision of the top N tracks at each peak, N = its number of tracks, by specificity bin."""
    from accessiflow.evaluation.accuracy import precision_of_top_tracks
    from accessiflow.files import write_table

    windows = _load(predictions, targets, peaks, is_peak, tracks, edges)
    write_table(precision_of_top_tracks(windows, _bootstrap(bootstrap, seed)), output)


@app.command("cell-types")
def cell_types(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    summary: Annotated[Path | None, typer.Option(help="Write the over-correlation of each cluster too.")] = None,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) between tracks in each cluster, of the predictions and of the measurements."""
    from accessiflow.evaluation.cell_types import between_tracks
    from accessiflow.files import write_table

    found = between_tracks(*_clustered(predictions, targets, peaks, clusters, tracks), _bootstrap(bootstrap, seed))
    write_table(found.table, output)
    if summary is not None:
        write_table(found.summary, summary)


@app.command()
def donors(
    targets: Annotated[Path, typer.Option(help="Measurements of replicates of several donors: windows x experiments.")],
    tracks: Annotated[Path, typer.Option(help="Tracks sheet: track, cell_type and donor of each experiment.")],
    output: Output,
    peaks: Peaks = None,
    clusters: Clusters = None,
    drop_zeros: Annotated[
        bool, typer.Option(help="Leave out windows in which any experiment has 0, as the paper.")
    ] = True,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) between experiments of different donors in each cluster."""
    from accessiflow.evaluation.cell_types import between_donors
    from accessiflow.evaluation.donors import experiments, window_clusters
    from accessiflow.evaluation.readers import read_matrix
    from accessiflow.files import write_table

    measured, sheet = experiments(read_matrix(targets).named(_names(tracks)), tracks, targets)
    cluster = window_clusters(measured, peaks, clusters, targets)
    write_table(between_donors(measured, cluster, sheet, drop_zeros, _bootstrap(bootstrap, seed)), output)


@app.command("replicate-ceiling")
def replicate_ceiling(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    replicate: Annotated[Path, typer.Option(help="A second experiment of the same tracks: windows x tracks.")],
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    edges: Edges = "",
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 50,
    fdr: cli.Fdr = 0.01,
    bh: Bh = "correct",
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """How well a replicate reproduces each track's peaks, by specificity bin, beside the predictions."""
    from accessiflow.evaluation.readers import read_matrix
    from accessiflow.evaluation.replicates import ceiling
    from accessiflow.files import write_table

    cli.one_of(bh, ("correct", "floor"), "--bh")
    windows, second = _load(predictions, targets, peaks, is_peak, tracks, edges), read_matrix(replicate)
    if second.values.shape != windows.targets.shape or (second.tracks or windows.tracks) != windows.tracks:
        raise InputError(
            f"holds windows x tracks of shape {second.values.shape} or other tracks than the predictions {windows.targets.shape}",
            replicate,
        )
    write_table(
        ceiling(windows, second.values, fdr, bh, min_track_peaks, min_bin_peaks, _bootstrap(bootstrap, seed)), output
    )


@app.command()
def binary(
    predictions: Predictions,
    targets: Annotated[Path, typer.Option(help="Peak labels of the windows: windows x tracks of 0 and 1.")],
    output: Output,
    tracks: Tracks = None,
    edges: Edges = "",
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 50,
    min_negative_tracks: Annotated[
        int, typer.Option(min=0, help="A negative is a peak of more tracks than this.")
    ] = 10,
    seed: cli.Seed = 11,
) -> None:
    """AUROC and AUPRC of predicted peak probabilities against as many negatives, by specificity bin."""
    from accessiflow.evaluation.binary import by_specificity
    from accessiflow.files import write_table

    windows = _load(predictions, targets, None, targets, tracks, edges)
    write_table(by_specificity(windows, min_track_peaks, min_bin_peaks, min_negative_tracks, seed), output)


@app.command("tss-distance")
def tss_distance(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    genes: Annotated[Path, typer.Option(help="Genes: name, chrom, tx_start, strand, or BED6.")],
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    edges: Edges = "",
    distance_edges: Annotated[
        str, typer.Option(help="Edges of the distance bins in bp, comma-separated, or `tertiles` of the peaks.")
    ] = "8851,34701",
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 25,
    min_all_peaks: Annotated[
        int, typer.Option(min=0, help="The row over all specificity bins needs more windows than this.")
    ] = 500,
    tests: Annotated[Path | None, typer.Option(help="Write the Mann-Whitney tests between distance bins too.")] = None,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) by distance to the nearest TSS, within and over the specificity bins."""
    from accessiflow.evaluation import tss_distance as metric
    from accessiflow.files import write_table

    windows = _load(predictions, targets, peaks, is_peak, tracks, edges)
    distance = _distances(windows, genes, predictions)
    cuts = _distance_edges(distance_edges, distance[windows.n_tracks > 0])
    table = metric.by_distance(
        windows, distance, cuts, min_track_peaks, min_bin_peaks, min_all_peaks, _bootstrap(bootstrap, seed)
    )
    write_table(table, output)
    if tests is not None:
        write_table(metric.compare(table), tests)


def _distances(windows: Windows, genes: Path, predictions: Path) -> NDArray[np.float64]:
    import numpy as np

    from accessiflow.evaluation.tss_distance import distances
    from accessiflow.genes import read_tss

    if windows.sites is None:
        raise InputError(
            "does not say where its windows are (chrom, start, end): no distance can be measured", predictions
        )
    distance = distances(windows.sites, read_tss(genes))
    if not np.isfinite(distance).any():
        raise InputError("has no gene on a chromosome of the windows", genes)
    return distance


def _distance_edges(text: str, distance: NDArray[np.float64]) -> list[float]:
    import numpy as np

    from accessiflow.intervals import split_list

    if text == "tertiles":
        return np.floor(np.nanpercentile(distance, [33, 67])).tolist()
    items = split_list(text)
    if not all(item.isdigit() for item in items):
        raise InputError(f"--distance-edges {text}: expected integers, comma-separated, or tertiles")
    return sorted(float(item) for item in items)


@app.command()
def loci(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    tracks: Tracks = None,
    number: Annotated[int, typer.Option(min=1, help="Tracks to choose loci for.")] = 3,
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Example loci by rule: best, median and worst specific peak, and a ubiquitous one."""
    from accessiflow.evaluation.loci import example_loci
    from accessiflow.files import write_table

    windows = _load(predictions, targets, peaks, None, tracks)
    if windows.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end): no locus can be shown", predictions)
    write_table(example_loci(windows, number), output)


@app.command()
def replicates(
    predictions: Annotated[
        list[Path], typer.Option(help="Predictions of one replicate of the model; once a replicate, at least two.")
    ],
    output: Output,
    targets: Annotated[
        Path | None,
        typer.Option(help="The measurement: the windows and tracks to judge; default: those of the first replicate."),
    ] = None,
    peaks: Peaks = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    specific: Specific = "",
    ubiquitous: Ubiquitous = "",
    ddof: Annotated[int, typer.Option(min=0, max=1, help="1: sample standard deviation, 0: population.")] = 1,
    tests: Annotated[
        Path | None,
        typer.Option(help="Write the tests of all specific windows of each track against the ubiquitous ones too."),
    ] = None,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Coefficient of variation of the predictions across replicates, by cluster, and whether it is greater than in ubiquitous peaks."""
    from accessiflow.evaluation import variability
    from accessiflow.evaluation.comparison import replicate_predictions
    from accessiflow.files import write_table
    from accessiflow.intervals import split_list

    windows, _ = _clustered(predictions[0], targets or predictions[0], peaks, clusters, tracks)
    cv = variability.coefficient_of_variation(replicate_predictions(windows, predictions, _names(tracks)), ddof)
    compared = variability.compare(windows, cv, split_list(specific), split_list(ubiquitous))
    write_table(variability.by_cluster(windows, cv, split_list(ubiquitous), _bootstrap(bootstrap, seed)), output)
    if tests is not None:
        write_table(compared, tests)


@app.command("height-matched")
def height_matched(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    specific: Specific = "",
    ubiquitous: Ubiquitous = "",
    repeats: Annotated[
        int,
        typer.Option(min=1, help="Draws of ubiquitous windows; 1: a single draw, as the paper, without an interval."),
    ] = 100,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Pearson R of log2(x + 1) in specific peaks and in ubiquitous peaks of the same height."""
    from accessiflow.evaluation.height_matched import by_track
    from accessiflow.files import write_table
    from accessiflow.intervals import split_list

    windows = _any_windows(predictions, targets, peaks, is_peak, clusters, tracks)
    write_table(
        by_track(windows, split_list(specific), split_list(ubiquitous), repeats, seed, _bootstrap(bootstrap, seed)),
        output,
    )


def _any_windows(
    predictions: Path,
    targets: Path,
    peaks: Path | None,
    is_peak: Path | None,
    clusters: Path | None,
    tracks: Path | None,
    edges: str = "",
) -> Windows:
    """The windows with flags from --peaks or --is-peak and clusters from --clusters or --peaks."""
    from accessiflow.evaluation.clusters import assign_clusters
    from accessiflow.evaluation.sets import with_cell_types
    from accessiflow.sheets import read_sheet

    if peaks is None and is_peak is None:
        return _clustered(predictions, targets, peaks, clusters, tracks)[0]
    windows = _load(predictions, targets, peaks, is_peak, tracks, edges)
    windows = windows if tracks is None else with_cell_types(windows, read_sheet("tracks", tracks))
    if clusters is None:
        return windows
    if windows.sites is None:
        raise InputError(
            "does not say where its windows are (chrom, start, end): no clusters can be assigned", predictions
        )
    return assign_clusters(windows, clusters)


@app.command()
def errors(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    fdr: cli.Fdr = 0.05,
    bh: Bh = "correct",
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """False negative and false positive rates of peaks called on the predictions, over all windows, all peaks and each cluster.

    With --clusters alone the measured peaks are called on the targets in the same way.
    """
    from dataclasses import replace

    from accessiflow.evaluation.error_rates import called_on, rates
    from accessiflow.evaluation.sets import cluster_names
    from accessiflow.files import write_table

    cli.one_of(bh, ("correct", "floor"), "--bh")
    windows = _any_windows(predictions, targets, peaks, is_peak, clusters, tracks)
    if peaks is None and is_peak is None:
        measured = called_on(windows.targets, fdr, bh)
        windows = replace(windows, is_peak=measured, n_tracks=measured.sum(axis=1))
    write_table(rates(windows, called_on(windows.predictions, fdr, bh), cluster_names(windows)), output)


@app.command()
def compare(
    predictions: Annotated[
        list[str], typer.Option(help="[NAME=]FILE, once a model; the same name again is a further replicate of it.")
    ],
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    edges: Edges = "",
    reference: Annotated[str, typer.Option(help="A model that the others are compared with on the leaderboard.")] = "",
    baseline: Annotated[str, typer.Option(help="Name of the k-mer ridge.")] = "kmer_ridge",
    min_track_peaks: MinTrack = 0,
    min_bin_peaks: MinBin = 1,
    fdr: cli.Fdr = 0.05,
    bh: Bh = "correct",
    tests: Annotated[
        Path | None, typer.Option(help="Write the Wilcoxon signed-rank tests between every two models too.")
    ] = None,
    leaderboard: Annotated[
        Path | None, typer.Option(help="Write one row a model, best specific accuracy first, too.")
    ] = None,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Models on the same windows: accuracy of every replicate, tests between them, a leaderboard with the baselines.

    A single model is compared with its own cross-track mean.
    """
    from accessiflow.evaluation import comparison
    from accessiflow.evaluation.leaderboard import add_cross_track_mean
    from accessiflow.evaluation.leaderboard import leaderboard as board
    from accessiflow.files import write_table

    cli.one_of(bh, ("correct", "floor"), "--bh")
    models = comparison.parse_models(predictions)
    if reference and reference not in {name for name, _ in models}:
        raise InputError(
            f"--reference {reference}: no --predictions of that name ({', '.join(dict.fromkeys(name for name, _ in models))})"
        )
    base = _any_windows(targets, targets, peaks, is_peak, clusters, tracks, edges)
    options = comparison.Options(min_track_peaks, min_bin_peaks, fdr, bh, _bootstrap(bootstrap, seed))
    judged = comparison.judge_all(base, targets, models, _names(tracks), options)
    entries, best = add_cross_track_mean(judged)
    table = comparison.tidy(entries)
    write_table(table, output)
    if tests is not None:
        write_table(comparison.wilcoxon_tests(table, reference or None), tests)
    if leaderboard is not None:
        write_table(board(entries, best, baseline, reference or None), leaderboard)


@app.command()
def sequence(
    fasta: Annotated[Path, typer.Option(help="Genome.")],
    output: Annotated[
        Path,
        typer.Option(help="Table, one row a peak; PREFIX.summary.tsv and PREFIX.motifs.tsv are written beside it."),
    ],
    bed: Annotated[
        Path | None, typer.Option(help="Peaks; cluster in column 4, or of the peak bin of --peaks at their centre.")
    ] = None,
    peaks: Peaks = None,
    motifs: Annotated[Path | None, typer.Option(help="Motifs in MEME format.")] = None,
    p_value: Annotated[
        float, typer.Option(min=0, max=1, help="A sequence holds a motif at a place of this p value or less.")
    ] = 1e-4,
    background: Annotated[
        str, typer.Option(help="Background windows: uniform over the genome, or gc (matched to the peaks).")
    ] = "uniform",
    number: Annotated[int, typer.Option(min=1, help="Background windows.")] = 50_000,
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """GC, CpG islands and motifs of the peaks: one row a peak, a summary by cluster, motif enrichment over ubiquitous peaks and background."""
    from accessiflow.evaluation.sequence import describe, read_sites
    from accessiflow.files import write_table
    from accessiflow.genome import Fasta
    from accessiflow.motifs import read_meme

    cli.one_of(background, ("uniform", "gc"), "--background")
    found = read_meme(motifs) if motifs is not None else []
    with Fasta(fasta) as genome:
        sites = read_sites(bed, peaks, genome)
        tables = describe(genome, sites, found, p_value, number, background == "gc", _bootstrap(bootstrap, seed))
    beside = output.with_suffix("") if output.suffix == ".tsv" else output
    write_table(tables.peaks, output)
    write_table(tables.summary, beside.with_name(f"{beside.name}.summary.tsv"))
    if tables.motifs is not None:
        write_table(tables.motifs, beside.with_name(f"{beside.name}.motifs.tsv"))


@app.command("all")
def every(
    predictions: Predictions,
    targets: Targets,
    peaks: Annotated[Path, typer.Option(help="peaks.h5ad")],
    prefix: Annotated[str, typer.Option(help="Tables are written as PREFIX.METRIC.tsv.")],
    tracks: Tracks = None,
    genes: Annotated[Path | None, typer.Option(help="Genes: for the accuracy by TSS distance.")] = None,
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 50,
    fdr: cli.Fdr = 0.05,
    bh: Bh = "correct",
    bootstrap: Resamples = 200,
    seed: cli.Seed = 0,
) -> None:
    """Every metric that the inputs allow, read once: specificity, clusters, precision, cell_types, height_matched, errors, loci, tss_distance."""
    from accessiflow.evaluation.metrics import tables
    from accessiflow.files import write_table

    cli.one_of(bh, ("correct", "floor"), "--bh")
    windows = _load(predictions, targets, peaks, None, tracks)
    distance = _distances(windows, genes, predictions) if genes is not None else None
    for name, table in tables(windows, distance, min_track_peaks, min_bin_peaks, fdr, bh, _bootstrap(bootstrap, seed)):
        write_table(table, Path(f"{prefix}.{name}.tsv"))


if __name__ == "__main__":
    cli.run(app)
