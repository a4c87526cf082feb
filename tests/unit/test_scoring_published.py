"""Files of scores as Enformer and Sei publish them: looked up as they are, and imported."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.errors import InputError
from accessiflow.imbalance.evaluation import predicted_ref_share
from accessiflow.scoring import files as score_files
from accessiflow.scoring import importing
from accessiflow.scoring.importing import import_scores
from accessiflow.scoring.lookup import files_of, open_scores

N, T = 7, 3
VARIANTS = pd.DataFrame(
    [
        ("chr1", 10, "A", "C"),
        ("chr1", 10, "A", "G"),
        ("chr2", 10, "A", "C"),
        ("chr1", 7, "GAT", "G"),
        ("chrX", 9, "T", "NA"),
        ("chr1", 8, "", "G"),
        ("chr1", 6, "c", "G"),
    ],
    columns=["chrom", "pos", "ref", "alt"],
)
IDS = ["rs1", "rs2", "NA", "rs4", ".", "rs6", "rs7"]
RNG = np.random.default_rng(0)
SAD, REF = RNG.standard_normal((N, T)), 5 + RNG.random((N, T))
TRACKS = ["Blood | DNase | ID:1", "Blood | H3K27ac | ID:2", "Eye | DNase | ID:3"]
COLUMNS = ("chrom", "pos", "name", "ref", "alt", "strand", "ref_match", "contains_unk")


def write_enformer(path, transposed=False, labels=("DNASE:K562", "CAGE:brain", "CAGE:brain"), **change):
    """As 1000G.MAF_threshold=0.005.CHROM.h5."""
    content = {
        "SAD": SAD.astype(np.float16),
        "SAR": (SAD / 8).astype(np.float16),
        "chr": np.array([c.encode() for c in VARIANTS["chrom"]]),
        "pos": VARIANTS["pos"].to_numpy(np.int64),
        "ref": np.array([r.encode() for r in VARIANTS["ref"]], object),
        "alt": np.array([a.encode() for a in VARIANTS["alt"]]),
        "snp": np.array([s.encode() for s in IDS]),
        "target_ids": np.array([b"ENCFF1", b"CNhs1", b"CNhs2"]),
        "target_labels": np.array([s.encode() for s in labels]),
    } | change
    with h5py.File(path, "w") as handle:
        for name, values in content.items():
            if values is None:
                continue
            scores = transposed and name in ("SAD", "SAR")
            handle.create_dataset(
                name, data=values.T if scores else values, dtype=h5py.string_dtype() if values.dtype == object else None
            )
    return path


def write_sei(folder, prefix="gtex", kinds=("diffs", "ref", "alt"), header=True, names=True):
    """As Selene's variant effect prediction with save_data: [diffs, predictions]."""
    folder.mkdir(exist_ok=True)
    point, line = (f"{prefix}.", f"{prefix}_") if prefix else ("", "")
    files = {
        "diffs": (f"{line}diffs.h5", SAD),
        "ref": (f"{point}ref_predictions.h5", REF),
        "alt": (f"{point}alt_predictions.h5", REF + SAD),
    }
    for kind in kinds:
        with h5py.File(folder / files[kind][0], "w") as handle:
            handle["data"] = files[kind][1]
    rows = ["\t".join(COLUMNS)] * header
    rows += [
        "\t".join(map(str, (c, p, i, r, a, "+", True, False)))
        for i, (c, p, r, a) in zip(IDS, VARIANTS.itertuples(index=False), strict=True)
    ]
    (folder / f"{line}row_labels.txt").write_text("\n".join(rows) + "\n")
    if names:
        (folder / "target.names").write_text("\n".join(TRACKS) + "\n")
    return folder / files[kinds[0]][0]


