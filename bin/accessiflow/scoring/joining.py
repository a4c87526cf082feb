"""Scores of single-task models put together: the same variants, each file's tracks beside the next one's.

The scores over tracks (COS, L2) are those of all tracks together, from REF and ALT where the files hold them, and left
out where they do not.

Memory: one block of variants.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from accessiflow.errors import InputError
from accessiflow.hdf5 import create_hdf5, open_hdf5
from accessiflow.log import left_out, log
from accessiflow.prediction.files import as_bytes
from accessiflow.scoring.effects import BY_POSITION, BY_VARIANT, STATISTICS, layout, scores
from accessiflow.scoring.sad import PERCENTILES, TEXTS, VARIANTS_AT_ONCE, TableSize, write_percentiles


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
            for name in (*TEXTS, "pos"):
                joined.create_dataset(name, data=files[0][name][()])
            for name in (n for n in stats if n not in BY_VARIANT):
                _join(name, files, joined, len(ids))
            _over_tracks([n for n in stats if n in BY_VARIANT], joined)
            write_percentiles(joined)
        return TableSize(len(files[0]["pos"]), len(ids))


def _check(path: Path, handle: h5py.File, first: h5py.File, stats: Sequence[str], first_path: Path) -> None:
    if [name for name in STATISTICS if name in handle] != list(stats):
        raise InputError(f"holds other kinds of scores than {first_path} ({', '.join(stats)})", path)
    # ids may differ: a set may have been named anew
    same = [np.array_equal(handle[name][()], first[name][()]) for name in ("pos", "chr", "ref_allele", "alt_allele")]
    if not all(same):
        raise InputError(
            f"scores other variants than {first_path}, or in another order: join scores of one variant set", path
        )


def _join(name: str, files: Sequence[h5py.File], joined: h5py.File, tracks: int) -> None:
    shape = files[0][name].shape
    out = joined.create_dataset(name, (*shape[:-1], tracks), files[0][name].dtype)
    for low in range(0, shape[0], VARIANTS_AT_ONCE):
        part = slice(low, low + VARIANTS_AT_ONCE)
        out[part] = np.concatenate([handle[name][part] for handle in files], axis=-1)


def _over_tracks(names: Sequence[str], joined: h5py.File) -> None:
    """Add the scores over all tracks."""
    if names and not set(BY_POSITION) <= set(joined):
        log.warning("%s left out: scores over all tracks need --stats REF,ALT of each model", ", ".join(names))
        reason = f"{', '.join(names)}: scores over all tracks need --stats REF,ALT of each model"
        left_out("kinds of scores", len(names), sum(name in STATISTICS for name in joined) + len(names), reason)
        return
    rows = len(joined["pos"])
    # of all tracks together: COS and L2 of the parts say nothing about those of the whole
    for name in names:
        joined.create_dataset(name, *layout(name, rows, 0, 0, "float32"))
    for low in range(0, rows if names else 0, VARIANTS_AT_ONCE):
        part = slice(low, low + VARIANTS_AT_ONCE)
        ref, alt = (joined[name][part].astype(np.float64) for name in BY_POSITION)
        for name, values in scores(ref, alt, names).items():
            joined[name][part] = values
