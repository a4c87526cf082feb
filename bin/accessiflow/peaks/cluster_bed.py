"""The user's clusters: which of them a peak bin, or another interval, lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.intervals import IntervalSet, read_bed
from accessiflow.log import left_out
from accessiflow.sheets import reads_as_missing

if TYPE_CHECKING:
    import pandas as pd


def clusters_of(sites: pd.DataFrame, bed: Path) -> NDArray[np.object_]:
    """Name (n,) of the cluster in which each site lies: that of the interval that holds its centre; "" for none.

    The centre is (start + end) // 2. Where intervals of several names hold it, the name that comes last in the file
    wins (by its first line). An interval without a name is of no cluster.

    Args:
        sites: chrom, start, end.

    Raises:
        InputError: the file is no BED, or a name is a word that tables take for a missing value.
    """
    out = np.full(len(sites), "", dtype=object)
    middle = ((sites["start"] + sites["end"]) // 2).to_numpy()
    given = read_bed(bed)
    check_names(given, bed)
    unnamed = int((given["name"] == "").sum())
    left_out("intervals", unnamed, len(given), "no cluster's name in column 4", source=bed.name)
    elsewhere = int((~given["chrom"].isin(set(sites["chrom"]))).sum())
    left_out("intervals", elsewhere, len(given), "on chromosomes without a window or peak bin", source=bed.name)
    for name, members in given[given["name"] != ""].groupby("name", sort=False):
        index = IntervalSet(members)
        for chrom, at in sites.groupby("chrom", sort=False).indices.items():
            out[at[index.contains(str(chrom), middle[at])]] = str(name)
    return out


def check_names(intervals: pd.DataFrame, bed: Path) -> None:
    """Check the names of clusters.

    Raises:
        InputError: one is a word that tables take for a missing value.
    """
    wrong = next((name for name in intervals["name"].unique() if reads_as_missing(str(name))), None)
    if wrong is not None:
        raise InputError(f"names a cluster {wrong!r}, which is read as a missing value in tables: rename it", bed)
