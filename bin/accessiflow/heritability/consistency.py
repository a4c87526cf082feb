"""Checks that ldsc lacks: the files of a chromosome must hold the same SNPs in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.heritability.annotations import read_annotation
from accessiflow.heritability.panel import read_bim


def read_snps(path: Path) -> NDArray[np.object_]:
    """The SNP column of a .bim, .frq or .l2.ldscore.gz file."""
    import pandas as pd

    if path.name.endswith(".bim"):
        return read_bim(path)["SNP"].to_numpy(dtype=object)
    with open_text(path) as handle:
        table = pd.read_csv(handle, sep=r"\s+", usecols=["SNP"], dtype=str)
    return table["SNP"].to_numpy(dtype=object)


def check_chromosome(bim: Path, same: Sequence[Path], annotations: Sequence[Path], subsets: Sequence[Path]) -> int:
    """Compare the files of one chromosome with its .bim; returns the number of SNPs.

    Args:
        same: .frq files: the same SNPs. annotations: the same SNPs (or as many rows). subsets: LD scores: some of the SNPs, in order.

    Raises:
        InputError: the first disagreement, naming file, counts and rsID.
    """
    snps = read_snps(bim)
    table = read_bim(bim)
    for path in same:
        _compare(path, read_snps(path), snps, bim)
    for path in annotations:
        read_annotation(path, table)
    order = {name: i for i, name in enumerate(snps)}
    for path in subsets:
        found = read_snps(path)
        unknown = next((name for name in found if name not in order), None)
        if unknown is not None:
            raise InputError(f"holds {unknown}, which {bim.name} lacks ({len(found)} and {len(snps)} SNPs)", path)
        rank = np.array([order[name] for name in found])
        if (np.diff(rank) <= 0).any():
            raise InputError(f"has its SNPs in another order than {bim.name} (first at {found[int((np.diff(rank) <= 0).argmax()) + 1]})", path)
    return len(snps)


def _compare(path: Path, found: NDArray[np.object_], snps: NDArray[np.object_], bim: Path) -> None:
    short = min(len(found), len(snps))
    differ = found[:short] != snps[:short]
    if differ.any() or len(found) != len(snps):
        at = int(differ.argmax()) if differ.any() else short
        names = [str(v[at]) if at < len(v) else "nothing" for v in (found, snps)]
        raise InputError(
            f"holds {len(found)} SNPs, {bim.name} {len(snps)}; first difference: {names[0]} where the panel has {names[1]}", path, at + 2
        )
