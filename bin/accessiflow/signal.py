"""Signals to coverage: bigWig, BAM, scATAC fragments and bedGraph -> sums over fixed-width bins along each chromosome.

Value of a bin = sum over its bases of per-base coverage, where coverage is the file's value (bigWig, bedGraph; gaps are 0) or the number of Tn5
insertions (BAM, fragments). The trailing partial bin of a chromosome is dropped.

Memory: bigWig 1 Mb of values; BAM and fragments 4 bytes an insertion; bedGraph 24 bytes a line of the largest chromosome and 8 bytes a bin (as
bigWig: 20 bytes a line). All plus one chromosome's bins.
"""

from __future__ import annotations

import csv
import gc
import gzip
import logging
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.bigwig import check_structure
from accessiflow.errors import InputError
from accessiflow.files import atomic, open_text, require_file, require_room
from accessiflow.intervals import LONGEST

if TYPE_CHECKING:
    import pandas as pd
    import pysam

log = logging.getLogger("accessiflow")
CHUNK = 1 << 20
UNUSABLE = 0x4 | 0x100 | 0x200 | 0x400 | 0x800  # unmapped, secondary, QC fail, duplicate, supplementary
PROPER_PAIR, REVERSE = 0x2, 0x10
RECORDS_AT_ONCE, LINES_AT_ONCE = 1 << 16, 1 << 18
ROOM, RECORD, ZOOMED = 1 << 18, 12, 11  # bytes of a bigWig: its header and buffers, a record, and a record's part of all zoom levels
HEADERS = ("#", "track", "browser")
Intervals = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
Positions = dict[str, NDArray[np.uint32]]
Bins = tuple[str, NDArray[np.float64]]
Runs = tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]
"""Chromosome, starts, ends and values (k,) of its sorted, disjoint intervals of equal coverage."""


@dataclass(frozen=True)
class Counting:
    """What of a BAM or fragments file is counted.

    Attributes:
        count: "insertions" (5' end of each read) or "fragments" (both ends of proper pairs).
        shift: move 5' ends +4 (forward) and -5 (reverse) to the centre of the Tn5 cut (BAM only).
        min_mapq: least mapping quality.
        barcodes: count these cells only (fragments only).
    """

    count: str = "insertions"
    shift: bool = True
    min_mapq: int = 30
    barcodes: frozenset[str] | None = None


def read_barcodes(path: Path) -> frozenset[str]:
    """Cell barcodes, one a line."""
    with open_text(path) as handle:
        found = frozenset(line.strip() for line in handle if line.strip())
    if not found:
        raise InputError("holds no barcode", path)
    return found


@dataclass(frozen=True)
class BigWig:
    """Coverage of a bigWig."""

    path: Path
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[Bins]:
        """Each chromosome with its bin sums (size // bin_size,); zeros where the file lacks it."""
        return _bin_bigwig(self.path, self.sizes, bin_size)


