"""How well every model does on variants, by the peaks that hold them: eQTLs, allelic imbalance, heritability.

Source: Kathail et al. 2024, Fig. 2C, 2D, 4C, S5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.log import left_out
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

EFFECT_COLUMNS = ["measure", "peaks", "model", "unit", "value", "reason"]
SUMMARY_COLUMNS = ["measure", "peaks", "model", "n", "mean", "low", "high", "reason"]
EQTL = "eQTL or not"
EQTL_DIRECTION = "Direction of eQTLs"
SITES = "Allelic imbalance"
CLUSTERS = "Allelic imbalance by cluster"
IMBALANCED_SITES = "Imbalanced or balanced sites"
SPLIT = "Heritability, highest |SAD|"
BY_BIN, BY_CLUSTER, OWN = "specificity:", "cluster:", "own cell type"
IMBALANCE_FOLDER = "allelic_imbalance"
PEAKS_OF_HALF = {"high": "specific", "low": "shared"}


def collect(results: Results) -> pd.DataFrame:
    """The results on variants (EFFECT_COLUMNS): a row a measure, kind of peaks, model and unit (tissue, trait)."""
    parts = []
    for measure, kind in ((EQTL, "classification"), (EQTL_DIRECTION, "direction")):
        if (table := read_eqtls(results, kind)) is not None:
            parts.append(of_eqtls(table, measure))
    if (table := read_imbalance(results)) is not None:
        tracks = results.table("peaks/peaks_per_track.tsv")
        named = () if tracks is None else zip(tracks["cell_type"].astype(str), tracks["group"].astype(str), strict=True)
        parts.append(of_imbalance(table, dict(named)))
    if (table := read_imbalance(results, ".imbalanced.tsv")) is not None:
        parts.append(of_imbalanced_sites(table))
    table, known = results.table("heritability/heritability.tsv"), results.table("heritability/annotations.tsv")
    if table is not None and known is not None:
        parts.append(of_heritability(table, known))
    return joined(parts)


def read_eqtls(results: Results, kind: str) -> pd.DataFrame | None:
    """Tables MODEL.TISSUE.KIND.tsv (classification, shuffled, direction) with the column model; None without any."""
    table = results.tables("eqtl", f".{kind}.tsv", ["tissue", "bin"])
    if table is None:
        return None
    names = zip(table["file"], table["tissue"], strict=True)
    return table.assign(model=[name.removesuffix(f".{tissue}") for name, tissue in names])


def read_imbalance(results: Results, ending: str = ".auroc.tsv") -> pd.DataFrame | None:
    """Tables MODEL.CELL.auroc.tsv (or of another ending) by model, cell_type and group of sites; None without any."""
    table = results.tables(IMBALANCE_FOLDER, ending, ["group"])
    if table is None:
        return None
    # names of models and of cell types may both hold dots: the longest cell type that ends the file's name is meant
    calls = (results.folder / IMBALANCE_FOLDER).glob("*.calls.tsv")
    cells = sorted((path.name.removesuffix(".calls.tsv") for path in calls), key=len, reverse=True)
    cell_of = {
        name: next((cell for cell in cells if name.endswith(f".{cell}")), name.rpartition(".")[2])
        for name in set(table["file"])
    }
    cell_types = table["file"].map(cell_of)
    names = zip(table["file"], cell_types, strict=True)
    return table.assign(cell_type=cell_types, model=[name.removesuffix(f".{cell}") for name, cell in names])


def of_eqtls(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """AUROC by specificity bin, a tissue as unit, of the tables of `read_eqtls`."""
    return _rows(table.assign(measure=measure, peaks=table["bin"], unit=table["tissue"], value=table["auroc"]))


def of_imbalance(table: pd.DataFrame, group_of: Mapping[str, str]) -> pd.DataFrame:
    """AUROC by specificity bin, and by cluster: a cell type's own (of it or its group), shared, ubiquitous.

    Args:
        table: MODEL.CELL.auroc.tsv with the columns model and cell_type.
        group_of: cell type -> group of the tracks sheet.
    """
    table = table.assign(unit=table["cell_type"], value=table["auroc"])
    bins = table[table["group"].str.startswith(BY_BIN)]
    clusters = table[table["group"].str.startswith(BY_CLUSTER)]
    names = clusters["group"].str.removeprefix(BY_CLUSTER)
    # A cluster is named after a cell type or after a group of them.
    own = [name in (cell, group_of.get(cell)) for name, cell in zip(names, clusters["cell_type"], strict=True)]
    clusters = clusters.assign(measure=CLUSTERS, peaks=np.where(own, OWN, names))
    clusters = clusters[clusters["peaks"].isin([OWN, "shared", "ubiquitous"])].sort_values("peaks", kind="stable")
    bins = bins.assign(measure=SITES, peaks=bins["group"].str.removeprefix(BY_BIN))
    return joined([_rows(bins), _rows(clusters)])


def of_imbalanced_sites(table: pd.DataFrame) -> pd.DataFrame:
    """AUROC of imbalanced against balanced sites by specificity bin, of MODEL.CELL.imbalanced.tsv."""
    bins = table[table["group"].str.startswith(BY_BIN)]
    peaks = bins["group"].str.removeprefix(BY_BIN)
    return _rows(bins.assign(measure=IMBALANCED_SITES, peaks=peaks, unit=bins["cell_type"], value=bins["auroc"]))


def of_heritability(table: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    """Enrichment of the SNPs with the highest |SAD| of a model, a trait as unit, in the trait's own tissue.

    Args:
        table, annotations: heritability.tsv and annotations.tsv of the stage heritability.
    """
    focal = main_baseline(table[table["focal"] == "yes"]).rename(
        columns={"model": "annotation", "annotation": "column"}
    )
    every = set(focal["trait"])
    focal = focal.merge(annotations[["annotation", "set", "model", "statistic", "half", "share"]], on="annotation")
    parts = focal["set"].str.extract(r"^(?P<owner>.+)\.(?P<half_of>high|low)$")
    focal = focal.assign(owner=parts["owner"], specificity=parts["half_of"].map(PEAKS_OF_HALF))
    focal = focal.dropna(subset=["owner", "Enrichment"])
    whole = focal[focal["half"].isna() & (focal["specificity"] == PEAKS_OF_HALF["high"])]
    best = own_tissue(whole)[["trait", "owner"]]
    tops = focal[focal["half"] == "top"].merge(best, on=["trait", "owner"])
    reason = "no enrichment of the highest |SAD| in the specific peaks of their tissue"
    left_out("traits", len(every - set(tops["trait"])), len(every), reason)
    tops = tops[tops["statistic"] == tops["statistic"].min()]  # max or mean of |SAD| over tracks: one of the two
    tops = tops.sort_values(["specificity", "share"], ascending=[False, True], kind="stable")
    peaks = tops["specificity"] + ", " + (100 * tops["share"].astype(float)).map("{:g} %".format)
    model = tops["model"].fillna("one model")
    return _rows(tops.assign(measure=SPLIT, peaks=peaks, model=model, unit=tops["trait"], value=tops["Enrichment"]))


def main_baseline(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of heritability.tsv beside the baseline that figures show: the reduced one, else the given one, else
    none."""
    if "baseline" not in table:
        return table
    found = table["baseline"].fillna("")
    shown = next((name for name in ("reduced", "given", *found) if (found == name).any()), "")
    return table[found == shown]


