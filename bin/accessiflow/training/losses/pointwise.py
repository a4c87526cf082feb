"""Losses, each a mean over windows, positions and tracks (target, prediction: float32 tensors of shape (n, B, T))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import KerasTensor

    Loss = Callable[[KerasTensor, KerasTensor], KerasTensor]


def loss_function(name: str) -> Loss:
    """The loss of a params file: poisson (Basenji: p - y log(p + 1e-7)), mse, log_mse (of log(x + 1))."""
    from keras import ops

    # 1e-7 is Basenji's: a linear model may predict 0, whose logarithm would end the run
    def poisson(y: KerasTensor, p: KerasTensor) -> KerasTensor:
        return ops.mean(p - y * ops.log(p + 1e-7))

    def mse(y: KerasTensor, p: KerasTensor) -> KerasTensor:
        return ops.mean(ops.square(y - p))

    # the gradient of log1p below 0 pulls ever further down, and ends in NaN at -1
    def log_mse(y: KerasTensor, p: KerasTensor) -> KerasTensor:
        return ops.mean(ops.square(ops.log1p(y) - ops.log1p(ops.maximum(p, 0.0))))

    return {"poisson": poisson, "mse": mse, "log_mse": log_mse}[name]
