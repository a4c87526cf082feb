"""Batches of a fold: the order of its windows, their augmentation, and a thread that prepares the next ones.

Memory: a fold's arrays as they are (in memory or mapped), one permutation, and the few batches that are ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes
from accessiflow.model.params import Params
from accessiflow.training.augmentation import Batch, augment

Item = TypeVar("Item")
AHEAD = 2  # batches: one that is ready and one in the making hide the host's work, more would only take memory


class FoldShape(NamedTuple):
    """Length of a window in bp, positions (B) of its targets, and tracks (T)."""

    length: int
    positions: int
    tracks: int


@dataclass(frozen=True)
class FoldArrays:
    """The windows and targets of a fold, read by rows only.

    Attributes:
        codes: Base codes (n, L) uint8.
        targets: Targets (n, B, all tracks), floating.
        columns: The tracks that are trained on, of these; None for all.
    """

    codes: Codes
    targets: NDArray[np.floating]
    columns: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def shape(self) -> FoldShape:
        """The shape of one window and its targets."""
        tracks = self.targets.shape[2] if self.columns is None else len(self.columns)
        return FoldShape(self.codes.shape[1], self.targets.shape[1], tracks)

    def targets_of(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Targets (rows, B, T) float32."""
        # rows before columns: a mapped fold is read from disk in whole windows
        values = np.asarray(self.targets[rows])
        return (values if self.columns is None else values[:, :, self.columns]).astype(np.float32, copy=False)

    def batch(self, rows: NDArray[np.intp]) -> Batch:
        """Codes and targets of some windows."""
        return Batch(np.asarray(self.codes[rows]), self.targets_of(rows))


def training_batches(
    windows: FoldArrays, params: Params, weights: NDArray[np.float64] | None, rng: np.random.Generator
) -> Iterator[Batch]:
    """The whole batches of an epoch, augmented.

    Args:
        windows: The training fold.
        params: Batch size and augmentation.
        weights: Probability (n,) of each window to be drawn, with replacement; None: each once, in random order.
        rng: What order and augmentation are drawn from.
    """
    size, n = int(params.train["batch_size"]), len(windows)
    order = rng.permutation(n) if weights is None else rng.choice(n, n, p=weights)
    rc, shift, each = params.model["augment_rc"], params.model["augment_shift"], params.train["augment_per_example"]
    # the rest that fills no batch is left out, as by Basenji's drop_remainder: a step is compiled for one shape
    for low in range(0, n - size + 1, size):
        codes, targets = windows.batch(order[low : low + size])
        yield augment(codes, targets, rc, shift, each, rng)


def plain_batches(windows: FoldArrays, size: int) -> Iterator[Batch]:
    """The whole batches of a fold in order."""
    for low in range(0, len(windows) - size + 1, size):
        yield windows.batch(np.arange(low, low + size))


def prefetched(items: Iterator[Item]) -> Iterator[Item]:
    """The same items in the same order, made in one thread a few ahead of the one in use."""
    end = object()
    # One thread only: items draw from one generator, and must do so in their order.
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, end) for _ in repeat(None, AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item


def one_behind(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each handed on when the next one is there.

    What a device computes is so read while it computes the next: reading a result at once would wait for the device
    with the next step not yet given to it.
    """
    before = next(items, None)
    if before is None:
        return
    for item in items:
        yield before
        before = item
    yield before
