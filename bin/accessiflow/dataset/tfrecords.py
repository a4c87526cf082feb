"""TFRecords in Basenji's form, without TensorFlow: whole-file ZLIB, tf.train.Example with bytes features `sequence` and `target`.

`sequence` = seq_length x 4 uint8 one-hot, row-major A, C, G, T; a base that is none of them is an all-zero row, read back as code 4 (0.25 each).
`target` = float32 (target_length, tracks), row-major. Basenji HEAD's form (uint8 codes, float16 targets) is read too.

Memory: one record and a block of its file while reading and writing; `load_fold` holds the fold, a byte a base.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, read_json, require_file

Codes = NDArray[np.uint8]
_ONE_HOT = np.array([1, 1 << 8, 1 << 16, 1 << 24, 0], "<u4")  # the four bytes of a row as one integer
_BLOCK = 1 << 18
_HASH = np.uint32(0x04050607)


def write_records(path: Path, examples: Iterable[tuple[Codes, NDArray[np.float32]]]) -> None:
    """Write one TFRecord file from (base codes (L,), targets (target_length, tracks))."""
    with atomic(path) as temporary, open(temporary, "wb") as out:
        squeeze = zlib.compressobj(1)
        for codes, targets in examples:
            payload = _encode_example(_ONE_HOT.take(codes).tobytes(), np.ascontiguousarray(targets, "<f4").tobytes())
            header = struct.pack("<Q", len(payload))
            out.write(squeeze.compress(header + _masked_crc(header) + payload + _masked_crc(payload)))
        out.write(squeeze.flush())


def read_records(
    paths: Sequence[Path], seq_length: int, target_length: int, tracks: int | None = None
) -> Iterator[tuple[Codes, NDArray[np.float32]]]:
    """Yield (base codes (L,) uint8, targets (target_length, tracks) float32) of all records of files in order, however many there are.

    Args:
        tracks: tells targets of 2 bytes a value from those of 4; without it they have 2 where the sequence is stored as codes.

    Raises:
        InputError: a file is truncated, damaged or of another shape (with the record).
    """
    for path in paths:
        places: _Places | None = None
        for number, payload in enumerate(_payloads(path), 1):
            if places is None or not places.fit(payload):
                places = _places(payload, path, number)
            sequence, target = payload[places.sequence], payload[places.target]
            half = len(target) == 2 * target_length * tracks if tracks else len(sequence) == seq_length
            yield _codes(sequence, seq_length, path, number), _targets(target, half, target_length, path, number)


def fold_files(data_dir: Path, fold: str) -> list[Path]:
    """TFRecord files of a fold, in order."""
    numbered = {int(match[1]): path for path in (data_dir / "tfrecords").glob("*.tfr") if (match := re.fullmatch(rf"{fold}-(\d+)", path.stem))}
    found = [numbered[k] for k in sorted(numbered)]
    if not found:
        raise InputError(f"has no TFRecords of the {fold} fold (tfrecords/{fold}-0.tfr ...)", data_dir)
    return found


def load_fold(data_dir: Path, fold: str) -> tuple[Codes, NDArray[np.float32]]:
    """All windows of a fold: base codes (n, L) uint8 and targets (n, target_length, tracks) float32.

    Memory: seq_length + 4 x target_length x tracks bytes a window.
    """
    length, targets, tracks, n = _shape(data_dir, fold)
    codes, values = np.empty((n, length), np.uint8), np.empty((n, targets, tracks), np.float32)
    done = 0
    for sequence, target in read_records(fold_files(data_dir, fold), length, targets, tracks):
        if done == n or target.shape[1] != tracks:
            raise InputError(f"disagrees with statistics.json: more than {n} {fold} windows, or other than {tracks} tracks", data_dir)
        codes[done], values[done] = sequence, target
        done += 1
    if done != n:
        raise InputError(f"holds {done} {fold} windows, statistics.json says {n}: an incomplete dataset", data_dir)
    return codes, values


def _shape(data_dir: Path, fold: str) -> tuple[int, int, int, int]:
    """seq_length, target_length, tracks and number of windows of a fold."""
    facts = read_json(data_dir / "statistics.json")
    try:
        length, targets, tracks, n = (int(facts[k]) for k in ("seq_length", "target_length", "num_targets", f"{fold}_seqs"))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"lacks a number that a dataset has ({error})", data_dir / "statistics.json") from None
    return length, targets, tracks, n


def _payloads(path: Path) -> Iterator[bytes]:
    require_file(path, "TFRecord file")
    with open(path, "rb") as raw:
        stream, number = _Inflater(raw, path), 1
        while header := stream.take(12):
            if len(header) < 12:
                raise InputError("ends in the middle of a record: truncated", path, number)
            length = struct.unpack("<Q", header[:8])[0]
            if _masked_crc(header[:8]) != header[8:]:
                raise InputError("has a damaged record header (checksum)", path, number)
            body = stream.take(length + 4)
            if len(body) < length + 4:
                raise InputError("ends in the middle of a record: truncated", path, number)
            if _masked_crc(body[:length]) != body[length:]:
                raise InputError("has a damaged record (checksum)", path, number)
            yield body[:length]
            number += 1
        if not stream.complete:
            raise InputError("ends before this record, without the end of its ZLIB stream: truncated", path, number)


class _Inflater:
    """Bytes of a ZLIB file, asked for piece by piece."""

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        self._raw, self._path, self._inflate, self._buffer, self._at = raw, path, zlib.decompressobj(), b"", 0

    @property
    def complete(self) -> bool:
        """Whether the end of the ZLIB stream has been reached."""
        return self._inflate.eof

    def take(self, n: int) -> bytes:
        """The next n bytes, fewer at the end."""
        while len(self._buffer) - self._at < n and (block := self._raw.read(_BLOCK)):
            try:
                self._buffer, self._at = self._buffer[self._at :] + self._inflate.decompress(block), 0
            except zlib.error:
                raise InputError("is not a ZLIB-compressed TFRecord file, or is damaged", self._path) from None
        out = self._buffer[self._at : self._at + n]
        self._at += len(out)
        return out


def _masked_crc(data: bytes) -> bytes:
    import google_crc32c

    crc = google_crc32c.value(data)
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _encode_example(sequence: bytes, target: bytes) -> bytes:
    """tf.train.Example { features { feature { key, value { bytes_list { value } } } } }."""
    entries = [_field(1, _field(1, key) + _field(2, _field(1, _field(1, data)))) for key, data in ((b"sequence", sequence), (b"target", target))]
    return _field(1, b"".join(entries))


def _fields(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of each length-delimited field of a message that spans data[at:end]."""
    while at < end:
        tag, at = _read_varint(data, at)
        if tag & 7 != 2:
            raise ValueError(f"unexpected wire type {tag & 7}")
        length, at = _read_varint(data, at)
        yield tag >> 3, at, at + length
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


