"""Partitioned heritability: tissue sets by specificity, clusters, and splits by |SAD| for every model.

As in Kathail et al. 2024, Fig. 2A, 2D, 3A, 4C.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from accessiflow.evaluation.variant_effects import main_baseline, own_tissue
from accessiflow.heritability.summary import NO_H2
from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import TIP, Section, Table, number, two_digits
from accessiflow.results import Results

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

HALVES = {"high": "high specificity", "low": "low specificity"}
HEADER = {"labelAngle": 0, "labelOrient": "top", "labelAnchor": "start", "labelFontWeight": "bold"}
COLOURS = ["#0072b2", "#8a8f98"]
ENRICHMENT = ("Enrichment", "Enrichment_std_error", "enrichment")  # value, error, title of the axis
FILES = ["heritability/heritability.tsv", "heritability/annotations.tsv"]
WHOLE_SET = "all SNPs of the set"
MODEL_COLOURS = ["#8a8f98", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1"]


def section(results: Results) -> Section | None:
    """The section, or None without regressions."""
    table = results.table("heritability/heritability.tsv")
    if table is None:
        return None
    every = _described(table[table["focal"] == "yes"], results.table("heritability/annotations.tsv"))
    focal = main_baseline(every)
    makers = (_by_tissue, _by_cluster, _by_sad, _by_sad_tau)
    figures = [made for made in (maker(focal) for maker in makers) if made is not None]
    tables = [
        _effects(every, table),
        *_tests(results.table("heritability/cts.tsv")),
        *_pooled(results.table("heritability/meta.tsv")),
    ]
    quality = results.table("heritability/qc.tsv")
    lead = (
        "Stratified LD score regression by the real ldsc: each annotation alone with the baseline."
        f"{_beside(every, focal)}"
    )
    return Section(
        "heritability",
        "Heritability",
        lead,
        _answer(focal),
        figures,
        [*tables, *_facts(quality)],
        _warnings(quality, every),
    )


def _beside(every: pd.DataFrame, focal: pd.DataFrame) -> str:
    """What the figures show where there are several baselines."""
    if "baseline" not in every or every["baseline"].fillna("").nunique() < 2:
        return ""
    names = list(dict.fromkeys(every["baseline"]))
    return f" Figures: beside the baseline '{focal['baseline'].iloc[0]}'; the table has all ({', '.join(names)})."


def _described(focal: pd.DataFrame, annotations: pd.DataFrame | None) -> pd.DataFrame:
    """The focal annotations with what `annotations` says of them, their owner (tissue or cluster) and specificity."""
    columns = ["set", "model_scored", "statistic", "half", "share", "n_unscored"]
    if annotations is not None:
        known = annotations.rename(columns={"model": "model_scored", "annotation": "model"})
        out = focal.merge(known[["model", *columns]].drop_duplicates("model"), on="model", how="left")
    else:
        # Without that table every annotation is a set of its own.
        out = focal.assign(**dict.fromkeys(columns))
    out["set"] = out["set"].fillna(out["model"])
    out["specificity"] = out["set"].str.extract(r"\.(high|low)$")[0].map(HALVES)
    out["owner"] = out["set"].str.replace(r"\.(high|low)$", "", regex=True)
    # The jackknife's error of the whole ratio, where ldsc wrote what it takes.
    out["tau_error"] = out["tau_star_se_jack"].fillna(out["tau_star_se"])
    return out


def _forest(
    data: pd.DataFrame, value: str, error: str, title: str, y: alt.Y, colour: alt.Color, offset: str, null: float
) -> alt.LayerChart:
    """Points with one standard error either side, and a dashed line where there is no effect."""
    import altair as alt

    data = data.assign(low=data[value] - data[error], high=data[value] + data[error], null=null)
    data = data.assign(
        tip=[
            f"{TIP}{r['trait']}, {r['model']}: {number(r[value])} (SE {number(r[error])}; p of the enrichment "
            f"{two_digits(r.get('Enrichment_p', float('nan')))})"
            for r in data.to_dict("records")
        ]
    )
    base = alt.Chart(data).encode(y=y, color=colour, yOffset=alt.YOffset(offset, sort=None), description="tip:N")
    return alt.layer(
        alt.Chart(data).mark_rule(strokeDash=[4, 4], color="#8a8f98").encode(x="mean(null):Q"),
        base.mark_rule().encode(x=alt.X("low:Q", title=title, axis=alt.Axis(tickCount=4)), x2="high:Q"),
        base.mark_circle(size=42, opacity=1).encode(x=f"{value}:Q"),
    )


def _by_owner(shown: pd.DataFrame, colour: alt.Color, offset: str) -> alt.LayerChart:
    """Enrichments, a line a tissue or cluster."""
    import altair as alt

    y = alt.Y("owner:N", title=None)
    return _forest(shown, *ENRICHMENT, y, colour, offset, 1)


def _by_tissue(focal: pd.DataFrame) -> Figure | None:
    import altair as alt

    shown = focal[focal["half"].isna() & focal["specificity"].notna() & focal["Enrichment"].notna()]
    if shown.empty:
        return None
    colour = alt.Color(
        "specificity:N",
        title="peaks",
        scale=alt.Scale(domain=list(HALVES.values()), range=COLOURS),
        legend=alt.Legend(orient="top", columnPadding=24),
    )
    chart = _by_owner(shown, colour, "specificity:N")
    caption = (
        "Tissue peaks, split at the median of their specificity. Bars: one standard error (block jackknife). "
        "Dashed: no enrichment."
    )
    facets = chart.properties(width=_panel(shown["trait"].nunique()), height=alt.Step(9)).facet(
        alt.Facet("trait:N", title=None), columns=3
    )
    return figure("heritability", "Heritability of specific and shared peaks", caption, facets, _plain(shown), FILES)


def _by_cluster(focal: pd.DataFrame) -> Figure | None:
    import altair as alt

    shown = focal[focal["half"].isna() & focal["set"].str.startswith("cluster.") & focal["Enrichment"].notna()]
    if shown.empty:
        return None
    shown = shown.assign(owner=shown["owner"].str.removeprefix("cluster."))
    colour = alt.Color("trait:N", title="trait", sort=None)
    chart = _by_owner(shown, colour, "trait:N")
    caption = "Peaks of each cluster. Bars: one standard error. Dashed: no enrichment."
    return figure(
        "heritability-clusters",
        "Heritability of peak clusters",
        caption,
        chart.properties(width=WIDTH - 160, height=alt.Step(9)),
        _plain(shown),
        FILES,
    )


def _by_sad(focal: pd.DataFrame) -> Figure | None:
    *columns, axis = ENRICHMENT
    return _split_figure(focal, columns, axis, 1, "heritability-sad", "SNPs with high and low |SAD|")


def _by_sad_tau(focal: pd.DataFrame) -> Figure | None:
    title = "SNPs with high and low |SAD|: tau*"
    return _split_figure(focal, ("tau_star", "tau_error"), "tau*", 0, "heritability-sad-tau", title)


def _split_figure(
    focal: pd.DataFrame, columns: Sequence[str], axis: str, null: float, key: str, title: str
) -> Figure | None:
    """Top and bottom shares by |SAD| beside all SNPs of the set, every model and statistic, for each trait's tissue."""
    import altair as alt

    # All tissues of all traits would be hundreds of panels.
    best = _best(focal)
    shown = focal.merge(best[["trait", "owner"]], on=["trait", "owner"]) if len(best) else focal.iloc[:0]
    shown = shown[shown[columns[0]].notna()]
    shown = shown[shown["half"].notna().groupby(shown["trait"]).transform("any")]  # traits whose tissue is split
    if shown.empty:
        return None
    shown = _labelled(shown)
    models = [WHOLE_SET, *sorted(set(shown["scores of"]) - {WHOLE_SET})]
    order = list(shown.sort_values(["place", "share"])["SNPs"].drop_duplicates())
    scale = alt.Scale(domain=models, range=[MODEL_COLOURS[i % len(MODEL_COLOURS)] for i in range(len(models))])
    y = alt.Y("SNPs:N", title=None, sort=order)
    legend = alt.Legend(orient="top", columnPadding=24)
    colour = alt.Color("scores of:N", title="scores of", scale=scale, legend=legend)
    chart = _forest(shown, *columns, axis, y, colour, "scores of:N", null).properties(width=190, height=alt.Step(9))
    facets = chart.facet(
        column=alt.Facet("specificity:N", title=None), row=alt.Facet("trait and tissue:N", title=None, header=HEADER)
    )
    caption = (
        f"{_pairing(best[best['trait'].isin(shown['trait'])])} SNPs of the set with the highest (top) or lowest "
        "(bottom) |SAD| over the tissue's "
        "tracks. Bars: one standard error. Dashed: no effect."
    )
    return figure(key, title, caption, facets, _plain(shown.merge(best[["trait", "chosen"]], on="trait")), FILES)


