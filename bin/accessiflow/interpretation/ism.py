"""In-silico saturation mutagenesis (ISM): the score of every single-base change, of windows and of regions of a genome.

Memory: one window at a time: 3 copies of it (a byte a base) for each mutated base, and their predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genome import ONE_HOT, Codes, Fasta
from accessiflow.hdf5 import create_hdf5, open_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import left_out, progress
from accessiflow.prediction.ensemble import FORWARD, Ensemble
from accessiflow.prediction.files import as_bytes
from accessiflow.prediction.windows import centred
from accessiflow.restart import FinishedBlock, PartFile, resume

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from accessiflow.prediction.predictor import Predictor

ARRAYS = ("seqs", "ref", "scores", "sum")


class IsmScores(NamedTuple):
    """Predictions for every single-base change of windows, summed over positions.

    Attributes:
        predicted: (n, W, 4, T) float64 by window, mutated base, base put there (A, C, G, T) and track, natural scale,
            in the unit of the targets; the window's own prediction where the base is the one that is there.
        reference: (n, T) float64, the windows as they are.
    """

    predicted: NDArray[np.float64]
    reference: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The changed window's prediction minus the reference's (n, W, 4, T); 0 at the reference base."""
        return self.predicted - self.reference[:, None, None]

    @property
    def centred(self) -> NDArray[np.float64]:
        """Predictions minus their mean over the four bases (n, W, 4, T)."""
        return self.predicted - self.predicted.mean(axis=2, keepdims=True)


@dataclass(frozen=True)
class MutatedTiles:
    """Intervals that are mutated, each by one window: rows of scores.h5.

    Attributes:
        region: Number of the BED line (n,) that an interval belongs to, from 0.
        chrom: Its contig (n,).
        start: Its first base (n,).
        end: The base behind its last one (n,).
        middle: The middle (n,) of its window.
    """

    region: NDArray[np.int64]
    chrom: list[str]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    middle: NDArray[np.int64]


@dataclass(frozen=True)
class IsmRequest:
    """What is mutated.

    Attributes:
        length: Bases around the middle of each region; default: the whole window, with `whole` an eighth of it.
        whole: Mutate every base of a region longer than `length`: it has several rows, intervals of `length` bases (the
            last one what is left, filled up with zeros), each mutated by the window around the middle of its `length`
            bases.
        share: i and n: of all rows only the i-th of n equal shares (i from 1).
    """

    length: int | None = None
    whole: bool = False
    share: tuple[int, int] = (1, 1)


def ism(
    predictor: Predictor,
    codes: Codes,
    ensemble: Ensemble = FORWARD,
    first: int = 0,
    last: int | None = None,
    starts: NDArray[np.int64] | None = None,
) -> IsmScores:
    """Predict windows with each base at each place.

    Args:
        predictor: A model (prediction.loading.load_predictor).
        codes: Windows (n, seq_length), at least one, of base codes uint8, as genome.encode gives them; 4 is an unknown
            base.
        ensemble: What is averaged over.
        first: The first base that is mutated, as a place in the window.
        last: The place behind the last one; default: the end of the window. W = last - first bases are mutated.
        starts: Where each window (n,) starts on its chromosome; default: unknown, which gives the same values up to
            the last bits of an engine that shares work.
    """
    stop = codes.shape[1] if last is None else last
    places = np.zeros(len(codes), np.int64) if starts is None else starts
    windows = [
        _mutated(predictor, window, first, stop, ensemble, int(start))
        for window, start in zip(codes, places, strict=True)
    ]
    return IsmScores(np.stack([w.predicted for w in windows]), np.stack([w.reference for w in windows]))


