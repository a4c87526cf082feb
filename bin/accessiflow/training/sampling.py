"""Which windows an epoch sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from accessiflow.training.batches import Windows


_ROWS = 4096  # windows looked at together


def sampling_weights(windows: Windows, strength: float) -> NDArray[np.float64] | None:
    """Probability of each window (n,) to be drawn, by specificity_sampling; None where every window is seen once (strength 0).

    Memory: 8 bytes a window.
    """
    if not strength:
        return None
    variance = np.empty(len(windows))
    for low in range(0, len(windows), _ROWS):
        rows = np.arange(low, min(low + _ROWS, len(windows)))
        variance[rows] = np.log1p(windows.targets_of(rows).astype(np.float64)).var(axis=2).mean(axis=1)
    mean = variance.mean()
    weights = 1 + strength * variance / mean if mean else np.ones(len(windows))
    return weights / weights.sum()
