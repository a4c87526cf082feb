"""TFRecords in Basenji's form, without TensorFlow: a ZLIB file of tf.train.Examples with two bytes features.

`sequence` holds seq_length x 4 uint8 one-hot, row-major A, C, G, T; a base that is none of them is an all-zero row,
read back as code 4 (0.25 each). `target` holds (target_length, tracks), row-major, float32 or float16. The form of
Basenji's HEAD (uint8 codes, float16 targets) is read too.

Memory: one record while writing; a block of records (4 MB of the inflated file) while reading. `load_fold`: the fold's
arrays, a byte a base, up to a budget, above which they lie in mapped files; and for each thread the arrays of one file.
"""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.example import RecordLayout, encode_example, layout_of
from accessiflow.dataset.scratch import mapped_array
from accessiflow.errors import InputError
from accessiflow.files import INFLATED_LEAST, INFLATED_MOST, atomic, open_text, read_json, require_file
from accessiflow.genome import Codes

TargetArray = NDArray[np.float32]
LARGEST_HALF = float(np.finfo(np.float16).max)
MEMORY = 2 << 30  # bytes of a fold that are held in memory by default
THREADS = 8  # at most, by default: each holds the arrays of a file
LONGEST_RECORD = 1 << 30  # bytes; Enformer's are 19 MB
_ONE_HOT = np.array([1, 1 << 8, 1 << 16, 1 << 24, 0], "<u4")  # the four bytes of a row as one integer
_BLOCK = 1 << 22  # bytes that are inflated at once
_HASH = np.uint32(0x04050607)  # turns a one-hot row into its code, see `_codes`


class LoadedFold(NamedTuple):
    """Windows: base codes (n, L) uint8, and targets (n, target_length, tracks) float32."""

    codes: Codes
    targets: TargetArray


class RecordShape(NamedTuple):
    """The lengths of what a record holds."""

    seq_length: int
    target_length: int
    tracks: int


class _Payloads(NamedTuple):
    """Successive records of equal length: the number (from 1) of the first, and their bytes (k, size)."""

    first: int
    records: Codes


class StoredFold(NamedTuple):
    """The shape of a dataset's records, and the number of windows of a fold."""

    record: RecordShape
    windows: int


def write_records(path: Path, examples: Iterable[tuple[Codes, TargetArray]], half: bool = False) -> None:
    """Write one TFRecord file.

    Args:
        path: the file.
        examples: base codes (L,) and targets (target_length, tracks) of each window.
        half: store targets as float16; those beyond its largest number become that number, as in Basenji's HEAD.
    """
    with atomic(path) as temporary, open(temporary, "wb") as out:
        squeeze = zlib.compressobj(1)  # the fastest level
        for codes, targets in examples:
            if half:
                stored = np.clip(targets, -LARGEST_HALF, LARGEST_HALF).astype("<f2")
            else:
                stored = np.ascontiguousarray(targets, "<f4")
            payload = encode_example(_ONE_HOT.take(codes).tobytes(), stored.tobytes())
            header = struct.pack("<Q", len(payload))
            record = header + _masked_crcs([header]).tobytes() + payload + _masked_crcs([payload]).tobytes()
            out.write(squeeze.compress(record))
        out.write(squeeze.flush())


def read_file(path: Path, shape: RecordShape, columns: Sequence[int] | None = None) -> Iterator[LoadedFold]:
    """Yield a file's records in order, a block at a time.

    Args:
        path: the file.
        shape: of its records.
        columns: the tracks whose targets are kept, in this order; None for all.

    Raises:
        InputError: the file is truncated, damaged or of another shape, or a target is no finite number.
    """
    for first, payloads in _payloads(path):
        yield _decode(payloads, shape, path, first, slice(None) if columns is None else list(columns))


