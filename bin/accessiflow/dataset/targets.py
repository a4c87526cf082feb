"""Targets: the values that a model should predict for each window and track, from bigWig coverage by Basenji's rules.

A window's base level is the 10th percentile of its coverage, 0 when any base has no value. Blacklisted bases (intervals
widened by 20 bp) and bases without a value get the base level. The central bases are then summarised per target_width
(sum, mean, max or peak); clip_soft, clip and scale follow. Values are float32, in the original's order of operations.

Memory: one chunk of a chromosome (about 1 Mb) and the result, 4 bytes a target value.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from accessiflow.dataset.windows import Geometry, WindowTable
from accessiflow.errors import InputError
from accessiflow.files import exists, open_text
from accessiflow.log import left_out
from accessiflow.sheets import SHEETS, reads_as_missing
from accessiflow.signal.bigwig import open_bigwig
from accessiflow.signal.coverage import check_lengths, shared_contigs

if TYPE_CHECKING:
    import pandas as pd

BLACKLIST_BUFFER = 20  # bp, as in Basenji
BASE_LEVEL = 0.1
COVERAGE_SPAN = 1 << 20  # bp of a chromosome whose coverage is in memory at once
SUMMARIES = SHEETS["tracks"].choices["sum_stat"]
Float32Array = NDArray[np.float32]
Blacklist = Mapping[str, NDArray[np.int64]]
"""Chromosome -> start and end (k, 2) of its blacklisted intervals, widened."""


@dataclass(frozen=True)
class Track:
    """One row of a targets table.

    Attributes:
        identifier: name of the track.
        description: free text, the cell type by default.
        file: bigWig of its coverage.
        sum_stat: how the bases of a target are summarised, one of SUMMARIES.
        clip: greatest value of a target, above 0; None for no limit.
        clip_soft: value above 0 beyond which the square root of the excess is kept; None for no limit.
        scale: factor of the result, above 0.
    """

    identifier: str
    description: str
    file: Path
    sum_stat: str
    clip: float | None
    clip_soft: float | None
    scale: float

    def as_basenji(self) -> Track:
        """The numbers as Basenji hands them to its reader: six decimals."""

        def rounded(value: float | None) -> float | None:
            return None if value is None else float(f"{value:f}")

        return replace(self, clip=rounded(self.clip), clip_soft=rounded(self.clip_soft), scale=float(f"{self.scale:f}"))


def read_targets(path: Path) -> list[Track]:
    """Rows of a Basenji targets table; a relative `file` starts at the table's folder, else at the working folder.

    Raises:
        InputError: a column is missing, a value is not what it should be, or an identifier repeats.
    """
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(
                f"is not a readable tab-separated table ({str(error).strip().splitlines()[0]})", path
            ) from None
    missing = [c for c in ("file", "sum_stat") if c not in table.columns]
    if missing:
        raise InputError(f"lacks the column(s) {', '.join(missing)} (found: {', '.join(table.columns[:12])})", path)
    if len(table) == 0:
        raise InputError("has a header and no track", path)
    return tracks_of(table, path)


def tracks_of(table: pd.DataFrame, source: Path) -> list[Track]:
    """The rows of a targets table of texts, as `read_targets`; `source` is named in refusals.

    Raises:
        InputError: as `read_targets`.
    """
    tracks = [_track(row, source, line) for line, row in enumerate(table.to_dict("records"), 2)]
    _check_identifiers(tracks, source)
    return tracks


def _check_identifiers(tracks: Sequence[Track], path: Path) -> None:
    """Results name tracks by identifier alone: a repeat would take the first one's."""
    first: dict[str, int] = {}
    for line, track in enumerate(tracks, 2):
        name = track.identifier
        if reads_as_missing(name):
            raise InputError(
                f"the identifier {name!r} is read as a missing value by programs that read tables: choose another",
                path,
                line,
            )
        if name in first:
            raise InputError(
                f"the identifier {name[:80]!r} is already on line {first[name]}: identifiers must be unique", path, line
            )
        first[name] = line


def targets_table(sheet: pd.DataFrame, signals: Mapping[str, str]) -> pd.DataFrame:
    """Basenji's targets table of a tracks sheet; clip and clip_soft are columns only where a track has one.

    Args:
        sheet: rows of the tracks sheet.
        signals: track -> bigWig; a track without one has the sheet's signal.
    """
    table = sheet[["track", "signal", "clip", "clip_soft", "scale", "sum_stat", "cell_type"]].rename(
        columns={"track": "identifier", "signal": "file", "cell_type": "description"}
    )
    table["file"] = [signals.get(track, file) for track, file in zip(sheet["track"], sheet["signal"], strict=True)]
    table["scale"], table["sum_stat"] = table["scale"].replace("", "1"), table["sum_stat"].replace("", "sum")
    table.insert(0, "index", range(len(table)))
    return table.drop(columns=[c for c in ("clip", "clip_soft") if (table[c] == "").all()])


