"""Fine-mapped variants: which count as positive or negative, the distance to their gene, the sign of their effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genes import nearest_distance
from accessiflow.log import left_out, log
from accessiflow.variants.keys import Unordered, unordered_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

_VERSION = r"^(ENS[A-Z]*\d+)\.\d+(?=$|_PAR_Y$)"


def high_pip(table: pd.DataFrame, pip: float, tss: pd.DataFrame | None = None) -> pd.DataFrame:
    """Variants with a PIP above `pip` in a row (all, with a warning, where the table has none), each once.

    Adds the column tss_distance (bp) to the nearest of the genes of these rows; NaN without genes or where no gene is
    among them.
    """
    if "pip" not in table.columns:
        log.warning("there is no column pip: all %d rows count as fine-mapped", len(table))
        return nearest_gene(table, tss)
    unknown = int(table["pip"].isna().sum())
    left_out("rows", unknown, len(table), "no pip")
    low = int((table["pip"] <= pip).sum())
    left_out("rows", low, len(table), f"pip of at most {pip:g}: no positives", expected=True)
    if unknown:
        log.warning("%d of %d rows have no pip: left out", unknown, len(table))
    return nearest_gene(table[table["pip"] > pip], tss)


def low_pip(table: pd.DataFrame, max_pip: float) -> pd.DataFrame:
    """Rows of variants whose greatest PIP is below `max_pip`: the negatives of a table without a file of them.

    A variant has a row for each gene, trait and credible set: that it does nothing to one gene says nothing of others.
    """
    if "pip" not in table.columns:
        raise InputError("the positives have no column pip: give --negatives, or a table with low-PIP variants too")
    greatest = table["pip"].groupby(_variants(table).keys).transform("max")
    # rows of variants without any pip were counted with the positives
    likely = int((greatest >= max_pip).sum())
    left_out("rows", likely, len(table), f"of variants with a pip of {max_pip:g} or more: no negatives", expected=True)
    return table[greatest < max_pip]


def nearest_gene(table: pd.DataFrame, tss: pd.DataFrame | None) -> pd.DataFrame:
    """Each variant once, in order of first appearance, with the nearest of its genes.

    Adds the column tss_distance (bp; NaN unknown).
    """
    rows = table.assign(tss_distance=_tss_distance(table, tss)).reset_index(drop=True)
    rows = rows.assign(row=rows.groupby(_variants(rows).keys, sort=False).ngroup())
    again = len(rows) - rows["row"].nunique()
    left_out("rows", again, len(rows), "of a variant with several: the row of its nearest gene stays", expected=True)
    return (
        rows.sort_values(["row", "tss_distance"], kind="stable")
        .drop_duplicates("row")
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
    """The negatives once each, without those that are positives too, in either order of their alleles."""
    import pandas as pd

    keys = pd.Series(_variants(negatives).keys, index=negatives.index)
    unique = negatives[~keys.duplicated().to_numpy()]
    both = np.isin(keys[unique.index], _variants(positives).keys)
    repeated = len(negatives) - len(unique)
    left_out("negatives", repeated, len(negatives), "rows of a variant that is there already", expected=True)
    left_out("negatives", int(both.sum()), len(negatives), "positives too")
    if both.any():
        log.warning("%d negatives are positives too: left out", int(both.sum()))
    return unique[~both].reset_index(drop=True)


def warn_of_evidence(negatives: pd.DataFrame, table: pd.DataFrame, max_pip: float) -> None:
    """Warn of negatives from a file that the table of fine-mapped variants gives a PIP of `max_pip` or more."""
    if "pip" not in table.columns:
        return
    likely = table[table["pip"] >= max_pip]
    among = int(np.isin(np.unique(_variants(negatives).keys), _variants(likely).keys).sum())
    if among:
        log.warning("%d negatives have a PIP of %g or more among the fine-mapped variants", among, max_pip)


def effect_signs(table: pd.DataFrame) -> pd.DataFrame:
    """Add `positive`, whether ALT raises expression, and drop variants whose sign differs between genes.

    Where the table has minor_allele, beta is the minor allele's effect and is flipped when that allele is not allele2
    (ALT by default).
    """
    beta = table["beta"]
    # where an effect allele is named, beta is that of ALT already
    if "minor_allele" in table.columns and "effect_allele" not in table.columns:
        second = table["allele2"] if "allele2" in table.columns else table["alt"]
        beta = beta.where(table["minor_allele"].astype(str).str.upper() == second.astype(str).str.upper(), -beta)
    table = table.assign(beta=beta, positive=beta > 0)
    unknown = (beta == 0) | beta.isna()
    left_out("rows", int(unknown.sum()), len(table), "no direction: beta is 0 or unknown")
    rows = len(table)
    if unknown.any():
        log.warning("%d of %d rows have no direction (beta is 0 or unknown): left out", int(unknown.sum()), len(table))
    table = table[~unknown]
    # A variant may act on several genes: with one sign it is one variant, with two it has no direction.
    keys, turned = _variants(table)
    conflicting = (table["positive"] ^ turned).groupby(keys).transform("nunique") > 1
    left_out("rows", int(conflicting.sum()), rows, "of variants whose sign differs between genes")
    if conflicting.any():
        log.warning("%d rows of variants whose sign differs between genes: left out", int(conflicting.sum()))
    return table[~conflicting]


def _variants(table: pd.DataFrame) -> Unordered:
    return unordered_keys(*(table[name].to_numpy() for name in KEY))


def _tss_distance(table: pd.DataFrame, tss: pd.DataFrame | None) -> NDArray[np.float64]:
    """Distance (n,) of each row to the nearest start of its own gene."""
    import pandas as pd

    if tss is None or table.empty:
        return np.full(len(table), np.nan)
    if "gene" not in table.columns:
        raise InputError("genes are given, but the variants have no column gene")
    rows = table[["chrom", "gene", "pos"]].assign(row=np.arange(len(table)))
    # A gene may have several starts, or none that is known.
    both = rows.merge(tss, left_on=["chrom", "gene"], right_on=["chrom", "name"])
    left = rows[~rows["row"].isin(both["row"])]
    # Ensembl's versions (ENSG00000142611.17) differ from release to release of the same gene
    again = left.assign(gene=_unversioned(left["gene"])).merge(
        tss.assign(name=_unversioned(tss["name"])), left_on=["chrom", "gene"], right_on=["chrom", "name"]
    )
    both = pd.concat([both, again])
    if both.empty:
        raise InputError("no gene of the variants is in the genes file: names (column gene) and chromosomes must agree")
    _report_genes(len(table), len(rows) - both["row"].nunique(), again["row"].nunique())
    nearest = (both["position"] - (both["pos"] - 1)).abs().groupby(both["row"]).min()
    return nearest.reindex(range(len(table))).to_numpy(np.float64)


def _unversioned(names: pd.Series) -> pd.Series:
    return names.astype(str).str.replace(_VERSION, r"\1", regex=True)


def _report_genes(rows: int, unknown: int, unversioned: int) -> None:
    if unversioned:
        log.info("%d of %d rows: the gene is known without its version only", unversioned, rows)
    left_out("rows", unknown, rows, "a gene that the genes file lacks: no distance to a TSS")
    if unknown:
        log.warning(
            "%d of %d rows (%.0f %%) have a gene that the genes file lacks on their chromosome: their distance to "
            "the TSS is unknown",
            unknown, rows, 100 * unknown / rows,
        )  # fmt: skip
