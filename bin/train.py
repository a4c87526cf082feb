#!/usr/bin/env python3
"""Train models on datasets in Basenji's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli

app = cli.make_app(__doc__ or "")

MixedPrecision = Annotated[bool, typer.Option("--mixed-precision", help="Compute in float16 with loss scaling (GPU).")]

Precision = Annotated[
    str, typer.Option(help="float32, or tf32: a GPU's matrix units at 10 bits, 2.6 times as fast on an H100.")
]
CheckpointFile = Annotated[
    Path | None, typer.Option(help="Keep the state after each epoch here, and go on from it after an interruption.")
]


@app.command()
def fit(
    params: Annotated[Path, typer.Argument(help="Params JSON.")],
    data_dir: Annotated[Path, typer.Argument(help="Dataset folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder.")],
    seed: cli.Seed = 1,
    restore: Annotated[
        Path | None, typer.Option(help="Start from these weights (model_best.h5), head included.")
    ] = None,
    init_from: Annotated[
        Path | None, typer.Option(help="Start from the trunk of this model (folder or model_best.h5), with a new head.")
    ] = None,
    freeze_trunk: Annotated[bool, typer.Option("--freeze-trunk", help="Train the head only.")] = False,
    epochs: Annotated[int | None, typer.Option(min=1, help="Train exactly this many epochs.")] = None,
    tracks: Annotated[str, typer.Option(help="Predict these tracks only, comma-separated.")] = "",
    checkpoint: CheckpointFile = None,
    tensorboard: Annotated[Path | None, typer.Option(help="Folder for TensorBoard scalars.")] = None,
    threads: cli.Threads = 2,
    require_gpu: Annotated[bool, typer.Option(help="Fail at once without a GPU.")] = False,
    backend: cli.Backend = "",
    precision: Precision = "float32",
    gpus: Annotated[int | None, typer.Option(min=1, help="GPUs that share each batch; default: train.num_gpu.")] = None,
    mixed_precision: MixedPrecision = False,
    jit: Annotated[
        bool | None, typer.Option("--jit/--no-jit", help="Compile with XLA; default: on a GPU, and large networks.")
    ] = None,
    log_file: Annotated[
        Path | None, typer.Option("--log", help="Where train_log.tsv goes; default: the model folder.")
    ] = None,
) -> None:
    """Train one model -> params.json, model_best.h5, targets.txt, train_log.tsv, training_curve.tsv, metrics.json."""
    from accessiflow.intervals import split_list
    from accessiflow.model.device import start
    from accessiflow.training.kmer_ridge import is_kmer_ridge, train_kmer_ridge
    from accessiflow.training.run import TrainingRequest, train_model

    # A ridge regression on k-mers needs neither a framework nor epochs.
    if is_kmer_ridge(params):
        train_kmer_ridge(params, data_dir, out, split_list(tracks), log_file)
        return
    # Before the first operation: a framework fixes threads and precision when it starts.
    start(threads, require_gpu, True, backend, precision)
    request = TrainingRequest(
        params_file=params,
        data_dir=data_dir,
        out=out,
        seed=seed,
        restore=restore,
        init_from=init_from,
        freeze_trunk=freeze_trunk,
        epochs=epochs,
        tracks=split_list(tracks),
        jit=jit,
        mixed_precision=mixed_precision,
        gpus=gpus,
        checkpoint=checkpoint,
        tensorboard=tensorboard,
        log_file=log_file,
    )
    train_model(request)


if __name__ == "__main__":
    cli.run(app)
