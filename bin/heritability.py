#!/usr/bin/env python3
"""Stratified LD score regression around the real ldsc: annotations, LD scores, checks, summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import left_out, log, rows_without_value

app = cli.make_app(__doc__ or "")


@app.command()
def annotate(
    bim: Annotated[str, typer.Option(help="PREFIX@ of the panel's .bim files, @ standing for the chromosome.")],
    peaks: Annotated[Path, typer.Option(help="BED of the peak set.")],
    name: Annotated[str, typer.Option(help="Name of the annotation.")],
    output: Annotated[str, typer.Option(help="Prefix: OUTPUT.{chrom}.annot.gz.")],
    sad: Annotated[list[Path] | None, typer.Option(help="sad.h5: split the set by |SAD| (repeatable).")] = None,
    track_list: Annotated[
        Path | None, typer.Option(help="Tracks whose |SAD| counts, one a line; default: all.")
    ] = None,
    statistic: Annotated[str, typer.Option(help="mean or max over the tracks, or both: mean,max.")] = "mean",
    quantiles: Annotated[str, typer.Option(help="Shares of the top and bottom, comma-separated.")] = "0.5,0.3,0.1",
    chain: Annotated[Path | None, typer.Option(help="Chain from the peaks' assembly to the panel's.")] = None,
    model: Annotated[
        str, typer.Option(help="The scores' model: write the splits alone, with its name behind theirs.")
    ] = "",
    any_tracks: Annotated[
        bool, typer.Option("--any-tracks", help="All tracks count where the scores have none of the list.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option(help="Table of the annotations: SNPs, thresholds, SNPs without a score.")
    ] = None,
    separate: Annotated[
        bool, typer.Option(help="One file set an annotation: OUTPUT's folder / COLUMN.{chrom}.annot.gz.")
    ] = False,
) -> None:
    """A peak set (and its |SAD| splits) -> thin annotation files."""
    from accessiflow.files import write_table
    from accessiflow.heritability.annotate import PeakSet, read_track_list
    from accessiflow.heritability.annotate import annotate as write_annotations
    from accessiflow.heritability.splits import Split, parse_shares
    from accessiflow.intervals import split_list
    from accessiflow.sheets import check_name

    check_name(name, "annotation")
    statistics = split_list(statistic)
    for each in statistics:
        cli.one_of(each, ("mean", "max"), "--statistic")
    if model and not sad:
        raise InputError(f"--model {model}: its scores are missing, give --sad")
    tracks, shares = read_track_list(track_list), parse_shares(quantiles)
    if not statistics:
        raise InputError("--statistic: expected mean, max or both")
    scored_by = check_name(model, "model") if model else ""
    splits = [Split(each, shares, tracks, any_tracks, scored_by) for each in dict.fromkeys(statistics)]
    written = write_annotations(bim, PeakSet(name, peaks, chain), sad or [], splits, output, separate)
    if table is not None:
        write_table(written, table)
    sizes = zip(written["annotation"], written["n_snps"], strict=True)
    log.info("%s: %s", name, ", ".join(f"{annotation} {n} SNPs" for annotation, n in sizes))


@app.command()
def clusters(
    outdir: Annotated[Path, typer.Option(help="Folder for cluster.NAME.bed.")],
    peaks: Annotated[Path | None, typer.Option(help="peaks.h5ad: its clusters.")] = None,
    bed: Annotated[Path | None, typer.Option(help="BED whose fourth column names the cluster.")] = None,
) -> None:
    """Peak clusters -> one peak set each, to be annotated like tissue peaks."""
    from accessiflow.heritability.clusters import clusters_of_bed, clusters_of_peaks, write_clusters

    if (peaks is None) == (bed is None):
        raise InputError("give either --peaks or --bed")
    sizes = write_clusters(clusters_of_bed(bed) if bed is not None else clusters_of_peaks(peaks), outdir)
    log.info("clusters: %s", ", ".join(f"{name} {n}" for name, n in sizes.items()))


@app.command("ld-scores")
def ld_scores(
    bfile: Annotated[Path, typer.Option(help="plink prefix of one chromosome.")],
    out: Annotated[list[str] | None, typer.Option(help="Prefix of the output, one for each --annot.")] = None,
    annot: Annotated[
        list[Path] | None, typer.Option(help="Annotation file, thin or full (repeatable: all in one pass).")
    ] = None,
    base: Annotated[str | None, typer.Option(help="Prefix: an all-SNPs annotation and its LD scores too.")] = None,
    ld_wind_cm: Annotated[float, typer.Option("--ld-wind-cm", help="Window in cM.")] = 1.0,
    print_snps: Annotated[
        Path | None,
        typer.Option(
            "--print-snps",
            help="Print these SNPs only: a list, or a file of LD scores, in whose order they are printed.",
        ),
    ] = None,
    print_every: Annotated[
        bool, typer.Option("--print-every", help="Refuse where the panel lacks one of --print-snps.")
    ] = False,
    extract: Annotated[Path | None, typer.Option(help="Compute with these SNPs only.")] = None,
    thin_annot: Annotated[  # noqa: ARG001
        bool, typer.Option("--thin-annot", help="Accepted for ldsc's sake: thin files are recognised.")
    ] = False,
    threads: cli.Threads = 1,  # noqa: ARG001 (set for the linear algebra by the option itself)
) -> None:
    """LD scores of one chromosome in ldsc's files."""
    from accessiflow.heritability import outputs

    files, prefixes = annot or [], out or []
    if len(prefixes) != max(len(files), 0 if base else 1):
        raise InputError(f"{len(files)} --annot and {len(prefixes)} --out: give one --out for each --annot")
    if not ld_wind_cm > 0:
        raise InputError(f"--ld-wind-cm {ld_wind_cm}: must be positive")
    log.info(
        "%d SNPs, %d annotation file(s)",
        outputs.compute(bfile, files, prefixes, base, ld_wind_cm, print_snps, extract, print_every),
        len(files),
    )


