"""Transcription factor motifs from the JASPAR database that pyjaspar carries, as log-odds matrices, and the MEME format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text

RELEASE = "JASPAR2024"
BACKGROUND = 0.25  # each base, as in the simulated genome
PSEUDO = 0.01  # weight of the background in each position
# Human profiles of distinct families with at least 13.7 bits: shorter ones flood a genome with chance hits.
# In order of use: ubiquitous, one pair a group, one pair a cell type.
PROFILES = (
    *("MA0139.2", "MA0088.2"),  # CTCF, ZNF143
    *("MA0105.4", "MA0507.3"),  # NFKB1, POU2F2
    *("MA1494.2", "MA0083.3"),  # HNF4A, SRF
    *("MA0652.2", "MA0469.4"),  # IRF8, E2F3
    *("MA0486.2", "MA0106.3"),  # HSF1, TP53
    *("MA0660.1", "MA0732.2"),  # MEF2B, EGR3
    *("MA0600.3", "MA0163.1"),  # RFX2, PLAG1
    *("MA0841.2", "MA0822.1"),  # NFE2, HES7
    *("MA0796.1", "MA1527.2"),  # TGIF1, NFIC
    *("MA0777.1", "MA0757.2"),  # MYBL2, ONECUT3
    *("MA0466.4", "MA0794.1"),  # CEBPB, PROX1
    *("MA0141.4", "MA1421.1"),  # ESRRB, TCF7L1
    *("MA0641.1", "MA0651.3"),  # ELF4, HOXC11
    *("MA0804.2", "MA0736.1"),  # TBX19, GLIS2
    *("MA0046.3", "MA0780.1"),  # HNF1A, PAX3
)


@dataclass(frozen=True)
class Motif:
    """A motif.

    Attributes:
        name, matrix_id: of the transcription factor and of its JASPAR profile.
        probabilities: (width, 4) float64, rows sum to 1.
    """

    name: str
    matrix_id: str
    probabilities: NDArray[np.float64]

    @property
    def width(self) -> int:
        """Length in bp."""
        return len(self.probabilities)

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """(width, 4) log2 of probability over background: bits."""
        return np.log2(self.probabilities / BACKGROUND)

    @property
    def information(self) -> float:
        """Information content in bits: the mean score of an instance."""
        return float((self.probabilities * self.log_odds).sum())


def load_motifs(n: int) -> list[Motif]:
    """The first `n` motifs of `PROFILES`, read from the bundled database."""
    from pyjaspar import jaspardb

    database = jaspardb(release=RELEASE)
    return [_motif(database.fetch_motif_by_id(identifier)) for identifier in PROFILES[:n]]


def _motif(profile: object) -> Motif:
    counts = np.array([profile.counts[base] for base in "ACGT"], np.float64).T
    observed = counts / counts.sum(1, keepdims=True)
    return Motif(profile.name, profile.matrix_id, (1 - PSEUDO) * observed + PSEUDO * BACKGROUND)


def write_meme(motifs: Sequence[Motif], path: Path) -> None:
    """Write motifs in MEME's minimal format."""
    with write_text(path) as out:
        out.write("MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n")
        for motif in motifs:
            out.write(f"\nMOTIF {motif.matrix_id} {motif.name}\nletter-probability matrix: alength= 4 w= {motif.width} nsites= 100 E= 0\n")
            out.writelines(" ".join(f"{p:.6f}" for p in row) + "\n" for row in motif.probabilities)
