"""Predictions made elsewhere, brought to the test windows of a dataset: Basenji's predict.h5, Sei's and Selene's HDF5, bigWigs, h5ad, TSV.

Windows are aligned by chromosome and the centre of the central target bases, tracks by name. Memory: the file's matrix and the test fold's targets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import open_text, read_json, read_table
from accessiflow.hdf5 import as_texts, dataset, open_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import log
from accessiflow.peaks.matrix import read_element
from accessiflow.prediction.joining import write_predictions
from accessiflow.prediction.tracks import described
from accessiflow.signal.bigwig import open_bigwig
from accessiflow.statistics import Accuracy

FORMATS = ("auto", "basenji", "sei", "bigwig", "h5ad", "tsv")
SIGNALS = (".bw", ".bigwig")
SITES = ["chrom", "start", "end"]


def import_predictions(
    given: Sequence[Path],
    data_dir: Path,
    out: Path,
    kind: str = "auto",
    rows: Path | None = None,
    names: dict[str, str] | None = None,
    exclude: bool = False,
) -> Accuracy:
    """Write OUT/{preds.h5,targets.h5,acc.txt} of the test windows.

    Args:
        given: the file; or a folder or several files of bigWigs, named after their tracks.
        kind: one of FORMATS. rows: row labels of a Sei file (chrom, start, end ...), if they do not lie beside it.
        names: our track -> its name in the file, for names that differ.
        exclude: leave out test windows that the file lacks, instead of refusing it.

    Raises:
        InputError: a format that is not known, windows or tracks that are missing, twice or not finite.
    """
    tracks = described(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"]))
    sites, targets = _test_windows(data_dir)
    wanted = [(names or {}).get(t, t) for t in tracks["identifier"]]
    files = _files(given)
    kind = _kind(files[0]) if kind == "auto" else kind
    if kind == "bigwig":
        values = _of_bigwigs(files, wanted, sites, tracks)
    else:
        if len(files) > 1:
            raise InputError(f"{len(files)} files are given: only bigWigs come in several", files[1])
        values, missing = _aligned(files[0], kind, rows, wanted, sites)
        if missing.any():
            first = sites.iloc[int(missing.argmax())]
            what = f"lacks {missing.sum()} of the {len(sites)} test windows, the first around {first['chrom']}:{(first['start'] + first['end']) // 2}"
            if not exclude or missing.all():
                raise InputError(f"{what}: predict them too, or leave them out with --missing exclude", files[0])
            log.warning("%s %s: left out", files[0].name, what)
            sites, targets, values = sites[~missing].reset_index(drop=True), targets[~missing], values[~missing]
    bad = ~np.isfinite(values)
    if bad.any():
        window, column = np.argwhere(bad)[0]
        raise InputError(
            f"holds {values[window, column]} in test window {window + 1}, track {wanted[column]}: expected finite numbers",
            files[0],
        )
    return write_predictions(out, values[:, None, :], targets.sum(axis=1, keepdims=True), sites, tracks)


def _test_windows(data_dir: Path) -> tuple[pd.DataFrame, NDArray[np.float32]]:
    """chrom, start, end of the central bases of the test windows, and their targets (n, B, T)."""
    facts = read_json(data_dir / "statistics.json")
    _, targets = load_fold(data_dir, "test")
    bed = read_bed(data_dir / "sequences.bed")
    bed = bed[bed["name"] == "test"].reset_index(drop=True)
    if len(bed) != len(targets):
        raise InputError(
            f"lists {len(bed)} test windows, the TFRecords hold {len(targets)}", data_dir / "sequences.bed"
        )
    crop = int(facts["crop_bp"])
    return bed[SITES].assign(start=bed["start"] + crop, end=bed["end"] - crop), np.asarray(targets, np.float32)


def _files(given: Sequence[Path]) -> list[Path]:
    files = [f for path in given for f in (_members(path) if path.is_dir() else [path])]
    missing = [f for f in files if not f.exists()]
    if missing or not files:
        raise InputError(
            "is not there" if missing else "holds neither preds.h5 nor bigWigs", missing[0] if missing else given[0]
        )
    return files


def _members(folder: Path) -> list[Path]:
    """preds.h5 (or predict.h5) of a folder, else its bigWigs."""
    single = [folder / name for name in ("preds.h5", "predict.h5") if (folder / name).exists()]
    return single[:1] or sorted(p for p in folder.iterdir() if p.suffix.lower() in SIGNALS)


def _kind(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix in SIGNALS:
        return "bigwig"
    if suffix in (".h5ad", ".tsv"):
        return suffix[1:]
    if suffix not in (".h5", ".hdf5"):
        raise InputError("is neither .h5, .h5ad, .tsv nor .bw: state --format", path)
    with open_hdf5(path) as handle:
        return "sei" if "data" in handle and "preds" not in handle else "basenji"


def _aligned(
    path: Path, kind: str, rows: Path | None, wanted: Sequence[str], sites: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values (n, T) at the test windows, and which of them (n,) the file lacks."""
    values, names, place = {"sei": _sei, "basenji": _basenji, "h5ad": _h5ad, "tsv": _tsv}[kind](path, rows)
    at = {name: i for i, name in enumerate(names)}
    unknown = [w for w in wanted if w not in at]
    if unknown:
        raise InputError(
            f"has no track {unknown[0]} (tracks: {', '.join(names[:8])}): rename with --tracks OURS=THEIRS", path
        )
    keys, asked = (t["chrom"].astype(str) + ":" + ((t["start"] + t["end"]) // 2).astype(str) for t in (place, sites))
    index = pd.Index(keys)
    if index.has_duplicates:
        raise InputError(f"holds two windows around {index[index.duplicated()][0]}", path)
    found = index.get_indexer(asked)
    columns = [at[w] for w in wanted]
    return np.asarray(values[np.maximum(found, 0)][:, columns], np.float64), found < 0


Matrix = tuple[NDArray[np.floating], list[str], pd.DataFrame]


def _basenji(path: Path, _rows: Path | None) -> Matrix:
    with open_hdf5(path, ["preds", *SITES, "target_ids"]) as handle:
        values = dataset(handle, "preds", path, ndim=(2, 3))[()]
        names, chroms = (as_texts(dataset(handle, name, path, "S")[()]) for name in ("target_ids", "chrom"))
        start, end = (dataset(handle, name, path, "iu")[()] for name in ("start", "end"))
    if not len(values) == len(chroms) == len(start) == len(end) or values.shape[-1] != len(names):
        raise InputError(
            f"holds preds of shape {values.shape}, and names {len(chroms)} windows and {len(names)} tracks", path
        )
    return (
        values.sum(axis=1) if values.ndim == 3 else values,
        names,
        pd.DataFrame({"chrom": chroms, "start": start, "end": end}),
    )


def _sei(path: Path, rows: Path | None) -> Matrix:
    """Selene's `data` (n, features), names of the features in `PREFIX_feature_labels.txt` or the file, windows in `PREFIX_row_labels.txt`."""
    prefix = path.name.removesuffix(path.suffix).removesuffix("_predictions")
    labels = rows or path.with_name(f"{prefix}_row_labels.txt")
    table = _row_labels(labels)
    with open_hdf5(path, ["data"]) as handle:
        values = dataset(handle, "data", path, ndim=(2,))[()]
        names = as_texts(handle["target_ids"][()]) if "target_ids" in handle else []
    features = path.with_name(f"{prefix}_feature_labels.txt")
    if not names and features.exists():
        with open_text(features) as lines:
            names = [line.strip() for line in lines if line.strip()]
    names = names or [str(i) for i in range(values.shape[1])]
    if values.shape != (len(table), len(names)):
        raise InputError(
            f"holds data of shape {values.shape}, its labels name {len(table)} windows and {len(names)} features", path
        )
    return values, names, table


def _row_labels(path: Path) -> pd.DataFrame:
    """chrom, start, end of Selene's row labels: a table with such columns, or an index and BED columns without a header."""
    with open_text(path) as lines:
        first = lines.readline().split()
    if {"chrom", "start", "end"} <= set(first):
        table = read_table(path, SITES, text=["chrom"])
        return table[SITES]
    place = next(
        (
            i
            for i in range(len(first) - 2)
            if first[i + 1].isdigit() and first[i + 2].isdigit() and not first[i].isdigit()
        ),
        None,
    )
    if place is None:
        raise InputError("names no windows: expected the columns chrom, start, end", path, 1)
    table = pd.read_csv(path, sep=r"\s+", header=None, usecols=range(place, place + 3))
    return table.set_axis(SITES, axis=1).astype({"chrom": str})


def _h5ad(path: Path, _rows: Path | None) -> Matrix:
    with open_hdf5(path, ["obs", "var", "X"]) as handle:
        obs, var, values = (read_element(handle, name, path) for name in ("obs", "var", "X"))
    lacking = [c for c in SITES if c not in obs]
    if lacking:
        raise InputError(f"lacks the obs column {lacking[0]}", path)
    return (
        values.toarray() if hasattr(values, "toarray") else np.asarray(values),
        [str(v) for v in var.index],
        obs[SITES].astype({"chrom": str}),
    )


def _tsv(path: Path, _rows: Path | None) -> Matrix:
    table = read_table(path, SITES, text=["chrom"])
    names = [c for c in table if c not in (*SITES, "name")]
    return table[names].to_numpy(np.float64), names, table[SITES]


def _of_bigwigs(
    files: Sequence[Path], wanted: Sequence[str], sites: pd.DataFrame, tracks: pd.DataFrame
) -> NDArray[np.float64]:
    """The tracks' own summary (sum, or mean) of predicted signal over the central bases of each window; bases without a value are 0."""
    by_name = {f.name.removesuffix(f.suffix): f for f in files}
    lacking = [w for w in wanted if w not in by_name]
    if lacking:
        raise InputError(
            f"no bigWig is named {lacking[0]}.bw (there are {', '.join(sorted(by_name)[:8])})", files[0].parent
        )
    how = tracks["sum_stat"] if "sum_stat" in tracks else ["sum"] * len(tracks)
    out = np.zeros((len(sites), len(wanted)))
    for column, (name, stat) in enumerate(zip(wanted, how, strict=True)):
        handle = open_bigwig(by_name[name])
        sizes = handle.chroms()
        unknown = sorted(set(sites["chrom"]) - set(sizes))
        if unknown:
            raise InputError(f"has no chromosome {unknown[0]}, on which test windows lie", by_name[name])
        for i, (chrom, start, end) in enumerate(sites.itertuples(index=False)):
            values = np.nan_to_num(handle.values(chrom, int(start), int(min(end, sizes[chrom])), numpy=True))
            out[i, column] = (
                values.max(initial=0)
                if stat == "max"
                else values.sum()
                if stat == "sum"
                else values.sum() / (end - start)
            )
        handle.close()
    return out
