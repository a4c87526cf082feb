"""Binary files for the nf-test suites, as JSON: `binary.py facts H5`, `bigwig BW WIDTH`.

`tracks H5 PART 0,2` copies some of the tracks.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import h5py
import numpy as np

SMALL = 5000  # values shown


def facts(dataset: h5py.Dataset) -> dict[str, Any]:
    """Shape, dtype, attributes and (all, if few) values; of numbers the range, the sum, and whether all are finite."""
    values = np.asarray(dataset[()])
    found: dict[str, Any] = {"shape": list(values.shape), "dtype": str(values.dtype), "attrs": attributes(dataset)}
    if values.dtype.kind in "iufb" and values.size:
        known = values[np.isfinite(values)].astype(float)
        found |= {"finite": bool(known.size == values.size), "min": known.min(), "max": known.max(), "sum": known.sum()}
    if values.size <= SMALL:
        found["values"] = plain(values)
    return found


def plain(values: Any) -> Any:
    """Arrays as lists, bytes as text, NaN as None."""
    if isinstance(values, bytes):
        return values.decode()
    if isinstance(values, list):
        return [plain(value) for value in values]
    if isinstance(values, float) and not np.isfinite(values):
        return None
    return plain(values.tolist()) if isinstance(values, np.ndarray | np.generic) else values


def attributes(item: h5py.Dataset | h5py.File) -> dict[str, Any]:
    return {name: plain(value) for name, value in item.attrs.items()}


def show(path: str) -> None:
    with h5py.File(path) as file:
        found: dict[str, Any] = {"attrs": attributes(file)}
        file.visititems(
            lambda name, item: found.update({name: facts(item)}) if isinstance(item, h5py.Dataset) else None
        )
    sys.stdout.write(json.dumps(found))


def tracks(path: str, part: str, which: list[int]) -> None:
    """Copy a file; of datasets whose last axis is the tracks (as long as target_ids) only those named."""
    with h5py.File(path) as source, h5py.File(part, "w") as target:
        target.attrs.update(source.attrs)
        number = len(source["target_ids"])
        for name, dataset in source.items():
            of_tracks = name.startswith("target_") or (dataset.ndim > 1 and dataset.shape[-1] == number)
            target[name] = dataset[()][..., which] if of_tracks else dataset[()]
            target[name].attrs.update(dataset.attrs)


def bigwig(path: str, width: int) -> None:
    """The sum of the values of each `width` bases of every chromosome."""
    import pyBigWig

    with pyBigWig.open(path) as file:
        sizes = file.chroms()
        values = {
            chrom: np.nan_to_num(file.values(chrom, 0, size // width * width, numpy=True))
            for chrom, size in sizes.items()
        }
    sys.stdout.write(
        json.dumps({chrom: track.reshape(-1, width).sum(axis=1).tolist() for chrom, track in values.items()})
    )


if __name__ == "__main__":
    asked, path, *more = sys.argv[1:]
    if asked == "facts":
        show(path)
    elif asked == "bigwig":
        bigwig(path, int(more[0]))
    else:
        tracks(path, more[0], [int(index) for index in more[1].split(",")])
