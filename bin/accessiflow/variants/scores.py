"""Reading variant scores: sad.h5 files of Basenji's layout (ours, Basenji's, Enformer's published ones), looked up by chrom, pos, ref, alt.

Memory: a 64-bit key and a row number a variant, and the rows asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_hdf5

if TYPE_CHECKING:
    import h5py
    import pandas as pd

_CHUNK = 1 << 16
_GAP = 64  # rows: reading that many more is cheaper than another read
_RUN_BYTES = 1 << 26
_MIX, _ODD = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Scores:
    """Score files opened for look-up, as one table: rows of the first file, then of the next.

    Attributes:
        tracks, labels: target_ids and target_labels (T,).
    """

    files: list[h5py.File]
    tracks: list[str]
    labels: list[str]
    _first: NDArray[np.int64]
    _keys: NDArray[np.uint64]
    _rows: NDArray[np.int64]
    _by_name: bool

    def find(self, variants: pd.DataFrame) -> NDArray[np.int64]:
        """Row (n,) of each variant (columns chrom, pos, ref, alt, and id where the files hold nothing else); -1 without a score.

        A variant scored in several files is taken from the first.

        Raises:
            InputError: the files know variants by id only, and the table has no column id.
        """
        if self._by_name and "id" not in variants.columns:
            raise InputError("knows its variants by id only: the table of variants needs a column id", self.files[0].filename)
        wanted = _hashes(variants["id"]) if self._by_name else variant_keys(variants["chrom"], variants["pos"], variants["ref"], variants["alt"])
        if len(self._keys) == 0:
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return np.where(self._keys[at] == wanted, self._rows[at], -1)

    def has(self, stat: str) -> bool:
        """Whether every file holds a score of this name (SAD, REF, ALT)."""
        return all(stat in f for f in self.files)

    def column(self, track: str) -> int:
        """Number of a track.

        Raises:
            InputError: the files do not know it.
        """
        if track not in self.tracks:
            raise InputError(f"has no track {track} (tracks: {', '.join(self.tracks[:10])})", self.files[0].filename)
        return self.tracks.index(track)

    def read(self, rows: NDArray[np.int64], stat: str = "SAD") -> NDArray[np.float32]:
        """Scores (n, T) float32 of rows (n,) in any order; REF and ALT are summed over positions."""
        if not self.has(stat):
            raise InputError(f"holds no {stat}: score with --stats SAD,REF,ALT", self.files[0].filename)
        out = np.empty((len(rows), len(self.tracks)), np.float32)
        which = np.searchsorted(self._first, rows, side="right") - 1
        for number, handle in enumerate(self.files):
            at = np.flatnonzero(which == number)
            if len(at):
                out[at] = _rows_of(handle[stat], rows[at] - self._first[number], len(self.tracks))
        return out


@contextmanager
def open_scores(paths: Sequence[Path]) -> Iterator[Scores]:
    """Open one or more score files of the same tracks.

    Raises:
        InputError: a file is not of this layout, or the tracks differ between files.
    """
    if not paths:
        raise InputError("no score file given")
    with ExitStack() as stack:
        files = [stack.enter_context(open_hdf5(Path(p), ["SAD"])) for p in paths]
        tracks, labels = _texts(files[0], "target_ids"), _texts(files[0], "target_labels")
        for handle in files[1:]:
            if _texts(handle, "target_ids") != tracks:
                raise InputError(f"scores other tracks than {files[0].filename}", handle.filename)
        by_name = not all({"chr", "pos", "ref_allele", "alt_allele"} <= set(f) or {"chr", "pos", "ref", "alt"} <= set(f) for f in files)
        counts = [_count(f, len(tracks)) for f in files]
        first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
        keys = np.concatenate([_file_keys(f, by_name) for f in files]) if sum(counts) else np.empty(0, np.uint64)
        unique, where = np.unique(keys, return_index=True)
        yield Scores(files, tracks, labels, first, unique, where.astype(np.int64), by_name)


def _count(handle: h5py.File, tracks: int) -> int:
    shape = handle["SAD"].shape
    if len(shape) != 2 or tracks not in shape:
        raise InputError(f"has SAD of shape {shape}, expected variants x {tracks} tracks", handle.filename)
    return int(shape[0] if shape[1] == tracks else shape[1])


def _rows_of(data: h5py.Dataset, rows: NDArray[np.int64], tracks: int) -> NDArray[np.float32]:
    """Rows in any order of a dataset (n, T), (T, n) or (n, B, T), read in runs of near rows."""
    unique, back = np.unique(rows, return_inverse=True)
    transposed = data.ndim == 2 and data.shape[1] != tracks
    out = np.empty((len(unique), tracks), np.float32)
    for part in _runs(unique, max(1, _RUN_BYTES // (4 * tracks))):
        first, last = int(unique[part][0]), int(unique[part][-1]) + 1
        values = (data[:, first:last].T if transposed else data[first:last])[unique[part] - first].astype(np.float32)
        out[part] = values.sum(axis=1) if values.ndim == 3 else values
    return out[back]


def _runs(rows: NDArray[np.int64], longest: int) -> Iterator[slice]:
    """Parts of sorted rows without a wide gap, each spanning at most `longest` rows of the file."""
    low = 0
    while low < len(rows):
        gaps = np.flatnonzero(np.diff(rows[low : low + longest]) > _GAP)
        high = min(low + (int(gaps[0]) + 1 if len(gaps) else longest), int(np.searchsorted(rows, rows[low] + longest)))
        yield slice(low, high)
        low = high


def _texts(handle: h5py.File, name: str) -> list[str]:
    if name not in handle:
        n = handle["SAD"].shape[-1]
        return [str(i) for i in range(n)]
    return [v.decode() if isinstance(v, bytes) else str(v) for v in handle[name][()]]


def _file_keys(handle: h5py.File, by_name: bool) -> NDArray[np.uint64]:
    if by_name:
        if "snp" not in handle:
            raise InputError("names its variants neither by position and alleles nor by id", handle.filename)
        return _hashes(handle["snp"][()])
    ref, alt = ("ref_allele", "alt_allele") if "ref_allele" in handle else ("ref", "alt")
    parts = [slice(low, low + _CHUNK) for low in range(0, len(handle["pos"]), _CHUNK)]
    keys = [variant_keys(handle["chr"][part], handle["pos"][part], handle[ref][part], handle[alt][part]) for part in parts]
    return np.concatenate(keys) if keys else np.empty(0, np.uint64)


def variant_keys(chrom: ArrayLike, pos: ArrayLike, ref: ArrayLike, alt: ArrayLike) -> NDArray[np.uint64]:
    """64-bit keys (n,) of variants; alleles count as upper case. Of 10 million variants two share a key with a chance below 1e-5."""
    key = _hashes(chrom)
    for part in (np.asarray(pos).astype(np.uint64) * _ODD, _hashes(ref, upper=True), _hashes(alt, upper=True)):
        key = (key ^ (key >> np.uint64(29)) ^ part) * _MIX
    return key ^ (key >> np.uint64(32))


def _hashes(texts: ArrayLike, upper: bool = False) -> NDArray[np.uint64]:
    """64-bit hashes (n,) of texts (str or UTF-8 bytes)."""
    import pandas as pd

    codes, unique = pd.factorize(np.asarray(texts, dtype=object), use_na_sentinel=False)
    names = [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in unique]
    return pd.util.hash_array(np.array([n.upper() if upper else n for n in names], dtype=object), categorize=False)[codes]
