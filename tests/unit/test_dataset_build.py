"""The dataset folder: what it holds, training sets, restarts, and what is refused."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pyBigWig
import pytest
from scipy.sparse import csc_matrix

from accessiflow.dataset import build as b
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.dataset.windows import Geometry
from accessiflow.errors import InputError
from accessiflow.genome import UNKNOWN, Fasta, encode
from accessiflow.intervals import FOLDS, read_bed
from accessiflow.log import log

SIZES = {"chr1": 12_000, "chr2": 4_000, "chr3": 4_000}
SHAPE = Geometry(seq_length=300, crop=100, target_width=100, stride=100, stride_test=100)
REQUEST = b.DatasetRequest(SHAPE, ["chr2"], ["chr3"], records_per_file=40)
PEAK_BIN = 100


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder, rng = tmp_path_factory.mktemp("study"), np.random.default_rng(2)
    letters = {chrom: "".join(rng.choice(list("ACGTacgtN"), n)) for chrom, n in SIZES.items()}
    (folder / "genome.fa").write_text("".join(f">{chrom}\n{text}\n" for chrom, text in letters.items()))
    for name, scale in (("a", 1.0), ("b", 0.0)):
        out = pyBigWig.open(str(folder / f"{name}.bw"), "w")
        out.addHeader(list(SIZES.items()))
        for chrom, n in SIZES.items():
            out.addEntries(chrom, 0, values=(rng.gamma(1, 2, n // 10) * scale).tolist(), span=10, step=10)
        out.close()
    (folder / "targets.txt").write_text(
        "index\tidentifier\tfile\tsum_stat\tdescription\n0\tA\ta.bw\tsum\tA\n1\tB\ta.bw\tmax\tB\n"
    )
    write_peaks(folder / "peaks.h5ad")
    return folder


def write_peaks(path: Path) -> None:
    rows = [
        (chrom, s, s + PEAK_BIN, "ubiquitous" if s % 300 == 0 else "A")
        for chrom, n in SIZES.items()
        for s in range(600, n // 3, 100)
    ]
    obs = pd.DataFrame(rows, columns=["chrom", "start", "end", "cluster"]).assign(n_tracks=1, specificity_bin="[1,2)")
    obs.index = [f"{r.chrom}:{r.start}" for r in obs.itertuples()]
    matrix = anndata.AnnData(
        obs=obs, var=pd.DataFrame(index=["A"]), layers={"is_peak": csc_matrix(np.ones((len(obs), 1), bool))}
    )
    matrix.write_h5ad(path)


def run(study: Path, out: Path, **changes: object) -> dict[str, int]:
    return b.build(study / "genome.fa", study / "targets.txt", out, replace(REQUEST, **changes))


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_folder_holds_windows_sequences_and_targets_in_one_order(study, tmp_path):
    statistics = run(study, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "statistics.json").read_text()) == statistics
    assert statistics["num_targets"] == 2
    assert [statistics[f"{fold}_seqs"] for fold in FOLDS] == [118, 38, 38]
    assert sorted(p.name for p in (tmp_path / "out" / "tfrecords").iterdir()) == [
        "test-0.tfr",
        "train-0.tfr",
        "train-1.tfr",
        "train-2.tfr",
        "valid-0.tfr",
    ]
    bed = read_bed(tmp_path / "out" / "sequences.bed")
    signal = pyBigWig.open(str(study / "a.bw"))
    with Fasta(study / "genome.fa") as genome:
        for fold in FOLDS:
            codes, targets = load_fold(tmp_path / "out", fold)
            for row, (chrom, start, end) in enumerate(
                bed.loc[bed["name"] == fold, ["chrom", "start", "end"]].itertuples(index=False)
            ):
                np.testing.assert_array_equal(codes[row], genome.codes(chrom, start, end))
                values = signal.values(chrom, start + 100, end - 100, numpy=True)
                np.testing.assert_allclose(targets[row], [[values.sum(), values.max()]], rtol=1e-5)


def test_equal_requests_give_equal_bytes_whatever_the_threads(study, tmp_path):
    run(study, tmp_path / "a", training_set="balanced", peaks=study / "peaks.h5ad")
    run(study, tmp_path / "b", training_set="balanced", peaks=study / "peaks.h5ad", threads=3)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    run(study, tmp_path / "c", training_set="balanced", peaks=study / "peaks.h5ad", seed=1)
    assert content(tmp_path / "a") != content(tmp_path / "c")


def test_tracks_are_read_by_as_many_processes_as_there_are_threads(study, tmp_path, monkeypatch):
    real, folder = b.target_rules.window_targets, tmp_path / "readers"
    folder.mkdir()
    barrier = get_context("fork").Barrier(2)  # both tracks are read at the same time, or it breaks

    def noting(*given):
        barrier.wait(30)
        (folder / f"{os.getpid()}.{given[1].identifier}").touch()
        return real(*given)

    monkeypatch.setattr(b.target_rules, "window_targets", noting)
    run(study, tmp_path / "out", threads=2)
    readers = {path.stem: path.suffix for path in folder.iterdir()}
    assert sorted(readers.values()) == [".A", ".B"] and str(os.getpid()) not in readers


def test_a_refusal_of_one_reader_leaves_nothing(study, tmp_path):
    (study / "broken.bw").write_bytes((study / "a.bw").read_bytes()[:-300])
    table = (study / "targets.txt").read_text().replace("1\tB\ta.bw", "1\tB\tbroken.bw")
    (study / "broken.txt").write_text(table)
    with pytest.raises(InputError, match=r"broken\.bw"):
        b.build(study / "genome.fa", study / "broken.txt", tmp_path / "out", replace(REQUEST, threads=2))
    assert list(tmp_path.iterdir()) == []


def test_building_again_replaces_the_whole_dataset(study, tmp_path):
    run(study, tmp_path / "out", records_per_file=10, keep_coverage=True)
    run(study, tmp_path / "out")
    run(study, tmp_path / "new")
    assert content(tmp_path / "out") == content(tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def centres(folder: Path, fold: str) -> pd.DataFrame:
    bed = read_bed(folder / "sequences.bed")
    bed = bed[bed["name"] == fold]
    return bed.assign(middle=bed["start"] + 150, limit=bed["chrom"].map(SIZES) // 3)


@pytest.mark.parametrize("training_set", ["peaks", "non_ubiquitous", "balanced", "gc_matched"])
def test_training_sets_choose_training_and_validation_windows_only(study, tmp_path, training_set):
    statistics = run(study, tmp_path / "out", training_set=training_set, peaks=study / "peaks.h5ad")
    assert statistics["test_seqs"] == 38
    for fold in ("train", "valid"):
        found = centres(tmp_path / "out", fold)
        start = found["middle"] // PEAK_BIN * PEAK_BIN
        in_peak = start.between(600, (found["limit"] - 1) // PEAK_BIN * PEAK_BIN)
        ubiquitous = in_peak & (start % 300 == 0)
        expected = {"train": 34, "valid": 8}[fold]
        if training_set == "non_ubiquitous":
            assert not ubiquitous.any()
            assert 0 < in_peak.sum() < expected
        else:
            assert in_peak.sum() == expected
        if training_set == "balanced":
            assert (~in_peak).sum() == expected
        elif training_set == "gc_matched":
            assert 0.5 * expected <= (~in_peak).sum() <= expected
        else:
            assert in_peak.all()


def test_gc_content_is_that_of_the_known_bases(study):
    windows = b.window_rules.windows_of(
        b.window_rules.split_folds(b.window_rules.contigs_of(SIZES, None, None, 300), ["chr2"], ["chr3"]),
        replace(SHAPE, stride=77),
    )
    with Fasta(study / "genome.fa") as genome:
        found = b.gc_content(windows, genome)
        for i in range(0, len(windows), 13):
            codes = genome.codes(windows.names[windows.chrom[i]], int(windows.start[i]), int(windows.start[i]) + 300)
            known = (codes != UNKNOWN).sum()
            assert found[i] == (((codes == encode("G")[0]) | (codes == encode("C")[0])).sum() / known if known else 0)


def test_targets_do_not_touch_excluded_intervals(study, tmp_path):
    (tmp_path / "unmeasured.bed").write_text("chr1\t1000\t1050\nchr3\t0\t2000\n")
    run(study, tmp_path / "out", exclude=[tmp_path / "unmeasured.bed"])
    bed = read_bed(tmp_path / "out" / "sequences.bed")
    left, right = bed["start"] + 100, bed["end"] - 100
    assert not ((bed["chrom"] == "chr1") & (left < 1050) & (right > 1000)).any()
    assert left[bed["chrom"] == "chr3"].min() == 2000
    assert len(bed) == 194 - 1 - 19


def test_a_restart_takes_windows_and_finished_targets(study, tmp_path):
    out = tmp_path / "out"
    run(study, out, keep_coverage=True)
    whole = load_fold(out, "train")[1]
    with h5py.File(out / "seqs_cov" / "1.h5", "r+") as handle:
        handle["targets"][...] = 7
    bed = (out / "sequences.bed").read_bytes()
    run(study, out, restart=True)
    again = load_fold(out, "train")[1]
    np.testing.assert_array_equal(again[:, :, 0], whole[:, :, 0])
    assert (again[:, :, 1] == 7).all()
    assert (out / "sequences.bed").read_bytes() == bed
    (out / "sequences.bed").write_bytes(b"".join(bed.splitlines(keepends=True)[3:]))
    with pytest.raises(InputError, match=r"0.h5: holds targets of shape \(194, 1\), sequences.bed needs \(191, 1\)"):
        run(study, out, restart=True)


def refusals() -> list[tuple[dict[str, object], str]]:
    return [
        ({"geometry": replace(SHAPE, crop=90)}, "leaves 120 bp, no positive multiple of the target width 100"),
        ({"geometry": replace(SHAPE, crop=150)}, "leaves 0 bp"),
        ({"geometry": replace(SHAPE, stride=0)}, "stride must be at least 1"),
        ({"geometry": replace(SHAPE, seq_length=5000, crop=2450)}, "no window is left in the valid and test fold"),
        (
            {"valid_chroms": ["chr9"], "test_chroms": ["chr8"]},
            "has none of the validation and test chromosomes chr9, chr8",
        ),
        ({"valid_chroms": ["chr9"]}, "no window is left in the valid fold"),
        ({"valid_chroms": ["chr3"]}, "chr3 is asked for as validation .* and as test"),
        ({"training_set": "peaks"}, "needs --peaks"),
        ({"restart": True}, "no such file"),
    ]


@pytest.mark.parametrize(("changes", "sentence"), refusals())
def test_bad_requests_are_refused_and_leave_nothing(study, tmp_path, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        run(study, tmp_path / "out", **changes)
    assert list(tmp_path.iterdir()) == []


TARGETS = "index\tidentifier\tfile\tsum_stat\n0\tA\ta.bw\tsum\n1\tZero\t{}\tsum\n"


def empty_bigwig(path: Path, chroms: dict[str, int]) -> None:
    out = pyBigWig.open(str(path), "w")
    out.addHeader(list(chroms.items()))
    out.close()


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("empty.bw", "the track Zero is zero in every training window"),
        ("b.bw", "the track Zero is zero in every training window"),
        ("gone.bw", "no such bigWig file"),
        ("genome.fa", "is not a bigWig file"),
    ],
)
def test_bad_signals_are_refused_and_leave_nothing(study, tmp_path, file, sentence):
    empty_bigwig(study / "empty.bw", SIZES)
    (study / "bad.txt").write_text(TARGETS.format(file))
    with pytest.raises(InputError, match=sentence):
        b.build(study / "genome.fa", study / "bad.txt", tmp_path / "out", REQUEST)
    assert list(tmp_path.iterdir()) == []


def test_a_signal_of_another_assembly_is_refused(study, tmp_path):
    out = pyBigWig.open(str(study / "other.bw"), "w")
    out.addHeader([("1", 12_000)])
    out.addEntries("1", [5], values=[1.0], span=1)
    out.close()
    (study / "other.txt").write_text(TARGETS.format("other.bw"))
    with pytest.raises(InputError, match=r"other.bw: shares no contig"):
        b.build(study / "genome.fa", study / "other.txt", tmp_path / "out", REQUEST)


def test_a_signal_without_some_chromosomes_is_zero_there(study, tmp_path):
    out = pyBigWig.open(str(study / "chr1.bw"), "w")
    out.addHeader([("chr1", 12_000)])
    out.addEntries("chr1", 0, values=[2.0] * 1200, span=10, step=10)
    out.close()
    (study / "chr1.txt").write_text("index\tidentifier\tfile\tsum_stat\n0\tA\tchr1.bw\tsum\n")
    b.build(study / "genome.fa", study / "chr1.txt", tmp_path / "out", REQUEST)
    assert [load_fold(tmp_path / "out", fold)[1].max() for fold in FOLDS] == [200, 0, 0]


def extreme_bigwig(path: Path, value: float) -> None:
    """Coverage of 1 everywhere, and 10 bases of a value on the training chromosome."""
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(list(SIZES.items()))
        for chrom, n in SIZES.items():
            values = np.ones(n // 10)
            if chrom == next(iter(SIZES)):
                values[n // 20] = value
            out.addEntries(chrom, 0, values=values.tolist(), span=10, step=10)


def test_a_track_of_extreme_targets_is_warned_of_until_it_is_clipped(study, tmp_path, warned, monkeypatch):
    monkeypatch.setattr(b, "MOST_EXTREME", 20)  # of so few windows, no target is 1,000 times the mean
    extreme_bigwig(study / "extreme.bw", 1e7)
    header = "index\tidentifier\tfile\tsum_stat\tclip\n"
    for name, clip in (("clipped", "400"), ("extreme", "")):
        (study / f"{name}.txt").write_text(f"{header}0\tA\textreme.bw\tsum\t{clip}\n1\tB\ta.bw\tsum\t\n")
        b.build(study / "genome.fa", study / f"{name}.txt", tmp_path / name, REQUEST)
        assert len(warned()) == (name == "extreme")
    (sentence,) = warned()
    assert sentence.startswith("A: its largest target, 1e+08, is ")
    assert sentence.endswith("a network may learn nothing of such a track; set clip or clip_soft in the tracks sheet")


def test_half_precision_clips_at_its_largest_number(study, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(log, "propagate", True)
    (study / "large.txt").write_text(f"index\tidentifier\tfile\tsum_stat\tscale\n0\tA\ta.bw\tsum\t{1e3}\n")
    for half in (False, True):
        b.build(study / "genome.fa", study / "large.txt", tmp_path / str(half), replace(REQUEST, half=half))
    full, found = (load_fold(tmp_path / str(half), "train")[1] for half in (False, True))
    assert full.max() > 65504
    np.testing.assert_array_equal(found, np.minimum(full, 65504).astype(np.float16))
    assert "targets above 65504" in caplog.text
    small = json.loads((tmp_path / "True" / "statistics.json").read_text())
    assert small == json.loads((tmp_path / "False" / "statistics.json").read_text())


def test_kept_coverage_that_is_no_number_is_refused(study, tmp_path):
    run(study, tmp_path / "out", keep_coverage=True)
    before = content(tmp_path / "out")
    with h5py.File(tmp_path / "out" / "seqs_cov" / "1.h5", "r+") as handle:
        handle["targets"][9] = np.nan
    with pytest.raises(InputError, match=r"the track B has a target that is no finite number \(window 10\)"):
        run(study, tmp_path / "out", restart=True)
    assert set(content(tmp_path / "out")) == set(before)


def test_peaks_of_another_genome_are_refused(study, tmp_path):
    matrix = anndata.read_h5ad(study / "peaks.h5ad")
    matrix.obs["chrom"] = matrix.obs["chrom"].astype(str).str.removeprefix("chr")
    matrix.write_h5ad(tmp_path / "p.h5ad")
    with pytest.raises(InputError, match=r"p.h5ad: shares no chromosome with the windows \(1 against chr1\)"):
        run(study, tmp_path / "out", training_set="peaks", peaks=tmp_path / "p.h5ad")


def test_the_statistics_name_a_training_set_that_is_not_all_windows(study, tmp_path):
    assert "training_set" not in run(study, tmp_path / "all")
    assert run(study, tmp_path / "peaks", training_set="peaks", peaks=study / "peaks.h5ad")["training_set"] == "peaks"


def test_peaks_elsewhere_leave_no_training_set(study, tmp_path):
    obs = pd.DataFrame(
        {
            "chrom": ["chr1"],
            "start": [0],
            "end": [100],
            "cluster": ["A"],
            "n_tracks": [1],
            "specificity_bin": ["[1,2)"],
        },
        index=["x"],
    )
    anndata.AnnData(
        obs=obs, var=pd.DataFrame(index=["A"]), layers={"is_peak": csc_matrix(np.ones((1, 1), bool))}
    ).write_h5ad(tmp_path / "p.h5ad")
    with pytest.raises(InputError, match=r"p.h5ad: holds no peak in the train windows"):
        run(study, tmp_path / "out", training_set="peaks", peaks=tmp_path / "p.h5ad")


def test_the_script_reads_strides_as_basenji_does(study, script, tmp_path):
    options = [
        "-l",
        300,
        "-w",
        100,
        "--crop",
        100,
        "-v",
        "chr2",
        "-t",
        "chr3",
        "--stride",
        1,
        "--stride_test",
        0.5,
        "-o",
        tmp_path / "out",
    ]
    script("dataset", "build", study / "genome.fa", study / "targets.txt", *options)
    facts = json.loads((tmp_path / "out" / "statistics.json").read_text())
    assert [facts[f"{fold}_seqs"] for fold in FOLDS] == [40, 25, 25]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--training-set", "everything"], "expected one of all, peaks"),
        (["--compat", "enformer"], "expected one of basenji"),
        (["--float-type", "float8"], "expected one of float32, float16"),
        (["--crop", 90], "no positive multiple"),
    ],
)
def test_the_script_refuses_wrong_options(study, refused, tmp_path, options, sentence):
    fixed = ["-l", 300, "-w", 100, "-v", "chr2", "-t", "chr3", "-o", tmp_path / "out"]
    assert sentence in refused("dataset", "build", study / "genome.fa", study / "targets.txt", *fixed, *options)
    assert list(tmp_path.iterdir()) == []
