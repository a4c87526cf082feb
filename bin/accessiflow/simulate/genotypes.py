"""Genotypes with real linkage disequilibrium (msprime's coalescent) on the simulated genome; plink and VCF files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import atomic, write_text
from accessiflow.genome import decode
from accessiflow.simulate.design import SEQ_LENGTH, StudyDesign
from accessiflow.simulate.elements import Chromosome

if TYPE_CHECKING:
    import pandas as pd

POPULATION = 1e4  # diploid effective size
MUTATION, RECOMBINATION = 1.25e-8, 2e-8  # per bp and generation
MIN_MAF = 0.01  # in the panel; half of it in the GWAS
NEAR = 500  # bp from an element's edge within which SNPs may be moved
MOVED = 0.3  # share of those that are moved onto motif bases, else too few have effects
SWAPPED = 1 / 3  # share of the SNPs whose ALT is the base that was there before: REF is what a motif lacks
TRANSITIONS = 2 / 3  # share of the SNPs; the rest are transversions that are not strand-ambiguous
_PLINK_CODE = np.array([3, 2, 0], np.uint8)  # of 0, 1, 2 copies of A1
_PLINK_MAGIC = b"\x6c\x1b\x01"


class Snps(NamedTuple):
    """SNPs of a chromosome, by position.

    Attributes:
        table: chrom, pos (1-based), id, ref, alt, cm.
        ref: base codes (n,) of REF.
        alt: base codes (n,) of ALT.
        panel: copies of ALT (n, people) int8 in the LD panel.
        gwas: copies of ALT (n, people) int8 in the GWAS.
    """

    table: pd.DataFrame
    ref: NDArray[np.uint8]
    alt: NDArray[np.uint8]
    panel: NDArray[np.int8]
    gwas: NDArray[np.int8]


class CommonSites(NamedTuple):
    """Positions (n,) and copies (n, people) of derived alleles."""

    position: NDArray[np.int64]
    dosage: NDArray[np.int8]


def make_snps(design: StudyDesign, chromosome: Chromosome, index: int) -> Snps:
    """Simulate a chromosome's genotypes and give its SNPs alleles: the base that is there, and another.

    Memory: one byte a SNP and person.
    """
    import pandas as pd

    rng = design.generator("snps", index)
    position, dosage = _common_sites(design, rng)
    position, kept = np.unique(_move_onto_motifs(position, chromosome, rng), return_index=True)
    share = design.snps // design.chromosomes + (index < design.snps % design.chromosomes)
    thinned = np.sort(rng.choice(len(position), min(share, len(position)), replace=False))
    position, dosage = position[thinned], dosage[kept[thinned]]
    there = chromosome.codes[position]
    # With A 0, C 1, G 2, T 3, flipping bit 1 is the transition, and flipping bit 0 gives A-C or G-T.
    other = there ^ np.where(rng.random(len(there)) < TRANSITIONS, 2, 1).astype(np.uint8)
    swapped = rng.random(len(there)) < SWAPPED
    ref, alt = np.where(swapped, other, there), np.where(swapped, there, other)
    table = pd.DataFrame(
        {
            "chrom": design.chroms[index],
            "pos": position + 1,
            "id": [f"rs{(index + 1) * 10**9 + p + 1}" for p in position],
            "ref": list(decode(ref)),
            "alt": list(decode(alt)),
            "cm": np.round(100 * RECOMBINATION * position, 6),
        }
    )
    return Snps(table, ref, alt, dosage[:, : design.individuals], dosage[:, design.individuals :])


def with_reference_alleles(codes: NDArray[np.uint8], snps: Snps) -> NDArray[np.uint8]:
    """Base codes of a chromosome that carries REF at each SNP."""
    out = codes.copy()
    out[snps.table["pos"].to_numpy() - 1] = snps.ref
    return out


def write_plink(snps: Snps, prefix: Path) -> None:
    """Write the panel as PREFIX.bed, .bim and .fam.

    A1 is ALT, A2 is REF; genetic positions are in cM, chromosome names without `chr`.
    """
    # Four people a byte, the first in the lowest bits; each SNP begins a byte.
    people = snps.panel.shape[1]
    codes = np.zeros((len(snps.table), -(-people // 4) * 4), np.uint8)
    codes[:, :people] = _PLINK_CODE[snps.panel]
    packed = (codes.reshape(len(codes), -1, 4) << np.array([0, 2, 4, 6], np.uint8)).sum(2, dtype=np.uint8)
    with atomic(Path(f"{prefix}.bed")) as temporary:
        temporary.write_bytes(_PLINK_MAGIC + packed.tobytes())
    bim = snps.table.assign(chrom=snps.table["chrom"].str.removeprefix("chr"))[
        ["chrom", "id", "cm", "pos", "alt", "ref"]
    ]
    with write_text(Path(f"{prefix}.bim")) as out:
        bim.to_csv(out, sep="\t", header=False, index=False, float_format="%.6f", lineterminator="\n")
    with write_text(Path(f"{prefix}.fam")) as out:
        out.writelines(f"P{i + 1} P{i + 1} 0 0 0 -9\n" for i in range(people))


def write_vcf(chromosomes: Sequence[Snps], design: StudyDesign, path: Path) -> None:
    """Write the sites of all chromosomes (AF: in the panel) as a bgzipped, indexed VCF."""
    import pysam

    header = ["##fileformat=VCFv4.2", '##INFO=<ID=AF,Number=A,Type=Float,Description="Allele frequency in the panel">']
    header += [f"##contig=<ID={chrom},length={design.chrom_length}>" for chrom in design.chroms]
    with atomic(path) as temporary:
        text = temporary.with_suffix("")
        with write_text(text) as out:
            out.write("\n".join([*header, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]) + "\n")
            for snps in chromosomes:
                frequency = snps.panel.mean(1) / 2
                rows = snps.table[["chrom", "pos", "id", "ref", "alt"]].itertuples(index=False)
                out.writelines(
                    f"{c}\t{p}\t{i}\t{r}\t{a}\t.\tPASS\tAF={f:.5f}\n"
                    for (c, p, i, r, a), f in zip(rows, frequency, strict=True)
                )
        pysam.tabix_compress(str(text), str(temporary), force=True)
    pysam.tabix_index(str(path), preset="vcf", force=True)


def _common_sites(design: StudyDesign, rng: np.random.Generator) -> CommonSites:
    """The sites whose derived allele is common enough in the panel and in the GWAS."""
    import msprime

    people = design.individuals + design.gwas_individuals
    seeds = rng.integers(1, 2**31, 2)
    ancestry = msprime.sim_ancestry(
        people,
        population_size=POPULATION,
        recombination_rate=RECOMBINATION,
        sequence_length=design.chrom_length,
        random_seed=seeds[0],
    )
    mutated = msprime.sim_mutations(ancestry, rate=MUTATION, model=msprime.BinaryMutationModel(), random_seed=seeds[1])
    position, dosage = [], []
    for variant in mutated.variants(left=SEQ_LENGTH, right=design.chrom_length - SEQ_LENGTH):
        copies = (variant.genotypes[::2] + variant.genotypes[1::2]).astype(np.int8)
        panel, gwas = copies[: design.individuals].mean() / 2, copies[design.individuals :].mean() / 2
        if MIN_MAF <= panel <= 1 - MIN_MAF and MIN_MAF / 2 <= gwas <= 1 - MIN_MAF / 2:
            position.append(int(variant.site.position))
            dosage.append(copies)
    return CommonSites(np.array(position), np.stack(dosage))


def _move_onto_motifs(
    position: NDArray[np.int64], chromosome: Chromosome, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Move a share of the SNPs near an element onto a random base of a motif instance of that element."""
    start, end = chromosome.elements["start"].to_numpy(), chromosome.elements["end"].to_numpy()
    right = np.searchsorted(start, position)
    neighbours = np.clip(np.stack([right - 1, right], axis=1), 0, len(start) - 1)
    nearest = np.abs(position[:, None] - (start + end)[neighbours] // 2).argmin(1)
    element = neighbours[np.arange(len(position)), nearest]
    near = (position >= start[element] - NEAR) & (position < end[element] + NEAR)
    moved = np.flatnonzero(near & (rng.random(len(position)) < MOVED))
    sites = chromosome.sites
    first = np.searchsorted(sites["element"], np.arange(len(start) + 1))
    chosen = rng.integers(first[element[moved]], first[element[moved] + 1])
    out = position.copy()
    out[moved] = rng.integers(sites["start"].to_numpy()[chosen], sites["end"].to_numpy()[chosen])
    return out
