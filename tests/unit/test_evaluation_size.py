"""What keeps the evaluation of hundreds of tracks small: nothing quadratic in the tracks, no second matrix.

Memory is that of the arrays that Python allocates, so that the bounds hold on any machine.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats  # noqa: F401 - loaded before memory is measured

from accessiflow import bootstrap
from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import accuracy, cell_types, comparison, error_rates, height_matched, sets, tss_distance
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.pair_means import equal_columns, over_correlation
from accessiflow.statistics import log2p

CLUSTERS = ("c0", "c1", "ubiquitous", "")


def windows(n: int, tracks: int, seed: int = 0) -> EvaluatedWindows:
    """Two tracks a cell type; cluster c0 and c1 of the first two cell types."""
    rng = np.random.default_rng(seed)
    common = rng.gamma(1, 20, (n, 1))
    measured, predicted = (
        (common * rng.gamma(2, 0.5, (n, tracks))).astype(np.float32) for _ in ("measured", "predicted")
    )
    is_peak = rng.random((n, tracks)) < 0.4
    count = is_peak.sum(axis=1)
    specificity = np.where(count > tracks // 3, "[2,inf)", np.where(count > 0, "[1,2)", "")).astype(object)
    cluster = np.array(CLUSTERS, dtype=object)[rng.integers(0, len(CLUSTERS), n)]
    types = [f"c{at // 2}" for at in range(tracks)]
    names = [f"t{at}" for at in range(tracks)]
    labels = ["[1,2)", "[2,inf)"]
    return EvaluatedWindows(
        predicted, measured, is_peak, count, names, labels, specificity, cluster, None, types, [""] * tracks
    )


def pairwise(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Pearson R of every pair of columns over rows that count so often, NaN for a constant column."""
    with np.errstate(all="ignore"):
        return np.corrcoef(np.repeat(values, times, axis=0), rowvar=False)


class TestMeansOverPairs:
    def test_they_are_those_of_all_pairs_in_every_resample(self):
        data, boot = windows(90, 5), Bootstrap(7, 3)
        data.predictions[:, 2] = 0.1  # constant: its pairs are unknown
        rows = np.flatnonzero(data.cluster == "c0")
        found = over_correlation(data.predictions, data.targets, rows, "c0", boot)
        weights = np.concatenate([w for _, w in boot.weights(len(rows), "c0")], axis=1).astype(int)
        known = ~np.eye(5, dtype=bool) & (np.arange(5) != 2)[:, None] & (np.arange(5) != 2)
        assert found.pairs == known.sum() == 12
        logs = [log2p(part[rows]) for part in (data.predictions, data.targets)]
        means = [pairwise(part, np.ones(len(rows), int))[known].mean() for part in logs]
        assert (found.predicted, found.measured) == pytest.approx(tuple(means), rel=1e-12)
        for times, value in zip(weights, found.resampled, strict=True):
            one, other = (pairwise(part, times)[known].mean() for part in logs)
            assert value == pytest.approx(one - other, rel=1e-10)

    @pytest.mark.parametrize("rows", [0, 1])
    def test_too_few_windows_have_no_pair(self, rows):
        data = windows(5, 3)
        found = over_correlation(data.predictions, data.targets, np.arange(rows), "x", Bootstrap(3))
        assert found.pairs == 0 and np.isnan([found.predicted, found.measured, *found.resampled]).all()

    def test_the_summary_is_over_all_pairs_whatever_is_written(self):
        data, boot = windows(200, 9), Bootstrap(5, 1)
        every, some = (cell_types.between_tracks(data, ["c0", "c1"], boot, most) for most in (0, 4))
        assert every.summary.equals(some.summary) and set(every.summary["pairs"]) == {72}
        assert len(every.table) == 2 * 2 * 72 and len(some.table) == 2 * 2 * 12
        assert list(dict.fromkeys(some.table["track"])) == ["t0", "t3", "t5", "t8"]  # evenly, the ends among them
        keys = ["source", "cluster", "track", "other"]
        both = some.table.merge(every.table, on=keys)
        assert len(both) == len(some.table) and np.array_equal(both["pearson_x"], both["pearson_y"])
        mean = every.table.groupby(["cluster", "source"])["pearson"].mean().unstack()
        assert every.summary["prediction"].to_numpy() == pytest.approx(mean["prediction"].to_numpy())

    def test_what_is_not_written_is_counted(self, monkeypatch):
        counted: list[tuple[object, ...]] = []
        monkeypatch.setattr(cell_types, "left_out", lambda *given, **_: counted.append(given[:3]))
        cell_types.in_clusters(windows(40, 6), 4)
        assert counted == [("tracks", 2, 6)]
        cell_types.in_clusters(windows(40, 6), 6)
        assert len(counted) == 1

    def test_columns_that_are_equal_come_together(self):
        mask = np.array([[1, 0, 1, 0], [0, 1, 0, 0], [1, 1, 1, 0]], bool)
        assert [columns.tolist() for columns in equal_columns(mask)] == [[0, 2], [1], [3]]

    def test_without_clusters_every_track_has_windows_of_its_own(self):
        """Each first track's own peaks: no two masks are equal."""
        data = replace(windows(300, 6), cluster=np.full(300, "", dtype=object))
        own = sets.specific_windows(data)
        assert len(equal_columns(own)) == 6
        expected = []
        for a in range(6):
            r = [pairwise(log2p(part[own[:, a]]), 1) for part in (data.predictions, data.targets)]
            expected += [r[0][a, b] - r[1][a, b] for b in range(6) if data.cell_types[a] != data.cell_types[b]]
        assert comparison.over_correlation(data, own) == pytest.approx(np.mean(expected), rel=1e-10)


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_nothing_of_the_over_correlation_is_quadratic_in_the_tracks():
    tracks = 1500
    data = windows(64, tracks)
    rows = np.arange(64)
    square = 8 * tracks * tracks  # one correlation a pair
    assert peak_bytes(lambda: over_correlation(data.predictions, data.targets, rows, "x", Bootstrap(20))) < square / 2
    common = sets.ubiquitous_windows(data)
    data = replace(data, cell_types=[f"c{at % 4}" for at in range(tracks)])
    assert peak_bytes(lambda: comparison.over_correlation(data, common)) < square / 2


