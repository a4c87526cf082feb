"""Percentiles gathered while scores are written: those of all values in any precision, in one pass of the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accessiflow.errors import InputError
from accessiflow.scoring import percentiles, sad
from accessiflow.scoring.effects import STATISTICS, layout, scores
from accessiflow.scoring.joining import join_scores
from accessiflow.scoring.percentiles import PERCENTILES, Percentiles, percentiles_of_counts

TRACKS = 3
HALF = arrays(np.float16, st.integers(1, 300), elements=st.floats(-30000, 30000, width=16))


def gathered(values: np.ndarray, step: int) -> np.ndarray:
    with Percentiles(*values.shape, values.dtype) as found:
        for low in range(0, len(values), step):
            found.add(values[low : low + step])
        return found.table()


def expected(values: np.ndarray) -> np.ndarray:
    return np.array([np.percentile(column, 100 * PERCENTILES) for column in values.T]).astype(values.dtype)


def normal(rows: int, dtype: str) -> np.ndarray:
    values = np.random.default_rng(rows).normal(0, [0.001, 1, 300], (rows, TRACKS))
    values[::7] = 0  # ties, as in variants outside of anything
    return values.astype(dtype)


@given(HALF)
def test_counted_halves_have_the_percentiles_of_the_values(values):
    counts = np.bincount(values.view(np.uint16), minlength=1 << 16).astype(np.uint32)
    assert np.array_equal(percentiles_of_counts(counts), np.percentile(values, 100 * PERCENTILES))


def test_one_value_that_is_no_number_leaves_no_percentile():
    counts = np.bincount(np.array([1, 2, np.nan], np.float16).view(np.uint16), minlength=1 << 16)
    assert np.isnan(percentiles_of_counts(counts)).all()


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("store", ["counts", "columns", "file"])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_blocks_and_stores_do_not_matter(dtype, store, step, monkeypatch):
    monkeypatch.setattr(percentiles, "COUNTED_FROM", 0 if store == "counts" else 1 << 40)
    monkeypatch.setattr(percentiles, "COLUMN_BYTES", 0 if store == "file" else 1 << 28)
    monkeypatch.setattr(percentiles, "WAITING_BYTES", 100)
    values = normal(101, dtype)
    assert np.array_equal(gathered(values, step), expected(values))


def test_without_rows_there_is_no_percentile():
    assert np.isnan(gathered(np.empty((0, TRACKS), np.float32), 1)).all()


def test_no_room_for_the_columns_is_said(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(percentiles, "COLUMN_BYTES", 0)
    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(InputError, match="No space left on device"):
        Percentiles(10, TRACKS, "float32")


def write_shard(folder: Path, names: str, rows: int, seed: int, dtype: str) -> Path:
    """A scored shard with every kind of score."""
    folder.mkdir(parents=True)
    ref, alt = np.random.default_rng(seed).gamma(1, 1, (2, rows, 2, len(names)))
    with h5py.File(folder / "sad.h5", "w") as handle:
        for name, values in scores(ref, alt, STATISTICS).items():
            handle[name] = values.astype(layout(name, 0, 0, 0, dtype).dtype)
        for name in ("snp", "chr", "ref_allele", "alt_allele"):
            handle[name] = np.full(rows, b"A")
        handle["pos"] = np.arange(rows, dtype=np.uint32)
        handle["target_ids"] = handle["target_labels"] = [name.encode() for name in names]
    (folder / "excluded.tsv").write_text("\t".join(sad.EXCLUDED_COLUMNS) + "\n")
    return folder


@pytest.fixture
def rows_read(monkeypatch) -> Counter[tuple[str, str]]:
    """How many rows of each dataset of each file are read: (folder, dataset) -> rows."""
    counted: Counter[tuple[str, str]] = Counter()
    read: Callable = h5py.Dataset.__getitem__

    def counting(self: h5py.Dataset, part: object) -> object:
        values = read(self, part)
        counted[Path(self.file.filename).parent.name, self.name.strip("/")] += len(np.atleast_1d(values))
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counting)
    return counted


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_merging_reads_every_score_once(dtype, tmp_path, rows_read, monkeypatch):
    monkeypatch.setattr(sad, "VARIANTS_AT_ONCE", 3)
    monkeypatch.setattr(sad, "COPIED_BYTES", 1)
    monkeypatch.setattr(percentiles, "COUNTED_FROM", 0)
    shards = [write_shard(tmp_path / f"s.{n}", "abc", 10 + n, n, dtype) for n in range(2)]
    assert sad.merge(shards, tmp_path / "out").scored == 21
    for n, rows in ((0, 10), (1, 11)):
        assert [rows_read[f"s.{n}", name] for name in STATISTICS] == [rows] * len(STATISTICS)
    assert not any(rows_read["out", name] for name in STATISTICS)
    with h5py.File(tmp_path / "out/sad.h5") as merged:
        assert np.array_equal(merged["SAD_pct"][()], expected(merged["SAD"][()]))


def test_joining_reads_every_score_once(tmp_path, rows_read, monkeypatch):
    monkeypatch.setattr(sad, "VARIANTS_AT_ONCE", 4)
    monkeypatch.setattr(sad, "COPIED_BYTES", 1)
    parts = [write_shard(tmp_path / names, names, 10, n, "float32") / "sad.h5" for n, names in enumerate(("ab", "c"))]
    assert join_scores(parts, tmp_path / "out") == (10, 3)
    for names in ("ab", "c"):
        assert {rows_read[names, name] for name in ("SAD", "REF", "ALT", "LOGRATIO")} == {10}
        assert not rows_read[names, "COS"] and not rows_read[names, "L2"]  # they are those of all tracks, from REF, ALT
    assert not any(name in STATISTICS and n for (folder, name), n in rows_read.items() if folder == "out")
    with h5py.File(tmp_path / "out/sad.h5") as joined:
        assert np.array_equal(joined["SAD_pct"][()], expected(joined["SAD"][()]))
        whole = scores(joined["REF"][()].astype(float), joined["ALT"][()].astype(float), ("COS", "L2"))
        for name, values in whole.items():
            assert np.array_equal(joined[name][()], values.astype(np.float32))
