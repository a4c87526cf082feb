"""Models compared on the same sites of allelic imbalance."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.errors import InputError
from accessiflow.imbalance.comparison import PAIR_COLUMNS, compare, named_files
from accessiflow.imbalance.evaluation import DIRECTION
from accessiflow.statistics import benjamini_hochberg, delong_paired


def write_scores(path: Path, sites: pd.DataFrame, share: np.ndarray) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as out:
        for name, column in (("chr", "chrom"), ("ref_allele", "ref"), ("alt_allele", "alt")):
            out.create_dataset(name, data=list(sites[column]), dtype=text)
        for name in ("target_ids", "target_labels"):
            out.create_dataset(name, data=["T"], dtype=text)
        out["pos"] = sites["pos"].to_numpy()
        for name, values in (("REF", share), ("ALT", 1 - share), ("SAD", 1 - 2 * share)):
            out[name] = values[:, None].astype(np.float32)


def test_pairs_are_compared_on_the_sites_that_both_score() -> None:
    rng = np.random.default_rng(1)
    labels = rng.random(80) < 0.5
    predicted = {
        name: labels * effect + rng.normal(size=80) for name, effect in (("good", 2.0), ("poor", 0.2), ("none", 0.0))
    }
    predicted["good"][:5] = np.nan
    predicted["none"][75:] = np.nan
    groups = {"all": np.ones(80, bool), "half": np.arange(80) < 40, "one": np.arange(80) == 7}
    table = compare(labels, predicted, groups, DIRECTION)
    assert list(table.columns) == PAIR_COLUMNS
    assert list(table["group"]) == ["all"] * 3 + ["half"] * 3 + ["one"] * 3
    assert list(table["n"].iloc[:3]) == [75, 70, 75]
    expected = delong_paired(labels[5:], predicted["good"][5:], predicted["poor"][5:])
    first = table.iloc[0]
    assert (first["auroc_a"], first["auroc_b"], first["difference"], first["z"], first["p"]) == (
        expected.first, expected.second, expected.difference, expected.z, expected.p,
    )  # fmt: skip
    assert first["low"] < first["difference"] < first["high"]
    known = table["p"].notna()
    assert list(known) == [True] * 6 + [False] * 3
    np.testing.assert_allclose(table.loc[known, "q"], benjamini_hochberg(table.loc[known, "p"].to_numpy()))
    assert (table["reason"] == "").equals(known)


def test_a_difference_without_variance_has_a_reason() -> None:
    labels = np.arange(8) < 4
    table = compare(labels, {"a": labels * 1.0, "b": labels * -1.0}, {"all": np.ones(8, bool)}, DIRECTION)
    assert table["difference"].iloc[0] == 1
    assert table["p"].isna().all()
    assert "no variance" in table["reason"].iloc[0]


def test_models_are_named() -> None:
    assert named_files(["a=x.h5", "b=y.h5", "a=z.h5"]) == {"a": [Path("x.h5"), Path("z.h5")], "b": [Path("y.h5")]}
    assert list(named_files(["p/small.sad.h5", "q/large.h5"])) == ["small", "large"]
    for items, message in (
        (["a=x.h5"], "two models"),
        (["p/sad.h5", "q/sad.h5"], "is there already"),
        (["a b=x", "c=y"], "is not a name"),
    ):
        with pytest.raises(InputError, match=message):
            named_files(items)


def test_models_are_compared_through_the_script(script, refused, tmp_path: Path) -> None:
    rng, n = np.random.default_rng(2), 30
    ratio = rng.choice([0.1, 0.9], n)
    sites = pd.DataFrame(
        {"chrom": "chr1", "pos": np.arange(n) + 1, "ref": "A", "alt": "G", "ratio": ratio, "label": "imbalanced"}
    )
    sites.to_csv(tmp_path / "T.tsv", sep="\t", index=False)
    for name, noise in (("a", 0.1), ("b", 0.6)):
        write_scores(tmp_path / f"{name}.h5", sites, np.clip(ratio + rng.normal(0, noise, n), 0.01, 0.99))
    options = [
        "compare",
        "--calls",
        tmp_path / "T.tsv",
        "--track",
        "T",
        "--output",
        tmp_path / "C.tsv",
        "--scores",
        f"small={tmp_path / 'a.h5'}",
    ]
    script("imbalance", *options, "--scores", tmp_path / "b.h5")
    row = pd.read_csv(tmp_path / "C.tsv", sep="\t").iloc[0]
    assert (row["group"], row["model_a"], row["model_b"], row["n"]) == ("all", "small", "b", n)
    assert row["auroc_a"] > row["auroc_b"]
    assert row["q"] == row["p"]
    (tmp_path / "C.tsv").unlink()
    assert "two models" in refused("imbalance", *options)
    assert not (tmp_path / "C.tsv").exists()
