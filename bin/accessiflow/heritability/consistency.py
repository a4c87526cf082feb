"""Checks that ldsc lacks: the files of a chromosome that are joined by row must hold the same SNPs in the same order,
those joined by id SNPs of the
panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.heritability.annotations import present, read_annotation, refuse_foreign
from accessiflow.heritability.panel import read_bim
from accessiflow.log import left_out, log


def read_snps(path: Path) -> NDArray[np.object_]:
    """The SNP column of a .frq or .l2.ldscore.gz file."""
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep=r"\s+", usecols=["SNP"], dtype=str)
        except ValueError as error:
            raise InputError(f"has no readable column SNP ({str(error).splitlines()[0]})", path) from None
    return table["SNP"].to_numpy(dtype=object)


class Files(NamedTuple):
    """The files of a chromosome beside its .bim; @ in a name stands for the chromosome.

    Attributes:
        same: .frq files, with the panel's SNPs in its order. annotations: the same, or as many rows. scores: LD
            scores of a baseline, of SNPs that the
            panel has, in any order. weights: LD scores of which the panel has some.
    """

    same: Sequence[str] = ()
    annotations: Sequence[str] = ()
    scores: Sequence[str] = ()
    weights: Sequence[str] = ()


def check_chromosomes(bims: Mapping[str, Path], files: Files) -> int:
    """Check every chromosome's files (see check_chromosome); returns the number of SNPs."""
    total = 0
    for chrom, bim in bims.items():
        own = Files(*([str(present(Path(name.replace("@", chrom)))) for name in group] for group in files))
        found = check_chromosome(bim, own)
        log.info("%s: %d SNPs; %d file(s) agree", bim.name, found, sum(map(len, own)))
        total += found
    return total


def check_chromosome(bim: Path, files: Files) -> int:
    """Compare the files of one chromosome with its .bim; returns the number of SNPs.

    Raises:
        InputError: the first disagreement, naming file, counts and rsID.
    """
    table = read_bim(bim)
    snps = table["SNP"].to_numpy(dtype=object)
    for path in map(Path, files.same):
        _compare(path, read_snps(path), snps, bim)
    for path in map(Path, files.annotations):
        names, _ = read_annotation(path, table)
        _check_columns(path, len(names))
    known = set(snps)
    for path in map(Path, files.scores):
        _check_members(path, known, bim, every=True)
    for path in map(Path, files.weights):
        _check_members(path, known, bim, every=False)
        if (columns := len(score_columns(path))) != 1:
            raise InputError(f"has {columns} columns of LD scores, weights have one", path)
    return len(snps)


def _check_members(path: Path, known: set[str], bim: Path, every: bool) -> None:
    """LD scores must be of the panel's SNPs (or of some of them), and as many columns as .l2.M and .l2.M_5_50 have
    numbers."""
    found = read_snps(path)
    unknown = [name for name in found if name not in known]
    if unknown and (every or len(unknown) == len(found)):
        raise InputError(
            f"holds {unknown[0]}, which {bim.name} lacks "
            f"({len(found)} and {len(known)} SNPs, {len(found) - len(unknown)} in common): "
            "it is of another panel",
            path,
        )
    left_out("SNPs", len(unknown), len(found), "of the regression weights, not in the panel")
    columns = len(score_columns(path))
    for suffix in ("M", "M_5_50"):
        counts = Path(str(path).removesuffix(".gz").removesuffix("ldscore") + suffix)
        if not counts.exists():
            continue
        with open_text(counts) as handle:
            numbers = len(handle.read().split())
        if numbers != columns:
            raise InputError(
                f"has {numbers} numbers, {path.name} {columns} annotations: they are of different runs", counts
            )


def _check_columns(annotation: Path, names: int) -> None:
    """An annotation file and the LD scores beside it must have as many annotations."""
    beside = present(Path(str(annotation).removesuffix(".gz").removesuffix(".annot") + ".l2.ldscore.gz"))
    if beside.exists() and (columns := len(score_columns(beside))) != names:
        raise InputError(
            f"holds LD scores of {columns} annotations, {annotation.name} has {names}: they are of different runs",
            beside,
        )


def score_columns(path: Path) -> list[str]:
    """Names of the annotations of a file of LD scores.

    Raises:
        InputError: a column is none, but would be taken for one.
    """
    with open_text(path) as handle:
        header = handle.readline().split()
    # ldsc leaves CM and MAF out where both are there
    placed = {"CHR", "SNP", "BP", "CM", *(("MAF",) if "CM" in header else ())}
    names = [name for name in header if name not in placed]
    refuse_foreign(names, path)
    return names


def _compare(path: Path, found: NDArray[np.object_], snps: NDArray[np.object_], bim: Path) -> None:
    short = min(len(found), len(snps))
    differ = found[:short] != snps[:short]
    if differ.any() or len(found) != len(snps):
        at = int(differ.argmax()) if differ.any() else short
        names = [str(v[at]) if at < len(v) else "nothing" for v in (found, snps)]
        raise InputError(
            f"holds {len(found)} SNPs, {bim.name} {len(snps)}; "
            f"first difference: {names[0]} where the panel has {names[1]}",
            path,
            at + 2,
        )
