"""Looking scores up by variant, in files of several makers; and collecting the variants that have none."""

from __future__ import annotations

import gzip

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.errors import InputError
from accessiflow.scoring import lookup as module
from accessiflow.scoring.lookup import open_scores
from accessiflow.variants.collect import collect, named_tables
from accessiflow.variants.keys import unordered_keys, variant_keys

VARIANTS = pd.DataFrame(
    [("chr1", 10, "A", "C"), ("chr1", 10, "A", "G"), ("chr2", 10, "A", "C"), ("chr1", 7, "GAT", "G")],
    columns=["chrom", "pos", "ref", "alt"],
)
SAD = np.arange(8, dtype=np.float32).reshape(4, 2)


def write(path, table=VARIANTS, sad=SAD, tracks=("T0", "T1"), alleles=("ref_allele", "alt_allele"), **extra):
    with h5py.File(path, "w") as handle:
        for name, column in zip(("chr", *alleles), ("chrom", "ref", "alt"), strict=True):
            handle[name] = np.array([v.encode() for v in table[column]], "S")
        handle["pos"] = table["pos"].to_numpy(np.uint32)
        handle["SAD"] = sad
        handle["target_ids"] = np.array([t.encode() for t in tracks])
        for name, values in extra.items():
            handle[name] = values
    return path


def test_variants_are_found_in_any_order_and_absent_ones_are_marked(tmp_path):
    asked = pd.concat(
        [VARIANTS[::-1], pd.DataFrame([("chr1", 10, "C", "A"), ("1", 10, "A", "C")], columns=VARIANTS.columns)]
    )
    with open_scores([write(tmp_path / "a.h5")]) as scores:
        rows = scores.find(asked)
        assert rows.tolist() == [3, 2, 1, 0, 4, -1]
        assert np.array_equal(scores.read(rows[:4]), SAD[::-1])
        assert scores.tracks == ["T0", "T1"]
        assert scores.column("T1") == 1
        with pytest.raises(InputError, match="has no track T9"):
            scores.column("T9")
        with pytest.raises(InputError, match="holds no REF"):
            scores.read(rows[:1], "REF")


def test_exchanged_alleles_are_found_with_their_scores_turned(tmp_path):
    path = write(tmp_path / "a.h5", REF=SAD + 1, ALT=SAD + 9)
    asked = VARIANTS.assign(ref=VARIANTS["alt"], alt=VARIANTS["ref"])
    with open_scores([path]) as scores:
        # G>GAT is another variant than GAT>G: in a repeat both exist
        assert scores.find(asked).tolist() == [4, 5, 6, -1]
        both = scores.find(pd.concat([asked[:3], VARIANTS[1:]]))
        assert both.tolist() == [4, 5, 6, 1, 2, 3]
        order = [0, 1, 2, 1, 2, 3]
        turned = np.arange(6)[:, None] < 3
        assert np.array_equal(scores.read(both), np.where(turned, -1, 1) * SAD[order])
        assert np.array_equal(scores.read(both, "REF"), np.where(turned, SAD[order] + 9, SAD[order] + 1))
        assert np.array_equal(scores.read(both, "ALT"), np.where(turned, SAD[order] + 1, SAD[order] + 9))
    # a variant that is there in its own order is never taken from the other one's row
    own = pd.concat([VARIANTS[:1], asked[:1]])
    with open_scores([write(tmp_path / "b.h5", own, SAD[:2])]) as scores:
        assert scores.find(pd.concat([asked[:1], VARIANTS[:1]])).tolist() == [1, 0]


def test_keys_of_unordered_alleles_are_those_of_either_order():
    asked = VARIANTS.assign(ref=VARIANTS["alt"], alt=VARIANTS["ref"].str.lower())
    one, other = (unordered_keys(*(table[name] for name in VARIANTS.columns)) for table in (VARIANTS, asked))
    assert (one.keys == other.keys).tolist() == [True, True, True, False]
    assert one.turned.tolist() == [False] * 4
    assert other.turned.tolist() == [True, True, True, False]


