"""Allelic imbalance by cell type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.evaluation.variant_effects import read_imbalance
from accessiflow.report import summaries
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, known, number, thinned, tips, two_digits, with_interval
from accessiflow.results import Results
from accessiflow.variants.groups import ALL_SITES

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "allelic_imbalance"
POINTS = 250  # of the figure; of more cell types some are shown, evenly over their order


def section(results: Results) -> Section | None:
    """The section, or None without allelic counts."""
    table = read_imbalance(results)
    if table is None:
        return None
    # Groups of sites are in the table alone.
    overall = table[(table["group"] == ALL_SITES) & table["auroc"].notna()]
    lead = (
        "Heterozygous sites whose reads are significantly imbalanced between the alleles: "
        "does the model know which allele is the more accessible one?"
    )
    missing = []
    if overall.empty:
        reasons = table.loc[table["group"] == ALL_SITES, "reason"] if "reason" in table else table["group"]
        missing.append(
            f"AUROC over all sites: {reasons.iloc[0]}. --min_reads and --imbalance_fdr set which sites count."
        )
    return Section(
        "imbalance",
        "Where the model works: allelic imbalance",
        lead,
        _answer(overall, summaries.rows(results, "imbalance")),
        [_figure(overall, table)] if len(overall) else [],
        [_groups(table), *_pairs(results), *_sites(results)],
        missing=missing,
    )


def _groups(table: pd.DataFrame) -> Table:
    rows = [
        [
            str(r["model"]),
            str(r["cell_type"]),
            str(r["group"]),
            str(int(r["n"])),
            number(r["auroc"], 3),
            number(r["low"], 3),
            number(r["high"], 3),
            str(r["reason"]) if known(r.get("reason")) else "",
        ]
        for r in table.to_dict("records")
    ]
    header = ["model", "cell type", "sites", "n", "AUROC", "low", "high", "reason"]
    title, files = "Allelic imbalance by group of sites", [f"{FOLDER}/*.auroc.tsv"]
    return Table("imbalance-table", title, header, rows, table_uri(table), True, files)


def _pairs(results: Results) -> list[Table]:
    """Two models on the same sites (DeLong's paired test)."""
    table = results.tables(FOLDER, ".models.tsv", ["group"])
    if table is None:
        return []
    rows = [
        [
            str(r["file"]),
            str(r["group"]),
            str(r["model_a"]),
            str(r["model_b"]),
            str(r["n"]),
            number(r["auroc_a"], 3),
            number(r["auroc_b"], 3),
            with_interval(r["difference"], r.get("low"), r.get("high"), 3),
            two_digits(r["p"]),
            two_digits(r["q"]),
        ]
        for r in table.to_dict("records")
        if known(r["difference"])
    ]
    header = ["cell type", "sites", "model", "against", "n", "AUROC", "its AUROC", "difference", "p", "q"]
    title, files = "Two models on the same sites (DeLong, paired)", [f"{FOLDER}/*.models.tsv"]
    return [Table("imbalance-pairs", title, header, rows, table_uri(table), True, files)] if rows else []


def _sites(results: Results) -> list[Table]:
    """How many sites each cell type has of each label."""
    table = results.tables(FOLDER, ".sites.tsv", ["label"])
    if table is None:
        return []
    rows = [
        [str(r["file"]), str(r["label"]), str(r["reason"]) if known(r["reason"]) else "", f"{int(r['n']):,}"]
        for r in table.to_dict("records")
    ]
    header = ["cell type", "label", "not tested because", "sites"]
    files = [f"{FOLDER}/*.sites.tsv"]
    return [Table("imbalance-sites", "Sites by label", header, rows, table_uri(table), True, files)]


def _answer(overall: pd.DataFrame, means: pd.DataFrame | None) -> str:
    if overall.empty or means is None:
        return ""
    records = means.to_dict("records")[:4]
    values = [with_interval(r["mean"], r["low"], r["high"]) for r in records]
    if len(means) > 1:
        values = [f"{r['model']} {value}" for r, value in zip(records, values, strict=True)]
    return f"Allelic imbalance: mean AUROC {', '.join(values)} over {records[0]['n']} cell type(s)."


def _figure(overall: pd.DataFrame, table: pd.DataFrame) -> Figure:
    import altair as alt

    color = alt.Color("model:N", title="model", sort=None)
    shown, said = thinned(overall, "cell_type", max(1, POINTS // overall["model"].nunique()))
    base = alt.Chart(tips(shown, ["model", "cell_type"], "auroc")).encode(
        y=alt.Y("cell_type:N", title=None),
        yOffset=alt.YOffset("model:N", sort=None),
        color=color,
        description="tip:N",
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
        f"AUROC with its DeLong 95 % interval.{said}"
    )
    chart = layers.properties(width=WIDTH - 100, height=step)
    return figure("imbalance", "Allelic imbalance", caption, chart, table, [f"{FOLDER}/*.auroc.tsv"])
