"""Losses, each a mean over windows, positions and tracks (target, prediction: float32 tensors of shape (n, B, T))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

    Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def loss_function(name: str) -> Loss:
    """The loss of a params file: poisson (Basenji: p - y log(p + 1e-7)), mse, log_mse (of log(x + 1))."""
    import tensorflow as tf

    # 1e-7 is Basenji's: a linear model may predict 0, whose logarithm would end the run
    def poisson(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(p - y * tf.math.log(p + 1e-7))

    def mse(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(y - p))

    # the gradient of log1p below 0 pulls ever further down, and ends in NaN at -1
    def log_mse(y: tf.Tensor, p: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(tf.math.log1p(y) - tf.math.log1p(tf.maximum(p, 0.0))))

    return {"poisson": poisson, "mse": mse, "log_mse": log_mse}[name]
