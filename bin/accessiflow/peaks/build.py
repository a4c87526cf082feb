"""Building peaks.h5ad from coverage and peak files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.genes import nearest_distance, read_tss
from accessiflow.genome import Fasta, gc_and_cpg
from accessiflow.intervals import count_elsewhere, fold_of
from accessiflow.log import left_out
from accessiflow.peaks.cluster_bed import clusters_of
from accessiflow.peaks.files import read_peak_bins
from accessiflow.peaks.matrix import PeakFrames
from accessiflow.peaks.specificity import PAPER_TRACKS, clusters, specificity_bin, specificity_edges
from accessiflow.signal.bins import BinLayout, read_coverage, read_track_name

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csc_matrix


# A chunk of X is 512 KB; a block of its columns (128 bytes a peak) is written at once, so that each chunk is compressed
# once, and only one track's coverage is in memory.
COLUMNS_AT_ONCE = 32
ROWS_A_CHUNK = 4096
FLAGS_AT_ONCE = 1 << 26  # flags of peaks and tracks that are unpacked at once: 64 MB


@dataclass(frozen=True)
class Annotations:
    """Optional inputs of the peak rows.

    Attributes:
        fasta: the genome, for GC and CpG islands.
        genes: transcription starts, for the distance to the nearest.
        clusters: BED of the user's own clusters.
        valid_chroms: chromosomes of the validation fold.
        test_chroms: chromosomes of the test fold.
        edges: lower edges of the specificity bins; empty for the paper's, scaled.
        ubiquitous_share: share of the cell types that makes a peak ubiquitous.
    """

    fasta: Path | None = None
    genes: Path | None = None
    clusters: Path | None = None
    valid_chroms: Sequence[str] = ()
    test_chroms: Sequence[str] = ()
    edges: Sequence[int] = ()
    ubiquitous_share: float = 0.8


class _Incidence(NamedTuple):
    """Global numbers (n,) of the bins that are a peak in some track, and which are in which track (n, T)."""

    rows: NDArray[np.int64]
    is_peak: csc_matrix


def build(
    tracks: pd.DataFrame,
    coverage: Mapping[str, Path],
    called: Mapping[str, Path],
    layout: BinLayout,
    notes: Annotations,
    output: Path,
) -> PeakFrames:
    """Write peaks.h5ad.

    Args:
        tracks: rows of the tracks sheet; columns track, cell_type, group.
        coverage: track -> its coverage file.
        called: track -> its peak file.
        layout: how the bins of all coverage files lie.
        notes: optional inputs.
        output: the file.

    Returns:
        The tables as written.

    Raises:
        InputError: no track has a peak, or a file is not what it should be.
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
    return PeakFrames(obs, var)


def coverage_of_tracks(paths: Iterable[Path], tracks: Sequence[str]) -> dict[str, Path]:
    """The coverage file of each track of the sheet, by the name that it holds, else that of the file (T.coverage.h5).

    Raises:
        InputError: a track has none.
    """
    paths = list(paths)
    by_stem = {path.name.removesuffix(".h5").removesuffix(".coverage"): path for path in paths}
    return _match(by_stem | {read_track_name(path): path for path in paths}, paths, tracks, "coverage file")


def peaks_of_tracks(paths: Iterable[Path], tracks: Sequence[str]) -> dict[str, Path]:
    """The peak file of each track of the sheet, by the name of the file (T.peaks.bed.gz).

    Raises:
        InputError: a track has none.
    """
    paths = list(paths)
    by_stem = {path.name.removesuffix(".gz").removesuffix(".bed").removesuffix(".peaks"): path for path in paths}
    return _match(by_stem, paths, tracks, "peak file")


def _match(files: Mapping[str, Path], given: Sequence[Path], tracks: Sequence[str], what: str) -> dict[str, Path]:
    missing = [track for track in tracks if track not in files]
    if missing:
        raise InputError(
            f"no {what} for the track(s) {', '.join(missing[:5])} of the sheet (files are matched by track name)"
        )
    found = {track: files[track] for track in tracks}
    left_out(f"{what}s", len(given) - len(set(found.values())), len(given), "of no track of the sheet")
    return found


