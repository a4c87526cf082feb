"""tf.train.Example as bytes, without TensorFlow: writing bytes features, and their places in records of one form."""

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


class Field(NamedTuple):
    """A length-delimited field of a protobuf message: its number, and where its data start and end."""

    number: int
    start: int
    end: int


class Varint(NamedTuple):
    """A number, and the place of the byte after it."""

    value: int
    end: int


def encode_example(sequence: bytes, target: bytes) -> bytes:
    """tf.train.Example of the bytes features `sequence` and `target`."""
    # Example { features { feature { key, value { bytes_list { value } } } } }; a map's entry has key 1 and value 2.
    entries = [
        field(1, field(1, key) + field(2, field(1, field(1, data))))
        for key, data in ((SEQUENCE, sequence), (TARGET, target))
    ]
    return field(1, b"".join(entries))


def field(number: int, data: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data  # 2 is the type of length-delimited fields


def layout_of(payload: bytes) -> RecordLayout:
    """Where the features lie in a record; values of other features are free to differ.

    Raises:
        ValueError: it is no tf.train.Example with the bytes features `sequence` and `target`.
    """
    values: dict[bytes, slice] = {}
    fixed = np.ones(len(payload), bool)
    try:
        for features in _fields(payload, 0, len(payload)):
            for entry in _fields(payload, features.start, features.end):
                parts = {part.number: slice(part.start, part.end) for part in _fields(payload, entry.start, entry.end)}
                key, value = payload[parts[1]], parts[2]
                if key in (SEQUENCE, TARGET):
                    value = values[key] = _bytes_value(payload, value)
                fixed[value] = False
    except (KeyError, IndexError, StopIteration):
        raise ValueError("another message") from None
    if set(values) != {SEQUENCE, TARGET}:
        raise ValueError("a feature is missing")
    return RecordLayout(values[SEQUENCE], values[TARGET], np.flatnonzero(fixed))


def _bytes_value(payload: bytes, feature: slice) -> slice:
    """The one value of a feature's bytes_list."""
    kind = next(_fields(payload, feature.start, feature.stop))
    return next(slice(part.start, part.end) for part in _fields(payload, kind.start, kind.end) if part.number == 1)


def _fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    """The length-delimited fields of a message that spans data[at:end]."""
    while at < end:
        tag, at = _read_varint(data, at)
        length, at = _read_varint(data, at)
        if tag & 7 != 2 or at + length > end:
            raise ValueError("a field of another type, or one that leaves its message")
        yield Field(tag >> 3, at, at + length)
        at += length


def _varint(value: int) -> bytes:
    """A number as protobuf writes it: 7 bits a byte, least first, the top bit set in all bytes but the last."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _read_varint(data: bytes, at: int) -> Varint:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return Varint(value, at)
