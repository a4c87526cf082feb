"""Tissue sets: peaks of a group or cell type, split at the median of their specificity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TissueSet:
    """Tissue peaks of a group or cell type, split at the median of their specificity.

    Attributes:
        name, by: the tissue, and whether it is a group or a cell type.
        median: of n_tracks over the set.
        n_tracks: tracks of the tissue.
        high, low: row numbers of the more specific half (below the median) and of the rest.
    """

    name: str
    by: str
    median: float
    n_tracks: int
    high: NDArray[np.int64]
    low: NDArray[np.int64]


def tissue_sets(
    is_peak: NDArray[np.bool_] | object,
    n_tracks: NDArray[np.integer],
    var: pd.DataFrame,
    by: Sequence[str],
    min_share: float,
    strict: bool = False,
) -> Iterator[TissueSet]:
    """Peaks present in at least (strict: more than) `min_share` of a tissue's tracks, for each value of the columns `by`.

    Args:
        is_peak: (n, T) array or scipy sparse matrix.
        n_tracks: number of all tracks with each peak (n,).
        var: one row a track with the columns `by`.
    """
    for column in by:
        for name in dict.fromkeys(value for value in var[column] if value):
            members = np.flatnonzero((var[column] == name).to_numpy())
            share = np.asarray(is_peak[:, members].sum(axis=1)).ravel() / len(members)  # type: ignore[index]
            chosen = np.flatnonzero((share > min_share) if strict else (share >= min_share - 1e-12))
            median = float(np.median(n_tracks[chosen])) if len(chosen) else float("nan")
            specific = n_tracks[chosen] < median
            yield TissueSet(str(name), column, median, len(members), chosen[specific], chosen[~specific])
