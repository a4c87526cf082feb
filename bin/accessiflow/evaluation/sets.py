"""Which windows are cell type-specific for a track, and which are ubiquitous: one rule for every evaluation.

Where the windows have clusters: specific to a track are those in the cluster named after the track's own cell type or
group. A track without such a cluster has no specific windows where clusters are named after cell types or groups; where
none is (a clusters BED with names of its own), those in any cluster that is neither `ubiquitous` nor `shared` are
specific to every track. Ubiquitous are those in the cluster `ubiquitous`. Where the windows have no clusters: the
track's own peaks in the first and in the last specificity bin. Names given by the user replace the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.evaluation.inputs import EvaluatedWindows

if TYPE_CHECKING:
    import pandas as pd

UBIQUITOUS, SHARED = "ubiquitous", "shared"


def with_cell_types(windows: EvaluatedWindows, sheet: pd.DataFrame) -> EvaluatedWindows:
    """The windows with the cell types and groups of a tracks sheet, where they have none from peaks.h5ad."""
    if windows.cell_types:
        return windows
    rows = sheet.drop_duplicates("track").set_index("track").reindex(windows.tracks)
    described = [
        [str(v) for v in rows[name].fillna("")] if name in rows else [""] * len(rows) for name in ("cell_type", "group")
    ]
    return replace(windows, cell_types=described[0], groups=described[1])


def cluster_names(windows: EvaluatedWindows) -> list[str]:
    """Names of the clusters that hold a window, sorted."""
    return sorted({str(name) for name in windows.cluster} - {"", "nan", "NA"})


def specific_clusters(windows: EvaluatedWindows, column: int, given: Sequence[str] = ()) -> list[str]:
    """The clusters specific to a track.

    Those given, else those of its own cell type and group, or all where no cluster is named after a cell type.
    """
    names = cluster_names(windows)
    if given:
        return _known(given, names)
    specific = [name for name in names if name not in (UBIQUITOUS, SHARED)]
    own = {part[column] for part in (windows.cell_types, windows.groups) if part} - {""}
    # Another cell type's windows never stand in for a track's own.
    types = {*windows.cell_types, *windows.groups, *windows.known_types}
    return [name for name in specific if name in own] if types & set(specific) else specific


def specific_windows(windows: EvaluatedWindows, given: Sequence[str] = ()) -> NDArray[np.bool_]:
    """Which windows are specific to each track (n, T)."""
    # Without clusters, the first specificity bin stands for specific.
    if not cluster_names(windows) and windows.labels:
        return windows.is_peak & (windows.specificity == windows.labels[0])[:, None]
    out, found = np.zeros(windows.is_peak.shape, bool), {}
    for column in range(len(windows.tracks)):
        names = tuple(specific_clusters(windows, column, given))
        # Tracks of one cell type have the same clusters: looked up once.
        if names not in found:
            found[names] = np.isin(windows.cluster, names)
        out[:, column] = found[names]
    return out


def ubiquitous_windows(windows: EvaluatedWindows, given: Sequence[str] = ()) -> NDArray[np.bool_]:
    """Which windows are ubiquitous, for each track (n, T); not to be written to."""
    names = cluster_names(windows)
    # And the last for ubiquitous.
    if not names and windows.labels:
        return windows.is_peak & (windows.specificity == windows.labels[-1])[:, None]
    chosen = np.isin(windows.cluster, _known(given, names) if given else [UBIQUITOUS])
    # A view: the same column for all tracks takes no byte a window and track.
    return np.broadcast_to(chosen[:, None], windows.is_peak.shape)


def _known(given: Sequence[str], names: Sequence[str]) -> list[str]:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise InputError(f"no test window lies in a cluster {unknown[0]} (clusters: {', '.join(names[:12])})")
    return list(given)
