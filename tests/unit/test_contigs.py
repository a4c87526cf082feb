"""Genomes of many scaffolds: what a stage costs grows with their number, not with its square."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from accessiflow.dataset.windows import Contig, contigs_of
from accessiflow.hdf5 import open_hdf5
from accessiflow.signal.bins import read_coverage, read_layout, write_coverage

SCAFFOLDS = 2000
LIMIT = 3.0  # CPU seconds for SCAFFOLDS; 20,000 may take 15


@contextmanager
def bounded() -> Iterator[None]:
    """Fail what takes more CPU time than the limit, several times what it takes."""
    started = time.process_time()
    yield
    assert time.process_time() - started < LIMIT


def scaffolds(n: int = SCAFFOLDS) -> dict[str, int]:
    """Name -> length."""
    return {f"scaffold_{i}": 700 + i % 90 for i in range(n)}


def test_coverage_of_many_scaffolds(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    expected = {name: rng.poisson(2, n // 128).astype(np.float64) for name, n in scaffolds().items()}
    expected["long"] = rng.poisson(2, 5000).astype(np.float64)  # chunked and compressed, the others not
    expected["tiny"] = np.zeros(0)
    with bounded():
        write_coverage(tmp_path / "a.h5", "A", "bam", 1.0, 128, expected.items())
        track, layout = read_layout(tmp_path / "a.h5")
        bins = read_coverage(tmp_path / "a.h5", layout)
    assert track == "A"
    assert list(layout.bins.items()) == [(name, len(values)) for name, values in expected.items()]
    np.testing.assert_array_equal(bins, np.concatenate(list(expected.values())))
    with open_hdf5(tmp_path / "a.h5") as handle:
        assert handle["long"].compression == "gzip"
        assert handle["scaffold_0"].chunks is None


def test_a_limit_on_many_scaffolds() -> None:
    sizes = scaffolds()
    limit = pd.DataFrame([(c, s, s + 300) for c in sizes for s in (0, 400)], columns=["chrom", "start", "end"])
    with bounded():
        found = contigs_of(sizes, None, limit, 250)
    assert found == [Contig(c, s, min(s + 300, n)) for c, n in sizes.items() for s in (0, 400)]


def test_the_stages_of_signals(script, tmp_path: Path) -> None:
    sizes = scaffolds()
    (tmp_path / "sizes").write_text("".join(f"{c}\t{n}\n" for c, n in sizes.items()))
    (tmp_path / "black.bed").write_text("".join(f"{c}\t{n - 9}\t{n}\n" for c, n in sizes.items()))
    (tmp_path / "a.bedgraph").write_text("".join(f"{c}\t0\t128\t{1 + i % 40}\n" for i, c in enumerate(sizes)))
    lines = (f"{c}\t{s}\t{s + 40}\tCELL\t1\n" for c in sizes for s in (3, 5, 8, 130))
    (tmp_path / "b.fragments").write_text("".join(lines))
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal\nA,a,a.bedgraph\nB,b,b.fragments\n")
    coverage = []
    for track, signal in (("A", "a.bedgraph"), ("B", "b.fragments")):
        made = ["--output", tmp_path / f"{track}.coverage.h5", "--exclude", tmp_path / "black.bed"]
        with bounded():
            script("peaks", "bin", tmp_path / signal, "--chrom-sizes", tmp_path / "sizes", *made)
        with bounded():
            script("peaks", "call", made[1], "--output", tmp_path / f"{track}.peaks.bed.gz")
        coverage += ["--coverage", made[1]]
    called = [tmp_path / f"{track}.peaks.bed.gz" for track in "AB"]
    script("peaks", "merge", *called, "--tracks", tmp_path / "tracks.csv", *coverage, "--output", tmp_path / "p.h5ad")