def _pairing(best: pd.DataFrame) -> str:
    """How each trait came to its tissue."""
    stated, chosen = best[~best["chosen"]], best[best["chosen"]]
    sentences = []
    if len(stated):
        sentences.append("Each trait in its tissue (group of the gwas sheet); all others in the table.")
    if len(chosen):
        whose = (
            f"Without a group ({', '.join(chosen['trait'].astype(str))})"
            if len(stated)
            else "Without a group in the gwas sheet"
        )
        sentences.append(
            f"{whose}: in the tissue whose specific peaks are most enriched, a choice by the result itself, "
            "which favours large values."
        )
    return " ".join(sentences)


def _labelled(shown: pd.DataFrame) -> pd.DataFrame:
    """Text for the axes of the split figures; `place` sorts top, all, bottom."""
    split = shown["half"].notna()
    percent = (100 * shown["share"].astype(float)).map("{:g} %".format)
    out = shown.assign(place=shown["half"].map({"top": 0, "bottom": 2}).fillna(1))
    several = out.loc[split, "statistic"].nunique() > 1
    how = (out["statistic"].fillna("") + " ") if several else ""
    out["SNPs"] = (how + out["half"].fillna("") + " " + percent).where(split, "all")
    out["scores of"] = out["model_scored"].fillna("one model").where(split, WHOLE_SET)
    out["trait and tissue"] = out["trait"] + ", " + out["owner"]
    return out


