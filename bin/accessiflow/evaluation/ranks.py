"""Models of coverage and models of peak probabilities side by side, by what both have: ranks.

A probability is no height, so that a correlation with log counts would say which model predicts coverage. What is the
same for both is how predictions rank windows: AUROC of a track's peaks against the windows that are peaks of other
tracks alone, and Spearman's correlation with the measurement.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation import comparison
from accessiflow.evaluation.accuracy import too_few
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.loading import EvaluationInputs, track_names
from accessiflow.evaluation.sets import specific_windows, ubiquitous_windows
from accessiflow.evaluation.shared import measured_windows
from accessiflow.statistics import delong, known_mean, midranks, pearson

if TYPE_CHECKING:
    import pandas as pd

COVERAGE, PROBABILITY = "coverage", "probability"
WINDOW_GROUPS = ("all", "specific", "ubiquitous")
RANK_COLUMNS = [
    *("model", "output", "replicate", "group", "track", "n_positive", "n_negative", "auroc", "low", "high"),
    *("n", "spearman", "reason"),
]
RANKS_LEADERBOARD_COLUMNS = [
    *("rank", "model", "output", "replicates", "n_tracks", "auroc_all", "auroc_specific", "low", "high"),
    *("auroc_ubiquitous", "spearman_all", "spearman_specific", "spearman_ubiquitous", "reason"),
]


class Ranked(NamedTuple):
    """A row a model, replicate, group of windows and track; one row a model, best first."""

    table: pd.DataFrame
    leaderboard: pd.DataFrame


def of_files(
    predictions: Sequence[str],
    targets: Path,
    peaks: Path | None,
    is_peak: Path | None,
    tracks: Path | None,
    clusters: Path | None,
    edges: str,
    probabilities: Sequence[str],
    min_track_peaks: int,
    min_bin_peaks: int,
    missing: str,
    bootstrap: Bootstrap,
) -> Ranked:
    """Models of either kind on the same windows.

    Args:
        predictions: `[NAME=]FILE`, once a model; the same name again is a further replicate of it.
        targets: the measurement.
        peaks, is_peak, tracks, clusters, edges: as in `EvaluationInputs`.
        probabilities: the models whose predictions are probabilities of a peak.
        min_track_peaks, min_bin_peaks: a track needs more peaks, a group more peaks of the track than this.
        missing: what a window is that a model lacks: "refuse", or "exclude" for all.
        bootstrap: of the tracks, for the leaderboard's interval.

    Raises:
        InputError: a name that is not allowed or not there, files that do not agree, or a probability outside [0, 1].
    """
    import pandas as pd

    models = comparison.parse_models(predictions)
    names = list(dict.fromkeys(name for name, _ in models))
    if unknown := [name for name in probabilities if name not in names]:
        raise InputError(f"--probabilities {unknown[0]}: no --predictions of that name ({', '.join(names)})")
    inputs = EvaluationInputs(targets, targets, peaks, is_peak, tracks, clusters, edges)
    base = measured_windows(inputs, [path for _, path in models], missing)
    number: dict[str, int] = {}
    parts = []
    for model, path in models:
        windows = comparison.predicted_windows(base, targets, path, track_names(tracks))
        output = PROBABILITY if model in probabilities else COVERAGE
        if output == PROBABILITY:
            require_probabilities(windows, path)
        number[model] = number.get(model, 0) + 1
        found = by_track(windows, min_track_peaks, min_bin_peaks)
        parts.append(found.assign(model=model, output=output, replicate=number[model]))
    table = pd.concat(parts, ignore_index=True)[RANK_COLUMNS]
    return Ranked(table, leaderboard(table, bootstrap))


def require_probabilities(windows: EvaluatedWindows, source: Path) -> None:
    """Refuse predictions that are no probabilities.

    Raises:
        InputError: a value lies outside [0, 1].
    """
    low, high = float(windows.predictions.min()), float(windows.predictions.max())
    # Sums and means of probabilities in single precision may miss 1 by their rounding.
    if low < -1e-6 or high > 1 + 1e-6:
        raise InputError(
            f"holds values from {low:g} to {high:g}, no probabilities: state output coverage, or predict probabilities",
            source,
        )


def by_track(windows: EvaluatedWindows, min_track_peaks: int = 0, min_bin_peaks: int = 0) -> pd.DataFrame:
    """Rows (group, track): n_positive, n_negative, auroc, low, high (DeLong), n, spearman, reason.

    Positives are the track's peaks in the group, negatives all windows that are a peak of another track and none of
    this one; Spearman's correlation is over all windows of the group.

    Args:
        windows: predictions (of either kind) and measurement of n windows in T tracks.
        min_track_peaks, min_bin_peaks: a track, a group needs more peaks than this.
    """
    import pandas as pd

    everywhere = np.ones(windows.is_peak.shape, bool)
    masks = dict(zip(WINDOW_GROUPS, (everywhere, specific_windows(windows), ubiquitous_windows(windows)), strict=True))
    rows = [
        (name, track, *_row(windows, mask[:, column], column, min_track_peaks, min_bin_peaks))
        for name, mask in masks.items()
        for column, track in enumerate(windows.tracks)
    ]
    columns = ["group", "track", "n_positive", "n_negative", "auroc", "low", "high", "n", "spearman", "reason"]
    return pd.DataFrame(rows, columns=columns)


def leaderboard(table: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row a model, best AUROC of specific peaks first: means over the tracks of the mean over the replicates.

    The limits low and high are of auroc_specific, by resampling the tracks.
    """
    import pandas as pd

    rows = [_summary(model, mine, bootstrap) for model, mine in table.groupby("model", sort=False)]
    out = pd.DataFrame(rows).sort_values(
        ["auroc_specific", "auroc_all"], ascending=False, kind="stable", na_position="last"
    )
    place = pd.Series(np.arange(1, len(out) + 1), index=out.index, dtype="Int64")
    # A model without specific peaks has no rank.
    out["rank"] = place.where(out["auroc_specific"].notna())
    return out[RANKS_LEADERBOARD_COLUMNS].reset_index(drop=True)


