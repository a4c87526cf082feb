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
    import tensorflow as tf

    from accessiflow.model.params import Params

    Objective = Callable[[tf.Tensor, tf.Tensor], "Losses"]

FLAT = 0.01  # a deviation of this norm is none


class Losses(NamedTuple):
    """Scalars of a batch: the loss of train.loss alone, and the total with the terms across tracks."""

    loss: tf.Tensor
    total: tf.Tensor


def objective(params: Params) -> Objective:
    """The function (targets, predictions) of shape (n, B, T) -> Losses that a params file asks for."""
    loss_of = loss_function(params.train["loss"])
    weighted = (
        (params.train["deviation_weight"], deviation_error),
        (params.train["cosine_weight"], cosine_distance),
    )
    active = [(weight, term) for weight, term in weighted if weight]

    def losses(y: tf.Tensor, p: tf.Tensor) -> Losses:
        loss = loss_of(y, p)
        return Losses(loss, sum((weight * term(y, p) for weight, term in active), loss))

    return losses


def deviation_error(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the deviations from the cross-track mean."""
    import tensorflow as tf

    return tf.reduce_mean(tf.square(_deviation(p) - _deviation(y)))


def cosine_distance(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """1 - cosine similarity of the deviations, a mean over windows and positions; 0 where the measured one is flat."""
    import tensorflow as tf

    measured, predicted = _deviation(y), _deviation(p)
    size = tf.norm(measured, axis=-1)
    # |d(p)| as sqrt(d(p)^2 + 0.01^2): the gradient of a plain norm is infinite at 0, where many networks start
    sizes = tf.maximum(size, FLAT) * tf.sqrt(tf.reduce_sum(tf.square(predicted), axis=-1) + FLAT**2)
    distance = 1 - tf.reduce_sum(measured * predicted, axis=-1) / sizes
    return tf.reduce_mean(tf.where(size < FLAT, 0.0, distance))


def _deviation(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    logs = tf.math.log1p(tf.maximum(x, 0.0))
    return logs - tf.reduce_mean(logs, axis=-1, keepdims=True)
