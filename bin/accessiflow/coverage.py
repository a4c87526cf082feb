"""The coverage and peak files: T.coverage.h5 (one dataset a chromosome) and T.peaks.bed.gz (bgzipped, tabix-indexed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, create_hdf5, dataset, open_hdf5, open_text, require_file
from accessiflow.peaks import global_bins

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


def write_coverage(path: Path, track: str, kind: str, scale: float, bin_size: int, chromosomes: Iterable[tuple[str, NDArray[np.float64]]]) -> None:
    """Write one track's coverage; chromosomes (name, bins) in genome order."""
    with create_hdf5(path) as out:
        out.attrs.update({"bin_size": bin_size, "kind": kind, "scale": scale, "track": track})
        for order, (chrom, bins) in enumerate(chromosomes):
            if len(bins) and np.nanmax(bins, initial=0) > LARGEST:
                raise InputError(f"the track {track} has a bin of coverage above {LARGEST:g} on {chrom}: check its values and --scale")
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
        order = sorted(bins, key=lambda chrom: _integer(bins[chrom].attrs, "order", path))  # stable: else in the order of the names
        track = str(handle.attrs.get("track", "")) or path.name.removesuffix(".coverage.h5")
        return track, Layout(bin_size, {chrom: bins[chrom].shape[0] for chrom in order})


def _integer(attributes: h5py.AttributeManager, name: str, path: Path) -> int:
    """An attribute that is an integer; 0 where it is absent."""
    try:
        return int(attributes.get(name, 0))
    except (TypeError, ValueError):
        raise InputError(f"has the attribute {name} {str(attributes[name])[:40]!r}, expected an integer", path) from None


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
                raise InputError(f"does not have {n} bins on {chrom}: bin all tracks against the same genome and bin size", path)
            handle[chrom].read_direct(out[first[chrom] : first[chrom] + n]) if n else None
    return out


def write_peaks(path: Path, track: str, layout: Layout, first: NDArray[np.int64], last: NDArray[np.int64], height: NDArray[np.float64]) -> None:
    """Write joined peaks as BED (chrom, start, end, name, greatest coverage of a bin), bgzipped and tabix-indexed.

    Args:
        first, last: global numbers (k,) of each peak's first and one-past-last bin; a peak does not span chromosomes.
    """
    import pysam

    chrom, start = layout.locate(first)
    end = start + (last - first) * layout.bin_size
    lines = (f"{c}\t{s}\t{e}\t{track}_{i}\t{h:.6g}\n" for i, (c, s, e, h) in enumerate(zip(chrom, start, end, height, strict=True), 1))
    with atomic(path) as temporary, atomic(Path(f"{path}.tbi")) as index:
        with pysam.BGZFile(str(temporary), "wb") as out:
            out.write("".join(lines).encode())
        pysam.tabix_index(str(temporary), preset="bed", index=str(index), force=True)


def read_peak_bins(path: Path, layout: Layout) -> NDArray[np.int32]:
    """Sorted global bin numbers (k,) of the peaks in a BED file on the bins of `layout`; an empty bgzipped file has none.

    Raises:
        InputError: the file is empty or truncated, or a line is no interval within the chromosomes of `layout`.
    """
    import pandas as pd

    require_file(path, "peak file (one without peaks is still a bgzipped file)")
    try:
        with open_text(path) as handle:
            rows = pd.read_csv(handle, sep="\t", header=None, usecols=range(3), names=["chrom", "start", "end"], dtype=str, comment="#")
    except pd.errors.EmptyDataError:
        return np.empty(0, np.int32)
    except (pd.errors.ParserError, ValueError, OSError, EOFError) as error:
        raise InputError(f"is not a readable BED file ({str(error).splitlines()[0]})", path) from None
    start, end = (pd.to_numeric(rows[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bins = rows["chrom"].map(layout.bins).to_numpy(np.float64)
    bad = ~((start >= 0) & (end > start) & (start % 1 == 0) & (end % 1 == 0) & (end <= bins * layout.bin_size))
    if bad.any():
        raise InputError("is no peak on the chromosomes of the coverage files: another genome?", path, int(bad.argmax()) + 1)
    low, high = start.astype(np.int64) // layout.bin_size, -(-end.astype(np.int64) // layout.bin_size)
    each = high - low
    first = rows["chrom"].map(layout.first).to_numpy(np.int64) + low
    return np.unique(np.repeat(first - np.r_[0, np.cumsum(each)[:-1]], each) + np.arange(each.sum())).astype(np.int32)


def break_at_chromosomes(is_peak: NDArray[np.bool_], layout: Layout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs of adjacent peak bins as global [first, last) numbers, never across a chromosome's end."""
    from accessiflow.peaks import join_bins

    runs = []
    for chrom, offset in layout.first.items():
        first, last = join_bins(is_peak[offset : offset + layout.bins[chrom]])
        runs.append((first + offset, last + offset))
    return np.concatenate([r[0] for r in runs]), np.concatenate([r[1] for r in runs])


def same_layout(paths: Mapping[str, Path]) -> Layout:
    """The one layout of several coverage files.

    Raises:
        InputError: two of them differ.
    """
    layouts = {track: read_layout(path)[1] for track, path in paths.items()}
    reference = next(iter(layouts.values()))
    for track, layout in layouts.items():
        if layout != reference:
            raise InputError(f"has other chromosomes, bins or bin size than {next(iter(paths.values()))}: bin all tracks alike", paths[track])
    return reference
