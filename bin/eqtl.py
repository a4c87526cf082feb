#!/usr/bin/env python3
"""Evaluate variant scores on fine-mapped eQTLs, by cell type specificity."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.sheets import MAX_PIP, MIN_PIP

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.eqtl.design import Matching, Result
    from accessiflow.eqtl.matching import Labelled
    from accessiflow.peaks.matrix import PeakMatrix

app = cli.make_app("Evaluate variant scores on fine-mapped eQTLs, by cell type specificity.")


class NegativeSource(StrEnum):
    """Where negatives come from."""

    ALL = "all"
    SAME_BIN = "same-bin"


class GroupFolds(StrEnum):
    """What must not be in two folds."""

    NONE = "none"
    CHROMOSOME = "chromosome"


class Engine(StrEnum):
    """Whose random forests."""

    SKLEARN = "sklearn"
    INTELEX = "intelex"


class MatchShort(StrEnum):
    """What a bin becomes when a stratum has too few negatives."""

    NA = "na"
    NEAREST = "nearest"


# Options that both commands share, and long ones of `classify`.
Scores = Annotated[
    list[Path], typer.Option("--scores", help="sad.h5 with the variants' scores; may be given several times.")
]
Peaks = Annotated[Path, typer.Option("--peaks", help="peaks.h5ad: the specificity bins.")]
Output = Annotated[Path, typer.Option("--output", help="Table with one row a specificity bin.")]
Genes = Annotated[
    Path | None,
    typer.Option("--genes", help="Genes (BED6, or TSV: name chrom tx_start strand), for the distance to the TSS."),
]
Folds = Annotated[int, typer.Option("--folds", min=2, help="Cross-validation folds.")]
Repeats = Annotated[
    int, typer.Option("--repeats", min=1, help="Forests (and draws of negatives) to average, with seeds S, S+1, ...")
]
MinPositives = Annotated[
    int, typer.Option("--min-positives", min=1, help="A bin with fewer is not evaluated (NA with a reason).")
]
Pip = Annotated[float, typer.Option("--pip", min=0.0, max=1.0, help="A fine-mapped variant has a PIP above this.")]
Edges = Annotated[
    str,
    typer.Option("--edges", help="Edges of the specificity bins in numbers of tracks (default: those of peaks.h5ad)."),
]
Tracks = Annotated[
    Path | None, typer.Option("--track-list", help="Tracks to use as features, one a line (default: all).")
]
Tissue = Annotated[
    str, typer.Option("--tissue", help="Name for the column tissue (default: the variants file's name).")
]
Single = Annotated[bool, typer.Option("--single-track", help="No forest: the mean |score| over the tracks.")]
Grouped = Annotated[GroupFolds, typer.Option("--group-folds", help="Keep the variants of a chromosome in one fold.")]
Forests = Annotated[
    Engine,
    typer.Option(
        "--rf-engine", help="Random forests of scikit-learn, or of scikit-learn-intelex (other forests, faster)."
    ),
]
PerTrack = Annotated[Path | None, typer.Option("--track-table", help="Write the AUROC of each track alone too.")]
Distributions = Annotated[
    Path | None, typer.Option("--distributions", help="Write quantiles of TSS distance and |effect| by bin too.")
]
Shuffle = Annotated[
    bool, typer.Option("--shuffle-labels", help="Permute the labels: a control whose AUROC is about 0.5.")
]
Curves = Annotated[Path | None, typer.Option("--curves", help="Write the points of the ROC and PR curves too.")]
Source = Annotated[NegativeSource, typer.Option("--negative-source", help="Which negatives a bin gets.")]
ShortStratum = Annotated[
    MatchShort,
    typer.Option("--match-short", help="Where a stratum lacks negatives: no figure, or the nearest strata's."),
]
StratumTable = Annotated[Path | None, typer.Option("--match-table", help="Write how each stratum was filled.")]


MaxPip = Annotated[
    float,
    typer.Option(
        "--max-pip", min=0.0, max=1.0, help="Without --negatives: those of the positives' file below this PIP."
    ),
]
Negatives = Annotated[
    Path | None, typer.Option("--negatives", help="Variants without effect (TSV: chrom pos ref alt).")
]


@app.command()
def classify(
    positives: Annotated[
        Path, typer.Option("--positives", help="Fine-mapped variants (TSV: chrom pos ref alt pip beta gene).")
    ],
    scores: Scores,
    peaks: Peaks,
    output: Output,
    negatives: Negatives = None,
    genes: Genes = None,
    folds: Folds = 8,
    seed: cli.Seed = 42,
    repeats: Repeats = 1,
    min_positives: MinPositives = 40,
    pip: Pip = MIN_PIP,
    max_pip: MaxPip = MAX_PIP,
    negative_source: Source = NegativeSource.ALL,
    negative_seed: Annotated[int, typer.Option("--negative-seed", min=0, help="Seed of the draw of negatives.")] = 0,
    match: Annotated[str, typer.Option("--match", help="Match negatives on some of tss,maf,peak.")] = "",
    match_ratio: Annotated[int, typer.Option("--match-ratio", min=1, help="Negatives a positive.")] = 1,
    match_short: ShortStratum = MatchShort.NA,
    match_table: StratumTable = None,
    edges: Edges = "",
    track_list: Tracks = None,
    tissue: Tissue = "",
    single_track: Single = False,
    group_folds: Grouped = GroupFolds.NONE,
    rf_engine: Forests = Engine.SKLEARN,
    shuffle_labels: Shuffle = False,
    curves: Curves = None,
    track_table: PerTrack = None,
    distributions: Distributions = None,
    fasta: cli.LookupGenome = None,
    threads: cli.Threads = 1,
) -> None:
    """Classify fine-mapped eQTLs against other variants: AUROC and AUPRC in each specificity bin."""
    from accessiflow.eqtl import benchmark, fine_mapped
    from accessiflow.eqtl.design import Design
    from accessiflow.scoring.lookup import open_scores
    from accessiflow.scoring.tracks import choose_tracks
    from accessiflow.variants.columns import read_fine_mapped

    same_bin = negative_source is NegativeSource.SAME_BIN
    matching = _matching(match, match_ratio, match_short)
    design = Design(
        folds, seed, repeats, min_positives, same_bin, negative_seed, shuffle_labels, single_track, threads,
        tissue or _stem(positives), matching, group_folds is GroupFolds.CHROMOSOME, rf_engine.value,
        track_table is not None,
    )  # fmt: skip
    table = read_fine_mapped(positives, tissue)
    # One file may hold both labels: low PIP is evidence of no effect, the range between is evidence of nothing.
    chosen = fine_mapped.high_pip(table, pip, _tss(genes))
    others = read_fine_mapped(negatives, tissue) if negatives else fine_mapped.low_pip(table, max_pip)
    if negatives:
        fine_mapped.warn_of_evidence(others, table, max_pip)
    chosen, others = _prepared(chosen, others, design.matching.on, genes, distributions is not None)
    with open_scores(scores, fasta) as scored:
        result = benchmark.classify(chosen, others, choose_tracks(scored, track_list), _peaks(peaks, edges), design)
    _write(
        result, output, {"curves": curves, "tracks": track_table, "distributions": distributions, "strata": match_table}
    )


@app.command()
def direction(
    variants: Annotated[
        Path, typer.Option("--variants", help="Fine-mapped variants (TSV: chrom pos ref alt pip beta gene).")
    ],
    scores: Scores,
    peaks: Peaks,
    output: Output,
    genes: Genes = None,
    folds: Folds = 8,
    seed: cli.Seed = 42,
    repeats: Repeats = 1,
    min_positives: MinPositives = 40,
    pip: Pip = MIN_PIP,
    edges: Edges = "",
    track_list: Tracks = None,
    tissue: Tissue = "",
    group_folds: Grouped = GroupFolds.NONE,
    rf_engine: Forests = Engine.SKLEARN,
    shuffle_labels: Shuffle = False,
    curves: Curves = None,
    track_table: PerTrack = None,
    distributions: Distributions = None,
    fasta: cli.LookupGenome = None,
    threads: cli.Threads = 1,
) -> None:
    """Classify eQTLs by whether their ALT allele raises or lowers expression, in each specificity bin."""
    from accessiflow.eqtl import benchmark, fine_mapped
    from accessiflow.eqtl.design import Design
    from accessiflow.scoring.lookup import open_scores
    from accessiflow.scoring.tracks import choose_tracks
    from accessiflow.variants.columns import read_fine_mapped

    design = Design(
        folds, seed, repeats, min_positives, shuffle=shuffle_labels, threads=threads, tissue=tissue or _stem(variants),
        by_chromosome=group_folds is GroupFolds.CHROMOSOME, engine=rf_engine.value, per_track=track_table is not None,
    )  # fmt: skip
    signed = fine_mapped.effect_signs(read_fine_mapped(variants, tissue, beta=True))
    chosen = fine_mapped.high_pip(signed, pip, _tss(genes))
    with open_scores(scores, fasta) as scored:
        result = benchmark.direction(chosen, choose_tracks(scored, track_list), _peaks(peaks, edges), design)
    _write(result, output, {"curves": curves, "tracks": track_table, "distributions": distributions})


def _matching(match: str, ratio: int, short: MatchShort) -> Matching:
    from accessiflow.eqtl.design import Matching
    from accessiflow.eqtl.matching import parse_criteria
    from accessiflow.intervals import split_list

    return Matching(parse_criteria(split_list(match)), ratio, short is MatchShort.NEAREST)


def _prepared(
    positives: pd.DataFrame, negatives: pd.DataFrame, on: tuple[str, ...], genes: Path | None, described: bool
) -> Labelled:
    """Positives, and negatives once each, with the columns that matching and the distributions need.

    Args:
        positives: variants with an effect.
        negatives: variants without one.
        on: what negatives are matched on.
        genes: transcription starts.
        described: whether the distance to the gene is needed for the distributions.
    """
    from accessiflow.eqtl import fine_mapped, matching

    if (described or "tss" in on) and genes and "gene" in negatives.columns:
        negatives = fine_mapped.nearest_gene(negatives, _tss(genes))
    # Negatives that are positives too would be both labels of one variant.
    return matching.prepare(positives, fine_mapped.without(negatives, positives), on, _tss(genes))


def _tss(genes: Path | None) -> pd.DataFrame | None:
    from accessiflow.genes import read_tss

    return None if genes is None else read_tss(genes)


def _peaks(path: Path, edges: str) -> PeakMatrix:
    from accessiflow.peaks.matrix import read_peak_rows
    from accessiflow.peaks.specificity import parse_edges

    return read_peak_rows(path, parse_edges(edges))


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _write(result: Result, output: Path, further: dict[str, Path | None]) -> None:
    from accessiflow.files import write_table

    for name, path in further.items():
        if path is not None:
            write_table(getattr(result, name), path)
    # Last: where the main table is there, all tables are.
    write_table(result.table, output, float_format=None)


if __name__ == "__main__":
    cli.run(app)
