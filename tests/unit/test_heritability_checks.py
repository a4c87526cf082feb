"""Files that must agree, the condition number, tau* and its scale, --h2-cts, clusters and published scores."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.heritability.baseline import REGULATORY, drop_columns
from accessiflow.heritability.cell_types import collect, write_list
from accessiflow.heritability.clusters import clusters_of_bed, write_clusters
from accessiflow.heritability.conditioning import condition_numbers
from accessiflow.heritability.consistency import Files, check_chromosomes
from accessiflow.heritability.summary import Common, listed, read_log, summarise, with_condition

LOG = """Read summary statistics for 900 SNPs.
Read reference panel LD Scores for 1000 SNPs.
After merging with reference panel LD, 800 SNPs remain.
After merging with regression SNP LD, 700 SNPs remain.
Removed 5 SNPs with chi^2 > 80 (695 SNPs remain)
Total Observed scale h2: 0.25 (0.03)
Lambda GC: 1.21
Mean Chi^2: 1.5
Intercept: 1.02 (0.01)
Ratio: 0.04 (0.02)
"""


def _scores(path: Path, snps: list[str], values: np.ndarray) -> None:
    names = ["L2"] if values.shape[1] == 1 else [f"a{i}L2" for i in range(values.shape[1])]
    place = pd.DataFrame({"CHR": 1, "SNP": snps, "BP": np.arange(len(snps)) + 1})
    pd.concat([place, pd.DataFrame(values, columns=names)], axis=1).to_csv(path, sep="\t", index=False)
    counts = path.name.replace("ldscore.gz", "M_5_50")
    path.with_name(counts).write_text("\t".join(["9"] * values.shape[1]) + "\n")


@pytest.fixture
def panel(tmp_path) -> Path:
    """Two chromosomes' .bim, .frq, baseline annotation with LD scores, and weights."""
    for chrom in ("1", "2"):
        snps = [f"rs{chrom}{i}" for i in range(4)]
        (tmp_path / f"p.{chrom}.bim").write_text(
            "".join(f"{chrom}\t{s}\t0.{i}\t{i + 1}\tA\tC\n" for i, s in enumerate(snps))
        )
        (tmp_path / f"p.{chrom}.frq").write_text(
            "CHR SNP A1 A2 MAF NCHROBS\n" + "".join(f"{chrom} {s} A C 0.2 8\n" for s in snps)
        )
        (tmp_path / f"b.{chrom}.annot.gz").write_text("x\ty\n" + "1\t0\n" * 4)
        _scores(tmp_path / f"b.{chrom}.l2.ldscore.gz", snps[:3], np.arange(6.0).reshape(3, 2))
        _scores(tmp_path / f"w.{chrom}.l2.ldscore.gz", snps[1:], np.ones((3, 1)))
    return tmp_path


def _check(folder: Path) -> int:
    bims = {c: folder / f"p.{c}.bim" for c in ("1", "2")}
    scores, weights = ([f"{folder}/{name}.@.l2.ldscore.gz"] for name in "bw")
    return check_chromosomes(bims, Files([f"{folder}/p.@.frq"], [f"{folder}/b.@.annot.gz"], scores, weights))


def test_files_that_agree_are_counted_on_every_chromosome(panel, script):
    assert _check(panel) == 8
    done = script(
        "heritability",
        "check",
        "--bim",
        panel / "p.@",
        "--frq",
        panel / "p.@.frq",
        "--ldscore",
        panel / "b.@.l2.ldscore.gz",
        "--weights",
        panel / "w.@.l2.ldscore.gz",
    )
    assert "8 SNPs agree" in done.stderr


def test_files_joined_by_id_may_have_another_order_and_weights_other_snps_too(panel):
    _scores(panel / "b.2.l2.ldscore.gz", ["rs22", "rs20", "rs21"], np.arange(6.0).reshape(3, 2))
    _scores(panel / "w.2.l2.ldscore.gz", ["rs23", "rs99", "rs21"], np.ones((3, 1)))
    assert _check(panel) == 8


