"""Statistics of the field, one definition each: AUROC after DeLong, shares, Benjamini-Hochberg, Pearson's correlation.

What a resample adds (intervals of means and correlations) stands in `bootstrap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]
LEVELS = (0.025, 0.975)  # of a 95 % interval
Z95 = 1.959963984540054  # 97.5 % point of the normal distribution
EPSILON = float(np.finfo(np.float64).eps)


class Auroc(NamedTuple):
    """An area under the ROC curve and its variance; NaN where it cannot be computed."""

    value: float
    variance: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % normal interval, cut at 0 and 1."""
        half = Z95 * np.sqrt(self.variance)
        return float(np.maximum(self.value - half, 0.0)), float(np.minimum(self.value + half, 1.0))


def evenly(count: int, number: int) -> list[int]:
    """At most `number` of the positions 0 to count - 1, evenly over them: the first and the last are among them."""
    return np.linspace(0, count - 1, min(number, count)).round().astype(int).tolist()


def midranks(values: Doubles) -> Doubles:
    """Ranks from 1 (n,), equal values sharing their mean rank."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(size) - (size - 1) / 2)[group]


def weighted_midranks(values: Doubles, times: Doubles) -> Doubles:
    """Midranks (r, n) of values in samples that hold each of them several times or not at all.

    Args:
        values: (n,); one that a sample does not hold has a rank too.
        times: how often each sample holds each value (r, n), whole numbers.
    """
    _, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    size = np.add.reduceat(times[:, order], first, axis=1)
    return (np.cumsum(size, axis=1) - (size - 1) / 2)[:, group]


def placements(labels: ArrayLike, scores: ArrayLike) -> tuple[Doubles, Doubles]:
    """DeLong's components: shares of negatives below each positive (m,), of positives above each negative (n,).

    Ties count one half. By midranks in O(N log N) (Sun and Xu 2014).
    """
    label = np.asarray(labels, bool)
    score = np.asarray(scores, np.float64)
    positive, negative = score[label], score[~label]
    m, n = len(positive), len(negative)
    if m == 0 or n == 0:
        return np.full(m, np.nan), np.full(n, np.nan)
    ranks = midranks(score)
    below = (ranks[label] - midranks(positive)) / n
    above = 1 - (ranks[~label] - midranks(negative)) / m
    return below, above


def delong(labels: ArrayLike, scores: ArrayLike) -> Auroc:
    """AUROC and its variance after DeLong, DeLong and Clarke-Pearson (1988): S10 / m + S01 / n.

    Args:
        labels: (N,) true for a positive. scores: (N,) higher for a positive.

    Returns:
        NaN without both classes; the variance is NaN with fewer than two of either.
    """
    below, above = placements(labels, scores)
    if len(below) == 0 or len(above) == 0:
        return Auroc(np.nan, np.nan)
    return Auroc(float(below.mean()), _variance(below, above))


class Paired(NamedTuple):
    """Two areas of the same variants; NaN where they cannot be computed.

    Attributes:
        first, second: the areas.
        difference: first minus second.
        variance: of the difference.
        z: the difference in standard errors.
        p: two-sided.
    """

    first: float
    second: float
    difference: float
    variance: float
    z: float
    p: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % normal interval of the difference, cut at -1 and 1."""
        half = Z95 * np.sqrt(self.variance)
        return float(np.maximum(self.difference - half, -1.0)), float(np.minimum(self.difference + half, 1.0))


