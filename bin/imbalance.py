#!/usr/bin/env python3
"""Allelic imbalance: label sites from read counts, and judge variant scores on them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli

app = cli.make_app(__doc__ or "")


class Test(StrEnum):
    """The null distribution of the reads."""

    BINOMIAL = "binomial"
    BETABINOMIAL = "betabinomial"


@app.command("call")
def call_sites(
    counts: Annotated[Path, typer.Option("--counts", help="Allelic counts (TSV: chrom pos ref alt ref_count alt_count); rows of a site are summed.")],
    output: Annotated[Path, typer.Option("--output", help="Table with one row a site.")],
    min_reads: Annotated[int, typer.Option("--min-reads", min=0, help="A site is tested when it has more reads than this.")] = 20,
    fdr: cli.Fdr = 0.01,
    test: Annotated[Test, typer.Option("--test", help="Whose p values give q and the labels.")] = Test.BINOMIAL,
    match_depth: Annotated[
        int, typer.Option("--match-depth", min=0, help="Balanced sites to keep for each imbalanced one, matched on depth; 0: all.")
    ] = 0,
) -> None:
    """Label sites as imbalanced (q below the FDR), balanced (p above 0.1) or neither."""
    from accessiflow import imbalance
    from accessiflow.files import write_table

    table, rho = imbalance.call(imbalance.read_counts(counts), min_reads, fdr, test.value, match_depth)
    found = table["label"].value_counts()
    cli.log.info("%d sites, over-dispersion %.4g: %s", len(table), rho, ", ".join(f"{n} {label}" for label, n in found.items()))
    cli.note(rho=rho)
    write_table(table, output, float_format=None)


@app.command()
def evaluate(
    calls: Annotated[Path, typer.Option("--calls", help="Labelled sites, of the command call.")],
    scores: Annotated[list[Path], typer.Option("--scores", help="sad.h5 with REF and ALT of the sites; may be given several times.")],
    track: Annotated[str, typer.Option("--track", help="Track of the cell type in which reads were counted.")],
    output: Annotated[Path, typer.Option("--output", help="Table with one row a group of sites.")],
    peaks: Annotated[Path | None, typer.Option("--peaks", help="peaks.h5ad: groups by cluster and by specificity bin too.")] = None,
) -> None:
    """AUROC of the predicted REF / (REF + ALT) for the allele with more reads, at the imbalanced sites."""
    from accessiflow import imbalance
    from accessiflow.files import write_table
    from accessiflow.peak_rows import read_peak_rows
    from accessiflow.variants.scores import open_scores

    sites = imbalance.read_imbalanced(calls)
    with open_scores(scores) as scored:
        predicted = imbalance.predicted_ref_share(sites, scored, track)
    groups = imbalance.site_groups(sites, read_peak_rows(peaks) if peaks else None)
    write_table(imbalance.evaluate(sites["ratio"].to_numpy(), predicted, groups), output)


if __name__ == "__main__":
    cli.run(app)