def _track(row: dict[str, str], path: Path, line: int) -> Track:
    file, summary = Path(row["file"]), row["sum_stat"]
    if summary not in SUMMARIES:
        raise InputError(f"sum_stat {summary!r} is not one of {', '.join(SUMMARIES)}", path, line)
    clip, clip_soft, scale = (
        _positive(row.get(column, ""), column, path, line) for column in ("clip", "clip_soft", "scale")
    )
    in_table_folder = path.absolute().parent / file
    if exists(in_table_folder):
        file = in_table_folder
    name = row.get("identifier") or file.stem
    return Track(name, row.get("description") or name, file, summary, clip, clip_soft, scale or 1.0)


def _positive(text: str, column: str, path: Path, line: int) -> float | None:
    if text in ("", "NA", "nan"):
        return None
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 < value < np.inf:
        raise InputError(f"{column} {text!r} is not a number above 0", path, line)
    return value


def blacklist_of(table: pd.DataFrame | None) -> dict[str, NDArray[np.int64]]:
    """Chromosome -> its blacklisted intervals, widened by 20 bp, sorted by start."""
    if table is None:
        return {}
    edges = np.column_stack([np.maximum(table["start"] - BLACKLIST_BUFFER, 0), table["end"] + BLACKLIST_BUFFER])
    order = np.argsort(edges[:, 0], kind="stable")
    edges, chrom = edges[order], table["chrom"].iloc[order].reset_index(drop=True)
    return {str(name): edges[rows] for name, rows in chrom.groupby(chrom).indices.items()}


def check_signals(tracks: Sequence[Track], sizes: Mapping[str, int]) -> None:
    """Open each track's bigWig.

    Raises:
        InputError: one is missing, damaged, shares no contig with the genome or is of another assembly.
    """
    for track in tracks:
        handle = open_bigwig(track.file)
        shared_contigs(track.file, handle.chroms(), sizes)
        check_lengths(track.file, handle.chroms(), sizes)
        handle.close()


def window_targets(
    windows: WindowTable, track: Track, geometry: Geometry, blacklist: Blacklist, compat: bool = False
) -> Float32Array:
    """Targets (n, target_length) float32 of one track.

    The bigWig is read once, in chunks along each chromosome, whatever the order of the windows.

    Args:
        windows: windows in any order.
        track: the track.
        geometry: lengths of windows and targets.
        blacklist: intervals whose bases get the base level.
        compat: treat a blacklist interval that starts left of the window as the original does, by a negative slice.

    Raises:
        InputError: the file is no bigWig, or its coverage is negative or infinite somewhere.
    """
    out = np.empty((len(windows), geometry.target_length), np.float32)
    handle = open_bigwig(track.file)
    lengths = handle.chroms()
    for chrom, rows in windows.spans(COVERAGE_SPAN):
        start = windows.start[rows]
        left, right = int(start[0]), int(start[-1]) + geometry.seq_length
        values = _coverage(handle, track.file, chrom, left, right, lengths)
        black = blacklist.get(chrom, np.empty((0, 2), np.int64))
        near = black[(black[:, 1] > left) & (black[:, 0] < right)] - left
        rule = _centres_as_basenji if compat else _centres
        centres = rule(values, start - left, geometry, near)
        out[rows] = _summarise(centres.reshape(-1, geometry.target_length, geometry.target_width), track.sum_stat)
    handle.close()
    return _transform(out, track.as_basenji() if compat else track)


def _coverage(handle: Any, path: Path, chrom: str, left: int, right: int, lengths: Mapping[str, int]) -> Float32Array:
    """Coverage (right - left,) per base; NaN where the file has no value."""
    out = np.full(right - left, np.nan, np.float32)
    end = min(right, lengths.get(chrom, 0))
    if end > left:
        try:
            values = handle.values(chrom, left, end, numpy=True)
        except RuntimeError as error:
            raise InputError(f"cannot be read at {chrom}:{left}-{end} ({error}): truncated?", path) from None
        out[: len(values)] = values  # none from a file without any value
    wrong = (out < 0) | np.isinf(out)
    if wrong.any():
        at = int(wrong.argmax())
        place = f"{chrom}:{left + at}-{left + at + 1}"
        raise InputError(f"has the coverage {out[at]:g} at {place}: coverage must be a number >= 0", path)
    return out


