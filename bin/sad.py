#!/usr/bin/env python3
"""Score variants with a trained model: SNP accessibility differences (SAD) and kin."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.log import left_out, log, note

app = cli.make_app(__doc__ or "")


Beside = Annotated[
    list[Path] | None,
    typer.Option(
        help="Folder of a further model of the same windows (params.json, model_best.h5, targets.txt): its tracks "
        "stand beside those of the first (repeatable)."
    ),
]
ShuffleSeed = Annotated[
    int | None,
    typer.Option(min=0, help="Score in surroundings shuffled by dinucleotides, drawn with this seed: a null."),
]


@app.command()
def score(
    params: cli.ModelParams,
    model: cli.ModelWeights,
    variants: Annotated[Path, typer.Argument(help="VCF, BCF or TSV of variants.")],
    fasta: cli.GenomeFasta,
    targets: cli.Targets,
    out: cli.OutFolder,
    rc: cli.Rc = False,
    shifts: cli.Shifts = "0",
    stats: Annotated[
        str, typer.Option(help="Scores to store, comma-separated: SAD, REF, ALT, LOGRATIO, COS, L2.")
    ] = "SAD",
    sad_dtype: Annotated[str, typer.Option(help="float32, or float16 as Basenji stores them.")] = "float32",
    ref_mismatch: Annotated[str, typer.Option(help="ALT is the genome's allele: score, exclude or swap.")] = "score",
    engine: cli.Engine = "auto",
    set_name: Annotated[str, typer.Option("--set", help="Name of the variant set, for excluded.tsv.")] = "variants",
    beside: Beside = None,
    partial: cli.Partial = None,
    threads: cli.Threads = 2,
    require_gpu: cli.RequireGpu = False,
    backend: cli.Backend = "",
    adapter: cli.ModelAdapter = "",
    shuffle_seed: ShuffleSeed = None,
) -> None:
    """SNP accessibility differences -> sad.h5, excluded.tsv."""
    import time
    from dataclasses import asdict

    from accessiflow.intervals import split_list
    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.loading import MODEL_FILES, load_beside, load_tracks
    from accessiflow.scoring import sad
    from accessiflow.scoring.effects import STATISTICS

    names = [cli.one_of(s, STATISTICS, "--stats") for s in split_list(stats)]
    # options are checked before the model is loaded, which takes seconds
    options = sad.ScoreOptions(
        names,
        cli.one_of(sad_dtype, ("float32", "float16"), "--sad-dtype"),
        cli.one_of(ref_mismatch, ("score", "exclude", "swap"), "--ref-mismatch"),
        set_name,
        shuffle_seed,
    )
    loaded = load_tracks(
        params, model, targets, Ensemble.of(rc, shifts), adapter, engine, threads, require_gpu, backend
    )
    loaded = load_beside(loaded, beside or [], engine, threads, require_gpu, backend)
    predictor, ensemble, tracks = loaded
    started = time.monotonic()
    # blocks that a killed run left count only for the same inputs and options
    further = [folder / name for folder in beside or [] for name in MODEL_FILES]
    files = [params, model, variants, targets, *further]
    part = loaded.part_file(partial, files, fasta, {"options": asdict(options)})
    scored, excluded = sad.score(predictor, variants, fasta, tracks, out, ensemble, options, part)
    # without the time that the model took to load: the rate says how long a larger set will take
    rate = scored / max(time.monotonic() - started, 1e-9) * 3600
    note(engine=predictor.engine.split(",")[0], variants=scored, excluded=excluded, variants_per_hour=round(rate))
    log.info("%d variants scored (%.0f an hour), %d excluded", scored, rate, excluded)


@app.command()
def split(
    variants: Annotated[Path, typer.Argument(help="VCF, BCF or TSV of variants.")],
    out: cli.OutFolder,
    records: Annotated[int, typer.Option(min=1, help="Records in one shard.")] = 20000,
    set_name: Annotated[str, typer.Option("--set", help="Name of the variant set, for the files' names.")] = "variants",
) -> None:
    """A variant file -> shards."""
    from accessiflow.sheets import check_name
    from accessiflow.variants import vcf

    log.info("%d shard(s)", len(vcf.split(variants, records, out, check_name(set_name, "set"))))


@app.command()
def join(
    scores: Annotated[list[Path], typer.Argument(help="sad.h5 of the same variants, one a single-task model.")],
    out: cli.OutFolder,
) -> None:
    """Scores of single-task models -> one sad.h5 of all their tracks."""
    from accessiflow.scoring.joining import join_scores

    size = join_scores(scores, out)
    log.info("%d variants, %d tracks", size.variants, size.tracks)


@app.command()
def merge(
    shards: Annotated[list[Path], typer.Argument(help="Folders of scored shards, or their sad.h5.")],
    out: cli.OutFolder,
    metrics: Annotated[Path | None, typer.Option(help="Write counts of scored and excluded variants, as JSON.")] = None,
) -> None:
    """Scored shards, in the order of the numbers in their names -> one sad.h5."""
    from accessiflow.files import in_order, write_json
    from accessiflow.scoring import sad

    # by their numbers, whatever order a shell or a workflow names them in: that of the variants decides the bytes
    scored, reasons = sad.merge(in_order(shards), out)
    excluded = sum(reasons.values())
    for reason, n in reasons.items():
        left_out("variants", n, scored + excluded, reason)
    log.info("%d variants, %d excluded", scored, excluded)
    note(variants=scored, excluded=excluded, reasons=reasons)
    if excluded:
        said = ", ".join(f"{n} {reason}" for reason, n in sorted(reasons.items()))
        log.warning("%d of %d variants are not scored: %s", excluded, scored + excluded, said)
    if metrics is not None:
        write_json({"scored": scored, "excluded": excluded, "reasons": reasons}, metrics)


@app.command()
def collect(
    output: Annotated[Path, typer.Option(help="VCF of the variants that no set holds.")],
    vcf: Annotated[list[Path] | None, typer.Option(help="Variant sets (repeatable).")] = None,
    eqtl: Annotated[
        list[str] | None,
        typer.Option(help="[TISSUE=]FILE: eQTL tables (repeatable); of a file of several tissues the rows of TISSUE."),
    ] = None,
    counts: Annotated[list[Path] | None, typer.Option(help="Allelic-count tables (repeatable).")] = None,
    effects: Annotated[list[Path] | None, typer.Option(help="QTL and MPRA tables (repeatable).")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns that have other names, once for each of --effects: chrom=chrom_hg18,... or nothing."
        ),
    ] = None,
) -> None:
    """Variants of the benchmark tables that are in no variant set -> VCF."""
    from accessiflow.errors import InputError
    from accessiflow.variants import collect as collecting
    from accessiflow.variants.columns import parse_columns

    given = [parse_columns(text) for text in columns or [""] * len(effects or [])]
    if len(given) != len(effects or []):
        raise InputError(f"{len(given)} --columns for {len(effects or [])} --effects: give one for each, or none")
    named = list(zip(effects or [], given, strict=True))
    tables = collecting.named_tables(eqtl or [])
    count = collecting.collect(vcf or [], tables, counts or [], output, named)
    log.info("%d variants of the tables are in no set", count)


@app.command("import")
def import_(
    scores: Annotated[
        list[Path],
        typer.Argument(
            help="Enformer's or Basenji's .h5, Sei's PREFIX_diffs.h5, a folder of them: variants one after the other."
        ),
    ],
    out: cli.OutFolder,
    labels: Annotated[
        Path | None, typer.Option(help="Sei's row labels; default: PREFIX_row_labels.txt beside the file.")
    ] = None,
    targets: Annotated[
        Path | None,
        typer.Option(help="Names of the tracks, one a line, or a targets table; default: those of the file."),
    ] = None,
    track_list: Annotated[
        Path | None, typer.Option(help="Keep these tracks only: identifiers or labels, one a line.")
    ] = None,
    layout: Annotated[str, typer.Option(help="auto, basenji, enformer or sei.")] = "auto",
) -> None:
    """Scores that another tool published -> sad.h5."""
    from accessiflow.scoring.files import read_names
    from accessiflow.scoring.importing import import_scores
    from accessiflow.scoring.lookup import LAYOUTS

    cli.one_of(layout, LAYOUTS, "--layout")
    chosen = read_names(track_list).ids if track_list else []
    size = import_scores(scores, out, layout, labels, targets, chosen)
    log.info("%d variants, %d tracks", size.variants, size.tracks)


@app.command()
def top(
    scores: Annotated[list[Path], typer.Argument(help="sad.h5 of one model; several: sets of variants.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table of the variants found.")],
    targets: Annotated[
        Path | None,
        typer.Option(
            "-t", "--targets", help="Keep to these tracks: a targets table, or one name a line; default: all."
        ),
    ] = None,
    tracks: Annotated[Path | None, typer.Option(help="Tracks sheet: the cell type and group of each track.")] = None,
    by: Annotated[
        str, typer.Option(help="Rank in each track, cell_type or group; default: cell_type with --tracks, else track.")
    ] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="Variants a group.")] = 100,
) -> None:
    """The variants with the largest |SAD| of each track, cell type or group."""
    from accessiflow.files import write_table
    from accessiflow.scoring.files import read_names
    from accessiflow.scoring.top import GROUPINGS, group_tracks, top_variants, track_names
    from accessiflow.sheets import read_tracks

    by = cli.one_of(by or ("cell_type" if tracks else "track"), GROUPINGS, "--by")
    names = read_names(targets).ids if targets else track_names(scores)
    groups = group_tracks(names, read_tracks(tracks) if tracks else None, by)
    table = top_variants(scores, groups, n)
    write_table(table, output)
    log.info("%d variants of %d group(s)", len(table), len(groups))


@app.command()
def null(
    variants: Annotated[Path, typer.Argument(help="VCF, BCF or TSV of variants.")],
    fasta: cli.GenomeFasta,
    output: Annotated[Path, typer.Option(help="VCF of the null variants.")],
    kind: Annotated[
        str, typer.Option(help="shuffled (to be scored with --shuffle-seed) or matched (to another gene's start).")
    ] = "shuffled",
    number: Annotated[int, typer.Option(min=1, help="Variants to draw.")] = 10000,
    seed: cli.Seed = 1,
    genes: Annotated[Path | None, typer.Option(help="matched: genes, as BED6 or TSV.")] = None,
) -> None:
    """A variant set -> null variants, for `annotate --null` once they are scored."""
    from accessiflow.scoring.null_variants import KINDS, write_null

    counts = write_null(variants, fasta, output, cli.one_of(kind, KINDS, "--kind"), number, seed, genes)
    note(variants=counts.written)
    log.info("%d null variants, %d of those drawn have no place", *counts)


@app.command()
def annotate(
    scores: Annotated[
        Path, typer.Argument(help="sad.h5 of one model and set, or scores of any layout that `import` reads.")
    ],
    out: cli.OutFolder,
    variants: Annotated[
        Path | None,
        typer.Option(help="The file that was scored: its records and INFO are kept; default: the scores' variants."),
    ] = None,
    excluded: Annotated[Path | None, typer.Option(help="excluded.tsv beside the scores.")] = None,
    tracks: Annotated[
        Path | None, typer.Option(help="Tracks sheet: the group of each track; default: one group.")
    ] = None,
    null: Annotated[
        list[Path] | None, typer.Option(help="sad.h5 of null variants by the same model (repeatable): adds p.")
    ] = None,
) -> None:
    """Scores by group of tracks -> variants.vcf.gz with its index, variants.tsv.gz."""
    from accessiflow.scoring.annotate import annotate as write_annotated
    from accessiflow.scoring.top import EVERY, group_tracks, track_names
    from accessiflow.sheets import read_sheet

    names = track_names([scores])
    groups = group_tracks(names, read_sheet("tracks", tracks), "group") if tracks else {EVERY: names}
    counts = write_annotated(scores, groups, out, variants, excluded, null or [])
    note(variants=counts.scored, excluded=counts.excluded, groups=len(groups))
    log.info("%d variants with scores, %d without, %d group(s)", *counts, len(groups))


if __name__ == "__main__":
    cli.run(app)
