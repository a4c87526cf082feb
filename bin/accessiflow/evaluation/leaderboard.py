"""One row a model: accuracy, over-correlation, errors, what it gains over the baselines, and a verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation import comparison
from accessiflow.evaluation.comparison import CROSS_TRACK_MEAN, Entry, Evaluation, signed_rank
from accessiflow.evaluation.loading import EvaluationInputs, track_names
from accessiflow.evaluation.shared import measured_windows
from accessiflow.statistics import LEVELS, Doubles, known_mean

if TYPE_CHECKING:
    import pandas as pd

MIN_REPLICATES, SIGNIFICANT = 3, 0.05
FIGURES = ("over_correlation_own", "over_correlation_ubiquitous", "fnr", "fpr", "deviation_pearson")
LEADERBOARD_COLUMNS = (
    *(
        "rank",
        "model",
        "replicates",
        "n_tracks",
        "pearson_all",
        "pearson_specific",
        "low",
        "high",
        "interval",
        "pearson_ubiquitous",
        *FIGURES,
    ),
    *(
        "specific_minus_own_mean",
        "p_own_mean",
        "specific_minus_kmer_ridge",
        "p_kmer_ridge",
        "specific_minus_reference",
        "p_reference",
    ),
    *("verdict", "note"),
)


class Compared(NamedTuple):
    """Accuracy of every replicate, tests between every two models, and one row a model."""

    table: pd.DataFrame
    tests: pd.DataFrame
    leaderboard: pd.DataFrame


class Gain(NamedTuple):
    """Mean difference of the specific accuracy over tracks, and the p of a one-sided Wilcoxon signed-rank test."""

    mean: float
    p: float


def of_files(
    predictions: Sequence[str],
    targets: Path,
    peaks: Path | None,
    is_peak: Path | None,
    tracks: Path | None,
    clusters: Path | None,
    edges: str,
    reference: str,
    baseline: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    fdr: float,
    bh: str,
    missing: str,
    bootstrap: Bootstrap,
) -> Compared:
    """Models on the same windows, with the cross-track mean of the best of them.

    Args:
        predictions: `[NAME=]FILE`, once a model; the same name again is a further replicate of it.
        targets: the measurement.
        peaks, is_peak, tracks, clusters, edges: as in `EvaluationInputs`.
        reference: a model that the others are compared with, or "".
        baseline: name of the k-mer ridge.
        min_track_peaks, min_bin_peaks, fdr, bh, bootstrap: as in `comparison.Options`.
        missing: what a window is that a model lacks: "refuse", or "exclude" for all.

    Raises:
        InputError: a name that is not allowed or not there, or files that do not agree.
    """
    models = comparison.parse_models(predictions)
    names = list(dict.fromkeys(name for name, _ in models))
    if reference and reference not in names:
        raise InputError(f"--reference {reference}: no --predictions of that name ({', '.join(names)})")
    inputs = EvaluationInputs(targets, targets, peaks, is_peak, tracks, clusters, edges)
    base = measured_windows(inputs, [path for _, path in models], missing)
    options = comparison.Options(min_track_peaks, min_bin_peaks, fdr, bh, bootstrap)
    entries = comparison.evaluate_all(base, targets, models, track_names(tracks), options)
    entries, best = add_cross_track_mean(entries)
    table, against = comparison.tidy(entries), reference or None
    return Compared(table, comparison.wilcoxon_tests(table, against), leaderboard(entries, best, baseline, against))


class WithMean(NamedTuple):
    """Entries with a cross-track mean among them, and the name of the model whose mean it is ("" without one)."""

    entries: list[Entry]
    best: str


def add_cross_track_mean(entries: Sequence[Entry]) -> WithMean:
    """The entries with the cross-track mean of the model that ranks first, and the name of that model.

    Where every model has a single track there is no such mean: the name is "".
    """
    usable = [e for e in entries if e.own_mean is not None]
    if not usable:
        return WithMean(list(entries), "")
    by_model = {
        model: [e.evaluation for e in usable if e.model == model] for model in dict.fromkeys(e.model for e in usable)
    }

    def rank(model: str) -> tuple[float, ...]:
        # A model without a value comes last: no correlation is as low as -2.
        means = (known_mean(_accuracy(by_model[model], group)) for group in ("specific", "all"))
        return tuple(float(np.nan_to_num(mean, nan=-2.0)) for mean in means)

    best = max(by_model, key=rank)
    added = [
        Entry(CROSS_TRACK_MEAN, e.replicate, e.own_mean, None)
        for e in usable
        if e.model == best and e.own_mean is not None
    ]
    return WithMean([*entries, *added], best)


def leaderboard(entries: Sequence[Entry], best: str, baseline: str, reference: str | None) -> pd.DataFrame:
    """Rows, one a model, best specific accuracy first.

    Args:
        entries: every replicate of every model, and the cross-track mean.
        best: the model whose mean the cross-track mean is.
        baseline: name of the k-mer ridge; its columns are NA where no model is called so.
        reference: another model to subtract.

    The columns pearson_* are means over the tracks of the mean over the replicates. The limits low and high are those
    of pearson_specific, by Student's t over three or more replicates, else by bootstrap over windows; the column
    `interval` says which.
    """
    import pandas as pd

    accuracy = {
        model: _specific([e.evaluation for e in entries if e.model == model])
        for model in dict.fromkeys(e.model for e in entries)
    }
    n_tracks = max(e.evaluation.table["track"].nunique() for e in entries)
    rows = []
    for model, own in accuracy.items():
        mine = [e for e in entries if e.model == model]
        against = {"own_mean": _specific([e.own_mean for e in mine if e.own_mean is not None])}
        against |= {"kmer_ridge": accuracy.get(baseline) if model != baseline else None}
        against |= {"reference": accuracy.get(reference or "") if model != reference else None}
        gains = {name: _gain(own, other) for name, other in against.items()}
        rows.append(_row(mine, own, gains, _note(mine, best, n_tracks)))
    table = pd.DataFrame(rows).sort_values(
        ["pearson_specific", "pearson_all"], ascending=False, kind="stable", na_position="last"
    )
    # A model without specific accuracy has no rank.
    rank = pd.Series(np.arange(1, len(table) + 1), index=table.index, dtype="Int64")
    table.insert(0, "rank", rank.where(table["pearson_specific"].notna()))
    return table[list(LEADERBOARD_COLUMNS)].reset_index(drop=True)


def _row(mine: Sequence[Entry], own: pd.Series, gains: dict[str, Gain], note: str) -> dict[str, object]:
    evaluations = [e.evaluation for e in mine]
    low, high, kind = _interval(evaluations)
    out: dict[str, object] = {
        "model": mine[0].model,
        "replicates": len(mine),
        "n_tracks": evaluations[0].table["track"].nunique(),
    }
    out |= {f"pearson_{group}": known_mean(_accuracy(evaluations, group)) for group in ("all", "ubiquitous")}
    out |= {"pearson_specific": known_mean(own), "low": low, "high": high, "interval": kind, "note": note}
    out |= {name: known_mean([one.figures[name] for one in evaluations]) for name in FIGURES}
    for name, gain in gains.items():
        out |= {f"specific_minus_{name}": gain.mean, f"p_{name}": gain.p}
    return out | {"verdict": _verdict(gains) if mine[0].model != CROSS_TRACK_MEAN else "baseline"}


def _accuracy(evaluations: Sequence[Evaluation], group: str) -> pd.Series:
    """Mean over the replicates of each track's accuracy in a group (all, specific, ubiquitous)."""
    import pandas as pd

    parts = [
        one.table[(one.table["group"] == group) & one.table["grouping"].isin(["all", "specific"])]
        for one in evaluations
    ]
    return pd.concat(parts).groupby("track", sort=False)["pearson"].mean() if parts else pd.Series(dtype=float)


