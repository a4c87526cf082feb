"""Batched prediction whose bytes depend on the window alone: not on its place among others, the number of windows, or the threads.

All batches have one shape. Matrix kernels sum the last rows of a block in another order, so a few places of a batch (which ones depends on the
shape and the threads) give other last bits than the rest: these are found once by a probe, and only ever hold padding.

Memory: windows x positions x filters of a batch's widest layer are at most 2^25 (128 MB), and one block of windows and predictions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_table
from accessiflow.genome import reverse_complement
from accessiflow.inference.encoding import one_hot
from accessiflow.model.build import build_model
from accessiflow.model.params import Params, load_params
from accessiflow.model.weights import load_weights
from accessiflow.training.augmentation import shift_codes

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import tensorflow as tf

Codes = NDArray[np.uint8]
BLOCK = 2048  # windows, strands and shifts included, that are expanded at once
PROBES = 3


@dataclass(frozen=True)
class Ensemble:
    """What predictions are averaged over: strands and shifts (bp, positive to the right), on the natural scale."""

    rc: bool = False
    shifts: Sequence[int] = (0,)

    @property
    def size(self) -> int:
        """Passes through the model per window."""
        return len(self.shifts) * (2 if self.rc else 1)


class Predictor:
    """A model ready to predict: `predict` one pass, `ensemble` the mean over strands and shifts."""

    def __init__(self, params: Params, weights: Path) -> None:
        self.params = params
        self.model: keras.Model = build_model(params)
        load_weights(self.model, weights)
        self.batch = _batch_size(params)
        self._outputs = list(range(params.num_targets))

    def keep(self, outputs: Sequence[int]) -> None:
        """Predict these tracks of the model only, in this order."""
        self._outputs = list(outputs)
        self.__dict__.pop("_run", None)
        self.__dict__.pop("_places", None)

    @property
    def output_length(self) -> int:
        """Positions that the model predicts for a window."""
        return int(self.model.output_shape[1])

    @property
    def output_shape(self) -> tuple[int, int]:
        """Positions and tracks of a window's prediction."""
        return self.output_length, len(self._outputs)

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""
        out = np.empty((len(codes), *self.output_shape), np.float32)
        batch = np.zeros((self.batch, self.params.seq_length), np.uint8)
        for low in range(0, len(codes), len(self._places)):
            part = codes[low : low + len(self._places)]
            places = self._places[: len(part)]
            batch[places] = part
            out[low : low + len(part)] = np.asarray(self._run(batch))[places]
        return out

    def ensemble(self, codes: Codes, how: Ensemble) -> NDArray[np.float64]:
        """Mean prediction (n, B, T) over shifts and strands; a reverse-complement prediction is read backwards."""
        out = np.empty((len(codes), *self.output_shape))
        step = max(1, BLOCK // how.size)
        for low in range(0, len(codes), step):
            part = codes[low : low + step]
            passes = self.predict(np.concatenate(list(_passes(part, how)))).reshape(how.size, len(part), *self.output_shape)
            if how.rc:
                passes[1::2] = passes[1::2, :, ::-1].copy()
            out[low : low + step] = passes.sum(axis=0, dtype=np.float64) / how.size
        return out

    @cached_property
    def _run(self) -> Callable[[Codes], tf.Tensor]:
        import tensorflow as tf

        def forward(codes: tf.Tensor) -> tf.Tensor:
            predicted = self.model(one_hot(codes), training=False)
            return predicted if self._outputs == list(range(self.params.num_targets)) else tf.gather(predicted, self._outputs, axis=2)

        return tf.function(forward, input_signature=[tf.TensorSpec((self.batch, self.params.seq_length), tf.uint8)], autograph=False)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Places of a batch that give the same bytes for the same window: those of the majority, for each of a few random windows."""
        same = np.ones(self.batch, bool)
        for window in np.random.default_rng(0).integers(0, 4, (PROBES, self.params.seq_length), dtype=np.uint8):
            predicted = np.asarray(self._run(np.tile(window, (self.batch, 1)))).reshape(self.batch, -1)
            _, kind, counts = np.unique(predicted.view(np.uint32), axis=0, return_inverse=True, return_counts=True)
            same &= kind.ravel() == counts.argmax()
        return np.flatnonzero(same) if same.any() else np.zeros(1, np.int64)


def _passes(codes: Codes, how: Ensemble) -> Iterator[Codes]:
    """The windows as each pass of an ensemble sees them: for each shift forward and, with rc, reverse complement."""
    for shift in how.shifts:
        moved = shift_codes(codes, np.full(len(codes), shift)) if shift else codes
        yield moved
        if how.rc:
            yield reverse_complement(moved)


def load_predictor(params_file: Path, weights: Path) -> Predictor:
    """A predictor from a params JSON and a weights file.

    Raises:
        InputError: the params leave seq_length or the number of tracks open, or the weights do not fit.
    """
    params = load_params(params_file)
    if params.model["seq_length"] is None or params.model["head_seq"][-1]["units"] is None:
        raise InputError("leaves seq_length or the units of the last layer open: take the params.json beside the trained weights", params_file)
    return Predictor(params, weights)


def read_tracks(targets: Path, predictor: Predictor) -> pd.DataFrame:
    """identifier and description of the tracks to predict, from a targets table; the predictor keeps to them.

    As in Basenji, the first column numbers the model's outputs: a table of some of them asks for these only.

    Raises:
        InputError: the table has other rows than the model has outputs.
    """
    table = read_table(targets, ["identifier"], text=["identifier"])
    outputs = predictor.params.num_targets
    if len(table) < outputs:
        index = _first_integers(table)
        if len(index) == 0 or len(np.unique(index)) < len(table) or index.min() < 0 or index.max() >= outputs:
            need = f"number the rows by output, 0 to {outputs - 1}, in a first column"
            raise InputError(f"lists {len(table)} tracks, the model predicts {outputs}: {need}", targets)
        predictor.keep(index.tolist())
    elif len(table) > outputs:
        raise InputError(f"lists {len(table)} tracks, the model predicts {outputs}", targets)
    return described(table)


def described(tracks: pd.DataFrame) -> pd.DataFrame:
    """The table with a text in the column description for every track: its identifier where there is none."""
    given = tracks["description"] if "description" in tracks else tracks["identifier"]
    return tracks.assign(description=given.fillna(tracks["identifier"]).astype(str))


def _batch_size(params: Params) -> int:
    blocks = params.model["trunk"]
    widest = max(int(block.get("filters") or block.get("filters_init") or 1) for block in blocks)
    ideal = (1 << 25) // (params.seq_length * widest)
    return int(2 ** np.clip(np.floor(np.log2(max(ideal, 1))), 5, 8))


def _first_integers(table: pd.DataFrame) -> NDArray[np.int64]:
    """The integers (n,) of a table's first column; empty when it holds something else."""
    first = table.iloc[:, 0].to_numpy()
    return first.astype(np.int64) if first.dtype.kind in "iu" else np.empty(0, np.int64)
