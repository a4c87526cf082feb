"""Reading and writing files: atomic, reproducible, one clear sentence when a file is not what it should be."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from accessiflow.errors import InputError

if TYPE_CHECKING:
    import h5py
    import pandas as pd
    from numpy.typing import NDArray

NA = "NA"
INFLATED_MOST, INFLATED_LEAST = 2000, 1 << 28  # times its own size that a file may unpack to (DEFLATE reaches 1032), and bytes that it always may
UNPACKED_MOST = 200  # the same of text: tables reach about 50


def require_file(path: Path, what: str = "file") -> Path:
    """Return `path` if it is a non-empty readable file.

    Raises:
        InputError: it is missing, a folder, empty or unreadable.
    """
    path = Path(path)
    if not exists(path):
        raise InputError(f"no such {what}: check the path", path)
    if path.is_dir():
        raise InputError(f"is a folder, expected a {what}", path)
    if not os.access(path, os.R_OK):
        raise InputError(f"cannot be read: check the permissions of this {what}", path)
    if path.stat().st_size == 0:
        raise InputError(f"is empty, expected a {what}", path)
    return path


def digest(path: Path) -> str:
    """sha256 of a file's bytes, in one pass of constant memory.

    Raises:
        InputError: it is missing, a folder or unreadable.
    """
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}): check the path", path) from None


def exists(path: Path) -> bool:
    """Whether there is a file or folder of that name; not so where no file can have it (too long, with a NUL)."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path` (same suffixes), renamed to `path` on success and removed on failure.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): choose another output", path) from None
    try:
        temporary = folder / path.name
        yield temporary
        os.replace(temporary, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def require_room(path: Path, size: int) -> None:
    """For writers of C libraries that crash on a full disk instead of saying so.

    Raises:
        OSError: `size` bytes do not fit where `path` lies.
    """
    disk = os.statvfs(path.parent)
    if disk.f_bavail * disk.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


class _Unpacked(gzip.GzipFile):
    """A gzip file that stops when it unpacks to far more than text does: made to fill memory or disk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._left = max(INFLATED_LEAST, UNPACKED_MOST * path.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._counted(super().readline(size))

    def _counted(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise OSError(f"it unpacks to more than {UNPACKED_MOST} times its size")
        return data


class _Text(io.TextIOWrapper):
    """A text file whose damage, met while reading, is an InputError that names it."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        super().__init__(raw, encoding="utf-8-sig", newline=None)  # type: ignore[arg-type]
        self._path = path

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        try:
            yield from iter(super().readline, "")
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise self._damage(error) from None

    def __next__(self) -> str:
        try:
            return super().__next__()
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise self._damage(error) from None

    def readline(self, size: int = -1, /) -> str:
        try:
            return super().readline(size)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise self._damage(error) from None

    def read(self, size: int | None = -1, /) -> str:
        try:
            return super().read(size)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
            raise self._damage(error) from None

    def _damage(self, error: Exception) -> InputError:
        what = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        return InputError(f"cannot be read ({what}): truncated or damaged, or another format", self._path)


def open_text(path: Path) -> IO[str]:
    """Open a text file for reading, decompressing `.gz`, `.bgz` (by content); CRLF becomes LF, a byte order mark is left out.

    Raises:
        InputError: the file is missing or empty; while reading: it is truncated, damaged or not UTF-8.
    """
    return _Text(open_bytes(path), path)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading as bytes, decompressing `.gz`, `.bgz` (by content).

    Raises:
        InputError: the file is missing or empty.
    """
    require_file(path)
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return _Unpacked(Path(path)) if zipped else open(path, "rb")  # type: ignore[return-value]


@contextmanager
def write_text(path: Path) -> Iterator[IO[str]]:
    """Open `path` for atomic writing; a `.gz` name is compressed without a timestamp, so equal text gives equal bytes."""
    with atomic(path) as temporary:
        if str(path).endswith(".gz"):
            with (
                open(temporary, "wb") as raw,
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
                io.TextIOWrapper(zipped, encoding="utf-8", newline="\n") as out,
            ):
                yield out
        else:
            with open(temporary, "w", encoding="utf-8", newline="\n") as out:
                yield out


def write_table(table: pd.DataFrame, path: Path, float_format: str | None = "%.10g") -> None:
    """Write a tidy TSV with header, missing values as `NA` (None as float format: shortest exact decimals)."""
    with write_text(path) as out:
        table.to_csv(out, sep="\t", index=False, na_rep=NA, float_format=float_format, lineterminator="\n")


def read_table(path: Path, required: Sequence[str] = (), *, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a TSV with header (`#` comment lines skipped, `NA` and empty as missing).

    Args:
        required: columns that must be there.
        text: columns to keep as strings (chromosome names, alleles); they have no missing values.

    Raises:
        InputError: the file is missing, empty, not a rectangular table, or lacks a required column.
    """
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep="\t", comment="#", na_values=[NA, ""], keep_default_na=False, dtype=dict.fromkeys(text, str))
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, EOFError, OSError, ValueError) as error:
            raise InputError(f"is not a readable tab-separated table ({str(error).strip().splitlines()[0]})", path) from None
    missing = [c for c in required if c not in table.columns]
    if missing:
        raise InputError(f"lacks the column(s) {', '.join(missing)} (found: {', '.join(map(str, table.columns[:12]))})", path)
    for column in set(text) & set(table.columns):
        if table[column].isna().any():
            raise InputError(f"has no value in column {column}", path, int(table[column].isna().to_numpy().argmax()) + 2)
    return table


