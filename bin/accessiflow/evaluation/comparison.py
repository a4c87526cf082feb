"""Several models side by side: each replicate evaluated on the same windows, tests between the models across tracks.

The cross-track mean, a model's own mean over its tracks predicted for every one of them, is a row of every comparison:
a model that does not beat it knows nothing of cell types. Memory: the measurement, one file of predictions at a time,
and a table row a track and group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation.accuracy import by_group, resampled, specificity_masks
from accessiflow.evaluation.error_rates import called_on, rates
from accessiflow.evaluation.inputs import EvaluatedWindows, join
from accessiflow.evaluation.pair_means import equal_columns, moments, sum_between_types
from accessiflow.evaluation.readers import AnyFloats, Matrix, read_matrix
from accessiflow.evaluation.sets import cluster_names, specific_windows, ubiquitous_windows
from accessiflow.sheets import NAME
from accessiflow.statistics import (
    Accuracy,
    Doubles,
    benjamini_hochberg,
    deviations,
    known_mean,
    known_row_means,
    log2p,
)

if TYPE_CHECKING:
    import pandas as pd

_WINDOWS_AT_ONCE = 1 << 12
CROSS_TRACK_MEAN = "cross_track_mean"
FILE_STEMS = ("preds", "predict", "predictions")


@dataclass(frozen=True)
class Options:
    """How models are evaluated: thresholds as in `accuracy`, and how peaks are called on predictions."""

    min_track_peaks: int = 0
    min_bin_peaks: int = 1
    fdr: float = 0.05
    bh: str = "correct"
    bootstrap: Bootstrap = NO_BOOTSTRAP


class Evaluation(NamedTuple):
    """One file of predictions, evaluated.

    Attributes:
        table: rows (grouping, group, track): n, pearson, reason, low, high.
        figures: means over the tracks: over_correlation_own, over_correlation_ubiquitous, fnr, fpr,
            deviation_pearson.
        sample: bootstrap (repeats,) of the mean specific accuracy.
    """

    table: pd.DataFrame
    figures: dict[str, float]
    sample: Doubles


class Entry(NamedTuple):
    """A replicate of a model and, evaluated beside it, its own cross-track mean (None for a single track)."""

    model: str
    replicate: int
    evaluation: Evaluation
    own_mean: Evaluation | None


def parse_models(given: Sequence[str]) -> list[tuple[str, Path]]:
    """Name and file of each `[NAME=]FILE`; without a name the file's own, or its folder's for preds.h5 and the like.

    Raises:
        InputError: a name that is not allowed.
    """
    out = []
    for text in given:
        name, equals, file = text.partition("=")
        path = Path(file if equals else text)
        # Every run calls its file preds.h5: the folder says which model it is of.
        if not equals:
            name = path.resolve().parent.name if path.stem in FILE_STEMS else path.stem
        if not NAME.fullmatch(name) or name == CROSS_TRACK_MEAN:
            raise InputError(
                f"--predictions {text}: {name!r} is no name for a model: letters, digits, . _ - "
                f"(and not {CROSS_TRACK_MEAN})"
            )
        out.append((name, path))
    return out


def predicted_windows(base: EvaluatedWindows, targets: Path, path: Path, names: Sequence[str]) -> EvaluatedWindows:
    """The windows of the measurement with the predictions of a file, on the tracks that it has.

    Raises:
        InputError: the file lacks a window of the measurement, or shares no track with it.
    """
    given = read_matrix(path).named(names)
    truth = Matrix(base.targets, base.tracks, base.sites)
    measured, predicted = join(truth, given, targets, path)
    if len(measured.values) < len(base.targets):
        lacking = sorted(set(truth.centres()) - set(given.centres()))
        raise InputError(
            f"lacks {len(lacking)} of the {len(base.targets)} windows of {targets.name} (around {lacking[0]}...)", path
        )
    assert measured.tracks is not None
    at = [base.tracks.index(track) for track in measured.tracks]
    # The flags are copied only where tracks are left out: they are a byte a window and track.
    is_peak = base.is_peak if at == list(range(len(base.tracks))) else base.is_peak[:, at]
    cell_types, groups = ([part[i] for i in at] if part else [] for part in (base.cell_types, base.groups))
    return replace(
        base,
        predictions=predicted.values,
        targets=measured.values,
        is_peak=is_peak,
        tracks=measured.tracks,
        cell_types=cell_types,
        groups=groups,
    )


def replicate_predictions(windows: EvaluatedWindows, paths: Sequence[Path], names: Sequence[str]) -> list[AnyFloats]:
    """Predictions (n, T) of every replicate for the windows and tracks of the first.

    Raises:
        InputError: fewer than two files, or one that lacks a window or a track.
    """
    if len(paths) < 2:
        raise InputError("needs --predictions of at least two replicates")
    out = []
    for path in paths:
        predicted = predicted_windows(windows, paths[0], path, names)
        if predicted.tracks != windows.tracks:
            lacking = next(track for track in windows.tracks if track not in predicted.tracks)
            raise InputError(
                f"has no track {lacking}, which {paths[0].name} has: replicates of one model predict the same tracks",
                path,
            )
        out.append(predicted.predictions)
    return out


def evaluate_all(
    base: EvaluatedWindows, targets: Path, models: Sequence[tuple[str, Path]], names: Sequence[str], options: Options
) -> list[Entry]:
    """Evaluate every file; files of one name are its replicates, numbered from 1 in the order given."""
    number: dict[str, int] = {}
    out = []
    for model, path in models:
        windows = predicted_windows(base, targets, path, names)
        number[model] = number.get(model, 0) + 1
        own = evaluate(own_mean(windows), options) if len(windows.tracks) > 1 else None
        out.append(Entry(model, number[model], evaluate(windows, options), own))
    return out


def own_mean(windows: EvaluatedWindows) -> EvaluatedWindows:
    """The windows with the mean of each window's predictions over the tracks as the prediction for every track."""
    mean = windows.predictions.mean(axis=1, dtype=np.float64)
    return replace(windows, predictions=np.broadcast_to(mean[:, None], windows.predictions.shape))


