#!/usr/bin/env python3
"""Predict with a trained model: regions of a BED file, a dataset's test fold, whole chromosomes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError

if TYPE_CHECKING:
    from accessiflow.inference.predictor import Ensemble, Predictor

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
    params: Path, weights: Path, rc: bool, shifts: str, engine: str, threads: int, require_gpu: bool, adapter: str
) -> tuple[Predictor, Ensemble]:
    from accessiflow.inference.loading import load_predictor
    from accessiflow.inference.predictor import Ensemble

    how = Ensemble.of(rc, shifts)
    return load_predictor(params, weights, adapter, engine, threads, require_gpu), how


@app.command()
def bed(
    params: Params,
    model: Weights,
    bed_file: Annotated[Path, typer.Argument(help="Regions.")],
    fasta: FastaFile,
    targets: Targets,
    out: Out,
    rc: Rc = False,
    shifts: Shifts = "0",
    engine: Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """Predictions at the middle of each region -> predict.h5."""
    from accessiflow.inference.run import predict_bed

    predictor, how = _load(params, model, rc, shifts, engine, threads, require_gpu, adapter)
    cli.log.info("%d regions predicted", predict_bed(predictor, bed_file, fasta, targets, out, how))


@app.command()
def test(
    params: Params,
    model: Weights,
    data_dir: Annotated[Path, typer.Argument(help="Dataset folder.")],
    out: Out,
    save: Annotated[bool, typer.Option("--save", help="Write preds.h5 and targets.h5.")] = False,
    rc: Rc = False,
    shifts: Shifts = "0",
    engine: Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """Accuracy on the test fold -> acc.txt, preds.h5, targets.h5."""
    import numpy as np

    from accessiflow.inference.run import predict_test

    predictor, how = _load(params, model, rc, shifts, engine, threads, require_gpu, adapter)
    accuracy = predict_test(predictor, model, data_dir, out, how, save)
    cli.log.info("test Pearson R %.4f, R2 %.4f (mean over tracks)", np.nanmean(accuracy.pearson()), np.nanmean(accuracy.r2()))


@app.command()
def genome(
    params: Params,
    model: Weights,
    fasta: FastaFile,
    targets: Targets,
    out: Out,
    chromosomes: Annotated[str, typer.Option(help="Chromosomes, comma-separated; default: all.")] = "",
    rc: Rc = False,
    shifts: Shifts = "0",
    target_width: Annotated[int, typer.Option(min=1, help="Bases that one prediction sums.")] = 192,
    engine: Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
    adapter: Adapter = "",
) -> None:
    """Predictions along whole chromosomes -> one bigWig a track."""
    from accessiflow.inference.run import predict_genome
    from accessiflow.intervals import split_list

    predictor, how = _load(params, model, rc, shifts, engine, threads, require_gpu, adapter)
    predict_genome(predictor, fasta, targets, out, how, split_list(chromosomes), target_width)


@app.command("import")
def import_(
    given: Annotated[list[Path], typer.Argument(help="Predictions made elsewhere (a file, bigWigs, or their folder), then the dataset folder.")],
    out: Out,
    kind: Annotated[str, typer.Option("--format", help="auto, basenji, sei, bigwig, h5ad or tsv.")] = "auto",
    rows: Annotated[Path | None, typer.Option(help="Row labels of Sei's predictions; default: beside them.")] = None,
    tracks: Annotated[str, typer.Option(help="Names that differ: OURS=THEIRS, comma-separated.")] = "",
    missing: Annotated[str, typer.Option(help="Test windows that are not predicted: refuse, or exclude.")] = "refuse",
) -> None:
    """Predictions of any model at the test windows of a dataset -> preds.h5, targets.h5, acc.txt."""
    from accessiflow.inference import imports
    from accessiflow.intervals import split_list

    if len(given) < 2:
        raise InputError("give the predictions and, last, the dataset folder")
    cli.one_of(kind, imports.FORMATS, "--format")
    cli.one_of(missing, ("refuse", "exclude"), "--missing")
    pairs = [item.partition("=") for item in split_list(tracks)]
    if not all(ours and theirs for ours, _, theirs in pairs):
        raise InputError(f"--tracks {tracks}: expected OURS=THEIRS, comma-separated")
    names = {ours: theirs for ours, _, theirs in pairs}
    imports.import_predictions(given[:-1], given[-1], out, kind, rows, names, missing == "exclude")


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders with preds.h5 and targets.h5 of the same windows.")],
    out: Out,
    tracks: Annotated[Path | None, typer.Option(help="Targets table: the order of the tracks.")] = None,
) -> None:
    """Predictions of single-task models -> one preds.h5, targets.h5, acc.txt of all their tracks."""
    from accessiflow.files import read_table
    from accessiflow.inference.joining import merge_predictions

    order = list(read_table(tracks, ["identifier"], text=["identifier"])["identifier"]) if tracks is not None else []
    merge_predictions(folders, out, order)


if __name__ == "__main__":
    cli.run(app)