def test_files_may_be_compressed_or_not(panel):
    for name in ("b.1.annot", "b.1.l2.ldscore", "w.1.l2.ldscore"):
        (panel / f"{name}.gz").rename(panel / name)
    assert _check(panel) == 8


def _foreign(folder: Path) -> None:
    _scores(folder / "b.2.l2.ldscore.gz", ["rs21", "rs99"], np.ones((2, 2)))


def _other_weights(folder: Path) -> None:
    _scores(folder / "w.2.l2.ldscore.gz", ["rs91", "rs99"], np.ones((2, 1)))


def _two_weights(folder: Path) -> None:
    _scores(folder / "w.2.l2.ldscore.gz", ["rs21"], np.ones((1, 2)))


def _alleles(folder: Path) -> None:
    (folder / "b.2.annot.gz").write_text("CHR SNP BP CM A1 A2 base Coding\n" + "2 rs2 1 0 A C 1 0\n" * 4)


def _alleles_of_scores(folder: Path) -> None:
    (folder / "w.2.l2.ldscore.gz").write_text("CHR SNP BP A1 A2 L2\n2 rs21 1 A C 1\n")


def _short(folder: Path) -> None:
    (folder / "b.2.annot.gz").write_text("x\ty\n" + "1\t0\n" * 3)


def _renamed(folder: Path) -> None:
    (folder / "p.2.frq").write_text((folder / "p.2.frq").read_text().replace("rs22", "rs77"))


def _counts(folder: Path) -> None:
    (folder / "b.2.l2.M_5_50").write_text("1\t2\t3\n")


def _columns(folder: Path) -> None:
    (folder / "b.2.annot.gz").write_text("x\n" + "1\n" * 4)


def _headless(folder: Path) -> None:
    (folder / "w.2.l2.ldscore.gz").write_text("A B\n1 2\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_foreign, ("b.2.l2.ldscore.gz", "rs99", "2 and 4 SNPs", "1 in common")),
        (_other_weights, ("w.2.l2.ldscore.gz", "rs91", "0 in common")),
        (_two_weights, ("w.2.l2.ldscore.gz", "2 columns", "weights have one")),
        (_alleles, ("b.2.annot.gz", "A1, A2", "leave them out")),
        (_alleles_of_scores, ("w.2.l2.ldscore.gz", "A1, A2", "leave them out")),
        (_short, ("b.2.annot.gz", "3 SNPs", "4")),
        (_renamed, ("p.2.frq:4", "rs77", "rs22", "4 SNPs")),
        (_counts, ("b.2.l2.M_5_50", "3 numbers", "2 annotations")),
        (_columns, ("b.2.l2.ldscore.gz", "2 annotations", "has 1")),
        (_headless, ("w.2.l2.ldscore.gz", "SNP")),
    ],
)
def test_a_disagreement_is_named(panel, damage, words):
    damage(panel)
    with pytest.raises(InputError) as error:
        _check(panel)
    assert all(word in str(error.value) for word in words), error.value


def test_the_condition_number_is_that_of_the_joined_ld_scores(tmp_path):
    rng = np.random.default_rng(0)
    base, own = rng.normal(5, 2, (2, 60, 3)), rng.normal(5, 2, (2, 60, 1))
    for i, chrom in enumerate(("1", "2")):
        snps = [f"rs{chrom}{k}" for k in range(60)]
        _scores(tmp_path / f"b.{chrom}.l2.ldscore.gz", snps, base[i])
        _scores(tmp_path / f"x.{chrom}.l2.ldscore.gz", snps, own[i])
        _scores(tmp_path / f"copy.{chrom}.l2.ldscore.gz", snps, base[i][:, :1])
        _scores(tmp_path / f"w.{chrom}.l2.ldscore.gz", snps[10:], np.ones((50, 1)))
    prefixes = [f"{tmp_path}/b.", f"{tmp_path}/@."]
    found = condition_numbers(prefixes, ["x", "copy", "absent"])
    assert found["x"] == pytest.approx(np.linalg.cond(np.concatenate([base, own], axis=2).reshape(120, 4)), rel=1e-6)
    assert found["copy"] > 1e6
    assert "absent" not in found
    weighted = condition_numbers(prefixes, ["x"], f"{tmp_path}/w.")["x"]
    assert weighted == pytest.approx(
        np.linalg.cond(np.concatenate([base, own], axis=2)[:, 10:].reshape(100, 4)), rel=1e-6
    )


