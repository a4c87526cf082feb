"""Allelic imbalance by cell type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.evaluation.variant_effects import read_imbalance
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, number
from accessiflow.results import Results
from accessiflow.variants.groups import ALL_SITES

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "allelic_imbalance"


def section(results: Results) -> Section | None:
    """The section, or None without allelic counts."""
    table = read_imbalance(results)
    if table is None:
        return None
    # Groups of sites are in the table alone.
    overall = table[(table["group"] == ALL_SITES) & table["auroc"].notna()]
    rows = [
        [
            str(r.model),
            str(r.cell_type),
            str(r.group),
            str(int(r.n)),
            number(r.auroc, 3),
            number(r.low, 3),
            number(r.high, 3),
        ]
        for r in table.itertuples()
    ]
    header = ["model", "cell type", "sites", "n", "AUROC", "low", "high"]
    tables = [Table("imbalance-table", "Allelic imbalance by group of sites", header, rows, table_uri(table), True)]
    lead = (
        "Heterozygous sites whose reads are significantly imbalanced between the alleles: "
        "does the model know which allele is the more accessible one?"
    )
    figures = [_figure(overall, table)] if len(overall) else []
    return Section("imbalance", "Where the model works: allelic imbalance", lead, _answer(overall), figures, tables)


def _answer(overall: pd.DataFrame) -> str:
    if overall.empty:
        return ""
    means = overall.groupby("model", sort=False)["auroc"].mean()
    values = [f"{model} {number(value)}" for model, value in means.iloc[:4].items()]
    if len(means) == 1:
        values = [number(means.iloc[0])]
    return f"Allelic imbalance: mean AUROC {', '.join(values)} over {overall['cell_type'].nunique()} cell type(s)."


def _figure(overall: pd.DataFrame, table: pd.DataFrame) -> Figure:
    import altair as alt

    color = alt.Color("model:N", title="model", sort=None)
    base = alt.Chart(overall).encode(
        y=alt.Y("cell_type:N", title=None), yOffset=alt.YOffset("model:N", sort=None), color=color
    )
    layers = alt.layer(
        base.mark_rule().encode(
            x=alt.X("low:Q", title="AUROC", scale=alt.Scale(domain=[0.3, 1], clamp=True)), x2="high:Q"
        ),
        base.mark_circle(size=70).encode(x="auroc:Q"),
        alt.Chart(overall.head(1)).mark_rule(strokeDash=[4, 4], color="#8a8f98").encode(x=alt.datum(0.5)),
    )
    step = alt.Step(30 if overall["model"].nunique() == 1 else 11)
    caption = (
        f"Direction of imbalance at {ALL_SITES} sites, classified by the predicted REF share; "
        "AUROC with its DeLong 95 % interval."
    )
    return figure("imbalance", "Allelic imbalance", caption, layers.properties(width=WIDTH - 100, height=step), table)
