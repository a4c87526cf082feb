"""Peak clusters as peak sets: one BED a cluster, in the form that tissue peak sets have."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.errors import InputError
from accessiflow.files import write_text
from accessiflow.intervals import read_bed
from accessiflow.log import left_out

if TYPE_CHECKING:
    import pandas as pd


def clusters_of_peaks(path: Path) -> pd.DataFrame:
    """chrom, start, end and name (the cluster) of the bins of peaks.h5ad; bins without a cluster are left out."""
    from accessiflow.peaks.matrix import read_peaks

    obs = read_peaks(path).obs
    named = obs[obs["cluster"].notna()]
    left_out("peak bins", len(obs) - len(named), len(obs), "without a cluster")
    if named.empty:
        raise InputError("names no cluster: give --clusters to peaks.py merge", path)
    return named[["chrom", "start", "end"]].assign(name=named["cluster"].astype(str))


def clusters_of_bed(path: Path) -> pd.DataFrame:
    """chrom, start, end and name of a BED file.

    Raises:
        InputError: a line without a name in the fourth column.
    """
    table = read_bed(path)
    if (table["name"] == "").any():
        raise InputError("has a line without a cluster's name: expected it in the fourth column", path)
    return table


def write_clusters(table: pd.DataFrame, folder: Path) -> dict[str, int]:
    """Write FOLDER/cluster.NAME.bed, characters that are not for names replaced by _; returns intervals a cluster.

    Raises:
        InputError: two clusters have one name then.
    """
    files = {name: f"cluster.{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}" for name in sorted(set(table["name"]))}
    if len(set(files.values())) < len(files):
        raise InputError(f"two clusters have one file name ({', '.join(sorted(files.values()))}): rename one")
    sizes = {}
    for name, file in files.items():
        part = table[table["name"] == name].sort_values(["chrom", "start", "end"], kind="stable")
        with write_text(folder / f"{file}.bed") as out:
            out.writelines(
                f"{c}\t{s}\t{e}\n"
                for c, s, e in part[["chrom", "start", "end"]].astype({"chrom": str}).itertuples(index=False)
            )
        sizes[name] = len(part)
    return sizes
