#!/usr/bin/env python3
"""Binning and merging at genome size: CPU time and peak memory, measured on a made-up signal and extrapolated.

    .venvs/peaks/bin/python benchmarks/binning.py

Binning is compared with one `values` query per model window (1,344 bp every 192 bp), as Basenji reads a bigWig, at bins
that must be identical. A real bigWig may be given with --bigwig and --chrom-sizes.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyBigWig
import typer
from numpy.typing import NDArray

BIN = Path(__file__).resolve().parents[1] / "bin"
sys.path.insert(0, str(BIN))

from accessiflow.intervals import read_chrom_sizes  # noqa: E402
from accessiflow.peaks.files import write_peaks  # noqa: E402
from accessiflow.signal.bigwig import BigWig  # noqa: E402
from accessiflow.signal.bins import BinLayout, write_coverage  # noqa: E402

log = logging.getLogger("benchmark")
BIN_SIZE, GENOME_BINS = 128, 25_000_000  # of a human genome
WINDOW, TARGET = 1344, 192  # bp that a model reads, and those it predicts
QUERIES = 20_000  # windows measured of the slow way


class Cost(NamedTuple):
    """CPU seconds and peak resident memory of a command."""

    seconds: float
    megabytes: float


def make_bigwig(path: Path, sizes: dict[str, int]) -> None:
    """Coverage of runs of 1-60 bp with gaps of 0-40 bp, one value of two decimals each."""
    rng = np.random.default_rng(0)
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(list(sizes.items()))
        for chrom, size in sizes.items():
            length = rng.integers(1, 60, size // 40)
            end = np.cumsum(length + rng.integers(0, 40, len(length)))
            end, length = end[end < size], length[end < size]
            values = rng.gamma(0.5, 2, len(end)).round(2)
            for low in range(0, len(end), 100_000):
                part = slice(low, low + 100_000)
                out.addEntries(
                    [chrom] * len(end[part]),
                    (end - length)[part].tolist(),
                    ends=end[part].tolist(),
                    values=(values[part] + 0.01).tolist(),
                )


class Timed(NamedTuple):
    """CPU seconds of a call, and its result."""

    seconds: float
    result: Any


def cpu(work: Callable[[], object]) -> Timed:
    """Measure a call."""
    started = time.process_time()
    result = work()
    return Timed(time.process_time() - started, result)


def window_bins(path: Path, chrom: str, n: int) -> NDArray[np.float64]:
    """n bins of 192 bp from the fourth on, each the centre of a window of its own that is read by one query."""
    handle = pyBigWig.open(str(path))
    crop = (WINDOW - TARGET) // 2
    out = np.empty(n)
    for i in range(n):
        start = (i + 3) * TARGET - crop
        out[i] = np.nan_to_num(handle.values(chrom, start, start + WINDOW, numpy=True))[crop:-crop].sum(
            dtype=np.float64
        )
    handle.close()
    return out


def script_cost(*arguments: object) -> Cost:
    """Run a stage script and read its own record."""
    # A process of its own: the peak memory of this one is that of the largest measurement so far.
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "run.json"
        command = [sys.executable, str(BIN / "peaks.py"), "--quiet", "--run-info", str(record), *map(str, arguments)]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        facts = json.loads(record.read_text())
    return Cost(facts["cpu_seconds"], facts["peak_memory_mb"])


def measure_binning(bigwig: Path, sizes: dict[str, int]) -> None:
    """One query per window against whole chromosomes, at identical bins."""
    chrom = next(iter(sizes))
    n = min(QUERIES, (sizes[chrom] - WINDOW) // TARGET - 3)
    slow = cpu(lambda: window_bins(bigwig, chrom, n))
    fast = cpu(lambda: dict(BigWig(bigwig, sizes).bins(TARGET)))
    same = np.allclose(slow.result, fast.result[chrom][3 : n + 3], rtol=1e-6)
    each, together = n / slow.seconds, sum(len(bins) for bins in fast.result.values()) / fast.seconds
    log.info("one query a window: %.0f bins a CPU-second", each)
    log.info(
        "in chunks: %.0f bins a CPU-second, %.0f times as many; the bins %s",
        together,
        together / each,
        "are equal" if same else "DIFFER",
    )


def measure_track(bigwig: Path, sizes_file: Path, n_bins: int, folder: Path) -> None:
    """`peaks.py bin` and `call` on the file, scaled to a genome; the memory of `call` at a genome's bins."""
    binning = script_cost("bin", bigwig, "--chrom-sizes", sizes_file, "--output", folder / "b.coverage.h5")
    log.info(
        "bin, %d bins: %.1f CPU-s, %.0f MB; %d bins: %.0f CPU-s",
        n_bins,
        *binning,
        GENOME_BINS,
        binning.seconds * GENOME_BINS / n_bins,
    )
    coverage = folder / "g.coverage.h5"
    write_genome_coverage(coverage, np.random.default_rng(1))
    calling = script_cost("call", coverage, "--output", folder / "g.peaks.bed.gz")
    log.info("call, %d bins: %.1f CPU-s, %.0f MB", GENOME_BINS, *calling)


