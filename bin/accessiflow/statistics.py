"""Statistics of the field, one definition each: AUROC with DeLong's variance, streaming sums, intervals, Benjamini-Hochberg."""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054  # 97.5 % point of the normal distribution


class Auroc(NamedTuple):
    """An area under the ROC curve and its variance; NaN where it cannot be computed."""

    value: float
    variance: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % normal interval, cut at 0 and 1."""
        half = Z95 * np.sqrt(self.variance)
        return float(np.maximum(self.value - half, 0.0)), float(np.minimum(self.value + half, 1.0))


def midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1 (n,), equal values sharing their mean rank."""
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(size) - (size - 1) / 2)[group]


def placements(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """DeLong's structural components: the share of negatives below each positive (m,), and of positives above each negative (n,).

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
    """Two areas of the same variants: first minus second with its variance, z and two-sided p; NaN where they cannot be computed."""

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

    The variance of the difference is that of the differences of the placements: the contrast (1, -1) of their covariance matrices.

    Args:
        labels: (N,) true for a positive. first, second: scores (N,) of the same variants by two models.

    Returns:
        p is 1 where both models rank alike, NaN where the difference has no variance but is not 0.
    """
    (below, above), (below2, above2) = placements(labels, first), placements(labels, second)
    if len(below) == 0 or len(above) == 0:
        return Paired(*[np.nan] * 6)
    difference, variance = float((below - below2).mean()), _variance(below - below2, above - above2)
    z = difference / np.sqrt(variance) if variance > 0 else 0.0 if variance == difference == 0 else np.nan
    return Paired(
        float(below.mean()), float(below2.mean()), difference, variance, float(z), float(erfc(abs(z) / np.sqrt(2)))
    )


def cross_validated(folds: Sequence[tuple[ArrayLike, ArrayLike]]) -> Auroc:
    """Mean AUROC over test folds (labels, scores), and its variance: DeLong's formula on the placements within each fold.

    That is the influence-curve variance of LeDell, Petersen and van der Laan (2015), but around the mean over folds, so that folds with a
    single positive count too. It tells how much the mean would move with another sample of this size, not with another seed.
    """
    parts = [placements(labels, scores) for labels, scores in folds]
    values = [below.mean() if len(below) and len(above) else np.nan for below, above in parts]
    below, above = (np.concatenate(members) for members in zip(*parts, strict=True))
    return Auroc(float(np.mean(values)), _variance(below, above))


def _variance(below: NDArray[np.float64], above: NDArray[np.float64]) -> float:
    if min(len(below), len(above)) < 2:
        return np.nan
    return float(below.var(ddof=1) / len(below) + above.var(ddof=1) / len(above))


def pooled(estimates: Sequence[Auroc]) -> Auroc:
    """Mean of repeated estimates of one AUROC; variance = mean within + (1 + 1/R) between repeats (Rubin 1987)."""
    values, variances = np.array(estimates, np.float64).T
    between = values.var(ddof=1) * (1 + 1 / len(values)) if len(values) > 1 else 0.0
    return Auroc(float(values.mean()), float(variances.mean() + between))


Z95 = 1.959963984540054  # 97.5 % point of the normal distribution


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if n == 0:
        return float("nan"), float("nan")
    share, z2 = hits / n, Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def benjamini_hochberg(p: NDArray[np.float64], method: str = "correct") -> NDArray[np.float64]:
    """q values (n,) of p values.

    Args:
        method: "correct", or "floor": floor(p m / rank) without a monotone step, ties by index, as the paper's code had it (every q is an
            integer, so that any fdr up to 1 selects the bins whose p m / rank is below 1).
    """
    if method == "correct":
        from scipy.stats import false_discovery_control

        return false_discovery_control(p) if len(p) else p
    order = np.argsort(p, kind="stable")
    q = np.empty(len(p))
    q[order] = np.floor(p[order] * len(p) / np.arange(1, len(p) + 1))
    return q


class Accuracy:
    """Sums over batches in float64; memory of a few values a track."""

    def __init__(self, tracks: int) -> None:
        self._n = 0
        self._sums = np.zeros((6, tracks))

    def update(self, targets: NDArray[np.floating], predictions: NDArray[np.floating]) -> None:
        """Add a batch (n, B, T)."""
        y = targets.reshape(-1, targets.shape[-1]).astype(np.float64)
        p = predictions.reshape(-1, predictions.shape[-1]).astype(np.float64)
        self._n += len(y)
        self._sums += np.stack(
            [y.sum(0), p.sum(0), (y * y).sum(0), (p * p).sum(0), (y * p).sum(0), ((y - p) ** 2).sum(0)]
        )

    def pearson(self) -> NDArray[np.float64]:
        """Pearson R (T,); NaN for a constant track."""
        y, p, yy, pp, yp, _ = self._sums / max(self._n, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (yp - y * p) / np.sqrt((yy - y * y) * (pp - p * p))

    def r2(self) -> NDArray[np.float64]:
        """1 - residual / total sum of squares (T,)."""
        y, _, yy, _, _, residual = self._sums
        with np.errstate(divide="ignore", invalid="ignore"):
            return 1 - residual / (yy - y * y / max(self._n, 1))
