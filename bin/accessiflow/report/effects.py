"""Variant effects of every model side by side, by specificity: eQTLs, allelic imbalance, heritability (as Kathail et al. 2024, Fig. 2C, 2D, 4C, S5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.report import eqtl, imbalance
from accessiflow.report.figures import Figure, figure, table_uri
from accessiflow.report.results import Results
from accessiflow.report.section import Section, Table, number

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

COLUMNS = ["measure", "peaks", "model", "unit", "value"]
RESAMPLES = 2000
PANEL = 240  # px that the widest panel takes, as long as the marks of its models stay apart
BY_BIN, BY_CLUSTER = "specificity:", "cluster:"
HALVES = {"high": "specific", "low": "shared"}


class Measure(NamedTuple):
    """A panel: its name, the axis below and on the left, and the value of no effect."""

    name: str
    x: str
    y: str
    chance: float


EQTL = Measure("eQTL or not", "tracks with the peak", "AUROC", 0.5)
DIRECTION = Measure("Direction of eQTLs", "tracks with the peak", "AUROC", 0.5)
SITES = Measure("Allelic imbalance", "tracks with the peak", "AUROC", 0.5)
CLUSTERS = Measure("Allelic imbalance by cluster", "peak cluster", "AUROC", 0.5)
SPLIT = Measure("Heritability, highest |SAD|", "peaks of the tissue, share of SNPs", "enrichment", 1.0)
MEASURES = (EQTL, DIRECTION, SITES, CLUSTERS, SPLIT)


def section(results: Results) -> Section | None:
    """The section, or None without a result on variants."""
    import pandas as pd

    parts = [part[COLUMNS] for part in (*_eqtls(results), *_imbalance(results), *_heritability(results))]
    every = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    place = every.groupby(["measure", "peaks"], sort=False).ngroup()  # the order of the peaks, judged or not
    values = every.loc[place.sort_values(kind="stable").index].dropna(subset=["value"])
    if values.empty:
        return None
    models, means = (
        [model for model in dict.fromkeys(every["model"]) if (values["model"] == model).any()],
        summary(values),
    )
    lead = "Each measure by how many tracks share the peak that holds the variant, or by kind of peak."
    figures, tables = [_figure(values, means, models)], [_table(means, models)]
    return Section("effects", "Variant effects, every model side by side", lead, _answer(means), figures, tables)


def summary(values: pd.DataFrame) -> pd.DataFrame:
    """Mean over units with its interval: measure, peaks, model, n, mean, low, high, in order of appearance."""
    import pandas as pd

    rows = []
    for (measure, peaks, model), group in values.groupby(["measure", "peaks", "model"], sort=False):
        low, high = interval(group["value"].to_numpy(np.float64))
        rows.append([measure, peaks, model, len(group), group["value"].mean(), low, high])
    return pd.DataFrame(rows, columns=["measure", "peaks", "model", "n", "mean", "low", "high"])


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % interval of the mean of values (n,): percentiles of means of resamples with replacement; none (NaN) of fewer than two."""
    if len(values) < 2:
        return np.nan, np.nan
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _eqtls(results: Results) -> list[pd.DataFrame]:
    read = {EQTL: eqtl.read(results, "classification"), DIRECTION: eqtl.read(results, "direction")}
    return [
        table.assign(measure=measure.name, peaks=table["bin"], unit=table["tissue"], value=table["auroc"])
        for measure, table in read.items()
        if table is not None
    ]


def _imbalance(results: Results) -> list[pd.DataFrame]:
    """By specificity bin; and by cluster: a cell type's own (of it or its group), shared, ubiquitous."""
    table = imbalance.read(results)
    if table is None:
        return []
    table = table.assign(unit=table["cell_type"], value=table["auroc"])
    bins = table[table["group"].str.startswith(BY_BIN)]
    clusters = table[table["group"].str.startswith(BY_CLUSTER)]
    tracks = results.table("peaks/peaks_per_track.tsv")
    group_of = (
        {} if tracks is None else dict(zip(tracks["cell_type"].astype(str), tracks["group"].astype(str), strict=True))
    )
    names = clusters["group"].str.removeprefix(BY_CLUSTER)
    own = [name in (cell, group_of.get(cell)) for name, cell in zip(names, clusters["cell_type"], strict=True)]
    clusters = clusters.assign(peaks=np.where(own, "own cell type", names))
    clusters = clusters[clusters["peaks"].isin(["own cell type", "shared", "ubiquitous"])]
    return [
        bins.assign(measure=SITES.name, peaks=bins["group"].str.removeprefix(BY_BIN)),
        clusters.assign(measure=CLUSTERS.name).sort_values("peaks", kind="stable"),
    ]


