"""Reads of each allele at heterozygous SNVs, from alignments.

One pass over the alignments, in coordinate order. A fragment counts once a site: where both mates cover it and agree,
as one read; where they disagree, not at all (`discordant_count`). Memory: the sites (some 200 bytes each) and the reads
over the sites at hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.log import left_out, log
from accessiflow.signal.alignments import UNUSABLE, check_reference, open_alignments, records
from accessiflow.signal.insertions import LOW_MAPQ, unused
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

COUNT_COLUMNS = ["ref_count", "alt_count", "other_count", "discordant_count"]
_OTHER, _DISCORDANT = 2, 3  # numbers in COUNT_COLUMNS, after those of REF and ALT
_BASES = frozenset("ACGT")


@dataclass(frozen=True)
class Filter:
    """Which reads and bases count: those of at least these qualities.

    Duplicates, secondary, supplementary and failed reads never count.
    """

    min_mapq: int = 30
    min_base_quality: int = 20


@dataclass
class _Contig:
    """The sites of one contig while its reads pass.

    Attributes:
        bam: the alignments.
        positions: positions of the sites, 0-based, ascending (n,).
        alleles: REF and ALT of each site (n,).
        rows: row of each site in the table (n,).
        first: number of the first site that a further read can cover.
        seen: site -> fragment (read group, name, number among those of that name) -> code of its allele.
        reads: site -> what has been read (read group, name, number of the mate) -> how often.
        repeated: reads that share group, name and mate's number with another at a site.
        bases, poor: bases read at sites, and how many of them are of low quality or unknown.
    """

    bam: Path
    positions: list[int] = field(default_factory=list)
    alleles: list[tuple[str, str]] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    first: int = 0
    seen: dict[int, dict[tuple[str, str, int], int]] = field(default_factory=dict)
    reads: dict[int, Counter[tuple[str, str, int]]] = field(default_factory=dict)
    repeated: int = 0
    bases: int = 0
    poor: int = 0


def count(bam: Path, sites: pd.DataFrame, reads: Filter, fasta: Path | None = None, sample: str = "") -> pd.DataFrame:
    """The sites with COUNT_COLUMNS: fragments with REF, with ALT, with a third base, and with mates that disagree.

    Args:
        bam: alignments (BAM or CRAM), sorted by coordinate.
        sites: as `het_sites.read_sites` gives them.
        reads: which reads and bases count.
        fasta: the genome, for CRAM.
        sample: whose genotypes the sites are; a warning names the sample of the reads where that is another.

    Raises:
        InputError: the alignments cannot be read, are not sorted by coordinate, or share no contig with the sites; a
            CRAM was written with another genome, or none is given.
    """
    out = np.zeros((len(sites), 4), np.int64)
    number, skipped = 0, Counter[str]()
    with open_alignments(bam, fasta) as handle:
        check_reference(handle, bam, fasta)
        _warn_of_sample(handle.header.to_dict().get("RG", []), sample, bam)
        contigs = _contigs(sites, list(handle.references), bam)
        last = (-1, -1)
        for number, read in enumerate(records(handle, bam), 1):
            if read.flag & UNUSABLE or read.mapping_quality < reads.min_mapq:
                skipped[unused(read.flag) or LOW_MAPQ.format(reads.min_mapq)] += 1
                continue
            here = read.reference_id, read.reference_start
            if here < last:
                raise InputError(f"is not sorted by coordinate (record {number}): sort it with samtools sort", bam)
            # No read of a contig that is over comes again.
            if here[0] != last[0]:
                _close(contigs[last[0]], None, out)
            last = here
            _add(contigs[here[0]], read, reads.min_base_quality, out)
        _close(contigs[last[0]], None, out)
    for reason, n in sorted(skipped.items()):
        left_out("alignments", n, number, reason)
    bases, poor = (sum(getattr(contig, name) for contig in contigs) for name in ("bases", "poor"))
    left_out("bases", poor, bases, f"at sites, unknown or of a quality below {reads.min_base_quality}")
    repeated = sum(contig.repeated for contig in contigs)
    if repeated:
        log.warning(
            "%s: %d unpaired reads share name and read group with another at a site: counted as fragments of their own",
            bam.name, repeated,
        )  # fmt: skip
    return sites.assign(**dict(zip(COUNT_COLUMNS, out.T, strict=True)))


def _warn_of_sample(groups: list[dict[str, str]], sample: str, bam: Path) -> None:
    """Warn of reads of another person than the genotypes, by the names in the read groups."""
    named = list(dict.fromkeys(group["SM"] for group in groups if "SM" in group))
    # libraries are often called otherwise than people: a warning, no refusal
    if sample and named and (sample not in named or len(named) > 1):
        log.warning(
            "%s: the reads are of %s, the genotypes of %s: are they of one person?", bam.name, ", ".join(named), sample
        )


def _contigs(sites: pd.DataFrame, references: list[str], bam: Path) -> list[_Contig]:
    """The sites by contig of the BAM, and an empty contig at the end (reference -1: unplaced reads)."""
    known = {name: number for number, name in enumerate(references)}
    out = [_Contig(bam) for _ in range(len(references) + 1)]
    # The table keeps the order of the VCF; reads come by position.
    by_place = sites.assign(row=np.arange(len(sites))).sort_values(["chrom", "pos"], kind="stable")
    missing: Counter[str] = Counter()
    for chrom, pos, ref, alt, row in by_place[[*KEY, "row"]].itertuples(index=False, name=None):
        if chrom not in known:
            missing[chrom] += 1
            continue
        contig = out[known[chrom]]
        contig.positions.append(int(pos) - 1)
        contig.alleles.append((ref, alt))
        contig.rows.append(int(row))
    if missing.total() == len(sites):
        raise InputError(
            f"shares no contig with the sites (it has {', '.join(references[:3])}..., "
            f"they {', '.join(list(missing)[:3])}...)",
            bam,
        )
    left_out("sites", missing.total(), len(sites), "on contigs that the alignments lack: without reads")
    for chrom, n in missing.items():
        log.warning("%s has no contig %s: %d sites without reads", bam.name, chrom, n)
    return out


def _add(contig: _Contig, read: Any, min_quality: int, out: NDArray[np.int64]) -> None:
    """Note the alleles that a read has at the sites under it; sites before it are complete."""
    _close(contig, read.reference_start, out)
    positions, at = contig.positions, contig.first
    end = read.reference_end or 0
    if at == len(positions) or positions[at] >= end or read.query_sequence is None:
        return
    query = {place: base for base, place in read.get_aligned_pairs(matches_only=True)}
    while at < len(positions) and positions[at] < end:
        place = query.get(positions[at])
        base = _base(read, place, min_quality)
        contig.bases += place is not None
        contig.poor += place is not None and not base
        if base:
            alleles = contig.alleles[at]
            code = alleles.index(base) if base in alleles else _OTHER  # 0 for REF, 1 for ALT
            fragments = contig.seen.setdefault(at, {})
            fragment = _fragment(contig, at, read)
            # The other mate may have been here before.
            agrees = fragments.get(fragment, code) == code
            fragments[fragment] = code if agrees else _DISCORDANT
        at += 1


def _fragment(contig: _Contig, at: int, read: Any) -> tuple[str, str, int]:
    """The fragment that a read at a site is of: read group, name, and number among the fragments of that name.

    Raises:
        InputError: a paired read's name repeats in its read group, so that its mate is not known.
    """
    # Names are unique within a read group: lanes number their reads anew.
    group = str(read.get_tag("RG")) if read.has_tag("RG") else ""
    mate = 1 if read.is_read1 else 2 if read.is_read2 else 0
    times = contig.reads.setdefault(at, Counter())
    times[group, read.query_name, mate] += 1
    number = times[group, read.query_name, mate] - 1
    if number and mate:
        raise InputError(
            f"two reads {mate} are called {read.query_name[:60]!r} in read group {group[:60]!r}: lanes merged without "
            "read groups? give each lane its own (samtools addreplacerg) before merging",
            contig.bam,
        )
    contig.repeated += number > 0
    return group, read.query_name, number


def _base(read: Any, at: int | None, min_quality: int) -> str:
    """The read's base at a place of its sequence; empty where it has none or its quality is too low."""
    if at is None or (read.query_qualities is not None and read.query_qualities[at] < min_quality):
        return ""
    base = read.query_sequence[at]
    return base if base in _BASES else ""


def _close(contig: _Contig, before: int | None, out: NDArray[np.int64]) -> None:
    """Count the fragments of the sites before a position (None: of all)."""
    while contig.first < len(contig.positions) and (before is None or contig.positions[contig.first] < before):
        for code in contig.seen.pop(contig.first, {}).values():
            out[contig.rows[contig.first], code] += 1
        contig.reads.pop(contig.first, None)
        contig.first += 1
