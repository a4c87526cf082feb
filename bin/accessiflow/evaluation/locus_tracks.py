"""Which tracks stand in the table of example loci: of hundreds, some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.loci import example_loci
from accessiflow.statistics import evenly

if TYPE_CHECKING:
    import pandas as pd


def at_loci(windows: EvaluatedWindows, number: int = 3, shown: int = 24) -> pd.DataFrame:
    """The table of `example_loci`; of more than `shown` tracks as many at each locus: its own, and others evenly.

    Args:
        windows: with coordinates.
        number: how many tracks loci are chosen for.
        shown: how many tracks stand in the table at each locus, evenly over their order.
    """
    table = example_loci(windows, number)
    if len(windows.tracks) <= shown:
        return table
    owner = table["locus"].str.rpartition(":")[0]
    kept = {name: _shown(windows.tracks, name, shown) for name in set(owner)}
    chosen = [track in kept[name] for track, name in zip(table["track"], owner, strict=True)]
    return table[chosen].reset_index(drop=True)


def _shown(tracks: list[str], own: str, shown: int) -> set[str]:
    others = [track for track in tracks if track != own]
    return {own, *(others[i] for i in evenly(len(others), shown - 1))}