def evaluate(windows: EvaluatedWindows, options: Options) -> Evaluation:
    """Accuracy by group and track, and the figures of the leaderboard."""
    import pandas as pd

    own, common = specific_windows(windows), ubiquitous_windows(windows)
    parts = []
    for grouping, masks in _groupings(windows, own, common):
        # All windows together need no least number of peaks.
        least = (-1, 1) if grouping == "all" else (options.min_track_peaks or -1, options.min_bin_peaks)
        parts.append(by_group(windows, masks, "group", *least, options.bootstrap).assign(grouping=grouping))
    table = pd.concat(parts, ignore_index=True)[["grouping", "group", "track", "n", "pearson", "low", "high", "reason"]]
    sample = resampled(windows, own, "group specific", options.bootstrap)
    # The interval is that of the mean in the table: over the tracks that have a value.
    known = table.loc[table["group"] == "specific", "pearson"].notna().to_numpy()
    errors = rates(windows, called_on(windows.predictions, options.fdr, options.bh), ())
    everywhere = errors[errors["region"] == "all"]
    figures = {
        "over_correlation_own": over_correlation(windows, own),
        "over_correlation_ubiquitous": over_correlation(windows, common),
        "fnr": everywhere["fnr"].mean(),
        "fpr": everywhere["fpr"].mean(),
        "deviation_pearson": deviation_pearson(windows),
    }
    return Evaluation(table, figures, known_row_means(sample[:, known]))


def _groupings(
    windows: EvaluatedWindows, own: NDArray[np.bool_], common: NDArray[np.bool_]
) -> Iterator[tuple[str, Iterable[tuple[str, NDArray[np.bool_]]]]]:
    yield "all", [("all", np.ones(len(windows.cluster), bool))]
    yield "specific", [("specific", own), ("ubiquitous", common)]
    yield "specificity", specificity_masks(windows)
    yield "cluster", ((name, windows.cluster == name) for name in cluster_names(windows))


def over_correlation(windows: EvaluatedWindows, mask: NDArray[np.bool_]) -> float:
    """How much more alike tracks are predicted than measured: a mean over ordered pairs; NaN without a pair.

    Of a pair (a, b) it is the Pearson R of log2(x + 1) between the two predictions minus that between the two
    measurements. Pairs of one cell type are left out: they are replicates.

    Args:
        windows: predictions and targets of n windows in T tracks.
        mask: (n, T); a pair is correlated over the windows of its first track.
    """
    types = np.unique(windows.cell_types or windows.tracks, return_inverse=True)[1]
    total = pairs = 0.0
    for columns in equal_columns(mask):
        rows = np.flatnonzero(mask[:, columns[0]])
        both = windows.predictions, windows.targets
        again = [moments(values, rows) for values in both]
        known = (again[0].squares[0] > 0) & (again[1].squares[0] > 0)
        first = known & np.isin(np.arange(len(known)), columns)
        predicted, measured = (
            sum_between_types(values, rows, of, types, first, known) for values, of in zip(both, again, strict=True)
        )
        total += predicted - measured
        # Every known track of these, with every known one of another type.
        own = np.bincount(types, known, types.max() + 1)
        pairs += float((known.sum() - own[types[first]]).sum())
    return total / pairs if pairs else float("nan")