def test_the_facts_of_a_regression_and_their_warnings(tmp_path):
    (tmp_path / "t.log").write_text(LOG)
    facts = read_log(tmp_path / "t.log")
    counts = [
        facts[k]
        for k in ("snps_sumstats", "snps_reference", "snps_after_reference", "snps_after_weights", "snps_regression")
    ]
    assert counts == [900, 1000, 800, 700, 695]
    assert [facts[k] for k in ("lambda_gc", "mean_chi2", "intercept", "ratio", "h2", "h2_se")] == [
        1.21,
        1.5,
        1.02,
        0.04,
        0.25,
        0.03,
    ]
    assert facts["warning"] == "fewer than 200000 SNPs"
    assert with_condition(facts | {"model": "m"}, {"m": 12.0}) == facts | {"model": "m", "condition_number": 12.0}
    assert "collinear" in str(with_condition(facts | {"model": "m"}, {"m": 2e5})["warning"])
    enough = LOG.replace("(695 SNPs", "(200000 SNPs")
    (tmp_path / "t.log").write_text(enough)
    assert read_log(tmp_path / "t.log")["warning"] == ""


def _regression(folder: Path, tau: np.ndarray, m: np.ndarray, deleted: np.ndarray, common: Common) -> pd.DataFrame:
    (folder / "t.m.log").write_text(LOG)
    pd.DataFrame(
        {
            **{
                "Category": common.categories,
                "Prop._SNPs": m / common.snps,
                "Prop._h2": tau * m / (tau @ m),
                "Enrichment": 1.0,
            },
            **{"Coefficient": tau, "Coefficient_std_error": np.abs(tau) / 10},
        }
    ).to_csv(folder / "t.m.results", sep="\t", index=False)
    np.savetxt(folder / "t.m.part_delete", deleted, fmt="%.17g")
    return summarise(folder / "t.m.results", "m", "t", common)[0]


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_tau_star_and_its_errors_do_not_change_with_the_scale_of_an_annotation(tmp_path_factory, scale, seed):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("tau")
    tau, m, spread = rng.uniform(0.1, 1, 2) * 1e-6, rng.uniform(100, 500, 2), rng.uniform(0.1, 0.5, 2)
    deleted = tau * rng.normal(1, 0.05, (20, 2))
    common = Common(1000, ["base", "x"], ["L2_0", "L2_1"], m, spread, 1)
    change = np.array([1.0, scale])
    plain = _regression(folder, tau, m, deleted, common)
    scaled = _regression(
        folder,
        tau / change,
        m * change,
        deleted / change,
        Common(1000, ["base", "x"], ["L2_0", "L2_1"], m * change, spread * change, 1),
    )
    for column in ("tau_star", "tau_star_se", "tau_star_se_jack", "h2g"):
        np.testing.assert_allclose(scaled[column], plain[column], rtol=1e-9)
    assert plain["tau_star"].iloc[1] == pytest.approx(tau[1] * spread[1] * 1000 / (tau @ m))


def test_annotations_without_common_snps_are_not_tested(tmp_path):
    for name, values in (("A.high", (3, 4)), ("A.low", (0, 0))):
        for chrom, value in enumerate(values, 1):
            (tmp_path / f"{name}.{chrom}.l2.M_5_50").write_text(f"{value}\n")
    written, empty = write_list(sorted(tmp_path.glob("*.M_5_50")), tmp_path / "x.ldcts", "ld/")
    assert (written, empty) == (["A.high"], ["A.low"])
    assert (tmp_path / "x.ldcts").read_text() == "A.high\tld/A.high.\n"


