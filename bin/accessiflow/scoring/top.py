"""The variants with the largest |SAD| of each track, cell type or group of tracks.

In a group of several tracks a variant counts by the track with its largest |SAD|. A tie goes to the variant that comes
first; a variant that several files hold (the sets of one model) counts once, from the first.

Memory, whatever the number of variants: a block of SAD (64 MB), the names of 65,536 variants, and n found ones a group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import left_out, log
from accessiflow.scoring.files import ScoreFile
from accessiflow.scoring.lookup import open_score_file
from accessiflow.variants.keys import text_keys, variant_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

TOP_COLUMNS = ["group", "rank", "chrom", "pos", "id", "ref", "alt", "track", "SAD", "REF", "ALT"]
GROUPINGS = ("track", "cell_type", "group")
EVERY = "all"
# a variant among the best of a group: its largest |SAD|, with the sign; key; row over all files; track
_BEST = np.dtype([("sad", "f4"), ("key", "u8"), ("row", "i8"), ("track", "i8")])
_BLOCK_BYTES = 1 << 26
_SLAB = 1024  # rows of REF and ALT, which hold positions too, that are read at once


class ScoredBlock(NamedTuple):
    """Consecutive variants.

    Attributes:
        sad: (b, T).
        keys: Key (b,) of each variant.
        first: Number of the first one over all files.
    """

    sad: NDArray[np.float32]
    keys: NDArray[np.uint64]
    first: int


def group_tracks(tracks: Sequence[str], sheet: pd.DataFrame | None, by: str) -> dict[str, list[str]]:
    """Name -> tracks of each group, in the order of the tracks.

    Tracks of which the sheet (columns track, cell_type, group) says nothing are in no group; where that is all of them,
    they are one group.

    Args:
        tracks: Identifiers of the tracks.
        sheet: The tracks sheet; needed for groups by cell type or group.
        by: One of GROUPINGS.

    Raises:
        InputError: Groups by cell type or group, without a sheet.
    """
    if by == "track":
        return {track: [track] for track in tracks}
    if sheet is None:
        raise InputError(f"--by {by} needs the tracks sheet: give --tracks")
    known = {track: name for track, name in zip(sheet["track"], sheet[by], strict=True) if name}
    groups: dict[str, list[str]] = {}
    for track in tracks:
        if track in known:
            groups.setdefault(known[track], []).append(track)
    if not groups:
        log.warning("no track of the scores has a %s in the tracks sheet: all are one group", by)
        return {EVERY: list(tracks)}
    unnamed = len(tracks) - sum(map(len, groups.values()))
    left_out("tracks", unnamed, len(tracks), f"without a {by} in the tracks sheet: in no group")
    return groups


def track_names(scores: Sequence[Path]) -> list[str]:
    """Identifiers of the tracks of the first score file."""
    with open_score_file(scores[0]) as file:
        return file.tracks


def top_variants(scores: Sequence[Path], groups: Mapping[str, Sequence[str]], n: int) -> pd.DataFrame:
    """The n variants of largest |SAD| of each group, best first: TOP_COLUMNS.

    REF and ALT are the predictions of that track summed over positions, NA where a file does not hold them; an unknown
    id is `.`, other unknown names NA. Scores that are not finite numbers do not count.

    Args:
        scores: Score files of one model.
        groups: Name -> tracks of each group.
        n: Variants a group.

    Raises:
        InputError: A file cannot be read, or the files' tracks differ, or one of them lacks a track of the groups.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(open_score_file(path)) for path in scores]
        odd = next((file for file in files if file.tracks != files[0].tracks), None)
        if odd is not None:
            raise InputError(f"scores other tracks than {files[0].path}: give the scores of one model", odd.path)
        columns = [np.array([files[0].column(track) for track in tracks], np.int64) for tracks in groups.values()]
        # Two passes: names are read again for the few variants found, not held for all.
        best = _search(files, columns, n)
        return _described(files, list(groups), best)


