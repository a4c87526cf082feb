"""Batched prediction with one batch shape, so that a window's prediction never depends on how many windows are scored beside it.

A batch holds 2^22 bases x filters of the widest early layer at most (about 16 MB an activation layer and base), between 16 and 1,024 windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

Codes = NDArray[np.uint8]


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
        import tensorflow as tf

        self.params = params
        self.model: keras.Model = build_model(params)
        load_weights(self.model, weights)
        self.batch = _batch_size(params)
        self._run: Any = tf.function(
            lambda codes: self.model(one_hot(codes), training=False),
            input_signature=[tf.TensorSpec((self.batch, params.seq_length), tf.uint8)],
            autograph=False,
        )

    @property
    def output_length(self) -> int:
        """Positions that the model predicts for a window."""
        return int(self.model.output_shape[1])

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""
        out = np.empty((len(codes), *self.model.output_shape[1:]), np.float32)
        for low in range(0, len(codes), self.batch):
            part = codes[low : low + self.batch]
            padded = part if len(part) == self.batch else np.concatenate([part, np.zeros((self.batch - len(part), codes.shape[1]), np.uint8)])
            out[low : low + len(part)] = np.asarray(self._run(padded))[: len(part)]
        return out

    def ensemble(self, codes: Codes, how: Ensemble) -> NDArray[np.float64]:
        """Mean prediction (n, B, T) over shifts and strands; a reverse-complement prediction is read backwards."""
        total = np.zeros((len(codes), *self.model.output_shape[1:]))
        for shift in how.shifts:
            moved = shift_codes(codes, np.full(len(codes), shift)) if shift else codes
            total += self.predict(moved)
            if how.rc:
                total += self.predict(reverse_complement(moved))[:, ::-1]
        return total / how.size


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
    """identifier and description of a model's tracks from its targets table.

    Raises:
        InputError: the table has another number of rows than the model has outputs.
    """
    table = read_table(targets, ["identifier"], text=["identifier"])
    if len(table) != predictor.params.num_targets:
        raise InputError(f"lists {len(table)} tracks, the model predicts {predictor.params.num_targets}", targets)
    if "description" not in table:
        table["description"] = table["identifier"]
    return table.assign(description=table["description"].astype(str))


def _batch_size(params: Params) -> int:
    blocks = params.model["trunk"]
    widest = max(int(block.get("filters") or block.get("filters_init") or 1) for block in blocks)
    ideal = (1 << 25) // (params.seq_length * widest)
    return int(2 ** np.clip(np.floor(np.log2(max(ideal, 1))), 4, 9))