def test_tests_of_all_annotations_become_a_table_with_false_discovery_rates(tmp_path, script):
    header = "Name\tCoefficient\tCoefficient_std_error\tCoefficient_P_value\n"
    (tmp_path / "t.cell_type_results.txt").write_text(header + "b\t2e-8\t1e-8\t0.02\na\t-1e-8\t1e-8\t0.8\n")
    (tmp_path / "s.cell_type_results.txt").touch()
    (tmp_path / "x.ldcts").write_text("a\ta.\nb\tb.\nc\tc.\n")
    script(
        "heritability",
        "cts",
        *sorted(tmp_path.glob("*.txt")),
        "--ldcts",
        tmp_path / "x.ldcts",
        "--output",
        tmp_path / "cts.tsv",
    )
    table = pd.read_csv(tmp_path / "cts.tsv", sep="\t").set_index(["trait", "annotation"])
    assert list(table.index) == [(t, a) for t in "st" for a in "abc"]
    assert table.loc["t", "q"].tolist()[:2] == pytest.approx([0.8, 0.04])
    assert table.loc[("t", "b"), "z"] == pytest.approx(2)
    assert table.loc["s", "reason"].tolist() == ["ldsc did not finish"] * 3
    assert table.loc[("t", "c"), "reason"] == "ldsc gives no p value"
    assert collect([tmp_path / "t.cell_type_results.txt"], [])["annotation"].tolist() == ["a", "b"]


def test_a_test_without_a_fit_has_ldscs_reason_and_the_others_their_numbers(tmp_path):
    header = "Name\tCoefficient\tCoefficient_std_error\tCoefficient_P_value\tReason\n"
    for baseline in ("none", "reduced"):
        (tmp_path / f"t.{baseline}.cell_type_results.txt").write_text(
            header + "b\t2e-8\t1e-8\t0.02\na\tNA\tNA\tNA\tLinAlgError: Singular matrix\n"
        )
    table = collect(sorted(tmp_path.glob("*.txt")), ["a", "b"], ["none", "reduced"])
    assert table["baseline"].tolist() == ["none"] * 2 + ["reduced"] * 2
    assert set(table["trait"]) == {"t"}
    assert table["reason"].tolist() == ["LinAlgError: Singular matrix", ""] * 2
    assert table["q"].dropna().tolist() == pytest.approx([0.02, 0.02])


def test_a_folder_stands_for_its_results_and_must_have_some(tmp_path, refused):
    for name in ("t.b.results", "t.a.results", "t.a.log"):
        (tmp_path / name).touch()
    assert listed([tmp_path, Path("u.a.results")]) == [
        tmp_path / "t.a.results",
        tmp_path / "t.b.results",
        Path("u.a.results"),
    ]
    (tmp_path / "none").mkdir()
    sentence = refused(
        "heritability",
        "summarise",
        tmp_path / "none",
        "--annot",
        "x.",
        "--frqfile",
        "f.",
        "--output",
        tmp_path / "h.tsv",
    )
    assert "none: holds no .results of ldsc" in sentence


def test_a_list_of_several_annotations_in_one_file_is_refused(tmp_path, refused):
    (tmp_path / "A.1.l2.M_5_50").write_text("1\t2\n")
    assert "2 values" in refused(
        "heritability", "cts-list", tmp_path / "A.1.l2.M_5_50", "--output", tmp_path / "x.ldcts"
    )
    assert not (tmp_path / "x.ldcts").exists()


def test_clusters_become_one_bed_each(tmp_path, refused):
    (tmp_path / "c.bed").write_text("chr1\t5\t9\tT cell\nchr1\t1\t2\tB\nchr1\t0\t3\tT cell\n")
    assert write_clusters(clusters_of_bed(tmp_path / "c.bed"), tmp_path / "out") == {"B": 1, "T cell": 2}
    assert (tmp_path / "out/cluster.T_cell.bed").read_text() == "chr1\t0\t3\nchr1\t5\t9\n"
    (tmp_path / "d.bed").write_text("chr1\t5\t9\n")
    assert "fourth column" in refused(
        "heritability", "clusters", "--bed", tmp_path / "d.bed", "--outdir", tmp_path / "no"
    )
    assert not (tmp_path / "no").exists()


