"""Measured against predicted accessibility, window by window, counted on a grid (Kathail et al. 2024, Fig. 3B)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.sets import specific_windows, ubiquitous_windows
from accessiflow.statistics import evenly, log2p, pearson

if TYPE_CHECKING:
    import pandas as pd

DENSITY_COLUMNS = ["track", "set", "measured", "predicted", "width", "n", "n_windows", "pearson"]


def of_tracks(windows: EvaluatedWindows, number: int = 3, cells: int = 20) -> pd.DataFrame:
    """Rows (track, set, cell of the grid that holds a window): how many windows lie in it.

    measured and predicted are the lower edges of a cell in log2(x + 1), width its size, the same on both axes and for
    all sets of a track; n_windows and pearson are those of the whole set (specific, ubiquitous, all).

    Args:
        number: how many tracks, evenly over their order.
        cells: of the grid along each axis.
    """
    import pandas as pd

    own, common = specific_windows(windows), ubiquitous_windows(windows)
    parts = []
    for column in evenly(len(windows.tracks), number):
        x, y = log2p(windows.targets[:, column]), log2p(windows.predictions[:, column])
        top = max(float(x.max(initial=0)), float(y.max(initial=0)))
        width = top / cells or 1.0
        places = [np.minimum((values / width).astype(np.int64), cells - 1) for values in (x, y)]
        every = np.ones(len(x), bool)
        for name, chosen in (("specific", own[:, column]), ("ubiquitous", common[:, column]), ("all", every)):
            part = _counted(places[0][chosen], places[1][chosen], cells, width)
            found = pearson(x[chosen], y[chosen])
            parts.append(
                part.assign(track=windows.tracks[column], set=name, n_windows=int(chosen.sum()), pearson=found)
            )
    return pd.concat(parts, ignore_index=True)[DENSITY_COLUMNS] if parts else pd.DataFrame(columns=DENSITY_COLUMNS)


def _counted(x: NDArray[np.int64], y: NDArray[np.int64], cells: int, width: float) -> pd.DataFrame:
    """The cells that hold a window, with their lower edges."""
    import pandas as pd

    counts = np.bincount(x * cells + y, minlength=cells * cells)
    held = np.flatnonzero(counts)
    return pd.DataFrame(
        {"measured": held // cells * width, "predicted": held % cells * width, "width": width, "n": counts[held]}
    )