@pytest.mark.parametrize("transposed", [False, True])
def test_enformers_published_file_is_looked_up(tmp_path, transposed):
    with open_scores([write_enformer(tmp_path / "1000G.MAF_threshold=0.005.22.h5", transposed)]) as scores:
        rows = scores.find(VARIANTS[::-1])
        assert rows.tolist() == list(range(N))[::-1]
        assert np.array_equal(scores.read(rows), SAD.astype(np.float16)[::-1])
        assert np.array_equal(scores.read(rows, "SAR"), (SAD / 8).astype(np.float16)[::-1])
        assert np.array_equal(scores.read(rows, columns=np.array([2, 0])), SAD.astype(np.float16)[::-1][:, [2, 0]])
        assert scores.column("CNhs1") == 1
        assert scores.column("DNASE:K562") == 0
        assert not scores.has("REF")
        with pytest.raises(InputError, match="2 tracks called CAGE:brain"):
            scores.column("CAGE:brain")


def test_transposed_scores_without_names_count_their_tracks(tmp_path):
    with open_scores([write_enformer(tmp_path / "a.h5", True, target_ids=None, target_labels=None)]) as scores:
        assert scores.tracks == ["0", "1", "2"]
        assert np.array_equal(scores.read(np.arange(N)), SAD.astype(np.float16))


@pytest.mark.parametrize(
    ("prefix", "kinds", "header"),
    [
        ("gtex", ("diffs", "ref", "alt"), True),
        ("", ("diffs", "ref", "alt"), False),
        ("a.b", ("alt", "ref"), True),
        ("g", ("diffs",), True),
    ],
)
def test_seis_output_is_looked_up(tmp_path, prefix, kinds, header):
    with open_scores([write_sei(tmp_path / "sei", prefix, kinds, header)]) as scores:
        assert scores.tracks == TRACKS
        rows = scores.find(VARIANTS[::-1])
        assert rows.tolist() == list(range(N))[::-1]
        np.testing.assert_allclose(scores.read(rows), SAD[::-1], atol=1e-6)
        assert scores.has("REF") is ("ref" in kinds)
        if "ref" in kinds:
            np.testing.assert_allclose(scores.read(rows, "ALT"), (REF + SAD)[::-1], rtol=1e-6)


def test_seis_sequence_classes_are_looked_up(tmp_path):
    write_sei(tmp_path / "sei")
    np.save(tmp_path / "sei/gtex.sequence_class_scores.npy", SAD[:, :2])
    (tmp_path / "sei/seqclass.names").write_text("PC1 Polycomb\nE1 Stem cell\n")
    with open_scores([tmp_path / "sei/gtex.sequence_class_scores.npy"]) as scores:
        assert scores.tracks == ["PC1 Polycomb", "E1 Stem cell"]
        np.testing.assert_allclose(scores.read(scores.find(VARIANTS)), SAD[:, :2], rtol=1e-6)


def test_features_without_names_are_numbered(tmp_path):
    with open_scores([write_sei(tmp_path / "sei", names=False)]) as scores:
        assert scores.tracks == ["0", "1", "2"]


@pytest.mark.parametrize("block", [1 << 16, 2])
def test_import_gives_our_layout(tmp_path, monkeypatch, block):
    monkeypatch.setattr(score_files, "NAMES_AT_ONCE", block)
    monkeypatch.setattr(importing, "_BLOCK_BYTES", 100)
    assert import_scores([write_sei(tmp_path / "sei")], tmp_path / "sei_out") == (N, T)
    assert import_scores([write_enformer(tmp_path / "e.h5", True)], tmp_path / "enformer_out") == (N, T)
    for name, dtype in (("sei_out", np.float32), ("enformer_out", np.float16)):
        with h5py.File(tmp_path / name / "sad.h5") as handle:
            assert handle["SAD"].dtype == dtype
            np.testing.assert_array_equal(handle["SAD"][()], SAD.astype(dtype))
            assert handle["snp"][()].tolist() == [b"rs1", b"rs2", b"NA", b"rs4", b"chrX:9", b"rs6", b"rs7"]
            assert handle["chr"][()].tolist() == [c.encode() for c in VARIANTS["chrom"]]
            assert handle["ref_allele"][()].tolist() == [r.encode() for r in VARIANTS["ref"]]
            assert handle["pos"].dtype == np.uint32
            assert handle["SAD_pct"].shape == (T, 279)
            assert set(handle) >= {"REF", "ALT"} if name == "sei_out" else {"SAR"}
        with open_scores([tmp_path / name / "sad.h5"]) as scores:
            assert scores.find(VARIANTS).tolist() == list(range(N))
    with h5py.File(tmp_path / "sei_out/sad.h5") as handle:
        assert handle["REF"].shape == (N, 1, T)
        np.testing.assert_array_equal(handle["REF"][:, 0], REF.astype(np.float32))


