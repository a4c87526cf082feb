"""Accuracy in a track's own peaks, by specificity bin and by cluster; precision of the top tracks.

Source: Kathail et al. 2024, Fig. 2 (notebook Figure_2, cells 10-14) and the Basset evaluation by cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats
from accessiflow.evaluation.sets import cluster_names
from accessiflow.statistics import Doubles, log2p, pearson

if TYPE_CHECKING:
    import pandas as pd

RANKED_AT_ONCE = 1 << 13


def pearson_log2(predictions: AnyFloats, targets: AnyFloats) -> float:
    """Pearson R of log2(x + 1) of two vectors (n,); NaN where one is constant."""
    return pearson(log2p(predictions), log2p(targets))


def resampled(windows: EvaluatedWindows, mask: NDArray[np.bool_], stream: str, bootstrap: Bootstrap) -> Doubles:
    """Bootstrap (repeats, T) of each track's Pearson R of log2(x + 1).

    Args:
        windows: predictions and targets of n windows in T tracks.
        mask: the windows of each track (n, T), or the same for all tracks (n,).
        stream: name of the resamples; groups of different names have different ones.
        bootstrap: number of resamples, and seed.
    """
    wide = mask if mask.ndim == 2 else mask[:, None]
    # Only windows that count for some track are resampled.
    used = np.flatnonzero(wide.any(axis=1))

    def block(rows: slice, columns: slice) -> tuple[Doubles, Doubles, Doubles]:
        at = used[rows]
        x, y = log2p(windows.predictions[at, columns]), log2p(windows.targets[at, columns])
        chosen = wide[at, columns] if mask.ndim == 2 else np.ones(x.shape)
        return x, y, chosen.astype(np.float64)

    return bootstrap.pearson(stream, len(used), len(windows.tracks), block)


def by_specificity(
    windows: EvaluatedWindows,
    min_track_peaks: int,
    min_bin_peaks: int,
    all_bins: bool,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """Rows (track, bin): Pearson R of log2(x + 1) over the windows that are peaks of this track in this bin.

    Args:
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this (the paper: 1000, 50).
        all_bins: leave out the tracks that lack a bin, as the paper does.
        bootstrap: of the interval low, high.
    """
    masks = {name: windows.is_peak & (windows.specificity == name)[:, None] for name in windows.labels}
    table = by_group(windows, masks, "bin", min_track_peaks, min_bin_peaks, bootstrap)
    if all_bins:
        # The paper compares bins over the same tracks.
        lacking = set(table.loc[table["reason"] != "", "track"])
        short = table["track"].isin(lacking) & (table["reason"] == "")
        table.loc[short, ["pearson", "reason", "low", "high"]] = [np.nan, "the track lacks another bin", np.nan, np.nan]
    return table


def by_cluster(
    windows: EvaluatedWindows,
    names: Sequence[str],
    min_track_peaks: int,
    min_windows: int,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """Rows (track, cluster): accuracy over all windows of the cluster, whether or not they are a peak of this track.

    Args:
        min_track_peaks: a track needs more peaks than this (0: not asked).
        min_windows: a cluster needs more windows than this.
        bootstrap: of the interval low, high.
    """
    masks = {name: windows.cluster == name for name in names}
    # 0 asks nothing, and a track without a peak counts too.
    return by_group(windows, masks, "cluster", min_track_peaks or -1, min_windows, bootstrap)


def in_clusters(
    windows: EvaluatedWindows, min_track_peaks: int, min_bin_peaks: int, bootstrap: Bootstrap = NO_BOOTSTRAP
) -> pd.DataFrame:
    """`by_cluster` for every cluster that holds a window."""
    return by_cluster(windows, cluster_names(windows), min_track_peaks, min_bin_peaks, bootstrap)


def by_group(
    windows: EvaluatedWindows,
    masks: dict[str, NDArray[np.bool_]],
    column: str,
    min_track: int,
    min_group: int,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """Rows (track, group): n, pearson, reason, low, high over the windows of each group.

    Args:
        windows: predictions and targets of n windows in T tracks.
        masks: the windows of each group, by track (n, T) or for all tracks (n,).
        column: what the column of the group's name is called.
        min_track: a track needs more peaks than this.
        min_group: a group needs more windows than this.
        bootstrap: of the interval low, high.
    """
    import pandas as pd

    totals = windows.is_peak.sum(axis=0)
    # All tracks of a group share its resamples, so that their intervals can be compared.
    limits = {name: interval(resampled(windows, mask, f"{column} {name}", bootstrap)) for name, mask in masks.items()}
    rows = []
    for i, track in enumerate(windows.tracks):
        for name, mask in masks.items():
            chosen = np.flatnonzero(mask[:, i] if mask.ndim == 2 else mask)
            reason = too_few(int(totals[i]), len(chosen), min_track, min_group)
            value = float("nan") if reason else pearson_log2(windows.predictions[chosen, i], windows.targets[chosen, i])
            if not reason and np.isnan(value):
                reason = "constant values"
            low, high = (np.nan if reason else side[i] for side in limits[name])
            rows.append((track, name, len(chosen), value, reason, low, high))
    return pd.DataFrame(rows, columns=["track", column, "n", "pearson", "reason", "low", "high"])


def too_few(track_peaks: int, n: int, min_track: int, min_group: int) -> str:
    """Why a group of n windows of a track is not evaluated, or ""."""
    if track_peaks <= min_track:
        return f"{track_peaks} test peaks in the track, not above {min_track}"
    return f"{n} windows, not above {min_group}" if n <= min_group else ""


def precision_of_top_tracks(windows: EvaluatedWindows, bootstrap: Bootstrap = NO_BOOTSTRAP) -> pd.DataFrame:
    """Precision of the N tracks with the highest z score at peaks of N tracks, a row a specificity bin.

    z scores: each track's predictions over all windows. Precision: the share of the N tracks that have the peak,
    averaged over windows; by chance N / T.
    """
    import pandas as pd

    peaks = windows.is_peak.sum(axis=1)
    hits = _hits(windows, peaks)
    rows = []
    for name in windows.labels:
        chosen = (windows.specificity == name) & (peaks > 0)
        n = int(chosen.sum())
        share, chance = hits[chosen] / peaks[chosen], peaks[chosen] / len(windows.tracks)
        values = (np.nan, np.nan, np.nan)
        if n:
            values = (float(share.mean()), float(np.median(share)), float(chance.mean()))
        low, high = interval(bootstrap.mean(name, share)[:, None])
        rows.append((name, n, *values, "" if n else "no peak", low[0], high[0]))
    return pd.DataFrame(rows, columns=["bin", "n", "precision", "precision_median", "chance", "reason", "low", "high"])


def _hits(windows: EvaluatedWindows, peaks: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many (n,) of each window's N highest tracks by z score have its peak, N = `peaks` (n,)."""
    mean = windows.predictions.mean(axis=0, dtype=np.float64)
    spread = windows.predictions.std(axis=0, dtype=np.float64)
    ends = windows.predictions.min(axis=0, initial=np.inf), windows.predictions.max(axis=0, initial=-np.inf)
    varies = ends[0] < ends[1]  # the spread of equal values need not be 0
    out = np.zeros(len(peaks), np.int64)
    called = np.flatnonzero(peaks > 0)
    # Block by block: z scores of all windows would be a second matrix.
    for low in range(0, len(called), RANKED_AT_ONCE):
        at = called[low : low + RANKED_AT_ONCE]
        z = (windows.predictions[at] - mean) / np.where(varies, spread, 1)
        rank = np.argsort(np.argsort(-z, axis=1, kind="stable"), axis=1)
        out[at] = (windows.is_peak[at] & (rank < peaks[at][:, None])).sum(axis=1)
    return out
