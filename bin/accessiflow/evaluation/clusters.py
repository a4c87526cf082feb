"""Windows in the intervals of a clusters BED instead of peak bins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.evaluation.inputs import Windows, read_pair
from accessiflow.intervals import IntervalSet, read_bed

if TYPE_CHECKING:
    import pandas as pd


def load_clustered(predictions: Path, targets: Path, names: Sequence[str] = ()) -> Windows:
    """Predictions and targets whose file says where the windows are; no peaks.

    Raises:
        InputError: nothing is shared, or neither file has chrom, start, end.
    """
    given, truth = read_pair(predictions, targets, names)
    if given.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end)", predictions)
    n, tracks = given.values.shape
    nothing = np.full(n, "", dtype=object)
    return Windows(
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


def assign_clusters(windows: Windows, bed: Path) -> Windows:
    """The windows with the cluster whose interval holds the centre of their central bases."""
    assert windows.sites is not None
    return replace(windows, cluster=clusters_of(windows.sites, bed))


def clusters_of(sites: pd.DataFrame, bed: Path) -> NDArray[np.object_]:
    """Name (n,) of the interval that holds the centre of each site, "" for none; of several the one whose name comes last in the file."""
    out = np.full(len(sites), "", dtype=object)
    middle = ((sites["start"] + sites["end"]) // 2).to_numpy()
    for name, members in read_bed(bed).groupby("name", sort=False):
        index = IntervalSet(members)
        for chrom, at in sites.groupby("chrom", sort=False).indices.items():
            out[at[index.contains(str(chrom), middle[at])]] = str(name)
    return out
