"""Blocks of arrays that survive a kill: appended to a part file one by one, read back by the next run of the same work.

The file holds a JSON line with the fingerprint of the work, then one record for each block: its number of bytes and
their CRC-32 (16 bytes, little-endian), then an npz archive. A record that is cut or damaged is dropped with all behind
it; the blocks in front of it stay. A file of another fingerprint is started anew. Two runs cannot hold one file.

Memory: one block. Disk: the blocks, until the work is done and the file removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from accessiflow import __version__
from accessiflow.errors import InputError
from accessiflow.log import log

FinishedBlock = dict[str, NDArray[Any]]
_Item = TypeVar("_Item")
_FORMAT = "accessiflow part file 1"
_HEAD = struct.Struct("<QQ")


def fingerprint(paths: Sequence[Path], facts: Mapping[str, object]) -> str:
    """SHA-256 of everything that decides the result, this program's version included.

    Args:
        paths: input files and folders, read to their end; of a FASTA, which is large, give the index.
        facts: options and other values that JSON can hold.

    Raises:
        InputError: a path is not there.
    """
    digest = hashlib.sha256(json.dumps([__version__, dict(facts)], sort_keys=True).encode())
    for path in paths:
        if not path.exists():
            raise InputError("no such file: check the path", path)
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            # With its size in front, bytes moved from the end of one file to the next give another digest.
            digest.update(file.stat().st_size.to_bytes(8, "little"))
            with open(file, "rb") as handle:
                while part := handle.read(1 << 20):
                    digest.update(part)
    return digest.hexdigest()


def resume(
    items: Iterable[_Item], part: PartFile | None, compute: Callable[[_Item], FinishedBlock]
) -> Iterator[FinishedBlock]:
    """Yield the block computed from each item, in order.

    Args:
        items: what the blocks are computed from, in the same order in every run.
        part: keeps the blocks; those that an earlier run finished are not computed again. None: nothing is kept.
        compute: makes a block of an item.
    """
    if part is None:
        yield from map(compute, items)
        return
    # All blocks are on disk before the first is handed on: what the caller writes is then never half of a result.
    for number, item in enumerate(items):
        if number >= part.blocks_done:
            part.append(compute(item))
    yield from part.blocks()


class PartFile:
    """The finished blocks of some work, in order.

    with PartFile(path, fingerprint) as part:
        for block in resume(inputs, part, compute):
            write(block)

    When the block is left without an error, the file is removed; with one, or when the process dies, the finished
    blocks stay for the next run.

    Attributes:
        blocks_done: how many blocks there are.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Name the file, which need not exist, and the fingerprint of the work."""
        self.path, self.blocks_done = Path(path), 0
        self._title = json.dumps({"format": _FORMAT, "fingerprint": fingerprint}).encode() + b"\n"
        self._file: BinaryIO

    def __enter__(self) -> PartFile:
        """Open the file, keep what is whole and of this work, drop the rest.

        Raises:
            InputError: it cannot be written, or another run holds it.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # No mode of open() both creates a file and leaves the content of an existing one where it is.
            self._file = open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
        except OSError as error:
            raise InputError(
                f"cannot be written ({error.strerror}): choose another place for the part file", self.path
            ) from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise InputError(
                "is in use by another run of the same work: wait for it, or choose another place", self.path
            ) from None
        except OSError:
            log.info("%s: this file system has no locks: keep two runs of the same work apart", self.path.name)
        self._recover()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file; remove it where all went well, or nothing was finished."""
        if kind is None or self.blocks_done == 0:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def append(self, block: Mapping[str, NDArray[Any]]) -> None:
        """Add a finished block; when this returns, it survives a kill of the process and a loss of power."""
        content = io.BytesIO()
        np.savez(content, **block)
        payload = content.getvalue()
        self._file.seek(0, os.SEEK_END)
        self._file.write(_HEAD.pack(len(payload), zlib.crc32(payload)) + payload)
        self._file.flush()
        os.fsync(self._file.fileno())
        self.blocks_done += 1

    def blocks(self) -> Iterator[FinishedBlock]:
        """The finished blocks, in order."""
        self._file.seek(len(self._title))
        while (payload := self._next()) is not None:
            with np.load(io.BytesIO(payload), allow_pickle=False) as arrays:
                yield {name: arrays[name] for name in arrays.files}

    def _recover(self) -> None:
        title = self._file.read(len(self._title))
        if title != self._title:
            if title:
                log.info("%s: of other inputs, options or version: discarded, all blocks are computed", self.path.name)
            self._cut(0)
            self._file.write(self._title)
            return
        end = len(self._title)
        while self._next() is not None:
            self.blocks_done += 1
            end = self._file.tell()
        dropped = os.fstat(self._file.fileno()).st_size - end
        self._cut(end)
        message = f"{self.path.name}: goes on behind {self.blocks_done} finished blocks"
        if dropped:
            message += f", {dropped} bytes of a cut one dropped"
        log.info("%s", message)

    def _next(self) -> bytes | None:
        """The next record's content; None at the end or where a record is not whole."""
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        size, checksum = _HEAD.unpack(head)
        # A damaged size may be anything up to 2^64: it must not be asked for.
        if size > os.fstat(self._file.fileno()).st_size - self._file.tell():
            return None
        payload = self._file.read(size)
        return payload if zlib.crc32(payload) == checksum else None

    def _cut(self, size: int) -> None:
        self._file.seek(size)
        self._file.truncate()
