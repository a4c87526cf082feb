"""Arrays larger than the memory: in a temporary file, mapped."""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import ExitStack
from typing import IO, Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accessiflow.errors import InputError

IN_MEMORY = 1 << 28  # bytes of a table that is not put into a file


def mapped_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """A zeroed array of at least one value, in a file of TMPDIR that has no name and is gone when the array is gone.

    The part of it that is in memory is cache, which the system writes out when it needs the memory.

    Raises:
        InputError: TMPDIR has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    with _room(size) as file:
        mapped = mmap.mmap(file.fileno(), size)
    mapped.madvise(mmap.MADV_RANDOM)  # rows are asked for in random order: reading ahead would be in vain
    return np.frombuffer(mapped, dtype).reshape(shape)


def _room(size: int) -> IO[bytes]:
    """A new file without a name of so many bytes; InputError where there is no room."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile())
            # Room is taken at once: on a disk that fills later, a write to mapped memory would kill the process.
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
        except OSError as error:
            where = tempfile.gettempdir()
            raise InputError(
                f"cannot hold {size / 1e9:.3g} GB that wait there ({error.strerror}): make room, or set TMPDIR", where
            ) from None
        stack.pop_all()
    return file


class WaitingTable:
    """A table (n, width) that is written in one order and read in another: in memory where it is small, else in a file.

    The file is read and written, not mapped: what is mapped counts as memory of the process. A context manager; the
    file has no name and is gone at the end.
    """

    def __init__(self, rows: int, width: int, dtype: DTypeLike, memory: int | None = None) -> None:
        """A table of this shape and precision; `memory` bytes at most (None: IN_MEMORY) stay in memory."""
        self._rows, self._width, self._dtype = rows, width, np.dtype(dtype)
        size = rows * width * self._dtype.itemsize
        self._file = _room(size) if size > (IN_MEMORY if memory is None else memory) else None
        self._values = np.empty((rows, width) if self._file is None else (0, width), self._dtype)

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()

    def put(self, numbers: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Write whole rows (k, width) by their numbers (k,)."""
        if self._file is None:
            self._values[numbers] = values
            return
        for number, row in zip(numbers.tolist(), np.ascontiguousarray(values, self._dtype), strict=True):
            os.pwrite(self._file.fileno(), row.tobytes(), self._place(number, 0))

    def take(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Rows (k, width) by their numbers (k,)."""
        if self._file is None:
            return self._values[numbers]
        out = np.empty((len(numbers), self._width), self._dtype)
        for at, number in enumerate(numbers.tolist()):
            out[at] = self._read(number, 0, self._width)
        return out

    def put_band(self, low: int, values: NDArray[Any]) -> None:
        """Write the columns (n, k) from `low` on."""
        if self._file is None:
            self._values[:, low : low + values.shape[1]] = values
            return
        for number, part in enumerate(np.ascontiguousarray(values, self._dtype)):
            os.pwrite(self._file.fileno(), part.tobytes(), self._place(number, low))

    def band(self, low: int, high: int) -> NDArray[Any]:
        """The columns (n, high - low) from `low` on."""
        if self._file is None:
            return self._values[:, low:high]
        return np.array([self._read(number, low, high) for number in range(self._rows)]).reshape(self._rows, -1)

    def _place(self, row: int, column: int) -> int:
        return (row * self._width + column) * self._dtype.itemsize

    def _read(self, row: int, low: int, high: int) -> NDArray[Any]:
        assert self._file is not None
        size, at = (high - low) * self._dtype.itemsize, self._place(row, low)
        data = os.pread(self._file.fileno(), size, at)
        # One call gives 2 GB at most.
        while len(data) < size:
            data += os.pread(self._file.fileno(), size - len(data), at + len(data))
        return np.frombuffer(data, self._dtype)
