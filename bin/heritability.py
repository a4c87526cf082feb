#!/usr/bin/env python3
"""Stratified LD score regression around the real ldsc: annotations, LD scores, checks, summaries."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError

app = cli.make_app(__doc__ or "")


@app.command()
def annotate(
    bim: Annotated[str, typer.Option(help="PREFIX@ of the panel's .bim files, @ standing for the chromosome.")],
    peaks: Annotated[Path, typer.Option(help="BED of the peak set.")],
    name: Annotated[str, typer.Option(help="Name of the annotation.")],
    output: Annotated[str, typer.Option(help="Prefix: OUTPUT.{chrom}.annot.gz.")],
    sad: Annotated[list[Path] | None, typer.Option(help="sad.h5: split the set by |SAD| (repeatable).")] = None,
    track_list: Annotated[Path | None, typer.Option(help="Tracks whose |SAD| counts, one a line; default: all.")] = None,
    statistic: Annotated[str, typer.Option(help="mean or max over the tracks.")] = "mean",
    quantiles: Annotated[str, typer.Option(help="Shares of the top and bottom, comma-separated.")] = "0.5,0.3,0.1",
    chain: Annotated[Path | None, typer.Option(help="Chain from the peaks' assembly to the panel's.")] = None,
    separate: Annotated[bool, typer.Option(help="One file set an annotation: OUTPUT's folder / COLUMN.{chrom}.annot.gz.")] = False,
) -> None:
    """A peak set (and its |SAD| splits) -> thin annotation files."""
    from accessiflow.files import open_text
    from accessiflow.heritability import annotations
    from accessiflow.intervals import split_list
    from accessiflow.sheets import check_name
    from accessiflow.variants.scores import open_scores

    check_name(name, "annotation")
    if statistic not in ("mean", "max"):
        raise InputError(f"--statistic {statistic}: expected mean or max")
    try:
        shares = [float(q) for q in split_list(quantiles)]
    except ValueError:
        raise InputError(f"--quantiles {quantiles}: expected numbers, comma-separated") from None
    if not all(0 < q < 1 for q in shares):
        raise InputError(f"--quantiles {quantiles}: expected shares between 0 and 1")
    bims = annotations.load_bims(bim)
    member = annotations.in_peaks(bims, peaks, chain)
    columns = {name: member}
    if sad:
        tracks = [line.strip() for line in open_text(track_list) if line.strip()] if track_list else []
        split = annotations.Split(statistic, shares, tracks)
        with open_scores(sad) as scores:
            columns |= annotations.sad_splits(member, annotations.absolute_sad(bims, scores, split), name, split)
    if separate:
        for column, flags in columns.items():
            annotations.write_thin(str(Path(output).parent / column), {column: flags})
    else:
        annotations.write_thin(output, columns)
    cli.log.info("%s: %s", name, ", ".join(f"{c} {sum(int(f.sum()) for f in flags.values())} SNPs" for c, flags in columns.items()))


@app.command("ld-scores")
def ld_scores(
    bfile: Annotated[Path, typer.Option(help="plink prefix of one chromosome.")],
    out: Annotated[list[str] | None, typer.Option(help="Prefix of the output, one for each --annot.")] = None,
    annot: Annotated[list[Path] | None, typer.Option(help="Annotation file, thin or full (repeatable: all in one pass).")] = None,
    base: Annotated[str | None, typer.Option(help="Prefix: an all-SNPs annotation and its LD scores too.")] = None,
    ld_wind_cm: Annotated[float, typer.Option("--ld-wind-cm", help="Window in cM.")] = 1.0,
    print_snps: Annotated[Path | None, typer.Option("--print-snps", help="Print these SNPs only.")] = None,
    extract: Annotated[Path | None, typer.Option(help="Compute with these SNPs only.")] = None,
    thin_annot: Annotated[bool, typer.Option("--thin-annot", help="Accepted for ldsc's sake: thin files are recognised.")] = False,  # noqa: ARG001
    threads: cli.Threads = 1,  # noqa: ARG001 (set for the linear algebra by the option itself)
) -> None:
    """LD scores of one chromosome in ldsc's files."""
    from accessiflow.heritability import outputs

    files, prefixes = annot or [], out or []
    if len(prefixes) != max(len(files), 0 if base else 1):
        raise InputError(f"{len(files)} --annot and {len(prefixes)} --out: give one --out for each --annot")
    if not ld_wind_cm > 0:
        raise InputError(f"--ld-wind-cm {ld_wind_cm}: must be positive")
    cli.log.info("%d SNPs, %d annotation file(s)", outputs.compute(bfile, files, prefixes, base, ld_wind_cm, print_snps, extract), len(files))


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
        str | None, typer.Option(help="Globs of the columns to leave out, comma-separated; default: promoter and enhancer columns.")
    ] = None,
) -> None:
    """A baseline without some of its columns."""
    from accessiflow.heritability.baseline import REGULATORY, drop_columns
    from accessiflow.intervals import split_list

    kept, dropped = drop_columns(annot, ldscore, REGULATORY if exclude is None else split_list(exclude), out)
    cli.log.info("%d annotations kept, %d left out", kept, dropped)


@app.command()
def check(
    bim: Annotated[Path, typer.Option(help=".bim of one chromosome.")],
    frq: Annotated[list[Path] | None, typer.Option(help=".frq file (repeatable).")] = None,
    annot: Annotated[list[Path] | None, typer.Option(help="Annotation file (repeatable).")] = None,
    ldscore: Annotated[list[Path] | None, typer.Option(help=".l2.ldscore.gz file (repeatable).")] = None,
) -> None:
    """Do the files of a chromosome hold the same SNPs in the same order?"""
    from accessiflow.heritability.consistency import check_chromosome

    cli.log.info("%d SNPs agree", check_chromosome(bim, frq or [], annot or [], ldscore or []))


@app.command()
def summarise(
    results: Annotated[list[Path], typer.Argument(help="TRAIT.MODEL.results of ldsc, with .log and .part_delete beside.")],
    annot: Annotated[str, typer.Option(help="Annotation prefixes of the regression, comma-separated; @ stands for the model's name.")],
    frqfile: Annotated[str, typer.Option(help="Prefix of the .frq files.")],
    output: Annotated[Path, typer.Option(help="heritability.tsv")],
    qc: Annotated[Path | None, typer.Option(help="Table of SNPs after each filter, mean chi2, intercept.")] = None,
    meta: Annotated[Path | None, typer.Option(help="Table of the meta-analysis over traits.")] = None,
) -> None:
    """ldsc's results -> one table with enrichment, coefficients and tau*."""
    import pandas as pd

    from accessiflow.files import write_table
    from accessiflow.heritability import summary
    from accessiflow.intervals import split_list

    prefixes = split_list(annot)
    named = sorted((summary.split_name(path, prefixes)[::-1], path) for path in results)
    known: dict[str, summary.Common] = {}
    tables, facts = [], []
    for (model, trait), path in named:
        if model not in known:
            known[model] = summary.common_annotations([p.replace("@", model) for p in prefixes], frqfile)
        table, quality = summary.summarise(path, model, trait, known[model])
        tables.append(table)
        facts.append(quality)
    everything = pd.concat(tables, ignore_index=True)
    write_table(everything, output, "%.17g")
    if qc is not None:
        write_table(pd.DataFrame(facts), qc)
    if meta is not None:
        write_table(summary.meta_table(everything), meta)


if __name__ == "__main__":
    cli.run(app)
