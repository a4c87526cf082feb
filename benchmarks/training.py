#!/usr/bin/env python3
"""Training throughput: the same network trained as Basenji trains it, and by accessiflow, on the same data.

    .venvs/train/bin/python benchmarks/training.py --preset small --epochs 4

Basenji's way: TFRecords read, decoded, shuffled and batched by tf.data as float32 one-hot, augmentation by layers (one
coin and one shift a batch), PearsonR as a metric, `fit` without XLA and with TensorFlow's own settings. Ours:
`accessiflow.training.loop` as train.py runs it. Each has a process; both start from the same weights and take turns,
epoch by epoch, so that whatever else the machine does slows both. The first epoch, which compiles, is not timed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from accessiflow.dataset.tfrecords import load_fold, write_records  # noqa: E402
from accessiflow.model.build import build_model  # noqa: E402
from accessiflow.model.device import start  # noqa: E402
from accessiflow.model.params import Params, load_params  # noqa: E402
from accessiflow.training.batches import FoldArrays  # noqa: E402
from accessiflow.training.compute import Compute  # noqa: E402
from accessiflow.training.loop import TrainingRun  # noqa: E402

log = logging.getLogger("benchmark")
MOTIF = np.array([2, 0, 3, 0, 0, 2], np.uint8)  # GATAAG
FILES = 4  # TFRecord files a fold, read in turns


def write_data(folder: Path, length: int, tracks: int, windows: dict[str, int]) -> None:
    """FoldArrays of random bases; a track's Poisson counts grow with planted motifs, of which it has its own share."""
    rng = np.random.default_rng(0)
    for fold, n in windows.items():
        codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
        planted = rng.poisson(0.7, (n, tracks))
        for window, counts in zip(codes, planted, strict=True):
            for track in np.repeat(np.arange(tracks), counts):
                at = rng.integers(0, length - len(MOTIF) - 1)
                window[at : at + len(MOTIF)] = MOTIF
                window[at + len(MOTIF)] = track % 4
        targets = rng.poisson(1 + 4 * planted).astype(np.float32)[:, None]
        for k in range(FILES):
            write_records(
                folder / "tfrecords" / f"{fold}-{k}.tfr", zip(codes[k::FILES], targets[k::FILES], strict=True)
            )
    facts = {"seq_length": length, "target_length": 1, "num_targets": tracks} | {
        f"{fold}_seqs": n for fold, n in windows.items()
    }
    (folder / "statistics.json").write_text(json.dumps(facts))


