"""Predictions made elsewhere, brought to the test windows of a dataset, or to the peak bins of the test chromosomes.

Formats: Basenji's predict.h5, Sei's and Selene's HDF5, bigWigs, h5ad, TSV. Windows are aligned by chromosome and the
centre of the central target bases, tracks by name. Memory: the names of the windows and one block of them; what waits
to be put into the order of the test windows lies in files of TMPDIR beyond 256 MB. A sparse h5ad is read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accessiflow.dataset.scratch import WaitingTable
from accessiflow.dataset.tfrecords import fold_blocks, stored_fold
from accessiflow.errors import InputError
from accessiflow.files import open_text, read_json, read_lines, read_table, read_table_blocks
from accessiflow.hdf5 import as_texts, dataset, open_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import left_out, log
from accessiflow.peaks.matrix import read_element
from accessiflow.prediction import files as outputs
from accessiflow.prediction.joining import BLOCK_BYTES, write_predictions
from accessiflow.prediction.peak_bins import coverage_blocks, peak_bins
from accessiflow.prediction.tracks import described
from accessiflow.signal.window_summaries import window_summaries
from accessiflow.statistics import Accuracy

FORMATS = ("auto", "basenji", "sei", "bigwig", "h5ad", "tsv")
BIGWIG_SUFFIXES = (".bw", ".bigwig")
PLACE = ["chrom", "start", "end"]
TSV_ROWS = 1 << 13  # that are parsed at once


class PredictedTable(NamedTuple):
    """A file's predictions.

    Attributes:
        tracks: Names (T,) of its tracks.
        sites: chrom, start, end of its windows (n,).
        blocks: Gives the predictions (k, T) of its windows, summed over positions, in order.
    """

    tracks: list[str]
    sites: pd.DataFrame
    blocks: Callable[[], Iterator[NDArray[np.floating]]]


class _Measured(NamedTuple):
    """What predictions are compared with.

    Attributes:
        sites: chrom, start, end of the windows (n,).
        tracks: identifier and description of the tracks (T,).
        blocks: gives their targets (k, B, T), in order.
    """

    sites: pd.DataFrame
    tracks: pd.DataFrame
    blocks: Callable[[], Iterator[NDArray[np.float32]]]


class _Source(NamedTuple):
    """Predictions at the test windows.

    Attributes:
        path: The file, or the first of them, for messages.
        present: Whether the file has a test window (n,).
        fill: Fills a table (n, T), by test window and track.
        by_track: Whether that table is (T, n), a row a track.
        dtype: Of the table.
    """

    path: Path
    present: NDArray[np.bool_]
    fill: Callable[[WaitingTable], None]
    by_track: bool
    dtype: type[np.floating]


def import_predictions(
    given: Sequence[Path],
    data_dir: Path,
    out: Path,
    kind: str = "auto",
    rows: Path | None = None,
    names: dict[str, str] | None = None,
    exclude: bool = False,
    chroms: Sequence[str] = (),
) -> Accuracy:
    """Write OUT/{preds.h5,targets.h5,acc.txt} of the test windows.

    Args:
        given: The file; or a folder or several files of bigWigs, named after their tracks.
        data_dir: The dataset folder, whose test windows are measured; or peaks.h5ad, whose bins are.
        out: The folder that is written.
        kind: One of FORMATS.
        rows: Row labels of a Sei file (chrom, start, end ...), if they do not lie beside it.
        names: Our track -> its name in the file, for names that differ.
        exclude: Leave out test windows that the file lacks, instead of refusing it.
        chroms: Chromosomes of peaks.h5ad; none: all.

    Raises:
        InputError: The format is not known, or windows or tracks are missing, come twice or are not finite.
    """
    measured = _measured_bins(data_dir, chroms) if data_dir.is_file() else _measured_windows(data_dir)
    sites, tracks = measured.sites, measured.tracks
    theirs = [(names or {}).get(t, t) for t in tracks["identifier"]]
    files = _files(given)
    kind = _kind(files[0]) if kind == "auto" else kind
    if kind != "bigwig" and len(files) > 1:
        raise InputError(f"{len(files)} files are given: only bigWigs come in several", files[1])
    source = _bigwigs(files, theirs, sites, tracks) if kind == "bigwig" else _table(files[0], kind, rows, theirs, sites)
    missing = int((~source.present).sum())
    left_out("windows", missing, len(sites), "test windows that the file lacks", source=files[0].name)
    if missing:
        _say_missing(source, sites, exclude)
    n, width = len(sites), len(theirs)
    with WaitingTable(*((width, n) if source.by_track else (n, width)), source.dtype) as waiting:
        source.fill(waiting)
        blocks = _compared(source, waiting, measured, theirs)
        # summed over positions on both sides: other models have other bins
        return write_predictions(out, 1, blocks, sites[source.present].reset_index(drop=True), tracks)


def _say_missing(source: _Source, sites: pd.DataFrame, exclude: bool) -> None:
    missing = ~source.present
    first = sites.iloc[int(missing.argmax())]
    place = f"{first['chrom']}:{(first['start'] + first['end']) // 2}"
    what = f"lacks {missing.sum()} of the {len(sites)} test windows, the first around {place}"
    if not exclude or missing.all():
        raise InputError(f"{what}: predict them too, or leave them out with --missing exclude", source.path)
    log.warning("%s %s: left out", source.path.name, what)


def _compared(
    source: _Source, waiting: WaitingTable, measured: _Measured, theirs: Sequence[str]
) -> Iterator[outputs.PredictedBlock]:
    """The measured windows that the source has, with their targets, in their order."""
    at = done = 0
    for measurement in measured.blocks():
        rows = slice(at, at + len(measurement))
        values = waiting.band(rows.start, rows.stop).T if source.by_track else waiting.take(np.arange(at, rows.stop))
        chosen = source.present[rows]
        at = rows.stop
        values, targets = values[chosen].astype(np.float64), measurement[chosen]
        bad = ~np.isfinite(values)
        if bad.any():
            window, column = np.argwhere(bad)[0]
            where = f"test window {done + window + 1}, track {theirs[column]}"
            raise InputError(f"holds {values[window, column]} in {where}: expected finite numbers", source.path)
        done += len(values)
        yield outputs.PredictedBlock(values[:, None, :], targets.sum(axis=1, keepdims=True))


def _measured_windows(data_dir: Path) -> _Measured:
    """The test windows of a dataset."""
    tracks = described(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"]))
    return _Measured(
        _test_windows(data_dir), tracks, lambda: (block.targets for block in fold_blocks(data_dir, "test"))
    )


def _measured_bins(path: Path, chroms: Sequence[str]) -> _Measured:
    """The bins of peaks.h5ad."""
    bins = peak_bins(path, chroms)
    tracks = described(pd.DataFrame({"identifier": bins.tracks}))
    return _Measured(bins.sites, tracks, lambda: (part[:, None] for part in coverage_blocks(path, bins)))


def _test_windows(data_dir: Path) -> pd.DataFrame:
    """chrom, start, end of the central bases of the test windows (n,)."""
    facts, n = read_json(data_dir / "statistics.json"), stored_fold(data_dir, "test").windows
    bed = read_bed(data_dir / "sequences.bed")
    bed = bed[bed["name"] == "test"].reset_index(drop=True)
    if len(bed) != n:
        raise InputError(f"lists {len(bed)} test windows, the TFRecords hold {n}", data_dir / "sequences.bed")
    crop = int(facts["crop_bp"])
    return bed[PLACE].assign(start=bed["start"] + crop, end=bed["end"] - crop)


def _files(given: Sequence[Path]) -> list[Path]:
    files = [f for path in given for f in (_members(path) if path.is_dir() else [path])]
    if not files:
        raise InputError("holds neither preds.h5 nor bigWigs", given[0])
    missing = [f for f in files if not f.exists()]
    if missing:
        raise InputError("is not there", missing[0])
    return files


def _members(folder: Path) -> list[Path]:
    """preds.h5 (or predict.h5) of a folder, else its bigWigs."""
    single = [folder / name for name in ("preds.h5", "predict.h5") if (folder / name).exists()]
    return single[:1] or sorted(p for p in folder.iterdir() if p.suffix.lower() in BIGWIG_SUFFIXES)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in BIGWIG_SUFFIXES:
        return "bigwig"
    if suffix in (".h5ad", ".tsv"):
        return suffix[1:]
    if suffix not in (".h5", ".hdf5"):
        raise InputError("is neither .h5, .h5ad, .tsv nor .bw: state --format", path)
    # Selene writes `data`, Basenji `preds`; both end in .h5
    with open_hdf5(path) as handle:
        return "sei" if "data" in handle and "preds" not in handle else "basenji"


def _table(path: Path, kind: str, rows: Path | None, theirs: Sequence[str], sites: pd.DataFrame) -> _Source:
    """Predictions of tracks, by the file's names, at windows."""
    readers = {"sei": _sei, "basenji": _basenji, "h5ad": _h5ad, "tsv": _tsv}
    table = readers[kind](path, rows)
    at = {name: i for i, name in enumerate(table.tracks)}
    unknown = [name for name in theirs if name not in at]
    if unknown:
        raise InputError(
            f"has no track {unknown[0]} (tracks: {', '.join(table.tracks[:8])}): rename with --tracks OURS=THEIRS", path
        )
    # by their centres: a model's windows, or the bases that it predicts, may have another length than ours
    index = pd.Index(_centres(sites))
    theirs_at = pd.Index(_centres(table.sites))
    if theirs_at.has_duplicates:
        raise InputError(f"holds two windows around {theirs_at[theirs_at.duplicated()][0]}", path)
    found = theirs_at.get_indexer(index)
    columns = [at[name] for name in theirs]
    surplus = len(theirs_at) - int((found >= 0).sum())
    left_out("windows", surplus, len(theirs_at), "of the file, no test windows", source=path.name, expected=True)
    left_out("tracks", len(at) - len(set(columns)), len(at), "of the file, not ours", expected=True)
    wanted = np.argsort(found, kind="stable")  # our windows in the order of the file, those without one first
    ranks = found[wanted]

    def fill(waiting: WaitingTable) -> None:
        low = 0
        for values in table.blocks():
            ends = np.searchsorted(ranks, [low, low + len(values)])
            ours = wanted[ends[0] : ends[1]]
            waiting.put(ours, values[found[ours] - low][:, columns].astype(np.float64))
            low += len(values)

    return _Source(path, found >= 0, fill, False, np.float64)


