"""Tables of fine-mapped variants: which count as positive or negative, the distance to their gene, and the sign of their effect."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genes import nearest_distance
from accessiflow.log import log
from accessiflow.variants.tables import KEY, read_variants

if TYPE_CHECKING:
    import pandas as pd


def read_fine_mapped(path: Path, *, beta: bool = False) -> pd.DataFrame:
    """Read fine-mapped variants: chrom pos ref alt, and pip, beta, maf, gene where the file has them."""
    return read_variants(path, numbers=["beta"] if beta else [], optional=["pip", "beta", "maf"])


def high_pip(table: pd.DataFrame, pip: float, tss: pd.DataFrame | None = None) -> pd.DataFrame:
    """Variants with a PIP above `pip` (all where the table has none), each once: with its nearest gene where genes are given.

    Adds the column tss_distance (bp; NaN without genes or where the gene is not among them).
    """
    return nearest_gene(table[table["pip"] > pip] if "pip" in table.columns else table, tss)


def low_pip(table: pd.DataFrame, max_pip: float) -> pd.DataFrame:
    """Rows with a PIP below `max_pip`: the negatives of a table that comes without a file of them."""
    if "pip" not in table.columns:
        raise InputError("the positives have no column pip: give --negatives, or a table with low-PIP variants too")
    return table[table["pip"] < max_pip]


def nearest_gene(table: pd.DataFrame, tss: pd.DataFrame | None) -> pd.DataFrame:
    """Each variant once, in order of first appearance, with the nearest of its genes and the column tss_distance (bp; NaN unknown)."""
    kept = table.assign(tss_distance=_tss_distance(table, tss)).reset_index(drop=True)
    kept = kept.assign(row=kept.groupby(KEY, sort=False).ngroup())
    return (
        kept.sort_values(["row", "tss_distance"], kind="stable")
        .drop_duplicates(KEY)
        .drop(columns="row")
        .reset_index(drop=True)
    )


def nearest_tss(table: pd.DataFrame, tss: pd.DataFrame) -> NDArray[np.float64]:
    """Distance (n,) in bp of each variant to the nearest start of any gene; NaN on a chromosome without genes."""
    out = np.full(len(table), np.nan)
    position, pos = tss["position"].to_numpy(np.int64), table["pos"].to_numpy(np.int64)
    for chrom, at in table.groupby("chrom", sort=False).indices.items():
        starts = np.sort(position[(tss["chrom"] == chrom).to_numpy()])
        out[at] = nearest_distance(pos[at] - 1, pos[at], starts)
    return out


def without(negatives: pd.DataFrame, positives: pd.DataFrame) -> pd.DataFrame:
    """The negatives once each, without those that are positives too."""
    import pandas as pd

    known = pd.MultiIndex.from_frame(positives[KEY])
    unique = negatives.drop_duplicates(KEY)
    both = pd.MultiIndex.from_frame(unique[KEY]).isin(known)
    if both.any():
        log.warning("%d negatives are positives too: left out", int(both.sum()))
    return unique[~both].reset_index(drop=True)


def effect_signs(table: pd.DataFrame) -> pd.DataFrame:
    """Add `positive`, whether ALT raises expression, and drop variants whose sign differs between genes.

    Where the table has minor_allele, beta is the minor allele's effect and is flipped when that allele is not allele2 (ALT by default).
    """
    beta = table["beta"]
    if "minor_allele" in table.columns:
        second = table["allele2"] if "allele2" in table.columns else table["alt"]
        beta = beta.where(table["minor_allele"].astype(str).str.upper() == second.astype(str).str.upper(), -beta)
    table = table.assign(beta=beta, positive=beta > 0)
    conflicting = table.groupby(KEY, sort=False)["positive"].transform("nunique") > 1
    if conflicting.any():
        log.info("%d rows of variants whose sign differs between genes: left out", int(conflicting.sum()))
    return table[~conflicting]


def _tss_distance(table: pd.DataFrame, tss: pd.DataFrame | None) -> NDArray[np.float64]:
    """Distance (n,) of each row to the nearest start of its own gene."""
    if tss is None or table.empty:
        return np.full(len(table), np.nan)
    if "gene" not in table.columns:
        raise InputError("genes are given, but the variants have no column gene")
    rows = table[["chrom", "gene", "pos"]].assign(row=np.arange(len(table)))
    both = rows.merge(tss, left_on=["chrom", "gene"], right_on=["chrom", "name"])
    if both.empty:
        raise InputError("no gene of the variants is in the genes file: names (column gene) and chromosomes must agree")
    nearest = (both["position"] - (both["pos"] - 1)).abs().groupby(both["row"]).min()
    return nearest.reindex(range(len(table))).to_numpy(np.float64)
