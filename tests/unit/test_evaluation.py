"""Reference accuracy.

Inputs that are joined by place and name, correlations and precision against plain loops, and stated gaps.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_runs import run_metric
from scipy.sparse import csc_matrix

from accessiflow.errors import InputError
from accessiflow.evaluation import accuracy, binary, cell_types, inputs, replicates, tss_distance
from accessiflow.evaluation.clusters import assign_clusters, load_clustered
from accessiflow.evaluation.loci import example_loci

WIDTH, STRIDE = 192, 192
TRACKS = ["a1", "a2", "b1"]


def sites(n: int) -> pd.DataFrame:
    start = np.arange(n) * STRIDE + 50
    return pd.DataFrame(
        {"chrom": np.where(np.arange(n) < n // 2, "chr4", "chr5"), "start": start, "end": start + WIDTH}
    )


def write_h5(
    path: Path, name: str, values: np.ndarray, where: pd.DataFrame | None = None, tracks: list[str] | None = None
) -> Path:
    with h5py.File(path, "w") as out:
        out[name] = values[:, None, :]
        if tracks:
            out["target_ids"] = np.array(tracks, "S")
        if where is not None:
            out["chrom"] = where["chrom"].to_numpy().astype("S")
            out["start"], out["end"] = where["start"].to_numpy(), where["end"].to_numpy()
    return path


def write_peaks(
    path: Path, where: pd.DataFrame, is_peak: np.ndarray, clusters: list[str], tracks: list[str] = TRACKS
) -> Path:
    """Peak bins of 128 bp around the centre of each given window."""
    centre = (where["start"] + where["end"]) // 2
    n_tracks = is_peak.sum(axis=1)
    obs = pd.DataFrame(
        {"chrom": where["chrom"].to_numpy(), "start": centre.to_numpy() - 60, "end": centre.to_numpy() + 68}
    )
    obs["n_tracks"], obs["specificity_bin"], obs["cluster"] = (
        n_tracks,
        np.where(n_tracks > 2, "[3,inf)", "[1,3)"),
        clusters,
    )
    obs.index = obs.index.astype(str)
    var = pd.DataFrame({"cell_type": ["A", "A", "B"], "group": ""}, index=tracks)
    matrix = anndata.AnnData(
        np.zeros(is_peak.shape, np.float32),
        obs,
        var,
        layers={"is_peak": csc_matrix(is_peak)},
        uns={"edges": np.array([1, 3])},
    )
    matrix.write_h5ad(path)
    return path


@pytest.fixture
def study(tmp_path):
    """Files of 40 windows and 3 tracks, every second window a peak."""
    rng = np.random.default_rng(3)
    where = sites(40)
    measured = rng.gamma(1.0, 8, (40, 3))
    predicted = measured * rng.gamma(4.0, 0.25, (40, 3))
    is_peak = np.zeros((40, 3), bool)
    is_peak[::2, 0] = is_peak[::4, 1] = is_peak[::4, 2] = True
    write_h5(tmp_path / "preds.h5", "preds", predicted, where, TRACKS)
    write_h5(tmp_path / "targets.h5", "targets", measured, where, TRACKS)
    clusters = ["ubiquitous" if i % 4 == 0 else "A" for i in range(0, 40, 2)]
    write_peaks(tmp_path / "peaks.h5ad", where.iloc[::2], is_peak[::2], clusters)
    return tmp_path, where, predicted, measured, is_peak


def load(folder: Path, **options):
    return inputs.load(
        folder / "preds.h5", folder / "targets.h5", options.pop("peaks", folder / "peaks.h5ad"), None, **options
    )


class TestInputs:
    def test_a_window_takes_the_peak_bin_that_holds_its_centre(self, study):
        folder, _, predicted, _, is_peak = study
        windows = load(folder)
        np.testing.assert_array_equal(windows.is_peak, is_peak)
        np.testing.assert_array_equal(windows.predictions, predicted)
        assert windows.labels == ["[1,3)", "[3,inf)"]
        assert windows.cluster[:3].tolist() == ["ubiquitous", "", "A"]
        assert windows.n_tracks[:3].tolist() == [3, 0, 1]

    def test_windows_and_tracks_are_joined_whatever_their_order(self, study):
        folder, where, predicted, measured, _ = study
        order = np.random.default_rng(0).permutation(40)[:30]
        shifted = where.iloc[order].assign(
            start=lambda t: t["start"] - 576, end=lambda t: t["end"] + 576
        )  # whole windows, same centre
        write_h5(folder / "targets.h5", "targets", measured[order][:, ::-1], shifted, TRACKS[::-1])
        windows = load(folder)
        kept = np.sort(order)
        np.testing.assert_array_equal(windows.predictions, predicted[kept])
        np.testing.assert_array_equal(windows.targets, measured[kept])
        assert windows.tracks == TRACKS
        assert windows.sites["start"].tolist() == where["start"].iloc[kept].tolist()

    def test_a_single_task_model_is_evaluated_by_all_tracks_specificity(self, study):
        folder, where, predicted, _, _ = study
        write_h5(folder / "preds.h5", "preds", predicted[:, 2:], where, TRACKS[2:])
        windows = load(folder)
        assert windows.tracks == ["b1"] and windows.n_tracks.max() == 3

    def test_edges_replace_those_of_the_file(self, study):
        windows = load(study[0], edges=[2, 1])
        assert windows.labels == ["[1,2)", "[2,inf)"]
        assert windows.specificity[:3].tolist() == ["[2,inf)", "", "[1,2)"]

    @pytest.mark.parametrize("suffix", [".npy", ".tsv", ".h5ad", ".h5"])
    def test_every_format_gives_the_same_numbers(self, study, suffix):
        folder, where, predicted, _, is_peak = study
        path = folder / f"p{suffix}"
        if suffix == ".npy":
            np.save(path, predicted)
        elif suffix == ".tsv":
            pd.concat([where, pd.DataFrame(predicted, columns=TRACKS)], axis=1).to_csv(path, sep="\t", index=False)
        elif suffix == ".h5ad":
            frame = where.set_axis([str(i) for i in range(40)])
            anndata.AnnData(predicted, frame, pd.DataFrame(index=TRACKS)).write_h5ad(path)
        else:
            write_h5(path, "preds", predicted)
        np.save(folder / "flags.npy", is_peak)
        windows = inputs.load(path, folder / "targets.h5", None, folder / "flags.npy", [1, 3])
        np.testing.assert_allclose(windows.predictions, predicted)
        np.testing.assert_array_equal(windows.is_peak, is_peak)
        assert windows.tracks == TRACKS

    def test_float16_is_widened_before_the_logarithm(self, tmp_path):
        np.save(tmp_path / "a.npy", np.full((2, 1), 60000, np.float16))
        assert np.log2(inputs.read_matrix(tmp_path / "a.npy").values + 1)[0, 0] == pytest.approx(
            np.log2(60001), abs=1e-3
        )

    def test_what_does_not_fit_is_refused(self, study):
        folder, where, predicted, measured, is_peak = study
        flags = folder / "flags.npy"

        def refuse(match: str, **files: np.ndarray) -> None:
            np.save(folder / "p.npy", files.get("preds", predicted))
            np.save(flags, files.get("flags", is_peak))
            with pytest.raises(InputError, match=match):
                inputs.load(folder / "p.npy", folder / "targets.h5", None, flags)

        refuse("holds 39 windows", preds=predicted[1:])
        refuse("holds 2 tracks", preds=predicted[:, 1:])
        refuse("window 2, track 1", preds=np.where(np.arange(120).reshape(40, 3) == 4, np.nan, predicted))
        refuse("other than 0 and 1", flags=measured)
        refuse("39", flags=is_peak[1:])
        refuse("2 tracks", flags=is_peak[:, 1:])
        for match, frame, names in (
            ("no window", where.assign(chrom="4"), TRACKS),
            ("no track", where, ["x", "y", "z"]),
            ("two windows around chr", pd.concat([where[:39], where[:1]]), TRACKS),
        ):
            write_h5(folder / "preds.h5", "preds", predicted, frame, names)
            with pytest.raises(InputError, match=match):
                load(folder)

    def test_windows_outside_all_peaks_are_refused(self, study):
        folder, where, predicted, measured, _ = study
        for name, values in (("preds", predicted), ("targets", measured)):
            write_h5(folder / f"{name}.h5", name, values, where.assign(chrom="chr9"), TRACKS)
        with pytest.raises(InputError, match="no peak at any"):
            load(folder)


class TestAccuracy:
    def test_specificity_is_the_plain_correlation_of_the_tracks_own_peaks(self, study):
        folder, _, predicted, measured, is_peak = study
        table = accuracy.by_specificity(load(folder), 0, 0, False).set_index(["track", "bin"])
        own = is_peak[:, 0] & (is_peak.sum(axis=1) < 3)
        expected = np.corrcoef(np.log2(predicted[own, 0] + 1), np.log2(measured[own, 0] + 1))[0, 1]
        assert table.loc[("a1", "[1,3)"), "pearson"] == pytest.approx(expected, abs=1e-12)
        assert table.loc[("a1", "[1,3)"), "n"] == own.sum() == 10

    def test_gaps_have_a_reason_and_no_row_is_dropped(self, study):
        table = accuracy.by_specificity(load(study[0]), 10, 9, False)
        assert len(table) == 6
        assert (table["pearson"].isna() == (table["reason"] != "")).all()
        assert set(table.loc[table["track"] != "a1", "reason"]) == {
            "10 test peaks in the track, not above 10 (min_track_peaks)"
        }

    def test_all_bins_empties_the_tracks_that_lack_one(self, study):
        loose, strict = (accuracy.by_specificity(load(study[0]), 0, 0, every) for every in (False, True))
        assert loose.loc[loose["track"] == "b1", "pearson"].notna().tolist() == [False, True]
        assert strict.loc[strict["track"] == "b1", "pearson"].isna().all()
        assert strict.loc[strict["track"] == "a1", "pearson"].notna().all()

    def test_clusters_take_every_window_of_the_cluster(self, study):
        folder, _, predicted, measured, _ = study
        table = accuracy.by_cluster(load(folder), ["A", "ubiquitous"], 0, 1).set_index(["track", "cluster"])
        members = np.arange(2, 40, 4)
        expected = np.corrcoef(np.log2(predicted[members, 2] + 1), np.log2(measured[members, 2] + 1))[0, 1]
        assert table.loc[("b1", "A"), "pearson"] == pytest.approx(expected, abs=1e-12)

    def test_a_users_clusters_replace_the_peaks(self, study):
        folder = study[0]
        (folder / "c.bed").write_text("chr4\t0\t1000\tleft\nchr5\t0\t100000\tright\n")
        windows = assign_clusters(load_clustered(folder / "preds.h5", folder / "targets.h5"), folder / "c.bed")
        assert windows.cluster.tolist() == ["left"] * 5 + [""] * 15 + ["right"] * 20

    def test_a_constant_prediction_has_no_correlation(self):
        assert np.isnan(accuracy.pearson_log2(np.ones(5), np.arange(5.0)))

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.floats(0.1, 10))
    def test_correlation_is_symmetric_and_bounded(self, seed, scale):
        a, b = np.random.default_rng(seed).gamma(1, scale, (2, 20))
        assert -1 <= accuracy.pearson_log2(a, b) <= 1 + 1e-12
        assert accuracy.pearson_log2(a, b) == pytest.approx(accuracy.pearson_log2(b, a))
        assert accuracy.pearson_log2(a, a) == pytest.approx(1)

    def test_precision_is_the_share_of_the_top_tracks(self, study):
        folder, _, predicted, _, is_peak = study
        table = accuracy.precision_of_top_tracks(load(folder)).set_index("bin")
        z = (predicted - predicted.mean(axis=0)) / predicted.std(axis=0)
        shares = {"[1,3)": [], "[3,inf)": []}
        for i in np.flatnonzero(is_peak.any(axis=1)):
            n = is_peak[i].sum()
            shares["[1,3)" if n < 3 else "[3,inf)"].append(is_peak[i, np.argsort(z[i])[-n:]].mean())
        for name, values in shares.items():
            assert table.loc[name, "precision"] == pytest.approx(np.mean(values))
            assert table.loc[name, "n"] == len(values)
        assert table.loc["[3,inf)", "precision"] == table.loc["[3,inf)", "chance"] == 1


class TestFurtherMetrics:
    def test_areas_are_perfect_for_a_perfect_score_and_negatives_are_peaks_elsewhere(self, study):
        folder, _, _, _, is_peak = study
        is_peak[1:30:2, 1] = True  # peaks of the second track only
        np.save(folder / "labels.npy", is_peak.astype(np.int8))
        np.save(folder / "scores.npy", is_peak + 0.1)
        windows = inputs.load(folder / "scores.npy", folder / "labels.npy", None, folder / "labels.npy", [1, 3])
        table = binary.by_specificity(windows, 0, 0, 0, 11).set_index(["track", "bin"])
        assert table.loc[("0", "[1,3)"), "auroc"] == table.loc[("0", "[1,3)"), "auprc"] == 1
        assert table.loc[("1", "[1,3)"), "reason"] == "10 negatives for 15 positives"
        assert table["auroc"].isna().equals(table["reason"] != "")

    def test_distance_bins_hold_every_peak_once(self, study):
        windows = load(study[0])
        tss = pd.DataFrame({"chrom": ["chr4", "chr4", "chr5"], "position": [0, 3000, 5000]})
        distance = tss_distance.distances(windows.sites, tss)
        assert distance[0] == 50 and (distance >= 0).all()
        table = tss_distance.by_distance(windows, distance, [500, 900], 0, 0, 0)
        counts = table[table["bin"] == "all"].groupby("track", sort=False)["n"].sum()
        assert counts.tolist() == windows.is_peak.sum(axis=0).tolist()
        assert table["distance_bin"].unique().tolist() == ["0-500", "500-900", "900-inf"]
        tests = tss_distance.compare(table)
        assert len(tests) == 9 and (tests["q"].dropna() >= tests["p"].dropna() - 1e-12).all()

    def test_identical_tracks_are_over_correlated_by_what_the_measurement_lacks(self, study):
        windows = load(study[0])
        alike = replace(windows, predictions=np.repeat(windows.predictions[:, :1], 3, axis=1))
        table, summary = cell_types.between_tracks(alike, ["A"])
        assert len(table) == 12 and table.loc[table["source"] == "prediction", "pearson"].to_numpy() == pytest.approx(1)
        measured = table.loc[table["source"] == "measurement", "pearson"].mean()
        assert summary["over_correlation"].tolist() == pytest.approx([1 - measured])

    def test_a_perfect_replicate_is_a_ceiling_of_one(self, study):
        windows = load(study[0])
        flat = np.where(windows.is_peak, 1000.0 + windows.targets, 1.0)
        table = replicates.ceiling(replace(windows, targets=flat), flat, 0.01, "correct", 0, 1)
        known = table[table["reason"] == ""]
        assert known["replicate"].to_numpy() == pytest.approx(1) and (known["recalled"] == 1).all()
        assert table.loc[table["n"] == 0, "reason"].tolist() == ["0 windows, not above 1"] * 2


class TestLoci:
    def test_examples_are_ranked_and_hold_their_neighbours(self, study):
        windows = load(study[0])
        table, peaks = example_loci(windows, 1)
        assert list(table["rule"].unique()) == ["best", "median", "worst", "ubiquitous"]
        quality = table.groupby("rule")["pearson"].first()
        assert quality["best"] >= quality["median"] >= quality["worst"]
        for _, rows in table.groupby(["locus", "track"]):
            assert rows["chrom"].nunique() == 1 and rows["start"].is_monotonic_increasing
            assert rows["end"].max() - rows["start"].min() <= 8000 + WIDTH
        # The peaks that the loci are around, each a window that is a peak of the track.
        assert peaks["name"].tolist() == [f"a1:{rule}" for rule in ("best", "median", "worst", "ubiquitous")]
        places = windows.sites.assign(row=np.arange(len(windows.sites)))
        found = peaks.rename(columns={"#chrom": "chrom"}).merge(places, on=["chrom", "start", "end"])
        assert len(found) == len(peaks) and windows.is_peak[found["row"], 0].all()
        for start, name in found[["start", "name"]].itertuples(index=False):
            around = table[table["locus"] == name]
            assert around["start"].min() <= start < around["end"].max()


def inputs_of(folder):
    return {"predictions": folder / "preds.h5", "targets": folder / "targets.h5", "peaks": folder / "peaks.h5ad"}


class TestCommands:
    @pytest.mark.parametrize("metric", ["specificity", "clusters", "precision", "loci"])
    def test_the_same_bytes_each_time(self, study, metric):
        folder = study[0]
        found = []
        for name in ("x.tsv", "y.tsv"):
            run_metric(metric, **inputs_of(folder), seed=1, output=folder / name)
            found.append((folder / name).read_bytes())
        assert found[0] == found[1] and found[0].count(b"\n") > 2

    def test_all_metrics_are_those_of_the_single_commands(self, study):
        folder = study[0]
        inputs = inputs_of(folder) | {"bootstrap": 20, "min_track_peaks": 0, "min_bin_peaks": 1}
        (folder / "genes.tsv").write_text("name\tchrom\ttx_start\tstrand\ng\tchr4\t500\t+\n")
        run_metric("all", **inputs, genes=folder / "genes.tsv", prefix=str(folder / "m"))
        names = {path.name for path in folder.glob("m.*.tsv")}
        kinds = (
            "specificity",
            "clusters",
            "precision",
            "cell_types",
            "over_correlation",
            "height_matched",
            "errors",
            "loci",
            "loci_peaks",
            "density",
        )
        assert names == {f"m.{kind}.tsv" for kind in (*kinds, "tss_distance", "tss_distance_tests")}
        for metric in ("specificity", "clusters"):
            run_metric(metric, **inputs, output=folder / "x.tsv")
            assert (folder / "x.tsv").read_bytes() == (folder / f"m.{metric}.tsv").read_bytes()

    def test_thresholds_default_to_the_papers(self, study):
        folder = study[0]
        run_metric("specificity", **inputs_of(folder), output=folder / "x.tsv")
        table = pd.read_csv(folder / "x.tsv", sep="\t", keep_default_na=False)
        assert set(table["pearson"]) == {"NA"} and table["reason"].str.contains("not above 1000").all()

    def test_sheet_names_the_columns_of_unnamed_files(self, study):
        folder, _, predicted, measured, is_peak = study
        for name, values in (("p", predicted), ("t", measured), ("f", is_peak)):
            np.save(folder / f"{name}.npy", values)
        (folder / "tracks.csv").write_text("track,cell_type,signal\n" + "".join(f"{t},A,{t}.bw\n" for t in TRACKS))
        options = {
            "predictions": folder / "p.npy",
            "targets": folder / "t.npy",
            "is_peak": folder / "f.npy",
            "tracks": folder / "tracks.csv",
        }
        run_metric("specificity", **options, output=folder / "x.tsv")
        assert pd.read_csv(folder / "x.tsv", sep="\t")["track"].unique().tolist() == TRACKS

    def test_needs_to_know_the_peaks(self, refused, study):
        folder = study[0]
        options = (
            "--predictions",
            folder / "preds.h5",
            "--targets",
            folder / "targets.h5",
            "--output",
            folder / "x.tsv",
        )
        assert "--is-peak" in refused("evaluate", "precision", *options)
        assert not (folder / "x.tsv").exists()
