"""Predictions put together: those of single-task models, and those of the folds of a rotation.

Single-task models have the same windows: each one's tracks stand beside the next one's. Folds have the same tracks:
each one's windows stand below the last one's. Memory: one block of windows, and their names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import open_hdf5
from accessiflow.prediction import files as outputs
from accessiflow.statistics import Accuracy

BLOCK_BYTES = 1 << 26  # of predictions that are held at once


class PredictedWindows(NamedTuple):
    """What a folder's preds.h5 and targets.h5 hold, their values not read yet.

    Attributes:
        folder: the folder.
        positions: of each window (B).
        sites: chrom, start, end of the windows (n,).
        tracks: identifier and description of the tracks (T,).
    """

    folder: Path
    positions: int
    sites: pd.DataFrame
    tracks: pd.DataFrame


class _Group(NamedTuple):
    """Folders of the same windows, and the columns of their tracks side by side in the order of the result."""

    parts: list[PredictedWindows]
    columns: list[int]
    tracks: pd.DataFrame


def merge_predictions(folders: Sequence[Path], out: Path, order: Sequence[str] = ()) -> Accuracy:
    """Join preds.h5 and targets.h5 of folders -> OUT/{preds.h5,targets.h5,acc.txt}.

    Tracks are joined where the windows agree, windows where they do not.

    Args:
        folders: Folders with preds.h5 and targets.h5.
        out: The folder that is written.
        order: All tracks in the order of the result; default: as they come.

    Raises:
        InputError: A track or a window comes twice, some windows lack a track, or no folder has a track of `order`.
    """
    groups = [_beside(parts, order) for parts in _by_windows(folders)]
    sites, tracks = _below(groups)
    positions = {part.positions for group in groups for part in group.parts}
    if len(positions) > 1:
        raise InputError(f"the folders predict {' and '.join(map(str, sorted(positions)))} positions of a window")
    blocks = (block for group in groups for block in _blocks(group))
    return write_predictions(out, positions.pop(), blocks, sites, tracks)


def _by_windows(folders: Sequence[Path]) -> list[list[PredictedWindows]]:
    """The folders, those of the same windows together."""
    found: dict[bytes, list[PredictedWindows]] = {}
    for folder in folders:
        part = read_predictions(folder)
        # By a digest: the names of the windows are held once, not once a folder.
        same = found.setdefault(_digest(part.sites), [])
        same.append(part._replace(sites=same[0].sites) if same else part)
    return list(found.values())


def _digest(sites: pd.DataFrame) -> bytes:
    return sha256(pd.util.hash_pandas_object(sites, index=False).to_numpy().tobytes()).digest()


def _below(groups: Sequence[_Group]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Windows and tracks of groups of other windows and the same tracks."""
    tracks = [list(group.tracks["identifier"]) for group in groups]
    odd = next((names for names in tracks if names != tracks[0]), None)
    if odd is not None:
        raise InputError(
            f"some windows have predictions of {', '.join(tracks[0][:3])}..., others of {', '.join(odd[:3])}..."
        )
    sites = pd.concat([group.parts[0].sites for group in groups], ignore_index=True)
    if sites.duplicated().any():
        first = sites[sites.duplicated()].iloc[0]
        place = f"{first['chrom']}:{first['start']}-{first['end']}"
        raise InputError(f"the window {place} is in two of the folders: folds must not overlap")
    return sites, groups[0].tracks


def _beside(parts: list[PredictedWindows], order: Sequence[str]) -> _Group:
    """Folders of the same windows, tracks in the order asked for."""
    tracks = pd.concat([p.tracks for p in parts], ignore_index=True)
    twice = tracks["identifier"][tracks["identifier"].duplicated()]
    if len(twice):
        raise InputError(f"the track {twice.iloc[0]} is in two of the folders", parts[-1].folder)
    place = {name: at for at, name in enumerate(tracks["identifier"])}
    unknown = [t for t in order if t not in place]
    if unknown or (order and len(order) != len(tracks)):
        which = f": none has {unknown[0]}" if unknown else ""
        raise InputError(f"the folders hold {len(tracks)} tracks, {len(order)} are asked for{which}")
    columns = [place[t] for t in order] or list(range(len(tracks)))
    return _Group(parts, columns, tracks.iloc[columns].reset_index(drop=True))


def _blocks(group: _Group) -> Iterator[outputs.PredictedBlock]:
    """The windows of folders side by side, some at a time."""
    n = len(group.parts[0].sites)
    step = max(1, BLOCK_BYTES // (4 * group.parts[0].positions * len(group.columns)))
    for low in range(0, n, step):
        both = []
        for file, name in (("preds.h5", "preds"), ("targets.h5", "targets")):
            values = []
            # Opened for each block: hundreds of single-task models are more files than a process may hold open.
            for part in group.parts:
                with open_hdf5(part.folder / file, [name]) as handle:
                    values.append(handle[name][low : low + step])
            both.append(np.concatenate(values, axis=2)[:, :, group.columns])
        yield outputs.PredictedBlock(*both)


def write_predictions(
    out: Path,
    positions: int,
    blocks: Iterable[outputs.PredictedBlock],
    sites: pd.DataFrame,
    tracks: pd.DataFrame,
) -> Accuracy:
    """Write preds.h5, targets.h5 and acc.txt of blocks (k, positions, T) of the windows; returns the accuracy."""
    accuracy = Accuracy(len(tracks))

    def seen() -> Iterator[outputs.PredictedBlock]:
        for block in blocks:
            # before the predictions are cast to the float32 of the file
            accuracy.update(block.targets, block.predictions)
            yield block

    shape = (len(sites), positions, len(tracks))
    places = list(sites["chrom"]), sites["start"].to_numpy(), sites["end"].to_numpy()
    outputs.write_test_blocks(out, shape, seen(), *places, tracks)
    outputs.write_accuracy(out / "acc.txt", accuracy.pearson(), accuracy.r2(), tracks)
    return accuracy


def read_predictions(folder: Path) -> PredictedWindows:
    """Look into preds.h5 and targets.h5 of a folder.

    Raises:
        InputError: they do not agree.
    """
    with open_hdf5(folder / "preds.h5", ["preds", "chrom", "start", "end", "target_ids"]) as handle:
        shape = handle["preds"].shape
        sites = pd.DataFrame(
            {"chrom": _texts(handle["chrom"][()]), "start": handle["start"][()], "end": handle["end"][()]}
        )
        names = _texts(handle["target_ids"][()])
        labels = _texts(handle["target_labels"][()]) if "target_labels" in handle else names
    with open_hdf5(folder / "targets.h5", ["targets"]) as handle:
        measured = handle["targets"].shape
    if shape != measured or shape[::2] != (len(sites), len(names)):
        raise InputError(f"holds predictions of shape {shape}, targets of shape {measured}: they must agree", folder)
    return PredictedWindows(folder, shape[1], sites, pd.DataFrame({"identifier": names, "description": labels}))


def _texts(values: NDArray[np.bytes_]) -> list[str]:
    # written by h5py of any version: fixed-width bytes, or str objects
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.tolist()]
