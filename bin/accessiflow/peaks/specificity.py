"""Specificity bins and clusters of peaks (Kathail et al. 2024, Methods)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.intervals import split_list

# Kathail et al. 2024: their bins, and the tracks of their compendium.
PAPER_SPECIFICITY_EDGES, PAPER_TRACKS = (1, 10, 50, 100, 300), 684


def parse_edges(text: str) -> list[int]:
    """Edges of the specificity bins from an option: positive integers, comma-separated; none where it is empty.

    The first is 1 even where it is not given: every peak lies in a bin.

    Raises:
        InputError: something else stands there.
    """
    given = split_list(text)
    if not all(edge.isdigit() and int(edge) > 0 for edge in given):
        raise InputError(f"--edges {text}: expected positive integers, comma-separated")
    return sorted({1, *(int(edge) for edge in given)}) if given else []


def specificity_edges(n_tracks: int, given: Sequence[int] | None = None) -> list[int]:
    """Lower edges of the specificity bins, the last one open.

    Args:
        n_tracks: tracks of the matrix.
        given: the user's edges; without any, the paper's but for the first are scaled from 684 tracks to `n_tracks`.
    """
    if given:
        return sorted({1, *given})
    # The first stays 1 above 1,025 tracks too, where it would be scaled to 2: no peak is below the first bin.
    first, *others = PAPER_SPECIFICITY_EDGES
    return sorted({first, *(max(first, round(edge * n_tracks / PAPER_TRACKS)) for edge in others)})


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
    """Cluster of each peak (n,): `ubiquitous`, the one cell type or group that all its tracks are of, else `shared`.

    Args:
        is_peak: which peak is in which track (n, T).
        cell_types: cell type of each track (T,).
        groups: group of each track (T,), "" for none.
        ubiquitous_share: share of the cell types that makes a peak ubiquitous.
    """
    by_type = _any_by(is_peak, cell_types)
    by_group = _any_by(is_peak, groups)
    out = np.full(len(is_peak), "shared", dtype=object)
    # A single group would hold all peaks. Cell types come second: the narrower name replaces the group's.
    has_groups = len([group for group in by_group if group]) > 1
    for members in (by_group, by_type) if has_groups else (by_type,):
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
