"""The genome of a run: its contigs, whether other files use the same names, and whether alleles agree with it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.genome import check_index, sequence_md5, unindexed
from accessiflow.preflight.findings import NAMES_SHOWN, Findings, Inputs, some

if TYPE_CHECKING:
    import pysam

EXCHANGED = 0.9  # of the REF alleles that disagree: so many with the genome's allele as ALT are no other assembly's
WINDOW = 1 << 14  # bp read ahead: sorted variants then cost few reads of a compressed file
KNOWN = frozenset("ACGT")


class Record(Protocol):
    """A variant: its contig, 1-based position and alleles (upper case)."""

    chrom: str
    pos: int
    ref: str
    alt: str


class Reference:
    """The contigs of the FASTA, and its bases around a position.

    Attributes:
        sizes: contig -> length.
    """

    def __init__(self, handle: pysam.FastaFile) -> None:
        self._handle = handle
        self.sizes: dict[str, int] = dict(zip(handle.references, handle.lengths, strict=True))
        self._chrom, self._start, self._bases = "", 0, ""
        self._md5: dict[str, str] = {}

    def md5(self, chrom: str) -> str:
        """Checksum of a contig, as SAM headers have it; made once, whatever the number of tracks."""
        if chrom not in self._md5:
            self._md5[chrom] = sequence_md5(self._handle, chrom)
        return self._md5[chrom]

    def bases(self, chrom: str, start: int, length: int) -> str:
        """Upper-case bases from a 0-based start, fewer at the contig's end."""
        # The last part read is kept: sorted queries read each part of the genome once.
        if chrom != self._chrom or start < self._start or start + length > self._start + len(self._bases):
            self._chrom, self._start = chrom, start
            self._bases = self._handle.fetch(chrom, start, start + max(WINDOW, length)).upper()
        return self._bases[start - self._start : start - self._start + length]


@contextmanager
def open_reference(inputs: Inputs, index_folder: Path | None = None) -> Iterator[Reference | None]:
    """The genome; None where it is not given, remote or unreadable (a problem).

    Args:
        inputs: the run's.
        index_folder: where an index that had to be made is kept, under the name that it has beside the FASTA.
    """
    name = inputs.given("fasta")
    path = inputs.file(name, "FASTA file") if name else None
    handle = None
    # The index is read when the file is opened: its scratch folder may go then.
    with inputs.findings.collecting(), tempfile.TemporaryDirectory(prefix="faidx.") as scratch:
        if path is not None:
            indexes = _indexes(inputs, name, path, Path(scratch))
            handle = _open_fasta(path, indexes)
            if index_folder is not None:
                _keep(indexes.values(), Path(scratch), index_folder)
    if handle is None:
        yield None
        return
    with handle:
        reference = Reference(handle)
        inputs.findings.summary["fasta"] = {"contigs": len(reference.sizes), "bases": sum(reference.sizes.values())}
        yield reference


