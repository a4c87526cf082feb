"""Tables beside the main one: curves, each track alone, and the distributions of distances and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.statistics import Auroc, delong, pooled
from accessiflow.variants.groups import OUTSIDE

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.eqtl.forest import Fold

CURVE_POINTS = 201
CURVE_COLUMNS = ["tissue", "bin", "curve", "x", "y"]
TRACK_COLUMNS = ["tissue", "bin", "track", "n_positive", "n_negative", "auroc", "auroc_low", "auroc_high", "reason"]
QUANTILES = {"min": 0.0, "q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "max": 1.0}
DISTRIBUTION_COLUMNS = ["tissue", "bin", "variants", "quantity", "n", "n_unknown", "mean", *QUANTILES]


def curve_points(folds: list[Fold], tissue: str, label: str) -> pd.DataFrame:
    """Points of the ROC and PR curves of the predictions of all test folds together.

    ROC: x the false, y the true positive rate. PR: x recall, y precision.
    """
    import pandas as pd
    from sklearn.metrics import precision_recall_curve, roc_curve

    labels, scores = (np.concatenate(part) for part in zip(*folds, strict=True))
    false_rate, true_rate, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    parts = []
    for name, x, y in (("roc", false_rate, true_rate), ("pr", recall[::-1], precision[::-1])):
        # So many points draw the same line as all.
        at = np.unique(np.linspace(0, len(x) - 1, min(len(x), CURVE_POINTS)).round().astype(int))
        parts.append(pd.DataFrame({"tissue": tissue, "bin": label, "curve": name, "x": x[at], "y": y[at]}))
    return pd.concat(parts, ignore_index=True)


def track_areas(values: NDArray[np.float32], labels: NDArray[np.bool_], signed: bool) -> list[Auroc]:
    """AUROC (F,) of each track alone, by its score or (not signed) the score's absolute value, of scores (n, F)."""
    scores = values if signed else np.abs(values)
    return [delong(labels, column) for column in scores.T]


def track_table(
    tissue: str,
    label: str,
    tracks: Sequence[str],
    labels: NDArray[np.bool_],
    repeats: Sequence[list[Auroc]],
    reason: str,
) -> pd.DataFrame:
    """One row a track (TRACK_COLUMNS) from its areas in each repeat; NA with the reason where there is none."""
    import pandas as pd

    areas = (
        [pooled(areas) for areas in zip(*repeats, strict=True)] if repeats else [Auroc(np.nan, np.nan)] * len(tracks)
    )
    intervals = np.array([area.interval for area in areas])
    n = int(labels.sum())
    return pd.DataFrame(
        {"tissue": tissue, "bin": label, "track": tracks, "n_positive": n, "n_negative": len(labels) - n}
        | {
            "auroc": [area.value for area in areas],
            "auroc_low": intervals[:, 0],
            "auroc_high": intervals[:, 1],
            "reason": reason,
        }
    )


def distributions(tissue: str, classes: Mapping[str, pd.DataFrame], bins: Sequence[str]) -> pd.DataFrame:
    """Quantiles of tss_distance (bp) and |beta| of the scored variants of each class in each bin and outside the peaks.

    Args:
        classes: name -> variants with the column bin ("" outside the peaks).
    """
    import pandas as pd

    rows = [
        [tissue, label or OUTSIDE, name, quantity, *_summary(table.loc[table["bin"] == label], column)]
        for label in [*bins, ""]
        for name, table in classes.items()
        for quantity, column in (("tss_distance", "tss_distance"), ("abs_beta", "beta"))
    ]
    return pd.DataFrame(rows, columns=DISTRIBUTION_COLUMNS)


def median(table: pd.DataFrame, column: str) -> float:
    """Median of the known absolute values of a column; NaN without any."""
    values = _known(table, column)
    return float(np.median(values)) if len(values) else np.nan


def _summary(table: pd.DataFrame, column: str) -> list[float]:
    values = _known(table, column)
    if len(values) == 0:
        return [0, len(table), *[np.nan] * (1 + len(QUANTILES))]
    return [
        len(values),
        len(table) - len(values),
        float(values.mean()),
        *np.quantile(values, list(QUANTILES.values())).tolist(),
    ]


def _known(table: pd.DataFrame, column: str) -> NDArray[np.float64]:
    values = np.abs(table[column].to_numpy(np.float64)) if column in table.columns else np.empty(0)
    return values[np.isfinite(values)]
