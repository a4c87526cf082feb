#!/usr/bin/env python3
"""Score variants and single-base changes with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from accessiflow.inference.predictor import Ensemble, Predictor
    from accessiflow.variants.restart import PartFile

app = cli.make_app(__doc__ or "")

Params = Annotated[Path, typer.Argument(help="params.json of the model.")]
Weights = Annotated[Path, typer.Argument(help="model_best.h5")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Output folder.")]
FastaFile = Annotated[Path, typer.Option("-f", "--fasta", help="Genome FASTA.")]
Targets = Annotated[Path, typer.Option("-t", "--targets", help="Targets table of the model's tracks.")]
Rc = Annotated[bool, typer.Option("--rc", help="Average over both strands.")]
Shifts = Annotated[str, typer.Option(help="Average over these shifts in bp, comma-separated.")]
Engine = Annotated[str, typer.Option(help="auto, native (compiled, CPU) or tensorflow.")]
RequireGpu = Annotated[bool, typer.Option(help="Fail at once without a GPU.")]
Adapter = Annotated[
    str, typer.Option(help="How to run the model: keras, kmer_ridge, enformer, or FILE.py:CLASS (runs that code); default: by params.json.")
]


def _load(
    params: Path, weights: Path, targets: Path, rc: bool, shifts: str, engine: str, threads: int, require_gpu: bool, adapter: str
) -> tuple[Predictor, Ensemble, pd.DataFrame]:
    from accessiflow.inference.loading import load_predictor
    from accessiflow.inference.predictor import Ensemble, read_tracks

    how = Ensemble.of(rc, shifts)
    predictor = load_predictor(params, weights, adapter, engine, threads, require_gpu)
    return predictor, how, read_tracks(targets, predictor)


def _part(
    path: Path | None, files: Sequence[Path], fasta: Path, predictor: Predictor, how: Ensemble, request: Mapping[str, object]
) -> PartFile | None:
    """The part file of some work, where one is asked for, and what its result depends on."""
    from accessiflow.variants.restart import PartFile, fingerprint

    if path is None:
        return None
    facts = {"engine": predictor.engine, "rc": how.rc, "shifts": list(how.shifts), "genome": fasta.stat().st_size}
    return PartFile(path, fingerprint(files, facts | dict(request)))


@app.command()
def score(
    params: Params,
    model: Weights,
    variants: Annotated[Path, typer.Argument(help="VCF, BCF or TSV of variants.")],
    fasta: FastaFile,
    targets: Targets,
    out: Out,
    rc: Rc = False,
    shifts: Shifts = "0",
    stats: Annotated[str, typer.Option(help="Scores to store, comma-separated: SAD, REF, ALT, LOGRATIO, COS, L2.")] = "SAD",
    sad_dtype: Annotated[str, typer.Option(help="float32, or float16 as Basenji stores them.")] = "float32",
    ref_mismatch: Annotated[str, typer.Option(help="ALT is the genome's allele: score, exclude or swap.")] = "score",
    engine: Engine = "auto",
    set_name: Annotated[str, typer.Option("--set", help="Name of the variant set, for excluded.tsv.")] = "variants",
    partial: Annotated[
        Path | None, typer.Option(help="Keep finished blocks in this file, and go on from those that a killed run left there.")
    ] = None,
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """SNP accessibility differences -> sad.h5, excluded.tsv."""
    import time
    from dataclasses import asdict

    from accessiflow.intervals import split_list
    from accessiflow.variants import sad
    from accessiflow.variants.statistics import STATISTICS

    wanted = [cli.one_of(s, STATISTICS, "--stats") for s in split_list(stats)]
    options = sad.Options(
        wanted,
        cli.one_of(sad_dtype, ("float32", "float16"), "--sad-dtype"),
        cli.one_of(ref_mismatch, ("score", "exclude", "swap"), "--ref-mismatch"),
        set_name,
    )
    predictor, how, tracks = _load(params, model, targets, rc, shifts, engine, threads, require_gpu, adapter)
    started = time.monotonic()
    part = _part(partial, [params, model, variants, targets], fasta, predictor, how, {"options": asdict(options)})
    scored, excluded = sad.score(predictor, variants, fasta, tracks, out, how, options, part)
    rate = scored / max(time.monotonic() - started, 1e-9) * 3600
    cli.note(engine=predictor.engine.split(",")[0], variants=scored, excluded=excluded, variants_per_hour=round(rate))
    cli.log.info("%d variants scored (%.0f an hour), %d excluded", scored, rate, excluded)


@app.command()
def split(
    variants: Annotated[Path, typer.Argument(help="VCF, BCF or TSV of variants.")],
    out: Out,
    records: Annotated[int, typer.Option(min=1, help="Records in one shard.")] = 20000,
    set_name: Annotated[str, typer.Option("--set", help="Name of the variant set, for the files' names.")] = "variants",
) -> None:
    """A variant file -> shards."""
    from accessiflow.sheets import check_name
    from accessiflow.variants import vcf

    cli.log.info("%d shard(s)", len(vcf.split(variants, records, out, check_name(set_name, "set"))))


@app.command()
def join(
    scores: Annotated[list[Path], typer.Argument(help="sad.h5 of the same variants, one a single-task model.")],
    out: Out,
) -> None:
    """Scores of single-task models -> one sad.h5 of all their tracks."""
    from accessiflow.variants.joining import join_scores

    rows, tracks = join_scores(scores, out)
    cli.log.info("%d variants, %d tracks", rows, tracks)


@app.command()
def merge(
    shards: Annotated[list[Path], typer.Argument(help="Folders of scored shards, or their sad.h5.")],
    out: Out,
    metrics: Annotated[Path | None, typer.Option(help="Write counts of scored and excluded variants, as JSON.")] = None,
) -> None:
    """Scored shards, in the order of the numbers in their names -> one sad.h5."""
    from accessiflow.files import write_json
    from accessiflow.variants import sad

    rows, reasons = sad.merge(sad.in_order(shards), out)
    cli.log.info("%d variants, %d excluded", rows, sum(reasons.values()))
    if metrics is not None:
        write_json({"scored": rows, "excluded": sum(reasons.values()), "reasons": reasons}, metrics)


@app.command()
def collect(
    output: Annotated[Path, typer.Option(help="VCF of the variants that no set holds.")],
    vcf: Annotated[list[Path] | None, typer.Option(help="Variant sets (repeatable).")] = None,
    eqtl: Annotated[list[Path] | None, typer.Option(help="eQTL tables (repeatable).")] = None,
    counts: Annotated[list[Path] | None, typer.Option(help="Allelic-count tables (repeatable).")] = None,
) -> None:
    """Variants of the benchmark tables that are in no variant set -> VCF."""
    from accessiflow.variants.collect import collect as collect_variants

    cli.log.info("%d variants of the tables are in no set", collect_variants(vcf or [], [*(eqtl or []), *(counts or [])], output))


@app.command()
def ism(
    params: Params,
    model: Weights,
    bed: Annotated[Path, typer.Argument(help="Regions.")],
    fasta: FastaFile,
    targets: Targets,
    out: Out,
    rc: Rc = False,
    shifts: Shifts = "0",
    engine: Engine = "auto",
    length: Annotated[
        int | None, typer.Option(min=1, help="Mutate this many bases at the middle; default: the whole window, with --whole-regions an eighth.")
    ] = None,
    whole_regions: Annotated[
        bool, typer.Option("--whole-regions", help="Mutate every base of a region longer than --length, by a window around each --length of it.")
    ] = False,
    share: Annotated[str, typer.Option(help="Mutate the I-th of N equal shares of the windows only, as I/N; merge-ism puts them together.")] = "1/1",
    partial: Annotated[
        Path | None, typer.Option(help="Keep finished windows in this file, and go on from those that a killed run left there.")
    ] = None,
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """Score every single-base change of each region's window -> scores.h5."""
    import re
    from dataclasses import asdict

    from accessiflow.variants.ism import Wanted, saturate

    numbers = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", share)
    if numbers is None or int(numbers[1]) > int(numbers[2]):
        raise InputError(f"--share {share}: expected I/N with I from 1 to N")
    wanted = Wanted(length, whole_regions, (int(numbers[1]), int(numbers[2])))
    predictor, how, tracks = _load(params, model, targets, rc, shifts, engine, threads, require_gpu, adapter)
    part = _part(partial, [params, model, bed, targets], fasta, predictor, how, {"wanted": asdict(wanted)})
    cli.log.info("%d windows mutated", saturate(predictor, bed, fasta, tracks, out, how, wanted, part))


