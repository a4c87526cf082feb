"""Predictions made elsewhere, brought to the test windows of a dataset, or to the peak bins of the test chromosomes.

Formats: Basenji's predict.h5, Sei's and Selene's HDF5, bigWigs, h5ad, TSV. Windows are aligned by chromosome and the
centre of the central target bases, tracks by name. Memory: the file's matrix and the test fold's targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import open_text, read_json, read_lines, read_table
from accessiflow.hdf5 import as_texts, dataset, open_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import left_out, log
from accessiflow.peaks.matrix import read_element
from accessiflow.prediction.joining import write_predictions
from accessiflow.prediction.peak_bins import coverage_blocks, peak_bins
from accessiflow.prediction.tracks import described
from accessiflow.signal.bigwig import open_bigwig
from accessiflow.statistics import Accuracy

FORMATS = ("auto", "basenji", "sei", "bigwig", "h5ad", "tsv")
BIGWIG_SUFFIXES = (".bw", ".bigwig")
PLACE = ["chrom", "start", "end"]


class FoldSites(NamedTuple):
    """chrom, start, end of the central bases of a fold's windows (n,), and their targets (n, B, T)."""

    sites: pd.DataFrame
    targets: NDArray[np.float32]


class PredictedTable(NamedTuple):
    """A file's predictions.

    Attributes:
        values: (n, T), summed over positions.
        tracks: Names (T,) of its tracks.
        sites: chrom, start, end of its windows (n,).
    """

    values: NDArray[np.floating]
    tracks: list[str]
    sites: pd.DataFrame


