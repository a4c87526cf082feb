"""Augmentation of training batches on base codes: reverse complement and small shifts, on the host.

Basenji draws one coin and one shift for the whole batch; `per_example` draws them for each window.
Vacated positions are unknown (code 4).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes, reverse_complement, shift_codes


class Batch(NamedTuple):
    """Base codes (n, L) uint8 and targets (n, B, T) float32 of some windows."""

    codes: Codes
    targets: NDArray[np.float32]


def augment(
    codes: Codes, targets: NDArray[np.float32], rc: bool, max_shift: int, per_example: bool, rng: np.random.Generator
) -> Batch:
    """A batch with its windows shifted and reversed at random.

    Args:
        codes: Base codes (n, L).
        targets: Their targets (n, B, T), which a shift leaves where they are.
        rc: Reverse-complement half of the windows; a reversed window has its targets reversed along B.
        max_shift: The largest shift in bp, to either side.
        per_example: Draw for each window, not once for the batch.
        rng: The generator, of which the shifts are drawn before the coins.
    """
    n = len(codes) if per_example else 1
    # Nothing is drawn for an augmentation that is off, and one value where the batch shares it: the state of the
    # generator, which a checkpoint keeps, is then the same on every machine.
    if max_shift:
        shifts = rng.integers(-max_shift, max_shift + 1, n)
        if shifts.any():
            codes = shift_codes(codes, np.broadcast_to(shifts, len(codes)))
    if rc:
        coins = np.broadcast_to(rng.random(n) < 0.5, len(codes))
        if coins.any():
            codes, targets = codes.copy(), targets.copy()  # they may be views of the fold itself
            codes[coins] = reverse_complement(codes[coins])
            targets[coins] = targets[coins, ::-1]
    return Batch(codes, targets)