@app.command("merge-ism")
def merge_ism(
    shares: Annotated[list[Path], typer.Argument(help="Folders of the shares of one BED file, or their scores.h5.")],
    out: Out,
    bedgraphs: Annotated[bool, typer.Option("--bedgraphs", help="Write the height of each base as a bedGraph a track, too.")] = False,
) -> None:
    """Shares of saturation scores, in the order of the numbers in their names -> one scores.h5."""
    from accessiflow.variants import sad
    from accessiflow.variants.bedgraph import write_bedgraphs
    from accessiflow.variants.ism import merge_saturation
    from accessiflow.variants.ism_scores import open_saturation

    files = [path if path.is_file() else path / "scores.h5" for path in sad.in_order(shares)]
    cli.log.info("%d windows", merge_saturation(files, out))
    if bedgraphs:
        with open_saturation(out / "scores.h5") as saturation:
            write_bedgraphs(saturation, out)


Saturation = Annotated[Path, typer.Argument(help="scores.h5 of sad.py ism, or of basenji_sat_bed.")]
Tracks = Annotated[list[str] | None, typer.Option("--track", help="Track (repeatable); default: all.")]
Kind = Annotated[str, typer.Option(help="height (loss by the worst change) or importance (less the mean of the four bases).")]


@app.command()
def logo(
    scores: Saturation,
    out: Out,
    track: Tracks = None,
    kind: Kind = "height",
    form: Annotated[str, typer.Option("--format", help="png, svg or both.")] = "png",
    start: Annotated[int | None, typer.Option(help="First base to draw, 0-based, on the chromosome.")] = None,
    end: Annotated[int | None, typer.Option(help="Draw the bases before this one.")] = None,
) -> None:
    """Saturation scores -> a sequence logo of each region and track."""
    from accessiflow.variants.ism_scores import KINDS, open_saturation
    from accessiflow.variants.logo import Drawing, write_logos

    formats = ("png", "svg") if cli.one_of(form, ("png", "svg", "both"), "--format") == "both" else (form,)
    drawing = Drawing(cli.one_of(kind, KINDS, "--kind"), formats, start, end)
    with open_saturation(scores) as saturation:
        cli.log.info("%d logos drawn", len(write_logos(saturation, out, track or (), drawing)))


