"""Augmentation of training batches on base codes: reverse complement and small shifts, on the host.

Basenji draws one coin and one shift for the whole batch; `per_example` draws them for each window. Vacated positions are unknown (code 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes, reverse_complement, shift_codes


def augment(
    codes: Codes, targets: NDArray[np.float32], rc: bool, max_shift: int, per_example: bool, rng: np.random.Generator
) -> tuple[Codes, NDArray[np.float32]]:
    """A batch (n, L) and its targets (n, B, T), augmented; a reversed window has its targets reversed along B."""
    n = len(codes) if per_example else 1
    if max_shift:
        shifts = rng.integers(-max_shift, max_shift + 1, n)
        if shifts.any():
            codes = shift_codes(codes, np.broadcast_to(shifts, len(codes)))
    if rc:
        coins = np.broadcast_to(rng.random(n) < 0.5, len(codes))
        if coins.any():
            codes, targets = codes.copy(), targets.copy()
            codes[coins] = reverse_complement(codes[coins])
            targets[coins] = targets[coins, ::-1]
    return codes, targets
