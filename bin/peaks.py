#!/usr/bin/env python3
"""Coverage and peaks: bin signals, call peaks, merge them into the peaks x tracks matrix, cut tissue sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import left_out, log

app = cli.make_app(__doc__ or "")


@app.command("bin")
def bin_signal(
    signal: Annotated[Path, typer.Argument(help="bigWig, BAM, CRAM, fragments or bedGraph.")],
    chrom_sizes: Annotated[Path, typer.Option(help="Chromosome sizes: two columns, or a .fai.")],
    output: Annotated[Path, typer.Option(help="T.coverage.h5")],
    bin_size: Annotated[int, typer.Option(min=1, help="Bin width in bp.")] = 128,
    exclude: Annotated[list[Path] | None, typer.Option(help="BED: bins that touch it are NaN (repeatable).")] = None,
    kind: Annotated[str, typer.Option(help="bigwig, bam, cram, fragments, bedgraph; default: from the suffix.")] = "",
    scale: Annotated[float, typer.Option(help="Coverage is multiplied by it.")] = 1.0,
    count: Annotated[str, typer.Option(help="BAM, CRAM: insertions or fragments.")] = "insertions",
    shift: Annotated[bool, typer.Option("--shift/--no-shift", help="BAM, CRAM: move 5' ends by +4/-5.")] = True,
    min_mapq: Annotated[int, typer.Option(min=0, help="BAM, CRAM: least mapping quality.")] = 30,
    barcodes: Annotated[Path | None, typer.Option(help="Fragments: count these cells, one barcode a line.")] = None,
    fasta: Annotated[
        Path | None, typer.Option("-f", "--fasta", help="CRAM: the genome that it was written with.")
    ] = None,
    track: Annotated[str, typer.Option(help="Name of the track; default: from the output.")] = "",
    bigwig: Annotated[Path | None, typer.Option(help="Write the per-base coverage too (not for bigWig input).")] = None,
) -> None:
    """One signal file -> sums over fixed-width bins."""
    from accessiflow.intervals import IntervalSet, count_elsewhere, read_bed, read_chrom_sizes
    from accessiflow.sheets import SIGNALS, signal_kind
    from accessiflow.signal.binning import Binning
    from accessiflow.signal.binning import bin_signal as write_bins
    from accessiflow.signal.insertions import Counting, read_barcodes

    if not scale > 0 or scale == float("inf"):
        raise InputError(f"--scale {scale}: must be positive")
    known = signal_kind(str(signal), cli.one_of(kind, ("", *SIGNALS), "--kind"))
    sizes = read_chrom_sizes(chrom_sizes)
    cells = read_barcodes(barcodes) if barcodes else None
    counting = Counting(cli.one_of(count, ("insertions", "fragments"), "--count"), shift, min_mapq, cells, fasta)
    excluded = {path: read_bed(path) for path in exclude or []}
    for path, table in excluded.items():
        count_elsewhere(table, sizes, path)
    binning = Binning(bin_size, scale, [IntervalSet(table) for table in excluded.values()])
    name = track or output.name.removesuffix(".coverage.h5")
    write_bins(signal, known, sizes, counting, binning, name, output, bigwig)


@app.command()
def call(
    coverage: Annotated[Path, typer.Argument(help="T.coverage.h5")],
    output: Annotated[Path, typer.Option(help="T.peaks.bed.gz")],
    fdr: cli.Fdr = 0.01,
    bh: Annotated[str, typer.Option(help="Benjamini-Hochberg: correct, or floor (as the paper's code).")] = "correct",
) -> None:
    """Poisson test of each bin against the track's mean; adjacent significant bins are joined."""
    from accessiflow.peaks.track_peaks import call_track

    call_track(coverage, fdr, cli.one_of(bh, ("correct", "floor"), "--bh"), output)


