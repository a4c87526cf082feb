"""Models side by side on the same sites of allelic imbalance: DeLong's paired test of their AUROCs, group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.imbalance.evaluation import LabelledSites, Outcome, na_reason, read_labelled
from accessiflow.sheets import check_name
from accessiflow.statistics import benjamini_hochberg, delong_paired

if TYPE_CHECKING:
    import pandas as pd

PAIR_COLUMNS = [
    "group",
    "model_a",
    "model_b",
    "n",
    "n_positive",
    "auroc_a",
    "auroc_b",
    "difference",
    "low",
    "high",
    "z",
    "p",
    "q",
    "reason",
]


def named_files(items: Sequence[str]) -> dict[str, list[Path]]:
    """Score files by model from `NAME=FILE`, or `FILE` (named by its stem); a name given again adds to its model.

    Raises:
        InputError: a name is none, two files without a name share one, or there are fewer than two models.
    """
    models: dict[str, list[Path]] = {}
    for item in items:
        name, equals, file = item.partition("=")
        if not equals:
            name, file = Path(item).name.split(".")[0], item
            if name in models:
                raise InputError(
                    f"--scores {item}: a model {name} is there already: give each file a name, as NAME={item}"
                )
        models.setdefault(check_name(name, "model"), []).append(Path(file))
    if len(models) < 2:
        raise InputError(
            f"a comparison needs the scores of two models, found {', '.join(models) or 'none'}: "
            "give --scores NAME=FILE for each"
        )
    return models


def compare_files(
    calls: Path,
    models: Mapping[str, Sequence[Path]],
    track: str,
    peaks: Path | None,
    outcome: Outcome,
    fasta: Path | None = None,
) -> pd.DataFrame:
    """`compare` of the score files of each model on the sites of a table of calls."""
    sites = LabelledSites(read_labelled(calls, outcome), outcome, fasta)
    predicted = {model: sites.predicted(files, track) for model, files in models.items()}
    return compare(sites.truth, predicted, sites.groups(peaks), outcome)


def compare(
    labels: NDArray[np.bool_],
    predicted: Mapping[str, NDArray[np.float64]],
    groups: Mapping[str, NDArray[np.bool_]],
    outcome: Outcome,
) -> pd.DataFrame:
    """Each pair of models in each group, on the sites that both score (PAIR_COLUMNS); q over all rows that have a p.

    Args:
        labels: class of each site (n,), true for a positive.
        predicted: model -> prediction of each site (n,), NaN without a score.
        groups: name -> which sites are members (n,).
        outcome: what is predicted.
    """
    import pandas as pd

    rows = [
        _row(name, members, labels, (a, predicted[a]), (b, predicted[b]), outcome)
        for name, members in groups.items()
        for a, b in combinations(predicted, 2)
    ]
    table = pd.DataFrame(rows, columns=[column for column in PAIR_COLUMNS if column != "q"])
    return table.assign(q=benjamini_hochberg(table["p"].to_numpy(np.float64)))[PAIR_COLUMNS]


def _row(
    group: str,
    members: NDArray[np.bool_],
    labels: NDArray[np.bool_],
    first: tuple[str, NDArray[np.float64]],
    second: tuple[str, NDArray[np.float64]],
    outcome: Outcome,
) -> tuple[object, ...]:
    # A pair is compared on the sites that both models score.
    chosen = members & np.isfinite(first[1]) & np.isfinite(second[1])
    label = labels[chosen]
    pair = delong_paired(label, first[1][chosen], second[1][chosen])
    reason = na_reason(label, outcome)
    if not reason and np.isnan(pair.p):
        reason = "the difference has no variance: each model separates or reverses the classes without an exception"
    counts = int(chosen.sum()), int(label.sum())
    return (
        group,
        first[0],
        second[0],
        *counts,
        pair.first,
        pair.second,
        pair.difference,
        *pair.interval,
        pair.z,
        pair.p,
        reason,
    )
