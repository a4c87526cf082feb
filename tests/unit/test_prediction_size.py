"""Predictions of any number of windows in the memory of a block, whatever order they come in."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from fake_predictor import FakePredictor
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.dataset import scratch
from accessiflow.dataset.scratch import WaitingTable
from accessiflow.dataset.tfrecords import load_fold, write_records
from accessiflow.errors import InputError
from accessiflow.prediction import importing, joining, run
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.files import write_test
from accessiflow.prediction.importing import import_predictions
from accessiflow.prediction.joining import merge_predictions
from accessiflow.prediction.predictor import OutputShape
from accessiflow.prediction.run import predict_test

LENGTH, TRACKS, WIDTH = 16, 400, 8
NAMES = [f"t{at}" for at in range(TRACKS)]


def places(n: int) -> pd.DataFrame:
    start = np.arange(n) * WIDTH + 4
    return pd.DataFrame({"chrom": "chr1", "start": start, "end": start + WIDTH})


def write_dataset(folder: Path, n: int) -> np.ndarray:
    """A dataset whose test windows lie in no order along chr1; returns their targets (n, T) in its order."""
    rng = np.random.default_rng(n)
    codes = rng.integers(0, 4, (n, LENGTH), dtype=np.uint8)
    targets = rng.gamma(1, 3, (n, 1, TRACKS)).astype(np.float32)
    (folder / "tfrecords").mkdir(parents=True)
    for k, low in enumerate(range(0, n, 200)):
        part = slice(low, low + 200)
        write_records(folder / f"tfrecords/test-{k}.tfr", zip(codes[part], targets[part], strict=True))
    facts = {"seq_length": LENGTH, "target_length": 1, "num_targets": TRACKS, "test_seqs": n, "crop_bp": 4}
    (folder / "statistics.json").write_text(json.dumps(facts))
    (folder / "targets.txt").write_text("identifier\n" + "".join(f"{name}\n" for name in NAMES))
    sites = places(n).sample(frac=1, random_state=1)
    bed = sites.assign(start=sites["start"] - 4, end=sites["end"] + 4, fold="test")
    bed.to_csv(folder / "sequences.bed", sep="\t", header=False, index=False)
    return targets[:, 0]


def tracks_table() -> pd.DataFrame:
    return pd.DataFrame({"identifier": NAMES, "description": NAMES})


def write_h5(path: Path, n: int) -> None:
    """Predictions of all windows in the order of the genome: window i has i + track / 1000."""
    values = np.arange(n)[:, None] + np.arange(TRACKS)[None] / 1000
    sites = places(n)
    with h5py.File(path, "w") as handle:
        handle["preds"], handle["chrom"] = values.astype(np.float32)[:, None], np.full(n, b"chr1")
        handle["start"], handle["end"] = sites["start"], sites["end"]
        handle["target_ids"] = np.array(NAMES, "S")


def predicted(codes: np.ndarray) -> np.ndarray:
    """Sums of a window's codes, scaled by track."""
    return codes.sum(axis=1, dtype=float)[:, None, None] * (1 + np.arange(TRACKS))


class Predicting(FakePredictor):
    num_targets, engine, output_shape = TRACKS, "test", OutputShape(1, TRACKS)


def run_import(folder: Path) -> None:
    import_predictions([folder / "p.h5"], folder / "data", folder / "out")


def run_test(folder: Path) -> None:
    predict_test(
        Predicting(predicted, LENGTH), folder / "m/model.h5", folder / "data", folder / "out", Ensemble(), True
    )


def run_merge(folder: Path) -> None:
    merge_predictions([folder / "a", folder / "b"], folder / "out", NAMES)


RUNS: dict[str, Callable[[Path], None]] = {"import": run_import, "test": run_test, "merge": run_merge}


def given_files(folder: Path, n: int) -> Path:
    """What the three read."""
    targets, sites, names = write_dataset(folder / "data", n), places(n), tracks_table()
    (folder / "m").mkdir()
    write_h5(folder / "p.h5", n)
    half = TRACKS // 2
    for name, part in (("a", slice(half, None)), ("b", slice(None, half))):
        values = targets[:, None, part]
        write_test(
            folder / name, values + 1.0, values, list(sites["chrom"]), sites["start"], sites["end"], names.iloc[part]
        )
    return folder


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    """Nothing waits in memory, and blocks are far smaller than the matrix."""
    monkeypatch.setattr(scratch, "IN_MEMORY", 0)
    monkeypatch.setattr(run, "WINDOWS_AT_ONCE", 100)
    for module in (importing, joining):
        monkeypatch.setattr(module, "BLOCK_BYTES", 1 << 18)


