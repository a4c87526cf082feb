"""Accuracy from accumulated sums: Pearson R and R2 per track over windows and positions, averaged over tracks (Basenji's PearsonR and R2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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
        self._sums += np.stack([y.sum(0), p.sum(0), (y * y).sum(0), (p * p).sum(0), (y * p).sum(0), ((y - p) ** 2).sum(0)])

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
