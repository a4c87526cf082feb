"""Transcription factor motifs from the JASPAR database that pyjaspar carries."""

from __future__ import annotations

import numpy as np

from accessiflow.motifs import BACKGROUND, Motif

RELEASE = "JASPAR2024"
BACKGROUND_WEIGHT = 0.01  # weight of the background in each position
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


def load_motifs(n: int) -> list[Motif]:
    """The first `n` motifs of `PROFILES`, read from the bundled database."""
    from pyjaspar import jaspardb

    database = jaspardb(release=RELEASE)
    return [_motif(database.fetch_motif_by_id(identifier)) for identifier in PROFILES[:n]]


def _motif(profile: object) -> Motif:
    counts = np.array([profile.counts[base] for base in "ACGT"], np.float64).T
    observed = counts / counts.sum(1, keepdims=True)
    return Motif(profile.name, profile.matrix_id, (1 - BACKGROUND_WEIGHT) * observed + BACKGROUND_WEIGHT * BACKGROUND)
