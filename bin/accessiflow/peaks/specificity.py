"""Specificity bins and clusters of peaks (Kathail et al. 2024, Methods)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAPER_SPECIFICITY_EDGES, PAPER_TRACKS = (1, 10, 50, 100, 300), 684


def specificity_edges(n_tracks: int, given: Sequence[int] | None = None) -> list[int]:
    """Lower edges of the specificity bins, the last one open: the user's, or the paper's for 684 tracks scaled to this number."""
    if given:
        return sorted(set(given))
    return sorted({max(1, round(edge * n_tracks / PAPER_TRACKS)) for edge in PAPER_SPECIFICITY_EDGES})


def bin_labels(edges: Sequence[int]) -> list[str]:
    """Names of the specificity bins, `[1,10)` ... `[300,inf)`."""
    return [f"[{low},{high})" for low, high in zip(edges, [*edges[1:], "inf"], strict=True)]


def specificity_bin(n_tracks: NDArray[np.integer], edges: Sequence[int]) -> NDArray[np.object_]:
    """Name of the specificity bin of each peak (n,); "" below the first edge."""
    labels = np.array(["", *bin_labels(edges)], dtype=object)
    return labels[np.searchsorted(np.asarray(edges), n_tracks, side="right")]


def clusters(
    is_peak: NDArray[np.bool_], cell_types: Sequence[str], groups: Sequence[str], ubiquitous_share: float = 0.8
) -> NDArray[np.object_]:
    """Cluster of each peak (n,) from its tracks (n, T): `ubiquitous`, the one cell type or group that holds all its peaks, else `shared`."""
    by_type = _any_by(is_peak, cell_types)
    by_group = _any_by(is_peak, groups)
    out = np.full(len(is_peak), "shared", dtype=object)
    for members in (by_group, by_type) if len([g for g in by_group if g]) > 1 else (by_type,):
        stacked = np.column_stack(list(members.values()))
        single = stacked.sum(axis=1) == 1
        names = np.array(list(members), dtype=object)
        named = single & (names[stacked.argmax(axis=1)] != "")
        out[named] = names[stacked.argmax(axis=1)][named]
    share = np.column_stack(list(by_type.values())).mean(axis=1)
    out[share >= ubiquitous_share] = "ubiquitous"
    return out


def _any_by(is_peak: NDArray[np.bool_], names: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    keys = np.asarray(names, dtype=object)
    return {str(name): is_peak[:, keys == name].any(axis=1) for name in dict.fromkeys(names)}
