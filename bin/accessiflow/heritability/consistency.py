"""Checks that ldsc lacks: the files of a chromosome must hold the same SNPs in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.heritability.annotations import read_annotation
from accessiflow.heritability.panel import read_bim
from accessiflow.log import log


def read_snps(path: Path) -> NDArray[np.object_]:
    """The SNP column of a .frq or .l2.ldscore.gz file."""
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep=r"\s+", usecols=["SNP"], dtype=str)
        except ValueError as error:
            raise InputError(f"has no readable column SNP ({str(error).splitlines()[0]})", path) from None
    return table["SNP"].to_numpy(dtype=object)


def check_chromosomes(
    bims: Mapping[str, Path], same: Sequence[str], annotations: Sequence[str], subsets: Sequence[str]
) -> int:
    """Check every chromosome's files (see check_chromosome; @ in a name stands for the chromosome); returns the number of SNPs."""
    total = 0
    for chrom, bim in bims.items():
        files = [[Path(name.replace("@", chrom)) for name in group] for group in (same, annotations, subsets)]
        found = check_chromosome(bim, *files)
        log.info("%s: %d SNPs; %d file(s) agree", bim.name, found, sum(map(len, files)))
        total += found
    return total


def check_chromosome(bim: Path, same: Sequence[Path], annotations: Sequence[Path], subsets: Sequence[Path]) -> int:
    """Compare the files of one chromosome with its .bim; returns the number of SNPs.

    Args:
        same: .frq files: the same SNPs. annotations: the same SNPs (or as many rows). subsets: LD scores: some of the SNPs, in order.

    Raises:
        InputError: the first disagreement, naming file, counts and rsID.
    """
    table = read_bim(bim)
    snps = table["SNP"].to_numpy(dtype=object)
    for path in same:
        _compare(path, read_snps(path), snps, bim)
    for path in annotations:
        names, _ = read_annotation(path, table)
        _check_columns(path, len(names))
    order = {name: i for i, name in enumerate(snps)}
    for path in subsets:
        _check_subset(path, order, bim)
    return len(snps)


def _check_subset(path: Path, order: Mapping[str, int], bim: Path) -> None:
    """LD scores must be of the panel's SNPs, in its order, and as many columns as .l2.M and .l2.M_5_50 have numbers."""
    found = read_snps(path)
    unknown = next((name for name in found if name not in order), None)
    if unknown is not None:
        raise InputError(
            f"holds {unknown}, which {bim.name} lacks ({len(found)} and {len(order)} SNPs): it is of another panel",
            path,
        )
    backward = np.diff(np.array([order[name] for name in found])) <= 0
    if backward.any():
        at = int(backward.argmax()) + 1
        raise InputError(
            f"has its SNPs in another order than {bim.name} (first at {found[at]}): sort it as the panel", path, at + 2
        )
    columns = _score_columns(path)
    for suffix in ("M", "M_5_50"):
        counts = Path(str(path).removesuffix("ldscore.gz") + suffix)
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
    beside = Path(str(annotation).removesuffix(".annot.gz") + ".l2.ldscore.gz")
    if beside.exists() and (columns := _score_columns(beside)) != names:
        raise InputError(
            f"holds LD scores of {columns} annotations, {annotation.name} has {names}: they are of different runs",
            beside,
        )


def _score_columns(path: Path) -> int:
    with open_text(path) as handle:
        return len([name for name in handle.readline().split() if name not in ("CHR", "SNP", "BP", "CM", "MAF")])


def _compare(path: Path, found: NDArray[np.object_], snps: NDArray[np.object_], bim: Path) -> None:
    short = min(len(found), len(snps))
    differ = found[:short] != snps[:short]
    if differ.any() or len(found) != len(snps):
        at = int(differ.argmax()) if differ.any() else short
        names = [str(v[at]) if at < len(v) else "nothing" for v in (found, snps)]
        raise InputError(
            f"holds {len(found)} SNPs, {bim.name} {len(snps)}; first difference: {names[0]} where the panel has {names[1]}",
            path,
            at + 2,
        )