def test_files_by_chromosome_become_one_of_the_wanted_tracks(tmp_path, script):
    first, second = (
        write_enformer(tmp_path / "1.h5"),
        write_enformer(tmp_path / "2.h5", True, pos=VARIANTS["pos"].to_numpy() + 100, SAD=2 * SAD),
    )
    (tmp_path / "tracks.txt").write_text("CNhs2\nDNASE:K562\n")
    script("sad", "import", first, second, "-o", tmp_path / "out", "--track-list", tmp_path / "tracks.txt")
    with open_scores([tmp_path / "out/sad.h5"]) as scores:
        assert scores.tracks == ["CNhs2", "ENCFF1"]
        assert scores.find(VARIANTS.assign(pos=VARIANTS["pos"] + 100)).tolist() == list(range(N, 2 * N))
        expected = np.concatenate([SAD.astype(np.float16).astype(np.float32), 2 * SAD])[:, [2, 0]]
        np.testing.assert_array_equal(scores.read(np.arange(2 * N)), expected.astype(np.float32))
    write_enformer(tmp_path / "3.h5", target_ids=np.array([b"a", b"b", b"c"]))
    with pytest.raises(InputError, match=r"3\.h5: scores other tracks"):
        import_scores([first, tmp_path / "3.h5"], tmp_path / "no")


def test_import_by_script_with_names_of_the_user(tmp_path, script):
    write_sei(tmp_path / "sei", names=False)
    labels = (tmp_path / "sei/gtex_row_labels.txt").rename(tmp_path / "elsewhere.txt")
    (tmp_path / "targets.txt").write_text("\tidentifier\tdescription\n0\tA\tfirst\n1\tB\tsecond\n2\tC\tthird\n")
    script(
        "sad",
        "import",
        tmp_path / "sei/gtex_diffs.h5",
        "-o",
        tmp_path / "out",
        "--labels",
        labels,
        "--targets",
        tmp_path / "targets.txt",
        "--layout",
        "sei",
    )
    with open_scores([tmp_path / "out/sad.h5"]) as scores:
        assert scores.tracks == ["A", "B", "C"]
        assert scores.labels == ["first", "second", "third"]
        np.testing.assert_allclose(scores.read(scores.find(VARIANTS)), SAD, rtol=1e-6)


def test_a_folder_of_a_file_a_chromosome_is_one_table(tmp_path, script):
    folder = tmp_path / "enformer"
    folder.mkdir()
    for number in (2, 10):
        pos = VARIANTS["pos"].to_numpy() + 1000 * number
        write_enformer(folder / f"1000G.MAF_threshold=0.005.{number}.h5", pos=pos, SAD=number * SAD)
    (folder / ".hidden.h5").write_text("no scores")
    (folder / "README.txt").write_text("no scores")
    with open_scores([folder]) as scores:
        for number in (2, 10):
            moved = VARIANTS.assign(pos=VARIANTS["pos"] + 1000 * number)
            np.testing.assert_array_equal(scores.read(scores.find(moved)), (number * SAD).astype(np.float32))
    script("sad", "import", folder, "-o", tmp_path / "out")
    with open_scores([tmp_path / "out/sad.h5"]) as scores:
        assert len(scores.find(VARIANTS)) == N and scores.files[0].rows == 2 * N


