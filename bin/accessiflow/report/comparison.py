"""Models side by side, or one alone: leaderboard, accuracy paired by track, over-correlation, errors, variability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accessiflow.report import summaries
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, between, known, number, thinned, tips, two_digits, with_interval
from accessiflow.results import Results

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

MEAN = "cross_track_mean"
SHOWN = ("specific", "ubiquitous")
POINTS = 500  # points of a figure; of more tracks some are shown, evenly over their order
SQUARE = 24  # tracks along a side of a matrix
HEADER_OF = {
    "rank": "",
    "model": "model",
    "replicates": "replicates",
    "n_tracks": "tracks",
    "pearson_specific": "R specific",
    "low": "low",
    "high": "high",
    "pearson_ubiquitous": "R ubiquitous",
    "pearson_all": "R all",
    "deviation_pearson": "R deviation",
    "over_correlation_own": "over-correlation, own peaks",
    "over_correlation_ubiquitous": "over-correlation, ubiquitous",
    "fnr": "missed",
    "fpr": "false",
    "verdict": "verdict",
}
DEFINITIONS = (
    "R: Pearson R of log2(x + 1), mean over tracks; low, high: 95 % interval of R specific. R deviation: after each "
    "window's mean over the tracks is taken away. Over-correlation: R between the predictions of two tracks minus R "
    "between their measurements, mean over pairs of tracks; own peaks: over the specific windows of the first track "
    f"of a pair. Missed, false: rates of peaks called on the predictions. {MEAN}: the best model's own mean over its "
    "tracks, predicted for each of them, which knows nothing of cell types."
)
SETS = {
    "specific": "specific",
    "ubiquitous": "ubiquitous, same heights",
    "specific_unmatched": "specific, all heights",
    "ubiquitous_unmatched": "ubiquitous, all heights",
}


def section(results: Results) -> Section | None:
    """The section, or None without a leaderboard; of one model alone it says how good that is."""
    board, table = results.table("evaluation/leaderboard.tsv"), results.table("evaluation/comparison.tsv")
    if board is None or table is None:
        return None
    models = [m for m in board["model"] if m != MEAN]
    several = len(models) > 1
    made = [_paired(table, models), *_of_tracks(results), _errors(results), _height_matched(results)]
    made += [_variability(results)]
    if several:
        title, lead = "Which training choice is better", "the best in cell type-specific peaks first"
    else:
        title, lead = "How good the model is", "beside its own mean over the tracks"
    return Section(
        "comparison",
        title,
        f"Every model on the same test windows; {lead}.",
        _answer(board),
        [one for one in made if one is not None],
        [_leaderboard(board), *_tests(results), *_variability_tests(results)],
        _warnings(board),
        _missing(results),
    )


def _missing(results: Results) -> list[str]:
    """What has no figure, and why."""
    out = []
    if results.tables("evaluation", ".replicates.tsv") is None:
        out.append(
            "Variability over replicates: no model has two (column replicates of the models sheet; three give R an "
            "interval over trainings)."
        )
    if results.tables("evaluation", ".over_correlation.tsv") is None:
        out.append("Over-correlation: there are no two tracks with values in a cluster (--clusters, --tracks).")
    heights = results.tables("evaluation", ".height_matched.tsv")
    if heights is not None and heights["pearson"].isna().all():
        reasons = heights["reason"].fillna("").astype(str).value_counts()
        out.append(f"Accuracy at equal heights: {reasons.index[0] or 'no value'} ({reasons.iloc[0]:,} times).")
    return out


def _answer(board: pd.DataFrame) -> str:
    models = board[board["model"] != MEAN].to_dict("records")
    if not models:
        return ""
    each = [f"{r['model']} {with_interval(r['pearson_specific'], r['low'], r['high'])}" for r in models[:4]]
    if not any(known(r["pearson_specific"]) for r in models):
        notes = next((str(r["note"]) for r in models if known(r.get("note"))), "too few test peaks")
        return f"No accuracy in cell type-specific peaks: {notes} (--min_track_peaks, --min_bin_peaks)."
    best = models[0]
    # an interval where there is one, else the value itself
    floor = best["low"] if known(best["low"]) else best["pearson_specific"]
    if floor <= 0:
        return f"In cell type-specific peaks no model's Pearson R is above 0: {', '.join(each)}."
    if len(models) == 1:
        return f"In cell type-specific peaks: Pearson R of {each[0]}; {best.get('verdict', '')}."
    others = [f"{r['model']} {number(r['pearson_specific'])}" for r in models[1:4]]
    limits = between(best["low"], best["high"])
    return (
        f"Best in cell type-specific peaks: {best['model']} (Pearson R {number(best['pearson_specific'])}"
        f"{f', {limits}' if limits else ''}), before {', '.join(others)}."
    )


def _warnings(board: pd.DataFrame) -> list[str]:
    """Models that learned nothing beyond a baseline."""
    baselines = {
        "specific_minus_own_mean": "its own mean over tracks",
        "specific_minus_kmer_ridge": "the k-mer ridge",
    }
    warnings = []
    for row in board[board["model"] != MEAN].to_dict("records"):
        unbeaten = [name for column, name in baselines.items() if row.get(column, np.nan) <= 0]
        if unbeaten:
            warnings.append(
                f"{row['model']} does not beat {' or '.join(unbeaten)} in cell type-specific peaks: "
                "it has learned nothing of cell types there."
            )
    return warnings


def _leaderboard(board: pd.DataFrame) -> Table:
    shown = [c for c in HEADER_OF if c in board]
    rows = [[_cell(row[c]) for c in shown] for row in board.to_dict("records")]
    header = [HEADER_OF[c] for c in shown]
    files = ["evaluation/leaderboard.tsv"]
    return Table("leaderboard", "Leaderboard", header, rows, table_uri(board), files=files, note=DEFINITIONS)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return number(value)
    return "" if value is None else str(value)


def _tests(results: Results) -> list[Table]:
    """Wilcoxon's tests in specific peaks."""
    tests = results.table("evaluation/comparison_tests.tsv")
    if tests is None:
        return []
    some = tests[(tests["grouping"] == "specific") & (tests["group"] == "specific") & tests["p"].notna()]
    rows = [
        [r["model"], r["other"], str(r["n"]), number(r["median_difference"], 3), two_digits(r["p"]), two_digits(r["q"])]
        for r in some.to_dict("records")
    ]
    header = ["model", "against", "tracks", "median difference of R", "p", "q"]
    title = "Differences in cell type-specific peaks (Wilcoxon, paired by track)"
    files = ["evaluation/comparison_tests.tsv"]
    return [Table("tests", title, header, rows, table_uri(tests), True, files)] if rows else []


