"""Training and reference accuracy: curves, accuracy by specificity and cluster, precision, example loci."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, number
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd


MATRICES = 2  # heat maps that are drawn


def section(results: Results) -> Section | None:
    """The section, or None without a model."""
    figures: list[Figure] = []
    bins, clusters = results.tables("evaluation", ".specificity.tsv"), results.tables("evaluation", ".clusters.tsv")
    curves = _curves(results)
    if bins is None and curves is None:
        return None
    answer = _answer(bins)
    if bins is not None:
        figures.append(_accuracy(bins))
    if clusters is not None:
        figures.append(_heatmap(clusters))
    precision = results.tables("evaluation", ".precision.tsv")
    if precision is not None and precision["n"].sum() > 0:
        figures.append(_precision(precision))
    loci = results.tables("evaluation", ".loci.tsv")
    if loci is not None:
        figures.append(_loci(loci))
    if curves is not None:
        figures.append(_training(curves))
    skipped = [] if bins is None else _skipped(bins)
    return Section(
        "accuracy",
        "Where the model works: reference sequence",
        "Test chromosomes only. Windows are assigned to the peak bin that holds the centre of their target.",
        answer,
        figures,
        _models(results),
        skipped,
    )


def _curves(results: Results) -> pd.DataFrame | None:
    import pandas as pd

    names = [path.parent.name for path in sorted((results.folder / "models").glob("*/training_curve.tsv"))]
    tables = {name: results.table(f"models/{name}/training_curve.tsv") for name in names}
    parts = [table.assign(model=name) for name, table in tables.items() if table is not None]
    return pd.concat(parts, ignore_index=True) if parts else None


def _answer(bins: pd.DataFrame | None) -> str:
    if bins is None or bins["pearson"].notna().sum() == 0:
        return ""
    median = bins.groupby(["file", "bin"], sort=False)["pearson"].median().dropna()
    sentences = []
    for model in dict.fromkeys(bins["file"]):
        values = median[model]
        sentences.append(
            f"{model}: median Pearson R {number(values.iloc[0])} in the most specific peaks "
            f"({values.index[0]} tracks), {number(values.iloc[-1])} in the most shared ({values.index[-1]})."
        )
    return " ".join(sentences[:2])


def _accuracy(table: pd.DataFrame) -> Figure:
    import altair as alt

    order = list(dict.fromkeys(table["bin"]))
    base = alt.Chart(table.dropna(subset=["pearson"])).encode(
        x=alt.X("bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0)),
        color=alt.Color("file:N", title="model"),
    )
    points = base.mark_circle(size=55, opacity=0.65).encode(
        y=alt.Y("pearson:Q", title="Pearson R", scale=alt.Scale(zero=True)), xOffset="file:N"
    )
    ticks = base.mark_tick(thickness=3, size=26).encode(y="median(pearson):Q", xOffset="file:N")
    return figure(
        "accuracy-specificity",
        "Accuracy by specificity",
        "Pearson R of log2(x + 1) between measurement and prediction in each track's own test peaks, "
        "from the most specific class to the most shared. A point is a track; the tick is the median.",
        alt.layer(points, ticks).properties(width=WIDTH, height=300),
        table,
    )


def _heatmap(table: pd.DataFrame) -> Figure:
    import altair as alt

    shown = table[table["file"].isin(list(dict.fromkeys(table["file"]))[:MATRICES])]
    base = alt.Chart(shown.dropna(subset=["pearson"])).encode(
        x=alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40)), y=alt.Y("track:N", title=None)
    )
    cells = base.mark_rect().encode(
        color=alt.Color("pearson:Q", title="Pearson R", scale=alt.Scale(scheme="viridis", domain=[0, 1], clamp=True))
    )
    text = base.mark_text(fontSize=10).encode(
        text=alt.Text("pearson:Q", format=".2f"),
        # White on dark cells, black on bright ones.
        color=alt.condition("datum.pearson > 0.6", alt.value("#000"), alt.value("#fff")),
    )
    chart = alt.layer(cells, text).properties(width=WIDTH - 120, height=alt.Step(26))
    if shown["file"].nunique() > 1:
        chart = chart.facet(row=alt.Row("file:N", title=None))
    caption = "Pearson R of log2(x + 1) of each track over all windows of a cluster, peaks of the track or not"
    if table["file"].nunique() > MATRICES:
        caption += f" (the first {MATRICES} models; the data file holds all)"
    return figure("accuracy-clusters", "Accuracy by peak cluster", f"{caption}.", chart, table)


def _precision(table: pd.DataFrame) -> Figure:
    import altair as alt

    order = list(dict.fromkeys(table["bin"]))
    x = alt.X("bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0))
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=x,
            xOffset="file:N",
            y=alt.Y("precision:Q", title="precision of the top N tracks", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color("file:N", title="model"),
        )
    )
    chance = alt.Chart(table).mark_tick(color="#d55e00", thickness=3, size=30).encode(x=x, y="chance:Q")
    return figure(
        "accuracy-precision",
        "Does the model know in which cell types a peak is open?",
        "For a peak in N tracks: share of the N highest predicted tracks (z scores) in which it is one. "
        "Orange: chance.",
        alt.layer(bars, chance).properties(width=WIDTH, height=260),
        table,
    )


def _loci(table: pd.DataFrame) -> Figure:
    import altair as alt

    # One model, and each locus in its own track alone: more panels would be too small.
    shown = table[table["file"] == table["file"].iloc[0]].copy()
    shown["owner"] = shown["locus"].str.split(":").str[0]
    shown = shown[shown["track"] == shown["owner"]]
    long = shown.melt(
        ["locus", "rule", "track", "chrom", "start", "end", "pearson"], ["measured", "predicted"], "signal", "value"
    )
    long["title"] = long["track"] + ", " + long["rule"] + " (R " + long["pearson"].map(number) + ")"
    order = list(dict.fromkeys(long["title"]))
    colours = alt.Scale(domain=["measured", "predicted"], range=["#8a8f98", "#0072b2"])
    chart = (
        alt.Chart(long)
        .mark_line(interpolate="step-after", strokeWidth=1.6)
        .encode(
            x=alt.X("start:Q", title=None, axis=alt.Axis(labels=False, ticks=False), scale=alt.Scale(zero=False)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("signal:N", title=None, scale=colours),
        )
        .properties(width=180, height=90)
    )
    grid = chart.facet(facet=alt.Facet("title:N", sort=order, title=None), columns=3).resolve_scale(
        x="independent", y="independent"
    )
    return figure(
        "accuracy-loci",
        "Example loci, chosen by rule",
        "8 kb around the best, median and worst predicted specific peak of a track, and a ubiquitous one; "
        "the data file holds every track at each locus.",
        grid,
        table,
    )


def _training(table: pd.DataFrame) -> Figure:
    import altair as alt

    long = table.melt(["model", "epoch"], ["pearsonr", "val_pearsonr"], "fold", "R")
    long["fold"] = long["fold"].map({"pearsonr": "training", "val_pearsonr": "validation"})
    chart = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("R:Q", title="Pearson R", scale=alt.Scale(zero=False)),
            color=alt.Color("model:N", title="model"),
            strokeDash=alt.StrokeDash("fold:N", title=None),
        )
    )
    return figure(
        "training",
        "Training curves",
        "Mean Pearson R over tracks after each epoch; the weights of the best validation epoch are kept.",
        chart.properties(width=WIDTH, height=260),
        table,
    )


def _models(results: Results) -> list[Table]:
    import pandas as pd

    facts = {
        name.removesuffix("/metrics.json"): results.json(f"models/{name}")
        for name in sorted(p.parent.name + "/metrics.json" for p in (results.folder / "models").glob("*/metrics.json"))
    }
    rows = [
        [
            m,
            f"{f['parameters']:,}",
            f"{f['train_windows']:,}",
            str(f["best_epoch"]),
            str(f["epochs"]),
            number(f["val_pearsonr"], 3),
            str(f["seed"]),
        ]
        for m, f in facts.items()
        if f
    ]
    header = ["model", "parameters", "training windows", "best epoch", "epochs", "validation R", "seed"]
    return [Table("models", "Models", header, rows, table_uri(pd.DataFrame(rows, columns=header)))] if rows else []


def _skipped(bins: pd.DataFrame) -> list[str]:
    lacking = bins[bins["pearson"].isna()]
    if lacking.empty:
        return []
    where = lacking.groupby("reason").size()
    what = "accuracies by specificity are not given"
    if len(where) <= 3:
        return [f"{int(n)} of {len(bins)} {what}: {reason}." for reason, n in where.items()]
    return [f"{len(lacking)} of {len(bins)} {what} for too few test peaks (see the data file)."]
