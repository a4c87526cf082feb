"""In-silico saturation mutagenesis of regions: the score of every single-base change.

Memory: one window: 3 copies of it (a byte a base) for each mutated base, and their predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genome import ONE_HOT, Fasta
from accessiflow.hdf5 import create_hdf5, open_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import progress
from accessiflow.prediction.files import as_bytes
from accessiflow.prediction.windows import centred
from accessiflow.restart import FinishedBlock, PartFile, resume

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.predictor import Predictor

ARRAYS = ("seqs", "ref", "scores", "sum")


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


@dataclass(frozen=True)
class Wanted:
    """What is mutated.

    Attributes:
        length: bases around the middle of each region; default: the whole window, with `whole` an eighth of it.
        whole: mutate every base of a region longer than `length`: it has several rows, stretches of `length` bases (the last one what is left,
            filled up with zeros), each mutated by the window around the middle of its `length` bases.
        share: i and n: of all rows only the i-th of n equal shares (i from 1).
    """

    length: int | None = None
    whole: bool = False
    share: tuple[int, int] = (1, 1)


def saturate(
    predictor: Predictor,
    bed: Path,
    fasta: Path,
    tracks: pd.DataFrame,
    out: Path,
    how: Ensemble,
    wanted: Wanted,
    part: PartFile | None = None,
) -> int:
    """Mutate every base of the middle `length` bp of each region's window -> OUT/scores.h5; returns the number of windows.

    scores.h5 is basenji_sat_bed's: seqs (n, length, 4) one-hot; sum (n, length, 4, T) float16, predictions summed over positions less their mean
    over the four bases; chr, start, end, strand of the mutated stretch. Beside them: scores (n, length, 4, T) float32, the changed window's
    prediction less the reference's (0 at the reference base), ref (n, T) the reference's, region (n,) the number of the BED line, target_ids,
    target_labels.

    Args:
        part: keeps each finished window, for a run that goes on where this one is killed.
    """
    size = predictor.seq_length
    wide = (max(1, size // 8) if wanted.whole else size) if wanted.length is None else wanted.length
    if not 1 <= wide <= size:
        raise InputError(f"--length {wide}: expected 1 to {size}, the model's input")
    with Fasta(fasta) as genome, part or nullcontext() as kept, create_hdf5(out / "scores.h5") as handle:
        tiles = _tiles(_read_regions(bed, genome), wide, wanted)
        _create(handle, tiles, wide, list(tracks["identifier"]), list(tracks["description"]))
        rows = progress(range(len(tiles.chrom)), len(tiles.chrom), "windows mutated")
        for row, found in enumerate(resume(rows, kept, lambda row: _mutate(predictor, genome, tiles, row, wide, how))):
            for name, values in found.items():
                handle[name][row, : len(values)] = values
    return len(tiles.chrom)


def merge_saturation(paths: Sequence[Path], out: Path) -> int:
    """scores.h5 of the shares of one BED file, in order -> OUT/scores.h5, the same bytes as in one piece; returns the number of windows.

    Raises:
        InputError: they differ in tracks or length.
    """
    with ExitStack() as stack:
        files = [
            stack.enter_context(
                open_hdf5(path, [*ARRAYS, "chr", "start", "end", "region", "target_ids", "target_labels"])
            )
            for path in paths
        ]
        for path, handle in zip(paths, files, strict=True):
            if (
                handle["scores"].shape[1:] != files[0]["scores"].shape[1:]
                or handle["target_ids"][()].tobytes() != files[0]["target_ids"][()].tobytes()
            ):
                raise InputError(
                    f"has another length or other tracks than {paths[0]}: shares of one run belong together", path
                )
        columns = {
            name: np.concatenate([handle[name][()] for handle in files]) for name in ("region", "chr", "start", "end")
        }
        region, chrom, start, end = columns.values()
        tiles = Tiles(region, [c.decode() for c in chrom.tolist()], start, end, (start + end) // 2)
        ids, labels = ([v.decode() for v in files[0][name][()].tolist()] for name in ("target_ids", "target_labels"))
        merged = stack.enter_context(create_hdf5(out / "scores.h5"))
        _create(merged, tiles, files[0]["seqs"].shape[1], ids, labels)
        for name in ARRAYS:
            rows = (values for handle in files for values in handle[name])
            for row, values in enumerate(rows):
                merged[name][row] = values
        return len(region)


def _read_regions(bed: Path, genome: Fasta) -> pd.DataFrame:
    regions = read_bed(bed)
    if regions.empty:
        raise InputError("holds no region", bed)
    genome.require(regions["chrom"], bed)
    return regions


def _mutate(predictor: Predictor, genome: Fasta, tiles: Tiles, row: int, wide: int, how: Ensemble) -> FinishedBlock:
    """The mutated bases of one row: seqs (b, 4), scores and sum (b, 4, T), and ref (T,)."""
    size, count = predictor.seq_length, int(tiles.end[row] - tiles.start[row])
    left = size // 2 - wide // 2
    codes = centred(genome, [tiles.chrom[row]], tiles.middle[row : row + 1], size)[0]
    predicted, reference = _predictions(predictor, codes, left, count, how, int(tiles.middle[row]) - size // 2)
    values = (
        ONE_HOT[codes[left : left + count]] == 1,
        reference.astype(np.float32),
        (predicted - reference).astype(np.float32),
        (predicted - predicted.mean(axis=1, keepdims=True)).astype(np.float16),
    )
    return dict(zip(ARRAYS, values, strict=True))


def _tiles(regions: pd.DataFrame, wide: int, wanted: Wanted) -> Tiles:
    """The middle of each region; of a longer one that is mutated whole, its stretches one after the other; of these the share that is wanted."""
    start, end = regions["start"].to_numpy(), regions["end"].to_numpy()
    tiled = (end - start > wide) & wanted.whole
    first = np.where(tiled, start, (start + end) // 2 - wide // 2)
    last = np.where(tiled, end, first + wide)
    counts = -(-(last - first) // wide)
    region = np.repeat(np.arange(len(regions)), counts)
    place = first[region] + wide * (np.arange(len(region)) - np.repeat(np.cumsum(counts) - counts, counts))
    number, shares = wanted.share
    chosen = slice(len(region) * (number - 1) // shares, len(region) * number // shares)
    region, place = region[chosen], place[chosen]
    return Tiles(
        region, regions["chrom"].iloc[region].tolist(), place, np.minimum(place + wide, last[region]), place + wide // 2
    )


def _create(handle: h5py.File, tiles: Tiles, wide: int, ids: Sequence[str], labels: Sequence[str]) -> None:
    n = len(tiles.chrom)
    handle.create_dataset("seqs", (n, wide, 4), bool)
    handle.create_dataset("sum", (n, wide, 4, len(ids)), np.float16)
    handle.create_dataset("scores", (n, wide, 4, len(ids)), np.float32)
    handle.create_dataset("ref", (n, len(ids)), np.float32)
    handle.create_dataset("chr", data=as_bytes(tiles.chrom))
    handle.create_dataset("start", data=tiles.start)
    handle.create_dataset("end", data=tiles.end)
    handle.create_dataset("region", data=tiles.region)
    handle.create_dataset("strand", data=as_bytes(["+"] * n))
    handle.create_dataset("target_ids", data=as_bytes(ids))
    handle.create_dataset("target_labels", data=as_bytes(labels))


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