def delong_paired(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> Paired:
    """Test of two correlated AUROCs after DeLong, DeLong and Clarke-Pearson (1988), in O(N log N).

    The variance of the difference is that of the differences of the placements: the contrast (1, -1) of their
    covariance matrices.

    Args:
        labels: class of each variant (N,), true for a positive.
        first, second: scores (N,) of the same variants by two models.

    Returns:
        p is 1 where both models rank alike, NaN where the difference has no variance but is not 0.
    """
    (below, above), (below2, above2) = placements(labels, first), placements(labels, second)
    if len(below) == 0 or len(above) == 0:
        return Paired(*[np.nan] * 6)
    difference, variance = float((below - below2).mean()), _variance(below - below2, above - above2)
    z = np.nan
    if variance > 0:
        z = difference / np.sqrt(variance)
    elif variance == difference == 0:
        z = 0.0
    p = float(erfc(abs(z) / np.sqrt(2)))
    return Paired(float(below.mean()), float(below2.mean()), difference, variance, float(z), p)


def cross_validated(folds: Sequence[tuple[ArrayLike, ArrayLike]]) -> Auroc:
    """Mean AUROC over test folds (labels, scores), and its variance.

    The variance is DeLong's formula on the placements within each fold: the influence-curve variance of LeDell,
    Petersen and van der Laan (2015), but around the mean over folds, so that folds with a single positive count too. It
    says how much the mean would move with another sample of this size, not with another seed.
    """
    parts = [placements(labels, scores) for labels, scores in folds]
    values = [below.mean() if len(below) and len(above) else np.nan for below, above in parts]
    below, above = (np.concatenate(members) for members in zip(*parts, strict=True))
    return Auroc(float(np.mean(values)), _variance(below, above))


def _variance(below: Doubles, above: Doubles) -> float:
    if min(len(below), len(above)) < 2:
        return np.nan
    return float(below.var(ddof=1) / len(below) + above.var(ddof=1) / len(above))


def pooled(estimates: Sequence[Auroc]) -> Auroc:
    """Mean of repeated estimates of one AUROC; variance = mean within + (1 + 1/R) between repeats (Rubin 1987)."""
    values, variances = np.array(estimates, np.float64).T
    between = values.var(ddof=1) * (1 + 1 / len(values)) if len(values) > 1 else 0.0
    return Auroc(float(values.mean()), float(variances.mean() + between))


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if n == 0:
        return float("nan"), float("nan")
    share, z2 = hits / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


class Share(NamedTuple):
    """A share with Clopper and Pearson's exact interval, and the two-sided binomial p that it is one half."""

    value: float
    low: float
    high: float
    p: float


def binomial_share(successes: int, n: int) -> Share:
    """The share of successes among n; all NaN for n = 0."""
    from scipy.stats import beta, binom

    if n == 0:
        return Share(np.nan, np.nan, np.nan, np.nan)
    low = beta.ppf(LEVELS[0], successes, n - successes + 1) if successes else 0.0
    high = beta.ppf(LEVELS[1], successes + 1, n - successes) if successes < n else 1.0
    p = min(1.0, 2 * binom.cdf(min(successes, n - successes), n, 0.5))
    return Share(successes / n, float(low), float(high), float(p))


def benjamini_hochberg(p: Doubles, method: str = "correct") -> Doubles:
    """q values (n,) of p values; NaN where p is, which counts as no test.

    Args:
        p: p values (n,).
        method: "correct", or "floor": floor(p m / rank) without a monotone step, ties by index, as the paper's code had
            it (every q is an integer, so that any fdr up to 1 selects the bins whose p m / rank is below 1).
    """
    known = ~np.isnan(p)
    if not known.all():
        q = np.full(len(p), np.nan)
        q[known] = benjamini_hochberg(p[known], method)
        return q
    if method == "correct":
        from scipy.stats import false_discovery_control

        return false_discovery_control(p) if len(p) else p
    order = np.argsort(p, kind="stable")
    q = np.empty(len(p))
    q[order] = np.floor(p[order] * len(p) / np.arange(1, len(p) + 1))
    return q


def log2p(values: ArrayLike) -> Doubles:
    """log2(x + 1) in double precision; negative values count as 0."""
    return np.log2(np.maximum(np.asarray(values, np.float64), 0) + 1)


def known_mean(values: ArrayLike) -> float:
    """Mean of the values that are finite; NaN without one."""
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array)]
    return float(array.mean()) if len(array) else float("nan")


