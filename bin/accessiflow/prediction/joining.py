"""Predictions put together: those of single-task models, and those of the folds of a rotation.

Single-task models have the same windows: each one's tracks stand beside the next one's. Folds have the same tracks:
each one's windows stand below the last one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import open_hdf5
from accessiflow.prediction import files as outputs
from accessiflow.statistics import Accuracy


class PredictedWindows(NamedTuple):
    """Predictions of some windows and tracks.

    Attributes:
        predictions: (n, B, T).
        targets: (n, B, T).
        sites: chrom, start, end of the windows (n,).
        tracks: identifier and description of the tracks (T,).
    """

    predictions: NDArray[np.float32]
    targets: NDArray[np.float32]
    sites: pd.DataFrame
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
    parts = [read_predictions(folder) for folder in folders]
    groups: list[list[int]] = []  # numbers of the folders that have the same windows
    for number, part in enumerate(parts):
        same = next((group for group in groups if part.sites.equals(parts[group[0]].sites)), None)
        if same is None:
            groups.append([number])
        else:
            same.append(number)
    joined = []
    for group in groups:
        last = folders[group[-1]]
        joined.append(_join_tracks([parts[number] for number in group], order, last))
    whole = _join_windows(joined)
    return write_predictions(out, *whole)


def _join_windows(parts: Sequence[PredictedWindows]) -> PredictedWindows:
    """Predictions of other windows and the same tracks as one."""
    tracks = [list(part.tracks["identifier"]) for part in parts]
    odd = next((names for names in tracks if names != tracks[0]), None)
    if odd is not None:
        raise InputError(
            f"some windows have predictions of {', '.join(tracks[0][:3])}..., others of {', '.join(odd[:3])}..."
        )
    sites = pd.concat([p.sites for p in parts], ignore_index=True)
    if sites.duplicated().any():
        first = sites[sites.duplicated()].iloc[0]
        place = f"{first['chrom']}:{first['start']}-{first['end']}"
        raise InputError(f"the window {place} is in two of the folders: folds must not overlap")
    predictions = np.concatenate([part.predictions for part in parts])
    targets = np.concatenate([part.targets for part in parts])
    return PredictedWindows(predictions, targets, sites, parts[0].tracks)


def _join_tracks(parts: Sequence[PredictedWindows], order: Sequence[str], last: Path) -> PredictedWindows:
    """Predictions of the same windows as one, tracks in the order asked for; `last` is the folder of the last part."""
    tracks = pd.concat([p.tracks for p in parts], ignore_index=True)
    twice = tracks["identifier"][tracks["identifier"].duplicated()]
    if len(twice):
        raise InputError(f"the track {twice.iloc[0]} is in two of the folders", last)
    unknown = [t for t in order if t not in set(tracks["identifier"])]
    if unknown or (order and len(order) != len(tracks)):
        which = f": none has {unknown[0]}" if unknown else ""
        raise InputError(f"the folders hold {len(tracks)} tracks, {len(order)} are asked for{which}")
    columns = [list(tracks["identifier"]).index(t) for t in order] or list(range(len(tracks)))
    predictions = np.concatenate([part.predictions for part in parts], axis=2)[:, :, columns]
    targets = np.concatenate([part.targets for part in parts], axis=2)[:, :, columns]
    return PredictedWindows(predictions, targets, parts[0].sites, tracks.iloc[columns].reset_index(drop=True))


def write_predictions(
    out: Path,
    predictions: NDArray[np.floating],
    targets: NDArray[np.float32],
    sites: pd.DataFrame,
    tracks: pd.DataFrame,
) -> Accuracy:
    """Write preds.h5, targets.h5 and acc.txt; returns the accuracy."""
    accuracy = Accuracy(len(tracks))
    # before the predictions are cast to the float32 of the file
    accuracy.update(targets, predictions)
    outputs.write_accuracy(out / "acc.txt", accuracy.pearson(), accuracy.r2(), tracks)
    outputs.write_test(
        out,
        predictions.astype(np.float64),
        targets,
        list(sites["chrom"]),
        sites["start"].to_numpy(),
        sites["end"].to_numpy(),
        tracks,
    )
    return accuracy


def read_predictions(folder: Path) -> PredictedWindows:
    """Read preds.h5 and targets.h5 of a folder."""
    with open_hdf5(folder / "preds.h5", ["preds", "chrom", "start", "end", "target_ids"]) as handle:
        predictions = handle["preds"][()]
        sites = pd.DataFrame(
            {"chrom": _texts(handle["chrom"][()]), "start": handle["start"][()], "end": handle["end"][()]}
        )
        names = _texts(handle["target_ids"][()])
        labels = _texts(handle["target_labels"][()]) if "target_labels" in handle else names
    with open_hdf5(folder / "targets.h5", ["targets"]) as handle:
        targets = handle["targets"][()]
    if predictions.shape != targets.shape or predictions.shape[::2] != (len(sites), len(names)):
        raise InputError(
            f"holds predictions of shape {predictions.shape}, targets of shape {targets.shape}: they must agree", folder
        )
    return PredictedWindows(predictions, targets, sites, pd.DataFrame({"identifier": names, "description": labels}))


def _texts(values: NDArray[np.bytes_]) -> list[str]:
    # written by h5py of any version: fixed-width bytes, or str objects
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.tolist()]
