"""The five training sets of Kathail et al. 2024 (Table 1): which windows of a fold are kept.

Training and validation windows are chosen, the test fold is always complete: every model is judged on the same windows.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from accessiflow.sheets import TRAINING_SETS

__all__ = ["TRAINING_SETS", "choose", "gc_matched"]


def choose(
    training_set: str,
    in_peak: NDArray[np.bool_],
    ubiquitous: NDArray[np.bool_],
    gc: NDArray[np.float64] | None,
    ratio: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Row numbers of the windows kept, sorted; a window drawn twice appears twice.

    Args:
        in_peak, ubiquitous: whether each window (n,) lies in a peak bin, and in one of the ubiquitous cluster.
        gc: GC share (n,), for gc_matched.
        ratio: non-peak windows per peak window, for balanced.
    """
    peaks, others = np.flatnonzero(in_peak), np.flatnonzero(~in_peak)
    if training_set == "all":
        return np.arange(len(in_peak))
    if training_set == "peaks":
        return peaks
    if training_set == "non_ubiquitous":
        return np.flatnonzero(in_peak & ~ubiquitous)
    if training_set == "balanced":
        drawn = rng.choice(others, min(round(len(peaks) * ratio), len(others)), replace=False)
        return np.sort(np.concatenate([peaks, drawn]))
    assert gc is not None
    return np.sort(np.concatenate([peaks, others[gc_matched(gc[peaks], gc[others], rng)]]))


def gc_matched(
    peak_gc: NDArray[np.float64], other_gc: NDArray[np.float64], rng: np.random.Generator, bins: int = 20
) -> NDArray[np.int64]:
    """Row numbers of as many non-peaks as peaks in each GC bin [low, high), drawn with replacement only where a bin is short.

    Bins: `linspace(min, max, bins)` of the peaks' GC (generate_balanced_training_sequences.py --gc); rows in the order drawn.
    """
    edges = np.linspace(peak_gc.min(), peak_gc.max(), bins)
    drawn: list[NDArray[np.int64]] = []
    for low, high in pairwise(edges):
        wanted = int(((peak_gc >= low) & (peak_gc < high)).sum())
        rows = np.flatnonzero((other_gc >= low) & (other_gc < high))
        if wanted and len(rows):
            drawn.append(rng.choice(rows, wanted, replace=len(rows) < wanted))
    return np.concatenate(drawn) if drawn else np.empty(0, np.int64)
