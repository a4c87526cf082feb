"""Variant files, fine-mapped eQTLs and allelic counts: readable, and with REF alleles that agree with the genome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.preflight.findings import Inputs
from accessiflow.preflight.reference import Reference, compare_alleles, compare_contigs, report_mismatches
from accessiflow.sheets import MAX_PIP, MIN_PIP
from accessiflow.variants.columns import read_allele_counts, read_fine_mapped
from accessiflow.variants.keys import unordered_keys
from accessiflow.variants.tables import KEY
from accessiflow.variants.vcf import Variant, read_variants

if TYPE_CHECKING:
    import pandas as pd


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
        table = _check_table(inputs, row["counts"], reference, limits, read_allele_counts)
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
    inputs.findings.summary["allelic_counts"] = facts


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
