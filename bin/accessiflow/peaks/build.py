"""Building peaks.h5ad from coverage and peak files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.genes import nearest_distance, read_tss
from accessiflow.genome import Fasta, gc_and_cpg
from accessiflow.intervals import IntervalSet, fold_of, read_bed
from accessiflow.peaks.files import read_peak_bins
from accessiflow.peaks.specificity import PAPER_TRACKS, clusters, specificity_bin, specificity_edges
from accessiflow.signal.bins import BinLayout, read_coverage

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csc_matrix


COLUMNS_AT_ONCE = 32
ROWS_A_CHUNK = 4096
CELLS_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class Annotations:
    """Optional inputs of the peak rows: genome, genes, the user's clusters, folds and edges."""

    fasta: Path | None = None
    genes: Path | None = None
    clusters: Path | None = None
    valid_chroms: Sequence[str] = ()
    test_chroms: Sequence[str] = ()
    edges: Sequence[int] = ()
    ubiquitous_share: float = 0.8


def build(
    tracks: pd.DataFrame,
    coverage: Mapping[str, Path],
    called: Mapping[str, Path],
    layout: BinLayout,
    notes: Annotations,
    output: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write peaks.h5ad.

    Args:
        tracks: rows of the tracks sheet; columns track, cell_type, group.
        coverage, called: track -> coverage file and peak file.

    Returns:
        obs and var as written.
    """
    import anndata

    rows, is_peak = _incidence([called[t] for t in tracks["track"]], layout)
    obs = _describe_rows(rows, is_peak, tracks, layout, notes)
    var = tracks[["cell_type", "group"]].set_index(tracks["track"].to_numpy()).copy()
    var["n_peaks"] = np.diff(is_peak.indptr).astype(np.int64)
    with atomic(output) as temporary:
        matrix = anndata.AnnData(obs=obs, var=var.assign(**{"lambda": np.nan}), layers={"is_peak": is_peak})
        edges = specificity_edges(len(tracks), notes.edges)
        matrix.uns = {
            "bin_size": layout.bin_size,
            "edges": np.array(edges),
            "edges_from": "given" if notes.edges else f"paper ({PAPER_TRACKS} tracks) scaled",
        }
        matrix.write_h5ad(temporary)
        var["lambda"] = _write_coverage_block(temporary, rows, [coverage[t] for t in tracks["track"]], layout)
    return obs, var


def _incidence(files: Sequence[Path], layout: BinLayout) -> tuple[NDArray[np.int64], csc_matrix]:
    """Global numbers (n,) of the bins that are a peak in some track, and which are in which track (n, T)."""
    from scipy.sparse import csc_matrix

    columns = [read_peak_bins(path, layout) for path in files]
    row_of = np.zeros(sum(layout.bins.values()), np.int32)  # 1 at a peak, then its row number
    for column in columns:
        row_of[column] = 1
    rows = np.flatnonzero(row_of)
    if len(rows) == 0:
        raise InputError("no track has a peak: is the coverage in counts, and --fdr not too strict?")
    row_of[rows] = np.arange(len(rows))
    starts = np.concatenate([[0], np.cumsum([len(column) for column in columns])])
    indices = np.empty(starts[-1], np.int32)
    for number, column in enumerate(columns):
        indices[starts[number] : starts[number + 1]] = row_of[column]
        columns[number] = column[:0]
    return rows, csc_matrix(
        (np.ones(len(indices), bool), indices, starts.astype(np.int64)), shape=(len(rows), len(files))
    )


def _tracks_a_row(is_peak: csc_matrix) -> NDArray[np.int64]:
    """Number of tracks (n,) with each peak, without the copy that a sparse sum makes."""
    out = np.zeros(is_peak.shape[0], np.int64)
    for low, high in zip(is_peak.indptr[:-1], is_peak.indptr[1:], strict=True):
        out[is_peak.indices[low:high]] += 1
    return out


def _describe_rows(
    rows: NDArray[np.int64], is_peak: csc_matrix, tracks: pd.DataFrame, layout: BinLayout, notes: Annotations
) -> pd.DataFrame:
    import pandas as pd

    chrom, start = layout.locate(rows)
    end = start + layout.bin_size
    n_tracks = _tracks_a_row(is_peak)
    edges = specificity_edges(len(tracks), notes.edges)
    obs = pd.DataFrame(
        {
            "chrom": chrom,
            "start": start,
            "end": end,
            "n_tracks": n_tracks,
            "specificity_bin": specificity_bin(n_tracks, edges),
        }
    )
    obs["cluster"] = _clusters(obs, is_peak, tracks, notes)
    obs["gc"], obs["cpg_island"] = _sequence_features(obs, notes.fasta)
    obs["tss_distance"] = _tss_distance(obs, notes.genes)
    obs["fold"] = (
        fold_of(chrom, notes.valid_chroms, notes.test_chroms) if notes.valid_chroms or notes.test_chroms else "NA"
    )
    for column in ("chrom", "specificity_bin", "cluster", "cpg_island", "fold"):
        obs[column] = obs[column].astype(str).astype("category")
    obs.index = [f"{c}:{s}-{e}" for c, s, e in zip(chrom, start, end, strict=True)]
    return obs


def _clusters(obs: pd.DataFrame, is_peak: csc_matrix, tracks: pd.DataFrame, notes: Annotations) -> NDArray[np.object_]:
    block, parts = max(CELLS_AT_ONCE // len(tracks), 1), []
    by_row = is_peak.tocsr()
    for low in range(0, len(obs), block):
        dense = by_row[low : low + block].toarray()
        parts.append(clusters(dense, list(tracks["cell_type"]), list(tracks["group"]), notes.ubiquitous_share))
    out = np.concatenate(parts)
    if notes.clusters is not None:
        given = read_bed(notes.clusters)
        middle = ((obs["start"] + obs["end"]) // 2).to_numpy()
        for name, members in given.groupby("name", sort=False):
            index = IntervalSet(members)
            for chrom, at in obs.groupby("chrom", sort=False).indices.items():
                out[at[index.contains(str(chrom), middle[at])]] = str(name)
    return out


def _sequence_features(obs: pd.DataFrame, fasta: Path | None) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    gc, island = np.full(len(obs), np.nan), np.full(len(obs), "NA", dtype=object)
    if fasta is None:
        return gc, island
    width = int(obs["end"].iloc[0] - obs["start"].iloc[0])
    with Fasta(fasta) as genome:
        for chrom, at in obs.groupby("chrom", sort=False).indices.items():
            start = obs["start"].to_numpy()[at]
            for low in range(0, len(at), 1 << 14):
                part = start[low : low + (1 << 14)]
                codes = genome.codes(str(chrom), int(part[0]), int(part[-1]) + width)
                windows = codes[(part - part[0])[:, None] + np.arange(width)]
                gc[at[low : low + len(part)]], flags = gc_and_cpg(windows)
                island[at[low : low + len(part)]] = np.where(flags, "True", "False")
    return gc, island


def _tss_distance(obs: pd.DataFrame, genes: Path | None) -> NDArray[np.float64]:
    out = np.full(len(obs), np.nan)
    if genes is not None:
        tss = {str(chrom): np.sort(rows["position"].to_numpy()) for chrom, rows in read_tss(genes).groupby("chrom")}
        for chrom, at in obs.groupby("chrom", sort=False).indices.items():
            out[at] = nearest_distance(
                obs["start"].to_numpy()[at], obs["end"].to_numpy()[at], tss.get(str(chrom), np.empty(0, np.int64))
            )
    return out


def _write_coverage_block(
    path: Path, rows: NDArray[np.int64], files: Sequence[Path], layout: BinLayout
) -> NDArray[np.float64]:
    """Write X (rows, tracks) column block by column block and the tracks' means; returns the means."""
    import h5py
    from anndata.io import write_elem

    means = np.empty(len(files))
    with h5py.File(path, "a") as handle:
        if "X" in handle:
            del handle["X"]
        chunks = (min(len(rows), ROWS_A_CHUNK), min(len(files), COLUMNS_AT_ONCE))
        data = handle.create_dataset(
            "X",
            (len(rows), len(files)),
            np.float32,
            chunks=chunks,
            compression="gzip",
            compression_opts=1,
            shuffle=True,
        )
        data.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for low in range(0, len(files), COLUMNS_AT_ONCE):
            block = np.empty((len(rows), len(files[low : low + COLUMNS_AT_ONCE])), np.float32)
            for column, file in enumerate(files[low : low + COLUMNS_AT_ONCE]):
                bins = read_coverage(file, layout)
                block[:, column] = bins[rows]
                means[low + column] = np.nanmean(bins, dtype=np.float64)
            data[:, low : low + block.shape[1]] = block
        del handle["var/lambda"]
        write_elem(handle["var"], "lambda", means)
    return means
