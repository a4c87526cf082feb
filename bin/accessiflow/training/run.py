"""One training run: dataset folder and params in, model folder out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import read_table, write_json, write_table
from accessiflow.model.build import build_model, count_parameters
from accessiflow.model.params import load_params
from accessiflow.model.weights import load_weights, save_weights
from accessiflow.training.loop import Epoch, Fold, fit, kept

TIMES = ("seconds", "ms_per_step", "seq_per_s")


def train_model(
    params_file: Path,
    data_dir: Path,
    out: Path,
    seed: int,
    restore: Path | None,
    epochs: int | None,
    tracks: Sequence[str],
    jit: bool,
    log_file: Path,
) -> list[Epoch]:
    """Train and write the model folder; returns the epochs.

    Raises:
        InputError: params and dataset contradict each other, or what `fit` raises.
    """
    import keras
    import pandas as pd

    params = load_params(params_file)
    train, valid = _checked(load_fold(data_dir, "train"), data_dir), _checked(load_fold(data_dir, "valid"), data_dir)
    targets = read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"])
    if tracks:
        columns = _columns(list(targets["identifier"]), tracks, data_dir)
        targets = targets.iloc[columns]
        train, valid = (train[0], train[1][:, :, columns]), (valid[0], valid[1][:, :, columns])
    params = params.filled(train[0].shape[1], train[1].shape[2])
    keras.utils.set_random_seed(seed)
    model = build_model(params)
    if tuple(model.output_shape[1:]) != train[1].shape[1:]:
        raise InputError(
            f"describes a model of output {tuple(model.output_shape[1:])}, the dataset's targets are {train[1].shape[1:]} (positions, tracks)",
            params_file,
        )
    if restore is not None:
        load_weights(model, restore)
    history = fit(model, params, train, valid, seed, epochs, jit, lambda _: save_weights(model, out / "model_best.h5"))
    table = pd.DataFrame([asdict(e) for e in history])
    write_table(table, log_file, "%.6g")
    write_table(table.drop(columns=list(TIMES)), out / "training_curve.tsv", "%.6g")
    write_table(targets, out / "targets.txt", None)
    write_json(params.document(), out / "params.json")
    best = kept(history, params)
    facts = {
        "best_epoch": best.epoch,
        "epochs": len(history),
        "val_pearsonr": best.val_pearsonr,
        "val_loss": best.val_loss,
        "parameters": count_parameters(model),
    }
    write_json(
        facts | {"seed": seed, "train_windows": len(train[0]), "valid_windows": len(valid[0]), "tracks": list(targets["identifier"])},
        out / "metrics.json",
    )
    return history


def _checked(fold: Fold, data_dir: Path) -> Fold:
    bad = ~np.isfinite(fold[1])
    if bad.any():
        raise InputError(f"has a target that is no finite number (window {int(np.argwhere(bad)[0][0]) + 1}): build the dataset again", data_dir)
    return fold


def _columns(known: list[str], wanted: Sequence[str], data_dir: Path) -> list[int]:
    unknown = [t for t in wanted if t not in known]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(known[:10])})", data_dir / "targets.txt")
    return [known.index(t) for t in wanted]
