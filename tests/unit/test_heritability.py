"""LD scores by their definition, |SAD| splits, the meta-analysis, and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.heritability.ld_scores import CHUNK, block_lefts, ld_scores, standardise
from accessiflow.heritability.panel import open_panel
from accessiflow.heritability.splits import Split, describe, sad_splits
from accessiflow.heritability.summary import CommonSnps, common_annotations, meta_analysis, meta_table, summarise


def by_definition(z: np.ndarray, left: np.ndarray, annotations: np.ndarray) -> np.ndarray:
    """Every pair that ldsc's rounded windows hold, from the whole correlation matrix."""
    n, people = z.shape
    r2 = (z @ z.T / people) ** 2
    inside = np.zeros((n, n), bool)
    positive = np.flatnonzero(left > 0)
    first = min(int(np.ceil(positive[0] / CHUNK)) * CHUNK, n) if len(positive) else n
    inside[:first, :first] = True
    for start in range(first, n, CHUNK):
        begin = max(start - CHUNK * int(np.ceil((start - left[start]) / CHUNK)), 0)
        rows = slice(start, start + CHUNK)
        inside[begin : start + CHUNK, rows] = inside[rows, begin : start + CHUNK] = True
    return ((r2 - (1 - r2) / (people - 2)) * inside) @ annotations


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(2, 700), step=st.sampled_from([0.001, 0.01, 0.1]))
def test_ld_scores_follow_their_definition_across_gaps(seed, n, step):
    rng = np.random.default_rng(seed)
    cm = np.cumsum(rng.exponential(step, n) + 3 * (rng.random(n) < 0.01))
    counts = rng.integers(0, 3, (n, 20)).astype(np.uint8)
    counts[rng.random(counts.shape) < 0.05] = 255
    z, left, annotations = standardise(counts), block_lefts(cm, 1.0), rng.random((n, 3))
    assert left.tolist() == [next(k for k in range(n) if cm[j] - cm[k] <= 1.0) for j in range(n)]
    ours = ld_scores(lambda low, high: z[low:high], left, annotations, 20)
    np.testing.assert_allclose(ours, by_definition(z, left, annotations), atol=1e-9)


def test_a_distance_of_exactly_one_window_is_inside_as_ldsc_rounds_it():
    cm = np.array([0.3, 1.3])  # 1.3 - 0.3 is 1.0 in float64, 1.3 - 1.0 is above 0.3
    assert block_lefts(cm, 1.0).tolist() == [0, 0]


def test_missing_calls_are_at_the_mean_and_constant_snps_are_zero():
    z = standardise(np.array([[0, 1, 2, 255], [2, 2, 2, 255]], np.uint8))
    np.testing.assert_allclose(z, [[-np.sqrt(2), 0, np.sqrt(2), 0], [0, 0, 0, 0]], atol=1e-12)


MEMBER = {"1": np.array([1, 1, 1, 0], np.int8), "2": np.array([1, 1], np.int8)}
SAD = {"1": np.array([1.0, 2.0, np.nan, 9.0]), "2": np.array([2.0, 3.0])}


def test_splits_pool_chromosomes_keep_ties_and_leave_out_snps_without_score():
    parts = {part.name: part for part in sad_splits(MEMBER, SAD, "p", Split("mean", (0.5,)))}
    assert {c: v.tolist() for c, v in parts["p_mean_sad_bottom_0.5"].flags.items()} == {"1": [1, 1, 0, 0], "2": [1, 0]}
    assert {c: v.tolist() for c, v in parts["p_mean_sad_top_0.5"].flags.items()} == {"1": [0, 1, 0, 0], "2": [1, 1]}
    assert {part.threshold for part in parts.values()} == {2.0}


def test_the_table_of_a_split_counts_its_snps_and_those_without_score():
    split = Split("max", (0.5,), model="enformer")
    table = describe("p", MEMBER, SAD, sad_splits(MEMBER, SAD, "p", split), split).set_index("annotation")
    assert table["n_snps"].to_dict() == {"p": 5, "p_max_sad_bottom_0.5.enformer": 3, "p_max_sad_top_0.5.enformer": 3}
    assert table.loc["p_max_sad_top_0.5.enformer", ["model", "half", "n_set", "n_unscored"]].tolist() == [
        "enformer",
        "top",
        5,
        1,
    ]