def fold_files(data_dir: Path, fold: str) -> list[Path]:
    """TFRecord files of a fold, in order."""
    numbered = {
        int(match[1]): path
        for path in (data_dir / "tfrecords").glob("*.tfr")
        if (match := re.fullmatch(rf"{fold}-(\d+)", path.stem))
    }
    if not numbered:
        raise InputError(f"has no TFRecords of the {fold} fold (tfrecords/{fold}-0.tfr ...)", data_dir)
    return [numbered[k] for k in sorted(numbered)]


def load_fold(
    data_dir: Path,
    fold: str,
    memory: int = MEMORY,
    threads: int | None = None,
    columns: Sequence[int] | None = None,
) -> LoadedFold:
    """All windows of a fold.

    Args:
        data_dir: the dataset.
        fold: train, valid or test.
        memory: bytes that the arrays may take; larger ones are mapped from temporary files in TMPDIR.
        threads: how many files are decoded at once; None for as many as the process has processors, at most 8.
        columns: the tracks whose targets are kept, in this order; None for all.

    Memory: seq_length + 4 x target_length x tracks bytes a window, in memory or in TMPDIR.

    Raises:
        InputError: the dataset is incomplete or damaged, contradicts its statistics.json, or holds a target that is no
            finite number.
    """
    shape, n = stored_fold(data_dir, fold)
    tracks = shape.tracks if columns is None else len(columns)
    size = n * (shape.seq_length + 4 * shape.target_length * tracks)
    make_array = mapped_array if size > memory else np.empty
    codes = make_array((n, shape.seq_length), np.uint8)
    targets = make_array((n, shape.target_length, tracks), np.float32)
    done = 0
    for block in fold_blocks(data_dir, fold, threads, columns):
        rows = slice(done, done + len(block.codes))
        codes[rows], targets[rows] = block
        done = rows.stop
    return LoadedFold(codes, targets)


def fold_blocks(
    data_dir: Path, fold: str, threads: int | None = None, columns: Sequence[int] | None = None
) -> Iterator[LoadedFold]:
    """The windows of a fold in order, in blocks; arguments and refusals as of `load_fold`.

    Memory: the arrays of one file for each thread.
    """
    shape, n = stored_fold(data_dir, fold)
    threads = threads or min(THREADS, len(os.sched_getaffinity(0)))
    done = 0
    for block in _decoded(fold_files(data_dir, fold), shape, threads, columns):
        done += len(block.codes)
        if done > n:
            raise InputError(f"disagrees with statistics.json: holds more than {n} {fold} windows", data_dir)
        yield block
    if done != n:
        raise InputError(f"holds {done} {fold} windows, statistics.json says {n}: an incomplete dataset", data_dir)


def stored_fold(data_dir: Path, fold: str) -> StoredFold:
    """What statistics.json says of a fold.

    Raises:
        InputError: it contradicts targets.txt, or claims more than the TFRecords can hold.
    """
    shape, n = found = _shape(data_dir, fold)
    size = n * (shape.seq_length + 4 * shape.target_length * shape.tracks)
    # Arrays are made by what statistics.json says: a damaged number must not ask for all the memory there is.
    if size > max(INFLATED_LEAST, INFLATED_MOST * sum(path.stat().st_size for path in fold_files(data_dir, fold))):
        raise InputError(f"claims {n} {fold} windows, more than the TFRecords can hold", data_dir / "statistics.json")
    return found


def stored_as_half(data_dir: Path) -> bool:
    """Whether the targets of a dataset are stored as float16."""
    shape, _ = _shape(data_dir, "train")
    path = fold_files(data_dir, "train")[0]
    payloads = next(_payloads(path), None)
    if payloads is None:
        raise InputError("holds no record: an incomplete dataset", path)
    place = _layout(payloads.records[0], path, 1).target
    return place.stop - place.start == 2 * shape.target_length * shape.tracks


