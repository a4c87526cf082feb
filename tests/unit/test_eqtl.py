"""eQTL benchmarks: which variants count, how negatives are drawn, and what the forests and controls find."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from accessiflow.eqtl import benchmark, fine_mapped, forest, tables
from accessiflow.eqtl.design import Design, Matching, Result, Row, Task
from accessiflow.errors import InputError
from accessiflow.peaks.matrix import column_at, read_peak_rows, specificity_labels
from accessiflow.scoring.tracks import choose_tracks
from accessiflow.statistics import cross_validated, delong
from accessiflow.variants import columns
from accessiflow.variants.tables import KEY

LABELS = ["[1,3)", "[3,inf)"]
N = 60


def table(**columns: object) -> pd.DataFrame:
    """Rows of variants: pos given, the rest alike unless given."""
    n = len(columns["pos"])  # type: ignore[arg-type]
    base = {"chrom": ["chr1"] * n, "pos": columns["pos"], "ref": ["A"] * n, "alt": ["G"] * n}
    return pd.DataFrame(base | columns)


def write_peaks(path: Path, edges: bool = True) -> None:
    """Bins of 100 bp over chr1, in turn specific and shared, with a hole behind every pair."""
    starts = np.array([s for s in range(0, 40_000, 100) if s // 100 % 3 != 2])
    counts = np.where(starts // 100 % 3 == 0, 2, 4)
    obs = pd.DataFrame({"chrom": "chr1", "start": starts, "end": starts + 100, "n_tracks": counts})
    obs["specificity_bin"], obs["cluster"] = np.where(counts < 3, *LABELS), "shared"
    obs.index = obs.index.astype(str)
    matrix = anndata.AnnData(
        csr_matrix((len(obs), 4), dtype=np.float32), obs=obs, uns={"edges": np.array([1, 3])} if edges else {}
    )
    matrix.layers["is_peak"] = csr_matrix((len(obs), 4), dtype=bool)
    matrix.write_h5ad(path)


def write_scores(path: Path, variants: pd.DataFrame, sad: np.ndarray) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as out:
        for name, column in (("chr", "chrom"), ("ref_allele", "ref"), ("alt_allele", "alt")):
            out.create_dataset(name, data=list(variants[column]), dtype=text)
        out["pos"], out["SAD"] = variants["pos"].to_numpy(), sad.astype(np.float32)
        for name in ("target_ids", "target_labels"):
            out.create_dataset(name, data=[f"{name[7]}{i}" for i in range(sad.shape[1])], dtype=text)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 positives and 120 negatives, half in each bin; positives have larger scores, and their sign follows beta."""
    d, rng = tmp_path_factory.mktemp("eqtl"), np.random.default_rng(1)
    where = np.array([300 * i + 100 * (i % 2) + 50 for i in range(3 * N // 2)])
    shuffled = rng.permutation(np.concatenate([where, where + 1]))
    positives, negatives = table(pos=shuffled[:N]), table(pos=shuffled[N:])
    beta = rng.normal(size=N)
    sad = np.concatenate([np.sign(beta)[:, None] * (1 + rng.random((N, 3))), rng.normal(0, 0.5, (len(negatives), 3))])
    positives.assign(pip=0.95, beta=beta, gene="g").to_csv(d / "p.tsv", sep="\t", index=False)
    negatives.to_csv(d / "n.tsv", sep="\t", index=False)
    write_scores(d / "sad.h5", pd.concat([positives, negatives]), sad)
    write_peaks(d / "peaks.h5ad")
    return d


def test_high_pip_keeps_each_variant_once_with_its_nearest_gene() -> None:
    rows = table(
        pos=[100, 100, 200, 300, 100], pip=[0.95, 0.99, 0.9, 0.91, 0.2], gene=["far", "near", "near", "none", "nearest"]
    )
    tss = pd.DataFrame({"chrom": "chr1", "position": [5099, 149, 99], "name": ["far", "near", "nearest"]})
    kept = fine_mapped.high_pip(rows, 0.9, tss)
    assert list(kept["pos"]) == [100, 300]
    assert kept["gene"].iloc[0] == "near"
    assert kept["tss_distance"].iloc[0] == 50
    assert np.isnan(kept["tss_distance"].iloc[1])
    assert len(fine_mapped.high_pip(rows.drop(columns="pip"), 0.9)) == 3


def test_genes_that_share_no_name_are_refused() -> None:
    tss = pd.DataFrame({"chrom": "1", "position": [5], "name": ["g"]})
    with pytest.raises(InputError, match="no gene of the variants"):
        fine_mapped.high_pip(table(pos=[1], gene=["g"]), 0.9, tss)
    with pytest.raises(InputError, match="no column gene"):
        fine_mapped.high_pip(table(pos=[1]), 0.9, tss)


def test_low_pip_rows_are_the_negatives_of_a_table_without_others() -> None:
    rows = table(pos=[1, 2, 3, 1], pip=[0.001, 0.01, 0.95, 0.95])
    negatives = fine_mapped.without(fine_mapped.low_pip(rows, 0.01), fine_mapped.high_pip(rows, 0.9))
    assert len(negatives) == 0
    assert list(fine_mapped.without(fine_mapped.low_pip(rows, 0.02), fine_mapped.high_pip(rows, 0.9))["pos"]) == [2]
    with pytest.raises(InputError, match="no column pip"):
        fine_mapped.low_pip(table(pos=[1]), 0.01)


def test_a_negative_has_a_low_pip_in_all_its_rows() -> None:
    """Two genes, and a row with REF and ALT exchanged: the greatest PIP of a variant counts."""
    rows = table(
        pos=[1, 1, 2, 2, 3, 3, 4],
        pip=[0.6, 0.0005, 0.001, 0.002, 0.001, 0.6, np.nan],
        alt=["G", "G", "G", "G", "G", "A", "G"],
    ).assign(ref=["A", "A", "A", "A", "A", "G", "A"])
    assert sorted(set(fine_mapped.low_pip(rows, 0.01)["pos"])) == [2]
    assert list(fine_mapped.high_pip(rows, 0.5)["pos"]) == [1, 3]


def test_causal_variants_of_one_gene_are_no_negatives_of_another(script, tmp_path: Path) -> None:
    """A row of each causal variant for a second gene must not make it a negative, too: the AUROC stays 1."""
    rng = np.random.default_rng(2)
    pos = 300 * np.arange(120) + 50
    # 40 positives, 40 between, 40 negatives, of which the positives and those between have strong scores
    strong = np.where(np.arange(120) < 80, 3.0, 0.3)
    rows = table(pos=pos, pip=np.repeat([0.95, 0.6, 0.001], 40), beta=[1.0] * 120, gene=["g1"] * 120)
    both = pd.concat([rows, rows.assign(pip=0.0005, gene="g2")])
    write_scores(tmp_path / "sad.h5", rows, strong[:, None] * rng.normal(size=(120, 3)))
    write_peaks(tmp_path / "peaks.h5ad")
    found = []
    for name, of in (("one", rows), ("two", both)):
        of.to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
        script(
            "eqtl", "classify", "--positives", tmp_path / f"{name}.tsv", "--scores", tmp_path / "sad.h5", "--peaks",
            tmp_path / "peaks.h5ad", "--output", tmp_path / "T.tsv", "--folds", 3, "--min-positives", 10, "--tissue",
            "x",
        )  # fmt: skip
        found.append(pd.read_csv(tmp_path / "T.tsv", sep="\t"))
    pd.testing.assert_frame_equal(*found)
    assert found[0]["n_negative"].max() == 40


def test_a_table_without_pip_counts_whole_and_says_so(warned) -> None:
    rows = table(pos=[1, 2, 2])
    assert len(fine_mapped.high_pip(rows, 0.9)) == 2
    assert warned() == ["there is no column pip: all 3 rows count as fine-mapped"]


def test_negatives_with_exchanged_alleles_are_the_same_variants(warned) -> None:
    positives = table(pos=[1], pip=[0.95])
    negatives = table(pos=[1, 2, 2, 3]).assign(ref=["G", "A", "G", "A"], alt=["A", "G", "A", "G"])
    assert list(fine_mapped.without(negatives, positives)["pos"]) == [2, 3]
    assert warned() == ["1 negatives are positives too: left out"]
    fine_mapped.warn_of_evidence(negatives, table(pos=[3, 2], pip=[0.3, 0.001]), 0.01)
    assert warned()[1:] == ["1 negatives have a PIP of 0.01 or more among the fine-mapped variants"]


def test_gene_versions_are_left_out_where_they_differ_and_unknown_genes_counted(warned) -> None:
    tss = pd.DataFrame(
        {"chrom": "chr1", "position": [10, 20, 30, 40], "name": ["ENSG01.5", "ENSG02.7", "RP11-3.1", "ENSG03.4_PAR_Y"]}
    )
    rows = table(
        pos=[11, 21, 31, 31, 41, 51],
        gene=["ENSG01.5", "ENSG02.6", "RP11-3.2", "RP11-3.1", "ENSG03.1_PAR_Y", "ENSG09.1"],
    )
    distance = fine_mapped._tss_distance(rows, tss)
    assert np.array_equal(distance, [0, 0, np.nan, 0, 0, np.nan], equal_nan=True)
    assert len(warned()) == 1 and "2 of 6 rows (33 %) have a gene that the genes file lacks" in warned()[0]


def test_effects_of_no_direction_are_left_out(warned) -> None:
    rows = table(pos=[1, 2, 3, 3], beta=[0.0, np.nan, 1.0, -1.0]).assign(
        ref=["A", "A", "A", "G"], alt=["G", "G", "G", "A"]
    )
    # the two rows of variant 3 say the same of it in either order of its alleles
    assert list(fine_mapped.effect_signs(rows)["pos"]) == [3, 3]
    assert warned() == ["2 of 4 rows have no direction (beta is 0 or unknown): left out"]


def test_swapped_scores_are_found_by_the_benchmark(script, study: Path, tmp_path: Path) -> None:
    """Scored with REF and ALT exchanged, as --ref-mismatch swap stores them, every fifth variant still counts."""
    with h5py.File(study / "sad.h5") as scores:
        names = [list(scores[name].asstr()) for name in ("ref_allele", "alt_allele")]
        stored = table(pos=scores["pos"][()]).assign(ref=names[0], alt=names[1])
        sad = scores["SAD"][()]
    fifth = np.arange(len(stored)) % 5 == 0
    swapped = stored.assign(
        ref=np.where(fifth, stored["alt"], stored["ref"]), alt=np.where(fifth, stored["ref"], stored["alt"])
    )
    write_scores(tmp_path / "sad.h5", swapped, np.where(fifth[:, None], -1, 1) * sad)
    found = []
    for scores_file in (study / "sad.h5", tmp_path / "sad.h5"):
        script(
            "eqtl", "direction", "--variants", study / "p.tsv", "--scores", scores_file,
            "--peaks", study / "peaks.h5ad",
            "--output", tmp_path / "T.tsv", "--folds", 3, "--min-positives", 5,
        )  # fmt: skip
        found.append((tmp_path / "T.tsv").read_bytes())
    assert found[0] == found[1]


def test_signs_that_differ_between_genes_drop_the_variant_before_the_pip_filter() -> None:
    rows = table(pos=[1, 1, 2, 2, 3], pip=[0.95, 0.1, 0.95, 0.1, 0.95], beta=[1.0, -1.0, 1.0, 2.0, -1.0])
    kept = fine_mapped.high_pip(fine_mapped.effect_signs(rows), 0.9)
    assert list(kept["pos"]) == [2, 3]
    assert list(kept["positive"]) == [True, False]


def test_beta_is_flipped_where_the_minor_allele_is_not_alt() -> None:
    rows = table(pos=[1, 2], beta=[1.0, 1.0], minor_allele=["G", "A"])
    assert list(fine_mapped.effect_signs(rows)["positive"]) == [True, False]
    assert list(fine_mapped.effect_signs(rows.assign(allele2="A"))["positive"]) == [False, True]
    assert list(fine_mapped.effect_signs(rows.drop(columns="minor_allele"))["positive"]) == [True, True]


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 60), st.booleans(), st.integers(0, 5))
def test_negatives_are_drawn_once_each_in_file_order(
    n_positive: int, n_negative: int, same_bin: bool, seed: int
) -> None:
    positives = table(pos=np.arange(n_positive)).assign(bin="a", row=np.arange(n_positive))
    negatives = table(pos=np.arange(n_negative)).assign(
        bin=np.where(np.arange(n_negative) % 2, "a", "b"), row=1000 + np.arange(n_negative)
    )
    design = Design(min_positives=1, same_bin=same_bin)
    sample = benchmark._against("a", positives, negatives, [np.random.RandomState(seed)], design).samples[0]
    drawn = sample.rows[n_positive:]
    pool = negatives.loc[negatives["bin"] == "a", "row"] if same_bin else negatives["row"]
    assert list(sample.rows[:n_positive]) == list(range(n_positive))
    assert len(drawn) == min(n_positive, len(pool))
    assert (np.diff(drawn) > 0).all()
    assert set(drawn) <= set(pool)
    assert sample.labels.sum() == n_positive


def test_a_bin_that_is_not_evaluated_draws_nothing() -> None:
    """So the negatives of one bin do not depend on another that is too small."""
    draw, untouched = np.random.RandomState(0), np.random.RandomState(0)
    few = table(pos=[1]).assign(bin="a", row=1)
    benchmark._against("a", few, few, [draw], Design(min_positives=2))
    assert draw.random_sample() == untouched.random_sample()


def classify(script, study: Path, tmp_path: Path, *options: object) -> pd.DataFrame:
    script(
        "eqtl", "classify", "--positives", study / "p.tsv", "--negatives", study / "n.tsv", "--scores",
        study / "sad.h5", "--peaks",
        study / "peaks.h5ad", "--output", tmp_path / "T.tsv", "--folds", 3, "--seed", 7,
        "--min-positives", 20, *options,
    )  # fmt: skip
    return pd.read_csv(tmp_path / "T.tsv", sep="\t", keep_default_na=False, na_values=["NA"])


def test_separable_variants_are_told_apart_and_the_table_has_its_columns(script, study: Path, tmp_path: Path) -> None:
    curves = tmp_path / "C.tsv"
    result = classify(script, study, tmp_path, "--negative-source", "same-bin", "--tissue", "blood", "--curves", curves)
    fixed = [
        "tissue",
        "bin",
        "n_positive",
        "n_negative",
        "features",
        "seed",
        "auroc",
        "auprc",
        "auroc_low",
        "auroc_high",
    ]
    assert list(result.columns[:10]) == fixed
    assert list(result["bin"]) == LABELS
    assert (result["auroc"] > 0.95).all()
    assert (result["n_positive"] == result["n_negative"]).all()
    assert result["n_positive"].sum() == N
    assert set(result["seed"]) == {7}
    assert set(result["features"]) == {3}
    points = pd.read_csv(curves, sep="\t")
    assert set(map(tuple, points[["bin", "curve"]].drop_duplicates().to_numpy())) == {
        (b, c) for b in LABELS for c in ("roc", "pr")
    }
    assert points[["x", "y"]].to_numpy().min() >= 0
    assert points[["x", "y"]].to_numpy().max() <= 1
    assert points.groupby(["bin", "curve"]).size().max() <= tables.CURVE_POINTS
    in_threads = classified(study, seed=7, same_bin=True, threads=2, tissue="blood")
    pd.testing.assert_frame_equal(result, in_threads.assign(reason=""), check_dtype=False, rtol=0, atol=1e-15)


def test_direction_is_told(script, study: Path, tmp_path: Path) -> None:
    options = [
        "--variants",
        study / "p.tsv",
        "--scores",
        study / "sad.h5",
        "--peaks",
        study / "peaks.h5ad",
        "--folds",
        3,
    ]
    script("eqtl", "direction", *options, "--min-positives", 20, "--output", tmp_path / "T.tsv")
    result = pd.read_csv(tmp_path / "T.tsv", sep="\t")
    assert (result["auroc"] > 0.95).all()
    assert (result["n_positive"] + result["n_negative"]).sum() == N
    assert list(result["tissue"]) == ["p", "p"]


def test_bins_below_the_least_are_na_with_a_reason(study: Path) -> None:
    few = classified(study, min_positives=500)
    assert few["auroc"].isna().all()
    assert few["reason"].str.contains("fewer than 500").all()
    assert (few["n_positive"] > 0).all()


def classified(study: Path, **options: object) -> pd.DataFrame:
    return outcome(study, **options).table


def outcome(study: Path, **options: object) -> Result:
    from accessiflow.scoring.lookup import open_scores

    design = Design(**({"folds": 3, "min_positives": 20} | options))
    positives = fine_mapped.high_pip(columns.read_fine_mapped(study / "p.tsv"), 0.9)
    negatives = fine_mapped.without(columns.read_fine_mapped(study / "n.tsv"), positives)
    with open_scores([study / "sad.h5"]) as scores:
        return benchmark.classify(
            positives, negatives, choose_tracks(scores, None), read_peak_rows(study / "peaks.h5ad"), design
        )


def test_shuffled_labels_are_not_told_apart(study: Path) -> None:
    values = [classified(study, shuffle=True, seed=seed)["auroc"] for seed in range(3)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.12)


def test_repeats_average_seeds(study: Path) -> None:
    both = classified(study, repeats=2, seed=3)
    first, second = classified(study, seed=3, negative_seed=0), classified(study, seed=4, negative_seed=1)
    np.testing.assert_allclose(both["auroc"], (first["auroc"] + second["auroc"]) / 2)
    np.testing.assert_allclose(both["auprc"], (first["auprc"] + second["auprc"]) / 2)
    assert ((both["auroc_low"] <= both["auroc"]) & (both["auroc"] <= both["auroc_high"])).all()


def test_single_track_scores_are_the_mean_of_absolute_values(study: Path) -> None:
    values = np.array([[1.0, -3.0], [0.5, 0.5], [-2.0, 0.0]], np.float32)
    labels = np.array([True, False, False])
    ((tested, scores),) = forest.cross_validate(values, labels, np.array(["chr1"] * 3), 1, Design(single_track=True))
    assert scores.tolist() == [2.0, 0.5, 1.0]
    assert tested is labels
    assert (classified(study, single_track=True)["auroc"] == 1).all()


def test_folds_are_scikit_learns_unshuffled_ones_and_forests_its_own() -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_validate

    rng = np.random.default_rng(2)
    labels = np.repeat([True, False], 24)
    values = (rng.normal(size=(48, 5)) + labels[:, None]).astype(np.float32)
    trees = RandomForestClassifier(max_features="log2", random_state=5)
    theirs = cross_validate(trees, values, labels, cv=StratifiedKFold(3), scoring=["roc_auc", "average_precision"])
    ours = forest.cross_validate(values, labels, np.full(48, "chr1"), 5, Design(folds=3))
    np.testing.assert_allclose([delong(*fold).value for fold in ours], theirs["test_roc_auc"], atol=1e-12)
    assert cross_validated(ours).value == pytest.approx(theirs["test_roc_auc"].mean())
    assert forest.mean_precision(ours) == pytest.approx(theirs["test_average_precision"].mean())


def test_few_negatives_are_a_reason_not_an_error() -> None:
    row, task = Row("t", "b", 50, 2, 3, 1), Task("b", [], table(pos=np.arange(50)))
    assert benchmark._na_reason(row, task, Design(folds=8)) == "50 positives and 2 negatives, both must be at least 8"
    assert (
        benchmark._na_reason(row, task._replace(described=table(pos=np.arange(30))), Design())
        == "30 variants, fewer than 40"
    )
    assert benchmark._na_reason(row._replace(n_negative=8), task, Design()) == ""


def test_peaks_tell_bins_and_where_variants_fall(study: Path, tmp_path: Path) -> None:
    peaks = read_peak_rows(study / "peaks.h5ad")
    assert specificity_labels(peaks) == LABELS
    pos = np.array([1, 100, 101, 200, 201, 300, 301])
    assert list(column_at(peaks, np.full(7, "chr1", dtype=object), pos, "specificity_bin")) == [
        *LABELS[:1] * 2,
        *LABELS[1:] * 2,
        "",
        "",
        LABELS[0],
    ]
    assert list(column_at(peaks, np.full(1, "chr9", dtype=object), pos[:1], "specificity_bin")) == [""]
    write_peaks(tmp_path / "p.h5ad", edges=False)
    assert specificity_labels(read_peak_rows(tmp_path / "p.h5ad")) == LABELS
    assert specificity_labels(read_peak_rows(tmp_path / "p.h5ad", [1, 2, 4, 9])) == [
        "[1,2)",
        "[2,4)",
        "[4,9)",
        "[9,inf)",
    ]


def test_tracks_are_chosen_by_id_or_label(study: Path, tmp_path: Path) -> None:
    from accessiflow.scoring.lookup import open_scores

    (tmp_path / "t.txt").write_text("# comment\ni2\tmore\nl0\n")
    with open_scores([study / "sad.h5"]) as scores:
        assert list(choose_tracks(scores, tmp_path / "t.txt").columns) == [2, 0]
        (tmp_path / "t.txt").write_text("x\n")
        with pytest.raises(InputError, match="names the track 'x'"):
            choose_tracks(scores, tmp_path / "t.txt")


def test_scores_that_are_no_numbers_are_refused(study: Path, tmp_path: Path) -> None:
    from accessiflow.scoring.lookup import open_scores

    write_scores(tmp_path / "sad.h5", table(pos=[1, 2]), np.array([[1.0], [np.nan]]))
    with open_scores([tmp_path / "sad.h5"]) as scores, pytest.raises(InputError, match="1 of 2 variants"):
        choose_tracks(scores, None).read(np.array([0, 1]))


def test_tables_of_variants_are_checked(tmp_path: Path) -> None:
    rows = table(pos=[5, 6], pip=["0.5", "NA"], beta=["1", "2"]).assign(ref=["a", "C"])
    rows.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    read = columns.read_variants(tmp_path / "t.tsv", numbers=["beta"], optional=["pip", "absent"])
    assert list(read["ref"]) == ["A", "C"]
    assert read["pip"].isna().tolist() == [False, True]
    assert list(read.columns[:4]) == KEY
    for change, message in (
        ({"beta": ["1", "inf"]}, "column beta"),
        ({"pip": ["x", "1"]}, "column pip"),
        ({"pos": [5, 6.5]}, "column pos"),
    ):
        rows.assign(**change).to_csv(tmp_path / "t.tsv", sep="\t", index=False)
        with pytest.raises(InputError, match=message):
            columns.read_variants(tmp_path / "t.tsv", numbers=["beta"], optional=["pip"])


def test_folds_of_whole_chromosomes_share_none() -> None:
    rng = np.random.default_rng(3)
    labels, chroms = rng.random(200) < 0.5, rng.choice([f"chr{i}" for i in range(12)], 200).astype(object)
    design = Design(folds=4, by_chromosome=True)
    assert forest.fold_na_reason(labels, chroms, design) == ""
    tested = [test for _, test in forest.splits(labels, chroms, design)]
    assert sorted(np.concatenate(tested)) == list(range(200))
    assert sum(len(set(chroms[test])) for test in tested) == 12
    assert all(
        len(set(chroms[train]) & set(chroms[test])) == 0 for train, test in forest.splits(labels, chroms, design)
    )
    assert (
        forest.fold_na_reason(labels, chroms, Design(folds=13, by_chromosome=True))
        == "the variants lie on 12 chromosomes, fewer than 13 folds"
    )
    alone = forest.fold_na_reason(chroms == "chr0", chroms, Design(folds=4, by_chromosome=True))
    assert alone == "3 of 4 folds of whole chromosomes hold one class only: take fewer folds"


def test_forests_on_folds_of_whole_chromosomes_are_scikit_learns() -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_validate

    rng = np.random.default_rng(2)
    labels, chroms = np.arange(60) % 2 == 0, np.repeat([f"chr{i}" for i in range(6)], 10).astype(object)
    values = (rng.normal(size=(60, 4)) + labels[:, None]).astype(np.float32)
    trees = RandomForestClassifier(max_features="log2", random_state=5)
    theirs = cross_validate(trees, values, labels, groups=chroms, cv=StratifiedGroupKFold(2), scoring="roc_auc")
    ours = forest.cross_validate(values, labels, chroms, 5, Design(folds=2, by_chromosome=True))
    np.testing.assert_allclose([delong(*fold).value for fold in ours], theirs["test_score"], atol=1e-12)


def test_one_chromosome_cannot_be_folded(study: Path) -> None:
    grouped = classified(study, by_chromosome=True)
    assert grouped["auroc"].isna().all()
    assert grouped["reason"].str.contains("lie on 1 chromosomes, fewer than 3 folds").all()


def test_another_package_of_forests_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sklearnex", None)
    monkeypatch.setitem(sys.modules, "sklearnex.ensemble", None)
    with pytest.raises(InputError, match="scikit-learn-intelex, which is not installed"):
        forest.classifier("intelex")
    assert forest.classifier("sklearn").__name__ == "RandomForestClassifier"


def test_each_track_is_evaluated_alone(study: Path) -> None:
    result = outcome(study, single_track=True, per_track=True)
    assert list(result.tracks.columns) == tables.TRACK_COLUMNS
    assert list(result.tracks["track"]) == ["i0", "i1", "i2"] * 2
    assert (result.tracks["auroc"] > 0.9).all()
    assert (result.tracks["auroc_low"] <= result.tracks["auroc"]).all()
    few = outcome(study, min_positives=500, per_track=True).tracks
    assert few["auroc"].isna().all()
    assert few["reason"].str.contains("fewer than 500").all()


def test_distributions_are_quantiles_by_bin_and_outside() -> None:
    placed = table(pos=[1, 2, 3, 4]).assign(
        bin=["a", "a", "a", ""], tss_distance=[10, 30, np.nan, 5], beta=[-2.0, 1.0, 3.0, 0.5]
    )
    found = tables.distributions("t", {"positive": placed}, ["a", "b"])
    assert list(found.columns) == tables.DISTRIBUTION_COLUMNS
    rows = found.set_index(["bin", "quantity"])
    assert rows.loc[("a", "tss_distance"), ["n", "n_unknown", "mean", "min", "median", "max"]].tolist() == [
        2,
        1,
        20,
        10,
        20,
        30,
    ]
    assert rows.loc[("a", "abs_beta"), ["n", "median", "max"]].tolist() == [3, 2, 3]
    assert rows.loc[("b", "abs_beta"), "n"] == 0
    assert np.isnan(rows.loc[("b", "abs_beta"), "median"])
    assert rows.loc[("no peak", "tss_distance"), "max"] == 5


def signed_areas(study: Path, rows: pd.DataFrame, sad: np.ndarray) -> pd.DataFrame:
    """AUROC of each track's signed score for the direction."""
    from accessiflow.scoring.lookup import open_scores

    path = study / "signed.h5"
    write_scores(path, rows, sad)
    with open_scores([path]) as scores:
        chosen = fine_mapped.high_pip(fine_mapped.effect_signs(rows), 0.9)
        design = Design(min_positives=2, folds=2, per_track=True, single_track=True)
        return benchmark.direction(
            chosen, choose_tracks(scores, None), read_peak_rows(study / "peaks.h5ad"), design
        ).tracks


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_swapping_the_alleles_and_signs_of_all_variants_changes_nothing(study: Path, seed: int) -> None:
    """REF <-> ALT turns the effect of ALT and its score.

    Every pair of variants keeps its order, seen from the other class.
    """
    rng = np.random.default_rng(seed)
    rows = table(
        pos=np.arange(40) * 300 + 50,
        beta=rng.choice([-1.0, -0.5, 0.5, 1.0], 40),
        minor_allele=rng.choice(["A", "G"], 40),
    )
    sad = rng.normal(size=(40, 2)).round(1)
    swapped = rows.assign(ref=rows["alt"], alt=rows["ref"])
    assert list(fine_mapped.effect_signs(swapped)["positive"]) == list(~fine_mapped.effect_signs(rows)["positive"])
    first, second = signed_areas(study, rows, sad), signed_areas(study, swapped, -sad)
    np.testing.assert_allclose(first["auroc"], second["auroc"], atol=1e-12)
    assert list(first["n_positive"]) == list(second["n_negative"])
    renamed = rows.assign(beta=-rows["beta"], minor_allele=np.where(rows["minor_allele"] == "A", "g", "a"))
    assert list(fine_mapped.effect_signs(renamed)["positive"]) == list(fine_mapped.effect_signs(rows)["positive"])


def test_more_negatives_a_positive(study: Path) -> None:
    result = classified(study, single_track=True, matching=Matching(ratio=2))
    assert (result["n_negative"] == 2 * result["n_positive"]).all()
    assert (result["auroc"] == 1).all()


def test_matched_negatives_through_the_script(script, study: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    pd.read_csv(study / "p.tsv", sep="\t").assign(maf=0.2).to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    negatives = pd.read_csv(study / "n.tsv", sep="\t")
    negatives.assign(maf=rng.choice([0.2, 0.4], len(negatives))).to_csv(tmp_path / "n.tsv", sep="\t", index=False)
    (tmp_path / "g.tsv").write_text("name\tchrom\ttx_start\tstrand\ng\tchr1\t14000\t+\n")
    options = [
        "--positives",
        tmp_path / "p.tsv",
        "--negatives",
        tmp_path / "n.tsv",
        "--scores",
        study / "sad.h5",
        "--peaks",
        study / "peaks.h5ad",
    ]
    options += ["--genes", tmp_path / "g.tsv", "--min-positives", 20, "--single-track", "--match", "tss,maf,peak"]
    further = {name: tmp_path / f"{name}.tsv" for name in ("match-table", "distributions", "track-table")}
    extra = [item for name, path in further.items() for item in (f"--{name}", path)]
    script("eqtl", "classify", *options, "--match-short", "nearest", *extra, "--output", tmp_path / "T.tsv")
    result = pd.read_csv(tmp_path / "T.tsv", sep="\t")
    assert list(result["n_negative"]) == list(result["n_positive"])
    assert (result["auroc"] > 0.95).all()
    strata = pd.read_csv(further["match-table"], sep="\t")
    assert list(strata.groupby("bin", sort=False)["wanted"].sum()) == list(result["n_negative"])
    assert set(strata["maf"]) == {"[0.2,0.3)"}
    found = pd.read_csv(further["distributions"], sep="\t")
    inside = found[(found["variants"] == "positive") & (found["quantity"] == "tss_distance")].set_index("bin")
    assert list(inside.loc[LABELS, "median"]) == list(result["tss_distance"])
    assert len(pd.read_csv(further["track-table"], sep="\t")) == 6
    script("eqtl", "classify", *options, "--match-ratio", 50, "--output", tmp_path / "S.tsv")
    short = pd.read_csv(tmp_path / "S.tsv", sep="\t")
    assert short["auroc"].isna().all()
    assert short["reason"].str.contains("matching strata lack negatives").all()


def test_bad_input_is_refused(refused, study: Path, tmp_path: Path) -> None:
    out = tmp_path / "T.tsv"
    options = [
        "--scores",
        study / "sad.h5",
        "--peaks",
        study / "peaks.h5ad",
        "--output",
        out,
        "--negatives",
        study / "n.tsv",
    ]
    pd.read_csv(study / "p.tsv", sep="\t").assign(chrom="1").to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    assert "none of the 60 positives" in refused("eqtl", "classify", "--positives", tmp_path / "p.tsv", *options)
    assert "--edges x" in refused("eqtl", "classify", "--positives", study / "p.tsv", *options, "--edges", "x")
    assert not out.exists()
    with pytest.raises(InputError, match=r"lacks the column\(s\) beta"):
        columns.read_fine_mapped(study / "n.tsv", beta=True)
