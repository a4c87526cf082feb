"""Variant files, fine-mapped eQTLs and allelic counts: readable, and with REF alleles that agree with the genome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.errors import InputError
from accessiflow.preflight.findings import Inputs, some
from accessiflow.preflight.reference import Reference, compare_alleles, compare_contigs, report_mismatches
from accessiflow.sheets import MAX_PIP, MIN_PIP
from accessiflow.variants.columns import parse_columns, read_allele_counts, read_effects, read_fine_mapped
from accessiflow.variants.keys import unordered_keys
from accessiflow.variants.tables import KEY
from accessiflow.variants.vcf import Variant, read_variants

if TYPE_CHECKING:
    import pandas as pd


NULL_SUFFIX = ".null"  # workflows/variants.nf names a set's null so


class Limits(NamedTuple):
    """Limits of the comparison of REF alleles with the genome.

    Attributes:
        ref_mismatch: largest share that may disagree.
        records: how many records of a file are compared at most.
    """

    ref_mismatch: float
    records: int


class _Row(NamedTuple):
    chrom: str
    pos: int
    ref: str
    alt: str


def check_variant_sets(inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None, limits: Limits) -> None:
    """Check the VCF of each set, streaming."""
    facts = {}
    for row in rows:
        if row["set"].endswith(NULL_SUFFIX) and str(inputs.params.get("variant_null") or "none") != "none":
            inputs.findings.problem(
                f"variants: the set {row['set']} has a name for null variants ({NULL_SUFFIX}): choose another"
            )
        path = inputs.file(row["vcf"], "variant file")
        with inputs.findings.collecting():
            if path is not None:
                agreement = compare_alleles(_records(path), reference, limits.records)
                compare_contigs(row["vcf"], agreement.contigs, reference, inputs.findings)
                facts[row["set"]] = report_mismatches(row["vcf"], agreement, limits.ref_mismatch, inputs.findings)
                if not agreement.records:
                    inputs.findings.problem(f"{row['vcf']}: holds no variant")
    inputs.findings.summary["variants"] = facts


def check_eqtls(inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None, limits: Limits) -> None:
    """Check the tables of fine-mapped variants and of negatives of each tissue."""
    facts = {}
    least, most = _pips(inputs)
    if rows and most > least:
        inputs.findings.problem(
            f"eqtl_max_pip {most:g} is above eqtl_min_pip {least:g}: a variant could be a positive and a negative"
        )
    for row in rows:
        read = partial(read_fine_mapped, tissue=row["tissue"])
        table = _check_table(inputs, row["variants"], reference, limits, read)
        negatives = _check_table(inputs, row["negatives"], reference, limits, read) if row["negatives"] else None
        if table is not None:
            facts[row["tissue"]] = _eqtl_facts(inputs, row, table, negatives)
    inputs.findings.summary["eqtls"] = facts


def check_allelic_counts(
    inputs: Inputs, rows: list[dict[str, str]], tracks: set[str], reference: Reference | None, limits: Limits
) -> None:
    """Check the allelic counts of each cell type, and that its track exists."""
    facts = {}
    for row in rows:
        table = None
        if row["counts"]:
            table = _check_table(inputs, row["counts"], reference, limits, read_allele_counts)
        records = _check_reads(inputs, row, reference, limits)
        track = row["track"] or row["cell_type"]
        if tracks and track not in tracks:
            inputs.findings.problem(
                f"allelic_counts: the cell type {row['cell_type']} is predicted by the track {track}, "
                "which the tracks sheet lacks"
            )
        if table is not None:
            facts[row["cell_type"]] = {
                "sites": len(table),
                "reads": int(table[["ref_count", "alt_count"]].to_numpy().sum()),
            }
        elif records:
            facts[row["cell_type"]] = {"variants": records}
    inputs.findings.summary["allelic_counts"] = facts


def _check_reads(inputs: Inputs, row: dict[str, str], reference: Reference | None, limits: Limits) -> int:
    """Check that a row has counts, or alignments and the genotypes of their donor, and that these can be read.

    Returns:
        The records of the genotypes; 0 where there are none.
    """
    owner, problem = f"allelic_counts: the cell type {row['cell_type']}", inputs.findings.problem
    if row["counts"]:
        if row["bam"] or row["vcf"]:
            problem(f"{owner}: has counts and a bam or vcf to make them from: give one of them")
        return 0
    if not row["bam"] or not row["vcf"]:
        problem(f"{owner}: needs counts, or a bam and a vcf from which they are made")
        return 0
    bam, vcf = inputs.file(row["bam"], "alignments"), inputs.file(row["vcf"], "variant file")
    with inputs.findings.collecting():
        if bam is not None:
            compare_contigs(row["bam"], _contigs(bam), reference, inputs.findings)
    with inputs.findings.collecting():
        if vcf is not None:
            samples = _samples(vcf)
            if row["sample"] and row["sample"] not in samples:
                problem(f"{row['vcf']}: has no sample {row['sample']} (it has {some(samples) or 'none'})")
            agreement = compare_alleles(_records(vcf), reference, limits.records)
            report_mismatches(row["vcf"], agreement, limits.ref_mismatch, inputs.findings)
            return agreement.records
    return 0


def _contigs(bam: Path) -> list[str]:
    import pysam

    verbosity = pysam.set_verbosity(0)  # htslib prints its own complaints to stderr, next to our one sentence
    try:
        with pysam.AlignmentFile(str(bam), check_sq=True) as handle:
            return list(handle.references)
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"is not a readable BAM or CRAM file ({' '.join(str(error).split())[:120]})", bam) from None
    finally:
        pysam.set_verbosity(verbosity)


def _samples(vcf: Path) -> list[str]:
    import pysam

    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(vcf)) as handle:
            return list(handle.header.samples)
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"is not a readable VCF or BCF file ({' '.join(str(error).split())[:120]})", vcf) from None
    finally:
        pysam.set_verbosity(verbosity)


def check_effects(
    inputs: Inputs,
    kind: str,
    rows: list[dict[str, str]],
    tracks: list[dict[str, str]],
    reference: Reference | None,
    limits: Limits,
) -> None:
    """Check the tables of the qtls or the mpra sheet, and that the tracks that predict them exist."""
    facts = {}
    known = {"track": {row["track"] for row in tracks}}
    known["cell_type"] = {row[column] for row in tracks for column in ("cell_type", "group")} - {""}
    numbers = ["beta"] if kind == "qtls" else ["value"]
    for row in rows:
        owner = f"{kind}: the set {row['set']}"
        if row["track"] and row["cell_type"]:
            inputs.findings.problem(f"{owner}: has a track and a cell_type: give one of them")
        for column, names in known.items():
            if row[column] and tracks and row[column] not in names:
                inputs.findings.problem(
                    f"{owner}: is predicted by the {column} {row[column]}, which the tracks sheet lacks"
                )
        needed = [*numbers, *(["p"] if row.get("max_p") else [])]
        read = partial(_read_effects, numbers=needed, columns=row["columns"])
        table = _check_table(inputs, row["variants"], reference, limits, read)
        if table is not None:
            facts[row["set"]] = {"variants": len(table)}
    inputs.findings.summary[kind] = facts


def _read_effects(path: Path, numbers: list[str], columns: str) -> pd.DataFrame:
    return read_effects(path, numbers, [], parse_columns(columns.replace(";", ",")))


def _records(path: Path) -> Iterator[Variant]:
    """The first allele pair of each record that has a sequence as REF."""
    # A record with several ALT alleles gives a pair for each, all with the one REF.
    for _, alleles in groupby(read_variants(path), attrgetter("line")):
        yield next(alleles)


def _check_table(
    inputs: Inputs,
    name: str,
    reference: Reference | None,
    limits: Limits,
    read: Callable[[Path], pd.DataFrame],
) -> pd.DataFrame | None:
    path = inputs.file(name, "table of variants")
    if path is None:
        return None
    with inputs.findings.collecting():
        table = read(path)
        compare_contigs(name, table["chrom"].unique(), reference, inputs.findings)
        rows = (_Row(*values) for values in zip(*(table[name] for name in KEY), strict=True))
        report_mismatches(name, compare_alleles(rows, reference, limits.records), limits.ref_mismatch, inputs.findings)
        return table
    return None


def _pips(inputs: Inputs) -> tuple[float, float]:
    """What a positive's PIP must exceed, and what a negative's must stay below."""
    least, most = (inputs.number(name) for name in ("eqtl_min_pip", "eqtl_max_pip"))
    return MIN_PIP if least is None else least, MAX_PIP if most is None else most


def _eqtl_facts(
    inputs: Inputs, row: dict[str, str], table: pd.DataFrame, negatives: pd.DataFrame | None
) -> dict[str, int]:
    name, findings = row["variants"], inputs.findings
    if "pip" not in table.columns:
        if negatives is None and not row["negatives"]:
            findings.problem(f"{name}: has no column pip and the tissue {row['tissue']} no negatives: give one of them")
        else:
            findings.warning(f"{name}: has no column pip: all {len(table)} rows count as fine-mapped")
        return {"rows": len(table), "negatives": 0 if negatives is None else len(negatives)}
    least, most = _pips(inputs)
    # as the benchmark counts: a variant by its greatest PIP, whatever the order of its alleles
    greatest = table["pip"].groupby(unordered_keys(*(table[column].to_numpy() for column in KEY)).keys).max()
    high, low = int((greatest > least).sum()), int((greatest < most).sum())
    if high == 0:
        findings.problem(f"{name}: no variant has a PIP above {least:g}: the tissue {row['tissue']} has no positives")
    if low == 0 and not row["negatives"]:
        findings.problem(
            f"{name}: no variant has a PIP below {most:g} and there is no file of negatives: "
            f"the tissue {row['tissue']} has none"
        )
    return {"rows": len(table), "high_pip": high, "negatives": low if negatives is None else len(negatives)}