def test_alleles_match_whatever_their_case(tmp_path):
    with open_scores([write(tmp_path / "a.h5")]) as scores:
        assert scores.find(VARIANTS.assign(ref=VARIANTS["ref"].str.lower())).tolist() == [0, 1, 2, 3]


def test_published_layouts_are_read(tmp_path):
    enformer = write(tmp_path / "e.h5", alleles=("ref", "alt"), sad=SAD.astype(np.float16))
    transposed = write(tmp_path / "t.h5", sad=np.ascontiguousarray(SAD.T))
    for path in (enformer, transposed):
        with open_scores([path]) as scores:
            assert np.array_equal(scores.read(scores.find(VARIANTS)), SAD)


def test_predictions_are_summed_over_positions(tmp_path):
    path = write(tmp_path / "a.h5", REF=np.stack([SAD, 2 * SAD], axis=1))
    with open_scores([path]) as scores:
        assert np.array_equal(scores.read(np.array([2, 0]), "REF"), 3 * SAD[[2, 0]])


def test_several_files_are_one_table_and_the_first_wins(tmp_path):
    first, second = (
        write(tmp_path / "a.h5", VARIANTS[:2], SAD[:2]),
        write(tmp_path / "b.h5", VARIANTS[1:], 10 * SAD[1:]),
    )
    with open_scores([first, second]) as scores:
        rows = scores.find(VARIANTS)
        assert rows.tolist() == [0, 1, 3, 4]
        assert np.array_equal(scores.read(rows), np.concatenate([SAD[:2], 10 * SAD[2:]]))
    with (
        pytest.raises(InputError, match="other tracks"),
        open_scores([first, write(tmp_path / "c.h5", tracks=("T0", "X"))]),
    ):
        pass


def test_ids_are_used_only_where_a_file_has_nothing_else(tmp_path):
    with h5py.File(tmp_path / "ids.h5", "w") as handle:
        handle["snp"], handle["SAD"], handle["target_ids"] = (
            np.array([b"rs1", b"rs2", b"rs3", b"rs4"]),
            SAD,
            np.array([b"T0", b"T1"]),
        )
    with open_scores([tmp_path / "ids.h5"]) as scores:
        assert scores.find(VARIANTS.assign(id=["rs4", "rs9", "rs1", "rs2"])).tolist() == [3, -1, 0, 1]
        with pytest.raises(InputError, match="column id"):
            scores.find(VARIANTS)


def test_wrong_files_are_refused(tmp_path):
    write(tmp_path / "shape.h5", sad=SAD[:, :1])
    (tmp_path / "cut.h5").write_bytes((tmp_path / "shape.h5").read_bytes()[:700])
    with h5py.File(tmp_path / "none.h5", "w") as handle:
        handle["REF"] = SAD
    for name, sentence in (
        ("shape", "expected variants x 2 tracks"),
        ("cut", "not a readable HDF5"),
        ("none", "lacks SAD"),
    ):
        with pytest.raises(InputError, match=sentence), open_scores([tmp_path / f"{name}.h5"]):
            pass


def test_empty_file_knows_no_variant(tmp_path):
    with open_scores([write(tmp_path / "a.h5", VARIANTS[:0], SAD[:0])]) as scores:
        assert scores.find(VARIANTS).tolist() == [-1] * 4
        assert scores.read(np.empty(0, np.int64)).shape == (0, 2)


@pytest.mark.parametrize("run_bytes", [1 << 26, 64])
def test_far_and_repeated_rows_are_read_in_runs(tmp_path, monkeypatch, run_bytes):
    monkeypatch.setattr(module, "_RUN_BYTES", run_bytes)
    n, rng = 5000, np.random.default_rng(1)
    table = pd.DataFrame({"chrom": "chr1", "pos": np.arange(1, n + 1), "ref": "A", "alt": "C"})
    sad = rng.standard_normal((n, 2)).astype(np.float32)
    rows = np.concatenate([rng.integers(0, n, 300), [0, n - 1, 0], np.arange(900, 1000)])
    for stored in (sad, np.ascontiguousarray(sad.T)):
        with open_scores([write(tmp_path / "a.h5", table, stored)]) as scores:
            assert np.array_equal(scores.read(rows), sad[rows])