ROWS, TRACKS = 40_000, 64
DOUBLE = 8 * ROWS * TRACKS  # a copy of a matrix in double precision


@pytest.fixture(scope="module")
def many() -> EvaluatedWindows:
    return windows(ROWS, TRACKS)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch) -> None:
    """Blocks far smaller than the matrix, as they are at the size of a real study."""
    monkeypatch.setattr(accuracy, "VALUES_AT_ONCE", 1 << 16)
    monkeypatch.setattr(accuracy, "RANKED_AT_ONCE", 1 << 10)
    monkeypatch.setattr(bootstrap, "BLOCK_ROWS", 1 << 8)
    for module in (comparison, error_rates, height_matched):
        monkeypatch.setattr(module, "_WINDOWS_AT_ONCE", 1 << 10)


BOOT = Bootstrap(4)
METRICS: dict[str, Callable[[EvaluatedWindows], object]] = {
    "specificity": lambda w: accuracy.by_specificity(w, 0, 0, False, BOOT),
    "clusters": lambda w: accuracy.in_clusters(w, 0, 0, BOOT),
    "precision": lambda w: accuracy.precision_of_top_tracks(w, BOOT),
    "cell types": lambda w: cell_types.in_clusters(w, 4, BOOT),
    "heights": lambda w: height_matched.by_track(w, (), (), 2, 0, BOOT),
    "tss distance": lambda w: tss_distance.by_distance(w, np.arange(ROWS) % 900.0, [300, 600], 0, 0, 0, BOOT),
    "errors": lambda w: error_rates.of_predictions(w, 0.05, "correct"),
    "deviations": comparison.deviation_pearson,
    "over-correlation": lambda w: comparison.over_correlation(w, sets.ubiquitous_windows(w)),
}


@pytest.mark.parametrize("name", METRICS)
def test_no_metric_copies_a_matrix_in_double_precision(name, many):
    assert peak_bytes(lambda: METRICS[name](many)) < DOUBLE


def test_specificity_bins_are_masked_one_at_a_time(many):
    split = replace(many, labels=[f"b{i}" for i in range(40)], specificity=np.full(ROWS, "b0", dtype=object))
    flags = ROWS * TRACKS  # bytes of one mask
    assert peak_bytes(lambda: [name for name, _ in accuracy.specificity_masks(split)]) < 4 * flags


def test_groups_of_all_tracks_and_by_track_agree(many):
    mask = many.cluster == "c0"
    shared = accuracy.pearson_in(many, mask)
    each = accuracy.pearson_in(many, np.repeat(mask[:, None], TRACKS, axis=1))
    assert np.array_equal(shared.n, each.n) and shared.pearson == pytest.approx(each.pearson, rel=1e-12)
