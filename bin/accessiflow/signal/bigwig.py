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
from accessiflow.signal.coverage import RECORDS_AT_ONCE, Bins, Runs, shared_contigs

CHUNK = 1 << 20
ROOM, RECORD, ZOOMED = (
    1 << 18,
    12,
    11,
)  # bytes of a bigWig: its header and buffers, a record, and a record's part of all zoom levels


@dataclass(frozen=True)
class BigWig:
    """Coverage of a bigWig."""

    path: Path
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[Bins]:
        """Each chromosome with its bin sums (size // bin_size,); zeros where the file lacks it."""
        return _bin_bigwig(self.path, self.sizes, bin_size)


class BigWigWriter:
    """A new bigWig at `path`. It needs room for what it writes at the end before it goes on: pyBigWig crashes, or hangs, on a full disk."""

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        import pyBigWig

        self._path, self._records = path, 0
        require_room(path, ROOM)
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
        require_room(self._path, ROOM + RECORD * records + ZOOMED * self._records)


def write_bigwig(path: Path, sizes: Mapping[str, int], coverage: Iterable[Runs]) -> None:
    """Write a bigWig; chromosomes come in the order of `sizes`, each with all its intervals. Memory: some MB beside what `coverage` yields."""
    with atomic(path) as temporary:
        out = BigWigWriter(temporary, sizes)
        for chrom, starts, ends, values in coverage:
            for low in range(0, len(starts), RECORDS_AT_ONCE):
                part = slice(low, low + RECORDS_AT_ONCE)
                out.add(chrom, starts[part], ends[part], values[part])
        out.close()


def _bin_bigwig(path: Path, sizes: Mapping[str, int], bin_size: int) -> Iterator[Bins]:
    handle = open_bigwig(path)
    lengths: dict[str, int] = handle.chroms()
    shared = set(shared_contigs(path, lengths, sizes))
    step = max(CHUNK // bin_size, 1) * bin_size
    for chrom, size in sizes.items():
        out = np.zeros(size // bin_size)
        end = min(size, lengths[chrom]) if chrom in shared else 0
        for left in range(0, min(end, len(out) * bin_size), step):
            right = min(left + step, end, len(out) * bin_size)
            values = _chunk_values(handle, path, chrom, left, right)
            whole = values if len(values) % bin_size == 0 else np.pad(values, (0, -len(values) % bin_size))
            sums = whole.reshape(-1, bin_size).sum(axis=1, dtype=np.float64)
            out[left // bin_size : left // bin_size + len(sums)] = sums
        yield chrom, out
    handle.close()


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
