"""What a step minimises: the loss of train.loss, and terms that ask for the differences between tracks.

d(x)_t = log(1 + x_t) - mean over tracks of log(1 + x) is the deviation of a window's position from its cross-track
mean. Of predictions p and targets y the terms are

    train.deviation_weight w:  + w mean (d(p) - d(y))^2
                               over windows, positions and tracks;
    train.cosine_weight w:     + w mean (1 - d(p).d(y) / (|d(p)| |d(y)|))
                               over windows and positions; 0 where |d(y)| < 0.01.

A term of weight 0 is not computed. The Poisson loss curves with the mean of the targets on the log scale: a weight of
that order lets a term count as much. The losses of train_log.tsv are those of train.loss alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.training.losses.pointwise import loss_function

if TYPE_CHECKING:
    from keras import KerasTensor

    from accessiflow.model.params import Params

    Objective = Callable[[KerasTensor, KerasTensor], "Losses"]

FLAT = 0.01  # a deviation of this norm is none


class Losses(NamedTuple):
    """Scalars of a batch: the loss of train.loss alone, and the total with the terms across tracks."""

    loss: KerasTensor
    total: KerasTensor


def objective(params: Params) -> Objective:
    """The function (targets, predictions) of shape (n, B, T) -> Losses that a params file asks for."""
    loss_of = loss_function(params.train["loss"])
    weighted = (
        (params.train["deviation_weight"], deviation_error),
        (params.train["cosine_weight"], cosine_distance),
    )
    active = [(weight, term) for weight, term in weighted if weight]

    def losses(y: KerasTensor, p: KerasTensor) -> Losses:
        loss = loss_of(y, p)
        return Losses(loss, sum((weight * term(y, p) for weight, term in active), loss))

    return losses


def deviation_error(y: KerasTensor, p: KerasTensor) -> KerasTensor:
    """Mean squared error of the deviations from the cross-track mean."""
    from keras import ops

    return ops.mean(ops.square(_deviation(p) - _deviation(y)))


def cosine_distance(y: KerasTensor, p: KerasTensor) -> KerasTensor:
    """1 - cosine similarity of the deviations, a mean over windows and positions; 0 where the measured one is flat."""
    from keras import ops

    measured, predicted = _deviation(y), _deviation(p)
    size = ops.sqrt(ops.sum(ops.square(measured), axis=-1))
    # |d(p)| as sqrt(d(p)^2 + 0.01^2): the gradient of a plain norm is infinite at 0, where many networks start
    sizes = ops.maximum(size, FLAT) * ops.sqrt(ops.sum(ops.square(predicted), axis=-1) + FLAT**2)
    distance = 1 - ops.sum(measured * predicted, axis=-1) / sizes
    return ops.mean(ops.where(size < FLAT, 0.0, distance))


def _deviation(x: KerasTensor) -> KerasTensor:
    from keras import ops

    logs = ops.log1p(ops.maximum(x, 0.0))
    return logs - ops.mean(logs, axis=-1, keepdims=True)