def _row(
    windows: EvaluatedWindows, members: NDArray[np.bool_], column: int, min_track_peaks: int, min_bin_peaks: int
) -> tuple[object, ...]:
    own = windows.is_peak[:, column]
    positive, negative = own & members, ~own & (windows.n_tracks > 0)
    counts = int(positive.sum()), int(negative.sum())
    n = int(members.sum())
    reason = too_few(int(own.sum()), counts[0], min_track_peaks, min_bin_peaks)
    if not reason and not counts[1]:
        reason = "no window is a peak of other tracks alone"
    predicted = windows.predictions[:, column].astype(np.float64)
    auroc, low, high, spearman = (np.nan,) * 4
    if not reason:
        chosen = positive | negative
        area = delong(own[chosen], predicted[chosen])
        auroc, (low, high) = area.value, area.interval
        measured = windows.targets[members, column].astype(np.float64)
        spearman = pearson(midranks(predicted[members]), midranks(measured))
    return *counts, auroc, low, high, n, spearman, reason


def _summary(model: str, mine: pd.DataFrame, bootstrap: Bootstrap) -> dict[str, object]:
    out: dict[str, object] = {
        "model": model,
        "output": mine["output"].iloc[0],
        "replicates": mine["replicate"].nunique(),
        "n_tracks": mine["track"].nunique(),
    }
    for figure in ("auroc", "spearman"):
        means = mine.groupby(["group", "track"], sort=False)[figure].mean()
        out |= {f"{figure}_{group}": known_mean(means[group].to_numpy()) for group in WINDOW_GROUPS}
        if figure == "auroc":
            values = means["specific"].dropna().to_numpy(np.float64)
            low, high = interval(bootstrap.mean("tracks", values)[:, None])
            out |= {"low": low[0], "high": high[0]}
    specific = mine[mine["group"] == "specific"]
    lacking = specific["auroc"].isna().all()
    return out | {"reason": str(specific["reason"].iloc[0]) if lacking else ""}