def known_row_means(values: Doubles) -> Doubles:
    """The same (r,) of the rows of values (r, k)."""
    known = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson R of two vectors (n,); NaN where one is constant: no two of its values differ."""
    return float(pearson_columns(np.asarray(x)[:, None], np.asarray(y)[:, None])[0])


def pearson_columns(x: ArrayLike, y: ArrayLike) -> Doubles:
    """Pearson R (T,) of the columns of x and y (n, T); NaN where one is constant."""
    a, b = _scaled(x), _scaled(y)
    return _correlation((a * b).sum(axis=0), (a * a).sum(axis=0), (b * b).sum(axis=0))


def pearson_matrix(values: ArrayLike) -> Doubles:
    """Pearson R (T, T) between the columns of values (n, T); NaN for a constant one."""
    a = _scaled(values)
    own = (a * a).sum(axis=0)
    return _correlation(a.T @ a, own[:, None], own[None, :])


def pearson_of_sums(n: Doubles, x: Doubles, y: Doubles, xx: Doubles, yy: Doubles, xy: Doubles) -> Doubles:
    """Pearson R of sums over n (weighted) observations of x, y, x^2, y^2 and x y, all of one shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return _correlation(xy - x * y / n, squares_about_mean(n, x, xx), squares_about_mean(n, y, yy))


def squares_about_mean(n: ArrayLike, total: Doubles, squares: Doubles) -> Doubles:
    """Sum of squares about the mean of n (weighted) observations, from their sum and their sum of squares.

    It is a difference of two sums, each of which is only known to about n rounding errors. What is not greater than
    that is 0, and so the variable constant: one that moves by less than 2 sqrt(n epsilon) of its size, 2e-6 of it for
    5,000 windows. Squares must not underflow.
    """
    about = squares - total * total / n
    return np.where(about > 4 * EPSILON * np.asarray(n) * squares, about, 0)


def deviations(values: ArrayLike) -> Doubles:
    """Values (n, T) about their column's mean; all 0 if and only if the column is constant.

    The mean of equal values need not be that value (0.1, 0.1, 0.1), but their differences from the first are exactly 0,
    and those of different values never are.
    """
    array = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore"):
        away = array - array[:1]
    return away - away.mean(axis=0) if len(away) else away


def _scaled(values: ArrayLike) -> Doubles:
    """Deviations in units that keep their squares from over- and underflowing: R does not change with the unit."""
    own = deviations(values)
    size = np.abs(own).max(axis=0, initial=0)
    return own / np.where(size > 0, size, 1)


def _correlation(xy: Doubles, xx: Doubles, yy: Doubles) -> Doubles:
    """R of sums of products about the means: the one place that says when there is none (a sum of squares of 0)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where((xx > 0) & (yy > 0), xy / np.sqrt(xx * yy), np.nan), -1, 1)


class Accuracy:
    """Pearson R and R2 of each track over batches; memory of a few values a track.

    Means and sums of products about them are joined batch by batch (Chan, Golub and LeVeque 1983), of differences from
    the first position, so that a constant track is known as such whatever its value.
    """

    def __init__(self, tracks: int) -> None:
        self._n = 0
        self._first = np.zeros((2, tracks))  # of targets and predictions, as the next
        self._means = np.zeros((2, tracks))
        self._products = np.zeros((3, tracks))  # target^2, prediction^2, target x prediction
        self._residual = np.zeros(tracks)

    def update(self, targets: NDArray[np.floating], predictions: NDArray[np.floating]) -> None:
        """Add a batch (n, B, T)."""
        both = [array.reshape(-1, array.shape[-1]).astype(np.float64) for array in (targets, predictions)]
        n = len(both[0])
        if n == 0:
            return
        self._residual += ((both[0] - both[1]) ** 2).sum(0)
        if self._n == 0:
            self._first = np.stack([array[0] for array in both])
        both = [array - first for array, first in zip(both, self._first, strict=True)]
        means = np.stack([array.mean(0) for array in both])
        y, p = (array - mean for array, mean in zip(both, means, strict=True))
        products, moved = np.stack([(y * y).sum(0), (p * p).sum(0), (y * p).sum(0)]), means - self._means
        shift = np.stack([moved[0] * moved[0], moved[1] * moved[1], moved[0] * moved[1]])
        self._products += products + shift * (self._n * n / (self._n + n))
        self._means += moved * (n / (self._n + n))
        self._n += n

    def pearson(self) -> Doubles:
        """Pearson R (T,); NaN for a constant track."""
        yy, pp, yp = self._products
        return _correlation(yp, yy, pp)

    def r2(self) -> Doubles:
        """1 - residual / total sum of squares (T,); NaN for a constant target."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self._products[0] > 0, 1 - self._residual / self._products[0], np.nan)