class _Places(NamedTuple):
    """Where the two features lie in an example; equal for all records of a file as a rule, so one parse serves them all."""

    sequence: slice
    target: slice
    size: int
    frame: tuple[bytes, bytes, bytes]

    def fit(self, payload: bytes) -> bool:
        """Whether a record has the same bytes around its features."""
        return len(payload) == self.size and _frame(payload, self.sequence, self.target) == self.frame


def _frame(payload: bytes, sequence: slice, target: slice) -> tuple[bytes, bytes, bytes]:
    first, second = (sequence, target) if sequence.start < target.start else (target, sequence)
    return payload[: first.start], payload[first.stop : second.start], payload[second.stop :]


def _places(payload: bytes, path: Path, number: int) -> _Places:
    try:
        found = {}
        for _, *features in _fields(payload, 0, len(payload)):
            for _, *entry in _fields(payload, *features):
                parts = {field: place for field, *place in _fields(payload, *entry)}
                for _, *kind in _fields(payload, *parts[2]):
                    found[payload[slice(*parts[1])]] = next(slice(*value) for field, *value in _fields(payload, *kind) if field == 1)
        sequence, target = found[b"sequence"], found[b"target"]
        if max(sequence.stop, target.stop) > len(payload):
            raise ValueError("a field leaves the record")
    except (KeyError, ValueError, IndexError, StopIteration):
        raise InputError("holds no tf.train.Example with the bytes features sequence and target", path, number) from None
    return _Places(sequence, target, len(payload), _frame(payload, sequence, target))


def _codes(data: bytes, seq_length: int, path: Path, number: int) -> Codes:
    """Base codes of a sequence feature: one-hot rows, or Basenji HEAD's codes.

    A one-hot row read as an integer is 2^(8 code) or 0; times the constant, its top byte is code + 4 or 0.
    """
    if len(data) == seq_length:
        return np.minimum(np.frombuffer(data, np.uint8), 4)
    if len(data) != 4 * seq_length:
        raise InputError(f"has a sequence of {len(data)} bytes, expected {4 * seq_length}", path, number)
    return ((np.frombuffer(data, "<u4") * _HASH >> np.uint32(24)) ^ np.uint32(4)).astype(np.uint8)


def _targets(data: bytes, half: bool, target_length: int, path: Path, number: int) -> NDArray[np.float32]:
    kind = np.dtype("<f2" if half else "<f4")
    if len(data) == 0 or len(data) % (kind.itemsize * target_length):
        raise InputError(f"has targets of {len(data)} bytes, which do not divide into {target_length} position(s)", path, number)
    return np.frombuffer(data, kind).reshape(target_length, -1).astype(np.float32)
