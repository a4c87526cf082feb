"""Building a dataset folder in Basenji's layout: windows, targets, TFRecords.

Memory: the windows and their targets (4 bytes a window and track), one chunk of coverage, and one TFRecord file per thread; the sequence is read
window by window. Flat in genome length but for the window table (about 100 bytes a window).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset import targets as target_rules
from accessiflow.dataset import tfrecords, training_sets
from accessiflow.dataset import windows as window_rules
from accessiflow.dataset.windows import Geometry, Window
from accessiflow.errors import InputError
from accessiflow.files import create_hdf5, open_text, write_json, write_text
from accessiflow.genome import Fasta
from accessiflow.intervals import FOLDS, IntervalSet, read_bed

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger("accessiflow")


@dataclass(frozen=True)
class Request:
    """What to build (the options of `dataset.py build`)."""

    geometry: Geometry
    valid_chroms: Sequence[str]
    test_chroms: Sequence[str]
    blacklist: Path | None = None
    gaps: Path | None = None
    limit: Path | None = None
    exclude: Sequence[Path] = ()
    peaks: Path | None = None
    training_set: str = "all"
    nonpeak_ratio: float = 1.0
    records_per_file: int = 256
    seed: int = window_rules.SHUFFLE_SEED
    compat: bool = False
    restart: bool = False
    keep_coverage: bool = False
    threads: int = 1


def build(fasta: Path, targets: Path, out: Path, request: Request) -> dict[str, int]:
    """Write the dataset; returns its statistics.

    Raises:
        InputError: lengths that contradict each other, a fold without windows, unknown chromosomes, unreadable signals.
    """
    check_geometry(request.geometry)
    tracks = target_rules.read_targets(targets)
    with Fasta(fasta) as genome:
        windows = _restart(out) if request.restart else _plan(genome, out, request)
        _check_folds(windows)
        values = _all_targets(windows, tracks, request, out)
        _write_records(genome.path, windows, values, out, request)
    statistics = _statistics(windows, tracks, request.geometry)
    write_json(statistics, out / "statistics.json")
    with write_text(out / "targets.txt") as copy, open_text(targets) as original:
        copy.write(original.read())
    return statistics


def check_geometry(geometry: Geometry) -> None:
    """Raise InputError when seq_length, crop and target_width contradict each other."""
    inner = geometry.seq_length - 2 * geometry.crop
    if inner <= 0 or inner % geometry.target_width:
        raise InputError(
            f"seq_length {geometry.seq_length} minus twice the crop {geometry.crop} leaves {inner} bp, no positive multiple of the target width {geometry.target_width}"
        )
    if min(geometry.stride, geometry.stride_test) < 1:
        raise InputError("the stride must be at least 1 bp")


def _plan(genome: Fasta, out: Path, request: Request) -> list[Window]:
    geometry = request.geometry
    unknown = [c for c in (*request.valid_chroms, *request.test_chroms) if c not in genome.sizes]
    if unknown and len(unknown) == len([*request.valid_chroms, *request.test_chroms]):
        raise InputError(
            f"has none of the validation and test chromosomes {', '.join(unknown)} (it has {', '.join(list(genome.sizes)[:5])}...)", genome.path
        )
    gaps = read_bed(request.gaps) if request.gaps else None
    limit = read_bed(request.limit) if request.limit else None
    contigs = window_rules.contigs_of(genome.sizes, gaps, limit, geometry.seq_length)
    contigs = window_rules.break_contigs(contigs, request.compat)
    folds = window_rules.split_folds(contigs, request.valid_chroms, request.test_chroms)
    with write_text(out / "contigs.bed") as bed:
        bed.writelines(f"{c.chrom}\t{c.start}\t{c.end}\n" for c in contigs)
    by_fold = {fold: window_rules.windows_of(window_rules.join_contigs(folds[fold]), geometry, fold) for fold in FOLDS}
    by_fold = {fold: _without_excluded(rows, request) for fold, rows in by_fold.items()}
    rng = np.random.default_rng(request.seed)
    by_fold = {fold: rows if fold == "test" else _chosen(rows, genome, request, rng) for fold, rows in by_fold.items()}
    windows = window_rules.shuffled(by_fold, request.seed)
    with write_text(out / "sequences.bed") as bed:
        bed.writelines(f"{w.chrom}\t{w.start}\t{w.end}\t{w.fold}\n" for w in windows)
    return windows


def _restart(out: Path) -> list[Window]:
    table = read_bed(out / "sequences.bed")
    windows = [Window(*row) for row in table.itertuples(index=False, name=None)]
    order = [FOLDS.index(w.fold) if w.fold in FOLDS else -1 for w in windows]
    if -1 in order or order != sorted(order):
        raise InputError("needs the labels train, valid, test in column 4, in this order", out / "sequences.bed")
    return windows


def _without_excluded(rows: list[Window], request: Request) -> list[Window]:
    """Windows none of whose target bases touches an excluded interval."""
    kept = rows
    for path in request.exclude:
        intervals = IntervalSet(read_bed(path))
        touched = _by_chrom(
            kept,
            lambda chrom, start, index=intervals: index.overlaps(
                chrom, start + request.geometry.crop, start + request.geometry.seq_length - request.geometry.crop
            ),
        )
        kept = [w for w, bad in zip(kept, touched, strict=True) if not bad]
    return kept


def _by_chrom(rows: Sequence[Window], query) -> NDArray:  # noqa: ANN001 (a local callable)
    """Apply query(chrom, starts) chromosome by chromosome; results in row order."""
    out: NDArray | None = None
    starts = np.array([w.start for w in rows], np.int64)
    chroms = np.array([w.chrom for w in rows], dtype=object)
    for chrom in dict.fromkeys(chroms.tolist()):
        at = np.flatnonzero(chroms == chrom)
        found = query(chrom, starts[at])
        out = np.zeros(len(rows), found.dtype) if out is None else out
        out[at] = found
    return np.zeros(0, bool) if out is None else out


def _chosen(rows: list[Window], genome: Fasta, request: Request, rng: np.random.Generator) -> list[Window]:
    if request.training_set == "all" or not rows:
        return rows
    if request.peaks is None:
        raise InputError(f"--training-set {request.training_set} needs --peaks peaks.h5ad")
    in_peak, ubiquitous = _peak_membership(rows, request)
    if not in_peak.any():
        raise InputError(f"holds no peak in the {rows[0].fold} windows: the training set {request.training_set} would be empty", request.peaks)
    gc = _gc(rows, genome) if request.training_set == "gc_matched" else None
    kept = training_sets.choose(request.training_set, in_peak, ubiquitous, gc, request.nonpeak_ratio, rng)
    return [rows[i] for i in kept]


def _peak_membership(rows: Sequence[Window], request: Request) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the centre of each window's target lies in a peak bin, and in one of the ubiquitous cluster."""
    from accessiflow.peak_matrix import read_peaks

    assert request.peaks is not None
    matrix = read_peaks(request.peaks)
    middle = np.array([(w.start + w.end) // 2 for w in rows])
    found = matrix.locate([w.chrom for w in rows], middle)
    cluster = matrix.obs["cluster"].astype(str).to_numpy()
    return found >= 0, (found >= 0) & (cluster[np.maximum(found, 0)] == "ubiquitous")


def _gc(rows: Sequence[Window], genome: Fasta) -> NDArray[np.float64]:
    out = np.empty(len(rows))
    for i, w in enumerate(rows):
        codes = genome.codes(w.chrom, w.start, w.end)
        out[i] = np.isin(codes, (1, 2)).sum() / max((codes < 4).sum(), 1)
    return out


def _check_folds(windows: Sequence[Window]) -> None:
    present = {w.fold for w in windows}
    missing = [fold for fold in FOLDS if fold not in present]
    if missing:
        raise InputError(f"no window is left in the {' and '.join(missing)} fold: check the chromosomes, gaps, excluded regions and --limit")


def _all_targets(windows: Sequence[Window], tracks: Sequence[target_rules.Track], request: Request, out: Path) -> NDArray[np.float32]:
    black: pd.DataFrame | None = read_bed(request.blacklist) if request.blacklist else None
    blacklist = target_rules.blacklist_of(black)
    values = np.empty((len(windows), request.geometry.target_length, len(tracks)), np.float32)
    for i, track in enumerate(tracks):
        values[:, :, i] = target_rules.window_targets(windows, track, request.geometry, blacklist, request.compat)
        if not values[:, :, i].any():
            log.warning("the track %s is zero in every window", track.identifier)
        if request.keep_coverage:
            with create_hdf5(out / "seqs_cov" / f"{i}.h5") as handle:
                handle.create_dataset("targets", data=values[:, :, i])
        log.info("targets of %s: %d windows", track.identifier, len(windows))
    return values


def _write_records(fasta: Path, windows: Sequence[Window], values: NDArray[np.float32], out: Path, request: Request) -> None:
    folder = out / "tfrecords"
    for old in folder.glob("*.tfr"):
        old.unlink()
    jobs = []
    for fold in FOLDS:
        at = [i for i, w in enumerate(windows) if w.fold == fold]
        size = request.records_per_file
        jobs += [(folder / f"{fold}-{k}.tfr", at[low : low + size]) for k, low in enumerate(range(0, len(at), size))]

    def write(job: tuple[Path, list[int]]) -> None:
        path, at = job
        with Fasta(fasta) as genome:
            tfrecords.write_records(path, ((genome.codes(windows[i].chrom, windows[i].start, windows[i].end), values[i]) for i in at))

    with ThreadPoolExecutor(request.threads) as pool:
        list(pool.map(write, jobs))


def _statistics(windows: Sequence[Window], tracks: Sequence[target_rules.Track], geometry: Geometry) -> dict[str, int]:
    counts = {f"{fold}_seqs": sum(w.fold == fold for w in windows) for fold in FOLDS}
    lengths = {
        "seq_length": geometry.seq_length,
        "pool_width": geometry.target_width,
        "crop_bp": geometry.crop,
        "target_length": geometry.target_length,
    }
    return {"num_targets": len(tracks)} | lengths | counts
