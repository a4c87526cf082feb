"""Models side by side: leaderboard, accuracy paired by track, over-correlation, errors, variability over replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, number
from accessiflow.results import Results

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

MEAN = "cross_track_mean"
SHOWN = ("specific", "ubiquitous")
HEADER_OF = {
    "rank": "",
    "model": "model",
    "replicates": "replicates",
    "pearson_specific": "R specific",
    "low": "low",
    "high": "high",
    "pearson_ubiquitous": "R ubiquitous",
    "pearson_all": "R all",
    "deviation_pearson": "R deviation",
    "over_correlation_specific": "over-correlation",
    "fnr": "missed",
    "fpr": "false",
    "verdict": "verdict",
}


def section(results: Results) -> Section | None:
    """The section, or None where fewer than two models were compared."""
    board, table = results.table("evaluation/leaderboard.tsv"), results.table("evaluation/comparison.tsv")
    # One model alone has nothing to be compared with.
    if board is None or table is None or (board["model"] != MEAN).sum() < 2:
        return None
    models = [m for m in board["model"] if m != MEAN]
    figures = [_paired(table, models)]
    over = results.tables("evaluation", ".over_correlation.tsv")
    pairs = results.tables("evaluation", ".cell_types.tsv")
    if over is not None:
        figures.append(_over_correlation(over))
    if pairs is not None:
        figures.append(_matrices(pairs))
    errors = results.tables("evaluation", ".errors.tsv")
    if errors is not None:
        figures.append(_errors(errors))
    replicates = results.tables("evaluation", ".replicates.tsv")
    if replicates is not None:
        figures.append(_variability(replicates))
    return Section(
        "comparison",
        "Which training choice is better",
        "Every model on the same test windows; the best in cell type-specific peaks first.",
        _answer(board),
        figures,
        [_leaderboard(board), *_tests(results)],
        _warnings(board),
    )


def _answer(board: pd.DataFrame) -> str:
    models = board[board["model"] != MEAN]
    best = models.iloc[0]
    limits = f"{number(best['low'])} to {number(best['high'])}"
    sentence = (
        f"Best in cell type-specific peaks: {best['model']} (Pearson R {number(best['pearson_specific'])}, {limits})"
    )
    others = [f"{row.model} {number(row.pearson_specific)}" for row in models.iloc[1:4].itertuples()]
    return f"{sentence}, before {', '.join(others)}." if others else f"{sentence}."


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
    return Table("leaderboard", "Leaderboard", [HEADER_OF[c] for c in shown], rows, table_uri(board))


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
        [r["model"], r["other"], str(r["n"]), number(r["median_difference"], 3), f"{r['p']:.2g}", f"{r['q']:.2g}"]
        for r in some.to_dict("records")
    ]
    header = ["model", "against", "tracks", "median difference of R", "p", "q"]
    title = "Differences in cell type-specific peaks (Wilcoxon, paired by track)"
    return [Table("tests", title, header, rows, table_uri(tests), True)] if rows else []


def _paired(table: pd.DataFrame, models: list[str]) -> Figure:
    import altair as alt

    shown = table[(table["grouping"] == "specific") & table["model"].isin(models)].dropna(subset=["pearson"])
    means = shown.groupby(["group", "model", "track"], sort=False)["pearson"].mean().reset_index()
    x = alt.X("model:N", sort=models, title=None, axis=alt.Axis(labelAngle=-40))
    y = alt.Y("pearson:Q", title="Pearson R")
    panels = []
    for group in SHOWN:
        points = (
            alt.Chart(shown[shown["group"] == group])
            .mark_circle(size=28, opacity=0.55)
            .encode(x=x, y=y, color=alt.Color("track:N", title="track"))
        )
        lines = (
            alt.Chart(means[means["group"] == group])
            .mark_line(strokeWidth=1, opacity=0.5)
            .encode(x=x, y=y, color="track:N")
        )
        ticks = (
            alt.Chart(means[means["group"] == group]).mark_tick(thickness=3, size=24).encode(x=x, y="mean(pearson):Q")
        )
        panels.append(
            alt.layer(lines, points, ticks).properties(width=WIDTH / 2 - 60, height=260, title=f"{group} peaks")
        )
    return figure(
        "comparison-accuracy",
        "Accuracy by training choice",
        "Pearson R of log2(x + 1), paired by track (lines join a track's means over replicates; a point is a "
        "replicate; the tick is the mean over tracks).",
        alt.hconcat(*panels),
        table,
    )


def _over_correlation(table: pd.DataFrame) -> Figure:
    import altair as alt
    import pandas as pd

    # The measurement stands in every model's table.
    measured = table.drop_duplicates("cluster").assign(file="measured", value=lambda t: t["measurement"])
    predicted = table.assign(value=table["prediction"])
    both = pd.concat([measured, predicted], ignore_index=True).dropna(subset=["value"])
    x = alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40))
    y = alt.Y("value:Q", title="mean correlation between tracks")
    models = (
        alt.Chart(both[both["file"] != "measured"])
        .mark_circle(size=45, opacity=0.7)
        .encode(x=x, y=y, color=alt.Color("file:N", title="predicted by"))
    )
    truth = (
        alt.Chart(both[both["file"] == "measured"]).mark_tick(thickness=4, size=30, color="#8a8f98").encode(x=x, y=y)
    )
    return figure(
        "comparison-over-correlation",
        "Are the predictions more alike than the measurements?",
        "Mean Pearson R of log2(x + 1) over pairs of tracks in each peak cluster; grey: between the measurements.",
        alt.layer(truth, models).properties(width=WIDTH - 120, height=260),
        table,
    )


def _matrices(table: pd.DataFrame) -> Figure:
    """Correlations between tracks, measured and predicted by the first model, over the clusters of cell types."""
    import altair as alt

    first = table["file"].iloc[0]
    # The common clusters are alike in all tracks and would hide the others.
    own = table[(table["file"] == first) & ~table["cluster"].str.lower().isin(["ubiquitous", "open", "shared"])]
    mean = own.groupby(["source", "track", "other"], sort=False)["pearson"].mean().reset_index()
    panels = [
        _matrix(mean[mean["source"] == source], title)
        for source, title in (("measurement", "measured"), ("prediction", f"predicted ({first})"))
    ]
    return figure(
        "comparison-matrix",
        "Correlation between tracks in specific peaks",
        "Mean over the clusters that belong to a cell type or group.",
        alt.hconcat(*panels),
        own,
    )


def _matrix(table: pd.DataFrame, title: str) -> alt.Chart:
    import altair as alt

    tracks = list(dict.fromkeys(table["track"]))
    return (
        alt.Chart(table, title=title)
        .mark_rect()
        .encode(
            x=alt.X("other:N", sort=tracks, title=None, axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("track:N", sort=tracks, title=None),
            color=alt.Color("pearson:Q", title="R", scale=alt.Scale(scheme="viridis", domain=[-0.2, 1], clamp=True)),
        )
        .properties(width=WIDTH / 2 - 110, height=WIDTH / 2 - 110)
    )


def _points(table: pd.DataFrame, size: int, opacity: float, x: alt.X, y: alt.Y, color: alt.Color) -> alt.Chart:
    import altair as alt

    return alt.Chart(table).mark_circle(size=size, opacity=opacity).encode(x=x, y=y, color=color)


def _errors(table: pd.DataFrame) -> Figure:
    import altair as alt

    chart = _points(
        table[table["region"] == "peaks"],
        60,
        0.75,
        alt.X("fpr:Q", title="false positive rate, all peaks"),
        alt.Y("fnr:Q", title="false negative rate"),
        alt.Color("file:N", title="model"),
    )
    return figure(
        "comparison-errors",
        "Missed and false peaks",
        "Peaks called on the predictions against those of the measurements, among the bins that are a peak of any "
        "track. A point is a track.",
        chart.properties(width=WIDTH - 120, height=260),
        table,
    )


def _variability(table: pd.DataFrame) -> Figure:
    import altair as alt

    chart = _points(
        table.dropna(subset=["cv_median"]),
        50,
        0.7,
        alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40)),
        alt.Y("cv_median:Q", title="median coefficient of variation"),
        alt.Color("track:N", title="track"),
    )
    return figure(
        "comparison-variability",
        "How much do replicates of a model differ?",
        "Coefficient of variation of a window's prediction over replicates (median of the cluster's windows). "
        "A point is a track.",
        chart.properties(width=WIDTH - 120, height=240),
        table,
    )
