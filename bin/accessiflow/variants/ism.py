"""In-silico saturation mutagenesis of regions: the score of every single-base change.

Memory: one region: 3 windows (a byte a base) and their predictions for each of its bases.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.files import create_hdf5
from accessiflow.genome import ONE_HOT, Fasta
from accessiflow.inference.outputs import as_bytes
from accessiflow.inference.windows import centred
from accessiflow.intervals import read_bed

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.inference.predictor import Ensemble, Predictor


def saturate(predictor: Predictor, bed: Path, fasta: Path, tracks: pd.DataFrame, out: Path, how: Ensemble, length: int | None) -> int:
    """Mutate every base of the middle `length` bp of each region's window -> OUT/scores.h5; returns the number of regions.

    scores.h5 is basenji_sat_bed's: seqs (n, length, 4) one-hot; sum (n, length, 4, T) float16, predictions summed over positions less their mean
    over the four bases; chr, start, end, strand of the mutated stretch. Beside them: scores (n, length, 4, T) float32, the changed window's
    prediction less the reference's (0 at the reference base), ref (n, T) the reference's, target_ids, target_labels.
    """
    regions, size = read_bed(bed), predictor.seq_length
    wide = size if length is None else length
    if not 1 <= wide <= size:
        raise InputError(f"--length {wide}: expected 1 to {size}, the model's input")
    if regions.empty:
        raise InputError("holds no region", bed)
    middles = (regions["start"].to_numpy() + regions["end"].to_numpy()) // 2
    left = size // 2 - wide // 2
    with Fasta(fasta) as genome, create_hdf5(out / "scores.h5") as handle:
        genome.require(regions["chrom"], bed)
        _create(handle, regions, middles - wide // 2, wide, tracks)
        for row in cli.progress(range(len(regions)), len(regions), "regions mutated"):
            codes = centred(genome, [regions["chrom"][row]], middles[row : row + 1], size)[0]
            predicted, reference = _predictions(predictor, codes, left, wide, how)
            handle["seqs"][row] = ONE_HOT[codes[left : left + wide]] == 1
            handle["ref"][row] = reference
            handle["scores"][row] = predicted - reference
            handle["sum"][row] = predicted - predicted.mean(axis=1, keepdims=True)
    return len(regions)


def _create(handle: h5py.File, regions: pd.DataFrame, starts: NDArray[np.int64], wide: int, tracks: pd.DataFrame) -> None:
    n = len(regions)
    handle.create_dataset("seqs", (n, wide, 4), bool)
    handle.create_dataset("sum", (n, wide, 4, len(tracks)), np.float16)
    handle.create_dataset("scores", (n, wide, 4, len(tracks)), np.float32)
    handle.create_dataset("ref", (n, len(tracks)), np.float32)
    handle.create_dataset("chr", data=as_bytes(list(regions["chrom"])))
    handle.create_dataset("start", data=starts)
    handle.create_dataset("end", data=starts + wide)
    handle.create_dataset("strand", data=as_bytes(["+"] * n))
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))


def _predictions(
    predictor: Predictor, codes: NDArray[np.uint8], left: int, wide: int, how: Ensemble
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions, summed over positions, of one window with each base at each place (wide, 4, T), and of the window as it is (T,)."""
    place, base = (a.ravel() for a in np.meshgrid(np.arange(wide), np.arange(4, dtype=np.uint8), indexing="ij"))
    changed = np.flatnonzero(codes[left + place] != base)
    windows = np.repeat(codes[None], len(changed) + 1, axis=0)
    windows[np.arange(len(changed)), left + place[changed]] = base[changed]
    predicted = predictor.ensemble(windows, how).sum(axis=1)
    out = np.tile(predicted[-1], (wide * 4, 1))
    out[changed] = predicted[:-1]
    return out.reshape(wide, 4, -1), predicted[-1]
