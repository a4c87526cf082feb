"""Reference accuracy against the paper's own code (kathail2024/02, 04, 05, 13), through the script."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

EDGES = "1,4,8,12,18"


@pytest.fixture
def inputs(golden, tmp_path):
    reference = np.load(golden / "kathail2024" / "02_inputs.npz")
    for name in ("preds", "targets", "peaks"):
        np.save(tmp_path / f"{name}.npy", reference[name])
    with h5py.File(tmp_path / "preds.h5", "w") as out:
        out["preds"] = reference["preds"][:, None, :]
    return tmp_path


@pytest.mark.parametrize("predictions", ["preds.npy", "preds.h5"])
def test_pearson_by_specificity_bin_is_the_papers(golden, script, inputs, predictions):
    script(
        *(
            "evaluate",
            "specificity",
            "--predictions",
            inputs / predictions,
            "--targets",
            inputs / "targets.npy",
            "--is-peak",
            inputs / "peaks.npy",
        ),
        *("--edges", EDGES, "--min-track-peaks", 10, "--min-bin-peaks", 5, "--output", inputs / "out.tsv"),
    )
    table = pd.read_csv(inputs / "out.tsv", sep="\t", dtype={"track": str})
    for column, file, tolerance in (("pearson", "02_bin_pearson.tsv", 1e-5), ("n", "02_bin_num_peaks.tsv", 0)):
        reference = pd.read_csv(golden / "kathail2024" / file, sep="\t", index_col=0)
        found = table[column].to_numpy().reshape(reference.shape)
        np.testing.assert_allclose(found, reference.to_numpy(), atol=tolerance)


def test_areas_of_predicted_probabilities_are_the_papers(golden, script, tmp_path):
    reference = np.load(golden / "kathail2024" / "05_sei_inputs.npz")
    for name in ("preds", "labels"):
        np.save(tmp_path / f"{name}.npy", reference[name])
    script(
        *(
            "evaluate",
            "binary",
            "--predictions",
            tmp_path / "preds.npy",
            "--targets",
            tmp_path / "labels.npy",
            "--edges",
            "1,3,5,8",
        ),
        *(
            "--min-track-peaks",
            10,
            "--min-bin-peaks",
            5,
            "--min-negative-tracks",
            2,
            "--seed",
            reference["np_random_seed"],
        ),
        *("--output", tmp_path / "out.tsv"),
    )
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    for column, file in (("n", "num"), ("auroc", "auc"), ("auprc", "auprc")):
        expected = pd.read_csv(golden / "kathail2024" / f"05_sei_{file}.tsv", sep="\t", index_col=0).to_numpy()
        np.testing.assert_allclose(table[column].to_numpy().reshape(expected.shape), expected, atol=1e-9)


def test_accuracy_by_tss_distance_is_the_papers(golden, script, inputs):
    folder = golden / "kathail2024"
    reference = np.load(folder / "02_inputs.npz")
    place = pd.read_csv(folder / "04_bins_tss_distance.tsv", sep="\t")
    rows = reference["peak_inds"]
    for name in ("preds", "targets", "peaks"):
        with h5py.File(inputs / f"{name}.h5", "w") as out:
            out[{"peaks": "is_peak"}.get(name, name)] = reference[name][rows]
            out["chrom"] = place["Chromosome"].to_numpy().astype("S")
            out["start"], out["end"] = place["Start"].to_numpy(), place["End"].to_numpy()
    genes = pd.read_csv(folder / "04_genes.tsv", sep="\t").set_axis(["name", "chrom", "tx_start", "end"], axis=1)
    genes.to_csv(inputs / "genes.tsv", sep="\t", index=False)
    script(
        *(
            "evaluate",
            "tss-distance",
            "--predictions",
            inputs / "preds.h5",
            "--targets",
            inputs / "targets.h5",
            "--is-peak",
            inputs / "peaks.h5",
        ),
        *(
            "--genes",
            inputs / "genes.tsv",
            "--edges",
            EDGES,
            "--distance-edges",
            "tertiles",
            "--min-track-peaks",
            10,
            "--min-bin-peaks",
            4,
        ),
        *("--min-all-peaks", 4, "--tests", inputs / "tests.tsv", "--output", inputs / "out.tsv"),
    )
    table = pd.read_csv(inputs / "out.tsv", sep="\t")
    bins = dict(zip(table["bin"].unique(), ["All", "(1, 4)", "(4, 8)", "(8, 12)", "(12, 18)", "(18, 25)"], strict=True))
    found = (
        table.assign(bin=table["bin"].map(bins)).dropna(subset="pearson").set_index(["track", "distance_bin", "bin"])
    )
    expected = pd.read_csv(folder / "04_tss_stratified_corrs.tsv", sep="\t").set_index(
        ["ti", "TSS distance bin", "Cell type specificity bin"]
    )
    assert set(found.index) == set(expected.index)
    joined = expected.join(found.rename_axis(expected.index.names))
    np.testing.assert_allclose(joined["pearson"], joined["Pearson R"], atol=1e-5)
    np.testing.assert_array_equal(joined["n"], joined["Number of peaks"])
    tests = pd.read_csv(inputs / "tests.tsv", sep="\t")
    tests["bin"] = tests["bin"].map(bins)
    both = pd.read_csv(folder / "04_mannwhitney_bh.tsv", sep="\t").merge(
        tests, left_on=["bin", "A", "B"], right_on=["bin", "near", "far"]
    )
    assert len(both) == 18
    np.testing.assert_array_equal(both["U"], both["u"])
    np.testing.assert_allclose(both["p_y"], both["p_x"], atol=1e-6)
    np.testing.assert_allclose(both["q"], both["p_bh"], atol=1e-6)


@pytest.mark.parametrize(("task", "label"), [("Multi", "Multi-task predictions"), ("Singl", "Single-task predictions")])
def test_correlations_between_cell_types_are_the_papers(golden, script, tmp_path, task, label):
    reference = np.load(golden / "kathail2024" / "13_inputs.npz")
    specific, ubiquitous = (reference[f"{task}_cluster_{name}"] for name in ("B_resting", "open"))
    values = np.concatenate([specific, ubiquitous]).astype(np.float64)
    start = np.arange(len(values)) * 200
    frame = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 192})
    pd.concat([frame, pd.DataFrame(values, columns=list("ABC"))], axis=1).to_csv(
        tmp_path / "preds.tsv", sep="\t", index=False
    )
    cut = len(specific) * 200
    (tmp_path / "clusters.bed").write_text(
        f"chr1\t0\t{cut}\tCell-type specific\nchr1\t{cut}\t{cut + 200 * len(ubiquitous)}\tUbiquitous\n"
    )
    options = (
        "--predictions",
        tmp_path / "preds.tsv",
        "--targets",
        tmp_path / "preds.tsv",
        "--clusters",
        tmp_path / "clusters.bed",
    )
    script("evaluate", "cell-types", *options, "--summary", tmp_path / "summary.tsv", "--output", tmp_path / "out.tsv")
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    expected = pd.read_csv(golden / "kathail2024" / "13_cross_cell_type_correlations.tsv", sep="\t")
    expected = expected[expected["Training task"] == label].rename(
        columns={"Cluster": "cluster", "Cell Type": "track", "Cell Type 2": "other"}
    )
    both = expected.merge(table[table["source"] == "prediction"], on=["cluster", "track", "other"])
    assert len(both) == 12
    np.testing.assert_allclose(both["pearson"], both["log-log Pearson R"], atol=1e-6)
    assert (pd.read_csv(tmp_path / "summary.tsv", sep="\t")["over_correlation"] == 0).all()


def test_correlations_between_donors_are_the_papers(golden, script, tmp_path):
    folder = golden / "kathail2024"
    files = {"Cell-type specific": "B_resting", "Ubiquitous": "open"}
    parts = {name: pd.read_csv(folder / f"13b_inputs_cluster_{file}.tsv", sep="\t") for name, file in files.items()}
    values = pd.concat(parts.values(), ignore_index=True)
    values.columns = [name.removesuffix("_target") for name in values]
    start = np.arange(len(values)) * 200
    pd.concat([pd.DataFrame({"chrom": "chr4", "start": start, "end": start + 192}), values], axis=1).to_csv(
        tmp_path / "targets.tsv", sep="\t", index=False
    )
    edges = np.cumsum([0, *(len(part) for part in parts.values())]) * 200
    lines = [f"chr4\t{low}\t{high}\t{name}\n" for low, high, name in zip(edges[:-1], edges[1:], parts, strict=True)]
    (tmp_path / "clusters.bed").write_text("".join(lines))
    rows = [f"{name},{name.split('_')[0]},{name}.bw,{name.split('_')[1]}\n" for name in values]
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal,donor\n" + "".join(rows))
    options = (
        "--targets",
        tmp_path / "targets.tsv",
        "--tracks",
        tmp_path / "tracks.csv",
        "--clusters",
        tmp_path / "clusters.bed",
    )
    script("evaluate", "donors", *options, "--bootstrap", 20, "--output", tmp_path / "out.tsv")
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    expected = pd.read_csv(folder / "13b_biological_replicate_correlations.tsv", sep="\t")
    assert len(table) == len(expected) == 108
    assert (
        set(expected["Training task"].str.extract(r"\((.*)\)")[0])
        == {"same cell type", "different cell types"}
        == set(table["kind"])
    )
    keys = [["Cluster", "Cell Type", "Cell Type 2"], ["cluster", "cell_type", "other_cell_type"]]
    columns = ["log-log Pearson R", "pearson"]
    ours, theirs = (
        frame.sort_values([*by, value], kind="stable")[[*by, value]].to_numpy()
        for frame, by, value in zip((table, expected), keys[::-1], columns[::-1], strict=True)
    )
    assert (ours[:, :3] == theirs[:, :3]).all()
    np.testing.assert_allclose(ours[:, 3].astype(float), theirs[:, 3].astype(float), atol=1e-6)
    assert (table["low"] <= table["pearson"]).mean() > 0.9