@dataclass(frozen=True)
class Insertions:
    """Insertions counted in a BAM or fragments file: sorted 0-based positions on every chromosome."""

    positions: Positions
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[Bins]:
        """Each chromosome with its insertions per bin (size // bin_size,)."""
        for chrom, positions in self.positions.items():
            n = self.sizes[chrom] // bin_size
            usable = positions[: np.searchsorted(positions, n * bin_size)]
            yield chrom, np.bincount(usable // bin_size, minlength=n).astype(np.float64)

    def per_base(self) -> Iterator[Runs]:
        """Each chromosome's insertions per base, some at a time."""
        for chrom, positions in self.positions.items():
            low = 0
            while low < len(positions):
                high = np.searchsorted(positions, positions[min(low + RECORDS_AT_ONCE, len(positions)) - 1], side="right")  # all of a base
                where, count = np.unique(positions[low:high], return_counts=True)
                yield chrom, where.astype(np.int64), where.astype(np.int64) + 1, count.astype(np.float32)
                low = int(high)


@dataclass(frozen=True)
class BedGraph:
    """Coverage of a bedGraph; the file is read anew for each use."""

    path: Path
    sizes: Mapping[str, int]

    def bins(self, bin_size: int) -> Iterator[Bins]:
        """Each chromosome with its bin sums (size // bin_size,); zeros where the file lacks it."""
        found = {
            chrom: _sum_intervals(start, end, value, self.sizes[chrom] // bin_size, bin_size)
            for chrom, start, end, value in _bedgraph_rows(self.path, self.sizes)
        }
        for chrom, size in self.sizes.items():
            yield chrom, found.get(chrom, np.zeros(size // bin_size))

    def per_base(self) -> Iterator[Runs]:
        """Each chromosome's intervals of equal coverage."""
        rows = {chrom: (start, end, value.astype(np.float32)) for chrom, start, end, value in _bedgraph_rows(self.path, self.sizes)}
        for chrom in self.sizes:
            if chrom in rows:
                yield chrom, *rows[chrom]


def open_signal(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> BigWig | Insertions | BedGraph:
    """The coverage of a signal file on the chromosomes of `sizes`; BAM and fragments are read here, once and without an index.

    Raises:
        InputError: here or while its bins are read: no contig is shared, or a record cannot be read.
    """
    if kind == "bigwig":
        return BigWig(path, sizes)
    if kind == "bedgraph":
        return BedGraph(path, sizes)
    return Insertions(insertions(path, kind, sizes, counting), sizes)


def shared_contigs(path: Path, found: Mapping[str, object] | list[str], sizes: Mapping[str, int]) -> list[str]:
    """The chromosomes that a file and the genome share, in the genome's order; others are named in the log.

    Raises:
        InputError: there is none.
    """
    shared = [c for c in sizes if c in found]
    if not shared:
        raise InputError(
            f"shares no contig with the genome (file: {', '.join(list(found)[:3])}; genome: {', '.join(list(sizes)[:3])}): rename them", path
        )
    unknown = [c for c in found if c not in sizes]
    if unknown:
        log.info("%s: %d contig(s) unknown to the genome are left out (%s...)", path.name, len(unknown), ", ".join(unknown[:3]))
    return shared


def insertions(path: Path, kind: str, sizes: Mapping[str, int], counting: Counting) -> Positions:
    """Sorted insertion positions (0-based) on every chromosome of `sizes`, from a BAM or fragments file."""
    collected = _read_bam(path, sizes, counting) if kind == "bam" else _read_fragments(path, sizes, counting)
    out, outside = {}, 0
    for chrom, size in sizes.items():
        positions = np.frombuffer(collected.get(chrom, array("I")), np.uint32)
        positions.sort()  # in place: the array of the file's order is not needed
        out[chrom] = positions[: np.searchsorted(positions, size)]
        outside += len(positions) - len(out[chrom])
    if outside:
        log.warning("%s: %d insertion(s) past the end of their chromosome are left out: another assembly?", path.name, outside)
    return out


class BigWigWriter:
    """A new bigWig at `path`. It needs room for what it writes at the end before it goes on: pyBigWig crashes, or hangs, on a full disk."""

    def __init__(self, path: Path, sizes: Mapping[str, int]) -> None:
        import pyBigWig

        self._path, self._records = path, 0
        require_room(path, ROOM)
        self._handle = pyBigWig.open(str(path), "w")
        self._handle.addHeader(list(sizes.items()))

    def add(self, chrom: str, starts: NDArray[np.int64], ends: NDArray[np.int64], values: NDArray[Any]) -> None:
        """Add intervals (n,), sorted."""
        self._count(len(values))
        self._handle.addEntries([chrom] * len(values), starts.tolist(), ends=ends.tolist(), values=values.astype(np.float64).tolist())

    def add_steps(self, chrom: str, start: int, width: int, values: NDArray[Any]) -> None:
        """Add adjacent intervals of one width with the values (n,)."""
        self._count(len(values))
        self._handle.addEntries(chrom, start, values=values.astype(np.float64).tolist(), span=width, step=width)

    def close(self) -> None:
        """Write the index and the zoom levels."""
        self._count(0)
        self._handle.close()

    def _count(self, records: int) -> None:
        self._records += records
        require_room(self._path, ROOM + RECORD * records + ZOOMED * self._records)


def write_bigwig(path: Path, sizes: Mapping[str, int], coverage: Iterable[Runs]) -> None:
    """Write a bigWig; chromosomes come in the order of `sizes`, each with all its intervals. Memory: some MB beside what `coverage` yields."""
    with atomic(path) as temporary:
        out = BigWigWriter(temporary, sizes)
        for chrom, starts, ends, values in coverage:
            for low in range(0, len(starts), RECORDS_AT_ONCE):
                part = slice(low, low + RECORDS_AT_ONCE)
                out.add(chrom, starts[part], ends[part], values[part])
        out.close()


def _bin_bigwig(path: Path, sizes: Mapping[str, int], bin_size: int) -> Iterator[Bins]:
    handle = open_bigwig(path)
    lengths: dict[str, int] = handle.chroms()
    shared = set(shared_contigs(path, lengths, sizes))
    step = max(CHUNK // bin_size, 1) * bin_size
    for chrom, size in sizes.items():
        out = np.zeros(size // bin_size)
        end = min(size, lengths[chrom]) if chrom in shared else 0
        for left in range(0, min(end, len(out) * bin_size), step):
            right = min(left + step, end, len(out) * bin_size)
            values = _chunk_values(handle, path, chrom, left, right)
            whole = values if len(values) % bin_size == 0 else np.pad(values, (0, -len(values) % bin_size))
            sums = whole.reshape(-1, bin_size).sum(axis=1, dtype=np.float64)
            out[left // bin_size : left // bin_size + len(sums)] = sums
        yield chrom, out
    handle.close()


def _chunk_values(handle: Any, path: Path, chrom: str, left: int, right: int) -> NDArray[np.float32]:
    """Coverage (right - left,) per base, 0 in the gaps."""
    try:
        values = handle.values(chrom, left, right, numpy=True)
    except RuntimeError as error:
        raise InputError(f"cannot be read at {chrom}:{left}-{right} ({error}): truncated?", path) from None
    if len(values) == 0:  # what pyBigWig returns for a file without any value
        return np.zeros(right - left, np.float32)
    values[np.isnan(values)] = 0
    low, high = values.min(), values.max()
    if low < 0 or high == np.inf:
        at = left + int(values.argmin() if low < 0 else values.argmax())
        raise InputError(f"has the coverage {low if low < 0 else high:g} at {chrom}:{at}-{at + 1}: coverage must be a number >= 0", path)
    return values


def open_bigwig(path: Path) -> Any:
    """Open a bigWig for reading: a handle of pyBigWig, which has no types.

    Raises:
        InputError: missing, empty, truncated or not a bigWig.
    """
    import pyBigWig

    require_file(path, "bigWig file")
    check_structure(path)
    try:
        handle = pyBigWig.open(str(path))
        chroms = handle.chroms() if handle is not None else None
    except (RuntimeError, OSError):
        chroms = None
    if not chroms:
        raise InputError("cannot be read as bigWig: truncated, or without contigs", path)
    return handle


def require_bam(path: Path) -> Path:
    """Return `path` if it is a file that starts as a BAM does.

    Raises:
        InputError: it is missing, a folder, empty, unreadable or another format.
    """
    require_file(path, "BAM file")
    try:
        with open(path, "rb") as raw, gzip.open(path) as unzipped:
            is_bam = unzipped.read(4) == b"BAM\1" and raw.read(14)[12:] == b"BC"
    except (OSError, EOFError, zlib.error):
        is_bam = False
    if not is_bam:
        raise InputError("is not a readable BAM file (its first bytes are wrong): make one with samtools view -b", path)
    return path


def _read_bam(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    import pysam

    require_bam(path)
    out: dict[str, array[int]] = {}
    number = 0
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.AlignmentFile(str(path), "rb", check_sq=True) as bam:
            shared = set(shared_contigs(path, list(bam.references), sizes))
            names = [name if name in shared else None for name in bam.references]
            for number, read in enumerate(bam.fetch(until_eof=True), 1):  # noqa: B007
                if read.flag & UNUSABLE or read.mapping_quality < counting.min_mapq or names[read.reference_id] is None:
                    continue
                out.setdefault(names[read.reference_id], array("I")).extend(_ends(read, counting))
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"cannot be read as BAM after record {number} ({error}): truncated?", path) from None
    finally:
        pysam.set_verbosity(verbosity)
    return out


def _ends(read: pysam.AlignedSegment, counting: Counting) -> list[int]:
    """Positions counted for one read that passes the filters, from the start of the chromosome on."""
    plus, minus = (4, -5) if counting.shift else (0, 0)
    if counting.count == "fragments":
        if not (read.flag & PROPER_PAIR and read.template_length > 0):
            return []
        ends = [read.reference_start + plus, read.reference_start + read.template_length - 1 + minus]
    elif read.flag & REVERSE:
        ends = [(read.reference_end or read.reference_start + 1) - 1 + minus]
    else:
        ends = [read.reference_start + plus]
    return [p for p in ends if p >= 0]


def _read_fragments(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    out: dict[str, array[int]] = {}
    seen: dict[str, int] = {}
    matched = False
    for chunk in _table_chunks(path, ["chrom", "start", "end", "barcode"]):
        start, end = _coordinates(chunk, path)
        keep = chunk["barcode"].isin(counting.barcodes).to_numpy() if counting.barcodes is not None else np.ones(len(chunk), bool)
        matched |= bool(keep.any())
        for chrom, rows in chunk.groupby("chrom", sort=False).indices.items():
            seen[str(chrom)] = 1
            if chrom in sizes:
                chosen = rows[keep[rows]]
                both = np.concatenate([start[chosen], end[chosen] - 1])
                out.setdefault(str(chrom), array("I")).frombytes(both.astype(np.uint32).tobytes())
    shared_contigs(path, seen, sizes)
    if not matched:
        raise InputError("holds no fragment of the listed barcodes: are they written alike (a suffix such as -1)?", path)
    return out


def _table_chunks(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Chunks of a headerless TSV as text, `#`, track and browser lines skipped; the column `line` is its line in the file."""
    import pandas as pd

    skipped, done = _leading_lines(path, columns), 0
    with open_text(path) as handle:
        try:
            for chunk in pd.read_csv(
                handle,
                sep="\t",
                header=None,
                usecols=range(len(columns)),
                names=columns,
                dtype=str,
                chunksize=LINES_AT_ONCE,
                keep_default_na=False,
                na_values=[""],
                quoting=csv.QUOTE_NONE,
                skiprows=skipped,
                skip_blank_lines=False,
            ):
                done += len(chunk)
                rows = chunk.assign(line=chunk.index + 1 + skipped)[~chunk["chrom"].str.startswith(HEADERS, na=True) | chunk["start"].notna()]
                yield _complete(rows, columns, path)
                del chunk, rows
                gc.collect()  # pandas leaves them in cycles, which else stay for many chunks
        except pd.errors.EmptyDataError:
            raise InputError("holds no record", path) from None
        except (pd.errors.ParserError, ValueError, OSError, EOFError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read after record {done} as a table of {', '.join(columns)} ({str(error).splitlines()[0]})", path) from None


def _leading_lines(path: Path, columns: list[str]) -> int:
    """Number of comment, track and browser lines before the first record, which must have the columns."""
    with open_text(path) as handle:
        found = next(((i, line) for i, line in enumerate(handle) if line.strip() and not line.startswith(HEADERS)), None)
    if found is None:
        raise InputError("holds no record", path)
    if found[1].count("\t") + 1 < len(columns):
        raise InputError(f"has fewer than {len(columns)} columns ({', '.join(columns)})", path, found[0] + 1)
    return found[0]


def _complete(rows: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    short = rows[columns].isna().any(axis=1).to_numpy()
    if short.any():
        raise InputError(f"has fewer than {len(columns)} columns ({', '.join(columns)})", path, int(rows["line"].iloc[int(short.argmax())]))
    return rows.reset_index(drop=True)


def _coordinates(chunk: pd.DataFrame, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import pandas as pd

    start, end = (pd.to_numeric(chunk[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bad = ~((start >= 0) & (end > start) & (end < LONGEST) & (start == np.floor(start)) & (end == np.floor(end)))
    if bad.any():
        at = int(bad.argmax())
        raise InputError(
            f"needs integers 0 <= start < end, found {chunk['start'][at][:20]!r} and {chunk['end'][at][:20]!r}", path, int(chunk["line"][at])
        )
    return start.astype(np.int64), end.astype(np.int64)


def _bedgraph_rows(path: Path, sizes: Mapping[str, int]) -> Iterator[tuple[str, *Intervals]]:
    """Sorted, disjoint intervals of each chromosome of `sizes`, one chromosome after another as they lie in the file."""
    seen: dict[str, int] = {}
    parts: list[Intervals] = []
    current = ""
    for chunk in _table_chunks(path, ["chrom", "start", "end", "value"]):
        start, end = _coordinates(chunk, path)
        value = _coverage(chunk, path)
        names = chunk["chrom"].to_numpy(dtype=object)
        cuts = np.r_[0, np.flatnonzero(names[1:] != names[:-1]) + 1, len(names)]
        for low, high in zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True):
            chrom = str(names[low])
            if chrom != current:
                if chrom in seen:
                    raise InputError(f"comes back to {chrom}, which ended before: sort it by chromosome", path, int(chunk["line"][low]))
                yield from _joined(current, parts, sizes, path)
                seen[chrom], parts, current = 1, [], chrom
            parts.append((start[low:high], end[low:high], value[low:high]))
    yield from _joined(current, parts, sizes, path)
    shared_contigs(path, seen, sizes)


def _coverage(chunk: pd.DataFrame, path: Path) -> NDArray[np.float64]:
    import pandas as pd

    value = pd.to_numeric(chunk["value"], errors="coerce").to_numpy(np.float64)
    bad = ~(np.isfinite(value) & (value >= 0))
    if bad.any():
        at = int(bad.argmax())
        raise InputError(f"needs a coverage >= 0, found {chunk['value'][at][:20]!r}", path, int(chunk["line"][at]))
    return value


def _joined(chrom: str, parts: list[Intervals], sizes: Mapping[str, int], path: Path) -> Iterator[tuple[str, *Intervals]]:
    """One chromosome's intervals in order, cut at its end; nothing for a contig that is not in `sizes`."""
    if chrom not in sizes:
        return
    start, end, value = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(start, kind="stable")
    start, end, value = start[order], np.minimum(end[order], sizes[chrom]), value[order]
    if (start[1:] < end[:-1]).any():
        at = int((start[1:] < end[:-1]).argmax())
        raise InputError(f"has overlapping intervals at {chrom}:{start[at + 1]}: a bedGraph gives each base one value", path)
    inside = start < end
    yield chrom, start[inside], end[inside], value[inside]


def _sum_intervals(start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray[np.float64], n_bins: int, bin_size: int) -> NDArray[np.float64]:
    """Bin sums of disjoint intervals, from the integral of the coverage at the bins' edges."""
    edges = np.arange(n_bins + 1) * bin_size
    area = np.concatenate([[0.0], np.cumsum((end - start) * value)])
    before = np.searchsorted(start, edges, side="right")
    last = np.maximum(before - 1, 0)
    partial = np.where(before > 0, (np.minimum(end[last], edges) - start[last]) * value[last], 0.0) if len(start) else 0.0
    integral = np.where(before > 0, area[last] + partial, 0.0) if len(start) else np.zeros(n_bins + 1)
    return np.diff(integral)
