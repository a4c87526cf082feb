"""Base codes to one-hot on the device that computes.

A byte a base crosses to the device, not the sixteen of four float32 channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.genome import ONE_HOT

if TYPE_CHECKING:
    from keras import KerasTensor


def one_hot(codes: KerasTensor) -> KerasTensor:
    """One-hot (n, L, 4) float32 of base codes (n, L) uint8; code 4 is 0.25 in each channel."""
    from keras import ops

    return ops.take(ops.convert_to_tensor(ONE_HOT), ops.cast(codes, "int32"), axis=0)
