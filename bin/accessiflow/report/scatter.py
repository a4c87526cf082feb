"""Measured against predicted accessibility, as counted on a grid (Kathail et al. 2024, Fig. 3B)."""

from __future__ import annotations

from accessiflow.report.figures import TIP, Figure, figure
from accessiflow.report.section import number
from accessiflow.results import Results

SETS = ("specific", "ubiquitous")
PANELS = 2  # side by side: tracks of one model, or models on one track


def density(results: Results) -> Figure | None:
    """Counts of windows by measured and predicted value; None where no model has them."""
    import altair as alt

    table = results.tables("evaluation", ".density.tsv", ["track"])
    if table is None:
        return None
    models, tracks = (list(dict.fromkeys(table[name])) for name in ("file", "track"))
    # One model on several tracks, or several models on the first track.
    shown = table[table["set"].isin(SETS) & table["file"].isin(models[:PANELS])]
    shown = shown[shown["track"].isin(tracks[: PANELS if len(models) == 1 else 1])]
    if shown.empty:
        return None
    several = len(models) > 1
    title = [
        f"{r.file if several else r.track}, {r.set}: R {number(r.pearson)}, n {r.n_windows:,}"
        for r in shown.itertuples()
    ]
    data = shown.assign(
        title=title,
        right=shown["measured"] + shown["width"],
        top=shown["predicted"] + shown["width"],
        tip=[
            f"{TIP}measured {number(r.measured)}, predicted {number(r.predicted)}: n {r.n:,}"
            for r in shown.itertuples()
        ],
    )
    order = list(data.sort_values("set", kind="stable")["title"].drop_duplicates())
    chart = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X("measured:Q", title="measured, log2(x + 1)", scale=alt.Scale(nice=False)),
            x2="right:Q",
            y=alt.Y("predicted:Q", title="predicted", scale=alt.Scale(nice=False)),
            y2="top:Q",
            color=alt.Color("n:Q", title="windows", scale=alt.Scale(type="log", scheme="viridis")),
            description="tip:N",
        )
        .properties(width=230, height=200)
        .facet(facet=alt.Facet("title:N", sort=order, title=None), columns=len(order) // 2 or 1)
    )
    return figure(
        "accuracy-density",
        "Measured against predicted",
        f"Test windows counted on a grid, in a track's specific and in ubiquitous peaks{_which(models, tracks)}.",
        chart,
        table,
        ["evaluation/*.density.tsv"],
    )


def _which(models: list[str], tracks: list[str]) -> str:
    """What of several models and tracks is drawn."""
    if len(models) == 1:
        return f", of {models[0]}"
    more = f"; the first {PANELS} models" if len(models) > PANELS else ""
    return f", of the track {tracks[0]}{more}; the data hold {len(tracks)} tracks"
