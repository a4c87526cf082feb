"""tf.train.Example on the wire, without TensorFlow: bytes features written, and found again in records that were written alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEQUENCE, TARGET = b"sequence", b"target"


class RecordLayout(NamedTuple):
    """Where the two features lie in a record; the same in every record that has the same bytes at `fixed`."""

    sequence: slice
    target: slice
    fixed: NDArray[np.intp]


def encode_example(sequence: bytes, target: bytes) -> bytes:
    """tf.train.Example { features { feature { key, value { bytes_list { value } } } } } of the features `sequence` and `target`."""
    entries = [
        field(1, field(1, key) + field(2, field(1, field(1, data))))
        for key, data in ((SEQUENCE, sequence), (TARGET, target))
    ]
    return field(1, b"".join(entries))


def field(number: int, data: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def layout_of(payload: bytes) -> RecordLayout:
    """Where the features lie in a record; values of other features are free to differ.

    Raises:
        ValueError: it is no tf.train.Example with the bytes features `sequence` and `target`.
    """
    found: dict[bytes, slice] = {}
    fixed = np.ones(len(payload), bool)
    try:
        for _, *features in _fields(payload, 0, len(payload)):
            for _, *entry in _fields(payload, *features):
                parts = {number: place for number, *place in _fields(payload, *entry)}
                key, value = payload[slice(*parts[1])], slice(*parts[2])
                if key in (SEQUENCE, TARGET):
                    value = found[key] = _bytes_value(payload, value)
                fixed[value] = False
    except (KeyError, IndexError, StopIteration):
        raise ValueError("another message") from None
    if set(found) != {SEQUENCE, TARGET}:
        raise ValueError("a feature is missing")
    return RecordLayout(found[SEQUENCE], found[TARGET], np.flatnonzero(fixed))


def _bytes_value(payload: bytes, feature: slice) -> slice:
    """The one value of a feature's bytes_list."""
    _, *kind = next(_fields(payload, feature.start, feature.stop))
    return next(slice(start, end) for number, start, end in _fields(payload, *kind) if number == 1)


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each length-delimited field of a message that spans data[at:end]."""
    while at < end:
        tag, at = _read_varint(data, at)
        length, at = _read_varint(data, at)
        if tag & 7 != 2 or at + length > end:
            raise ValueError("a field of another type, or one that leaves its message")
        yield tag >> 3, at, at + length
        at += length


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
