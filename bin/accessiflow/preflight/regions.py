"""Chromosome folds, window sizes, BED files, genes, motifs and the chain: small inputs that other stages trust."""

from __future__ import annotations

from accessiflow.files import open_text
from accessiflow.intervals import read_bed
from accessiflow.peaks.cluster_bed import check_names
from accessiflow.preflight.findings import Inputs, some
from accessiflow.preflight.parameters import FOLD_STAGES
from accessiflow.preflight.reference import Reference, compare_contigs

BEDS = ("blacklist", "gaps", "unmeasured", "clusters", "regions")


def check_folds(inputs: Inputs, reference: Reference | None) -> None:
    """Check that test and validation chromosomes are in the FASTA and disjoint, and leave something to train on."""
    # Only where models are trained or evaluated.
    requested = set(inputs.names("stages"))
    if not inputs.given("tracks") or (requested and not requested & FOLD_STAGES):
        return
    folds = {fold: inputs.names(fold) for fold in ("valid_chroms", "test_chroms")}
    both = sorted(set(folds["valid_chroms"]) & set(folds["test_chroms"]))
    if both:
        inputs.findings.problem(
            f"valid_chroms and test_chroms share {', '.join(both)}: a chromosome can be in one of them only"
        )
    if reference is None:
        return
    for fold, names in folds.items():
        absent = [name for name in names if name not in reference.sizes]
        if absent:
            inputs.findings.problem(f"{fold}: the FASTA has no {', '.join(absent)} (it has {some(reference.sizes)})")
    held_out = {name for names in folds.values() for name in names}
    if all(folds.values()) and not set(reference.sizes) - held_out:
        inputs.findings.problem(
            "valid_chroms and test_chroms hold every chromosome of the FASTA: none is left for training"
        )


def check_windows(inputs: Inputs) -> None:
    """Check that window, target and stride fit together."""
    length, width, stride = (inputs.number(name) for name in ("seq_length", "target_width", "stride"))
    if length is None or width is None:
        return
    if width > length:
        inputs.findings.problem(f"target_width {width:g} is larger than seq_length {length:g}")
    elif (length - width) % 2:
        inputs.findings.problem(
            f"seq_length {length:g} minus target_width {width:g} must be even, so that the target is central"
        )
    if stride is not None and stride > length:
        inputs.findings.warning(f"stride {stride:g} is larger than seq_length {length:g}: windows leave bases out")


def check_beds(inputs: Inputs, reference: Reference | None) -> None:
    """Check that BED files can be read and lie on the genome's contigs, and that clusters have names."""
    for parameter in BEDS:
        name = inputs.given(parameter)
        path = inputs.file(name, "BED file") if name else None
        if path is None:
            continue
        with inputs.findings.collecting():
            table = read_bed(path, reference.sizes if reference else None)
            compare_contigs(name, table["chrom"].unique(), reference, inputs.findings)
            inputs.findings.summary[parameter] = {"intervals": len(table)}
            if parameter == "clusters" and (table["name"] == "").any():
                inputs.findings.problem(f"{name}: every interval needs the name of its cluster in column 4")
            if parameter == "clusters":
                check_names(table, path)


def check_genes(inputs: Inputs, reference: Reference | None) -> None:
    """Check that genes can be read and lie on the genome's contigs."""
    from accessiflow.genes import read_tss

    name = inputs.given("genes")
    path = inputs.file(name, "genes file") if name else None
    if path is not None:
        with inputs.findings.collecting():
            table = read_tss(path)
            compare_contigs(name, table["chrom"].unique(), reference, inputs.findings)
            inputs.findings.summary["genes"] = {"starts": len(table)}


def check_text_files(inputs: Inputs) -> None:
    """Check that motifs and the liftover chain begin as such files do."""
    for parameter, start, what in (
        ("motifs", "MEME version", "motif file in MEME format"),
        ("chain", "chain", "liftover chain"),
    ):
        name = inputs.given(parameter)
        path = inputs.file(name, what) if name else None
        if path is None:
            continue
        with inputs.findings.collecting(), open_text(path) as handle:
            first = next((line for line in handle if line.strip() and not line.startswith("#")), "")
            if not first.startswith(start):
                inputs.findings.problem(f"{name}: is no {what} (it should start with {start!r})")


def check_products(inputs: Inputs) -> None:
    """Check that intermediate products given as input exist."""
    for parameter, is_folder in (("peaks", False), ("dataset", True), ("coverage", True), ("truth", True)):
        name = inputs.given(parameter)
        if not name or inputs.is_remote(name) or inputs.is_hidden(name):
            continue
        if not is_folder:
            inputs.file(name, "peaks.h5ad file")
        elif not inputs.locate(name).is_dir():
            inputs.findings.missing(name, f"{name}: no such folder: check the parameter {parameter}")