def _paired(table: pd.DataFrame, models: list[str]) -> Figure | None:
    import altair as alt

    every = table[(table["grouping"] == "specific") & table["model"].isin(models)].dropna(subset=["pearson"])
    if every.empty:
        return None
    replicates = int(every.groupby("model")["replicate"].nunique().sum())
    shown, said = thinned(every, "track", max(1, POINTS // (2 * replicates)))
    shown = tips(shown, ["model", "replicate", "track", "group"], "pearson")
    few = shown["track"].nunique() <= 12
    x = alt.X("model:N", sort=models, title=None, axis=alt.Axis(labelAngle=-40))
    y = alt.Y("pearson:Q", title="Pearson R")
    # A colour a track can be told apart for a few.
    colour = alt.Color("track:N", title="track") if few else alt.value("#0072b2")
    panels = []
    for group in SHOWN:
        own = shown[shown["group"] == group]
        points = alt.Chart(own).mark_circle(size=34, opacity=0.55).encode(x=x, y=y, color=colour, description="tip:N")
        layers = [points]
        if len(models) > 1:
            first = own[own["replicate"] == own["replicate"].min()]
            layers.insert(
                0,
                alt.Chart(first).mark_line(strokeWidth=1, opacity=0.4).encode(x=x, y=y, detail="track:N", color=colour),
            )
        panels.append(
            alt.layer(*layers).properties(width=max(150, 34 * len(models)), height=260, title=f"{group} peaks")
        )
    lines = "; lines join a track's first replicates" if len(models) > 1 else ""
    return figure(
        "comparison-accuracy",
        "Accuracy by training choice" if len(models) > 1 else "Accuracy in specific and in ubiquitous peaks",
        f"Pearson R of log2(x + 1), paired by track (a point is a replicate on a track{lines}). Means over tracks: "
        f"leaderboard.{said}",
        alt.hconcat(*panels),
        table,
        ["evaluation/comparison.tsv"],
    )


def _of_tracks(results: Results) -> list[Figure]:
    """How alike tracks are, measured and predicted."""
    over = results.tables("evaluation", ".over_correlation.tsv", ["cluster"])
    pairs = results.tables("evaluation", ".cell_types.tsv", ["cluster", "track", "other"])
    made = [_over_correlation(over) if over is not None else None, _matrices(pairs) if pairs is not None else None]
    return [one for one in made if one is not None]


def _over_correlation(table: pd.DataFrame) -> Figure:
    import altair as alt

    models = list(dict.fromkeys(table["file"]))
    data = tips(table, ["file", "cluster"], "over_correlation", n="pairs")
    data["tip"] = [
        f"{tip} pairs; predicted {number(p)}, measured {number(m)}"
        for tip, p, m in zip(data["tip"], data["prediction"], data["measurement"], strict=True)
    ]
    # The measurement stands in every model's table.
    measured = data.drop_duplicates("cluster")
    x = alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40))
    y = alt.Y("prediction:Q", title="mean correlation between tracks")
    points = (
        alt.Chart(data)
        .mark_circle(size=50, opacity=0.75)
        .encode(
            x=x,
            y=y,
            xOffset=alt.XOffset("file:N", sort=models),
            color=alt.Color("file:N", title="predicted by", sort=models),
            description="tip:N",
        )
    )
    truth = alt.Chart(measured).mark_tick(thickness=4, size=30, color="#8a8f98").encode(x=x, y="measurement:Q")
    width = max(WIDTH - 80, 34 * table["cluster"].nunique())
    return figure(
        "comparison-over-correlation",
        "Are the predictions more alike than the measurements?",
        "Mean Pearson R of log2(x + 1) over pairs of tracks in each peak cluster; grey: between the measurements. "
        "Their difference is the over-correlation, with its interval over a point.",
        alt.layer(truth, points).properties(width=width, height=260),
        table,
        ["evaluation/*.over_correlation.tsv"],
    )