class Augmentation(keras.layers.Layer):
    """Basenji's: the whole batch is turned round or not, and shifted by one number; vacated positions are 0.25."""

    def __init__(self, max_shift: int) -> None:
        super().__init__()
        self._max_shift = max_shift

    def call(self, x: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """The batch (n, L, 4), and whether it was turned round."""
        if not training:
            return x, tf.constant(False)
        turned = tf.random.uniform([]) > 0.5
        x = tf.cond(turned, lambda: tf.reverse(x, [1, 2]), lambda: x)
        shift = tf.random.uniform([], -self._max_shift, self._max_shift + 1, tf.int32)
        padding = tf.pad(x, [[0, 0], [self._max_shift, self._max_shift], [0, 0]], constant_values=0.25)
        at = self._max_shift - shift
        return padding[:, at : at + x.shape[1]], turned


class PearsonR(keras.metrics.Metric):
    """Basenji's metric: sums a track, in float32."""

    def __init__(self, tracks: int) -> None:
        super().__init__(name="pearsonr")
        self._sums = self.add_variable((6, tracks), "zeros", name="sums")

    def update_state(self, y: tf.Tensor, p: tf.Tensor, sample_weight: tf.Tensor | None = None) -> None:  # noqa: ARG002
        """Add a batch (n, B, T)."""
        parts = [tf.reduce_sum(v, axis=[0, 1]) for v in (tf.ones_like(y), y, p, y * y, p * p, y * p)]
        self._sums.assign_add(tf.stack(parts))

    def result(self) -> tf.Tensor:
        """Mean over tracks."""
        n, y, p, yy, pp, yp = tf.unstack(tf.convert_to_tensor(self._sums))
        return tf.reduce_mean((yp - y * p / n) / tf.sqrt((yy - y * y / n) * (pp - p * p / n)))


class BasenjiWay:
    """`compile` and `fit` with Basenji's input pipeline."""

    def __init__(self, model: keras.Model, params: Params, data_dir: Path) -> None:
        sequence = keras.Input((params.seq_length, 4))
        augmented, turned = Augmentation(params.model["augment_shift"])(sequence)
        out = keras.layers.Lambda(lambda pair: tf.cond(pair[1], lambda: tf.reverse(pair[0], [1]), lambda: pair[0]))(
            [model(augmented), turned]
        )
        self._model, self._params = keras.Model(sequence, out), params
        rate = params.train["learning_rate"]
        self._model.compile(
            keras.optimizers.SGD(rate, momentum=params.train["momentum"]),
            poisson,
            metrics=[PearsonR(params.num_targets)],
            jit_compile=False,
        )
        self._train, self._valid = (self._pipeline(data_dir, fold) for fold in ("train", "valid"))

    def _pipeline(self, data_dir: Path, fold: str) -> tf.data.Dataset:
        length, tracks = self._params.seq_length, self._params.num_targets

        def parse(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            features = {name: tf.io.FixedLenFeature([], tf.string) for name in ("sequence", "target")}
            example = tf.io.parse_single_example(record, features)
            sequence = tf.reshape(tf.io.decode_raw(example["sequence"], tf.uint8), [length, 4])
            return tf.cast(sequence, tf.float32), tf.reshape(
                tf.io.decode_raw(example["target"], tf.float32), [1, tracks]
            )

        files = tf.data.Dataset.from_tensor_slices(
            [str(path) for path in sorted((data_dir / "tfrecords").glob(f"{fold}-*.tfr"))]
        )
        if fold == "valid":
            records = files.flat_map(lambda f: tf.data.TFRecordDataset(f, "ZLIB"))
        else:
            records = files.repeat().interleave(
                lambda f: tf.data.TFRecordDataset(f, "ZLIB"), FILES, num_parallel_calls=tf.data.AUTOTUNE
            )
            records = records.shuffle(8192)
        batches = records.map(parse).batch(self._params.train["batch_size"], drop_remainder=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def fit(self, steps: int, epochs: int, after: Callable[[float, float, float], None]) -> None:
        """Train; `after` gets each epoch's seconds, training and validation loss."""
        started = 0.0

        def begin(*_: object) -> None:
            nonlocal started
            started = time.monotonic()

        def end(_: int, logs: dict[str, float]) -> None:
            after(time.monotonic() - started, logs["loss"], self._model.evaluate(self._valid, verbose=0)[0])

        turns = keras.callbacks.LambdaCallback(on_epoch_begin=begin, on_epoch_end=end)
        self._model.fit(self._train, shuffle=False, steps_per_epoch=steps, epochs=epochs, verbose=0, callbacks=[turns])


def poisson(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """Basenji's loss."""
    return tf.reduce_mean(p - y * tf.math.log(p + 1e-7))


def basenji(params: Params, data_dir: Path, epochs: int, threads: int, turns: Connection) -> None:
    """A process that trains Basenji's way, an epoch for each message."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    model = initial_model(params)

    def after(*epoch: float) -> None:
        turns.send(epoch)
        turns.recv()

    turns.recv()
    BasenjiWay(model, params, data_dir).fit(steps_of(params, data_dir), epochs, after)


def accessiflow(params: Params, data_dir: Path, epochs: int, threads: int, turns: Connection) -> None:
    """A process that trains our way, an epoch for each message."""
    start(threads, training=True, backend="tensorflow")
    model = initial_model(params)
    train, valid = (FoldArrays(*load_fold(data_dir, fold)) for fold in ("train", "valid"))
    run = TrainingRun(model, params, train, valid, 1, epochs, Compute())
    for number in range(1, epochs + 1):
        turns.recv()
        epoch = run.epoch(number)
        turns.send((epoch.seconds, epoch.loss, epoch.val_loss))


def initial_model(params: Params) -> keras.Model:
    """The same weights in every process."""
    keras.utils.set_random_seed(1)
    return build_model(params)


def steps_of(params: Params, data_dir: Path) -> int:
    """Steps of an epoch."""
    return json.loads((data_dir / "statistics.json").read_text())["train_seqs"] // params.train["batch_size"]


def measure(params: Params, data_dir: Path, epochs: int, threads: int) -> dict[str, Any]:
    """Train both ways in turns.

    Returns:
        seq/s of each (its fastest epoch), their ratio (also the median over turns), and both loss curves.
    """
    pipes, processes, seen = {}, [], {basenji.__name__: [], accessiflow.__name__: []}
    for way in (basenji, accessiflow):
        pipes[way.__name__], theirs = get_context("spawn").Pipe()
        # oneDNN is chosen when TensorFlow is loaded, which a spawned process does before anything else.
        if way is accessiflow:
            os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
        processes.append(
            get_context("spawn").Process(target=way, args=(params, data_dir, epochs + 1, threads, theirs), daemon=True)
        )
        processes[-1].start()
    windows = steps_of(params, data_dir) * params.train["batch_size"]
    for _ in range(epochs + 1):
        for way, pipe in pipes.items():
            pipe.send("go")
            seen[way].append(pipe.recv())
        log.info(
            "%s", "; ".join(f"{way}: %.0f s, loss %.4f, val_loss %.4f" % epochs_[-1] for way, epochs_ in seen.items())
        )
    pipes[basenji.__name__].send("end")
    for process in processes:
        process.join()
    rates = {way: np.array([windows / seconds for seconds, *_ in values[1:]]) for way, values in seen.items()}
    return {
        "seq_per_s": {way: float(values.max()) for way, values in rates.items()},
        "ratio": float(rates["accessiflow"].max() / rates["basenji"].max()),
        "median_ratio_of_turns": float(np.median(rates["accessiflow"] / rates["basenji"])),
        "loss_and_val_loss": {way: [values[1:] for values in turns] for way, turns in seen.items()},
    }


def main(
    preset: Annotated[list[str], typer.Option(help="Presets to train.")] = ["small", "demo"],  # noqa: B006
    epochs: Annotated[int, typer.Option(min=1, help="Epochs timed, after the one that compiles.")] = 4,
    batches: Annotated[int, typer.Option(min=1, help="Batches an epoch.")] = 60,
    tracks: Annotated[int, typer.Option(min=1, help="Tracks of the made-up data.")] = 4,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = 2,
) -> None:
    """Measure both ways of training; prints one JSON object a preset."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in preset:
        params = load_params(ROOT / "assets" / "presets" / f"{name}.json")
        params = params.filled(params.seq_length, tracks)
        size = params.train["batch_size"]
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder), params.seq_length, tracks, {"train": batches * size, "valid": 4 * size})
            result = measure(params, Path(folder), epochs, threads)
        sys.stdout.write(json.dumps({"preset": name, "threads": threads, "batch_size": size} | result) + "\n")


if __name__ == "__main__":
    typer.run(main)
