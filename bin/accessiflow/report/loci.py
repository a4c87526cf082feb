"""Example loci, chosen by rule: each in its own track, and in all cell types by all models side by side.

As in Kathail et al. 2024, Fig. 3E, 3F, S18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import PALETTE, Figure, figure
from accessiflow.report.section import number, thinned
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

LOCI_KEY, SIDE_BY_SIDE = "accuracy-loci", "accuracy-loci-models"
FILES = ["evaluation/*.loci.tsv"]
MEASURED = "measured"
TRACK_ROWS = 8  # of a figure of one locus in many cell types
PANELS_OF_LOCI = 12  # of three tracks' loci
MODELS = 6  # lines of a panel
LOCUS_COLUMNS = ["locus", "rule", "track", "chrom", "start", "end", "pearson"]


def figures(results: Results) -> list[Figure]:
    """The figures, or none where no model has loci."""
    table = results.tables("evaluation", ".loci.tsv", ["track", "locus"])
    if table is None:
        return []
    return [_own(table), *([side] if (side := _side_by_side(table)) is not None else [])]


def _own(table: pd.DataFrame) -> Figure:
    import altair as alt

    # One model, and each locus in its own track alone: more panels would be too small.
    shown = table[table["file"] == table["file"].iloc[0]].copy()
    shown["owner"] = shown["locus"].str.rpartition(":")[0]
    shown = shown[shown["track"] == shown["owner"]]
    long = shown.melt(LOCUS_COLUMNS, [MEASURED, "predicted"], "signal", "value")
    long["title"] = long["track"] + ", " + long["rule"] + " (R " + long["pearson"].map(number) + ")"
    order = list(dict.fromkeys(long["title"]))[:PANELS_OF_LOCI]
    long = long[long["title"].isin(order)]
    colours = alt.Scale(domain=[MEASURED, "predicted"], range=["#8a8f98", "#0072b2"])
    chart = (
        alt.Chart(long)
        .mark_line(interpolate="step-after", strokeWidth=1.6)
        .encode(
            x=alt.X("start:Q", title=None, axis=alt.Axis(labels=False, ticks=False), scale=alt.Scale(zero=False)),
            y=alt.Y("value:Q", title=None),
            color=alt.Color("signal:N", title=None, scale=colours),
        )
        .properties(width=180, height=90)
    )
    grid = chart.facet(facet=alt.Facet("title:N", sort=order, title=None), columns=3).resolve_scale(
        x="independent", y="independent"
    )
    return figure(
        LOCI_KEY,
        "Example loci, chosen by rule",
        "8 kb around the best, median and worst predicted specific peak of a track, and a ubiquitous one. R: of the "
        "windows shown. The data hold every track at each locus.",
        grid,
        table,
        FILES,
    )


def _side_by_side(table: pd.DataFrame) -> Figure | None:
    """The loci of the first track in all cell types (rows), measured and by every model."""
    import altair as alt
    import pandas as pd

    models = list(dict.fromkeys(table["file"]))[:MODELS]
    first = table["locus"].iloc[0].rpartition(":")[0]
    own = table[table["file"].isin(models) & (table["locus"].str.rpartition(":")[0] == first)]
    if own["track"].nunique() < 2:
        return None
    own, said = thinned(own, "track", TRACK_ROWS)
    # The measurement stands in every model's table.
    measured = own[own["file"] == models[0]].assign(signal=MEASURED, value=lambda t: t["measured"])
    both = pd.concat([measured, own.assign(signal=own["file"], value=own["predicted"])], ignore_index=True)
    both["place"] = both["rule"] + ", " + both["chrom"].astype(str)
    colours = alt.Scale(domain=[MEASURED, *models], range=["#8a8f98", *PALETTE[: len(models)]])
    chart = (
        alt.Chart(both)
        .mark_line(interpolate="step-after", strokeWidth=1.4)
        .encode(
            x=alt.X("start:Q", title=None, axis=alt.Axis(labels=False, ticks=False), scale=alt.Scale(zero=False)),
            y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=2)),
            color=alt.Color("signal:N", title=None, scale=colours),
        )
        .properties(width=230, height=52)
        .facet(
            row=alt.Row(
                "track:N",
                title=None,
                sort=list(dict.fromkeys(own["track"])),
                header=alt.Header(labelAngle=0, labelAlign="left"),
            ),
            column=alt.Column("place:N", title=None, sort=list(dict.fromkeys(both["place"]))),
        )
        .resolve_scale(x="independent", y="independent")
    )
    several = f" The first {MODELS} models." if table["file"].nunique() > MODELS else ""
    return figure(
        SIDE_BY_SIDE,
        f"The loci of {first} in all cell types, by every model",
        "Measured (grey) and predicted accessibility of the same windows: a peak that is drawn in a cell type without "
        f"one is a false one.{several}{said}",
        chart,
        table,
        FILES,
    )
