"""The peaks x tracks matrix: reading peaks.h5ad.

Memory of its build (build.py): some 250 bytes a peak bin (its description and a block of columns), 14 bytes a peak of a
track, and one track's coverage: under 4 GB for 1,000 tracks with 25 million bins and 3 million peak bins
(docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.hdf5 import open_hdf5
from accessiflow.peaks.specificity import bin_labels, specificity_bin, specificity_edges

if TYPE_CHECKING:
    import h5py
    import pandas as pd
    from scipy.sparse import csc_matrix


class PeakFrames(NamedTuple):
    """The tables of peaks.h5ad: `obs` has a row a peak bin, `var` a row a track."""

    obs: pd.DataFrame
    var: pd.DataFrame


@dataclass(frozen=True)
class PeakMatrix:
    """What an analysis reads of peaks.h5ad.

    Attributes:
        obs: a row for each peak bin.
        var: a row for each track, indexed by its name.
        is_peak: which peak bin is in which track, (n, T) sparse; without columns where only the rows were read.
        uns: the bin size and the edges of the specificity bins.
    """

    obs: pd.DataFrame
    var: pd.DataFrame
    is_peak: csc_matrix
    uns: dict[str, Any]

    @property
    def tracks(self) -> list[str]:
        """Track names in column order."""
        return [str(name) for name in self.var.index]

    @property
    def labels(self) -> list[str]:
        """Names of the specificity bins."""
        return bin_labels([int(e) for e in self.uns["edges"]])

    def locate(self, chrom: Sequence[str] | NDArray[np.object_], position: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row (n,) of the peak bin that holds each 0-based position (n,); -1 where none does."""
        import pandas as pd

        asked = pd.Series(np.asarray(chrom, dtype=object))
        out = np.full(len(asked), -1, np.int64)
        start, end = self.obs["start"].to_numpy(), self.obs["end"].to_numpy()
        # Rows of each name from one pass: a comparison a name would take as many passes as there are scaffolds.
        names = self.obs["chrom"].astype(str).reset_index(drop=True)
        places = names.groupby(names).indices
        for name, at in asked.groupby(asked).indices.items():
            if name not in places:
                continue
            rows = places[name]
            rows = rows[np.argsort(start[rows], kind="stable")]  # a file of the user's need not be sorted
            where = np.searchsorted(start[rows], position[at], side="right") - 1
            inside = (where >= 0) & (position[at] < end[rows[np.maximum(where, 0)]])
            out[at[inside]] = rows[where[inside]]
        return out


def read_peaks(path: Path) -> PeakMatrix:
    """Read peaks.h5ad without its coverage: obs, var, is_peak.

    Raises:
        InputError: it is no such file.
    """
    from scipy.sparse import csc_matrix

    with open_hdf5(path, ["obs", "var", "layers/is_peak"]) as handle:
        obs, var = read_frames(handle, path, ("specificity_bin", "cluster"))
        is_peak = read_element(handle, "layers/is_peak", path)
        uns = read_element(handle, "uns", path) if "uns" in handle else {}
    if getattr(is_peak, "shape", None) != (len(obs), len(var)) or is_peak.dtype.kind not in "biuf":
        raise InputError(
            f"does not hold flags of its {len(obs)} peak bins and {len(var)} tracks in layers/is_peak: "
            "not a peaks.h5ad",
            path,
        )
    return PeakMatrix(obs, var, csc_matrix(is_peak), uns)


def read_frames(handle: h5py.File, path: Path, further: Sequence[str] = ()) -> PeakFrames:
    """The tables of an open peaks.h5ad.

    Args:
        handle: the open file.
        path: its name, for messages.
        further: columns that obs must have in addition to chrom, start, end and n_tracks.

    Raises:
        InputError: they are no such tables.
    """
    import pandas as pd

    obs, var = read_element(handle, "obs", path), read_element(handle, "var", path)
    if not isinstance(obs, pd.DataFrame) or not isinstance(var, pd.DataFrame):
        raise InputError("holds no tables obs and var: not a peaks.h5ad", path)
    missing = [c for c in ("chrom", "start", "end", "n_tracks", *further) if c not in obs.columns]
    if missing:
        raise InputError(f"lacks the obs column(s) {', '.join(missing)}: not a peaks.h5ad", path)
    text = [c for c in ("start", "end", "n_tracks") if obs[c].dtype.kind not in "iu"]
    if text:
        raise InputError(f"holds no integers in the obs column {text[0]}: not a peaks.h5ad", path)
    return PeakFrames(obs, var)


def read_element(handle: h5py.File, name: str, path: Path) -> Any:
    """An element as AnnData stores it.

    Raises:
        InputError: it is stored otherwise, or damaged.
    """
    from anndata.io import read_elem

    try:
        return read_elem(handle[name])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        # AnnData trusts the file's attributes: a damaged one shows as any of these.
        reason = (str(error).splitlines() or ["damaged"])[0][:120]
        raise InputError(f"cannot be read at {name} ({reason}): not as AnnData writes it", path) from None


def read_peak_rows(path: Path, edges: Sequence[int] = ()) -> PeakMatrix:
    """Read obs, var and the edges of peaks.h5ad, without its flags and coverage: is_peak has no column.

    Memory: about 100 bytes a peak bin.

    Args:
        path: the file.
        edges: lower edges of specificity bins that replace those of the file.

    Raises:
        InputError: it is no such file.
    """
    from scipy.sparse import csc_matrix

    with open_hdf5(path, ["obs", "var"]) as handle:
        obs, var = read_frames(handle, path)
        uns = {"edges": read_element(handle, "uns/edges", path)} if "uns/edges" in handle else {}
    counts = obs["n_tracks"].to_numpy()
    if edges or "specificity_bin" not in obs.columns:
        uns["edges"] = specificity_edges(len(var), edges)
        obs["specificity_bin"] = specificity_bin(counts, uns["edges"])
    obs["specificity_bin"] = obs["specificity_bin"].astype(str).to_numpy(dtype=object)
    return PeakMatrix(obs, var, csc_matrix((len(obs), 0), dtype=bool), uns)


def specificity_labels(peaks: PeakMatrix) -> list[str]:
    """Names of the specificity bins from specific to ubiquitous.

    Bins without a peak are included where the file holds its edges.
    """
    fewest: pd.Series = peaks.obs.groupby("specificity_bin", observed=True)["n_tracks"].min().sort_values()
    present = [str(name) for name in fewest.index if name not in ("", "NA", "nan")]
    if "edges" not in peaks.uns:
        return present
    named = bin_labels([int(edge) for edge in peaks.uns["edges"]])
    # Bins that somebody named otherwise are not those of the edges.
    return named if set(present) <= set(named) else present


def column_at(
    peaks: PeakMatrix, chrom: NDArray[np.object_], pos: NDArray[np.int64], column: str
) -> NDArray[np.object_]:
    """Value (n,) of an obs column at the peak bin that holds base `pos` (1-based); "" outside the peaks."""
    rows = peaks.locate(chrom, pos - 1)
    out = np.full(len(rows), "", dtype=object)
    out[rows >= 0] = peaks.obs[column].astype(str).to_numpy(dtype=object)[rows[rows >= 0]]
    return out
