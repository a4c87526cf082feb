"""Models that are no Keras networks.

The adapter protocol, the k-mer ridge, predictions from elsewhere, single-task models put together.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyBigWig
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import RidgeCV

from accessiflow.errors import InputError
from accessiflow.genome import decode, one_hot, reverse_complement
from accessiflow.model.kmer_ridge import KmerRidge, kmer_counts
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.importing import import_predictions
from accessiflow.prediction.joining import merge_predictions
from accessiflow.prediction.loading import load_predictor
from accessiflow.scoring.joining import join_scores
from accessiflow.training.batches import FoldArrays
from accessiflow.training.kmer_ridge import fit_ridge, train_kmer_ridge

ROOT = Path(__file__).resolve().parents[2]
LENGTH, CROP = 60, 20


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder of 500 windows whose targets follow a 2-mer."""
    from accessiflow.dataset.tfrecords import write_records

    out, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(4)
    codes = rng.integers(0, 4, (500, LENGTH), dtype=np.uint8)
    counts = kmer_counts(codes, 2, LENGTH)[:, 6]
    targets = np.stack([2.0 ** (counts / 2), 2.0 ** (8 - counts)], axis=1)[:, None, :].astype(np.float32)
    folds = {"train": (0, 400), "valid": (400, 450), "test": (450, 500)}
    (out / "tfrecords").mkdir()
    with open(out / "sequences.bed", "w") as bed:
        for fold, (low, high) in folds.items():
            write_records(out / "tfrecords" / f"{fold}-0.tfr", zip(codes[low:high], targets[low:high], strict=True))
            bed.writelines(f"chr1\t{i * 100}\t{i * 100 + LENGTH}\t{fold}\n" for i in range(low, high))
    facts = {
        "num_targets": 2,
        "seq_length": LENGTH,
        "pool_width": LENGTH - 2 * CROP,
        "crop_bp": CROP,
        "target_length": 1,
    }
    (out / "statistics.json").write_text(json.dumps(facts | {f"{f}_seqs": b - a for f, (a, b) in folds.items()}))
    (out / "targets.txt").write_text("index\tidentifier\tsum_stat\tdescription\n0\tA\tsum\tcell A\n1\tB\tsum\tcell B\n")
    return out


