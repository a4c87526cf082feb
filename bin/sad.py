#!/usr/bin/env python3
"""Score variants and single-base changes with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.inference.predictor import Ensemble, Predictor

app = cli.make_app(__doc__ or "")

Params = Annotated[Path, typer.Argument(help="params.json of the model.")]
Weights = Annotated[Path, typer.Argument(help="model_best.h5")]
Out = Annotated[Path, typer.Option("-o", "--out", help="Output folder.")]
FastaFile = Annotated[Path, typer.Option("-f", "--fasta", help="Genome FASTA.")]
Targets = Annotated[Path, typer.Option("-t", "--targets", help="Targets table of the model's tracks.")]
Rc = Annotated[bool, typer.Option("--rc", help="Average over both strands.")]
Shifts = Annotated[str, typer.Option(help="Average over these shifts in bp, comma-separated.")]
Engine = Annotated[str, typer.Option(help="auto, native or tensorflow.")]
RequireGpu = Annotated[bool, typer.Option(help="Fail at once without a GPU.")]
Adapter = Annotated[
    str, typer.Option(help="How to run the model: keras, kmer_ridge, enformer, or FILE.py:CLASS (runs that code); default: by params.json.")
]


def _one_of(value: str, allowed: tuple[str, ...], option: str) -> str:
    if value not in allowed:
        raise InputError(f"{option} {value}: expected one of {', '.join(allowed)}")
    return value


def _load(
    params: Path, weights: Path, targets: Path, rc: bool, shifts: str, engine: str, threads: int, require_gpu: bool, adapter: str
) -> tuple[Predictor, Ensemble, pd.DataFrame]:
    from accessiflow.device import start_tensorflow
    from accessiflow.inference.adapters import KERAS, adapter_of
    from accessiflow.inference.predictor import Ensemble, load_predictor, read_tracks
    from accessiflow.intervals import split_list

    if _one_of(engine, ("auto", "native", "tensorflow"), "--engine") == "native":
        raise InputError("--engine native: this environment has no compiled engine; use auto or tensorflow")
    try:
        moves = [int(s) for s in split_list(shifts)] or [0]
    except ValueError:
        raise InputError(f"--shifts {shifts}: expected integers, comma-separated") from None
    adapter = adapter or adapter_of(params)
    if adapter == KERAS:
        start_tensorflow(threads, require_gpu)
    predictor = load_predictor(params, weights, adapter)
    cli.log.info("engine: %s", predictor.engine)
    return predictor, Ensemble(rc, moves), read_tracks(targets, predictor)


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
    stats: Annotated[str, typer.Option(help="Scores to store: SAD, REF, ALT.")] = "SAD",
    sad_dtype: Annotated[str, typer.Option(help="float32, or float16 as Basenji stores them.")] = "float32",
    ref_mismatch: Annotated[str, typer.Option(help="ALT is the genome's allele: score, exclude or swap.")] = "score",
    engine: Engine = "auto",
    set_name: Annotated[str, typer.Option("--set", help="Name of the variant set, for excluded.tsv.")] = "variants",
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """SNP accessibility differences -> sad.h5, excluded.tsv."""
    import time

    from accessiflow.intervals import split_list
    from accessiflow.variants import sad

    wanted = [_one_of(s, sad.STATS, "--stats") for s in split_list(stats)]
    options = sad.Options(
        wanted,
        _one_of(sad_dtype, ("float32", "float16"), "--sad-dtype"),
        _one_of(ref_mismatch, ("score", "exclude", "swap"), "--ref-mismatch"),
        set_name,
    )
    predictor, how, tracks = _load(params, model, targets, rc, shifts, engine, threads, require_gpu, adapter)
    started = time.monotonic()
    scored, excluded = sad.score(predictor, variants, fasta, tracks, out, how, options)
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
    length: Annotated[int | None, typer.Option(min=1, help="Mutate this many bases at the middle; default: the whole window.")] = None,
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """Score every single-base change of each region's window -> scores.h5."""
    from accessiflow.variants.ism import saturate

    predictor, how, tracks = _load(params, model, targets, rc, shifts, engine, threads, require_gpu, adapter)
    cli.log.info("%d regions mutated", saturate(predictor, bed, fasta, tracks, out, how, length))


if __name__ == "__main__":
    cli.run(app)
