"""In-silico mutagenesis: the bases that carry a region's prediction, every model and some tracks on one scale.

As in Kathail et al. 2024, Fig. S17. The letters are drawn here: a chart's text has one size along both axes.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from accessiflow.report.figures import SMALLEST, Figure, table_uri
from accessiflow.report.section import Section, known, number, thinned
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

FILES = ["variants/*.ism.tsv"]
ISM_REGIONS, LOGO_MODELS, LOGO_TRACKS = 3, 3, 4  # that are drawn
FLANK = 36  # bases either side of the highest one
LETTER, ROW, LEFT = 10, 64, 200  # px: width of a letter, height of a logo, room for its name
CAP = 0.73  # height of a capital letter in units of its font's size
LETTER_COLOURS = {"A": "#2e9e4f", "C": "#2f7fd6", "G": "#ef8f00", "T": "#d64541"}


def section(results: Results) -> Section | None:
    """The section, or None where no region was mutated."""
    table = results.tables("variants", ".ism.tsv", ["track", "base"])
    if table is None or table["height"].isna().all():
        return None
    regions = list(dict.fromkeys(table["region"]))
    return Section(
        "ism",
        "Which bases carry a prediction",
        "In-silico mutagenesis of the regions: the height of a base is how much the worst change of it takes from the "
        "prediction. All logos of a region have one scale.",
        figures=[_figure(table, table[table["region"] == region], int(region)) for region in regions[:ISM_REGIONS]],
    )


def _figure(table: pd.DataFrame, region: pd.DataFrame, count: int) -> Figure:
    models = list(dict.fromkeys(region["file"]))
    shown, said = thinned(region[region["file"].isin(models[:LOGO_MODELS])], "track", LOGO_TRACKS)
    first = shown[shown["file"] == models[0]].dropna(subset=["height"])
    # The same bases for all models: those around the highest of the first.
    centre = int(first.loc[first["height"].idxmax(), "start"])
    part = shown[(shown["start"] >= centre - FLANK) & (shown["start"] <= centre + FLANK)]
    chrom = part["chrom"].iloc[0]
    place = f"{chrom}:{int(part['start'].min()) + 1:,}-{int(part['start'].max()) + 1:,}"
    more = f" The first {LOGO_MODELS} of {len(models)} models." if len(models) > LOGO_MODELS else ""
    caption = f"{FLANK} bases either side of the highest of {models[0]}; every base and track: scores.h5.{more}{said}"
    return Figure(f"ism-{count}", f"Region {count}, {place}", caption, _drawing(part), table_uri(table), FILES)


def _drawing(part: pd.DataFrame) -> str:
    """The logos of a region, one below the other."""
    top = max(float(part["height"].max()), 0.0) or 1.0
    groups = part.groupby(["file", "track"], sort=False)
    width, height = LEFT + LETTER * part["start"].nunique() + 16, ROW * groups.ngroups + 10
    rows = [_logo(f"{model}, {track}", own, 6 + ROW * i, top) for i, ((model, track), own) in enumerate(groups)]
    style = f"max-width:{width}px;min-width:{width * SMALLEST:.0f}px"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" style="{style}" width="100%" '
        f'font-family="Helvetica, Arial, sans-serif">{"".join(rows)}</svg>'
    )


def _logo(name: str, own: pd.DataFrame, y: int, top: float) -> str:
    """One logo; what is at 0 or below it has no letter."""
    base = y + ROW - 12
    letters = []
    for place, (letter, at, value) in enumerate(zip(own["base"], own["start"], own["height"], strict=True)):
        if letter not in LETTER_COLOURS or not known(value) or value <= 0:
            continue
        tall = (ROW - 16) * value / top
        letters.append(
            f'<text transform="translate({LEFT + LETTER * place},{base}) scale(1,{tall / (CAP * 14):.3f})" '
            f'font-size="14" font-weight="bold" textLength="{LETTER}" lengthAdjust="spacingAndGlyphs" '
            f'fill="{LETTER_COLOURS[letter]}">{letter}<title>{int(at) + 1:,} {letter}: {number(value, 3)}</title>'
            "</text>"
        )
    right = LEFT + LETTER * len(own)
    return (
        f'<text x="{LEFT - 8}" y="{base - 16}" text-anchor="end" font-size="12" fill="var(--text)">{escape(name)}'
        f"</text>"
        f'<line x1="{LEFT}" y1="{base}" x2="{right}" y2="{base}" stroke="var(--axis)"/>{"".join(letters)}'
    )
