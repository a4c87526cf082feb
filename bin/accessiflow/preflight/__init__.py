"""The checks before any compute: every sheet and header is read, and all problems are reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accessiflow.errors import InputError
from accessiflow.preflight import experiments, heritability, models, panel, parameters, regions, signals, variants
from accessiflow.preflight.findings import Findings, Inputs, finite, read_staged
from accessiflow.preflight.reference import Reference, open_reference
from accessiflow.preflight.variants import Limits
from accessiflow.sheets import SHEETS, check_sheet

__all__ = ["check", "least_snps", "limits", "read_staged"]
Rows = dict[str, list[dict[str, str]]]
MIN_SNPS, MAX_REF_MISMATCH = 500, 0.1  # where neither an option nor a parameter says another


def limits(params: Mapping[str, Any], max_ref_mismatch: float | None, max_records: int) -> Limits:
    """The option, else the parameter max_ref_mismatch, else 10 %."""
    return Limits(
        _number(params, "max_ref_mismatch", MAX_REF_MISMATCH) if max_ref_mismatch is None else max_ref_mismatch,
        max_records,
    )


def least_snps(params: Mapping[str, Any], min_snps: int | None) -> int:
    """The option, else the parameter min_snps, else 500."""
    return int(_number(params, "min_snps", MIN_SNPS)) if min_snps is None else min_snps


def _number(params: Mapping[str, Any], name: str, default: float) -> float:
    value = params.get(name)
    number = default if value in (None, "") else finite(value)
    if number is None:
        raise InputError(f"the parameter {name} must be a number, found {str(value)[:40]!r}")
    return number


def check(
    params: Mapping[str, Any],
    folder: Path,
    staged: Mapping[str, Path] | None,
    limits: Limits,
    min_snps: int,
    offline: bool = False,
    index_folder: Path | None = None,
) -> Findings:
    """Check the inputs of a run.

    Args:
        params: parameters of the pipeline.
        folder: where relative paths start.
        staged: original name -> where the file lies here; None: every file lies where its name says.
        limits: limits of the comparison of REF alleles with the genome.
        min_snps: how many SNPs a GWAS must share with the panel.
        offline: files that are not there are still to be fetched: they are listed, and no problem.
        index_folder: where the index of a FASTA that has none is kept.

    Memory: one window of the genome, one table of variants, 8 bytes a SNP of the panel.
    """
    findings = Findings()
    inputs = Inputs(params, folder, staged, findings)
    parameters.check_stages(inputs)
    parameters.check_numbers(inputs)
    regions.check_windows(inputs)
    rows = {kind: _rows(inputs, kind) for kind in SHEETS}
    with open_reference(inputs, index_folder) as reference:
        _check_genome_files(inputs, rows, reference, limits)
        snps = panel.check_panel(inputs, rows["ld_panel"], reference, limits)
    models.check_models(inputs, rows["models"], {row["track"] for row in experiments.modelled(rows["tracks"])})
    heritability.check_gwas(inputs, rows["gwas"], snps, min_snps)
    heritability.check_groups(inputs, rows["gwas"], experiments.modelled(rows["tracks"]))
    heritability.check_baselines(inputs, rows["ld_panel"])
    heritability.check_merge_alleles(inputs)
    regions.check_text_files(inputs)
    regions.check_products(inputs)
    findings.settle(offline)
    findings.summary = {name: facts for name, facts in findings.summary.items() if inputs.params.get(name)}
    return findings


def _rows(inputs: Inputs, kind: str) -> list[dict[str, str]]:
    """The sound rows of a sheet; its problems become findings.

    Rows that are not as wide as the header, or hold a wrong value, are left out: the checks of their files would only
    repeat the sheet's problem.
    """
    name = inputs.given(kind)
    if kind == "ld_panel" and panel.is_vcf(name):
        return []
    path = inputs.file(name, "sheet") if name else None
    if path is None:
        return []
    rows, problems = check_sheet(kind, Path(name), read_from=path)
    for problem in problems:
        inputs.findings.problem(problem)
    return [row for row in rows if all(row.get(column) for column in SHEETS[kind].required)]


def _check_genome_files(inputs: Inputs, rows: Rows, reference: Reference | None, limits: Limits) -> None:
    regions.check_folds(inputs, reference)
    regions.check_beds(inputs, reference)
    regions.check_genes(inputs, reference)
    signals.check_tracks(inputs, rows["tracks"], reference)
    experiments.check_experiments(inputs, rows["tracks"])
    variants.check_variant_sets(inputs, rows["variants"], reference, limits)
    variants.check_eqtls(inputs, rows["eqtls"], reference, limits)
    tracks = experiments.modelled(rows["tracks"])
    for kind in ("qtls", "mpra"):
        variants.check_effects(inputs, kind, rows[kind], tracks, reference, limits)
    variants.check_allelic_counts(inputs, rows["allelic_counts"], {row["track"] for row in tracks}, reference, limits)
