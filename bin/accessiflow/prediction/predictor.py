"""Batched prediction whose bytes depend on the window alone: not on its place among others, the number of windows, or the threads.

All batches have one shape. Matrix kernels sum the last rows of a block in another order, so a few places of a batch (which ones depends on the
shape and the threads) give other last bits than the rest: these are found once by a probe, and only ever hold padding.

Memory: windows x positions x filters of a batch's widest layer are at most 2^25 (128 MB), and one block of windows and predictions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genome import UNKNOWN, Codes
from accessiflow.genome import one_hot as host_one_hot
from accessiflow.model.build import build_model
from accessiflow.model.one_hot import one_hot
from accessiflow.model.params import Params
from accessiflow.model.weights import load_weights
from accessiflow.prediction.adapters import Adapter
from accessiflow.prediction.ensemble import Ensemble

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

BLOCK = 2048  # windows, strands and shifts included, that are expanded at once
PROBES = 3


class Predictor(ABC):
    """A model ready to predict windows of base codes: `predict` one pass, `ensemble` the mean over strands and shifts."""

    def __init__(self, seq_length: int, output_length: int, num_targets: int) -> None:
        """Of a model that reads windows of seq_length bp and predicts output_length positions of num_targets tracks."""
        self.seq_length, self.output_length, self.num_targets = seq_length, output_length, num_targets
        self._outputs = list(range(num_targets))

    def keep(self, outputs: Sequence[int]) -> None:
        """Predict these tracks of the model only, in this order."""
        self._outputs = list(outputs)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Positions and tracks of a window's prediction."""
        return self.output_length, len(self._outputs)

    @property
    @abstractmethod
    def engine(self) -> str:
        """What computes, for the log."""

    @abstractmethod
    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""

    def ensemble(self, codes: Codes, how: Ensemble, starts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:  # noqa: ARG002
        """Mean prediction (n, B, T) over shifts and strands; a reverse-complement prediction is read backwards.

        Args:
            starts: (n,) where each window starts on its chromosome, for an engine that shares what overlapping windows have in common.
        """
        out = np.empty((len(codes), *self.output_shape))
        step = max(1, BLOCK // how.size)
        for low in range(0, len(codes), step):
            part = codes[low : low + step]
            passes = self.predict(np.concatenate(list(how.passes(part)))).reshape(
                how.size, len(part), *self.output_shape
            )
            if how.rc:
                passes[1::2] = passes[1::2, :, ::-1].copy()
            out[low : low + step] = passes.sum(axis=0, dtype=np.float64) / how.size
        return out

    def alleles(
        self, ref: Codes, alt: Codes, how: Ensemble, starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean predictions (n, B, T) of REF and of ALT windows (n, seq_length); equal REF windows, of alleles of one site, are predicted once.

        Args:
            starts: (n,) where each REF window starts on its chromosome.
        """
        first, back = _distinct(ref, starts)
        predicted = self.ensemble(np.concatenate([ref[first], alt]), how)
        return predicted[: len(first)][back], predicted[len(first) :]

    def changed(
        self, codes: Codes, windows: Codes, how: Ensemble, start: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: ARG002
        """Mean predictions (n, B, T) of windows (n, seq_length) that differ from `codes` (seq_length,) in few places, and (B, T) of `codes`.

        Args:
            start: where they start on their chromosome.
        """
        predicted = self.ensemble(np.concatenate([codes[None], windows]), how)
        return predicted[1:], predicted[0]


class KerasPredictor(Predictor):
    """A Basenji-type network."""

    def __init__(self, params: Params, weights: Path) -> None:
        """Build the network and load its weights."""
        self.params = params
        self.model: keras.Model = build_model(params)
        load_weights(self.model, weights)
        self.batch = _batch_size(params)
        super().__init__(params.seq_length, int(self.model.output_shape[1]), params.num_targets)

    @property
    def engine(self) -> str:
        """What computes, for the log."""
        return f"tensorflow, batches of {self.batch} windows"

    def keep(self, outputs: Sequence[int]) -> None:
        """Predict these tracks of the model only, in this order."""
        super().keep(outputs)
        self.__dict__.pop("_run", None)
        self.__dict__.pop("_places", None)

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""
        out = np.empty((len(codes), *self.output_shape), np.float32)
        batch = np.zeros((self.batch, self.seq_length), np.uint8)
        for low in range(0, len(codes), len(self._places)):
            part = codes[low : low + len(self._places)]
            places = self._places[: len(part)]
            batch[places] = part
            out[low : low + len(part)] = np.asarray(self._run(batch))[places]
        return out

    @cached_property
    def _run(self) -> Callable[[Codes], tf.Tensor]:
        import tensorflow as tf

        def forward(codes: tf.Tensor) -> tf.Tensor:
            predicted = self.model(one_hot(codes), training=False)
            return (
                predicted
                if self._outputs == list(range(self.num_targets))
                else tf.gather(predicted, self._outputs, axis=2)
            )

        return tf.function(
            forward, input_signature=[tf.TensorSpec((self.batch, self.seq_length), tf.uint8)], autograph=False
        )

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Places of a batch that give the same bytes for the same window: those of the majority, for each of a few random windows."""
        same = np.ones(self.batch, bool)
        for window in np.random.default_rng(0).integers(0, 4, (PROBES, self.seq_length), dtype=np.uint8):
            predicted = np.asarray(self._run(np.tile(window, (self.batch, 1)))).reshape(self.batch, -1)
            _, kind, counts = np.unique(predicted.view(np.uint32), axis=0, return_inverse=True, return_counts=True)
            same &= kind.ravel() == counts.argmax()
        return np.flatnonzero(same) if same.any() else np.zeros(1, np.int64)


class AdaptedPredictor(Predictor):
    """Any other model, through its adapter."""

    def __init__(self, adapter: Adapter, name: str) -> None:
        """Of an adapter known by a name."""
        super().__init__(adapter.seq_length, adapter.output_length, adapter.num_targets)
        self._adapter, self._name = adapter, name

    @property
    def engine(self) -> str:
        """What computes, for the log."""
        return f"the adapter {self._name}"

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes, `batch_size` of them at a time, the last batch filled up."""
        out = np.empty((len(codes), *self.output_shape), np.float32)
        size = self._adapter.batch_size
        for low in range(0, len(codes), size):
            part = codes[low : low + size]
            batch = np.full((size, self.seq_length), UNKNOWN, np.uint8)
            batch[: len(part)] = part
            predicted = np.asarray(self._adapter.predict(host_one_hot(batch)), np.float32)
            if predicted.shape != (size, self.output_length, self.num_targets):
                raise InputError(
                    f"the adapter {self._name} predicted an array of shape {predicted.shape}, expected {(size, self.output_length, self.num_targets)}"
                )
            out[low : low + size] = predicted[: len(part), :, self._outputs]
        return out


def _distinct(codes: Codes, starts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the first of each kind of window, and for each window (n,) which of these it equals; equal ones start at one place."""
    order = np.argsort(starts, kind="stable")
    new = np.ones(len(codes), bool)
    new[1:] = (codes[order[1:]] != codes[order[:-1]]).any(axis=1) | (starts[order[1:]] != starts[order[:-1]])
    back = np.empty(len(codes), np.int64)
    back[order] = np.cumsum(new) - 1
    return order[new], back


def _batch_size(params: Params) -> int:
    blocks = params.model["trunk"]
    widest = max(int(block.get("filters") or block.get("filters_init") or 1) for block in blocks)
    ideal = (1 << 25) // (params.seq_length * widest)
    return int(2 ** np.clip(np.floor(np.log2(max(ideal, 1))), 5, 8))
