"""Windows in the intervals of a clusters BED instead of peak bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.evaluation.inputs import EvaluatedWindows, read_pair
from accessiflow.log import left_out
from accessiflow.peaks.cluster_bed import clusters_of


def load_clustered(predictions: Path, targets: Path, names: Sequence[str] = ()) -> EvaluatedWindows:
    """Predictions and targets whose file says where the windows are; no peaks.

    Raises:
        InputError: nothing is shared, or neither file has chrom, start, end.
    """
    given, truth = read_pair(predictions, targets, names)
    if given.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end)", predictions)
    n, tracks = given.values.shape
    # Without peaks every window counts for every track, and none is in a specificity bin.
    nothing = np.full(n, "", dtype=object)
    return EvaluatedWindows(
        given.values,
        truth.values,
        np.ones((n, tracks), bool),
        np.zeros(n, np.int64),
        given.tracks or [],
        [],
        nothing,
        nothing.copy(),
        given.sites,
    )


def assign_clusters(windows: EvaluatedWindows, bed: Path) -> EvaluatedWindows:
    """The windows with the cluster of the BED in which their central bases lie."""
    assert windows.sites is not None
    cluster = clusters_of(windows.sites, bed)
    left_out("windows", int((cluster == "").sum()), len(cluster), "in no cluster", source=bed.name)
    return replace(windows, cluster=cluster)
