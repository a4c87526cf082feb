"""The ceiling that an isogenic replicate sets: how well a second experiment reproduces the first, by specificity bin.

Source: Kathail et al. 2024, Fig. S3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation.accuracy import too_few
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats, Matrix, read_matrix
from accessiflow.log import left_out, log
from accessiflow.peaks.calling import call_bins
from accessiflow.sheets import read_sheet, replicate_pairs
from accessiflow.statistics import Doubles, pearson

if TYPE_CHECKING:
    import pandas as pd

CEILING_COLUMNS = [
    "track",
    "experiment",
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


def ceiling(
    windows: EvaluatedWindows,
    replicate: AnyFloats,
    fdr: float,
    bh: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
    experiments: Sequence[str] = (),
) -> pd.DataFrame:
    """How well a second experiment, and the predictions, agree with the track: rows (track, bin).

    Columns: experiment (the second one), n (the track's peaks), replicate and prediction (Pearson R of the raw
    values with the track), recalled, reason, and the intervals.

    Args:
        windows: the first experiment (targets) and the predictions.
        replicate: the same windows and tracks (n, T) of the second experiment.
        fdr, bh: how peaks are called on the replicate; recalled = share of the track's peaks that are peaks there too.
        min_track_peaks, min_bin_peaks: a track, a bin needs more peaks than this.
        bootstrap: of low, high (of the replicate) and prediction_low, prediction_high.
        experiments: names of the second experiments (T,), where they are not the tracks'.
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
    for column, (track, second_name) in enumerate(zip(windows.tracks, experiments or windows.tracks, strict=True)):
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
            rows.append((track, second_name, name, n, *values, reason, *bounds))
    return pd.DataFrame(rows, columns=CEILING_COLUMNS)


def of_file(
    windows: EvaluatedWindows,
    replicate: Path,
    pairs: Path | None,
    fdr: float,
    bh: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    bootstrap: Bootstrap,
) -> pd.DataFrame:
    """`ceiling` of the second experiment in a file.

    Args:
        windows: the first experiments, and the predictions.
        replicate: the file; with the same tracks as the windows, or, with `pairs`, with those that it pairs.
        pairs: a tracks sheet whose columns replicate and donor say which tracks are replicates of each other.
        fdr, bh, min_track_peaks, min_bin_peaks, bootstrap: as of `ceiling`.

    Raises:
        InputError: it holds other windows or tracks.
    """
    second = read_matrix(replicate)
    if pairs is not None:
        windows, second, names = _paired(windows, second, pairs, replicate)
        if not names:
            import pandas as pd

            return pd.DataFrame(columns=CEILING_COLUMNS)
        return ceiling(windows, second.values, fdr, bh, min_track_peaks, min_bin_peaks, bootstrap, names)
    if second.values.shape != windows.targets.shape or (second.tracks or windows.tracks) != windows.tracks:
        raise InputError(
            f"holds windows x tracks of shape {second.values.shape} or other tracks than the predictions "
            f"{windows.targets.shape}",
            replicate,
        )
    return ceiling(windows, second.values, fdr, bh, min_track_peaks, min_bin_peaks, bootstrap)


class _Paired(NamedTuple):
    """Tracks and their second experiments in the same order, at the windows of both.

    Attributes:
        windows: of the tracks, one of them twice where it has two replicates.
        second: of the second experiments.
        names: of the second experiments.
    """

    windows: EvaluatedWindows
    second: Matrix
    names: list[str]


def _paired(windows: EvaluatedWindows, second: Matrix, sheet: Path, source: Path) -> _Paired:
    known = second.tracks or []
    pairs = [(a, b) for a, b in replicate_pairs(_rows(sheet)) if a in windows.tracks and b in known]
    if not pairs:
        log.warning("%s: no track that is predicted has a replicate among the experiments", sheet.name)
    first = [windows.tracks.index(track) for track, _ in pairs]
    rows, at = _shared_rows(windows, second, source)
    chosen = np.ix_(rows, np.array(first, np.int64))
    taken = second.values[np.ix_(at, np.array([known.index(name) for _, name in pairs], np.int64))]
    names = [name for _, name in pairs]
    return _Paired(
        replace(
            windows,
            predictions=windows.predictions[chosen],
            targets=windows.targets[chosen],
            is_peak=windows.is_peak[chosen],
            n_tracks=windows.n_tracks[rows],
            specificity=windows.specificity[rows],
            cluster=windows.cluster[rows],
            tracks=[track for track, _ in pairs],
            sites=None,
        ),
        Matrix(taken, names, None),
        names,
    )


def _rows(sheet: Path) -> list[dict[str, str]]:
    return read_sheet("tracks", sheet).to_dict("records")


def _shared_rows(
    windows: EvaluatedWindows, second: Matrix, source: Path
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the windows that the second experiment has, and where it has them."""
    import pandas as pd

    if windows.sites is None or second.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end), or the predictions do not", source)
    own = Matrix(windows.targets, None, windows.sites).centres()
    at = pd.Index(second.centres()).get_indexer(own)
    if not (at >= 0).any():
        raise InputError("shares no window with the predictions: is it of the same dataset?", source)
    if (at < 0).any():
        log.warning("%d of %d windows are not measured in %s: left out", (at < 0).sum(), len(at), source.name)
        left_out("windows", int((at < 0).sum()), len(at), "not measured in the further experiments")
    return np.flatnonzero(at >= 0), at[at >= 0]


def _resampled(
    windows: EvaluatedWindows, values: AnyFloats, mask: NDArray[np.bool_], stream: str, bootstrap: Bootstrap
) -> Doubles:
    used = np.flatnonzero(mask.any(axis=1))

    def block(rows: slice, columns: slice) -> tuple[Doubles, Doubles, Doubles]:
        at = used[rows]
        parts = (values, windows.targets, mask)
        return tuple(part[at, columns].astype(np.float64) for part in parts)  # type: ignore[return-value]

    return bootstrap.pearson(stream, len(used), len(windows.tracks), block)
