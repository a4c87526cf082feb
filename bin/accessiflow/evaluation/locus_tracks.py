"""Which tracks stand in the table of example loci: of hundreds, some."""

from __future__ import annotations

from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.loci import Loci, example_loci
from accessiflow.statistics import evenly


def at_loci(windows: EvaluatedWindows, number: int = 3, shown: int = 24) -> Loci:
    """The loci of `example_loci`; of more than `shown` tracks as many at each locus: its own, and others evenly.

    Args:
        windows: with coordinates.
        number: how many tracks loci are chosen for.
        shown: how many tracks stand in the table at each locus, evenly over their order.
    """
    found = example_loci(windows, number)
    if len(windows.tracks) <= shown:
        return found
    table = found.table
    owner = table["locus"].str.rpartition(":")[0]
    kept = {name: _shown(windows.tracks, name, shown) for name in set(owner)}
    chosen = [track in kept[name] for track, name in zip(table["track"], owner, strict=True)]
    return found._replace(table=table[chosen].reset_index(drop=True))


def _shown(tracks: list[str], own: str, shown: int) -> set[str]:
    others = [track for track in tracks if track != own]
    return {own, *(others[i] for i in evenly(len(others), shown - 1))}
