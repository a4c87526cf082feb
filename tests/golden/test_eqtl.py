"""eQTL classification and direction against the paper's own code.

Its toy data, scikit-learn's forests with seed 42.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

EDGES = [1, 10, 50, 100, 300]
LABELS = ["[1,10)", "[10,50)", "[50,100)", "[100,300)", "[300,inf)"]
VCF_KEY = ["c", "s", "snp", "a1", "a2"]


class Toy(NamedTuple):
    """The toy tissue.

    Variants in the order of the deduplicated VCF, fine-mapping rows, scores (variants, 16), and the original's results.
    """

    variants: pd.DataFrame
    fine_mapped: pd.DataFrame
    sad: np.ndarray
    negative_sad: np.ndarray | None
    results: pd.DataFrame
    inputs: dict[str, np.ndarray]


def load(golden: Path, number: str) -> Toy:
    folder = golden / "kathail2024"
    stem = {"08": "08_eqtl_rf", "09": "09_eqtl_direction"}[number]
    inputs = dict(np.load(folder / f"{stem}_inputs.npz"))
    variants = (
        pd.read_csv(folder / f"{number}_pos_intersect.tsv.gz", sep="\t", dtype={"bn": str})
        .drop_duplicates(VCF_KEY)
        .reset_index(drop=True)
    )
    susie = pd.read_csv(folder / f"{number}_susie.tsv.gz", sep="\t")
    merged = variants.merge(susie, left_on="snp", right_on="variant")
    fine_mapped = merged.rename(columns={"c": "chrom", "s": "pos", "a1": "ref", "a2": "alt", "beta_marginal": "beta"})
    results = pd.read_csv(folder / f"{stem}.tsv", sep="\t")
    return Toy(variants, fine_mapped, inputs["sad_pos"], inputs.get("sad_neg"), results, inputs)


def write_scores(path: Path, chrom: list[str], pos: np.ndarray, sad: np.ndarray) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as out:
        for name, values in (
            ("chr", chrom),
            ("ref_allele", ["A"] * len(pos)),
            ("alt_allele", ["G"] * len(pos)),
            ("snp", ["."] * len(pos)),
        ):
            out.create_dataset(name, data=list(values), dtype=text)
        out["pos"], out["SAD"] = pos, sad
        for name in ("target_ids", "target_labels"):
            out.create_dataset(name, data=[f"t{i}" for i in range(sad.shape[1])], dtype=text)


def write_peaks(path: Path, toy: Toy) -> None:
    """One bin of one base for each variant in a peak, so that no two share a bin; 684 tracks give the paper's edges."""
    inside = toy.variants[toy.variants["bn"] != "."]
    counts = toy.inputs["peak_in_num_cell_types"][inside["bn"].astype(int)]
    obs = pd.DataFrame(
        {
            "chrom": inside["c"].to_numpy(),
            "start": inside["s"].to_numpy() - 1,
            "end": inside["s"].to_numpy(),
            "n_tracks": counts,
        }
    )
    obs["specificity_bin"] = np.array(["", *LABELS])[np.digitize(counts, EDGES)]
    obs["cluster"] = "shared"
    obs.index = obs.index.astype(str)
    var = pd.DataFrame(index=[f"t{i}" for i in range(684)])
    matrix = anndata.AnnData(
        csr_matrix((len(obs), 684), dtype=np.float32), obs=obs, var=var, uns={"edges": np.array(EDGES)}
    )
    matrix.layers["is_peak"] = csr_matrix((len(obs), 684), dtype=bool)
    matrix.write_h5ad(path)


@pytest.fixture(scope="module")
def toy08(golden: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Toy, Path]:
    toy, folder = load(golden, "08"), tmp_path_factory.mktemp("eqtl08")
    assert toy.negative_sad is not None
    negatives = pd.read_csv(golden / "kathail2024/08_neg_intersect.tsv.gz", sep="\t").drop_duplicates(VCF_KEY)
    toy.fine_mapped[["chrom", "pos", "ref", "alt", "pip", "beta", "gene"]].to_csv(
        folder / "positives.tsv", sep="\t", index=False
    )
    table = negatives.rename(columns={"s": "pos", "a1": "ref", "a2": "alt"}).assign(chrom="chr2")[
        ["chrom", "pos", "ref", "alt"]
    ]
    table.to_csv(folder / "negatives.tsv", sep="\t", index=False)
    pd.read_csv(golden / "kathail2024/08_genes.tsv.gz", sep="\t").rename(columns={"txStart": "tx_start"}).to_csv(
        folder / "genes.tsv", sep="\t", index=False
    )
    write_scores(folder / "pos.h5", list(toy.variants["c"]), toy.variants["s"].to_numpy(), toy.sad)
    write_scores(folder / "neg.h5", list(table["chrom"]), table["pos"].to_numpy(), toy.negative_sad)
    write_peaks(folder / "peaks.h5ad", toy)
    (folder / "even.txt").write_text("".join(f"t{i}\n" for i in range(0, 16, 2)))
    return toy, folder


