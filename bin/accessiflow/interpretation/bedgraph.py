"""ISM scores as per-base bedGraph files, one a track: sorted and without overlaps, as bedGraphToBigWig needs them.

Memory: 12 bytes a mutated base, and 256 MB of values at a time, at least one track's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text
from accessiflow.interpretation.ism_file import IsmFile, IsmRegion
from accessiflow.log import left_out

VALUE_BYTES = 1 << 28


def write_bedgraphs(ism_file: IsmFile, out: Path, names: Sequence[str] = (), kind: str = "height") -> list[Path]:
    """Write OUT/TRACK.bedGraph: chrom, start, end, value of each known base, by chromosome (byte order) and position.

    A base in several regions has the mean of its values there.

    Args:
        ism_file: The scores.
        out: The folder that is written.
        names: Tracks; default: all.
        kind: height or importance (see ism_file.py).
    """
    regions = sorted(ism_file.regions, key=lambda s: (s.chrom.encode(), s.start))
    bases = sum(s.end - s.start for s in regions)
    step = max(1, VALUE_BYTES // (4 * max(1, bases)))
    numbers, paths = ism_file.columns(names), []
    # As many tracks at a time as fit: the file lies by region, the bedGraphs by track, so that each lot of tracks
    # reads the whole file.
    for low in range(0, len(numbers), step):
        columns = numbers[low : low + step]
        values = [ism_file.values(s, columns, kind) for s in regions]
        if low == 0:  # the same bases are unknown in every track
            _count_unknown(regions, values)
        for at, column in enumerate(columns):
            paths.append(out / f"{file_name(ism_file.tracks[column], column)}.bedGraph")
            _write(paths[-1], regions, [v[:, at] for v in values])
    return paths


def _count_unknown(regions: Sequence[IsmRegion], values: Sequence[NDArray[np.float32]]) -> None:
    """Count the mutated bases without a line: unknown in the genome, or before a chromosome's start."""
    before = [np.arange(region.start, region.end) < 0 for region in regions]
    unknown = sum(int((np.isnan(part[:, 0]) | left).sum()) for part, left in zip(values, before, strict=True))
    left_out("bases", unknown, sum(map(len, before)), "unknown in the genome: no value")


def file_name(track: str, column: int) -> str:
    """A track's name as part of a file's name.

    It is the track's number where the name has other characters than letters, digits, `.`, `_`, `-`.
    """
    plain = all(c.isascii() and (c.isalnum() or c in "._-") for c in track) and not track.startswith(".")
    return track if plain and 0 < len(track) <= 100 else f"track_{column}"


def _write(path: Path, regions: Sequence[IsmRegion], values: Sequence[NDArray[np.float32]]) -> None:
    with write_text(path) as out:
        # regions come sorted by chromosome, so that one chromosome's are together
        for chrom in dict.fromkeys(s.chrom for s in regions):
            own = [i for i, s in enumerate(regions) if s.chrom == chrom]
            places = np.concatenate([np.arange(regions[i].start, regions[i].end) for i in own])
            starts, means = _means(places, np.concatenate([values[i] for i in own]))
            out.writelines(
                f"{chrom}\t{p}\t{p + 1}\t{v:.6g}\n" for p, v in zip(starts.tolist(), means.tolist(), strict=True)
            )


class BaseMeans(NamedTuple):
    """Places (k,) in order, each once, and the mean (k,) of the values of each."""

    places: NDArray[np.int64]
    means: NDArray[np.float64]


def _means(places: NDArray[np.int64], values: NDArray[np.float32]) -> BaseMeans:
    """The mean value of each place; those without a value, or off the chromosome's start, are left out."""
    # a window at the edge of a chromosome mutates places before its first base: they are unknown bases
    there = ~np.isnan(values) & (places >= 0)
    starts, back, counts = np.unique(places[there], return_inverse=True, return_counts=True)
    return BaseMeans(starts, np.bincount(back, values[there], len(starts)) / counts)
