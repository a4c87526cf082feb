"""Summary tables of the peak stage and the tissue sets' BED files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import write_json, write_table, write_text
from accessiflow.log import left_out, log
from accessiflow.peaks.specificity import bin_labels
from accessiflow.peaks.tissue_sets import TissueSet

if TYPE_CHECKING:
    import pandas as pd


def write_tables(
    obs: pd.DataFrame, var: pd.DataFrame, n_bins: int, edges: Sequence[int], edges_given: bool, folder: Path
) -> None:
    """Write peaks_per_track.tsv, specificity.tsv, clusters.tsv and peaks.metrics.json."""
    import pandas as pd

    per_track = pd.DataFrame(
        {"track": var.index, "cell_type": var["cell_type"].to_numpy(), "group": var["group"].to_numpy()}
    )
    per_track["lambda"] = var["lambda"].to_numpy()
    per_track["n_bins"] = n_bins
    per_track["n_peaks"] = var["n_peaks"].to_numpy()
    per_track["share"] = per_track["n_peaks"] / n_bins
    write_table(per_track.replace({"group": {"": "NA"}}), folder / "peaks_per_track.tsv")
    labels = bin_labels(edges)
    counts = obs["specificity_bin"].value_counts()
    write_table(
        pd.DataFrame({"specificity_bin": labels, "n_bins": [int(counts.get(label, 0)) for label in labels]}),
        folder / "specificity.tsv",
    )
    clusters = obs["cluster"].value_counts().sort_index()
    write_table(pd.DataFrame({"cluster": clusters.index, "n_bins": clusters.to_numpy()}), folder / "clusters.tsv")
    facts = {
        "n_peak_bins": len(obs),
        "n_tracks": len(var),
        "edges": list(edges),
        "edges_given": edges_given,
        "fewest_peaks": int(var["n_peaks"].min()),
    }
    write_json(facts, folder / "peaks.metrics.json")


def write_sets(obs: pd.DataFrame, sets: Sequence[TissueSet], folder: Path) -> None:
    """Write NAME.high.bed and NAME.low.bed (one line a peak bin), NAME.tracks.txt and sets.tsv.

    An empty half has its reason in sets.tsv and in the log. Characters of a tissue's name that a file's name cannot
    hold become `_`.

    Raises:
        InputError: two different tissues would have the same name.
    """
    import pandas as pd

    rows = []
    for tissue in _distinct(sets):
        with write_text(folder / f"{tissue.name}.tracks.txt") as out:
            out.writelines(f"{track}\n" for track in tissue.tracks)
        for split, members in (("high", tissue.high), ("low", tissue.low)):
            name = f"{tissue.name}.{split}.bed"
            chosen = obs.iloc[members]
            reason = "" if len(members) else _why_empty(tissue)
            if reason:
                log.warning("the tissue set %s is empty and gives no annotation: %s", name, reason)
            with write_text(folder / name) as out:
                out.writelines(
                    f"{c}\t{s}\t{e}\n" for c, s, e in zip(chosen["chrom"], chosen["start"], chosen["end"], strict=True)
                )
            rows.append((tissue.name, tissue.by, split, len(members), tissue.median, tissue.n_tracks, name, reason))
    columns = ["set", "by", "split", "n_bins", "median", "n_tracks", "file", "reason"]
    write_table(pd.DataFrame(rows, columns=columns).replace({"reason": {"": "NA"}}), folder / "sets.tsv")
    left_out("tissue sets", sum(row[3] == 0 for row in rows), len(rows), "empty: no annotation")
    members = np.unique(np.concatenate([np.empty(0, np.int64), *(part for s in sets for part in (s.high, s.low))]))
    reason = "in too few tracks of every tissue: in no set"
    left_out("peak bins", len(obs) - len(members), len(obs), reason, expected=True)


def _why_empty(tissue: TissueSet) -> str:
    if len(tissue.low) == 0:
        return "no peak is in enough tracks of the tissue (--min-share)"
    return f"no peak of the tissue is in fewer tracks than the median, {tissue.median:g} (tracks: {tissue.n_tracks})"


def _distinct(sets: Sequence[TissueSet]) -> list[TissueSet]:
    """The sets under names fit for files; a cell type that is a group of the same peaks is one set."""
    chosen: dict[str, TissueSet] = {}
    for tissue in sets:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", tissue.name)
        same = chosen.setdefault(name, replace(tissue, name=name))
        if not (np.array_equal(same.high, tissue.high) and np.array_equal(same.low, tissue.low)):
            raise InputError(
                f"the {same.by} and the {tissue.by} named {tissue.name} have different peaks: "
                "rename one of them in the tracks sheet"
            )
    return list(chosen.values())
