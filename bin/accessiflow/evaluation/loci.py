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
    parts, peaks = [], []
    for column in np.linspace(0, len(windows.tracks) - 1, min(number, len(windows.tracks))).round().astype(int):
        for rule, centre, quality in _choose(windows, int(column)):
            chrom, start, end = windows.sites.loc[centre, ["chrom", "start", "end"]]
            peaks.append((chrom, start, end, f"{windows.tracks[column]}:{rule}"))
            around = _around(windows.sites, centre)
            for shown in range(len(windows.tracks)):
                part = windows.sites.iloc[around].assign(
                    track=windows.tracks[shown],
                    measured=windows.targets[around, shown],
                    predicted=windows.predictions[around, shown],
                )
                parts.append(part.assign(locus=f"{windows.tracks[column]}:{rule}", rule=rule, pearson=quality))
    columns = ["locus", "rule", "track", "chrom", "start", "end", "pearson", "measured", "predicted"]
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    return Loci(table, pd.DataFrame(peaks, columns=["#chrom", "start", "end", "name"]))


def _choose(windows: EvaluatedWindows, column: int) -> list[tuple[str, int, float]]:
    specific = np.flatnonzero(windows.is_peak[:, column] & (windows.specificity == windows.labels[0]))
    # The figure is to show peaks: the highest ones only.
    specific = specific[np.argsort(-windows.targets[specific, column], kind="stable")][:HIGHEST]
    quality = np.array([_quality(windows, i, column) for i in specific])
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
        chosen.append(("ubiquitous", top, _quality(windows, top, column)))
    return chosen


def _quality(windows: EvaluatedWindows, row: int, column: int) -> float:
    assert windows.sites is not None
    around = _around(windows.sites, row)
    return pearson_log2(windows.predictions[around, column], windows.targets[around, column])


def _around(sites: pd.DataFrame, row: int) -> NDArray[np.int64]:
    """Rows of the windows within the flank of one, sorted by start."""
    start, chrom = sites["start"].to_numpy(), sites["chrom"].to_numpy()
    found = np.flatnonzero((chrom == chrom[row]) & (np.abs(start - start[row]) <= LOCUS_FLANK))
    return found[np.argsort(start[found], kind="stable")]
