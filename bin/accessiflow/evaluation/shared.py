"""The windows that all models predict, where some were predicted elsewhere and lack a few."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.loading import EvaluationInputs, flagged_or_clustered
from accessiflow.evaluation.readers import Matrix, read_matrix
from accessiflow.log import left_out, log

REFUSE, EXCLUDE = "refuse", "exclude"


def measured_windows(inputs: EvaluationInputs, predictions: Sequence[Path], missing: str) -> EvaluatedWindows:
    """The windows of a measurement on which several models are set side by side.

    Args:
        inputs: the measurement, in the place of predictions too, and what says which windows are peaks.
        predictions: the files of all models.
        missing: what a window is that a model lacks: REFUSE (when its file is read), or EXCLUDE for all.
    """
    windows = flagged_or_clustered(inputs)
    return shared_windows(windows, predictions) if missing == EXCLUDE else windows


def shared_windows(windows: EvaluatedWindows, predictions: Sequence[Path]) -> EvaluatedWindows:
    """The windows that every file of predictions has, by their centres; what is left out is said and counted.

    Files without coordinates have all windows, or are refused when they are read.

    Raises:
        InputError: no window is left.
    """
    if windows.sites is None:
        return windows
    own = Matrix(windows.targets, None, windows.sites).centres()
    kept = np.ones(len(own), bool)
    for path in predictions:
        given = read_matrix(path)
        if given.sites is None:
            continue
        there = np.isin(own, given.centres())
        if not (kept & there).any():
            raise InputError("shares no window with the measurement and the other models", path)
        kept &= there
    lost = int((~kept).sum())
    if lost:
        log.warning("%d of %d windows are not predicted by every model: left out for all", lost, len(kept))
        left_out("windows", lost, len(kept), "not predicted by every model")
    return windows if not lost else windows.take(np.flatnonzero(kept))
