"""ISM scores (scores.h5, ours or basenji_sat_bed's) as one number a base: what a logo or a browser shows.

height      the reference base's score minus the lowest of the three others' (ISM logo height of Kathail et al. 2024:
            -(min over changes of score - reference score)): how much the worst change of this base loses; below 0 where
            every change gains.
importance  the reference base's score minus the mean over all four bases.

Neither depends on a constant added to the four scores of a base, so that they follow from differences and from
mean-removed scores alike.
A base that is unknown in the genome has none (NaN).

Memory: one row of the file, and 4 bytes a base for each of the tracks in hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import open_hdf5
from accessiflow.log import left_out

if TYPE_CHECKING:
    import h5py

ISM_KINDS = ("height", "importance")
BASE_LETTERS = "ACGT"


@dataclass(frozen=True)
class IsmRegion:
    """Mutated bases [start, end) of a chromosome that belong together: a region, from one row of the file or several.

    Attributes:
        chrom: Its contig.
        start: Its first base.
        end: The base behind its last one.
        rows: Rows of the file, in order.
    """

    chrom: str
    start: int
    end: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class IsmFile:
    """A file of ISM scores, open.

    Attributes:
        path: The file.
        tracks: target_ids (T,); numbers where the file has none.
        regions: The regions, in the order of the file.
    """

    path: Path
    tracks: list[str]
    regions: list[IsmRegion]
    _handle: h5py.File
    _data: h5py.Dataset

    def columns(self, names: Sequence[str]) -> list[int]:
        """Numbers of tracks by name, in increasing order; of all where no name is given.

        Raises:
            InputError: The file does not have one.
        """
        unknown = next((name for name in names if name not in self.tracks), None)
        if unknown is not None:
            raise InputError(f"has no track {unknown} (tracks: {', '.join(self.tracks[:10])})", self.path)
        chosen = sorted({self.tracks.index(name) for name in names}) or list(range(len(self.tracks)))
        passed = len(self.tracks) - len(chosen)
        left_out("tracks", passed, len(self.tracks), "of the scores, not asked for", expected=True)
        return chosen

    def bases(self, region: IsmRegion) -> NDArray[np.int64]:
        """Base (L,) at each place: 0 to 3 as in ACGT, -1 where it is unknown."""
        return np.concatenate([self._bases(row) for row in region.rows])

    def values(self, region: IsmRegion, columns: Sequence[int], kind: str) -> NDArray[np.float32]:
        """Height or importance (L, T) of the reference bases, for some tracks in increasing order."""
        # neighbouring columns as a slice: h5py reads a list of them far more slowly
        gapless = list(columns) == list(range(columns[0], columns[-1] + 1))
        chosen = slice(columns[0], columns[-1] + 1) if gapless else list(columns)
        parts = []
        for row in region.rows:
            scores = self._data[row, : self._length(row), :, chosen]
            parts.append(by_base(scores, self._bases(row), kind))
        return np.concatenate(parts)

    def _bases(self, row: int) -> NDArray[np.int64]:
        # an unknown base is 0 in all four columns
        known = self._handle["seqs"][row, : self._length(row)]
        return np.where(known.any(axis=1), known.argmax(axis=1), -1)

    def _length(self, row: int) -> int:
        return int(self._handle["end"][row] - self._handle["start"][row])


@contextmanager
def open_ism(path: Path) -> Iterator[IsmFile]:
    """Open a scores.h5.

    Raises:
        InputError: It is not one.
    """
    with open_hdf5(path, ["seqs", "chr", "start", "end"]) as handle:
        # float32 differences where there are any, else Basenji's mean-removed float16
        name = next((n for n in ("scores", "sum") if n in handle), None)
        if name is None or handle[name].ndim != 4 or handle[name].shape[:3] != handle["seqs"].shape:
            raise InputError(
                "holds no scores of shape (regions, length, 4, tracks): expected scores.h5 of interpret.py ism", path
            )
        data = handle[name]
        tracks = [str(i) for i in range(data.shape[3])]  # basenji_sat_bed's file names none
        if "target_ids" in handle:
            tracks = [v.decode() for v in handle["target_ids"][()].tolist()]
        yield IsmFile(path, tracks, _regions(handle), handle, data)


def by_base(scores: NDArray[np.floating], bases: NDArray[np.int64], kind: str) -> NDArray[np.float32]:
    """Height or importance (L, T) float32 of the reference bases.

    Args:
        scores: Scores (L, 4, T) of every change.
        bases: The bases (L,) that are there, 0 to 3; NaN is returned where one is unknown (-1).
        kind: height or importance (see the module).
    """
    own = scores[np.arange(len(bases)), bases].astype(np.float32)
    if kind == "height":
        # the reference base itself is no change: it never is the lowest
        others = np.where((np.arange(4) == bases[:, None])[:, :, None], np.inf, scores)
        out = own - others.min(axis=1)
    else:
        out = own - scores.mean(axis=1, dtype=np.float32)
    return np.where((bases >= 0)[:, None], out, np.nan).astype(np.float32)


def _regions(handle: h5py.File) -> list[IsmRegion]:
    """Rows put together by the region that they are part of; each row is its own where there is no dataset `region`."""
    chroms = [v.decode() for v in handle["chr"][()].tolist()]
    starts, ends = handle["start"][()].tolist(), handle["end"][()].tolist()
    regions = handle["region"][()].tolist() if "region" in handle else range(len(chroms))
    # a region longer than a window has several rows, one after another: a logo shows it in one piece
    rows: dict[int, list[int]] = {}
    for row, region in enumerate(regions):
        rows.setdefault(region, []).append(row)
    return [IsmRegion(chroms[r[0]], starts[r[0]], ends[r[-1]], tuple(r)) for r in rows.values()]
