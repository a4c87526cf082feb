"""Variant effects: what was scored, eQTL classification, allelic imbalance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.results import Results
from accessiflow.report.section import Section, Table, number

if TYPE_CHECKING:
    import pandas as pd


def scored(results: Results) -> Section | None:
    """How many variants were scored and why others were not."""
    import pandas as pd

    rows = []
    for name, facts in results.jsons("variants/*.metrics.json").items():
        model, _, variant_set = name.removesuffix(".metrics.json").rpartition(".")
        reasons = "; ".join(f"{reason}: {n:,}" for reason, n in facts["reasons"].items()) or "none"
        rows.append([model, variant_set, f"{facts['scored']:,}", f"{facts['excluded']:,}", reasons])
    if not rows:
        return None
    header = ["model", "variant set", "scored", "excluded", "reasons"]
    table = Table("variants-counts", "Scored and excluded variants", header, rows, table_uri(pd.DataFrame(rows, columns=header)))
    excluded = sum(int(row[3].replace(",", "")) for row in rows)
    warn = [f"{excluded:,} variants were not scored: excluded.tsv of each set gives the reasons."] if excluded else []
    return Section(
        "variants", "Variant scores", "SAD = predicted accessibility of the ALT sequence minus that of the REF sequence.", "", [], [table], warn
    )


def eqtl(results: Results) -> Section | None:
    """eQTL classification by specificity bin."""
    table = results.tables("eqtl", ".classification.tsv")
    if table is None:
        return None
    shuffled = results.tables("eqtl", ".shuffled.tsv")
    curves = results.tables("eqtl", ".curves.tsv")
    measured = table.dropna(subset=["auroc"])
    figures = [_by_bin(table, shuffled)] if len(measured) else []
    if curves is not None:
        figures += [_curve(curves, "roc", "false positive rate", "true positive rate"), _curve(curves, "pr", "recall", "precision")]
    warn = [f"eQTLs of {row.tissue}, {row.bin} tracks: {row.reason}." for row in table.itertuples() if row.auroc != row.auroc]
    middle = measured.groupby("bin", sort=False)["auroc"].mean()
    answer = (
        f"eQTLs: mean AUROC {number(middle.iloc[0])} in the most specific peaks ({middle.index[0]} tracks), {number(middle.iloc[-1])} in the most shared judged ({middle.index[-1]})."
        if len(middle)
        else ""
    )
    lead = "Random forests on the scores of all tracks tell fine-mapped eQTLs (PIP > 0.9) from others, cross-validated in each specificity bin."
    return Section(
        "eqtl",
        "Where the model works: eQTLs",
        lead,
        answer,
        figures,
        [_table(table)],
        warn[:6] + ([f"{len(warn) - 6} further eQTL bins are not judged."] if len(warn) > 6 else []),
    )


def _by_bin(table: pd.DataFrame, shuffled: pd.DataFrame | None) -> Figure:
    import altair as alt
    import pandas as pd

    both = (
        table.assign(labels="true")
        if shuffled is None
        else pd.concat([table.assign(labels="true"), shuffled.assign(labels="shuffled")], ignore_index=True)
    )
    data = both.dropna(subset=["auroc"])
    order = list(dict.fromkeys(table["bin"]))
    base = alt.Chart(data).encode(
        x=alt.X("bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("tissue:N"),
        color=alt.Color("tissue:N", title="tissue"),
    )
    points = base.mark_point(filled=True, size=60).encode(
        y=alt.Y("auroc:Q", title="AUROC", scale=alt.Scale(domain=[0.3, 1], clamp=True)),
        shape=alt.Shape("labels:N", title="labels", scale=alt.Scale(domain=["true", "shuffled"], range=["circle", "cross"])),
    )
    bars = base.transform_filter("datum.labels == 'true'").mark_rule().encode(y="auroc_low:Q", y2="auroc_high:Q")
    chance = alt.Chart(pd.DataFrame({"y": [0.5]})).mark_rule(strokeDash=[4, 4], color="#8a8f98").encode(y="y:Q")
    return figure(
        "eqtl-bins",
        "eQTL classification by specificity",
        "AUROC with its 95 % interval; diamonds: the same with shuffled labels (0.5 is chance).",
        alt.layer(chance, bars, points).properties(width=WIDTH - 60, height=300),
        both,
    )


def _curve(curves: pd.DataFrame, kind: str, x: str, y: str) -> Figure:
    import altair as alt

    data = curves[curves["curve"] == kind]
    chart = (
        alt.Chart(data)
        .mark_line(strokeWidth=1.5)
        .encode(
            x=alt.X("x:Q", title=x),
            y=alt.Y("y:Q", title=y),
            color=alt.Color("bin:N", title="tracks with the peak", sort=list(dict.fromkeys(data["bin"]))),
            order="x:Q",
        )
    )
    faceted = chart.properties(width=170, height=150).facet(facet=alt.Facet("tissue:N", title=None), columns=3)
    name = {"roc": "ROC", "pr": "Precision-recall"}[kind]
    return figure(f"eqtl-{kind}", f"{name} curves by tissue and specificity", "All cross-validation folds pooled.", faceted, data)


def _table(table: pd.DataFrame) -> Table:
    rows = [
        [str(r.tissue), str(r.bin), str(int(r.n_positive)), str(int(r.n_negative)), number(r.auroc, 3), number(r.auprc, 3)]
        for r in table.itertuples()
    ]
    return Table(
        "eqtl-table", "eQTL classification", ["tissue", "tracks with the peak", "positives", "negatives", "AUROC", "AUPRC"], rows, table_uri(table)
    )


def imbalance(results: Results) -> Section | None:
    """Allelic imbalance by cell type."""
    import altair as alt

    table = results.tables("allelic_imbalance", ".auroc.tsv")
    if table is None:
        return None
    table = table.assign(model=table["file"].str.rsplit(".", n=1).str[0], cell_type=table["file"].str.rsplit(".", n=1).str[1])
    first = table["group"].iloc[0]
    overall = table[(table["group"] == first) & table["auroc"].notna()]
    y = alt.Y("cell_type:N", title=None)
    base = alt.Chart(overall).encode(y=y, yOffset="model:N", color=alt.Color("model:N", title="model"))
    layers = alt.layer(
        base.mark_rule().encode(x=alt.X("low:Q", title="AUROC", scale=alt.Scale(domain=[0.3, 1], clamp=True)), x2="high:Q"),
        base.mark_circle(size=70).encode(x="auroc:Q"),
        alt.Chart(overall.head(1)).mark_rule(strokeDash=[4, 4], color="#8a8f98").encode(x=alt.datum(0.5)),
    )
    shown = figure(
        "imbalance",
        "Allelic imbalance",
        f"Direction of imbalance at {first} sites told by the predicted REF share; AUROC with its DeLong 95 % interval.",
        layers.properties(width=WIDTH - 100, height=alt.Step(30)),
        table,
    )
    rows = [
        [str(r.model), str(r.cell_type), str(r.group), str(int(r.n)), number(r.auroc, 3), number(r.low, 3), number(r.high, 3)]
        for r in table.itertuples()
    ]
    tables = [
        Table(
            "imbalance-table",
            "Allelic imbalance by group of sites",
            ["model", "cell type", "sites", "n", "AUROC", "low", "high"],
            rows,
            table_uri(table),
        )
    ]
    answer = f"Allelic imbalance: mean AUROC {number(overall['auroc'].mean())} over {len(overall)} cell type(s)." if len(overall) else ""
    lead = "Heterozygous sites whose reads are significantly imbalanced between the alleles: does the model know which allele is the more accessible one?"
    return Section("imbalance", "Where the model works: allelic imbalance", lead, answer, [shown] if len(overall) else [], tables)
