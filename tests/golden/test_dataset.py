"""The dataset against Basenji's own (golden/basenji), through the script, and GC-matched sampling (kathail2024/20)."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.dataset import targets as rules
from accessiflow.dataset.tfrecords import RecordShape, fold_files, load_fold, read_file, write_records
from accessiflow.dataset.training_sets import gc_matched
from accessiflow.dataset.windows import Geometry, read_windows
from accessiflow.genome import Fasta
from accessiflow.intervals import FOLDS, read_bed

PAPER = [
    "-l",
    1344,
    "-w",
    192,
    "-v",
    "chr7,chr14,chr15",
    "-t",
    "chr4,chr5",
    "--stride",
    192,
    "--stride_test",
    192,
    "--crop",
    576,
    "-r",
    4096,
]


@pytest.fixture(scope="module")
def inputs(golden) -> Path:
    return golden / "basenji" / "inputs"


@pytest.fixture(scope="module")
def build(script, inputs, tmp_path_factory):
    def run(*options: object, targets: str = "targets.txt") -> Path:
        out = tmp_path_factory.mktemp("data") / "out"
        fixed = ["-b", inputs / "blacklist.bed", "-g", inputs / "gaps.bed", *PAPER, "-o", out]
        script("dataset", "build", inputs / "genome.fa", inputs / targets, *fixed, *options)
        return out

    return run


@pytest.fixture(scope="module")
def plain(build) -> Path:
    return build("--compat", "basenji", "--keep-coverage")


@pytest.fixture(scope="module")
def ours(build) -> Path:
    return build()


def check_same(found: Path, reference: Path) -> None:
    for name in ("sequences.bed", "contigs.bed", "targets.txt"):
        assert (found / name).read_bytes() == (reference / name).read_bytes(), name
    assert json.loads((found / "statistics.json").read_text()) == json.loads(
        (reference / "statistics.json").read_text()
    )
    for fold in FOLDS:
        codes, targets = load_fold(found, fold)
        their_codes, their_targets = load_fold(reference, fold)
        np.testing.assert_array_equal(targets, their_targets)
        known = codes < 4  # the original puts a random base for N
        assert known.mean() > 0.999
        np.testing.assert_array_equal(codes[known], their_codes[known])


def test_plain_dataset_is_basenjis(golden, plain):
    reference = golden / "basenji" / "data_plain"
    check_same(plain, reference)
    for i in range(4):
        with (
            h5py.File(plain / "seqs_cov" / f"{i}.h5") as found,
            h5py.File(reference / "seqs_cov" / f"{i}.h5") as expected,
        ):
            assert found["targets"].dtype == expected["targets"].dtype
            np.testing.assert_array_equal(found["targets"][:], expected["targets"][:])


def test_limited_dataset_is_basenjis(golden, inputs, build):
    found = build("--compat", "basenji", "--limit", inputs / "peaks_1344.bed")
    check_same(found, golden / "basenji" / "data_limit")


def basenji_targets(windows, track, blacklist) -> np.ndarray:
    """basenji_data_read.py, window by window."""
    import pyBigWig

    handle, out = pyBigWig.open(str(track.file)), []
    for chrom, start, end in windows:
        values = handle.values(chrom, start, end, numpy=True).astype("float32")
        base = np.nan_to_num(np.percentile(values, 10))
        for left, right in [
            (max(0, s - 20), e + 20) for c, s, e in blacklist if c == chrom and s - 20 < end and e + 20 > start
        ]:
            values[left - start : right - start] = base
        values[np.isnan(values)] = base
        values = values[576:-576].reshape(1, 192)
        value = {"sum": values.sum, "mean": values.mean, "max": values.max}[track.sum_stat](axis=1)
        if track.clip_soft is not None:
            high = value > track.clip_soft
            value[high] = track.clip_soft + np.sqrt(value[high] - track.clip_soft)
        if track.clip is not None:
            value = np.clip(value, 0, track.clip)
        out.append(np.float32(track.scale * value))
    return np.array(out)


def test_summaries_clips_and_scales_are_basenjis(golden, inputs):
    bed = read_bed(golden / "basenji" / "data_plain" / "sequences.bed")
    chosen = (bed["chrom"] == "chr4") & bed["start"].between(98_000, 104_000) | (bed.index % 25 == 0)
    with Fasta(inputs / "genome.fa") as genome:
        windows = read_windows(golden / "basenji" / "data_plain" / "sequences.bed", genome.sizes, 1344).take(
            chosen.to_numpy()
        )
    black = read_bed(inputs / "blacklist.bed")
    rows = list(bed[chosen][["chrom", "start", "end"]].itertuples(index=False, name=None))
    for track in rules.read_targets(inputs / "targets_mixed.txt"):
        found = rules.window_targets(windows, track, Geometry(), rules.blacklist_of(black), compat=True)
        np.testing.assert_array_equal(
            found,
            basenji_targets(rows, track, list(black[["chrom", "start", "end"]].itertuples(index=False, name=None))),
        )


def test_without_compat_the_largest_contig_is_kept(ours, plain):
    kept, lost = (set(read_bed(folder / "contigs.bed")["chrom"]) for folder in (ours, plain))
    assert kept - lost == {"chr2"}
    assert {"chr2"} <= set(read_bed(ours / "sequences.bed")["chrom"])


def test_without_compat_blacklisted_bases_are_masked(ours, plain):
    for folder, expected in ((plain, 200.0), (ours, 0.0)):
        bed = read_bed(folder / "sequences.bed")
        test = bed[bed["name"] == "test"].reset_index(drop=True)
        row = test.index[(test["chrom"] == "chr4") & (test["start"] == 100_072)]
        assert load_fold(folder, "test")[1][row, 0].max() == pytest.approx(expected)


def test_without_compat_other_targets_are_equal(ours, plain):
    values = []
    for folder in (ours, plain):
        bed = read_bed(folder / "sequences.bed")
        table = np.concatenate([load_fold(folder, fold)[1][:, 0] for fold in FOLDS])
        values.append(pd.DataFrame(table, index=pd.MultiIndex.from_frame(bed[["chrom", "start"]])))
    both = values[1].index
    different = (values[0].loc[both] != values[1]).any(axis=1)
    assert different.sum() == 2, "two of the windows that touch the blacklist in their target"


def test_basenji_reads_our_records(ours):
    tensorflow = pytest.importorskip("tensorflow")
    features = {name: tensorflow.io.FixedLenFeature([], tensorflow.string) for name in ("sequence", "target")}
    files = [str(p) for p in fold_files(ours, "test")]
    codes, targets = load_fold(ours, "test")
    dataset = tensorflow.data.TFRecordDataset(files, compression_type="ZLIB").take(50)
    for i, record in enumerate(dataset):
        example = tensorflow.io.parse_single_example(record, features)
        one_hot = tensorflow.reshape(tensorflow.io.decode_raw(example["sequence"], tensorflow.uint8), (1344, 4)).numpy()
        target = tensorflow.reshape(tensorflow.io.decode_raw(example["target"], tensorflow.float32), (1, 4)).numpy()
        np.testing.assert_array_equal(one_hot, np.vstack([np.eye(4), np.zeros(4)])[codes[i]])
        np.testing.assert_array_equal(target, targets[i])


def test_newer_basenji_reads_our_half_precision_records(tmp_path):
    tensorflow = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(0)
    codes, targets = rng.integers(0, 5, (5, 90)).astype(np.uint8), rng.gamma(1, 1e4, (5, 2, 3)).astype(np.float32)
    write_records(tmp_path / "test-0.tfr", zip(codes, targets, strict=True), half=True)
    features = {name: tensorflow.io.FixedLenFeature([], tensorflow.string) for name in ("sequence", "target")}
    for i, record in enumerate(tensorflow.data.TFRecordDataset(str(tmp_path / "test-0.tfr"), compression_type="ZLIB")):
        example = tensorflow.io.parse_single_example(record, features)
        one_hot = tensorflow.reshape(tensorflow.io.decode_raw(example["sequence"], tensorflow.uint8), (90, 4)).numpy()
        target = tensorflow.reshape(tensorflow.io.decode_raw(example["target"], tensorflow.float16), (2, 3)).numpy()
        np.testing.assert_array_equal(one_hot, np.vstack([np.eye(4), np.zeros(4)])[codes[i]])
        np.testing.assert_array_equal(target, np.minimum(targets[i], 65504).astype(np.float16))


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_records_that_tensorflow_writes_are_read(tmp_path, kind):
    """basenji_data_write.py: one-hot rows and float32 (the fork), codes and float16 (HEAD)."""
    train = pytest.importorskip("tensorflow").train
    io = pytest.importorskip("tensorflow").io
    rng = np.random.default_rng(1)
    codes, targets = rng.integers(0, 5, (5, 90)).astype(np.uint8), rng.gamma(1, 10, (5, 2, 3)).astype(kind)
    with io.TFRecordWriter(str(tmp_path / "a.tfr"), io.TFRecordOptions(compression_type="ZLIB")) as writer:
        for sequence, target in zip(codes, targets, strict=True):
            stored = (sequence[:, None] == np.arange(4)) if kind == np.float32 else sequence
            values = {"sequence": stored.tobytes(), "target": target.tobytes()}
            feature = {name: train.Feature(bytes_list=train.BytesList(value=[value])) for name, value in values.items()}
            writer.write(train.Example(features=train.Features(feature=feature)).SerializeToString())
    parts = zip(*read_file(tmp_path / "a.tfr", RecordShape(90, 2, 3)), strict=True)
    for found, expected in zip(map(np.concatenate, parts), (codes, targets), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_float16_dataset_holds_the_same_windows(ours, build):
    half = build("--float-type", "float16")
    for name in ("sequences.bed", "contigs.bed", "targets.txt", "statistics.json"):
        assert (half / name).read_bytes() == (ours / name).read_bytes()
    codes, targets = load_fold(half, "test")
    np.testing.assert_array_equal(codes, load_fold(ours, "test")[0])
    np.testing.assert_array_equal(targets, load_fold(ours, "test")[1].astype(np.float16))


def test_a_subset_of_the_whole_dataset_is_the_dataset_of_other_folds(ours, build, script, tmp_path):
    folds = ["-v", "chr4", "-t", "chr1", "-r", 500]
    script("dataset", "subset", ours, "-o", tmp_path / "out", *folds)
    built = build(*folds)
    names = sorted(str(p.relative_to(built)) for p in built.rglob("*") if p.is_file())
    assert names == sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (built / name).read_bytes(), name


def test_newer_basenji_records_are_read(golden):
    folder = golden / "basenji" / "data_head_plain"
    codes, targets = load_fold(folder, "test")
    assert codes.shape == (1036, 1344)
    assert codes.max() <= 4
    np.testing.assert_array_equal(targets, targets.astype(np.float16))
    first, _ = next(read_file(fold_files(folder, "test")[0], RecordShape(1344, 1, 4)))
    np.testing.assert_array_equal(first, codes[: len(first)])


def test_restart_takes_the_windows_of_the_folder(golden, inputs, script, plain, tmp_path):
    reference = golden / "basenji" / "data_plain"
    lines = (reference / "sequences.bed").read_text().splitlines(keepends=True)
    subset = [line for fold in FOLDS for line in [x for x in lines if x.split()[3] == fold][:100]]
    (tmp_path / "sequences.bed").write_text("".join(subset))
    fixed = ["-b", inputs / "blacklist.bed", *PAPER[:-1], 64, "-o", tmp_path, "--restart", "--compat", "basenji"]
    script("dataset", "build", inputs / "genome.fa", inputs / "targets.txt", *fixed)
    assert sorted(p.name for p in (tmp_path / "tfrecords").iterdir()) == sorted(
        f"{fold}-{k}.tfr" for fold in FOLDS for k in (0, 1)
    )
    assert (tmp_path / "sequences.bed").read_text() == "".join(subset)
    for fold in FOLDS:
        np.testing.assert_array_equal(load_fold(tmp_path, fold)[1], load_fold(reference, fold)[1][:100])


def test_gc_matched_non_peaks_are_the_papers(golden):
    peaks, others = (
        pd.read_csv(golden / "kathail2024" / f"20_{name}_nuc.tsv", sep="\t") for name in ("peaks", "nonpeaks")
    )
    expected = pd.read_csv(golden / "kathail2024" / "20_gc_matched_nonpeaks.tsv", sep="\t", index_col=0)
    drawn = []
    for fold in FOLDS:
        peak, other = (table[table["4_usercol"] == fold] for table in (peaks, others))
        rows = gc_matched(peak["6_pct_gc"].to_numpy(), other["6_pct_gc"].to_numpy(), np.random.default_rng(0))
        drawn.append(other.iloc[rows])
    pd.testing.assert_frame_equal(pd.concat(drawn), expected)
