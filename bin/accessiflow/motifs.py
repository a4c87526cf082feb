"""Transcription factor motifs: the MEME format, log-odds matrices, and a scan of many windows for many motifs at once.

A scan is one matrix product: windows unfolded into all their k-mers (one-hot) times all matrices of both strands.
Memory: 256 MB a block of windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.genome import UNKNOWN, one_hot

BACKGROUND = 0.25  # of each base
PSEUDO_PROBABILITY = 1e-3  # added to the probabilities that a MEME file holds, so that log-odds are finite
SCORE_LEVELS = 1000  # steps of the grid on which the distribution of a motif's score is computed
VALUES_UNFOLDED_AT_ONCE = 1 << 26  # float32: 256 MB


class MotifName(NamedTuple):
    """The names of a MOTIF line: the matrix's identifier, and the factor's name (the identifier where it has none)."""

    matrix_id: str
    factor: str


@dataclass(frozen=True)
class Motif:
    """A motif.

    Attributes:
        name: name of the transcription factor.
        matrix_id: identifier of its profile.
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

    def threshold(self, p: float) -> float:
        """The least score that a site of uniform random bases reaches with a probability of at most p.

        It is inf where no score is so rare. As FIMO does, the positions' scores are rounded to a grid of
        `SCORE_LEVELS` steps, on which the distribution of their sum is exact.
        """
        scores = self.log_odds
        low = scores.min(axis=1)
        step = float((scores.max(axis=1) - low).sum()) / SCORE_LEVELS or 1.0  # 1 for a motif without information
        rounded = np.round((scores - low[:, None]) / step).astype(int)
        mass = np.ones(1)
        for row in rounded:
            wider = np.zeros(len(mass) + row.max())
            for level in row:
                wider[level : level + len(mass)] += BACKGROUND * mass
            mass = wider
        tail = np.cumsum(mass[::-1])[::-1]
        rare = np.flatnonzero(tail <= p * (1 + 1e-9))  # a tail of exactly p must not fail by rounding
        if len(rare) == 0:
            return float("inf")
        # Half a step lower, as a score was rounded to its level from both sides.
        return float(low.sum() + (rare[0] - 0.5) * step)


def read_meme(path: Path) -> list[Motif]:
    """Read the motifs of a MEME file (minimal format).

    Raises:
        InputError: no motif, a row that is no four probabilities (file and line), another alphabet, a matrix id twice.
    """
    motifs: list[Motif] = []
    name: MotifName | None = None
    rows: list[list[float]] = []
    number = 0
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            words = line.split()
            if words[:1] == ["MOTIF"]:
                if name is not None:
                    motifs.append(_motif(name, rows, path, number))
                name, rows = _motif_name(words), []
            elif words[:1] == ["ALPHABET="] and words[1:] != ["ACGT"]:
                raise InputError(f"has the alphabet {' '.join(words[1:])}, expected ACGT", path, number)
            elif name is not None and words and (words[0][0].isdigit() or words[0][0] == "."):
                rows.append(_probabilities_of(words, path, number))
    # No line ends a matrix: the last motif is complete where the file ends.
    if name is not None:
        motifs.append(_motif(name, rows, path, number + 1))
    if not motifs:
        raise InputError("holds no motif: expected the MEME format (MOTIF ..., letter-probability matrix: ...)", path)
    seen: set[str] = set()
    for motif in motifs:
        if motif.matrix_id in seen:
            raise InputError(f"holds the motif {motif.matrix_id} twice", path)
        seen.add(motif.matrix_id)
    return motifs


def _motif_name(words: list[str]) -> MotifName | None:
    if len(words) < 2:
        return None
    return MotifName(words[1], words[2] if len(words) > 2 else words[1])


def _probabilities_of(words: list[str], path: Path, number: int) -> list[float]:
    try:
        values = [float(w) for w in words]
    except ValueError:
        values = []
    # Databases round to two or three decimals, so the sum is near 1 only.
    if len(values) != 4 or min(values) < 0 or not 0.9 < sum(values) < 1.1:
        raise InputError("expected four probabilities (A C G T) that sum to 1", path, number)
    return values


def _motif(name: MotifName, rows: list[list[float]], path: Path, number: int) -> Motif:
    if not rows:
        raise InputError(f"the motif {name.matrix_id} has no matrix", path, number)
    values = np.array(rows) + PSEUDO_PROBABILITY
    return Motif(name.factor, name.matrix_id, values / values.sum(axis=1, keepdims=True))


def write_meme(motifs: Sequence[Motif], path: Path) -> None:
    """Write motifs in MEME's minimal format."""
    with write_text(path) as out:
        out.write("MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n")
        out.write("Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n")
        for motif in motifs:
            out.write(f"\nMOTIF {motif.matrix_id} {motif.name}\n")
            # MEME's readers demand nsites and E, which are not known here: any numbers do.
            out.write(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= 100 E= 0\n")
            out.writelines(" ".join(f"{p:.6f}" for p in row) + "\n" for row in motif.probabilities)


def best_scores(motifs: Sequence[Motif], codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Best log-odds score (n, M) of each motif on either strand of windows of base codes (n, L).

    A site with an unknown base has no score. The best score is -inf where a motif has no site.
    """
    out = np.full((len(codes), len(motifs)), -np.inf, np.float32)
    # Motifs of one width share one unfolding and one matrix product.
    for width in sorted({m.width for m in motifs}):
        chosen = [i for i, m in enumerate(motifs) if m.width == width]
        if width <= codes.shape[1]:
            # Reversed along both axes, a matrix scores the reverse strand: the order A, C, G, T reversed complements.
            matrices = np.array([motifs[i].log_odds for i in chosen], np.float32)
            both = np.concatenate([matrices, matrices[:, ::-1, ::-1]]).reshape(2 * len(chosen), -1).T
            for rows, scores in _scan(codes, width, both):
                out[rows, chosen] = scores
    return out


def _scan(
    codes: NDArray[np.uint8], width: int, matrices: NDArray[np.float32]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Rows of each block of windows, and their best scores (rows, M); first in `matrices` are the forward strands."""
    sites = codes.shape[1] - width + 1
    step = max(1, VALUES_UNFOLDED_AT_ONCE // (sites * max(4 * width, matrices.shape[1])))
    half = matrices.shape[1] // 2
    for low in range(0, len(codes), step):
        part = codes[low : low + step]
        flat = one_hot(part).reshape(len(part), -1)
        # A k-mer is 4 * width adjacent numbers of a flat one-hot window; every fourth place is a base.
        unfolded = np.lib.stride_tricks.sliding_window_view(flat, 4 * width, axis=1)[:, ::4]
        scores = (unfolded.reshape(-1, 4 * width) @ matrices).reshape(len(part), sites, -1)
        unknown = np.lib.stride_tricks.sliding_window_view(part == UNKNOWN, width, axis=1).any(axis=2)
        scores[unknown] = -np.inf
        best = scores.max(axis=1)
        yield slice(low, low + len(part)), np.maximum(best[:, :half], best[:, half:])
