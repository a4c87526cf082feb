"""Scores of any layout (files.py, sei.py) -> sad.h5 in ours.

Memory: blocks of 64 MB of scores, and what gathers the percentiles (percentiles.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import as_text, create_hdf5
from accessiflow.log import left_out, progress
from accessiflow.prediction.files import as_bytes
from accessiflow.scoring.effects import BY_POSITION
from accessiflow.scoring.files import ScoreFile
from accessiflow.scoring.lookup import files_of, open_score_file
from accessiflow.scoring.percentiles import PERCENTILES, Percentiles
from accessiflow.scoring.sad import TEXTS, TableSize, write_percentiles

if TYPE_CHECKING:
    import h5py
    import pandas as pd

_BLOCK_BYTES = 1 << 26
_COLUMNS = dict(zip(TEXTS, ("id", "chrom", "ref", "alt"), strict=True))


def import_scores(
    paths: Sequence[Path],
    out: Path,
    layout: str = "auto",
    labels: Path | None = None,
    names: Path | None = None,
    tracks: Sequence[str] = (),
) -> TableSize:
    """Write OUT/sad.h5 of files of scores, one's variants behind the other's; returns its size.

    float16 stays float16, anything else becomes float32. REF and ALT, where all files have them, are summed over
    positions: (n, 1, T).

    Args:
        paths: The files, or folders of them.
        out: The folder that is written.
        layout: Their layout (see `open_score_file`).
        labels: Row labels of a Sei file (see `open_score_file`).
        names: Names of the tracks (see `open_score_file`).
        tracks: Identifiers or labels of the tracks to keep, in this order; default: all.

    Raises:
        InputError: A file has no such layout or knows its variants by id only, or the files' tracks differ.
    """
    paths = [file for path in paths for file in files_of(path)]
    if labels is not None and len(paths) > 1:
        raise InputError("--labels belongs to one file of scores: import the files one by one", paths[1])
    with ExitStack() as stack:
        sources = [stack.enter_context(open_score_file(path, layout, labels, names)) for path in paths]
        _check(sources)
        columns = [sources[0].column(name) for name in tracks] or list(range(len(sources[0].tracks)))
        handle = stack.enter_context(create_hdf5(out / "sad.h5"))
        stats = _create(handle, sources, columns)
        row = 0
        percentiles = stack.enter_context(Percentiles(*handle["SAD"].shape, handle["SAD"].dtype))
        for source in progress(sources, len(sources), "files imported"):
            _copy(source, handle, row, stats, columns, percentiles)
            row += source.rows
        write_percentiles(handle, percentiles)
    return TableSize(row, len(columns))


def _check(sources: Sequence[ScoreFile]) -> None:
    for source in sources:
        if source.by_name:
            raise InputError(
                "knows its variants by id only: sad.h5 needs chromosome, position and alleles", source.path
            )
        if source.tracks != sources[0].tracks:
            raise InputError(f"scores other tracks than {sources[0].path}", source.path)


def _create(handle: h5py.File, sources: Sequence[ScoreFile], columns: Sequence[int]) -> list[str]:
    """Make the datasets; returns the names of the scores that all files have."""
    rows, widths = sum(s.rows for s in sources), dict.fromkeys(TEXTS, 1)
    # a first pass over the names: HDF5's fixed-width texts need the longest one before the first is written
    for block in (block for source in sources for block in source.variants()):
        widths = {name: max(width, _bytes(block, name).dtype.itemsize) for name, width in widths.items()}
    for name, texts in (("target_ids", sources[0].tracks), ("target_labels", sources[0].labels)):
        handle.create_dataset(name, data=as_bytes([texts[c] for c in columns]))
    handle.create_dataset("percentiles", data=PERCENTILES)
    for name, width in widths.items():
        handle.create_dataset(name, (rows,), f"S{width}")
    handle.create_dataset("pos", (rows,), np.uint32)
    every = dict.fromkeys(stat for source in sources for stat in source.stats)
    stats = [stat for stat in every if all(stat in s.stats for s in sources)]
    lacking = ", ".join(stat for stat in every if stat not in stats)
    left_out("kinds of scores", len(every) - len(stats), len(every), f"{lacking}: not in every file")
    known = len(sources[0].tracks)
    left_out("tracks", known - len(set(columns)), known, "not in --track-list", expected=True)
    for stat in stats:
        # read of no rows, for the precision alone
        dtype = np.float16 if all(s.read(stat, 0, 0).dtype == np.float16 for s in sources) else np.float32
        shape = (rows, 1, len(columns)) if stat in BY_POSITION else (rows, len(columns))
        handle.create_dataset(stat, shape, dtype)
    return stats


def _copy(
    source: ScoreFile,
    handle: h5py.File,
    row: int,
    stats: Sequence[str],
    columns: Sequence[int],
    percentiles: Percentiles,
) -> None:
    """Copy one file's variants and scores to the rows from `row` on, and show the SAD to the percentiles."""
    at = row
    for block in source.variants():
        _write_names(handle, at, block)
        at += len(block)
    step = max(1, _BLOCK_BYTES // (8 * max(1, len(source.tracks))))
    for low in range(0, source.rows, step):
        high = min(low + step, source.rows)
        for stat in stats:
            values = source.read(stat, low, high)[:, columns].astype(handle[stat].dtype, copy=False)
            if stat == "SAD":
                percentiles.add(values)
            handle[stat][row + low : row + high] = values[:, None] if handle[stat].ndim == 3 else values


def _write_names(handle: h5py.File, row: int, block: pd.DataFrame) -> None:
    rows = slice(row, row + len(block))
    for name in TEXTS:
        handle[name][rows] = _bytes(block, name)
    handle["pos"][rows] = block["pos"].to_numpy(np.uint32)


def _bytes(block: pd.DataFrame, name: str) -> NDArray[np.bytes_]:
    """A text column of sad.h5; a variant without an id is called chrom:pos."""
    column = _COLUMNS[name]
    values: list[Any] = block[column].tolist() if column in block else [""] * len(block)
    if column == "id":
        places = zip(values, block["chrom"], block["pos"], strict=True)
        # sad.h5 names every variant; the files' own ids may be text or bytes
        values = [v if v not in ("", ".", b"", b".") else f"{as_text(c)}:{p}" for v, c, p in places]
    return as_bytes([as_text(v) for v in values])
