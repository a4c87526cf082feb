"""Statistics against brute force, scipy and their laws.

AUROC and DeLong's variances, shares, Benjamini-Hochberg, Pearson's R of arrays, sums, streams.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, false_discovery_control, spearmanr

from accessiflow.bootstrap import Bootstrap
from accessiflow.statistics import (
    Accuracy,
    Auroc,
    benjamini_hochberg,
    binomial_share,
    cross_validated,
    delong,
    delong_paired,
    deviations,
    known_mean,
    known_row_means,
    log2p,
    midranks,
    pearson,
    pearson_columns,
    pearson_matrix,
    pearson_of_sums,
    placements,
    pooled,
    weighted_midranks,
    wilson,
)


def brute_delong(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """By definition: the kernel of every (positive, negative) pair."""
    x, y = scores[labels], scores[~labels]
    kernel = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    below, above = kernel.mean(axis=1), kernel.mean(axis=0)
    theta = kernel.mean()
    s10 = ((below - theta) ** 2).sum() / (len(x) - 1)
    s01 = ((above - theta) ** 2).sum() / (len(y) - 1)
    return theta, s10 / len(x) + s01 / len(y)


data = st.integers(4, 40).flatmap(
    lambda n: st.tuples(arrays(bool, n), arrays(np.int64, n, elements=st.integers(-6, 6))).filter(
        lambda t: 2 <= t[0].sum() <= len(t[0]) - 2
    )
)


@settings(deadline=None)
@given(data)
def test_delong_is_its_definition(sample: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = sample
    np.testing.assert_allclose(delong(labels, scores), brute_delong(labels, scores), atol=1e-12)


@settings(deadline=None)
@given(data)
def test_swapping_classes_or_the_sign_mirrors_the_area(sample: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = sample
    area, mirrored, other = delong(labels, scores), delong(labels, -scores), delong(~labels, -scores)
    assert area.value + mirrored.value == pytest.approx(1)
    assert other.value == pytest.approx(area.value)
    assert other.variance == pytest.approx(area.variance)


@settings(deadline=None)
@given(data)
def test_a_monotone_transform_changes_nothing(sample: tuple[np.ndarray, np.ndarray]) -> None:
    labels, scores = sample
    assert delong(labels, scores) == delong(labels, np.exp(scores / 3.0))


def test_area_is_scikit_learns() -> None:
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(1)
    labels, scores = rng.random(500) < 0.3, rng.normal(size=500).round(1)
    assert delong(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_midranks_share_the_rank_of_ties() -> None:
    assert midranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_too_few_of_a_class_give_nan() -> None:
    assert np.isnan(delong([True, True], [1.0, 2.0])).all()
    area = delong([True, False, False], [1.0, 0.0, 2.0])
    assert area.value == 0.5
    assert np.isnan(area.variance)
    assert np.isnan(area.interval).all()


def test_the_delong_interval_covers() -> None:
    rng = np.random.default_rng(2)
    truth = 0.7602499389  # Phi(1 / sqrt 2): normal scores one standard deviation apart
    labels = np.repeat([True, False], [60, 80])
    intervals = [delong(labels, rng.normal(size=140) + labels).interval for _ in range(400)]
    assert 0.92 <= np.mean([low <= truth <= high for low, high in intervals]) <= 0.98


def test_the_cross_validated_variance_is_the_influence_curves() -> None:
    """LeDell et al.: the mean square of each observation's influence, over N, in folds that agree about the area."""
    rng = np.random.default_rng(3)
    folds = [(rng.random(2000) < 0.4, rng.normal(size=2000).round(2)) for _ in range(4)]
    share = np.concatenate([labels for labels, _ in folds]).mean()
    values = [delong(*fold).value for fold in folds]
    squared = []
    for (labels, scores), value in zip(folds, values, strict=True):
        below, above = placements(labels, scores)
        squared.append(np.mean(np.square(np.concatenate([(below - value) / share, (above - value) / (1 - share)]))))
    area = cross_validated(folds)
    assert area.value == pytest.approx(np.mean(values))
    assert area.variance == pytest.approx(np.mean(squared) / 8000, rel=0.01)


