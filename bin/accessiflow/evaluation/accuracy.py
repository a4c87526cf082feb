"""Accuracy in a track's own peaks, by specificity bin and by cluster; precision of the top tracks.

Source: Kathail et al. 2024, Fig. 2 (notebook Figure_2, cells 10-14) and the Basset evaluation by cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats
from accessiflow.evaluation.sets import cluster_names
from accessiflow.statistics import Doubles, log2p, pearson, pearson_columns

if TYPE_CHECKING:
    import pandas as pd

RANKED_AT_ONCE = 1 << 13
VALUES_AT_ONCE = 1 << 22  # of windows and tracks, in double precision


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
    table = by_group(windows, specificity_masks(windows), "bin", min_track_peaks, min_bin_peaks, bootstrap)
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
    masks = ((name, windows.cluster == name) for name in names)
    # 0 asks nothing, and a track without a peak counts too.
    return by_group(windows, masks, "cluster", min_track_peaks or -1, min_windows, bootstrap)


def in_clusters(
    windows: EvaluatedWindows, min_track_peaks: int, min_bin_peaks: int, bootstrap: Bootstrap = NO_BOOTSTRAP
) -> pd.DataFrame:
    """`by_cluster` for every cluster that holds a window."""
    return by_cluster(windows, cluster_names(windows), min_track_peaks, min_bin_peaks, bootstrap)


def specificity_masks(windows: EvaluatedWindows) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Each specificity bin, and which windows are peaks of each track in it (n, T)."""
    # One at a time: together they would take as many bytes a window and track as there are bins.
    for name in windows.labels:
        yield name, windows.is_peak & (windows.specificity == name)[:, None]


def by_group(
    windows: EvaluatedWindows,
    masks: Iterable[tuple[str, NDArray[np.bool_]]],
    column: str,
    min_track: int,
    min_group: int,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """Rows (track, group): n, pearson, reason, low, high over the windows of each group.

    Args:
        windows: predictions and targets of n windows in T tracks.
        masks: name and windows of each group, by track (n, T) or for all tracks (n,).
        column: what the column of the group's name is called.
        min_track: a track needs more peaks than this.
        min_group: a group needs more windows than this.
        bootstrap: of the interval low, high.
    """
    import pandas as pd

    totals, tracks = windows.is_peak.sum(axis=0), len(windows.tracks)
    parts = []
    for name, mask in masks:
        found = pearson_in(windows, mask)
        # All tracks of a group share its resamples, so that their intervals can be compared.
        limits = interval(resampled(windows, mask, f"{column} {name}", bootstrap))
        few = [too_few(int(total), int(n), min_track, min_group) for total, n in zip(totals, found.n, strict=True)]
        value = np.where([why != "" for why in few], np.nan, found.pearson)
        reason = [why or ("constant values" if np.isnan(r) else "") for why, r in zip(few, value, strict=True)]
        low, high = (np.where(np.isnan(value), np.nan, side) for side in limits)
        part = pd.DataFrame({"track": windows.tracks, column: name, "n": found.n, "pearson": value, "reason": reason})
        parts.append(part.assign(low=low, high=high, order=np.arange(tracks)))
    columns = ["track", column, "n", "pearson", "reason", "low", "high"]
    if not parts:
        return pd.DataFrame(columns=columns)
    # Computed group by group; the rows go by track.
    return pd.concat(parts).sort_values("order", kind="stable", ignore_index=True)[columns]


class Correlated(NamedTuple):
    """Number of windows, and Pearson R of log2(x + 1) over them, of each track (T,)."""

    n: NDArray[np.int64]
    pearson: Doubles


def pearson_in(windows: EvaluatedWindows, mask: NDArray[np.bool_]) -> Correlated:
    """Each track's Pearson R of log2(x + 1) over its windows (n, T), or over the same for all (n,)."""
    tracks = len(windows.tracks)
    if mask.ndim == 2:
        rows = [np.flatnonzero(mask[:, i]) for i in range(tracks)]
        found = [pearson_log2(windows.predictions[at, i], windows.targets[at, i]) for i, at in enumerate(rows)]
        return Correlated(np.array([len(at) for at in rows], np.int64), np.array(found))
    at = np.flatnonzero(mask)
    out, step = np.full(tracks, np.nan), max(1, VALUES_AT_ONCE // max(len(at), 1))
    # Some tracks together where they share their windows: a pass over the rows for each track would read all tracks.
    for low in range(0, tracks, step):
        part = np.s_[low : low + step]
        out[part] = pearson_columns(*(log2p(v[at, part]) for v in (windows.predictions, windows.targets)))
    return Correlated(np.full(tracks, len(at), np.int64), out)


def too_few(track_peaks: int, n: int, min_track: int, min_group: int) -> str:
    """Why a group of n windows of a track is not evaluated, with the parameter that sets the limit, or ""."""
    if track_peaks <= min_track:
        return f"{track_peaks} test peaks in the track, not above {min_track} (min_track_peaks)"
    if n > min_group:
        return ""
    # the limit of 1 is that of a correlation, no parameter
    return f"{n} windows, not above {min_group}{' (min_bin_peaks)' if min_group > 1 else ''}"


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
    squares = np.zeros(len(mean))
    for low in range(0, len(peaks), RANKED_AT_ONCE):
        squares += np.square(windows.predictions[low : low + RANKED_AT_ONCE] - mean).sum(axis=0)
    spread = np.sqrt(squares / max(len(peaks), 1))
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
