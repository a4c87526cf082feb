"""Sequence of specific and ubiquitous peaks: GC, CpG islands, CTCF, motif enrichment.

Source: Kathail et al. 2024, Methods and Fig. S8. Enrichment as SEA counts it (Bailey and Grant 2021): TP and FP are the
shares of peaks and of control sequences that hold a motif at least once, ENR = ((tp + 1) / (n + 1)) / ((fp + 1) /
(n_control + 1)), p by Fisher's exact test (greater), q by Benjamini-Hochberg over the motifs of a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import Bootstrap, interval
from accessiflow.errors import InputError
from accessiflow.evaluation.sets import UBIQUITOUS
from accessiflow.genome import UNKNOWN, Fasta, composition_of
from accessiflow.intervals import IntervalSet, read_bed
from accessiflow.log import left_out
from accessiflow.motifs import Motif, best_scores, read_meme
from accessiflow.statistics import benjamini_hochberg, known_mean, wilson

if TYPE_CHECKING:
    import pandas as pd

GC_BINS = 20
MAX_UNKNOWN, MAX_CLUSTERS = 0.1, 50
NO_BASE = "no known base in any sequence"
SEQUENCES_AT_ONCE, SCANNED_AT_ONCE = 1 << 14, 1 << 10
Sequences = list[NDArray[np.uint8]]


def read_sequences(genome: Fasta, sites: pd.DataFrame) -> Sequences:
    """Base codes of each interval. Memory: a byte a base of all intervals."""
    return [
        genome.codes(chrom, start, end)
        for chrom, start, end in zip(sites["chrom"], sites["start"], sites["end"], strict=True)
    ]


def composition(sequences: Sequences) -> pd.DataFrame:
    """length, gc, cpg_oe and cpg_island (True, False, NA) of `genome.Composition`, one row a sequence."""
    import pandas as pd

    blocks = [
        _composition(sequences[low : low + SEQUENCES_AT_ONCE])
        for low in range(0, max(len(sequences), 1), SEQUENCES_AT_ONCE)
    ]
    return pd.concat(blocks, ignore_index=True)


def _composition(sequences: Sequences) -> pd.DataFrame:
    import pandas as pd

    length = np.array([len(s) for s in sequences], np.int64)
    joined = np.concatenate([*sequences, np.empty(0, np.uint8)])
    edges = np.concatenate([[0], np.cumsum(length)])
    pair = np.zeros(len(joined), bool)
    pair[:-1] = (joined[:-1] == 1) & (joined[1:] == 2)
    pair[edges[1:-1] - 1] = False  # not across two sequences
    c, g, known, cpg = (_counts(flags, edges) for flags in (joined == 1, joined == 2, joined != UNKNOWN, pair))
    bases = composition_of(c, g, cpg, known)
    return pd.DataFrame({"length": length, "gc": bases.gc, "cpg_oe": bases.cpg_oe, "cpg_island": bases.island})


def _counts(flags: NDArray[np.bool_], edges: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.concatenate([[0], np.cumsum(flags)])
    return total[edges[1:]] - total[edges[:-1]]


def summarise(table: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """Rows (cluster, figure): n, value, low, high, reason.

    Figures: gc and cpg_oe (means, bootstrap intervals), cpg_island and ctcf (shares, Wilson's intervals).

    Args:
        table: one row a peak: cluster, gc, cpg_oe, cpg_island (True, False, NA) and ctcf (yes, no; absent without a
            CTCF motif).
        bootstrap: of the intervals of means.
    """
    import pandas as pd

    left_out("peaks", int((table["cluster"] == "").sum()), len(table), "in no cluster: not in the summary")
    unknown = int(table["gc"].isna().sum())
    left_out("peaks", unknown, len(table), "no known base: not in the means of GC and CpG")
    rows = []
    for cluster, part in table[table["cluster"] != ""].groupby("cluster", sort=True):
        for figure, lacking in (("gc", NO_BASE), ("cpg_oe", "no C or no G in any sequence")):
            values = part[figure].dropna().to_numpy()
            low, high = interval(bootstrap.mean(f"{cluster} {figure}", values)[:, None])
            reason = "" if len(values) else lacking
            rows.append((cluster, figure, len(values), known_mean(values), low[0], high[0], reason))
        for figure, yes, lacking in (("cpg_island", "True", NO_BASE), ("ctcf", "yes", "no CTCF motif given")):
            # A table without the column has none to count, one from a file says NA.
            values = part[figure] if figure in part else part.iloc[:0, 0]
            flags = (values[values.notna() & (values != "NA")] == yes).to_numpy()
            share, reason = (flags.mean(), "") if len(flags) else (np.nan, lacking)
            rows.append((cluster, figure, len(flags), share, *wilson(int(flags.sum()), len(flags)), reason))
    return pd.DataFrame(rows, columns=["cluster", "figure", "n", "value", "low", "high", "reason"])


def background_windows(genome: Fasta, sites: pd.DataFrame, number: int, gc_matched: bool, seed: int) -> Sequences:
    """Random windows of the genome as wide as the peaks, none of them touching one.

    They are fewer than `number` where the genome has no more room.

    Args:
        genome: where they are drawn.
        sites: the peaks.
        number: how many windows.
        gc_matched: as many windows in each of 20 bins of GC as there are peaks, in proportion.
        seed: of the draw.

    Raises:
        InputError: no window is found.
    """
    rng = np.random.default_rng(seed)
    taken = IntervalSet(sites)
    width = (sites["end"] - sites["start"]).to_numpy()
    sizes = np.array(list(genome.sizes.values()), np.int64)
    drawn = number * (4 if gc_matched else 2)  # more than asked for: those on peaks and unknown bases fall out
    wide = rng.choice(width, drawn)
    room = np.maximum(sizes - width.max(), 0)
    if room.sum() == 0:
        raise InputError(
            f"has no contig longer than the longest peak ({width.max()} bp): no background can be drawn", genome.path
        )
    # One number over the room of all contigs: every place is equally likely.
    place = rng.integers(room.sum(), size=drawn)
    edges = np.concatenate([[0], np.cumsum(room)])
    contig = np.searchsorted(edges, place, side="right") - 1
    windows: Sequences = []
    names = list(genome.sizes)
    for number_of in np.unique(contig):
        at = np.flatnonzero(contig == number_of)
        start = place[at] - edges[number_of]
        free = ~taken.overlaps(names[number_of], start, start + wide[at])
        windows += [
            genome.codes(names[number_of], int(a), int(a + w)) for a, w in zip(start[free], wide[at][free], strict=True)
        ]
    windows = [codes for codes in windows if (codes == UNKNOWN).mean() <= MAX_UNKNOWN]
    if not windows:
        raise InputError("has no room without peaks for background windows: give a larger genome", genome.path)
    if gc_matched:
        chosen = _matched(windows, read_sequences(genome, sites), number, rng)
    else:
        chosen = rng.permutation(len(windows))[:number]
    return [windows[i] for i in np.sort(chosen)]


def _matched(pool: Sequences, peaks: Sequences, number: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows of the pool whose GC is distributed over 20 bins as that of the peaks."""
    # A sequence without a known base counts as GC 0.
    of_peaks, of_pool = (np.nan_to_num(composition(part)["gc"].to_numpy()) for part in (peaks, pool))
    edges = np.linspace(of_peaks.min(), of_peaks.max(), GC_BINS + 1)[1:-1]
    share = np.bincount(np.digitize(of_peaks, edges), minlength=GC_BINS) / len(of_peaks)
    bins = np.digitize(of_pool, edges)
    outside = (of_pool < of_peaks.min()) | (of_pool > of_peaks.max())
    members = [np.flatnonzero((bins == i) & ~outside) for i in range(GC_BINS)]
    return np.concatenate(
        [rng.permutation(rows)[: round(number * part)] for rows, part in zip(members, share, strict=True)]
    )


def occurrences(sequences: Sequences, motifs: Sequence[Motif], p_value: float) -> NDArray[np.bool_]:
    """Whether each sequence holds each motif (n, M) on either strand, at a site of a p value of at most `p_value`."""
    least = np.array([motif.threshold(p_value) for motif in motifs])
    out = np.zeros((len(sequences), len(motifs)), bool)
    # Sequences of like length together, longest first: each block is padded to its first.
    order = np.argsort([-len(s) for s in sequences], kind="stable")
    for low in range(0, len(order), SCANNED_AT_ONCE):
        rows = order[low : low + SCANNED_AT_ONCE]
        codes = np.full((len(rows), len(sequences[rows[0]])), UNKNOWN, np.uint8)
        for padded, row in zip(codes, rows, strict=True):
            padded[: len(sequences[row])] = sequences[row]
        out[rows] = best_scores(motifs, codes) >= least
    return out


def _is_ctcf(motif: Motif) -> bool:
    """Whether one of its names says CTCF (CTCFL is another factor)."""
    return any("CTCF" in text.upper() and "CTCFL" not in text.upper() for text in (motif.name, motif.matrix_id))


def enrichment(
    holds: NDArray[np.bool_], cluster: NDArray[np.object_], background: NDArray[np.bool_], motifs: Sequence[Motif]
) -> pd.DataFrame:
    """Rows (cluster, control, motif): motif_name, n, tp, tp_percent, n_control, fp, fp_percent, enr, p, q, reason.

    Controls are the ubiquitous peaks (for the other clusters) and the background.

    Args:
        holds: whether each peak holds each motif (n, M).
        cluster: cluster of each peak (n,).
        background: the same of the background windows (b, M).
        motifs: the M motifs.
    """
    import pandas as pd

    parts = []
    for name in sorted(set(cluster) - {""}):
        controls = {UBIQUITOUS: holds[cluster == UBIQUITOUS]} if name != UBIQUITOUS else {}
        for control, others in (controls | {"background": background}).items():
            parts.append(_tested(holds[cluster == name], others, motifs).assign(cluster=name, control=control))
    table = pd.concat(parts, ignore_index=True)
    return table[["cluster", "control", *(c for c in table if c not in ("cluster", "control"))]]


def _tested(own: NDArray[np.bool_], others: NDArray[np.bool_], motifs: Sequence[Motif]) -> pd.DataFrame:
    import pandas as pd
    from scipy.stats import hypergeom

    n, m = len(own), len(others)
    tp, fp = own.sum(axis=0), others.sum(axis=0)
    # Fisher's exact test, greater, is the tail of the hypergeometric distribution.
    p = hypergeom.sf(tp - 1, n + m, tp + fp, n) if n and m else np.full(len(motifs), np.nan)
    table = pd.DataFrame(
        {"motif": [x.matrix_id for x in motifs], "motif_name": [x.name for x in motifs], "n": n, "tp": tp}
    )
    with np.errstate(invalid="ignore"):
        table["tp_percent"] = 100 * tp / np.float64(n) if n else np.nan
        table = table.assign(n_control=m, fp=fp, fp_percent=100 * fp / np.float64(m) if m else np.nan)
    table["enr"] = ((tp + 1) / (n + 1)) / ((fp + 1) / (m + 1)) if m else np.nan
    table["p"] = p
    table["q"] = benjamini_hochberg(np.clip(p, 0, 1)) if m else np.nan
    return table.assign(reason="" if m else "no control sequence")


class Described(NamedTuple):
    """Tables of `describe`.

    Attributes:
        peaks: one row a peak.
        summary: one row a cluster and figure.
        motifs: one row a cluster, control and motif; None without motifs.
    """

    peaks: pd.DataFrame
    summary: pd.DataFrame
    motifs: pd.DataFrame | None


def describe(
    genome: Fasta,
    sites: pd.DataFrame,
    motifs: Sequence[Motif],
    p_value: float,
    number: int,
    gc_matched: bool,
    bootstrap: Bootstrap,
) -> Described:
    """GC, CpG, CTCF and motif enrichment of the peaks.

    Args:
        genome: the genome of the peaks.
        sites: the peaks: chrom, start, end, name, cluster.
        motifs: what is looked for.
        empty: no motifs.
        p_value: as in `occurrences`.
        number: how many background windows are drawn.
        gc_matched: as in `background_windows`.
        bootstrap: of the intervals; its seed draws the background too.
    """
    sequences = read_sequences(genome, sites)
    table = sites[["chrom", "start", "end", "name", "cluster"]].reset_index(drop=True).join(composition(sequences))
    enriched = None
    if motifs:
        holds = occurrences(sequences, motifs, p_value)
        control = occurrences(background_windows(genome, sites, number, gc_matched, bootstrap.seed), motifs, p_value)
        ctcf = [i for i, motif in enumerate(motifs) if _is_ctcf(motif)]
        if ctcf:
            table["ctcf"] = np.where(holds[:, ctcf].any(axis=1), "yes", "no")
        enriched = enrichment(holds, table["cluster"].to_numpy(dtype=object), control, motifs)
    return Described(table, summarise(table, bootstrap), enriched)


def of_files(
    fasta: Path,
    bed: Path | None,
    peaks: Path | None,
    motifs: Path | None,
    p_value: float,
    background: str,
    number: int,
    bootstrap: Bootstrap,
) -> Described:
    """`describe` of the peaks of a BED or of peaks.h5ad; `background` is uniform or gc.

    Raises:
        InputError: a file cannot be read, or `read_sites` refuses the peaks.
    """
    known = read_meme(motifs) if motifs is not None else []
    with Fasta(fasta) as genome:
        sites = read_sites(bed, peaks, genome)
        return describe(genome, sites, known, p_value, number, background == "gc", bootstrap)


def read_sites(bed: Path | None, peaks: Path | None, genome: Fasta) -> pd.DataFrame:
    """chrom, start, end, name, cluster of the peaks: of a BED, or the bins of peaks.h5ad.

    The cluster of a BED's peak is that of the peak bin at its centre ("" without one), or without `peaks` its column 4;
    where that names the peaks themselves (more than 50 names, most of them once) or is absent, all are the one cluster
    `all`.

    Raises:
        InputError: neither is given, an empty interval, or a contig or coordinate outside the genome.
    """
    from accessiflow.peaks.matrix import column_at, read_peak_rows

    if bed is not None:
        source, sites = bed, read_bed(bed, genome.sizes)
        if peaks is not None:
            middle = ((sites["start"] + sites["end"]) // 2).to_numpy()
            cluster = column_at(read_peak_rows(peaks), sites["chrom"].to_numpy(dtype=object), middle + 1, "cluster")
        else:
            cluster = sites["name"].where(sites["name"] != "", "all")
            # So many names are those of the peaks, not of clusters.
            if sites["name"].nunique() > max(MAX_CLUSTERS, len(sites) / 2):
                cluster = "all"
        sites = sites.assign(cluster=cluster)
    elif peaks is not None:
        source, obs = peaks, read_peak_rows(peaks).obs
        sites = (
            obs[["chrom", "start", "end", "cluster"]]
            .astype({"chrom": str, "cluster": str})
            .assign(name=obs.index.astype(str))
        )
    else:
        raise InputError("needs --bed or --peaks")
    if len(sites) == 0:
        raise InputError("holds no interval", source)
    genome.require(sites["chrom"], source)
    empty = (sites["end"] <= sites["start"]).to_numpy()
    if empty.any():
        raise InputError(f"peak {int(empty.argmax()) + 1} is empty (start = end)", source)
    return sites.reset_index(drop=True)
