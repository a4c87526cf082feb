#!/usr/bin/env python3
"""Simulate a study of known truth, and compare a pipeline's results with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli

app = cli.make_app("Simulate a study of known truth, and compare a pipeline's results with it.")


@app.command()
def study(
    *,
    outdir: Annotated[Path, typer.Option("--outdir", help="Folder of the study.")],
    seed: cli.Seed = 1,
    chromosomes: Annotated[
        int,
        typer.Option(
            "--chromosomes", help="Chromosomes; the last is the test fold, the one before the validation fold."
        ),
    ] = 5,
    chrom_length: Annotated[int, typer.Option("--chrom-length", help="Length of each, in bp.")] = 4_000_000,
    cell_types: Annotated[int, typer.Option("--cell-types", help="Cell types (one track each), in two groups.")] = 6,
    individuals: Annotated[int, typer.Option("--individuals", help="People of the LD panel.")] = 400,
    gwas_individuals: Annotated[int, typer.Option("--gwas-individuals", help="People of the GWAS.")] = 6000,
    snps: Annotated[int, typer.Option("--snps", help="SNPs in total, at most.")] = 45_000,
    extras: Annotated[
        bool, typer.Option("--extras", help="Write what further analyses read, too, and the sheets' rows for it.")
    ] = False,
    threads: cli.Threads = 2,
) -> None:
    """Write a genome with planted motif grammar, tracks, variants, genotypes, traits, and their truth."""
    from accessiflow.simulate.design import StudyDesign
    from accessiflow.simulate.study import write_study

    design = StudyDesign(seed, chromosomes, chrom_length, cell_types, individuals, gwas_individuals, snps)
    write_study(design, outdir, threads, extras)


@app.command()
def compare(
    *,
    truth: Annotated[Path, typer.Option("--truth", help="Truth folder of the study.")],
    output: Annotated[Path, typer.Option("--output", help="Summary table (TSV).")],
    peaks: Annotated[Path | None, typer.Option("--peaks", help="peaks.h5ad")] = None,
    predictions: Annotated[Path | None, typer.Option("--predictions", help="preds.h5")] = None,
    targets: Annotated[Path | None, typer.Option("--targets", help="targets.h5")] = None,
    scores: Annotated[
        list[Path] | None, typer.Option("--scores", help="sad.h5; repeat for the shards or sets of one model.")
    ] = None,
    eqtl: Annotated[
        list[Path] | None, typer.Option("--eqtl", help="eQTL classification; repeat for each tissue.")
    ] = None,
    eqtl_shuffled: Annotated[
        list[Path] | None, typer.Option("--eqtl-shuffled", help="The same with shuffled labels.")
    ] = None,
    imbalance: Annotated[
        list[Path] | None, typer.Option("--imbalance", help="MODEL.CELL.auroc.tsv; repeat for each cell type.")
    ] = None,
    calls: Annotated[
        list[Path] | None, typer.Option("--calls", help="CELL.calls.tsv: gives --imbalance its ceiling; repeat.")
    ] = None,
    heritability: Annotated[Path | None, typer.Option("--heritability", help="heritability.tsv")] = None,
    test_chroms: Annotated[
        str | None, typer.Option("--test-chroms", help="Comma-separated; the study's own by default.")
    ] = None,
) -> None:
    """Write a table of every result and its truth: figure, unit, value, ceiling, target, n, note."""
    from accessiflow.files import write_table
    from accessiflow.intervals import split_list
    from accessiflow.simulate import compare as comparison
    from accessiflow.simulate.truth import Truth

    results = comparison.RunResults(
        peaks,
        predictions,
        targets,
        scores=tuple(scores or ()),
        eqtl=tuple(eqtl or ()),
        eqtl_shuffled=tuple(eqtl_shuffled or ()),
        imbalance=tuple(imbalance or ()),
        calls=tuple(calls or ()),
        heritability=heritability,
    )
    write_table(comparison.compare(Truth(truth), results, split_list(test_chroms)), output, float_format="%.6g")


if __name__ == "__main__":
    cli.run(app)
