"""Targets: base levels, masks, summaries, clips; the targets table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from accessiflow.dataset import targets as rules
from accessiflow.dataset.windows import Geometry, WindowTable
from accessiflow.errors import InputError

RNG = np.random.default_rng(1)
SHAPE = Geometry(seq_length=60, crop=20, target_width=10, stride=20)
COVERAGE = RNG.gamma(1, 3, 3000).astype(np.float32)
HOLES = slice(1000, 1015)


@pytest.fixture(scope="module")
def bigwig(tmp_path_factory):
    path = tmp_path_factory.mktemp("signal") / "a.bw"
    out = pyBigWig.open(str(path), "w")
    out.addHeader([("chr1", 3000), ("chr2", 500)])
    where = np.r_[0 : HOLES.start, HOLES.stop : 3000]
    out.addEntries(["chr1"] * len(where), where.tolist(), ends=(where + 1).tolist(), values=COVERAGE[where].tolist())
    out.close()
    return path


def track(path, summary="sum", clip=None, clip_soft=None, scale=1.0) -> rules.Track:
    return rules.Track("t", "t", path, summary, clip, clip_soft, scale)


def windows(*starts: int, chrom: str = "chr1") -> WindowTable:
    n = len(starts)
    return WindowTable(
        (chrom,), np.zeros(n, np.int32), np.array(starts, np.int64), np.zeros(n, np.int8), SHAPE.seq_length
    )


def black(*rows: tuple[int, int]) -> dict:
    return rules.blacklist_of(
        pd.DataFrame([("chr1", s + 20, e - 20) for s, e in rows], columns=["chrom", "start", "end"])
    )


def test_a_target_is_the_sum_over_its_bases_in_any_window_order(bigwig):
    found = rules.window_targets(windows(400, 0, 2940, 20), track(bigwig), SHAPE, {})
    for row, start in zip(found, (400, 0, 2940, 20), strict=True):
        np.testing.assert_allclose(row, COVERAGE[start + 20 : start + 40].reshape(2, 10).sum(axis=1), rtol=1e-6)


def test_a_base_without_a_value_counts_as_zero(bigwig):
    found = rules.window_targets(windows(980), track(bigwig), SHAPE, {})[0]
    filled = COVERAGE.copy()
    filled[HOLES] = 0
    np.testing.assert_allclose(found, filled[1000:1020].reshape(2, 10).sum(axis=1), rtol=1e-6)


def test_chromosomes_that_the_signal_lacks_are_zero(bigwig):
    assert (rules.window_targets(windows(0, 40, chrom="chr9"), track(bigwig), SHAPE, {}) == 0).all()


def test_blacklisted_bases_get_the_windows_base_level(bigwig):
    found = rules.window_targets(windows(100), track(bigwig), SHAPE, black((125, 133)))[0]
    values = COVERAGE[100:160].copy()
    values[25:33] = np.percentile(values.astype(np.float64), 10)
    np.testing.assert_allclose(found, values[20:40].reshape(2, 10).sum(axis=1), rtol=1e-6)


def test_an_interval_from_left_of_the_window_is_masked_and_slips_through_in_basenji(bigwig):
    intervals = black((90, 130))
    whole, base = COVERAGE[100:160], np.float32(np.percentile(COVERAGE[100:160].astype(np.float64), 10))
    ours = rules.window_targets(windows(100), track(bigwig), SHAPE, intervals)[0, 0]
    theirs = rules.window_targets(windows(100), track(bigwig), SHAPE, intervals, compat=True)[0, 0]
    assert ours == pytest.approx(10 * base, rel=1e-6)
    assert theirs == pytest.approx(whole[20:30].sum(), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1100, 2800), st.integers(41, 200)), max_size=4), st.data())
def test_masks_are_those_of_a_base_by_base_loop(bigwig, intervals, data):
    start = data.draw(st.integers(1100, 2900))
    found = rules.window_targets(windows(start), track(bigwig), SHAPE, black(*[(s, s + n) for s, n in intervals]))[0]
    values = COVERAGE[start : start + 60].copy()
    base = np.percentile(values.astype(np.float64), 10)
    for i in range(60):
        if any(s <= start + i < s + n for s, n in intervals):
            values[i] = base
    np.testing.assert_allclose(found, values[20:40].reshape(2, 10).sum(axis=1), rtol=1e-6)


@given(hnp.arrays(np.float32, st.tuples(st.just(3), st.integers(1, 50)), elements=st.floats(0, 1000, width=32)))
def test_the_base_level_is_the_tenth_percentile(values):
    expected = np.percentile(values.astype(np.float64), 10, axis=1)
    np.testing.assert_allclose(rules.base_level(values), expected, rtol=1e-6, atol=1e-6)


def test_the_base_level_is_zero_where_a_base_has_no_value():
    assert rules.base_level(np.array([[5, np.nan, 5], [5, 5, 5]], np.float32)).tolist() == [0, 5]


def test_summaries(bigwig):
    centre = COVERAGE[220:240].reshape(2, 10)
    expected = {
        "sum": centre.sum(axis=1),
        "mean": centre.mean(axis=1),
        "avg": centre.mean(axis=1),
        "max": centre.max(axis=1),
        "peak": np.clip(np.sqrt(4 * centre.mean(axis=1)), 0, 1),
    }
    assert set(expected) == set(rules.SUMMARIES)
    for summary, values in expected.items():
        np.testing.assert_allclose(
            rules.window_targets(windows(200), track(bigwig, summary), SHAPE, {})[0], values, rtol=1e-6
        )


def test_soft_clip_comes_before_clip_and_scale_comes_last(bigwig):
    total = COVERAGE[220:240].reshape(2, 10).sum(axis=1)
    soft = total.min() / 2
    found = rules.window_targets(
        windows(200), track(bigwig, "sum", clip=soft + 3, clip_soft=soft, scale=2.5), SHAPE, {}
    )[0]
    np.testing.assert_allclose(found, 2.5 * np.minimum(soft + np.sqrt(total - soft), soft + 3), rtol=1e-6)


def test_basenji_hands_numbers_on_with_six_decimals(bigwig):
    third = track(bigwig, scale=1 / 3)
    ours, theirs = (rules.window_targets(windows(200), third, SHAPE, {}, compat)[0] for compat in (False, True))
    np.testing.assert_allclose(ours / theirs, 1e6 / 333_333 / 3, rtol=1e-7)


def test_spans_longer_than_a_chunk_give_the_same(bigwig, monkeypatch):
    where = windows(*range(0, 2940, 7))
    whole = rules.window_targets(where, track(bigwig), SHAPE, black((500, 600)))
    monkeypatch.setattr(rules, "COVERAGE_SPAN", 100)
    np.testing.assert_array_equal(rules.window_targets(where, track(bigwig), SHAPE, black((500, 600))), whole)


@pytest.mark.parametrize("value", [-1.0, float("inf")])
def test_coverage_that_is_no_count_is_refused(tmp_path, value):
    out = pyBigWig.open(str(tmp_path / "bad.bw"), "w")
    out.addHeader([("chr1", 3000)])
    out.addEntries("chr1", [10, 130], values=[1.0, value], span=1)
    out.close()
    with pytest.raises(InputError, match=r"bad.bw: has the coverage .* at chr1:130-131"):
        rules.window_targets(windows(100), track(tmp_path / "bad.bw"), SHAPE, {})


TABLE = "index\tidentifier\tfile\tclip\tclip_soft\tscale\tsum_stat\tdescription\n"


def test_a_targets_table_is_read_as_basenji_does(tmp_path):
    (tmp_path / "a.bw").write_bytes(b"x")
    (tmp_path / "targets.txt").write_text(
        TABLE + '0\tA\ta.bw\t384\t\t0.5\tsum\tDNASE:cell #1 "x\n1\tB\tb.bw\t\t32\t\tmean\t\n'
    )
    first, second = rules.read_targets(tmp_path / "targets.txt")
    assert first == rules.Track("A", 'DNASE:cell #1 "x', tmp_path / "a.bw", "sum", 384, None, 0.5)
    assert (second.file.as_posix(), second.clip, second.clip_soft, second.scale, second.description) == (
        "b.bw",
        None,
        32,
        1,
        "B",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TABLE + "0\tA\ta.bw\t-1\t\t1\tsum\tA\n", r"targets.txt:2: clip '-1' is not a number above 0"),
        (TABLE + "0\tA\ta.bw\t\t\t0\tsum\tA\n", r":2: scale '0' is not"),
        (TABLE + "0\tA\ta.bw\t\tx\t1\tsum\tA\n", r":2: clip_soft 'x' is not"),
        (TABLE + "0\tA\ta.bw\t\t\t1\tmedian\tA\n", r":2: sum_stat 'median' is not one of sum, mean"),
        (TABLE, "has a header and no track"),
        (
            TABLE + "0\tA\ta.bw\t\t\t1\tsum\tA\n1\tB\tb.bw\t\t\t1\tsum\tA\n2\tA\tc.bw\t\t\t1\tsum\tA\n",
            r"targets.txt:4: the identifier 'A' is already on line 2: identifiers must be unique",
        ),
        ("file\tsum_stat\nx/a.bw\tsum\ny/a.bw\tsum\n", r":3: the identifier 'a' is already on line 2"),
        (TABLE + "0\tNA\ta.bw\t\t\t1\tsum\tA\n", r":2: the identifier 'NA' is read as a missing value"),
        (TABLE + "0\tnan\ta.bw\t\t\t1\tsum\tA\n", r":2: the identifier 'nan' is read as a missing value"),
        ("index\tidentifier\n0\tA\n", r"lacks the column\(s\) file, sum_stat"),
    ],
)
def test_a_wrong_targets_table_is_refused(tmp_path, text, sentence):
    (tmp_path / "targets.txt").write_text(text)
    with pytest.raises(InputError, match=sentence):
        rules.read_targets(tmp_path / "targets.txt")


def test_the_tracks_sheet_becomes_a_targets_table(script, tmp_path):
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal,scale,clip\nB1,B,b.bw,,100\nT1,T,/data/t.bam,2,\n")
    script(
        "dataset",
        "targets",
        "--tracks",
        tmp_path / "tracks.csv",
        "--signal",
        "T1=T1.bw",
        "--output",
        tmp_path / "targets.txt",
    )
    lines = [line.split("\t") for line in (tmp_path / "targets.txt").read_text().splitlines()]
    assert lines == [
        ["index", "identifier", "file", "clip", "scale", "sum_stat", "description"],
        ["0", "B1", str(tmp_path / "b.bw"), "100", "1", "sum", "B"],
        ["1", "T1", "T1.bw", "", "2", "sum", "T"],
    ]


def test_a_signal_of_no_track_is_refused(refused, tmp_path):
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal\nB1,B,b.bw\n")
    assert "X1: no such track" in refused(
        "dataset",
        "targets",
        "--tracks",
        tmp_path / "tracks.csv",
        "--signal",
        "X1=a.bw",
        "--output",
        tmp_path / "targets.txt",
    )
    assert not (tmp_path / "targets.txt").exists()
