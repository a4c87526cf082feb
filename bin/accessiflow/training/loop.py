"""The training loop: batches of base codes, one compiled step, validation, early stopping.

Basenji's rules: floor(n / batch) steps an epoch, validation on whole batches, the best epoch by the validation Pearson R, and a stop when
`patience` epochs bring nothing new (`patience` null: all epochs are trained). Our `keep: last` takes the last epoch instead of the best, for
data so small that the validation chromosomes would choose by chance. The order of windows, augmentation, initial weights and dropout
follow from the seed, so that a run can be repeated byte for byte on the same number of threads.

Memory: the training and validation windows (seq_length bytes each and 4 bytes a target), the network, and one batch.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.model.params import Params
from accessiflow.training.augmentation import augment
from accessiflow.training.losses import loss_function
from accessiflow.training.metrics import Accuracy

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

log = logging.getLogger("accessiflow")
Fold = tuple[NDArray[np.uint8], NDArray[np.float32]]
Step = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple["tf.Tensor", "tf.Tensor"]]


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought: the columns of train_log.tsv."""

    epoch: int
    seconds: float
    ms_per_step: float
    loss: float
    pearsonr: float
    r2: float
    val_loss: float
    val_pearsonr: float
    val_r2: float
    seq_per_s: float


def fit(
    model: keras.Model,
    params: Params,
    train: Fold,
    valid: Fold,
    seed: int,
    epochs: int | None = None,
    jit: bool = True,
    on_keep: Callable[[Epoch], None] = lambda _: None,
) -> list[Epoch]:
    """Train a model in place; `on_keep` is called after each epoch that `kept` would choose so far.

    Args:
        epochs: train exactly this many.

    Raises:
        InputError: fewer windows than a batch, or a loss that is no longer finite.
    """
    options = params.train
    batch = int(options["batch_size"])
    for name, fold in (("training", train), ("validation", valid)):
        if len(fold[0]) < batch:
            raise InputError(
                f"holds {len(fold[0])} {name} windows, less than one batch of {batch}: lower train.batch_size or widen the fold", params.source
            )
    last = epochs or int(options["train_epochs_max"])
    steps = len(train[0]) // batch
    step, evaluate = _compiled(model, params, steps * last, jit)
    rng = np.random.default_rng([seed, 0])
    history: list[Epoch] = []
    best, since = math.nan, 0
    for number in range(1, last + 1):
        history.append(_epoch(number, step, evaluate, params, train, valid, rng))
        score = _score(history[-1])
        best, since = (score, 0) if not score <= best else (best, since + 1)
        if since == 0 or options["keep"] == "last":
            on_keep(history[-1])
        if epochs is None and options["patience"] is not None and number > options["train_epochs_min"] and since >= options["patience"]:
            break
    return history


def kept(history: Sequence[Epoch], params: Params) -> Epoch:
    """The epoch whose weights a run keeps: the first of the best validation Pearson R (any beats an undefined one), or the last (train.keep)."""
    return history[-1] if params.train["keep"] == "last" else max(history, key=_score)


def _score(epoch: Epoch) -> float:
    return -math.inf if math.isnan(epoch.val_pearsonr) else epoch.val_pearsonr


def _epoch(number: int, step: Step, evaluate: Step, params: Params, train: Fold, valid: Fold, rng: np.random.Generator) -> Epoch:
    started = time.monotonic()
    batch = int(params.train["batch_size"])
    loss, seen = _pass(step, _training_batches(train, params, rng), train[1].shape[-1])
    seconds = time.monotonic() - started
    if not math.isfinite(loss):
        raise InputError(
            f"diverged: the training loss of epoch {number} is not finite: lower train.learning_rate or check the targets", params.source
        )
    val_loss, val_seen = _pass(evaluate, _plain_batches(valid, batch), valid[1].shape[-1])
    steps = len(train[0]) // batch
    scores = [float(np.nanmean(v)) if np.isfinite(v).any() else math.nan for v in (seen.pearson(), seen.r2(), val_seen.pearson(), val_seen.r2())]
    out = Epoch(number, seconds, 1000 * seconds / steps, loss, scores[0], scores[1], val_loss, scores[2], scores[3], steps * batch / seconds)
    log.info(
        "epoch %d: loss %.4f r %.4f val_loss %.4f val_r %.4f (%.0f s, %.0f seq/s)",
        number,
        loss,
        scores[0],
        val_loss,
        scores[2],
        seconds,
        out.seq_per_s,
    )
    return out


def _pass(step: Step, batches: Iterator[Fold], tracks: int) -> tuple[float, Accuracy]:
    accuracy, losses = Accuracy(tracks), []
    for codes, targets in batches:
        loss, predictions = step(codes, targets)
        losses.append(float(loss))
        accuracy.update(targets, np.asarray(predictions))
        if not math.isfinite(losses[-1]):
            break
    return float(np.mean(losses)), accuracy


def _training_batches(fold: Fold, params: Params, rng: np.random.Generator) -> Iterator[Fold]:
    batch = int(params.train["batch_size"])
    order = rng.permutation(len(fold[0]))
    for low in range(0, len(order) - batch + 1, batch):
        rows = order[low : low + batch]
        yield augment(
            fold[0][rows], fold[1][rows], params.model["augment_rc"], params.model["augment_shift"], params.train["augment_per_example"], rng
        )


def _plain_batches(fold: Fold, batch: int) -> Iterator[Fold]:
    for low in range(0, len(fold[0]) - batch + 1, batch):
        yield fold[0][low : low + batch], fold[1][low : low + batch]


def _compiled(model: keras.Model, params: Params, total_steps: int, jit: bool) -> tuple[Step, Step]:
    """The training and the validation step: (codes (n, L), targets (n, B, T)) -> (loss, predictions)."""
    import tensorflow as tf

    from accessiflow.inference.encoding import one_hot

    loss_of = loss_function(params.train["loss"])
    optimizer = _optimizer(params, total_steps)
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=jit)
    def step(codes: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            predictions = model(one_hot(codes), training=True)
            loss = loss_of(targets, predictions)
            penalised = loss + tf.add_n(model.losses) if model.losses else loss
        optimizer.apply(tape.gradient(penalised, model.trainable_variables), model.trainable_variables)
        return loss, predictions

    @tf.function(jit_compile=jit)
    def evaluate(codes: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        predictions = model(one_hot(codes), training=False)
        return loss_of(targets, predictions), predictions

    return step, evaluate


def _optimizer(params: Params, total_steps: int) -> keras.Optimizer:
    import keras

    options = params.train
    rate = options["learning_rate"]
    if options["schedule"] == "cosine":
        warmup = max(total_steps // 20, 1)
        rate = keras.optimizers.schedules.CosineDecay(0.0, total_steps - warmup, alpha=0.01, warmup_target=rate, warmup_steps=warmup)
    shared = {"learning_rate": rate, "clipnorm": options["clip_norm"], "weight_decay": options["weight_decay"] or None}
    if options["optimizer"] == "sgd":
        return keras.optimizers.SGD(momentum=options["momentum"], **shared)
    kind = keras.optimizers.Adam if options["optimizer"] == "adam" else keras.optimizers.AdamW
    if options["optimizer"] == "adamw":
        shared["weight_decay"] = options["weight_decay"]
    return kind(beta_1=options["adam_beta1"], beta_2=options["adam_beta2"], **shared)
