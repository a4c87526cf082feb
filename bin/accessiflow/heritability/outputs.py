"""LD scores of one chromosome in ldsc's files: PREFIX.l2.ldscore.gz, .l2.M, .l2.M_5_50."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.heritability.annotations import read_annotation
from accessiflow.heritability.ld_scores import block_lefts, ld_scores, standardise
from accessiflow.heritability.panel import Panel, bare, frequencies, open_panel

if TYPE_CHECKING:
    import pandas as pd

COMMON = 0.05


def compute(
    bfile: Path,
    annotations: Sequence[Path],
    prefixes: Sequence[str],
    base: str | None,
    window_cm: float,
    print_snps: Path | None,
    extract: Path | None,
) -> int:
    """LD scores of several annotation files in one pass; returns the number of SNPs.

    Args:
        annotations, prefixes: annotation files and the prefixes of their LD scores.
        base: prefix for the plain LD scores of all SNPs, with an all-ones annotation file; or None.
        print_snps: list of SNPs to print. extract: list of SNPs to compute with.

    Raises:
        InputError: unreadable or disagreeing files, positions in cM that are not sorted.
    """
    panel = open_panel(bfile)
    tables = [read_annotation(path, panel.bim) for path in annotations]
    if base is not None:
        tables, prefixes = [(["base"], np.ones((len(panel.bim), 1))), *tables], [base, *prefixes]
        _write_ones(f"{base}.annot.gz", len(panel.bim))
    elif not tables:
        tables = [(["L2"], np.ones((len(panel.bim), 1)))]
    keep, common = _usable(panel, extract)
    snps = panel.bim.iloc[keep]
    if (np.diff(snps["CM"].to_numpy()) < 0).any():
        raise InputError(
            "has positions in cM that go down: sort the panel, or check its genetic map", Path(f"{bfile}.bim")
        )
    values = np.concatenate([v for _, v in tables], axis=1)[keep]
    scores = ld_scores(
        lambda low, high: _standardised(panel, keep[low:high]),
        block_lefts(snps["CM"].to_numpy(), window_cm),
        values,
        panel.people,
    )
    shown = _listed(snps, print_snps)
    at = 0
    for (names, _), prefix in zip(tables, prefixes, strict=True):
        columns = slice(at, at + len(names))
        at += len(names)
        _write(prefix, snps, names, scores[:, columns], values[:, columns], common[keep], shown)
    return len(snps)


def _usable(panel: Panel, extract: Path | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Row numbers of the SNPs that ldsc uses, and which SNPs of the panel have a minor allele above 5 %."""
    keep, common = np.zeros(len(panel.bim), bool), np.zeros(len(panel.bim), bool)
    for low in range(0, len(panel.bim), 4096):
        high = min(low + 4096, len(panel.bim))
        frequency, keep[low:high], _ = frequencies(panel.genotypes(low, high))
        common[low:high] = np.minimum(frequency, 1 - frequency) > COMMON
    if extract is not None:
        keep &= panel.bim["SNP"].isin(_read_list(extract)).to_numpy()
    if not keep.any():
        raise InputError("has no SNP left: all are monomorphic, or none is in the list", Path(f"{panel.prefix}.bim"))
    return np.flatnonzero(keep), common


def _standardised(panel: Panel, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    if len(rows) == 0:
        return np.empty((0, panel.people))
    return standardise(panel.genotypes(int(rows[0]), int(rows[-1]) + 1)[rows - rows[0]])


def _read_list(path: Path) -> set[str]:
    with open_text(path) as handle:
        return {line.split()[0] for line in handle if line.strip()}


def _listed(snps: pd.DataFrame, print_snps: Path | None) -> NDArray[np.bool_]:
    if print_snps is None:
        return np.ones(len(snps), bool)
    shown = snps["SNP"].isin(_read_list(print_snps)).to_numpy()
    if not shown.any():
        raise InputError("lists none of the panel's SNPs", print_snps)
    return shown


def _write_ones(path: str, n: int) -> None:
    with write_text(Path(path)) as out:
        out.write("base\n" + "1\n" * n)


def _write(
    prefix: str,
    snps: pd.DataFrame,
    names: Sequence[str],
    scores: NDArray[np.float64],
    values: NDArray[np.float64],
    common: NDArray[np.bool_],
    shown: NDArray[np.bool_],
) -> None:
    header = ["L2"] if len(names) == 1 else [f"{name}L2" for name in names]
    with write_text(Path(f"{prefix}.l2.ldscore.gz")) as out:
        out.write("\t".join(["CHR", "SNP", "BP", *header]) + "\n")
        place = zip(snps["CHR"][shown].map(bare), snps["SNP"][shown], snps["BP"][shown], strict=True)
        # + 0.0: no -0.000
        out.writelines(
            f"{c}\t{s}\t{b}\t" + "\t".join(f"{v:.3f}" for v in row) + "\n"
            for (c, s, b), row in zip(place, (np.round(scores[shown], 3) + 0.0).tolist(), strict=True)
        )
    for suffix, rows in (("M", slice(None)), ("M_5_50", common)):
        with write_text(Path(f"{prefix}.l2.{suffix}")) as out:
            whole = bool((values % 1 == 0).all())  # as ldsc: integers unless an annotation is continuous
            out.write("\t".join(str(int(v)) if whole else repr(float(v)) for v in values[rows].sum(axis=0)) + "\n")
