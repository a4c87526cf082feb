"""Chromosome folds, window sizes, BED files, genes, motifs and the chain: small inputs that other stages trust."""

from __future__ import annotations

from accessiflow.files import open_text
from accessiflow.intervals import read_bed
from accessiflow.preflight.findings import Inputs, some
from accessiflow.preflight.reference import Reference, compare_contigs

BEDS = ("blacklist", "gaps", "unmeasured", "clusters", "regions")
FOLD_STAGES = {"dataset", "train", "predict", "evaluate"}
STAGES = ("peaks", "dataset", "train", "predict", "evaluate", "score", "heritability", "eqtl", "imbalance", "report")


def check_stages(inputs: Inputs) -> None:
    """Every stage asked for is one."""
    for stage in inputs.names("stages"):
        if stage not in STAGES:
            inputs.found.problem(f"stages: no stage is called {stage!r} (stages: {', '.join(STAGES)})")


def check_folds(inputs: Inputs, reference: Reference | None) -> None:
    """Test and validation chromosomes: in the FASTA, disjoint, and something left to train on. Only where models are trained or judged."""
    asked = set(inputs.names("stages"))
    if not inputs.given("tracks") or (asked and not asked & FOLD_STAGES):
        return
    folds = {fold: inputs.names(fold) for fold in ("valid_chroms", "test_chroms")}
    both = sorted(set(folds["valid_chroms"]) & set(folds["test_chroms"]))
    if both:
        inputs.found.problem(
            f"valid_chroms and test_chroms share {', '.join(both)}: a chromosome can be in one of them only"
        )
    if reference is None:
        return
    for fold, names in folds.items():
        absent = [name for name in names if name not in reference.sizes]
        if absent:
            inputs.found.problem(f"{fold}: the FASTA has no {', '.join(absent)} (it has {some(reference.sizes)})")
    if all(folds.values()) and not set(reference.sizes) - {name for names in folds.values() for name in names}:
        inputs.found.problem(
            "valid_chroms and test_chroms hold every chromosome of the FASTA: none is left for training"
        )


def check_windows(inputs: Inputs) -> None:
    """Window, target and stride fit together."""
    length, width, stride, bin_size = (
        inputs.number(name) for name in ("seq_length", "target_width", "stride", "bin_size")
    )
    for name, value in (("seq_length", length), ("target_width", width), ("stride", stride), ("bin_size", bin_size)):
        if value is not None and (value < 1 or value != int(value)):
            inputs.found.problem(f"{name}: must be a positive integer, found {value:g}")
    if length is None or width is None:
        return
    if width > length:
        inputs.found.problem(f"target_width {width:g} is larger than seq_length {length:g}")
    elif (length - width) % 2:
        inputs.found.problem(
            f"seq_length {length:g} minus target_width {width:g} must be even, so that the target is central"
        )
    if stride is not None and stride > length:
        inputs.found.warning(f"stride {stride:g} is larger than seq_length {length:g}: windows leave bases out")


def check_beds(inputs: Inputs, reference: Reference | None) -> None:
    """BED files can be read, lie on the genome's contigs, and clusters have names."""
    for parameter in BEDS:
        name = inputs.given(parameter)
        path = inputs.file(name, "BED file") if name else None
        if path is None:
            continue
        with inputs.found.collecting():
            table = read_bed(path, reference.sizes if reference else None)
            compare_contigs(name, table["chrom"].unique(), reference, inputs.found)
            inputs.found.summary[parameter] = {"intervals": len(table)}
            if parameter == "clusters" and (table["name"] == "").any():
                inputs.found.problem(f"{name}: every interval needs the name of its cluster in column 4")


def check_genes(inputs: Inputs, reference: Reference | None) -> None:
    """Genes can be read and lie on the genome's contigs."""
    from accessiflow.genes import read_tss

    name = inputs.given("genes")
    path = inputs.file(name, "genes file") if name else None
    if path is not None:
        with inputs.found.collecting():
            table = read_tss(path)
            compare_contigs(name, table["chrom"].unique(), reference, inputs.found)
            inputs.found.summary["genes"] = {"starts": len(table)}


def check_text_files(inputs: Inputs) -> None:
    """Motifs and the liftover chain look like what they should be."""
    for parameter, start, what in (
        ("motifs", "MEME version", "motif file in MEME format"),
        ("chain", "chain", "liftover chain"),
    ):
        name = inputs.given(parameter)
        path = inputs.file(name, what) if name else None
        if path is None:
            continue
        with inputs.found.collecting(), open_text(path) as handle:
            first = next((line for line in handle if line.strip() and not line.startswith("#")), "")
            if not first.startswith(start):
                inputs.found.problem(f"{name}: is no {what} (it should start with {start!r})")


def check_products(inputs: Inputs) -> None:
    """Intermediate products given as input exist."""
    for parameter, is_folder in (("peaks", False), ("dataset", True), ("coverage", True), ("truth", True)):
        name = inputs.given(parameter)
        if not name or inputs.is_remote(name) or inputs.is_hidden(name):
            continue
        if not is_folder:
            inputs.file(name, "peaks.h5ad file")
        elif not inputs.locate(name).is_dir():
            inputs.found.problem(f"{name}: no such folder: check the parameter {parameter}")
