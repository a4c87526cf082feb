"""Which windows an epoch sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from accessiflow.training.batches import FoldArrays


_ROWS = 4096  # windows looked at together


def sampling_weights(windows: FoldArrays, strength: float) -> NDArray[np.float64] | None:
    """Probability (n,) of each window to be drawn, by train.specificity_sampling.

    It is proportional to 1 + strength v / mean(v), where v is the mean over positions of the variance over tracks of
    log(1 + target). None where every window is seen once (strength 0).

    Memory: 8 bytes a window.
    """
    if not strength:
        return None
    variance = np.empty(len(windows))
    for low in range(0, len(windows), _ROWS):
        rows = np.arange(low, min(low + _ROWS, len(windows)))
        logs = np.log1p(windows.targets_of(rows).astype(np.float64))
        variance[rows] = logs.var(axis=2).mean(axis=1)
    mean = variance.mean()
    # where no window has a difference between tracks there is nothing to prefer
    weights = 1 + strength * variance / mean if mean else np.ones(len(windows))
    return weights / weights.sum()
