"""Prediction files in Basenji's layout: predict.h5, preds.h5, targets.h5, acc.txt; bigWigs along chromosomes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text
from accessiflow.hdf5 import create_hdf5
from accessiflow.log import left_out

if TYPE_CHECKING:
    import h5py
    import pandas as pd


def as_bytes(values: Sequence[str]) -> NDArray[np.bytes_]:
    """Strings as the fixed-width bytes that HDF5 stores."""
    encoded = [value.encode() for value in values]
    width = max([len(value) for value in encoded], default=1) or 1  # HDF5 has no strings of width 0
    return np.array(encoded, dtype=f"S{width}")


def write_sites(
    handle: h5py.File, chroms: Sequence[str], starts: NDArray[np.int64], ends: NDArray[np.int64], tracks: pd.DataFrame
) -> None:
    """Add chrom, start, end, target_ids and target_labels."""
    handle.create_dataset("chrom", data=as_bytes(chroms))
    handle.create_dataset("start", data=starts)
    handle.create_dataset("end", data=ends)
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))


class PredictedBlock(NamedTuple):
    """Predictions and targets (k, B, T) of the next windows."""

    predictions: NDArray[np.floating]
    targets: NDArray[np.float32]


def write_test(
    out: Path,
    predictions: NDArray[np.float64],
    targets: NDArray[np.float32],
    chroms: Sequence[str],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    tracks: pd.DataFrame,
) -> None:
    """Write preds.h5 and targets.h5 (n, B, T)."""
    write_test_blocks(out, predictions.shape, [PredictedBlock(predictions, targets)], chroms, starts, ends, tracks)


def write_test_blocks(
    out: Path,
    shape: tuple[int, ...],
    blocks: Iterable[PredictedBlock],
    chroms: Sequence[str],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    tracks: pd.DataFrame,
) -> None:
    """The same of windows that come block by block; `shape` is (n, B, T)."""
    with create_hdf5(out / "preds.h5") as given, create_hdf5(out / "targets.h5") as truth:
        predicted, measured = (
            # float32, as Basenji stores both: the float64 of an ensemble has no more meaning than that
            handle.create_dataset(name, shape, np.float32)
            for handle, name in ((given, "preds"), (truth, "targets"))
        )
        low = 0
        for block in blocks:
            high = low + len(block.predictions)
            predicted[low:high] = block.predictions.astype(np.float32)
            measured[low:high] = block.targets
            low = high
        for handle in (given, truth):
            write_sites(handle, chroms, starts, ends, tracks)


def write_accuracy(path: Path, pearson: NDArray[np.float64], r2: NDArray[np.float64], tracks: pd.DataFrame) -> None:
    """Write acc.txt: index, pearsonr, r2, identifier, description."""
    left_out("tracks", int((~np.isfinite(pearson)).sum()), len(tracks), "constant: no accuracy, not in the means")
    with write_text(path) as out:
        out.write("index\tpearsonr\tr2\tidentifier\tdescription\n")
        rows = zip(pearson, r2, tracks["identifier"], tracks["description"], strict=True)
        out.writelines(f"{i}\t{p:.5f}\t{r:.5f}\t{name}\t{label}\n" for i, (p, r, name, label) in enumerate(rows))
