"""Variant files, fine-mapped eQTLs and allelic counts: readable, of this genome, with REF alleles that agree with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.preflight.findings import Inputs
from accessiflow.preflight.reference import Reference, compare_alleles, compare_contigs, report_mismatches
from accessiflow.variants.tables import read_variants as read_table_of_variants
from accessiflow.variants.vcf import Variant, read_variants

if TYPE_CHECKING:
    import pandas as pd


class Limits(NamedTuple):
    """Largest share of REF alleles that may disagree with the genome, and the most records of a file to compare."""

    ref_mismatch: float
    records: int


class _Row(NamedTuple):
    chrom: str
    pos: int
    ref: str


def check_variant_sets(inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None, limits: Limits) -> None:
    """Check the VCF of each set, streaming."""
    facts = {}
    for row in rows:
        path = inputs.file(row["vcf"], "variant file")
        with inputs.found.collecting():
            if path is not None:
                agreement = compare_alleles(_records(path), reference, limits.records)
                compare_contigs(row["vcf"], agreement.contigs, reference, inputs.found)
                facts[row["set"]] = report_mismatches(row["vcf"], agreement, limits.ref_mismatch, inputs.found)
                if not agreement.records:
                    inputs.found.problem(f"{row['vcf']}: holds no variant")
    inputs.found.summary["variants"] = facts


def check_eqtls(inputs: Inputs, rows: list[dict[str, str]], reference: Reference | None, limits: Limits) -> None:
    """Check the tables of fine-mapped variants and of negatives of each tissue."""
    facts = {}
    for row in rows:
        table = _check_table(inputs, row["variants"], reference, limits, optional=["pip", "beta"])
        negatives = _check_table(inputs, row["negatives"], reference, limits) if row["negatives"] else None
        if table is not None:
            facts[row["tissue"]] = _eqtl_facts(inputs, row, table, negatives)
    inputs.found.summary["eqtls"] = facts


def check_allelic_counts(
    inputs: Inputs, rows: list[dict[str, str]], tracks: set[str], reference: Reference | None, limits: Limits
) -> None:
    """Check the allelic counts of each cell type, and that its track exists."""
    facts = {}
    for row in rows:
        table = _check_table(inputs, row["counts"], reference, limits, integers=["ref_count", "alt_count"])
        track = row["track"] or row["cell_type"]
        if tracks and track not in tracks:
            inputs.found.problem(
                f"allelic_counts: the cell type {row['cell_type']} is predicted by the track {track}, which the tracks sheet lacks"
            )
        if table is not None:
            facts[row["cell_type"]] = {
                "sites": len(table),
                "reads": int(table[["ref_count", "alt_count"]].to_numpy().sum()),
            }
    inputs.found.summary["allelic_counts"] = facts


def _records(path: Path) -> Iterator[Variant]:
    """The first allele pair of each record that has a sequence as REF."""
    for _, alleles in groupby(read_variants(path), attrgetter("line")):
        yield next(alleles)


def _check_table(
    inputs: Inputs,
    name: str,
    reference: Reference | None,
    limits: Limits,
    *,
    integers: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> pd.DataFrame | None:
    path = inputs.file(name, "table of variants")
    if path is None:
        return None
    with inputs.found.collecting():
        table = read_table_of_variants(path, integers=integers, optional=optional)
        compare_contigs(name, table["chrom"].unique(), reference, inputs.found)
        rows = (_Row(*values) for values in zip(table["chrom"], table["pos"], table["ref"], strict=True))
        report_mismatches(name, compare_alleles(rows, reference, limits.records), limits.ref_mismatch, inputs.found)
        return table
    return None


def _eqtl_facts(
    inputs: Inputs, row: dict[str, str], table: pd.DataFrame, negatives: pd.DataFrame | None
) -> dict[str, int]:
    name, found = row["variants"], inputs.found
    if "pip" not in table.columns:
        if negatives is None and not row["negatives"]:
            found.problem(f"{name}: has no column pip and the tissue {row['tissue']} no negatives: give one of them")
        return {"rows": len(table), "negatives": 0 if negatives is None else len(negatives)}
    if ((table["pip"] < 0) | (table["pip"] > 1)).any():
        found.problem(f"{name}: pip must lie between 0 and 1")
    high, low = int((table["pip"] > 0.9).sum()), int((table["pip"] < 0.01).sum())
    if high == 0:
        found.problem(f"{name}: no variant has a PIP above 0.9: the tissue {row['tissue']} has no positives")
    if low == 0 and not row["negatives"]:
        found.problem(
            f"{name}: no variant has a PIP below 0.01 and there is no file of negatives: the tissue {row['tissue']} has none"
        )
    return {"rows": len(table), "high_pip": high, "negatives": low if negatives is None else len(negatives)}