def _best(focal: pd.DataFrame) -> pd.DataFrame:
    """Per trait the row of the specific peak set of its tissue (`own_tissue`)."""
    specific = focal[(focal["specificity"] == HALVES["high"]) & focal["half"].isna()]
    return own_tissue(specific[specific["Enrichment"].notna()])


def _panel(count: int) -> int:
    """Width of one of several panels side by side, three at most in a row."""
    return (WIDTH + 160) // min(count, 3)


def _plain(shown: pd.DataFrame) -> pd.DataFrame:
    columns = [
        *("trait", "model", "owner", "specificity", "model_scored", "statistic", "half", "share"),
        *("Enrichment", "Enrichment_std_error", "Enrichment_p", "tau_star", "tau_error"),
    ]
    columns += ["chosen"] * ("chosen" in shown)  # the tissue, by the largest enrichment
    return shown[columns].rename(
        columns={
            "chosen": "tissue_chosen_by_enrichment",
            "model": "annotation",
            "model_scored": "scores_of",
            "tau_error": "tau_star_se",
        }
    )


def _effects(focal: pd.DataFrame, table: pd.DataFrame) -> Table:
    header = ["trait", "annotation", "SNPs", "h2", "enrichment", "SE", "p", "coefficient z", "tau*", "SE", "reason"]
    columns = [
        "Prop._SNPs",
        "Prop._h2",
        "Enrichment",
        "Enrichment_std_error",
        "Enrichment_p",
        "Coefficient_z-score",
        "tau_star",
        "tau_error",
    ]
    text = focal.reindex(columns=["trait", "model", "reason", "baseline"]).fillna("").astype(str)
    several = text["baseline"].nunique() > 1
    rows = [
        [
            *((f"{trait}", f"{model}, baseline {baseline}") if several else (trait, model)),
            *(f"{100 * snps:.2f} %" if snps == snps else "NA", f"{100 * h2:.1f} %" if h2 == h2 else "NA"),
            *(number(e), number(se), f"{p:.2g}" if p == p else "NA", number(z), number(tau), number(tau_se)),
            reason,
        ]
        for (trait, model, reason, baseline), (snps, h2, e, se, p, z, tau, tau_se) in zip(
            text.itertuples(index=False, name=None), focal[columns].itertuples(index=False, name=None), strict=True
        )
    ]
    return Table(
        "heritability-table", "Enrichment, coefficients and tau*", header, rows, table_uri(table), True, FILES[:1]
    )


def _tests(cts: pd.DataFrame | None) -> list[Table]:
    if cts is None or cts.empty:
        return []
    shown = cts.sort_values(["q", "p"], kind="stable")
    rows = [
        [
            str(r.trait),
            str(r.annotation),
            f"{r.coefficient:.2g}",
            number(r.z),
            two_digits(r.p),
            two_digits(r.q),
        ]
        for r in shown.itertuples()
    ]
    title = "Does an annotation hold heritability beyond the baseline? (ldsc --h2-cts, one-sided; q within a trait)"
    return [
        Table(
            "heritability-cts",
            title,
            ["trait", "annotation", "coefficient", "z", "p", "q"],
            rows,
            table_uri(cts),
            True,
            ["heritability/cts.tsv"],
        )
    ]


