"""The structure of a bigWig, checked before the C library trusts it: a damaged index makes it read outside its memory.

The check reads the header, the tree of chromosomes and the indexes (some 0.3 % of a file), and in uncompressed files
the header of every block; compressed blocks carry checksums of their own. The format is that of Kent et al. 2010
(supplement), integers little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from accessiflow.errors import InputError

MAGIC, CHROMS_MAGIC, INDEX_MAGIC = b"\x26\xfc\x8f\x88", 0x78CA8C91, 0x2468ACE0
LONGEST_NAME = 1 << 12  # bytes; a damaged length would else ask for gigabytes
ITEM_BYTES = {1: 12, 2: 8, 3: 4}  # of an item of a block, by the block's kind: bedGraph, variable step, fixed step


class _Damaged(Exception):
    """What is wrong with a file."""


class _Block(NamedTuple):
    """Place of a block of data in the file, in bytes."""

    offset: int
    length: int


class _Node(NamedTuple):
    """A node of a tree: its items hold data in a leaf, else the places of other nodes."""

    is_leaf: bool
    items: list[bytes]


def check_structure(path: Path) -> None:
    """Check that every place that a bigWig's indexes name lies in the file.

    Raises:
        InputError: it is no bigWig, truncated or damaged.
    """
    with open(path, "rb") as raw:
        if raw.read(4) != MAGIC:
            raise InputError("is not a bigWig file (its magic number is wrong)", path)
        try:
            _check(raw, path.stat().st_size)
        except _Damaged as error:
            raise InputError(f"cannot be read as bigWig ({error}): truncated or damaged, copy it again", path) from None


def _check(raw: BinaryIO, size: int) -> None:
    zooms, chroms, _, index, _, _, _, summary, buffer = struct.unpack("<6xHQQQHHQQI", _read(raw, 0, 56, size))
    _read(raw, summary, 40 if summary else 0, size)
    _check_chroms(raw, chroms, size)
    for block in _indexed_blocks(raw, index, size):
        if not buffer:  # no buffer for inflating: the file is uncompressed
            _check_block(_read(raw, block.offset, 24, size), block.length)
    levels = _read(raw, 64, 24 * zooms, size)
    for place in range(0, len(levels), 24):
        for _ in _indexed_blocks(raw, struct.unpack_from("<Q", levels, place + 16)[0], size):
            pass


def _read(raw: BinaryIO, offset: int, length: int, size: int) -> bytes:
    if offset + length > size:
        raise _Damaged(f"it names byte {offset + length} of {size}")
    raw.seek(offset)
    return raw.read(length)


def _check_chroms(raw: BinaryIO, offset: int, size: int) -> None:
    """Check the tree of chromosomes: it holds as many as it says, numbered from 0."""
    magic, _, key, value, count, _ = struct.unpack("<IIIIQQ", _read(raw, offset, 32, size))
    if magic != CHROMS_MAGIC or key > LONGEST_NAME or value != 8:
        raise _Damaged("its tree of chromosomes starts wrong")
    listed = 0
    for node in _nodes(raw, offset + 32, size, (key + 8, key + 8), key):
        for item in node.items if node.is_leaf else ():
            listed += 1
            if struct.unpack_from("<I", item, key)[0] >= count:
                raise _Damaged("it numbers a chromosome beyond their number")
    if listed != count:
        raise _Damaged(f"it lists {listed} of {count} chromosomes")


def _indexed_blocks(raw: BinaryIO, offset: int, size: int) -> Iterator[_Block]:
    """The blocks that an index names; none where there is no index, as in a file without values."""
    if offset == 0:
        return
    if struct.unpack("<I", _read(raw, offset, 48, size)[:4])[0] != INDEX_MAGIC:
        raise _Damaged("an index starts wrong")
    for node in _nodes(raw, offset + 48, size, (24, 32), 16):
        for item in node.items if node.is_leaf else ():
            block = _Block(*struct.unpack_from("<QQ", item, 16))
            if block.offset + block.length > size:
                raise _Damaged(f"its index names byte {block.offset + block.length} of {size}")
            yield block


def _nodes(raw: BinaryIO, root: int, size: int, widths: tuple[int, int], child: int) -> Iterator[_Node]:
    """The nodes of a tree, depth first.

    Args:
        raw: the file.
        root: offset of the first node.
        size: bytes of the file.
        widths: bytes of an item of an inner node, and of a leaf.
        child: where in an item of an inner node the offset of its child stands.
    """
    # `seen` ends the walk where damage has made an inner node its own descendant.
    waiting, seen = [root], set()
    while waiting:
        offset = waiting.pop()
        if offset in seen:
            raise _Damaged("a tree runs in a circle")
        seen.add(offset)
        leaf, _, count = struct.unpack("<BBH", _read(raw, offset, 4, size))
        if leaf > 1:
            raise _Damaged("a node of a tree is none")
        width = widths[leaf]
        content = _read(raw, offset + 4, count * width, size)
        items = [content[place : place + width] for place in range(0, len(content), width)]
        if not leaf:
            waiting += [struct.unpack_from("<Q", item, child)[0] for item in reversed(items)]
        yield _Node(bool(leaf), items)


def _check_block(header: bytes, length: int) -> None:
    kind, count = struct.unpack_from("<BxH", header, 20)
    if kind not in ITEM_BYTES or 24 + count * ITEM_BYTES[kind] > length:
        raise _Damaged("a block of data claims more than it holds")
