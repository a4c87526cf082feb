"""Signals to coverage: bigWig, BAM, scATAC fragments and bedGraph -> sums over fixed-width bins along each chromosome.

Value of a bin = sum over its bases of per-base coverage x scale, where coverage is the file's value (bigWig, bedGraph; gaps are 0) or the
number of Tn5 insertions (BAM, fragments). The trailing partial bin of a chromosome is dropped.

Memory: bigWig 1 Mb of values; BAM and fragments 4 bytes an insertion; bedGraph 16 bytes a bin. All plus one chromosome's bins.
"""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, require_file

log = logging.getLogger("accessiflow")
CHUNK = 1 << 20
UNUSABLE = 0x4 | 0x100 | 0x200 | 0x400 | 0x800  # unmapped, secondary, QC fail, duplicate, supplementary
PROPER_PAIR, REVERSE = 0x2, 0x10
Positions = dict[str, NDArray[np.uint32]]


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


def binned(path: Path, kind: str, sizes: Mapping[str, int], bin_size: int, counting: Counting) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield each chromosome of `sizes` with its bin sums (size // bin_size,), unscaled; zeros where the file lacks it.

    Raises:
        InputError: no contig is shared, or a record cannot be read.
    """
    if kind == "bigwig":
        yield from _bin_bigwig(path, sizes, bin_size)
    elif kind == "bedgraph":
        yield from _bin_bedgraph(path, sizes, bin_size)
    else:
        for chrom, positions in insertions(path, kind, sizes, counting).items():
            usable = positions[positions < sizes[chrom] // bin_size * bin_size]
            yield chrom, np.bincount(usable // bin_size, minlength=sizes[chrom] // bin_size).astype(np.float64)


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
    out = {}
    for chrom, size in sizes.items():
        positions = np.frombuffer(collected.pop(chrom, array("I")), np.uint32)
        out[chrom] = np.sort(positions[positions < size])
    return out


def write_bigwig(
    path: Path, sizes: Mapping[str, int], coverage: Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]
) -> None:
    """Write a bigWig from (chrom, starts, ends, values) in the order of `sizes`, each chromosome's intervals sorted and disjoint."""
    import pyBigWig

    from accessiflow.files import atomic

    with atomic(path) as temporary:
        out = pyBigWig.open(str(temporary), "w")
        out.addHeader(list(sizes.items()))
        for chrom, starts, ends, values in coverage:
            if len(starts):
                out.addEntries([chrom] * len(starts), starts.tolist(), ends=ends.tolist(), values=values.astype(np.float64).tolist())
        out.close()


def per_base(
    path: Path, kind: str, sizes: Mapping[str, int], counting: Counting
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
    """Per-base coverage intervals of a file that is no bigWig: what `binned` sums."""
    if kind == "bedgraph":
        rows = {chrom: (start, end, value) for chrom, start, end, value in _bedgraph_rows(path, sizes)}
        for chrom in sizes:
            if chrom in rows:
                start, end, value = rows[chrom]
                yield chrom, start, end, value.astype(np.float32)
        return
    for chrom, positions in insertions(path, kind, sizes, counting).items():
        where, count = np.unique(positions, return_counts=True)
        yield chrom, where.astype(np.int64), where.astype(np.int64) + 1, count.astype(np.float32)


def _bin_bigwig(path: Path, sizes: Mapping[str, int], bin_size: int) -> Iterator[tuple[str, NDArray[np.float64]]]:
    handle = open_bigwig(path)
    lengths: dict[str, int] = handle.chroms()
    shared = set(shared_contigs(path, lengths, sizes))
    step = max(CHUNK // bin_size, 1) * bin_size
    for chrom, size in sizes.items():
        out = np.zeros(size // bin_size)
        end = min(size, lengths.get(chrom, 0)) if chrom in shared else 0
        for left in range(0, end, step):
            right = min(left + step, end)
            values = np.nan_to_num(handle.values(chrom, left, right, numpy=True), nan=0.0, posinf=np.inf, neginf=-np.inf)
            usable = min(right, len(out) * bin_size) - left
            if usable <= 0:
                continue
            padded = values if usable == len(values) and usable % bin_size == 0 else np.pad(values[:usable], (0, -usable % bin_size))
            out[left // bin_size : left // bin_size + len(padded) // bin_size] = padded.reshape(-1, bin_size).sum(axis=1, dtype=np.float64)
        yield chrom, _finite(out, path, chrom, bin_size)
    handle.close()


def open_bigwig(path: Path):  # noqa: ANN201 (pyBigWig has no types)
    """Open a bigWig for reading.

    Raises:
        InputError: missing, empty, truncated or not a bigWig.
    """
    import pyBigWig

    require_file(path, "bigWig file")
    with open(path, "rb") as raw:
        magic = raw.read(4)
    if magic not in (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26"):
        raise InputError("is not a bigWig file (its magic number is wrong)", path)
    try:
        handle = pyBigWig.open(str(path))
        chroms = handle.chroms() if handle is not None else None
    except (RuntimeError, OSError):
        chroms = None
    if not chroms:
        raise InputError("cannot be read as bigWig: truncated, or without contigs", path)
    return handle


def _finite(bins: NDArray[np.float64], path: Path, chrom: str, bin_size: int) -> NDArray[np.float64]:
    bad = ~np.isfinite(bins) | (bins < 0)
    if bad.any():
        raise InputError(
            f"has negative or infinite coverage in {chrom}:{int(bad.argmax()) * bin_size}-{(int(bad.argmax()) + 1) * bin_size}: coverage must be >= 0",
            path,
        )
    return bins


def _read_bam(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    import pysam

    require_file(path, "BAM file")
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
                out.setdefault(names[read.reference_id], array("I")).extend(_ends(read, counting, sizes[names[read.reference_id]]))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read as BAM after record {number} ({error}): truncated?", path) from None
    finally:
        pysam.set_verbosity(verbosity)
    return out


def _ends(read, counting: Counting, size: int) -> list[int]:  # noqa: ANN001 (pysam record)
    """Positions counted for one read that passes the filters, inside the chromosome."""
    plus, minus = (4, -5) if counting.shift else (0, 0)
    if counting.count == "fragments":
        if not (read.flag & PROPER_PAIR and read.template_length > 0):
            return []
        ends = [read.reference_start + plus, read.reference_start + read.template_length - 1 + minus]
    else:
        ends = [read.reference_end - 1 + minus if read.flag & REVERSE else read.reference_start + plus]
    return [p for p in ends if 0 <= p < size]


def _read_fragments(path: Path, sizes: Mapping[str, int], counting: Counting) -> dict[str, array[int]]:
    out: dict[str, array[int]] = {}
    seen: dict[str, int] = {}
    for chunk in _table_chunks(path, ["chrom", "start", "end", "barcode"]):
        start, end = _coordinates(chunk, path)
        keep = chunk["barcode"].isin(counting.barcodes).to_numpy() if counting.barcodes is not None else np.ones(len(chunk), bool)
        for chrom, rows in chunk.groupby("chrom", sort=False).indices.items():
            seen[str(chrom)] = 1
            if chrom in sizes:
                chosen = rows[keep[rows]]
                both = np.concatenate([start[chosen], end[chosen] - 1])
                out.setdefault(str(chrom), array("I")).frombytes(both.astype(np.uint32).tobytes())
    shared_contigs(path, seen, sizes)
    return out


def _table_chunks(path: Path, columns: list[str]) -> Iterator:
    """Chunks of a headerless TSV as text, `#`, track and browser lines skipped; `line` is the record number."""
    import pandas as pd

    done = 0
    with open_text(path) as handle:
        try:
            for chunk in pd.read_csv(
                handle,
                sep="\t",
                comment="#",
                header=None,
                usecols=range(len(columns)),
                names=columns,
                dtype=str,
                chunksize=1_000_000,
                keep_default_na=False,
            ):
                rows = chunk[~chunk["chrom"].str.startswith(("track", "browser"))]
                chunk_lines = done + 1 + np.arange(len(rows))
                done += len(rows)
                yield rows.assign(line=chunk_lines).reset_index(drop=True)
        except pd.errors.EmptyDataError:
            raise InputError("holds no record", path) from None
        except (pd.errors.ParserError, ValueError, OSError, EOFError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read after record {done} as a table of {', '.join(columns)} ({str(error).splitlines()[0]})", path) from None


def _coordinates(chunk, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # noqa: ANN001 (pandas is imported late)
    import pandas as pd

    start, end = (pd.to_numeric(chunk[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bad = ~((start >= 0) & (end > start) & (start % 1 == 0) & (end % 1 == 0))
    if bad.any():
        at = int(bad.argmax())
        raise InputError(
            f"needs integers 0 <= start < end, found {chunk['start'][at][:20]!r} and {chunk['end'][at][:20]!r}", path, int(chunk["line"][at])
        )
    return start.astype(np.int64), end.astype(np.int64)


def _bedgraph_rows(path: Path, sizes: Mapping[str, int]) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]:
    """Sorted, disjoint intervals of each chromosome, in order of first appearance."""
    import pandas as pd

    parts: dict[str, list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]]] = {}
    for chunk in _table_chunks(path, ["chrom", "start", "end", "value"]):
        start, end = _coordinates(chunk, path)
        value = pd.to_numeric(chunk["value"], errors="coerce").to_numpy(np.float64)
        bad = ~(np.isfinite(value) & (value >= 0))
        if bad.any():
            raise InputError(f"needs a coverage >= 0, found {chunk['value'][int(bad.argmax())][:20]!r}", path, int(chunk["line"][int(bad.argmax())]))
        for chrom, rows in chunk.groupby("chrom", sort=False).indices.items():
            parts.setdefault(str(chrom), []).append((start[rows], end[rows], value[rows]))
    for chrom in shared_contigs(path, parts, sizes):
        start, end, value = (np.concatenate(column) for column in zip(*parts[chrom], strict=True))
        order = np.argsort(start, kind="stable")
        start, end, value = start[order], np.minimum(end[order], sizes[chrom]), value[order]
        if (start[1:] < end[:-1]).any():
            at = int((start[1:] < end[:-1]).argmax())
            raise InputError(f"has overlapping intervals at {chrom}:{start[at + 1]}: a bedGraph gives each base one value", path)
        inside = start < end
        yield chrom, start[inside], end[inside], value[inside]


def _bin_bedgraph(path: Path, sizes: Mapping[str, int], bin_size: int) -> Iterator[tuple[str, NDArray[np.float64]]]:
    found = {chrom: _sum_intervals(start, end, value, sizes[chrom] // bin_size, bin_size) for chrom, start, end, value in _bedgraph_rows(path, sizes)}
    for chrom, size in sizes.items():
        yield chrom, found.get(chrom, np.zeros(size // bin_size))


def _sum_intervals(start: NDArray[np.int64], end: NDArray[np.int64], value: NDArray[np.float64], n_bins: int, bin_size: int) -> NDArray[np.float64]:
    """Bin sums of disjoint intervals, from the integral of the coverage at the bins' edges."""
    edges = np.arange(n_bins + 1) * bin_size
    area = np.concatenate([[0.0], np.cumsum((end - start) * value)])
    before = np.searchsorted(start, edges, side="right")
    last = np.maximum(before - 1, 0)
    partial = np.where(before > 0, (np.minimum(end[last], edges) - start[last]) * value[last], 0.0) if len(start) else 0.0
    integral = np.where(before > 0, area[last] + partial, 0.0) if len(start) else np.zeros(n_bins + 1)
    return np.diff(integral)
