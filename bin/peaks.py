#!/usr/bin/env python3
"""Coverage and peaks: bin signals, call peaks, merge them into the peaks x tracks matrix, cut tissue sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

app = cli.make_app(__doc__ or "")


@app.command("bin")
def bin_signal(
    signal: Annotated[Path, typer.Argument(help="bigWig, BAM, fragments or bedGraph.")],
    chrom_sizes: Annotated[Path, typer.Option(help="Chromosome sizes: two columns, or a .fai.")],
    output: Annotated[Path, typer.Option(help="T.coverage.h5")],
    bin_size: Annotated[int, typer.Option(min=1, help="Bin width in bp.")] = 128,
    exclude: Annotated[list[Path] | None, typer.Option(help="BED: bins that touch it are NaN (repeatable).")] = None,
    kind: Annotated[str, typer.Option(help="bigwig, bam, fragments, bedgraph; default: from the suffix.")] = "",
    scale: Annotated[float, typer.Option(help="Coverage is multiplied by it.")] = 1.0,
    count: Annotated[str, typer.Option(help="BAM: insertions or fragments.")] = "insertions",
    shift: Annotated[bool, typer.Option("--shift/--no-shift", help="BAM: move 5' ends by +4/-5.")] = True,
    min_mapq: Annotated[int, typer.Option(min=0, help="BAM: least mapping quality.")] = 30,
    barcodes: Annotated[Path | None, typer.Option(help="Fragments: count these cells, one barcode a line.")] = None,
    track: Annotated[str, typer.Option(help="Name of the track; default: from the output.")] = "",
    bigwig: Annotated[Path | None, typer.Option(help="Write the per-base coverage too (not for bigWig input).")] = None,
) -> None:
    """One signal file -> sums over fixed-width bins."""
    from accessiflow.intervals import IntervalSet, read_bed, read_chrom_sizes
    from accessiflow.sheets import signal_kind
    from accessiflow.signal.bigwig import BigWig, write_bigwig
    from accessiflow.signal.bins import mask_excluded, write_coverage
    from accessiflow.signal.insertions import Counting, read_barcodes
    from accessiflow.signal.reading import open_signal

    if not scale > 0 or scale == float("inf"):
        raise InputError(f"--scale {scale}: must be positive")
    found = signal_kind(str(signal), cli.one_of(kind, ("", "bigwig", "bam", "fragments", "bedgraph"), "--kind"))
    sizes = read_chrom_sizes(chrom_sizes)
    counting = Counting(
        cli.one_of(count, ("insertions", "fragments"), "--count"),
        shift,
        min_mapq,
        read_barcodes(barcodes) if barcodes else None,
    )
    excluded = [IntervalSet(read_bed(path)) for path in exclude or []]

    opened = open_signal(signal, found, sizes, counting)

    def chromosomes() -> Iterator[tuple[str, NDArray[np.float64]]]:
        for chrom, bins in opened.bins(bin_size):
            masked = bins * scale
            for intervals in excluded:
                masked = mask_excluded(masked, *intervals.merged(chrom), bin_size)
            yield chrom, masked

    write_coverage(output, track or output.name.removesuffix(".coverage.h5"), found, scale, bin_size, chromosomes())
    if bigwig is not None and not isinstance(opened, BigWig):
        write_bigwig(bigwig, sizes, opened.per_base())
    log.info("%s: %s -> %s", found, signal.name, output.name)


@app.command()
def call(
    coverage: Annotated[Path, typer.Argument(help="T.coverage.h5")],
    output: Annotated[Path, typer.Option(help="T.peaks.bed.gz")],
    fdr: cli.Fdr = 0.01,
    bh: Annotated[str, typer.Option(help="Benjamini-Hochberg: correct, or floor (as the paper's code).")] = "correct",
) -> None:
    """Poisson test of each bin against the track's mean; adjacent significant bins are joined."""
    import numpy as np

    from accessiflow.peaks.calling import call_bins, run_maximum
    from accessiflow.peaks.files import break_at_chromosomes, write_peaks
    from accessiflow.signal.bins import read_coverage, read_layout

    track, layout = read_layout(coverage)
    bins = read_coverage(coverage, layout)
    if np.isinf(bins).any() or (bins < 0).any():
        raise InputError("holds negative or infinite coverage: bin the signal again", coverage)
    if not np.nansum(bins) > 0:
        raise InputError("has no coverage at all: no peak can be called", coverage)
    is_peak, mean = call_bins(bins, fdr, cli.one_of(bh, ("correct", "floor"), "--bh"))
    first, last = break_at_chromosomes(is_peak, layout)
    height = run_maximum(bins, first, last)
    write_peaks(output, track, layout, first, last, height)
    log.info(
        "%s: %d of %d bins are peaks (lambda %.4g), %d joined",
        track,
        is_peak.sum(),
        np.isfinite(bins).sum(),
        mean,
        len(first),
    )


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
    from accessiflow.peaks.build import Annotations, build
    from accessiflow.peaks.specificity import specificity_edges
    from accessiflow.peaks.tables import write_tables
    from accessiflow.sheets import read_sheet
    from accessiflow.signal.bins import read_layout, same_layout

    rows = read_sheet("tracks", tracks)
    wanted = list(rows["track"])
    by_stem = {path.name.removesuffix(".h5").removesuffix(".coverage"): path for path in coverage}
    by_track = _match(by_stem | {read_layout(path)[0]: path for path in coverage}, wanted, "coverage file")
    called = _match(
        {path.name.removesuffix(".gz").removesuffix(".bed").removesuffix(".peaks"): path for path in peaks},
        wanted,
        "peak file",
    )
    layout = same_layout(by_track)
    notes = Annotations(
        fasta, genes, clusters, split_list(valid_chroms), split_list(test_chroms), cli.edges(edges), ubiquitous_share
    )
    obs, var = build(rows, by_track, called, layout, notes, output)
    log.info("%d peak bins x %d tracks", len(obs), len(var))
    if tables is not None:
        write_tables(
            obs, var, sum(layout.bins.values()), specificity_edges(len(var), notes.edges), bool(notes.edges), tables
        )


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
    from accessiflow.peaks.tissue_sets import tissue_sets

    matrix = read_peaks(peaks)
    named = "group" if any(matrix.var["group"]) else "cell_type"
    choices = {"group": ["group"], "cell_type": ["cell_type"], "both": ["group", "cell_type"], "auto": [named]}
    columns = choices[cli.one_of(by, tuple(choices), "--by")]
    n_tracks = matrix.obs["n_tracks"].to_numpy()
    found = list(tissue_sets(matrix.is_peak, n_tracks, matrix.var, columns, min_share, strict_share))
    if not found:
        raise InputError(
            f"no track names a {' or a '.join(columns)}: fill that column of the tracks sheet, or choose another --by",
            peaks,
        )
    write_sets(matrix.obs, found, outdir)


def _match(found: dict[str, Path], wanted: list[str], what: str) -> dict[str, Path]:
    missing = [t for t in wanted if t not in found]
    if missing:
        raise InputError(
            f"no {what} for the track(s) {', '.join(missing[:5])} of the sheet (files are matched by track name)"
        )
    return {t: found[t] for t in wanted}


if __name__ == "__main__":
    cli.run(app)
