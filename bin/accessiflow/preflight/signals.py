"""Tracks: whether each signal can be read, names the genome's contigs and has data on the held-out chromosomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import BED_HEADERS
from accessiflow.preflight.findings import Findings, Inputs, some
from accessiflow.preflight.reference import Reference, compare_contigs
from accessiflow.sheets import signal_kind

MOST_RECORDS = 2_000_000  # that are read of a file without an index to see on which chromosomes it has data


class Contents(NamedTuple):
    """Contigs of a signal.

    Attributes:
        lengths: contigs that the file names -> their lengths in bp, 0 where it does not say.
        with_data: those of the requested contigs that have data; None where this is not known.
    """

    lengths: dict[str, int]
    with_data: set[str] | None


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
    index = {suffix: inputs.locate(name + suffix) for suffix in (".bai", ".csi", ".tbi")}
    requested = [chrom for names in folds.values() for chrom in names if reference is None or chrom in reference.sizes]
    contents = _READERS[kind](path, {s: p for s, p in index.items() if p.exists()}, requested)
    shared = compare_contigs(name, contents.lengths, reference, inputs.findings)
    if not shared:
        return
    if reference is not None:
        _check_lengths(name, contents.lengths, shared, reference, inputs.findings)
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


def _check_lengths(
    name: str, lengths: Mapping[str, int], shared: list[str], reference: Reference, findings: Findings
) -> None:
    """Contigs of the same name and another length: a problem if all are, as another assembly's."""
    known = [chrom for chrom in shared if lengths[chrom]]
    wrong = [chrom for chrom in known if lengths[chrom] != reference.sizes[chrom]]
    if not wrong:
        return
    sentence = f"{name}: {wrong[0]} has {lengths[wrong[0]]} bp, in the FASTA {reference.sizes[wrong[0]]}"
    if len(wrong) == len(known):
        findings.problem(f"{sentence} ({len(wrong)} of {len(known)} contigs differ): another assembly?")
    else:
        findings.warning(f"{sentence} ({len(wrong)} of {len(known)} contigs differ)")


# One call shape for all kinds, whether or not they have an index.
def _bigwig(path: Path, index: Mapping[str, Path], requested: Iterable[str]) -> Contents:  # noqa: ARG001
    from accessiflow.signal.bigwig import has_data, open_bigwig

    with open_bigwig(path) as handle:
        lengths = {str(chrom): int(size) for chrom, size in handle.chroms().items()}
        return Contents(lengths, {c for c in requested if c in lengths and has_data(handle, path, c)})


def _bam(path: Path, index: Mapping[str, Path], requested: Iterable[str]) -> Contents:
    import pysam

    from accessiflow.signal.insertions import require_bam

    require_bam(path)
    index_file = next((str(index[s]) for s in (".bai", ".csi") if s in index), None)
    verbosity = pysam.set_verbosity(0)  # htslib prints its own complaints to stderr, next to our one sentence
    try:
        with pysam.AlignmentFile(str(path), "rb", index_filename=index_file) as handle:
            lengths = dict(zip(handle.references, handle.lengths, strict=True))
            if handle.has_index():
                return Contents(lengths, {s.contig for s in handle.get_index_statistics() if s.mapped > 0})
            names = (read.reference_name for read in handle.fetch(until_eof=True))
            return Contents(lengths, _seen(names, requested))
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"is not a readable BAM file ({' '.join(str(error).split())[:120]})", path) from None
    finally:
        pysam.set_verbosity(verbosity)


def _intervals(path: Path, index: Mapping[str, Path], requested: Iterable[str]) -> Contents:
    """Fragments and bedGraph: contigs from a tabix index, else from the lines."""
    import pysam

    if ".tbi" in index:
        try:
            with pysam.TabixFile(str(path), index=str(index[".tbi"])) as handle:
                return Contents(dict.fromkeys(handle.contigs, 0), set(handle.contigs))
        except (OSError, ValueError, NotImplementedError) as error:
            raise InputError(
                f"cannot be read with its index ({' '.join(str(error).split())[:120]}): index it anew with tabix", path
            ) from None
    names: dict[str, int] = {}
    with_data = _seen(_line_contigs(path, names), requested)
    if not names:
        raise InputError("holds no interval", path)
    return Contents(names, with_data)


def _line_contigs(path: Path, names: dict[str, int]) -> Iterator[str]:
    """The contig of each line; each new one is added to `names` with an unknown length."""
    try:
        with open_text(path) as handle:
            for number, line in enumerate(handle, 1):
                if not line.strip() or line.startswith(BED_HEADERS):
                    continue
                fields = line.split("\t", 3)
                if len(fields) < 3 or not fields[1].isdecimal() or not fields[2].strip().isdecimal():
                    raise InputError("needs a chromosome, a start and an end, separated by tabs", path, number)
                names.setdefault(fields[0], 0)
                yield fields[0]
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


_READERS: dict[str, Callable[[Path, Mapping[str, Path], Iterable[str]], Contents]] = {
    "bigwig": _bigwig,
    "bam": _bam,
    "fragments": _intervals,
    "bedgraph": _intervals,
}
