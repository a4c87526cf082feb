"""The training loop: batches of base codes, one compiled step, validation, early stopping.

Basenji's rules: floor(n / batch) steps an epoch, validation on whole batches, the best epoch by the validation Pearson R, and a stop when
`patience` epochs bring nothing new (`patience` null: all epochs are trained). Our `keep: last` takes the last epoch instead of the best, for
data so small that the validation chromosomes would choose by chance. The order of windows, augmentation, initial weights and dropout
follow from the seed, so that a run can be repeated byte for byte on the same number of threads, whether it is interrupted or not.

Memory: what the windows take (see `Windows`), the network, its kept weights and the slots of its optimizer, and a few batches.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.log import log
from accessiflow.model.params import Params
from accessiflow.statistics import Accuracy
from accessiflow.training.batches import Batch, Windows, a_step_late, plain_batches, prepared, training_batches
from accessiflow.training.checkpoint import Arrays, Checkpoint, State
from accessiflow.training.compute import Compute
from accessiflow.training.history import Epoch, finished, kept
from accessiflow.training.sampling import sampling_weights
from accessiflow.training.steps import Step, compiled

if TYPE_CHECKING:
    import keras


def fit(
    model: keras.Model,
    params: Params,
    train: Windows,
    valid: Windows,
    seed: int,
    epochs: int | None = None,
    compute: Compute | None = None,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> list[Epoch]:
    """Train a model in place; in the end it has the weights of the epoch that `kept` chooses.

    Args:
        epochs: train exactly this many.
        compute: devices and precision; the model was made in its scope.
        checkpoint: written after each epoch, gone on from where it holds this run, and removed by the caller.
        on_epoch: called after each epoch, not for those of a checkpoint.

    Raises:
        InputError: fewer windows than a batch, or a loss that is no longer finite.
    """
    for name, fold in (("training", train), ("validation", valid)):
        _require_batch(name, fold, params)
    run = Run(model, params, train, valid, seed, epochs, compute or Compute())
    history, best = run.resumed(checkpoint)
    while not finished(history, params, epochs):
        history.append(run.epoch(len(history) + 1))
        if kept(history, params) is history[-1]:
            best = model.get_weights()
        if checkpoint is not None:
            checkpoint.save(State(run.variables(), best, run.rng.bit_generator.state, history))
        on_epoch(history[-1])
    model.set_weights(best)
    return history


class Run:
    """A run in progress: its steps, the random generator, and the weights by which windows are drawn."""

    def __init__(
        self,
        model: keras.Model,
        params: Params,
        train: Windows,
        valid: Windows,
        seed: int,
        epochs: int | None,
        compute: Compute,
    ) -> None:
        self._model, self._params, self._train, self._valid = model, params, train, valid
        self._batch = int(params.train["batch_size"])
        self._size = len(train) // self._batch
        self._steps = compiled(model, params, self._size * (epochs or params.train["train_epochs_max"]), compute)
        self._weights = sampling_weights(train, params.train["specificity_sampling"])
        self.rng = np.random.default_rng([seed, 0])

    def variables(self) -> Arrays:
        """Values of all variables of model and optimizer."""
        return [np.asarray(v.numpy()) for v in self._all()]

    def resumed(self, checkpoint: Checkpoint | None) -> tuple[list[Epoch], Arrays]:
        """Epochs and kept weights of a checkpoint, whose state is taken over; none where there is none."""
        state = None if checkpoint is None else checkpoint.load()
        if state is None:
            return [], []
        for variable, value in zip(self._all(), state.variables, strict=True):
            variable.assign(value)
        self.rng.bit_generator.state = state.rng
        log.info("goes on after epoch %d", len(state.history))
        return state.history, state.kept

    def epoch(self, number: int) -> Epoch:
        """Train and validate once."""
        started = time.monotonic()
        batches = training_batches(self._train, self._params, self._weights, self.rng)
        loss, seen = self._pass(self._steps.train, batches, f"the training loss of epoch {number}")
        seconds = time.monotonic() - started
        val_loss, val_seen = self._pass(
            self._steps.evaluate, plain_batches(self._valid, self._batch), f"the validation loss of epoch {number}"
        )
        r, r2, val_r, val_r2 = (
            _mean(values) for values in (seen.pearson(), seen.r2(), val_seen.pearson(), val_seen.r2())
        )
        rate = self._size * self._batch / seconds
        out = Epoch(number, seconds, 1000 * seconds / self._size, loss, r, r2, val_loss, val_r, val_r2, rate)
        log.info(
            "epoch %d: loss %.4f r %.4f val_loss %.4f val_r %.4f (%.0f s, %.0f seq/s)",
            number,
            loss,
            r,
            val_loss,
            val_r,
            seconds,
            rate,
        )
        return out

    def _pass(self, step: Step, batches: Iterator[Batch], what: str) -> tuple[float, Accuracy]:
        accuracy, losses = Accuracy(self._train.shape[2]), []
        results = ((targets, *step(codes, targets)) for codes, targets in prepared(batches))
        for targets, loss, predictions in a_step_late(results):
            losses.append(float(loss))
            if not math.isfinite(losses[-1]):
                raise InputError(
                    f"diverged: {what} is not finite at step {len(losses)}: lower train.learning_rate or check the targets",
                    self._params.source,
                )
            accuracy.update(targets, np.asarray(predictions))
        return float(np.mean(losses)), accuracy

    def _all(self) -> list[keras.Variable]:
        return [*self._model.variables, *self._steps.optimizer.variables]


def _mean(values: np.ndarray) -> float:
    """Mean over the tracks that have a value."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _require_batch(name: str, fold: Windows, params: Params) -> None:
    batch = int(params.train["batch_size"])
    if len(fold) < batch:
        raise InputError(
            f"holds {len(fold)} {name} windows, less than one batch of {batch}: lower train.batch_size or widen the fold",
            params.source,
        )
