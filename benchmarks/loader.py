#!/usr/bin/env python3
"""The loader: records decoded and windows augmented per second, and memory at one and eight times the windows.

    .venvs/train/bin/python benchmarks/loader.py

Each size is measured in a process of its own, once with the fold in memory and once mapped (`memory=0`). `anonymous_mb`
is the peak of the memory that the process holds for itself, above what it held before the load; `mapped_mb` is files in
memory, most of it cache of the temporary file, which the system takes back at need.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from accessiflow.dataset.tfrecords import MEMORY, load_fold, write_records  # noqa: E402
from accessiflow.training.augmentation import augment  # noqa: E402

RECORDS_PER_FILE = 4096
BATCH = 64
BATCHES = 1500
LARGER = 8


def write_data(folder: Path, length: int, tracks: int, windows: int) -> None:
    """A training fold of random bases and counts."""
    rng = np.random.default_rng(0)
    for k, low in enumerate(range(0, windows, RECORDS_PER_FILE)):
        n = min(RECORDS_PER_FILE, windows - low)
        codes = rng.integers(0, 4, (n, length), dtype=np.uint8)
        targets = rng.poisson(3, (n, 1, tracks)).astype(np.float32)
        write_records(folder / "tfrecords" / f"train-{k}.tfr", zip(codes, targets, strict=True))
    facts = {"seq_length": length, "target_length": 1, "num_targets": tracks, "train_seqs": windows}
    (folder / "statistics.json").write_text(json.dumps(facts))


def resident() -> dict[str, float]:
    """Megabytes of this process in memory: its own, and cached pages of files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        name: int(lines[key].split()[0]) / 1024 for name, key in (("anonymous_mb", "RssAnon"), ("mapped_mb", "RssFile"))
    }


@contextmanager
def peaks() -> Iterator[dict[str, float]]:
    """The largest growth of `resident` while the block runs, looked at every 5 ms."""
    before, grown, ended = resident(), {"anonymous_mb": 0.0, "mapped_mb": 0.0}, threading.Event()

    def watch() -> None:
        # A thread that looks: the system keeps a peak for all memory only, not for the two kinds.
        while not ended.wait(0.005):
            grown.update({name: max(grown[name], value - before[name]) for name, value in resident().items()})

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield grown
    ended.set()
    watcher.join()


def measure(folder: Path, memory: int, threads: int) -> dict[str, Any]:
    """Decode a fold, then draw shuffled, augmented batches of it."""
    # In a process of its own (see main), so that neither way inherits the other's memory.
    with peaks() as grown:
        started, busy = time.monotonic(), time.process_time()
        codes, targets = load_fold(folder, "train", memory, threads)
        decoded, busy = time.monotonic(), time.process_time() - busy
        rng = np.random.default_rng(0)
        order = rng.permutation(len(codes))
        for low in range(0, BATCHES * BATCH, BATCH):
            rows = np.take(order, np.arange(low, low + BATCH), mode="wrap")
            augment(codes[rows], targets[rows], True, 3, True, rng)
        ended = time.monotonic()
    rates = {
        "decoded_per_s": len(codes) / (decoded - started),
        "decoded_per_cpu_s": len(codes) / busy,
        "augmented_per_s": BATCHES * BATCH / (ended - decoded),
    }
    return {name: round(value, 1) for name, value in (rates | grown).items()}


def main(
    length: Annotated[int, typer.Option(min=1, help="Window in bp.")] = 384,
    tracks: Annotated[int, typer.Option(min=1, help="Tracks.")] = 6,
    windows: Annotated[int, typer.Option(min=1, help="Windows of the smaller fold.")] = 40_000,
    threads: Annotated[int, typer.Option(min=1, help="Decoding threads.")] = 2,
) -> None:
    """Measure, and print a JSON object for each fold and way."""
    for n in (windows, LARGER * windows):
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder), length, tracks, n)
            for way, memory in (("memory", MEMORY), ("mapped", 0)):
                with get_context("spawn").Pool(1) as pool:
                    result = pool.apply(measure, (Path(folder), memory, threads))
                facts = {"windows": n, "bp": length, "tracks": tracks, "threads": threads, "fold": way}
                sys.stdout.write(json.dumps(facts | result) + "\n")


if __name__ == "__main__":
    typer.run(main)
