"""GWAS statistics, fine-mapped eQTLs and allelic counts of people with these genotypes, each with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.simulate.design import POLYGENIC, VARIANT_KEY, StudyDesign
from accessiflow.simulate.elements import inside_elements
from accessiflow.simulate.genotypes import Snps
from accessiflow.simulate.grammar import AMPLITUDE, BASE, TrueEffects

if TYPE_CHECKING:
    import pandas as pd

HERITABILITY = 0.5
# Phenotypes and effects are multiples of these: sums of their products with allele counts are then exact in float64, so
# the statistics do not depend on the order of summation, which differs between linear algebra libraries.
PHENOTYPE_GRID = 2.0**-20
EFFECT_GRID = 2.0**-30
LARGE = 0.1 * BASE * AMPLITUDE  # |effect| in insertions from which on a variant is an eQTL
SMALL = 0.01 * BASE * AMPLITUDE  # |effect| below which it is none
BETA_NOISE = 0.05
DONORS = 15  # people of the panel whose reads are counted
OPEN = 2.0  # times BASE: expected insertions of a site whose reads are counted
MIN_DEPTH = 10
OVERDISPERSION = 0.003  # beta-binomial rho


def effect_shares(
    trait: str, design: StudyDesign, table: pd.DataFrame, elements: pd.DataFrame, difference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Expected share (n,) of a trait's heritability at each SNP.

    The trait of a cell type has half of it even over the SNPs in the cell type's private elements, and half by their
    squared true effect in the cell type. The polygenic control has it even over all SNPs.
    """
    if trait == POLYGENIC:
        return np.full(len(table), 1 / len(table))
    cell_type = design.trait_cell_types[trait]
    inside = inside_cluster(table, elements, cell_type).astype(np.float64)
    squared = inside * difference[:, design.cell_type_names.index(cell_type)] ** 2
    return 0.5 * inside / max(inside.sum(), 1) + 0.5 * squared / max(squared.sum(), 1e-12)


def inside_cluster(table: pd.DataFrame, elements: pd.DataFrame, cluster: str) -> NDArray[np.bool_]:
    """Whether each SNP lies in an element of the cluster."""
    return inside_elements(table["chrom"], table["pos"] - 1, elements[elements["cluster"] == cluster])


