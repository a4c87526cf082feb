"""Variability of predictions across the replicates of a model (Kathail et al. 2024, Fig. 3D).

Coefficient of variation of a window = standard deviation / mean of its predictions over the replicates; a one-sided
Mann-Whitney test asks whether it is greater in specific windows than in ubiquitous ones, Benjamini-Hochberg over the
tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.readers import AnyFloats
from accessiflow.evaluation.sets import UBIQUITOUS, cluster_names, specific_windows, ubiquitous_windows
from accessiflow.statistics import Doubles, benjamini_hochberg, known_mean

if TYPE_CHECKING:
    import pandas as pd


class MannWhitney(NamedTuple):
    """A one-sided Mann-Whitney test (first greater)."""

    u: float
    p: float
    reason: str


def coefficient_of_variation(replicates: Sequence[AnyFloats], ddof: int) -> Doubles:
    """CV (n, T) of predictions (n, T) of each replicate; NaN where their mean is 0.

    Args:
        replicates: predictions (n, T) of each replicate.
        ddof: 1 (sample standard deviation) or 0 (population); the test does not depend on it.
    """
    mean = sum(replicates[1:], np.asarray(replicates[0], np.float64)) / len(replicates)
    squares = sum(((part - mean) ** 2 for part in replicates), np.zeros(mean.shape))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean != 0, np.sqrt(squares / (len(replicates) - ddof)) / mean, np.nan)


def by_cluster(
    windows: EvaluatedWindows, cv: Doubles, ubiquitous: Sequence[str], bootstrap: Bootstrap = NO_BOOTSTRAP
) -> pd.DataFrame:
    """Coefficients of variation by cluster, and whether they are greater than in the ubiquitous windows.

    Rows (track, cluster): n, cv_median, cv_mean, u, p, q (over the tracks of the cluster), reason, low, high.

    Args:
        windows: the windows, with their clusters.
        cv: coefficient of variation of each window and track (n, T).
        ubiquitous: clusters to compare with.
        empty: `ubiquitous`.
        bootstrap: of low, high, the interval of cv_mean.
    """
    import pandas as pd

    names, parts = cluster_names(windows), []
    common = ubiquitous_windows(windows, ubiquitous)
    for name in names:
        rows = []
        for column, track in enumerate(windows.tracks):
            values = _known(cv, windows.cluster == name, column)
            # Ubiquitous windows are not tested against themselves.
            against = values[:0] if name in (ubiquitous or [UBIQUITOUS]) else _known(cv, common[:, column], column)
            test = mann_whitney(values, against)
            low, high = interval(bootstrap.mean(f"{name} {track}", values)[:, None])
            reason = "no window with predictions other than 0" if len(values) == 0 else ""
            rows.append(
                (track, name, len(values), _median(values), known_mean(values), test.u, test.p, reason, low[0], high[0])
            )
        part = pd.DataFrame(
            rows, columns=["track", "cluster", "n", "cv_median", "cv_mean", "u", "p", "reason", "low", "high"]
        )
        part.insert(7, "q", benjamini_hochberg(part["p"].to_numpy()))
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    # q was corrected cluster by cluster; the rows go by track.
    order = table["track"].map({track: at for at, track in enumerate(windows.tracks)}).sort_values(kind="stable").index
    return table.loc[order].reset_index(drop=True)


def compare(windows: EvaluatedWindows, cv: Doubles, specific: Sequence[str], ubiquitous: Sequence[str]) -> pd.DataFrame:
    """Whether the CV is greater in specific windows, a row a track: n, medians, u, p, q (over tracks), reason."""
    import pandas as pd

    own, common = specific_windows(windows, specific), ubiquitous_windows(windows, ubiquitous)
    rows = []
    for column, track in enumerate(windows.tracks):
        first, second = _known(cv, own[:, column], column), _known(cv, common[:, column], column)
        test = mann_whitney(first, second)
        rows.append((track, len(first), len(second), _median(first), _median(second), *test))
    table = pd.DataFrame(
        rows,
        columns=["track", "n_specific", "n_ubiquitous", "median_specific", "median_ubiquitous", "u", "p", "reason"],
    )
    table.insert(7, "q", benjamini_hochberg(table["p"].to_numpy()))
    return table


def mann_whitney(greater: Doubles, than: Doubles) -> MannWhitney:
    """One-sided test; NaN with a reason where one sample is empty."""
    from scipy.stats import mannwhitneyu

    if min(len(greater), len(than)) == 0:
        return MannWhitney(np.nan, np.nan, "no window in one of the sets")
    test = mannwhitneyu(greater, than, alternative="greater")
    return MannWhitney(float(test.statistic), float(test.pvalue), "")


def _known(cv: Doubles, chosen: NDArray[np.bool_], column: int) -> Doubles:
    values = cv[chosen, column]
    return values[np.isfinite(values)]


def _median(values: Doubles) -> float:
    return float(np.median(values)) if len(values) else np.nan
