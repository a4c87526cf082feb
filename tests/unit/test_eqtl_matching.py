"""Negatives matched to positives: strata, shortages, and what is measured alike in both."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.eqtl import matching
from accessiflow.eqtl.benchmark import _matched
from accessiflow.eqtl.design import Design, Matching
from accessiflow.eqtl.fine_mapped import nearest_tss
from accessiflow.errors import InputError

DISTANCES = [500.0, 2_000.0, 7_000.0, 600_000.0, np.nan]
FREQUENCIES = [0.005, 0.07, 0.5, np.nan]
EVERY = ("tss", "maf")


def table(distances: list[float], frequencies: list[float]) -> pd.DataFrame:
    n = len(distances)
    return pd.DataFrame(
        {"chrom": "chr1", "pos": np.arange(n) + 1, "ref": "A", "alt": "G", "match_tss": distances, "maf": frequencies}
    )


variants = st.lists(st.tuples(st.sampled_from(DISTANCES), st.sampled_from(FREQUENCIES)), min_size=1, max_size=25).map(
    lambda rows: table(*(list(column) for column in zip(*rows, strict=True)))
)


def stratum_counts(rows: pd.DataFrame) -> dict[tuple[int, int], int]:
    strata, counts = np.unique(matching._strata(rows, EVERY), axis=0, return_counts=True)
    return {tuple(int(i) for i in s): int(n) for s, n in zip(strata, counts, strict=True)}


@settings(deadline=None)
@given(variants, variants, st.integers(1, 3), st.booleans(), st.integers(0, 9))
def test_each_stratum_gets_what_it_has(
    positives: pd.DataFrame, candidates: pd.DataFrame, ratio: int, nearest: bool, seed: int
) -> None:
    drawn = matching.draw(positives, candidates, Matching(EVERY, ratio, nearest), np.random.default_rng(seed))
    wanted, there = stratum_counts(positives), stratum_counts(candidates)
    found = stratum_counts(candidates.iloc[drawn.rows]) if len(drawn.rows) else {}
    assert (np.diff(drawn.rows) > 0).all()
    assert list(drawn.table["wanted"]) == [n * ratio for n in wanted.values()]
    assert list(drawn.table["same_stratum"]) == [min(n * ratio, there.get(s, 0)) for s, n in wanted.items()]
    assert len(drawn.rows) == drawn.table[["same_stratum", "nearest_stratum"]].to_numpy().sum()
    if not nearest:
        assert found == {s: min(n * ratio, there[s]) for s, n in wanted.items() if s in there}
        assert drawn.table["nearest_stratum"].sum() == 0
    lacking = drawn.table["wanted"] - drawn.table["same_stratum"] - drawn.table["nearest_stratum"]
    assert bool(drawn.shortage) == bool((lacking > 0).any())


def test_the_nearest_strata_come_first_and_unknown_values_stay_apart() -> None:
    positives = table([500.0], [0.07])
    candidates = table([600_000.0, 2_000.0, 7_000.0, np.nan], [0.07] * 4)
    drawn = matching.draw(positives, candidates, Matching(EVERY, 2, True), np.random.default_rng(0))
    assert drawn.rows.tolist() == [1, 2]
    assert drawn.shortage == ""
    more = matching.draw(positives, candidates, Matching(EVERY, 4, True), np.random.default_rng(0))
    assert more.rows.tolist() == [0, 1, 2]
    assert "1 of 1 matching strata lack negatives, 1 of 4" in more.shortage
    assert "tss [0,1000) and maf [0.05,0.1)" in more.shortage


def test_draws_differ_by_seed_and_repeat_with_it() -> None:
    positives, candidates = table([500.0] * 5, [0.07] * 5), table([500.0] * 50, [0.07] * 50)
    first, again, other = (
        matching.draw(positives, candidates, Matching(EVERY), np.random.default_rng(seed)).rows for seed in (1, 1, 2)
    )
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_a_short_bin_has_a_reason_and_matching_on_peaks_keeps_to_the_bin() -> None:
    positives = table([500.0] * 4, [0.07] * 4).assign(bin="a", row=np.arange(4))
    negatives = table([500.0] * 12, [0.07] * 12).assign(bin=["a", "b", ""] * 4, row=np.arange(100, 112))
    design = Design(min_positives=2, tissue="t", repeats=2, matching=Matching(("tss", "peak")))
    task, strata = _matched("a", positives, negatives, 0, design)
    assert [len(sample.rows) for sample in task.samples] == [8, 8]
    assert set(task.samples[0].rows[4:]) == {100, 103, 106, 109}
    assert task.reason == ""
    assert strata is not None
    assert list(strata.columns) == matching.STRATUM_COLUMNS
    assert list(strata["maf"]) == ["all"]
    short, _ = _matched("a", positives, negatives, 0, Design(min_positives=2, matching=Matching(("tss", "peak"), 2)))
    assert "4 of 8 in all" in short.reason
    bins_only, table_of_one = _matched(
        "a", positives, negatives, 0, Design(min_positives=2, matching=Matching(("peak",)))
    )
    assert set(bins_only.samples[0].rows[4:]) == {100, 103, 106, 109}
    assert table_of_one[["tss", "maf", "wanted", "same_stratum"]].to_numpy().tolist() == [["all", "all", 4, 4]]
    few, none = _matched("a", positives, negatives, 0, Design(min_positives=5, matching=Matching(("tss",))))
    assert none is None
    assert len(few.samples[0].rows) == 4


def test_distances_are_measured_alike() -> None:
    tss = pd.DataFrame({"chrom": "chr1", "position": [99, 1999], "name": ["g", "h"]})
    positives = table([0.0], [0.1]).assign(pos=110, gene="h", tss_distance=1890.0).drop(columns="match_tss")
    negatives = table([0.0], [0.1]).assign(pos=1990).drop(columns="match_tss")
    plain = matching.prepare(positives, negatives, ["tss"], tss)
    assert [part["match_tss"].iloc[0] for part in plain] == [10, 10]
    own = matching.prepare(positives, negatives.assign(gene="g", tss_distance=1890.0), ["tss"], tss)
    assert [part["match_tss"].iloc[0] for part in own] == [1890, 1890]
    away = nearest_tss(table([0.0] * 3, [0.1] * 3).assign(pos=[100, 1, 5], chrom=["chr1", "chr1", "chr9"]), tss)
    assert away[:2].tolist() == [0, 99]
    assert np.isnan(away[2])


def test_what_matching_needs_is_told() -> None:
    rows = table([500.0], [0.1])
    assert matching.parse_criteria(["peak", "tss"]) == ("tss", "peak")
    for call, message in (
        (lambda: matching.parse_criteria(["gc"]), "--match gc"),
        (lambda: matching.prepare(rows, rows, ["tss"], None), "give --genes"),
        (
            lambda: matching.prepare(rows, rows.drop(columns="maf"), ["maf"], None),
            "needs a column maf with values among the negatives",
        ),
        (
            lambda: matching.prepare(rows.assign(maf=0.6), rows, ["maf"], None),
            "maf of the positives must lie between 0 and 0.5",
        ),
    ):
        with pytest.raises(InputError, match=message):
            call()
