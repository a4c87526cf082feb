"""The grammar f of a study: expected accessibility as a function of the sequence, and by the same f, variants' effects.

For each cell type, soft hits of its motifs on both strands are smoothed by a Gaussian (peak 1, sd 64 bp) into an
occupancy z; a Hill curve makes base * (1 + amplitude * z^h / (K^h + z^h)) expected insertions per 192 bp of it. f is
evaluated in cells of 8 bp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.motifs import Motif
from accessiflow.simulate.design import TARGET_WIDTH, StudyDesign
from accessiflow.simulate.motifs import load_motifs

MOTIFS_PER_CLUSTER = 2
CELL = 8  # bp
SLACK = 2.0  # bits below the mean instance at which a hit counts half
FAINT = 0.01  # hits weaker than this count as none
SPREAD = 64.0  # bp, sd of the smoothing
BASE = 6.0  # expected insertions per TARGET_WIDTH outside elements
AMPLITUDE = 20.0  # how many times BASE a saturated element adds
HILL, HALF = 1.5, 1.5  # exponent h, and K: the number of hits that gives half the amplitude
WINDOW_CELLS = TARGET_WIDTH // CELL
_REACH = int(4 * SPREAD) // CELL
_KERNEL = np.exp(-0.5 * (np.arange(-_REACH, _REACH + 1) * CELL / SPREAD) ** 2)


class TrueEffects(NamedTuple):
    """Expected insertions (n, cell types) in the 192 bp around each variant, with either allele."""

    ref: NDArray[np.float64]
    alt: NDArray[np.float64]

    @property
    def difference(self) -> NDArray[np.float64]:
        """True effect (n, cell types) on the natural scale: alt - ref."""
        return self.alt - self.ref


@dataclass(frozen=True)
class Grammar:
    """Motifs and the cell types they act in.

    Attributes:
        motifs: all motifs.
        of_cluster: element cluster -> indices of its motifs.
        weights: (motifs, cell types) float64, 1 where a motif acts, else 0.
    """

    motifs: list[Motif]
    of_cluster: dict[str, list[int]]
    weights: NDArray[np.float64]

    def occupancy(self, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Smoothed hits z (cells, cell types) of a chromosome.

        Args:
            codes: base codes (length,), none of them unknown; what is more than a multiple of 8 is left out.
        """
        from scipy.ndimage import convolve1d

        words = _words(codes)
        cells = np.zeros((len(codes) // CELL, self.weights.shape[1]))
        for motif, weights in zip(self.motifs, self.weights, strict=True):
            for matrix in _strands(motif):
                hits = soft_hits(_scores(words, matrix), motif)
                where = np.flatnonzero(hits)
                density = np.bincount((where + motif.width // 2) // CELL, hits[where], len(cells))
                cells[:, weights > 0] += density[:, None]
        return convolve1d(cells, _KERNEL, axis=0, mode="constant")

    def effects(
        self, codes: NDArray[np.uint8], occupancy: NDArray[np.float64], position: ArrayLike, alt: ArrayLike
    ) -> TrueEffects:
        """Accessibility with either allele of single-base variants.

        Args:
            codes: base codes of the chromosome, with the reference alleles.
            occupancy: its smoothed hits.
            position: 0-based positions (n,), at least a model's window away from the ends.
            alt: base codes (n,) of the other allele.
        """
        # Only placements of a motif over the variant change, so a window's occupancy is corrected, not computed anew.
        position = np.asarray(position)
        first = (position - TARGET_WIDTH // 2 + 1 + CELL // 2) // CELL
        change = np.zeros((len(position), WINDOW_CELLS, self.weights.shape[1]))
        for motif, weights in zip(self.motifs, self.weights, strict=True):
            change[:, :, weights > 0] += _occupancy_change(codes, motif, position, np.asarray(alt), first)[:, :, None]
        before = occupancy[first[:, None] + np.arange(WINDOW_CELLS)]
        # A sum of hits minus those of one allele may miss 0 by rounding.
        return TrueEffects(accessibility(before).sum(1), accessibility(np.maximum(before + change, 0.0)).sum(1))


def make_grammar(design: StudyDesign) -> Grammar:
    """Two motifs for each cluster of elements (ubiquitous, group, cell type); they act in the cluster's cell types."""
    clusters = design.clusters
    motifs = load_motifs(MOTIFS_PER_CLUSTER * len(clusters))
    of_cluster = {
        name: [MOTIFS_PER_CLUSTER * i + j for j in range(MOTIFS_PER_CLUSTER)] for i, name in enumerate(clusters)
    }
    active = [np.isin(design.cell_type_names, list(members)) for members in clusters.values()]
    return Grammar(motifs, of_cluster, np.repeat(active, MOTIFS_PER_CLUSTER, axis=0).astype(np.float64))


def threshold(motif: Motif) -> float:
    """Score in bits at which a hit counts half."""
    return motif.information - SLACK


def soft_hits(scores: NDArray[np.floating], motif: Motif) -> NDArray[np.float64]:
    """Strength of hits in [0, 1]: logistic in the score (bits) around the motif's threshold; faint ones are 0."""
    out = np.zeros(scores.shape)
    excess = scores - threshold(motif)
    counted = excess > np.log(FAINT / (1 - FAINT))
    out[counted] = 1 / (1 + np.exp(-excess[counted].astype(np.float64)))
    return out


def accessibility(occupancy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected insertions per cell of 8 bp, from the occupancy z."""
    power = occupancy**HILL
    return (1 + AMPLITUDE * power / (HALF**HILL + power)) * (BASE * CELL / TARGET_WIDTH)


def instances(motif: Motif, n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Base codes (n, width) of instances drawn from the motif, those below its threshold redrawn."""
    cumulative = motif.probabilities.cumsum(1)
    drawn = np.empty((0, motif.width), np.uint8)
    while len(drawn) < n:
        sites = (rng.random((2 * n, motif.width, 1)) > cumulative[:, :3]).sum(2).astype(np.uint8)
        strong = motif.log_odds[np.arange(motif.width), sites].sum(1) >= threshold(motif)
        drawn = np.concatenate([drawn, sites[strong]])
    return drawn[:n]


def _occupancy_change(
    codes: NDArray[np.uint8],
    motif: Motif,
    position: NDArray[np.int64],
    alt: NDArray[np.uint8],
    first: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Change of z (n, window cells) by one motif: every placement of the motif over the variant, with either allele."""
    # 2 width - 1 bases around the variant, which is the one in the middle.
    width = motif.width
    ref_codes = codes[position[:, None] + np.arange(1 - width, width)]
    alt_codes = ref_codes.copy()
    alt_codes[:, width - 1] = alt
    centre_cell = (position[:, None] + np.arange(1 - width, 1) + width // 2) // CELL - first[:, None]
    out = np.zeros((len(position), WINDOW_CELLS))
    for matrix in _strands(motif):
        with_alt, with_ref = (soft_hits(_scores(_words(c), matrix), motif) for c in (alt_codes, ref_codes))
        change = with_alt - with_ref
        row, offset = np.nonzero(change)
        distance = np.arange(WINDOW_CELLS) - centre_cell[row, offset][:, None]
        np.add.at(out, row, change[row, offset][:, None] * _KERNEL[distance + _REACH])
    return out


def _strands(motif: Motif) -> list[NDArray[np.float64]]:
    """The matrices of both strands: the order A, C, G, T reversed complements."""
    return [motif.log_odds, motif.log_odds[::-1, ::-1]]


def _words(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each base with the three after it, as one byte; past the end of the last axis A is read, which no motif sees."""
    padded = np.concatenate([codes, np.zeros((*codes.shape[:-1], 3), np.uint8)], axis=-1)
    length = codes.shape[-1]
    return sum((padded[..., k : k + length] << np.uint8(6 - 2 * k) for k in range(4)), np.zeros_like(codes))


def _scores(words: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Log-odds scores (..., length - width + 1) of a motif matrix, four positions a look-up."""
    blocks = -(-len(matrix) // 4)
    rows = np.zeros((blocks, 4, 4))
    rows.reshape(-1, 4)[: len(matrix)] = matrix  # rows of zeros after it: the bases there do not count
    length = words.shape[-1] - len(matrix) + 1
    out = np.zeros((*words.shape[:-1], length), np.float32)
    for block, (a, b, c, d) in enumerate(rows):
        table = (a[:, None, None, None] + b[:, None, None] + c[:, None] + d).astype(np.float32).ravel()
        out += table[words[..., 4 * block : 4 * block + length]]
    return out
