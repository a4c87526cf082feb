"""Over-correlation: are predictions of different cell types more alike than their measurements? (Kathail et al. 2024, Fig. 4B)"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from accessiflow.evaluation.accuracy import pearson_log2
from accessiflow.evaluation.inputs import Windows

if TYPE_CHECKING:
    import pandas as pd


def between_tracks(windows: Windows, clusters: list[str]) -> pd.DataFrame:
    """Rows (source, cluster, track, other), every ordered pair of tracks: n, pearson of log2(x + 1), reason; source is prediction or measurement."""
    import pandas as pd

    rows = []
    for source, values in (("prediction", windows.predictions), ("measurement", windows.targets)):
        for cluster in clusters:
            chosen = values[windows.cluster == cluster]
            for a, b in permutations(range(len(windows.tracks)), 2):
                found = pearson_log2(chosen[:, a], chosen[:, b])
                reason = "" if found == found else "fewer than two windows, or constant values"
                rows.append((source, cluster, windows.tracks[a], windows.tracks[b], len(chosen), found, reason))
    return pd.DataFrame(rows, columns=["source", "cluster", "track", "other", "n", "pearson", "reason"])


def over_correlation(table: pd.DataFrame) -> pd.DataFrame:
    """Rows (cluster): pairs, mean prediction, mean measurement, and over_correlation, the mean over pairs of prediction - measurement."""
    import pandas as pd

    wide = table.pivot(index=["cluster", "track", "other"], columns="source", values="pearson").dropna()
    each = wide.assign(over_correlation=wide["prediction"] - wide["measurement"]).groupby(level="cluster", sort=False)
    means = each[["prediction", "measurement", "over_correlation"]].mean()
    return pd.concat([each.size().rename("pairs"), means], axis=1).reset_index()
