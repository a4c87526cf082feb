"""What a step minimises: the loss, and terms that ask for the differences between tracks; and which windows an epoch sees.

With d(x)_t = log(1 + x_t) - mean over tracks of log(1 + x), the deviation of a window's position from its cross-track mean,

    train.deviation_weight w:      + w mean (d(p) - d(y))^2                         over windows, positions and tracks
    train.cosine_weight w:         + w mean (1 - d(p).d(y) / (|d(p)| |d(y)|))       over windows and positions; 0 where |d(y)| < 0.01
    train.specificity_sampling s:  an epoch draws as many windows as there are, with replacement, each with probability
                                   proportional to 1 + s v / mean(v), v = mean over positions of the variance over tracks of log(1 + y)

(|d(p)| is sqrt(d(p)^2 + 0.01^2), so that its gradient stays finite.) A term of weight 0 is not computed. The Poisson loss curves with the mean of the
targets on the log scale: a weight of that order lets a term count as much. The losses of train_log.tsv are those of train.loss alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from accessiflow.training.losses.pointwise import loss_function

if TYPE_CHECKING:
    import tensorflow as tf

    from accessiflow.model.params import Params

    Objective = Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]

FLAT = 0.01  # a deviation of this norm is none


def objective(params: Params) -> Objective:
    """(targets, predictions) of shape (n, B, T) -> (the loss alone, the loss with its further terms)."""
    loss_of = loss_function(params.train["loss"])
    terms = [
        (params.train[key], term)
        for key, term in (("deviation_weight", deviation_error), ("cosine_weight", cosine_distance))
    ]
    active = [(weight, term) for weight, term in terms if weight]

    def losses(y: tf.Tensor, p: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss = loss_of(y, p)
        return loss, sum((weight * term(y, p) for weight, term in active), loss)

    return losses


def deviation_error(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the deviations from the cross-track mean."""
    import tensorflow as tf

    return tf.reduce_mean(tf.square(_deviation(p) - _deviation(y)))


def cosine_distance(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
    """1 - cosine similarity of the deviations, averaged over windows and positions (0 where the measured one is flat)."""
    import tensorflow as tf

    measured, predicted = _deviation(y), _deviation(p)
    size = tf.norm(measured, axis=-1)
    sizes = tf.maximum(size, FLAT) * tf.sqrt(tf.reduce_sum(tf.square(predicted), axis=-1) + FLAT**2)
    distance = 1 - tf.reduce_sum(measured * predicted, axis=-1) / sizes
    return tf.reduce_mean(tf.where(size < FLAT, 0.0, distance))


def _deviation(x: tf.Tensor) -> tf.Tensor:
    import tensorflow as tf

    logs = tf.math.log1p(tf.maximum(x, 0.0))
    return logs - tf.reduce_mean(logs, axis=-1, keepdims=True)
