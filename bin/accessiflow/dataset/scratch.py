"""Arrays larger than the memory: in a temporary file, mapped."""

from __future__ import annotations

import mmap
import os
import tempfile

import numpy as np
from numpy.typing import DTypeLike, NDArray

from accessiflow.errors import InputError


def mapped_array(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """A zeroed array of at least one value, in a file of TMPDIR that has no name and is gone when the array is gone.

    The part of it that is in memory is cache, which the system writes out when it needs the memory.

    Raises:
        InputError: TMPDIR has no room for it.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    try:
        with tempfile.TemporaryFile() as file:
            # Room is taken at once: on a disk that fills later, a write to mapped memory would kill the process.
            os.posix_fallocate(file.fileno(), 0, size)
            mapped = mmap.mmap(file.fileno(), size)
    except OSError as error:
        where = tempfile.gettempdir()
        raise InputError(
            f"cannot hold {size / 1e9:.3g} GB of windows ({error.strerror}): make room there, or set TMPDIR", where
        ) from None
    mapped.madvise(mmap.MADV_RANDOM)  # rows are asked for in random order: reading ahead would be in vain
    return np.frombuffer(mapped, dtype).reshape(shape)
