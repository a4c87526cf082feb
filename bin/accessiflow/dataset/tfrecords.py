"""TFRecords in Basenji's form, without TensorFlow: whole-file ZLIB, tf.train.Example with bytes features `sequence` and `target`.

`sequence` = seq_length x 4 uint8 one-hot, row-major A, C, G, T; a base that is none of them is an all-zero row, read back as code 4 (0.25 each).
`target` = float32 (target_length, tracks), row-major. Basenji HEAD's form (uint8 codes, float16 targets) is read too.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, read_json, require_file

Codes = NDArray[np.uint8]
_ONE_HOT = np.vstack([np.eye(4, dtype=np.uint8), np.zeros((1, 4), np.uint8)])
_BLOCK = 1 << 20


def write_records(path: Path, examples: Iterable[tuple[Codes, NDArray[np.float32]]]) -> None:
    """Write one TFRecord file from (base codes (L,), targets (target_length, tracks))."""
    with atomic(path) as temporary, open(temporary, "wb") as out:
        squeeze = zlib.compressobj(1)
        for codes, targets in examples:
            payload = _encode_example(_ONE_HOT[codes].tobytes(), np.ascontiguousarray(targets, "<f4").tobytes())
            header = struct.pack("<Q", len(payload))
            out.write(squeeze.compress(header + _masked_crc(header) + payload + _masked_crc(payload)))
        out.write(squeeze.flush())


def read_records(paths: Sequence[Path], seq_length: int, target_length: int) -> Iterator[tuple[Codes, NDArray[np.float32]]]:
    """Yield (base codes (L,) uint8, targets (target_length, tracks) float32) of all records of files in order.

    Raises:
        InputError: a file is truncated, damaged or of another shape (with the record).
    """
    for path in paths:
        for number, payload in enumerate(_payloads(path), 1):
            features = _decode_example(payload, path, number)
            yield (
                _codes(features["sequence"], seq_length, path, number),
                _targets(features["target"], features["sequence"], seq_length, target_length, path, number),
            )


def fold_files(data_dir: Path, fold: str) -> list[Path]:
    """TFRecord files of a fold, in order."""
    found = sorted((data_dir / "tfrecords").glob(f"{fold}-*.tfr"), key=lambda p: int(p.stem.rsplit("-", 1)[1]))
    if not found:
        raise InputError(f"has no TFRecords of the {fold} fold (tfrecords/{fold}-0.tfr ...)", data_dir)
    return found


def load_fold(data_dir: Path, fold: str) -> tuple[Codes, NDArray[np.float32]]:
    """All windows of a fold: base codes (n, L) uint8 and targets (n, target_length, tracks) float32.

    Memory: seq_length + 4 x target_length x tracks bytes a window.
    """
    facts = read_json(data_dir / "statistics.json")
    length, targets, tracks = (int(facts[k]) for k in ("seq_length", "target_length", "num_targets"))
    n = int(facts[f"{fold}_seqs"])
    codes, values = np.empty((n, length), np.uint8), np.empty((n, targets, tracks), np.float32)
    done = 0
    for sequence, target in read_records(fold_files(data_dir, fold), length, targets):
        if done == n or target.shape[1] != tracks:
            raise InputError(f"disagrees with statistics.json: more than {n} {fold} windows, or other than {tracks} tracks", data_dir)
        codes[done], values[done] = sequence, target
        done += 1
    if done != n:
        raise InputError(f"holds {done} {fold} windows, statistics.json says {n}: an incomplete dataset", data_dir)
    return codes, values


def _payloads(path: Path) -> Iterator[bytes]:
    require_file(path, "TFRecord file")
    with open(path, "rb") as raw:
        stream, number = _Inflater(raw, path), 0
        while header := stream.take(12):
            number += 1
            if len(header) < 12:
                raise InputError("ends in the middle of a record: truncated", path, number)
            length = struct.unpack("<Q", header[:8])[0]
            if _masked_crc(header[:8]) != header[8:]:
                raise InputError("has a damaged record header (checksum)", path, number)
            body = stream.take(length + 4)
            if len(body) < length + 4 or _masked_crc(body[:length]) != body[length:]:
                raise InputError("ends in the middle of a record or is damaged (checksum)", path, number)
            yield body[:length]


class _Inflater:
    """Bytes of a ZLIB file, asked for piece by piece."""

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        self._raw, self._path, self._inflate, self._buffer, self._at = raw, path, zlib.decompressobj(), b"", 0

    def take(self, n: int) -> bytes:
        """The next n bytes, fewer at the end."""
        while len(self._buffer) - self._at < n:
            block = self._raw.read(_BLOCK)
            if not block:
                if not self._inflate.eof:
                    raise InputError("is a truncated ZLIB file", self._path)
                break
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


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        if tag & 7 != 2:
            raise ValueError(f"unexpected wire type {tag & 7}")
        length, at = _read_varint(data, at)
        yield tag >> 3, data[at : at + length]
        at += length


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _decode_example(payload: bytes, path: Path, number: int) -> dict[str, bytes]:
    try:
        features = {}
        for _, block in _fields(payload):
            for _, entry in _fields(block):
                parts = dict(_fields(entry))
                features[parts[1].decode()] = dict(_fields(dict(_fields(parts[2]))[1]))[1]
        return {name: features[name] for name in ("sequence", "target")}
    except (KeyError, ValueError, IndexError, UnicodeDecodeError):
        raise InputError("holds no tf.train.Example with the bytes features sequence and target", path, number) from None


def _codes(data: bytes, seq_length: int, path: Path, number: int) -> Codes:
    raw = np.frombuffer(data, np.uint8)
    if len(raw) == seq_length:
        return raw
    if len(raw) != 4 * seq_length:
        raise InputError(f"has a sequence of {len(raw)} bytes, expected {4 * seq_length}", path, number)
    rows = raw.reshape(seq_length, 4)
    return np.where(rows.any(axis=1), rows.argmax(axis=1), 4).astype(np.uint8)


def _targets(data: bytes, sequence: bytes, seq_length: int, target_length: int, path: Path, number: int) -> NDArray[np.float32]:
    kind = "<f2" if len(sequence) == seq_length else "<f4"
    values = np.frombuffer(data, kind) if len(data) % np.dtype(kind).itemsize == 0 else np.empty(0)
    if len(values) == 0 or len(values) % target_length:
        raise InputError(f"has targets of {len(data)} bytes, which do not divide into {target_length} position(s)", path, number)
    return values.reshape(target_length, -1).astype(np.float32)