def _centres(
    values: Float32Array, offsets: NDArray[np.int64], geometry: Geometry, black: NDArray[np.int64]
) -> Float32Array:
    """Coverage (n, bases) of the windows' targets; bases blacklisted or without a value have the window's base level.

    Args:
        values: coverage per base of a region.
        offsets: first base of each window (n,) in the region.
        geometry: lengths of windows and targets.
        black: blacklisted intervals (k, 2) in the region.
    """
    width = geometry.seq_length - 2 * geometry.crop
    # A base without a value in the target is one in the window too, whose base level is then 0.
    out = sliding_window_view(np.nan_to_num(values), width)[offsets + geometry.crop]
    if len(black):
        masked = np.zeros(len(values), bool)
        for start, end in black:
            masked[max(start, 0) : end] = True
        hidden = sliding_window_view(masked, width)[offsets + geometry.crop]
        rows = np.flatnonzero(hidden.any(axis=1))
        base = base_level(sliding_window_view(values, geometry.seq_length)[offsets[rows]])
        out[rows] = np.where(hidden[rows], base[:, None], out[rows])
    return out


def _centres_as_basenji(
    values: Float32Array, offsets: NDArray[np.int64], geometry: Geometry, black: NDArray[np.int64]
) -> Float32Array:
    """As `_centres`, but with Basenji's slices: a blacklist start left of the window counts from the window's end."""
    out = _centres(values, offsets, geometry, black[:0])
    touched = np.zeros(len(offsets), bool)
    for start, end in black:
        touched |= (offsets < end) & (offsets + geometry.seq_length > start)
    for row in np.flatnonzero(touched):
        offset = offsets[row]
        window = values[offset : offset + geometry.seq_length].copy()
        base = base_level(window[None])[0]
        for start, end in black[(black[:, 1] > offset) & (black[:, 0] < offset + geometry.seq_length)] - offset:
            window[start:end] = base
        window[np.isnan(window)] = base
        out[row] = window[geometry.crop : geometry.seq_length - geometry.crop]
    return out


def base_level(windows: Float32Array) -> Float32Array:
    """10th percentile (n,) of the coverage of windows (n, bases), 0 where a base has no value."""
    # As `numpy.percentile` of NumPy 1. NumPy 2 takes the quantile itself in float32, which moves the result by up to
    # 1e-5 of the distance of the neighbouring values.
    place = BASE_LEVEL * (windows.shape[1] - 1)
    low = int(place)
    high = min(low + 1, windows.shape[1] - 1)
    ordered = np.partition(windows, (low, high), axis=1)
    below, above = ordered[:, low], ordered[:, high]
    step, share = (above - below).astype(np.float64), place - low
    value = above - step * (1 - share) if share >= 0.5 else below + step * share
    return np.where(np.isnan(windows).any(axis=1), 0, value).astype(np.float32)


def _summarise(centres: Float32Array, summary: str) -> Float32Array:
    """(n, target_length, target_width) -> (n, target_length)."""
    if summary == "sum":
        return centres.sum(axis=2, dtype=np.float32)
    if summary == "max":
        return centres.max(axis=2)
    mean = centres.mean(axis=2, dtype=np.float32)
    if summary in ("mean", "avg"):
        return mean
    return np.clip(np.sqrt(mean * 4), 0, 1)  # Basenji's "peak"


def _transform(values: Float32Array, track: Track) -> Float32Array:
    """clip_soft, then clip to [0, clip], then scale."""
    out = values
    if track.clip_soft is not None:
        high = out > track.clip_soft
        out[high] = track.clip_soft + np.sqrt(out[high] - np.float32(track.clip_soft))
    if track.clip is not None:
        out = np.clip(out, 0, np.float32(track.clip))
    return np.float32(track.scale) * out


def track_columns(known: Sequence[str], requested: Sequence[str], source: Path) -> list[int]:
    """Columns of the requested tracks among those of a dataset, in the order of the request.

    Raises:
        InputError: the dataset does not have one of them.
    """
    unknown = [name for name in requested if name not in known]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(known[:10])})", source)
    left_out("tracks", len(known) - len(set(requested)), len(known), "not among those asked for", expected=True)
    return [known.index(name) for name in requested]
