"""Intervals: resampling by weights is the plain bootstrap, blocks do not change it.

The columns of the tables that hold them, too.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow import bootstrap
from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.evaluation import accuracy, cell_types, replicates, tss_distance
from accessiflow.evaluation.inputs import EvaluatedWindows

TRACKS = ["a1", "a2", "b1"]


def windows(n: int = 400, seed: int = 0) -> EvaluatedWindows:
    rng = np.random.default_rng(seed)
    measured = rng.gamma(1.0, 20, (n, 3))
    predicted = (measured * rng.gamma(4.0, 0.25, (n, 3))).astype(np.float32)
    is_peak = rng.random((n, 3)) < 0.6
    specificity = np.where(is_peak.sum(axis=1) > 1, "[2,inf)", np.where(is_peak.any(axis=1), "[1,2)", "")).astype(
        object
    )
    cluster = np.where(np.arange(n) % 2, "A", "ubiquitous").astype(object)
    return EvaluatedWindows(
        predicted, measured, is_peak, is_peak.sum(axis=1), TRACKS, ["[1,2)", "[2,inf)"], specificity, cluster, None
    )


class TestBootstrap:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 300), st.integers(0, 1000))
    def test_a_resample_draws_as_many_windows_as_there_are(self, n, seed):
        parts = [weights for _, weights in Bootstrap(5, seed).weights(n, "x")]
        whole = np.concatenate(parts, axis=1)
        assert whole.shape == (5, n) and (whole.sum(axis=1) == n).all() and (whole >= 0).all()

    def test_blocks_are_drawn_as_one_sample(self, monkeypatch):
        monkeypatch.setattr(bootstrap, "BLOCK_ROWS", 7)
        whole = np.concatenate([w for _, w in Bootstrap(4000, 1).weights(20, "x")], axis=1)
        assert (whole.sum(axis=1) == 20).all()
        assert whole.mean(axis=0) == pytest.approx(1, abs=0.1)
        assert np.var(whole, axis=0) == pytest.approx(1 - 1 / 20, abs=0.15)

    def test_correlations_are_those_of_the_drawn_windows(self):
        data = windows(50)
        boot = Bootstrap(6, 3)
        mask = data.is_peak
        found = accuracy.resampled(data, mask, "s", boot)
        used = np.flatnonzero(mask.any(axis=1))
        weights = np.concatenate([w for _, w in boot.weights(len(used), "s")], axis=1).astype(int)
        for row, times in enumerate(weights):
            drawn = np.repeat(used, times)
            for column in range(3):
                own = drawn[mask[drawn, column]]
                expected = accuracy.pearson_log2(data.predictions[own, column], data.targets[own, column])
                assert found[row, column] == pytest.approx(expected, abs=1e-9)

    def test_kept_and_fresh_weights_are_the_same(self, monkeypatch):
        data = windows(60)
        mask = np.ones(60, bool)
        first = accuracy.resampled(data, mask, "s", Bootstrap(8, 1))
        monkeypatch.setattr(bootstrap, "KEPT_WEIGHTS", 0)
        monkeypatch.setattr(bootstrap, "BLOCK_COLUMNS", 1)
        np.testing.assert_allclose(accuracy.resampled(data, mask, "s", Bootstrap(8, 1)), first, rtol=1e-12)

    def test_nothing_to_resample_has_no_interval(self):
        assert np.isnan(interval(np.empty((0, 2)))).all()
        assert np.isnan(interval(accuracy.resampled(windows(20), np.zeros(20, bool), "s", Bootstrap(10)))).all()
        assert np.isnan(Bootstrap(3).mean("s", np.empty(0))).all()
        constant = windows(20)
        constant.predictions[:] = 3
        assert np.isnan(accuracy.resampled(constant, np.ones(20, bool), "s", Bootstrap(5))).all()

    def test_the_interval_covers_the_truth_as_often_as_it_says(self):
        """Correlation 0.6 of log values, 60 samples of 150 windows: some 57 intervals cover it."""
        rng, covered = np.random.default_rng(5), 0
        for seed in range(60):
            x = rng.normal(size=(150, 1))
            y = 0.6 * x + 0.8 * rng.normal(size=(150, 1))
            data = windows(150)
            found = EvaluatedWindows(
                2 ** (x + 9), 2 ** (y + 9), data.is_peak, data.n_tracks, ["t"], [], data.specificity, data.cluster, None
            )
            low, high = interval(accuracy.resampled(found, np.ones(150, bool), "s", Bootstrap(200, seed)))
            covered += low[0] <= 0.6 <= high[0]
        assert 50 <= covered <= 60


class TestTables:
    def test_every_value_lies_in_its_interval_and_gaps_have_none(self):
        data, boot = windows(), Bootstrap(100, 1)
        distance = np.random.default_rng(1).uniform(0, 1000, 400)
        ceiling = replicates.ceiling(data, data.targets.copy(), 0.05, "correct", 0, 60, boot)
        tables = [
            accuracy.by_specificity(data, 0, 90, False, boot),
            accuracy.by_cluster(data, ["A", "ubiquitous"], 0, 1, boot),
            accuracy.precision_of_top_tracks(data, boot).rename(columns={"precision": "pearson"}),
            tss_distance.by_distance(data, distance, [300, 600], 0, 80, 0, boot),
            cell_types.between_tracks(data, ["A"], boot).table,
            cell_types.between_tracks(data, ["A"], boot).summary.rename(columns={"over_correlation": "pearson"}),
            ceiling.rename(columns={"replicate": "pearson"}),
        ]
        for table in tables:
            known = table[table["pearson"].notna()]
            assert (
                len(known)
                and ((known["low"] - 1e-9 <= known["pearson"]) & (known["pearson"] <= known["high"] + 1e-9)).all()
            )
            assert table.loc[table["pearson"].isna(), ["low", "high"]].isna().all(axis=None)
        assert ((ceiling["prediction"] <= ceiling["prediction_high"]) | (ceiling["reason"] != "")).all()

    def test_a_strict_rule_empties_the_interval_too(self):
        data = windows()
        data.is_peak[:, 0] = data.is_peak[:, 0] & (data.specificity != "[1,2)")
        table = accuracy.by_specificity(data, 0, 1, True, Bootstrap(20))
        assert table.loc[table["track"] == "a1", ["pearson", "low", "high"]].isna().all(axis=None)

    def test_without_resamples_there_is_no_interval(self):
        assert accuracy.by_specificity(windows(), 0, 0, False)[["low", "high"]].isna().all(axis=None)
