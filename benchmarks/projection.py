#!/usr/bin/env python3
"""What a run of a given size needs: tasks, core-hours, GPU-hours, disk and price, from unit costs of small inputs.

benchmarks/projection.py [--tracks 700] [--variants 10000000] [--core-hour 0.04] [--gpu-hour 1.2] ...
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from math import ceil

HOUR, GB = 3600.0, 1e9


@dataclass(frozen=True)
class Size:
    """What a run is asked to do. Prices are per hour of a core and of a GPU, and per GB and month of disk."""

    tracks: int = 700
    genome: float = 3.1e9
    bin_size: int = 128
    stride: int = 192
    seq_length: int = 1344
    variants: float = 1e7
    models: int = 1
    replicates: int = 3
    epochs: int = 30
    passes: int = 6
    traits: int = 30
    peak_sets: int = 60
    tissues: int = 49
    people: int = 489
    shard_size: int = 20_000
    gpu_windows: float = 10_000.0
    core_hour: float = 0.04
    gpu_hour: float = 1.2
    gb_month: float = 0.08

    @property
    def bins(self) -> float:
        """Bins of the genome."""
        return self.genome / self.bin_size

    @property
    def windows(self) -> float:
        """Windows of the genome, gaps left out."""
        return 0.93 * self.genome / self.stride

    @property
    def trainings(self) -> int:
        """Networks to train."""
        return self.models * self.replicates


@dataclass(frozen=True)
class Need:
    """One process.

    Attributes:
        process: its name.
        tasks: how many tasks it has.
        core: seconds of a core, in all.
        gpu: seconds of a GPU, in all.
        disk: bytes in the work folder.
        source: where the figures are from.
        memory: bytes that its largest task takes, measured or extrapolated; 0: not stated.
    """

    process: str
    tasks: int
    core: float
    gpu: float
    disk: float
    source: str
    memory: float = 0.0


def needs(s: Size) -> list[Need]:
    """Every process that costs more than a minute at such sizes."""
    # Unit costs: docs/performance.md (one core of a Zen 3 machine).
    rest = Need("REPORT and the rest", 20, 600.0, 0, 1 * GB, "measured")
    return [*_signal_needs(s), *_model_needs(s), *_variant_needs(s), rest]


def _dataset_bytes(s: Size) -> float:
    """Of a dataset of all windows: 0.3 bytes a base, and 2 bytes a target, compressed."""
    return s.windows * (0.3 * s.seq_length + 2 * s.tracks)


def _signal_needs(s: Size) -> list[Need]:
    sources = ("sha256 1 GB a core-second, inputs of 2 GB", "measured on 312,000 windows")
    subset = 0.3 * s.models * _dataset_bytes(s)
    return [
        Need("PREFLIGHT_CHECK, PREFLIGHT_CHECKSUMS", 1 + ceil(s.tracks / 20), s.tracks * 2e9 / 1e9, 0, 0, sources[0]),
        Need("PEAKS_BIN", s.tracks, s.tracks * s.bins * 28 / 25e6, 0, s.tracks * s.bins * 1.7,
             "measured on 0.8 million bins", 0.13 * GB),
        Need("PEAKS_CALL", s.tracks, s.tracks * s.bins * 4.7 / 25e6, 0, s.tracks * 3e6, "measured on 25 million bins",
             20 * s.bins),
        Need("PEAKS_MERGE, PEAKS_SETS", 2, s.tracks * 1.0 * s.bins / 25e6, 0, 5 * GB, "measured to 160 tracks",
             0.3 * GB + 3e6 * 250 + s.tracks * 1e5 * 14),
        Need("DATASET_BUILD", 1, s.tracks * s.windows * 75 / 15e6 + s.windows * 90e-6, 0, _dataset_bytes(s),
             sources[1]),
        Need("DATASET_SUBSET", s.models, s.windows * 90e-6 * s.models, 0, subset, sources[1]),
    ]  # fmt: skip


def _test_windows(s: Size) -> float:
    """Of the test chromosomes, a tenth of the genome."""
    return 0.1 * s.windows


def _matrix(s: Size) -> float:
    """Bytes of the predictions of the test windows."""
    return _test_windows(s) * s.tracks * 4


def _head(s: Size) -> float:
    """Cost of a network's pass in units of that with one track: its last layer grows with its tracks."""
    return 1 + 0.0007 * s.tracks


