"""Each measure over its tracks, tissues or cell types: mean with its interval, median and quartiles.

A page that shows hundreds of tracks draws these, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.evaluation.variant_effects import read_eqtls, read_imbalance
from accessiflow.results import Results
from accessiflow.variants.groups import ALL_SITES

if TYPE_CHECKING:
    import pandas as pd

EVALUATION_FOLDER = "evaluation"
SUMMARY_KEYS = ["measure", "model", "group", "within"]
SUMMARY_QUANTILES = {"minimum": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "maximum": 1.0}
SUMMARY_COLUMNS = [*SUMMARY_KEYS, "over", "n", "n_lacking", "mean", "low", "high", *SUMMARY_QUANTILES, "reason"]


class SummedMeasure(NamedTuple):
    """A column of a metric's tables that is summed up.

    Attributes:
        name: of the measure.
        ending: of the tables M.ending.tsv.
        group: the column whose values are kept apart.
        value: the column that is summed up.
        within: a second column that is kept apart; "": none.
    """

    name: str
    ending: str
    group: str
    value: str = "pearson"
    within: str = ""


SUMMED = (
    SummedMeasure("specificity", ".specificity.tsv", "bin"),
    SummedMeasure("clusters", ".clusters.tsv", "cluster"),
    SummedMeasure("tss_distance", ".tss_distance.tsv", "distance_bin", within="bin"),
    SummedMeasure("height_matched", ".height_matched.tsv", "set"),
    SummedMeasure("fnr", ".errors.tsv", "region", "fnr"),
    SummedMeasure("fpr", ".errors.tsv", "region", "fpr"),
    SummedMeasure("replicates", ".replicates.tsv", "cluster", "cv_median"),
)


def collect(results: Results) -> pd.DataFrame:
    """Every value that is summed up: measure, model (M, a replicate), group, within, over (what it is over), value."""
    import pandas as pd

    parts = [part[[*SUMMARY_KEYS, "over", "value"]] for part in _parts(results)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*SUMMARY_KEYS, "over", "value"])


def summary(values: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Rows (measure, model, group, within): SUMMARY_COLUMNS, in order of appearance.

    low and high are the 95 % interval of the mean by resampling what it is over; models share their resamples.
    """
    import pandas as pd

    rows = []
    for keys, part in values.groupby([*SUMMARY_KEYS, "over"], sort=False):
        measure, _model, group, within, _over = keys
        known = part["value"].dropna().to_numpy(np.float64)
        figures = [np.nan] * (3 + len(SUMMARY_QUANTILES))
        if len(known):
            low, high = interval(bootstrap.mean(f"{measure} {group} {within}", known)[:, None])
            figures = [known.mean(), low[0], high[0], *np.quantile(known, list(SUMMARY_QUANTILES.values()))]
        reason = "" if len(known) > 1 else "one value: no interval" if len(known) else "no value"
        rows.append([*keys, len(known), len(part) - len(known), *figures, reason])
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _parts(results: Results) -> Iterator[pd.DataFrame]:
    compared = results.table(f"{EVALUATION_FOLDER}/comparison.tsv")
    if compared is not None:
        shown = compared[compared["grouping"].isin(["all", "specific"])]
        yield shown.assign(
            measure="windows", model=_replicate_names(shown), within="", over="tracks", value=shown["pearson"]
        )
    for measure in SUMMED:
        table = results.tables(EVALUATION_FOLDER, measure.ending, [measure.group])
        if table is not None and measure.value in table:
            within = table[measure.within].astype(str) if measure.within else ""
            yield table.assign(
                measure=measure.name, model=table["file"], group=table[measure.group].astype(str), within=within,
                over="tracks", value=table[measure.value],
            )  # fmt: skip
    for measure, kind in (("eqtl", "classification"), ("eqtl_direction", "direction")):
        table = read_eqtls(results, kind)
        if table is not None:
            yield table.assign(measure=measure, group=table["bin"], within="", over="tissues", value=table["auroc"])
    sites = read_imbalance(results)
    if sites is not None:
        sites = sites[sites["group"] == ALL_SITES]
        yield sites.assign(measure="imbalance", within="", over="cell types", value=sites["auroc"])


def _replicate_names(compared: pd.DataFrame) -> list[str]:
    """Names of the replicates as their tables have them: MODEL, or MODEL.rN where there are several."""
    several = compared.groupby("model")["replicate"].transform("nunique") > 1
    return [
        f"{model}.r{replicate}" if more else str(model)
        for model, replicate, more in zip(compared["model"], compared["replicate"], several, strict=True)
    ]