@pytest.mark.parametrize("kinds", [("diffs", "ref", "alt"), ("ref", "alt"), ("diffs",)])
def test_a_folder_of_seis_files_holds_each_variant_once(tmp_path, kinds):
    write_sei(tmp_path / "sei", "first", kinds)
    write_sei(tmp_path / "sei", "second", kinds)
    np.save(tmp_path / "sei/first.sequence_class_scores.npy", SAD[:, :2])
    assert [path.name for path in files_of(tmp_path / "sei")] == [
        f"{prefix}{'_diffs' if 'diffs' in kinds else '.ref_predictions'}.h5" for prefix in ("first", "second")
    ]
    with open_scores([tmp_path / "sei"]) as scores:
        assert [file.rows for file in scores.files] == [N, N]
        np.testing.assert_allclose(scores.read(scores.find(VARIANTS)), SAD, atol=1e-6)


def test_a_folder_without_scores_is_refused(tmp_path):
    (tmp_path / "README.txt").write_text("no scores")
    with pytest.raises(InputError, match=r"holds no file of scores \(\.h5, \.hdf5, \.npy\)"), open_scores([tmp_path]):
        pass


ENFORMER = {
    "enformer shape": {"SAD": SAD[:, :2]},
    "enformer ids": {"pos": None},
    "enformer uneven": {"ref": np.array([b"A"] * (N - 1))},
}


def broken(tmp_path, kind):
    """A file that must be refused."""
    if kind in ENFORMER:
        return write_enformer(tmp_path / "e.h5", **ENFORMER[kind])
    sei = tmp_path / "sei"
    path = write_sei(sei)
    labels = sei / "gtex_row_labels.txt"
    lines = labels.read_text().splitlines()
    if kind == "labels absent":
        labels.unlink()
    elif kind == "labels short":
        labels.write_text("\n".join(lines[:-1]))
    elif kind == "labels long":
        labels.write_text("\n".join([*lines, lines[-1]]))
    elif kind == "no integer":
        labels.write_text("\n".join(lines).replace("\t7\t", "\tx\t"))
    elif kind == "column absent":
        labels.write_text("\n".join(lines).replace("alt", "other", 1))
    elif kind == "names":
        (sei / "target.names").write_text("one\n")
    elif kind == "shape":
        with h5py.File(sei / "gtex.ref_predictions.h5", "w") as handle:
            handle["data"] = REF[:2]
    elif kind == "one allele":
        (sei / "gtex.alt_predictions.h5").unlink()
        path.unlink()
        path = sei / "gtex.ref_predictions.h5"
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[:-50])
    elif kind == "npy":
        path = sei / "gtex.sequence_class_scores.npy"
        path.write_bytes(b"\x93NUMPY rubbish")
    return path


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("labels absent", "no gtex_row_labels.txt beside it"),
        ("labels short", "names 6 variants, gtex_diffs.h5 scores 7"),
        ("labels long", "names 8 variants"),
        ("no integer", r"gtex_row_labels.txt:5: needs the columns"),
        ("column absent", "lacks the column alt"),
        ("names", "holds 3 features"),
        ("shape", "expected variants x features"),
        ("one allele", "of one allele only"),
        ("cut", "not a readable HDF5"),
        ("npy", "not a readable .npy"),
        ("enformer shape", "expected variants x 3 tracks"),
        ("enformer ids", "by id only"),
        ("enformer uneven", "has ref of shape"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(tmp_path, kind, sentence):
    path = broken(tmp_path, kind)
    with pytest.raises(InputError, match=sentence) as refused:
        import_scores([path], tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_the_allelic_imbalance_benchmark_takes_seis_files(tmp_path):
    with open_scores([write_sei(tmp_path / "sei")]) as scores:
        share = predicted_ref_share(VARIANTS, scores, "Eye | DNase | ID:3")
    np.testing.assert_allclose(share, REF[:, 2] / (2 * REF + SAD)[:, 2], rtol=1e-5)