def _pooled(meta: pd.DataFrame | None) -> list[Table]:
    if meta is None or meta.empty or meta["n_traits"].max() < 2:
        return []
    names = {"Enrichment": "enrichment", "tau_star": "tau*"}
    rows = [
        [
            str(r.model),
            names.get(str(r.quantity), str(r.quantity)),
            str(r.n_traits),
            number(r.mean),
            number(r.se),
            number(r.tau2),
        ]
        for r in meta.itertuples()
    ]
    header = ["annotation", "quantity", "traits", "mean", "SE", "variance between traits"]
    return [
        Table(
            "heritability-meta",
            "Over all traits (random effects)",
            header,
            rows,
            table_uri(meta),
            True,
            ["heritability/meta.tsv"],
        )
    ]


def _facts(quality: pd.DataFrame | None) -> list[Table]:
    """What each regression rests on."""
    if quality is None or quality.empty:
        return []
    columns = [
        "trait",
        "model",
        "snps_sumstats",
        "snps_regression",
        "mean_chi2",
        "lambda_gc",
        "intercept",
        "ratio",
        "condition_number",
    ]
    header = [
        "trait",
        "annotation",
        "SNPs given",
        "SNPs used",
        "mean chi2",
        "lambda GC",
        "intercept",
        "ratio",
        "condition number",
    ]
    digits = (0, 0, 2, 2, 2, 2, 1)
    rows = [
        [str(trait), str(model), *(number(value, d) for value, d in zip(values, digits, strict=True))]
        for trait, model, *values in quality.reindex(columns=columns).itertuples(index=False, name=None)
    ]
    return [
        Table(
            "heritability-qc",
            "What each regression rests on",
            header,
            rows,
            table_uri(quality),
            True,
            ["heritability/qc.tsv"],
        )
    ]


def _answer(focal: pd.DataFrame) -> str:
    sentences = []
    for r in _best(focal).itertuples():
        size = f"({number(r.Enrichment, 1)}x, SE {number(r.Enrichment_std_error, 1)})"
        if not r.chosen:
            sentences.append(
                f"{r.trait}: {'' if r.Enrichment > 1 else 'not '}enriched in the specific peaks of its tissue "
                f"{r.owner} {size}."
            )
        elif r.Enrichment > 1:
            sentences.append(f"{r.trait}: most enriched in the specific peaks of {r.owner} {size}.")
        else:
            sentences.append(f"{r.trait}: enriched in the specific peaks of no tissue.")
    return " ".join(sentences)


def _warnings(quality: pd.DataFrame | None, focal: pd.DataFrame) -> list[str]:
    out = []
    if quality is not None and "warning" in quality:
        text = quality["warning"].fillna("").astype(str)
        # The stage writes them as text, several to a cell.
        few, collinear = int(text.str.contains("fewer than").sum()), int(text.str.contains("collinear").sum())
        out += [f"{few} regressions rest on fewer than 200,000 SNPs: enrichments are noisy and may be biased."] * bool(
            few
        )
        out += [
            f"{collinear} regressions have nearly collinear annotations (condition number above 100,000): "
            "coefficients are unstable."
        ] * bool(collinear)
    out += _unfitted(focal)
    unscored = focal["n_unscored"].astype(float).max()
    if unscored > 0:
        out.append(
            f"Up to {int(unscored):,} SNPs of a peak set have no SAD score and are in neither its top nor its bottom "
            "(annotations.tsv)."
        )
    return out


def _unfitted(focal: pd.DataFrame) -> list[str]:
    """Regressions without numbers, and those whose numbers mean nothing, with the first of each."""
    if "reason" not in focal:
        return []
    out = []
    failed = focal[focal["Enrichment"].isna()]
    if len(failed):
        first = failed.iloc[0]
        out.append(
            f"{len(failed)} of {len(focal)} regressions could not be fitted by ldsc and are NA "
            f"({first['trait']} on {first['model']}: "
            f"{first['reason']}; the others in the table)."
        )
    negative = focal[focal["Enrichment"].notna() & focal["reason"].fillna("").str.contains(NO_H2, regex=False)]
    if len(negative):
        traits = ", ".join(dict.fromkeys(negative["trait"].astype(str)))
        out.append(
            f"{len(negative)} regressions have a heritability of 0 or less ({traits}): their enrichments mean nothing, "
            "and are not pooled."
        )
    return out
