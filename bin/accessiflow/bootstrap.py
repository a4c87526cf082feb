"""95 % intervals by resampling: of correlations and means over windows, variants, tissues or other observations.

A resample of n observations is a vector of multinomial weights, so that all resamples of many columns are one matrix
product. Memory: some 100 MB, flat in the number of observations and columns, and the resampled values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from accessiflow.statistics import LEVELS, Doubles, pearson_of_sums, weighted_midranks

Block = Callable[[slice, slice], tuple[Doubles, Doubles, Doubles]]
BLOCK_ROWS, BLOCK_COLUMNS = 4096, 256
KEPT_WEIGHTS = 1 << 23  # weights that are held rather than drawn again for each block of columns
CELLS_AT_ONCE = 1 << 21


@dataclass(frozen=True)
class Bootstrap:
    """How observations are resampled: `repeats` times (0: no intervals), from a seed.

    The same stream and number of observations give the same resamples, so that models and tracks are compared on equal
    ones.
    """

    repeats: int = 0
    seed: int = 0

    def weights(self, n: int, stream: str) -> Iterator[tuple[slice, Doubles]]:
        """How often each of n observations is drawn: blocks of them with weights (repeats, block), n in all.

        Args:
            n: number of observations.
            stream: name of the set of observations.
        """
        rng = self._generator(n, stream)
        left = np.full(self.repeats, n)
        for low in range(0, n, BLOCK_ROWS):
            size = min(BLOCK_ROWS, n - low)
            drawn = rng.binomial(left, size / (n - low))
            left = left - drawn
            yield slice(low, low + size), rng.multinomial(drawn, np.full(size, 1 / size)).astype(np.float64)

    def resamples(self, n: int, stream: str) -> Iterator[Doubles]:
        """Weights (some resamples, n), drawn a resample after the other: for what needs whole ones, as ranks do."""
        rng, block = self._generator(n, stream), max(1, CELLS_AT_ONCE // n)
        for low in range(0, self.repeats, block):
            yield rng.multinomial(n, np.full(n, 1 / n), min(block, self.repeats - low)).astype(np.float64)

    def pearson(self, stream: str, n: int, columns: int, block: Block) -> Doubles:
        """Resampled Pearson correlations (repeats, columns); NaN where a resample has no two different values.

        Args:
            stream: name of the set of observations.
            n: number of observations.
            columns: number of correlations.
            block: gives, for a slice of the observations and one of the columns, x, y and which of the observations
                count (1, else 0), each (rows, columns).
        """
        out = np.full((self.repeats, columns), np.nan)
        if self.repeats == 0 or n < 2:
            return out
        stored = list(self.weights(n, stream)) if n * self.repeats <= KEPT_WEIGHTS else None
        for low in range(0, columns, BLOCK_COLUMNS):
            part = slice(low, min(low + BLOCK_COLUMNS, columns))
            sums = np.zeros((self.repeats, 6, part.stop - low))
            for rows, weights in stored or self.weights(n, stream):
                sums += (weights @ _products(*block(rows, part))).reshape(sums.shape)
            out[:, part] = pearson_of_sums(*np.moveaxis(sums, 1, 0))
        return out

    def spearman(self, stream: str, x: Doubles, y: Doubles) -> Doubles:
        """Resampled rank correlations (repeats,) of x and y (n,), ranked anew in each; NaN where one is constant."""
        parts = [np.empty(0)]
        for times in self.resamples(len(x), stream) if len(x) > 1 else ():
            # ranks of n observations have the mean (n + 1) / 2 whatever their ties, so that these sums are about it
            a, b = (weighted_midranks(values, times) - (len(x) + 1) / 2 for values in (x, y))
            sums = [(times * term).sum(axis=1) for term in (a, b, a * a, b * b, a * b)]
            parts.append(pearson_of_sums(np.full(len(times), float(len(x))), *sums))
        return np.concatenate(parts) if len(x) > 1 else np.full(self.repeats, np.nan)

    def mean(self, stream: str, values: Doubles) -> Doubles:
        """Resampled means (repeats,) of values (n,); NaN of fewer than two, whose spread is unknown."""
        out = np.full(self.repeats, np.nan)
        if self.repeats and len(values) > 1:
            sums = (weights @ values[rows] for rows, weights in self.weights(len(values), stream))
            out = sum(sums, np.zeros(self.repeats)) / len(values)
        return out

    def _generator(self, n: int, stream: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, crc32(stream.encode()), n])


NO_BOOTSTRAP = Bootstrap()


def _products(x: Doubles, y: Doubles, counts: Doubles) -> Doubles:
    """(rows, 6 columns): the terms whose weighted sums give a correlation."""
    x, y = x * counts, y * counts
    return np.concatenate([counts, x, y, x * x, y * y, x * y], axis=1)


def interval(resampled: Doubles) -> tuple[Doubles, Doubles]:
    """Low and high percentiles (k,) of resampled values (repeats, k); NaN where more than half of these are NaN."""
    low = np.full(resampled.shape[1], np.nan)
    high, known = low.copy(), np.isfinite(resampled)
    enough = (known.mean(axis=0) >= 0.5) if len(resampled) else np.zeros(resampled.shape[1], bool)
    # Where nothing is NaN all columns are ordered at once: nanquantile takes them one by one.
    whole = known.all(axis=0) & enough
    for columns, quantile in ((whole, np.quantile), (enough & ~whole, np.nanquantile)):
        if columns.any():
            low[columns], high[columns] = quantile(resampled[:, columns], LEVELS, axis=0)
    return low, high
