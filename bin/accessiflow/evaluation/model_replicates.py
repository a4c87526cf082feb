"""Variability across the replicates of a model, from their files of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import variability
from accessiflow.evaluation.comparison import replicate_predictions
from accessiflow.evaluation.loading import EvaluationInputs, clustered, track_names
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd


class Variability(NamedTuple):
    """Coefficients of variation by cluster, and the tests of each track's specific windows."""

    table: pd.DataFrame
    tests: pd.DataFrame


def of_files(
    predictions: Sequence[Path],
    targets: Path | None,
    peaks: Path | None,
    tracks: Path | None,
    clusters: Path | None,
    specific: Sequence[str],
    ubiquitous: Sequence[str],
    ddof: int,
    bootstrap: Bootstrap,
) -> Variability:
    """`variability.by_cluster` and `variability.compare` of two replicates or more.

    Args:
        predictions: a file a replicate.
        targets: the measurement: the windows and tracks to evaluate; without it those of the first replicate.
        peaks, tracks, clusters: as in `EvaluationInputs`.
        specific, ubiquitous: clusters to take as such.
        empty: the rule of `sets`.
        ddof: as in `variability.coefficient_of_variation`.
        bootstrap: of the intervals of the means.

    Raises:
        InputError: a file lacks windows or tracks of the first, or no window lies in a cluster.
    """
    first = predictions[0]
    windows = clustered(EvaluationInputs(first, targets or first, peaks, tracks=tracks, clusters=clusters))
    replicates = replicate_predictions(windows, predictions, track_names(tracks))
    cv = variability.coefficient_of_variation(replicates, ddof)
    undefined = int(np.isnan(cv).sum())
    left_out("predictions", undefined, cv.size, "0 in the mean of the replicates: no coefficient of variation")
    tests = variability.compare(windows, cv, specific, ubiquitous)
    return Variability(variability.by_cluster(windows, cv, ubiquitous, bootstrap), tests)
