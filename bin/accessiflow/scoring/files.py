"""Files of variant scores as their makers lay them out, all read through one interface.

Basenji's sad.h5 and Enformer's published files (1000G.MAF_threshold=0.005.CHROM.h5): datasets SAD, SAR, REF, ALT, (variants, tracks) or
transposed, REF and ALT with positions between; chr, pos, ref_allele and alt_allele (Enformer: ref and alt), snp; target_ids, target_labels.
Sei's are in sei.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table
from accessiflow.hdf5 import as_texts, dataset
from accessiflow.variants.keys import text_keys, variant_keys

if TYPE_CHECKING:
    import h5py
    import pandas as pd

STATS = ("SAD", "SAR", "REF", "ALT", "LOGRATIO")
KEY = ("chrom", "pos", "ref", "alt")
BLOCK = 1 << 16  # variants whose names are held at once


class ScoreFile(ABC):
    """One file of scores, or the few that belong together.

    Attributes:
        tracks, labels: identifier and description of each track (T,).
        rows: number of variants.
        by_name: whether variants are known by id only, without position and alleles.
    """

    def __init__(
        self, path: Path, tracks: Sequence[str], labels: Sequence[str], rows: int, by_name: bool = False
    ) -> None:
        """Of a path, for messages, and what the attributes say."""
        self.path, self.tracks, self.labels, self.rows, self.by_name = path, list(tracks), list(labels), rows, by_name

    @property
    @abstractmethod
    def stats(self) -> list[str]:
        """Names of the scores that are there."""

    @abstractmethod
    def read(self, stat: str, low: int, high: int) -> NDArray[np.floating]:
        """Scores (high - low, T) of consecutive variants, summed over positions, in the precision of the file."""

    @abstractmethod
    def variants(self) -> Iterator[pd.DataFrame]:
        """The variants in order, block by block: id (where there are any) and, unless by_name, chrom, pos, ref, alt; texts may be bytes."""

    def column(self, track: str) -> int:
        """Number of a track, by its identifier, or else by its label.

        Raises:
            InputError: the file does not know it, or several tracks have that name.
        """
        found = [i for i, name in enumerate(self.tracks) if name == track] or [
            i for i, name in enumerate(self.labels) if name == track
        ]
        if not found:
            raise InputError(f"has no track {track} (tracks: {', '.join(self.tracks[:10])})", self.path)
        if len(found) > 1:
            raise InputError(f"has {len(found)} tracks called {track}: name one by its identifier", self.path)
        return found[0]

    def keys(self, by_name: bool) -> NDArray[np.uint64]:
        """A key (n,) of each variant: of its id, or of its position and alleles."""
        found = [np.empty(0, np.uint64)]
        for block in self.variants():
            if by_name and "id" not in block:
                raise InputError("has no ids (snp), the other files nothing else: look them up apart", self.path)
            found.append(text_keys(block["id"]) if by_name else variant_keys(*(block[name] for name in KEY)))
        return np.concatenate(found)


class BasenjiFile(ScoreFile):
    """Basenji's, Enformer's or our own layout, open."""

    def __init__(self, path: Path, handle: h5py.File, names: Path | None = None) -> None:
        """Of an open file; `names` replaces its names of tracks."""
        columns = {
            "chrom": "chr",
            "pos": "pos",
            **{n: f"{n}_allele" if f"{n}_allele" in handle else n for n in ("ref", "alt")},
        }
        by_name = not set(columns.values()) <= set(handle)
        if by_name and "snp" not in handle:
            raise InputError("names its variants neither by position and alleles nor by id", path)
        self._handle = handle
        self._columns = ({} if by_name else columns) | ({"id": "snp"} if "snp" in handle else {})
        for name in {*self._columns.values(), *({"target_ids", "target_labels"} & set(handle))}:
            dataset(handle, name, path, "iuS" if name in ("chr", "snp") else "iu" if name == "pos" else "S")
        for name in set(STATS) & set(handle):
            dataset(handle, name, path, "f", (2,) if name == "SAD" else (2, 3))
        rows = len(handle["snp" if by_name else "pos"])
        uneven = next((name for name in self._columns.values() if handle[name].shape != (rows,)), None)
        if uneven is not None:
            raise InputError(f"has {uneven} of shape {handle[uneven].shape}, expected {rows} variants", path)
        ids, labels = read_names(names) if names is not None else _stored_names(handle, rows)
        tracks, shape = len(ids), handle["SAD"].shape
        if shape not in ((rows, tracks), (tracks, rows)):
            raise InputError(f"has SAD of shape {shape}, expected variants x {tracks} tracks of {rows} variants", path)
        self._transposed = shape != (rows, tracks)
        super().__init__(path, ids, labels, rows, by_name)

    @property
    def stats(self) -> list[str]:
        """Names of the scores that are there."""
        return [name for name in STATS if name in self._handle]

    def read(self, stat: str, low: int, high: int) -> NDArray[np.floating]:
        """Scores (high - low, T) of consecutive variants, summed over positions."""
        data = self._handle[stat]
        if data.ndim == 3:
            return read_part(data, slice(low, high), self.path).astype(np.float32).sum(axis=1)
        return (
            read_part(data, (slice(None), slice(low, high)), self.path).T
            if self._transposed
            else read_part(data, slice(low, high), self.path)
        )

    def variants(self) -> Iterator[pd.DataFrame]:
        """The variants in order, block by block."""
        import pandas as pd

        for low in range(0, self.rows, BLOCK):
            part = slice(low, min(low + BLOCK, self.rows))
            stored = {name: read_part(self._handle[at], part, self.path) for name, at in self._columns.items()}
            yield pd.DataFrame(
                {name: values if name == "pos" else values.astype(object) for name, values in stored.items()}
            )


def read_names(path: Path) -> tuple[list[str], list[str]]:
    """Identifiers and descriptions of tracks: of a targets table (a column `identifier`), else one name a line."""
    with open_text(path) as lines:
        first = lines.readline().rstrip("\n").split("\t")
    if "identifier" in first:
        table = read_table(path, ["identifier"], text=["identifier"])
        ids = list(table["identifier"])
        return ids, list(
            table["description"].fillna(table["identifier"]).astype(str)
        ) if "description" in table else ids
    with open_text(path) as lines:
        ids = [line.strip() for line in lines if line.strip()]
    return ids, ids


def _stored_names(handle: h5py.File, rows: int) -> tuple[list[str], list[str]]:
    """target_ids and target_labels; numbers where there are none."""
    shape = handle["SAD"].shape
    ids = (
        as_texts(handle["target_ids"][()])
        if "target_ids" in handle
        else [str(i) for i in range(shape[-1] if shape[0] == rows else shape[0])]
    )
    return ids, as_texts(handle["target_labels"][()]) if "target_labels" in handle else ids


def read_part(data: Any, part: Any, path: Path) -> NDArray[Any]:
    """A part of a dataset.

    Raises:
        InputError: it is damaged.
    """
    try:
        return np.asarray(data[part])
    except OSError as error:
        raise InputError(f"cannot be read ({error}): truncated or damaged", path) from None
