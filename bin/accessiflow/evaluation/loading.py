"""The windows that a metric is computed on, from the files on its command line.

Heavy modules are imported when a file is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.errors import InputError

if TYPE_CHECKING:
    from accessiflow.evaluation.inputs import EvaluatedWindows

NO_SITES = "does not say where its windows are (chrom, start, end): "


@dataclass(frozen=True)
class EvaluationInputs:
    """Files of predictions and measurement, and what says which windows are peaks.

    Attributes:
        predictions, targets: windows x tracks, in any kind of file that `readers` knows.
        peaks: peaks.h5ad.
        is_peak: flags of the windows, instead of `peaks`.
        clusters: BED of clusters that replace those of `peaks`.
        tracks: the tracks sheet.
        edges: lower edges of the specificity bins, comma-separated; "": those of `peaks`.
    """

    predictions: Path
    targets: Path
    peaks: Path | None = None
    is_peak: Path | None = None
    tracks: Path | None = None
    clusters: Path | None = None
    edges: str = ""


def track_names(sheet: Path | None) -> list[str]:
    """Names of the tracks of a sheet, for files without names; none without a sheet."""
    from accessiflow.sheets import read_tracks

    return [] if sheet is None else list(read_tracks(sheet)["track"])


def flagged(inputs: EvaluationInputs) -> EvaluatedWindows:
    """The windows with the peaks of --peaks or --is-peak.

    Raises:
        InputError: not exactly one of the two is given, or the files do not agree.
    """
    from accessiflow.evaluation.inputs import load
    from accessiflow.peaks.specificity import parse_edges

    edges = parse_edges(inputs.edges) or None
    return load(inputs.predictions, inputs.targets, inputs.peaks, inputs.is_peak, edges, track_names(inputs.tracks))


def clustered(inputs: EvaluationInputs) -> EvaluatedWindows:
    """The windows with the clusters of --clusters, else of --peaks, and the cell types of the sheet.

    Raises:
        InputError: no window lies in a cluster, or the files do not agree.
    """
    from accessiflow.evaluation.clusters import assign_clusters, load_clustered
    from accessiflow.evaluation.sets import cluster_names

    if inputs.clusters is not None:
        names = track_names(inputs.tracks)
        windows = assign_clusters(load_clustered(inputs.predictions, inputs.targets, names), inputs.clusters)
    else:
        windows = flagged(inputs)
    if not cluster_names(windows):
        raise InputError("no test window lies in a cluster: do the windows and the clusters have the same chromosomes?")
    return _described(windows, inputs.tracks)


def flagged_or_clustered(inputs: EvaluationInputs) -> EvaluatedWindows:
    """The windows with the peaks of --peaks or --is-peak, where given, and the clusters of --clusters or --peaks.

    Raises:
        InputError: as `flagged` and `clustered`, or there are no coordinates to assign clusters by.
    """
    from accessiflow.evaluation.clusters import assign_clusters

    if inputs.peaks is None and inputs.is_peak is None:
        return clustered(inputs)
    windows = _described(flagged(inputs), inputs.tracks)
    if inputs.clusters is None:
        return windows
    require_sites(windows, "no clusters can be assigned", inputs.predictions)
    return assign_clusters(windows, inputs.clusters)


def labelled(inputs: EvaluationInputs) -> EvaluatedWindows:
    """The windows whose measurement is their peak labels."""
    from dataclasses import replace

    return flagged(replace(inputs, is_peak=inputs.targets))


def require_sites(windows: EvaluatedWindows, consequence: str, source: Path) -> None:
    """Refuse windows without coordinates.

    Args:
        consequence: what cannot be done without them.
        source: the file that lacks them.
    """
    if windows.sites is None:
        raise InputError(f"{NO_SITES}{consequence}", source)


def _described(windows: EvaluatedWindows, sheet: Path | None) -> EvaluatedWindows:
    """The windows with the cell types and groups of the tracks sheet, where one is given."""
    from accessiflow.evaluation.sets import with_cell_types
    from accessiflow.sheets import read_tracks

    return windows if sheet is None else with_cell_types(windows, read_tracks(sheet))