MANY = 10_000


@pytest.fixture(scope="module")
def many(tmp_path_factory) -> Path:
    return given_files(tmp_path_factory.mktemp("many"), MANY)


@pytest.mark.parametrize("name", RUNS)
def test_memory_does_not_hold_a_matrix(name, many, small_blocks):
    tracemalloc.start()
    try:
        RUNS[name](many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # One matrix of the file's own float32; the windows' names are a twentieth of it.
    assert peak < 4 * MANY * TRACKS


@pytest.mark.parametrize("memory", [0, 1 << 28])
def test_what_is_written_is_the_same_from_memory_and_from_files(tmp_path, monkeypatch, memory):
    n = 450
    given_files(tmp_path, n)
    monkeypatch.setattr(scratch, "IN_MEMORY", memory)
    codes, targets = load_fold(tmp_path / "data", "test")
    order = places(n).sample(frac=1, random_state=1)
    expected = {
        "import": order.index.to_numpy()[:, None] + np.arange(TRACKS)[None] / 1000,
        "test": predicted(codes)[:, 0],
        "merge": targets[:, 0] + 1.0,
    }
    for name, values in expected.items():
        RUNS[name](tmp_path)
        with h5py.File(tmp_path / "out/preds.h5") as given, h5py.File(tmp_path / "out/targets.h5") as truth:
            assert np.array_equal(given["preds"][:, 0], values.astype(np.float32)), name
            assert np.array_equal(truth["targets"][()], targets), name
            sites = places(n) if name == "merge" else order
            assert given["start"][()].tolist() == truth["start"][()].tolist() == sites["start"].tolist()
            assert given["target_ids"][()].astype(str).tolist() == NAMES


def test_folders_of_other_positions_are_refused(tmp_path):
    names = tracks_table().iloc[:1]
    for name, positions, start in (("a", 1, 0), ("b", 2, 50)):
        values, at = np.ones((3, positions, 1)), np.arange(3) + start
        write_test(tmp_path / name, values, values.astype(np.float32), ["c"] * 3, at, at + 1, names)
    with pytest.raises(InputError, match="1 and 2 positions"):
        merge_predictions([tmp_path / "a", tmp_path / "b"], tmp_path / "out")


@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_a_waiting_table_is_an_array_in_memory_or_in_a_file(rows, width, random):
    array = np.full((rows, width), -1.0)
    with WaitingTable(rows, width, np.float64, 1 << 20) as small, WaitingTable(rows, width, np.float64, 0) as large:
        for table in (small, large):
            table.put(np.arange(rows), array)
        for _ in range(8):
            numbers = np.array(sorted(random.sample(range(rows), random.randint(1, rows))))
            low = random.randrange(width)
            high = random.randint(low + 1, width)
            values, band = np.random.default_rng(random.randrange(1 << 30)).random((2, rows, width))
            array[numbers] = values[: len(numbers)]
            array[:, low:high] = band[:, : high - low]
            for table in (small, large):
                table.put(numbers, values[: len(numbers)])
                table.put_band(low, band[:, : high - low])
                assert np.array_equal(table.take(numbers[::-1]), array[numbers[::-1]])
                assert np.array_equal(table.band(low, high), array[:, low:high])


def test_a_training_decodes_the_targets_of_its_tracks_alone(tmp_path, monkeypatch):
    from accessiflow.dataset import tfrecords

    n = 450
    write_dataset(tmp_path / "data", n)
    decoded: list[int] = []
    real = tfrecords._decode

    def counting(*given):
        block = real(*given)
        decoded.append(block.targets.size)
        return block

    monkeypatch.setattr(tfrecords, "_decode", counting)
    whole = load_fold(tmp_path / "data", "test")
    assert sum(decoded) == n * TRACKS
    decoded.clear()
    own = load_fold(tmp_path / "data", "test", columns=[7, 3])
    assert sum(decoded) == n * 2
    assert np.array_equal(own.codes, whole.codes) and np.array_equal(own.targets, whole.targets[:, :, [7, 3]])
