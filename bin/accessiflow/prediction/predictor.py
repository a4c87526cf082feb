"""Batched prediction whose bytes depend on the window alone.

They do not depend on its place among others, the number of windows, or the threads. All batches have one shape. Matrix
kernels sum the last rows of a block in another order, so a few places of a batch (which ones depends on the shape and
the threads) give other last bits than the rest: these are found once by a probe, and only ever hold padding.

Memory: windows x positions x filters of a batch's widest layer are at most 2^25 (128 MB), and one block of windows and
predictions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.errors import InputError
from accessiflow.genome import UNKNOWN, Codes, one_hot
from accessiflow.model.build import build_model
from accessiflow.model.device import framework, framework_name
from accessiflow.model.params import Params
from accessiflow.model.weights import load_weights
from accessiflow.prediction.adapters import Adapter
from accessiflow.prediction.ensemble import FORWARD, Ensemble

if TYPE_CHECKING:
    import keras

PASSES_AT_ONCE = 2048  # windows, strands and shifts included, that are expanded at once
PROBES = 3  # random windows; two places that differ agree on all of them only by a rare chance


class OutputShape(NamedTuple):
    """Positions (B) and tracks (T) of a window's prediction."""

    positions: int
    tracks: int


class Predictions(NamedTuple):
    """Predictions of windows.

    Attributes:
        values: (n, B, T) float64 by window, position and track, natural scale, in the unit of the targets.
    """

    values: NDArray[np.float64]

    @property
    def sums(self) -> NDArray[np.float64]:
        """Predictions (n, T) summed over positions."""
        return self.values.sum(axis=1)


class AllelePredictions(NamedTuple):
    """Mean predictions (n, B, T) of the REF and of the ALT windows of variants."""

    ref: NDArray[np.float64]
    alt: NDArray[np.float64]


class MutantPredictions(NamedTuple):
    """Mean predictions (n, B, T) of changed windows, and (B, T) of the window that they were changed from."""

    mutants: NDArray[np.float64]
    reference: NDArray[np.float64]


class FirstOfKind(NamedTuple):
    """Equal windows found.

    Attributes:
        first: Number (k,) of one window of each kind.
        kind: Kind (n,) of each window, as a place in `first`.
    """

    first: NDArray[np.int64]
    kind: NDArray[np.int64]


def predict(
    predictor: Predictor,
    codes: Codes,
    ensemble: Ensemble = FORWARD,
    starts: NDArray[np.int64] | None = None,
) -> Predictions:
    """Predictions of windows, averaged over strands and shifts.

    Args:
        predictor: A model (prediction.loading.load_predictor).
        codes: Base codes (n, seq_length) uint8, as genome.encode gives them; 4 is an unknown base.
        ensemble: What is averaged over.
        starts: Where each window (n,) starts on its chromosome, for an engine that shares what overlapping windows
            have in common: it is faster with them, and windows in the order of the genome.
    """
    return Predictions(predictor.ensemble(codes, ensemble, starts))


