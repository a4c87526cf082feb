"""A dataset chosen from another one is the dataset that would have been built; rotations of folds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyBigWig
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_dataset_build import REQUEST, content, run, study  # noqa: F401 (fixture)

from accessiflow.dataset.build import build
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


def test_tracks_folds_and_set_together_through_the_script(study: Path, script, tmp_path: Path) -> None:  # noqa: F811
    (study / "one.txt").write_text("index\tidentifier\tfile\tsum_stat\tdescription\n1\tB\ta.bw\tmax\tB\n")
    shape = ["-l", 300, "-w", 100, "--crop", 100, "--stride", 100, "--float-type", "float16", "-p", 2]
    choice = [
        "-v",
        "chr1",
        "-t",
        "chr2",
        "-r",
        50,
        "--seed",
        3,
        "--training-set",
        "gc_matched",
        "--peaks",
        study / "peaks.h5ad",
    ]
    script(
        "dataset",
        "build",
        study / "genome.fa",
        study / "targets.txt",
        *shape,
        "-v",
        "chr2",
        "-t",
        "chr3",
        "-o",
        tmp_path / "all",
    )
    script("dataset", "build", study / "genome.fa", study / "one.txt", *shape, *choice, "-o", tmp_path / "built")
    script("dataset", "subset", tmp_path / "all", *choice, "--tracks", "B", "-o", tmp_path / "chosen")
    assert content(tmp_path / "chosen") == content(tmp_path / "built")


@pytest.mark.parametrize("changes", [{"gaps": "chr1 3000 3500,chr2 900 1000"}, {"exclude": "chr1 500 900,chr3 0 700"}])
def test_gaps_and_excluded_regions_stay_out(study: Path, tmp_path: Path, changes: dict[str, str]) -> None:  # noqa: F811
    ((option, rows),) = changes.items()
    bed = tmp_path / "regions.bed"
    bed.write_text(rows.replace(" ", "\t").replace(",", "\n") + "\n")
    fixed: dict = {option: bed if option == "gaps" else [bed]}
    choice = {"training_set": "gc_matched", "peaks": study / "peaks.h5ad"}
    run(study, tmp_path / "all", **fixed)
    run(study, tmp_path / "built", **fixed, **choice)
    subset(tmp_path / "all", tmp_path / "chosen", replace(REQUEST, valid_chroms=[], test_chroms=[], **choice))
    assert content(tmp_path / "chosen") == content(tmp_path / "built")


def test_fewer_tracks(whole: Path, tmp_path: Path) -> None:
    statistics = subset(whole, tmp_path / "one", replace(REQUEST, valid_chroms=[], test_chroms=[]), ["B"])
    assert statistics["num_targets"] == 1
    for fold in ("train", "valid", "test"):
        (codes, values), (more, both) = load_fold(tmp_path / "one", fold), load_fold(whole, fold)
        assert (codes == more).all() and (values == both[:, :, 1:]).all()


def test_a_track_keeps_its_name_of_digits(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "all")
    table = (whole / "targets.txt").read_text().splitlines()
    assert table[2].split("\t")[1] == "B"
    row = "\t".join(["1", "007", *table[2].split("\t")[2:]])
    (tmp_path / "all" / "targets.txt").write_text("\n".join([table[0], table[1], row]) + "\n")
    subset(tmp_path / "all", tmp_path / "one", replace(REQUEST, valid_chroms=[], test_chroms=[]), ["007"])
    assert (tmp_path / "one" / "targets.txt").read_text().splitlines() == [table[0], row]


@pytest.mark.parametrize(
    ("changes", "tracks", "message"),
    [
        ({"valid_chroms": ["chr9"], "test_chroms": ["chr8"]}, [], "none of the chromosomes chr9, chr8"),
        ({"valid_chroms": ["chr1"], "test_chroms": ["chr1"]}, [], "no chromosome in common"),
        ({"valid_chroms": ["chr2"], "test_chroms": []}, [], "give both"),
        ({"valid_chroms": [], "test_chroms": [], "training_set": "peaks"}, [], "needs --peaks"),
        ({"valid_chroms": [], "test_chroms": []}, ["Z"], "has no track Z"),
        ({"valid_chroms": ["chr9"], "test_chroms": ["chr3"]}, [], "no window is left in the valid fold"),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    whole: Path, tmp_path: Path, changes: dict, tracks: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        subset(whole, tmp_path / "out", replace(REQUEST, **changes), tracks)
    assert not (tmp_path / "out").exists()


CHOICE = {"valid_chroms": [], "test_chroms": []}
LATE = "index\tidentifier\tfile\tsum_stat\tdescription\n0\tA\ta.bw\tsum\tA\n1\tB\tlate.bw\tsum\tB\n"


def test_a_dataset_of_chosen_windows_is_refused(study: Path, refused, tmp_path: Path) -> None:  # noqa: F811
    run(study, tmp_path / "peaks", training_set="peaks", peaks=study / "peaks.h5ad")
    found = refused(
        "dataset",
        "subset",
        tmp_path / "peaks",
        "--training-set",
        "balanced",
        "--peaks",
        study / "peaks.h5ad",
        "-o",
        tmp_path / "out",
    )
    assert "is of the training set peaks: give a dataset of all windows" in found
    assert not (tmp_path / "out").exists()


def test_strides_of_folds_are_not_mixed(study: Path, tmp_path: Path) -> None:  # noqa: F811
    run(study, tmp_path / "all", geometry=replace(REQUEST.geometry, stride_test=200))
    with pytest.raises(InputError, match=r"another stride in each fold \(train 100, valid 200, test 200 bp\)"):
        subset(tmp_path / "all", tmp_path / "out", replace(REQUEST, valid_chroms=["chr1"], test_chroms=["chr2"]))
    subset(tmp_path / "all", tmp_path / "out", replace(REQUEST, **CHOICE))
    assert content(tmp_path / "all") == content(tmp_path / "out")


def test_a_track_that_is_silent_in_the_chosen_windows_is_refused(study: Path, tmp_path: Path) -> None:  # noqa: F811
    out = pyBigWig.open(str(study / "late.bw"), "w")
    out.addHeader([("chr1", 12_000)])
    out.addEntries("chr1", [11_000], values=[5.0], span=100)
    out.close()
    (study / "late.txt").write_text(LATE)
    build(study / "genome.fa", study / "late.txt", tmp_path / "all", REQUEST)
    peaks = replace(REQUEST, **CHOICE, training_set="peaks", peaks=study / "peaks.h5ad")
    with pytest.raises(InputError, match="the track B is zero in every training window"):
        subset(tmp_path / "all", tmp_path / "out", peaks)
    assert subset(tmp_path / "all", tmp_path / "out", peaks, ["A"])["num_targets"] == 1


def test_a_dataset_is_not_replaced_by_its_own_part(whole: Path) -> None:
    with pytest.raises(InputError, match="is the dataset itself"):
        subset(whole, whole, replace(REQUEST, **CHOICE))


def shortened(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        rows = (folder / name).read_text().splitlines(keepends=True)
        (folder / name).write_text("".join(rows[1:]))

    return change


def recount(key: str, by: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        facts = json.loads((folder / "statistics.json").read_text())
        (folder / "statistics.json").write_text(json.dumps(facts | {key: facts[key] + by}))

    return change


def cut(folder: Path) -> None:
    path = folder / "tfrecords" / "train-1.tfr"
    path.write_bytes(path.read_bytes()[:500])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "statistics.json").unlink(), "statistics.json: no such file"),
        (lambda folder: (folder / "contigs.bed").unlink(), "contigs.bed: no such file"),
        (lambda folder: (folder / "statistics.json").write_text("[1]"), "lacks a number that a dataset has"),
        (
            lambda folder: (folder / "tfrecords" / "train-1.tfr").unlink(),
            "holds 78 train windows, statistics.json says 118",
        ),
        (shortened("sequences.bed"), "sequences.bed: lists 117 train windows, the TFRecords hold 118"),
        (recount("train_seqs", 1), "holds 118 train windows, statistics.json says 119"),
        (recount("test_seqs", -1), "holds more than 37 test windows"),
        (recount("num_targets", 1), "says 3 tracks, targets.txt beside it lists 2"),
        (recount("seq_length", 100), "sequences.bed:1: has a window that is not 400 bp long"),
        (cut, "train-1.tfr:"),
    ],
)
def test_an_incomplete_dataset_is_refused(
    whole: Path, tmp_path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    shutil.copytree(whole, tmp_path / "data")
    damage(tmp_path / "data")
    with pytest.raises(InputError, match=re.escape(sentence)):
        subset(tmp_path / "data", tmp_path / "out", replace(REQUEST, **CHOICE))
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_the_script_names_a_damaged_record(whole: Path, refused, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "data")
    cut(tmp_path / "data")
    assert re.search(
        r"train-1.tfr:\d+: ends .* truncated", refused("dataset", "subset", tmp_path / "data", "-o", tmp_path / "out")
    )
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


SIZES = "chr1\t900\t6\nchr2\t500\t6\nchr3\t400\t6\nchr4\t300\t6\nchrM\t50\t6\n"


def test_the_script_writes_a_rotation_of_an_index(script, refused, tmp_path: Path) -> None:
    (tmp_path / "genome.fa.fai").write_text(SIZES)
    script("dataset", "folds", tmp_path / "genome.fa.fai", "--number", 3, "-l", 100, "-o", tmp_path / "folds.tsv")
    assert (tmp_path / "folds.tsv").read_text().splitlines() == [
        "fold\tvalid_chroms\ttest_chroms",
        "1\tchr2\tchr1",
        "2\tchr3,chr4\tchr2",
        "3\tchr1\tchr3,chr4",
    ]
    wanted = ["dataset", "folds", tmp_path / "genome.fa.fai", "-l", 100, "-o", tmp_path / "no.tsv", "--number"]
    assert "--number 5: only 4 chromosomes hold a window" in refused(*wanted, 5)
    assert not (tmp_path / "no.tsv").exists()


def test_a_rotation_needs_three_parts() -> None:
    with pytest.raises(InputError, match="--number 2: a rotation needs at least 3 parts"):
        rotation({"a": 1, "b": 1, "c": 1}, 2)


@given(st.lists(st.integers(1, 1000), min_size=3, max_size=40), st.integers(3, 6))
def test_parts_differ_by_one_chromosome_at_most(lengths: list[int], number: int) -> None:
    sizes = {f"chr{i}": n for i, n in enumerate(lengths)}
    if len(sizes) >= number:
        filled = [sum(sizes[c] for c in part) for part in parts_of(sizes, number)]
        assert max(filled) - min(filled) <= max(lengths)


@given(st.lists(st.integers(1, 1000), min_size=3, max_size=30), st.integers(3, 8))
def test_every_chromosome_is_tested_once(lengths: list[int], number: int) -> None:
    sizes = {f"chr{i}": n for i, n in enumerate(lengths)}
    if len(sizes) < number:
        with pytest.raises(InputError, match="ask for fewer"):
            parts_of(sizes, number)
        return
    rows = rotation(sizes, number)
    tested = [c for _, _, test in rows for c in test.split(",")]
    assert sorted(tested) == sorted(sizes)
    assert all(not set(valid.split(",")) & set(test.split(",")) for _, valid, test in rows)
    loads = [sum(sizes[c] for c in part) for part in parts_of(sizes, number)]
    assert max(loads) - min(loads) <= max(lengths)