@settings(max_examples=40, deadline=None)
@given(
    sad=st.lists(st.one_of(st.floats(0, 10), st.just(float("nan"))), min_size=2, max_size=40).filter(
        lambda v: not np.isnan(v).all()
    ),
    share=st.integers(1, 15).map(lambda k: k / 16),
)
def test_top_and_bottom_of_complementary_shares_cover_the_scored_snps(sad, share):
    values, member = {"1": np.array(sad)}, {"1": np.ones(len(sad), np.int8)}
    first, second = (sad_splits(member, values, "p", Split("mean", (q,))) for q in (share, 1 - share))
    scored = ~np.isnan(values["1"])
    covered = (first[0].flags["1"] == 1) | (second[1].flags["1"] == 1)
    assert (covered == scored).all()
    assert first[0].flags["1"].sum() >= 1


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 3)), min_size=1, max_size=8))
def test_meta_analysis_without_heterogeneity_is_the_fixed_effect(pairs):
    values, errors = np.array(pairs).T
    mean, se, tau2 = meta_analysis(values, errors)
    assert tau2 >= 0
    assert values.min() - 1e-9 <= mean <= values.max() + 1e-9
    weights = 1 / errors**2
    assert se >= 1 / np.sqrt(weights.sum()) - 1e-12
    if tau2 == 0:
        assert mean == pytest.approx((weights * values).sum() / weights.sum(), abs=1e-9)


@settings(deadline=None)
@given(value=st.floats(-5, 5), error=st.floats(0.1, 3), studies=st.integers(1, 12))
def test_meta_analysis_of_identical_studies_is_the_study_with_a_smaller_error(value, error, studies):
    mean, se, tau2 = meta_analysis(np.full(studies, value), np.full(studies, error))
    assert mean == pytest.approx(value, abs=1e-9)
    assert se == pytest.approx(error / np.sqrt(studies), rel=1e-6)
    assert tau2 == pytest.approx(0, abs=1e-9)


def test_meta_analysis_of_a_worked_example():
    mean, se, tau2 = meta_analysis(np.array([0.0, 4.0]), np.array([1.0, 1.0]))  # Q = 8, C = 1
    assert (mean, se, tau2) == pytest.approx((2.0, 2.0, 7.0))


@pytest.fixture
def model(tmp_path) -> str:
    """Frequencies and two annotation sets of one chromosome, the second without a SNP."""
    (tmp_path / "f.1.frq").write_text(
        "CHR SNP A1 A2 MAF NCHROBS\n" + "".join(f"1 rs{i} A C 0.{i + 1} 10\n" for i in range(4))
    )
    (tmp_path / "base.1.annot.gz").write_text("base\n1\n1\n1\n1\n")
    (tmp_path / "x.1.annot.gz").write_text("x\n0\n0\n0\n0\n")
    return f"{tmp_path}/"


def test_a_failed_regression_is_na_with_its_reason(model, tmp_path):
    (tmp_path / "t.x.results").touch()
    (tmp_path / "t.x.log").write_text("Traceback\nValueError: shapes differ\n")
    common = common_annotations([f"{model}base.", f"{model}x."], CommonSnps(f"{model}f."))
    table, facts = summarise(tmp_path / "t.x.results", "x", "t", common)
    assert table["Enrichment"].isna().all()
    assert table["reason"].tolist() == ["no common SNP in x"] * 2
    assert facts["reason"] == "ValueError: shapes differ"
    assert meta_table(table)["n_traits"].tolist() == [0, 0]


def _plink(prefix: Path, size: int) -> None:
    Path(f"{prefix}.bim").write_text("1\trs1\t0.1\t100\tA\tC\n")
    Path(f"{prefix}.fam").write_text("a a 0 0 0 -9\nb b 0 0 0 -9\n")
    Path(f"{prefix}.bed").write_bytes(b"\x6c\x1b\x01" + b"\x0b" * size)


def test_genotypes_count_the_second_allele(tmp_path):
    _plink(tmp_path / "p", 1)  # codes 11 (two of A2) and 10 (one)
    assert open_panel(tmp_path / "p").genotypes(0, 1).tolist() == [[2, 1]]


def test_a_truncated_panel_is_refused(tmp_path, refused):
    _plink(tmp_path / "p", 2)
    assert "p.bed" in refused("heritability", "ld-scores", "--bfile", tmp_path / "p", "--out", tmp_path / "o")
    assert not list(tmp_path.glob("o*"))


def test_files_that_disagree_are_refused_by_name_count_and_snp(tmp_path, refused):
    pd.DataFrame({"c": 1, "s": ["rs1", "rs2"], "m": 0.0, "b": [1, 2], "x": "A", "y": "C"}).to_csv(
        tmp_path / "p.bim", sep="\t", header=False, index=False
    )
    (tmp_path / "p.frq").write_text("CHR SNP A1 A2 MAF NCHROBS\n1 rs1 A C 0.1 4\n1 rs9 A C 0.1 4\n")
    message = refused("heritability", "check", "--bim", tmp_path / "p.bim", "--frq", tmp_path / "p.frq")
    assert all(word in message for word in ("p.frq", "2 SNPs", "rs9", "rs2"))
