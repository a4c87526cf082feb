#!/usr/bin/env python3
"""Allelic imbalance: label sites from read counts, and evaluate variant scores on them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.log import left_out, log, note, rows_without_value

app = cli.make_app(__doc__ or "")


class Test(StrEnum):
    """The null distribution of the reads."""

    BINOMIAL = "binomial"
    BETABINOMIAL = "betabinomial"


class Predicted(StrEnum):
    """What the scores are to predict."""

    DIRECTION = "direction"
    IMBALANCE = "imbalance"


Calls = Annotated[Path, typer.Option("--calls", help="Labelled sites, of the command call.")]
Track = Annotated[str, typer.Option("--track", help="Track of the cell type in which reads were counted.")]
Groups = Annotated[Path, typer.Option("--output", help="Table with one row a group of sites.")]
Peaks = Annotated[
    Path | None, typer.Option("--peaks", help="peaks.h5ad: groups by cluster and by specificity bin too.")
]
Outcome = Annotated[
    Predicted,
    typer.Option(
        "--outcome",
        help="Classify imbalanced sites by the allele with more reads, or imbalanced against balanced sites.",
    ),
]


@app.command("count")
def count_alleles(
    bam: Annotated[Path, typer.Argument(help="Alignments (BAM or CRAM), sorted by coordinate.")],
    vcf: Annotated[
        Path,
        typer.Option("--vcf", help="VCF or BCF: its heterozygous SNVs are counted (all SNVs where it has no samples)."),
    ],
    output: Annotated[Path, typer.Option("--output", help="Table of counts, one row a site.")],
    sample: Annotated[str, typer.Option("--sample", help="Sample of the VCF (default: the first).")] = "",
    min_mapq: Annotated[int, typer.Option("--min-mapq", min=0, help="Least mapping quality of a read.")] = 30,
    min_base_quality: Annotated[
        int, typer.Option("--min-base-quality", min=0, help="Least quality of the base at the site.")
    ] = 20,
    fasta: Annotated[Path | None, typer.Option("--fasta", "-f", help="Genome: for --swap-check and CRAM.")] = None,
    swap_check: Annotated[
        bool,
        typer.Option("--swap-check", help="Look up the k-mers with either allele in the genome (column mappability)."),
    ] = False,
    k: Annotated[int, typer.Option("--k", min=16, max=48, help="Length of these k-mers.")] = 36,
) -> None:
    """Count the fragments with each allele at heterozygous SNVs."""
    from accessiflow.errors import InputError
    from accessiflow.files import write_table
    from accessiflow.imbalance import mappability
    from accessiflow.imbalance.counting import Filter, count
    from accessiflow.imbalance.het_sites import chosen_sample, read_sites

    if swap_check and fasta is None:
        raise InputError("--swap-check looks up k-mers in the genome: give --fasta")
    person = chosen_sample(vcf, sample)
    sites = read_sites(vcf, person)
    table = count(bam, sites, Filter(min_mapq, min_base_quality), fasta, person)
    covered = int((table[["ref_count", "alt_count"]].sum(axis=1) > 0).sum())
    log.info("%d sites, %d of them with reads", len(table), covered)
    if swap_check and fasta is not None:
        table["mappability"] = mappability.swap_check(sites, fasta, k)
        log.info("mappability: %s", ", ".join(f"{n} {name}" for name, n in table["mappability"].value_counts().items()))
    write_table(table, output)


@app.command("call")
def call_sites(
    counts: Annotated[
        Path,
        typer.Option(
            "--counts", help="Allelic counts (TSV: chrom pos ref alt ref_count alt_count); rows of a site are summed."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="Table with one row a site.")],
    min_reads: Annotated[
        int, typer.Option("--min-reads", min=0, help="A site is tested when it has more reads than this.")
    ] = 20,
    fdr: cli.Fdr = 0.01,
    test: Annotated[Test, typer.Option("--test", help="Whose p values give q and the labels.")] = Test.BINOMIAL,
    match_depth: Annotated[
        int,
        typer.Option(
            "--match-depth", min=0, help="Balanced sites to keep for each imbalanced one, matched on depth; 0: all."
        ),
    ] = 0,
    sites: Annotated[Path | None, typer.Option("--sites", help="Write the number of sites of each label too.")] = None,
) -> None:
    """Label sites as imbalanced (q below the FDR), balanced (p above 0.1) or neither."""
    from accessiflow.files import write_table
    from accessiflow.imbalance.calls import call, read_counts, site_counts

    table, rho = call(read_counts(counts), min_reads, fdr, test.value, match_depth)
    found = table["label"].value_counts()
    log.info(
        "%d sites, over-dispersion %.4g: %s", len(table), rho, ", ".join(f"{n} {label}" for label, n in found.items())
    )
    untested = {reason: int(n) for reason, n in table["reason"].value_counts().items() if reason}
    note(rho=rho, sites=len(table), untested=untested)
    for reason, n in untested.items():
        left_out("sites", n, len(table), reason)
    if sites is not None:
        write_table(site_counts(table), sites)
    write_table(table, output, float_format=None)


@app.command()
def evaluate(
    calls: Calls,
    scores: Annotated[
        list[Path], typer.Option("--scores", help="sad.h5 with REF and ALT of the sites; may be given several times.")
    ],
    track: Track,
    output: Groups,
    peaks: Peaks = None,
    outcome: Outcome = Predicted.DIRECTION,
    fasta: cli.LookupGenome = None,
) -> None:
    """AUROC of the predicted REF / (REF + ALT) for the allele with more reads, at the imbalanced sites."""
    from accessiflow.files import write_table
    from accessiflow.imbalance.evaluation import OUTCOMES, evaluate_files

    found = evaluate_files(calls, scores, track, peaks, OUTCOMES[outcome.value], fasta)
    rows_without_value(found["reason"], "groups")
    write_table(found, output)


@app.command()
def compare(
    calls: Calls,
    scores: Annotated[
        list[str],
        typer.Option("--scores", help="[NAME=]FILE: sad.h5 of a model; once for each model, or each file of one."),
    ],
    track: Track,
    output: Groups,
    peaks: Peaks = None,
    outcome: Outcome = Predicted.DIRECTION,
    fasta: cli.LookupGenome = None,
) -> None:
    """Test the difference of two models' AUROCs on the same sites.

    DeLong's paired test; q: Benjamini-Hochberg over all rows.
    """
    from accessiflow.files import write_table
    from accessiflow.imbalance.comparison import compare_files, named_files
    from accessiflow.imbalance.evaluation import OUTCOMES

    found = compare_files(calls, named_files(scores), track, peaks, OUTCOMES[outcome.value], fasta)
    rows_without_value(found["reason"], "comparisons")
    write_table(found, output)


if __name__ == "__main__":
    cli.run(app)
