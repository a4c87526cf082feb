"""All metrics of one model from inputs that are read once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.evaluation import accuracy, height_matched, tss_distance
from accessiflow.evaluation.bootstrap import Bootstrap
from accessiflow.evaluation.cell_types import between_tracks
from accessiflow.evaluation.error_rates import called_on, rates
from accessiflow.evaluation.inputs import Windows
from accessiflow.evaluation.loci import example_loci
from accessiflow.evaluation.sets import cluster_names

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 100
ALL_PEAKS_FACTOR = 10  # as the paper: 50 peaks a bin, 500 over all bins


def tables(
    windows: Windows,
    distance: NDArray[np.float64] | None,
    min_track: int,
    min_bin: int,
    fdr: float,
    bh: str,
    bootstrap: Bootstrap,
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Name and table of each metric.

    Args:
        distance: of the windows (n,) to the nearest TSS, or None: no accuracy by distance.
        min_track, min_bin: thresholds of the accuracy by specificity, cluster and distance.
        fdr, bh: how peaks are called on the predictions.
    """
    names = cluster_names(windows)
    yield "specificity", accuracy.by_specificity(windows, min_track, min_bin, False, bootstrap)
    yield "clusters", accuracy.by_cluster(windows, names, min_track, min_bin, bootstrap)
    yield "precision", accuracy.precision_of_top_tracks(windows, bootstrap)
    between = between_tracks(windows, names, bootstrap)
    yield "cell_types", between.table
    yield "over_correlation", between.summary
    yield "height_matched", height_matched.by_track(windows, (), (), DRAWS, bootstrap.seed, bootstrap)
    yield "errors", rates(windows, called_on(windows.predictions, fdr, bh), names)
    if windows.sites is not None:
        yield "loci", example_loci(windows)
    if distance is not None:
        least = (min_track, min_bin // 2, min_bin * ALL_PEAKS_FACTOR)
        found = tss_distance.by_distance(windows, distance, tss_distance.PAPER_EDGES, *least, bootstrap)
        yield "tss_distance", found
        yield "tss_distance_tests", tss_distance.compare(found)
