"""Building a dataset folder in Basenji's layout: windows, targets, TFRecords.

Memory: 21 bytes a window; for each thread the targets of one track (4 bytes a window and position) and one chunk of
coverage, then the targets of one TFRecord file. Targets wait on disk; sequences are read window by window.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset import targets as target_rules
from accessiflow.dataset import tfrecords, training_sets
from accessiflow.dataset import windows as window_rules
from accessiflow.dataset.windows import Geometry, WindowTable
from accessiflow.errors import InputError
from accessiflow.files import open_text, scratch, write_json, write_text
from accessiflow.genome import UNKNOWN, Fasta, gc_share
from accessiflow.hdf5 import create_hdf5, open_hdf5
from accessiflow.intervals import FOLDS, IntervalSet, count_elsewhere, read_bed
from accessiflow.log import Recording, left_out, log, recalled

if TYPE_CHECKING:
    import pandas as pd

LAYOUT = ("targets.txt", "contigs.bed", "sequences.bed", "seqs_cov", "tfrecords", "statistics.json")
SEQUENCE_SPAN = 1 << 24  # bp of a chromosome that are looked at together: 64 MB of counts
MOST_EXTREME = 1000  # a track's largest target over its mean
WHOLE_CHROMOSOME = 1 << 40  # bp; more than any chromosome has, so that none is cut


class PeakMembership(NamedTuple):
    """Whether the centre of each window's target (n,) lies in a peak bin, and in one of the ubiquitous cluster."""

    in_peak: NDArray[np.bool_]
    ubiquitous: NDArray[np.bool_]


@dataclass(frozen=True)
class DatasetRequest:
    """What to build (the options of `dataset.py build`).

    Attributes:
        geometry: lengths of windows and targets, and strides.
        valid_chroms: chromosomes of the validation fold.
        test_chroms: chromosomes of the test fold.
        blacklist: BED whose bases get the window's base level.
        gaps: BED of assembly gaps.
        limit: BED that all windows must lie in.
        exclude: BED files that no target may touch.
        peaks: peaks.h5ad, for all training sets but `all`.
        training_set: which windows of the training and validation folds are kept.
        nonpeak_ratio: non-peak windows per peak window, for `balanced`.
        records_per_file: windows in one TFRecord file.
        seed: seed of the shuffle and of the choice of windows.
        compat: keep the original's faults, for parity.
        restart: take the windows and the targets that the output folder already has.
        keep_coverage: leave the targets of each track in seqs_cov.
        half: store targets as float16.
        threads: how many tracks are read, and then TFRecord files written, at once.
    """

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
    records_per_file: int = 4096
    seed: int = window_rules.SHUFFLE_SEED
    compat: bool = False
    restart: bool = False
    keep_coverage: bool = False
    half: bool = False
    threads: int = 1


def build(fasta: Path, targets: Path, out: Path, request: DatasetRequest) -> dict[str, int | str]:
    """Write the dataset, all of it or nothing; returns its statistics.

    Raises:
        InputError: lengths contradict each other, a fold has no window, chromosomes are unknown, a signal cannot be
            read, or a track is zero everywhere.
    """
    check_geometry(request.geometry)
    tracks = target_rules.read_targets(targets)
    with Fasta(fasta) as genome, staged(out, request.restart) as folder:
        target_rules.check_signals(tracks, genome.sizes)
        windows = (
            window_rules.read_windows(out / "sequences.bed", genome.sizes, request.geometry.seq_length)
            if request.restart
            else _plan(genome, folder, request)
        )
        check_folds(windows)
        places = _write_coverage(windows, tracks, request, out, folder)
        _write_records(genome.path, windows, folder, request, places)
        statistics = statistics_of(windows, len(tracks), request)
        write_json(statistics, folder / "statistics.json")
        with write_text(folder / "targets.txt") as copy, open_text(targets) as original:
            copy.write(original.read())
        if not request.keep_coverage:
            shutil.rmtree(folder / "seqs_cov")
    return statistics