def _matrices(table: pd.DataFrame) -> Figure | None:
    """Correlations between tracks, measured and predicted by the first model, in the largest cluster of a cell type."""
    import altair as alt

    first = table["file"].iloc[0]
    # The common clusters are alike in all tracks.
    own = table[(table["file"] == first) & ~table["cluster"].str.lower().isin(["ubiquitous", "open", "shared"])]
    own = own.dropna(subset=["pearson"])
    if own.empty:
        return None
    cluster = own.loc[own["n"].idxmax(), "cluster"]
    drawn, said = thinned(own[own["cluster"] == cluster], "track", SQUARE)
    drawn = drawn[drawn["other"].isin(set(drawn["track"]))]
    panels = [
        _matrix(drawn[drawn["source"] == source], title)
        for source, title in (("measurement", "measured"), ("prediction", f"predicted ({first})"))
    ]
    return figure(
        "comparison-matrix",
        "Correlation between tracks in specific peaks",
        f"Windows of {cluster}, the largest cluster of a cell type or group; the data hold every cluster and model."
        f"{said}",
        alt.hconcat(*panels),
        own,
        ["evaluation/*.cell_types.tsv"],
    )


def _matrix(table: pd.DataFrame, title: str) -> alt.Chart:
    import altair as alt

    tracks = list(dict.fromkeys(table["track"]))
    data = tips(table, ["track", "other"], "pearson")
    side = max(190, 16 * len(tracks))
    return (
        alt.Chart(data, title=title)
        .mark_rect()
        .encode(
            x=alt.X("other:N", sort=tracks, title=None, axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("track:N", sort=tracks, title=None),
            color=alt.Color("pearson:Q", title="R", scale=alt.Scale(scheme="viridis", domain=[-0.2, 1], clamp=True)),
            description="tip:N",
        )
        .properties(width=side, height=side)
    )


def _errors(results: Results) -> Figure | None:
    import altair as alt

    table = results.tables("evaluation", ".errors.tsv", ["track", "region"])
    if table is None:
        return None
    peaks = table[table["region"] == "peaks"].dropna(subset=["fnr", "fpr"])
    if peaks.empty:
        return None
    models = list(dict.fromkeys(peaks["file"]))
    shown, said = thinned(peaks, "track", max(1, POINTS // len(models)))
    missed = tips(shown, ["file", "track"], "fnr", "fnr_low", "fnr_high", "n_peaks")["tip"]
    false = [f"false {with_interval(r['fpr'], r.get('fpr_low'), r.get('fpr_high'))}" for r in shown.to_dict("records")]
    data = shown.assign(tip=[f"{one}; {other}" for one, other in zip(missed, false, strict=True)])
    chart = (
        alt.Chart(data)
        .mark_circle(size=55, opacity=0.7)
        .encode(
            x=alt.X("fpr:Q", title="false positive rate, all peaks"),
            y=alt.Y("fnr:Q", title="false negative rate"),
            color=alt.Color("file:N", title="model", sort=models),
            description="tip:N",
        )
    )
    return figure(
        "comparison-errors",
        "Missed and false peaks",
        "Peaks called on the predictions against those of the measurements, among the bins that are a peak of any "
        f"track. A point is a track; over it: missed with its interval and n, false with its interval.{said}",
        chart.properties(width=WIDTH - 80, height=260),
        table,
        ["evaluation/*.errors.tsv"],
    )


def _height_matched(results: Results) -> Figure | None:
    """Accuracy in specific and in ubiquitous peaks of the same heights."""
    import altair as alt

    table = results.tables("evaluation", ".height_matched.tsv", ["track"])
    means = summaries.rows(results, "height_matched")
    if table is None or table["pearson"].isna().all():
        return None
    models = list(dict.fromkeys(table["file"]))
    named = table.assign(peaks=table["set"].map(SETS)).dropna(subset=["pearson", "peaks"])
    shown, said = thinned(named, "track", max(1, POINTS // (len(SETS) * len(models))))
    y = alt.Y("peaks:N", sort=list(SETS.values()), title=None, axis=alt.Axis(labelLimit=260))
    colour = alt.Color("file:N", title="model", sort=models)
    layers = [
        alt.Chart(tips(shown, ["file", "track", "peaks"], "pearson"))
        .mark_circle(size=34, opacity=0.55)
        .encode(
            x=alt.X("pearson:Q", title="Pearson R"),
            y=y,
            yOffset=alt.YOffset("file:N", sort=models),
            color=colour,
            description="tip:N",
        )
    ]
    if means is not None:
        drawn = means.assign(peaks=means["group"].map(SETS), file=means["model"]).dropna(subset=["peaks"])
        base = alt.Chart(drawn).encode(
            y=y, yOffset=alt.YOffset("file:N", sort=models), color=colour, description="tip:N"
        )
        layers += [
            base.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q"),
            base.mark_tick(thickness=3, size=14).encode(x="mean:Q"),
        ]
    return figure(
        "comparison-heights",
        "Is accuracy lower in specific peaks because they are lower?",
        "A point is a track; tick and line: mean over tracks with its 95 % interval (bootstrap over tracks). "
        f"Ubiquitous peaks are drawn so that they have the heights of the specific ones.{said}",
        alt.layer(*layers).properties(width=WIDTH - 140, height=alt.Step(max(14, 30 // len(models)))),
        table,
        ["evaluation/*.height_matched.tsv", summaries.FILE],
    )


def _variability(results: Results) -> Figure | None:
    import altair as alt

    table = results.tables("evaluation", ".replicates.tsv", ["track", "cluster"])
    if table is None or table["cv_median"].isna().all():
        return None
    models = list(dict.fromkeys(table["file"]))
    known_rows = table.dropna(subset=["cv_median"])
    shown, said = thinned(known_rows, "track", max(1, POINTS // (known_rows["cluster"].nunique() * len(models))))
    data = tips(shown, ["file", "track", "cluster"], "cv_median")
    data["tip"] += [
        f", q {two_digits(q)}" if known(q) else "" for q in (data["q"] if "q" in data else [None] * len(data))
    ]
    chart = (
        alt.Chart(data)
        .mark_circle(size=45, opacity=0.65)
        .encode(
            x=alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("cv_median:Q", title="median coefficient of variation"),
            xOffset=alt.XOffset("file:N", sort=models),
            color=alt.Color("file:N", title="model", sort=models),
            description="tip:N",
        )
    )
    return figure(
        "comparison-variability",
        "How much do replicates of a model differ?",
        "Coefficient of variation of a window's prediction over replicates (median of the cluster's windows). "
        f"A point is a track; over it: interval, n and q of the test against ubiquitous windows.{said}",
        chart.properties(width=max(WIDTH - 80, 34 * data["cluster"].nunique()), height=240),
        table,
        ["evaluation/*.replicates.tsv"],
    )


def _variability_tests(results: Results) -> list[Table]:
    """Whether replicates differ more in a cluster than in ubiquitous windows (Mann-Whitney, one-sided)."""
    table = results.tables("evaluation", ".replicates.tsv", ["track", "cluster"])
    if table is None or "p" not in table or table["p"].isna().all():
        return []
    rows = [
        [
            str(r["file"]),
            str(r["track"]),
            str(r["cluster"]),
            str(r["n"]),
            number(r["cv_median"], 3),
            two_digits(r["p"]),
            two_digits(r["q"]),
        ]
        for r in table.dropna(subset=["p"]).to_dict("records")
    ]
    header = ["model", "track", "cluster", "windows", "median CV", "p", "q"]
    title = "Do replicates differ more in specific than in ubiquitous windows? (Mann-Whitney, one-sided)"
    return [Table("variability-tests", title, header, rows, table_uri(table), True, ["evaluation/*.replicates.tsv"])]
