"""The tracks that a model is asked for, from a targets table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_table
from accessiflow.log import left_out
from accessiflow.prediction.predictor import Predictor

if TYPE_CHECKING:
    import pandas as pd


def read_tracks(targets: Path, predictor: Predictor) -> pd.DataFrame:
    """identifier and description of the tracks to predict, from a targets table; the predictor keeps to them.

    As in Basenji, the first column numbers the model's outputs: a table of some of them asks for these only.

    Raises:
        InputError: The table has other rows than the model has outputs.
    """
    table = read_table(targets, ["identifier"], text=["identifier"])
    outputs = predictor.num_targets
    if len(table) < outputs:
        index = _first_integers(table)
        if len(index) == 0 or len(np.unique(index)) < len(table) or index.min() < 0 or index.max() >= outputs:
            need = f"number the rows by output, 0 to {outputs - 1}, in a first column"
            raise InputError(f"lists {len(table)} tracks, the model predicts {outputs}: {need}", targets)
        # unique and in range: each row names an output of the model
        predictor.keep(index.tolist())
    elif len(table) > outputs:
        raise InputError(f"lists {len(table)} tracks, the model predicts {outputs}", targets)
    left_out("tracks", outputs - len(table), outputs, "of the model, not in the targets table", expected=True)
    return described(table)


def described(tracks: pd.DataFrame) -> pd.DataFrame:
    """The table with a text in the column description for every track: its identifier where there is none."""
    given = tracks["description"] if "description" in tracks else tracks["identifier"]
    return tracks.assign(description=given.fillna(tracks["identifier"]).astype(str))


def _first_integers(table: pd.DataFrame) -> NDArray[np.int64]:
    """The integers (n,) of a table's first column; empty when it holds something else."""
    first = table.iloc[:, 0].to_numpy()
    return first.astype(np.int64) if first.dtype.kind in "iu" else np.empty(0, np.int64)