def check_geometry(geometry: Geometry) -> None:
    """Raise InputError when seq_length, crop and target_width contradict each other."""
    inner = geometry.seq_length - 2 * geometry.crop
    if geometry.crop < 0 or inner <= 0 or inner % geometry.target_width:
        raise InputError(
            f"seq_length {geometry.seq_length} minus twice the crop {geometry.crop} leaves {inner} bp, "
            f"no positive multiple of the target width {geometry.target_width}"
        )
    if min(geometry.stride, geometry.stride_test) < 1:
        raise InputError("the stride must be at least 1 bp")


@contextmanager
def staged(out: Path, restart: bool) -> Iterator[Path]:
    """A folder next to `out` whose content takes its place at the end; nothing of it is left on failure.

    Args:
        out: the dataset folder.
        restart: keep the files of `out` that are not written anew.
    """
    out = out.absolute()
    with scratch(out) as folder:
        if out.exists() and not out.is_dir():
            raise InputError("is a file, expected a folder for the dataset", out)
        yield folder
        out.mkdir(exist_ok=True)
        (out / "statistics.json").unlink(missing_ok=True)  # it comes last: a folder that has it is complete
        for name in LAYOUT:
            if (folder / name).exists() or not restart:
                _remove(out / name)
            if (folder / name).exists():
                os.replace(folder / name, out / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _plan(genome: Fasta, folder: Path, request: DatasetRequest) -> WindowTable:
    geometry = request.geometry
    _check_chroms(genome, request)
    gaps = _placed(request.gaps, genome) if request.gaps else None
    limit = _placed(request.limit, genome) if request.limit else None
    for path in [*request.exclude, *filter(None, [request.blacklist])]:
        _placed(path, genome)
    contigs = window_rules.contigs_of(genome.sizes, gaps, limit, geometry.seq_length)
    # Broken and joined again, as Basenji does: windows are the same as without, their order before the shuffle is not.
    whole = sum(c.end - c.start for c in contigs)
    contigs = window_rules.break_contigs(contigs, request.compat)
    lost = whole - sum(c.end - c.start for c in contigs)
    left_out("bases", lost, whole, "in the last piece of the heap, which --compat basenji loses", expected=True)
    folds = window_rules.split_folds(contigs, request.valid_chroms, request.test_chroms)
    with write_text(folder / "contigs.bed") as bed:
        bed.writelines(f"{c.chrom}\t{c.start}\t{c.end}\n" for c in contigs)
    windows = window_rules.windows_of({fold: window_rules.join_contigs(folds[fold]) for fold in FOLDS}, geometry)
    windows = _without_excluded(windows, request)
    check_folds(windows)
    if request.training_set != "all":
        windows = windows.take(choose_windows(windows, request, lambda: gc_content(windows, genome)))
    windows = window_rules.shuffled(windows, request.seed)
    window_rules.write_windows(windows, folder / "sequences.bed")
    return windows


def _placed(path: Path, genome: Fasta) -> pd.DataFrame:
    """The intervals of a BED; those on contigs that the genome lacks do nothing, and are counted."""
    table = read_bed(path)
    count_elsewhere(table, genome.sizes, path)
    return table


def _check_chroms(genome: Fasta, request: DatasetRequest) -> None:
    requested = [*request.valid_chroms, *request.test_chroms]
    unknown = [c for c in requested if c not in genome.sizes]
    both = set(request.valid_chroms) & set(request.test_chroms)
    if both:
        raise InputError(f"{min(both)} is asked for as validation (-v) and as test chromosome (-t): choose one")
    if unknown and len(unknown) == len(requested):
        known = ", ".join(list(genome.sizes)[:5])
        raise InputError(
            f"has none of the validation and test chromosomes {', '.join(unknown)} (it has {known}...)", genome.path
        )
    left_out("chromosomes", len(unknown), len(requested), "of -v and -t, unknown to the genome")
    if unknown:
        log.warning("%s has no %s: validation and test use the other chromosomes", genome.path.name, ", ".join(unknown))


def _without_excluded(windows: WindowTable, request: DatasetRequest) -> WindowTable:
    """Windows none of whose target bases touches an excluded interval."""
    geometry, kept = request.geometry, np.ones(len(windows), bool)
    for path in request.exclude:
        intervals = IntervalSet(read_bed(path))
        for chrom, rows in windows.spans(SEQUENCE_SPAN):
            first = windows.start[rows] + geometry.crop
            kept[rows] &= ~intervals.overlaps(chrom, first, first + geometry.seq_length - 2 * geometry.crop)
    left_out("windows", int((~kept).sum()), len(kept), "their target touches an excluded interval", expected=True)
    return windows if kept.all() else windows.take(kept)


def choose_windows(
    windows: WindowTable, request: DatasetRequest, gc: Callable[[], NDArray[np.float64]]
) -> NDArray[np.int64]:
    """Row numbers of the training set: chosen in the training and validation folds, all windows of the test fold.

    Args:
        windows: all windows.
        request: names the training set and the peaks.
        gc: gives the GC share (n,) of the windows; called only where the set needs it.

    Raises:
        InputError: there is no file of peaks, or no peak in the training or validation windows.
    """
    if request.peaks is None:
        raise InputError(f"--training-set {request.training_set} needs --peaks peaks.h5ad")
    member = _peak_membership(windows, request.peaks)
    share = gc() if request.training_set == "gc_matched" else np.zeros(len(windows))
    kept = []
    for fold in ("train", "valid"):
        rows = windows.of_fold(fold)
        in_peak, ubiquitous = member.in_peak[rows], member.ubiquitous[rows]
        if not in_peak.any():
            raise InputError(
                f"holds no peak in the {fold} windows: the training set {request.training_set} would be empty",
                request.peaks,
            )
        # A generator a fold: the validation windows do not depend on how many training windows there are.
        rng = np.random.default_rng(request.seed)
        chosen = training_sets.choose(
            request.training_set, in_peak, ubiquitous, share[rows], request.nonpeak_ratio, rng
        )
        kept.append(rows[chosen])
        passed = len(rows) - len(np.unique(chosen))
        reason = f"{fold} windows that are not in the training set {request.training_set}"
        left_out("windows", passed, len(rows), reason, expected=True)
    return np.concatenate([*kept, windows.of_fold("test")])


def _peak_membership(windows: WindowTable, peaks: Path) -> PeakMembership:
    from accessiflow.peaks.matrix import read_peaks

    matrix = read_peaks(peaks)
    if not set(matrix.obs["chrom"].astype(str)) & set(windows.names):
        theirs, ours = str(matrix.obs["chrom"].iloc[0]) if len(matrix.obs) else "no peak", windows.names[0]
        raise InputError(
            f"shares no chromosome with the windows ({theirs} against {ours}): peaks of another genome?", peaks
        )
    cluster = matrix.obs["cluster"].astype(str).to_numpy()
    peak = np.full(len(windows), -1, np.int64)
    for name, rows in windows.spans(WHOLE_CHROMOSOME):
        peak[rows] = matrix.locate(np.full(len(rows), name, object), windows.start[rows] + windows.length // 2)
    return PeakMembership(peak >= 0, (peak >= 0) & (cluster[np.maximum(peak, 0)] == "ubiquitous"))


def gc_content(windows: WindowTable, genome: Fasta) -> NDArray[np.float64]:
    """Share of G and C among the known bases of each window (n,); 0 where none is known."""
    out = np.empty(len(windows))
    for chrom, rows in windows.spans(SEQUENCE_SPAN):
        start = windows.start[rows]
        codes = genome.codes(chrom, int(start[0]), int(start[-1]) + windows.length)
        # A window's count is a difference of two running totals, however much windows overlap.
        counts = []
        for flags in ((codes == 1) | (codes == 2), codes != UNKNOWN):
            total = np.concatenate([[0], np.cumsum(flags, dtype=np.int32)])
            counts.append(total[start - start[0] + windows.length] - total[start - start[0]])
        out[rows] = np.nan_to_num(gc_share(*counts))
    return out


def check_folds(windows: WindowTable) -> None:
    """Raise InputError where a fold has no window."""
    missing = [fold for fold in FOLDS if len(windows.of_fold(fold)) == 0]
    if missing:
        raise InputError(
            f"no window is left in the {' and '.join(missing)} fold: "
            "check the chromosomes, gaps, excluded regions and --limit"
        )


class _WrittenTrack(NamedTuple):
    """What is known of a track whose targets (n, target_length) are written.

    Attributes:
        place: bytes before its values in the file.
        bad: number (from 1) of the first window with a value that is not finite; 0 for none.
        empty: whether it is zero in every training window.
        too_large: values that float16 cannot hold.
        largest: the largest value.
        mean: of all values.
    """

    place: int
    bad: int
    empty: bool
    too_large: int
    largest: float
    mean: float


@dataclass(frozen=True)
class _CoverageJob:
    """Targets of any of the tracks, one call a track.

    Attributes:
        windows, tracks, request: what is asked for.
        blacklist: of the request, read.
        out: the dataset folder, where a restart finds targets.
        folder: where they are written: seqs_cov/I.h5.
    """

    windows: WindowTable
    tracks: Sequence[target_rules.Track]
    request: DatasetRequest
    blacklist: target_rules.Blacklist
    out: Path
    folder: Path

    def write(self, number: int) -> _WrittenTrack:
        """Write a track's targets; a restart takes those that OUT already has."""
        name, request = Path("seqs_cov") / f"{number}.h5", self.request
        if request.restart and (self.out / name).exists():
            values = _kept_coverage(self.out / name, (len(self.windows), request.geometry.target_length))
        else:
            track = self.tracks[number]
            values = target_rules.window_targets(self.windows, track, request.geometry, self.blacklist, request.compat)
        finite = np.isfinite(values).all(axis=1)
        with create_hdf5(self.folder / name) as handle:
            place = handle.create_dataset("targets", data=values).id.get_offset()
        empty = not values[self.windows.of_fold("train")].any()
        bad = 0 if finite.all() else int(finite.argmin()) + 1
        too_large = int(np.count_nonzero(values > tfrecords.LARGEST_HALF))
        return _WrittenTrack(place, bad, empty, too_large, float(values.max()), float(values.mean(dtype=np.float64)))


# of a worker process, which inherits it: sent with each track it would be copied as often
_job: list[_CoverageJob] = []


def _take_job(job: _CoverageJob) -> None:
    _job[:] = [job]


def _write_one(number: int) -> _WrittenTrack:
    return _job[0].write(number)


def _written(job: _CoverageJob) -> Iterator[_WrittenTrack]:
    """The tracks in order, each written by a process of its own where several are asked for."""
    numbers = range(len(job.tracks))
    if job.request.threads == 1 or len(numbers) == 1:
        yield from map(job.write, numbers)
        return
    # Processes, not threads: reading a bigWig holds Python's lock.
    context, workers = get_context("fork"), min(job.request.threads, len(numbers))
    with ProcessPoolExecutor(workers, context, initializer=_take_job, initargs=(job,)) as pool:
        try:
            yield from recalled(pool.map(Recording(_write_one), numbers))
        finally:
            pool.shutdown(cancel_futures=True)  # a refusal need not wait for the other tracks


def _write_coverage(
    windows: WindowTable, tracks: Sequence[target_rules.Track], request: DatasetRequest, out: Path, folder: Path
) -> list[int]:
    """Write seqs_cov/I.h5, the targets (n, target_length) of each track; returns where in it they lie, in bytes."""
    blacklist = target_rules.blacklist_of(read_bed(request.blacklist) if request.blacklist else None)
    places = []
    for track, found in zip(
        tracks, _written(_CoverageJob(windows, tracks, request, blacklist, out, folder)), strict=True
    ):
        if found.bad:
            raise InputError(
                f"the track {track.identifier} has a target that is no finite number (window {found.bad})", track.file
            )
        # A network cannot learn such a track, and its correlation is not defined; Basenji writes it all the same.
        if not request.compat and found.empty:
            raise InputError(
                f"the track {track.identifier} is zero in every training window: take it out of the targets table",
                track.file,
            )
        _warn_of_extremes(track, found)
        if request.half and found.too_large:
            log.warning(
                "%s: %d targets above %.0f are stored as that number, the largest float16",
                track.identifier,
                found.too_large,
                tfrecords.LARGEST_HALF,
            )
        places.append(found.place)
        log.info("targets of %s: %d windows", track.identifier, len(windows))
    return places


def _warn_of_extremes(track: target_rules.Track, found: _WrittenTrack) -> None:
    """Warn where one target outweighs all others of a track (after its clip): a network learns nothing else then."""
    if found.largest > MOST_EXTREME * found.mean:
        log.warning(
            "%s: its largest target, %.4g, is %.0f times its mean (more than %d): a network may learn nothing of such "
            "a track; set clip or clip_soft in the tracks sheet",
            track.identifier,
            found.largest,
            found.largest / found.mean,
            MOST_EXTREME,
        )


def _kept_coverage(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    with open_hdf5(path, ["targets"]) as handle:
        stored = handle["targets"].shape
        if stored != shape:
            raise InputError(
                f"holds targets of shape {stored}, sequences.bed needs {shape}: remove the folder seqs_cov", path
            )
        return handle["targets"][:]


def _write_records(
    fasta: Path, windows: WindowTable, folder: Path, request: DatasetRequest, places: Sequence[int]
) -> None:
    """Write the TFRecords, one file a thread at a time.

    Args:
        places: where in seqs_cov/I.h5 the targets of each track lie, in bytes.
    """
    positions = request.geometry.target_length

    def write(path: Path, rows: NDArray[np.int64]) -> None:
        values = np.empty((len(rows), positions, len(places)), np.float32)
        for i, place in enumerate(places):
            # As bytes, not through HDF5: hundreds of tracks are opened again for each file.
            with open(folder / "seqs_cov" / f"{i}.h5", "rb") as stored:
                stored.seek(place + 4 * positions * int(rows[0]))
                values[:, :, i] = np.fromfile(stored, np.float32, positions * len(rows)).reshape(-1, positions)
        part = windows.take(rows)
        with Fasta(fasta) as genome:  # a handle of its own: htslib's are not safe for threads
            sequences = (
                genome.codes(windows.names[c], s, s + windows.length)
                for c, s in zip(part.chrom.tolist(), part.start.tolist(), strict=True)
            )
            tfrecords.write_records(path, zip(sequences, values, strict=True), request.half)

    each_file(windows, folder, request, write)


def each_file(
    windows: WindowTable, folder: Path, request: DatasetRequest, write: Callable[[Path, NDArray[np.int64]], None]
) -> None:
    """Call `write` with each file tfrecords/FOLD-K.tfr and its row numbers, in threads."""
    (folder / "tfrecords").mkdir()
    size, files = request.records_per_file, []
    for fold in FOLDS:
        rows = windows.of_fold(fold)
        files += [
            (folder / "tfrecords" / f"{fold}-{k}.tfr", rows[low : low + size])
            for k, low in enumerate(range(0, len(rows), size))
        ]
    with ThreadPoolExecutor(request.threads) as pool:
        list(pool.map(lambda file: write(*file), files))


def statistics_of(windows: WindowTable, num_tracks: int, request: DatasetRequest) -> dict[str, int | str]:
    """Content of statistics.json: Basenji's keys, and the training set where it is not all windows."""
    # Basenji passes over keys that it does not know, so its programs can read the dataset.
    geometry = request.geometry
    counts = {f"{fold}_seqs": len(windows.of_fold(fold)) for fold in FOLDS}
    lengths = {
        "seq_length": geometry.seq_length,
        "pool_width": geometry.target_width,
        "crop_bp": geometry.crop,
        "target_length": geometry.target_length,
    }
    chosen = {} if request.training_set == "all" else {"training_set": request.training_set}
    return {"num_targets": num_tracks} | lengths | counts | chosen
