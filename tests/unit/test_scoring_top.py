"""The variants with the largest |SAD|: what a plain sort gives, whatever the blocks, files, ties and repeats."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.scoring import top

TRACKS = ["A1", "A2", "B1"]
GROUPS = {"A": ["A1", "A2"], "B": ["B1"]}
SHEET = "track,cell_type,signal,group\nA1,A,a1.bw,left\nA2,A,a2.bw,left\nB1,B,b1.bw,\n"


def write_scores(path: Path, sad: np.ndarray, positions: np.ndarray, alleles: bool = True, names: bool = True) -> Path:
    """Scores (n, T) of SNVs at positions (n,), with REF and ALT over two positions.

    REF sums to 10 + the position, ALT to SAD more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    n = len(positions)
    ref = np.broadcast_to((10.0 + positions)[:, None, None] / 2, (n, 2, len(TRACKS)))
    with h5py.File(path, "w") as f:
        f["SAD"] = sad
        f["target_ids"] = np.array(TRACKS, "S")
        f["snp"] = np.array([f"rs{p}" for p in positions], "S12")
        if names:
            f["chr"], f["pos"] = np.full(n, b"chr1"), positions
            f["ref_allele"], f["alt_allele"] = np.full(n, b"A"), np.full(n, b"C")
        if alleles:
            f["REF"], f["ALT"] = ref.astype("f4"), (ref + sad[:, None, :] / 2).astype("f4")
    return path