@pytest.fixture
def published(tmp_path) -> Path:
    """Three of four SNPs in the layout of Enformer's files, one with the panel's alleles the other way round."""
    (tmp_path / "p.1.bim").write_text("".join(f"1\trs{i}\t0.{i}\t{10 * i}\tA\tC\n" for i in range(1, 5)))
    (tmp_path / "p.bed").write_text("chr1\t0\t100\n")
    with h5py.File(tmp_path / "enformer.h5", "w") as handle:
        text = {"snp": ["rs1", "rs2", "rs3"], "chr": ["chr1"] * 3, "ref": ["A", "C", "A"], "alt": ["C", "A", "C"]}
        text |= {"target_ids": ["ENCFF1", "ENCFF2"], "target_labels": ["DNASE:a", "DNASE:b"]}
        for name, values in text.items():
            handle[name] = np.array(values, "S")
        handle["pos"] = [10, 20, 30]
        handle["SAD"] = np.array([[1, -2], [-3, 4], [0, 0]], np.float16)
    return tmp_path


def _annotate(folder: Path, *more: object) -> list[object]:
    return ["heritability", "annotate", "--bim", folder / "p.@", "--peaks", folder / "p.bed", "--name", "T.high",
            "--sad", folder / "enformer.h5",
            "--output", folder / "out/x", "--quantiles", "0.5", *more]  # fmt: skip


def test_published_scores_split_a_set_under_their_models_name(published, script):
    (published / "tracks.txt").write_text("mine\n")
    options = [
        "--track-list",
        published / "tracks.txt",
        "--any-tracks",
        "--model",
        "enformer",
        "--separate",
        "--table",
        published / "t.tsv",
    ]
    done = script(*_annotate(published, *options))
    assert "1 of 4 SNPs have no score" in done.stderr
    assert "none of the tracks mine" in done.stderr
    assert sorted(p.name for p in (published / "out").iterdir()) == [
        f"T.high_mean_sad_{half}_0.5.enformer.1.annot.gz" for half in ("bottom", "top")
    ]
    top = pd.read_csv(published / "out/T.high_mean_sad_top_0.5.enformer.1.annot.gz", sep="\t").iloc[:, 0]
    assert top.tolist() == [1, 1, 0, 0]
    table = pd.read_csv(published / "t.tsv", sep="\t")
    assert table[["set", "model", "half", "n_snps", "n_unscored"]].values.tolist() == [
        ["T.high", "enformer", h, 2, 1] for h in ("bottom", "top")
    ]
    assert table["threshold"].tolist() == [1.5, 1.5]


def test_a_track_that_the_scores_lack_is_refused_by_name(published, refused):
    (published / "tracks.txt").write_text("mine\n")
    assert "mine" in refused(*_annotate(published, "--track-list", published / "tracks.txt"))
    assert not (published / "out").exists()


def test_scores_of_another_assembly_are_refused(published, refused):
    (published / "p.1.bim").write_text("1\trs9\t0.1\t77\tA\tC\n")
    assert "assembly" in refused(*_annotate(published))


def _baseline(folder: Path) -> list[str]:
    """A baseline with the four leading columns and five annotations."""
    names = ["base", "Promoter_UCSC", "CpG_Content_50kb", "SuperEnhancer_Hnisz", "GERP.NS"]
    (folder / "m.1.annot.gz").write_text(
        "CHR\tBP\tSNP\tCM\t" + "\t".join(names) + "\n1\t5\trs1\t0.1\t1\t0\t0.25\t1\t3e-4\n"
    )
    (folder / "m.1.l2.ldscore.gz").write_text(
        "CHR\tSNP\tBP\t" + "\t".join(f"{n}L2" for n in names) + "\n1\trs1\t5\t1.0\t2.0\t3.0\t4.0\t5.0\n"
    )
    for suffix in ("M", "M_5_50"):
        (folder / f"m.1.l2.{suffix}").write_text("1 2 3 4 5\n")
    return names


