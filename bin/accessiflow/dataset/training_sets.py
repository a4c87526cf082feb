"""The five training sets of Kathail et al. 2024 (Table 1): which windows of a fold are kept.

Training and validation windows are chosen; the test fold is always complete: every model is evaluated on the same
windows.
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
        training_set: one of TRAINING_SETS.
        in_peak: whether each window (n,) lies in a peak bin.
        ubiquitous: whether each window (n,) lies in a peak bin of the ubiquitous cluster.
        gc: GC share (n,), for gc_matched.
        ratio: non-peak windows per peak window, for balanced.
        rng: draws the non-peak windows.
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
    """Row numbers of as many non-peaks as peaks in each GC bin [low, high), in the order drawn.

    A bin with fewer non-peaks than peaks is drawn from with replacement. The edges are `linspace(min, max, bins)` of
    the peaks' GC, as in the paper's generate_balanced_training_sequences.py --gc.
    """
    # As in the paper's code, `bins` edges make one bin fewer, and the peaks of the greatest GC are in none.
    edges = np.linspace(peak_gc.min(), peak_gc.max(), bins)
    drawn: list[NDArray[np.int64]] = []
    for low, high in pairwise(edges):
        n_peaks = int(((peak_gc >= low) & (peak_gc < high)).sum())
        rows = np.flatnonzero((other_gc >= low) & (other_gc < high))
        if n_peaks and len(rows):
            drawn.append(rng.choice(rows, n_peaks, replace=len(rows) < n_peaks))
    return np.concatenate(drawn) if drawn else np.empty(0, np.int64)
