"""The design of a study: its sizes, names and folds, and the seeded generators that everything random comes from."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from accessiflow.errors import InputError

GROUPS = ("alpha", "beta")
UBIQUITOUS_CLUSTER = "ubiquitous"
POLYGENIC = "polygenic"
VARIANT_KEY = ["chrom", "pos", "ref", "alt"]
SEQ_LENGTH = 384  # bp that a model of the study reads
TARGET_WIDTH = 192  # bp whose accessibility it predicts
BIN_SIZE = 128  # bp of a bin of the peak caller
MAX_CELL_TYPES = 12


@dataclass(frozen=True)
class StudyDesign:
    """Sizes of a study.

    Attributes:
        seed: seed of everything random.
        chromosomes: number of chromosomes; the last is the test fold, the one before it the validation fold.
        chrom_length: bp of each.
        cell_types: number of cell types, one track each, in two groups.
        individuals: people of the LD panel.
        gwas_individuals: people of the GWAS, none of whom is in the panel.
        snps: SNPs in total, at most (a small genome has fewer common ones).
    """

    seed: int = 1
    chromosomes: int = 5
    chrom_length: int = 4_000_000
    cell_types: int = 6
    individuals: int = 400
    gwas_individuals: int = 6000
    snps: int = 45_000

    def __post_init__(self) -> None:
        for name, low, high, why in (
            ("chromosomes", 3, 22, "one each for training, validation and test at least, autosome numbers at most"),
            ("chrom_length", 100_000, 250_000_000, "bp"),
            ("cell_types", 4, MAX_CELL_TYPES, "two in each group at least, two motifs for each at most"),
            ("individuals", 20, 100_000, "people"),
            ("gwas_individuals", 100, 1_000_000, "people"),
            ("snps", 100, 10_000_000, "SNPs in total"),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"--{name.replace('_', '-')} {value} is not between {low} and {high} ({why})")

    @property
    def chroms(self) -> list[str]:
        """Names of the chromosomes."""
        return [f"chr{i + 1}" for i in range(self.chromosomes)]

    @property
    def groups(self) -> dict[str, list[str]]:
        """Group -> its cell types; the first group is the larger one when the number is odd."""
        first = (self.cell_types + 1) // 2
        counts = (first, self.cell_types - first)
        return {group: [f"{group}{i + 1}" for i in range(n)] for group, n in zip(GROUPS, counts, strict=True)}

    @property
    def cell_type_names(self) -> list[str]:
        """Names of the cell types, group by group."""
        return [name for members in self.groups.values() for name in members]

    @property
    def clusters(self) -> dict[str, list[str]]:
        """Element cluster -> the cell types it is active in: ubiquitous, each group, each cell type."""
        names = self.cell_type_names
        return {UBIQUITOUS_CLUSTER: names} | self.groups | {name: [name] for name in names}

    @property
    def trait_cell_types(self) -> dict[str, str]:
        """Trait -> the cell type whose private elements hold its heritability: the first of each group."""
        return {f"trait_{members[0]}": members[0] for members in self.groups.values()}

    def generator(self, purpose: str, index: int = 0) -> np.random.Generator:
        """The generator for one purpose, and one chromosome or cell type."""
        # One for each: chromosomes are made in parallel, and a part added later must not change the others' numbers.
        return np.random.default_rng([self.seed, zlib.crc32(purpose.encode()), index])
