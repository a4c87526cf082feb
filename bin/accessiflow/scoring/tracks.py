"""Scores of variants in chosen tracks of the score files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.log import left_out
from accessiflow.sheets import read_tracks

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.scoring.lookup import Scores


@dataclass(frozen=True)
class TrackScores:
    """Scores of variants in chosen tracks.

    Attributes:
        scores: The opened files.
        columns: Numbers of the chosen tracks (F,) in them.
    """

    scores: Scores
    columns: NDArray[np.int64]

    @property
    def tracks(self) -> list[str]:
        """Identifiers of the chosen tracks (F,)."""
        return [self.scores.tracks[column] for column in self.columns]

    def find(self, variants: pd.DataFrame) -> NDArray[np.int64]:
        """Row (n,) of each variant; -1 without a score."""
        return self.scores.find(variants)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """SAD (n, F) of rows (n,).

        Raises:
            InputError: Some are not finite.
        """
        values = self.scores.read(rows, columns=self.columns)
        wrong = ~np.isfinite(values).all(axis=1)
        if wrong.any():
            raise InputError(
                f"{int(wrong.sum())} of {len(rows)} variants have scores that are not finite numbers: "
                "score them again or leave them out"
            )
        return values


def choose_tracks(scores: Scores, track_list: Path | None) -> TrackScores:
    """All tracks of the score files, or those that a file names (first column of each line: id or label).

    Raises:
        InputError: A name is unknown, or the file names none.
    """
    if track_list is None:
        return TrackScores(scores, np.arange(len(scores.tracks)))
    with open_text(track_list) as handle:
        lines = [
            (number, line.split("\t")[0].strip()) for number, line in enumerate(handle, 1) if not line.startswith("#")
        ]
    names = [(number, name) for number, name in lines if name]  # with the line, for the message
    if not names:
        raise InputError("names no track", track_list)
    # reversed: of several tracks of one name the first counts, and an identifier before a label
    known = {name: i for i, name in reversed([*enumerate(scores.tracks), *enumerate(scores.labels)])}
    for number, name in names:
        if name not in known:
            raise InputError(
                f"names the track {name[:60]!r}, which the scores lack (they have {', '.join(scores.tracks[:5])}...)",
                track_list,
                number,
            )
    columns = np.array([known[name] for _, name in names], np.int64)
    passed = len(scores.tracks) - len(np.unique(columns))
    left_out("tracks", passed, len(scores.tracks), "of the scores, not in --track-list", expected=True)
    return TrackScores(scores, columns)


def tracks_of(scores: Scores, sheet: Path, cell_type: str) -> TrackScores:
    """The tracks of a cell type or group of a tracks sheet that the score files hold.

    Raises:
        InputError: The sheet has no such track, or the scores hold none of them.
    """
    rows = read_tracks(sheet)
    names = rows.loc[(rows["cell_type"] == cell_type) | (rows["group"] == cell_type), "track"]
    if names.empty:
        raise InputError(f"has no track of the cell type or group {cell_type}", sheet)
    known = {name: i for i, name in reversed([*enumerate(scores.tracks)])}
    columns = [known[name] for name in names if name in known]
    if not columns:
        raise InputError(
            f"none of the tracks of {cell_type} ({', '.join(names[:5])}) is in the scores "
            f"(they have {', '.join(scores.tracks[:5])}...)"
        )
    return TrackScores(scores, np.array(columns, np.int64))
