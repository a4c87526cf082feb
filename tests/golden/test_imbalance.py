"""Allelic imbalance calls against the sets re-derived from the paper's rules, and on real counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def test_the_imbalanced_and_balanced_sets_are_the_papers(script, golden: Path, tmp_path: Path) -> None:
    theirs = np.load(golden / "kathail2024/10b_imbalance_sets_rederived.npz")
    ref, total, kept = theirs["ref_count"], theirs["total"], theirs["kept"]
    table = pd.DataFrame(
        {
            "chrom": "chr1",
            "pos": np.arange(len(ref)) + 1,
            "ref": "A",
            "alt": "G",
            "ref_count": ref,
            "alt_count": total - ref,
        }
    )
    table.to_csv(tmp_path / "counts.tsv", sep="\t", index=False)
    script("imbalance", "call", "--counts", tmp_path / "counts.tsv", "--output", tmp_path / "T.tsv")
    ours = pd.read_csv(tmp_path / "T.tsv", sep="\t")
    np.testing.assert_allclose(ours["p_binomial"], theirs["binom_p"], rtol=1e-9)
    np.testing.assert_allclose(ours["q"][kept], theirs["q_bh"][kept], rtol=1e-9)
    assert ours["q"][~kept].isna().all()
    np.testing.assert_allclose((ours["ratio"] - 0.5).abs()[kept], theirs["abs_imbalance"][kept], rtol=0, atol=1e-12)
    assert np.array_equal(ours["label"] == "imbalanced", theirs["imbalanced"])
    assert np.array_equal(ours["label"] == "balanced", theirs["non_imbalanced"])


def test_real_counts_of_ten_people(script, shared: Path, tmp_path: Path) -> None:
    counts = pd.read_csv(shared / "data/allelic_counts_chr22_hg19/H3K27ac_YRI10.allelic_counts.tsv.gz", sep="\t")
    counts.rename(columns={"pos_hg19": "pos"}).to_csv(tmp_path / "counts.tsv.gz", sep="\t", index=False)
    script("imbalance", "call", "--counts", tmp_path / "counts.tsv.gz", "--output", tmp_path / "T.tsv")
    ours = pd.read_csv(tmp_path / "T.tsv", sep="\t")
    assert len(ours) == len(counts.drop_duplicates(["pos_hg19", "ref", "alt"]))
    assert ours["n_rows"].sum() == len(counts)
    assert (ours["ref_count"] + ours["alt_count"]).sum() == counts["ref_count"].sum() + counts["alt_count"].sum()
    tested = ours[ours["q"].notna()]
    assert ((tested["ref_count"] + tested["alt_count"]) > 20).all()
    assert 0.4 < tested["ratio"].median() < 0.6
    assert (tested["label"] == "balanced").mean() > (tested["label"] == "imbalanced").mean()
