"""The ceilings that the labels of a tracks sheet set: which tracks repeat which, and what is compared with what."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accessiflow.evaluation.metrics import METRICS
from accessiflow.files import read_table
from accessiflow.sheets import for_ceiling, replicate_pairs

WINDOWS = 60
LABEL = st.sampled_from(["", "1", "2"])
ROW = st.fixed_dictionaries({"cell_type": st.sampled_from("ab"), "donor": LABEL, "replicate": LABEL})


def row(track: str, cell_type: str, donor: str = "", replicate: str = "", use: str = "") -> dict[str, str]:
    return {"track": track, "cell_type": cell_type, "donor": donor, "replicate": replicate, "use": use}


def test_replicates_are_of_one_cell_type_and_donor_and_have_other_labels():
    rows = [
        row("A1", "a", "D1", "1"),
        row("A2", "a", "D1", "2"),
        row("A3", "a", "D2", "2"),
        row("B1", "b", "", ""),
        row("B2", "b", "", "2"),
    ]
    assert replicate_pairs(rows) == [("A1", "A2"), ("A2", "A1"), ("B1", "B2"), ("B2", "B1")]
    assert [for_ceiling(row("A", "a", use=use)) for use in ("", "model", "ceiling")] == [False, False, True]


@given(st.lists(ROW, max_size=6))
def test_pairs_stand_in_both_orders_once_each_and_never_with_themselves(rows):
    named = [one | {"track": str(number)} for number, one in enumerate(rows)]
    pairs = replicate_pairs(named)
    assert {(b, a) for a, b in pairs} == set(pairs)
    assert len(set(pairs)) == len(pairs)
    assert all(a != b for a, b in pairs)


def write(path: Path, name: str, values: np.ndarray, tracks: list[str], first: int = 0) -> None:
    start = 1000 + 200 * (np.arange(len(values)) + first)
    with h5py.File(path, "w") as handle:
        handle[name] = values[:, None, :]
        handle["target_ids"] = np.array(tracks, "S")
        handle["chrom"] = np.array([b"chr4"] * len(values))
        handle["start"], handle["end"] = start, start + 200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Predictions of A and B, and measurements of two further experiments of A, in another order of the windows."""
    rng = np.random.default_rng(1)
    truth = rng.gamma(2, 30, (WINDOWS, 2))
    second = truth[:, 0] + rng.normal(0, 5, WINDOWS)
    write(tmp_path / "preds.h5", "preds", truth + rng.normal(0, 40, truth.shape), ["A", "B"])
    write(tmp_path / "targets.h5", "targets", truth, ["A", "B"])
    write(tmp_path / "flags.h5", "is_peak", (truth > 20).astype(float), ["A", "B"])
    # The first five windows were not measured again.
    write(tmp_path / "more.h5", "targets", np.stack([truth[5:, 1], second[5:]], 1), ["B", "A.2"], first=5)
    (tmp_path / "tracks.csv").write_text(
        "track,cell_type,signal,replicate,use\nA,a,x.bw,1,\nB,b,x.bw,1,\nA.2,a,x.bw,2,ceiling\nA.3,a,x.bw,3,ceiling\n"
    )
    np.savez(tmp_path / "values.npz", truth=truth, second=second)
    return tmp_path


def command(folder: Path) -> list[object]:
    names = {"predictions": "preds.h5", "targets": "targets.h5", "is-peak": "flags.h5", "replicate": "more.h5"}
    given = [part for name, file in names.items() for part in (f"--{name}", folder / file)]
    limits = ["--min-track-peaks", 1, "--min-bin-peaks", 1, "--bootstrap", 20, "--edges", "1,2"]
    return ["replicate-ceiling", *given, "--pairs", folder / "tracks.csv", *limits, "--output", folder / "c.tsv"]


def test_a_track_is_compared_with_its_replicate_where_both_are_measured(script, folder):
    said = script("evaluate", *command(folder)).stderr
    assert "5 of 60 windows are not measured in more.h5" in said
    table = read_table(folder / "c.tsv")
    values = np.load(folder / "values.npz")
    assert table[["track", "experiment"]].drop_duplicates().to_numpy().tolist() == [["A", "A.2"]]
    both = (values["truth"] > 20).all(axis=1)[5:]
    shared = table[table["bin"] == "[2,inf)"].iloc[0]
    expected = np.corrcoef(values["truth"][5:, 0][both], values["second"][5:][both])[0, 1]
    assert shared["n"] == both.sum()
    assert shared["replicate"] == pytest.approx(expected, abs=1e-6)
    assert shared["low"] <= shared["replicate"] <= shared["high"]


def test_a_sheet_without_replicates_gives_a_table_without_rows_and_says_so(script, folder):
    (folder / "tracks.csv").write_text("track,cell_type,signal,replicate\nA,a,x.bw,1\nB,b,x.bw,1\n")
    assert "no track that is predicted has a replicate" in script("evaluate", *command(folder)).stderr
    text = (folder / "c.tsv").read_text().splitlines()
    (metric,) = [one for one in METRICS if one.name == "replicate-ceiling"]
    assert [line.split("\t") for line in text] == [metric.tables[0].column_names]


def test_other_windows_are_refused(refused, folder):
    write(folder / "more.h5", "targets", np.ones((3, 1)), ["A.2"], first=1000)
    assert "shares no window with the predictions" in refused("evaluate", *command(folder))
    with h5py.File(folder / "more.h5", "a") as handle:
        del handle["chrom"]
    assert "where its windows are" in refused("evaluate", *command(folder))


def test_donors_of_measured_experiments_are_compared(script, folder):
    (folder / "tracks.csv").write_text("track,cell_type,signal,donor\nA.2,a,x.bw,D2\nB,b,x.bw,D1\n")
    start = 1000 + 200 * np.arange(WINDOWS)
    bed = pd.DataFrame({"chrom": "chr4", "start": start, "end": start + 200, "name": "ubiquitous"})
    bed.to_csv(folder / "c.bed", sep="\t", header=False, index=False)
    given = ("--targets", folder / "more.h5", "--tracks", folder / "tracks.csv", "--clusters", folder / "c.bed")
    script("evaluate", "donors", *given, "--bootstrap", 0, "--no-drop-zeros", "--output", folder / "d.tsv")
    table = read_table(folder / "d.tsv")
    assert table["kind"].unique().tolist() == ["different cell types"]
    values = np.load(folder / "values.npz")
    logs = np.log2(np.maximum(np.stack([values["truth"][5:, 1], values["second"][5:]]), -0.999) + 1)
    assert table["pearson"].to_numpy() == pytest.approx(np.corrcoef(logs)[0, 1], abs=1e-5)
