"""Predictions put together: of single-task models, the same windows with each file's tracks beside the next one's; of the folds of a rotation,
the same tracks with each file's windows below the last one's."""

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

SITES = ("chrom", "start", "end")


class Part(NamedTuple):
    """One folder's predictions and targets (n, B, T), windows and tracks."""

    predictions: NDArray[np.float32]
    targets: NDArray[np.float32]
    sites: pd.DataFrame
    tracks: pd.DataFrame


def merge_predictions(folders: Sequence[Path], out: Path, order: Sequence[str] = ()) -> Accuracy:
    """Join preds.h5 and targets.h5 of folders -> OUT/{preds.h5,targets.h5,acc.txt}: tracks where the windows agree, windows where they do not.

    Args:
        order: the tracks, all of them, in the order wanted; default: as they come.

    Raises:
        InputError: a track twice, a window twice, tracks that some windows lack, or a track that no folder has.
    """
    parts = [read_part(folder) for folder in folders]
    groups: list[list[tuple[Path, Part]]] = []
    for folder, part in zip(folders, parts, strict=True):
        same = next((g for g in groups if part.sites.equals(g[0][1].sites)), None)
        if same is None:
            groups.append([(folder, part)])
        else:
            same.append((folder, part))
    return _below([_beside(*zip(*group, strict=True), order) for group in groups], out)  # type: ignore[arg-type]


def _below(parts: Sequence[Part], out: Path) -> Accuracy:
    """Parts of other windows and the same tracks, written as one."""
    odd = next((p for p in parts if list(p.tracks["identifier"]) != list(parts[0].tracks["identifier"])), None)
    if odd is not None:
        raise InputError(
            f"some windows have predictions of {', '.join(parts[0].tracks['identifier'][:3])}..., others of {', '.join(odd.tracks['identifier'][:3])}..."
        )
    sites = pd.concat([p.sites for p in parts], ignore_index=True)
    if sites.duplicated().any():
        first = sites[sites.duplicated()].iloc[0]
        raise InputError(
            f"the window {first['chrom']}:{first['start']}-{first['end']} is in two of the folders: folds must not overlap"
        )
    values = (np.concatenate(v) for v in ([p.predictions for p in parts], [p.targets for p in parts]))
    return write_predictions(out, *values, sites, parts[0].tracks)


def _beside(folders: Sequence[Path], parts: Sequence[Part], order: Sequence[str]) -> Part:
    """Parts of the same windows as one, tracks in the order asked for."""
    tracks = pd.concat([p.tracks for p in parts], ignore_index=True)
    twice = tracks["identifier"][tracks["identifier"].duplicated()]
    if len(twice):
        raise InputError(f"the track {twice.iloc[0]} is in two of the folders", folders[-1])
    unknown = [t for t in order if t not in set(tracks["identifier"])]
    if unknown or (order and len(order) != len(tracks)):
        raise InputError(
            f"the folders hold {len(tracks)} tracks, {len(order)} are asked for{f': none has {unknown[0]}' if unknown else ''}"
        )
    place = [list(tracks["identifier"]).index(t) for t in order] or list(range(len(tracks)))
    predictions, targets = (
        np.concatenate(values, axis=2)[:, :, place]
        for values in ([p.predictions for p in parts], [p.targets for p in parts])
    )
    return Part(predictions, targets, parts[0].sites, tracks.iloc[place].reset_index(drop=True))


def write_predictions(
    out: Path,
    predictions: NDArray[np.floating],
    targets: NDArray[np.float32],
    sites: pd.DataFrame,
    tracks: pd.DataFrame,
) -> Accuracy:
    """Write preds.h5, targets.h5 and acc.txt; returns the accuracy."""
    accuracy = Accuracy(len(tracks))
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


def read_part(folder: Path) -> Part:
    """Read preds.h5 and targets.h5 of a folder."""
    with open_hdf5(folder / "preds.h5", ["preds", *SITES, "target_ids"]) as handle:
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
    return Part(predictions, targets, sites, pd.DataFrame({"identifier": names, "description": labels}))


def _texts(values: NDArray[np.bytes_]) -> list[str]:
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values.tolist()]