@app.command()
def merge(
    peaks: Annotated[list[Path], typer.Argument(help="T.peaks.bed.gz of every track.")],
    tracks: Annotated[Path, typer.Option(help="Tracks sheet.")],
    coverage: Annotated[list[Path], typer.Option(help="T.coverage.h5 of every track (repeatable).")],
    output: Annotated[Path, typer.Option(help="peaks.h5ad")],
    fasta: Annotated[Path | None, typer.Option(help="Genome, for GC and CpG islands.")] = None,
    genes: Annotated[Path | None, typer.Option(help="Genes, for the distance to the nearest TSS.")] = None,
    clusters: Annotated[Path | None, typer.Option(help="BED of your own clusters (name in column 4).")] = None,
    valid_chroms: Annotated[str, typer.Option(help="Validation chromosomes, comma-separated.")] = "",
    test_chroms: Annotated[str, typer.Option(help="Test chromosomes, comma-separated.")] = "",
    edges: Annotated[str, typer.Option(help="Lower edges of the specificity bins, comma-separated.")] = "",
    ubiquitous_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share of cell types that makes a peak ubiquitous.")
    ] = 0.8,
    tables: Annotated[Path | None, typer.Option(help="Folder for summary tables.")] = None,
) -> None:
    """All tracks -> the peaks x tracks matrix."""
    from accessiflow.intervals import split_list
    from accessiflow.peaks.build import Annotations, build, coverage_of_tracks, peaks_of_tracks
    from accessiflow.peaks.specificity import parse_edges, specificity_edges
    from accessiflow.peaks.tables import write_tables
    from accessiflow.sheets import read_tracks
    from accessiflow.signal.bins import same_layout

    rows = read_tracks(tracks)
    names = list(rows["track"])
    by_track, called = coverage_of_tracks(coverage, names), peaks_of_tracks(peaks, names)
    layout = same_layout(by_track)
    folds, given = (split_list(valid_chroms), split_list(test_chroms)), parse_edges(edges)
    notes = Annotations(fasta, genes, clusters, *folds, given, ubiquitous_share)
    obs, var = build(rows, by_track, called, layout, notes, output)
    log.info("%d peak bins x %d tracks", len(obs), len(var))
    if tables is not None:
        write_tables(obs, var, sum(layout.bins.values()), specificity_edges(len(var), given), bool(given), tables)


@app.command()
def sets(
    peaks: Annotated[Path, typer.Argument(help="peaks.h5ad")],
    outdir: Annotated[Path, typer.Option(help="Folder for NAME.high.bed, NAME.low.bed and sets.tsv.")],
    by: Annotated[
        str,
        typer.Option(
            help="What a tissue is: group, cell_type, both, or auto (group where a track names one, else cell_type)."
        ),
    ] = "group",
    min_share: Annotated[
        float, typer.Option(min=0, max=1, help="A tissue peak is in at least this share of the tissue's tracks.")
    ] = 0.3,
    strict_share: Annotated[bool, typer.Option(help="More than that share, as the paper's code.")] = False,
) -> None:
    """Tissue peak sets, split at the median of their specificity (high: below the median)."""
    from accessiflow.peaks.matrix import read_peaks
    from accessiflow.peaks.tables import write_sets
    from accessiflow.peaks.tissue_sets import BY, tissue_columns, tissue_sets

    matrix = read_peaks(peaks)
    columns = tissue_columns(cli.one_of(by, BY, "--by"), matrix.var["group"])
    n_tracks = matrix.obs["n_tracks"].to_numpy()
    chosen = list(tissue_sets(matrix.is_peak, n_tracks, matrix.var, columns, min_share, strict_share))
    if not chosen:
        raise InputError(
            f"no track names a {' or a '.join(columns)}: fill that column of the tracks sheet, or choose another --by",
            peaks,
        )
    for column in columns:
        unnamed = int((matrix.var[column] == "").sum())
        left_out("tracks", unnamed, len(matrix.var), f"no {column} in the tracks sheet: in no tissue set")
    write_sets(matrix.obs, chosen, outdir)


if __name__ == "__main__":
    cli.run(app)
