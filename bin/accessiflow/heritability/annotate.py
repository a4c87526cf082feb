"""A peak set and its |SAD| splits -> annotation files of the panel's SNPs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.files import read_lines
from accessiflow.heritability.annotations import in_peaks, load_bims, write_thin
from accessiflow.heritability.splits import Split, absolute_sad, describe, sad_splits
from accessiflow.log import left_out
from accessiflow.scoring.lookup import open_scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PeakSet:
    """Peaks that become an annotation.

    Attributes:
        name: of the annotation. peaks: BED. chain: from the peaks' assembly to the panel's, where they differ.
    """

    name: str
    peaks: Path
    chain: Path | None = None


def annotate(
    bim: str, peak_set: PeakSet, scores: Sequence[Path], splits: Sequence[Split], output: str, separate: bool = False
) -> pd.DataFrame:
    """Write OUTPUT.{chrom}.annot.gz: the set and its splits; with the model of the scores named, the splits alone.

    Args:
        bim: PREFIX@ of the panel's .bim files. scores: sad.h5 files to split by; none: the set alone.
        splits: one a statistic, of one model. separate: one file set an annotation, COLUMN.{chrom}.annot.gz in the
            folder of OUTPUT.

    Returns:
        One row an annotation written (`splits.SPLIT_COLUMNS`).

    Raises:
        InputError: a file cannot be read, or no SNP of the panel has a score.
    """
    import pandas as pd

    bims = load_bims(bim)
    member = in_peaks(bims, peak_set.peaks, peak_set.chain)
    columns = {} if splits[0].model else {peak_set.name: member}
    described = [describe(peak_set.name, member, None, [], splits[0])]
    if scores:
        with open_scores(scores) as opened:
            for split in splits:
                values = absolute_sad(bims, opened, split)
                parts = sad_splits(member, values, peak_set.name, split)
                columns |= {part.name: part.flags for part in parts}
                described.append(describe(peak_set.name, member, values, parts, split).iloc[1:])
        # the scores are the same for every statistic: their gaps are counted once
        gaps = sum(int((np.isnan(values[c]) & (member[c] == 1)).sum()) for c in member)
        size = sum(int(flags.sum()) for flags in member.values())
        left_out("SNPs", gaps, size, "of the peak set, without a score: in no split")
    if separate:
        for column, flags in columns.items():
            write_thin(str(Path(output).parent / column), {column: flags})
    else:
        write_thin(output, columns)
    table = pd.concat(described, ignore_index=True) if len(described) > 1 else described[0]
    return table[table["annotation"].isin(list(columns))]


def read_track_list(path: Path | None) -> list[str]:
    """Names of tracks, one a line; none without a file."""
    return [] if path is None else read_lines(path)
