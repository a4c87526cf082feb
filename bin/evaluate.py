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

    from accessiflow.evaluation.inputs import Windows

app = cli.make_app(__doc__ or "")

Predictions = Annotated[Path, typer.Option(help="preds.h5, predict.h5, .h5ad, .npy or .tsv: windows x tracks.")]
Targets = Annotated[Path, typer.Option(help="The same of the measurement.")]
Peaks = Annotated[Path | None, typer.Option(help="peaks.h5ad")]
IsPeak = Annotated[Path | None, typer.Option(help="Peak flags of the windows, instead of --peaks.")]
Tracks = Annotated[Path | None, typer.Option(help="Tracks sheet: names the columns of files without names.")]
Clusters = Annotated[Path | None, typer.Option(help="BED of clusters (name in column 4), instead of those of peaks.h5ad.")]
Output = Annotated[Path, typer.Option(help="Table.")]
Edges = Annotated[str, typer.Option(help="Lower edges of the specificity bins, comma-separated; default: those of --peaks.")]
MinTrack = Annotated[int, typer.Option(min=0, help="A track needs more test peaks than this.")]
MinBin = Annotated[int, typer.Option(min=0, help="A bin or cluster needs more windows than this.")]


def _load(predictions: Path, targets: Path, peaks: Path | None, is_peak: Path | None, tracks: Path | None, edges: str = "") -> Windows:
    from accessiflow.evaluation.inputs import load
    from accessiflow.intervals import split_list

    given = split_list(edges)
    if not all(e.isdigit() and int(e) > 0 for e in given):
        raise InputError(f"--edges {edges}: expected positive integers")
    return load(predictions, targets, peaks, is_peak, [int(e) for e in given] or None, _names(tracks))


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
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Pearson R of log2(x + 1) in each track's peaks, by specificity bin."""
    from accessiflow.evaluation.accuracy import by_specificity
    from accessiflow.files import write_table

    write_table(by_specificity(_load(predictions, targets, peaks, is_peak, tracks, edges), min_track_peaks, min_bin_peaks, all_bins), output)


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
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Pearson R of log2(x + 1) in each peak cluster, for every track."""
    from accessiflow.evaluation.accuracy import by_cluster
    from accessiflow.files import write_table

    windows, names = _clustered(predictions, targets, peaks, clusters, tracks)
    write_table(by_cluster(windows, names, min_track_peaks, min_bin_peaks), output)


def _clustered(predictions: Path, targets: Path, peaks: Path | None, clusters: Path | None, tracks: Path | None) -> tuple[Windows, list[str]]:
    """The windows with their clusters, and the names of the clusters."""
    from accessiflow.evaluation.clusters import assign_clusters, load_clustered

    windows = (
        assign_clusters(load_clustered(predictions, targets, _names(tracks)), clusters)
        if clusters is not None
        else _load(predictions, targets, peaks, None, tracks)
    )
    names = sorted({str(c) for c in windows.cluster} - {""})
    if not names:
        raise InputError("no test window lies in a cluster: do the windows and the clusters have the same chromosomes?")
    return windows, names


@app.command()
def precision(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    is_peak: IsPeak = None,
    tracks: Tracks = None,
    edges: Edges = "",
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Precision of the top N tracks at each peak, N = its number of tracks, by specificity bin."""
    from accessiflow.evaluation.accuracy import precision_of_top_tracks
    from accessiflow.files import write_table

    write_table(precision_of_top_tracks(_load(predictions, targets, peaks, is_peak, tracks, edges)), output)


@app.command("cell-types")
def cell_types(
    predictions: Predictions,
    targets: Targets,
    output: Output,
    peaks: Peaks = None,
    tracks: Tracks = None,
    clusters: Clusters = None,
    summary: Annotated[Path | None, typer.Option(help="Write the over-correlation of each cluster too.")] = None,
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Pearson R of log2(x + 1) between tracks in each cluster, of the predictions and of the measurements."""
    from accessiflow.evaluation.cell_types import between_tracks, over_correlation
    from accessiflow.files import write_table

    table = between_tracks(*_clustered(predictions, targets, peaks, clusters, tracks))
    write_table(table, output)
    if summary is not None:
        write_table(over_correlation(table), summary)


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
    bh: Annotated[str, typer.Option(help="Benjamini-Hochberg: correct, or floor (as the paper's code).")] = "correct",
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """How well a replicate reproduces each track's peaks, by specificity bin, beside the predictions."""
    from accessiflow.evaluation.inputs import read_matrix
    from accessiflow.evaluation.replicates import ceiling
    from accessiflow.files import write_table

    if bh not in ("correct", "floor"):
        raise InputError(f"--bh {bh}: expected one of correct, floor")
    windows, second = _load(predictions, targets, peaks, is_peak, tracks, edges), read_matrix(replicate)
    if second.values.shape != windows.targets.shape or (second.tracks or windows.tracks) != windows.tracks:
        raise InputError(
            f"holds windows x tracks of shape {second.values.shape} or other tracks than the predictions {windows.targets.shape}", replicate
        )
    write_table(ceiling(windows, second.values, fdr, bh, min_track_peaks, min_bin_peaks), output)


@app.command()
def binary(
    predictions: Predictions,
    targets: Annotated[Path, typer.Option(help="Peak labels of the windows: windows x tracks of 0 and 1.")],
    output: Output,
    tracks: Tracks = None,
    edges: Edges = "",
    min_track_peaks: MinTrack = 1000,
    min_bin_peaks: MinBin = 50,
    min_negative_tracks: Annotated[int, typer.Option(min=0, help="A negative is a peak of more tracks than this.")] = 10,
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
    min_all_peaks: Annotated[int, typer.Option(min=0, help="The row over all specificity bins needs more windows than this.")] = 500,
    tests: Annotated[Path | None, typer.Option(help="Write the Mann-Whitney tests between distance bins too.")] = None,
    seed: cli.Seed = 0,  # noqa: ARG001
) -> None:
    """Pearson R of log2(x + 1) by distance to the nearest TSS, within and over the specificity bins."""
    import numpy as np

    from accessiflow.evaluation import tss_distance as metric
    from accessiflow.files import write_table
    from accessiflow.peak_matrix import read_tss

    windows = _load(predictions, targets, peaks, is_peak, tracks, edges)
    if windows.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end): no distance can be measured", predictions)
    distance = metric.distances(windows.sites, read_tss(genes))
    if not np.isfinite(distance).any():
        raise InputError("has no gene on a chromosome of the windows", genes)
    cuts = _distance_edges(distance_edges, distance[windows.n_tracks > 0])
    table = metric.by_distance(windows, distance, cuts, min_track_peaks, min_bin_peaks, min_all_peaks)
    write_table(table, output)
    if tests is not None:
        write_table(metric.compare(table), tests)


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


if __name__ == "__main__":
    cli.run(app)
