"""What sequence specific and ubiquitous peaks have: GC, CpG islands, CTCF, motifs (Kathail et al. 2024, Fig. S8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import Section, Table, number, tips, two_digits
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

SUMMARY, MOTIFS = "evaluation/sequence.summary.tsv", "evaluation/sequence.motifs.tsv"
TITLES = {
    "gc": "GC",
    "cpg_oe": "CpG observed / expected",
    "cpg_island": "CpG islands, share",
    "ctcf": "CTCF motif, share",
}
MAX_P, MIN_PERCENT, MIN_RATIO, BEST = 1e-6, 5.0, 1.5, 20  # of the paper: enriched motifs, and how many of a cluster


def section(results: Results) -> Section | None:
    """The section, or None where no motifs were asked for."""
    table = results.table(SUMMARY, ["cluster"])
    motifs = results.table(MOTIFS, ["cluster", "motif"])
    if table is None and motifs is None:
        return None
    made = [_figure(table)] if table is not None and table["value"].notna().any() else []
    return Section(
        "sequence",
        "What sequence the peaks have",
        "Do ubiquitous peaks have features that are easier to learn? GC and CpG of the peak bins, and motifs.",
        "",
        made,
        [] if motifs is None else _motifs(motifs),
    )


def _figure(table: pd.DataFrame) -> Figure:
    import altair as alt

    panels = []
    for name, title in TITLES.items():
        part = tips(table[(table["figure"] == name) & table["value"].notna()], ["cluster"], "value")
        if part.empty:
            continue
        y = alt.Y("cluster:N", title=None, sort=None)
        base = alt.Chart(part).encode(y=y, description="tip:N")
        layers = [
            base.mark_bar(color="#0072b2", opacity=0.75).encode(x=alt.X("value:Q", title=title)),
            base.mark_rule(strokeWidth=2, color="#d55e00").encode(x="low:Q", x2="high:Q"),
        ]
        panels.append(alt.layer(*layers).properties(width=WIDTH - 60, height=alt.Step(18)))
    caption = "Mean or share of the peak bins of each cluster; orange: 95 % interval (bootstrap)."
    title = "GC, CpG islands and CTCF by peak cluster"
    return figure("sequence-features", title, caption, alt.concat(*panels, columns=2), table, [SUMMARY])


def _motifs(motifs: pd.DataFrame) -> list[Table]:
    """The best of the motifs that are enriched by the paper's rule, over each control."""
    enriched = motifs[
        (motifs["p"] < MAX_P) & (motifs["tp_percent"] > MIN_PERCENT) & (motifs["enr"] > MIN_RATIO)
    ].sort_values(["cluster", "control", "p", "enr"], ascending=[True, True, True, False], kind="stable")
    best = enriched[enriched.groupby(["cluster", "control"]).cumcount() < BEST]
    rows = [
        [
            str(r.cluster),
            str(r.control),
            str(r.motif_name),
            str(r.motif),
            f"{r.tp:,} of {r.n:,} ({number(r.tp_percent, 1)} %)",
            f"{r.fp:,} of {r.n_control:,} ({number(r.fp_percent, 1)} %)",
            number(r.enr, 1),
            _tiny(r.p),
            _tiny(r.q),
        ]
        for r in best.itertuples()
    ]
    header = ["cluster", "against", "motif", "id", "peaks with it", "control with it", "ratio", "p", "q"]
    note = (
        f"p below {MAX_P:g}, in more than {MIN_PERCENT:g} % of the peaks, ratio above {MIN_RATIO:g}; at most {BEST} of "
        f"each cluster. {len(enriched):,} of {len(motifs):,} tests are as clear."
    )
    data = table_uri(best)
    return [Table("sequence-motifs", "Enriched motifs (Fisher)", header, rows, data, True, [MOTIFS], note=note)]


def _tiny(p: float) -> str:
    """A p value for reading: none is 0, it is below what a number can hold."""
    return two_digits(p) if p != 0 else "below 1e-300"
