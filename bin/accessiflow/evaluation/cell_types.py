"""Over-correlation: are predictions of different cell types more alike than their measurements?

Source: Kathail et al. 2024, Fig. 4B. Beside it the correlation between replicates of different donors, the ceiling of
any such comparison.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.pair_means import OverCorrelation, over_correlation
from accessiflow.evaluation.readers import Matrix
from accessiflow.evaluation.sets import cluster_names
from accessiflow.log import left_out, log
from accessiflow.statistics import Doubles, log2p, pearson_matrix

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "fewer than two windows, or constant values"


class Between(NamedTuple):
    """Correlations between tracks, and the over-correlation of each cluster."""

    table: pd.DataFrame
    summary: pd.DataFrame


def between_tracks(
    windows: EvaluatedWindows, clusters: list[str], bootstrap: Bootstrap = NO_BOOTSTRAP, most_tracks: int = 0
) -> Between:
    """Ordered pairs of tracks in every cluster, and the over-correlation of each cluster over all of them.

    Args:
        windows: predictions and targets of n windows in T tracks.
        clusters: their names.
        bootstrap: of the intervals.
        most_tracks: with more tracks, the pairs of so many, evenly over their order, have rows of the table; 0: all.

    Returns:
        table: rows (source, cluster, track, other): n, pearson of log2(x + 1), reason, low, high; source is prediction
            or measurement.
        summary: rows (cluster): pairs, mean prediction, mean measurement, over_correlation (mean over pairs of
            prediction - measurement), low, high; over every pair of all tracks.
    """
    import pandas as pd

    shown = _shown(len(windows.tracks), most_tracks)
    names = [windows.tracks[column] for column in shown]
    a, b = _pairs(len(names))
    tables: dict[str, list[pd.DataFrame]] = {"prediction": [], "measurement": []}
    rows = []
    for cluster in clusters:
        chosen = np.flatnonzero(windows.cluster == cluster)
        for source, part in zip(tables, (windows.predictions, windows.targets), strict=True):
            values = log2p(part[np.ix_(chosen, shown)])
            sample = _resampled(values, a, b, cluster, bootstrap)
            found = pearson_matrix(values)[a, b]
            tables[source].append(_rows(source, cluster, names, len(chosen), found, sample))
        over = over_correlation(windows.predictions, windows.targets, chosen, cluster, bootstrap)
        rows.append((cluster, *_summary(over)))
    columns = ["cluster", "pairs", "prediction", "measurement", "over_correlation", "low", "high"]
    summary = pd.DataFrame(rows, columns=columns)
    return Between(
        pd.concat([t for part in tables.values() for t in part], ignore_index=True),
        summary[summary["pairs"] > 0].reset_index(drop=True),
    )


def in_clusters(windows: EvaluatedWindows, pair_tracks: int, bootstrap: Bootstrap = NO_BOOTSTRAP) -> Between:
    """`between_tracks` for every cluster that holds a window; the pairs of `pair_tracks` tracks have rows."""
    tracks = len(windows.tracks)
    if 0 < pair_tracks < tracks:
        log.info("rows of the pairs of %d of %d tracks; means are over all pairs", pair_tracks, tracks)
        left_out("tracks", tracks - pair_tracks, tracks, "without rows of their pairs (--pair-tracks)", expected=True)
    return between_tracks(windows, cluster_names(windows), bootstrap, pair_tracks)


def _shown(tracks: int, most: int) -> NDArray[np.int64]:
    """Numbers of the tracks whose pairs have rows."""
    if most == 0 or tracks <= most:
        return np.arange(tracks)
    return np.linspace(0, tracks - 1, most).round().astype(np.int64)


def _pairs(tracks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Column numbers of every ordered pair."""
    pairs = np.array(list(permutations(range(tracks), 2)), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _summary(found: OverCorrelation) -> tuple[float, ...]:
    """pairs, mean prediction, mean measurement, mean difference, low, high."""
    low, high = interval(found.resampled[:, None])
    return (found.pairs, found.predicted, found.measured, found.predicted - found.measured, low[0], high[0])


def _resampled(
    values: Doubles, a: NDArray[np.int64], b: NDArray[np.int64], stream: str, bootstrap: Bootstrap
) -> Doubles:
    """Bootstrap (repeats, pairs) of the correlations between the columns a and b (pairs,) of values (n, T)."""
    # Both orders of a pair have the same correlation: it is computed once.
    low, high = np.minimum(a, b), np.maximum(a, b)
    unique, back = np.unique(low * values.shape[1] + high, return_inverse=True)
    first, second = np.divmod(unique, values.shape[1])

    def block(rows: slice, columns: slice) -> tuple[Doubles, Doubles, Doubles]:
        x = values[rows][:, first[columns]]
        return x, values[rows][:, second[columns]], np.ones(x.shape)

    return bootstrap.pearson(stream, len(values), len(unique), block)[:, back]


def _rows(source: str, cluster: str, tracks: list[str], n: int, found: Doubles, sample: Doubles) -> pd.DataFrame:
    import pandas as pd

    a, b = _pairs(len(tracks))
    names, known = np.array(tracks, dtype=object), np.isfinite(found)
    low, high = interval(sample)
    table = pd.DataFrame(
        {"source": source, "cluster": cluster, "track": names[a], "other": names[b], "n": n, "pearson": found}
    )
    return table.assign(
        reason=np.where(known, "", CONSTANT), low=np.where(known, low, np.nan), high=np.where(known, high, np.nan)
    )


def between_donors(
    measured: Matrix,
    cluster: NDArray[np.object_],
    sheet: pd.DataFrame,
    drop_zeros: bool,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """Correlation of log2(x + 1) between experiments of different donors, a row an ordered pair and cluster.

    Args:
        measured: windows x experiments, with names.
        cluster: of the windows (n,), "" for none.
        sheet: one row an experiment in the order of the columns: track, cell_type, donor.
        drop_zeros: leave out the windows in which any experiment has 0, as the paper does.
        bootstrap: of the interval low, high.
    """
    import pandas as pd

    donor, cell_type, track = (sheet[name].to_numpy(dtype=object) for name in ("donor", "cell_type", "track"))
    a, b = _pairs(len(sheet))
    # Replicates of one donor say nothing of the differences between donors.
    a, b = a[donor[a] != donor[b]], b[donor[a] != donor[b]]
    kind = np.where(cell_type[a] == cell_type[b], "same cell type", "different cell types")
    parts = []
    for name in sorted(set(cluster) - {""}):
        values = measured.values[cluster == name]
        positive = (values != 0).all(axis=1) | (not drop_zeros)
        left_out("windows", int((~positive).sum()), len(values), "an experiment has 0 there (--drop-zeros)")
        values = log2p(values[positive])
        found = pearson_matrix(values)[a, b]
        low, high = interval(_resampled(values, a, b, str(name), bootstrap))
        known = np.isfinite(found)
        part = pd.DataFrame({"kind": kind, "cluster": name, "cell_type": cell_type[a], "other_cell_type": cell_type[b]})
        part = part.assign(
            track=track[a], other=track[b], donor=donor[a], other_donor=donor[b], n=len(values), pearson=found
        )
        parts.append(
            part.assign(
                reason=np.where(known, "", CONSTANT),
                low=np.where(known, low, np.nan),
                high=np.where(known, high, np.nan),
            )
        )
    return pd.concat(parts, ignore_index=True)
