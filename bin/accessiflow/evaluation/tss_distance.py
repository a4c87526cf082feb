"""Accuracy by distance to the nearest TSS, within and over the specificity bins (Kathail et al. 2024, Fig. S4).

Pearson of log2(x + 1) over a track's peaks in each pair of distance and specificity bin; between distance bins a
one-sided Mann-Whitney test over the tracks (nearer greater), Benjamini-Hochberg over all pairs of all specificity bins.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import NO_BOOTSTRAP, Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation.accuracy import pearson_log2, resampled, too_few
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.genes import nearest_distance, read_tss
from accessiflow.intervals import count_elsewhere, split_list
from accessiflow.log import left_out
from accessiflow.statistics import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

ALL_BINS = "all"  # the peaks of every specificity bin
TERTILES = "tertiles"


class ByDistance(NamedTuple):
    """Accuracy by distance, and the tests between the distance bins."""

    table: pd.DataFrame
    tests: pd.DataFrame


def of_genes(
    windows: EvaluatedWindows,
    genes: Path,
    distance_edges: str,
    min_track_peaks: int,
    min_bin_peaks: int,
    min_all_peaks: int,
    bootstrap: Bootstrap,
) -> ByDistance:
    """`by_distance` to the genes of a file, and `compare` of it.

    Raises:
        InputError: as `distances_to` and `parse_distance_edges`.
    """
    distance = distances_to(windows, genes)
    edges = parse_distance_edges(distance_edges, distance[windows.n_tracks > 0])
    table = by_distance(windows, distance, edges, min_track_peaks, min_bin_peaks, min_all_peaks, bootstrap)
    return ByDistance(table, compare(table))


def distances_to(windows: EvaluatedWindows, genes: Path) -> NDArray[np.float64]:
    """Distance (n,) in bp of each window, which have coordinates, to the nearest TSS of a file; NaN without any.

    Raises:
        InputError: no gene is on a chromosome of the windows.
    """
    assert windows.sites is not None
    tss = read_tss(genes)
    count_elsewhere(tss, set(windows.sites["chrom"]), genes, "genes")
    distance = distances(windows.sites, tss)
    if not np.isfinite(distance).any():
        raise InputError("has no gene on a chromosome of the windows", genes)
    return distance


def parse_distance_edges(text: str, distance: NDArray[np.float64]) -> list[float]:
    """Edges of the distance bins in bp: integers, comma-separated, or the tertiles of the distances (n,).

    Raises:
        InputError: something else stands there.
    """
    if text == TERTILES:
        # Whole base pairs, as edges are written.
        return np.floor(np.nanpercentile(distance, [33, 67])).tolist()
    items = split_list(text)
    if not all(item.isdigit() for item in items):
        raise InputError(f"--distance-edges {text}: expected integers, comma-separated, or {TERTILES}")
    return sorted(float(item) for item in items)


def distances(sites: pd.DataFrame, tss: pd.DataFrame) -> NDArray[np.float64]:
    """Distance (n,) of each window to the nearest TSS of its chromosome in bp; NaN without any.

    Args:
        tss: chrom, position.
    """
    out = np.full(len(sites), np.nan)
    positions = {str(chrom): np.sort(rows["position"].to_numpy()) for chrom, rows in tss.groupby("chrom")}
    for chrom, at in sites.groupby("chrom", sort=False).indices.items():
        start, end = sites["start"].to_numpy()[at], sites["end"].to_numpy()[at]
        out[at] = nearest_distance(start, end, positions.get(str(chrom), np.empty(0, np.int64)))
    return out


def by_distance(
    windows: EvaluatedWindows,
    distance: NDArray[np.float64],
    edges: Sequence[float],
    min_track_peaks: int,
    min_cell_peaks: int,
    min_all_peaks: int,
    bootstrap: Bootstrap = NO_BOOTSTRAP,
) -> pd.DataFrame:
    """Rows (track, distance_bin, bin): n, pearson, reason, low, high; bin `all` takes every peak of the track.

    Args:
        windows: predictions and targets of n windows.
        distance: of each window (n,) in bp; NaN where it has none.
        edges: upper edges of all distance bins but the last.
        min_track_peaks, min_cell_peaks, min_all_peaks: a track, a cell, an `all` cell needs more peaks than this.
    """
    import pandas as pd

    names = distance_labels(edges)
    which = np.searchsorted(np.asarray(edges), distance, side="right")
    # A window without a TSS on its chromosome is in no distance bin.
    own = windows.is_peak & np.isfinite(distance)[:, None]
    peaks = windows.is_peak.any(axis=1)
    unplaced = int((peaks & np.isnan(distance)).sum())
    left_out("peak windows", unplaced, int(peaks.sum()), "no TSS on their chromosome: in no distance bin")
    cells = {
        (label, name): (which == number) & ((windows.specificity == label) | (label == ALL_BINS))
        for label in (ALL_BINS, *windows.labels)
        for number, name in enumerate(names)
    }
    limits = {
        cell: interval(resampled(windows, own & rows[:, None], " ".join(cell), bootstrap))
        for cell, rows in cells.items()
    }
    rows = []
    for column, track in enumerate(windows.tracks):
        peaks = np.flatnonzero(own[:, column])
        total = len(peaks)
        for (label, name), inside in cells.items():
            chosen = peaks[inside[peaks]]
            n = len(chosen)
            reason = too_few(total, n, min_track_peaks, min_all_peaks if label == ALL_BINS else min_cell_peaks)
            value = np.nan
            if not reason:
                value = pearson_log2(windows.predictions[chosen, column], windows.targets[chosen, column])
                reason = "constant values" if np.isnan(value) else ""
            low, high = (np.nan if reason else side[column] for side in limits[label, name])
            rows.append((track, name, label, n, value, reason, low, high))
    return pd.DataFrame(rows, columns=["track", "distance_bin", "bin", "n", "pearson", "reason", "low", "high"])


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """Rows (bin, near, far): whether tracks do better in the nearer distance bin: n_near, n_far, u, p, q, reason."""
    import pandas as pd
    from scipy.stats import mannwhitneyu

    rows = []
    for label, cells in table.groupby("bin", sort=False):
        values = {name: part["pearson"].dropna().to_numpy() for name, part in cells.groupby("distance_bin", sort=False)}
        for near, far in combinations(values, 2):
            sizes = len(values[near]), len(values[far])
            test, reason = (np.nan, np.nan), "no track has a value in one of them"
            if min(sizes):
                test, reason = mannwhitneyu(values[near], values[far], alternative="greater"), ""
            rows.append((label, near, far, *sizes, *test, reason))
    out = pd.DataFrame(rows, columns=["bin", "near", "far", "n_near", "n_far", "u", "p", "reason"])
    out.insert(7, "q", benjamini_hochberg(out["p"].to_numpy(np.float64)))
    return out


def distance_labels(edges: Sequence[float]) -> list[str]:
    """`0-8851`, `8851-34701`, `34701-inf`."""
    cuts = ["0", *(f"{edge:g}" if edge % 1 else str(int(edge)) for edge in edges), "inf"]
    return [f"{low}-{high}" for low, high in pairwise(cuts)]
