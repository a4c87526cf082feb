"""Accuracy of predicted peak probabilities: AUROC and AUPRC by specificity bin (Kathail et al. 2024, Fig. S2).

Positives of a track and bin are its peaks there; as many negatives are drawn without replacement from the windows that
are no peak of this track but one of more than `min_negative_tracks` others. The draws run through the tracks, and in
each through the bins, on one legacy generator, so that the paper's seed gives the paper's draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.statistics import delong

if TYPE_CHECKING:
    import pandas as pd


def by_specificity(
    windows: EvaluatedWindows, min_track_peaks: int, min_bin_peaks: int, min_negative_tracks: int, seed: int
) -> pd.DataFrame:
    """Rows (track, bin): n (positives), auroc, auprc, reason.

    Args:
        windows: predictions are probabilities or any score; is_peak are the labels.
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this.
    """
    import pandas as pd

    rng = np.random.RandomState(seed)
    rows = []
    for column, track in enumerate(windows.tracks):
        total = int(windows.is_peak[:, column].sum())
        # Peaks of several other tracks: not closed everywhere, only in this one.
        negatives = np.flatnonzero(~windows.is_peak[:, column] & (windows.n_tracks > min_negative_tracks))
        for name in windows.labels:
            positives = np.flatnonzero(windows.is_peak[:, column] & (windows.specificity == name))
            reason = _reason(total, len(positives), len(negatives), min_track_peaks, min_bin_peaks)
            # A bin without a figure draws nothing, so that those after it get the draws of the paper.
            values = (np.nan, np.nan)
            if not reason:
                drawn = rng.choice(negatives, len(positives), replace=False)
                values = _areas(windows.predictions[positives, column], windows.predictions[drawn, column])
            rows.append((track, name, len(positives), *values, reason))
    return pd.DataFrame(rows, columns=["track", "bin", "n", "auroc", "auprc", "reason"])


def _reason(total: int, positives: int, negatives: int, min_track_peaks: int, min_bin_peaks: int) -> str:
    if total <= min_track_peaks:
        return f"{total} test peaks in the track, not above {min_track_peaks} (min_track_peaks)"
    if positives <= min_bin_peaks:
        return f"{positives} windows, not above {min_bin_peaks}"
    return "" if positives <= negatives else f"{negatives} negatives for {positives} positives"


def _areas(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    from sklearn.metrics import average_precision_score

    label = np.r_[np.ones(len(positive)), np.zeros(len(negative))]
    score = np.r_[positive, negative]
    return delong(label, score).value, float(average_precision_score(label, score))