def _mutated(predictor: Predictor, codes: Codes, first: int, last: int, ensemble: Ensemble, start: int) -> IsmScores:
    """Predictions of one window with each base at each place (W, 4, T), and of the window as it is (T,)."""
    place, base = np.meshgrid(np.arange(first, last), np.arange(4, dtype=np.uint8), indexing="ij")
    place, base = place.ravel(), base.ravel()
    # the base that is there is not predicted again; where it is unknown, all four are changes
    changed = np.flatnonzero(codes[place] != base)
    windows = np.repeat(codes[None], len(changed), axis=0)
    windows[np.arange(len(changed)), place[changed]] = base[changed]
    mutants, reference = predictor.changed(codes, windows, ensemble, start)
    reference = reference.sum(axis=-2)
    predicted = np.tile(reference, (len(place), 1))
    predicted[changed] = mutants.sum(axis=-2)
    return IsmScores(predicted.reshape(last - first, 4, -1), reference)


def write_ism(
    predictor: Predictor,
    bed: Path,
    fasta: Path,
    tracks: pd.DataFrame,
    out: Path,
    ensemble: Ensemble,
    request: IsmRequest,
    part: PartFile | None = None,
) -> int:
    """Mutate every base of the middle `length` bp of each region's window -> OUT/scores.h5.

    scores.h5 is basenji_sat_bed's: seqs (n, length, 4) one-hot; sum (n, length, 4, T) float16, predictions summed over
    positions minus their mean over the four bases; chr, start, end, strand of the mutated interval. Beside them: scores
    (n, length, 4, T) float32, the changed window's prediction minus the reference's (0 at the reference base), ref
    (n, T) the reference's, region (n,) the number of the BED line, target_ids, target_labels.

    Args:
        predictor: A model.
        bed: The regions.
        fasta: The genome.
        tracks: identifier and description of the model's tracks.
        out: The folder that is written.
        ensemble: What predictions are averaged over.
        request: What is mutated.
        part: Keeps each finished window, for a run that goes on where this one is killed.

    Returns:
        The number of windows.

    Raises:
        InputError: There is no region, one is on no contig of the FASTA, or `length` does not fit the model.
    """
    size = predictor.seq_length
    length = request.length
    if length is None:
        length = max(1, size // 8) if request.whole else size
    if not 1 <= length <= size:
        raise InputError(f"--length {length}: expected 1 to {size}, the model's input")
    with Fasta(fasta) as genome, part or nullcontext() as part_file, create_hdf5(out / "scores.h5") as handle:
        # one window a block of the part file: a window of thousands of changes is minutes of work
        tiles = _tiles(_read_regions(bed, genome), length, request)
        _create(handle, tiles, length, list(tracks["identifier"]), list(tracks["description"]))

        def score(row: int) -> FinishedBlock:
            return _score_row(predictor, genome, tiles, row, length, ensemble)

        rows = progress(range(len(tiles.chrom)), len(tiles.chrom), "windows mutated")
        for row, arrays in enumerate(resume(rows, part_file, score)):
            for name, values in arrays.items():
                handle[name][row, : len(values)] = values
    return len(tiles.chrom)


def merge_ism(paths: Sequence[Path], out: Path) -> int:
    """scores.h5 of the shares of one BED file, in order -> OUT/scores.h5, the same bytes as in one piece.

    Returns:
        The number of windows.

    Raises:
        InputError: The shares differ in tracks or length.
    """
    with ExitStack() as stack:
        needed = [*ARRAYS, "chr", "start", "end", "region", "target_ids", "target_labels"]
        files = [stack.enter_context(open_hdf5(path, needed)) for path in paths]
        for path, handle in zip(paths, files, strict=True):
            same_length = handle["scores"].shape[1:] == files[0]["scores"].shape[1:]
            if not same_length or handle["target_ids"][()].tobytes() != files[0]["target_ids"][()].tobytes():
                raise InputError(
                    f"has another length or other tracks than {paths[0]}: shares of one run belong together", path
                )
        region, chrom, start, end = (
            np.concatenate([handle[name][()] for handle in files]) for name in ("region", "chr", "start", "end")
        )
        tiles = MutatedTiles(region, [c.decode() for c in chrom.tolist()], start, end, (start + end) // 2)
        ids, labels = ([v.decode() for v in files[0][name][()].tolist()] for name in ("target_ids", "target_labels"))
        merged = stack.enter_context(create_hdf5(out / "scores.h5"))
        _create(merged, tiles, files[0]["seqs"].shape[1], ids, labels)
        for name in ARRAYS:
            # row by row: the whole of a genome-wide run's scores would not fit into memory
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


def _score_row(
    predictor: Predictor, genome: Fasta, tiles: MutatedTiles, row: int, length: int, ensemble: Ensemble
) -> FinishedBlock:
    """The mutated bases of one row: seqs (b, 4), scores and sum (b, 4, T), and ref (T,)."""
    size, count = predictor.seq_length, int(tiles.end[row] - tiles.start[row])
    # the last interval of a region is shorter than `length`: its window lies as if it were not
    first = size // 2 - length // 2
    codes = centred(genome, [tiles.chrom[row]], tiles.middle[row : row + 1], size)
    found = ism(predictor, codes, ensemble, first, first + count, tiles.middle[row : row + 1] - size // 2)
    return {
        "seqs": ONE_HOT[codes[0, first : first + count]] == 1,
        "ref": found.reference[0].astype(np.float32),
        "scores": found.scores[0].astype(np.float32),
        "sum": found.centred[0].astype(np.float16),
    }


def _tiles(regions: pd.DataFrame, length: int, request: IsmRequest) -> MutatedTiles:
    """The middle of each region, or the intervals of one that is mutated whole; of these the share asked for."""
    start, end = regions["start"].to_numpy(), regions["end"].to_numpy()
    tiled = (end - start > length) & request.whole
    first = np.where(tiled, start, (start + end) // 2 - length // 2)
    last = np.where(tiled, end, first + length)
    counts = -(-(last - first) // length)
    outside = int(np.where(tiled, 0, np.maximum(end - start - length, 0)).sum())
    bases = int((end - start).sum())
    left_out("bases", outside, bases, f"of regions longer than {length} bp: outside their middle", expected=True)
    region = np.repeat(np.arange(len(regions)), counts)
    # the number of each interval within its region: its row minus the region's first row
    number = np.arange(len(region)) - np.repeat(np.cumsum(counts) - counts, counts)
    place = first[region] + length * number
    # shares of rows, not of regions: one long region alone may be most of the work
    i, shares = request.share
    chosen = slice(len(region) * (i - 1) // shares, len(region) * i // shares)
    others = len(region) - (chosen.stop - chosen.start)
    left_out("windows", others, len(region), "of the other shares (--share)", expected=True)
    region, place = region[chosen], place[chosen]
    chroms = regions["chrom"].iloc[region].tolist()
    return MutatedTiles(region, chroms, place, np.minimum(place + length, last[region]), place + length // 2)


def _create(handle: h5py.File, tiles: MutatedTiles, length: int, ids: Sequence[str], labels: Sequence[str]) -> None:
    n = len(tiles.chrom)
    handle.create_dataset("seqs", (n, length, 4), bool)
    # Basenji's names and types, so that its plotting scripts read the file; `sum` holds mean-removed values there
    handle.create_dataset("sum", (n, length, 4, len(ids)), np.float16)
    handle.create_dataset("scores", (n, length, 4, len(ids)), np.float32)
    handle.create_dataset("ref", (n, len(ids)), np.float32)
    handle.create_dataset("chr", data=as_bytes(tiles.chrom))
    handle.create_dataset("start", data=tiles.start)
    handle.create_dataset("end", data=tiles.end)
    handle.create_dataset("region", data=tiles.region)
    handle.create_dataset("strand", data=as_bytes(["+"] * n))
    handle.create_dataset("target_ids", data=as_bytes(ids))
    handle.create_dataset("target_labels", data=as_bytes(labels))
