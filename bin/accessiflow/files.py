"""Reading and writing files: atomic, reproducible, one clear sentence when a file is not what it should be."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import math
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from accessiflow.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

NA = "NA"
# A file that unpacks to far more than honest data does was made to fill the memory or the disk. DEFLATE reaches 1032
# times the compressed size (zeros), tables of text about 50; whatever the ratio, 256 MB are always allowed.
INFLATED_MOST = 2000
UNPACKED_MOST = 200
INFLATED_LEAST = 1 << 28


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
    """Whether there is a file or folder of that name; False for a name that no file can have (too long, with a NUL)."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """A folder next to `path` for what will take its place, removed in any case.

    In the same place, because a rename is atomic within one file system only.

    Raises:
        InputError: the folder cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror}): choose another output", path) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary name next to `path` (same suffixes), renamed to `path` on success and removed on failure.

    Raises:
        InputError: the folder cannot be made or written to.
    """
    path = Path(path)
    with scratch(path) as folder:  # a folder of its own, because writers look at the suffix and add index files
        temporary = folder / path.name
        yield temporary
        os.replace(temporary, path)


def require_room(path: Path, size: int) -> None:
    """Check that a file can grow, for writers of C libraries that crash on a full disk instead of reporting it.

    Raises:
        OSError: `size` bytes do not fit where `path` lies.
    """
    disk = os.statvfs(path.parent)
    if disk.f_bavail * disk.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


class _Unpacked(gzip.GzipFile):
    """A gzip file that stops when it unpacks to far more than text does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "rb")
        self._bytes_left = max(INFLATED_LEAST, UNPACKED_MOST * path.stat().st_size)

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._counted(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._counted(super().readline(size))

    def _counted(self, data: bytes) -> bytes:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            raise OSError(f"it unpacks to more than {UNPACKED_MOST} times its size")
        return data


class _Text(io.TextIOWrapper):
    """A text file that raises InputError, with its name, where reading meets damage."""

    # Damage shows only while reading, long after the file was opened, and by any of the four ways to read.

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        # "utf-8-sig" leaves out the byte order mark that spreadsheets write; newline None makes CRLF and CR to LF.
        super().__init__(raw, encoding="utf-8-sig", newline=None)  # type: ignore[arg-type]
        self._path = path

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        try:
            # A generator, so that a line costs one call of C code instead of one of __next__ below.
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
    """Open a text file for reading.

    Gzip and bgzip are recognised by content and decompressed; CRLF becomes LF, a byte order mark is left out.

    Raises:
        InputError: the file is missing or empty; while reading: it is truncated, damaged or not UTF-8.
    """
    return _Text(open_bytes(path), path)


def read_lines(path: Path) -> list[str]:
    """The lines of a list (names, barcodes, labels) that hold something, without white space around them."""
    with open_text(path) as handle:
        return [line.strip() for line in handle if line.strip()]


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file for reading as bytes; gzip and bgzip are recognised by content and decompressed.

    Raises:
        InputError: the file is missing or empty.
    """
    require_file(path)
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    return _Unpacked(Path(path)) if zipped else open(path, "rb")  # type: ignore[return-value]


@contextmanager
def write_text(path: Path) -> Iterator[IO[str]]:
    """Open `path` for atomic writing; a name that ends in `.gz` is compressed."""
    with atomic(path) as temporary:
        if str(path).endswith(".gz"):
            # Without a name and a timestamp in the gzip header, equal text gives equal bytes.
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
    """Write a tidy TSV with header, missing values as `NA`.

    Args:
        table: the rows; its index is not written.
        path: the file; `.gz` is compressed.
        float_format: how numbers are printed; None for the shortest decimals that read back as the same number.
    """
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
    (table,) = read_table_blocks(path, required, text=text)
    return table


def read_table_blocks(
    path: Path, required: Sequence[str] = (), *, text: Sequence[str] = (), rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """The same, so many rows at a time (None: all); a column's type may differ between blocks."""
    with open_text(path) as handle:
        parts, first = _parsed(handle, text, rows), 2  # line of the first row, after the header
        while True:
            try:
                table = next(parts, None)
            except (EOFError, OSError, ValueError) as error:  # pandas' own errors are ValueErrors
                reason = str(error).strip().splitlines()[0]
                raise InputError(f"is not a readable tab-separated table ({reason})", path) from None
            if table is None:
                return
            _check_table(table, path, required, text, first)
            first += len(table)
            yield table


def _parsed(handle: IO[str], text: Sequence[str], rows: int | None) -> Iterator[pd.DataFrame]:
    import pandas as pd

    found = pd.read_csv(
        # pandas would by default read a gene called "nan" or "null" as missing.
        handle,
        sep="\t",
        comment="#",
        na_values=[NA, ""],
        keep_default_na=False,
        dtype=dict.fromkeys(text, str),
        chunksize=rows,
    )
    yield from [found] if rows is None else found


def _check_table(table: pd.DataFrame, path: Path, required: Sequence[str], text: Sequence[str], first: int) -> None:
    missing = [c for c in required if c not in table.columns]
    if missing:
        raise InputError(
            f"lacks the column(s) {', '.join(missing)} (found: {', '.join(map(str, table.columns[:12]))})", path
        )
    for column in set(text) & set(table.columns):
        if table[column].isna().any():
            row = int(table[column].isna().to_numpy().argmax())
            raise InputError(f"has no value in column {column}", path, row + first)


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
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # a scalar or an array of numpy
        return _plain(value.tolist())
    return str(value)


def in_order(shards: Iterable[Path]) -> list[Path]:
    """Shards by the number in their names (10 after 9), however many digits it has."""
    return sorted(shards, key=lambda path: [_sort_key(part) for part in re.split(r"(\d+)", _shard_name(path))])


def _sort_key(part: str) -> tuple[bool, int, str]:
    """Digits compare as a number; the flag in front keeps numbers and text from being compared with each other."""
    return part.isdigit(), int(part) if part.isdigit() else 0, part


def _shard_name(path: Path) -> str:
    # A shard is a folder, or a file of one name (sad.h5) in a folder of the shard's name.
    return path.parent.name if path.is_file() else path.name
