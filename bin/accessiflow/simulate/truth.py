"""Reading the truth of a study, and what an ideal method would get from it given the noise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_json, read_table, require_file
from accessiflow.simulate.design import VARIANT_KEY

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Truth:
    """The `truth` folder of a study; tables are read when asked for."""

    folder: Path

    @cached_property
    def params(self) -> dict[str, Any]:
        """Design, clusters, traits and noise."""
        return read_json(self.folder / "params.json")

    @cached_property
    def elements(self) -> pd.DataFrame:
        """chrom, start, end, cluster, and 0/1 for each cell type."""
        return read_table(self.folder / "elements.tsv", ["chrom", "start", "end", "cluster"], text=["chrom", "cluster"])

    @cached_property
    def variants(self) -> pd.DataFrame:
        """chrom, pos, ref, alt, and the true effect in each cell type."""
        return read_table(self.folder / "variants.tsv", VARIANT_KEY, text=["chrom", "ref", "alt"])

    @cached_property
    def allelic_ratios(self) -> pd.DataFrame:
        """cell_type, chrom, pos, ref, alt, true_ratio (REF share of the reads)."""
        return read_table(
            self.folder / "allelic_ratios.tsv",
            [*VARIANT_KEY, "cell_type", "true_ratio"],
            text=["chrom", "ref", "alt", "cell_type"],
        )

    @cached_property
    def heritability(self) -> pd.DataFrame:
        """trait, annotation, true_enrichment."""
        return read_table(
            self.folder / "heritability.tsv", ["trait", "annotation", "true_enrichment"], text=["trait", "annotation"]
        )

    @cached_property
    def cell_types(self) -> list[str]:
        """Names of the cell types, in order."""
        return [name for members in self.params["groups"].values() for name in members]

    def cell_type_in(self, name: str) -> str | None:
        """The cell type that a name of several parts (a file's, an annotation's) speaks of."""
        return next((part for part in _name_parts(name) if part in self.cell_types), None)

    def specific_annotation_of(self, name: str) -> str | None:
        """The cell type whose specific peaks an annotation of this name holds (`alpha1`, `alpha1.high`), or None."""
        rest = [part for part in _name_parts(name) if part != "high"]
        return rest[0] if len(rest) == 1 and rest[0] in self.cell_types else None

    def expected(self, cell_type: str) -> ExpectedSignal:
        """The noise-free signal of a cell type."""
        return ExpectedSignal(require_file(self.folder / "signal" / f"{cell_type}.bw", "bigWig of the expected signal"))


@dataclass(frozen=True)
class ExpectedSignal:
    """Expected insertions per base of a cell type, in a bigWig."""

    path: Path

    def sums(self, chrom: str, start: ArrayLike, end: ArrayLike) -> NDArray[np.float64]:
        """Expected insertions in each interval [start, end) of a chromosome."""
        import pyBigWig

        with pyBigWig.open(str(self.path)) as handle:
            size = handle.chroms(chrom)
            if size is None:
                raise InputError(f"has no chromosome {chrom}: are the results those of this study?", self.path)
            values = np.nan_to_num(handle.values(chrom, 0, size, numpy=True))
        # Sums of intervals as differences of one running total.
        total = np.concatenate([[0.0], values.cumsum(dtype=np.float64)])
        bounds = np.clip([start, end], 0, size)
        return total[bounds[1]] - total[bounds[0]]


def _name_parts(name: str) -> list[str]:
    return re.split(r"[^A-Za-z0-9]+", name)


class Calling(NamedTuple):
    """How well peaks agree with the planted elements of one cell type.

    Attributes:
        recall: share of the elements with a called bin.
        precision: share of the called bins near an element.
        elements: number of elements.
        bins: number of called bins.
    """

    recall: float
    precision: float
    elements: int
    bins: int


def agreement(called: Mapping[str, NDArray], elements: pd.DataFrame, bin_size: int) -> Calling:
    """Recall and precision of called bins against elements, a bin's width of tolerance on both sides.

    Args:
        called: chromosome -> probability (bins,) that each bin is called; 0 or 1 for actual calls. The result is the
            expectation.
        elements: chrom, start, end of the active elements.
        bin_size: bp of a bin.
    """
    hit, near, total = [], 0.0, 0.0
    for chrom, probability in called.items():
        here = elements[elements["chrom"] == chrom]
        first = np.maximum(here["start"].to_numpy() // bin_size - 1, 0)
        last = np.minimum((here["end"].to_numpy() - 1) // bin_size + 2, len(probability))
        within = np.zeros(len(probability), bool)
        for a, b in zip(first, last, strict=True):
            within[a:b] = True
            hit.append(1 - np.prod(1 - probability[a:b]))
        near += float(probability[within].sum())
        total += float(probability.sum())
    recall = float(np.mean(hit)) if hit else np.nan
    precision = near / total if total else np.nan
    return Calling(recall, precision, len(hit), round(total))


def calling_probability(expected: NDArray[np.float64], smallest: float, dispersion: float) -> NDArray[np.float64]:
    """Probability that a negative-binomial count with each expectation reaches the smallest called count."""
    from scipy.stats import nbinom

    size = 1 / dispersion
    return nbinom.sf(np.ceil(smallest) - 1, size, size / (size + expected))
