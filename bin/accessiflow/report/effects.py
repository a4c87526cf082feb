"""Variant effects of every model side by side, by specificity: eQTLs, allelic imbalance, heritability.

As in Kathail et al. 2024, Fig. 2C, 2D, 4C, S5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from accessiflow.evaluation import variant_effects as rules
from accessiflow.report.figures import Figure, figure, table_uri
from accessiflow.report.section import Section, Table, known, number, thinned, tips
from accessiflow.results import Results

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

POINTS_FILE, MEANS = "evaluation/variant_effects.tsv", "evaluation/variant_effects.summary.tsv"
MEASURE_KEYS = ["measure", "peaks", "model"]
POINTS = 1000  # of the figure; of more units some are shown, evenly over their order
PANEL = 240  # px that the widest panel takes, as long as the marks of its models stay apart


class Measure(NamedTuple):
    """A panel.

    Attributes:
        name: name of the measure.
        x: title of the axis below.
        y: title of the axis on the left.
        chance: the value of no effect.
    """

    name: str
    x: str
    y: str
    chance: float


MEASURES = (
    Measure(rules.EQTL, "tracks with the peak", "AUROC", 0.5),
    Measure(rules.EQTL_DIRECTION, "tracks with the peak", "AUROC", 0.5),
    Measure(rules.SITES, "tracks with the peak", "AUROC", 0.5),
    Measure(rules.IMBALANCED_SITES, "tracks with the peak", "AUROC", 0.5),
    Measure(rules.CLUSTERS, "peak cluster", "AUROC", 0.5),
    Measure(rules.SPLIT, "peaks of the tissue, share of SNPs", "enrichment", 1.0),
)


def section(results: Results) -> Section | None:
    """The section, or None without a result on variants."""
    every, means = results.table(POINTS_FILE, [*MEASURE_KEYS, "unit"]), results.table(MEANS, MEASURE_KEYS)
    if every is None or means is None or means.empty:
        return None
    values, said = thinned(every.dropna(subset=["value"]), "unit", max(1, POINTS // max(1, len(means))))
    models = [model for model in dict.fromkeys(every["model"]) if (means["model"] == model).any()]
    lead = "Each measure by how many tracks share the peak that holds the variant, or by kind of peak."
    figures, tables = [_figure(values, means, models, said)], [_table(means, models)]
    return Section("effects", "Variant effects, every model side by side", lead, _answer(means), figures, tables)


def _answer(means: pd.DataFrame) -> str:
    """Which model classifies eQTLs best in the most specific peaks, where there is a choice."""
    first = means[means["measure"] == rules.EQTL]
    if first.empty:
        return ""
    first = first[first["peaks"] == first["peaks"].iloc[0]]
    if len(first) < 2:
        return ""
    first = first.sort_values("mean", ascending=False, kind="stable")
    best = first.iloc[0]
    others = ", ".join(f"{row.model} {number(row.mean)}" for row in first.iloc[1:4].itertuples(name="Row"))
    limits = f", {number(best['low'])} to {number(best['high'])}" if known(best["low"]) else ""
    return (
        f"Best on eQTLs in the most specific peaks ({best['peaks']} tracks): {best['model']} "
        f"(mean AUROC {number(best['mean'])}{limits}), before {others}."
    )


def _figure(values: pd.DataFrame, means: pd.DataFrame, models: list[str], said: str) -> Figure:
    import altair as alt

    shown = [measure for measure in MEASURES if (means["measure"] == measure.name).any()]
    kinds = int(means.groupby("measure")["peaks"].nunique().max())
    # Many models make a panel wider than PANEL, or their marks would touch.
    step = max(5.0, PANEL / max(kinds, 2) / len(models))
    chart = alt.concat(*(_panel(measure, values, means, models, step) for measure in shown), columns=3).resolve_scale(
        color="shared"
    )
    caption = (
        "Tick: mean over tissues, cell types or traits, with its 95 % interval (bootstrap over them); "
        "a point is one of them. Dashed: no effect."
    )
    if rules.SPLIT in {measure.name for measure in shown}:
        caption += " Heritability: each trait in the tissue whose specific peaks are the most enriched."
    data = values[[*MEASURE_KEYS, "unit", "value"]].merge(means.drop(columns="reason"), on=MEASURE_KEYS)
    title = "Accuracy on variants by specificity"
    return figure("effects-models", title, caption + said, chart, data, [POINTS_FILE, MEANS])


def _panel(
    measure: Measure, values: pd.DataFrame, means: pd.DataFrame, models: list[str], step: float
) -> alt.LayerChart:
    import altair as alt

    points, middle = (table[table["measure"] == measure.name] for table in (values, means))
    points, middle = tips(points, ["model", "unit", "peaks"], "value"), tips(middle, ["model", "peaks"], "mean")
    order = list(dict.fromkeys(middle["peaks"]))
    x = alt.X("peaks:N", sort=order, title=measure.x, axis=alt.Axis(labelAngle=0 if step * len(models) >= 78 else -40))
    shared = {
        "x": x,
        "xOffset": alt.XOffset("model:N", sort=models),
        "color": alt.Color("model:N", title="model", sort=models),
        "description": alt.Description("tip:N"),
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
    cells = {}
    for row in means.to_dict("records"):
        mean, low, high = (number(row[name], 3) for name in ("mean", "low", "high"))
        cells[row["measure"], row["peaks"], row["model"]] = f"{mean} ({low} to {high}; {row['n']})"
    rows = [
        [measure, peaks, *(cells.get((measure, peaks, model), "") for model in models)]
        for measure, peaks in dict.fromkeys(zip(means["measure"], means["peaks"], strict=True))
    ]
    title = "Mean, its 95 % interval, and of how many tissues, cell types or traits"
    return Table("effects-table", title, ["measure", "peaks", *models], rows, table_uri(means), True, [MEANS])
