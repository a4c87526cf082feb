"""What the stages say of a measure over all of its tracks, tissues or cell types (evaluation/summary.tsv)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.section import TIP, between, known, number
from accessiflow.results import Results

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

FILE = "evaluation/summary.tsv"
TEXT = ["measure", "model", "group"]


def rows(results: Results, measure: str) -> pd.DataFrame | None:
    """The rows of a measure that have a value, with what a reader sees over them (`tip`); None without any."""
    table = results.table(FILE, TEXT)
    if table is None:
        return None
    table = table[(table["measure"] == measure) & (table["n"] > 0)]
    if table.empty:
        return None
    table = table.assign(within=table["within"].fillna("").astype(str))
    return table.assign(tip=[TIP + _tip(row) for row in table.to_dict("records")])


def _tip(row: dict[str, object]) -> str:
    names = ", ".join(str(row[key]) for key in ("model", "group", "within") if row[key])
    median, mean = (number(float(str(row[key]))) for key in ("median", "mean"))
    limits = between(row["low"], row["high"])
    interval = f" ({limits})" if limits else ""
    return (
        f"{names}: median {median} (quartiles {between(row['q25'], row['q75'])}), mean {mean}{interval}, "
        f"n {row['n']} {row['over']}"
    )


def median_of(table: pd.DataFrame | None, model: str) -> list[tuple[str, str]]:
    """Group and median of a model, in the order of the groups."""
    if table is None:
        return []
    own = table[table["model"] == model]
    return [
        (str(group), number(value)) for group, value in zip(own["group"], own["median"], strict=True) if known(value)
    ]


def quartiles(table: pd.DataFrame, x: alt.X, offset: alt.XOffset, y: str, size: float) -> list[alt.Chart]:
    """A bar between the quartiles and a tick at the median, coloured by model.

    Args:
        table: rows of a measure.
        x, offset: where they stand.
        y: title of the axis.
        size: of the tick in px.
    """
    import altair as alt

    base = alt.Chart(table).encode(
        x=x, xOffset=offset, color=alt.Color("model:N", title="model", sort=None), description="tip:N"
    )
    return [
        base.mark_rule(strokeWidth=5, opacity=0.5).encode(y=alt.Y("q25:Q", title=y), y2="q75:Q"),
        base.mark_tick(thickness=3, size=size).encode(y=alt.Y("median:Q", title=y)),
    ]