def draw_effects(shares: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Effects (n,) per standardised genotype: normal, with the shares as variances."""
    return np.sqrt(shares) * rng.standard_normal(len(shares))


def gwas(chromosomes: Sequence[Snps], effects: NDArray[np.float64], rng: np.random.Generator) -> list[pd.DataFrame]:
    """Simulate a trait and test each SNP: CHR BP SNP A1 A2 FRQ BETA SE P N of each chromosome, A1 being ALT.

    Args:
        chromosomes: SNPs of all chromosomes.
        effects: effect of every SNP per standardised genotype; scaled here to the heritability.
        rng: draws what is not genetic.
    """
    counts = np.cumsum([len(snps.table) for snps in chromosomes])[:-1]
    genetic = sum(
        _genetic_value(snps.gwas, part) for snps, part in zip(chromosomes, np.split(effects, counts), strict=True)
    )
    genetic = (genetic - genetic.mean()) * np.sqrt(HERITABILITY / genetic.var())
    phenotype = genetic + rng.normal(0, np.sqrt(1 - HERITABILITY), len(genetic))
    phenotype = np.round((phenotype - phenotype.mean()) / phenotype.std() / PHENOTYPE_GRID) * PHENOTYPE_GRID
    return [_associations(snps, phenotype) for snps in chromosomes]


def eqtl_table(
    design: StudyDesign, cell_type: str, table: pd.DataFrame, genes: pd.DataFrame, difference: NDArray[np.float64]
) -> pd.DataFrame:
    """Fine-mapped variants of a tissue: chrom pos ref alt pip beta gene effect.

    PIP is above 0.9 where the true effect is large, below 0.01 where there is none.
    """
    index = design.cell_type_names.index(cell_type)
    rng = design.generator("eqtl", index)
    effect = difference[:, index]
    size, n = np.abs(effect), len(effect)
    pip = np.select(
        [size >= LARGE, size < SMALL],
        [rng.uniform(0.905, 0.9995, n), rng.uniform(0, 0.0095, n)],
        rng.uniform(0.02, 0.89, n),
    )
    beta = effect / (BASE * AMPLITUDE) + BETA_NOISE * rng.standard_normal(n)
    out = table[VARIANT_KEY].assign(
        pip=pip.round(4), beta=beta.round(4), gene=_nearest_gene(table, genes), effect=effect
    )
    return out[out["gene"] != ""]


def allelic_counts(
    design: StudyDesign, cell_type: str, chromosomes: Sequence[Snps], effects: TrueEffects
) -> pd.DataFrame:
    """Read counts of both alleles at heterozygous sites in open chromatin.

    Columns: chrom pos ref alt ref_count alt_count true_ratio.
    """
    import pandas as pd

    index = design.cell_type_names.index(cell_type)
    rng = design.generator("allelic counts", index)
    ref, alt = effects.ref[:, index], effects.alt[:, index]
    heterozygous = np.concatenate([(snps.panel[:, :DONORS] == 1).sum(1) for snps in chromosomes])
    depth = rng.poisson(heterozygous * (ref + alt) / 2)
    ratio = ref / (ref + alt)
    scale = 1 / OVERDISPERSION - 1
    ref_count = rng.binomial(depth, rng.beta(ratio * scale, (1 - ratio) * scale))
    table = pd.concat([snps.table for snps in chromosomes], ignore_index=True)[VARIANT_KEY]
    table = table.assign(ref_count=ref_count, alt_count=depth - ref_count, true_ratio=ratio)
    return table[(depth >= MIN_DEPTH) & (np.maximum(ref, alt) >= OPEN * BASE)]


def true_enrichment(
    design: StudyDesign, table: pd.DataFrame, elements: pd.DataFrame, effects: dict[str, NDArray[np.float64]]
) -> pd.DataFrame:
    """Enrichment of heritability (squared drawn effects) in each cluster's elements.

    Columns: trait annotation prop_snps prop_h2 true_enrichment.
    """
    import pandas as pd

    inside = {cluster: inside_cluster(table, elements, cluster) for cluster in design.clusters}
    rows = []
    for trait, drawn in effects.items():
        squared = drawn**2 / (drawn**2).sum()
        rows += [(trait, cluster, rows_in.mean(), squared[rows_in].sum()) for cluster, rows_in in inside.items()]
    out = pd.DataFrame(rows, columns=["trait", "annotation", "prop_snps", "prop_h2"])
    return out.assign(true_enrichment=out["prop_h2"] / out["prop_snps"])


def _genetic_value(dosage: NDArray[np.int8], effects: NDArray[np.float64]) -> NDArray[np.float64]:
    per_allele = np.round(effects / np.sqrt(_variance(dosage)) / EFFECT_GRID) * EFFECT_GRID
    causal = np.flatnonzero(per_allele)
    return sum(
        (per_allele[part] @ dosage[part].astype(np.float64) for part in _parts(causal)), np.zeros(dosage.shape[1])
    )


def _associations(snps: Snps, phenotype: NDArray[np.float64]) -> pd.DataFrame:
    """Linear regression of a phenotype (a multiple of its grid, mean 0 and variance 1 but for that) on each SNP."""
    import pandas as pd
    from scipy.special import ndtr

    n, dosage = len(phenotype), snps.gwas
    copies = dosage.sum(1, dtype=np.float64)
    product = np.concatenate([dosage[part].astype(np.float64) @ phenotype for part in _parts(np.arange(len(dosage)))])
    covariance = (product - copies * phenotype.mean()) / n
    variance = _variance(dosage)
    r = covariance / np.sqrt(variance * phenotype.var())
    z = np.round(r * np.sqrt((n - 2) / (1 - r**2)), 4)
    beta = covariance / variance
    table = snps.table
    return pd.DataFrame(
        {
            "CHR": table["chrom"].str.removeprefix("chr"),
            "BP": table["pos"],
            "SNP": table["id"],
            "A1": table["alt"],
            "A2": table["ref"],
            "FRQ": (copies / (2 * n)).round(5),
            "BETA": beta.round(6),
            "SE": np.sqrt(phenotype.var() * (1 - r**2) / (variance * (n - 2))).round(6),
            "P": np.maximum(2 * ndtr(-np.abs(z)), 1e-300),  # munging takes p values above 0 only
            "N": n,
        }
    )


def _variance(dosage: NDArray[np.int8]) -> NDArray[np.float64]:
    """Variance (SNPs,) of allele counts of 0, 1 and 2."""
    # From sums of int8: a float64 copy of the genotypes would take eight times their memory.
    n, copies = dosage.shape[1], dosage.sum(1, dtype=np.float64)
    return (copies + 2 * (dosage == 2).sum(1)) / n - (copies / n) ** 2


def _parts(rows: NDArray[np.int64], size: int = 1000) -> list[NDArray[np.int64]]:
    return np.split(rows, np.arange(size, len(rows), size))


def _nearest_gene(table: pd.DataFrame, genes: pd.DataFrame) -> NDArray[np.str_]:
    """Name of the gene of the same chromosome with the nearest transcription start; "" where a chromosome has none."""
    tss = np.where(genes["strand"] == "+", genes["start"], genes["end"] - 1)
    out = np.full(len(table), "", dtype=genes["name"].to_numpy().dtype if len(genes) else "U1")
    for chrom, rows in table.groupby("chrom", sort=False).indices.items():
        here = np.flatnonzero(genes["chrom"] == chrom)
        if len(here):
            order = here[np.argsort(tss[here], kind="stable")]
            position = table["pos"].to_numpy()[rows] - 1
            after = np.clip(np.searchsorted(tss[order], position), 1, max(len(order) - 1, 1))
            left, right = order[after - 1], order[np.minimum(after, len(order) - 1)]
            out[rows] = genes["name"].to_numpy()[np.where(position - tss[left] <= tss[right] - position, left, right)]
    return out
