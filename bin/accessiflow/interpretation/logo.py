"""Sequence logos of ISM scores: each base of the genome as a letter, as tall as its height or importance.

The same scores give the same bytes: no dates, no random identifiers, matplotlib's own font.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.interpretation.bedgraph import file_name
from accessiflow.interpretation.ism_file import BASE_LETTERS, IsmFile, IsmRegion
from accessiflow.log import left_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path as Outline

BASE_COLOURS = dict(zip(BASE_LETTERS, ("#2e7d32", "#1565c0", "#ef8f00", "#c62828"), strict=True))
LONGEST_LOGO = 4000  # bases in one logo: below that, a letter is at least a pixel wide
# a fixed salt for the ids of an SVG, letters as paths: no fonts or chance of the machine in the bytes
STYLE = {"svg.hashsalt": "accessiflow", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 8}
AXIS = {"height": "loss by the worst change", "importance": "score less the mean of the bases"}


@dataclass(frozen=True)
class Drawing:
    """What is drawn and how.

    Attributes:
        kind: height or importance (see ism_file.py).
        formats: Suffixes of the files, png or svg.
        start: Draw only bases from this one of the chromosome on.
        end: Draw only bases before this one.
    """

    kind: str = "height"
    formats: Sequence[str] = ("png",)
    start: int | None = None
    end: int | None = None


def write_logos(ism_file: IsmFile, out: Path, names: Sequence[str] = (), drawing: Drawing = Drawing()) -> list[Path]:
    """Write OUT/REGION.CHROM_START_END.TRACK.{png,svg} for each region and track; returns the files.

    Args:
        ism_file: The scores.
        out: The folder that is written.
        names: Tracks; default: all.
        drawing: What is drawn.

    Raises:
        InputError: No region has a base between start and end, one is longer than a logo can show, or a track is not
            there.
    """
    columns = ism_file.columns(names)
    parts = [(number, region, _part(region, drawing)) for number, region in enumerate(ism_file.regions, 1)]
    drawn = [(number, region, part) for number, region, part in parts if part is not None]
    if not drawn:
        raise InputError("has no base between --start and --end", ism_file.path)
    left_out("regions", len(parts) - len(drawn), len(parts), "without a base between --start and --end", expected=True)
    for _, region, part in drawn:  # all of them before the first one is drawn
        if part.stop - part.start > LONGEST_LOGO:
            place = f"{region.chrom}:{region.start}-{region.end}"
            raise InputError(
                f"{place} has {part.stop - part.start} bases, a logo shows {LONGEST_LOGO}: "
                "choose some with --start and --end",
                ism_file.path,
            )
    paths: list[Path] = []
    for number, region, part in drawn:
        paths += _logos(ism_file, out, columns, drawing, number, region, part)
    return paths


def draw(axes: Axes, bases: NDArray[np.int64], values: NDArray[np.floating], start: int) -> None:
    """Draw a logo; letters below 0 hang upside down.

    Args:
        axes: Where it is drawn.
        bases: Bases (L,), 0 to 3 as in ACGT; -1: none.
        values: Their values (L,).
        start: The place of the first one on the axis.
    """
    from matplotlib.patches import PathPatch

    for code, base in enumerate(BASE_LETTERS):
        # one patch a letter of the alphabet, not one a base: thousands of patches would be slow to draw
        at = np.flatnonzero((bases == code) & (values != 0) & np.isfinite(values))
        if len(at):
            axes.add_patch(
                PathPatch(_letters(base, start + at, values[at]), facecolor=BASE_COLOURS[base], edgecolor="none")
            )
    seen = values[np.isfinite(values)]
    low, high = min(0.0, float(seen.min(initial=0))), max(0.0, float(seen.max(initial=0)))
    room = 0.05 * (high - low) or 1.0
    axes.set_xlim(start - 0.5, start + len(bases) - 0.5)
    axes.set_ylim(low - room if low < 0 else low, high + room)
    axes.axhline(0, color="black", linewidth=0.5)


def _part(region: IsmRegion, drawing: Drawing) -> slice | None:
    """The bases of a region that are drawn, or None."""
    low = max(region.start, region.start if drawing.start is None else drawing.start)
    high = min(region.end, region.end if drawing.end is None else drawing.end)
    return slice(low - region.start, high - region.start) if low < high else None


def _logos(
    ism_file: IsmFile, out: Path, columns: list[int], drawing: Drawing, number: int, region: IsmRegion, part: slice
) -> Iterator[Path]:
    bases, start = ism_file.bases(region)[part], region.start + part.start
    values = ism_file.values(region, columns, drawing.kind)[part]
    chrom = file_name(region.chrom, number)
    for at, column in enumerate(columns):
        name = f"{number:04d}.{chrom}_{start}_{start + len(bases)}.{file_name(ism_file.tracks[column], column)}"
        title = f"{ism_file.tracks[column]}   {region.chrom}:{start + 1:,}-{start + len(bases):,}"
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

    # scaled copies of one outline; a negative height turns the letter upside down
    vertices, codes = _letter(base)
    corners = np.column_stack([places - 0.48, np.zeros(len(places))])
    sizes = np.column_stack([np.full(len(places), 0.96), values])
    return Outline((vertices * sizes[:, None] + corners[:, None]).reshape(-1, 2), np.tile(codes, len(places)))


class LetterOutline(NamedTuple):
    """Vertices (k, 2) and matplotlib's path codes (k,) of a letter that fills the unit square."""

    vertices: NDArray[np.float64]
    codes: NDArray[np.uint8]


@cache
def _letter(base: str) -> LetterOutline:
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    # a closing point has no place of its own: (0, 0) would count as a corner
    corners = path.vertices[path.codes != path.CLOSEPOLY]
    low, high = corners.min(axis=0), corners.max(axis=0)
    return LetterOutline(np.clip((path.vertices - low) / (high - low), 0, 1), path.codes)