class Predictor(ABC):
    """A model ready to predict windows of base codes: `predict` one pass, `ensemble` the mean over several.

    Attributes:
        seq_length: Length in bp of the windows that the model reads.
        output_length: Positions that it predicts.
        num_targets: Tracks of the model; `keep` may leave out some.
    """

    def __init__(self, seq_length: int, output_length: int, num_targets: int) -> None:
        """A predictor of a model with these lengths (see the class)."""
        self.seq_length, self.output_length, self.num_targets = seq_length, output_length, num_targets
        self._outputs = list(range(num_targets))

    def keep(self, outputs: Sequence[int]) -> None:
        """Predict these tracks of the model only, in this order."""
        self._outputs = list(outputs)

    @property
    def output_shape(self) -> OutputShape:
        """Positions and tracks of a window's prediction."""
        return OutputShape(self.output_length, len(self._outputs))

    @property
    @abstractmethod
    def engine(self) -> str:
        """What computes, for the log."""

    @abstractmethod
    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""

    def ensemble(
        self,
        codes: Codes,
        ensemble: Ensemble,
        starts: NDArray[np.int64] | None = None,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Mean prediction (n, B, T) over shifts and strands; a reverse-complement prediction is read backwards.

        Args:
            codes: Windows (n, seq_length) of base codes.
            ensemble: What is averaged over.
            starts: Where each window (n,) starts on its chromosome, for an engine that shares what overlapping windows
                have in common.
        """
        out = np.empty((len(codes), *self.output_shape))
        step = max(1, PASSES_AT_ONCE // ensemble.size)
        for low in range(0, len(codes), step):
            part = codes[low : low + step]
            passes = self.predict(np.concatenate(list(ensemble.passes(part))))
            passes = passes.reshape(ensemble.size, len(part), *self.output_shape)
            if ensemble.rc:
                # every second pass; the copy, since source and target of a reversal in place overlap
                passes[1::2] = passes[1::2, :, ::-1].copy()
            # in float64: the differences between alleles are small beside the predictions themselves
            out[low : low + step] = passes.sum(axis=0, dtype=np.float64) / ensemble.size
        return out

    def alleles(self, ref: Codes, alt: Codes, ensemble: Ensemble, starts: NDArray[np.int64]) -> AllelePredictions:
        """Mean predictions of REF and of ALT windows; equal REF windows, of alleles of one site, are predicted once.

        Args:
            ref: REF windows (n, seq_length) of base codes.
            alt: ALT windows (n, seq_length).
            ensemble: What is averaged over.
            starts: Where each REF window (n,) starts on its chromosome.
        """
        first, kind = _distinct(ref, starts)
        predicted = self.ensemble(np.concatenate([ref[first], alt]), ensemble)
        return AllelePredictions(predicted[: len(first)][kind], predicted[len(first) :])

    def changed(
        self,
        codes: Codes,
        windows: Codes,
        ensemble: Ensemble,
        start: int = 0,  # noqa: ARG002
    ) -> MutantPredictions:
        """Mean predictions of windows that differ from one window in few places, and of that window.

        Args:
            codes: The window (seq_length,).
            windows: The changed ones (n, seq_length).
            ensemble: What is averaged over.
            start: Where they start on their chromosome.
        """
        predicted = self.ensemble(np.concatenate([codes[None], windows]), ensemble)
        return MutantPredictions(predicted[1:], predicted[0])


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
        return f"{framework_name()}, batches of {self.batch} windows"

    def keep(self, outputs: Sequence[int]) -> None:
        """Predict these tracks of the model only, in this order."""
        super().keep(outputs)
        # the compiled function holds the former tracks, and its safe places may be others
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
    def _run(self) -> Callable[[Codes], ArrayLike]:
        every = self._outputs == list(range(self.num_targets))
        return framework().forward(self.model, None if every else self._outputs, self.batch)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Places of a batch that give the same bytes for the same window.

        They are those of the majority, for each of a few random windows.
        """
        same = np.ones(self.batch, bool)
        for window in np.random.default_rng(0).integers(0, 4, (PROBES, self.seq_length), dtype=np.uint8):
            predicted = np.asarray(self._run(np.tile(window, (self.batch, 1)))).reshape(self.batch, -1)
            # bits, not values: -0 and 0 count as different, and NaN as equal to itself
            _, kind, counts = np.unique(predicted.view(np.uint32), axis=0, return_inverse=True, return_counts=True)
            same &= kind.ravel() == counts.argmax()
        return np.flatnonzero(same) if same.any() else np.zeros(1, np.int64)


class AdaptedPredictor(Predictor):
    """Any other model, through its adapter."""

    def __init__(self, adapter: Adapter, name: str) -> None:
        """A predictor of a loaded adapter, known by a name."""
        super().__init__(adapter.seq_length, adapter.output_length, adapter.num_targets)
        self._adapter, self._name = adapter, name

    @property
    def engine(self) -> str:
        """What computes, for the log."""
        return f"the adapter {self._name}"

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes.

        The adapter gets `batch_size` of them at a time, the last batch filled up: one shape, whatever the number.
        """
        out = np.empty((len(codes), *self.output_shape), np.float32)
        size = self._adapter.batch_size
        for low in range(0, len(codes), size):
            part = codes[low : low + size]
            batch = np.full((size, self.seq_length), UNKNOWN, np.uint8)
            batch[: len(part)] = part
            predicted = np.asarray(self._adapter.predict(one_hot(batch)), np.float32)
            expected = (size, self.output_length, self.num_targets)
            if predicted.shape != expected:
                raise InputError(
                    f"the adapter {self._name} predicted an array of shape {predicted.shape}, expected {expected}"
                )
            out[low : low + size] = predicted[: len(part), :, self._outputs]
        return out


class SideBySide(Predictor):
    """Several models of the same windows: the tracks of each beside those of the last, each as it is alone."""

    def __init__(self, members: Sequence[Predictor]) -> None:
        """Models with the same lengths."""
        first = members[0]
        tracks = sum(member.output_shape.tracks for member in members)
        super().__init__(first.seq_length, first.output_length, tracks)
        self._members = list(members)

    @property
    def engine(self) -> str:
        """What computes, for the log."""
        return self._members[0].engine

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""
        return self._beside([member.predict(codes) for member in self._members])

    def ensemble(
        self, codes: Codes, ensemble: Ensemble, starts: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Mean prediction (n, B, T) over shifts and strands."""
        return self._beside([member.ensemble(codes, ensemble, starts) for member in self._members])

    def alleles(self, ref: Codes, alt: Codes, ensemble: Ensemble, starts: NDArray[np.int64]) -> AllelePredictions:
        """Mean predictions of REF and of ALT windows."""
        found = [member.alleles(ref, alt, ensemble, starts) for member in self._members]
        return AllelePredictions(*(self._beside(parts) for parts in zip(*found, strict=True)))

    def changed(self, codes: Codes, windows: Codes, ensemble: Ensemble, start: int = 0) -> MutantPredictions:
        """Mean predictions of windows that differ from one window in few places, and of that window."""
        found = [member.changed(codes, windows, ensemble, start) for member in self._members]
        return MutantPredictions(*(self._beside(parts) for parts in zip(*found, strict=True)))

    def _beside(self, parts: Sequence[NDArray[np.floating]]) -> NDArray[Any]:
        return np.concatenate(parts, axis=-1)[..., self._outputs]


def _distinct(codes: Codes, starts: NDArray[np.int64]) -> FirstOfKind:
    """Which windows are equal, of those that start at one place."""
    # Sorted by start, equal windows are neighbours but for alleles of different REF: no window is compared with all.
    order = np.argsort(starts, kind="stable")
    new = np.ones(len(codes), bool)
    new[1:] = (codes[order[1:]] != codes[order[:-1]]).any(axis=1) | (starts[order[1:]] != starts[order[:-1]])
    kind = np.empty(len(codes), np.int64)
    kind[order] = np.cumsum(new) - 1
    return FirstOfKind(order[new], kind)


def _batch_size(params: Params) -> int:
    blocks = params.model["trunk"]
    widest = max(int(block.get("filters") or block.get("filters_init") or 1) for block in blocks)
    # a power of two from 32 to 256: the memory that the module states, whatever the network
    ideal = (1 << 25) // (params.seq_length * widest)
    return int(2 ** np.clip(np.floor(np.log2(max(ideal, 1))), 5, 8))
