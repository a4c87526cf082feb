"""AUROC, its DeLong variance and the cross-validated one: against brute force and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accessiflow.statistics import Auroc, cross_validated, delong, delong_paired, midranks, placements, pooled


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
    lambda n: st.tuples(arrays(bool, n), arrays(np.int64, n, elements=st.integers(-6, 6))).filter(lambda t: 2 <= t[0].sum() <= len(t[0]) - 2)
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


pairs = data.flatmap(lambda t: st.tuples(st.just(t[0]), st.just(t[1]), arrays(np.int64, len(t[0]), elements=st.integers(-6, 6))))


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
