"""A dataset chosen from another one is the dataset that would have been built; rotations of folds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dataset_build import REQUEST, content, run, study  # noqa: F401 (fixture)

from accessiflow.dataset.folds import parts_of, rotation
from accessiflow.dataset.subset import subset
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.sheets import TRAINING_SETS


@pytest.fixture(scope="module")
def whole(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    out = tmp_path_factory.mktemp("whole") / "all"
    run(study, out)
    return out


@pytest.mark.parametrize("name", TRAINING_SETS)
def test_a_training_set_is_the_one_that_build_makes(study: Path, whole: Path, tmp_path: Path, name: str) -> None:  # noqa: F811
    choice = {"training_set": name, "peaks": study / "peaks.h5ad", "nonpeak_ratio": 0.7}
    run(study, tmp_path / "built", **choice)
    subset(whole, tmp_path / "chosen", replace(REQUEST, valid_chroms=[], test_chroms=[], **choice))
    assert content(tmp_path / "chosen") == content(tmp_path / "built")


def test_other_folds_are_those_that_build_makes(study: Path, whole: Path, tmp_path: Path) -> None:  # noqa: F811
    choice = {"valid_chroms": ["chr3"], "test_chroms": ["chr1"], "records_per_file": 17, "threads": 2}
    run(study, tmp_path / "built", **choice)
    subset(whole, tmp_path / "chosen", replace(REQUEST, **choice))
    assert content(tmp_path / "chosen") == content(tmp_path / "built")


def test_fewer_tracks(whole: Path, tmp_path: Path) -> None:
    statistics = subset(whole, tmp_path / "one", replace(REQUEST, valid_chroms=[], test_chroms=[]), ["B"])
    assert statistics["num_targets"] == 1
    for fold in ("train", "valid", "test"):
        (codes, values), (more, both) = load_fold(tmp_path / "one", fold), load_fold(whole, fold)
        assert (codes == more).all() and (values == both[:, :, 1:]).all()


@pytest.mark.parametrize(
    ("changes", "tracks", "message"),
    [
        ({"valid_chroms": ["chr9"], "test_chroms": ["chr8"]}, [], "none of the chromosomes chr9, chr8"),
        ({"valid_chroms": ["chr1"], "test_chroms": ["chr1"]}, [], "no chromosome in common"),
        ({"valid_chroms": ["chr2"], "test_chroms": []}, [], "give both"),
        ({"valid_chroms": [], "test_chroms": [], "training_set": "peaks"}, [], "needs --peaks"),
        ({"valid_chroms": [], "test_chroms": []}, ["Z"], "has no track Z"),
    ],
)
def test_what_cannot_be_chosen_is_refused(whole: Path, tmp_path: Path, changes: dict, tracks: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        subset(whole, tmp_path / "out", replace(REQUEST, **changes), tracks)
    assert not (tmp_path / "out").exists()


@given(st.lists(st.integers(1, 1000), min_size=3, max_size=30), st.integers(3, 8))
def test_every_chromosome_is_tested_once(lengths: list[int], number: int) -> None:
    sizes = {f"chr{i}": n for i, n in enumerate(lengths)}
    if len(sizes) < number:
        with pytest.raises(InputError, match="fewer than"):
            parts_of(sizes, number)
        return
    rows = rotation(sizes, number)
    tested = [c for _, _, test in rows for c in test.split(",")]
    assert sorted(tested) == sorted(sizes)
    assert all(not set(valid.split(",")) & set(test.split(",")) for _, valid, test in rows)
    loads = [sum(sizes[c] for c in part) for part in parts_of(sizes, number)]
    assert max(loads) - min(loads) <= max(lengths)