@pytest.fixture(scope="module")
def test_fold(dataset: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Central bases of the test windows, and their targets (n, T)."""
    from accessiflow.dataset.tfrecords import load_fold

    sites = pd.DataFrame({"chrom": "chr1", "start": np.arange(450, 500) * 100 + CROP})
    return sites.assign(end=sites["start"] + LENGTH - 2 * CROP), load_fold(dataset, "test")[1][:, 0]


@given(st.integers(1, 4), st.integers(4, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_kmers_are_counted_as_one_would_by_hand(k: int, central: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 5, (3, 50), dtype=np.uint8)
    found = kmer_counts(codes, k, central)
    first = (50 - central) // 2
    for row, text in zip(found, map(decode, codes), strict=True):
        sites = [text[i : i + k] for i in range(first, min(first + central, 50 - k + 1))]
        assert row.sum() == sum("N" not in s for s in sites)
        assert row[0] == sites.count("A" * k) and row[-1] == sites.count("T" * k)


def test_the_ridge_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (300, 40), dtype=np.uint8)
    y = rng.gamma(2, 2, (300, 1, 3)).astype(np.float32)
    found = fit_ridge(FoldArrays(codes, y), 2, 40, [1.0, 30.0, 1000.0])
    x = kmer_counts(codes, 2, 40).astype(float)
    z = (x - x.mean(0)) / (x.std(0) + 1e-6)
    expected = RidgeCV(alphas=[1.0, 30.0, 1000.0]).fit(z, np.log2(y[:, 0].astype(float) + 1))
    assert found.penalty == expected.alpha_
    np.testing.assert_allclose(found.coefficients, expected.coef_.T, atol=1e-8)
    np.testing.assert_allclose(found.intercepts, expected.intercept_, atol=1e-8)


def test_a_trained_ridge_predicts_through_the_common_interface(dataset: Path, tmp_path: Path) -> None:
    preset = tmp_path / "ridge.json"
    preset.write_text(
        json.dumps({"adapter": "kmer_ridge", "model": {"k": 2, "central": 60}, "train": {"penalties": [0.1]}})
    )
    train_kmer_ridge(preset, dataset, tmp_path / "m")
    predictor = load_predictor(tmp_path / "m" / "params.json", tmp_path / "m" / "model_best.h5")
    assert predictor.engine == "the adapter kmer_ridge"
    metrics = json.loads((tmp_path / "m" / "metrics.json").read_text())
    assert metrics["val_pearsonr"] > 0.95 and metrics["tracks"] == ["A", "B"]
    codes = np.random.default_rng(0).integers(0, 4, (7, LENGTH), dtype=np.uint8)
    ridge = KmerRidge(tmp_path / "m" / "params.json", tmp_path / "m" / "model_best.h5")
    np.testing.assert_allclose(predictor.predict(codes), ridge.predict(one_hot(codes)), rtol=1e-6)
    both = (ridge.predict(one_hot(codes)).astype(float) + ridge.predict(one_hot(reverse_complement(codes)))) / 2
    np.testing.assert_allclose(predictor.ensemble(codes, Ensemble(True)), both, rtol=1e-6)
    train_kmer_ridge(preset, dataset, tmp_path / "single", ["B"])
    assert json.loads((tmp_path / "single" / "metrics.json").read_text())["tracks"] == ["B"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"k": 9}, "1 to 6 in model.k"), ({"central": 1}, "model.central"), ({"kernel": 3}, "unknown key model.kernel")],
)
def test_a_ridge_that_makes_no_sense_is_refused(dataset: Path, tmp_path: Path, change: dict, message: str) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"adapter": "kmer_ridge", "model": change}))
    with pytest.raises(InputError, match=message):
        train_kmer_ridge(tmp_path / "p.json", dataset, tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_the_documented_adapter_works(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.+?)```", (ROOT / "docs" / "adapters.md").read_text(), re.DOTALL)
    assert block is not None and len(block[1].splitlines()) <= 40
    (tmp_path / "gc.py").write_text(block[1])
    (tmp_path / "params.json").write_text('{"seq_length": 30}')
    (tmp_path / "slopes.txt").write_text("10\n20\n")
    predictor = load_predictor(tmp_path / "params.json", tmp_path / "slopes.txt", f"{tmp_path}/gc.py:ShareOfGC")
    codes = np.random.default_rng(0).integers(0, 4, (100, 30), dtype=np.uint8)
    share = np.isin(codes, (1, 2)).mean(axis=1)
    np.testing.assert_allclose(predictor.predict(codes)[:, 0], share[:, None] * [10, 20], rtol=1e-5)
    predictor.keep([1])
    np.testing.assert_allclose(predictor.ensemble(codes, Ensemble(True))[:, 0, 0], share * 20, rtol=1e-5)


def test_a_file_cannot_name_code_to_run(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('ran')")
    (tmp_path / "params.json").write_text(json.dumps({"adapter": f"{tmp_path}/evil.py:X"}))
    with pytest.raises(InputError, match="names the adapter"):
        load_predictor(tmp_path / "params.json", tmp_path / "x")


@pytest.mark.parametrize(
    ("text", "message"),
    [("class X:\n    def __init__(self, a, b): pass\n", "lacks seq_length"), ("x = 1\n", "has no class X")],
)
def test_a_class_that_is_no_adapter_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.py").write_text(text)
    with pytest.raises(InputError, match=message):
        load_predictor(tmp_path / "p.json", tmp_path / "w", f"{tmp_path}/a.py:X")


def write_given(kind: str, folder: Path, sites: pd.DataFrame, values: np.ndarray) -> tuple[Path, dict]:
    order = np.random.default_rng(0).permutation(len(sites))
    mixed, shuffled = sites.iloc[order], values[order]
    if kind == "tsv":
        mixed.assign(B=shuffled[:, 1], A=shuffled[:, 0]).to_csv(folder / "p.tsv", sep="\t", index=False)
        return folder / "p.tsv", {}
    if kind == "basenji":
        with h5py.File(folder / "predict.h5", "w") as out:
            out["preds"], out["chrom"] = shuffled[:, None, ::-1], mixed["chrom"].to_numpy().astype("S")
            out["start"], out["end"], out["target_ids"] = mixed["start"] - 30, mixed["end"] + 30, np.array([b"B", b"A"])
        return folder / "predict.h5", {}
    if kind == "sei":
        with h5py.File(folder / "x_predictions.h5", "w") as out:
            out["data"] = shuffled
        mixed.assign(index=range(len(mixed)), strand="+")[["index", "chrom", "start", "end", "strand"]].to_csv(
            folder / "x_row_labels.txt", sep="\t", header=False, index=False
        )
        return folder / "x_predictions.h5", {"names": {"A": "0", "B": "1"}}
    if kind == "h5ad":
        import anndata

        obs = mixed.set_axis([f"w{i}" for i in range(len(mixed))], axis=0)
        anndata.AnnData(X=shuffled, obs=obs, var=pd.DataFrame(index=["A", "B"])).write_h5ad(folder / "p.h5ad")
        return folder / "p.h5ad", {}
    (folder / "bw").mkdir()
    for i, name in enumerate("AB"):
        out = pyBigWig.open(str(folder / "bw" / f"{name}.bw"), "w")
        out.addHeader([("chr1", 60_000)])
        wide = (sites["end"] - sites["start"]).to_numpy()
        out.addEntries(
            ["chr1"] * len(sites),
            sites["start"].tolist(),
            ends=sites["end"].tolist(),
            values=(values[:, i] / wide).tolist(),
        )
        out.close()
    return folder / "bw", {}


@pytest.mark.parametrize("kind", ["tsv", "basenji", "sei", "h5ad", "bigwig"])
def test_predictions_from_elsewhere_are_aligned(dataset: Path, test_fold: tuple, tmp_path: Path, kind: str) -> None:
    sites, targets = test_fold
    given, options = write_given(kind, tmp_path, sites, targets * 2 + 1)
    accuracy = import_predictions([given], dataset, tmp_path / "out", **options)
    np.testing.assert_allclose(accuracy.pearson(), 1, atol=1e-6)
    with h5py.File(tmp_path / "out" / "preds.h5") as out:
        np.testing.assert_allclose(out["preds"][:, 0], targets * 2 + 1, rtol=1e-5)
        assert out["start"][0] == sites["start"][0] and [t.decode() for t in out["target_ids"]] == ["A", "B"]


def test_missing_windows_are_refused_or_left_out(dataset: Path, test_fold: tuple, tmp_path: Path) -> None:
    sites, targets = test_fold
    sites.assign(A=targets[:, 0], B=targets[:, 1]).iloc[3:].to_csv(tmp_path / "p.tsv", sep="\t", index=False)
    with pytest.raises(InputError, match=r"lacks 3 of the 50 test windows, the first around chr1:45030"):
        import_predictions([tmp_path / "p.tsv"], dataset, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    import_predictions([tmp_path / "p.tsv"], dataset, tmp_path / "out", exclude=True)
    with h5py.File(tmp_path / "out" / "targets.h5") as out:
        assert len(out["targets"]) == 47


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.drop(columns="B"), "has no track B"),
        (lambda t: t.assign(A=np.nan), "expected finite numbers"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "two windows around chr1:45030"),
    ],
)
def test_predictions_that_do_not_fit_are_refused_by_name(
    dataset: Path, test_fold: tuple, tmp_path: Path, edit, message: str
) -> None:
    sites, targets = test_fold
    edit(sites.assign(A=targets[:, 0], B=targets[:, 1])).to_csv(tmp_path / "p.tsv", sep="\t", index=False, na_rep="nan")
    with pytest.raises(InputError, match=message):
        import_predictions([tmp_path / "p.tsv"], dataset, tmp_path / "out")


def test_single_task_predictions_are_joined_in_the_order_asked_for(
    dataset: Path, test_fold: tuple, tmp_path: Path
) -> None:
    sites, targets = test_fold
    for i, name in enumerate("AB"):
        sites.assign(**{name: targets[:, i] + i, "other": 0.0}).to_csv(tmp_path / f"{name}.tsv", sep="\t", index=False)
    sites.assign(A=targets[:, 0], B=targets[:, 1] + 1).to_csv(tmp_path / "both.tsv", sep="\t", index=False)
    import_predictions([tmp_path / "both.tsv"], dataset, tmp_path / "both")
    for i, name in enumerate("AB"):
        (tmp_path / name).mkdir()
        for file, key in (("preds.h5", "preds"), ("targets.h5", "targets")):
            with h5py.File(tmp_path / "both" / file) as source, h5py.File(tmp_path / name / file, "w") as out:
                for item in source:
                    value = source[item][()]
                    out[item] = (
                        value[:, :, i : i + 1]
                        if item == key
                        else value[i : i + 1]
                        if item.startswith("target_")
                        else value
                    )
    merge_predictions([tmp_path / "B", tmp_path / "A"], tmp_path / "out", ["A", "B"])
    for file in ("preds.h5", "targets.h5", "acc.txt"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "both" / file).read_bytes()
    with pytest.raises(InputError, match="the track A is in two"):
        merge_predictions([tmp_path / "A", tmp_path / "A"], tmp_path / "twice")
    with pytest.raises(InputError, match="none has C"):
        merge_predictions([tmp_path / "A"], tmp_path / "other", ["C"])


def test_folds_of_a_rotation_are_joined_window_below_window(dataset: Path, test_fold: tuple, tmp_path: Path) -> None:
    sites, targets = test_fold
    sites.assign(A=targets[:, 0], B=targets[:, 1]).to_csv(tmp_path / "all.tsv", sep="\t", index=False)
    import_predictions([tmp_path / "all.tsv"], dataset, tmp_path / "whole")
    for name, rows in (("f1", slice(0, 20)), ("f2", slice(20, 50)), ("again", slice(10, 15))):
        (tmp_path / name).mkdir()
        for file in ("preds.h5", "targets.h5"):
            with h5py.File(tmp_path / "whole" / file) as source, h5py.File(tmp_path / name / file, "w") as out:
                for item in source:
                    out[item] = source[item][()] if item.startswith("target_") else source[item][rows]
    merge_predictions([tmp_path / "f1", tmp_path / "f2"], tmp_path / "out")
    for file in ("preds.h5", "targets.h5", "acc.txt"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    with pytest.raises(InputError, match="folds must not overlap"):
        merge_predictions([tmp_path / "f1", tmp_path / "again"], tmp_path / "bad")


def test_scores_of_single_task_models_are_joined(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = rng.normal(size=(5, 3)).astype(np.float32)
    for name, columns in (("all", [0, 1, 2]), ("a", [0]), ("bc", [1, 2]), ("moved", [1])):
        (tmp_path / name).mkdir()
        with h5py.File(tmp_path / name / "sad.h5", "w") as out:
            out["SAD"], out["pos"] = whole[:, columns], np.arange(5, dtype=np.uint32) + (name == "moved")
            for key in ("snp", "chr", "ref_allele", "alt_allele"):
                out[key] = np.array([b"x"] * 5)
            out["target_ids"] = out["target_labels"] = np.array([f"t{c}".encode() for c in columns])
    assert join_scores([tmp_path / "a" / "sad.h5", tmp_path / "bc" / "sad.h5"], tmp_path / "out") == (5, 3)
    with h5py.File(tmp_path / "out" / "sad.h5") as out:
        assert np.array_equal(out["SAD"], whole) and out["SAD_pct"].shape == (3, 279)
        assert [t.decode() for t in out["target_ids"]] == ["t0", "t1", "t2"]
    with pytest.raises(InputError, match="other variants"):
        join_scores([tmp_path / "a" / "sad.h5", tmp_path / "moved" / "sad.h5"], tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
