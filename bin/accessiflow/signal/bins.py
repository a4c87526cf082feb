"""Coverage over fixed-width bins, and the file that holds it: T.coverage.h5, one dataset for each chromosome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import create_hdf5, dataset, open_hdf5

if TYPE_CHECKING:
    import h5py

LARGEST_COVERAGE = float(np.finfo(np.float32).max)
BINS_PER_CHUNK = 1 << 16  # of a dataset in the file: 256 KB, large enough to compress well


class TrackLayout(NamedTuple):
    """What the head of a coverage file says: the track's name, and how its bins lie."""

    track: str
    layout: BinLayout


class BinPlaces(NamedTuple):
    """Where bins lie: their chromosomes' names (n,) and their first bases (n,), 0-based."""

    chrom: NDArray[np.object_]
    start: NDArray[np.int64]


@dataclass(frozen=True)
class BinLayout:
    """How the bins of all chromosomes lie end to end.

    Attributes:
        bin_size: bp.
        bins: chromosome -> number of bins, in order.
    """

    bin_size: int
    bins: dict[str, int]

    @property
    def first(self) -> dict[str, int]:
        """Chromosome -> global number of its first bin."""
        return global_bins({c: n * self.bin_size for c, n in self.bins.items()}, self.bin_size)

    def locate(self, numbers: NDArray[np.int64]) -> BinPlaces:
        """The places of bins by their global numbers (n,)."""
        names = np.array(list(self.bins), dtype=object)
        firsts = np.array(list(self.first.values()))
        which = np.searchsorted(firsts, numbers, side="right") - 1
        return BinPlaces(names[which], (numbers - firsts[which]) * self.bin_size)


def write_coverage(
    path: Path,
    track: str,
    kind: str,
    scale: float,
    bin_size: int,
    chromosomes: Iterable[tuple[str, NDArray[np.float64]]],
) -> None:
    """Write one track's coverage; chromosomes (name, bins) in genome order."""
    with create_hdf5(path) as out:
        out.attrs.update({"bin_size": bin_size, "kind": kind, "scale": scale, "track": track})
        for order, (chrom, bins) in enumerate(chromosomes):
            if len(bins) and np.nanmax(bins, initial=0) > LARGEST_COVERAGE:
                raise InputError(
                    f"the track {track} has a bin of coverage above {LARGEST_COVERAGE:g} on {chrom}: "
                    "check its values and --scale"
                )
            # HDF5 cannot chunk a dataset without values, and without chunks there is no compression.
            chunks = (min(len(bins), BINS_PER_CHUNK),) if len(bins) else None
            written = out.create_dataset(
                chrom,
                data=bins.astype(np.float32),
                chunks=chunks,
                compression="gzip" if chunks else None,
                compression_opts=1 if chunks else None,
                shuffle=bool(chunks),
            )
            written.attrs["order"] = order  # HDF5 lists its datasets by name: chr10 before chr2


def read_layout(path: Path) -> TrackLayout:
    """Track name and bin layout of a coverage file.

    Raises:
        InputError: it is no coverage file.
    """
    with open_hdf5(path) as handle:
        if "bin_size" not in handle.attrs:
            raise InputError("is not a coverage file: it has no bin_size attribute", path)
        if len(handle) == 0:
            raise InputError("holds no chromosome", path)
        bin_size = _integer(handle.attrs, "bin_size", path)
        if bin_size < 1:
            raise InputError(f"has the bin_size {bin_size}, expected 1 or more", path)
        bins = {chrom: dataset(handle, chrom, path) for chrom in handle}
        # Files written by others may lack the attribute: sorting is stable, so they keep the order of the names.
        order = sorted(bins, key=lambda chrom: _integer(bins[chrom].attrs, "order", path))
        track = str(handle.attrs.get("track", "")) or path.name.removesuffix(".coverage.h5")
        return TrackLayout(track, BinLayout(bin_size, {chrom: bins[chrom].shape[0] for chrom in order}))


def _integer(attributes: h5py.AttributeManager, name: str, path: Path) -> int:
    """An attribute that is an integer; 0 where it is absent."""
    try:
        return int(attributes.get(name, 0))
    except (TypeError, ValueError):
        raise InputError(
            f"has the attribute {name} {str(attributes[name])[:40]!r}, expected an integer", path
        ) from None


def read_coverage(path: Path, layout: BinLayout) -> NDArray[np.float32]:
    """All bins (n,) of a track, chromosomes end to end: 4 bytes a bin (100 MB for a human genome at 128 bp).

    Raises:
        InputError: the file's chromosomes or bins are not those of `layout`.
    """
    out = np.empty(sum(layout.bins.values()), np.float32)
    first = layout.first
    with open_hdf5(path) as handle:
        for chrom, n in layout.bins.items():
            if chrom not in handle or handle[chrom].shape != (n,):
                raise InputError(
                    f"does not have {n} bins on {chrom}: bin all tracks against the same genome and bin size", path
                )
            handle[chrom].read_direct(out[first[chrom] : first[chrom] + n])
    return out


def same_layout(paths: Mapping[str, Path]) -> BinLayout:
    """The one layout of several coverage files.

    Raises:
        InputError: two of them differ.
    """
    layouts = {track: read_layout(path)[1] for track, path in paths.items()}
    reference = next(iter(layouts.values()))
    for track, layout in layouts.items():
        if layout != reference:
            raise InputError(
                f"has other chromosomes, bins or bin size than {next(iter(paths.values()))}: bin all tracks alike",
                paths[track],
            )
    return reference


def mask_excluded(
    bins: NDArray[np.float64], starts: NDArray[np.int64], ends: NDArray[np.int64], bin_size: int
) -> NDArray[np.float64]:
    """Bins (n,) with NaN where a bin touches an excluded interval."""
    out = bins.copy()
    for start, end in zip(starts, ends, strict=True):
        if end > start:
            out[start // bin_size : (end - 1) // bin_size + 1] = np.nan
    return out


def global_bins(sizes: Mapping[str, int], bin_size: int) -> dict[str, int]:
    """Number of the first bin of each chromosome when all are laid end to end."""
    counts = [size // bin_size for size in sizes.values()]
    return dict(zip(sizes, np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int).tolist(), strict=True))
