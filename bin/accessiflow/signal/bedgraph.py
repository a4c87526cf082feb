"""Coverage of bedGraph files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import left_out
from accessiflow.signal.coverage import ChromBins, ChromRuns, Ends, shared_contigs
from accessiflow.signal.tables import coordinates, table_chunks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BedGraph:
    """Coverage of a bedGraph; the file is read anew for each use."""

    path: Path
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[ChromBins]:
        """Each chromosome with its bin sums (size // bin_size,); zeros where the file lacks it."""
        # All sums first: the file may order its chromosomes otherwise than the genome.
        sums = {
            rows.chrom: sum_intervals(rows, self.sizes[rows.chrom] // bin_size, bin_size)
            for rows in _bedgraph_rows(self.path, self.sizes)
        }
        for chrom, size in self.sizes.items():
            yield ChromBins(chrom, sums.get(chrom, np.zeros(size // bin_size)))

    def per_base(self) -> Iterator[ChromRuns]:
        """Each chromosome's intervals of equal coverage."""
        runs = {
            rows.chrom: rows._replace(value=rows.value.astype(np.float32))
            for rows in _bedgraph_rows(self.path, self.sizes, again=True)
        }
        for chrom in self.sizes:
            if chrom in runs:
                yield runs[chrom]


class _Part(NamedTuple):
    """Starts, ends and values (k,) of intervals, some of a chromosome's."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    value: NDArray[np.float64]


def _bedgraph_rows(path: Path, sizes: Mapping[str, int], again: bool = False) -> Iterator[ChromRuns]:
    """Sorted, disjoint intervals of each chromosome of `sizes`, in the order of the chromosomes in the file.

    What is left out is counted unless the file is read again.
    """
    seen: Counter[str] = Counter()
    ends = Ends(sizes)
    parts: list[_Part] = []
    current = ""
    for chunk in table_chunks(path, ["chrom", "start", "end", "value"]):
        start, end = coordinates(chunk, path)
        value = _coverage(chunk, path)
        names = chunk["chrom"].to_numpy(dtype=object)
        # A chunk may hold several chromosomes, and a chromosome may lie in several chunks: its parts are gathered until
        # another one begins.
        cuts = np.r_[0, np.flatnonzero(names[1:] != names[:-1]) + 1, len(names)]
        for low, high in pairwise(cuts.tolist()):
            chrom = str(names[low])
            if chrom != current:
                if chrom in seen:
                    raise InputError(
                        f"comes back to {chrom}, which ended before: sort it by chromosome",
                        path,
                        int(chunk["line"][low]),
                    )
                yield from _joined(current, parts, sizes, path)
                parts, current = [], chrom
            seen[chrom] += high - low
            parts.append(_Part(start[low:high], end[low:high], value[low:high]))
            if chrom in sizes:
                ends.add(chrom, start[low:high], end[low:high])
    yield from _joined(current, parts, sizes, path)
    if again:
        return
    shared_contigs(path, seen, sizes)
    elsewhere = sum(n for chrom, n in seen.items() if chrom not in sizes)
    left_out("intervals", elsewhere, seen.total(), "on contigs unknown to the genome", source=path.name)
    ends.check(path)


def _coverage(chunk: pd.DataFrame, path: Path) -> NDArray[np.float64]:
    import pandas as pd

    value = pd.to_numeric(chunk["value"], errors="coerce").to_numpy(np.float64)
    bad = ~(np.isfinite(value) & (value >= 0))
    if bad.any():
        at = int(bad.argmax())
        raise InputError(f"needs a coverage >= 0, found {chunk['value'][at][:20]!r}", path, int(chunk["line"][at]))
    return value


def _joined(chrom: str, parts: list[_Part], sizes: Mapping[str, int], path: Path) -> Iterator[ChromRuns]:
    """One chromosome's intervals in order, cut at its end; nothing for a contig that is not in `sizes`."""
    if chrom not in sizes:
        return
    start, end, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(start, kind="stable")
    start, end, value = start[order], np.minimum(end[order], sizes[chrom]), value[order]
    if (start[1:] < end[:-1]).any():
        at = int((start[1:] < end[:-1]).argmax())
        raise InputError(
            f"has overlapping intervals at {chrom}:{start[at + 1]}: a bedGraph gives each base one value", path
        )
    inside = start < end
    yield ChromRuns(chrom, start[inside], end[inside], value[inside])


def sum_intervals(rows: ChromRuns, n_bins: int, bin_size: int) -> NDArray[np.float64]:
    """Bin sums (n_bins,) of disjoint intervals, from the integral of the coverage at the bins' edges."""
    _, start, end, value = rows
    if len(start) == 0:
        return np.zeros(n_bins)
    edges = np.arange(n_bins + 1) * bin_size
    area = np.concatenate([[0.0], np.cumsum((end - start) * value)])
    before = np.searchsorted(start, edges, side="right")
    # The interval that starts last before an edge counts up to the edge; all before it are complete.
    last = np.maximum(before - 1, 0)
    partial = (np.minimum(end[last], edges) - start[last]) * value[last]
    integral = np.where(before > 0, area[last] + partial, 0.0)
    return np.diff(integral)
