"""Training and reference accuracy: curves, accuracy by specificity, cluster and TSS distance, precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report import loci, scatter, summaries
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import (
    TIP,
    Section,
    Table,
    known,
    number,
    thinned,
    tips,
    two_digits,
    with_interval,
)
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd


MATRICES = 2  # heat maps that are drawn
MATRIX_CELLS = 400  # of a heat map: more could not be read
POINTS = 800  # points of a figure; of more tracks some are shown, evenly over their order
MODELS_SAID = 2  # models that the summary speaks of
LIMITS = "--min_track_peaks and --min_bin_peaks set the limits"


def section(results: Results) -> Section | None:
    """The section, or None without a model."""
    bins, clusters = results.tables("evaluation", ".specificity.tsv"), results.tables("evaluation", ".clusters.tsv")
    curves, board = _curves(results), results.table("evaluation/leaderboard.tsv")
    if bins is None and curves is None:
        return None
    medians = summaries.rows(results, "specificity")
    figures: list[Figure | None] = []
    if bins is not None and bins["pearson"].notna().any():
        figures.append(_accuracy(bins, medians))
    if clusters is not None:
        figures.append(_heatmap(clusters))
    precision = results.tables("evaluation", ".precision.tsv")
    if precision is not None and precision["n"].sum() > 0:
        figures.append(_precision(precision))
    figures += [_tss_distance(results), scatter.density(results), *loci.figures(results)]
    if curves is not None:
        figures.append(_training(curves))
    return Section(
        "accuracy",
        "Where the model works: reference sequence",
        "Test chromosomes only. Windows are assigned to the peak bin that holds the centre of their target.",
        _answer(results, bins, board, medians),
        [made for made in figures if made is not None],
        [*_models(results), *_tss_tests(results)],
        [*_skipped(bins), *_at_chance(precision)],
        _missing(results, bins, precision),
    )


def _missing(results: Results, bins: pd.DataFrame | None, precision: pd.DataFrame | None) -> list[str]:
    """What has no figure, and why."""
    out = []
    if bins is not None and bins["pearson"].notna().sum() == 0:
        out.append(f"Accuracy by specificity: {_main_reason(bins)}. {LIMITS}.")
    if bins is not None and (precision is None or precision["n"].sum() == 0):
        out.append("Precision of the highest tracks: no test window is a peak of a track that is predicted.")
    distances = results.tables("evaluation", ".tss_distance.tsv")
    if bins is not None and distances is None:
        out.append("Accuracy by TSS distance: no genes were given (--genes).")
    elif distances is not None and distances["pearson"].notna().sum() == 0:
        out.append(f"Accuracy by TSS distance: {_main_reason(distances)}. {LIMITS}.")
    return out


def _main_reason(table: pd.DataFrame) -> str:
    """The reason of the most rows without a value."""
    reasons = table.loc[table["pearson"].isna(), "reason"].fillna("").astype(str).value_counts()
    if not len(reasons):
        return "no value"
    return f"none of {len(table):,} is given; the most common reason ({reasons.iloc[0]:,} times): {reasons.index[0]}"


def _curves(results: Results) -> pd.DataFrame | None:
    import pandas as pd

    names = [path.parent.name for path in sorted((results.folder / "models").glob("*/training_curve.tsv"))]
    tables = {name: results.table(f"models/{name}/training_curve.tsv") for name in names}
    parts = [table.assign(model=name) for name, table in tables.items() if table is not None]
    return pd.concat(parts, ignore_index=True) if parts else None


def _answer(
    results: Results, bins: pd.DataFrame | None, board: pd.DataFrame | None, medians: pd.DataFrame | None
) -> str:
    """How the first models do over all windows, and between the most specific and the most shared peaks."""
    if bins is None:
        return ""
    whole = summaries.rows(results, "windows")
    sentences = []
    for model in list(dict.fromkeys(bins["file"]))[:MODELS_SAID]:
        groups, given = summaries.median_of(medians, model), bins.loc[bins["file"] == model, "pearson"].notna().any()
        if given and not groups:
            sentences.append(f"{model}: {_over_all(whole, board, model)}.")
            continue
        if groups:
            (specific, low), (shared, high) = groups[0], groups[-1]
            by_bin = (
                f"median Pearson R {low} in the most specific peaks ({specific} tracks), {high} in the most shared "
                f"({shared})"
            )
        else:
            by_bin = "no accuracy by specificity (see there)"
        sentences.append(f"{model}: {_over_all(whole, board, model)}; {by_bin}.")
    return " ".join(sentences)


def _over_all(whole: pd.DataFrame | None, board: pd.DataFrame | None, model: str) -> str:
    """The accuracy over all windows, from the summary or else the leaderboard."""
    if whole is not None:
        own = whole[(whole["model"] == model) & (whole["group"] == "all")].to_dict("records")
        if own:
            value = with_interval(own[0]["mean"], own[0]["low"], own[0]["high"])
            return f"Pearson R {value} over all test windows, the mean of {own[0]['n']} track(s)"
    if board is not None and "pearson_all" in board:
        own = board[board["model"] == model].to_dict("records")
        if own:
            return f"Pearson R {number(own[0]['pearson_all'])} over all test windows"
    return "no accuracy over all windows (evaluation/leaderboard.tsv)"


def _at_chance(precision: pd.DataFrame | None) -> list[str]:
    """Models whose precision is not above chance in the most specific peaks."""
    if precision is None or "low" not in precision:
        return []
    first = precision[precision["n"] > 0].drop_duplicates("file")
    return [
        f"{row['file']}: in the most specific peaks ({row['bin']} tracks) the precision of the highest tracks, "
        f"{with_interval(row['precision'], row['low'], row['high'])}, is not above chance ({number(row['chance'])}): "
        "the model does not know in which cell types they are open."
        for row in first.to_dict("records")
        if known(row["low"]) and row["low"] <= row["chance"]
    ]


def _accuracy(table: pd.DataFrame, medians: pd.DataFrame | None) -> Figure:
    import altair as alt

    order, models = list(dict.fromkeys(table["bin"])), list(dict.fromkeys(table["file"]))
    shown, said = thinned(table, "track", max(1, POINTS // (len(order) * len(models))))
    x = alt.X("bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0))
    data = tips(shown.dropna(subset=["pearson"]), ["file", "track", "bin"], "pearson")
    points = (
        alt.Chart(data)
        .mark_circle(size=45, opacity=0.6)
        .encode(
            x=x,
            y=alt.Y("pearson:Q", title="Pearson R", scale=alt.Scale(zero=True)),
            xOffset=alt.XOffset("file:N", sort=models),
            color=alt.Color("file:N", title="model", sort=models),
            description="tip:N",
        )
    )
    layers = [points]
    if medians is not None:
        size = min(26.0, 0.8 * WIDTH / len(order) / len(models))
        layers += summaries.quartiles(
            medians.rename(columns={"group": "bin"}), x, alt.XOffset("model:N", sort=models), "Pearson R", size
        )
    return figure(
        "accuracy-specificity",
        "Accuracy by specificity",
        "Pearson R of log2(x + 1) between measurement and prediction in each track's own test peaks, "
        "from the most specific class to the most shared. A point is a track; tick and bar: median and quartiles of "
        f"all tracks.{said}",
        alt.layer(*layers).properties(width=WIDTH, height=300),
        table,
        ["evaluation/*.specificity.tsv", summaries.FILE],
    )


def _heatmap(table: pd.DataFrame) -> Figure:
    import altair as alt

    drawn = table[table["file"].isin(list(dict.fromkeys(table["file"]))[:MATRICES])]
    drawn, said = thinned(drawn, "track", max(1, MATRIX_CELLS // MATRICES // drawn["cluster"].nunique()))
    base = alt.Chart(tips(drawn.dropna(subset=["pearson"]), ["file", "track", "cluster"], "pearson")).encode(
        x=alt.X("cluster:N", title="peak cluster", axis=alt.Axis(labelAngle=-40)), y=alt.Y("track:N", title=None)
    )
    cells = base.mark_rect().encode(
        color=alt.Color("pearson:Q", title="Pearson R", scale=alt.Scale(scheme="viridis", domain=[0, 1], clamp=True)),
        description="tip:N",
    )
    text = base.mark_text(fontSize=11).encode(
        text=alt.Text("pearson:Q", format=".2f"),
        # White on dark cells, black on bright ones.
        color=alt.condition("datum.pearson > 0.6", alt.value("#000"), alt.value("#fff")),
    )
    width = max(WIDTH - 80, 32 * drawn["cluster"].nunique())
    chart = alt.layer(cells, text).properties(width=width, height=alt.Step(24))
    if drawn["file"].nunique() > 1:
        chart = chart.facet(row=alt.Row("file:N", title=None))
    caption = "Pearson R of log2(x + 1) of each track over all windows of a cluster, peaks of the track or not"
    if table["file"].nunique() > MATRICES:
        caption += f" (the first {MATRICES} models; the data hold all)"
    title = "Accuracy by peak cluster"
    return figure("accuracy-clusters", title, f"{caption}.{said}", chart, table, ["evaluation/*.clusters.tsv"])


def _precision(table: pd.DataFrame) -> Figure:
    import altair as alt

    order, models = list(dict.fromkeys(table["bin"])), list(dict.fromkeys(table["file"]))
    data = tips(table.dropna(subset=["precision"]), ["file", "bin"], "precision")
    data["tip"] += [f", chance {number(value)}" for value in data["chance"]]
    x = alt.X("bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0))
    base = alt.Chart(data).encode(x=x, xOffset=alt.XOffset("file:N", sort=models), description="tip:N")
    bars = base.mark_bar().encode(
        y=alt.Y("precision:Q", title="precision of the top N tracks", scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("file:N", title="model", sort=models),
    )
    layers = [bars]
    if "low" in data:
        layers.append(base.mark_rule(strokeWidth=1.5).encode(y="low:Q", y2="high:Q"))
    layers.append(alt.Chart(data).mark_tick(color="#d55e00", thickness=3, size=30).encode(x=x, y="chance:Q"))
    return figure(
        "accuracy-precision",
        "Does the model know in which cell types a peak is open?",
        "For a peak in N tracks: share of the N highest predicted tracks (z scores) in which it is one, with its 95 % "
        "interval. Orange: chance.",
        alt.layer(*layers).properties(width=WIDTH, height=260),
        table,
        ["evaluation/*.precision.tsv"],
    )


def _tss_distance(results: Results) -> Figure | None:
    """Accuracy by distance to the nearest TSS, within each specificity bin and over all."""
    import altair as alt

    table = summaries.rows(results, "tss_distance")
    if table is None:
        return None
    models = list(dict.fromkeys(table["model"]))
    drawn = table[table["model"].isin(models[:MATRICES])]
    distances, bins = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["within"]))
    x = alt.X("within:N", sort=bins, title="tracks with the peak", axis=alt.Axis(labelAngle=0))
    base = alt.Chart(drawn).encode(
        x=x,
        xOffset=alt.XOffset("group:N", sort=distances),
        color=alt.Color("group:N", sort=distances, title="bp to the nearest TSS"),
        description="tip:N",
    )
    chart = alt.layer(
        base.mark_rule(strokeWidth=5, opacity=0.35).encode(y=alt.Y("q25:Q", title="Pearson R"), y2="q75:Q"),
        base.mark_tick(thickness=3, size=18).encode(y=alt.Y("median:Q", title="Pearson R")),
    ).properties(width=WIDTH - 60, height=240)
    if len(models) > 1:
        chart = chart.facet(row=alt.Row("model:N", title=None, sort=models))
    more = f" The first {MATRICES} models; the data hold all." if len(models) > MATRICES else ""
    return figure(
        "accuracy-tss",
        "Accuracy by distance to the nearest TSS",
        f"Median (tick) and quartiles (bar) over tracks, within each class of specificity and over all.{more}",
        chart,
        table.drop(columns="tip"),
        [summaries.FILE, "evaluation/*.tss_distance.tsv"],
    )


def _tss_tests(results: Results) -> list[Table]:
    tests = results.tables("evaluation", ".tss_distance_tests.tsv", ["bin"])
    if tests is None or tests["p"].isna().all():
        return []
    rows = [
        [str(r.file), str(r.bin), str(r.near), str(r.far), f"{r.n_near} / {r.n_far}", two_digits(r.p), two_digits(r.q)]
        for r in tests.dropna(subset=["p"]).itertuples()
    ]
    header = ["model", "tracks with the peak", "nearer", "farther", "tracks", "p", "q"]
    title = "Is accuracy higher nearer to a TSS? (Mann-Whitney over tracks, one-sided)"
    files = ["evaluation/*.tss_distance_tests.tsv"]
    return [Table("tss-tests", title, header, rows, table_uri(tests), True, files)]


def _training(table: pd.DataFrame) -> Figure:
    import altair as alt

    long = table.melt(["model", "epoch"], ["pearsonr", "val_pearsonr"], "fold", "R")
    long["fold"] = long["fold"].map({"pearsonr": "training", "val_pearsonr": "validation"})
    long, said = thinned(long, "model", 24)
    long["tip"] = [f"{TIP}{r.model}, epoch {r.epoch}, {r.fold}: {number(r.R, 3)}" for r in long.itertuples()]
    chart = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("R:Q", title="Pearson R", scale=alt.Scale(zero=False)),
            color=alt.Color("model:N", title="model"),
            strokeDash=alt.StrokeDash("fold:N", title=None),
            description="tip:N",
        )
    )
    return figure(
        "training",
        "Training curves",
        f"Mean Pearson R over tracks after each epoch; the weights of the best validation epoch are kept.{said}",
        chart.properties(width=WIDTH, height=260),
        table,
        ["models/*/training_curve.tsv"],
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
    data = table_uri(pd.DataFrame(rows, columns=header))
    return [Table("models", "Models", header, rows, data, files=["models/*/metrics.json"])] if rows else []


def _skipped(bins: pd.DataFrame | None) -> list[str]:
    lacking = bins[bins["pearson"].isna()] if bins is not None else None
    if bins is None or lacking is None or lacking.empty:
        return []
    where = lacking.groupby("reason").size()
    what = "accuracies by specificity are not given"
    if len(where) <= 3:
        return [f"{int(n)} of {len(bins)} {what}: {reason}." for reason, n in where.items()]
    return [f"{len(lacking)} of {len(bins)} {what} for too few test peaks ({LIMITS}; see the data)."]
