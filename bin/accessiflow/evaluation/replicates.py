"""The ceiling that an isogenic replicate sets: how well a second experiment reproduces the first, by specificity bin.

Source: Kathail et al. 2024, Fig. S3.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation.accuracy import too_few
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats, read_matrix
from accessiflow.peaks.calling import call_bins
from accessiflow.statistics import Doubles, pearson

if TYPE_CHECKING:
    import pandas as pd


def ceiling(
    windows: EvaluatedWindows,
    replicate: AnyFloats,
    fdr: float,
    bh: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """How well a second experiment, and the predictions, agree with the track: rows (track, bin).

    Columns: n (the track's peaks), replicate and prediction (Pearson R of the raw values with the track), recalled,
    reason, and the intervals.

    Args:
        windows: the first experiment (targets) and the predictions.
        replicate: the same windows and tracks (n, T) of the second experiment.
        fdr, bh: how peaks are called on the replicate; recalled = share of the track's peaks that are peaks there too.
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this.
        bootstrap: of low, high (of the replicate) and prediction_low, prediction_high.
    """
    import pandas as pd

    masks = {name: windows.is_peak & (windows.specificity == name)[:, None] for name in windows.labels}
    limits = {
        name: [
            interval(_resampled(windows, values, mask, name, bootstrap)) for values in (replicate, windows.predictions)
        ]
        for name, mask in masks.items()
    }
    rows = []
    for column, track in enumerate(windows.tracks):
        total = int(windows.is_peak[:, column].sum())
        again = call_bins(replicate[:, column].astype(np.float64), fdr, bh)[0]
        for name, mask in masks.items():
            chosen = mask[:, column]
            n = int(chosen.sum())
            reason = too_few(total, n, min_track_peaks, min_bin_peaks)
            measured, second, predicted = (
                v[chosen, column].astype(np.float64) for v in (windows.targets, replicate, windows.predictions)
            )
            values = (np.nan, np.nan, np.nan)
            if not reason:
                values = (pearson(measured, second), pearson(measured, predicted), again[chosen].mean())
            bounds = [np.nan if reason else side[column] for pair in limits[name] for side in pair]
            rows.append((track, name, n, *values, reason, *bounds))
    columns = [
        "track",
        "bin",
        "n",
        "replicate",
        "prediction",
        "recalled",
        "reason",
        "low",
        "high",
        "prediction_low",
        "prediction_high",
    ]
    return pd.DataFrame(rows, columns=columns)


def of_file(
    windows: EvaluatedWindows,
    replicate: Path,
    fdr: float,
    bh: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """`ceiling` of the second experiment in a file.

    Raises:
        InputError: it holds other windows or tracks.
    """
    second = read_matrix(replicate)
    if second.values.shape != windows.targets.shape or (second.tracks or windows.tracks) != windows.tracks:
        raise InputError(
            f"holds windows x tracks of shape {second.values.shape} or other tracks than the predictions "
            f"{windows.targets.shape}",
            replicate,
        )
    return ceiling(windows, second.values, fdr, bh, min_track_peaks, min_bin_peaks, bootstrap)


def _resampled(
    windows: EvaluatedWindows, values: AnyFloats, mask: NDArray[np.bool_], stream: str, bootstrap: Bootstrap
) -> Doubles:
    used = np.flatnonzero(mask.any(axis=1))

    def block(rows: slice, columns: slice) -> tuple[Doubles, Doubles, Doubles]:
        at = used[rows]
        parts = (values, windows.targets, mask)
        return tuple(part[at, columns].astype(np.float64) for part in parts)  # type: ignore[return-value]

    return bootstrap.pearson(stream, len(used), len(windows.tracks), block)