def expected(sad: np.ndarray, positions: np.ndarray, columns: list[int], n: int) -> list[tuple[int, int]]:
    """(position, track) of the n best, by a stable sort of everything."""
    own = sad[:, columns]
    best = pd.DataFrame(
        {"pos": positions, "size": np.abs(own).max(axis=1), "track": np.array(columns)[np.abs(own).argmax(axis=1)]}
    )
    best = best.sort_values("size", ascending=False, kind="stable").drop_duplicates("pos").head(n)
    return list(zip(best["pos"], best["track"], strict=True))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(-3, 3), st.integers(-3, 3), st.integers(-3, 3)), max_size=24),
    st.integers(0, 24),
    st.integers(1, 6),
    st.integers(1, 5),
)
def test_blocks_files_ties_and_repeats_are_as_one_sort(tmp_path_factory, rows, cut, n, block):
    folder = tmp_path_factory.mktemp("scores")
    of = dict(reversed([(row[0], row[1:]) for row in rows]))  # one model scores a variant the same wherever it stands
    positions, sad = (
        np.array([row[0] for row in rows], np.int64),
        np.array([of[row[0]] for row in rows], "f4").reshape(-1, 3),
    )
    paths = [
        write_scores(folder / f"{i}.h5", sad[part], positions[part])
        for i, part in enumerate((slice(0, cut), slice(cut, None)))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(top, "_BLOCK_BYTES", 4 * len(TRACKS) * block)
        patch.setattr(top, "_SLAB", 2)
        found = top.top_variants(paths, GROUPS, n)
    for group, columns in (("A", [0, 1]), ("B", [2])):
        own = found[found["group"] == group]
        assert list(zip(own["pos"], own["track"], strict=True)) == [
            (p, TRACKS[t]) for p, t in expected(sad, positions, columns, n)
        ]
        assert own["rank"].tolist() == list(range(1, len(own) + 1))
    assert np.allclose(found["REF"].astype(float), 10 + found["pos"].astype(float))
    assert np.allclose(found["ALT"] - found["REF"], found["SAD"], atol=1e-5)


def test_scores_that_are_no_numbers_do_not_count(tmp_path):
    sad = np.array([[np.nan, np.nan, np.nan], [np.inf, 1, 2], [0, 0, -3]], "f4")
    found = top.top_variants([write_scores(tmp_path / "s.h5", sad, np.arange(3) + 1, alleles=False)], GROUPS, 5)
    assert found[["group", "pos", "SAD"]].to_numpy().tolist() == [
        ["A", 2, 1.0],
        ["A", 3, 0.0],
        ["B", 3, -3.0],
        ["B", 2, 2.0],
    ]
    assert found[["REF", "ALT"]].isna().all(axis=None), "the file holds neither"


def test_variants_known_by_id_only_keep_it(tmp_path):
    sad = np.array([[1, 0, 5], [-2, 0, 0]], "f4")
    found = top.top_variants([write_scores(tmp_path / "s.h5", sad, np.array([3, 4]), names=False)], {"A1": ["A1"]}, 1)
    assert found[["id", "SAD"]].to_numpy().tolist() == [["rs4", -2.0]]
    assert found[["chrom", "pos", "ref", "alt"]].isna().all(axis=None)


def test_groups_follow_the_sheet():
    sheet = pd.DataFrame({"track": TRACKS, "cell_type": ["A", "A", "B"], "group": ["left", "left", ""]})
    assert top.group_tracks(TRACKS, sheet, "cell_type") == GROUPS
    assert top.group_tracks(TRACKS, sheet, "group") == {"left": ["A1", "A2"]}, "B1 has no group"
    assert top.group_tracks(["X", "Y"], sheet, "group") == {"all": ["X", "Y"]}, "tracks of another study are one group"
    assert top.group_tracks(["X"], None, "track") == {"X": ["X"]}


def test_the_script_ranks_by_cell_type(tmp_path, script):
    sad = np.random.default_rng(1).normal(size=(50, 3)).astype("f4")
    scores = write_scores(tmp_path / "s.h5", sad, np.arange(50) + 1)
    (tmp_path / "tracks.csv").write_text(SHEET)
    for name in ("a.tsv", "b.tsv"):
        script("sad", "top", scores, "--tracks", tmp_path / "tracks.csv", "--n", 4, "-o", tmp_path / name)
    table = pd.read_csv(tmp_path / "a.tsv", sep="\t")
    assert table.columns.tolist() == ["group", "rank", "chrom", "pos", "id", "ref", "alt", "track", "SAD", "REF", "ALT"]
    assert table.groupby("group").size().to_dict() == {"A": 4, "B": 4}
    assert table["pos"].tolist() == [
        p for columns in ([0, 1], [2]) for p, _ in expected(sad, np.arange(50) + 1, columns, 4)
    ]
    assert (tmp_path / "a.tsv").read_bytes() == (tmp_path / "b.tsv").read_bytes()


def test_targets_choose_the_tracks(tmp_path, script):
    scores = write_scores(tmp_path / "s.h5", np.ones((3, 3), "f4"), np.arange(3) + 1)
    (tmp_path / "targets.txt").write_text("index\tidentifier\tfile\n2\tB1\tb.bw\n")
    script("sad", "top", scores, "-t", tmp_path / "targets.txt", "-o", tmp_path / "t.tsv")
    assert set(pd.read_csv(tmp_path / "t.tsv", sep="\t")["group"]) == {"B1"}


def test_a_file_of_no_variants_gives_a_header(tmp_path):
    scores = write_scores(tmp_path / "s.h5", np.empty((0, 3), "f4"), np.empty(0, np.int64))
    found = top.top_variants([scores], GROUPS, 3)
    assert len(found) == 0
    assert found.columns.tolist() == top.TOP_COLUMNS


def test_what_does_not_fit_is_refused(tmp_path, refused):
    good = write_scores(tmp_path / "good.h5", np.ones((3, 3), "f4"), np.arange(3) + 1)
    nameless = write_scores(tmp_path / "names.h5", np.ones((3, 3), "f4"), np.arange(3) + 1, names=False)
    with h5py.File(write_scores(tmp_path / "other.h5", np.ones((3, 3), "f4"), np.arange(3) + 1), "a") as f:
        f["target_ids"][0] = b"X1"
    with h5py.File(write_scores(tmp_path / "no_ids.h5", np.ones((3, 3), "f4"), np.arange(3) + 1), "a") as f:
        del f["snp"]
    (tmp_path / "targets.txt").write_text("index\tidentifier\tfile\n0\tZ9\tz.bw\n")
    out = tmp_path / "out.tsv"
    assert "needs the tracks sheet" in refused("sad", "top", good, "--by", "cell_type", "-o", out)
    assert "--by tissue" in refused("sad", "top", good, "--by", "tissue", "-o", out)
    assert "has no track Z9" in refused("sad", "top", good, "-t", tmp_path / "targets.txt", "-o", out)
    with pytest.raises(InputError, match="scores other tracks"):
        top.top_variants([good, tmp_path / "other.h5"], {"B1": ["B1"]}, 2)
    with pytest.raises(InputError, match="has no ids"):
        top.top_variants([nameless, tmp_path / "no_ids.h5"], {"B1": ["B1"]}, 2)
    assert not out.exists()
