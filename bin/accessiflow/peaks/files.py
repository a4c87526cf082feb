"""Peaks as BED files on the bins of a genome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, open_text, require_file
from accessiflow.signal.bins import BinLayout


def write_peaks(
    path: Path,
    track: str,
    layout: BinLayout,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    height: NDArray[np.float64],
) -> None:
    """Write joined peaks as BED (chrom, start, end, name, greatest coverage of a bin), bgzipped and tabix-indexed.

    Args:
        first, last: global numbers (k,) of each peak's first and one-past-last bin; a peak does not span chromosomes.
    """
    import pysam

    chrom, start = layout.locate(first)
    end = start + (last - first) * layout.bin_size
    lines = (
        f"{c}\t{s}\t{e}\t{track}_{i}\t{h:.6g}\n"
        for i, (c, s, e, h) in enumerate(zip(chrom, start, end, height, strict=True), 1)
    )
    with atomic(path) as temporary, atomic(Path(f"{path}.tbi")) as index:
        with pysam.BGZFile(str(temporary), "wb") as out:
            out.write("".join(lines).encode())
        pysam.tabix_index(str(temporary), preset="bed", index=str(index), force=True)


def read_peak_bins(path: Path, layout: BinLayout) -> NDArray[np.int32]:
    """Sorted global bin numbers (k,) of the peaks in a BED file on the bins of `layout`; an empty bgzipped file has none.

    Raises:
        InputError: the file is empty or truncated, or a line is no interval within the chromosomes of `layout`.
    """
    import pandas as pd

    require_file(path, "peak file (one without peaks is still a bgzipped file)")
    try:
        with open_text(path) as handle:
            rows = pd.read_csv(
                handle, sep="\t", header=None, usecols=range(3), names=["chrom", "start", "end"], dtype=str, comment="#"
            )
    except pd.errors.EmptyDataError:
        return np.empty(0, np.int32)
    except (pd.errors.ParserError, ValueError, OSError, EOFError) as error:
        raise InputError(f"is not a readable BED file ({str(error).splitlines()[0]})", path) from None
    start, end = (pd.to_numeric(rows[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bins = rows["chrom"].map(layout.bins).to_numpy(np.float64)
    bad = ~((start >= 0) & (end > start) & (start % 1 == 0) & (end % 1 == 0) & (end <= bins * layout.bin_size))
    if bad.any():
        raise InputError(
            "is no peak on the chromosomes of the coverage files: another genome?", path, int(bad.argmax()) + 1
        )
    low, high = start.astype(np.int64) // layout.bin_size, -(-end.astype(np.int64) // layout.bin_size)
    each = high - low
    first = rows["chrom"].map(layout.first).to_numpy(np.int64) + low
    return np.unique(np.repeat(first - np.r_[0, np.cumsum(each)[:-1]], each) + np.arange(each.sum())).astype(np.int32)


def break_at_chromosomes(is_peak: NDArray[np.bool_], layout: BinLayout) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Runs of adjacent peak bins as global [first, last) numbers, never across a chromosome's end."""
    from accessiflow.peaks.calling import join_bins

    runs = []
    for chrom, offset in layout.first.items():
        first, last = join_bins(is_peak[offset : offset + layout.bins[chrom]])
        runs.append((first + offset, last + offset))
    return np.concatenate([r[0] for r in runs]), np.concatenate([r[1] for r in runs])
