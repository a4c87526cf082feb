"""Classification of eQTLs by specificity bin, tissue by tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.evaluation.variant_effects import read_eqtls
from accessiflow.report import summaries
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, between, known, number, thinned, tips, with_interval
from accessiflow.results import Results
from accessiflow.sheets import MIN_PIP

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

DRAWN = 6  # models that have a panel of their own
POINTS = 600  # of the figure by bin; of more tissues some are shown, evenly over their order
CURVES = 9  # tissues whose curves are drawn
QUANTITIES = {"tss_distance": "bp to the TSS of its gene", "abs_beta": "|effect| (beta)"}
POSITIVES_LIMIT = "--eqtl_min_positives"
WARNED = 6  # bins without a figure that are named one by one


def section(results: Results) -> Section | None:
    """The section, or None without eQTLs."""
    table = read_eqtls(results, "classification")
    if table is None:
        return None
    shuffled, curves = read_eqtls(results, "shuffled"), read_eqtls(results, "classification.curves")
    direction = read_eqtls(results, "direction")
    figures = [_by_bin(table, shuffled)] if table["auroc"].notna().any() else []
    if curves is not None:
        figures += [
            _curve(curves, "roc", "false positive rate", "true positive rate"),
            _curve(curves, "pr", "recall", "precision"),
        ]
    figures += _distributions(results)
    pip = float(results.json("pipeline_info/params.json").get("eqtl_min_pip", MIN_PIP))
    lead = (
        f"Random forests on the scores of all tracks classify fine-mapped eQTLs (PIP > {pip:g}) against other "
        "variants, cross-validated in each specificity bin."
    )
    tables = [_table(table, "classification")]
    if direction is not None:
        tables.append(_table(direction, "direction"))
    title = "Where the model works: eQTLs"
    answer = _answer(table, summaries.rows(results, "eqtl"))
    return Section("eqtl", title, lead, answer, figures, tables, _warnings(table), _missing(table, direction))


def _missing(table: pd.DataFrame, direction: pd.DataFrame | None) -> list[str]:
    """What has no figure, and why."""
    out = []
    if table["auroc"].isna().all():
        reasons = table["reason"].fillna("").astype(str).value_counts()
        out.append(
            f"Classification: no bin of any tissue is evaluated; the most common reason ({reasons.iloc[0]:,} times): "
            f"{reasons.index[0]}. {POSITIVES_LIMIT} sets how many a bin needs, --eqtl_min_pip which variants count."
        )
    if direction is None:
        out.append("Direction of effect: the variants have no column beta (sheet --eqtls).")
    return out


def _answer(table: pd.DataFrame, means: pd.DataFrame | None) -> str:
    """Mean over tissues in the most specific and the most shared bin; nothing where there are several models."""
    # The section on variant effects sums up several.
    if means is None or table["model"].nunique() > 1:
        return ""
    specific, shared = (
        f"({row['group']} tracks) {with_interval(row['mean'], row['low'], row['high'])}"
        for row in means.iloc[[0, -1]].to_dict("records")
    )
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
    data, said = thinned(data, "tissue", max(1, POINTS // (2 * data["bin"].nunique() * min(len(models), DRAWN))))
    data = tips(data, ["model", "tissue", "bin", "labels"], "auroc", "auroc_low", "auroc_high", "n_positive")
    data["tip"] += " positives"
    chart = _points(data, list(dict.fromkeys(table["bin"])))
    caption = f"AUROC with its 95 % interval; crosses: the same with shuffled labels (0.5 is chance).{said}"
    files = ["eqtl/*.classification.tsv", "eqtl/*.shuffled.tsv"]
    if len(models) == 1:
        return figure(
            "eqtl-bins",
            "eQTL classification by specificity",
            caption,
            chart.properties(width=WIDTH - 60, height=300),
            both,
            files,
        )
    facets = chart.properties(width=(WIDTH - 60) / 2, height=170).facet(
        alt.Facet("model:N", title=None, sort=models), columns=2
    )
    if len(models) > DRAWN:
        caption += f" The first {DRAWN} models; the data file holds all."
    return figure("eqtl-bins", "eQTL classification by specificity, model by model", caption, facets, both, files)


def _points(data: pd.DataFrame, bins: list[str]) -> alt.LayerChart:
    import altair as alt

    base = alt.Chart(data).encode(
        x=alt.X("bin:N", sort=bins, title="tracks with the peak", axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("tissue:N"),
        color=alt.Color("tissue:N", title="tissue"),
        description="tip:N",
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
    shown, said = thinned(shown, "tissue", CURVES)
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
    return figure(f"eqtl-{kind}", title, caption + said, facets, data, ["eqtl/*.classification.curves.tsv"])


def _distributions(results: Results) -> list[Figure]:
    """Distances to the gene and sizes of the effects of the classified variants, by specificity bin."""
    import altair as alt

    table = read_eqtls(results, "classification.distributions")
    if table is None:
        return []
    # The variants are those of the tissue, whatever the model.
    own = table[(table["model"] == table["model"].iloc[0]) & (table["variants"] == "positive") & (table["n"] > 0)]
    own, said = thinned(own, "tissue", CURVES)
    panels = []
    for quantity, title in QUANTITIES.items():
        part = own[own["quantity"] == quantity]
        if part.empty:
            continue
        part = tips(part, ["tissue", "bin"], "median", "q25", "q75")
        base = alt.Chart(part).encode(
            x=alt.X(
                "bin:N",
                sort=list(dict.fromkeys(part["bin"])),
                title="tracks with the peak",
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset="tissue:N",
            color=alt.Color("tissue:N", title="tissue"),
            description="tip:N",
        )
        layers = [
            base.mark_rule(strokeWidth=4, opacity=0.4).encode(y=alt.Y("q25:Q", title=title), y2="q75:Q"),
            base.mark_tick(thickness=3, size=10).encode(y=alt.Y("median:Q", title=title)),
        ]
        panels.append(alt.layer(*layers).properties(width=WIDTH, height=220))
    if not panels:
        return []
    caption = (
        "Median (tick) and quartiles (bar) of the positives: do bins differ in what else makes an eQTL easy? "
        f"Negatives, ends and means are in the data.{said}"
    )
    title, files = "Distance to the gene and size of the effect", ["eqtl/*.classification.distributions.tsv"]
    return [figure("eqtl-distributions", title, caption, alt.hconcat(*panels), table, files)]


def _table(table: pd.DataFrame, kind: str) -> Table:
    rows = [
        [
            str(r["model"]),
            str(r["tissue"]),
            str(r["bin"]),
            str(int(r["n_positive"])),
            str(int(r["n_negative"])),
            number(r["auroc"], 3),
            between(r.get("auroc_low"), r.get("auroc_high"), 3),
            number(r["auprc"], 3),
            number(r.get("tss_distance", float("nan")), 0),
            number(r.get("abs_beta", float("nan")), 3),
            str(r["reason"]) if known(r["reason"]) else "",
        ]
        for r in table.to_dict("records")
    ]
    header = ["model", "tissue", "tracks with the peak", "positives", "negatives", "AUROC", "95 %", "AUPRC"]
    header += ["TSS distance", "|beta|", "reason"]
    titles = {"classification": "eQTL classification", "direction": "Direction of effect: raises or lowers expression"}
    note = "TSS distance (bp) and |beta|: medians of the positives."
    keys = {"classification": "eqtl-table", "direction": "eqtl-direction"}
    files = [f"eqtl/*.{kind}.tsv"]
    return Table(keys[kind], titles[kind], header, rows, table_uri(table), True, files, note=note)
