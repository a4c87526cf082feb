"""Figures: Altair charts rendered to inline SVG at build time, with their data as TSV.

Colours of text, axes and grid become CSS variables, so that one SVG serves light and dark pages; identifiers inside an
SVG are made unique, since many stand on one page.
"""

from __future__ import annotations

import base64
import re
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
WIDTH = 620


@dataclass(frozen=True)
class Figure:
    """A figure of the page.

    Attributes:
        key: its identifier and file name.
        title, caption: text.
        svg: inline markup.
        tsv: its data as a data URI.
    """

    key: str
    title: str
    caption: str
    svg: str
    tsv: str


def figure(key: str, title: str, caption: str, chart: alt.TopLevelMixin, data: pd.DataFrame) -> Figure:
    """Render a chart."""
    return Figure(key, title, caption, render(chart, key), table_uri(data))


def render(chart: alt.TopLevelMixin, key: str) -> str:
    """Inline SVG of an Altair chart, themed by CSS variables."""
    import vl_convert

    spec: dict[str, Any] = chart.to_dict()
    # One theme for all, whatever the chart set.
    spec["config"] = _theme()
    svg = vl_convert.vegalite_to_svg(spec)
    svg = svg.replace(_TEXT, "var(--text)").replace(_GRID, "var(--grid)").replace(_AXIS, "var(--axis)")
    # Identifiers are unique in an SVG, not among those of a page.
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    svg = re.sub(r'(xlink:href|href)="#([^"]+)"', rf'\1="#{key}-\2"', svg)
    return re.sub(
        r'<svg ([^>]*?)width="([\d.]+)" height="([\d.]+)"', r'<svg \1style="max-width:\2px" width="100%"', svg, count=1
    )


def table_uri(data: pd.DataFrame) -> str:
    """A table as a data URI of TSV."""
    text = data.to_csv(sep="\t", index=False, na_rep="NA", float_format="%.6g", lineterminator="\n")
    return "data:text/tab-separated-values;base64," + base64.b64encode(text.encode()).decode()


def _theme() -> dict[str, Any]:
    axis = {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "gridColor": _GRID,
        "domainColor": _AXIS,
        "tickColor": _AXIS,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    }
    legend = {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 240,
    }
    header = {"labelColor": _TEXT, "titleColor": _TEXT, "labelFontSize": 12}
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
        "range": {"category": PALETTE},
    }
