#!/usr/bin/env python3
"""Judge variant scores on fine-mapped eQTLs, by cell type specificity."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.eqtl import Result
    from accessiflow.peak_matrix import PeakMatrix

app = cli.make_app("Judge variant scores on fine-mapped eQTLs, by cell type specificity.")


class NegativeSource(StrEnum):
    """Where negatives come from."""

    ALL = "all"
    SAME_BIN = "same-bin"


Scores = Annotated[list[Path], typer.Option("--scores", help="sad.h5 with the variants' scores; may be given several times.")]
Peaks = Annotated[Path, typer.Option("--peaks", help="peaks.h5ad: the specificity bins.")]
Output = Annotated[Path, typer.Option("--output", help="Table with one row a specificity bin.")]
Genes = Annotated[Path | None, typer.Option("--genes", help="Genes (BED6, or TSV: name chrom tx_start strand), for the distance to the TSS.")]
Folds = Annotated[int, typer.Option("--folds", min=2, help="Cross-validation folds.")]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="Forests (and draws of negatives) to average, with seeds S, S+1, ...")]
MinPositives = Annotated[int, typer.Option("--min-positives", min=1, help="A bin with fewer is not judged (NA with a reason).")]
Pip = Annotated[float, typer.Option("--pip", min=0.0, max=1.0, help="A fine-mapped variant has a PIP above this.")]
Edges = Annotated[str, typer.Option("--edges", help="Edges of the specificity bins in numbers of tracks (default: those of peaks.h5ad).")]
Tracks = Annotated[Path | None, typer.Option("--track-list", help="Tracks to use as features, one a line (default: all).")]
Tissue = Annotated[str, typer.Option("--tissue", help="Name for the column tissue (default: the variants file's name).")]
Single = Annotated[bool, typer.Option("--single-track", help="No forest: the mean |score| over the tracks.")]
Shuffle = Annotated[bool, typer.Option("--shuffle-labels", help="Permute the labels: a control whose AUROC is about 0.5.")]
Curves = Annotated[Path | None, typer.Option("--curves", help="Write the points of the ROC and PR curves too.")]


@app.command()
def classify(
    positives: Annotated[Path, typer.Option("--positives", help="Fine-mapped variants (TSV: chrom pos ref alt pip beta gene).")],
    scores: Scores,
    peaks: Peaks,
    output: Output,
    negatives: Annotated[Path | None, typer.Option("--negatives", help="Variants without effect (TSV: chrom pos ref alt).")] = None,
    genes: Genes = None,
    folds: Folds = 8,
    seed: cli.Seed = 42,
    repeats: Repeats = 1,
    min_positives: MinPositives = 40,
    pip: Pip = 0.9,
    max_pip: Annotated[float, typer.Option("--max-pip", help="Without --negatives: those of the positives' file below this PIP.")] = 0.01,
    negative_source: Annotated[NegativeSource, typer.Option("--negative-source", help="Which negatives a bin gets.")] = NegativeSource.ALL,
    negative_seed: Annotated[int, typer.Option("--negative-seed", min=0, help="Seed of the draw of negatives.")] = 0,
    edges: Edges = "",
    track_list: Tracks = None,
    tissue: Tissue = "",
    single_track: Single = False,
    shuffle_labels: Shuffle = False,
    curves: Curves = None,
    threads: cli.Threads = 1,
) -> None:
    """Tell fine-mapped eQTLs from others: AUROC and AUPRC in each specificity bin."""
    from accessiflow import eqtl
    from accessiflow.variants.scores import open_scores

    same_bin = negative_source is NegativeSource.SAME_BIN
    design = eqtl.Design(
        folds, seed, repeats, min_positives, same_bin, negative_seed, shuffle_labels, single_track, threads, tissue or _stem(positives)
    )
    table = eqtl.read_fine_mapped(positives)
    chosen = eqtl.high_pip(table, pip, _tss(genes))
    others = eqtl.without(eqtl.read_fine_mapped(negatives) if negatives else eqtl.low_pip(table, max_pip), chosen)
    with open_scores(scores) as scored:
        result = eqtl.classify(chosen, others, eqtl.choose_tracks(scored, track_list), _peaks(peaks, edges), design)
    _write(result, output, curves)


@app.command()
def direction(
    variants: Annotated[Path, typer.Option("--variants", help="Fine-mapped variants (TSV: chrom pos ref alt pip beta gene).")],
    scores: Scores,
    peaks: Peaks,
    output: Output,
    genes: Genes = None,
    folds: Folds = 8,
    seed: cli.Seed = 42,
    repeats: Repeats = 1,
    min_positives: MinPositives = 40,
    pip: Pip = 0.9,
    edges: Edges = "",
    track_list: Tracks = None,
    tissue: Tissue = "",
    shuffle_labels: Shuffle = False,
    curves: Curves = None,
    threads: cli.Threads = 1,
) -> None:
    """Tell eQTLs whose ALT allele raises expression from those that lower it, in each specificity bin."""
    from accessiflow import eqtl
    from accessiflow.variants.scores import open_scores

    design = eqtl.Design(folds, seed, repeats, min_positives, shuffle=shuffle_labels, threads=threads, tissue=tissue or _stem(variants))
    chosen = eqtl.high_pip(eqtl.effect_signs(eqtl.read_fine_mapped(variants, beta=True)), pip, _tss(genes))
    with open_scores(scores) as scored:
        result = eqtl.direction(chosen, eqtl.choose_tracks(scored, track_list), _peaks(peaks, edges), design)
    _write(result, output, curves)


def _tss(genes: Path | None) -> pd.DataFrame | None:
    from accessiflow.peak_matrix import read_tss

    return None if genes is None else read_tss(genes)


def _peaks(path: Path, edges: str) -> PeakMatrix:
    from accessiflow.errors import InputError
    from accessiflow.intervals import split_list
    from accessiflow.peak_rows import read_peak_rows

    if not all(edge.isdigit() for edge in split_list(edges)):
        raise InputError(f"--edges {edges}: expected integers separated by commas")
    return read_peak_rows(path, [int(edge) for edge in split_list(edges)])


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _write(result: Result, output: Path, curves: Path | None) -> None:
    from accessiflow.files import write_table

    write_table(result.table, output, float_format=None)
    if curves is not None:
        write_table(result.curves, curves)


if __name__ == "__main__":
    cli.run(app)
