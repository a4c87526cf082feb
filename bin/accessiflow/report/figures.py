"""Figures: Altair charts rendered to inline SVG at build time, with their data as TSV.

Colours of text, axes and grid become CSS variables, so that one SVG serves light and dark pages; identifiers inside an
SVG are made unique, since many stand on one page.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

PALETTE = [
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8c6bb1",
    "#7f7f7f",
    "#8c510a",
    "#1b7837",
    "#c51b7d",
    "#01665e",
]
_TEXT, _GRID, _AXIS = "#010203", "#040506", "#070809"  # sentinels, exchanged for CSS variables
WIDTH = 440  # px of a plot: with axis and legend two stand side by side on a wide page, at their own size
SMALLEST = 0.75  # share of its size to which a figure shrinks on a narrow page before it is scrolled
EMBEDDED = 60_000  # bytes of a table that the page holds; a larger one is linked
TIP = "tip:"  # how the text that is shown over a mark starts


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        key: its identifier and file name.
        title, caption: text.
        svg: inline markup.
        tsv: its data as a data URI; "" where they are too many for a page.
        files: patterns of the files of the results that hold its data.
    """

    key: str
    title: str
    caption: str
    svg: str
    tsv: str
    files: Sequence[str] = ()

    @property
    def width(self) -> int:
        """Of the drawing in px."""
        found = re.search(r"max-width:(\d+)", self.svg)
        return int(found[1]) if found else WIDTH


def figure(
    key: str, title: str, caption: str, chart: alt.TopLevelMixin, data: pd.DataFrame, files: Sequence[str] = ()
) -> Figure:
    """Render a chart.

    Args:
        key, title, caption: of the figure.
        chart: the drawing.
        data: what it shows, or all that it is chosen from.
        files: patterns of the files of the results that hold the data.
    """
    return Figure(key, title, caption, render(chart, key), table_uri(data), tuple(files))


def render(chart: alt.TopLevelMixin, key: str) -> str:
    """Inline SVG of an Altair chart, themed by CSS variables."""
    import altair as alt
    import vl_convert

    # The library refuses tables of more than 5,000 rows; what is drawn is bounded by each figure.
    with alt.data_transformers.disable_max_rows():
        spec: dict[str, Any] = chart.to_dict()
    # One theme for all, whatever the chart set.
    spec["config"] = _theme()
    svg = vl_convert.vegalite_to_svg(spec)
    svg = svg.replace(_TEXT, "var(--text)").replace(_GRID, "var(--grid)").replace(_AXIS, "var(--axis)")
    svg = _with_titles(svg)
    # Identifiers are unique in an SVG, not among those of a page.
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{key}-\2"', svg)
    return re.sub(r'<svg ([^>]*?)width="([\d.]+)" height="([\d.]+)"', _sized, svg, count=1)


def _sized(found: re.Match[str]) -> str:
    """The start of an SVG that keeps its size where there is room, so that its type does."""
    width = float(found[2])
    return f'<svg {found[1]}style="max-width:{width:.0f}px;min-width:{width * SMALLEST:.0f}px" width="100%"'


def _with_titles(svg: str) -> str:
    """The marks' descriptions as titles, which a browser shows over them; those that no section wrote are dropped."""
    svg = re.sub(
        rf'<(\w+) aria-label="{TIP}([^"]*)" role="[^"]*" aria-roledescription="[^"]*"([^>]*?)/>',
        r"<\1\3><title>\2</title></\1>",
        svg,
    )
    return re.sub(r' (?:aria-label|aria-roledescription|aria-hidden|role)="[^"]*"', "", svg)


def table_uri(data: pd.DataFrame) -> str:
    """A table as a data URI of TSV; "" where it is larger than `EMBEDDED`, and has to be linked."""
    # A row is two bytes at least, so that a table of millions is not written to be measured.
    if len(data) > EMBEDDED // 2:
        return ""
    text = data.to_csv(sep="\t", index=False, na_rep="NA", float_format="%.6g", lineterminator="\n")
    if len(text) > EMBEDDED:
        return ""
    return "data:text/tab-separated-values;base64," + base64.b64encode(text.encode()).decode()


def _theme() -> dict[str, Any]:
    axis = {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "gridColor": _GRID,
        "domainColor": _AXIS,
        "tickColor": _AXIS,
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    }
    legend = {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelLimit": 240,
    }
    header = {"labelColor": _TEXT, "titleColor": _TEXT, "labelFontSize": 13}
    return {
        "background": None,
        "padding": {
            "left": 14,
            "right": 30,
            "top": 6,
            "bottom": 6,
        },  # the reader's font may be wider than the one measured here
        "font": "Helvetica, Arial, sans-serif",
        "view": {"stroke": None},
        "axis": axis,
        "axisQuantitative": {"tickCount": 6},
        "legend": legend,
        "header": header,
        "title": {"color": _TEXT},
        "text": {"color": _TEXT},
        "rule": {"color": _TEXT},
        "range": {"category": PALETTE},
    }
