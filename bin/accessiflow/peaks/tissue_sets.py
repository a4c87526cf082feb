"""Tissue sets: peaks of a group or cell type, split at the median of their specificity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


BY = ("group", "cell_type", "both", "auto")


def tissue_columns(by: str, groups: Iterable[str]) -> list[str]:
    """The columns whose values are the tissues.

    Args:
        by: a choice of BY; `auto` is `group` where a track names one, else `cell_type`.
        groups: the tracks' groups.
    """
    if by == "auto":
        return ["group" if any(groups) else "cell_type"]
    return ["group", "cell_type"] if by == "both" else [by]


@dataclass(frozen=True)
class TissueSet:
    """Tissue peaks of a group or cell type, split at the median of their specificity.

    Attributes:
        name: the tissue.
        by: whether it is a `group` or a `cell_type`.
        median: median number of tracks that its peaks are in.
        n_tracks: how many tracks the tissue has.
        high: row numbers of the more specific half: peaks that are in fewer tracks than the median.
        low: row numbers of the rest.
        tracks: the names of the tissue's tracks.
    """

    name: str
    by: str
    median: float
    n_tracks: int
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    tracks: tuple[str, ...] = ()


def tissue_sets(
    is_peak: NDArray[np.bool_] | object,
    n_tracks: NDArray[np.integer],
    var: pd.DataFrame,
    by: Sequence[str],
    min_share: float,
    strict: bool = False,
) -> Iterator[TissueSet]:
    """The tissue set of each value of the columns `by`.

    Args:
        is_peak: which peak is in which track, (n, T) array or scipy sparse matrix.
        n_tracks: number of all tracks with each peak (n,).
        var: one row a track, indexed by its name, with the columns `by`.
        by: columns that name tissues.
        min_share: a tissue peak is in at least this share of the tissue's tracks.
        strict: a tissue peak is in more than this share, as in the paper's code.
    """
    for column in by:
        for name in dict.fromkeys(value for value in var[column] if value):
            members = np.flatnonzero((var[column] == name).to_numpy())
            share = np.asarray(is_peak[:, members].sum(axis=1)).ravel() / len(members)  # type: ignore[index]
            # The slack keeps a share that equals the threshold but for rounding.
            chosen = np.flatnonzero((share > min_share) if strict else (share >= min_share - 1e-12))
            median = float(np.median(n_tracks[chosen])) if len(chosen) else float("nan")
            specific = n_tracks[chosen] < median
            tracks = tuple(str(var.index[member]) for member in members)
            yield TissueSet(str(name), column, median, len(members), chosen[specific], chosen[~specific], tracks)
