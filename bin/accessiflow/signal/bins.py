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
# A chunk costs some 100 us and, while the dataset is open, a cache of 1 MB: a scaffold of fewer bins has none.
FEWEST_CHUNKED = 1 << 10


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
            if len(bins) < FEWEST_CHUNKED:
                _write_small(out, chrom, bins.astype(np.float32), order)
                continue
            written = out.create_dataset(
                chrom,
                data=bins.astype(np.float32),
                chunks=(min(len(bins), BINS_PER_CHUNK),),
                compression="gzip",
                compression_opts=1,
                shuffle=True,
            )
            written.attrs["order"] = order  # HDF5 lists its datasets by name: chr10 before chr2


def _write_small(out: h5py.File, chrom: str, bins: NDArray[np.float32], order: int) -> None:
    """A dataset without chunks, and so without compression, by the library's own calls: a third of h5py's time."""
    import h5py

    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_obj_track_times(False)  # equal content gives equal bytes, as by h5py
    written = h5py.h5d.create(
        out.id, chrom.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(bins.shape), dcpl=made
    )
    if len(bins):
        written.write(h5py.h5s.ALL, h5py.h5s.ALL, bins)
    attribute = h5py.h5a.create(written, b"order", h5py.h5t.STD_I64LE, h5py.h5s.create(h5py.h5s.SCALAR))
    attribute.write(np.array(order, np.int64))


def read_track_name(path: Path) -> str:
    """The track of a coverage file: the name that it holds, else that of the file.

    Raises:
        InputError: it is no HDF5 file.
    """
    with open_hdf5(path) as handle:
        return _track_name(handle, path)


def _track_name(handle: h5py.File, path: Path) -> str:
    return str(handle.attrs.get("track", "")) or path.name.removesuffix(".coverage.h5")


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
        found = [(_order(handle, name, path), name) for name in handle]
        # Files written by others may lack the attribute: sorting is stable, so they keep the order of the names.
        bins = {name: n for (_, n), name in sorted(found, key=lambda item: item[0].order)}
        return TrackLayout(_track_name(handle, path), BinLayout(bin_size, bins))


class _ContigBins(NamedTuple):
    """Place of a chromosome in the genome's order, and its number of bins."""

    order: int
    n: int


def _order(handle: h5py.File, name: str, path: Path) -> _ContigBins:
    import h5py

    # By the library's own calls where all is as it is written here: h5py's take ten times as long, for each of the
    # 20,000 contigs of a draft genome.
    item = h5py.h5o.open(handle.id, name.encode())
    if isinstance(item, h5py.h5d.DatasetID) and item.dtype == np.float32 and item.rank == 1:
        if not h5py.h5a.exists(item, b"order"):
            return _ContigBins(0, item.shape[0])
        stored, value = h5py.h5a.open(item, b"order"), np.zeros((), np.int64)
        if stored.dtype == np.int64 and stored.shape == ():
            stored.read(value)
            return _ContigBins(int(value), item.shape[0])
    other = dataset(handle, name, path)
    return _ContigBins(_integer(other.attrs, "order", path), other.shape[0])


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
    import h5py

    out = np.empty(sum(layout.bins.values()), np.float32)
    first = layout.first
    with open_hdf5(path) as handle:
        for chrom, n in layout.bins.items():
            item = h5py.h5o.open(handle.id, chrom.encode()) if chrom in handle else None
            if not isinstance(item, h5py.h5d.DatasetID) or item.shape != (n,):
                raise InputError(
                    f"does not have {n} bins on {chrom}: bin all tracks against the same genome and bin size", path
                )
            if n:
                item.read(h5py.h5s.ALL, h5py.h5s.ALL, out[first[chrom] : first[chrom] + n])
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