def test_keys_differ_between_variants_and_chunks_do_not_matter():
    n = 20000
    pos = np.arange(n)
    keys = np.concatenate(
        [
            variant_keys([c] * n, pos, [r] * n, [a] * n)
            for c, r, a in [("chr1", "A", "C"), ("chr1", "C", "A"), ("chr11", "A", "C")]
        ]
    )
    assert len(np.unique(keys)) == 3 * n
    assert np.array_equal(variant_keys(["chr1"], [5], ["A"], ["C"]), keys[5:6])
    assert np.array_equal(variant_keys([b"chr1"], np.array([5], np.uint32), [b"a"], [b"c"]), keys[5:6])


def test_collect_gives_the_variants_that_no_set_holds(tmp_path, script):
    (tmp_path / "a.vcf").write_text("#CHROM\tPOS\tID\tREF\tALT\nchr1\t10\trs1\ta\tC,G\n")
    (tmp_path / "b.vcf").write_text("")
    (tmp_path / "eqtl.tsv").write_text(
        "gene\tchrom\tpos\tref\talt\tpip\nX\tchr2\t10\tA\tC\t0.9\nX\tchr1\t10\tA\tG\t0.9\nY\tchr2\t10\tA\tC\t0.1\n"
    )
    (tmp_path / "counts.tsv").write_text(
        "chrom\tpos\tref\talt\tref_count\talt_count\nchr1\t9\tg\tt\t3\t4\nchr2\t10\ta\tc\t3\t4\n"
    )
    out = tmp_path / "extra.vcf.gz"
    sets = ("--vcf", tmp_path / "a.vcf", "--vcf", tmp_path / "b.vcf")
    script(
        "sad", "collect", *sets, "--eqtl", tmp_path / "eqtl.tsv", "--counts", tmp_path / "counts.tsv", "--output", out
    )
    lines = gzip.decompress(out.read_bytes()).decode().splitlines()
    assert [line.split("\t") for line in lines if line[0] != "#"] == [
        ["chr1", "9", ".", "G", "T"],
        ["chr2", "10", ".", "A", "C"],
    ]


def test_collect_without_tables_gives_an_empty_set(tmp_path):
    assert collect([], [], [], tmp_path / "extra.vcf") == 0
    assert (tmp_path / "extra.vcf").read_text().startswith("##fileformat=VCF")


def test_collect_takes_the_tissues_that_are_asked_for_of_one_table(tmp_path, script):
    rows = [("Blood", "5"), ("Liver", "6"), ("Skin", "7"), ("Blood", "6"), ("Blood", "8")]
    text = "".join(f"{tissue}\tchr1_{pos}_A_G_b38\t0.9\n" for tissue, pos in rows)
    table = tmp_path / "all.tsv"
    table.write_text("tissue_id\tvariant_id\tvariant_pip\n" + text)
    (tmp_path / "neg.tsv").write_text("chrom\tpos\tref\talt\nchr1\t9\tA\tG\n")
    given = [
        f"--eqtl=Blood={table}",
        f"--eqtl=Liver={table}",
        f"--eqtl=Blood={table}",
        f"--eqtl=Liver={tmp_path}/neg.tsv",
    ]
    script("sad", "collect", *given, "--output", tmp_path / "out.vcf")
    places = [line.split("\t")[1] for line in (tmp_path / "out.vcf").read_text().splitlines()[2:]]
    assert places == ["5", "6", "8", "9"]


def test_tables_are_named_by_tissue_and_read_once():
    items = ["Blood=a.tsv", "Liver=a.tsv", "Blood=a.tsv", "a.tsv", "/data/x=1/b.tsv", "Blood=/data/x=1/b.tsv"]
    found = [(tissue, str(path)) for tissue, path in named_tables(items)]
    assert found == [
        ("Blood", "a.tsv"),
        ("Liver", "a.tsv"),
        ("", "a.tsv"),
        ("", "/data/x=1/b.tsv"),
        ("Blood", "/data/x=1/b.tsv"),
    ]
