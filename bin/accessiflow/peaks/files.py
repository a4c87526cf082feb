"""Peaks as BED files on the bins of a genome."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic, open_text, require_file
from accessiflow.peaks.calling import BinRuns, join_bins
from accessiflow.signal.bins import BinLayout

LONGEST_IN_TBI = 1 << 29  # bp


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
        path: the file; its index is written next to it: .tbi, or .csi where a chromosome is longer than a .tbi numbers.
        track: the track, after which the peaks are named.
        layout: how the bins lie.
        first: global number (k,) of each peak's first bin.
        last: global number (k,) of the bin after its last; a peak does not span chromosomes.
        height: greatest coverage (k,) of a bin of each peak.
    """
    import pysam

    chrom, start = layout.locate(first)
    end = start + (last - first) * layout.bin_size
    lines = (
        f"{c}\t{s}\t{e}\t{track}_{i}\t{h:.6g}\n"
        for i, (c, s, e, h) in enumerate(zip(chrom, start, end, height, strict=True), 1)
    )
    csi = max(layout.bins.values()) * layout.bin_size > LONGEST_IN_TBI
    with atomic(path) as temporary, atomic(Path(f"{path}.{'csi' if csi else 'tbi'}")) as index:
        with pysam.BGZFile(str(temporary), "wb") as out:
            out.write("".join(lines).encode())
        pysam.tabix_index(str(temporary), preset="bed", index=str(index), force=True, csi=csi)


def read_peak_bins(path: Path, layout: BinLayout) -> NDArray[np.int32]:
    """Sorted global numbers (k,) of the bins that the peaks of a BED file touch; an empty bgzipped file has none.

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
    # A peak that another program called need not begin at a bin's edge.
    low, high = start.astype(np.int64) // layout.bin_size, -(-end.astype(np.int64) // layout.bin_size)
    each = high - low
    first = rows["chrom"].map(layout.first).to_numpy(np.int64) + low
    # All ranges [first, first + each) in one array: a running number, shifted for each peak to where its range begins.
    shift = first - np.r_[0, np.cumsum(each)[:-1]]
    return np.unique(np.repeat(shift, each) + np.arange(each.sum())).astype(np.int32)


def break_at_chromosomes(is_peak: NDArray[np.bool_], layout: BinLayout) -> BinRuns:
    """Runs of adjacent peak bins as global numbers, never across a chromosome's end."""
    runs = []
    for chrom, offset in layout.first.items():
        first, last = join_bins(is_peak[offset : offset + layout.bins[chrom]])
        runs.append((first + offset, last + offset))
    return BinRuns(np.concatenate([first for first, _ in runs]), np.concatenate([last for _, last in runs]))