@app.command()
def freq(
    bfile: Annotated[Path, typer.Option(help="plink prefix of one chromosome.")],
    out: Annotated[Path, typer.Option(help="The .frq file.")],
) -> None:
    """Allele frequencies in plink's .frq form."""
    from accessiflow.heritability.panel import open_panel, write_frq

    write_frq(open_panel(bfile), out)


@app.command()
def panel(
    vcf: Annotated[Path, typer.Argument(help="VCF with genotypes.")],
    out: Annotated[Path, typer.Option(help="Prefix: OUT.{chrom}.bed, .bim, .fam; cM = bp / 1e6.")],
) -> None:
    """A VCF panel -> plink files a chromosome."""
    from accessiflow.heritability.panel import panel_from_vcf

    panel_from_vcf(vcf, out)


@app.command()
def baseline(
    annot: Annotated[Path, typer.Option(help="Annotation file of one chromosome.")],
    ldscore: Annotated[str, typer.Option(help="Prefix of its LD scores.")],
    out: Annotated[str, typer.Option(help="Prefix of the output.")],
    exclude: Annotated[
        str | None,
        typer.Option(
            help="Globs of the columns to leave out, comma-separated; default: promoter and enhancer columns."
        ),
    ] = None,
) -> None:
    """A baseline without some of its columns."""
    from accessiflow.heritability.baseline import REGULATORY, drop_columns
    from accessiflow.intervals import split_list

    kept, dropped = drop_columns(annot, ldscore, REGULATORY if exclude is None else split_list(exclude), out)
    left_out("annotations", dropped, kept + dropped, "of the baseline, matched by --exclude", expected=True)
    log.info("%d annotations kept, %d left out", kept, dropped)


@app.command()
def check(
    bim: Annotated[str, typer.Option(help=".bim file; @ in it, and in the others, stands for the chromosome.")],
    frq: Annotated[list[str] | None, typer.Option(help=".frq file (repeatable).")] = None,
    annot: Annotated[
        list[str] | None,
        typer.Option(help="Annotation file (repeatable); with its LD scores where they lie beside it."),
    ] = None,
    ldscore: Annotated[
        list[str] | None, typer.Option(help=".l2.ldscore.gz file of a baseline: SNPs of the panel (repeatable).")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(help=".l2.ldscore.gz file of regression weights: some SNPs of the panel (repeatable)."),
    ] = None,
) -> None:
    """Are the files of a chromosome of the panel's SNPs, and in its order where they are joined by row?"""
    from accessiflow.heritability.annotations import bim_files
    from accessiflow.heritability.consistency import Files, check_chromosomes

    bims = bim_files(bim) if "@" in bim else {"": Path(bim)}
    log.info("%d SNPs agree", check_chromosomes(bims, Files(frq or [], annot or [], ldscore or [], weights or [])))


