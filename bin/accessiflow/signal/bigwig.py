"""Coverage of bigWig files: reading and writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, require_file, require_room
from accessiflow.signal.bigwig_structure import check_structure
from accessiflow.signal.coverage import RECORDS_AT_ONCE, ChromBins, ChromRuns, check_lengths, shared_contigs

BASES_AT_ONCE = 1 << 20  # 4 MB of values
# Bytes of a bigWig, for the estimate of its size on disk.
HEADER_BYTES = 1 << 18  # and the library's buffers
RECORD_BYTES = 12  # start, end and value, uncompressed
ZOOM_BYTES = 11  # a record's part of all zoom levels, which are written at the end


@dataclass(frozen=True)
class BigWig:
    """Coverage of a bigWig."""

    path: Path
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[ChromBins]:
        """Each chromosome with its bin sums (size // bin_size,); zeros where the file lacks it."""
        return _bin_bigwig(self.path, self.sizes, bin_size)


class BigWigWriter:
    """A new bigWig at `path`.

    Before each write there must be room for everything that is still to come: pyBigWig crashes, or hangs, on a full
    disk.
    """

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        import pyBigWig

        self._path, self._records = path, 0
        require_room(path, HEADER_BYTES)
        self._handle = pyBigWig.open(str(path), "w")
        self._handle.addHeader(list(sizes.items()))

    def add(self, chrom: str, starts: NDArray[np.int64], ends: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Add intervals (n,), sorted."""
        self._count(len(values))
        self._handle.addEntries(
            [chrom] * len(values), starts.tolist(), ends=ends.tolist(), values=values.astype(np.float64).tolist()
        )

    def add_steps(self, chrom: str, start: int, width: int, values: NDArray[Any]) -> None:
        """Add adjacent intervals of one width with the values (n,)."""
        self._count(len(values))
        self._handle.addEntries(chrom, start, values=values.astype(np.float64).tolist(), span=width, step=width)

    def close(self) -> None:
        """Write the index and the zoom levels."""
        self._count(0)
        self._handle.close()

    def _count(self, records: int) -> None:
        self._records += records
        require_room(self._path, HEADER_BYTES + RECORD_BYTES * records + ZOOM_BYTES * self._records)


def write_bigwig(path: Path, sizes: Mapping[str, int], coverage: Iterable[ChromRuns]) -> None:
    """Write a bigWig; chromosomes come in the order of `sizes`, each with all its intervals.

    Memory: some MB in addition to what `coverage` yields.
    """
    with atomic(path) as temporary:
        out = BigWigWriter(temporary, sizes)
        for chrom, starts, ends, values in coverage:
            for low in range(0, len(starts), RECORDS_AT_ONCE):
                part = slice(low, low + RECORDS_AT_ONCE)
                out.add(chrom, starts[part], ends[part], values[part])
        out.close()


def _bin_bigwig(path: Path, sizes: Mapping[str, int], bin_size: int) -> Iterator[ChromBins]:
    handle = open_bigwig(path)
    lengths: dict[str, int] = handle.chroms()
    shared = set(shared_contigs(path, lengths, sizes))
    check_lengths(path, lengths, sizes)
    step = max(BASES_AT_ONCE // bin_size, 1) * bin_size  # whole bins, so that none is summed in two parts
    for chrom, size in sizes.items():
        out = np.zeros(size // bin_size)
        end = len(out) * bin_size if chrom in shared else 0  # the last bin is dropped unless it is whole
        for left in range(0, end, step):
            right = min(left + step, end)
            values = _chunk_values(handle, path, chrom, left, right)
            whole = values if len(values) % bin_size == 0 else np.pad(values, (0, -len(values) % bin_size))
            sums = whole.reshape(-1, bin_size).sum(axis=1, dtype=np.float64)
            out[left // bin_size : left // bin_size + len(sums)] = sums
        yield ChromBins(chrom, out)
    handle.close()


def has_data(handle: Any, path: Path, chrom: str) -> bool:
    """Whether a contig of a bigWig has a value above 0.

    Raises:
        InputError: values cannot be read.
    """
    length = handle.chroms()[chrom]
    greatest = handle.stats(chrom, 0, length, type="max")[0]  # from the zoom levels, without reading the values
    if greatest is not None and greatest > 0:
        return True
    # A stored NaN makes the summary of its zoom block undefined, whatever else is there: only the values say.
    starts = range(0, length, BASES_AT_ONCE)
    return any(_chunk_values(handle, path, chrom, s, min(s + BASES_AT_ONCE, length)).max() > 0 for s in starts)


def _chunk_values(handle: Any, path: Path, chrom: str, left: int, right: int) -> NDArray[np.float32]:
    """Coverage (right - left,) per base, 0 in the gaps."""
    try:
        values = handle.values(chrom, left, right, numpy=True)
    except RuntimeError as error:
        raise InputError(f"cannot be read at {chrom}:{left}-{right} ({error}): truncated?", path) from None
    if len(values) == 0:  # what pyBigWig returns for a file without any value
        return np.zeros(right - left, np.float32)
    values[np.isnan(values)] = 0
    low, high = values.min(), values.max()
    if low < 0 or high == np.inf:
        at = left + int(values.argmin() if low < 0 else values.argmax())
        raise InputError(
            f"has the coverage {low if low < 0 else high:g} at {chrom}:{at}-{at + 1}: coverage must be a number >= 0",
            path,
        )
    return values


def open_bigwig(path: Path) -> Any:
    """Open a bigWig for reading: a handle of pyBigWig, which has no types.

    Raises:
        InputError: missing, empty, truncated or not a bigWig.
    """
    import pyBigWig

    require_file(path, "bigWig file")
    check_structure(path)
    try:
        handle = pyBigWig.open(str(path))
        chroms = handle.chroms() if handle is not None else None
    except (RuntimeError, OSError):
        chroms = None
    if not chroms:
        raise InputError("cannot be read as bigWig: truncated, or without contigs", path)
    return handle
