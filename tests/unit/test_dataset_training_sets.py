"""Which windows the five training sets keep."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accessiflow.dataset import training_sets as sets

IN_PEAK = np.array([True, False, True, False, False, True, False, False])
UBIQUITOUS = np.array([True, False, False, False, False, False, False, False])
GC = np.array([0.4, 0.41, 0.5, 0.52, 0.1, 0.6, 0.42, 0.51])


def chosen(name: str, ratio: float = 1.0, seed: int = 0) -> list[int]:
    return sets.choose(name, IN_PEAK, UBIQUITOUS, GC, ratio, np.random.default_rng(seed)).tolist()


def test_sets_without_chance():
    assert chosen("all") == list(range(8))
    assert chosen("peaks") == [0, 2, 5]
    assert chosen("non_ubiquitous") == [2, 5]


@pytest.mark.parametrize(("ratio", "others"), [(0, 0), (0.3, 1), (1, 3), (9, 5)])
def test_balanced_adds_non_peaks_by_the_ratio(ratio, others):
    found = chosen("balanced", ratio)
    assert found == sorted(set(found))
    assert {0, 2, 5} <= set(found)
    assert len(found) == 3 + others


def test_the_seed_decides_which():
    assert len({tuple(chosen("balanced", seed=s)) for s in range(20)}) > 1
    assert chosen("balanced", seed=3) == chosen("balanced", seed=3)


def test_gc_matched_never_draws_outside_the_peaks_range():
    found = chosen("gc_matched")
    assert {0, 2, 5} <= set(found)
    assert 4 not in found


@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_each_gc_bin_has_as_many_non_peaks_as_peaks_or_none(peaks, others):
    peak, other = np.array(peaks), np.array(others)
    drawn = other[sets.gc_matched(peak, other, np.random.default_rng(0))]
    edges = np.linspace(peak.min(), peak.max(), 20)
    for low, high in pairwise(edges):
        wanted, available, found = (((x >= low) & (x < high)).sum() for x in (peak, other, drawn))
        assert found == (wanted if available else 0)