def deviation_pearson(windows: EvaluatedWindows) -> float:
    """Pearson R between deviations of log2(x + 1) from each window's mean over the tracks; over all peak windows.

    A mean over the tracks: what is left when the accessibility common to all tracks is taken away. NaN for a single
    track or a prediction without deviations.
    """
    chosen = np.flatnonzero(windows.n_tracks > 0)
    if len(chosen) < 2 or len(windows.tracks) < 2:
        return float("nan")
    found = Accuracy(len(windows.tracks))
    for low in range(0, len(chosen), _WINDOWS_AT_ONCE):
        at = chosen[low : low + _WINDOWS_AT_ONCE]
        parts = (deviations(log2p(part[at]).T).T for part in (windows.targets, windows.predictions))
        found.update(*(part[:, None] for part in parts))
    return known_mean(found.pearson())


def tidy(entries: Sequence[Entry]) -> pd.DataFrame:
    """Rows (model, replicate, grouping, group, track): n, pearson, low, high, reason."""
    import pandas as pd

    parts = [entry.evaluation.table.assign(model=entry.model, replicate=entry.replicate) for entry in entries]
    columns = ["model", "replicate", "grouping", "group", "track", "n", "pearson", "low", "high", "reason"]
    return pd.concat(parts, ignore_index=True)[columns]


def track_means(table: pd.DataFrame) -> pd.DataFrame:
    """Mean Pearson over the replicates: rows (grouping, group, track), a column a model."""
    return table.pivot_table(
        index=["grouping", "group", "track"], columns="model", values="pearson", aggfunc="mean", sort=False
    )


def wilcoxon_tests(table: pd.DataFrame, reference: str | None) -> pd.DataFrame:
    """Wilcoxon signed-rank tests across tracks between every two models: rows (grouping, group, model, other).

    For all windows, specific, ubiquitous and each specificity bin; replicates are averaged; the reference is the
    `other` of its pairs. Columns: n (tracks with both), median_difference (model - other), statistic, p (two-sided), q
    (Benjamini-Hochberg over the table), reason.
    """
    import pandas as pd

    means = track_means(table).reset_index()
    models = [name for name in dict.fromkeys(table["model"]) if name != reference]
    # Last, so that it is the `other` of each of its pairs.
    if reference:
        models.append(reference)
    rows = []
    groups = table.loc[table["grouping"] != "cluster", ["grouping", "group"]].drop_duplicates()
    for grouping, group in groups.itertuples(index=False):
        values = means[(means["grouping"] == grouping) & (means["group"] == group)].reindex(columns=models)
        for model, other in combinations(models, 2):
            difference = (values[model] - values[other]).dropna().to_numpy(np.float64)
            rows.append((grouping, group, model, other, *signed_rank(difference, "two-sided")))
    out = pd.DataFrame(
        rows, columns=["grouping", "group", "model", "other", "n", "median_difference", "statistic", "p", "reason"]
    )
    out.insert(8, "q", benjamini_hochberg(out["p"].to_numpy(np.float64)))
    return out


class SignedRank(NamedTuple):
    """A Wilcoxon signed-rank test.

    Attributes:
        n: pairs.
        median: of their differences.
        statistic: of the test; NaN where there is none.
        p: of the test; NaN where there is none.
        reason: why there is no test; empty where there is one.
    """

    n: int
    median: float
    statistic: float
    p: float
    reason: str


def signed_rank(difference: Doubles, alternative: str) -> SignedRank:
    """Wilcoxon's test of paired differences (n,); `alternative` as scipy names it."""
    from scipy.stats import wilcoxon

    n = len(difference)
    if n == 0:
        return SignedRank(0, np.nan, np.nan, np.nan, "no track has a value of both")
    if not difference.any():
        return SignedRank(n, 0.0, np.nan, np.nan, "no difference in any track")
    test = wilcoxon(difference, alternative=alternative)
    return SignedRank(n, float(np.median(difference)), float(test.statistic), float(test.pvalue), "")