def _decoded(
    files: Sequence[Path], shape: RecordShape, threads: int, columns: Sequence[int] | None
) -> Iterator[LoadedFold]:
    """Blocks of files in order; each thread decodes a file, and at most `threads` files wait for the caller."""
    waiting: deque[Future[list[LoadedFold]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for path in files:
            waiting.append(pool.submit(lambda file: list(read_file(file, shape, columns)), path))
            if len(waiting) > threads:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _shape(data_dir: Path, fold: str) -> StoredFold:
    """What statistics.json says of a dataset, where it agrees with targets.txt."""
    path = data_dir / "statistics.json"
    facts = read_json(path)
    try:
        length, targets, tracks, n = (
            int(facts[k]) for k in ("seq_length", "target_length", "num_targets", f"{fold}_seqs")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"lacks a number that a dataset has ({error})", path) from None
    if min(length, targets, tracks) < 1 or n < 0:
        raise InputError(
            "holds a length or number of tracks below 1, or a negative number of windows: not of a dataset", path
        )
    table = data_dir / "targets.txt"
    if table.exists():
        with open_text(table) as rows:
            listed = sum(1 for row in rows if row.strip()) - 1
        if listed != tracks:
            raise InputError(f"says {tracks} tracks, targets.txt beside it lists {listed}", path)
    return StoredFold(RecordShape(length, targets, tracks), n)


def _payloads(path: Path) -> Iterator[_Payloads]:
    """The records of a file, their checksums checked."""
    require_file(path, "TFRecord file")
    with open(path, "rb") as raw:
        stream, number = _Inflater(raw, path), 1
        while header := stream.ahead(12)[:12]:
            if len(header) < 12:
                raise InputError("ends in the middle of a record: truncated", path, number)
            if _masked_crcs([header[:8]]).tobytes() != header[8:]:
                raise InputError("has a damaged record header (checksum)", path, number)
            size = struct.unpack("<Q", header[:8])[0] + 16
            if size > LONGEST_RECORD:  # else the whole file would be inflated to look for the record's end
                raise InputError(f"claims a record of {size} bytes: damaged", path, number)
            data = stream.ahead(size)
            if len(data) < size:
                raise InputError("ends in the middle of a record: truncated", path, number)
            payloads = _alike(data, size, path, number)
            yield _Payloads(number, payloads)
            stream.skip(len(payloads) * size)
            number += len(payloads)
        if not stream.complete:
            raise InputError("ends before this record, without the end of its ZLIB stream: truncated", path, number)


def _alike(data: bytes, size: int, path: Path, number: int) -> Codes:
    """Bytes (k, size - 16) of the whole records at the start of `data` that are as long as the first."""
    # An equal header is an equal length and a right checksum of it, so only the content's checksum is left to check.
    frames = np.frombuffer(data, np.uint8, len(data) // size * size).reshape(-1, size)
    same = (frames[:, :12] == frames[0, :12]).all(axis=1)
    frames = frames if same.all() else frames[: same.argmin()]
    computed = _masked_crcs([data[low + 12 : low + size - 4] for low in range(0, len(frames) * size, size)])
    wrong = computed != np.ascontiguousarray(frames[:, -4:]).view("<u4")[:, 0]
    if wrong.any():
        raise InputError("has a damaged record (checksum)", path, number + int(wrong.argmax()))
    return frames[:, 12:-4]


class _Inflater:
    """Bytes of a ZLIB file, a block at a time."""

    def __init__(self, raw: BinaryIO, path: Path) -> None:
        self._raw, self._path, self._inflate, self._buffer = raw, path, zlib.decompressobj(), b""

    @property
    def complete(self) -> bool:
        """Whether the end of the ZLIB stream has been reached."""
        return self._inflate.eof

    def ahead(self, n: int) -> bytes:
        """The next bytes that are inflated already: at least n, fewer at the end of the file."""
        while len(self._buffer) < n:
            # The bound on the output leaves some of the input unused: it comes first in the next turn.
            block = self._inflate.unconsumed_tail or self._raw.read(_BLOCK >> 2)
            if not block:
                break
            try:
                self._buffer += self._inflate.decompress(block, max(_BLOCK, n))
            except zlib.error:
                raise InputError("is not a ZLIB-compressed TFRecord file, or is damaged", self._path) from None
        return self._buffer

    def skip(self, n: int) -> None:
        """Go on n bytes further."""
        self._buffer = self._buffer[n:]


def _masked_crcs(parts: Sequence[bytes]) -> NDArray[np.uint32]:
    """TFRecord's masked CRC-32C (n,) of some bytes, little-endian."""
    import google_crc32c

    crc = np.array([google_crc32c.value(part) for part in parts], "<u4")
    # Rotated right by 15 bits plus a constant, modulo 2^32 (TensorFlow's crc32c.h).
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)


def _layout(payload: Codes, path: Path, number: int) -> RecordLayout:
    try:
        return layout_of(payload.tobytes())
    except ValueError:
        raise InputError(
            "holds no tf.train.Example with the bytes features sequence and target", path, number
        ) from None


def _decode(payloads: Codes, shape: RecordShape, path: Path, first: int, columns: slice | list[int]) -> LoadedFold:
    """Decode records (k, size), of their targets these columns; all that have one layout at once."""
    codes = np.empty((len(payloads), shape.seq_length), np.uint8)
    tracks = len(range(shape.tracks)[columns]) if isinstance(columns, slice) else len(columns)
    targets = np.empty((len(payloads), shape.target_length, tracks), np.float32)
    # A map's entries may be in either order, so records of one file may differ in layout: each round takes the first
    # record that is left and all that agree with it in the bytes outside the features.
    left = np.arange(len(payloads))
    while len(left):
        record = first + int(left[0])
        layout = _layout(payloads[left[0]], path, record)
        fits = (payloads[:, layout.fixed][left] == payloads[left[0], layout.fixed]).all(axis=1)
        rows = slice(None) if fits.all() and len(left) == len(payloads) else left[fits]
        codes[rows] = _codes(payloads[rows, layout.sequence], shape, path, record)
        targets[rows] = _targets(payloads[rows, layout.target], shape, path, record, columns)
        left = left[~fits]
    _require(codes.max(axis=1) <= 4, "has a base that is not one-hot", path, first)
    _require(
        np.isfinite(targets).all(axis=(1, 2)),
        "has a target that is no finite number: build the dataset again",
        path,
        first,
    )
    return LoadedFold(codes, targets)


def _require(good: NDArray[np.bool_], sentence: str, path: Path, first: int) -> None:
    if not good.all():
        raise InputError(sentence, path, first + int(good.argmin()))


def _codes(data: Codes, shape: RecordShape, path: Path, number: int) -> Codes:
    """Base codes (k, L) of sequence features: one-hot rows, or the codes of Basenji's HEAD."""
    if data.shape[1] == shape.seq_length:
        return np.minimum(data, 4)
    if data.shape[1] != 4 * shape.seq_length:
        raise InputError(f"has a sequence of {data.shape[1]} bytes, expected {4 * shape.seq_length}", path, number)
    # A one-hot row read as an integer is 2^(8 code), or 0 for an unknown base. Times the constant, its top byte is
    # code + 4, or 0: flipping bit 2 gives the code, or 4. Several ones give more than 4, which `_decode` refuses.
    rows = np.ascontiguousarray(data).view("<u4")
    return ((rows * _HASH >> np.uint32(24)) ^ np.uint32(4)).astype(np.uint8)


def _targets(data: Codes, shape: RecordShape, path: Path, number: int, columns: slice | list[int]) -> TargetArray:
    """Targets (k, target_length, columns) of target features: 4 or 2 bytes a value."""
    size = shape.target_length * shape.tracks
    if data.shape[1] not in (4 * size, 2 * size):
        expected = f"{shape.target_length} position(s) of {shape.tracks} track(s)"
        raise InputError(f"has targets of {data.shape[1]} bytes, statistics.json says {expected}", path, number)
    kind = "<f4" if data.shape[1] == 4 * size else "<f2"
    values = np.ascontiguousarray(data).view(kind).reshape(-1, shape.target_length, shape.tracks)
    # Only what is asked for becomes numbers: one track of 684 is a 684th of the work.
    return values[:, :, columns].astype(np.float32)