def _centres(sites: pd.DataFrame) -> pd.Series:
    return sites["chrom"].astype(str) + ":" + ((sites["start"] + sites["end"]) // 2).astype(str)


def _read_blocks(path: Path, name: str) -> Iterator[NDArray[np.floating]]:
    """A matrix of an HDF5 file, some rows at a time, summed over positions."""
    with open_hdf5(path, [name]) as handle:
        data = handle[name]
        step = max(1, BLOCK_BYTES // (8 * int(np.prod(data.shape[1:]))))
        for low in range(0, len(data), step):
            values = data[low : low + step]
            yield values.sum(axis=1) if values.ndim == 3 else values


def _basenji(path: Path, _rows: Path | None) -> PredictedTable:
    with open_hdf5(path, ["preds", *PLACE, "target_ids"]) as handle:
        shape = dataset(handle, "preds", path, ndim=(2, 3)).shape
        names, chroms = (as_texts(dataset(handle, name, path, "S")[()]) for name in ("target_ids", "chrom"))
        start, end = (dataset(handle, name, path, "iu")[()] for name in ("start", "end"))
    if not shape[0] == len(chroms) == len(start) == len(end) or shape[-1] != len(names):
        raise InputError(f"holds preds of shape {shape}, and names {len(chroms)} windows and {len(names)} tracks", path)
    sites = pd.DataFrame({"chrom": chroms, "start": start, "end": end})
    return PredictedTable(names, sites, lambda: _read_blocks(path, "preds"))


def _sei(path: Path, rows: Path | None) -> PredictedTable:
    """Selene's `data` (n, features).

    The names of the features are in `PREFIX_feature_labels.txt` or the file, the windows in `PREFIX_row_labels.txt`.
    """
    prefix = path.name.removesuffix(path.suffix).removesuffix("_predictions")
    labels = rows or path.with_name(f"{prefix}_row_labels.txt")
    table = _row_labels(labels)
    with open_hdf5(path, ["data"]) as handle:
        shape = dataset(handle, "data", path, ndim=(2,)).shape
        names = as_texts(handle["target_ids"][()]) if "target_ids" in handle else []
    features = path.with_name(f"{prefix}_feature_labels.txt")
    if not names and features.exists():
        names = read_lines(features)
    names = names or [str(i) for i in range(shape[1])]
    if shape != (len(table), len(names)):
        raise InputError(
            f"holds data of shape {shape}, its labels name {len(table)} windows and {len(names)} features", path
        )
    return PredictedTable(names, table, lambda: _read_blocks(path, "data"))


def _row_labels(path: Path) -> pd.DataFrame:
    """chrom, start, end of Selene's row labels.

    They are a table with such columns, or an index and BED columns without a header.
    """
    with open_text(path) as lines:
        first = lines.readline().split()
    if {"chrom", "start", "end"} <= set(first):
        table = read_table(path, PLACE, text=["chrom"])
        return table[PLACE]
    # the first three neighbours that look like a place: text, integer, integer
    numeric = [field.isdigit() for field in first]
    places = [i for i in range(len(first) - 2) if numeric[i : i + 3] == [False, True, True]]
    if not places:
        raise InputError("names no windows: expected the columns chrom, start, end", path, 1)
    table = pd.read_csv(path, sep=r"\s+", header=None, usecols=range(places[0], places[0] + 3))
    return table.set_axis(PLACE, axis=1).astype({"chrom": str})


def _h5ad(path: Path, _rows: Path | None) -> PredictedTable:
    with open_hdf5(path, ["obs", "var", "X"]) as handle:
        obs, var = (read_element(handle, name, path) for name in ("obs", "var"))
        dense = getattr(handle["X"], "ndim", 0) == 2
        stored = None if dense else read_element(handle, "X", path)  # X may be a sparse matrix
    lacking = [c for c in PLACE if c not in obs]
    if lacking:
        raise InputError(f"lacks the obs column {lacking[0]}", path)

    def blocks() -> Iterator[NDArray[np.floating]]:
        if stored is None:
            yield from _read_blocks(path, "X")
            return
        rows = stored.tocsr()
        step = max(1, BLOCK_BYTES // (8 * max(rows.shape[1], 1)))
        for low in range(0, rows.shape[0], step):
            yield rows[low : low + step].toarray()

    return PredictedTable([str(v) for v in var.index], obs[PLACE].astype({"chrom": str}), blocks)


def _tsv(path: Path, _rows: Path | None) -> PredictedTable:
    def parsed() -> Iterator[pd.DataFrame]:
        return read_table_blocks(path, PLACE, text=["chrom"], rows=TSV_ROWS)

    places = [part[PLACE] for part in parsed()]
    with open_text(path) as lines:
        header = next(line for line in lines if not line.startswith("#"))
    names = [c for c in header.rstrip("\r\n").split("\t") if c not in (*PLACE, "name")]
    if not places:
        raise InputError("holds no window", path)

    def blocks() -> Iterator[NDArray[np.floating]]:
        for part in parsed():
            try:
                values = part[names].to_numpy(np.float64)
            except ValueError as error:  # float's own: it names the text
                raise InputError(f"holds no number in a track's column ({error})", path) from None
            yield values

    return PredictedTable(names, pd.concat(places, ignore_index=True), blocks)


def _bigwigs(files: Sequence[Path], theirs: Sequence[str], sites: pd.DataFrame, tracks: pd.DataFrame) -> _Source:
    """Predicted signal over the central bases of each window, by each track's own summary (sum, mean or max).

    Bases without a value are 0.
    """
    by_name = {f.name.removesuffix(f.suffix): f for f in files}
    lacking = [name for name in theirs if name not in by_name]
    if lacking:
        raise InputError(
            f"no bigWig is named {lacking[0]}.bw (there are {', '.join(sorted(by_name)[:8])})", files[0].parent
        )
    left_out("bigWigs", len(files) - len(set(theirs)), len(files), "of no track of the dataset", expected=True)
    stats = list(tracks["sum_stat"]) if "sum_stat" in tracks else ["sum"] * len(tracks)

    def fill(waiting: WaitingTable) -> None:
        for track, (name, stat) in enumerate(zip(theirs, stats, strict=True)):
            waiting.put(np.array([track]), window_summaries(by_name[name], sites, str(stat))[None])

    return _Source(files[0], np.ones(len(sites), bool), fill, True, np.float32)
