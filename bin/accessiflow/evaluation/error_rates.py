"""False negatives and false positives of peaks called on the predictions (Kathail et al. 2024, Fig. S14).

The predictions of a track over all windows are called as measured coverage is: a Poisson test against their mean,
Benjamini-Hochberg. FNR = share of the measured peaks that are not called, FPR = share of the other windows that are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats
from accessiflow.evaluation.sets import cluster_names
from accessiflow.peaks.calling import call_bins
from accessiflow.statistics import wilson

if TYPE_CHECKING:
    import pandas as pd

_WINDOWS_AT_ONCE = 1 << 13  # windows
REGIONS = {"all": "all windows", "peaks": "windows that are a peak of any track"}


def called_on(values: AnyFloats, fdr: float, bh: str) -> NDArray[np.bool_]:
    """Peaks (n, T) called on each column of values (n, T); a column without a positive value has none."""
    out = np.empty(values.shape, bool)
    for column in range(values.shape[1]):
        out[:, column] = call_bins(values[:, column].astype(np.float64), fdr, bh)[0]
    return out


def of_predictions(windows: EvaluatedWindows, fdr: float, bh: str) -> pd.DataFrame:
    """`rates` of the peaks called on the predictions; without peaks, those of the measurement are called alike."""
    if not windows.peaks_given:
        # The same call on both, so that a rate is a difference of signals, not of methods.
        measured = called_on(windows.targets, fdr, bh)
        windows = replace(windows, is_peak=measured, n_tracks=measured.sum(axis=1))
    return rates(windows, called_on(windows.predictions, fdr, bh), cluster_names(windows))


def rates(windows: EvaluatedWindows, called: NDArray[np.bool_], clusters: Sequence[str]) -> pd.DataFrame:
    """Rows (track, region): n_peaks, n_others, fnr, fpr, their Wilson intervals, reason.

    Args:
        called: peaks (n, T) on the predictions.
        clusters: regions beside `all` and `peaks` (windows that are a peak of any track): the FNR over the track's
            peaks in them.
    """
    import pandas as pd

    regions = {"all": np.ones(len(windows.cluster), bool), "peaks": windows.n_tracks > 0}
    regions |= {name: windows.cluster == name for name in clusters}
    counted = {name: _count(windows.is_peak, called, np.flatnonzero(inside)) for name, inside in regions.items()}
    rows = []
    for column, track in enumerate(windows.tracks):
        for name, counts in counted.items():
            n, m, missed, wrong = counts[:, column].tolist()
            # Of a cluster only the misses are counted: its windows are peaks of other tracks.
            if name not in REGIONS:
                m = wrong = 0
            reason = ""
            if n == 0:
                reason = "no peak of the track"
            elif m == 0 and name in REGIONS:
                reason = "no window without a peak of the track"
            values = (missed / n if n else np.nan, *wilson(missed, n), wrong / m if m else np.nan, *wilson(wrong, m))
            rows.append((track, name, n, m, *values, reason))
    columns = [
        "track",
        "region",
        "n_peaks",
        "n_others",
        "fnr",
        "fnr_low",
        "fnr_high",
        "fpr",
        "fpr_low",
        "fpr_high",
        "reason",
    ]
    return pd.DataFrame(rows, columns=columns)


def _count(measured: NDArray[np.bool_], called: NDArray[np.bool_], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each track (4, T) among the windows `at`: peaks, others, missed peaks, others that are called."""
    out = np.zeros((4, measured.shape[1]), np.int64)
    # All tracks of a block of windows at once: a track at a time, each region would take a pass over all windows.
    for low in range(0, len(at), _WINDOWS_AT_ONCE):
        peaks, found = (flags[at[low : low + _WINDOWS_AT_ONCE]] for flags in (measured, called))
        parts = (peaks, ~peaks, peaks & ~found, ~peaks & found)
        out += [part.sum(axis=0) for part in parts]
    return out