def test_one_fold_is_delongs() -> None:
    rng = np.random.default_rng(4)
    labels, scores = np.repeat([True, False], 20), rng.normal(size=40)
    assert cross_validated([(labels, scores)]) == delong(labels, scores)


def test_the_cross_validated_interval_covers_with_a_positive_a_fold() -> None:
    rng = np.random.default_rng(5)
    folds = [np.arange(20) == 0] * 10
    areas = [cross_validated([(labels, rng.normal(size=20) + labels) for labels in folds]) for _ in range(300)]
    covered = np.mean([low <= 0.7602499389 <= high for low, high in (area.interval for area in areas)])
    assert 0.87 <= covered <= 0.99


def test_repeats_add_their_spread() -> None:
    assert pooled([Auroc(0.7, 0.01)]) == Auroc(0.7, 0.01)
    both = pooled([Auroc(0.6, 0.01), Auroc(0.8, 0.03)])
    assert both.value == pytest.approx(0.7)
    assert both.variance == pytest.approx(0.02 + 1.5 * 0.02)


def test_placements_have_one_value_a_member() -> None:
    below, above = placements([True, False, True], [2.0, 1.0, 0.0])
    assert below.tolist() == [1.0, 0.0]
    assert above.tolist() == [0.5]


def test_intervals_stay_within_zero_and_one() -> None:
    assert Auroc(0.99, 0.01).interval[1] == 1.0
    assert Auroc(0.01, 0.01).interval[0] == 0.0