def run_classify(script, folder: Path, name: str, *options: object) -> pd.DataFrame:
    script(
        "eqtl", "classify", "--positives", folder / "positives.tsv", "--negatives", folder / "negatives.tsv",
        "--scores", folder / "pos.h5",
        "--scores", folder / "neg.h5", "--peaks", folder / "peaks.h5ad", "--folds", 8, "--seed", 42, "--threads", 1,
        "--output", folder / f"{name}.tsv", *options,
    )  # fmt: skip
    return pd.read_csv(folder / f"{name}.tsv", sep="\t", keep_default_na=False, na_values=["NA"])


@pytest.mark.parametrize(
    ("model", "options"), [("Enformer", ["--track-list", "even.txt"]), pytest.param("Sei", [], marks=pytest.mark.slow)]
)
def test_classification_is_the_original_one(script, toy08: tuple[Toy, Path], model: str, options: list[str]) -> None:
    toy, folder = toy08
    extra = [folder / o if o.endswith(".txt") else o for o in options]
    ours = run_classify(script, folder, model, "--genes", folder / "genes.tsv", *extra)
    theirs = toy.results[toy.results["Model"] == model]
    assert list(ours["bin"]) == LABELS
    evaluated = ours.iloc[:4]
    assert list(evaluated["n_positive"]) == list(theirs["Positive set size"])
    assert list(evaluated["n_negative"]) == list(theirs["Positive set size"])
    np.testing.assert_allclose(evaluated["auroc"], theirs["AUC"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(evaluated["auprc"], theirs["AUPRC"], rtol=0, atol=1e-9)
    for i, distance in enumerate(evaluated["tss_distance"]):
        assert abs(distance - np.median(toy.inputs[f"{i}_tss"])) <= 1
    assert ((evaluated["auroc_low"] < evaluated["auroc"]) & (evaluated["auroc"] < evaluated["auroc_high"])).all()
    assert ours["reason"].iloc[4].startswith("0 variants")
    assert np.isnan(ours["auroc"].iloc[4])


def test_single_track_scores_are_the_original_ones(script, golden: Path, toy08: tuple[Toy, Path]) -> None:
    ours = run_classify(script, toy08[1], "single", "--single-track").iloc[:4]
    theirs = pd.read_csv(golden / "kathail2024/08_eqtl_single_track.tsv", sep="\t")
    assert list(ours["n_positive"]) == list(theirs["Positive set size"])
    np.testing.assert_allclose(ours["auroc"], theirs["AUC"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours["auprc"], theirs["AUPRC"], rtol=0, atol=1e-9)


def test_direction_is_the_original_one(script, golden: Path, tmp_path: Path) -> None:
    toy = load(golden, "09")
    columns = ["chrom", "pos", "ref", "alt", "pip", "beta", "gene", "minor_allele", "allele2"]
    toy.fine_mapped[columns].to_csv(tmp_path / "variants.tsv", sep="\t", index=False)
    write_scores(tmp_path / "sad.h5", list(toy.variants["c"]), toy.variants["s"].to_numpy(), toy.sad)
    write_peaks(tmp_path / "peaks.h5ad", toy)
    (tmp_path / "even.txt").write_text("".join(f"t{i}\n" for i in range(0, 16, 2)))
    script(
        "eqtl", "direction", "--variants", tmp_path / "variants.tsv", "--scores", tmp_path / "sad.h5", "--peaks",
        tmp_path / "peaks.h5ad",
        "--folds", 8, "--seed", 42, "--output", tmp_path / "T.tsv", "--track-list", tmp_path / "even.txt",
    )  # fmt: skip
    ours = pd.read_csv(tmp_path / "T.tsv", sep="\t").iloc[:4]
    theirs = toy.results[toy.results["Model"] == "Enformer"]
    assert list(ours["n_positive"] + ours["n_negative"]) == list(theirs["Test set size"])
    assert list(ours["n_positive"]) == [int(toy.inputs[f"{i}_y"].sum()) for i in range(4)]
    np.testing.assert_allclose(ours["auroc"], theirs["AUC"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours["auprc"], theirs["AUPRC"], rtol=0, atol=1e-9)
