"""Accuracy in specific peaks beside ubiquitous peaks of the same height (Kathail et al. 2024, Fig. S7C).

The measured heights, log2(x + 1), of a track's specific windows are counted in bins of 0.5 from 2.5 to 10 (a bin holds
its lower edge; a value below 2.5, or of 10 or more, is in no bin). From the ubiquitous windows of each bin as many are
drawn: without replacement, with it where they are fewer; a bin without ubiquitous windows is passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.evaluation.accuracy import resampled
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.sets import specific_windows, ubiquitous_windows
from accessiflow.log import left_out
from accessiflow.statistics import LEVELS, Doubles, known_mean, log2p, pearson

if TYPE_CHECKING:
    import pandas as pd

HEIGHT_EDGES = np.arange(2.5, 10.5, 0.5)
_WINDOWS_AT_ONCE = 1 << 12


def match(specific: Doubles, ubiquitous: Doubles, rng: np.random.Generator) -> NDArray[np.int64]:
    """Numbers of the ubiquitous windows, as many in each height bin as there are specific ones.

    Args:
        specific, ubiquitous: heights (n,), (m,).
    """
    return draw(_wanted(specific, ubiquitous), rng)


def draw(wanted: Sequence[tuple[int, NDArray[np.int64]]], rng: np.random.Generator) -> NDArray[np.int64]:
    """A draw of so many numbers of each pool: without replacement, with it where the pool is smaller."""
    drawn = [rng.choice(pool, count, replace=len(pool) < count) for count, pool in wanted]
    return np.concatenate([np.empty(0, np.int64), *drawn])


def _wanted(specific: Doubles, ubiquitous: Doubles) -> list[tuple[int, NDArray[np.int64]]]:
    """Of each height bin that holds both: number of specific windows, and the numbers of the ubiquitous ones."""
    wanted, there = np.digitize(specific, HEIGHT_EDGES), np.digitize(ubiquitous, HEIGHT_EDGES)
    # Bin 0 and the last hold what lies outside the edges.
    numbers = range(1, len(HEIGHT_EDGES))
    pools = [(int((wanted == number).sum()), np.flatnonzero(there == number)) for number in numbers]
    return [(count, pool) for count, pool in pools if count and len(pool)]


def by_track(
    windows: EvaluatedWindows,
    specific: Sequence[str],
    ubiquitous: Sequence[str],
    repeats: int,
    seed: int,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """Rows (track, set): n, pearson of log2(x + 1), reason, low, high.

    Sets: `specific` (windows whose height is in a bin) and `ubiquitous` (as many of the same heights: mean over
    `repeats` draws, with the interval of the draws); for comparison `specific_unmatched` and `ubiquitous_unmatched`,
    all windows. Intervals of the others: bootstrap.
    """
    import pandas as pd

    own, common = specific_windows(windows, specific), ubiquitous_windows(windows, ubiquitous)
    kept = own & _in_bins(windows)
    unmatched = int((own & ~kept).sum())
    left_out("specific windows", unmatched, int(own.sum()), "of a height outside 2.5 to 10: not matched")
    masks = {"specific": kept, "specific_unmatched": own, "ubiquitous_unmatched": common}
    limits = {name: interval(resampled(windows, mask, name, bootstrap)) for name, mask in masks.items()}
    rows = []
    for column, track in enumerate(windows.tracks):
        for name, mask in masks.items():
            low, high = (side[column] for side in limits[name])
            x, y = _heights(windows, mask[:, column], column)
            rows.append(_row(track, name, len(x), pearson(x, y), low, high))
        rows.append(_drawn(windows, kept[:, column], common[:, column], column, repeats, seed))
    return pd.DataFrame(rows, columns=["track", "set", "n", "pearson", "reason", "low", "high"])


def _in_bins(windows: EvaluatedWindows) -> NDArray[np.bool_]:
    """Whether the measured height (n, T) is in a bin: outside the edges there is nothing to be matched with."""
    out = np.empty(windows.targets.shape, bool)
    # Block by block: heights of all windows would be a second matrix, in double precision.
    for low in range(0, len(out), _WINDOWS_AT_ONCE):
        heights = log2p(windows.targets[low : low + _WINDOWS_AT_ONCE])
        out[low : low + _WINDOWS_AT_ONCE] = (heights >= HEIGHT_EDGES[0]) & (heights < HEIGHT_EDGES[-1])
    return out


def by_track_seeded(
    windows: EvaluatedWindows, specific: Sequence[str], ubiquitous: Sequence[str], repeats: int, bootstrap: Bootstrap
) -> pd.DataFrame:
    """`by_track` with the draws on the seed of the bootstrap."""
    return by_track(windows, specific, ubiquitous, repeats, bootstrap.seed, bootstrap)


def _heights(windows: EvaluatedWindows, chosen: NDArray[np.bool_], column: int) -> tuple[Doubles, Doubles]:
    return log2p(windows.predictions[chosen, column]), log2p(windows.targets[chosen, column])


def _drawn(
    windows: EvaluatedWindows, own: NDArray[np.bool_], common: NDArray[np.bool_], column: int, repeats: int, seed: int
) -> tuple[object, ...]:
    # A stream for each track: what one draws does not depend on the others.
    rng = np.random.default_rng([seed, crc32(windows.tracks[column].encode())])
    wanted = log2p(windows.targets[own, column])
    predicted, measured = _heights(windows, common, column)
    pools = _wanted(wanted, measured)  # once: every draw is from the same
    draws = [draw(pools, rng) for _ in range(repeats)]
    reason = "no ubiquitous window of their height: not matched"
    left_out("specific windows", len(wanted) - len(draws[0]), len(wanted), reason)
    found = np.array([pearson(predicted[at], measured[at]) for at in draws])
    known = found[np.isfinite(found)]
    low, high = np.quantile(known, LEVELS) if len(known) > 1 else (np.nan, np.nan)
    return _row(windows.tracks[column], "ubiquitous", len(draws[0]), known_mean(known), low, high)


def _row(track: str, name: str, n: int, value: float, low: float, high: float) -> tuple[object, ...]:
    known = np.isfinite(value)
    reason = "" if known else "fewer than two windows, or constant values"
    return (track, name, n, value, reason, low if known else np.nan, high if known else np.nan)
