"""Tracks: whether each signal can be read, names the genome's contigs and has data on the held-out chromosomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import BED_HEADERS, LONGEST_CHROMOSOME, whole_number
from accessiflow.preflight.findings import Findings, Inputs, some
from accessiflow.preflight.reference import Reference, compare_contigs
from accessiflow.sheets import signal_kind
from accessiflow.signal.coverage import Ends, length_fault
from accessiflow.signal.fragments import fragment_columns
from accessiflow.signal.reading import barcode_fault

MOST_RECORDS = 2_000_000  # that are read of a file without an index to see on which chromosomes it has data
RECORDS_PAST_END = 1000  # of a chromosome that an index leads to


class Interval(NamedTuple):
    """A record of fragments or bedGraph: its contig, start and end."""

    chrom: str
    start: int
    end: int


class Contents(NamedTuple):
    """Contigs of a signal.

    Attributes:
        lengths: contigs that the file names -> their lengths in bp, 0 where it does not say.
        with_data: those of the requested contigs that have data; None where this is not known.
        ends: the records against the ends of the genome's chromosomes, where a header does not say their lengths.
        whole: `ends` has counted all records.
    """

    lengths: dict[str, int]
    with_data: set[str] | None
    ends: Ends | None = None
    whole: bool = False


def check_tracks(inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None) -> None:
    """Check the signal of every row of the tracks sheet."""
    findings = inputs.findings
    folds = {fold: inputs.names(fold) for fold in ("test_chroms", "valid_chroms")}
    kinds: Counter[str] = Counter()
    for row in rows:
        with findings.collecting():
            kind = signal_kind(row["signal"], row["kind"])
            kinds[kind] += 1
            _check_signal(inputs, row, kind, folds, reference)
        _check_barcodes(inputs, row["barcodes"])
    for signal, count in Counter(row["signal"] for row in rows if not row["barcodes"]).items():
        if count > 1:
            findings.warning(f"{signal}: is the signal of {count} tracks")
    findings.summary["tracks"] = {
        "rows": len(rows),
        "kinds": dict(sorted(kinds.items())),
        "cell_types": len({row["cell_type"] for row in rows}),
    }


def _check_barcodes(inputs: Inputs, name: str) -> None:
    from accessiflow.signal.insertions import read_barcodes

    path = inputs.file(name, "file of barcodes") if name else None
    if path is not None:
        with inputs.findings.collecting():
            read_barcodes(path)


def _check_signal(
    inputs: Inputs, row: Mapping[str, str], kind: str, folds: Mapping[str, list[str]], reference: Reference | None
) -> None:
    name = row["signal"]
    path = inputs.file(name, f"{kind} file")
    if path is None:
        return
    if row["barcodes"] and (fault := barcode_fault(kind)):
        inputs.findings.problem(f"{name}: {fault}")
    if kind == "fragments":
        found = fragment_columns(path, bool(row["barcodes"]), reference.sizes if reference else ())
        if found.doubt:
            inputs.findings.warning(f"{name}: {found.doubt}")
    index = {suffix: inputs.locate(name + suffix) for suffix in (".bai", ".csi", ".crai", ".tbi")}
    requested = [chrom for names in folds.values() for chrom in names if reference is None or chrom in reference.sizes]
    contents = _READERS[kind](path, {s: p for s, p in index.items() if p.exists()}, requested, reference)
    shared = compare_contigs(name, contents.lengths, reference, inputs.findings)
    if not shared:
        return
    if reference is not None:
        _check_assembly(name, contents, reference, inputs.findings)
    if contents.with_data is None:
        inputs.findings.warning(f"{name}: has no index, so that its data on the test chromosomes were not looked for")
        return
    for fold, chroms in folds.items():
        _check_fold(row["track"], fold, [c for c in chroms if c in requested], contents.with_data, inputs.findings)


def _check_fold(track: str, fold: str, chroms: list[str], with_data: set[str], findings: Findings) -> None:
    empty = [chrom for chrom in chroms if chrom not in with_data]
    if chroms and len(empty) == len(chroms):
        findings.problem(
            f"track {track}: has no data on any of the {fold} ({', '.join(chroms)}): "
            "choose others or leave the track out"
        )
    elif empty:
        findings.warning(f"track {track}: has no data on {some(empty)} of the {fold}")


def _check_assembly(name: str, contents: Contents, reference: Reference, findings: Findings) -> None:
    """Contig lengths of another assembly, or records past the ends of the genome's chromosomes, are a problem."""
    known = {chrom: length for chrom, length in contents.lengths.items() if length}
    fault = length_fault(known, reference.sizes) or (contents.ends.fault(contents.whole) if contents.ends else "")
    if fault:
        findings.problem(f"{name}: {fault}")
    elif contents.ends and (warning := contents.ends.warning(contents.whole)):
        findings.warning(f"{name}: {warning}")


