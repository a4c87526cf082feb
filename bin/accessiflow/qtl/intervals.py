"""Correlations and shares with 95 % intervals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
LEVELS = (0.025, 0.975)
CELLS_AT_ONCE = 1 << 21
LEAST = 3


class Estimate(NamedTuple):
    """A figure with its interval; NaN where it cannot be computed."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(np.nan, np.nan, np.nan)


class Share(NamedTuple):
    """A share with Clopper and Pearson's exact interval, and the two-sided binomial p that it is one half."""

    value: float
    low: float
    high: float
    p: float


class Correlations(NamedTuple):
    """Pearson's and Spearman's correlation with bootstrap intervals, and why they are NA."""

    pearson: Estimate
    spearman: Estimate
    reason: str


def binomial_share(successes: int, n: int) -> Share:
    """The share of successes among n; all NaN for n = 0."""
    from scipy.stats import beta, binom

    if n == 0:
        return Share(np.nan, np.nan, np.nan, np.nan)
    low = beta.ppf(LEVELS[0], successes, n - successes + 1) if successes else 0.0
    high = beta.ppf(LEVELS[1], successes + 1, n - successes) if successes < n else 1.0
    p = min(1.0, 2 * binom.cdf(min(successes, n - successes), n, 0.5))
    return Share(successes / n, float(low), float(high), float(p))


def correlations(x: Doubles, y: Doubles, repeats: int, rng: np.random.Generator) -> Correlations:
    """Correlations of x and y (n,), with percentile intervals over resamples of the pairs (ranks are taken anew in each).

    Args:
        repeats: resamples; those without two different values of x and of y do not count.
    """
    if len(x) < LEAST:
        return Correlations(UNKNOWN, UNKNOWN, f"{len(x)} variants, fewer than {LEAST}")
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlations(UNKNOWN, UNKNOWN, "all scores or all effects are equal")
    drawn = {"pearson": [], "spearman": []}
    block = max(1, CELLS_AT_ONCE // len(x))
    for low in range(0, repeats, block):
        at = rng.integers(0, len(x), (min(block, repeats - low), len(x)))
        drawn["pearson"].append(_pearson(x[at], y[at]))
        drawn["spearman"].append(_pearson(_ranks(x[at]), _ranks(y[at])))
    pearson, spearman = _pearson(x[None], y[None])[0], _pearson(_ranks(x[None]), _ranks(y[None]))[0]
    return Correlations(_estimate(pearson, drawn["pearson"]), _estimate(spearman, drawn["spearman"]), "")


def _estimate(value: float, drawn: list[Doubles]) -> Estimate:
    resampled = np.concatenate([*drawn, np.empty(0)])
    resampled = resampled[np.isfinite(resampled)]
    return Estimate(float(value), *(np.quantile(resampled, LEVELS).tolist() if len(resampled) else [np.nan, np.nan]))


def _pearson(x: Doubles, y: Doubles) -> Doubles:
    """Correlation (r,) of the rows of x and y (r, n); NaN where one is constant."""
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.clip(np.where(size > 0, (x * y).sum(axis=1) / size, np.nan), -1, 1)


def _ranks(values: Doubles) -> Doubles:
    from scipy.stats import rankdata

    return rankdata(values, axis=1)
