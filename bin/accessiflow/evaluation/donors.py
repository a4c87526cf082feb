"""Correlation between donors, from files: the experiments of a tracks sheet and the clusters of their windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation.cell_types import between_donors
from accessiflow.evaluation.readers import Matrix, read_matrix
from accessiflow.log import left_out
from accessiflow.peaks.cluster_bed import clusters_of
from accessiflow.sheets import read_sheet

if TYPE_CHECKING:
    import pandas as pd


def of_files(
    targets: Path, tracks: Path, peaks: Path | None, clusters: Path | None, drop_zeros: bool, bootstrap: Bootstrap
) -> pd.DataFrame:
    """`between_donors` of the measurements in a file.

    Raises:
        InputError: as `experiments` and `window_clusters`.
    """
    names = list(read_sheet("tracks", tracks)["track"])
    measured, sheet = experiments(read_matrix(targets).named(names), tracks, targets)
    return between_donors(measured, window_clusters(measured, peaks, clusters, targets), sheet, drop_zeros, bootstrap)


class Experiments(NamedTuple):
    """Measurements of experiments.

    Attributes:
        measured: windows x experiments.
        sheet: track, cell_type and donor of each, in the order of the columns.
    """

    measured: Matrix
    sheet: pd.DataFrame


def experiments(measured: Matrix, sheet: Path, source: Path) -> Experiments:
    """The columns that the sheet names, in the order of the file, each with its row (track, cell_type, donor).

    Raises:
        InputError: fewer than two donors, or no column of the sheet's tracks.
    """
    table = read_sheet("tracks", sheet)
    # A track without a donor is no experiment of one.
    every = len(table)
    table = table[table["donor"].fillna("") != ""] if "donor" in table else table.iloc[:0]
    left_out("tracks", every - len(table), every, "without a donor in the sheet", source=sheet.name)
    if table["track"].size == 0 or table["donor"].nunique() < 2:
        raise InputError("names fewer than two donors: fill its column donor", sheet)
    row_of = {track: at for at, track in enumerate(table["track"])}
    columns = [i for i, name in enumerate(measured.tracks or []) if name in row_of]
    if not columns:
        raise InputError(f"has no track of {sheet.name} that has a donor ({', '.join(list(row_of)[:5])}...)", source)
    chosen = [(measured.tracks or [])[i] for i in columns]
    named = len(measured.tracks or [])
    left_out("tracks", named - len(chosen), named, "of no donor of the sheet", source=source.name)
    left_out("tracks", len(row_of) - len(chosen), len(row_of), "of the sheet, not measured", source=sheet.name)
    rows = table.iloc[[row_of[name] for name in chosen]].reset_index(drop=True)
    chosen_columns = replace(measured, values=measured.values[:, columns], tracks=chosen)
    return Experiments(chosen_columns, rows[["track", "cell_type", "donor"]])


def window_clusters(measured: Matrix, peaks: Path | None, clusters: Path | None, source: Path) -> NDArray[np.object_]:
    """Cluster (n,) of each window: from the BED, or of the peak bin that holds its centre.

    Raises:
        InputError: neither or both are given, no coordinates, or no window in a cluster.
    """
    if (peaks is None) == (clusters is None):
        raise InputError("needs either --peaks or --clusters")
    if measured.sites is None:
        raise InputError("does not say where its windows are (chrom, start, end)", source)
    if clusters is not None:
        out = clusters_of(measured.sites, clusters)
    else:
        from accessiflow.peaks.matrix import column_at, read_peak_rows

        middle = ((measured.sites["start"] + measured.sites["end"]) // 2).to_numpy()
        chroms = measured.sites["chrom"].to_numpy(dtype=object)
        out = column_at(read_peak_rows(peaks), chroms, middle + 1, "cluster")  # type: ignore[arg-type]
    left_out("windows", int((out == "").sum()), len(out), "in no cluster")
    if not (out != "").any():
        raise InputError(
            "no window lies in a cluster: do the windows and the clusters have the same chromosomes?", source
        )
    return out
