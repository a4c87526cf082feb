"""Scores of variants by groups of tracks: means over a group, the percentile of |SAD| in the set, p against a null.

Memory: a block of scores, 2 MB of counts a group, and the null's sizes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.scoring.effects import log_ratio
from accessiflow.scoring.files import ScoreFile
from accessiflow.scoring.lookup import open_score_file
from accessiflow.statistics import Doubles

if TYPE_CHECKING:
    import pandas as pd

Groups = Mapping[str, Sequence[str]]
_BLOCK_BYTES = 1 << 24
# Sizes are counted by the first 19 bits behind the sign of a float32: its exponent and 11 bits of its mantissa, so that
# one class holds sizes that differ by less than 1 in 2,048. Counting takes one pass; sorting would need all at once.
_LEFT_OUT = 12
_CLASSES = 1 << (31 - _LEFT_OUT)


class GroupBlock(NamedTuple):
    """Consecutive variants.

    Attributes:
        names: Columns chrom, pos, ref, alt and, where the file has them, id; texts may be bytes.
        sad: Mean SAD (b, G) over the tracks of each group, float32 as it is stored; NaN where a track's is none.
        log_ratio: Mean log2((ALT + 1) / (REF + 1)) (b, G); NaN where the file holds neither REF and ALT nor it.
    """

    names: pd.DataFrame
    sad: NDArray[np.float32]
    log_ratio: NDArray[np.float32]


def group_blocks(file: ScoreFile, groups: Groups, sizes_only: bool = False) -> Iterator[GroupBlock]:
    """The variants of a score file in order, block by block.

    Args:
        file: Scores of any layout.
        groups: Name -> tracks.
        sizes_only: Leave the log ratios out (NaN): REF and ALT are most of a file.

    Raises:
        InputError: The file lacks a track of the groups.
    """
    columns = [np.array([file.column(track) for track in tracks], np.int64) for tracks in groups.values()]
    length = max(1, _BLOCK_BYTES // (4 * max(1, len(file.tracks))))
    low = 0
    for names in file.variants():
        for start in range(0, len(names), length):
            part = names.iloc[start : start + length]
            rows = slice(low + start, low + start + len(part))
            sad = file.read("SAD", rows.start, rows.stop)
            means = _means(sad, columns)
            ratios = np.full_like(means, np.nan) if sizes_only else _means(_log_ratios(file, rows, sad), columns)
            yield GroupBlock(part, means, ratios)
        low += len(names)


def _log_ratios(file: ScoreFile, rows: slice, sad: NDArray[np.floating]) -> NDArray[np.floating]:
    if "LOGRATIO" in file.stats:
        return file.read("LOGRATIO", rows.start, rows.stop)
    if {"REF", "ALT"} <= set(file.stats):
        ref, alt = (file.read(stat, rows.start, rows.stop).astype(np.float64) for stat in ("REF", "ALT"))
        return log_ratio(ref, alt)
    return np.full(sad.shape, np.nan)


def _means(values: NDArray[np.floating], columns: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    out = np.empty((len(values), len(columns)), np.float32)
    for group, chosen in enumerate(columns):
        out[:, group] = values[:, chosen].mean(axis=1, dtype=np.float64)
    return out


class SizeRanks:
    """How many variants of a set have a smaller or equal |SAD|, by group: counted in one pass, asked in another.

    Sizes that differ by less than 1 in 2,048 count as equal.
    """

    def __init__(self, groups: int) -> None:
        """Counts of no variant yet."""
        self._counts = np.zeros((groups, _CLASSES), np.uint32)

    def add(self, sad: NDArray[np.float32]) -> None:
        """Count a block (b, G); values that are no finite numbers do not count."""
        for group, values in enumerate(sad.T):
            # a block has far fewer sizes than there are classes
            classes, times = np.unique(_class(values[np.isfinite(values)]), return_counts=True)
            self._counts[group, classes] += times.astype(np.uint32)

    def finish(self) -> None:
        """Take up no more: from here on percentiles can be asked for."""
        np.cumsum(self._counts, axis=1, out=self._counts)

    def percentiles(self, sad: NDArray[np.float32]) -> Doubles:
        """Percent (b, G) of the set's variants whose |SAD| is smaller or equal; NaN for what does not count."""
        out = np.full(sad.shape, np.nan)
        for group, values in enumerate(sad.T):
            known = np.isfinite(values)
            below = self._counts[group, _class(values[known])]
            out[known, group] = 100.0 * below / max(1, int(self._counts[group, -1]))
        return out


def _class(values: NDArray[np.float32]) -> NDArray[np.uint32]:
    return np.abs(values, dtype=np.float32).view(np.uint32) >> np.uint32(_LEFT_OUT)


class Null(NamedTuple):
    """Sizes of |SAD| of null variants, ascending, an array (m,) a group."""

    sizes: list[NDArray[np.float32]]

    def p(self, sad: NDArray[np.float32]) -> Doubles:
        """Empirical p (b, G): (1 + null variants with at least this |SAD|) / (1 + null variants); NaN without any.

        The 1 is the variant itself: p is never 0, and uniform for a variant drawn as the null's are (Phipson and Smyth
        2010).
        """
        out = np.full(sad.shape, np.nan)
        for group, (values, sizes) in enumerate(zip(sad.T, self.sizes, strict=True)):
            known = np.isfinite(values) & (len(sizes) > 0)
            reached = len(sizes) - np.searchsorted(sizes, np.abs(values[known]), side="left")
            out[known, group] = (1 + reached) / (1 + len(sizes))
        return out


def read_null(paths: Sequence[Path], groups: Groups) -> Null:
    """The null of score files of one model.

    Raises:
        InputError: A file cannot be read, or lacks a track of the groups.
    """
    found: list[NDArray[np.float32]] = [np.empty((0, len(groups)), np.float32)]
    for path in paths:
        with open_score_file(path) as file:
            found += [block.sad for block in group_blocks(file, groups, sizes_only=True)]
    sad = np.abs(np.concatenate(found))
    return Null([np.sort(column[np.isfinite(column)]) for column in sad.T])
