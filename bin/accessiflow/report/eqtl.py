"""Classification of eQTLs by specificity bin, tissue by tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.evaluation.variant_effects import read_eqtls
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, number
from accessiflow.results import Results
from accessiflow.sheets import MIN_PIP

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

DRAWN = 6  # models that have a panel of their own
WARNED = 6  # bins without a figure that are named one by one


def section(results: Results) -> Section | None:
    """The section, or None without eQTLs."""
    table = read_eqtls(results, "classification")
    if table is None:
        return None
    shuffled, curves = read_eqtls(results, "shuffled"), read_eqtls(results, "classification.curves")
    figures = [_by_bin(table, shuffled)] if table["auroc"].notna().any() else []
    if curves is not None:
        figures += [
            _curve(curves, "roc", "false positive rate", "true positive rate"),
            _curve(curves, "pr", "recall", "precision"),
        ]
    pip = float(results.json("pipeline_info/params.json").get("eqtl_min_pip", MIN_PIP))
    lead = (
        f"Random forests on the scores of all tracks classify fine-mapped eQTLs (PIP > {pip:g}) against other "
        "variants, cross-validated in each specificity bin."
    )
    return Section(
        "eqtl", "Where the model works: eQTLs", lead, _answer(table), figures, [_table(table)], _warnings(table)
    )


def _answer(table: pd.DataFrame) -> str:
    """Mean over tissues in the most specific and the most shared bin; nothing where there are several models."""
    # The section on variant effects sums up several.
    means = table.groupby("bin", sort=False)["auroc"].mean().dropna()
    if means.empty or table["model"].nunique() > 1:
        return ""
    specific, shared = (f"({means.index[i]} tracks) {number(means.iloc[i])}" for i in (0, -1))
    return f"eQTLs: mean AUROC in the most specific peaks {specific}, in the most shared evaluated {shared}."


def _warnings(table: pd.DataFrame) -> list[str]:
    lacking = table[table["auroc"].isna()].drop_duplicates(["tissue", "bin", "reason"])
    warnings = [f"eQTLs of {row.tissue}, {row.bin} tracks: {row.reason}." for row in lacking.itertuples()]
    if len(warnings) > WARNED:
        warnings[WARNED:] = [f"{len(warnings) - WARNED} further eQTL bins are not evaluated."]
    return warnings


def _by_bin(table: pd.DataFrame, shuffled: pd.DataFrame | None) -> Figure:
    """AUROC by bin and tissue; a panel a model."""
    import altair as alt
    import pandas as pd

    both = table.assign(labels="true")
    if shuffled is not None:
        both = pd.concat([both, shuffled.assign(labels="shuffled")], ignore_index=True)
    models = list(dict.fromkeys(table["model"]))
    # More panels than these would be too small to read.
    data = both[both["model"].isin(models[:DRAWN])].dropna(subset=["auroc"]).assign(chance=0.5)
    chart = _points(data, list(dict.fromkeys(table["bin"])))
    caption = "AUROC with its 95 % interval; crosses: the same with shuffled labels (0.5 is chance)."
    if len(models) == 1:
        return figure(
            "eqtl-bins",
            "eQTL classification by specificity",
            caption,
            chart.properties(width=WIDTH - 60, height=300),
            both,
        )
    facets = chart.properties(width=(WIDTH - 60) / 2, height=170).facet(
        alt.Facet("model:N", title=None, sort=models), columns=2
    )
    if len(models) > DRAWN:
        caption += f" The first {DRAWN} models; the data file holds all."
    return figure("eqtl-bins", "eQTL classification by specificity, model by model", caption, facets, both)


def _points(data: pd.DataFrame, bins: list[str]) -> alt.LayerChart:
    import altair as alt

    base = alt.Chart(data).encode(
        x=alt.X("bin:N", sort=bins, title="tracks with the peak", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("tissue:N"),
        color=alt.Color("tissue:N", title="tissue"),
    )
    scale = alt.Scale(domain=[0.3, 1], clamp=True)
    points = base.mark_point(filled=True, size=60).encode(
        y=alt.Y("auroc:Q", title="AUROC", scale=scale),
        shape=alt.Shape(
            "labels:N", title="labels", scale=alt.Scale(domain=["true", "shuffled"], range=["circle", "cross"])
        ),
    )
    bars = base.transform_filter("datum.labels == 'true'").mark_rule().encode(y="auroc_low:Q", y2="auroc_high:Q")
    chance = (
        alt.Chart(data)
        .mark_rule(strokeDash=[4, 4], color="#8a8f98")
        .encode(y=alt.Y("mean(chance):Q", title="AUROC", scale=scale))
    )
    return alt.layer(chance, bars, points)


def _curve(curves: pd.DataFrame, kind: str, x: str, y: str) -> Figure:
    """Curves by tissue: of every bin for one model, of the most specific bin for several."""
    import altair as alt

    data = curves[curves["curve"] == kind]
    models, bins = list(dict.fromkeys(data["model"])), list(dict.fromkeys(data["bin"]))
    single = len(models) == 1
    shown = data if single else data[data["bin"] == bins[0]]
    color = alt.Color("model:N", title="model", sort=models)
    if single:
        color = alt.Color("bin:N", title="tracks with the peak", sort=bins)
    lines = (
        alt.Chart(shown)
        .mark_line(strokeWidth=1.5)
        .encode(x=alt.X("x:Q", title=x), y=alt.Y("y:Q", title=y), color=color, order="x:Q")
    )
    # A line a bin, or a line a model: a panel with both could not be read.
    facets = lines.properties(width=170, height=150).facet(facet=alt.Facet("tissue:N", title=None), columns=3)
    name = {"roc": "ROC", "pr": "Precision-recall"}[kind]
    title = f"{name} curves by tissue and {'specificity' if single else 'model'}"
    caption = "All cross-validation folds pooled."
    if not single:
        caption += f" Peaks of {bins[0]} tracks; the data file holds every bin."
    return figure(f"eqtl-{kind}", title, caption, facets, data)


def _table(table: pd.DataFrame) -> Table:
    rows = [
        [
            str(r.model),
            str(r.tissue),
            str(r.bin),
            str(int(r.n_positive)),
            str(int(r.n_negative)),
            number(r.auroc, 3),
            number(r.auprc, 3),
        ]
        for r in table.itertuples()
    ]
    header = ["model", "tissue", "tracks with the peak", "positives", "negatives", "AUROC", "AUPRC"]
    return Table("eqtl-table", "eQTL classification", header, rows, table_uri(table), True)