def _search(files: Sequence[ScoreFile], columns: Sequence[NDArray[np.int64]], n: int) -> list[NDArray[np.void]]:
    """The best of each group (_BEST), from one pass over the files."""
    best = [np.empty(0, _BEST) for _ in columns]
    # one file without alleles: variants of all can be compared by their ids only
    by_name, first = any(file.by_name for file in files), 0
    for file in files:
        length = max(1, _BLOCK_BYTES // (4 * len(file.tracks)))
        low = 0
        for names in file.variants():
            keys = _keys(names, by_name, file)
            for start in range(0, len(names), length):
                part = slice(start, min(start + length, len(names)))
                sad = file.read("SAD", low + part.start, low + part.stop).astype(np.float32)
                block = ScoredBlock(sad, keys[part], first + low + part.start)
                _count_unusable(sad, columns)
                best = [_better(former, block, tracks, n) for former, tracks in zip(best, columns, strict=True)]
            low += len(names)
        first += file.rows
    return best


def _count_unusable(sad: NDArray[np.float32], columns: Sequence[NDArray[np.int64]]) -> None:
    """Count the variants of a block without a number in some track that is ranked."""
    ranked = np.unique(np.concatenate([np.empty(0, np.int64), *columns]))
    odd = int((~np.isfinite(sad[:, ranked])).any(axis=1).sum())
    left_out("variants", odd, len(sad), "a score that is no finite number: not ranked by it")


def _keys(names: pd.DataFrame, by_name: bool, file: ScoreFile) -> NDArray[np.uint64]:
    if by_name and "id" not in names:
        raise InputError("has no ids (snp), the other files nothing else: list their variants apart", file.path)
    return text_keys(names["id"]) if by_name else variant_keys(*(names[name] for name in KEY))


def _better(best: NDArray[np.void], block: ScoredBlock, columns: NDArray[np.int64], n: int) -> NDArray[np.void]:
    """The n best of those found so far and of a block, largest |SAD| first."""
    own = block.sad[:, columns]
    size = np.where(np.isfinite(own), np.abs(own), -1.0)  # below every finite one
    at = size.argmax(axis=1)
    size = size[np.arange(len(size)), at]
    # a full list is entered only from above its last one: of equal ones the first stays
    least = abs(best["sad"][-1]) if len(best) == n else -0.5
    rows = np.flatnonzero(size > least)
    new = np.empty(len(rows), _BEST)
    new["sad"] = own[rows, at[rows]]
    new["key"] = block.keys[rows]
    new["row"] = block.first + rows
    new["track"] = columns[at[rows]]
    both = np.concatenate([best, new])
    both = both[np.argsort(-np.abs(both["sad"]), kind="stable")]
    # the first place of each key, in the order of |SAD|: a variant of two files comes once
    once = np.sort(np.unique(both["key"], return_index=True)[1])
    return both[once[:n]]


def _described(files: Sequence[ScoreFile], groups: Sequence[str], best: Sequence[NDArray[np.void]]) -> pd.DataFrame:
    """The table of what was found, from a second pass over the variants' names."""
    import pandas as pd

    every = np.concatenate([np.empty(0, _BEST), *best])
    bounds = np.cumsum([0, *(file.rows for file in files)])
    parts, ref, alt = [], np.empty(len(every), np.float32), np.empty(len(every), np.float32)
    for file, low, high in zip(files, bounds[:-1], bounds[1:], strict=True):
        at = np.flatnonzero((every["row"] >= low) & (every["row"] < high))
        rows, tracks = every["row"][at] - low, every["track"][at]
        parts.append(_names(file, np.unique(rows)).rename(index=lambda row, low=int(low): row + low))
        ref[at], alt[at] = (_values(file, stat, rows, tracks) for stat in ("REF", "ALT"))
    names = pd.concat([part for part in parts if len(part)] or parts[:1]).loc[every["row"]].reset_index(drop=True)
    counts = [len(rows) for rows in best]
    table = names.assign(
        group=np.repeat(np.array(groups, object), counts),
        rank=np.concatenate([np.arange(0), *(np.arange(count) + 1 for count in counts)]),
        track=np.array(files[0].tracks, object)[every["track"]],
    )
    return table.assign(SAD=every["sad"], REF=ref, ALT=alt)[TOP_COLUMNS]


def _names(file: ScoreFile, rows: NDArray[np.int64]) -> pd.DataFrame:
    """chrom, pos, id, ref, alt of rows (n,) in ascending order, with the row as index."""
    import pandas as pd

    parts, low = [pd.DataFrame(columns=["id", *KEY])], 0
    for block in file.variants():
        here = rows[(rows >= low) & (rows < low + len(block))]
        if len(here):
            parts.append(block.iloc[here - low].set_index(here))
        low += len(block)
    # the empty first part keeps the columns where no row is asked for
    table = pd.concat(parts[1:] or parts).reindex(columns=["id", *KEY])
    texts = {name: table[name].map(_text) for name in ("id", "chrom", "ref", "alt")}
    return table.assign(**texts).fillna({"id": "."})


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _values(file: ScoreFile, stat: str, rows: NDArray[np.int64], tracks: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores (n,) of rows (n,) in tracks (n,); NaN where the file does not hold them."""
    out = np.full(len(rows), np.nan, np.float32)
    if stat not in file.stats or len(rows) == 0:
        return out
    # rows in the order of the file, cut into slabs: REF and ALT may hold hundreds of positions a track
    order = np.argsort(rows, kind="stable")
    for at in np.split(order, np.flatnonzero(np.diff(rows[order] // _SLAB)) + 1):
        first, last = int(rows[at[0]]), int(rows[at[-1]])
        out[at] = file.read(stat, first, last + 1)[rows[at] - first, tracks[at]]
    return out
