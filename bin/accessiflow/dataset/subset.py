"""A dataset from another one: a training set, other folds or fewer tracks, without a second pass over the genome and the signals.

The result is what `build` gives for the same choice, byte for byte (for datasets without `--limit`, whose pieces may overlap).
Memory: as `load_fold`, and one TFRecord file's windows a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset import tfrecords
from accessiflow.dataset import windows as window_rules
from accessiflow.dataset.build import Request, check_folds, choose_windows, staged, statistics_of
from accessiflow.dataset.windows import Geometry, Windows
from accessiflow.errors import InputError
from accessiflow.files import open_text, read_json, read_table, write_json, write_table, write_text
from accessiflow.intervals import FOLDS

ROWS_AT_ONCE = 1 << 14


class _Records:
    """The windows of all folds of a dataset by record number: folds in order, records in order."""

    def __init__(self, data_dir: Path) -> None:
        folds = [tfrecords.load_fold(data_dir, fold) for fold in FOLDS]
        self._codes, self._targets = [f[0] for f in folds], [f[1] for f in folds]
        self._first = np.cumsum([0, *(len(c) for c in self._codes)])

    def __len__(self) -> int:
        return int(self._first[-1])

    def record(self, number: int, columns: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Base codes (L,) and targets (B, columns) of a record."""
        fold = int(np.searchsorted(self._first, number, side="right")) - 1
        row = number - int(self._first[fold])
        return self._codes[fold][row], self._targets[fold][row][:, columns]

    def gc(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of G and C among all bases (n,) of records, N in the denominator."""
        everything = np.concatenate([_gc(codes) for codes in self._codes])
        return everything[numbers]


def _gc(codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    out = np.empty(len(codes))
    for low in range(0, len(codes), ROWS_AT_ONCE):
        part = codes[low : low + ROWS_AT_ONCE]
        out[low : low + len(part)] = ((part == 1) | (part == 2)).sum(axis=1) / part.shape[1]
    return out


def subset(data_dir: Path, out: Path, request: Request, tracks: Sequence[str] = ()) -> dict[str, int]:
    """Write the dataset, all of it or nothing; returns its statistics.

    Args:
        request: peaks, training_set, nonpeak_ratio, records_per_file, seed, threads; valid_chroms and test_chroms where the folds change.
        tracks: names of the tracks to keep, in this order; all when empty.

    Raises:
        InputError: an incomplete dataset, a fold without windows, an unknown track, chromosomes of neither fold.
    """
    if out.absolute() == data_dir.absolute():
        raise InputError("is the dataset itself: choose another output", out)
    facts = read_json(data_dir / "statistics.json")
    geometry = _geometry(facts, data_dir)
    windows = _refolded(window_rules.read_windows(data_dir / "sequences.bed", None, geometry.seq_length), request, data_dir)
    order = _build_order(windows, data_dir)
    windows, records = windows.take(order), _Records(data_dir)
    if len(records) != len(windows):
        raise InputError(f"lists {len(windows)} windows, the TFRecords hold {len(records)}", data_dir / "sequences.bed")
    if request.training_set != "all":
        kept = choose_windows(windows, request, lambda: records.gc(order))
        windows, order = windows.take(kept), order[kept]
    check_folds(windows)
    shuffle = _shuffle(windows, request.seed)
    windows, order = windows.take(shuffle), order[shuffle]
    names = list(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"])["identifier"])
    columns = _columns(names, tracks, data_dir)
    with staged(out, False) as folder:
        window_rules.write_windows(windows, folder / "sequences.bed")
        _copy(data_dir / "contigs.bed", folder / "contigs.bed")
        _write(folder, windows, order, records, columns, request)
        statistics = statistics_of(windows, len(columns), geometry)
        write_json(statistics, folder / "statistics.json")
        if tracks:
            write_table(read_table(data_dir / "targets.txt").iloc[columns], folder / "targets.txt", None)
        else:
            _copy(data_dir / "targets.txt", folder / "targets.txt")
    return statistics


def _geometry(facts: dict[str, object], data_dir: Path) -> Geometry:
    try:
        length, crop, width = (int(facts[k]) for k in ("seq_length", "crop_bp", "pool_width"))  # type: ignore[call-overload]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"lacks a number that a dataset has ({error})", data_dir / "statistics.json") from None
    return Geometry(length, crop, width)


def _refolded(windows: Windows, request: Request, data_dir: Path) -> Windows:
    """The windows with the folds that are asked for."""
    valid, test = request.valid_chroms, request.test_chroms
    if not valid and not test:
        return windows
    if not valid or not test or set(valid) & set(test):
        raise InputError("-v and -t: give both, with no chromosome in common")
    if not {*valid, *test} & set(windows.names):
        raise InputError(f"has none of the chromosomes {', '.join([*valid, *test])}", data_dir / "sequences.bed")
    number = np.array([FOLDS.index("test" if c in test else "valid" if c in valid else "train") for c in windows.names], np.int8)
    return replace(windows, fold=number[windows.chrom])


def _build_order(windows: Windows, data_dir: Path) -> NDArray[np.int64]:
    """Row numbers in the order before the shuffle: folds, chromosomes as contigs.bed first names them, starts."""
    with open_text(data_dir / "contigs.bed") as bed:
        named = list(dict.fromkeys(line.split("\t", 1)[0] for line in bed))
    rank = {name: i for i, name in enumerate([*named, *(n for n in windows.names if n not in set(named))])}
    return np.lexsort((windows.start, np.array([rank[n] for n in windows.names])[windows.chrom], windows.fold))


def _shuffle(windows: Windows, seed: int) -> NDArray[np.int64]:
    """Row numbers in Basenji's shuffled order."""
    numbered = replace(windows, start=np.arange(len(windows)))
    return window_rules.shuffled(numbered, seed).start


def _columns(known: list[str], tracks: Sequence[str], data_dir: Path) -> NDArray[np.int64]:
    unknown = [t for t in tracks if t not in known]
    if unknown:
        raise InputError(f"has no track {unknown[0]} (tracks: {', '.join(known[:10])})", data_dir / "targets.txt")
    return np.array([known.index(t) for t in tracks] if tracks else range(len(known)), np.int64)


def _copy(source: Path, target: Path) -> None:
    with open_text(source) as lines, write_text(target) as out:
        out.writelines(lines)


def _write(folder: Path, windows: Windows, order: NDArray[np.int64], records: _Records, columns: NDArray[np.int64], request: Request) -> None:
    """Write tfrecords/FOLD-K.tfr, one file a thread at a time."""
    (folder / "tfrecords").mkdir()
    jobs = []
    for fold in FOLDS:
        rows = windows.of_fold(fold)
        jobs += [
            (f"{fold}-{k}.tfr", rows[low : low + request.records_per_file]) for k, low in enumerate(range(0, len(rows), request.records_per_file))
        ]

    def write(job: tuple[str, NDArray[np.int64]]) -> None:
        name, rows = job
        tfrecords.write_records(folder / "tfrecords" / name, (records.record(int(number), columns) for number in order[rows]))

    with ThreadPoolExecutor(request.threads) as pool:
        list(pool.map(write, jobs))