@app.command("cts-list")
def cts_list(
    counts: Annotated[list[Path], typer.Argument(help="NAME.CHROMOSOME.l2.M_5_50 of every annotation.")],
    output: Annotated[Path, typer.Option(help="The .ldcts file.")],
    folder: Annotated[str, typer.Option(help="Put in front of every prefix.")] = "",
) -> None:
    """The list of annotations that ldsc --h2-cts tests one by one."""
    from accessiflow.heritability.cell_types import write_list

    written, empty = write_list(counts, output, folder)
    left_out("annotations", len(empty), len(written) + len(empty), "without a common SNP: not tested")
    log.info("%d annotations to test, %d without a common SNP left out", len(written), len(empty))


@app.command()
def cts(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="TRAIT.cell_type_results.txt of ldsc; of several baselines TRAIT.BASELINE.cell_type_results.txt."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Table of trait, annotation, coefficient, z, p and q.")],
    ldcts: Annotated[Path | None, typer.Option(help="The .ldcts file: every annotation in it gets a row.")] = None,
    baseline: Annotated[
        list[str] | None, typer.Option(help="Name of a baseline that was tested beside (repeatable).")
    ] = None,
) -> None:
    """Results of ldsc --h2-cts -> one table with false discovery rates."""
    from accessiflow.files import open_text, write_table
    from accessiflow.heritability.cell_types import collect

    listed = []
    if ldcts is not None:
        with open_text(ldcts) as handle:
            listed = [line.split()[0] for line in handle if line.strip()]
    tests = collect(results, listed, baseline or [])
    rows_without_value(tests["reason"], "tests")
    write_table(tests, output)


@app.command()
def summarise(
    results: Annotated[
        list[Path],
        typer.Argument(help="TRAIT.MODEL.results of ldsc, with .log and .part_delete beside; or a folder of them."),
    ],
    annot: Annotated[
        list[str],
        typer.Option(
            help="Annotation prefixes of a regression, comma-separated; @: the model's name; once a baseline."
        ),
    ],
    frqfile: Annotated[str, typer.Option(help="Prefix of the .frq files.")],
    output: Annotated[Path, typer.Option(help="heritability.tsv")],
    qc: Annotated[Path | None, typer.Option(help="Table of SNPs after each filter, mean chi2, intercept.")] = None,
    meta: Annotated[Path | None, typer.Option(help="Table of the meta-analysis over traits.")] = None,
    weights: Annotated[
        str | None, typer.Option(help="Prefix of the regression weights: their SNPs give the condition number.")
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of each --annot's baseline; of several, RESULTS are the folders of these names, in order."
        ),
    ] = None,
    traits: Annotated[Path | None, typer.Option(help="Table (TSV) of trait and group, its tissue.")] = None,
) -> None:
    """ldsc's results -> one table with enrichment, coefficients and tau*."""
    from accessiflow.files import read_table, write_table
    from accessiflow.heritability import summary
    from accessiflow.heritability.conditioning import condition_numbers
    from accessiflow.intervals import split_list

    names = baseline or [""]
    if len(names) != len(annot) or (len(names) > 1 and len(results) != len(names)):
        raise InputError(f"{len(names)} baseline(s), {len(annot)} --annot, {len(results)} results: give one of each")
    own = [[path] for path in results] if len(names) > 1 else [results]
    sets = [summary.Regressions(*part) for part in zip(names, own, map(split_list, annot), strict=True)]
    grouped = read_table(traits, ["trait", "group"], text=["trait"]).fillna("") if traits is not None else None
    groups = {} if grouped is None else dict(zip(grouped["trait"], grouped["group"].astype(str), strict=True))
    table, facts, models = summary.summarise_all(sets, frqfile, groups)
    summary.count_losses(facts, groups)
    if qc is not None:
        conditions = {part.baseline: condition_numbers(part.prefixes, models[part.baseline], weights) for part in sets}
        write_table(summary.qc_table(facts, conditions), qc)
    write_table(table, output, "%.17g")
    if meta is not None:
        write_table(summary.meta_table(table), meta)


@app.command()
def sumstats(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="GWAS summary statistics, raw or munged.")],
    trait: Annotated[str, typer.Option(help="Name of the trait.")],
    n: Annotated[float | None, typer.Option("--n", help="Sample size, where the file has none.")] = None,
    outdir: Annotated[Path, typer.Option(help="Folder of the output.")] = Path(),
) -> None:
    """Summary statistics -> TRAIT.sumstats.gz where they are munged already, else TRAIT.txt for munge_sumstats.py."""
    from accessiflow.sheets import check_name
    from accessiflow.variants.sumstats import bring

    log.info("%s", bring(path, check_name(trait, "trait"), outdir, n).name)


if __name__ == "__main__":
    cli.run(app)
