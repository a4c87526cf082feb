"""Heterozygous SNVs of one sample, from VCF (plain or gzipped; contigs need no header line) or BCF.

Memory: some 200 bytes a site.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from accessiflow.errors import InputError
from accessiflow.files import open_text, require_file
from accessiflow.log import left_out, log, note
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

HOMOZYGOUS = "homozygous"
OTHER_ALLELE = "another record at its position has an allele of the sample"
_BASES = frozenset("ACGT")


class _Record(NamedTuple):
    """A record: pos is 1-based, alleles start with REF, genotype numbers them (None: no sample; -1: unknown)."""

    chrom: str
    pos: int
    alleles: list[str]
    genotype: list[int] | None


def read_sites(path: Path, sample: str = "") -> pd.DataFrame:
    """Heterozygous SNVs in file order: chrom, pos (1-based), ref, alt; all biallelic SNVs of a file without samples.

    Args:
        path: VCF or BCF.
        sample: whose genotypes count; without it those of the first.

    Raises:
        InputError: the file cannot be read, has no such sample, or holds no such site.
    """
    import pandas as pd

    skipped: Counter[str] = Counter()
    sites: dict[tuple[str, int], tuple[str, str]] = {}
    for place, records in groupby(_records(path, sample), key=lambda record: (record.chrom, record.pos)):
        for alleles in _alleles_of(list(records)):
            if not isinstance(alleles, str) and place not in sites:
                sites[place] = alleles
            else:
                skipped[alleles if isinstance(alleles, str) else "another record at its position"] += 1
    records = skipped.total() + len(sites)
    for reason, n in sorted(skipped.items()):
        # a genotype that is not heterozygous is what the method passes over
        left_out("records", n, records, reason, expected=reason == HOMOZYGOUS)
    note(sites=len(sites))
    if not sites:
        raise InputError(f"holds no heterozygous SNV among {skipped.total()} records", path)
    return pd.DataFrame([(*place, *alleles) for place, alleles in sites.items()], columns=KEY)


def chosen_sample(path: Path, name: str = "") -> str:
    """The sample whose genotypes count: the named one, else the first (with a warning of several); "" without any.

    Raises:
        InputError: the file cannot be read, or has no such sample.
    """
    import pysam

    require_file(path, "VCF file")
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as handle:
            samples = list(handle.header.samples)
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"cannot be read as VCF or BCF ({error}): truncated or damaged?", path) from None
    finally:
        pysam.set_verbosity(verbosity)
    if len(samples) > 1 and not name:
        log.warning("%s: has %d samples, the first (%s) counts: name one with --sample", path, len(samples), samples[0])
    column = _sample(samples, name, path)
    return samples[column] if column >= 0 else ""


def _alleles_of(records: list[_Record]) -> list[tuple[str, str] | str]:
    """REF and ALT of each record of one place, or the reason why it is no site."""
    found = [_heterozygous(record) for record in records]
    carried = {tuple(record.alleles) for record in records if record.genotype is None or max(record.genotype) > 0}
    if len(carried) < 2:
        return found
    # A genotype 1/2 that was split into two records reads 0/1 in both, though neither haplotype is REF.
    return [alleles if isinstance(alleles, str) else OTHER_ALLELE for alleles in found]


def _heterozygous(record: _Record) -> tuple[str, str] | str:
    """REF and ALT of a record's heterozygous genotype, or the reason why it is no site."""
    called = record.alleles
    if record.pos < 1:
        return "position is not on the chromosome"
    if record.genotype is not None:
        if len(record.genotype) != 2 or not all(0 <= i < len(called) for i in record.genotype):
            return "no diploid genotype"
        first, second = sorted(record.genotype)
        if first == second:
            return HOMOZYGOUS
        if first != 0:
            return "neither allele is REF"
        called = [called[0], called[second]]
    called = [allele.upper() for allele in called]
    return (called[0], called[1]) if len(called) == 2 and set(called) <= _BASES else "not a biallelic SNV"


def _records(path: Path, sample: str) -> Iterator[_Record]:
    import pysam

    require_file(path, "VCF file")
    number = 0
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as handle:  # refuses a cut file too
            column = _sample(list(handle.header.samples), sample, path)
            # pysam wants every contig in the header, which many files lack.
            if handle.format == "VCF":
                yield from _text_records(path, column)
                return
            for number, row in enumerate(handle, 1):  # noqa: B007
                yield _Record(
                    row.chrom, row.pos, list(row.alleles or ()), None if column < 0 else _genotype(row.samples[column])
                )
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(
            f"cannot be read as VCF or BCF after record {number} ({error}): truncated or damaged?", path
        ) from None
    finally:
        pysam.set_verbosity(verbosity)


def _genotype(call: Any) -> list[int]:
    return [-1 if allele is None else allele for allele in call.get("GT") or (None,)]


def _text_records(path: Path, column: int) -> Iterator[_Record]:
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").split("\t")
            if len(fields) < (5 if column < 0 else 10 + column):
                raise InputError(
                    f"has {len(fields)} tab-separated column(s), fewer than the header says: truncated or damaged?",
                    path,
                    number,
                )
            if not re.fullmatch(r"\d{1,10}", fields[1]):
                raise InputError(f"POS must be a positive integer, found {fields[1][:20]!r}", path, number)
            alleles = [fields[3], *fields[4].split(",")]
            yield _Record(
                fields[0],
                int(fields[1]),
                alleles,
                None if column < 0 else _text_genotype(fields[8], fields[9 + column]),
            )


def _text_genotype(names: str, call: str) -> list[int]:
    values = dict(zip(names.split(":"), call.split(":"), strict=False))
    return [int(i) if i.isdigit() else -1 for i in re.split(r"[/|]", values.get("GT", "."))]


def _sample(samples: list[str], name: str, path: Path) -> int:
    """Number of the named sample, or of the first; -1 where the file has none."""
    if name and name not in samples:
        raise InputError(f"has no sample {name[:60]} (it has {', '.join(samples[:5]) or 'none'})", path)
    if name:
        return samples.index(name)
    return 0 if samples else -1