def own_tissue(whole: pd.DataFrame) -> pd.DataFrame:
    """Of the rows of whole specific peak sets (trait, owner, Enrichment, group) that of each trait's tissue; column
    `chosen`: by its enrichment.

    The tissue is the trait's group in the gwas sheet. Without one it is that of the largest enrichment: a choice by
    the result itself, which makes
    the enrichment look larger than it is.
    """
    given = whole["group"] if "group" in whole else whole["trait"].map(lambda _: "")
    groups = given.fillna("").astype(str)
    whole = whole.assign(group=groups, chosen=groups == "")
    chosen = whole[whole["chosen"]].dropna(subset="Enrichment")
    largest = chosen.loc[chosen.groupby("trait")["Enrichment"].idxmax()]
    own = whole.index.isin(largest.index) | (~whole["chosen"] & (whole["owner"] == whole["group"]))
    return whole[own].sort_values("trait", kind="stable")


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The parts below each other (EFFECT_COLUMNS); kinds of peaks in the order in which they first appear."""
    import pandas as pd

    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=EFFECT_COLUMNS)
    place = table.groupby(["measure", "peaks"], sort=False).ngroup()
    return table.loc[place.sort_values(kind="stable").index].reset_index(drop=True)


def summary(effects: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Mean over the units that have a value with its 95 % interval (SUMMARY_COLUMNS), in order of appearance.

    Models share their resamples, so that their intervals can be compared.
    """
    import pandas as pd

    rows = []
    for (measure, peaks, model), group in effects.groupby(["measure", "peaks", "model"], sort=False):
        values = group["value"].dropna().to_numpy(np.float64)
        if len(values):
            low, high = interval(bootstrap.mean(f"{measure} {peaks}", values)[:, None])
            reason = "" if len(values) > 1 else "one value: no interval"
            rows.append([measure, peaks, model, len(values), values.mean(), low[0], high[0], reason])
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    lacking = table["value"].isna()
    reason = table["reason"].fillna("") if "reason" in table else ""
    return table.assign(reason=np.where(lacking, reason, ""))[EFFECT_COLUMNS]
