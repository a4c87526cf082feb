"""Replicates, height matching, error rates and the comparison of models.

Against plain formulas, and on predictions of known quality.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_runs import run_metric
from scipy.stats import false_discovery_control, mannwhitneyu, t, wilcoxon

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation import comparison, error_rates, height_matched, leaderboard, sets, variability
from accessiflow.evaluation.accuracy import pearson_log2
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.statistics import log2p

TRACKS = [f"t{i}" for i in range(6)]
N = 600


@pytest.fixture(scope="module")
def base() -> EvaluatedWindows:
    """600 windows, 6 tracks.

    60 windows specific to each (its cluster is named as its cell type), 120 ubiquitous, 120 no peak.
    """
    rng = np.random.default_rng(7)
    cluster = np.repeat([*(f"c{i}" for i in range(6)), "ubiquitous", ""], [60] * 6 + [120, 120]).astype(object)
    is_peak = np.column_stack([(cluster == f"c{i}") | (cluster == "ubiquitous") for i in range(6)])
    height = rng.gamma(2.0, 20, (N, 1)) * np.where(cluster == "ubiquitous", 2, 1)[:, None]
    measured = np.where(is_peak, height * rng.gamma(8.0, 0.125, (N, 6)), rng.gamma(2.0, 1, (N, 6)))
    n_tracks = is_peak.sum(axis=1)
    specificity = np.select([n_tracks > 1, n_tracks > 0], ["[2,inf)", "[1,2)"], "").astype(object)
    start = np.arange(N) * 192
    place = pd.DataFrame({"chrom": "chr4", "start": start, "end": start + 192})
    kinds = [f"c{i}" for i in range(6)]
    return EvaluatedWindows(
        measured,
        measured,
        is_peak,
        n_tracks,
        TRACKS,
        ["[1,2)", "[2,inf)"],
        specificity,
        cluster,
        place,
        kinds,
        [""] * 6,
    )


def noisy(measured: np.ndarray, sd: float, seed: int) -> np.ndarray:
    return measured * np.exp(np.random.default_rng(seed).normal(0, sd, measured.shape))


def evaluated(
    base: EvaluatedWindows, predictions: dict[str, list[np.ndarray]], repeats: int = 0
) -> list[comparison.Entry]:
    options = comparison.Options(bootstrap=Bootstrap(repeats, 1))
    out = []
    for name, files in predictions.items():
        for number, values in enumerate(files, 1):
            windows = replace(base, predictions=values)
            out.append(
                comparison.Entry(
                    name,
                    number,
                    comparison.evaluate(windows, options),
                    comparison.evaluate(comparison.own_mean(windows), options),
                )
            )
    return out


class TestSets:
    def test_specific_is_the_cluster_of_the_own_cell_type_or_group(self, base):
        assert sets.specific_clusters(base, 2) == ["c2"]
        grouped = replace(base, cluster=np.where(base.cluster == "c3", "g", base.cluster), groups=["g"] * 6)
        assert sets.specific_clusters(grouped, 2) == ["c2", "g"]

    def test_clusters_of_other_names_are_specific_to_every_track(self, base):
        other = replace(base, cell_types=["x"] * 6)
        assert sets.specific_clusters(other, 0) == [f"c{i}" for i in range(6)]
        assert sets.specific_clusters(base, 0, ["c4"]) == ["c4"]

    def test_other_cell_types_windows_never_stand_in_for_a_tracks_own(self, base):
        lacking = replace(base, cluster=np.where(base.cluster == "c2", "", base.cluster))
        own = sets.specific_windows(lacking)
        assert own[:, 2].sum() == 0
        assert (own.sum(axis=0)[[0, 1, 3, 4, 5]] == 60).all()
        table = comparison.evaluate(lacking, comparison.Options(bootstrap=Bootstrap(0, 1))).table
        row = table[(table["group"] == "specific") & (table["track"] == base.tracks[2])].iloc[0]
        assert np.isnan(row["pearson"]) and row["n"] == 0 and row["reason"] != ""

    def test_nor_for_a_single_track_whose_cluster_has_no_window(self, base):
        """A model of one task: the other cell types are those of peaks.h5ad."""
        single = replace(base, tracks=["x"], cell_types=["x"], groups=[""], known_types=frozenset(base.cell_types))
        assert sets.specific_clusters(single, 0) == []

    def test_without_clusters_the_outer_specificity_bins_are_taken(self, base):
        bare = replace(base, cluster=np.full(N, "", dtype=object))
        np.testing.assert_array_equal(sets.specific_windows(bare), sets.specific_windows(base))
        np.testing.assert_array_equal(sets.ubiquitous_windows(bare), sets.ubiquitous_windows(base))

    def test_a_sheet_says_the_cell_types_of_windows_without_any(self, base):
        sheet = pd.DataFrame({"track": TRACKS[::-1], "cell_type": [f"c{i}" for i in range(6)][::-1], "group": ""})
        found = sets.with_cell_types(replace(base, cell_types=[], groups=[]), sheet)
        assert found.cell_types == base.cell_types and sets.with_cell_types(base, sheet) is base

    def test_an_unknown_cluster_is_refused(self, base):
        with pytest.raises(InputError, match="nowhere"):
            sets.specific_windows(base, ["nowhere"])


class TestReplicates:
    @pytest.mark.parametrize("ddof", [0, 1])
    def test_variation_is_sd_over_mean(self, base, ddof):
        files = [noisy(base.targets, 0.3, seed) for seed in range(3)]
        files[0][0, 0] = files[1][0, 0] = files[2][0, 0] = 0
        cv = variability.coefficient_of_variation(files, ddof)
        stacked = np.stack(files)
        np.testing.assert_allclose(cv[1:], stacked[:, 1:].std(axis=0, ddof=ddof) / stacked[:, 1:].mean(axis=0))
        assert np.isnan(cv[0, 0])

    def test_specific_windows_that_vary_more_are_found(self, base):
        own = sets.specific_windows(base)
        files = [np.where(own, noisy(base.targets, 0.6, seed), noisy(base.targets, 0.1, 9 + seed)) for seed in range(3)]
        cv = variability.coefficient_of_variation(files, 1)
        found = variability.compare(base, cv, (), ())
        p = [
            mannwhitneyu(cv[own[:, i], i], cv[base.cluster == "ubiquitous", i], alternative="greater").pvalue
            for i in range(6)
        ]
        np.testing.assert_allclose(found["p"], p)
        np.testing.assert_allclose(found["q"], false_discovery_control(p))
        assert (found["q"] < 1e-10).all() and (found["n_specific"] == 60).all() and (found["n_ubiquitous"] == 120).all()

    def test_each_cluster_is_tested_over_the_tracks(self, base):
        cv = variability.coefficient_of_variation([noisy(base.targets, 0.3, seed) for seed in range(2)], 1)
        table = variability.by_cluster(base, cv, (), Bootstrap(50))
        assert len(table) == 6 * 7 and table["track"].tolist() == sorted(table["track"])
        part = table[table["cluster"] == "c1"]
        np.testing.assert_allclose(part["q"], false_discovery_control(part["p"].to_numpy()))
        assert table.loc[table["cluster"] == "ubiquitous", "p"].isna().all()
        assert ((table["low"] < table["cv_mean"]) & (table["cv_mean"] < table["high"])).all()
        row = part[part["track"] == "t2"].iloc[0]
        assert row["cv_median"] == pytest.approx(np.median(cv[base.cluster == "c1", 2])) and row["n"] == 60

    def test_zero_predictions_have_no_variation(self, base):
        table = variability.by_cluster(base, np.full((N, 6), np.nan), ())
        assert (table["n"] == 0).all() and table["cv_mean"].isna().all() and (table["reason"] != "").all()


class TestHeightMatched:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.floats(0, 12), max_size=40), st.lists(st.floats(0, 12), max_size=40), st.integers(0, 99))
    def test_as_many_are_drawn_from_each_bin_that_has_any(self, specific, ubiquitous, seed):
        a, b = np.array(specific), np.array(ubiquitous)
        drawn = height_matched.match(a, b, np.random.default_rng(seed))
        edges = np.arange(2.5, 10.5, 0.5)
        for low, high in pairwise(edges):
            wanted, there = ((a >= low) & (a < high)).sum(), ((b >= low) & (b < high)).sum()
            picked = drawn[(b[drawn] >= low) & (b[drawn] < high)]
            assert len(picked) == (wanted if there else 0)
            assert wanted > there or len(set(picked.tolist())) == len(picked)
        assert ((b[drawn] >= 2.5) & (b[drawn] < 10)).all()

    def test_the_paper_s_sets(self, base):
        windows = replace(base, predictions=noisy(base.targets, 0.4, 1))
        table = height_matched.by_track(windows, (), (), 20, 3, Bootstrap(50)).set_index(["track", "set"])
        chosen = (base.cluster == "c0") & (log2p(base.targets[:, 0]) >= 2.5) & (log2p(base.targets[:, 0]) < 10)
        row = table.loc[("t0", "specific")]
        edges = np.arange(2.5, 10.5, 0.5)
        wanted, there = (
            np.histogram(log2p(base.targets[at, 0]), edges)[0] for at in (chosen, base.cluster == "ubiquitous")
        )
        assert row["n"] == chosen.sum() > table.loc[("t0", "ubiquitous"), "n"] == wanted[there > 0].sum()
        assert row["pearson"] == pytest.approx(pearson_log2(windows.predictions[chosen, 0], base.targets[chosen, 0]))
        assert table.loc[("t0", "ubiquitous_unmatched"), "n"] == 120
        assert (table["low"] <= table["high"]).all()
        again = height_matched.by_track(windows, (), (), 20, 3, Bootstrap(50)).set_index(["track", "set"])
        pd.testing.assert_frame_equal(table, again)

    def test_a_track_without_specific_windows_says_so(self, base):
        windows = replace(base, cluster=np.where(base.cluster == "ubiquitous", "ubiquitous", "shared").astype(object))
        table = height_matched.by_track(windows, (), (), 2, 0)
        assert (table.loc[table["set"] != "ubiquitous_unmatched", "reason"] != "").all()


class TestErrors:
    def test_rates_are_counts_over_counts(self, base):
        called = np.random.default_rng(0).random((N, 6)) < 0.3
        table = error_rates.rates(base, called, ["c0", "ubiquitous"]).set_index(["track", "region"])
        peak, found = base.is_peak[:, 0], called[:, 0]
        assert table.loc[("t0", "all"), "fnr"] == pytest.approx((peak & ~found).sum() / peak.sum())
        assert table.loc[("t0", "all"), "fpr"] == pytest.approx((~peak & found).sum() / (~peak).sum())
        other = ~peak & (base.n_tracks > 0)
        assert table.loc[("t0", "peaks"), "fpr"] == pytest.approx((other & found).sum() / other.sum())
        assert table.loc[("t0", "c0"), "fnr"] == pytest.approx((~found[base.cluster == "c0"]).mean())
        assert np.isnan(table.loc[("t0", "c0"), "fpr"]) and table.loc[("t0", "c0"), "reason"] == ""
        assert table.loc[("t1", "c0"), "reason"] == "no peak of the track" and np.isnan(table.loc[("t1", "c0"), "fnr"])
        assert (table["fnr_low"].dropna() <= table["fnr"].dropna()).all()

    def test_perfect_predictions_make_no_errors_against_their_own_calls(self, base):
        called = error_rates.called_on(base.targets, 0.05, "correct")
        table = error_rates.rates(replace(base, is_peak=called, n_tracks=called.sum(axis=1)), called, [])
        assert (table.loc[table["region"] == "all", ["fnr", "fpr"]] == 0).all(axis=None)
        assert not error_rates.called_on(np.zeros((5, 1)), 0.05, "correct").any()


class TestComparison:
    def test_names_come_from_the_option_the_folder_or_the_file(self, tmp_path):
        found = comparison.parse_models([f"big={tmp_path}/x.h5", f"{tmp_path}/small/preds.h5", "other.tsv"])
        assert [name for name, _ in found] == ["big", "small", "other"]
        for texts in (["a=1.h5", "b c=2.h5"], ["a=1.h5", "cross_track_mean=2.h5"]):
            with pytest.raises(InputError):
                comparison.parse_models(texts)

    def test_over_correlation_is_the_mean_difference_of_ordered_pairs(self, base):
        windows = replace(base, predictions=noisy(base.targets, 0.4, 1))
        own, expected = sets.specific_windows(base), []
        for a in range(6):
            for b in set(range(6)) - {a}:
                at = own[:, a]
                r = [
                    np.corrcoef(log2p(v[at, a]), log2p(v[at, b]))[0, 1] for v in (windows.predictions, windows.targets)
                ]
                expected.append(r[0] - r[1])
        assert comparison.over_correlation(windows, own) == pytest.approx(np.mean(expected))
        assert np.isnan(comparison.over_correlation(replace(windows, cell_types=["c"] * 6), own))
        assert comparison.over_correlation(base, own) == pytest.approx(0)

    def test_deviations_leave_nothing_of_what_is_common(self, base):
        assert comparison.deviation_pearson(replace(base, predictions=base.targets)) == pytest.approx(1)
        assert np.isnan(comparison.deviation_pearson(comparison.own_mean(base)))

    def test_tests_are_scipys_on_the_means_of_the_replicates(self, base):
        entries = evaluated(
            base, {"a": [noisy(base.targets, 0.3, s) for s in (1, 2)], "b": [noisy(base.targets, 0.8, 3)]}
        )
        table = comparison.tidy(entries)
        tests = comparison.wilcoxon_tests(table, "a")
        assert set(tests["group"]) == {"all", "specific", "ubiquitous", "[1,2)", "[2,inf)"} and set(tests["other"]) == {
            "a"
        }
        part = table[(table["grouping"] == "specific") & (table["group"] == "specific")]
        means = part.groupby(["track", "model"])["pearson"].mean().unstack()
        row = tests[tests["group"] == "specific"].iloc[0]
        assert row["p"] == pytest.approx(wilcoxon(means["b"] - means["a"]).pvalue) and row["n"] == 6
        assert row["median_difference"] == pytest.approx((means["b"] - means["a"]).median())
        np.testing.assert_allclose(tests["q"], false_discovery_control(tests["p"].to_numpy()))

    def test_equal_models_have_no_test(self):
        assert comparison.signed_rank(np.zeros(4), "two-sided")[4] == "no difference in any track"
        assert comparison.signed_rank(np.empty(0), "two-sided")[4] == "no track has a value of both"

    def test_the_leaderboard_ranks_and_says_who_beats_the_baselines(self, base):
        mean = np.repeat(base.targets.mean(axis=1, keepdims=True), 6, axis=1)
        models = {
            "deep": [noisy(base.targets, 0.2, s) for s in range(3)],
            "blind": [noisy(mean, 0.05, 5)],
            "kmer_ridge": [noisy(base.targets, 0.9, 8)],
        }
        entries, best = leaderboard.add_cross_track_mean(evaluated(base, models, 50))
        table = leaderboard.leaderboard(entries, best, "kmer_ridge", "blind").set_index("model")
        assert best == "deep" and table.index[0] == "deep" and table["rank"].tolist() == [1, 2, 3, 4]
        assert table.loc["deep", "verdict"] == "beats both baselines"
        assert "does not beat its own cross-track mean" in table.loc["blind", "verdict"]
        assert table.loc["cross_track_mean", "note"] == "mean over the tracks of the predictions of deep"
        assert np.isnan(table.loc["kmer_ridge", "specific_minus_kmer_ridge"]) and np.isnan(
            table.loc["blind", "specific_minus_reference"]
        )
        assert table["interval"].to_dict() == {
            "deep": "replicates",
            "blind": "bootstrap",
            "kmer_ridge": "bootstrap",
            "cross_track_mean": "replicates",
        }
        assert ((table["low"] <= table["pearson_specific"]) & (table["pearson_specific"] <= table["high"])).all()
        each = (
            comparison.tidy(entries)
            .query("model == 'deep' and group == 'specific'")
            .groupby("replicate")["pearson"]
            .mean()
        )
        half = t.ppf(0.975, 2) * each.std() / np.sqrt(3)
        assert table.loc["deep", ["low", "high"]].tolist() == pytest.approx([each.mean() - half, each.mean() + half])

    def test_a_baseline_that_is_absent_leaves_a_gap(self, base):
        entries, best = leaderboard.add_cross_track_mean(
            evaluated(base, {"a": [noisy(base.targets, 0.3, 1)], "b": [noisy(base.targets, 0.4, 2)]})
        )
        table = leaderboard.leaderboard(entries, best, "kmer_ridge", None)
        assert (
            table["specific_minus_kmer_ridge"].isna().all()
            and table.loc[0, "verdict"] == "beats its own cross-track mean"
        )
        assert table["interval"].eq("NA").all() and table["low"].isna().all()

    def test_models_without_specific_windows_are_not_ranked(self, base):
        windows = replace(base, cluster=np.full(N, "ubiquitous", dtype=object))
        entries, best = leaderboard.add_cross_track_mean(
            evaluated(windows, {"a": [noisy(base.targets, 0.5, 1)], "b": [noisy(base.targets, 0.2, 2)]})
        )
        table = leaderboard.leaderboard(entries, best, "kmer_ridge", None)
        assert best == "b" and table["rank"].isna().all() and table["verdict"].iloc[0] == "not compared with a baseline"
        assert (
            table["note"].str.contains("no specific accuracy: 0 windows").all()
            and table["pearson_all"].is_monotonic_decreasing
        )


def write_h5(path: Path, name: str, values: np.ndarray, tracks: list[str], rows: slice = slice(None)) -> Path:
    start = (np.arange(N) * 192)[rows]
    with h5py.File(path, "w") as out:
        out[name], out["target_ids"] = values[rows][:, None, :].astype(np.float32), np.array(tracks, "S")
        out["chrom"], out["start"], out["end"] = np.full(len(start), b"chr4"), start, start + 192
    return path


@pytest.fixture
def files(base, tmp_path):
    write_h5(tmp_path / "targets.h5", "targets", base.targets, TRACKS)
    for name, sd in (("a", 0.2), ("b", 0.5), ("c", 0.6)):
        write_h5(tmp_path / f"{name}.h5", "preds", noisy(base.targets, sd, len(name)), TRACKS)
    write_h5(tmp_path / "one.h5", "preds", noisy(base.targets, 0.3, 4)[:, :1], TRACKS[:1])
    starts = np.arange(N) * 192
    (tmp_path / "clusters.bed").write_text(
        "".join(f"chr4\t{s}\t{s + 192}\t{c}\n" for s, c in zip(starts, base.cluster, strict=True) if c)
    )
    np.save(tmp_path / "flags.npy", base.is_peak)
    return tmp_path


def refusal(metric: str, **options: object) -> str:
    with pytest.raises(InputError) as found:
        run_metric(metric, **options)
    return str(found.value)


class TestCommands:
    def options(self, folder):
        return {"targets": folder / "targets.h5", "clusters": folder / "clusters.bed"}

    def test_models_are_compared_on_the_tracks_they_have(self, files):
        models = [f"big={files}/a.h5", f"big={files}/b.h5", str(files / "one.h5")]
        peaks = {"is_peak": files / "flags.npy", "edges": "1,2", "bootstrap": 20}
        outputs = {"tests": files / "tests.tsv", "leaderboard": files / "board.tsv", "output": files / "out.tsv"}
        run_metric("compare", predictions=models, **self.options(files), **peaks, **outputs)
        board = pd.read_csv(files / "board.tsv", sep="\t").set_index("model")
        assert board["n_tracks"].to_dict() == {"big": 6, "one": 1, "cross_track_mean": 6}
        assert board["replicates"].to_dict() == {"big": 2, "one": 1, "cross_track_mean": 2}
        assert "evaluated on 1 of 6 tracks" in board.loc["one", "note"]
        table = pd.read_csv(files / "out.tsv", sep="\t")
        assert list(table) == [
            "model",
            "replicate",
            "grouping",
            "group",
            "track",
            "n",
            "pearson",
            "low",
            "high",
            "reason",
        ]
        assert set(table["grouping"]) == {"all", "specific", "specificity", "cluster"}
        tests = pd.read_csv(files / "tests.tsv", sep="\t")
        assert tests[(tests["model"] == "big") & (tests["other"] == "one")]["n"].eq(1).all()

    @pytest.mark.parametrize(("file", "ranked"), [("a.h5", ["a", "cross_track_mean"]), ("one.h5", ["one"])])
    def test_one_model_is_compared_with_its_mean_over_tracks(self, files, file, ranked):
        outputs = {"tests": files / "tests.tsv", "leaderboard": files / "board.tsv", "output": files / "out.tsv"}
        run_metric("compare", predictions=[str(files / file)], **self.options(files), bootstrap=10, **outputs)
        assert pd.read_csv(files / "board.tsv", sep="\t")["model"].tolist() == ranked
        assert len(pd.read_csv(files / "tests.tsv", sep="\t")) == 3 * (len(ranked) - 1)

    def test_replicates_errors_and_heights_come_out(self, files):
        run_metric(
            "replicates", predictions=[files / "a.h5", files / "b.h5"], **self.options(files), output=files / "r.tsv"
        )
        assert len(pd.read_csv(files / "r.tsv", sep="\t")) == 42
        run_metric("errors", predictions=files / "a.h5", **self.options(files), output=files / "e.tsv")
        table = pd.read_csv(files / "e.tsv", sep="\t")
        assert len(table) == 6 * 9 and (table.loc[table["region"] == "all", "fnr"] < 0.4).all()
        run_metric("height-matched", predictions=files / "a.h5", **self.options(files), output=files / "h.tsv")
        assert set(pd.read_csv(files / "h.tsv", sep="\t")["set"]) == {
            "specific",
            "ubiquitous",
            "specific_unmatched",
            "ubiquitous_unmatched",
        }

    def test_what_does_not_fit_is_refused(self, base, files):
        write_h5(files / "short.h5", "preds", base.targets, TRACKS, slice(0, 500))
        write_h5(files / "foreign.h5", "preds", base.targets, ["x", "y", "z", "u", "v", "w"])
        end = self.options(files) | {"output": files / "x.tsv"}
        models = [str(files / "a.h5"), str(files / "b.h5")]
        for file, said in (("short.h5", "short.h5: lacks 100 of the 600 windows"), ("foreign.h5", "shares no track")):
            assert said in refusal("compare", predictions=[str(files / "a.h5"), str(files / file)], **end)
        assert "--reference" in refusal("compare", predictions=models, reference="z", **end)
        assert "two replicates" in refusal("replicates", predictions=[files / "a.h5"], **end)
        assert "no track t1" in refusal("replicates", predictions=[files / "a.h5", files / "one.h5"], **end)
        assert "no test window" in refusal("height-matched", predictions=files / "a.h5", specific="q", **end)
        assert not (files / "x.tsv").exists()

    def test_donors_need_a_sheet_that_names_them(self, files):
        (files / "t.csv").write_text("track,cell_type,signal\nt0,A,a.bw\nt1,A,b.bw\n")
        end = {"clusters": files / "clusters.bed", "output": files / "x.tsv"}
        assert "donor" in refusal("donors", targets=files / "targets.h5", tracks=files / "t.csv", **end)
