"""The coverage and peak files: T.coverage.h5 (one dataset a chromosome) and T.peaks.bed.gz (bgzipped, tabix-indexed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import create_hdf5, dataset, open_hdf5

if TYPE_CHECKING:
    import h5py

LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Layout:
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

    def locate(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
        """Chromosome names (n,) and start positions (n,) of global bin numbers (n,)."""
        names = np.array(list(self.bins), dtype=object)
        firsts = np.array(list(self.first.values()))
        which = np.searchsorted(firsts, numbers, side="right") - 1
        return names[which], (numbers - firsts[which]) * self.bin_size


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
            if len(bins) and np.nanmax(bins, initial=0) > LARGEST:
                raise InputError(
                    f"the track {track} has a bin of coverage above {LARGEST:g} on {chrom}: check its values and --scale"
                )
            chunks = (min(len(bins), 1 << 16),) if len(bins) else None
            written = out.create_dataset(
                chrom,
                data=bins.astype(np.float32),
                chunks=chunks,
                compression="gzip" if chunks else None,
                compression_opts=1 if chunks else None,
                shuffle=bool(chunks),
            )
            written.attrs["order"] = order


def read_layout(path: Path) -> tuple[str, Layout]:
    """Track name and bin layout of a coverage file."""
    with open_hdf5(path) as handle:
        if "bin_size" not in handle.attrs:
            raise InputError("is not a coverage file: it has no bin_size attribute", path)
        if len(handle) == 0:
            raise InputError("holds no chromosome", path)
        bin_size = _integer(handle.attrs, "bin_size", path)
        if bin_size < 1:
            raise InputError(f"has the bin_size {bin_size}, expected 1 or more", path)
        bins = {chrom: dataset(handle, chrom, path) for chrom in handle}
        order = sorted(
            bins, key=lambda chrom: _integer(bins[chrom].attrs, "order", path)
        )  # stable: else in the order of the names
        track = str(handle.attrs.get("track", "")) or path.name.removesuffix(".coverage.h5")
        return track, Layout(bin_size, {chrom: bins[chrom].shape[0] for chrom in order})


def _integer(attributes: h5py.AttributeManager, name: str, path: Path) -> int:
    """An attribute that is an integer; 0 where it is absent."""
    try:
        return int(attributes.get(name, 0))
    except (TypeError, ValueError):
        raise InputError(
            f"has the attribute {name} {str(attributes[name])[:40]!r}, expected an integer", path
        ) from None


def read_coverage(path: Path, layout: Layout) -> NDArray[np.float32]:
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
            handle[chrom].read_direct(out[first[chrom] : first[chrom] + n]) if n else None
    return out


def same_layout(paths: Mapping[str, Path]) -> Layout:
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
