"""The training loop: batches of base codes, one compiled step, validation, early stopping.

Basenji's rules: floor(n / batch) steps an epoch, validation on whole batches, the best epoch by the validation Pearson
R, and a stop when `patience` epochs bring nothing new (`patience` null: all epochs are trained). Our `keep: last` takes
the last epoch instead of the best, for data so small that the validation chromosomes would choose by chance.
The order of windows, augmentation, initial weights and dropout follow from the seed, so that a run can be repeated byte
for byte on the same number of threads, whether it is interrupted or not.

Memory: what the windows take (see `FoldArrays`), the network, its kept weights and the slots of its optimizer, and a
few batches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import log
from accessiflow.model.params import Params
from accessiflow.statistics import Accuracy, known_mean
from accessiflow.training.augmentation import Batch
from accessiflow.training.batches import FoldArrays, one_behind, plain_batches, prefetched, training_batches
from accessiflow.training.build import build_steps
from accessiflow.training.checkpoint import Arrays, Checkpoint, State
from accessiflow.training.compute import Compute
from accessiflow.training.history import Epoch, finished, kept_epoch
from accessiflow.training.sampling import sampling_weights
from accessiflow.training.steps import StepResult

if TYPE_CHECKING:
    import keras


Step = Callable[[NDArray[np.uint8], NDArray[np.float32]], StepResult]


class Progress(NamedTuple):
    """What a run has reached: its epochs, and the weights that it would keep if it ended here."""

    history: list[Epoch]
    kept: Arrays


class PassResult(NamedTuple):
    """One pass over batches: the mean loss, and the accuracy by track."""

    loss: float
    accuracy: Accuracy


def fit(
    model: keras.Model,
    params: Params,
    train: FoldArrays,
    valid: FoldArrays,
    seed: int,
    epochs: int | None = None,
    compute: Compute | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> list[Epoch]:
    """Train a model in place; in the end it has the weights of the epoch that `kept_epoch` chooses.

    Args:
        model: The network, made in the scope of `compute`.
        params: Checked params with seq_length and the tracks filled in.
        train: The training fold.
        valid: The validation fold.
        seed: What the order of windows and augmentation follow from.
        epochs: Train exactly this many.
        compute: Devices and precision; default: one device, float32.
        checkpoint: It is written after each epoch; where it holds this run, the run goes on from it. The caller
            removes it.
        on_epoch: It is called after each epoch, not for those of a checkpoint.

    Raises:
        InputError: A fold has fewer windows than a batch, or a loss is no longer finite.
    """
    for name, fold in (("training", train), ("validation", valid)):
        _require_batch(name, fold, params)
    run = TrainingRun(model, params, train, valid, seed, epochs, compute or Compute())
    history, weights = run.resumed(checkpoint)
    while not finished(history, params, epochs):
        history.append(run.epoch(len(history) + 1))
        if kept_epoch(history, params) is history[-1]:
            weights = model.get_weights()
        if checkpoint is not None:
            checkpoint.save(State(run.variables(), weights, run.rng.bit_generator.state, history))
        on_epoch(history[-1])
    model.set_weights(weights)
    return history


class TrainingRun:
    """A run in progress: its steps, the random generator, and the weights by which windows are drawn."""

    def __init__(
        self,
        model: keras.Model,
        params: Params,
        train: FoldArrays,
        valid: FoldArrays,
        seed: int,
        epochs: int | None,
        compute: Compute,
    ) -> None:
        self._model, self._params, self._train, self._valid = model, params, train, valid
        self._batch = int(params.train["batch_size"])
        self._steps_an_epoch = len(train) // self._batch
        total = self._steps_an_epoch * (epochs or params.train["train_epochs_max"])
        self._steps = build_steps(model, params, total, compute)
        self._weights = sampling_weights(train, params.train["specificity_sampling"])
        # a stream of its own, apart from the one that Keras draws initial weights and dropout from by the same seed
        self.rng = np.random.default_rng([seed, 0])

    def variables(self) -> Arrays:
        """Values of all variables of model and optimizer."""
        return [np.asarray(v.numpy()) for v in self._all()]

    def resumed(self, checkpoint: Checkpoint | None) -> Progress:
        """What a checkpoint has reached, whose state is taken over; nothing where there is none."""
        state = None if checkpoint is None else checkpoint.load()
        if state is None:
            return Progress([], [])
        for variable, value in zip(self._all(), state.variables, strict=True):
            variable.assign(value)
        self._steps.load()
        self.rng.bit_generator.state = state.rng
        log.info("goes on after epoch %d", len(state.history))
        return Progress(state.history, state.kept)

    def epoch(self, number: int) -> Epoch:
        """Train and validate once."""
        started = time.monotonic()
        batches = training_batches(self._train, self._params, self._weights, self.rng)
        train = self._pass(self._steps.train, batches, f"the training loss of epoch {number}")
        seconds = time.monotonic() - started
        self._steps.store()
        batches = plain_batches(self._valid, self._batch)
        valid = self._pass(self._steps.evaluate, batches, f"the validation loss of epoch {number}")
        out = Epoch(
            epoch=number,
            seconds=seconds,
            ms_per_step=1000 * seconds / self._steps_an_epoch,
            loss=train.loss,
            pearsonr=known_mean(train.accuracy.pearson()),
            r2=known_mean(train.accuracy.r2()),
            val_loss=valid.loss,
            val_pearsonr=known_mean(valid.accuracy.pearson()),
            val_r2=known_mean(valid.accuracy.r2()),
            seq_per_s=self._steps_an_epoch * self._batch / seconds,
        )
        log.info(
            "epoch %d: loss %.4f r %.4f val_loss %.4f val_r %.4f (%.0f s, %.0f seq/s)",
            number,
            out.loss,
            out.pearsonr,
            out.val_loss,
            out.val_pearsonr,
            seconds,
            out.seq_per_s,
        )
        return out

    def _pass(self, step: Step, batches: Iterator[Batch], what: str) -> PassResult:
        accuracy, losses = Accuracy(self._train.shape.tracks), []
        results = ((targets, step(codes, targets)) for codes, targets in prefetched(batches))
        for targets, result in one_behind(results):
            losses.append(float(result.loss))
            if not math.isfinite(losses[-1]):
                # weights of NaN would be kept, and found only when the model predicts
                raise InputError(
                    f"diverged: {what} is not finite at step {len(losses)}: "
                    "lower train.learning_rate or check the targets",
                    self._params.source,
                )
            accuracy.update(targets, np.asarray(result.predictions))
        return PassResult(float(np.mean(losses)), accuracy)

    def _all(self) -> list[keras.Variable]:
        return [*self._model.variables, *self._steps.optimizer.variables]


def _require_batch(name: str, fold: FoldArrays, params: Params) -> None:
    batch = int(params.train["batch_size"])
    if len(fold) < batch:
        raise InputError(
            f"holds {len(fold)} {name} windows, less than one batch of {batch}: "
            "lower train.batch_size or widen the fold",
            params.source,
        )
