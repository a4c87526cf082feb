"""Scores of variants: how the predictions for a REF and an ALT window differ. Functions of arrays, float64.

All but REF and ALT compare the predictions summed over positions, R and A (n, T), natural scale:

SAD       A - R                                                       (n, T)
LOGRATIO  log2((A + 1) / (R + 1))                                     (n, T)
COS       1 - cosine of R and A over the tracks                       (n,)
L2        Euclidean norm over the tracks of LOGRATIO                  (n,)
REF, ALT  the predictions by position                                 (n, B, T)

Accessibility is not negative: in LOGRATIO and L2 a (linear) model's sums below 0 count as 0. COS is NaN where one of
the two is 0 in every track and the other is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.genome import Codes
from accessiflow.prediction.ensemble import FORWARD, Ensemble

if TYPE_CHECKING:
    from accessiflow.prediction.predictor import Predictor

Array = NDArray[np.float64]


class VariantEffects(NamedTuple):
    """Predicted effects of variants: the predictions for both alleles, and what follows from them.

    Attributes:
        ref: Predictions (n, B, T) for the REF windows by position and track, natural scale, in the unit of the targets.
        alt: Those for the ALT windows.
    """

    ref: Array
    alt: Array

    @property
    def sad(self) -> Array:
        """SNP accessibility difference (n, T): ALT minus REF, summed over positions, in the unit of the targets."""
        return self.scores(["SAD"])["SAD"]

    @property
    def log_ratio(self) -> Array:
        """log2 fold change (n, T) of the summed predictions, with a pseudo-count of 1."""
        return self.scores(["LOGRATIO"])["LOGRATIO"]

    @property
    def cosine(self) -> Array:
        """Cosine distance (n,) of the two alleles' profiles over tracks: 0 (same) to 2."""
        return self.scores(["COS"])["COS"]

    @property
    def l2(self) -> Array:
        """Euclidean norm (n,) over the tracks of `log_ratio`."""
        return self.scores(["L2"])["L2"]

    def scores(self, names: Sequence[str]) -> dict[str, Array]:
        """Scores by their names in a score file (STATISTICS)."""
        return scores(self.ref, self.alt, names)


class ScoreLayout(NamedTuple):
    """A score's dataset in a file."""

    shape: tuple[int, ...]
    dtype: str


def effects(
    predictor: Predictor,
    ref: Codes,
    alt: Codes,
    ensemble: Ensemble = FORWARD,
    starts: NDArray[np.int64] | None = None,
) -> VariantEffects:
    """Predict both alleles of variants, averaged over strands and shifts before they are compared.

    Args:
        predictor: A model (prediction.loading.load_predictor).
        ref: REF windows (n, seq_length) of base codes uint8, as variants.alleles.allele_windows gives them.
        alt: ALT windows (n, seq_length).
        ensemble: What is averaged over.
        starts: Where each REF window (n,) starts on its chromosome; default: unknown. With them alleles of one site
            are predicted once, and the native engine shares what neighbouring windows have in common.
    """
    # Windows without a place all start at 0: an engine may only share what is equal in them, base by base.
    places = np.zeros(len(ref), np.int64) if starts is None else starts
    return VariantEffects(*predictor.alleles(ref, alt, ensemble, places))


def sad(ref: Array, alt: Array) -> Array:
    """ALT minus REF (n, T) of summed predictions (n, T)."""
    return alt - ref


def log_ratio(ref: Array, alt: Array) -> Array:
    """log2 fold change (n, T), with a pseudo-count of 1, of summed predictions (n, T)."""
    return np.log2(np.maximum(alt, 0) + 1) - np.log2(np.maximum(ref, 0) + 1)


def cosine(ref: Array, alt: Array) -> Array:
    """Cosine distance (n,) of summed predictions (n, T)."""
    # half the squared distance of the two unit vectors: 1 - cosine would lose distances below 1e-16
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = _unit(alt) - _unit(ref)
    # equal alleles are exactly 0, also where both are 0 and have no direction
    return np.where((ref == alt).all(axis=1), 0.0, (apart**2).sum(axis=1) / 2)


def euclidean(ref: Array, alt: Array) -> Array:
    """Euclidean norm (n,) over the tracks of the log ratio."""
    return np.sqrt((log_ratio(ref, alt) ** 2).sum(axis=1))


BY_TRACK: dict[str, Callable[[Array, Array], Array]] = {"SAD": sad, "LOGRATIO": log_ratio}
BY_VARIANT: dict[str, Callable[[Array, Array], Array]] = {"COS": cosine, "L2": euclidean}
BY_POSITION = ("REF", "ALT")
STATISTICS = ("SAD", "REF", "ALT", "LOGRATIO", "COS", "L2")


def scores(ref: Array, alt: Array, names: Sequence[str]) -> dict[str, Array]:
    """Scores by name, of predictions (n, B, T) for the REF and the ALT windows."""
    by_position = {"REF": ref, "ALT": alt}
    ref_sums, alt_sums = ref.sum(axis=1), alt.sum(axis=1)
    out = {}
    for name in names:
        if name in by_position:
            out[name] = by_position[name]
        else:
            out[name] = (BY_TRACK | BY_VARIANT)[name](ref_sums, alt_sums)
    return out


def layout(name: str, rows: int, positions: int, tracks: int, dtype: str) -> ScoreLayout:
    """Shape and dtype of a score in a file."""
    if name in BY_VARIANT:
        # one number a variant takes little room, and float16 has nothing between 0 and 6e-8, where many COS lie
        return ScoreLayout((rows,), "float32")
    return ScoreLayout((rows, positions, tracks) if name in BY_POSITION else (rows, tracks), dtype)


def dimensions(name: str) -> int:
    """Dimensions of a score in a file."""
    return len(layout(name, 0, 0, 0, "float32").shape)


def _unit(values: Array) -> Array:
    return values / np.linalg.norm(values, axis=1, keepdims=True)
