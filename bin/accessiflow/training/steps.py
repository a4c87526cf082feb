"""The training and validation steps of a model: codes (n, L) uint8 and targets (n, B, T) float32 -> StepResult."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import keras


class StepResult(NamedTuple):
    """The loss of a batch (train.loss alone, a scalar) and its predictions (n, B, T), maybe still being computed."""

    loss: ArrayLike
    predictions: ArrayLike


class Steps(ABC):
    """Both steps of a model, compiled for one framework, and the optimizer whose variables are part of a run's state.

    The loss that they return is train.loss, without penalties and further objectives.
    """

    optimizer: keras.Optimizer

    @abstractmethod
    def train(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """One step of the optimizer; predictions are those before it."""

    @abstractmethod
    def evaluate(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """Loss and predictions in inference mode."""

    @abstractmethod
    def store(self) -> None:
        """Put what has been learned into the variables of model and optimizer, where it is kept elsewhere."""

    @abstractmethod
    def load(self) -> None:
        """Take over the variables of model and optimizer after they were changed from outside."""