def _indexes(inputs: Inputs, name: str, path: Path, scratch: Path) -> dict[str, str]:
    """Keywords by which pysam gets the index: the user's, or one made in a scratch folder."""
    # Never made next to the user's file, where pysam would put it: that folder may be shared or not writable.
    import pysam

    given = {suffix: inputs.locate(name + suffix) for suffix in (".fai", ".gzi")}
    with open(path, "rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    needed = {".fai": "filepath_index"} | ({".gzi": "filepath_index_compressed"} if zipped else {})
    if all(given[suffix].exists() for suffix in needed):
        if not zipped:
            check_index(path, given[".fai"])
        return {keyword: str(given[suffix]) for suffix, keyword in needed.items()}
    made = {suffix: scratch / f"{path.name}{suffix}" for suffix in needed}
    options = ["--fai-idx", str(made[".fai"]), *(["--gzi-idx", str(made[".gzi"])] if zipped else [])]
    try:
        pysam.faidx(str(path), *options)
    except pysam.SamtoolsError as error:
        raise InputError(f"cannot be indexed as FASTA ({_sentence(error)}): {unindexed(path)}", path) from None
    if not zipped:
        check_index(path, made[".fai"])
    return {keyword: str(made[suffix]) for suffix, keyword in needed.items()}


def _keep(indexes: Iterable[str], scratch: Path, folder: Path) -> None:
    """Copy what was made in the scratch folder: in a run all tasks take it, and none indexes the genome anew."""
    for index in map(Path, indexes):
        if index.parent == scratch:
            with atomic(folder / index.name) as temporary:
                shutil.copyfile(index, temporary)


def _open_fasta(path: Path, indexes: Mapping[str, str]) -> pysam.FastaFile:
    import pysam

    try:
        return pysam.FastaFile(str(path), **indexes)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be opened as FASTA ({_sentence(error)}): {unindexed(path)}", path) from None


def _sentence(error: Exception) -> str:
    """The first line of an error; samtools' errors hold their lines as the repr of a string."""
    lines = [line.strip() for line in str(error).replace("\\n", "\n").splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__


def compare_contigs(
    name: str, contigs: Iterable[str], reference: Reference | None, findings: Findings, what: str = "contig"
) -> list[str]:
    """The contigs of a file that the genome has. None at all is a problem, an unknown one a warning."""
    names = list(dict.fromkeys(contigs))
    if reference is None or not names:
        return names
    shared = [contig for contig in names if contig in reference.sizes]
    unknown = [contig for contig in names if contig not in reference.sizes]
    if not shared:
        findings.problem(
            f"{name}: shares no chromosome with the FASTA (here: {some(names)}; FASTA: {some(reference.sizes)}): "
            "rename those of one of them"
        )
    elif unknown:
        findings.warning(f"{name}: {len(unknown)} {what}(s) unknown to the FASTA are left out ({some(unknown)})")
    return shared


class Agreement(NamedTuple):
    """REF alleles against the genome.

    Attributes:
        records: how many were read.
        compared: how many of them were compared.
        mismatches: how many of these disagree.
        exchanged: how many of those have the genome's allele as ALT.
        shifted: how many of those are the genome's one base on.
        examples: the first few that disagree, in words.
        contigs: the contigs that the records name.
        more: whether there are records that were not read.
    """

    records: int
    compared: int
    mismatches: int
    exchanged: int
    shifted: int
    examples: list[str]
    contigs: list[str]
    more: bool = False


def compare_alleles(records: Iterable[Record], reference: Reference | None, most: int) -> Agreement:
    """Compare the REF alleles of at most `most` records with the genome, streaming; where they disagree, ALT too.

    Unknown contigs, REF with other letters than ACGT and unknown genome bases are not compared; a position past the end
    of its contig disagrees. Memory: one window of the genome.
    """
    contigs: dict[str, None] = {}  # an ordered set
    examples: list[str] = []
    count = compared = mismatches = exchanged = shifted = 0
    left = iter(records)
    for record in islice(left, most):
        count += 1
        contigs.setdefault(record.chrom)
        if reference is None or record.chrom not in reference.sizes or not KNOWN.issuperset(record.ref):
            continue
        # Where the genome has N, nothing can be said; fewer bases than REF has is the contig's end, which disagrees.
        genome = reference.bases(record.chrom, record.pos - 1, len(record.ref))
        if len(genome) == len(record.ref) and not KNOWN.issuperset(genome):
            continue
        compared += 1
        if genome != record.ref:
            mismatches += 1
            exchanged += (
                bool(record.alt) and reference.bases(record.chrom, record.pos - 1, len(record.alt)) == record.alt
            )
            shifted += reference.bases(record.chrom, record.pos, len(record.ref)) == record.ref
            if len(examples) < NAMES_SHOWN:
                examples.append(
                    f"{record.chrom}:{record.pos} {record.ref[:20]} (FASTA: {genome[:20] or 'end of contig'})"
                )
    more = next(left, None) is not None
    return Agreement(count, compared, mismatches, exchanged, shifted, examples, list(contigs), more)


def report_mismatches(name: str, agreement: Agreement, most: float, findings: Findings) -> dict[str, int]:
    """Report REF alleles that disagree: a warning, or a problem above the share `most`; returns facts for a summary.

    Where nearly all of them have the genome's allele as ALT, it is a warning whatever their share: such variants are
    scored as they stand. In another assembly, ALT is the genome's in a third.
    """
    if agreement.more:
        findings.warning(f"{name}: contigs and REF alleles of the first {agreement.records} records alone were checked")
    if agreement.mismatches:
        share = agreement.mismatches / agreement.compared
        sentence = (
            f"{name}: {agreement.mismatches} of {agreement.compared} REF alleles disagree with the FASTA "
            f"({'; '.join(agreement.examples)})"
        )
        if agreement.exchanged >= EXCHANGED * agreement.mismatches:
            findings.warning(
                f"{sentence}: in {agreement.exchanged} of {agreement.mismatches} ALT is the genome's: "
                "alleles reversed, not another assembly (ref_mismatch says what becomes of them)"
            )
        elif share > most and agreement.shifted >= EXCHANGED * agreement.mismatches:
            findings.problem(
                f"{sentence}: in {agreement.shifted} of {agreement.mismatches} REF is the genome's base behind: "
                "positions counted from 0? Add 1 to them"
            )
        elif share > most:
            findings.problem(f"{sentence}, more than {most:.0%}: another assembly? (max_ref_mismatch sets the limit)")
        else:
            findings.warning(sentence)
    return {
        "records": agreement.records,
        "compared": agreement.compared,
        "ref_mismatches": agreement.mismatches,
    } | ({"exchanged": agreement.exchanged} if agreement.exchanged else {})
