"""Measurements of further experiments at the test windows: replicates and donors, which set the ceilings of accuracy.

An experiment of a model's own tracks is there already, in targets.h5; one that is measured for a ceiling alone is read
from its bigWig by the rules of the targets. Memory: 4 bytes a window and experiment, and what the targets need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.targets import Track, blacklist_of, targets_table, tracks_of, window_targets
from accessiflow.dataset.windows import Geometry, WindowTable
from accessiflow.errors import InputError
from accessiflow.hdf5 import as_texts, create_hdf5, dataset, open_hdf5
from accessiflow.intervals import FOLDS, read_bed
from accessiflow.log import left_out, log
from accessiflow.prediction.files import write_sites
from accessiflow.sheets import for_ceiling, read_sheet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MeasuredWindows:
    """The test windows of targets.h5 and what is measured there.

    Attributes:
        sites: chrom, start, end of the central bases (n,).
        names: tracks (T,).
        path: the file, whose columns are read when they are asked for.
    """

    sites: pd.DataFrame
    names: list[str]
    path: Path

    def column(self, track: str) -> NDArray[np.float32]:
        """The measurement (n,) of a track, summed over the positions of each window."""
        with open_hdf5(self.path, ["targets"]) as handle:
            values = dataset(handle, "targets", self.path, ndim=(3,))[:, :, self.names.index(track)]
        return np.asarray(values, np.float32).sum(axis=1)


def write_experiments(
    sheet: Path,
    targets: Path,
    signals: Mapping[str, str],
    out: Path,
    seq_length: int,
    target_width: int,
    blacklist: Path | None = None,
) -> list[str]:
    """Write the experiments of a tracks sheet at the windows of targets.h5, in the layout of that file; their names.

    Those with a label in the column replicate or donor, and all others of their cell types.

    Args:
        sheet: the tracks sheet.
        targets: targets.h5.
        signals: track -> bigWig, where it is not the sheet's signal.
        out: the file that is written.
        seq_length, target_width: bp of a window and of a target value, of the dataset.
        blacklist: BED whose bases get the window's base level, of the dataset.

    Raises:
        InputError: no row has a label, or a file is not what it should be.
    """
    rows = read_sheet("tracks", sheet)
    chosen = _labelled(rows)
    if chosen.empty:
        raise InputError("has no row with a replicate or donor: there is no experiment to compare", sheet)
    left_out("tracks", len(rows) - len(chosen), len(rows), "of the sheet, of no replicate or donor", expected=True)
    windows = read_windows(targets)
    black = blacklist_of(None if blacklist is None else read_bed(blacklist))
    columns: dict[str, NDArray[np.float32]] = {}
    geometry = None
    for row, track in zip(chosen.to_dict("records"), tracks_of(targets_table(chosen, signals), sheet), strict=True):
        name = track.identifier
        if not for_ceiling(row):
            # A track that no model predicts, as of predictions made elsewhere, has no measurement here.
            if name in windows.names:
                columns[name] = windows.column(name)
            continue
        geometry = geometry or _geometry(windows, seq_length, target_width)
        columns[name] = _measured(windows, track, geometry, black)
    absent = len(chosen) - len(columns)
    left_out("tracks", absent, len(chosen), f"not measured in {targets.name}: in no comparison", source=sheet.name)
    _write(out, windows, columns, chosen)
    log.info("%d experiments at %d windows", len(columns), len(windows.sites))
    return list(columns)


def read_windows(path: Path) -> MeasuredWindows:
    """Windows and tracks of a targets.h5."""
    import pandas as pd

    with open_hdf5(path, ["targets", "chrom", "start", "end", "target_ids"]) as handle:
        chrom, names = (as_texts(dataset(handle, name, path, "S")[()]) for name in ("chrom", "target_ids"))
        start, end = (dataset(handle, name, path, "iu")[()].astype(np.int64) for name in ("start", "end"))
    return MeasuredWindows(pd.DataFrame({"chrom": chrom, "start": start, "end": end}), names, path)


def _labelled(rows: pd.DataFrame) -> pd.DataFrame:
    label = (rows["replicate"] != "") | (rows["donor"] != "")
    # A track without a label may be the first experiment of a second one that has it.
    return rows[rows["cell_type"].isin(set(rows.loc[label, "cell_type"]))].reset_index(drop=True)


def _geometry(windows: MeasuredWindows, seq_length: int, target_width: int) -> Geometry:
    width = int(windows.sites["end"].iloc[0] - windows.sites["start"].iloc[0])
    if width > seq_length or width % target_width:
        raise InputError(
            f"has windows of {width} bp, which is no multiple of the target width {target_width} within {seq_length} "
            "bp: state those of the dataset by -w and -l",
            windows.path,
        )
    return Geometry(seq_length, (seq_length - width) // 2, target_width)


def _measured(
    windows: MeasuredWindows, track: Track, geometry: Geometry, black: Mapping[str, NDArray[np.int64]]
) -> NDArray[np.float32]:
    """The targets (n,) of a track at the windows, summed over their positions."""
    names, chrom = np.unique(windows.sites["chrom"].to_numpy(dtype=str), return_inverse=True)
    fold = np.full(len(windows.sites), FOLDS.index("test"), np.int8)
    start = windows.sites["start"].to_numpy() - geometry.crop
    table = WindowTable(tuple(str(name) for name in names), chrom.astype(np.int32), start, fold, geometry.seq_length)
    return window_targets(table, track, geometry, black).sum(axis=1)


def _write(
    out: Path, windows: MeasuredWindows, columns: Mapping[str, NDArray[np.float32]], chosen: pd.DataFrame
) -> None:
    if not columns:
        raise InputError("holds no track with a replicate or donor, and the sheet names no further one", windows.path)
    described = chosen.set_index("track").loc[list(columns)]
    tracks = described.reset_index().rename(columns={"track": "identifier", "cell_type": "description"})
    sites = windows.sites
    with create_hdf5(out) as handle:
        handle.create_dataset("targets", data=np.stack(list(columns.values()), axis=1)[:, None, :])
        write_sites(handle, list(sites["chrom"]), sites["start"].to_numpy(), sites["end"].to_numpy(), tracks)
