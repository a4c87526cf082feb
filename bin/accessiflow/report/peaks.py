"""The peaks: how many, how specific, in which clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.report.figures import WIDTH, Figure, figure, table_uri
from accessiflow.report.section import TIP, Section, Table, number
from accessiflow.results import Results

if TYPE_CHECKING:
    import pandas as pd

WARNED = 6  # tracks with few peaks that are named one by one
SEARCHABLE_FROM = 20  # tracks from which on a reader may want to search
CLUSTER_BARS = 60  # bars that are drawn, the largest
FEW = 1000  # peak bins of a track below which its accuracy is uncertain


def section(results: Results) -> Section | None:
    """The section, or None without peaks."""
    tracks, bins, clusters = (results.table(f"peaks/{n}.tsv") for n in ("peaks_per_track", "specificity", "clusters"))
    if tracks is None or bins is None or clusters is None:
        return None
    total = int(bins["n_bins"].sum())
    # The first bin holds the most specific peaks.
    specific = bins["n_bins"].iloc[0] / max(total, 1)
    rows = [
        [str(t), str(c), str(g), f"{m:.4g}", f"{int(n):,}", f"{100 * s:.2f} %"]
        for t, c, g, m, n, s in tracks[["track", "cell_type", "group", "lambda", "n_peaks", "share"]]
        .fillna("NA")
        .itertuples(index=False)
    ]
    few = [
        f"The track {t} has only {int(n):,} peak bins: its accuracy by bin rests on few of them."
        for t, n in zip(tracks["track"], tracks["n_peaks"], strict=True)
        if n < FEW
    ]
    few[WARNED:] = [f"{len(few) - WARNED} further tracks have fewer than {FEW:,} peak bins."] * (len(few) > WARNED)
    return Section(
        "peaks",
        "Peaks and their specificity",
        f"{total:,} bins are a peak in at least one of {len(tracks)} tracks; "
        f"{100 * specific:.0f} % of them in the most specific class.",
        f"{total:,} peak bins in {len(tracks)} tracks, "
        f"{number(100 * specific, 0)} % of them in the most cell type-specific class.",
        _figures(bins, clusters),
        [
            Table(
                "peaks-tracks",
                "Tracks",
                ["track", "cell type", "group", "mean a bin", "peak bins", "share"],
                rows,
                table_uri(tracks),
                len(rows) > SEARCHABLE_FROM,
                ["peaks/peaks_per_track.tsv"],
            )
        ],
        few,
    )


def _figures(bins: pd.DataFrame, clusters: pd.DataFrame) -> list[Figure]:
    """Peak bins by specificity bin and by cluster."""
    import altair as alt

    order = list(bins["specificity_bin"])
    largest = clusters.nlargest(CLUSTER_BARS, "n_bins")
    more = f"; the {CLUSTER_BARS} largest of {len(clusters)}" if len(clusters) > CLUSTER_BARS else ""
    by_bin = (
        alt.Chart(bins.assign(tip=_tip(bins, "specificity_bin")))
        .mark_bar(color="#0072b2")
        .encode(
            x=alt.X("specificity_bin:N", sort=order, title="tracks with the peak", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("n_bins:Q", title="peak bins"),
            description="tip:N",
        )
    )
    by_cluster = (
        alt.Chart(largest.assign(tip=_tip(largest, "cluster")))
        .mark_bar(color="#0072b2")
        .encode(
            y=alt.Y("cluster:N", sort="-x", title=None),
            x=alt.X("n_bins:Q", title="peak bins", axis=alt.Axis(tickCount=4)),
            description="tip:N",
        )
    )
    return [
        figure(
            "peaks-specificity",
            "Peak bins by specificity",
            "Number of tracks that share a peak bin.",
            by_bin.properties(width=WIDTH, height=240),
            bins,
            ["peaks/specificity.tsv"],
        ),
        figure(
            "peaks-clusters",
            "Peak bins by cluster",
            f"Ubiquitous, specific to one group or cell type, or shared otherwise{more}.",
            by_cluster.properties(width=WIDTH - 80, height=alt.Step(24)),
            clusters,
            ["peaks/clusters.tsv"],
        ),
    ]


def _tip(table: pd.DataFrame, name: str) -> list[str]:
    return [f"{TIP}{label}: n {int(n):,}" for label, n in zip(table[name], table["n_bins"], strict=True)]
