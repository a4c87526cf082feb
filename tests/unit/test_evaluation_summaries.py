"""Summaries over tracks, counts on a grid, and which tracks stand in the table of loci."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import summaries
from accessiflow.evaluation.density import of_tracks
from accessiflow.evaluation.inputs import EvaluatedWindows
from accessiflow.evaluation.loci import example_loci
from accessiflow.evaluation.locus_tracks import at_loci
from accessiflow.results import Results
from accessiflow.statistics import evenly


def windows(n: int, tracks: int, seed: int = 0) -> EvaluatedWindows:
    """Random windows of one chromosome, in turn specific to each track, shared and ubiquitous."""
    rng = np.random.default_rng(seed)
    names = [f"t{i}" for i in range(tracks)]
    turn = np.arange(n) % (tracks + 2)
    cluster = np.array([*names, "shared", "ubiquitous"], dtype=object)[turn]
    is_peak = (turn[:, None] == np.arange(tracks)) | (turn >= tracks)[:, None]
    starts = 192 * np.arange(n)
    return EvaluatedWindows(
        rng.gamma(2, 10, (n, tracks)).astype(np.float32),
        rng.gamma(2, 10, (n, tracks)).astype(np.float32),
        is_peak,
        is_peak.sum(axis=1),
        names,
        ["[1,2)", "[2,inf)"],
        np.where(is_peak.sum(axis=1) > 1, "[2,inf)", "[1,2)").astype(object),
        cluster,
        pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 192}),
        names,
        [""] * tracks,
    )


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, na_rep="NA")


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 4), st.integers(2, 12), st.integers(0, 99))
def test_every_window_is_counted_once(n: int, tracks: int, number: int, cells: int, seed: int) -> None:
    given_windows = windows(n, tracks, seed)
    table = of_tracks(given_windows, number, cells)
    whole = table[table["set"] == "all"]
    assert set(whole.groupby("track")["n"].sum()) == {n}
    assert (table.groupby(["track", "set"])["n"].sum() == table.groupby(["track", "set"])["n_windows"].first()).all()
    assert list(dict.fromkeys(table["track"])) == [f"t{i}" for i in evenly(tracks, number)]
    assert not table.duplicated(["track", "set", "measured", "predicted"]).any()


def test_a_window_lies_in_the_cell_of_its_values() -> None:
    one = windows(4, 2)
    measured, predicted = np.array([[0, 0], [1, 0], [3, 0], [15, 0]]), np.array([[15, 0], [0, 0], [3, 0], [3, 0]])
    given_windows = EvaluatedWindows(
        predicted.astype(np.float32), measured.astype(np.float32), one.is_peak, one.n_tracks, one.tracks, one.labels,
        one.specificity, one.cluster, one.sites, one.cell_types, one.groups,
    )  # fmt: skip
    table = of_tracks(given_windows, 1, 4)
    # log2(x + 1) of measured 0 1 2 4, of predicted 4 0 2 2; cells are 1 wide, the last one holds its upper end
    found = table[table["set"] == "all"][["measured", "predicted", "width", "n"]]
    assert found.to_numpy().tolist() == [[0, 3, 1, 1], [1, 0, 1, 1], [2, 2, 1, 1], [3, 2, 1, 1]]
    assert table.loc[table["set"] == "specific", "n_windows"].iloc[0] == 1


def test_constant_zeros_have_a_cell() -> None:
    one = windows(6, 1)
    zero = np.zeros((6, 1), np.float32)
    given_windows = EvaluatedWindows(
        zero, zero, one.is_peak, one.n_tracks, one.tracks, one.labels, one.specificity, one.cluster, one.sites
    )
    table = of_tracks(given_windows, 3, 5)
    assert table.loc[table["set"] == "all", ["measured", "predicted", "n"]].to_numpy().tolist() == [[0, 0, 6]]
    assert table["pearson"].isna().all()


@pytest.mark.parametrize("shown", [2, 3, 5])
def test_a_locus_keeps_its_own_track_among_those_shown(shown: int) -> None:
    given_windows = windows(120, 5)
    whole, some = example_loci(given_windows, 3).table, at_loci(given_windows, 3, shown).table
    if shown == 5:
        pd.testing.assert_frame_equal(whole, some)
    kept = some.groupby("locus", sort=False)["track"].unique()
    assert list(kept.index) == list(dict.fromkeys(whole["locus"]))
    assert all(locus.rpartition(":")[0] in tracks and len(tracks) == shown for locus, tracks in kept.items())
    merged = some.merge(whole, on=list(some.columns))
    assert len(merged) == len(some), "rows are those of the whole table"


def test_mean_median_and_quartiles_are_those_of_the_tracks(tmp_path: Path) -> None:
    values = [0.1, 0.2, 0.4, 0.8, np.nan]
    rows = [{"track": f"t{i}", "bin": b, "n": 9, "pearson": v} for b in ("[1,3)", "12") for i, v in enumerate(values)]
    write(tmp_path, "evaluation/m.r1.specificity.tsv", rows)
    (row, other) = summaries.summary(summaries.collect(Results(tmp_path)), Bootstrap(200)).to_dict("records")
    assert {key: row[key] for key in ("measure", "model", "group", "within", "over", "n", "n_lacking")} == {
        "measure": "specificity", "model": "m.r1", "group": "[1,3)", "within": "", "over": "tracks", "n": 4,
        "n_lacking": 1,
    }  # fmt: skip
    assert row["mean"] == pytest.approx(0.375)
    # by hand, linear between the order statistics 0.1 0.2 0.4 0.8
    assert [row[k] for k in ("minimum", "q25", "median", "q75", "maximum")] == pytest.approx(
        [0.1, 0.175, 0.3, 0.5, 0.8]
    )
    assert 0.1 <= row["low"] < 0.375 < row["high"] <= 0.8
    assert other["group"] == "12", "a name that looks like a number stays one"


def test_replicates_are_named_as_their_tables_are(tmp_path: Path) -> None:
    rows = [
        {"model": m, "replicate": r, "grouping": "all", "group": "all", "track": "t", "pearson": 0.5}
        for m, r in (("multi", 1), ("multi", 2), ("ridge", 1))
    ]
    write(tmp_path, "evaluation/comparison.tsv", [*rows, rows[0] | {"grouping": "cluster", "group": "A"}])
    table = summaries.summary(summaries.collect(Results(tmp_path)), Bootstrap(5))
    assert table["model"].tolist() == ["multi.r1", "multi.r2", "ridge"]
    assert set(table["reason"]) == {"one value: no interval"} and table["low"].isna().all()


def test_a_group_without_a_value_has_its_reason(tmp_path: Path) -> None:
    write(tmp_path, "evaluation/m.errors.tsv", [{"track": "t", "region": "all", "fnr": np.nan, "fpr": 0.5}] * 2)
    table = summaries.summary(summaries.collect(Results(tmp_path)), Bootstrap(5)).set_index("measure")
    assert table.loc["fnr", ["n", "n_lacking", "reason"]].tolist() == [0, 2, "no value"]
    assert np.isnan(table.loc["fnr", "mean"]) and table.loc["fpr", "mean"] == 0.5


def test_tissues_and_cell_types_are_summed_up_through_the_script(tmp_path: Path, script) -> None:
    for tissue, value in (("A", 0.6), ("B", 0.8)):
        row = {"tissue": tissue, "bin": "[1,3)", "auroc": value, "reason": ""}
        write(tmp_path / "r", f"eqtl/m.{tissue}.classification.tsv", [row])
        write(tmp_path / "r", f"allelic_imbalance/{tissue}.calls.tsv", [{"chrom": "chr1"}])
        groups = [{"group": g, "n": 9, "auroc": value + 0.1} for g in ("all", "no peak")]
        write(tmp_path / "r", f"allelic_imbalance/m.{tissue}.auroc.tsv", groups)
    script("evaluate", "summary", tmp_path / "r", "--output", tmp_path / "s.tsv", "--bootstrap", 50)
    table = pd.read_csv(tmp_path / "s.tsv", sep="\t")
    assert table[["measure", "over", "n"]].to_numpy().tolist() == [
        ["eqtl", "tissues", 2],
        ["imbalance", "cell types", 2],
    ], "all sites, not the groups"
    assert table["mean"].tolist() == pytest.approx([0.7, 0.8])


def test_nothing_gives_an_empty_table(tmp_path: Path) -> None:
    table = summaries.summary(summaries.collect(Results(tmp_path)), Bootstrap(5))
    assert list(table) == summaries.SUMMARY_COLUMNS and table.empty


@given(st.integers(1, 100), st.integers(1, 100))
def test_positions_are_spread_evenly(count: int, number: int) -> None:
    found = evenly(count, number)
    assert len(found) == len(set(found)) == min(count, number) and sorted(found) == found
    assert found[0] == 0 and (number == 1 or found[-1] == count - 1)
    gaps = np.diff(found)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1
