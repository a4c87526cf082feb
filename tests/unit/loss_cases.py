"""Small inputs of every command of which a known number of things is not used: the registry, and what cases share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import anndata
import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csc_matrix

Script = Callable[..., object]
Lost = dict[tuple[str, str], tuple[int, int]]  # unit and reason -> how many were left out, of how many
VCF_HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


class Walk(NamedTuple):
    """A call of a command, and what it loses."""

    arguments: Sequence[object]
    lost: Lost


class Case(NamedTuple):
    """What makes the input of a walk in a folder."""

    script: str
    command: str
    make: Callable[[Path, Script], Walk]


CASES: list[Case] = []


def loses(script: str, command: str) -> Callable[[Callable[[Path, Script], Walk]], Callable[[Path, Script], Walk]]:
    """Register a case of a command."""

    def register(make: Callable[[Path, Script], Walk]) -> Callable[[Path, Script], Walk]:
        CASES.append(Case(script, command, make))
        return make

    return register


def write_lines(path: Path, *rows: Sequence[object] | str) -> Path:
    """A tab-separated file, a row a line."""
    lines = (row if isinstance(row, str) else "\t".join(map(str, row)) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def write_scores(
    path: Path, variants: Sequence[tuple[str, int, str, str]], tracks: Sequence[str] = ("a",), **stats: np.ndarray
) -> Path:
    """A score file: chrom, pos, ref, alt of each variant, and SAD (n, T) and further scores."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as out:
        columns = zip(*variants, strict=True)
        for name, values in zip(("chr", "pos", "ref_allele", "alt_allele"), columns, strict=True):
            out[name] = np.array(values) if name == "pos" else np.array(values, "S")
        out["snp"] = np.array([f"rs{i}" for i in range(len(variants))], "S")
        for name in ("target_ids", "target_labels"):
            out[name] = np.array(list(tracks), "S")
        for name, values in ({"SAD": np.ones((len(variants), len(tracks)))} | stats).items():
            out[name] = np.asarray(values, np.float32)
    return path


def write_peaks(
    path: Path, places: Sequence[tuple[str, int, int]], is_peak: np.ndarray, cluster: Sequence[str],
    types: Sequence[str], groups: Sequence[str] | None = None, edges: Sequence[int] = (1, 2),
) -> Path:  # fmt: skip
    """peaks.h5ad of bins, their flags (n, T), clusters, and the cell type of each track, by which it is called."""
    n = is_peak.sum(axis=1).astype(int)
    obs = pd.DataFrame(places, columns=["chrom", "start", "end"]).assign(n_tracks=n, cluster=list(cluster), gc=0.5)
    labels = [f"[{low},{high})" for low, high in zip(edges, [*edges[1:], "inf"], strict=True)]
    obs["specificity_bin"] = [labels[np.searchsorted(edges, k, side="right") - 1] for k in n]
    obs.index = obs.index.astype(str)
    var = pd.DataFrame({"cell_type": list(types), "group": list(groups or [""] * len(types))}, index=list(types))
    uns = {"edges": np.array(edges), "bin_size": int(obs["end"].iloc[0] - obs["start"].iloc[0])}
    layers = {"is_peak": csc_matrix(is_peak.astype(bool))}
    anndata.AnnData(is_peak.astype(np.float32), obs, var, layers=layers, uns=uns).write_h5ad(path)
    return path


def write_predictions(path: Path, values: np.ndarray, places: Sequence[tuple[str, int, int]], tracks: Sequence[str],
                      name: str = "preds") -> Path:  # fmt: skip
    """preds.h5 or targets.h5: values (n, T) at places."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as out:
        out[name] = np.asarray(values, np.float32)[:, None, :]
        chrom, start, end = zip(*places, strict=True)
        out["chrom"], out["start"], out["end"] = np.array(chrom, "S"), np.array(start), np.array(end)
        out["target_ids"] = np.array(list(tracks), "S")
    return path


def flags(**options: object) -> list[object]:
    """Options of a command line: a list is repeated, True is a flag."""
    out: list[object] = []
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            out.append(option)
        else:
            out += [part for one in (value if isinstance(value, list) else [value]) for part in (option, one)]
    return out


def sheet(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A sheet (CSV) of rows."""
    pd.DataFrame(list(rows)).to_csv(path, index=False)
    return path