def _incidence(files: Sequence[Path], layout: BinLayout) -> _Incidence:
    from scipy.sparse import csc_matrix

    columns = [read_peak_bins(path, layout) for path in files]
    row_of = np.zeros(sum(layout.bins.values()), np.int32)  # 1 at a peak, then its row number
    for column in columns:
        row_of[column] = 1
    rows = np.flatnonzero(row_of)
    if len(rows) == 0:
        raise InputError("no track has a peak: is the coverage in counts, and --fdr not too strict?")
    row_of[rows] = np.arange(len(rows))
    # The columns of a CSC matrix, filled in place: a matrix built from coordinates would need several times the memory.
    starts = np.concatenate([[0], np.cumsum([len(column) for column in columns])])
    indices = np.empty(starts[-1], np.int32)
    for number, column in enumerate(columns):
        indices[starts[number] : starts[number + 1]] = row_of[column]
        columns[number] = column[:0]  # frees the column
    flags = np.ones(len(indices), bool)
    return _Incidence(rows, csc_matrix((flags, indices, starts.astype(np.int64)), shape=(len(rows), len(files))))


def _tracks_a_row(is_peak: csc_matrix) -> NDArray[np.int64]:
    """Number of tracks (n,) with each peak."""
    # Without the copy of all flags as integers that a sparse sum makes; no row is in a column twice.
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
    obs["tss_distance"] = _tss_distance(obs, notes.genes, layout)
    folds_given = notes.valid_chroms or notes.test_chroms
    obs["fold"] = fold_of(chrom, notes.valid_chroms, notes.test_chroms) if folds_given else "NA"
    for column in ("chrom", "specificity_bin", "cluster", "cpg_island", "fold"):
        obs[column] = obs[column].astype(str).astype("category")
    obs.index = [f"{c}:{s}-{e}" for c, s, e in zip(chrom, start, end, strict=True)]
    return obs


def _clusters(obs: pd.DataFrame, is_peak: csc_matrix, tracks: pd.DataFrame, notes: Annotations) -> NDArray[np.object_]:
    block, parts = max(FLAGS_AT_ONCE // len(tracks), 1), []
    by_row = is_peak.tocsr()
    for low in range(0, len(obs), block):
        dense = by_row[low : low + block].toarray()
        parts.append(clusters(dense, list(tracks["cell_type"]), list(tracks["group"]), notes.ubiquitous_share))
    out = np.concatenate(parts)
    if notes.clusters is not None:
        given = clusters_of(obs, notes.clusters)
        out = np.where(given != "", given, out)
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
                gc[at[low : low + len(part)]], _, island[at[low : low + len(part)]] = gc_and_cpg(windows)
    return gc, island


def _tss_distance(obs: pd.DataFrame, genes: Path | None, layout: BinLayout) -> NDArray[np.float64]:
    out = np.full(len(obs), np.nan)
    if genes is not None:
        starts = read_tss(genes)
        count_elsewhere(starts, layout.bins, genes, "genes")
        position = starts["position"].to_numpy()
        tss = {str(chrom): np.sort(position[rows]) for chrom, rows in starts.groupby("chrom").indices.items()}
        for chrom, at in obs.groupby("chrom", sort=False).indices.items():
            out[at] = nearest_distance(
                obs["start"].to_numpy()[at], obs["end"].to_numpy()[at], tss.get(str(chrom), np.empty(0, np.int64))
            )
        unknown = int(np.isnan(out).sum())
        left_out("peak bins", unknown, len(out), "no gene on their chromosome: no distance to a TSS")
    return out


def _write_coverage_block(
    path: Path, rows: NDArray[np.int64], files: Sequence[Path], layout: BinLayout
) -> NDArray[np.float64]:
    """Write X (rows, tracks) and the tracks' means (T,); returns the means."""
    # Into the file that AnnData has written, so that X never lies in memory as a whole.
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
