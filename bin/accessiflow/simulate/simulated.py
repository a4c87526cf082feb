"""A simulated study in memory, which its files are written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text
from accessiflow.simulate.design import StudyDesign
from accessiflow.simulate.elements import Chromosome
from accessiflow.simulate.genotypes import Snps
from accessiflow.simulate.grammar import TrueEffects

if TYPE_CHECKING:
    import pandas as pd


class SimulatedChromosome(NamedTuple):
    """All that is simulated of one chromosome.

    Attributes:
        chromosome: sequence, elements and motif instances.
        expected: expected insertions per cell of 8 bp (cells, cell types).
        insertions: sorted positions of insertions in each cell type.
        snps: SNPs with the genotypes of all people.
        effects: true effects of the SNPs.
    """

    chromosome: Chromosome
    expected: NDArray[np.float64]
    insertions: list[NDArray[np.int64]]
    snps: Snps
    effects: TrueEffects


class Study(NamedTuple):
    """A study: its chromosomes, and their tables put together; `table` and `effects` have a row a SNP."""

    design: StudyDesign
    parts: list[SimulatedChromosome]
    elements: pd.DataFrame
    genes: pd.DataFrame
    table: pd.DataFrame
    effects: TrueEffects

    @property
    def sizes(self) -> dict[str, int]:
        """Chromosome -> its length in bp."""
        return dict.fromkeys(self.design.chroms, self.design.chrom_length)


def write_sheet(rows: Sequence[Mapping[str, object]], path: Path, columns: Sequence[str]) -> None:
    """Write a sheet of the study; a row without a value of a column has an empty one."""
    import pandas as pd

    with write_text(path) as out:
        pd.DataFrame(rows, columns=list(columns)).to_csv(out, index=False, lineterminator="\n")
