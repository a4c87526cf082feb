"""Pearson correlation of log2(x + 1) in a track's own peaks, by specificity bin and by cluster; precision of the top tracks.

Source: Kathail et al. 2024, Fig. 2 (notebook Figure_2, cells 10-14) and the Basset evaluation by cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.evaluation.inputs import Floats, Windows

if TYPE_CHECKING:
    import pandas as pd


def pearson_log2(predictions: Floats, targets: Floats) -> float:
    """Pearson R of log2(x + 1) of two vectors (n,); NaN below two windows or for a constant vector."""
    if len(predictions) < 2:
        return float("nan")
    p, t = np.log2(np.maximum(predictions, 0) + 1), np.log2(np.maximum(targets, 0) + 1)
    p, t = p - p.mean(), t - t.mean()
    scale = np.sqrt((p * p).sum() * (t * t).sum())
    return float((p * t).sum() / scale) if scale > 0 else float("nan")


def by_specificity(windows: Windows, min_track_peaks: int, min_bin_peaks: int, all_bins: bool) -> pd.DataFrame:
    """Rows (track, bin): accuracy over the windows that are peaks of this track in this bin.

    Args:
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this (the paper: 1000, 50).
        all_bins: leave out the tracks that lack a bin, as the paper does.
    """
    table = _by_group(windows, windows.specificity, windows.labels, "bin", min_track_peaks, min_bin_peaks, own_peaks=True)
    if all_bins:
        lacking = set(table.loc[table["reason"] != "", "track"])
        short = table["track"].isin(lacking) & (table["reason"] == "")
        table.loc[short, ["pearson", "reason"]] = [np.nan, "the track lacks another bin"]
    return table


def by_cluster(windows: Windows, names: Sequence[str], min_track_peaks: int, min_windows: int) -> pd.DataFrame:
    """Rows (track, cluster): accuracy over all windows of the cluster, whether or not they are a peak of this track.

    Args:
        min_track_peaks: a track needs more peaks than this (0: not asked).
        min_windows: a cluster needs more windows than this.
    """
    return _by_group(windows, windows.cluster, names, "cluster", min_track_peaks or -1, min_windows, own_peaks=False)


def _by_group(
    windows: Windows, group: NDArray[np.object_], names: Sequence[str], column: str, min_track: int, min_group: int, own_peaks: bool
) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for i, track in enumerate(windows.tracks):
        total = int(windows.is_peak[:, i].sum())
        for name in names:
            chosen = (group == name) & (windows.is_peak[:, i] if own_peaks else True)
            n = int(chosen.sum())
            reason = (
                f"{total} test peaks in the track, not above {min_track}"
                if total <= min_track
                else f"{n} windows, not above {min_group}"
                if n <= min_group
                else ""
            )
            value = float("nan") if reason else pearson_log2(windows.predictions[chosen, i], windows.targets[chosen, i])
            rows.append((track, name, n, value, reason or ("" if np.isfinite(value) else "constant values")))
    return pd.DataFrame(rows, columns=["track", column, "n", "pearson", "reason"])


def precision_of_top_tracks(windows: Windows) -> pd.DataFrame:
    """Rows, one a specificity bin: how many of the N tracks with the highest z score are among the N tracks with a peak, averaged over windows.

    z scores: each track's predictions over all windows. Beside it, what chance gives: N / T.
    """
    import pandas as pd

    spread = windows.predictions.std(axis=0)
    z = (windows.predictions - windows.predictions.mean(axis=0)) / np.where(spread > 0, spread, 1)
    rank = np.argsort(np.argsort(-z, axis=1, kind="stable"), axis=1)
    peaks = windows.is_peak.sum(axis=1)
    hits = (windows.is_peak & (rank < peaks[:, None])).sum(axis=1)
    rows = []
    for name in windows.labels:
        chosen = (windows.specificity == name) & (peaks > 0)
        n = int(chosen.sum())
        share = hits[chosen] / peaks[chosen]
        values = (float(share.mean()), float(np.median(share)), float((peaks[chosen] / len(windows.tracks)).mean())) if n else (np.nan,) * 3
        rows.append((name, n, *values, "" if n else "no peak"))
    return pd.DataFrame(rows, columns=["bin", "n", "precision", "precision_median", "chance", "reason"])
