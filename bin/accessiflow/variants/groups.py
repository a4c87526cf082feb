"""Groups of variants by where they fall: all, by cluster, by specificity bin, and outside the peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.peaks.matrix import column_at, specificity_labels

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peaks.matrix import PeakMatrix

ALL_SITES, OUTSIDE = "all", "no peak"


def site_groups(sites: pd.DataFrame, peaks: PeakMatrix | None) -> dict[str, NDArray[np.bool_]]:
    """Members (n,) of each group of variants, by its name.

    The groups are `all` and, where peaks are given, each `cluster:NAME`, each `specificity:BIN` and `no peak`.
    """
    groups = {ALL_SITES: np.ones(len(sites), bool)}
    if peaks is None:
        return groups
    chroms, positions = sites["chrom"].to_numpy(dtype=object), sites["pos"].to_numpy()
    bins = column_at(peaks, chroms, positions, "specificity_bin")
    if "cluster" in peaks.obs.columns:
        clusters = column_at(peaks, chroms, positions, "cluster")
        # by name, and also the clusters that no variant falls in: tables of several sets have the same rows
        groups |= {f"cluster:{name}": clusters == name for name in sorted(set(peaks.obs["cluster"].astype(str)))}
    groups |= {f"specificity:{name}": bins == name for name in specificity_labels(peaks)}
    return groups | {OUTSIDE: bins == ""}
