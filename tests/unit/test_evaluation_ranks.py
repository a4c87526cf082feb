"""Models of coverage and of probabilities side by side, by ranks; the metrics of a model of probabilities."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
from metric_runs import run_metric
from scipy.stats import rankdata, spearmanr

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation import ranks
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.metrics import METRICS
from accessiflow.files import read_table

N, TRACKS = 80, ["a", "b", "c"]


def windows(seed: int = 3) -> EvaluatedWindows:
    """Windows of three tracks of two cell types, some of no track, in clusters named after the cell types."""
    rng = np.random.default_rng(seed)
    is_peak = rng.random((N, 3)) < 0.4
    is_peak[:10] = False
    is_peak[10:20] = True
    targets = np.where(is_peak, rng.gamma(4, 20, (N, 3)), rng.gamma(1, 5, (N, 3)))
    cluster = np.array([""] * 10 + ["ubiquitous"] * 10 + ["A"] * 30 + ["B"] * 30, dtype=object)
    return EvaluatedWindows(
        targets + rng.normal(0, 15, (N, 3)),
        targets,
        is_peak,
        is_peak.sum(axis=1),
        TRACKS,
        ["[1,3)", "[3,inf)"],
        np.where(is_peak.all(axis=1), "[3,inf)", "[1,3)").astype(object),
        cluster,
        None,
        ["A", "A", "B"],
        ["", "", ""],
    )


def by_hand(given: EvaluatedWindows, members: np.ndarray, column: int) -> tuple[float, float]:
    """AUROC by counting pairs, and Spearman by scipy."""
    own = given.is_peak[:, column]
    positive = given.predictions[own & members, column]
    negative = given.predictions[~own & given.is_peak.any(axis=1), column]
    pairs = (positive[:, None] > negative[None]) + 0.5 * (positive[:, None] == negative[None])
    rho = spearmanr(given.predictions[members, column], given.targets[members, column]).statistic
    return float(pairs.mean()), float(rho)


def test_ranks_are_those_of_counted_pairs_and_of_scipy():
    given = windows()
    table = ranks.by_track(given).set_index(["group", "track"])
    for column, track in enumerate(TRACKS):
        groups = {
            "all": np.ones(N, bool),
            "specific": given.cluster == given.cell_types[column],
            "ubiquitous": given.cluster == "ubiquitous",
        }
        for group, members in groups.items():
            row = table.loc[(group, track)]
            auroc, rho = by_hand(given, members, column)
            assert row["auroc"] == pytest.approx(auroc)
            assert row["spearman"] == pytest.approx(rho)
            assert row["low"] <= row["auroc"] <= row["high"]
            assert (row["n"], row["n_positive"]) == (members.sum(), (given.is_peak[:, column] & members).sum())


def test_only_the_order_of_predictions_counts():
    given = windows()
    squeezed = replace(given, predictions=1 / (1 + np.exp(-given.predictions / 30)))
    ranked = replace(given, predictions=np.apply_along_axis(rankdata, 0, given.predictions))
    first = ranks.by_track(given)
    for other in (squeezed, ranked):
        pd.testing.assert_frame_equal(ranks.by_track(other), first)


def test_what_cannot_be_ranked_has_its_reason():
    given = windows()
    table = ranks.by_track(given, min_track_peaks=1000)
    assert table["auroc"].isna().all() and table["spearman"].isna().all()
    assert table["reason"].str.contains("test peaks in the track, not above 1000").all()
    alone = replace(given, is_peak=np.repeat(given.is_peak.any(axis=1)[:, None], 3, axis=1))
    assert (ranks.by_track(alone)["reason"] == "no window is a peak of other tracks alone").all()


def test_the_leaderboard_puts_the_better_model_first_whatever_it_predicts():
    given = windows()
    rng = np.random.default_rng(0)
    worse = replace(given, predictions=rng.random((N, 3)))
    parts = [
        ranks.by_track(worse).assign(model="coverage", output="coverage", replicate=1),
        ranks.by_track(given).assign(model="chance", output="probability", replicate=1),
        ranks.by_track(given, min_track_peaks=1000).assign(model="none", output="coverage", replicate=1),
    ]
    board = ranks.leaderboard(pd.concat(parts, ignore_index=True), Bootstrap(50, 1))
    assert board["model"].tolist() == ["chance", "coverage", "none"]
    assert board["rank"].tolist()[:2] == [1, 2] and pd.isna(board["rank"][2])
    specific = parts[1].query("group == 'specific'")["auroc"]
    assert board["auroc_specific"][0] == pytest.approx(specific.mean())
    assert board["low"][0] <= board["auroc_specific"][0] <= board["high"][0]
    assert board["reason"].tolist()[:2] == ["", ""] and "not above 1000" in board["reason"][2]


def test_predictions_that_are_no_probabilities_are_refused(tmp_path):
    given = windows()
    with pytest.raises(InputError, match=r"m.h5: holds values from -?\d.*no probabilities: state output coverage"):
        ranks.require_probabilities(given, tmp_path / "m.h5")
    ranks.require_probabilities(replace(given, predictions=np.array([[0.0, 1.0000001]])), tmp_path / "m.h5")


def write(folder, name, dataset, values):
    start = 1000 + 200 * np.arange(N)
    with h5py.File(folder / name, "w") as handle:
        handle[dataset], handle["target_ids"] = values[:, None, :], np.array(TRACKS, "S")
        handle["chrom"] = np.full(N, b"chr4")
        handle["start"], handle["end"] = start, start + 200
    return folder / name


@pytest.fixture
def files(tmp_path):
    given = windows()
    write(tmp_path, "targets.h5", "targets", given.targets)
    write(tmp_path, "preds.h5", "preds", np.maximum(given.predictions, 0))
    write(tmp_path, "chances.h5", "preds", 1 / (1 + np.exp(-given.predictions / 30)))
    write(tmp_path, "flags.h5", "is_peak", given.is_peak.astype(float))
    return tmp_path


def given_to(files, *models):
    named = [f"{name}={files / file}" for name, file in models]
    flags = {"targets": files / "targets.h5", "is_peak": files / "flags.h5", "edges": "1,3"}
    return flags | {"predictions": named, "output": files / "ranks.tsv", "bootstrap": 20}


def test_the_command_writes_what_the_registry_says(files):
    models = (("c", "preds.h5"), ("p", "chances.h5"), ("p", "chances.h5"))
    run_metric("ranks", **given_to(files, *models), probabilities="p")
    table, board = read_table(files / "ranks.tsv"), read_table(files / "ranks.leaderboard.tsv")
    (metric,) = [one for one in METRICS if one.name == "ranks"]
    assert [list(table), list(board)] == [made.column_names for made in metric.tables]
    assert dict(zip(board["model"], board["output"], strict=True)) == {"c": "coverage", "p": "probability"}
    assert board.set_index("model").loc["p", "replicates"] == 2


def test_names_and_values_that_do_not_fit_are_refused(files):
    with pytest.raises(InputError, match="--probabilities q: no --predictions of that name"):
        run_metric("ranks", **given_to(files, ("c", "preds.h5")), probabilities="q")
    with pytest.raises(InputError, match="no probabilities: state output coverage"):
        run_metric("ranks", **given_to(files, ("c", "preds.h5")), probabilities="c")
    assert not (files / "ranks.tsv").exists()


def test_probabilities_have_their_own_metrics_in_all(files, script, tmp_path):
    import anndata
    from scipy.sparse import csc_matrix

    peaks = windows()
    start = 1000 + 200 * np.arange(N)
    obs = pd.DataFrame({"chrom": "chr4", "start": start, "end": start + 200, "n_tracks": peaks.n_tracks})
    obs["specificity_bin"], obs["cluster"] = peaks.specificity, peaks.cluster
    var = pd.DataFrame({"cell_type": ["A", "A", "B"], "group": ""}, index=TRACKS)
    layers = {"is_peak": csc_matrix(peaks.is_peak)}
    matrix = anndata.AnnData(
        np.zeros((N, 3), np.float32),
        obs.set_index(obs.index.astype(str)),
        var,
        layers=layers,
        uns={"edges": np.array([1, 3])},
    )
    matrix.write_h5ad(tmp_path / "peaks.h5ad")
    given = (
        "--predictions",
        files / "chances.h5",
        "--targets",
        files / "targets.h5",
        "--peaks",
        tmp_path / "peaks.h5ad",
    )
    limits = ("--min-track-peaks", 1, "--min-bin-peaks", 1, "--min-negative-tracks", 0)
    script("evaluate", "all", *given, "--kind", "probability", *limits, "--prefix", "M", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.glob("M.*")) == ["M.binary.tsv", "M.precision.tsv"]
    script(
        "evaluate",
        "binary",
        "--predictions",
        files / "chances.h5",
        "--targets",
        files / "flags.h5",
        *limits,
        "--edges",
        "1,3",
        "--output",
        tmp_path / "alone.tsv",
    )
    # The same draws, from the seed of the paper's code.
    assert (tmp_path / "alone.tsv").read_bytes() == (tmp_path / "M.binary.tsv").read_bytes()


def test_windows_that_a_model_lacks_are_refused_or_left_out_for_all(files, script, refused):
    given = windows()
    with h5py.File(files / "short.h5", "w") as handle, h5py.File(files / "chances.h5") as whole:
        for name, values in whole.items():
            handle[name] = values[()] if name == "target_ids" else values[10:]
    flags = ("--targets", files / "targets.h5", "--is-peak", files / "flags.h5", "--edges", "1,3", "--bootstrap", 5)
    both = ("--predictions", f"c={files / 'preds.h5'}", "--predictions", f"p={files / 'short.h5'}")
    out = ("--output", files / "o.tsv")
    for command, more in (("ranks", ("--probabilities", "p")), ("compare", ())):
        assert "lacks 10 of the 80 windows" in refused("evaluate", command, *both, *flags, *more, *out)
        said = script("evaluate", command, *both, *flags, *more, *out, "--missing", "exclude").stderr
        assert "10 of 80 windows are not predicted by every model: left out for all" in said
        table = read_table(files / "o.tsv")
        everywhere = table[table["group"] == "all"]
        assert (everywhere["n"] == N - 10).all()
    kept = given.take(np.arange(10, N))
    assert kept.predictions.shape == (N - 10, 3) and len(kept.cluster) == N - 10
    with h5py.File(files / "short.h5", "a") as handle:
        handle["start"][...] += 7
        handle["end"][...] += 7
    said = refused("evaluate", "ranks", *both, *flags, "--probabilities", "p", *out, "--missing", "exclude")
    assert "shares no window with the measurement and the other models" in said