def write_genome_coverage(path: Path, rng: np.random.Generator, name: str = "g") -> BinLayout:
    """A track of genome size: 24 chromosomes, a background and 1 % of bins well above it."""
    layout = BinLayout(BIN_SIZE, {f"chr{i + 1}": GENOME_BINS // 24 for i in range(24)})

    def chromosomes():  # noqa: ANN202
        for chrom, n in layout.bins.items():
            bins = rng.poisson(3, n).astype(np.float64)
            bins[rng.integers(0, n, n // 100)] += 40
            yield chrom, bins

    write_coverage(path, name, "bigwig", 1.0, BIN_SIZE, chromosomes())
    return layout


def measure_merge(tracks: list[int], peaks_a_track: int, folder: Path) -> None:
    """Peak memory of `merge` for several numbers of tracks with peaks of their own."""
    # One genome-sized coverage file for all: they would not fit a disk, and their content does not matter here.
    rng = np.random.default_rng(2)
    layout = write_genome_coverage(folder / "shared.h5", rng)
    pool = np.sort(rng.choice(sum(layout.bins.values()), 30 * peaks_a_track, replace=False))
    for n in range(max(tracks)):
        chosen = np.sort(rng.choice(pool, peaks_a_track, replace=False))
        write_peaks(folder / f"t{n}.peaks.bed.gz", f"t{n}", layout, chosen, chosen + 1, np.ones(len(chosen)))
        (folder / f"t{n}.coverage.h5").symlink_to(folder / "shared.h5")
    for number in tracks:
        names = [f"t{n}" for n in range(number)]
        (folder / "tracks.csv").write_text("track,cell_type,signal\n" + "".join(f"{t},{t},{t}.bw\n" for t in names))
        coverage = [option for t in names for option in ("--coverage", folder / f"{t}.coverage.h5")]
        cost = script_cost(
            "merge",
            *(folder / f"{t}.peaks.bed.gz" for t in names),
            "--tracks",
            folder / "tracks.csv",
            *coverage,
            "--output",
            folder / "m.h5ad",
        )
        log.info(
            "merge, %d tracks of %d bins, %d peaks a track: %.0f CPU-s, %.0f MB",
            number,
            GENOME_BINS,
            peaks_a_track,
            *cost,
        )


def main(
    bigwig: Annotated[Path | None, typer.Option(help="A bigWig to bin; default: a made-up one of 100 Mb.")] = None,
    chrom_sizes: Annotated[Path | None, typer.Option(help="Its chromosome sizes.")] = None,
    merge_tracks: Annotated[
        str, typer.Option(help="Numbers of tracks to merge, comma-separated; empty: no merge.")
    ] = "8,32",
    merge_peaks: Annotated[int, typer.Option(help="Peak bins a track in the merge.")] = 100_000,
) -> None:
    """Measure binning, calling and merging."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if bigwig is None or chrom_sizes is None:
            bigwig, chrom_sizes = folder / "made-up.bw", folder / "sizes"
            chrom_sizes.write_text("chr1\t60000000\nchr2\t40000000\n")
            make_bigwig(bigwig, read_chrom_sizes(chrom_sizes))
        sizes = read_chrom_sizes(chrom_sizes)
        measure_binning(bigwig, sizes)
        measure_track(bigwig, chrom_sizes, sum(size // BIN_SIZE for size in sizes.values()), folder)
        if merge_tracks:
            measure_merge([int(n) for n in merge_tracks.split(",")], merge_peaks, folder)


if __name__ == "__main__":
    typer.run(main)
