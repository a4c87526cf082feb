"""One training run: dataset folder and params in, model folder out.

Nothing gets its final name before the run has ended well; what a run has reached before lies in its checkpoint, if it is given one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accessiflow import __version__
from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import read_table, write_json, write_table
from accessiflow.log import log, note
from accessiflow.model.build import Network, build_network, count_parameters
from accessiflow.model.params import Params, load_params
from accessiflow.model.weights import freeze, load_trunk, load_weights, save_weights
from accessiflow.training.batches import Windows
from accessiflow.training.checkpoint import Checkpoint, fingerprint
from accessiflow.training.compute import Compute, choose
from accessiflow.training.history import Epoch, kept
from accessiflow.training.loop import fit
from accessiflow.training.scalars import scalar_writer

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("seconds", "ms_per_step", "seq_per_s")
_ROWS = 4096  # windows checked together


@dataclass(frozen=True)
class Request:
    """What a user asks of one run.

    Attributes:
        restore: weights to start from, those of the head included.
        init_from: model folder or weights whose trunk to start from, under a new head.
        freeze_trunk: leave the trunk as it starts.
        epochs: train exactly this many.
        tracks: predict these only; all without any.
        jit: compile with XLA; None leaves it to `Compute.uses_xla`.
        gpus: GPUs that share a batch; None leaves it to train.num_gpu.
        checkpoint: where the state after each epoch is kept until the run has ended.
        tensorboard: folder for the scalars of each epoch.
        log_file: where train_log.tsv goes; None for the model folder.
    """

    params_file: Path
    data_dir: Path
    out: Path
    seed: int = 1
    restore: Path | None = None
    init_from: Path | None = None
    freeze_trunk: bool = False
    epochs: int | None = None
    tracks: Sequence[str] = ()
    jit: bool | None = None
    mixed_precision: bool = False
    gpus: int | None = None
    checkpoint: Path | None = None
    tensorboard: Path | None = None
    log_file: Path | None = None


@dataclass(frozen=True)
class Data:
    """The folds of a run, its tracks' rows of targets.txt, and the tracks that are 0 in all training windows."""

    train: Windows
    valid: Windows
    targets: pd.DataFrame
    empty: list[str]


def train_model(request: Request) -> list[Epoch]:
    """Train and write the model folder; returns the epochs.

    Raises:
        InputError: params, dataset, options or starting weights contradict each other, or what `fit` raises.
    """
    import keras

    _check_start(request)
    params, data = load_params(request.params_file), _load(request)
    length, positions, tracks = data.train.shape
    params = params.filled(length, tracks)
    compute = choose(params, request.gpus, request.jit, request.mixed_precision)
    keras.utils.set_random_seed(request.seed)
    with compute.scope():
        network = build_network(params, compute.mixed_precision, compute.replicas > 1)
    if tuple(network.model.output_shape[1:]) != (positions, tracks):
        raise InputError(
            f"describes a model of output {tuple(network.model.output_shape[1:])}, the dataset's targets are {(positions, tracks)} (positions, tracks)",
            request.params_file,
        )
    _start(network, request)
    checkpoint = None
    if request.checkpoint is not None:
        checkpoint = Checkpoint(
            request.checkpoint, fingerprint(_facts(request, params, compute), request.data_dir, network.model)
        )
    with scalar_writer(request.tensorboard) as on_epoch:
        history = fit(
            network.model, params, data.train, data.valid, request.seed, request.epochs, compute, checkpoint, on_epoch
        )
    _write(network, params, data, history, request)
    if checkpoint is not None:
        checkpoint.remove()
    rates = [epoch.seq_per_s for epoch in history]
    note(
        seq_per_s=round(sum(rates) / len(rates), 1),
        epochs=len(history),
        replicas=compute.replicas,
        xla=compute.uses_xla(network.model),
        mixed_precision=compute.mixed_precision,
    )
    return history