def _specific(evaluations: Sequence[Evaluation]) -> pd.Series:
    return _accuracy(evaluations, "specific")


def _interval(evaluations: Sequence[Evaluation]) -> tuple[float, float, str]:
    each = np.array([known_mean(_specific([one])) for one in evaluations])
    # Replicates show how training varies, which no bootstrap over windows can.
    if len(each) >= MIN_REPLICATES and np.isfinite(each).all():
        from scipy.stats import t

        half = float(t.ppf(LEVELS[1], len(each) - 1) * each.std(ddof=1) / np.sqrt(len(each)))
        return float(each.mean()) - half, float(each.mean()) + half, "replicates"
    sample: Doubles = np.mean([one.sample for one in evaluations], axis=0)
    low, high = interval(sample[:, None])
    return float(low[0]), float(high[0]), "bootstrap" if np.isfinite(low[0]) else "NA"


def _gain(own: pd.Series, other: pd.Series | None) -> Gain:
    difference = (own - other).dropna().to_numpy() if other is not None and len(other) else np.empty(0)
    if len(difference) == 0:
        return Gain(np.nan, np.nan)
    return Gain(float(difference.mean()), signed_rank(difference, "greater").p)


def _verdict(gains: dict[str, Gain]) -> str:
    """What a model gains over the two baselines, as a fragment of a sentence."""
    named = {"its own cross-track mean": gains["own_mean"], "the k-mer ridge": gains["kmer_ridge"]}
    known = {name: gain for name, gain in named.items() if np.isfinite(gain.mean)}
    if not known:
        return "not compared with a baseline"
    kinds = {name: _kind(gain) for name, gain in known.items()}
    if len(known) == 2 and len(set(kinds.values())) == 1:
        both = {"beats": "beats both baselines", "fails": "does not beat either baseline"}
        return both.get(next(iter(kinds.values())), "is ahead of both baselines, not significantly")
    words = {"beats": "beats {}", "fails": "does not beat {}", "ahead": "is ahead of {}, not significantly"}
    return "; ".join(words[kind].format(name) for name, kind in kinds.items())


def _kind(gain: Gain) -> str:
    if gain.mean <= 0:
        return "fails"
    return "beats" if gain.p < SIGNIFICANT else "ahead"


def _note(mine: Sequence[Entry], best: str, n_tracks: int) -> str:
    notes = []
    if mine[0].model == CROSS_TRACK_MEAN:
        notes.append(f"mean over the tracks of the predictions of {best}")
    own = mine[0].evaluation.table["track"].nunique()
    if own < n_tracks:
        notes.append(f"evaluated on {own} of {n_tracks} tracks")
    specific = mine[0].evaluation.table.query("grouping == 'specific' and group == 'specific'")
    if specific["pearson"].isna().all():
        notes.append(f"no specific accuracy: {specific['reason'].iloc[0]}")
    elif 0.5**own >= SIGNIFICANT:  # the least p of a one-sided signed-rank test
        notes.append(f"{own} tracks: no p below {0.5**own:g} is possible")
    return "; ".join(notes)
