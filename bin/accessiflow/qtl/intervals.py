"""Correlations with 95 % intervals, and why there are none."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.statistics import Doubles, midranks, pearson

LEAST = 3  # pairs that a correlation needs


class Estimate(NamedTuple):
    """A figure with its interval; NaN where it cannot be computed."""

    value: float
    low: float
    high: float


NO_ESTIMATE = Estimate(np.nan, np.nan, np.nan)


class Correlations(NamedTuple):
    """Pearson's and Spearman's correlation with bootstrap intervals, and why they are NA."""

    pearson: Estimate
    spearman: Estimate
    reason: str


def correlations(x: Doubles, y: Doubles, bootstrap: Bootstrap, stream: str) -> Correlations:
    """Correlations with percentile intervals over resamples of the pairs; ranks are taken anew in each.

    Args:
        x, y: the pairs (n,).
        bootstrap: number of resamples, and seed.
        stream: name of the group of pairs, which has resamples of its own.
    """
    if len(x) < LEAST:
        return Correlations(NO_ESTIMATE, NO_ESTIMATE, f"{len(x)} variants, fewer than {LEAST}")
    value = pearson(x, y)
    if np.isnan(value):
        return Correlations(NO_ESTIMATE, NO_ESTIMATE, "all scores or all effects are equal")

    def block(rows: slice, columns: slice) -> tuple[Doubles, Doubles, Doubles]:
        a, b = (part[rows, None][:, columns] for part in (x, y))
        return a, b, np.ones(a.shape)

    return Correlations(
        _estimate(value, bootstrap.pearson(stream, len(x), 1, block)),
        _estimate(pearson(midranks(x), midranks(y)), bootstrap.spearman(stream, x, y)[:, None]),
        "",
    )


def _estimate(value: float, resampled: Doubles) -> Estimate:
    low, high = interval(resampled)
    return Estimate(value, float(low[0]), float(high[0]))