def _heritability(results: Results) -> list[pd.DataFrame]:
    """SNPs with the highest |SAD| of a model, each trait in the tissue whose specific peaks are the most enriched for it."""
    table, known = results.table("heritability/heritability.tsv"), results.table("heritability/annotations.tsv")
    if table is None or known is None:
        return []
    focal = table[table["focal"] == "yes"].rename(columns={"model": "annotation", "annotation": "column"})
    focal = focal.merge(known[["annotation", "set", "model", "statistic", "half", "share"]], on="annotation")
    parts = focal["set"].str.extract(r"^(?P<owner>.+)\.(?P<half_of>high|low)$")
    focal = focal.assign(owner=parts["owner"], specificity=parts["half_of"].map(HALVES)).dropna(
        subset=["owner", "Enrichment"]
    )
    whole = focal[focal["half"].isna() & (focal["specificity"] == HALVES["high"])]
    best = whole.loc[whole.groupby("trait")["Enrichment"].idxmax(), ["trait", "owner"]]
    tops = focal[focal["half"] == "top"].merge(best, on=["trait", "owner"])
    tops = tops[tops["statistic"] == tops["statistic"].min()]  # max or mean of |SAD| over tracks: one of the two
    tops = tops.sort_values(["specificity", "share"], ascending=[False, True], kind="stable")
    peaks = tops["specificity"] + ", " + (100 * tops["share"].astype(float)).map("{:g} %".format)
    return [
        tops.assign(
            measure=SPLIT.name,
            peaks=peaks,
            model=tops["model"].fillna("one model"),
            unit=tops["trait"],
            value=tops["Enrichment"],
        )
    ]


def _answer(means: pd.DataFrame) -> str:
    """Which model tells eQTLs best in the most specific peaks, where there is a choice."""
    first = means[means["measure"] == EQTL.name]
    first = (
        first[first["peaks"] == first["peaks"].iloc[0]].sort_values("mean", ascending=False, kind="stable")
        if len(first)
        else first
    )
    if len(first) < 2:
        return ""
    best = first.iloc[0]
    others = ", ".join(f"{row.model} {number(row.mean)}" for row in first.iloc[1:4].itertuples(name="Row"))
    within = f", {number(best['low'])} to {number(best['high'])}" if best["low"] == best["low"] else ""
    return f"Best on eQTLs in the most specific peaks ({best['peaks']} tracks): {best['model']} (mean AUROC {number(best['mean'])}{within}), before {others}."


def _figure(values: pd.DataFrame, means: pd.DataFrame, models: list[str]) -> Figure:
    import altair as alt

    shown = [measure for measure in MEASURES if (means["measure"] == measure.name).any()]
    kinds = int(means.groupby("measure")["peaks"].nunique().max())
    step = max(5.0, PANEL / max(kinds, 2) / len(models))
    chart = alt.concat(*(_panel(measure, values, means, models, step) for measure in shown), columns=3).resolve_scale(
        color="shared"
    )
    caption = "Tick: mean over tissues, cell types or traits, with its 95 % interval (bootstrap over them); a point is one of them. Dashed: no effect."
    if SPLIT in shown:
        caption += " Heritability: each trait in the tissue whose specific peaks are the most enriched."
    data = values[COLUMNS].merge(means, on=["measure", "peaks", "model"])
    return figure("effects-models", "Accuracy on variants by specificity", caption, chart, data)


def _panel(
    measure: Measure, values: pd.DataFrame, means: pd.DataFrame, models: list[str], step: float
) -> alt.LayerChart:
    import altair as alt

    points, middle = (table[table["measure"] == measure.name] for table in (values, means))
    order = list(dict.fromkeys(middle["peaks"]))
    x = alt.X("peaks:N", sort=order, title=measure.x, axis=alt.Axis(labelAngle=0 if step * len(models) >= 78 else -40))
    shared = {
        "x": x,
        "xOffset": alt.XOffset("model:N", sort=models),
        "color": alt.Color("model:N", title="model", sort=models),
    }
    y = alt.Y("value:Q", title=measure.y, scale=alt.Scale(zero=False))
    layers = [
        alt.Chart(middle.assign(null=measure.chance))
        .mark_rule(strokeDash=[4, 4], color="#8a8f98")
        .encode(y=alt.Y("mean(null):Q", title=measure.y)),
        alt.Chart(points).mark_circle(size=18, opacity=0.45).encode(y=y, **shared),
        alt.Chart(middle).mark_rule(strokeWidth=1.5).encode(y="low:Q", y2="high:Q", **shared),
        alt.Chart(middle).mark_tick(thickness=3, size=min(24, 0.8 * step)).encode(y="mean:Q", **shared),
    ]
    return alt.layer(*layers).properties(width={"step": step, "for": "offset"}, height=180, title=measure.name)


def _table(means: pd.DataFrame, models: list[str]) -> Table:
    """A row a measure and kind of peaks, a column a model."""
    cells = {
        (
            row["measure"],
            row["peaks"],
            row["model"],
        ): f"{number(row['mean'], 3)} ({number(row['low'], 3)} to {number(row['high'], 3)}; {row['n']})"
        for row in means.to_dict("records")
    }
    rows = [
        [measure, peaks, *(cells.get((measure, peaks, model), "") for model in models)]
        for measure, peaks in dict.fromkeys(zip(means["measure"], means["peaks"], strict=True))
    ]
    title = "Mean, its 95 % interval, and of how many tissues, cell types or traits"
    return Table("effects-table", title, ["measure", "peaks", *models], rows, table_uri(means), True)
