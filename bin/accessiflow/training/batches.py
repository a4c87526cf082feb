"""Batches of a fold: the order of its windows, augmentation, and a thread that prepares the next ones while a step runs.

Memory: a fold's arrays as they are (in memory or mapped), one permutation, and the few batches that are ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes
from accessiflow.model.params import Params
from accessiflow.training.augmentation import augment

Targets = NDArray[np.float32]
Batch = tuple[Codes, Targets]
T = TypeVar("T")
AHEAD = 2  # batches


@dataclass(frozen=True)
class Windows:
    """The windows of a fold, read by rows only.

    Attributes:
        codes: base codes (n, L) uint8.
        targets: (n, B, all tracks), floating.
        columns: the tracks wanted of them; None for all.
    """

    codes: Codes
    targets: NDArray[np.floating]
    columns: Sequence[int] | None = None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Length of a window, positions, tracks."""
        tracks = self.targets.shape[2] if self.columns is None else len(self.columns)
        return self.codes.shape[1], self.targets.shape[1], tracks

    def targets_of(self, rows: NDArray[np.intp]) -> Targets:
        """Targets (rows, B, T) float32."""
        values = np.asarray(self.targets[rows])
        return (values if self.columns is None else values[:, :, self.columns]).astype(np.float32, copy=False)

    def batch(self, rows: NDArray[np.intp]) -> Batch:
        """Codes and targets of some windows."""
        return np.asarray(self.codes[rows]), self.targets_of(rows)


def training_batches(
    windows: Windows, params: Params, weights: NDArray[np.float64] | None, rng: np.random.Generator
) -> Iterator[Batch]:
    """The whole batches of an epoch, augmented: each window once in random order, or drawn by `weights` (n,) with replacement."""
    batch, n = int(params.train["batch_size"]), len(windows)
    order = rng.permutation(n) if weights is None else rng.choice(n, n, p=weights)
    rc, shift, each = params.model["augment_rc"], params.model["augment_shift"], params.train["augment_per_example"]
    for low in range(0, n - batch + 1, batch):
        yield augment(*windows.batch(order[low : low + batch]), rc, shift, each, rng)


def plain_batches(windows: Windows, batch: int) -> Iterator[Batch]:
    """The whole batches of a fold in order."""
    for low in range(0, len(windows) - batch + 1, batch):
        yield windows.batch(np.arange(low, low + batch))


def prepared(items: Iterator[T]) -> Iterator[T]:
    """The same items in the same order, made in one thread a few ahead of the one in use."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(next, items, end) for _ in repeat(None, AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(next, items, end))
            yield item


def a_step_late(items: Iterator[T]) -> Iterator[T]:
    """The same items, each handed on when the next one is there: what a device computes is read while it computes the next."""
    before = next(items, None)
    if before is None:
        return
    for item in items:
        yield before
        before = item
    yield before
