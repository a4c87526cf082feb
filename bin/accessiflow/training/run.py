"""One training run: dataset folder and params in, model folder out.

Nothing gets its final name before the run has ended well; what a run has reached before lies in its checkpoint, if it
is given one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accessiflow import __version__
from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import read_table, write_json, write_table
from accessiflow.log import left_out, log, note
from accessiflow.model.build import Network, build_network, count_parameters
from accessiflow.model.device import framework_name
from accessiflow.model.params import Params, load_params
from accessiflow.model.weights import freeze, load_trunk, load_weights, save_weights
from accessiflow.training.batches import FoldArrays
from accessiflow.training.checkpoint import Checkpoint, fingerprint
from accessiflow.training.compute import Compute, choose
from accessiflow.training.history import Epoch, doubts, kept_epoch
from accessiflow.training.loop import fit
from accessiflow.training.scalars import scalar_writer

if TYPE_CHECKING:
    import pandas as pd

TIMES = ("seconds", "ms_per_step", "seq_per_s")
_ROWS = 4096  # windows checked together: a mapped fold never lies in memory as a whole


@dataclass(frozen=True)
class TrainingRequest:
    """What a user asks of one run.

    Attributes:
        params_file: The params JSON, whose seq_length and tracks may be open.
        data_dir: The dataset folder.
        out: The model folder that is written.
        seed: What order, augmentation, initial weights and dropout follow from.
        restore: Weights to start from, those of the head included.
        init_from: A model folder or weights file; the run starts from its trunk, under a new head.
        freeze_trunk: Leave the trunk as it starts.
        epochs: Train exactly this many.
        tracks: Predict these only; all without any.
        jit: Compile with XLA; None leaves it to `Compute.uses_xla`.
        mixed_precision: Compute the trunk in float16, with loss scaling.
        gpus: GPUs that share a batch; None leaves it to train.num_gpu.
        checkpoint: Where the state after each epoch is kept until the run has ended.
        tensorboard: Folder for the scalars of each epoch.
        log_file: Where train_log.tsv goes; None for the model folder.
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
class TrainingData:
    """The data of a run.

    Attributes:
        train: The training fold.
        valid: The validation fold.
        targets: Rows of targets.txt, of the tracks that are trained on.
        empty: Tracks that are 0 in all training windows.
    """

    train: FoldArrays
    valid: FoldArrays
    targets: pd.DataFrame
    empty: list[str]


def train_model(request: TrainingRequest) -> list[Epoch]:
    """Train and write the model folder; returns the epochs.

    Raises:
        InputError: Params, dataset, options or starting weights contradict each other, or what `fit` raises.
    """
    import keras

    _check_start(request)
    params, data = load_params(request.params_file), _load(request)
    length, positions, tracks = data.train.shape
    params = params.filled(length, tracks)
    compute = choose(params, request.gpus, request.jit, request.mixed_precision)
    keras.utils.set_random_seed(request.seed)  # before the network is built: initial weights are drawn there
    with compute.scope():
        network = build_network(params, compute.mixed_precision, compute.synchronized)
    output = tuple(network.model.output_shape[1:])
    if output != (positions, tracks):
        raise InputError(
            f"describes a model of output {output}, "
            f"the dataset's targets are {(positions, tracks)} (positions, tracks)",
            request.params_file,
        )
    _count_remainders(data, int(params.train["batch_size"]))
    _start(network, request)
    checkpoint = None
    if request.checkpoint is not None:
        # after _start: the weights that a run starts from are part of what it is
        run = fingerprint(_facts(request, params, compute), request.data_dir, network.model)
        checkpoint = Checkpoint(request.checkpoint, run)
    with scalar_writer(request.tensorboard) as on_epoch:
        history = fit(
            network.model, params, data.train, data.valid, request.seed, request.epochs, compute, checkpoint, on_epoch
        )
    _write(network, params, data, history, request)
    for sentence in doubts(history):
        log.warning("%s: %s", request.out.name, sentence)
    if checkpoint is not None:  # not before the results are safe
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


