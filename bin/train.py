#!/usr/bin/env python3
"""Train models on datasets in Basenji's layout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli

app = cli.make_app(__doc__ or "")


@app.command()
def fit(
    params: Annotated[Path, typer.Argument(help="Params JSON.")],
    data_dir: Annotated[Path, typer.Argument(help="Dataset folder.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder.")],
    seed: cli.Seed = 1,
    restore: Annotated[Path | None, typer.Option(help="Start from these weights (model_best.h5).")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Train exactly this many epochs.")] = None,
    tracks: Annotated[str, typer.Option(help="Predict these tracks only, comma-separated.")] = "",
    threads: cli.Threads = 2,
    require_gpu: Annotated[bool, typer.Option(help="Fail at once without a GPU.")] = False,
    jit: Annotated[bool, typer.Option("--jit/--no-jit", help="Compile with XLA.")] = True,
    log_file: Annotated[Path | None, typer.Option("--log", help="Where train_log.tsv goes; default: the model folder.")] = None,
) -> None:
    """Train one model -> params.json, model_best.h5, targets.txt, train_log.tsv, training_curve.tsv, metrics.json."""
    from accessiflow.device import start_tensorflow
    from accessiflow.intervals import split_list
    from accessiflow.training.run import train_model

    start_tensorflow(threads, require_gpu)
    history = train_model(params, data_dir, out, seed, restore, epochs, split_list(tracks), jit, log_file or out / "train_log.tsv")
    cli.note(seq_per_s=round(sum(e.seq_per_s for e in history) / len(history), 1), epochs=len(history))


if __name__ == "__main__":
    cli.run(app)