class AlignedValues(NamedTuple):
    """A file's predictions at given windows.

    Attributes:
        values: (n, T) float64; without meaning where `missing`.
        missing: Whether the file lacks the window (n,).
    """

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]


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
    if data_dir.is_file():
        bins = peak_bins(data_dir, chroms)
        tracks, sites = described(pd.DataFrame({"identifier": bins.tracks})), bins.sites
        targets = np.concatenate(list(coverage_blocks(data_dir, bins)))[:, None]
    else:
        tracks = described(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"]))
        sites, targets = _test_windows(data_dir)
    theirs = [(names or {}).get(t, t) for t in tracks["identifier"]]
    files = _files(given)
    kind = _kind(files[0]) if kind == "auto" else kind
    if kind == "bigwig":
        values = _of_bigwigs(files, theirs, sites, tracks)
    else:
        if len(files) > 1:
            raise InputError(f"{len(files)} files are given: only bigWigs come in several", files[1])
        values, missing = _aligned(files[0], kind, rows, theirs, sites)
        what = "test windows that the file lacks"
        left_out("windows", int(missing.sum()), len(sites), what, source=files[0].name)
        if missing.any():
            first = sites.iloc[int(missing.argmax())]
            place = f"{first['chrom']}:{(first['start'] + first['end']) // 2}"
            what = f"lacks {missing.sum()} of the {len(sites)} test windows, the first around {place}"
            if not exclude or missing.all():
                raise InputError(f"{what}: predict them too, or leave them out with --missing exclude", files[0])
            log.warning("%s %s: left out", files[0].name, what)
            sites, targets, values = sites[~missing].reset_index(drop=True), targets[~missing], values[~missing]
    bad = ~np.isfinite(values)
    if bad.any():
        window, column = np.argwhere(bad)[0]
        value = values[window, column]
        raise InputError(
            f"holds {value} in test window {window + 1}, track {theirs[column]}: expected finite numbers", files[0]
        )
    # summed over positions on both sides: other models have other bins
    return write_predictions(out, values[:, None, :], targets.sum(axis=1, keepdims=True), sites, tracks)


def _test_windows(data_dir: Path) -> FoldSites:
    facts = read_json(data_dir / "statistics.json")
    _, targets = load_fold(data_dir, "test")
    bed = read_bed(data_dir / "sequences.bed")
    bed = bed[bed["name"] == "test"].reset_index(drop=True)
    if len(bed) != len(targets):
        raise InputError(
            f"lists {len(bed)} test windows, the TFRecords hold {len(targets)}", data_dir / "sequences.bed"
        )
    crop = int(facts["crop_bp"])
    sites = bed[PLACE].assign(start=bed["start"] + crop, end=bed["end"] - crop)
    return FoldSites(sites, np.asarray(targets, np.float32))


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


def _aligned(path: Path, kind: str, rows: Path | None, theirs: Sequence[str], sites: pd.DataFrame) -> AlignedValues:
    """Predictions of tracks, by the file's names, at windows."""
    readers = {"sei": _sei, "basenji": _basenji, "h5ad": _h5ad, "tsv": _tsv}
    values, names, places = readers[kind](path, rows)
    at = {name: i for i, name in enumerate(names)}
    unknown = [name for name in theirs if name not in at]
    if unknown:
        raise InputError(
            f"has no track {unknown[0]} (tracks: {', '.join(names[:8])}): rename with --tracks OURS=THEIRS", path
        )
    # by their centres: a model's windows, or the bases that it predicts, may have another length than ours
    index = pd.Index(_centres(places))
    if index.has_duplicates:
        raise InputError(f"holds two windows around {index[index.duplicated()][0]}", path)
    found = index.get_indexer(_centres(sites))  # -1 without a match, which reads row 0 below
    columns = [at[name] for name in theirs]
    surplus = len(places) - int((found >= 0).sum())
    left_out("windows", surplus, len(places), "of the file, no test windows", source=path.name, expected=True)
    left_out("tracks", len(names) - len(set(columns)), len(names), "of the file, not ours", expected=True)
    return AlignedValues(np.asarray(values[np.maximum(found, 0)][:, columns], np.float64), found < 0)


def _centres(sites: pd.DataFrame) -> pd.Series:
    return sites["chrom"].astype(str) + ":" + ((sites["start"] + sites["end"]) // 2).astype(str)


def _basenji(path: Path, _rows: Path | None) -> PredictedTable:
    with open_hdf5(path, ["preds", *PLACE, "target_ids"]) as handle:
        values = dataset(handle, "preds", path, ndim=(2, 3))[()]
        names, chroms = (as_texts(dataset(handle, name, path, "S")[()]) for name in ("target_ids", "chrom"))
        start, end = (dataset(handle, name, path, "iu")[()] for name in ("start", "end"))
    if not len(values) == len(chroms) == len(start) == len(end) or values.shape[-1] != len(names):
        raise InputError(
            f"holds preds of shape {values.shape}, and names {len(chroms)} windows and {len(names)} tracks", path
        )
    if values.ndim == 3:
        values = values.sum(axis=1)
    return PredictedTable(values, names, pd.DataFrame({"chrom": chroms, "start": start, "end": end}))


def _sei(path: Path, rows: Path | None) -> PredictedTable:
    """Selene's `data` (n, features).

    The names of the features are in `PREFIX_feature_labels.txt` or the file, the windows in `PREFIX_row_labels.txt`.
    """
    prefix = path.name.removesuffix(path.suffix).removesuffix("_predictions")
    labels = rows or path.with_name(f"{prefix}_row_labels.txt")
    table = _row_labels(labels)
    with open_hdf5(path, ["data"]) as handle:
        values = dataset(handle, "data", path, ndim=(2,))[()]
        names = as_texts(handle["target_ids"][()]) if "target_ids" in handle else []
    features = path.with_name(f"{prefix}_feature_labels.txt")
    if not names and features.exists():
        names = read_lines(features)
    names = names or [str(i) for i in range(values.shape[1])]
    if values.shape != (len(table), len(names)):
        raise InputError(
            f"holds data of shape {values.shape}, its labels name {len(table)} windows and {len(names)} features", path
        )
    return PredictedTable(values, names, table)


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
        obs, var, values = (read_element(handle, name, path) for name in ("obs", "var", "X"))
    lacking = [c for c in PLACE if c not in obs]
    if lacking:
        raise InputError(f"lacks the obs column {lacking[0]}", path)
    values = values.toarray() if hasattr(values, "toarray") else np.asarray(values)  # X may be a sparse matrix
    return PredictedTable(values, [str(v) for v in var.index], obs[PLACE].astype({"chrom": str}))


def _tsv(path: Path, _rows: Path | None) -> PredictedTable:
    table = read_table(path, PLACE, text=["chrom"])
    names = [c for c in table if c not in (*PLACE, "name")]
    return PredictedTable(table[names].to_numpy(np.float64), names, table[PLACE])


def _of_bigwigs(
    files: Sequence[Path], theirs: Sequence[str], sites: pd.DataFrame, tracks: pd.DataFrame
) -> NDArray[np.float64]:
    """Predicted signal (n, T) over the central bases of each window, by each track's own summary (sum, mean or max).

    Bases without a value are 0.
    """
    by_name = {f.name.removesuffix(f.suffix): f for f in files}
    lacking = [name for name in theirs if name not in by_name]
    if lacking:
        raise InputError(
            f"no bigWig is named {lacking[0]}.bw (there are {', '.join(sorted(by_name)[:8])})", files[0].parent
        )
    left_out("bigWigs", len(files) - len(set(theirs)), len(files), "of no track of the dataset", expected=True)
    stats = tracks["sum_stat"] if "sum_stat" in tracks else ["sum"] * len(tracks)
    out = np.zeros((len(sites), len(theirs)))
    for column, (name, stat) in enumerate(zip(theirs, stats, strict=True)):
        handle = open_bigwig(by_name[name])
        sizes = handle.chroms()
        unknown = sorted(set(sites["chrom"]) - set(sizes))
        if unknown:
            raise InputError(f"has no chromosome {unknown[0]}, on which test windows lie", by_name[name])
        for i, (chrom, start, end) in enumerate(sites.itertuples(index=False)):
            # bases without a value are NaN; a window may pass the end of the chromosome, where there are none to read
            values = np.nan_to_num(handle.values(chrom, int(start), int(min(end, sizes[chrom])), numpy=True))
            if stat == "max":
                out[i, column] = values.max(initial=0)
            elif stat == "sum":
                out[i, column] = values.sum()
            else:
                # by the window's own length, also where it passes the end of the chromosome, as in a dataset
                out[i, column] = values.sum() / (end - start)
        handle.close()
    return out
