"""TFRecords written and read without TensorFlow."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.dataset import tfrecords as t
from accessiflow.errors import InputError
from accessiflow.files import write_json

RNG = np.random.default_rng(5)


def examples(n: int, length: int = 40, positions: int = 2, tracks: int = 3):
    codes = RNG.integers(0, 5, (n, length)).astype(np.uint8)
    return codes, RNG.gamma(1, 4, (n, positions, tracks)).astype(np.float32)


def write_dataset(folder, n: int, per_file: int = 3, **facts: int):
    codes, targets = examples(n)
    for k, low in enumerate(range(0, n, per_file)):
        t.write_records(folder / "tfrecords" / f"train-{k}.tfr", zip(codes[low : low + per_file], targets[low : low + per_file], strict=True))
    write_json({"seq_length": 40, "target_length": 2, "num_targets": 3, "train_seqs": n} | facts, folder / "statistics.json")
    return codes, targets


@given(st.integers(1, 5), st.integers(1, 300), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, n, length, positions, tracks):
    path = tmp_path_factory.mktemp("records") / "a.tfr"
    codes, targets = examples(n, length, positions, tracks)
    t.write_records(path, zip(codes, targets, strict=True))
    back = list(t.read_records([path], length, positions))
    np.testing.assert_array_equal([c for c, _ in back], codes)
    np.testing.assert_array_equal([v for _, v in back], targets)


def test_files_are_read_in_the_order_of_their_numbers(tmp_path):
    codes, targets = write_dataset(tmp_path, 35)
    (tmp_path / "tfrecords" / "train-old.tfr").write_bytes(b"not one of them")
    found = t.load_fold(tmp_path, "train")
    np.testing.assert_array_equal(found[0], codes)
    np.testing.assert_array_equal(found[1], targets)


def test_an_unknown_base_is_an_all_zero_row_in_the_file(tmp_path):
    t.write_records(tmp_path / "a.tfr", [(np.array([0, 1, 2, 3, 4], np.uint8), np.ones((1, 1), np.float32))])
    raw = zlib.decompress((tmp_path / "a.tfr").read_bytes())
    assert np.vstack([np.eye(4, dtype=np.uint8), np.zeros((1, 4), np.uint8)]).tobytes() in raw


def test_equal_examples_give_equal_bytes(tmp_path):
    codes, targets = examples(4)
    for name in ("a.tfr", "b.tfr"):
        t.write_records(tmp_path / name, zip(codes, targets, strict=True))
    assert (tmp_path / "a.tfr").read_bytes() == (tmp_path / "b.tfr").read_bytes()


def test_records_whose_features_lie_elsewhere_are_read(tmp_path, monkeypatch):
    """Basenji's features come in any order, with other ones between them."""

    def example(sequence: bytes, target: bytes) -> bytes:
        entries = [(b"target", target), (b"umap", b"\x01" * (sequence[0] + 1)), (b"sequence", sequence)]
        return t._field(1, b"".join(t._field(1, t._field(1, k) + t._field(2, t._field(1, t._field(1, v)))) for k, v in entries))

    monkeypatch.setattr(t, "_encode_example", example)
    codes, targets = examples(6)
    t.write_records(tmp_path / "a.tfr", zip(codes, targets, strict=True))
    back = list(t.read_records([tmp_path / "a.tfr"], 40, 2))
    np.testing.assert_array_equal([c for c, _ in back], codes)
    np.testing.assert_array_equal([v for _, v in back], targets)


def test_half_precision_targets_are_read(tmp_path, monkeypatch):
    write = t._encode_example
    monkeypatch.setattr(t, "_encode_example", lambda s, v: write(s, np.frombuffer(v, np.float32).astype(np.float16).tobytes()))
    _, targets = write_dataset(tmp_path, 4)
    np.testing.assert_array_equal(t.load_fold(tmp_path, "train")[1], targets.astype(np.float16))


def test_the_empty_file_that_basenji_adds_is_no_record(tmp_path):
    codes, _ = write_dataset(tmp_path, 6)
    (tmp_path / "tfrecords" / "train-2.tfr").write_bytes(zlib.compress(b""))
    np.testing.assert_array_equal(t.load_fold(tmp_path, "train")[0], codes)


def cut(share: float):
    return lambda raw: raw[: int(len(raw) * share)]


def recompressed(change):
    return lambda raw: zlib.compress(change(zlib.decompress(raw)))


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut(0.6), r"train-0.tfr:\d+: ends .*truncated"),
        (lambda raw: raw[:-2], r"train-0.tfr:4: ends before this record"),
        (recompressed(lambda data: data[:-10]), r"train-0.tfr:3: ends in the middle"),
        (recompressed(lambda data: data + b"abc"), r"train-0.tfr:4: ends in the middle"),
        (recompressed(lambda data: flip(data, 2)), r"train-0.tfr:1: has a damaged record header"),
        (recompressed(lambda data: flip(data, len(data) - 30)), r"train-0.tfr:3: has a damaged record"),
        (lambda raw: b"ACGT" * 20, r"train-0.tfr: is not a ZLIB"),
        (lambda raw: b"", "train-0.tfr: is empty"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, damage, sentence):
    write_dataset(tmp_path, 3)
    path = tmp_path / "tfrecords" / "train-0.tfr"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=sentence):
        t.load_fold(tmp_path, "train")


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({"train_seqs": 7}, "statistics.json says 7"),
        ({"train_seqs": 5}, "more than 5"),
        ({"num_targets": 4}, "other than 4 tracks"),
        ({"seq_length": 44}, "train-0.tfr:1: has a sequence of 160 bytes, expected 176"),
        ({"target_length": 5}, "do not divide into 5"),
        ({"num_targets": "many"}, "lacks a number"),
    ],
)
def test_a_dataset_that_contradicts_its_statistics_is_refused(tmp_path, facts, sentence):
    write_dataset(tmp_path, 6, **facts)
    with pytest.raises(InputError, match=sentence):
        t.load_fold(tmp_path, "train")


def test_a_fold_without_files_is_refused(tmp_path):
    write_dataset(tmp_path, 3, test_seqs=1)
    with pytest.raises(InputError, match="no TFRecords of the test fold"):
        t.load_fold(tmp_path, "test")


def test_another_example_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(t, "_encode_example", lambda s, v: t._field(1, t._field(1, t._field(1, b"sequence"))))
    write_dataset(tmp_path, 3)
    with pytest.raises(InputError, match=r"train-0.tfr:1: holds no tf.train.Example"):
        t.load_fold(tmp_path, "train")