def _model_needs(s: Size) -> list[Need]:
    epoch = 0.3 * s.windows / s.gpu_windows  # seconds; a training set is taken to hold three tenths of the windows
    predicted = 0.2 * s.windows * s.passes / 583 * _head(s)
    return [
        Need("TRAIN_FIT", s.trainings, 0, s.trainings * s.epochs * epoch, s.trainings * 0.1 * GB,
             "windows a GPU-second: --gpu-windows, assumed"),
        Need("PREDICT_TEST, PREDICT_GENOME", 2 * s.trainings, predicted * s.trainings, 0,
             0.1 * s.windows * s.tracks * 4 * s.trainings, "583 windows a core-second, measured", 1 * GB),
        Need("EVALUATE", s.trainings, s.trainings * (60 + 2.3e-6 * s.tracks * _test_windows(s)), 0, 0,
             "measured at 684 tracks x 400,000 windows: linear in both", 0.5 * GB + 2.6 * _matrix(s)),
        Need("EVALUATE_COMPARE", 1, s.trainings * (60 + 2.3e-6 * s.tracks * _test_windows(s)), 0, 0,
             "measured at 684 tracks x 40,000 windows", 0.5 * GB + 2.9 * _matrix(s)),
    ]  # fmt: skip


def _variant_needs(s: Size) -> list[Need]:
    shards = ceil(s.variants / s.shard_size) * s.models
    scores = s.variants * s.tracks * 12 * s.models  # bytes: SAD, REF and ALT as float32
    panel = s.variants * s.people / (10_829 * 391)
    ld_seconds = 0.55 * panel * 22 + s.peak_sets * 60
    return [
        Need("SAD_SCORE", shards, s.variants * s.models / 47.8 * s.passes / 6 * _head(s), 0, scores,
             "47.8 variants a core-second at 3 a kb, measured"),
        Need("SAD_SPLIT, SAD_MERGE", 3 * s.models, (2e-5 + 1e-7 * s.tracks) * s.variants * s.models, 0, scores,
             "measured at 684 tracks x 100,000 variants", 0.5 * GB),
        Need("HERITABILITY_ANNOTATE, _LD_SCORES", s.peak_sets + 22 * 3, ld_seconds, 0, s.variants * s.peak_sets * 8,
             "0.55 s for 10,829 SNPs of 391 people at a density of 1 in 1 kb, measured"),
        Need("LDSC_H2, LDSC_CTS, LDSC_MUNGE", s.peak_sets + 2 * s.traits, s.peak_sets * s.traits * 60.0, 0,
             s.traits * 0.05 * GB, "60 s a regression of 1.2 million SNPs with 97 annotations, assumed", 5.3 * GB),
        Need("EQTL_CLASSIFY", 2 * s.tissues * s.models, 2 * s.tissues * s.models * 120.0, 0, 0,
             "120 s for 2,000 SNPs and 700 features, measured to 1,500"),
    ]  # fmt: skip


def table(s: Size) -> str:
    """Markdown: a row a process, and the sums with their price."""
    rows = needs(s)
    lines = [
        "| process | tasks | core-hours | GPU-hours | work folder, GB | largest task, GB | from |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {n.process} | {n.tasks:,} | {n.core / HOUR:,.1f} | {n.gpu / HOUR:,.1f} | {n.disk / GB:,.0f} "
        f"| {f'{n.memory / GB:,.1f}' if n.memory else ''} | {n.source} |"
        for n in rows
    ]
    tasks, core, gpu, disk = (sum(getattr(n, name) for n in rows) for name in ("tasks", "core", "gpu", "disk"))
    price = core / HOUR * s.core_hour + gpu / HOUR * s.gpu_hour + disk / GB * s.gb_month
    lines.append(
        f"| **in all** | **{tasks:,}** | **{core / HOUR:,.0f}** | **{gpu / HOUR:,.0f}** | **{disk / GB:,.0f}** "
        f"| {max(n.memory for n in rows) / GB:,.1f} | price **{price:,.0f}** |"
    )
    return "\n".join(lines)


def main() -> None:
    """Write the table for the size given by the options to stdout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in Size().__dict__.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    sys.stdout.write(table(Size(**vars(parser.parse_args()))) + "\n")


if __name__ == "__main__":
    main()
