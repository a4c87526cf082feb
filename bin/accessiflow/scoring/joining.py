"""Scores of single-task models put together: the same variants, each file's tracks beside the next one's.

The scores over tracks (COS, L2) are those of all tracks together, from REF and ALT where the files hold them, and left
out where they do not.

Memory: one block of variants, and what gathers the percentiles (percentiles.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from accessiflow.errors import InputError
from accessiflow.hdf5 import create_hdf5, open_hdf5
from accessiflow.log import left_out, log
from accessiflow.prediction.files import as_bytes
from accessiflow.scoring.effects import BY_POSITION, BY_VARIANT, STATISTICS, layout, scores
from accessiflow.scoring.files import NAMES_AT_ONCE
from accessiflow.scoring.percentiles import PERCENTILES, Percentiles
from accessiflow.scoring.sad import TEXTS, TableSize, rows_at_once, write_percentiles


def join_scores(paths: Sequence[Path], out: Path) -> TableSize:
    """sad.h5 files -> OUT/sad.h5; returns its size.

    Raises:
        InputError: The files score other variants, hold other kinds of scores, or have a track in common.
    """
    with ExitStack() as stack:
        files = [
            stack.enter_context(open_hdf5(path, ["SAD", *TEXTS, "pos", "target_ids", "target_labels"]))
            for path in paths
        ]
        ids, labels = (
            np.concatenate([[v.decode() for v in f[name][()].tolist()] for f in files]).tolist()
            for name in ("target_ids", "target_labels")
        )
        twice = [t for i, t in enumerate(ids) if t in ids[:i]]
        if twice:
            raise InputError(f"the track {twice[0]} is in two of the files", paths[-1])
        stats = [name for name in STATISTICS if name in files[0]]
        for path, handle in zip(paths, files, strict=True):
            _check(path, handle, files[0], stats, paths[0])
        # all files are checked by now: nothing half-written is left behind by a refusal
        with create_hdf5(out / "sad.h5") as joined:
            joined.create_dataset("target_ids", data=as_bytes(ids))
            joined.create_dataset("target_labels", data=as_bytes(labels))
            joined.create_dataset("percentiles", data=PERCENTILES)
            _copy_names(files[0], joined)
            _join(files, joined, len(ids), _kept(stats))
        return TableSize(len(files[0]["pos"]), len(ids))


def _check(path: Path, handle: h5py.File, first: h5py.File, stats: Sequence[str], first_path: Path) -> None:
    if [name for name in STATISTICS if name in handle] != list(stats):
        raise InputError(f"holds other kinds of scores than {first_path} ({', '.join(stats)})", path)
    # ids may differ: a set may have been named anew
    names = ("pos", "chr", "ref_allele", "alt_allele")
    same = all(handle[name].shape == first[name].shape for name in names) and all(
        np.array_equal(handle[name][part], first[name][part])
        for part in _blocks(len(first["pos"]), NAMES_AT_ONCE)
        for name in names
    )
    if not same:
        raise InputError(
            f"scores other variants than {first_path}, or in another order: join scores of one variant set", path
        )


def _blocks(rows: int, step: int) -> Iterator[slice]:
    return (slice(low, min(low + step, rows)) for low in range(0, rows, step))


def _copy_names(source: h5py.File, joined: h5py.File) -> None:
    for name in (*TEXTS, "pos"):
        out = joined.create_dataset(name, source[name].shape, source[name].dtype)
        for part in _blocks(len(out), NAMES_AT_ONCE):
            out[part] = source[name][part]


def _kept(stats: Sequence[str]) -> list[str]:
    """The scores that the whole has: those over tracks only where REF and ALT say what they are of all tracks."""
    over_tracks = [name for name in stats if name in BY_VARIANT]
    if over_tracks and not set(BY_POSITION) <= set(stats):
        log.warning("%s left out: scores over all tracks need --stats REF,ALT of each model", ", ".join(over_tracks))
        reason = f"{', '.join(over_tracks)}: scores over all tracks need --stats REF,ALT of each model"
        left_out("kinds of scores", len(over_tracks), len(stats), reason)
        return [name for name in stats if name not in BY_VARIANT]
    return list(stats)


def _join(files: Sequence[h5py.File], joined: h5py.File, tracks: int, stats: Sequence[str]) -> None:
    """Write the scores in one pass over the files, and the percentiles of SAD."""
    # of all tracks together: COS and L2 of the parts say nothing about those of the whole
    over_tracks = [name for name in stats if name in BY_VARIANT]
    by_track = [name for name in stats if name not in BY_VARIANT]
    rows = len(files[0]["pos"])
    for name in by_track:
        shape = files[0][name].shape
        joined.create_dataset(name, (*shape[:-1], tracks), files[0][name].dtype)
    for name in over_tracks:
        joined.create_dataset(name, *layout(name, rows, 0, 0, "float32"))
    with Percentiles(rows, tracks, joined["SAD"].dtype) as percentiles:
        for part in _blocks(rows, rows_at_once(tracks)):
            block = {n: np.concatenate([handle[n][part] for handle in files], axis=-1) for n in by_track}
            if over_tracks:
                block |= scores(*(block[name].astype(np.float64) for name in BY_POSITION), over_tracks)
            for name, values in block.items():
                joined[name][part] = values
            percentiles.add(block["SAD"])
        write_percentiles(joined, percentiles)
