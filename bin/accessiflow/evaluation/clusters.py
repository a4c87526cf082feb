"""Windows in the intervals of a clusters BED instead of peak bins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.evaluation.inputs import Windows, read_matrix
from accessiflow.intervals import IntervalSet, read_bed


def load_clustered(predictions: Path, targets: Path) -> Windows:
    """Predictions and targets whose file says where the windows are; no peaks.

    Raises:
        InputError: shapes differ, or neither file has chrom, start, end.
    """
    given, truth = read_matrix(predictions), read_matrix(targets)
    sites = given.sites if given.sites is not None else truth.sites
    if given.values.shape != truth.values.shape:
        raise InputError(f"has shape {given.values.shape}, the targets {truth.values.shape}: other windows or tracks", predictions)
    if sites is None:
        raise InputError("does not say where its windows are (chrom, start, end)", predictions)
    n, tracks = given.values.shape
    nothing = np.full(n, "", dtype=object)
    names = given.tracks or truth.tracks or [str(i) for i in range(tracks)]
    return Windows(given.values, truth.values, np.ones((n, tracks), bool), np.zeros(n, np.int64), names, [], nothing, nothing.copy(), sites)


def assign_clusters(windows: Windows, bed: Path) -> Windows:
    """The windows with the cluster whose interval holds the centre of their central bases."""
    assert windows.sites is not None
    out = np.full(len(windows.cluster), "", dtype=object)
    middle = ((windows.sites["start"] + windows.sites["end"]) // 2).to_numpy()
    for name, members in read_bed(bed).groupby("name", sort=False):
        index = IntervalSet(members)
        for chrom, at in windows.sites.groupby("chrom", sort=False).indices.items():
            out[at[index.contains(str(chrom), middle[at])]] = str(name)
    return replace(windows, cluster=out)
