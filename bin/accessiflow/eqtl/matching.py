"""Negatives matched to positives.

They are drawn without replacement from the strata of the distance to the TSS and of the minor allele frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.eqtl.design import Matching
from accessiflow.eqtl.fine_mapped import nearest_tss
from accessiflow.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

STRATUM_EDGES = {"tss": (0, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000), "maf": (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4)}
CRITERIA = ("tss", "maf", "peak")
STRATUM_COLUMNS = ["tissue", "bin", "tss", "maf", "n_positive", "wanted", "same_stratum", "nearest_stratum"]
_MATCH_TSS = "match_tss"


class Drawn(NamedTuple):
    """Negatives of one bin.

    Attributes:
        rows: chosen candidates, ascending.
        table: one row a stratum (STRATUM_COLUMNS without tissue and bin): negatives wanted, and found in it and in its
            neighbours.
    """

    rows: NDArray[np.int64]
    table: pd.DataFrame

    @property
    def shortage(self) -> str:
        """Which strata ran short of negatives; empty where none did."""
        lacking = self.table["wanted"] - self.table["same_stratum"] - self.table["nearest_stratum"]
        if not (lacking > 0).any():
            return ""
        worst = self.table.loc[lacking.idxmax()]
        return (
            f"{int((lacking > 0).sum())} of {len(lacking)} matching strata lack negatives, "
            f"{int(lacking.sum())} of {int(self.table['wanted'].sum())} in all "
            f"(most at tss {worst['tss']} and maf {worst['maf']}): "
            "lower the ratio, match on less or take the nearest"
        )


def parse_criteria(items: Sequence[str]) -> tuple[str, ...]:
    """The criteria in their order.

    Raises:
        InputError: one is unknown.
    """
    unknown = [item for item in items if item not in CRITERIA]
    if unknown:
        raise InputError(f"--match {unknown[0][:40]}: expected some of {', '.join(CRITERIA)}")
    return tuple(name for name in CRITERIA if name in items)


class Labelled(NamedTuple):
    """Tables of the variants with either label."""

    positives: pd.DataFrame
    negatives: pd.DataFrame


def prepare(positives: pd.DataFrame, negatives: pd.DataFrame, on: Sequence[str], tss: pd.DataFrame | None) -> Labelled:
    """Positives and negatives (each variant once) with what they are matched on, measured alike in both.

    The distance is to a variant's own gene where both tables name genes (`nearest_gene`), else to the nearest start of
    any gene.

    Raises:
        InputError: genes or allele frequencies are missing, or a frequency is none of a minor allele.
    """
    if "maf" in on:
        for table, what in ((positives, "positives"), (negatives, "negatives")):
            _check_maf(table, what)
    if "tss" not in on:
        return Labelled(positives, negatives)
    if tss is None:
        raise InputError("--match tss needs the genes: give --genes")
    if "gene" in positives.columns and "gene" in negatives.columns:
        distances = positives["tss_distance"], negatives["tss_distance"]
    else:
        distances = nearest_tss(positives, tss), nearest_tss(negatives, tss)
    return Labelled(
        positives.assign(**{_MATCH_TSS: distances[0]}),
        negatives.assign(**{_MATCH_TSS: distances[1]}),
    )


def draw(positives: pd.DataFrame, candidates: pd.DataFrame, matching: Matching, rng: np.random.Generator) -> Drawn:
    """Draw negatives for positives (`prepare`): for each stratum of n positives, n x ratio of the candidates in it.

    With `matching.nearest`, what a stratum lacks comes from those still free, nearest in strata first, in random order
    among equals.
    """
    import pandas as pd

    axes = [name for name in ("tss", "maf") if name in matching.on]
    strata, counts = np.unique(_strata(positives, axes), axis=0, return_counts=True)
    where = _strata(candidates, axes)
    order, free = rng.permutation(len(candidates)), np.ones(len(candidates), bool)
    asked = counts * matching.ratio
    # Every stratum takes its own first: a neighbour may take only what none of them needs.
    same = [_take(order, free, (where == stratum).all(axis=1), n) for stratum, n in zip(strata, asked, strict=True)]
    lack = asked - [len(part) for part in same] if matching.nearest else np.zeros_like(asked)
    near = [_take_nearest(order, free, where, stratum, n) for stratum, n in zip(strata, lack, strict=True)]
    names = {
        axis: [_name(axis, stratum[axes.index(axis)]) if axis in axes else "all" for stratum in strata]
        for axis in STRATUM_EDGES
    }
    table = pd.DataFrame(
        names
        | {
            "n_positive": counts,
            "wanted": asked,
            "same_stratum": [len(p) for p in same],
            "nearest_stratum": [len(p) for p in near],
        }
    )
    return Drawn(np.sort(np.concatenate([*same, *near, np.empty(0, np.int64)]).astype(np.int64)), table)


def _take(order: NDArray[np.int64], free: NDArray[np.bool_], members: NDArray[np.bool_], n: int) -> NDArray[np.int64]:
    """The first n free members in random order, no longer free."""
    taken = order[(free & members)[order]][:n]
    free[taken] = False
    return taken


def _take_nearest(
    order: NDArray[np.int64], free: NDArray[np.bool_], where: NDArray[np.int64], stratum: NDArray[np.int64], n: int
) -> NDArray[np.int64]:
    """The n free candidates nearest in strata; unknown values are near to unknown ones only."""
    # Unknown is no distance: only strata with the same unknowns can be near.
    left = order[(free & ((where < 0) == (stratum < 0)).all(axis=1))[order]]
    taken = left[np.argsort(np.abs(where[left] - stratum).sum(axis=1), kind="stable")][:n]
    free[taken] = False
    return taken


def _strata(table: pd.DataFrame, axes: Sequence[str]) -> NDArray[np.int64]:
    """Stratum (n, axes) of each variant: numbers of bins from 0, -1 where the value is unknown."""
    out = np.zeros((len(table), len(axes)), np.int64)
    for column, axis in enumerate(axes):
        values = table[_MATCH_TSS if axis == "tss" else axis].to_numpy(np.float64)
        out[:, column] = np.where(np.isnan(values), -1, np.digitize(values, STRATUM_EDGES[axis]) - 1)
    return out


def _name(axis: str, number: int) -> str:
    edges = STRATUM_EDGES[axis]
    if number < 0:
        return "unknown"
    return f"[{edges[number]:g},{edges[number + 1]:g})" if number + 1 < len(edges) else f"[{edges[number]:g},inf)"


def _check_maf(table: pd.DataFrame, what: str) -> None:
    if "maf" not in table.columns or table["maf"].isna().all():
        raise InputError(f"--match maf needs a column maf with values among the {what}")
    maf = table["maf"].to_numpy(np.float64)
    if np.nanmin(maf) < 0 or np.nanmax(maf) > 0.5:
        raise InputError(f"the column maf of the {what} must lie between 0 and 0.5: give minor allele frequencies")
