"""Targets: what a model should predict for each window and track, from bigWig coverage by Basenji's rules.

A window's base level = 10th percentile of its coverage, 0 when any base has no value. Blacklisted bases (intervals widened by 20 bp) and bases
without a value get it; the central bases are summarised per target_width (sum, mean, max or peak), then clip_soft, clip and scale. Values are
float32 as in the original.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.windows import Geometry, Window
from accessiflow.errors import InputError
from accessiflow.files import read_table
from accessiflow.signal import open_bigwig

if TYPE_CHECKING:
    import pandas as pd

BLACKLIST_BUFFER = 20
CHUNK = 1 << 20
SUMMARIES = ("sum", "mean", "avg", "max", "peak")
Floats = NDArray[np.float32]
Blacklist = Mapping[str, Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Track:
    """One row of a targets table."""

    identifier: str
    description: str
    file: Path
    sum_stat: str
    clip: float | None
    clip_soft: float | None
    scale: float


def read_targets(path: Path) -> list[Track]:
    """Rows of a Basenji targets table; a relative `file` starts at the table's folder, else at the working folder.

    Raises:
        InputError: a column is missing, or a value is not what it should be.
    """
    table = read_table(path, ["file", "sum_stat"])
    return [_track(row, path, line) for line, row in enumerate(table.to_dict("records"), 2)]


def _track(row: dict[str, object], path: Path, line: int) -> Track:
    def number(column: str) -> float | None:
        value = row.get(column)
        if value is None or value != value:
            return None
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise InputError(f"{column} {value!r} is not a number", path, line) from None

    file, summary = Path(str(row["file"])), str(row["sum_stat"])
    if summary not in SUMMARIES:
        raise InputError(f"sum_stat {summary!r} is not one of {', '.join(SUMMARIES)}", path, line)
    beside = path.absolute().parent / file
    name = str(row.get("identifier", file.stem))
    return Track(
        name,
        str(row.get("description", name)),
        beside if beside.exists() else file,
        summary,
        number("clip"),
        number("clip_soft"),
        number("scale") or 1.0,
    )


def blacklist_of(table: pd.DataFrame | None) -> dict[str, list[tuple[int, int]]]:
    """Chromosome -> widened, merged intervals."""
    from accessiflow.intervals import IntervalSet

    if table is None or len(table) == 0:
        return {}
    wide = table.assign(start=np.maximum(table["start"] - BLACKLIST_BUFFER, 0), end=table["end"] + BLACKLIST_BUFFER)
    merged = IntervalSet(wide)
    return {str(c): list(zip(*(edge.tolist() for edge in merged.merged(str(c))), strict=True)) for c in wide["chrom"].unique()}


def window_targets(windows: Sequence[Window], track: Track, geometry: Geometry, blacklist: Blacklist, compat: bool = False) -> Floats:
    """Targets (n, target_length) float32 of windows in any order; the bigWig is read once, in chunks along each chromosome.

    Args:
        compat: leave a blacklist interval that starts left of the window to the original's negative slice.

    Raises:
        InputError: the file is no bigWig, or a value is negative or not finite after summarising.
    """
    out = np.empty((len(windows), geometry.target_length), np.float32)
    handle = open_bigwig(track.file)
    lengths = handle.chroms()
    starts = np.array([w.start for w in windows], np.int64)
    chroms = np.array([w.chrom for w in windows], dtype=object)
    for chrom in dict.fromkeys(chroms.tolist()):
        at = np.flatnonzero(chroms == chrom)
        at = at[np.argsort(starts[at], kind="stable")]
        for rows in _groups(at, starts):
            left = int(starts[rows[0]])
            values = _values(handle, chrom, left, int(starts[rows[-1]]) + geometry.seq_length, lengths)
            out[rows] = _chunk_targets(values, starts[rows] - left, left, track, geometry, blacklist.get(chrom, ()), compat)
    handle.close()
    return _transform(out, track)


def _groups(at: NDArray[np.int64], starts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Sorted windows cut so that each group spans at most a chunk."""
    if len(at) == 0:
        return []
    cut = np.flatnonzero(np.diff(starts[at] // CHUNK)) + 1
    return np.split(at, cut)


def _values(handle, chrom: str, left: int, right: int, lengths: Mapping[str, int]) -> Floats:  # noqa: ANN001 (pyBigWig has no types)
    out = np.full(right - left, np.nan, np.float32)
    end = min(right, lengths.get(chrom, 0))
    if end > left:
        out[: end - left] = handle.values(chrom, left, end, numpy=True)
    return out


def _chunk_targets(
    values: Floats, offsets: NDArray[np.int64], left: int, track: Track, geometry: Geometry, blacklist: Sequence[tuple[int, int]], compat: bool
) -> Floats:
    width = geometry.seq_length - 2 * geometry.crop
    # a base without a value in the centre is one in the window too, whose base level is then 0
    filled = np.nan_to_num(values, nan=0.0)
    centres = np.lib.stride_tricks.sliding_window_view(filled, width)[offsets + geometry.crop]
    out = _summarise(centres.reshape(-1, geometry.target_length, geometry.target_width), track.sum_stat)
    black = [(s - left, e - left) for s, e in blacklist if e > left and s < left + len(values)]
    for start, end in black:
        for row in np.flatnonzero((offsets < end) & (offsets + geometry.seq_length > start)):
            window = _masked(
                values[offsets[row] : offsets[row] + geometry.seq_length], [(s - int(offsets[row]), e - int(offsets[row])) for s, e in black], compat
            )
            centre = window[geometry.crop : geometry.seq_length - geometry.crop]
            out[row] = _summarise(centre.reshape(1, geometry.target_length, geometry.target_width), track.sum_stat)[0]
    return out


def _masked(window: Floats, black: Sequence[tuple[int, int]], compat: bool) -> Floats:
    """A window's coverage with blacklisted and missing bases at its base level; `black` relative to the window."""
    base = np.nan_to_num(np.percentile(window, 10))
    out = window.copy()
    for start, end in black:
        if end > 0 and start < len(window):
            out[(start if compat else max(start, 0)) : end] = base
    out[np.isnan(out)] = base
    return out


def _summarise(centres: Floats, summary: str) -> Floats:
    """(n, target_length, target_width) -> (n, target_length)."""
    if summary == "sum":
        return centres.sum(axis=2, dtype=np.float32)
    if summary == "max":
        return centres.max(axis=2)
    mean = centres.mean(axis=2, dtype=np.float32)
    return mean if summary in ("mean", "avg") else np.clip(np.sqrt(mean * 4), 0, 1)


def _transform(values: Floats, track: Track) -> Floats:
    """clip_soft, then clip to [0, clip], then scale."""
    out = values
    if track.clip_soft is not None:
        high = out > track.clip_soft
        out[high] = track.clip_soft + np.sqrt(out[high] - np.float32(track.clip_soft))
    if track.clip is not None:
        out = np.clip(out, 0, track.clip)
    out = np.float32(track.scale) * out
    if not np.isfinite(out).all() or (out < 0).any():
        raise InputError(f"gives the track {track.identifier} a negative or infinite target: coverage must be >= 0", track.file)
    return out.astype(np.float32)
