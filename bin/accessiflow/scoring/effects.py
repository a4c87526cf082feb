"""Scores of variants: how the predictions for a REF and an ALT window differ. Pure functions of arrays, float64.

All but REF and ALT compare the predictions summed over positions, R and A (n, T), natural scale:

SAD       A - R                                                       (n, T)
LOGRATIO  log2((A + 1) / (R + 1))                                     (n, T)
COS       1 - cosine of R and A over the tracks                       (n,)
L2        Euclidean norm over the tracks of LOGRATIO                  (n,)
REF, ALT  the predictions by position                                 (n, B, T)

Accessibility is not negative: in LOGRATIO and L2 a (linear) model's sums below 0 count as 0. COS is NaN where one of the two is 0 in every track
and the other is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Layout(NamedTuple):
    """A score's dataset in a file."""

    shape: tuple[int, ...]
    dtype: str


def sad(ref: Array, alt: Array) -> Array:
    """ALT less REF (n, T) of summed predictions (n, T)."""
    return alt - ref


def log_ratio(ref: Array, alt: Array) -> Array:
    """log2 fold change (n, T), with a pseudo-count of 1, of summed predictions (n, T)."""
    return np.log2(np.maximum(alt, 0) + 1) - np.log2(np.maximum(ref, 0) + 1)


def cosine(ref: Array, alt: Array) -> Array:
    """Cosine distance (n,) of summed predictions (n, T): half the squared distance of the two unit vectors, which keeps small ones exact."""
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = _unit(alt) - _unit(ref)
    return np.where((ref == alt).all(axis=1), 0.0, (apart**2).sum(axis=1) / 2)


def euclidean(ref: Array, alt: Array) -> Array:
    """Euclidean norm (n,) over the tracks of the log ratio."""
    return np.sqrt((log_ratio(ref, alt) ** 2).sum(axis=1))


BY_TRACK: dict[str, Callable[[Array, Array], Array]] = {"SAD": sad, "LOGRATIO": log_ratio}
BY_VARIANT: dict[str, Callable[[Array, Array], Array]] = {"COS": cosine, "L2": euclidean}
BY_POSITION = ("REF", "ALT")
STATISTICS = ("SAD", "REF", "ALT", "LOGRATIO", "COS", "L2")


def scores(ref: Array, alt: Array, wanted: Sequence[str]) -> dict[str, Array]:
    """The wanted scores by name, of predictions (n, B, T) for the REF and the ALT windows."""
    given, sums = {"REF": ref, "ALT": alt}, (ref.sum(axis=1), alt.sum(axis=1))
    compared = BY_TRACK | BY_VARIANT
    return {name: given[name] if name in given else compared[name](*sums) for name in wanted}


def layout(name: str, rows: int, positions: int, tracks: int, dtype: str) -> Layout:
    """Shape and dtype of a score in a file; the one number a variant of COS and L2 is never stored in less than float32."""
    if name in BY_VARIANT:
        return Layout((rows,), "float32")
    return Layout((rows, positions, tracks) if name in BY_POSITION else (rows, tracks), dtype)


def dimensions(name: str) -> int:
    """Dimensions of a score in a file."""
    return len(layout(name, 0, 0, 0, "float32").shape)


def _unit(values: Array) -> Array:
    return values / np.linalg.norm(values, axis=1, keepdims=True)
