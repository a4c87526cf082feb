"""TFRecords written and read without TensorFlow."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.dataset import tfrecords as t
from accessiflow.dataset.example import field
from accessiflow.errors import InputError
from accessiflow.files import write_json

RNG = np.random.default_rng(5)


def examples(n: int, length: int = 40, positions: int = 2, tracks: int = 3):
    codes = RNG.integers(0, 5, (n, length)).astype(np.uint8)
    return codes, RNG.gamma(1, 4, (n, positions, tracks)).astype(np.float32)


def whole(path, shape: t.RecordShape) -> list[np.ndarray]:
    return [np.concatenate(parts) for parts in zip(*t.read_file(path, shape), strict=True)]


def write_dataset(folder, n: int, per_file: int = 3, **facts: int):
    codes, targets = examples(n)
    return write_folder(folder, codes, targets, per_file, **facts)


def write_folder(folder, codes, targets, per_file: int = 3, **facts: int):
    n = len(codes)
    for k, low in enumerate(range(0, n, per_file)):
        t.write_records(
            folder / "tfrecords" / f"train-{k}.tfr",
            zip(codes[low : low + per_file], targets[low : low + per_file], strict=True),
        )
    write_json(
        {"seq_length": 40, "target_length": 2, "num_targets": 3, "train_seqs": n} | facts, folder / "statistics.json"
    )
    return codes, targets


@given(st.integers(1, 5), st.integers(1, 300), st.integers(1, 3), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, n, length, positions, tracks):
    path = tmp_path_factory.mktemp("records") / "a.tfr"
    codes, targets = examples(n, length, positions, tracks)
    t.write_records(path, zip(codes, targets, strict=True))
    for found, expected in zip(whole(path, t.RecordShape(length, positions, tracks)), (codes, targets), strict=True):
        np.testing.assert_array_equal(found, expected)


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
        entries = entries[:: -1 if sequence[1] else 1]
        return field(1, b"".join(field(1, field(1, k) + field(2, field(1, field(1, v)))) for k, v in entries))

    monkeypatch.setattr(t, "encode_example", example)
    codes, targets = examples(60)
    t.write_records(tmp_path / "a.tfr", zip(codes, targets, strict=True))
    for found, expected in zip(whole(tmp_path / "a.tfr", t.RecordShape(40, 2, 3)), (codes, targets), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_half_precision_targets_are_written_and_read(tmp_path):
    codes, targets = examples(4)
    targets[1, 0, 2] = 1e6
    t.write_records(tmp_path / "a.tfr", zip(codes, targets, strict=True), half=True)
    found = whole(tmp_path / "a.tfr", t.RecordShape(40, 2, 3))
    np.testing.assert_array_equal(found[0], codes)
    np.testing.assert_array_equal(found[1], np.minimum(targets, 65504).astype(np.float16))


def test_a_fold_is_the_same_in_memory_and_mapped_whatever_the_threads(tmp_path):
    codes, targets = write_dataset(tmp_path, 23)
    for memory, threads in ((1 << 30, 1), (0, 1), (0, 3), (1 << 30, 5)):
        found = t.load_fold(tmp_path, "train", memory, threads)
        np.testing.assert_array_equal(found[0], codes)
        np.testing.assert_array_equal(found[1], targets)
        order = np.random.default_rng(1).permutation(23)
        np.testing.assert_array_equal(found[0][order], codes[order])


def test_mapped_folds_leave_nothing_in_the_temporary_folder(tmp_path, monkeypatch):
    write_dataset(tmp_path / "data", 5)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    found = t.load_fold(tmp_path / "data", "train", 0)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not found[0].flags.owndata


def test_no_room_for_a_mapped_fold_is_one_sentence(tmp_path, monkeypatch):
    write_dataset(tmp_path, 5)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with pytest.raises(InputError, match="set TMPDIR"):
        t.load_fold(tmp_path, "train", 0)


def test_files_of_many_blocks_are_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(t, "_BLOCK", 1024)
    codes, targets = write_dataset(tmp_path, 50, per_file=50)
    assert len(list(t.read_file(tmp_path / "tfrecords" / "train-0.tfr", t.RecordShape(40, 2, 3)))) > 5
    found = t.load_fold(tmp_path, "train")
    np.testing.assert_array_equal(found[0], codes)
    np.testing.assert_array_equal(found[1], targets)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_targets_that_are_no_finite_numbers_are_refused(tmp_path, monkeypatch, value, half):
    monkeypatch.setattr(t, "LARGEST_HALF", np.inf)
    codes, targets = examples(7)
    targets[4, 1, 2] = value
    write_folder(tmp_path, codes, targets)
    for k in range(3):
        part = slice(3 * k, 3 * k + 3)
        t.write_records(tmp_path / "tfrecords" / f"train-{k}.tfr", zip(codes[part], targets[part], strict=True), half)
    with pytest.raises(InputError, match=r"train-1.tfr:2: has a target that is no finite number"):
        t.load_fold(tmp_path, "train")


def test_rows_that_are_not_one_hot_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(t, "_ONE_HOT", np.array([1, 1 << 8, 1 << 16, 1 << 24, 0x01010000], "<u4"))
    t.write_records(tmp_path / "a.tfr", [(np.full(4, c, np.uint8), np.ones((1, 1), np.float32)) for c in (0, 4, 1)])
    with pytest.raises(InputError, match=r"a.tfr:2: has a base that is not one-hot"):
        whole(tmp_path / "a.tfr", t.RecordShape(4, 1, 1))


def test_a_table_of_other_tracks_than_the_statistics_is_refused(tmp_path):
    write_dataset(tmp_path, 3)
    (tmp_path / "targets.txt").write_text("index\tidentifier\n0\tA\n1\tB\n")
    with pytest.raises(InputError, match=r"says 3 tracks, targets\.txt beside it lists 2"):
        t.load_fold(tmp_path, "train")


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
        ({"num_targets": 4}, "train-0.tfr:1: has targets of 24 bytes, statistics.json says 2 position.s. of 4 track"),
        ({"seq_length": 44}, "train-0.tfr:1: has a sequence of 160 bytes, expected 176"),
        ({"target_length": 5}, "says 5 position"),
        ({"num_targets": "many"}, "lacks a number"),
        ({"num_targets": 0}, "number of tracks below 1"),
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
    monkeypatch.setattr(t, "encode_example", lambda s, v: field(1, field(1, field(1, b"sequence"))))
    write_dataset(tmp_path, 3)
    with pytest.raises(InputError, match=r"train-0.tfr:1: holds no tf.train.Example"):
        t.load_fold(tmp_path, "train")
