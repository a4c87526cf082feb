"""Groups of variants by where they fall: all, by cluster, by specificity bin, and outside the peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.peaks.matrix import column_at, specificity_labels

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peaks.matrix import PeakMatrix

ALL, OUTSIDE = "all", "no peak"


def site_groups(sites: pd.DataFrame, peaks: PeakMatrix | None) -> dict[str, NDArray[np.bool_]]:
    """Name -> members (n,) of `all` and, where peaks are given, of each `cluster:NAME`, each `specificity:BIN` and `no peak`."""
    groups = {ALL: np.ones(len(sites), bool)}
    if peaks is None:
        return groups
    where = sites["chrom"].to_numpy(dtype=object), sites["pos"].to_numpy()
    bins = column_at(peaks, *where, "specificity_bin")
    if "cluster" in peaks.obs.columns:
        clusters = column_at(peaks, *where, "cluster")
        groups |= {f"cluster:{name}": clusters == name for name in sorted(set(peaks.obs["cluster"].astype(str)))}
    groups |= {f"specificity:{name}": bins == name for name in specificity_labels(peaks)}
    return groups | {OUTSIDE: bins == ""}
