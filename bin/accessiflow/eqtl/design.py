"""What an eQTL benchmark takes and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

SKLEARN, INTELEX = "sklearn", "intelex"


@dataclass(frozen=True)
class Matching:
    """Which negatives a positive gets.

    Attributes:
        on: what they share: any of "tss" and "maf" (bins of matching.py) and "peak" (the specificity bin).
        ratio: negatives a positive; also of negatives that are drawn without matching.
        nearest: fill a stratum that runs short from the nearest one, else the bin is not evaluated.
    """

    on: tuple[str, ...] = ()
    ratio: int = 1
    nearest: bool = False


@dataclass(frozen=True)
class Design:
    """How a bin is evaluated.

    Attributes:
        folds: how many folds the cross-validation has.
        seed: seed of the forests; repeat r uses seed + r.
        repeats: times that negatives are drawn and forests grown.
        min_positives: a bin with fewer positives (direction: variants) is not evaluated.
        same_bin: negatives from peaks of the positives' specificity bin, else from the whole set.
        negative_seed: seed of the draw of negatives; repeat r uses negative_seed + r.
        shuffle: permute the labels (a control whose AUROC is about 0.5).
        single_track: no forest: the mean |score| over tracks.
        threads: folds that are fitted at the same time.
        tissue: name for the tables.
        matching: which negatives a positive gets.
        by_chromosome: no chromosome is in two folds.
        engine: whose forests, SKLEARN or INTELEX.
        per_track: classify by each track alone too.
    """

    folds: int = 8
    seed: int = 42
    repeats: int = 1
    min_positives: int = 40
    same_bin: bool = False
    negative_seed: int = 0
    shuffle: bool = False
    single_track: bool = False
    threads: int = 1
    tissue: str = ""
    matching: Matching = Matching()
    by_chromosome: bool = False
    engine: str = SKLEARN
    per_track: bool = False


class Row(NamedTuple):
    """One specificity bin of a tissue.

    Attributes:
        n_positive, n_negative: variants classified.
        features: how many tracks the forests see.
        seed: seed of the first repeat.
        auroc, auprc: means over folds and repeats.
        auroc_low, auroc_high: 95 % interval from DeLong's variance within folds and the spread between repeats.
        tss_distance, abs_beta: medians over the fine-mapped variants (bp; NaN where unknown).
        reason: why the bin has no figure.
    """

    tissue: str
    bin: str
    n_positive: int
    n_negative: int
    features: int
    seed: int
    auroc: float = np.nan
    auprc: float = np.nan
    auroc_low: float = np.nan
    auroc_high: float = np.nan
    tss_distance: float = np.nan
    abs_beta: float = np.nan
    reason: str = ""


class Result(NamedTuple):
    """Tables of a benchmark.

    Attributes:
        table: one row a bin (`Row`).
        curves: points of the ROC and PR curves (tissue, bin, curve, x, y).
        tracks: each track alone (tables.TRACK_COLUMNS); empty unless asked for.
        distributions: distances and effects by bin (tables.DISTRIBUTION_COLUMNS).
        strata: how negatives were matched (matching.STRATUM_COLUMNS); empty without matching.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    tracks: pd.DataFrame
    distributions: pd.DataFrame
    strata: pd.DataFrame


class Sample(NamedTuple):
    """The variants of one repeat, positives first: rows of the score file, labels and chromosomes, each (n,)."""

    rows: NDArray[np.int64]
    labels: NDArray[np.bool_]
    chroms: NDArray[np.object_]


class Task(NamedTuple):
    """One bin to evaluate.

    Attributes:
        label: name of the bin.
        samples: variants to classify, one sample a repeat.
        described: the fine-mapped variants of the bin.
        signed: a track alone classifies by its score, else by the score's absolute value.
        reason: why the bin cannot be evaluated; empty where it can.
    """

    label: str
    samples: list[Sample]
    described: pd.DataFrame
    signed: bool = False
    reason: str = ""
