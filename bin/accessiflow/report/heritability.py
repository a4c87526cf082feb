"""Partitioned heritability: forest plot of enrichments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import WIDTH, figure, table_uri
from accessiflow.report.results import Results
from accessiflow.report.section import Section, Table, number

if TYPE_CHECKING:
    import pandas as pd


def section(results: Results) -> Section | None:
    """The section, or None without regressions."""
    import altair as alt

    table = results.table("heritability/heritability.tsv")
    if table is None:
        return None
    focal = table[table["focal"] == "yes"].copy()
    focal["low"] = focal["Enrichment"] - 1.96 * focal["Enrichment_std_error"]
    focal["high"] = focal["Enrichment"] + 1.96 * focal["Enrichment_std_error"]
    base = alt.Chart(focal).encode(y=alt.Y("model:N", title=None), color=alt.Color("trait:N", title="trait"), yOffset="trait:N")
    chart = alt.layer(
        base.mark_rule().encode(x=alt.X("low:Q", title="enrichment of heritability (95 % interval)"), x2="high:Q"),
        base.mark_circle(size=45).encode(x="Enrichment:Q"),
        alt.Chart(focal.head(1)).mark_rule(strokeDash=[4, 4], color="#8a8f98").encode(x=alt.datum(1)),
    )
    caption = (
        "Each annotation alone with the baseline; high: the more cell type-specific half of a tissue's peaks, low: the rest. Dashed: no enrichment."
    )
    forest = figure("heritability", "Heritability enrichment", caption, chart.properties(width=WIDTH - 120, height=alt.Step(13)), focal)
    header = ["trait", "annotation", "SNPs", "h2", "enrichment", "SE", "p", "tau*", "SE"]
    rows = [
        [
            str(r.trait),
            str(r.model),
            f"{100 * r.snps:.2f} %",
            f"{100 * r.h2:.1f} %",
            number(r.Enrichment),
            number(r.se),
            f"{r.p:.2g}",
            number(r.tau_star),
            number(r.tau_se),
        ]
        for r in focal.rename(
            columns={"Prop._SNPs": "snps", "Prop._h2": "h2", "Enrichment_std_error": "se", "Enrichment_p": "p", "tau_star_se_jack": "tau_se"}
        ).itertuples()
    ]
    quality = results.table("heritability/qc.tsv")
    lead = "Stratified LD score regression by the real ldsc."
    tables = [Table("heritability-table", "Enrichment, coefficients and tau*", header, rows, table_uri(table), True)]
    return Section("heritability", "Heritability", lead, _answer(focal), [forest], tables, _warnings(quality))


def _answer(focal: pd.DataFrame) -> str:
    specific = focal[focal["model"].str.endswith(".high") & focal["Enrichment"].notna()]
    best = specific.loc[specific.groupby("trait")["Enrichment"].idxmax()] if len(specific) else specific
    return " ".join(
        f"{r.trait}: most enriched in the specific peaks of {r.model.removesuffix('.high')} ({number(r.Enrichment, 1)}x, SE {number(r.Enrichment_std_error, 1)})."
        for r in best.itertuples()
    )


def _warnings(quality: pd.DataFrame | None) -> list[str]:
    if quality is None or "warning" not in quality:
        return []
    few = quality[quality["warning"].notna()]
    return [f"{len(few)} regressions rest on fewer than 200,000 SNPs: enrichments are noisy and may be biased."] if len(few) else []
