"""In-silico saturation mutagenesis of regions: the score of every single-base change.

Memory: one region: 3 x its length windows, block by block.
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
from accessiflow.inference.outputs import write_sites
from accessiflow.inference.windows import centred
from accessiflow.intervals import read_bed

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.inference.predictor import Ensemble, Predictor

BLOCK = 1024


def saturate(predictor: Predictor, bed: Path, fasta: Path, tracks: pd.DataFrame, out: Path, how: Ensemble, length: int | None) -> int:
    """Mutate every base of the middle `length` bp of each region's window -> OUT/scores.h5; returns the number of regions.

    scores.h5 (layout of basenji_sat_bed): seqs (n, length, 4) one-hot, scores (n, length, 4, T) = prediction of the changed window minus that of
    the reference (0 at the reference base), ref (n, T), and chrom, start, end of the mutated stretch.
    """
    regions, size = read_bed(bed), predictor.params.seq_length
    wide = size if length is None else length
    if not 1 <= wide <= size:
        raise InputError(f"--length {wide}: expected 1 to {size}, the model's input")
    if regions.empty:
        raise InputError("holds no region", bed)
    middles = (regions["start"].to_numpy() + regions["end"].to_numpy()) // 2
    left = size // 2 - wide // 2
    with Fasta(fasta) as genome, create_hdf5(out / "scores.h5") as handle:
        handle.create_dataset("seqs", (len(regions), wide, 4), bool)
        handle.create_dataset("scores", (len(regions), wide, 4, len(tracks)), np.float32)
        handle.create_dataset("ref", (len(regions), len(tracks)), np.float32)
        write_sites(handle, list(regions["chrom"]), middles - wide // 2, middles - wide // 2 + wide, tracks)
        for row in cli.progress(range(len(regions)), len(regions), "regions mutated"):
            codes = centred(genome, [regions["chrom"][row]], middles[row : row + 1], size)[0]
            reference = predictor.ensemble(codes[None], how).sum(axis=1)[0]
            handle["seqs"][row] = ONE_HOT[codes[left : left + wide]] == 1
            handle["ref"][row] = reference
            handle["scores"][row] = _scores(predictor, codes, reference, left, wide, how)
    return len(regions)


def _scores(
    predictor: Predictor, codes: NDArray[np.uint8], reference: NDArray[np.float64], left: int, wide: int, how: Ensemble
) -> NDArray[np.float32]:
    """Scores (wide, 4, T) of every change of one window."""
    place, base = (a.ravel() for a in np.meshgrid(np.arange(wide), np.arange(4, dtype=np.uint8), indexing="ij"))
    changed = np.flatnonzero(codes[left + place] != base)
    out = np.zeros((wide * 4, len(reference)), np.float32)
    for low in range(0, len(changed), BLOCK):
        part = changed[low : low + BLOCK]
        mutants = np.repeat(codes[None], len(part), axis=0)
        mutants[np.arange(len(part)), left + place[part]] = base[part]
        out[part] = predictor.ensemble(mutants, how).sum(axis=1) - reference
    return out.reshape(wide, 4, -1)