def test_a_baseline_loses_its_promoter_and_enhancer_columns_and_keeps_its_values(tmp_path):
    _baseline(tmp_path)
    assert drop_columns(tmp_path / "m.1.annot.gz", f"{tmp_path}/m.1", REGULATORY, f"{tmp_path}/o.1") == (3, 2)
    annotation, scores = (
        pd.read_csv(tmp_path / f"o.1.{x}", sep="\t", dtype=str) for x in ("annot.gz", "l2.ldscore.gz")
    )
    assert list(annotation) == ["CHR", "BP", "SNP", "CM", "base", "CpG_Content_50kb", "GERP.NS"]
    assert annotation.iloc[0, 4:].tolist() == ["1", "0.25", "3e-4"]
    assert scores.iloc[0, 3:].tolist() == ["1.0", "3.0", "5.0"]
    assert [(tmp_path / f"o.1.l2.{x}").read_text() for x in ("M", "M_5_50")] == ["1\t3\t5\n"] * 2


def test_a_baseline_is_kept_whole_without_globs_and_refused_without_columns(tmp_path, script, refused):
    names = _baseline(tmp_path)
    options = [
        "heritability",
        "baseline",
        "--annot",
        tmp_path / "m.1.annot.gz",
        "--ldscore",
        tmp_path / "m.1",
        "--out",
        tmp_path / "o.1",
        "--exclude",
    ]
    script(*options, "")
    assert (tmp_path / "o.1.l2.M").read_text().split() == list("12345"[: len(names)])
    assert "no column left" in refused(*options, "*")


def test_a_baseline_may_lack_the_counts_of_all_snps_and_be_uncompressed(tmp_path):
    _baseline(tmp_path)
    (tmp_path / "m.1.l2.M").unlink()
    for name in ("m.1.annot", "m.1.l2.ldscore"):
        (tmp_path / f"{name}.gz").rename(tmp_path / name)
    assert drop_columns(tmp_path / "m.1.annot.gz", f"{tmp_path}/m.1", (), f"{tmp_path}/o.1") == (5, 0)
    assert sorted(path.name for path in tmp_path.glob("o.*")) == ["o.1.annot.gz", "o.1.l2.M_5_50", "o.1.l2.ldscore.gz"]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("m.1.annot.gz", "CM\tbase", "CM\tA1\tA2\tbase", "has the column(s) A1, A2"),
        ("m.1.annot.gz", "GERP.NS", "MAF", "has the column(s) MAF"),
        ("m.1.l2.ldscore.gz", "BP\tbaseL2", "BP\tA1\tA2\tbaseL2", "has the column(s) A1, A2"),
        ("m.1.l2.ldscore.gz", "CHR\t", "CHROM\t", "holds LD scores of 6 annotations"),
        ("m.1.l2.ldscore.gz", "baseL2\tPromoter_UCSCL2", "Promoter_UCSCL2\tbaseL2", "in another order"),
    ],
)
def test_columns_that_are_no_annotations_are_named(tmp_path, file, old, new, words):
    _baseline(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(InputError) as error:
        drop_columns(tmp_path / "m.1.annot.gz", f"{tmp_path}/m.1", (), f"{tmp_path}/o.1")
    assert words in str(error.value)
    assert not list(tmp_path.glob("o.*"))


def test_a_truncated_baseline_is_refused_by_line(tmp_path):
    _baseline(tmp_path)
    with open(tmp_path / "m.1.annot.gz", "a") as out:
        out.write("1\t6\trs2\n")
    with pytest.raises(InputError, match=r"m\.1\.annot\.gz:3: has 3 fields"):
        drop_columns(tmp_path / "m.1.annot.gz", f"{tmp_path}/m.1", REGULATORY, f"{tmp_path}/o.1")
    assert not (tmp_path / "o.1.annot.gz").exists()