def _check_start(request: TrainingRequest) -> None:
    if request.restore is not None and request.init_from is not None:
        raise InputError("--restore takes all weights of a model, --init-from its trunk: give one of them")
    if request.freeze_trunk and request.restore is None and request.init_from is None:
        raise InputError("--freeze-trunk would keep random weights: give --init-from (or --restore) too")
    # said now, not after hours of training; the folder itself is made only when its files are written
    present = next(path for path in (request.out.absolute(), *request.out.absolute().parents) if path.exists())
    if not present.is_dir() or not os.access(present, os.W_OK):
        raise InputError(f"cannot be written: {present} is no folder that may be written to", request.out)


def _load(request: TrainingRequest) -> TrainingData:
    targets_file, columns = request.data_dir / "targets.txt", None
    targets = read_table(targets_file, ["identifier"], text=["identifier"])
    if request.tracks:
        columns = track_columns(list(targets["identifier"]), request.tracks, targets_file)
        targets = targets.iloc[columns]
    train, valid = (FoldArrays(*load_fold(request.data_dir, fold, columns=columns)) for fold in ("train", "valid"))
    empty = targets["identifier"][~_has_signal(train, request.data_dir)].tolist()
    flat = int((~_has_signal(valid, request.data_dir)).sum())
    left_out("tracks", flat, len(targets), "0 in all validation windows: not in the mean validation accuracy")
    if len(empty) == len(targets) and len(train):
        raise InputError(
            f"has no signal of {', '.join(empty[:5])} in any training window: nothing to learn", request.data_dir
        )
    if empty:
        log.warning("%s: %s: 0 in all training windows", request.data_dir, ", ".join(empty))
    return TrainingData(train, valid, targets, empty)


def _count_remainders(data: TrainingData, batch: int) -> None:
    """Count the windows that fill no batch: a step is compiled for one shape, as Basenji's."""
    # which ones differs from epoch to epoch, as their order does
    for fold, windows in (("training", len(data.train)), ("validation", len(data.valid))):
        left_out("windows", windows % batch, windows, f"of {fold}, in each epoch: fill no batch of {batch}")


def _has_signal(fold: FoldArrays, data_dir: Path) -> NDArray[np.bool_]:
    """Whether a track (T,) is other than 0 anywhere in a fold, all of whose targets must be numbers."""
    signal = np.zeros(fold.shape.tracks, bool)
    for low in range(0, len(fold), _ROWS):
        values = fold.targets_of(np.arange(low, min(low + _ROWS, len(fold))))
        bad = ~np.isfinite(values).all(axis=(1, 2))
        if bad.any():
            window = low + int(bad.argmax()) + 1
            raise InputError(
                f"has a target that is no finite number (window {window}): build the dataset again", data_dir
            )
        signal |= values.any(axis=(0, 1))
    return signal


def _start(network: Network, request: TrainingRequest) -> None:
    if request.restore is not None:
        load_weights(network.model, request.restore)
    if request.init_from is not None:
        load_trunk(network.model, network.trunk, request.init_from)
    if request.freeze_trunk:
        freeze(network.trunk)


def _facts(request: TrainingRequest, params: Params, compute: Compute) -> dict[str, Any]:
    """What decides a run's result besides data and initial weights."""
    return {
        "version": __version__,  # another version may compute otherwise: its checkpoint is not gone on from
        "params": [params.train, params.model],
        "seed": request.seed,
        "epochs": request.epochs,
        "tracks": list(request.tracks),
        "freeze_trunk": request.freeze_trunk,
        "compute": [framework_name(), compute.jit, compute.mixed_precision, compute.replicas],
    }


def _write(
    network: Network, params: Params, data: TrainingData, history: Sequence[Epoch], request: TrainingRequest
) -> None:
    import pandas as pd

    out, best = request.out, kept_epoch(history, params)
    save_weights(network.model, out / "model_best.h5")
    table = pd.DataFrame([asdict(e) for e in history])
    write_table(table, request.log_file or out / "train_log.tsv", "%.6g")
    # the model folder holds no times: the same run twice gives the same bytes
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
