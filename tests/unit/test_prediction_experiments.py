"""Experiments that repeat others, measured at the test windows."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pyBigWig
import pytest

from accessiflow.hdf5 import as_texts

WINDOWS = 4
WIDTH = 20  # bp of the target, in the middle of a window of 40


def bigwig(path: Path, values: np.ndarray) -> None:
    with pyBigWig.open(str(path), "w") as handle:
        handle.addHeader([("chr1", len(values))])
        handle.addEntries("chr1", 0, values=values.astype(float), span=1, step=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sheet of a track, its replicate, a track of another cell type without labels; windows measured for tracks."""
    bigwig(tmp_path / "second.bw", np.arange(400) % 7)
    (tmp_path / "tracks.csv").write_text(
        "track,cell_type,signal,replicate,donor,use,scale\n"
        "A,a,gone.bw,1,,,\nB,b,gone.bw,,,,\nA2,a,second.bw,2,,ceiling,\nA3,a,second.bw,3,,ceiling,0.5\n"
    )
    start = 110 + 60 * np.arange(WINDOWS)
    with h5py.File(tmp_path / "targets.h5", "w") as handle:
        handle["targets"] = np.arange(WINDOWS * 2 * 2, dtype=np.float32).reshape(WINDOWS, 2, 2)
        handle["chrom"] = np.array([b"chr1"] * WINDOWS)
        handle["start"], handle["end"] = start, start + WIDTH
        handle["target_ids"] = np.array([b"B", b"A"])
    return tmp_path


def options(folder: Path) -> tuple[object, ...]:
    return ("--tracks", folder / "tracks.csv", "--windows", folder / "targets.h5", "-o", folder / "out.h5")


def test_a_models_track_is_taken_and_a_ceilings_is_measured(script, folder):
    script("predict", "experiments", *options(folder), "-l", 40, "-w", 10)
    with h5py.File(folder / "out.h5") as handle:
        assert as_texts(handle["target_ids"][()]) == ["A", "A2", "A3"]
        values, start = handle["targets"][()], handle["start"][()]
    assert values.shape == (WINDOWS, 1, 3)
    # A is the second column of targets.h5, its two positions summed.
    assert values[:, 0, 0].tolist() == [1 + 3, 5 + 7, 9 + 11, 13 + 15]
    signal = np.arange(400) % 7
    expected = [signal[at : at + WIDTH].sum() for at in start]
    assert values[:, 0, 1].tolist() == expected
    assert values[:, 0, 2].tolist() == [value / 2 for value in expected]


def test_a_blacklisted_target_has_the_base_level_of_its_window(script, folder):
    (folder / "black.bed").write_text("chr1\t105\t135\n")
    script("predict", "experiments", *options(folder), "-l", 40, "-w", 20, "-b", folder / "black.bed")
    with h5py.File(folder / "out.h5") as handle:
        first = handle["targets"][0, 0, 1]
    # The window is [100, 140): its 10th percentile, on each of the target's 20 bases.
    assert first == pytest.approx(WIDTH * np.percentile(np.arange(100, 140) % 7, 10), rel=1e-6)


def test_an_experiment_has_the_signal_that_the_command_names(script, folder):
    bigwig(folder / "other.bw", np.ones(400))
    script("predict", "experiments", *options(folder), "-l", 40, "-w", 20, "--signal", f"A2={folder / 'other.bw'}")
    with h5py.File(folder / "out.h5") as handle:
        assert handle["targets"][:, 0, 1].tolist() == [WIDTH] * WINDOWS


def test_what_cannot_be_measured_is_refused(refused, folder):
    said = refused("predict", "experiments", *options(folder), "-l", 40, "-w", 15)
    assert "windows of 20 bp" in said and "-w and -l" in said
    (folder / "tracks.csv").write_text("track,cell_type,signal\nA,a,x.bw\n")
    assert "no row with a replicate or donor" in refused("predict", "experiments", *options(folder))
    (folder / "tracks.csv").write_text("track,cell_type,signal,donor\nZ,z,x.bw,D1\n")
    assert "no track with a replicate or donor" in refused("predict", "experiments", *options(folder))
    assert not (folder / "out.h5").exists()