def brute_covariance(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Covariance matrix (2, 2) of two AUROCs from the kernels of every (positive, negative) pair."""
    below, above = [], []
    for scores in (first, second):
        x, y = scores[labels], scores[~labels]
        kernel = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        below.append(kernel.mean(axis=1))
        above.append(kernel.mean(axis=0))
    return np.cov(below) / labels.sum() + np.cov(above) / (~labels).sum()


pairs = data.flatmap(
    lambda t: st.tuples(st.just(t[0]), st.just(t[1]), arrays(np.int64, len(t[0]), elements=st.integers(-6, 6)))
)


@settings(deadline=None)
@given(pairs)
def test_the_paired_test_is_its_definition(sample: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, first, second = sample
    pair, covariance = delong_paired(labels, first, second), brute_covariance(labels, first, second)
    assert pair.first == delong(labels, first).value
    assert pair.second == delong(labels, second).value
    assert pair.difference == pytest.approx(pair.first - pair.second, abs=1e-12)
    assert pair.variance == pytest.approx(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1], abs=1e-12)
    mirrored = delong_paired(labels, second, first)
    assert mirrored.difference == pytest.approx(-pair.difference, abs=1e-12)
    assert mirrored.p == pytest.approx(pair.p, nan_ok=True)


def test_a_model_does_not_differ_from_itself() -> None:
    labels, scores = np.arange(30) % 3 == 0, np.random.default_rng(3).normal(size=30)
    pair = delong_paired(labels, scores, 2 * scores)
    assert (pair.difference, pair.z, pair.p) == (0, 0, 1)
    opposite = delong_paired(labels, labels.astype(float), -labels.astype(float))
    assert opposite.difference == 1
    assert np.isnan(opposite.p)
    assert np.isnan(delong_paired(labels[labels], scores[labels], scores[labels])).all()


def test_the_paired_p_is_uniform_when_models_are_equally_good() -> None:
    rng = np.random.default_rng(4)
    labels = np.arange(100) < 50
    p = []
    for _ in range(400):
        shared = rng.normal(size=100) + labels
        p.append(delong_paired(labels, shared + rng.normal(size=100), shared + rng.normal(size=100)).p)
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 500), st.floats(0, 1))
def test_wilsons_interval_is_scipys(n: int, share: float) -> None:
    hits = round(n * share)
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_shares_are_exact_binomial(successes: int, failures: int) -> None:
    n = successes + failures
    share = binomial_share(successes, n)
    if n == 0:
        assert np.isnan(share).all()
        return
    test = binomtest(successes, n)
    assert share.p == pytest.approx(test.pvalue, rel=1e-9)
    assert (share.low, share.high) == pytest.approx(tuple(test.proportion_ci(method="exact")), abs=1e-9)


@given(st.lists(st.one_of(st.floats(0, 1), st.just(np.nan)), max_size=20))
def test_a_p_value_that_is_not_there_is_no_test(values: list[float]) -> None:
    p = np.array(values, np.float64)
    q, known = benjamini_hochberg(p), ~np.isnan(p)
    assert np.isnan(q[~known]).all()
    if known.any():
        np.testing.assert_allclose(q[known], false_discovery_control(p[known]))


def test_means_are_of_what_is_known() -> None:
    assert known_mean([1, np.nan, 3, np.inf]) == 2
    assert np.isnan(known_mean([]))
    np.testing.assert_array_equal(known_row_means(np.array([[1, np.nan, 3], [np.nan] * 3])), [2, np.nan])
    assert log2p([-3, 0, 1, 7]).tolist() == [0, 0, 1, 3]


anything = st.floats(-1e150, 1e150)
small = st.integers(-50, 50).map(float)


def two(elements: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """Two vectors of one length of 2 to 30."""
    return st.integers(2, 30).flatmap(
        lambda n: st.tuples(arrays(float, n, elements=elements), arrays(float, n, elements=elements))
    )


def constant(x: np.ndarray) -> bool:
    return bool((x == x[0]).all())


class TestPearson:
    @settings(deadline=None)
    @given(two(anything | st.sampled_from([0.1, 0.3, 1 / 3])))
    def test_it_is_nan_if_and_only_if_one_is_constant_and_else_within_one(
        self, pair: tuple[np.ndarray, np.ndarray]
    ) -> None:
        x, y = pair
        r = pearson(x, y)
        assert np.isnan(r) == (constant(x) or constant(y))
        assert np.isnan(r) or -1 <= r <= 1
        assert r == pearson(y, x) or np.isnan(r)
        assert (deviations(x[:, None]) == 0).all() == constant(x)

    @settings(deadline=None)
    @given(st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-100), st.integers(1, 200))
    def test_equal_values_are_constant_whatever_their_value_and_number(self, value: float, n: int) -> None:
        x, y = np.full(n, value), np.arange(n, dtype=float)
        assert np.isnan(pearson(x, y))
        sums = [np.array([s]) for s in (n, x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum())]
        assert np.isnan(pearson_of_sums(*sums)).all()

    def test_three_times_a_tenth_is_constant_and_the_last_bit_is_not(self) -> None:
        y = np.arange(3.0)
        assert np.isnan(pearson(np.full(3, 0.1), y))
        assert pearson(np.array([1, 1, np.nextafter(1, 2)]), y) == pytest.approx(np.sqrt(0.75))
        assert pearson(2.0**30 + 2.0**-20 * y, y) == pytest.approx(1)
        assert pearson(1e-200 * y, y) == pytest.approx(1)
        assert np.isnan(pearson(y[:1], y[:1])) and np.isnan(pearson(y[:0], y[:0]))

    @settings(deadline=None)
    @given(two(small), st.integers(-10, 10), st.integers(-1000, 1000))
    def test_it_is_numpys_and_does_not_change_with_shift_and_scale(
        self, pair: tuple[np.ndarray, np.ndarray], power: int, shift: int
    ) -> None:
        x, y = pair
        r = pearson(x, y)
        if constant(x) or constant(y):
            return
        assert r == pytest.approx(np.corrcoef(x, y)[0, 1], abs=1e-12)
        assert pearson(2.0**power * x + shift, y) == pytest.approx(r, abs=1e-9)
        assert pearson(x, -y) == pytest.approx(-r, abs=1e-12)

    def test_columns_and_the_matrix_are_the_vectors(self) -> None:
        values = np.random.default_rng(2).normal(size=(30, 4))
        np.testing.assert_allclose(pearson_matrix(values), np.corrcoef(values.T), atol=1e-12)
        np.testing.assert_allclose(
            pearson_columns(values, values[:, ::-1]),
            [pearson(values[:, i], values[:, 3 - i]) for i in range(4)],
            atol=1e-15,
        )
        np.testing.assert_allclose(pearson_columns(values[:, [1]], values), np.corrcoef(values.T)[1], atol=1e-12)
        values[:, 1] = 2
        assert np.isnan(pearson_matrix(values)[1]).all()
        assert np.isnan(pearson_matrix(values[:1])).all()

    @settings(deadline=None)
    @given(two(small), st.integers(0, 99))
    def test_weighted_sums_are_those_of_the_repeated_values(
        self, pair: tuple[np.ndarray, np.ndarray], seed: int
    ) -> None:
        x, y = pair
        times = np.random.default_rng(seed).integers(0, 3, len(x))
        sums = [np.array([(times * term).sum()], float) for term in (np.ones(len(x)), x, y, x * x, y * y, x * y)]
        assert pearson_of_sums(*sums)[0] == pytest.approx(
            pearson(np.repeat(x, times), np.repeat(y, times)), abs=1e-9, nan_ok=True
        )

    @settings(deadline=None)
    @given(two(small), st.floats(-1e4, 1e4), st.lists(st.integers(0, 30), max_size=3))
    def test_a_stream_is_the_whole_however_it_is_cut(
        self, pair: tuple[np.ndarray, np.ndarray], level: float, cuts: list[int]
    ) -> None:
        y, p = (np.stack([values + level, np.full(len(values), level)], axis=1)[:, None, :] for values in pair)
        seen = Accuracy(2)
        for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), len(y)], strict=True):
            seen.update(y[low:high], p[low:high])
        expected = pearson(y[:, 0, 0], p[:, 0, 0])
        assert seen.pearson()[0] == pytest.approx(expected, abs=1e-9, nan_ok=True)
        assert np.isnan(seen.pearson()[1]) and np.isnan(seen.r2()[1]), "a constant track"
        assert not (np.isnan(expected) ^ np.isnan(seen.pearson()[0]))


class TestRanks:
    @settings(deadline=None)
    @given(two(st.integers(-5, 5).map(float)), st.integers(0, 99))
    def test_weighted_ranks_are_those_of_the_repeated_values(
        self, pair: tuple[np.ndarray, np.ndarray], seed: int
    ) -> None:
        values = pair[0]
        times = np.random.default_rng(seed).integers(0, 3, (2, len(values)))
        for row, ranks in zip(times, weighted_midranks(values, times.astype(float)), strict=True):
            np.testing.assert_array_equal(np.repeat(ranks, row), midranks(np.repeat(values, row)))

    def test_resampled_rank_correlations_are_those_of_the_drawn_pairs(self) -> None:
        rng = np.random.default_rng(6)
        x, y = rng.normal(size=(2, 25)).round(1)
        boot = Bootstrap(12, 4)
        times = np.concatenate(list(boot.resamples(25, "s"))).astype(int)
        assert (times.sum(axis=1) == 25).all()
        expected = [spearmanr(np.repeat(x, row), np.repeat(y, row)).statistic for row in times]
        np.testing.assert_allclose(boot.spearman("s", x, y), expected, atol=1e-12)
        assert np.isnan(boot.spearman("s", np.ones(25), y)).all()
        assert np.isnan(boot.mean("s", x[:1])).all(), "one value has no spread"
