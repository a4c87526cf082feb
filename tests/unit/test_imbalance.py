"""Allelic imbalance: tests by definition, labels, depth matching, and the evaluation of scores."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from accessiflow.errors import InputError
from accessiflow.imbalance import calls as imbalance
from accessiflow.imbalance import tails
from accessiflow.imbalance.evaluation import IMBALANCE, evaluate, predicted_ref_share, read_labelled, ref_share
from accessiflow.statistics import delong
from accessiflow.variants.groups import site_groups

COLUMNS = ["chrom", "pos", "ref", "alt", "ref_count", "alt_count"]


def sites(ref_counts: list[int], alt_counts: list[int]) -> pd.DataFrame:
    n = len(ref_counts)
    return pd.DataFrame(
        {
            "chrom": ["chr1"] * n,
            "pos": np.arange(n) * 100 + 50,
            "ref": "A",
            "alt": "G",
            "ref_count": ref_counts,
            "alt_count": alt_counts,
        }
    )


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_binomial_p_is_scipys_two_sided_test(ref: int, alt: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(ref, ref + alt).pvalue if ref + alt else 1.0
    assert imbalance.binomial_p(np.array([ref]), np.array([alt]))[0] == pytest.approx(expected, rel=1e-9)


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.floats(1e-4, 0.4))
def test_overdispersion_makes_p_larger_and_alleles_are_alike(ref: int, alt: int, rho: float) -> None:
    a, b = np.array([ref]), np.array([alt])
    p = imbalance.beta_binomial_p(a, b, rho)[0]
    assert p == pytest.approx(imbalance.beta_binomial_p(b, a, rho)[0], rel=1e-9)
    assert p >= imbalance.binomial_p(a, b)[0] - 1e-9
    assert 0 < p <= 1


def test_beta_binomial_p_is_the_sum_of_its_definition() -> None:
    from scipy.special import beta, comb

    rho, n, k = 0.1, 20, 4
    a = (1 / rho - 1) / 2
    tail = sum(comb(n, i) * beta(i + a, n - i + a) / beta(a, a) for i in range(k + 1))
    assert imbalance.beta_binomial_p(np.array([k]), np.array([n - k]), rho)[0] == pytest.approx(2 * tail)
    assert imbalance.beta_binomial_p(np.array([k]), np.array([n - k]), 0.0) == imbalance.binomial_p(
        np.array([k]), np.array([n - k])
    )


@pytest.mark.parametrize("rho", [0.02, 0.1])
def test_overdispersion_is_recovered(rho: float) -> None:
    rng = np.random.default_rng(5)
    depth = rng.integers(30, 200, 3000)
    shape = (1 / rho - 1) / 2
    ref = rng.binomial(depth, rng.beta(shape, shape, 3000))
    assert imbalance.overdispersion(ref, depth - ref) == pytest.approx(rho, rel=0.15)


def test_binomial_counts_have_next_to_no_overdispersion() -> None:
    rng = np.random.default_rng(6)
    depth = rng.integers(30, 200, 3000)
    ref = rng.binomial(depth, 0.5)
    assert imbalance.overdispersion(ref, depth - ref) < 1e-3
    assert imbalance.overdispersion(np.array([10, 20, 30]), np.array([10, 20, 30])) == 0.0
    assert imbalance.overdispersion(np.array([5]), np.array([5])) == 0.0


def test_labels_need_more_than_the_least_reads() -> None:
    table, _ = imbalance.call(sites([20, 21, 30, 28, 0], [0, 0, 30, 17, 0]))
    assert list(table["label"]) == ["neither", "imbalanced", "balanced", "balanced", "neither"]
    assert list(table["q"].isna()) == [True, False, False, False, True]
    assert list(table["reason"] != "") == [True, False, False, False, True]
    assert np.isnan(table["ratio"].iloc[4])
    assert table["ratio"].iloc[3] == 28 / 45


def test_labels_can_follow_the_beta_binomial() -> None:
    rng = np.random.default_rng(7)
    depth = np.full(400, 100)
    ref = rng.binomial(depth, rng.beta(10, 10, 400))
    plain, rho = imbalance.call(sites(ref.tolist(), (depth - ref).tolist()))
    robust, _ = imbalance.call(sites(ref.tolist(), (depth - ref).tolist()), test="betabinomial")
    assert rho == pytest.approx(1 / 21, rel=0.3)
    assert (plain["label"] == "imbalanced").mean() > 0.15
    assert (robust["label"] == "imbalanced").mean() < 0.02


def brute_matched(depth: np.ndarray, cases: np.ndarray, controls: np.ndarray, ratio: int) -> set[int]:
    free = [int(i) for i in np.flatnonzero(controls)]
    chosen: set[int] = set()
    for case in sorted(np.flatnonzero(cases), key=lambda i: (-depth[i], i)):
        best = sorted(free, key=lambda i: (abs(int(depth[i]) - int(depth[case])), depth[i], i))[:ratio]
        chosen |= set(best)
        free = [i for i in free if i not in best]
    return chosen


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("cbn")), min_size=1, max_size=30), st.integers(1, 4))
def test_controls_are_the_nearest_in_depth(rows: list[tuple[int, str]], ratio: int) -> None:
    depth = np.array([d for d, _ in rows])
    cases, controls = (np.array([k == kind for _, k in rows]) for kind in "cb")
    chosen = imbalance.matched(depth, cases, controls, ratio)
    assert sorted(depth[chosen]) == sorted(depth[list(brute_matched(depth, cases, controls, ratio))])
    assert not (chosen & ~controls).any()
    assert chosen.sum() == min(ratio * cases.sum(), controls.sum())


def test_unmatched_balanced_sites_are_neither() -> None:
    table, _ = imbalance.call(sites([60, 30, 29, 15, 14], [0, 30, 31, 15, 14]), match_depth=2)
    assert list(table["label"]) == ["imbalanced", "balanced", "balanced", "neither", "neither"]
    assert table["reason"].iloc[3].startswith("balanced, not among")


def test_rows_of_a_site_are_summed(tmp_path: Path) -> None:
    table = pd.concat([sites([10, 5], [2, 5]), sites([8], [1]).assign(ref="a")])
    table[COLUMNS].to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    counts = imbalance.read_counts(tmp_path / "c.tsv")
    assert counts[["ref_count", "alt_count", "n_rows"]].to_numpy().tolist() == [[18, 3, 2], [5, 5, 1]]


def test_rows_of_a_site_with_exchanged_or_padded_alleles_are_summed_as_its_first_row_writes_it(
    tmp_path: Path, warned: Callable[[], list[str]]
) -> None:
    rows = ["chr1 5 A G 30 10", "chr1 5 G A 4 8", "chr1 4 TA TG 1 2", "chr1 9 C T 7 1"]
    text = "".join(row.replace(" ", "\t") + "\n" for row in ["chrom pos ref alt ref_count alt_count", *rows])
    (tmp_path / "c.tsv").write_text(text)
    counts = imbalance.read_counts(tmp_path / "c.tsv")
    # 30 + 8 + 1 reads of A, 10 + 4 + 2 of G
    assert counts.to_numpy().tolist() == [["chr1", 5, "A", "G", 39, 16, 3], ["chr1", 9, "C", "T", 7, 1, 1]]
    assert warned() == [f"{tmp_path}/c.tsv: 1 rows have REF and ALT of another row of their site exchanged: turned"]


def test_evaluation_is_delongs_by_group() -> None:
    rng = np.random.default_rng(8)
    ratio = rng.random(60)
    predicted = ratio + rng.normal(0, 0.3, 60)
    predicted[0] = np.nan
    groups = {
        "all": np.ones(60, bool),
        "first": np.arange(60) < 20,
        "one": np.arange(60) == 3,
        "none": np.zeros(60, bool),
    }
    table = evaluate(ratio > 0.5, predicted, groups)
    assert list(table["group"]) == list(groups)
    assert list(table["n"]) == [59, 19, 1, 0]
    assert (table["auroc"].iloc[0], table["variance"].iloc[0]) == delong(ratio[1:] > 0.5, predicted[1:])
    assert table["auroc"].iloc[2:].isna().all()
    assert (table["reason"] == "").tolist() == [True, True, False, False]


def write_scores(path: Path, table: pd.DataFrame, ref: np.ndarray, alt: np.ndarray, stats: str) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as out:
        for name, column in (("chr", "chrom"), ("ref_allele", "ref"), ("alt_allele", "alt")):
            out.create_dataset(name, data=list(table[column]), dtype=text)
        out["pos"] = table["pos"].to_numpy()
        for name in ("target_ids", "target_labels"):
            out.create_dataset(name, data=["other", "T"], dtype=text)
        for name, values in (("REF", ref), ("ALT", alt), ("SAD", alt - ref)):
            if name in stats.split(","):
                out[name] = np.column_stack([np.zeros(len(table)), values]).astype(np.float32)


def write_peaks(path: Path) -> None:
    obs = pd.DataFrame({"chrom": "chr1", "start": [0, 1000], "end": [900, 1900], "n_tracks": [1, 4]}, index=["a", "b"])
    obs["specificity_bin"], obs["cluster"] = ["[1,3)", "[3,inf)"], ["own", "shared"]
    matrix = anndata.AnnData(csr_matrix((2, 4), dtype=np.float32), obs=obs, uns={"edges": np.array([1, 3])})
    matrix.layers["is_peak"] = csr_matrix((2, 4), dtype=bool)
    matrix.write_h5ad(path)


def test_scores_are_evaluated_through_the_scripts(script, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    ref_count = rng.choice([10, 90], 40)
    table = sites(ref_count.tolist(), (100 - ref_count).tolist())
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    ref = np.where(ref_count == 90, 8.0, 2.0)
    ref[0], ref[1] = 5, 5
    write_scores(tmp_path / "sad.h5", table, ref, 10 - ref, "SAD,REF,ALT")
    write_peaks(tmp_path / "peaks.h5ad")
    script("imbalance", "call", "--counts", tmp_path / "c.tsv", "--output", tmp_path / "T.tsv")
    options = ["--calls", tmp_path / "T.tsv", "--scores", tmp_path / "sad.h5", "--track", "T"]
    script("imbalance", "evaluate", *options, "--peaks", tmp_path / "peaks.h5ad", "--output", tmp_path / "E.tsv")
    result = pd.read_csv(tmp_path / "E.tsv", sep="\t").set_index("group")
    assert list(result.columns[:6]) == ["n", "n_positive", "auroc", "variance", "low", "high"]
    groups = ["all", "cluster:own", "cluster:shared", "specificity:[1,3)", "specificity:[3,inf)", "no peak"]
    assert list(result.index) == groups
    assert list(result["n"]) == [40, 9, 9, 9, 9, 22]
    expected = delong(ref_count == 90, ref / 10)
    assert result.loc["all", "auroc"] == pytest.approx(expected.value)
    assert result.loc["all", "variance"] == pytest.approx(expected.variance)


def test_sad_stands_in_for_scores_of_the_alleles(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accessiflow.scoring.lookup import open_scores

    table = sites([90, 5, 5], [10, 95, 95])
    monkeypatch.setattr("accessiflow.log.log.propagate", True)
    write_scores(tmp_path / "sad.h5", table.iloc[:2], np.array([1.0, 2.0]), np.array([4.0, 1.0]), "SAD")
    with open_scores([tmp_path / "sad.h5"]) as scores:
        predicted = predicted_ref_share(table, scores, "T")
    assert predicted[:2].tolist() == [-3.0, 1.0]
    assert np.isnan(predicted[2])
    assert "stands in" in caplog.text
    assert list(site_groups(table, None)) == ["all"]


def test_imbalanced_sites_are_told_from_balanced_ones_by_the_log_ratio(script, tmp_path: Path) -> None:
    ref_count = np.array([90, 10, 95, 5, 88, 50, 48, 52, 51, 49])
    table = sites(ref_count.tolist(), (100 - ref_count).tolist())
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    ref = np.array([8, 1, 9, 3, 5.5, 5, 6, 5.2, 4.9, 7.5])
    write_scores(tmp_path / "sad.h5", table, ref, 10 - ref, "SAD,REF,ALT")
    script("imbalance", "call", "--counts", tmp_path / "c.tsv", "--output", tmp_path / "T.tsv")
    options = ["--calls", tmp_path / "T.tsv", "--scores", tmp_path / "sad.h5", "--track", "T"]
    script("imbalance", "evaluate", *options, "--outcome", "imbalance", "--output", tmp_path / "E.tsv")
    result = pd.read_csv(tmp_path / "E.tsv", sep="\t").iloc[0]
    assert (result["n"], result["n_positive"]) == (10, 5)
    expected = delong(np.arange(10) < 5, np.abs(np.log((10 - ref) / ref)))
    assert result["auroc"] == pytest.approx(expected.value)
    assert result["variance"] == pytest.approx(expected.variance)


def test_without_balanced_sites_imbalance_has_a_reason() -> None:
    table = evaluate(np.ones(3, bool), np.arange(3.0), {"all": np.ones(3, bool)}, IMBALANCE)
    assert np.isnan(table["auroc"].iloc[0])
    assert table["reason"].iloc[0] == "3 imbalanced and 0 balanced sites: both must be at least 1"


def test_sites_whose_reads_may_map_elsewhere_are_not_tested(tmp_path: Path) -> None:
    table = sites([30, 30, 30, 30, 30], [1, 1, 1, 1, 1])
    marks = ["unique", "alt elsewhere", "NA", "unique", "ref elsewhere"]
    pd.concat([table.assign(mappability=marks), table.iloc[3:4].assign(mappability="both elsewhere")]).to_csv(
        tmp_path / "c.tsv", sep="\t", index=False
    )
    counts = imbalance.read_counts(tmp_path / "c.tsv")
    assert list(counts["mappability"]) == ["unique", "alt elsewhere", "unique", "both elsewhere", "ref elsewhere"]
    called, _ = imbalance.call(counts)
    assert list(called["label"] == "imbalanced") == [True, False, True, False, False]
    assert list(called["reason"] == "") == [True, False, True, False, False]
    assert called["q"].isna().sum() == 3


def test_the_predicted_share_of_nothing_is_unknown() -> None:
    share = ref_share(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 1.0]))
    assert np.isnan(share[0])
    assert share[1:].tolist() == [0.5, 0.75]


def test_bad_counts_are_refused(refused, tmp_path: Path) -> None:
    table, path = sites([30, 2], [1, 30]), tmp_path / "c.tsv"
    for wrong, message in (
        (table.assign(ref_count=[1.5, 2]), "column ref_count: expected an integer, found '1.5'"),
        (table.assign(alt_count=[-1, 2]), "column alt_count: expected an integer, found '-1'"),
        (table.assign(pos=[0, 2]), "pos must be at least 1"),
        (table.assign(ref_count=["x", "2"]), "found 'x'"),
        (table.drop(columns="alt"), "lacks the column(s) alt"),
        (table.iloc[:0], "no row"),
    ):
        wrong.to_csv(path, sep="\t", index=False)
        with pytest.raises(InputError) as error:
            imbalance.read_counts(path)
        assert message in str(error.value)
        assert str(path) in str(error.value)
    assert "no row" in refused("imbalance", "call", "--counts", path, "--output", tmp_path / "T.tsv")
    assert not (tmp_path / "T.tsv").exists()


def test_scores_of_other_variants_or_tracks_are_refused(tmp_path: Path) -> None:
    from accessiflow.scoring.lookup import open_scores

    table = sites([90, 5], [10, 95])
    write_scores(tmp_path / "sad.h5", table.assign(chrom="1"), np.ones(2), np.ones(2), "SAD")
    with open_scores([tmp_path / "sad.h5"]) as scores:
        with pytest.raises(InputError, match="none of the 2 sites"):
            predicted_ref_share(table, scores, "other")
        with pytest.raises(InputError, match="no track X"):
            predicted_ref_share(table, scores, "X")
    table.to_csv(tmp_path / "c.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match="ratio, label"):
        read_labelled(tmp_path / "c.tsv")


def test_equal_rows_of_most_sites_are_warned_of_as_copies(tmp_path: Path, warned: Callable[[], list[str]]) -> None:
    line = "chr1\t{}00\tA\tC\t{}\t10\n"
    copies, samples = (tmp_path / name for name in ("copies.tsv", "samples.tsv"))
    copies.write_text("\t".join(COLUMNS) + "\n" + "".join(line.format(i, 22) for i in range(1, 41)) * 3)
    # of two samples some sites agree by chance
    rows = "".join(line.format(i, 22 + (k and i % 4)) for i in range(1, 41) for k in (0, 1))
    samples.write_text("\t".join(COLUMNS) + "\n" + rows)
    imbalance.read_counts(samples)
    assert warned() == []
    assert list(imbalance.read_counts(copies)["ref_count"]) == [66] * 40
    assert "all rows of 40 of the 40 repeated sites are equal" in warned()[0]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.floats(1e-5, 0.5))
def test_tails_of_deep_sites_are_the_sum_of_their_definition(k: int, rho: float) -> None:
    from scipy.stats import betabinom

    depth, shape = 20_001, (1 / rho - 1) / 2
    assert depth > tails.SUMMED_TO
    found = tails.beta_binomial_cdf(np.array([k]), np.array([depth]), shape)[0]
    expected = betabinom.pmf(np.arange(k + 1), depth, shape, shape).sum()
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-290)


def test_a_call_takes_no_more_for_deep_sites() -> None:
    depth = 10**8
    ref = [int(depth * share) for share in (0.3, 0.45, 0.5, 0.6)]
    tracemalloc.start()
    table, rho = imbalance.call(sites(ref, [depth - n for n in ref]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 26  # one number a read would be 800 MB
    assert rho > 0.01
    assert table["p_betabinomial"].between(0, 1).all()
    assert table["p_betabinomial"].iloc[2] == pytest.approx(1, abs=1e-3)


def test_sites_scored_with_exchanged_alleles_have_the_share_of_their_own_ref(tmp_path: Path) -> None:
    from accessiflow.scoring.lookup import open_scores

    table = sites([90, 5, 30], [10, 95, 30])
    exchanged = table.assign(ref=["A", "G", "A"], alt=["G", "A", "G"])
    write_scores(tmp_path / "sad.h5", exchanged, np.array([3.0, 1, 2]), np.array([1.0, 3, 2]), "REF,ALT,SAD")
    with open_scores([tmp_path / "sad.h5"]) as scores:
        share = predicted_ref_share(table, scores, "T")
    assert share.tolist() == [0.75, 0.75, 0.5]


def test_sites_are_counted_by_label_and_reason(tmp_path, script):
    rows = ["chrom\tpos\tref\talt\tref_count\talt_count"]
    rows += [
        f"chr1\t{10 * i}\tA\tC\t{ref}\t{alt}" for i, (ref, alt) in enumerate([(60, 0), (25, 25), (26, 24), (9, 9)], 1)
    ]
    (tmp_path / "c.tsv").write_text("\n".join(rows) + "\n")
    outputs = ("--output", tmp_path / "T.calls.tsv", "--sites", tmp_path / "T.sites.tsv")
    script("imbalance", "call", "--counts", tmp_path / "c.tsv", *outputs)
    found = pd.read_csv(tmp_path / "T.sites.tsv", sep="\t", keep_default_na=False)
    assert found.to_numpy().tolist() == [
        ["balanced", "", 2],
        ["imbalanced", "", 1],
        ["neither", "no more than 20 reads", 1],
    ]
    assert found["n"].sum() == len(pd.read_csv(tmp_path / "T.calls.tsv", sep="\t"))
