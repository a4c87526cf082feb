"""Saturation scores as per-base bedGraph files, one a track: sorted and without overlaps, as bedGraphToBigWig wants them.

Memory: 12 bytes a mutated base, and 256 MB of values at a time, at least one track's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text
from accessiflow.interpretation.ism_file import Saturation, Stretch

VALUE_BYTES = 1 << 28


def write_bedgraphs(saturation: Saturation, out: Path, names: Sequence[str] = (), kind: str = "height") -> list[Path]:
    """Write OUT/TRACK.bedGraph: chrom, start, end, value of each known base, by chromosome (byte order) and position.

    A base in several regions has the mean of its values there.
    """
    stretches = sorted(saturation.stretches, key=lambda s: (s.chrom.encode(), s.start))
    bases = sum(s.end - s.start for s in stretches)
    step = max(1, VALUE_BYTES // (4 * max(1, bases)))
    wanted, paths = saturation.columns(names), []
    for low in range(0, len(wanted), step):
        columns = wanted[low : low + step]
        values = [saturation.values(s, columns, kind) for s in stretches]
        for at, column in enumerate(columns):
            paths.append(out / f"{file_name(saturation.tracks[column], column)}.bedGraph")
            _write(paths[-1], stretches, [v[:, at] for v in values])
    return paths


def file_name(track: str, column: int) -> str:
    """A track's name as part of a file's name; its number where it has other characters than letters, digits, `.`, `_`, `-`."""
    plain = all(c.isascii() and (c.isalnum() or c in "._-") for c in track) and not track.startswith(".")
    return track if plain and 0 < len(track) <= 100 else f"track_{column}"


def _write(path: Path, stretches: Sequence[Stretch], values: Sequence[NDArray[np.float32]]) -> None:
    with write_text(path) as out:
        for chrom in dict.fromkeys(s.chrom for s in stretches):
            own = [i for i, s in enumerate(stretches) if s.chrom == chrom]
            places = np.concatenate([np.arange(stretches[i].start, stretches[i].end) for i in own])
            starts, means = _means(places, np.concatenate([values[i] for i in own]))
            out.writelines(
                f"{chrom}\t{p}\t{p + 1}\t{v:.6g}\n" for p, v in zip(starts.tolist(), means.tolist(), strict=True)
            )


def _means(places: NDArray[np.int64], values: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Each place once, in order, with the mean of its values; places without a value, or off the chromosome's start, are left out."""
    there = ~np.isnan(values) & (places >= 0)
    starts, back, counts = np.unique(places[there], return_inverse=True, return_counts=True)
    return starts, np.bincount(back, values[there], len(starts)) / counts
