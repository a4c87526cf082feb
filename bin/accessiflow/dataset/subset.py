"""A dataset from another one: a training set, other folds or fewer tracks, without reading genome and signals again.

The result is byte for byte what `build` gives for the same choice; not so for datasets with `--limit`, whose pieces may
overlap. Memory: as `load_fold` for a fold, and 50 bytes a window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset import tfrecords
from accessiflow.dataset import windows as window_rules
from accessiflow.dataset.build import (
    WHOLE_CHROMOSOME,
    DatasetRequest,
    check_folds,
    choose_windows,
    each_file,
    staged,
    statistics_of,
)
from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.windows import Geometry, WindowTable
from accessiflow.errors import InputError
from accessiflow.files import open_text, read_json, read_table, write_json, write_text
from accessiflow.genome import window_gc
from accessiflow.intervals import FOLDS, fold_of

WINDOWS_PER_BLOCK = 1 << 14  # bounds the temporary arrays of a comparison: 22 MB at 1,344 bp


class WindowRecord(NamedTuple):
    """Base codes (L,) and targets (target_length, tracks) of a window."""

    codes: NDArray[np.uint8]
    targets: NDArray[np.float32]


class _Records:
    """The windows of all folds of a dataset by record number: folds in order, records in order."""

    def __init__(self, data_dir: Path) -> None:
        folds = [tfrecords.load_fold(data_dir, fold, tfrecords.MEMORY // len(FOLDS)) for fold in FOLDS]
        self._codes = [fold.codes for fold in folds]
        self._targets = [fold.targets for fold in folds]
        self._first = np.cumsum(
            [0, *(len(codes) for codes in self._codes)]
        )  # record number of each fold's first window

    @property
    def counts(self) -> list[int]:
        """Windows of each fold."""
        return [len(codes) for codes in self._codes]

    def record(self, number: int, columns: NDArray[np.int64]) -> WindowRecord:
        """A record by its number, with these columns of its targets."""
        fold = int(np.searchsorted(self._first, number, side="right")) - 1
        row = number - int(self._first[fold])
        return WindowRecord(self._codes[fold][row], self._targets[fold][row][:, columns])

    def gc(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of G and C among the known bases (n,) of records; 0 where none is known."""
        everything = np.concatenate([_gc(codes) for codes in self._codes])
        return everything[numbers]

    def has_signal(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which tracks (T,) are not zero in all of some records."""
        out = np.zeros(self._targets[0].shape[2], bool)
        for first, targets in zip(self._first, self._targets, strict=False):
            rows = numbers[(numbers >= first) & (numbers < first + len(targets))] - first
            for low in range(0, len(rows), WINDOWS_PER_BLOCK):
                out |= targets[rows[low : low + WINDOWS_PER_BLOCK]].any(axis=(0, 1))
        return out


def _gc(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    out = np.empty(len(codes))
    for low in range(0, len(codes), WINDOWS_PER_BLOCK):
        part = codes[low : low + WINDOWS_PER_BLOCK]
        out[low : low + len(part)] = np.nan_to_num(window_gc(part))
    return out


def subset(data_dir: Path, out: Path, request: DatasetRequest, tracks: Sequence[str] = ()) -> dict[str, int | str]:
    """Write the dataset, all of it or nothing; returns its statistics.

    Args:
        data_dir: a dataset of all windows.
        out: the new dataset.
        request: read are peaks, training_set, nonpeak_ratio, records_per_file, seed and threads, and where the folds
            change, valid_chroms and test_chroms.
        tracks: names of the tracks to keep, in this order; all when empty.

    Raises:
        InputError: the dataset is incomplete or has chosen windows already, a fold has no window, a track is unknown or
            zero everywhere, or the dataset has none of the chromosomes.
    """
    if out.absolute() == data_dir.absolute():
        raise InputError("is the dataset itself: choose another output", out)
    request = replace(request, half=tfrecords.stored_as_half(data_dir), geometry=_geometry(data_dir))
    windows = window_rules.read_windows(data_dir / "sequences.bed", None, request.geometry.seq_length)
    records = _Records(data_dir)
    for fold, count in zip(FOLDS, records.counts, strict=True):
        listed = len(windows.of_fold(fold))
        if listed != count:
            raise InputError(
                f"lists {listed} {fold} windows, the TFRecords hold {count}: an incomplete dataset",
                data_dir / "sequences.bed",
            )
    windows = _refolded(windows, request, data_dir)
    # `order` holds the record numbers of `windows`, through every choice and shuffle. `build` chooses and shuffles
    # windows in the order of its contigs, so they are put into that order first.
    order = _build_order(windows, data_dir)
    windows = windows.take(order)
    if request.training_set != "all":
        kept = choose_windows(windows, request, lambda: records.gc(order))
        windows, order = windows.take(kept), order[kept]
    check_folds(windows)
    shuffle = _shuffle(windows, request.seed)
    windows, order = windows.take(shuffle), order[shuffle]
    names = list(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"])["identifier"])
    columns = np.array(track_columns(names, tracks or names, data_dir / "targets.txt"), np.int64)
    silent = columns[~records.has_signal(order[windows.of_fold("train")])[columns]]
    if len(silent):
        raise InputError(
            f"the track {names[silent[0]]} is zero in every training window: choose other --tracks", data_dir
        )
    with staged(out, False) as folder:
        window_rules.write_windows(windows, folder / "sequences.bed")
        _copy(data_dir / "contigs.bed", folder / "contigs.bed")
        _write(folder, windows, order, records, columns, request)
        statistics = statistics_of(windows, len(columns), request)
        write_json(statistics, folder / "statistics.json")
        if tracks:
            _copy_rows(data_dir / "targets.txt", columns, folder / "targets.txt")
        else:
            _copy(data_dir / "targets.txt", folder / "targets.txt")
    return statistics


def _copy_rows(table: Path, rows: NDArray[np.int64], target: Path) -> None:
    """Copy some rows of a table, letter by letter: read as values, a track 007 would become 7."""
    with open_text(table) as handle:
        header, *lines = (line for line in handle if line.strip() and not line.startswith("#"))
    with write_text(target) as out:
        out.writelines([header, *(lines[row] for row in rows)])


def _geometry(data_dir: Path) -> Geometry:
    path = data_dir / "statistics.json"
    facts = read_json(path)
    if facts.get("training_set", "all") != "all":
        raise InputError(f"is of the training set {facts['training_set']}: give a dataset of all windows", data_dir)
    try:
        return Geometry(*(int(facts[key]) for key in ("seq_length", "crop_bp", "pool_width")))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"lacks a number that a dataset has ({error})", path) from None


def _refolded(windows: WindowTable, request: DatasetRequest, data_dir: Path) -> WindowTable:
    """The windows with the requested folds."""
    valid, test = request.valid_chroms, request.test_chroms
    if not valid and not test:
        return windows
    if not valid or not test or set(valid) & set(test):
        raise InputError("-v and -t: give both, with no chromosome in common")
    if not {*valid, *test} & set(windows.names):
        raise InputError(f"has none of the chromosomes {', '.join([*valid, *test])}", data_dir / "sequences.bed")
    strides = {fold: _stride(windows, fold) for fold in FOLDS}
    if len(set(strides.values()) - {0}) > 1:
        listed = ", ".join(f"{fold} {stride}" for fold, stride in strides.items())
        raise InputError(
            f"has another stride in each fold ({listed} bp), which other folds would mix: build the dataset anew",
            data_dir,
        )
    number = np.array([FOLDS.index(fold) for fold in fold_of(windows.names, valid, test)], np.int8)
    return replace(windows, fold=number[windows.chrom])


def _stride(windows: WindowTable, fold: str) -> int:
    """The most frequent distance of neighbouring windows of a fold; 0 where it has one window a chromosome."""
    part = windows.take(windows.of_fold(fold))
    steps = [np.diff(part.start[rows]) for _, rows in part.spans(WHOLE_CHROMOSOME)]
    distances = np.concatenate([np.empty(0, np.int64), *steps])
    values, counts = np.unique(distances[distances > 0], return_counts=True)
    return int(values[counts.argmax()]) if len(values) else 0


def _build_order(windows: WindowTable, data_dir: Path) -> NDArray[np.int64]:
    """Row numbers in the order before the shuffle: folds, chromosomes as contigs.bed first names them, starts."""
    with open_text(data_dir / "contigs.bed") as bed:
        named = list(dict.fromkeys(line.split("\t", 1)[0] for line in bed))
    unnamed = [name for name in windows.names if name not in set(named)]
    rank = {name: i for i, name in enumerate([*named, *unnamed])}
    chrom_rank = np.array([rank[name] for name in windows.names])[windows.chrom]
    return np.lexsort((windows.start, chrom_rank, windows.fold))  # the last key counts first


def _shuffle(windows: WindowTable, seed: int) -> NDArray[np.int64]:
    """Row numbers in Basenji's shuffled order."""
    # Row numbers in place of the starts come back shuffled.
    numbered = replace(windows, start=np.arange(len(windows)))
    return window_rules.shuffled(numbered, seed).start


def _copy(source: Path, target: Path) -> None:
    with open_text(source) as lines, write_text(target) as out:
        out.writelines(lines)


def _write(
    folder: Path,
    windows: WindowTable,
    order: NDArray[np.int64],
    records: _Records,
    columns: NDArray[np.int64],
    request: DatasetRequest,
) -> None:
    """Write the TFRecords, one file a thread at a time."""

    def write(path: Path, rows: NDArray[np.int64]) -> None:
        tfrecords.write_records(path, (records.record(int(number), columns) for number in order[rows]), request.half)

    each_file(windows, folder, request, write)
