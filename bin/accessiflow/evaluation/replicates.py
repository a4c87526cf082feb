"""The ceiling that an isogenic replicate sets: how well a second experiment reproduces the first, by specificity bin (Kathail et al. 2024, Fig. S3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accessiflow.evaluation.inputs import Floats, Windows
from accessiflow.peaks import call_bins

if TYPE_CHECKING:
    import pandas as pd


def ceiling(windows: Windows, replicate: Floats, fdr: float, bh: str, min_track_peaks: int, min_bin_peaks: int) -> pd.DataFrame:
    """Rows (track, bin): n (the track's peaks), replicate and prediction (Pearson of the raw values with the track), recalled, reason.

    Args:
        replicate: the same windows and tracks (n, T) of the second experiment.
        fdr, bh: how peaks are called on the replicate; recalled = share of the track's peaks that are peaks there too.
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this.
    """
    import pandas as pd

    rows = []
    for column, track in enumerate(windows.tracks):
        own, again = windows.is_peak[:, column], call_bins(replicate[:, column], fdr, bh)[0]
        for name in windows.labels:
            chosen = own & (windows.specificity == name)
            n = int(chosen.sum())
            least = f"{own.sum()} test peaks in the track, not above {min_track_peaks}" if own.sum() <= min_track_peaks else ""
            reason = least or (f"{n} windows, not above {min_bin_peaks}" if n <= min_bin_peaks else "")
            measured = windows.targets[chosen, column]
            values = (
                (np.nan,) * 3
                if reason
                else (_pearson(measured, replicate[chosen, column]), _pearson(measured, windows.predictions[chosen, column]), again[chosen].mean())
            )
            rows.append((track, name, n, *values, reason))
    return pd.DataFrame(rows, columns=["track", "bin", "n", "replicate", "prediction", "recalled", "reason"])


def _pearson(a: Floats, b: Floats) -> float:
    x, y = a - a.mean(), b - b.mean()
    scale = np.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / scale) if scale > 0 else float("nan")
