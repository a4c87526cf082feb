"""Sequence logos of saturation scores: each base of the genome as a letter, as tall as its height or importance (ism_scores.py).

The same scores give the same bytes: no dates, no random identifiers, matplotlib's own font.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.interpretation.bedgraph import file_name
from accessiflow.interpretation.ism_file import BASES, Saturation, Stretch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path as Outline

COLOURS = dict(zip(BASES, ("#2e7d32", "#1565c0", "#ef8f00", "#c62828"), strict=True))
LONGEST = 4000  # bases in one logo: below that, a letter is at least a pixel wide
STYLE = {"svg.hashsalt": "accessiflow", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 8}
AXIS = {"height": "loss by the worst change", "importance": "score less the mean of the bases"}


@dataclass(frozen=True)
class Drawing:
    """What is drawn and how.

    Attributes:
        formats: suffixes of the files, png or svg.
        start, end: draw only bases of [start, end) of the chromosome.
    """

    kind: str = "height"
    formats: Sequence[str] = ("png",)
    start: int | None = None
    end: int | None = None


def write_logos(
    saturation: Saturation, out: Path, names: Sequence[str] = (), drawing: Drawing = Drawing()
) -> list[Path]:
    """Write OUT/REGION.CHROM_START_END.TRACK.{png,svg} for each region and track; returns the files.

    Raises:
        InputError: no region has a base between start and end, one is longer than a logo can show, or a track is not there.
    """
    columns = saturation.columns(names)
    parts = [
        (number, s, part) for number, s in enumerate(saturation.stretches, 1) if (part := _part(s, drawing)) is not None
    ]
    if not parts:
        raise InputError("has no base between --start and --end", saturation.path)
    for _, stretch, part in parts:
        if part.stop - part.start > LONGEST:
            place = f"{stretch.chrom}:{stretch.start}-{stretch.end}"
            raise InputError(
                f"{place} has {part.stop - part.start} bases, a logo shows {LONGEST}: choose some with --start and --end",
                saturation.path,
            )
    return [path for number, s, part in parts for path in _logos(saturation, out, columns, drawing, number, s, part)]


def draw(axes: Axes, bases: NDArray[np.int64], values: NDArray[np.floating], start: int) -> None:
    """Draw a logo: bases (L,) as in ACGT (-1: none) with their values (L,); the first one stands at `start`. Letters below 0 hang upside down."""
    from matplotlib.patches import PathPatch

    for code, base in enumerate(BASES):
        at = np.flatnonzero((bases == code) & (values != 0) & np.isfinite(values))
        if len(at):
            axes.add_patch(PathPatch(_letters(base, start + at, values[at]), facecolor=COLOURS[base], edgecolor="none"))
    seen = values[np.isfinite(values)]
    low, high = min(0.0, float(seen.min(initial=0))), max(0.0, float(seen.max(initial=0)))
    room = 0.05 * (high - low) or 1.0
    axes.set_xlim(start - 0.5, start + len(bases) - 0.5)
    axes.set_ylim(low - room * (low < 0), high + room)
    axes.axhline(0, color="black", linewidth=0.5)


def _part(stretch: Stretch, drawing: Drawing) -> slice | None:
    """The bases of a stretch that are drawn, or None."""
    low = max(stretch.start, stretch.start if drawing.start is None else drawing.start)
    high = min(stretch.end, stretch.end if drawing.end is None else drawing.end)
    return slice(low - stretch.start, high - stretch.start) if low < high else None


def _logos(
    saturation: Saturation, out: Path, columns: list[int], drawing: Drawing, number: int, stretch: Stretch, part: slice
) -> Iterator[Path]:
    bases, start = saturation.bases(stretch)[part], stretch.start + part.start
    values = saturation.values(stretch, columns, drawing.kind)[part]
    chrom = file_name(stretch.chrom, number)
    for at, column in enumerate(columns):
        name = f"{number:04d}.{chrom}_{start}_{start + len(bases)}.{file_name(saturation.tracks[column], column)}"
        title = f"{saturation.tracks[column]}   {stretch.chrom}:{start + 1:,}-{start + len(bases):,}"
        files = [out / f"{name}.{suffix}" for suffix in drawing.formats]
        _figure(files, bases, values[:, at], start, title, AXIS[drawing.kind])
        yield from files


def _figure(
    files: Sequence[Path], bases: NDArray[np.int64], values: NDArray[np.float32], start: int, title: str, axis: str
) -> None:
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(float(np.clip(0.11 * len(bases), 4, 40)), 2.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        draw(axes, bases, values, start + 1)
        axes.set_title(title, loc="left", parse_math=False)
        axes.set_ylabel(axis)
        axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.spines[["top", "right"]].set_visible(False)
        for path in files:
            with atomic(path) as temporary:
                figure.savefig(
                    temporary,
                    dpi=120,
                    metadata={"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None},
                )


def _letters(base: str, places: NDArray[np.int64], values: NDArray[np.floating]) -> Outline:
    """One outline of a letter at several places, each centred on its place and as tall as its value."""
    from matplotlib.path import Path as Outline

    vertices, codes = _letter(base)
    corners = np.column_stack([places - 0.48, np.zeros(len(places))])
    sizes = np.column_stack([np.full(len(places), 0.96), values])
    return Outline((vertices * sizes[:, None] + corners[:, None]).reshape(-1, 2), np.tile(codes, len(places)))


@cache
def _letter(base: str) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Vertices (k, 2) and codes (k,) of a letter that fills the unit square."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    corners = path.vertices[path.codes != path.CLOSEPOLY]
    low, high = corners.min(axis=0), corners.max(axis=0)
    return np.clip((path.vertices - low) / (high - low), 0, 1), path.codes
