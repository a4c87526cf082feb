"""Contigs, windows, folds and their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accessiflow.dataset import windows as w
from accessiflow.errors import InputError
from accessiflow.intervals import FOLDS

SIZES = {"chr1": 5000, "chr2": 3000, "chr3": 3000}


def bed(*rows: tuple[str, int, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def all_windows(stride=100, stride_test=100, length=300) -> w.WindowTable:
    contigs = w.contigs_of(SIZES, None, None, length)
    return w.windows_of(w.split_folds(contigs, ["chr2"], ["chr3"]), w.Geometry(length, 100, 100, stride, stride_test))


def test_gaps_split_chromosomes_and_short_pieces_go():
    gaps = bed(("chr1", 1000, 1200), ("chr1", 1100, 1300), ("chr2", 0, 500), ("chr3", 2900, 9000))
    found = w.contigs_of(SIZES, gaps, None, 1000)
    assert found == [("chr1", 0, 1000), ("chr1", 1300, 5000), ("chr2", 500, 3000), ("chr3", 0, 2900)]


def test_limit_gives_one_piece_an_interval():
    limit = bed(("chr1", 0, 400), ("chr1", 200, 700), ("chr1", 200, 700), ("chr9", 0, 700), ("chr2", 2800, 4000))
    assert w.contigs_of(SIZES, None, limit, 300) == [("chr1", 0, 400), ("chr1", 200, 700), ("chr1", 200, 700)]


@given(st.lists(st.integers(1, 5_000_000), min_size=1, max_size=8))
def test_breaking_and_joining_loses_nothing(lengths):
    contigs = [w.Contig(f"chr{i}", 0, n) for i, n in enumerate(lengths)]
    broken = w.break_contigs(contigs)
    assert max(c.end - c.start for c in broken) <= w.BREAK_ABOVE
    assert sorted(w.join_contigs(broken)) == sorted(contigs)
    assert len(w.break_contigs(contigs, lose_largest=True)) == len(broken) - 1


@given(st.integers(1, 400), st.integers(1, 400), st.integers(100, 900))
def test_windows_tile_their_contigs(stride, stride_test, length):
    found = all_windows(stride, stride_test, length)
    for i, name in enumerate(found.names):
        starts = found.start[found.chrom == i]
        step = stride if name == "chr1" else stride_test
        assert starts[0] == 0
        assert SIZES[name] - step < starts[-1] + length <= SIZES[name]
        assert set(np.diff(starts)) <= {step}


def test_validation_strides_as_the_test_fold():
    found = all_windows(100, 300)
    assert [len(found.of_fold(fold)) for fold in FOLDS] == [48, 10, 10]


def test_shuffling_is_pythons_fold_by_fold():
    import random

    found = all_windows()
    generator, expected = random.Random(44), []
    for fold in FOLDS:
        rows = found.of_fold(fold).tolist()
        generator.shuffle(rows)
        expected += rows
    np.testing.assert_array_equal(w.shuffled(found).start, found.start[expected])


def test_spans_hold_each_window_once_in_order():
    found = w.shuffled(all_windows())
    seen = []
    for chrom, rows in found.spans(1000):
        starts = found.start[rows]
        assert (np.diff(starts) >= 0).all()
        assert starts[-1] - starts[0] < 1000
        assert {found.names[c] for c in found.chrom[rows]} == {chrom}
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(found)))


def test_sequences_bed_round_trip(tmp_path):
    found = w.shuffled(all_windows())
    w.write_windows(found, tmp_path / "sequences.bed")
    back = w.read_windows(tmp_path / "sequences.bed", SIZES, 300)
    assert [back.names[c] for c in back.chrom] == [found.names[c] for c in found.chrom]
    np.testing.assert_array_equal(back.start, found.start)
    np.testing.assert_array_equal(back.fold, found.fold)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("chr1\t0\t300\ttest\nchr1\t0\t300\ttrain", r":2: needs the labels"),
        ("chr1\t0\t300\tfold1", r":1: needs the labels"),
        ("chr1\t0\t300\ttrain\nchr9\t0\t300\ttest", r":2: names a contig"),
        ("chr1\t0\t301\ttrain", r":1: has a window that is not 300 bp"),
        ("chr3\t2900\t3200\ttrain", r":1: has a window that leaves its contig"),
        ("chr1\t0\t300", "needs the columns"),
        ("chr1\tx\t300\ttrain", "needs the columns"),
    ],
)
def test_a_wrong_sequences_bed_is_refused(tmp_path, row, sentence):
    (tmp_path / "sequences.bed").write_text(row + "\n")
    with pytest.raises(InputError, match=sentence):
        w.read_windows(tmp_path / "sequences.bed", SIZES, 300)
