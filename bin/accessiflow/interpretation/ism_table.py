"""ISM heights as a table of a size that a page can draw: some regions, some tracks, the middle of long regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from accessiflow.interpretation.ism_file import BASE_LETTERS, IsmFile
from accessiflow.statistics import evenly

if TYPE_CHECKING:
    import pandas as pd

ISM_COLUMNS = ["region", "chrom", "start", "base", "track", "height"]
UNKNOWN_BASE = "N"


def heights(ism_file: IsmFile, regions: int = 6, tracks: int = 6, bases: int = 400) -> pd.DataFrame:
    """Rows (region, base, track): start (0-based) of the base, its letter, and its height (see `ism_file`).

    Args:
        ism_file: the scores.
        regions, tracks: how many at most, evenly over their order.
        bases: of a longer region, so many at its middle.
    """
    import pandas as pd

    columns = evenly(len(ism_file.tracks), tracks)
    parts = []
    for number in evenly(len(ism_file.regions), regions):
        region = ism_file.regions[number]
        low = max(0, (region.end - region.start - bases) // 2)
        part = slice(low, low + bases)
        letters = np.array([*BASE_LETTERS, UNKNOWN_BASE])[ism_file.bases(region)[part]]
        for column in columns:
            found = ism_file.values(region, [column], "height")[part, 0]
            at = region.start + low + np.arange(len(letters))
            rows = pd.DataFrame({"start": at, "base": letters, "height": found})
            parts.append(rows.assign(region=number + 1, chrom=region.chrom, track=ism_file.tracks[column]))
    return pd.concat(parts, ignore_index=True)[ISM_COLUMNS] if parts else pd.DataFrame(columns=ISM_COLUMNS)
