"""ISM: which bases each window mutates, the heights of a logo, its picture, and bedGraphs.

The network is replaced by a sum over bases.
"""

from __future__ import annotations

import h5py
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fake_predictor import FakePredictor
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from accessiflow.errors import InputError
from accessiflow.genome import encode
from accessiflow.interpretation.bedgraph import file_name, write_bedgraphs
from accessiflow.interpretation.ism import IsmRequest, merge_ism, write_ism
from accessiflow.interpretation.ism_file import by_base, open_ism
from accessiflow.interpretation.ism_table import heights
from accessiflow.interpretation.logo import Drawing, draw, write_logos
from accessiflow.restart import PartFile

L, T = 24, 2
TRACKS = pd.DataFrame({"identifier": ["K562", "a/b <x>"], "description": ["k", "x"]})
SEQUENCE = "".join("ACGT"[i] for i in np.random.default_rng(4).integers(0, 4, 200)) + "NNNN"
PER_BASE = np.random.default_rng(5).random((5, T))


SUMMING = FakePredictor(lambda codes: np.repeat(PER_BASE[codes].sum(axis=1)[:, None] / 2, 2, axis=1), L, 2)


class Places(FakePredictor):
    """Predicts how far from the window's middle a base is changed."""

    def changed(self, codes, windows, ensemble, start=0):
        return ((windows != codes).argmax(axis=1) - L // 2)[:, None, None] * np.ones((1, 1, T)), np.zeros((1, T))


@pytest.fixture
def run(tmp_path):
    """Mutate the regions of BED lines -> scores.h5."""
    (tmp_path / "g.fa").write_text(f">chr1\n{SEQUENCE}\n>chr10\n{SEQUENCE[::-1]}\n")

    def mutated(*lines, length=None, whole=False, predictor=None, out="out", share=(1, 1), part=None):
        (tmp_path / "r.bed").write_text("".join("\t".join(map(str, line)) + "\n" for line in lines))
        request = IsmRequest(length, whole, share)
        count = write_ism(
            predictor or SUMMING, tmp_path / "r.bed", tmp_path / "g.fa", TRACKS, tmp_path / out, None, request, part
        )
        with h5py.File(tmp_path / out / "scores.h5") as handle:
            assert count == len(handle["chr"])
        return tmp_path / out / "scores.h5"

    return mutated


def expected_heights(start: int, end: int) -> np.ndarray:
    """Loss by the worst change of each base of chr1: its own value minus the smallest of the others."""
    codes = encode(SEQUENCE)[start:end]
    others = np.array([np.delete(PER_BASE[:4], c, axis=0).min(axis=0) if c < 4 else [np.nan] * T for c in codes])
    return PER_BASE[codes] - others


@pytest.mark.parametrize(
    ("start", "end", "length"),
    [(0, 200, 7), (31, 112, 9), (100, 124, 24), (50, 75, 24), (60, 61, 1), (60, 63, 1), (180, 204, 5)],
)
def test_every_base_of_a_whole_region_is_mutated_once(run, start, end, length):
    with open_ism(run(("chr1", start, end), length=length, whole=True)) as ism_file:
        (region,) = ism_file.regions
        assert (region.start, region.end) == (start, end)
        assert "".join("ACGTN"[b] for b in ism_file.bases(region)) == SEQUENCE[start:end]
        np.testing.assert_allclose(ism_file.values(region, [0, 1], "height"), expected_heights(start, end), atol=1e-5)


def test_bases_of_a_whole_region_are_near_the_middle_of_their_window(run):
    path = run(("chr1", 30, 100), length=8, whole=True, predictor=Places(None, L))
    with h5py.File(path) as handle:
        assert handle["start"][()].tolist() == list(range(30, 100, 8))
        assert handle["end"][()].tolist() == [*range(38, 100, 8), 100]
        assert handle["region"][()].tolist() == [0] * 9
        distances = handle["scores"][()].max(axis=(2, 3)) + handle["scores"][()].min(axis=(2, 3))
        assert distances[0].tolist() == [-4, -3, -2, -1, 0, 1, 2, 3]
        assert distances[-1].tolist() == [-4, -3, -2, -1, 0, 1, 0, 0]
        assert not handle["seqs"][-1, 6:].any()


def test_shorter_regions_and_the_default_are_mutated_around_their_middle(run):
    lines = [("chr1", 50, 54), ("chr10", 20, 60), ("chr1", 5, 5)]
    with (
        h5py.File(run(*lines, length=10)) as plain,
        h5py.File(run(*lines, length=10, whole=True, out="whole")) as whole,
    ):
        assert plain["start"][()].tolist() == [47, 35, 0]
        assert plain["region"][()].tolist() == [0, 1, 2]
        assert whole["start"][()].tolist() == [47, 20, 30, 40, 50, 0]
        assert whole["region"][()].tolist() == [0, 1, 1, 1, 1, 2]
        np.testing.assert_array_equal(whole["scores"][0], plain["scores"][0])
    with h5py.File(run(*lines, whole=True)) as default:
        assert default["seqs"].shape[1] == L // 8


@pytest.mark.parametrize("n", [1, 3, 20])
def test_shares_put_together_are_the_bytes_of_one_piece(run, tmp_path, n):
    lines = [("chr1", 30, 100), ("chr10", 20, 60), ("chr1", 5, 5)]
    whole = run(*lines, length=9, whole=True, out="whole")
    shares = [run(*lines, length=9, whole=True, out=f"s.{i}", share=(i, n)) for i in range(1, n + 1)]
    assert merge_ism(shares, tmp_path / "merged") == 14
    assert (tmp_path / "merged/scores.h5").read_bytes() == whole.read_bytes()
    with pytest.raises(InputError, match="another length"):
        merge_ism([whole, run(*lines, length=8, out="other")], tmp_path / "no")
    assert not (tmp_path / "no/scores.h5").exists()


class Dying(FakePredictor):
    """Ends the run after some windows."""

    left = 0

    def changed(self, codes, windows, ensemble, start=0):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().changed(codes, windows, ensemble)


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(run, tmp_path):
    dying, lines = Dying(SUMMING.function, L, 2), [("chr1", 30, 100), ("chr10", 20, 60)]
    whole = run(*lines, length=9, whole=True, out="whole")
    for dying.left in (4, 0, 3):
        with pytest.raises(KeyboardInterrupt):
            run(*lines, length=9, whole=True, predictor=dying, part=PartFile(tmp_path / "p", "f"))
        assert not (tmp_path / "out/scores.h5").exists()
    dying.left = 13 - 7
    assert (
        run(*lines, length=9, whole=True, predictor=dying, part=PartFile(tmp_path / "p", "f")).read_bytes()
        == whole.read_bytes()
    )
    assert not (tmp_path / "p").exists()


@settings(deadline=None)
@given(
    arrays(np.float32, (6, 4, 2), elements=st.floats(-5, 5, width=32)),
    st.lists(st.integers(-1, 3), min_size=6, max_size=6),
    st.floats(-3, 3),
)
def test_heights_follow_from_their_definition(scores, bases, constant):
    bases = np.array(bases)
    for kind in ("height", "importance"):
        found = by_base(scores, bases, kind)
        assert np.array_equal(np.isnan(found).all(axis=1), bases < 0)
        np.testing.assert_allclose(by_base(scores + np.float32(constant), bases, kind), found, atol=1e-5)
        for i in np.flatnonzero(bases >= 0):
            own, others = scores[i, bases[i]], np.delete(scores[i], bases[i], axis=0)
            expected = -(others - own).min(axis=0) if kind == "height" else own - scores[i].mean(axis=0)
            np.testing.assert_allclose(found[i], expected, atol=1e-5)


def test_the_originals_files_are_read_too(run, tmp_path):
    path = run(("chr1", 50, 60), length=10)
    with h5py.File(path) as ours, h5py.File(tmp_path / "theirs.h5", "w") as theirs:
        for name in ("seqs", "sum", "chr", "start", "end", "strand"):
            theirs[name] = ours[name][()]
    with open_ism(path) as ours, open_ism(tmp_path / "theirs.h5") as theirs:
        assert theirs.tracks == ["0", "1"]
        for kind in ("height", "importance"):
            np.testing.assert_allclose(
                theirs.values(theirs.regions[0], [0, 1], kind),
                ours.values(ours.regions[0], [0, 1], kind),
                rtol=2e-3,
                atol=2e-3,
            )


def test_letters_are_as_tall_as_their_values():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    draw(axes, encode("ACGTNA").astype(np.int64) % 4, np.array([1.0, 2.0, -3.0, 0.5, np.nan, 0.0]), 100)
    boxes = sorted(patch.get_path().get_extents().extents.tolist() for patch in axes.patches)
    np.testing.assert_allclose(
        boxes,
        [[99.52, 0, 100.48, 1], [100.52, 0, 101.48, 2], [101.52, -3, 102.48, 0], [102.52, 0, 103.48, 0.5]],
        atol=1e-9,
    )
    assert axes.get_xlim() == (99.5, 105.5)


def test_logos_are_drawn_in_the_same_bytes_without_dates(run, tmp_path):
    path = run(("chr1", 50, 62), ("chr10", 20, 32), length=12)
    made = []
    for out in ("one", "two"):
        with open_ism(path) as ism_file:
            made.append(write_logos(ism_file, tmp_path / out, drawing=Drawing("importance", ("png", "svg"))))
    assert [p.name for p in made[0]] == [
        f"000{n}.{chrom}_{start}_{start + 12}.{track}.{suffix}"
        for n, chrom, start in ((1, "chr1", 50), (2, "chr10", 20))
        for track in ("K562", "track_1")
        for suffix in ("png", "svg")
    ]
    for one, two in zip(*made, strict=True):
        assert one.read_bytes() == two.read_bytes()
        assert b"date" not in one.read_bytes().lower()
    assert made[0][0].read_bytes()[:4] == b"\x89PNG"
    assert "<x>" not in made[0][3].read_text()
    assert mpl.rcParams["svg.hashsalt"] is None


def test_a_part_of_one_region_and_track_is_drawn(run, tmp_path):
    with open_ism(run(("chr1", 50, 62), ("chr10", 20, 32), length=12)) as ism_file:
        files = write_logos(ism_file, tmp_path / "out", ["K562", "K562"], Drawing(start=55, end=58))
        assert [p.name for p in files] == ["0001.chr1_55_58.K562.png"]
        with pytest.raises(InputError, match="no base between"):
            write_logos(ism_file, tmp_path / "out", drawing=Drawing(start=1000))
        with pytest.raises(InputError, match="has no track X"):
            write_logos(ism_file, tmp_path / "out", ["X"])


def test_long_regions_are_refused_before_anything_is_drawn(run, tmp_path, monkeypatch):
    monkeypatch.setattr("accessiflow.interpretation.logo.LONGEST_LOGO", 11)
    with (
        open_ism(run(("chr1", 50, 62), length=12)) as ism_file,
        pytest.raises(InputError, match="choose some with --start"),
    ):
        write_logos(ism_file, tmp_path / "logos")
    assert not (tmp_path / "logos").exists()


@pytest.mark.parametrize("value_bytes", [1 << 28, 1])
def test_bedgraphs_are_sorted_and_without_overlaps(run, tmp_path, monkeypatch, value_bytes):
    monkeypatch.setattr("accessiflow.interpretation.bedgraph.VALUE_BYTES", value_bytes)
    path = run(("chr10", 20, 30), ("chr1", 55, 65), ("chr1", 50, 60), ("chr1", 196, 206), length=10)
    with open_ism(path) as ism_file:
        files = write_bedgraphs(ism_file, tmp_path / "bg")
    assert [p.name for p in files] == ["K562.bedGraph", "track_1.bedGraph"]
    for column, file in enumerate(files):
        rows = [line.split("\t") for line in file.read_text().splitlines()]
        chr1 = [r for r in rows if r[0] == "chr1"]
        assert rows == sorted(rows, key=lambda r: (r[0], int(r[1])))
        assert [int(r[1]) for r in chr1] == [*range(50, 65), *range(196, 200)]  # N has no value
        assert all(int(r[2]) == int(r[1]) + 1 for r in rows)
        np.testing.assert_allclose([float(r[3]) for r in chr1[:15]], expected_heights(50, 65)[:, column], atol=1e-5)


def test_values_of_overlapping_regions_are_averaged(run, tmp_path):
    path = run(("chr1", 50, 60), ("chr1", 50, 60), length=10)
    with h5py.File(path, "r+") as handle:
        handle["scores"][1] = 3 * handle["scores"][1]
    with open_ism(path) as ism_file:
        (file,) = write_bedgraphs(ism_file, tmp_path / "bg", ["K562"])
    np.testing.assert_allclose(
        [float(line.split("\t")[3]) for line in file.read_text().splitlines()],
        2 * expected_heights(50, 60)[:, 0],
        atol=1e-5,
    )


def test_file_names_hold_no_odd_characters():
    assert [file_name(n, 3) for n in ("K562.r1-a_b", "../x", "", ".hidden", "a b", "é", "x" * 101)] == [
        "K562.r1-a_b",
        *["track_3"] * 6,
    ]


def test_scripts(run, tmp_path, script, refused):
    path = run(("chr1", 50, 62), length=12)
    script(
        "interpret",
        "logo",
        path,
        "-o",
        tmp_path / "logos",
        "--track",
        "K562",
        "--format",
        "svg",
        "--kind",
        "importance",
    )
    assert [p.name for p in (tmp_path / "logos").iterdir()] == ["0001.chr1_50_62.K562.svg"]
    script("interpret", "bedgraph", path, "-o", tmp_path / "bg", "--track", "a/b <x>")
    assert [p.name for p in (tmp_path / "bg").iterdir()] == ["track_1.bedGraph"]
    assert "--kind depth: expected one of height, importance" in refused(
        "interpret", "bedgraph", path, "-o", tmp_path / "no", "--kind", "depth"
    )
    with h5py.File(tmp_path / "other.h5", "w") as handle:
        handle["SAD"] = np.zeros((2, 2))
    assert "lacks seqs" in refused("interpret", "logo", tmp_path / "other.h5", "-o", tmp_path / "no")
    share = ("-f", path, "-t", path, "-o", tmp_path / "no", "--share")
    assert "--share 3/2: expected I/N" in refused("interpret", "ism", path, path, path, *share, "3/2")
    assert not (tmp_path / "no").exists()
    script("interpret", "merge-ism", path.parent, "-o", tmp_path / "merged")
    assert (tmp_path / "merged/scores.h5").read_bytes() == path.read_bytes()


def test_regions_that_cannot_be_mutated_are_refused(run, tmp_path):
    with pytest.raises(InputError, match="contig chrX"):
        run(("chrX", 1, 5), length=4)
    with pytest.raises(InputError, match="expected 1 to 24"):
        run(("chr1", 1, 5), length=25, whole=True)
    assert not (tmp_path / "out/scores.h5").exists()


def test_the_table_of_a_page_holds_some_regions_tracks_and_the_middle(run):
    path = run(("chr1", 10, 70), ("chr1", 100, 124), ("chr10", 30, 60), whole=True)
    with open_ism(path) as ism_file:
        table = heights(ism_file, regions=2, tracks=1, bases=20)
        assert list(dict.fromkeys(table["region"])) == [1, 3], "evenly: the first and the last"
        assert set(table["track"]) == {"K562"}
        first = table[table["region"] == 1]
        assert first["start"].tolist() == list(range(30, 50)), "20 bases at the middle of 60"
        assert "".join(first["base"]) == SEQUENCE[30:50]
        whole = ism_file.values(ism_file.regions[0], [0], "height")[:, 0]
        np.testing.assert_array_equal(first["height"].to_numpy(), whole[20:40])
        assert len(heights(ism_file)) == 2 * (60 + 24 + 30)


def test_the_table_is_written_beside_the_merged_scores(run, tmp_path, script):
    run(("chr1", 10, 30), out="share.1")
    script("interpret", "merge-ism", tmp_path / "share.1", "-o", tmp_path / "ism", "--table", tmp_path / "m.ism.tsv")
    table = pd.read_csv(tmp_path / "m.ism.tsv", sep="\t")
    assert list(table) == ["region", "chrom", "start", "base", "track", "height"]
    assert set(table["track"]) == set(TRACKS["identifier"])