@app.command()
def bedgraph(scores: Saturation, out: Out, track: Tracks = None, kind: Kind = "height") -> None:
    """Saturation scores -> a per-base bedGraph of each track."""
    from accessiflow.variants.bedgraph import write_bedgraphs
    from accessiflow.variants.ism_scores import KINDS, open_saturation

    with open_saturation(scores) as saturation:
        cli.log.info("%d tracks written", len(write_bedgraphs(saturation, out, track or (), cli.one_of(kind, KINDS, "--kind"))))


@app.command("import")
def import_(
    scores: Annotated[list[Path], typer.Argument(help="Enformer's or Basenji's .h5, Sei's PREFIX_diffs.h5; several: variants one behind the other.")],
    out: Out,
    labels: Annotated[Path | None, typer.Option(help="Sei's row labels; default: PREFIX_row_labels.txt beside the file.")] = None,
    targets: Annotated[Path | None, typer.Option(help="Names of the tracks, one a line, or a targets table; default: those of the file.")] = None,
    track_list: Annotated[Path | None, typer.Option(help="Keep these tracks only: identifiers or labels, one a line.")] = None,
    layout: Annotated[str, typer.Option(help="auto, basenji, enformer or sei.")] = "auto",
) -> None:
    """Scores that another tool published -> sad.h5."""
    from accessiflow.variants.importing import import_scores
    from accessiflow.variants.score_files import read_names
    from accessiflow.variants.scores import LAYOUTS

    wanted = read_names(track_list)[0] if track_list else []
    rows, tracks = import_scores(scores, out, cli.one_of(layout, LAYOUTS, "--layout"), labels, targets, wanted)
    cli.log.info("%d variants, %d tracks", rows, tracks)


@app.command()
def top(
    scores: Annotated[list[Path], typer.Argument(help="sad.h5 of one model; several: sets of variants.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table of the variants found.")],
    targets: Annotated[
        Path | None, typer.Option("-t", "--targets", help="Keep to these tracks: a targets table, or one name a line; default: all.")
    ] = None,
    tracks: Annotated[Path | None, typer.Option(help="Tracks sheet: the cell type and group of each track.")] = None,
    by: Annotated[str, typer.Option(help="Rank in each track, cell_type or group; default: cell_type with --tracks, else track.")] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="Variants a group.")] = 100,
) -> None:
    """The variants with the largest |SAD| of each track, cell type or group."""
    from accessiflow.files import write_table
    from accessiflow.sheets import read_sheet
    from accessiflow.variants.score_files import read_names
    from accessiflow.variants.top import GROUPINGS, group_tracks, top_variants, track_names

    by = cli.one_of(by or ("cell_type" if tracks else "track"), GROUPINGS, "--by")
    wanted = read_names(targets)[0] if targets else track_names(scores)
    groups = group_tracks(wanted, read_sheet("tracks", tracks) if tracks else None, by)
    table = top_variants(scores, groups, n)
    write_table(table, output)
    cli.log.info("%d variants of %d group(s)", len(table), len(groups))


if __name__ == "__main__":
    cli.run(app)
