"""Base codes to one-hot inside a TensorFlow graph.

A byte a base crosses to the device, not the sixteen of four float32 channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.genome import ONE_HOT

if TYPE_CHECKING:
    import tensorflow as tf


def one_hot(codes: tf.Tensor) -> tf.Tensor:
    """One-hot (n, L, 4) float32 of base codes (n, L) uint8; code 4 is 0.25 in each channel."""
    import tensorflow as tf

    return tf.gather(tf.constant(ONE_HOT), tf.cast(codes, tf.int32))
