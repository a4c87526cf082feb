"""Means of the correlations between tracks, without the correlations: linear in the tracks.

With each track's values about their mean and in units of the root of their sum of squares, z (n, T), the Pearson R of
two tracks is the product of their columns, and the sum of R over all pairs of two sets of tracks is the product of the
two sets' sums of columns. So a mean over 467,000 pairs costs what one track does, and so does each of its resamples.

Memory: one block of windows, and some values a resample and track.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap
from accessiflow.evaluation.readers import AnyFloats
from accessiflow.statistics import Doubles, log2p, squares_about_mean

_WINDOWS_AT_ONCE = 1 << 12


class Moments(NamedTuple):
    """Of log2(x + 1) in some windows, as they are and in each resample (1 + R, T), from their first window on.

    Attributes:
        mean: the means, minus the values of the first window.
        squares: the sums of squares about the mean; 0 where no two values differ.
    """

    mean: Doubles
    squares: Doubles


class OverCorrelation(NamedTuple):
    """Means over the ordered pairs of tracks that differ in both sources.

    Attributes:
        pairs: how many there are.
        predicted, measured: mean Pearson R of the predictions and of the measurement; NaN without a pair.
        resampled: predicted minus measured (R,) in each resample.
    """

    pairs: int
    predicted: float
    measured: float
    resampled: Doubles


def over_correlation(
    predictions: AnyFloats, targets: AnyFloats, rows: NDArray[np.int64], stream: str, bootstrap: Bootstrap
) -> OverCorrelation:
    """How alike the tracks are over some windows, predicted and measured, with resamples of the same windows.

    Args:
        predictions, targets: of n windows in T tracks (n, T).
        rows: the windows (k,).
        stream: name of the resamples.
        bootstrap: their number, and seed.
    """
    both = predictions, targets
    again = [moments(values, rows, stream, bootstrap) for values in both]
    # A pair counts where both of its correlations are known, or the two means would be over different pairs.
    known = (again[0].squares > 0) & (again[1].squares > 0)
    predicted, measured = (
        _mean_over_pairs(values, rows, of, known, stream, bootstrap) for values, of in zip(both, again, strict=True)
    )
    count = int(known[0].sum())
    return OverCorrelation(count * (count - 1), float(predicted[0]), float(measured[0]), predicted[1:] - measured[1:])


def moments(
    values: AnyFloats, rows: NDArray[np.int64], stream: str = "", bootstrap: Bootstrap = NO_BOOTSTRAP
) -> Moments:
    """The moments of log2(x + 1) of values (n, T) in some windows (k,), and in resamples of them."""
    sums = np.zeros((2, 1 + bootstrap.repeats, values.shape[1]))
    for part, weights in _weighted(len(rows), stream, bootstrap):
        x = _shifted(values, rows, part)
        sums[0] += weights @ x
        sums[1] += weights @ (x * x)
    n = max(len(rows), 1)
    return Moments(sums[0] / n, squares_about_mean(n, *sums))


def sum_between_types(
    values: AnyFloats,
    rows: NDArray[np.int64],
    of: Moments,
    types: NDArray[np.int64],
    first: NDArray[np.bool_],
    second: NDArray[np.bool_],
) -> float:
    """Sum of Pearson R over the pairs of a first and a second track of another type.

    Args:
        values: (n, T).
        rows: the windows (k,).
        of: their moments.
        types: number of each track's type (T,).
        first, second: the tracks (T,), none of them constant.
    """
    with np.errstate(divide="ignore"):
        unit = np.where(of.squares[0] > 0, 1 / np.sqrt(of.squares[0]), 0)
    # A column a type that has a first track, and one for the second tracks in all: (T, types + 1).
    wanted = np.unique(types[first])
    member = types[:, None] == wanted
    firsts, seconds = (np.where(member & of_them[:, None], unit[:, None], 0) for of_them in (first, second))
    everything = np.where(second, unit, 0)
    total = 0.0
    for part, _ in _weighted(len(rows), "", NO_BOOTSTRAP):
        z = _shifted(values, rows, part) - of.mean[0]
        # Of each first track the pairs with all second ones, less those of its own type.
        total += float(((z @ firsts) * ((z @ everything)[:, None] - z @ seconds)).sum())
    return total


def equal_columns(mask: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """The columns of a mask (n, T), those that are equal together."""
    found: dict[bytes, list[int]] = {}
    for column in range(mask.shape[1]):
        found.setdefault(np.packbits(mask[:, column]).tobytes(), []).append(column)
    return [np.array(columns, np.int64) for columns in found.values()]


def _mean_over_pairs(
    values: AnyFloats,
    rows: NDArray[np.int64],
    of: Moments,
    known: NDArray[np.bool_],
    stream: str,
    bootstrap: Bootstrap,
) -> Doubles:
    """Mean Pearson R (1 + R,) over the ordered pairs of known tracks: (|sum of z|^2 - k) / (k (k - 1)) of k tracks."""
    with np.errstate(divide="ignore"):
        unit = np.where(known, 1 / np.sqrt(of.squares), 0)
    middle, norm = (of.mean * unit).sum(axis=1), np.zeros(len(unit))
    for part, weights in _weighted(len(rows), stream, bootstrap):
        total = unit @ _shifted(values, rows, part).T - middle[:, None]
        norm += (weights * total * total).sum(axis=1)
    count = known.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 1, (norm - count) / (count * (count - 1.0)), np.nan)


def _weighted(n: int, stream: str, bootstrap: Bootstrap) -> Iterator[tuple[slice, Doubles]]:
    """Blocks of n windows with their weights (1 + R, block): 1 each, then those of the resamples."""
    if bootstrap.repeats == 0:
        for low in range(0, n, _WINDOWS_AT_ONCE):
            part = slice(low, min(low + _WINDOWS_AT_ONCE, n))
            yield part, np.ones((1, part.stop - part.start))
        return
    for part, weights in bootstrap.weights(n, stream):
        yield part, np.concatenate([np.ones((1, weights.shape[1])), weights])


def _shifted(values: AnyFloats, rows: NDArray[np.int64], part: slice) -> Doubles:
    """log2(x + 1) of some windows minus that of the first: exactly 0 throughout for a constant track."""
    return log2p(values[rows[part]]) - log2p(values[rows[:1]])
