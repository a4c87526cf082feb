"""Looking scores up by chrom, pos, ref, alt in files of any layout: ours, Basenji's, Enformer's published ones, Sei's.

Memory: a 64-bit key and a row number a variant, and the rows asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genome import Fasta
from accessiflow.hdf5 import open_hdf5
from accessiflow.log import log
from accessiflow.scoring.files import BasenjiFile, ScoreFile
from accessiflow.scoring.sei import open_sei, without_companions
from accessiflow.variants.keys import exchangeable, text_keys, variant_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

LAYOUTS = ("auto", "basenji", "enformer", "sei")
SCORE_SUFFIXES = (".h5", ".hdf5", ".npy")
_EXCHANGED = {"REF": "ALT", "ALT": "REF"}
_GAP = 64  # rows: reading that many more is cheaper than another read
_RUN_BYTES = 1 << 26


@dataclass(frozen=True)
class Scores:
    """Score files opened for look-up, as one table: rows of the first file, then of the next.

    Attributes:
        files: The files.
        tracks: target_ids (T,).
        labels: target_labels (T,).
    """

    files: list[ScoreFile]
    tracks: list[str]
    labels: list[str]
    _first: NDArray[np.int64]
    _keys: NDArray[np.uint64]
    _rows: NDArray[np.int64]
    _by_name: bool
    _genome: Fasta | None = None

    def find(self, variants: pd.DataFrame) -> NDArray[np.int64]:
        """Row (n,) of each variant; -1 without a score.

        Padded alleles and `-` are the variant that they mean, with a genome also at another place of a repeat
        (variants/normalise.py). A variant scored in several files is taken from the first. One that is there with REF
        and ALT exchanged only has the row behind all others by as much as its own is from the first: `read` turns the
        scores of such rows.

        Args:
            variants: A table with the columns chrom, pos, ref, alt, and id where the files hold nothing else.

        Raises:
            InputError: The files know variants by id only, and the table has no column id.
        """
        if self._by_name and "id" not in variants.columns:
            raise InputError(
                "knows its variants by id only: the table of variants needs a column id", self.files[0].path
            )
        if self._by_name:
            return self._row_of(text_keys(variants["id"]))
        chrom, pos, ref, alt = (variants[name].to_numpy() for name in KEY)
        rows = self._row_of(variant_keys(chrom, pos, ref, alt, self._genome))
        other = np.flatnonzero((rows < 0) & exchangeable(ref, alt))
        if len(other):
            # alleles of one length: none of these moves
            turned = self._row_of(variant_keys(chrom[other], pos[other], alt[other], ref[other]))
            rows[other] = np.where(turned < 0, -1, turned + self._size)
            found = int((turned >= 0).sum())
            if found:
                log.info("%d of %d variants are scored with REF and ALT exchanged: turned back", found, len(rows))
        return rows

    @property
    def _size(self) -> int:
        return sum(file.rows for file in self.files)

    def _row_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        if len(self._keys) == 0:
            return np.full(len(keys), -1, np.int64)
        # a key above all others is looked for behind the last one
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._rows[at], -1)

    def has(self, stat: str) -> bool:
        """Whether every file holds a score of this name (SAD, SAR, REF, ALT, LOGRATIO)."""
        return all(stat in f.stats for f in self.files)

    def column(self, track: str) -> int:
        """Number of a track, by its identifier, or else by its label.

        Raises:
            InputError: The files do not know it, or several tracks have that name.
        """
        return self.files[0].column(track)

    def read(
        self, rows: NDArray[np.int64], stat: str = "SAD", columns: NDArray[np.int64] | None = None
    ) -> NDArray[np.float32]:
        """Scores (n, T) float32 of rows (n,) in any order, of all tracks or those of `columns`.

        REF and ALT are summed over positions. Of rows behind the last (`find`) REF and ALT are exchanged, and the
        differences have the other sign.
        """
        turned = rows >= self._size
        out = self._read(np.where(turned, rows - self._size, rows), stat, columns)
        if turned.any() and stat in _EXCHANGED:
            out[turned] = self._read(rows[turned] - self._size, _EXCHANGED[stat], columns)
        elif turned.any():
            out[turned] *= -1
        return out

    def _read(self, rows: NDArray[np.int64], stat: str, columns: NDArray[np.int64] | None) -> NDArray[np.float32]:
        if not self.has(stat):
            raise InputError(f"holds no {stat}: score with --stats SAD,REF,ALT", self.files[0].path)
        out = np.empty((len(rows), len(self.tracks) if columns is None else len(columns)), np.float32)
        which = np.searchsorted(self._first, rows, side="right") - 1
        for number, file in enumerate(self.files):
            at = np.flatnonzero(which == number)
            if len(at):
                out[at] = _rows_of(file, stat, rows[at] - self._first[number], columns)
        return out


@contextmanager
def open_score_file(
    path: Path, layout: str = "auto", labels: Path | None = None, names: Path | None = None
) -> Iterator[ScoreFile]:
    """Open one file of scores.

    Args:
        path: The file.
        layout: One of LAYOUTS; "auto" decides by the content.
        labels: Selene's row labels; default: those beside the file.
        names: The tracks' names, one a line, or a targets table; default: those in or beside the file.

    Raises:
        InputError: The file has no such layout.
    """
    if path.suffix == ".npy":
        with open_sei(path, labels, names) as source:
            yield source
        return
    with open_hdf5(path) as handle:
        if layout == "sei" or (layout == "auto" and "data" in handle and "SAD" not in handle):
            with open_sei(path, labels, names) as source:
                yield source
        elif "SAD" in handle:
            yield BasenjiFile(path, handle, names)
        else:
            raise InputError(f"lacks SAD (found: {', '.join(list(handle)[:12])})", path)


def files_of(path: Path) -> list[Path]:
    """A file of scores, or those of a folder, as of a download with a file a chromosome; by name.

    Raises:
        InputError: A folder holds none.
    """
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.iterdir() if p.suffix in SCORE_SUFFIXES and not p.name.startswith("."))
    if not found:
        raise InputError(f"holds no file of scores ({', '.join(SCORE_SUFFIXES)})", path)
    return without_companions(found)


@contextmanager
def open_scores(paths: Sequence[Path], fasta: Path | None = None) -> Iterator[Scores]:
    """Open one or more score files of the same tracks, or folders of them.

    Args:
        paths: The files.
        fasta: The genome, by which insertions and deletions are known at any place of a repeat.

    Raises:
        InputError: A file is of no known layout, or the tracks differ between files.
    """
    if not paths:
        raise InputError("no score file given")
    with ExitStack() as stack:
        files = [stack.enter_context(open_score_file(p)) for path in paths for p in files_of(Path(path))]
        odd = next((f for f in files if f.tracks != files[0].tracks), None)
        if odd is not None:
            raise InputError(f"scores other tracks than {files[0].path}", odd.path)
        by_name = any(f.by_name for f in files)
        genome = None if fasta is None else stack.enter_context(Fasta(fasta))
        # row numbers run on from file to file
        first = np.concatenate([[0], np.cumsum([f.rows for f in files])[:-1]]).astype(np.int64)
        # np.unique gives the first place of each key: a variant of several files is taken from the first
        unique, where = np.unique(np.concatenate([f.keys(by_name, genome) for f in files]), return_index=True)
        yield Scores(files, files[0].tracks, files[0].labels, first, unique, where.astype(np.int64), by_name, genome)


def _rows_of(
    file: ScoreFile, stat: str, rows: NDArray[np.int64], columns: NDArray[np.int64] | None
) -> NDArray[np.float32]:
    """Rows in any order of a file, read in runs of near rows."""
    # h5py reads sorted, distinct rows only, and a few wide slices are far faster than many single rows
    unique, back = np.unique(rows, return_inverse=True)
    chosen = slice(None) if columns is None else columns
    out = np.empty((len(unique), len(file.tracks) if columns is None else len(columns)), np.float32)
    for part in _runs(unique, max(1, _RUN_BYTES // (4 * len(file.tracks)))):
        first, last = int(unique[part][0]), int(unique[part][-1]) + 1
        out[part] = file.read(stat, first, last)[unique[part] - first][:, chosen]
    return out[back]


def _runs(rows: NDArray[np.int64], longest: int) -> Iterator[slice]:
    """Parts of sorted rows without a wide gap, each spanning at most `longest` rows of the file."""
    low = 0
    while low < len(rows):
        gaps = np.flatnonzero(np.diff(rows[low : low + longest]) > _GAP)
        high = min(low + (int(gaps[0]) + 1 if len(gaps) else longest), int(np.searchsorted(rows, rows[low] + longest)))
        yield slice(low, high)
        low = high