def write_json(value: Any, path: Path) -> None:
    """Write JSON with sorted keys; NaN and infinities become null; numpy scalars and arrays are accepted."""
    with write_text(path) as out:
        json.dump(_plain(value), out, indent=1, sort_keys=True, allow_nan=False)
        out.write("\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: missing, empty, not JSON (with the line), or nested without end.
    """
    with open_text(path) as handle:
        try:
            return json.load(handle)
        except json.JSONDecodeError as error:
            raise InputError(f"is not valid JSON: {error.msg}", path, error.lineno) from None
        except RecursionError:
            raise InputError("is JSON nested too deeply to be read", path) from None
        except ValueError as error:  # a number of thousands of digits
            raise InputError(f"is JSON with a value that cannot be read ({str(error).split(';')[0]})", path) from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


@contextmanager
def create_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file for atomic writing (h5py stores no object times, so equal content gives equal bytes)."""
    import h5py

    with atomic(path) as temporary, h5py.File(temporary, "w") as handle:
        yield handle


@contextmanager
def open_hdf5(path: Path, required: Sequence[str] = ()) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        InputError: missing, truncated, not HDF5, a required dataset is absent, it leads to other files, or claims much more data than it can hold.
    """
    import h5py

    require_file(path, "HDF5 file")
    try:
        handle = h5py.File(path, "r")
    except OSError:
        raise InputError("is not a readable HDF5 file (truncated or another format)", path) from None
    with handle:
        _check_hdf5(handle, path)
        missing = [name for name in required if name not in handle]
        if missing:
            raise InputError(f"lacks {', '.join(missing)} (found: {', '.join(list(handle)[:12])})", path)
        try:
            yield handle
        except (OSError, RuntimeError, KeyError) as error:
            if not _of_hdf5(error):
                raise
            raise InputError(f"cannot be read ({str(error)[:120]}): truncated or damaged", path) from None


def dataset(handle: h5py.File, name: str, path: Path, kinds: str = "fiub", ndim: Sequence[int] = (1,)) -> h5py.Dataset:
    """A dataset of an open HDF5 file.

    Args:
        kinds: letters of numpy's kinds of values that it may hold; S: text of either of HDF5's forms. ndim: numbers of dimensions that it may have.

    Raises:
        InputError: there is none of that name, or it holds something else.
    """
    import h5py

    item = handle.get(name)
    if not isinstance(item, h5py.Dataset):
        raise InputError(f"needs a dataset {name}, found {'nothing' if item is None else 'a group'}", path)
    kind = "S" if h5py.check_string_dtype(item.dtype) else item.dtype.kind
    if kind not in kinds or item.ndim not in ndim:
        wanted = f"{'text' if kinds == 'S' else 'numbers'} in {' or '.join(map(str, ndim))} dimension(s)"
        raise InputError(f"holds {name} of type {item.dtype} and shape {item.shape}, expected {wanted}", path)
    return item


def as_text(value: object) -> str:
    """A name as it is stored: UTF-8 bytes (what is not UTF-8 replaced), or a string."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def as_texts(values: NDArray[Any]) -> list[str]:
    """The same of an array (n,) of names."""
    return [as_text(value) for value in values.tolist()]


def _of_hdf5(error: BaseException) -> bool:
    """Whether the HDF5 library raised an error while it read: in its own code, and not the system's (a full disk)."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__", "")).startswith("h5py") and getattr(error, "errno", None) is None


def _check_hdf5(handle: h5py.File, path: Path) -> None:
    """Refuse a file whose content lies in other files, or whose datasets claim far more than its bytes can hold."""
    most = max(INFLATED_LEAST, INFLATED_MOST * path.stat().st_size)

    def look(name: bytes, info: h5py.h5l.LinkInfo) -> str | None:
        try:
            return _hdf5_fault(handle, name, info, most)
        except (RuntimeError, OSError, KeyError, TypeError, ValueError) as error:
            return f"is damaged at {_text(name)} ({str(error)[:120]})"

    try:
        fault = handle.id.links.visit(look, info=True)
    except (RuntimeError, OSError, KeyError) as error:
        fault = f"is damaged ({str(error)[:120]})"
    if fault:
        raise InputError(fault, path)


def _hdf5_fault(handle: h5py.File, name: bytes, info: h5py.h5l.LinkInfo, most: int) -> str | None:
    import h5py

    if info.type == h5py.h5l.TYPE_EXTERNAL:
        return f"has a link to another file ({_text(name)}): copy the data into it"
    item = handle[name] if info.type == h5py.h5l.TYPE_HARD else None
    if not isinstance(item, h5py.Dataset):
        return None
    if item.is_virtual or item.external:
        return f"keeps the data of {_text(name)} in other files: copy them into it"
    if (item.size or 0) * item.dtype.itemsize > most:
        return f"claims {item.shape} values for {_text(name)}, more than it can hold: damaged"
    return None


def _text(name: bytes) -> str:
    return name.decode(errors="replace")[:80]
