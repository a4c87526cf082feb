"""Example loci by rule: of each track the best, median and worst predicted specific peak, and a ubiquitous one.

A peak's quality is the Pearson R of log2(x + 1) between prediction and measurement over the windows of +-4 kb around
it; specific means the lowest specificity bin of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.evaluation.accuracy import pearson_log2
from accessiflow.evaluation.inputs import EvaluatedWindows

if TYPE_CHECKING:
    import pandas as pd

LOCUS_FLANK = 4000  # bp either side of the peak
HIGHEST = 200  # specific peaks of a track, by measured height, that the rule chooses from


class Loci(NamedTuple):
    """Example loci, and the peaks that they are chosen by: BED with the locus as name."""

    table: pd.DataFrame
    peaks: pd.DataFrame


def example_loci(windows: EvaluatedWindows, number: int = 3) -> Loci:
    """Measured and predicted values of every track around each locus, a row a window and track; and the peaks.

    Args:
        windows: with coordinates.
        number: how many tracks loci are chosen for, evenly over their order.
    """
    import pandas as pd

    assert windows.sites is not None
    near, parts, peaks = _Neighbours(windows.sites), [], []
    for column in np.linspace(0, len(windows.tracks) - 1, min(number, len(windows.tracks))).round().astype(int):
        for rule, centre, quality in _choose(windows, near, int(column)):
            chrom, start, end = windows.sites.loc[centre, ["chrom", "start", "end"]]
            peaks.append((chrom, start, end, f"{windows.tracks[column]}:{rule}"))
            part = _every_track(windows, near.around(centre))
            parts.append(part.assign(locus=f"{windows.tracks[column]}:{rule}", rule=rule, pearson=quality))
    columns = ["locus", "rule", "track", "chrom", "start", "end", "pearson", "measured", "predicted"]
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    return Loci(table, pd.DataFrame(peaks, columns=["#chrom", "start", "end", "name"]))


class _Neighbours:
    """Which windows lie within the flank of one: sorted once, found by bisection."""

    def __init__(self, sites: pd.DataFrame) -> None:
        self._start, self._chrom = sites["start"].to_numpy(), sites["chrom"].to_numpy()
        by_chrom = sites.groupby("chrom", sort=False).indices.items()
        self._rows = {name: rows[np.argsort(self._start[rows], kind="stable")] for name, rows in by_chrom}
        self._starts = {name: self._start[rows] for name, rows in self._rows.items()}

    def around(self, row: int) -> NDArray[np.int64]:
        """Rows of the windows within the flank of one, sorted by start."""
        chrom, start = self._chrom[row], self._start[row]
        low = np.searchsorted(self._starts[chrom], start - LOCUS_FLANK, "left")
        high = np.searchsorted(self._starts[chrom], start + LOCUS_FLANK, "right")
        return self._rows[chrom][low:high]


def _every_track(windows: EvaluatedWindows, around: NDArray[np.int64]) -> pd.DataFrame:
    """Sites, track, measured and predicted of some windows in all tracks, track by track."""

    assert windows.sites is not None
    tracks, n = len(windows.tracks), len(around)
    repeated = windows.sites.iloc[np.tile(around, tracks)].reset_index(drop=True)
    return repeated.assign(
        track=np.repeat(np.array(windows.tracks, dtype=object), n),
        measured=windows.targets[around].T.ravel(),
        predicted=windows.predictions[around].T.ravel(),
    )


def _choose(windows: EvaluatedWindows, near: _Neighbours, column: int) -> list[tuple[str, int, float]]:
    specific = np.flatnonzero(windows.is_peak[:, column] & (windows.specificity == windows.labels[0]))
    # The figure is to show peaks: the highest ones only.
    specific = specific[np.argsort(-windows.targets[specific, column], kind="stable")][:HIGHEST]
    quality = np.array([_quality(windows, near.around(i), column) for i in specific])
    specific, quality = specific[np.isfinite(quality)], quality[np.isfinite(quality)]
    chosen = []
    if len(specific):
        order = np.argsort(-quality, kind="stable")
        chosen = [
            (rule, int(specific[order[at]]), float(quality[order[at]]))
            for rule, at in (("best", 0), ("median", len(order) // 2), ("worst", -1))
        ]
    common = np.flatnonzero(windows.is_peak[:, column] & (windows.cluster == "ubiquitous"))
    if len(common):
        top = int(common[np.argmax(windows.targets[common, column])])
        chosen.append(("ubiquitous", top, _quality(windows, near.around(top), column)))
    return chosen


def _quality(windows: EvaluatedWindows, around: NDArray[np.int64], column: int) -> float:
    return pearson_log2(windows.predictions[around, column], windows.targets[around, column])
