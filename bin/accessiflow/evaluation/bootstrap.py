"""95 % intervals: bootstrap over windows for correlations and means, Wilson's for shares.

A resample of n windows is a vector of multinomial weights, so that all resamples of many columns are one matrix product. Memory: some 100 MB, flat in
the number of windows and columns, and the resampled values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Block = Callable[[slice, slice], tuple[Doubles, Doubles, Doubles]]
LEVELS = (0.025, 0.975)
ROWS, COLUMNS = 4096, 256
KEPT_WEIGHTS = 1 << 23


@dataclass(frozen=True)
class Bootstrap:
    """How windows are resampled: `repeats` times (0: no intervals), from a seed.

    The same stream and number of windows give the same resamples, so that models and tracks are compared on equal ones.
    """

    repeats: int = 0
    seed: int = 0

    def weights(self, n: int, stream: str) -> Iterator[tuple[slice, Doubles]]:
        """How often each of n windows is drawn: blocks of windows with weights (repeats, block), which sum to n over all blocks.

        Args:
            stream: name of the set of windows.
        """
        rng = np.random.default_rng([self.seed, crc32(stream.encode()), n])
        left = np.full(self.repeats, n)
        for low in range(0, n, ROWS):
            size = min(ROWS, n - low)
            drawn = rng.binomial(left, size / (n - low))
            left = left - drawn
            yield slice(low, low + size), rng.multinomial(drawn, np.full(size, 1 / size)).astype(np.float64)

    def pearson(self, stream: str, n: int, columns: int, block: Block) -> Doubles:
        """Resampled Pearson correlations (repeats, columns); NaN where a resample has no two different values.

        Args:
            block: for a slice of the n windows and one of the columns, x, y and which of the windows count (1, else 0), each (rows, columns).
        """
        out = np.full((self.repeats, columns), np.nan)
        if self.repeats == 0 or n < 2:
            return out
        stored = list(self.weights(n, stream)) if n * self.repeats <= KEPT_WEIGHTS else None
        for low in range(0, columns, COLUMNS):
            part = slice(low, min(low + COLUMNS, columns))
            sums = np.zeros((self.repeats, 6, part.stop - low))
            for rows, weights in stored or self.weights(n, stream):
                sums += (weights @ _products(*block(rows, part))).reshape(sums.shape)
            out[:, part] = _correlation(sums)
        return out

    def mean(self, stream: str, values: Doubles) -> Doubles:
        """Resampled means (repeats,) of values (n,)."""
        out = np.full(self.repeats, np.nan)
        if self.repeats and len(values):
            out = sum(
                (weights @ values[rows] for rows, weights in self.weights(len(values), stream)), np.zeros(self.repeats)
            ) / len(values)
        return out


def _products(x: Doubles, y: Doubles, counts: Doubles) -> Doubles:
    """(rows, 6 columns): the terms whose weighted sums give a correlation."""
    x, y = x * counts, y * counts
    return np.concatenate([counts, x, y, x * x, y * y, x * y], axis=1)


def _correlation(sums: Doubles) -> Doubles:
    n, x, y, xx, yy, xy = np.moveaxis(sums, 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        within_x, within_y = xx - x * x / n, yy - y * y / n
        r = (xy - x * y / n) / np.sqrt(within_x * within_y)
    return np.where((within_x > 1e-10 * xx) & (within_y > 1e-10 * yy), r, np.nan)


def interval(resampled: Doubles) -> tuple[Doubles, Doubles]:
    """Low and high (k,) percentiles of resampled values (repeats, k); NaN where fewer than half of the resamples have a value."""
    low = np.full(resampled.shape[1], np.nan)
    high, known = low.copy(), np.isfinite(resampled)
    enough = (known.mean(axis=0) >= 0.5) if len(resampled) else np.zeros(resampled.shape[1], bool)
    if enough.any():
        low[enough], high[enough] = np.nanquantile(resampled[:, enough], LEVELS, axis=0)
    return low, high
