"""Files of variant scores as their makers lay them out, all read through one interface.

Basenji's sad.h5 and Enformer's published files (1000G.MAF_threshold=0.005.CHROM.h5) have the datasets
    SAD, SAR, REF, ALT: (variants, tracks) or transposed, REF and ALT with positions between;
    chr, pos, ref_allele and alt_allele (Enformer: ref and alt), snp;
    target_ids, target_labels.
Sei's are in sei.py.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table
from accessiflow.genome import Fasta
from accessiflow.hdf5 import as_texts, dataset
from accessiflow.variants.keys import text_keys, variant_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import h5py
    import pandas as pd

STATS = ("SAD", "SAR", "REF", "ALT", "LOGRATIO")
NAMES_AT_ONCE = 1 << 16  # variants whose names are held at once


class TrackNames(NamedTuple):
    """Identifiers and descriptions of tracks (T,)."""

    ids: list[str]
    labels: list[str]


class ScoreFile(ABC):
    """One file of scores, or the few that belong together.

    Attributes:
        path: The file, for messages.
        tracks: Identifier of each track (T,).
        labels: Description of each track (T,).
        rows: Number of variants.
        by_name: Whether variants are known by id only, without position and alleles.
    """

    def __init__(
        self, path: Path, tracks: Sequence[str], labels: Sequence[str], rows: int, by_name: bool = False
    ) -> None:
        """A score file with these attributes (see the class)."""
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
        """The variants in order, block by block.

        Yields:
            Tables with the columns id (where there are any) and, unless by_name, chrom, pos, ref, alt; texts may be
            bytes.
        """

    def column(self, track: str) -> int:
        """Number of a track, by its identifier, or else by its label.

        Raises:
            InputError: The file does not know it, or several tracks have that name.
        """
        numbers = [i for i, name in enumerate(self.tracks) if name == track]
        if not numbers:
            numbers = [i for i, name in enumerate(self.labels) if name == track]
        if not numbers:
            raise InputError(f"has no track {track} (tracks: {', '.join(self.tracks[:10])})", self.path)
        if len(numbers) > 1:
            raise InputError(f"has {len(numbers)} tracks called {track}: name one by its identifier", self.path)
        return numbers[0]

    def keys(self, by_name: bool, genome: Fasta | None = None) -> NDArray[np.uint64]:
        """A key (n,) of each variant: of its id, or of its position and alleles (see `variant_keys`)."""
        keys = [np.empty(0, np.uint64)]
        for block in self.variants():
            if by_name and "id" not in block:
                raise InputError("has no ids (snp), the other files nothing else: look them up apart", self.path)
            keys.append(text_keys(block["id"]) if by_name else variant_keys(*(block[name] for name in KEY), genome))
        return np.concatenate(keys)


class BasenjiFile(ScoreFile):
    """Basenji's, Enformer's or our own layout, open."""

    def __init__(self, path: Path, handle: h5py.File, names: Path | None = None) -> None:
        """An open file; `names` replaces its names of tracks."""
        columns = {"chrom": "chr", "pos": "pos"}
        for allele in ("ref", "alt"):
            columns[allele] = f"{allele}_allele" if f"{allele}_allele" in handle else allele
        # some published files name their variants by rs number only
        by_name = not set(columns.values()) <= set(handle)
        if by_name and "snp" not in handle:
            raise InputError("names its variants neither by position and alleles nor by id", path)
        self._handle = handle
        self._columns = ({} if by_name else columns) | ({"id": "snp"} if "snp" in handle else {})
        kinds = {"chr": "iuS", "snp": "iuS", "pos": "iu"}  # some files hold contigs and ids as numbers
        for name in {*self._columns.values(), *({"target_ids", "target_labels"} & set(handle))}:
            dataset(handle, name, path, kinds.get(name, "S"))
        for name in set(STATS) & set(handle):
            dataset(handle, name, path, "f", (2,) if name == "SAD" else (2, 3))
        rows = len(handle["snp" if by_name else "pos"])
        # read row by row beside one another: a shorter column would give variants the names of others
        uneven = next((name for name in self._columns.values() if handle[name].shape != (rows,)), None)
        if uneven is not None:
            raise InputError(f"has {uneven} of shape {handle[uneven].shape}, expected {rows} variants", path)
        ids, labels = _stored_names(handle, rows) if names is None else read_names(names)
        # Enformer's files are tracks x variants. The shape decides, by the numbers of names; where both are equal it
        # is taken as variants x tracks.
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
        data, part = self._handle[stat], slice(low, high)
        if data.ndim == 3:
            # float16 positions: their sum may pass its largest number
            return read_part(data, part, self.path).astype(np.float32).sum(axis=1)
        if self._transposed:
            return read_part(data, (slice(None), part), self.path).T
        return read_part(data, part, self.path)

    def variants(self) -> Iterator[pd.DataFrame]:
        """The variants in order, block by block."""
        import pandas as pd

        for low in range(0, self.rows, NAMES_AT_ONCE):
            part = slice(low, min(low + NAMES_AT_ONCE, self.rows))
            stored = {name: read_part(self._handle[at], part, self.path) for name, at in self._columns.items()}
            yield pd.DataFrame(
                {name: values if name == "pos" else values.astype(object) for name, values in stored.items()}
            )


def read_names(path: Path) -> TrackNames:
    """Names of tracks: those of a targets table (a column `identifier`), else one name a line."""
    with open_text(path) as lines:
        first = lines.readline().rstrip("\n").split("\t")
    if "identifier" in first:
        table = read_table(path, ["identifier"], text=["identifier"])
        ids = list(table["identifier"])
        if "description" not in table:
            return TrackNames(ids, ids)
        return TrackNames(ids, list(table["description"].fillna(table["identifier"]).astype(str)))
    with open_text(path) as lines:
        ids = [line.strip() for line in lines if line.strip()]
    return TrackNames(ids, ids)


def _stored_names(handle: h5py.File, rows: int) -> TrackNames:
    """target_ids and target_labels; numbers where there are none."""
    shape = handle["SAD"].shape
    if "target_ids" in handle:
        ids = as_texts(handle["target_ids"][()])
    else:
        ids = [str(i) for i in range(shape[-1] if shape[0] == rows else shape[0])]
    labels = as_texts(handle["target_labels"][()]) if "target_labels" in handle else ids
    return TrackNames(ids, labels)


def read_part(data: Any, part: Any, path: Path) -> NDArray[Any]:
    """A part of a dataset.

    Raises:
        InputError: It is damaged.
    """
    try:
        return np.asarray(data[part])  # HDF5 finds damage of a chunk only when it is read
    except OSError as error:
        raise InputError(f"cannot be read ({error}): truncated or damaged", path) from None