def _check_start(request: Request) -> None:
    if request.restore is not None and request.init_from is not None:
        raise InputError("--restore takes all weights of a model, --init-from its trunk: give one of them")
    if request.freeze_trunk and request.restore is None and request.init_from is None:
        raise InputError("--freeze-trunk would keep random weights: give --init-from (or --restore) too")
    present = next(path for path in (request.out.absolute(), *request.out.absolute().parents) if path.exists())
    if not present.is_dir() or not os.access(present, os.W_OK):
        raise InputError(f"cannot be written: {present} is no folder that may be written to", request.out)


def _load(request: Request) -> Data:
    targets = read_table(request.data_dir / "targets.txt", ["identifier"], text=["identifier"])
    columns = (
        track_columns(list(targets["identifier"]), request.tracks, request.data_dir / "targets.txt")
        if request.tracks
        else None
    )
    train, valid = (Windows(*load_fold(request.data_dir, fold), columns) for fold in ("train", "valid"))
    targets = targets if columns is None else targets.iloc[columns]
    empty = [
        name
        for name, found in zip(targets["identifier"], _has_signal(train, request.data_dir), strict=True)
        if not found
    ]
    _has_signal(valid, request.data_dir)
    if len(empty) == len(targets) and len(train):
        raise InputError(
            f"has no signal of {', '.join(empty[:5])} in any training window: nothing to learn", request.data_dir
        )
    if empty:
        log.warning("%s: %s: 0 in all training windows", request.data_dir, ", ".join(empty))
    return Data(train, valid, targets, empty)


def _has_signal(fold: Windows, data_dir: Path) -> np.ndarray:
    """Whether a track (T,) is other than 0 anywhere in a fold, all of whose targets must be numbers."""
    found = np.zeros(fold.shape[2], bool)
    for low in range(0, len(fold), _ROWS):
        values = fold.targets_of(np.arange(low, min(low + _ROWS, len(fold))))
        bad = ~np.isfinite(values).all(axis=(1, 2))
        if bad.any():
            raise InputError(
                f"has a target that is no finite number (window {low + int(bad.argmax()) + 1}): build the dataset again",
                data_dir,
            )
        found |= values.any(axis=(0, 1))
    return found


def _start(network: Network, request: Request) -> None:
    if request.restore is not None:
        load_weights(network.model, request.restore)
    if request.init_from is not None:
        load_trunk(network.model, network.trunk, request.init_from)
    if request.freeze_trunk:
        freeze(network.trunk)


def _facts(request: Request, params: Params, compute: Compute) -> dict[str, Any]:
    """What decides a run's result besides data and initial weights."""
    return {
        "version": __version__,
        "params": [params.train, params.model],
        "seed": request.seed,
        "epochs": request.epochs,
        "tracks": list(request.tracks),
        "freeze_trunk": request.freeze_trunk,
        "compute": [compute.jit, compute.mixed_precision, compute.replicas],
    }


def _write(network: Network, params: Params, data: Data, history: Sequence[Epoch], request: Request) -> None:
    import pandas as pd

    out, best = request.out, kept(history, params)
    save_weights(network.model, out / "model_best.h5")
    table = pd.DataFrame([asdict(e) for e in history])
    write_table(table, request.log_file or out / "train_log.tsv", "%.6g")
    write_table(table.drop(columns=list(TIMES)), out / "training_curve.tsv", "%.6g")
    write_table(data.targets, out / "targets.txt", None)
    write_json(params.document(), out / "params.json")
    facts = {
        "best_epoch": best.epoch,
        "epochs": len(history),
        "val_pearsonr": best.val_pearsonr,
        "val_loss": best.val_loss,
        "parameters": count_parameters(network.model),
        "seed": request.seed,
        "train_windows": len(data.train),
        "valid_windows": len(data.valid),
        "tracks": list(data.targets["identifier"]),
        "tracks_without_signal": data.empty,
    }
    write_json(facts, out / "metrics.json")
