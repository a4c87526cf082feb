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
RequireGpu = Annotated[bool, typer.Option(help="Fail at once without a GPU.")]


def _load(params: Path, weights: Path, rc: bool, shifts: str, threads: int, require_gpu: bool) -> tuple[Predictor, Ensemble]:
    from accessiflow.device import start_tensorflow
    from accessiflow.inference.predictor import Ensemble, load_predictor
    from accessiflow.intervals import split_list

    try:
        moves = [int(s) for s in split_list(shifts)] or [0]
    except ValueError:
        raise InputError(f"--shifts {shifts}: expected integers, comma-separated") from None
    start_tensorflow(threads, require_gpu)
    return load_predictor(params, weights), Ensemble(rc, moves)


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
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
) -> None:
    """Predictions at the middle of each region -> predict.h5."""
    from accessiflow.inference.run import predict_bed

    predictor, how = _load(params, model, rc, shifts, threads, require_gpu)
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
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
) -> None:
    """Accuracy on the test fold -> acc.txt, preds.h5, targets.h5."""
    import numpy as np

    from accessiflow.inference.run import predict_test

    predictor, how = _load(params, model, rc, shifts, threads, require_gpu)
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
    threads: cli.Threads = 2,
    require_gpu: RequireGpu = False,
) -> None:
    """Predictions along whole chromosomes -> one bigWig a track."""
    from accessiflow.inference.run import predict_genome
    from accessiflow.intervals import split_list

    predictor, how = _load(params, model, rc, shifts, threads, require_gpu)
    predict_genome(predictor, fasta, targets, out, how, split_list(chromosomes), target_width)


if __name__ == "__main__":
    cli.run(app)
