"""In-silico saturation mutagenesis of regions: the score of every single-base change.

Memory: one window: 3 copies of it (a byte a base) for each mutated base, and their predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True)
class Tiles:
    """Stretches that are mutated, each by one window: rows of scores.h5.

    Attributes:
        region: the number of the BED line (n,) that a stretch belongs to, from 0.
        chrom: its contig (n,). start, end: its bases (n,), at most `wide` of them.
        middle: the middle (n,) of its window.
    """

    region: NDArray[np.int64]
    chrom: list[str]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    middle: NDArray[np.int64]


def saturate(
    predictor: Predictor, bed: Path, fasta: Path, tracks: pd.DataFrame, out: Path, how: Ensemble, length: int | None, whole: bool = False
) -> int:
    """Mutate every base of the middle `length` bp of each region's window -> OUT/scores.h5; returns the number of regions.

    scores.h5 is basenji_sat_bed's: seqs (n, length, 4) one-hot; sum (n, length, 4, T) float16, predictions summed over positions less their mean
    over the four bases; chr, start, end, strand of the mutated stretch. Beside them: scores (n, length, 4, T) float32, the changed window's
    prediction less the reference's (0 at the reference base), ref (n, T) the reference's, region (n,) the number of the BED line, target_ids,
    target_labels.

    Args:
        length: default: the whole window; with `whole`, an eighth of it.
        whole: mutate every base of a region longer than `length`: it has several rows, stretches of `length` bases (the last one what is left,
            filled up with zeros), each mutated by the window around the middle of its `length` bases.
    """
    regions, size = read_bed(bed), predictor.seq_length
    wide = (max(1, size // 8) if whole else size) if length is None else length
    if not 1 <= wide <= size:
        raise InputError(f"--length {wide}: expected 1 to {size}, the model's input")
    if regions.empty:
        raise InputError("holds no region", bed)
    tiles, left = _tiles(regions, wide, whole), size // 2 - wide // 2
    with Fasta(fasta) as genome, create_hdf5(out / "scores.h5") as handle:
        genome.require(regions["chrom"], bed)
        _create(handle, tiles, wide, tracks)
        for row in cli.progress(range(len(tiles.chrom)), len(tiles.chrom), "windows mutated"):
            codes = centred(genome, [tiles.chrom[row]], tiles.middle[row : row + 1], size)[0]
            mutated = int(tiles.end[row] - tiles.start[row])
            predicted, reference = _predictions(predictor, codes, left, mutated, how, int(tiles.middle[row]) - size // 2)
            handle["seqs"][row, :mutated] = ONE_HOT[codes[left : left + mutated]] == 1
            handle["ref"][row] = reference
            handle["scores"][row, :mutated] = predicted - reference
            handle["sum"][row, :mutated] = predicted - predicted.mean(axis=1, keepdims=True)
    return len(regions)


def _tiles(regions: pd.DataFrame, wide: int, whole: bool) -> Tiles:
    """The middle of each region; of a longer one that is mutated whole, its stretches one after the other."""
    start, end = regions["start"].to_numpy(), regions["end"].to_numpy()
    tiled = (end - start > wide) & whole
    first = np.where(tiled, start, (start + end) // 2 - wide // 2)
    last = np.where(tiled, end, first + wide)
    counts = -(-(last - first) // wide)
    region = np.repeat(np.arange(len(regions)), counts)
    place = first[region] + wide * (np.arange(len(region)) - np.repeat(np.cumsum(counts) - counts, counts))
    return Tiles(region, regions["chrom"].iloc[region].tolist(), place, np.minimum(place + wide, last[region]), place + wide // 2)


def _create(handle: h5py.File, tiles: Tiles, wide: int, tracks: pd.DataFrame) -> None:
    n = len(tiles.chrom)
    handle.create_dataset("seqs", (n, wide, 4), bool)
    handle.create_dataset("sum", (n, wide, 4, len(tracks)), np.float16)
    handle.create_dataset("scores", (n, wide, 4, len(tracks)), np.float32)
    handle.create_dataset("ref", (n, len(tracks)), np.float32)
    handle.create_dataset("chr", data=as_bytes(tiles.chrom))
    handle.create_dataset("start", data=tiles.start)
    handle.create_dataset("end", data=tiles.end)
    handle.create_dataset("region", data=tiles.region)
    handle.create_dataset("strand", data=as_bytes(["+"] * n))
    handle.create_dataset("target_ids", data=as_bytes(list(tracks["identifier"])))
    handle.create_dataset("target_labels", data=as_bytes(list(tracks["description"])))


def _predictions(
    predictor: Predictor, codes: NDArray[np.uint8], left: int, wide: int, how: Ensemble, start: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Predictions, summed over positions, of one window with each base at each place (wide, 4, T), and of the window as it is (T,)."""
    place, base = (a.ravel() for a in np.meshgrid(np.arange(wide), np.arange(4, dtype=np.uint8), indexing="ij"))
    changed = np.flatnonzero(codes[left + place] != base)
    windows = np.repeat(codes[None], len(changed), axis=0)
    windows[np.arange(len(changed)), left + place[changed]] = base[changed]
    predicted, reference = (values.sum(axis=-2) for values in predictor.changed(codes, windows, how, start))
    out = np.tile(reference, (wide * 4, 1))
    out[changed] = predicted
    return out.reshape(wide, 4, -1), reference