# One call shape for all kinds, whether or not they have an index or contig lengths.
def _bigwig(
    path: Path,
    index: Mapping[str, Path],  # noqa: ARG001
    requested: Iterable[str],
    reference: Reference | None,  # noqa: ARG001
) -> Contents:
    from accessiflow.signal.bigwig import has_data, open_bigwig

    with open_bigwig(path) as handle:
        lengths = {str(chrom): int(size) for chrom, size in handle.chroms().items()}
        return Contents(lengths, {c for c in requested if c in lengths and has_data(handle, path, c)})


def _alignments(
    path: Path, index: Mapping[str, Path], requested: Iterable[str], reference: Reference | None
) -> Contents:
    from accessiflow.signal.alignments import lengths_of, open_alignments, records, reference_fault

    index_file = next((index[s] for s in (".bai", ".csi", ".crai") if s in index), None)
    with open_alignments(path, index=index_file) as handle:
        lengths = lengths_of(handle)
        fault = "" if _other_genome(lengths, reference) else reference_fault(handle, reference)
        if fault:
            raise InputError(fault, path)
        if handle.has_index() and not handle.is_cram:
            return Contents(lengths, {s.contig for s in handle.get_index_statistics() if s.mapped > 0})
        # An index of a CRAM counts no reads.
        names = (read.reference_name for read in records(handle, path))
        return Contents(lengths, _seen(names, requested))


def _other_genome(lengths: Mapping[str, int], reference: Reference | None) -> bool:
    """Whether contigs or their lengths say so already, which is told in other words."""
    return reference is not None and (
        not lengths.keys() & reference.sizes.keys() or bool(length_fault(lengths, reference.sizes))
    )


def _intervals(
    path: Path, index: Mapping[str, Path], requested: Iterable[str], reference: Reference | None
) -> Contents:
    """Fragments and bedGraph: contigs from a tabix index, else from the lines."""
    import pysam

    sizes = reference.sizes if reference else {}
    ends = Ends(sizes)
    table = next((index[suffix] for suffix in (".tbi", ".csi") if suffix in index), None)
    if table is not None:
        try:
            with pysam.TabixFile(str(path), index=str(table)) as handle:
                for chrom in (name for name in handle.contigs if name in sizes):
                    _add_ends(ends, chrom, (row.split("\t", 3) for row in handle.fetch(chrom, sizes[chrom])))
                return Contents(dict.fromkeys(handle.contigs, 0), set(handle.contigs), ends)
        except (OSError, ValueError, NotImplementedError) as error:
            raise InputError(
                f"cannot be read with its index ({' '.join(str(error).split())[:120]}): index it anew with tabix", path
            ) from None
    return _read_lines(path, set(requested), ends, sizes)


def _add_ends(ends: Ends, chrom: str, rows: Iterable[list[str]]) -> None:
    """Count the records at and past the end of a chromosome: the first few say what all do."""
    found = [(int(start), int(end)) for _, start, end, *_ in islice(rows, RECORDS_PAST_END)]
    if found:
        start, end = np.array(found, np.int64).T
        ends.add(chrom, start, end)


def _read_lines(path: Path, requested: set[str], ends: Ends, sizes: Mapping[str, int]) -> Contents:
    names: dict[str, int] = {}
    records = _line_intervals(path)
    for chrom, start, end in islice(records, MOST_RECORDS):
        names[chrom] = 0
        if end > sizes.get(chrom, end):
            ends.add(chrom, np.array([start]), np.array([end]))
        else:
            ends.add_fitting(chrom in sizes)
    if not names:
        raise InputError("holds no interval", path)
    whole, there = next(records, None) is None, requested & names.keys()
    return Contents(names, there if whole or there == requested else None, ends, whole)


def _line_intervals(path: Path) -> Iterator[Interval]:
    """The interval of each line."""
    try:
        with open_text(path) as handle:
            for number, line in enumerate(handle, 1):
                if not line.strip() or line.startswith(BED_HEADERS):
                    continue
                fields = line.split("\t", 3)
                if len(fields) < 3:
                    raise InputError("needs a chromosome, a start and an end, separated by tabs", path, number)
                start, end = whole_number(fields[1]), whole_number(fields[2])
                if start is None or end is None or not 0 <= start < end < LONGEST_CHROMOSOME:
                    raise InputError(
                        f"needs integers 0 <= start < end, found {fields[1][:20]!r} and {fields[2].strip()[:20]!r}",
                        path,
                        number,
                    )
                yield Interval(fields[0], start, end)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error}): truncated or another format", path) from None


def _seen(contigs: Iterator[str | None], requested: Iterable[str]) -> set[str] | None:
    """The requested contigs among those of the first records; None where records are left and not all were seen."""
    missing, out = set(requested), set()
    for contig in islice(contigs, MOST_RECORDS):
        if contig in missing:
            missing.discard(contig)
            out.add(str(contig))
            if not missing:
                return out
    return out if next(contigs, None) is None else None


_READERS: dict[str, Callable[[Path, Mapping[str, Path], Iterable[str], Reference | None], Contents]] = {
    "bigwig": _bigwig,
    "bam": _alignments,
    "cram": _alignments,
    "fragments": _intervals,
    "bedgraph": _intervals,
}
