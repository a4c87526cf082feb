"""How well variant scores tell fine-mapped eQTLs from others, and the direction of their effect, by cell type specificity.

A random forest on the scores of all tracks, cross-validated in each specificity bin (Kathail et al. 2024, after Avsec et al. 2021). Its
defaults are the paper's code: negatives from the whole negative set, drawn bin after bin from one legacy numpy generator seeded with 0 and
used in file order; scikit-learn's forest with max_features log2; unshuffled stratified folds; means over folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.auroc import cross_validated, delong, pooled
from accessiflow.cli import log
from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.peak_rows import column_at, specificity_labels
from accessiflow.variant_table import KEY, read_variants

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peak_matrix import PeakMatrix
    from accessiflow.variants.scores import Scores

CURVE_POINTS = 201


@dataclass(frozen=True)
class Design:
    """How a bin is judged.

    Attributes:
        folds: of the cross-validation. seed: of the forests; repeat r uses seed + r.
        repeats: times that negatives are drawn and forests grown.
        min_positives: a bin with fewer positives (direction: variants) is not judged.
        same_bin: negatives from peaks of the positives' specificity bin, else from the whole set.
        negative_seed: of the draw of negatives; repeat r uses negative_seed + r.
        shuffle: permute the labels (a control whose AUROC is about 0.5).
        single_track: no forest: the mean |score| over tracks.
        threads: folds that are fitted at the same time.
        tissue: name for the tables.
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


class Row(NamedTuple):
    """One specificity bin of a tissue.

    Attributes:
        n_positive, n_negative: variants judged. features: tracks. seed: of the first repeat.
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
    """The table (one row a bin) and the points of the ROC and PR curves (tissue, bin, curve, x, y)."""

    table: pd.DataFrame
    curves: pd.DataFrame


class Task(NamedTuple):
    """One bin to judge: rows of the score file for each repeat (positives, then negatives) and their labels."""

    label: str
    rows: list[NDArray[np.int64]]
    labels: list[NDArray[np.bool_]]
    described: pd.DataFrame


@dataclass(frozen=True)
class Features:
    """Scores of variants in chosen tracks.

    Attributes:
        scores: the opened files. columns: of the tracks (F,).
    """

    scores: Scores
    columns: NDArray[np.int64]

    def find(self, variants: pd.DataFrame) -> NDArray[np.int64]:
        """Row (n,) of each variant; -1 without a score."""
        return self.scores.find(variants)

    def read(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """SAD (n, F) of rows (n,).

        Raises:
            InputError: some are not finite.
        """
        values = self.scores.read(rows)[:, self.columns]
        wrong = ~np.isfinite(values).all(axis=1)
        if wrong.any():
            raise InputError(
                f"{int(wrong.sum())} of {len(rows)} variants have scores that are not finite numbers: score them again or leave them out"
            )
        return values


Fold = tuple[NDArray[np.bool_], NDArray[np.float64]]


def read_fine_mapped(path: Path, *, beta: bool = False) -> pd.DataFrame:
    """Read fine-mapped variants: chrom pos ref alt, and pip, beta, gene where the file has them."""
    return read_variants(path, numbers=["beta"] if beta else [], optional=["pip", "beta"])


def choose_tracks(scores: Scores, track_list: Path | None) -> Features:
    """All tracks of the score files, or those that a file names (first column of each line: id or label).

    Raises:
        InputError: a name is unknown.
    """
    if track_list is None:
        return Features(scores, np.arange(len(scores.tracks)))
    with open_text(track_list) as handle:
        names = [line.split("\t")[0].strip() for line in handle if line.strip() and not line.startswith("#")]
    known = {name: i for i, name in reversed([*enumerate(scores.tracks), *enumerate(scores.labels)])}
    for number, name in enumerate(names, 1):
        if name not in known:
            raise InputError(
                f"names the track {name[:60]!r}, which the scores lack (they have {', '.join(scores.tracks[:5])}...)", track_list, number
            )
    return Features(scores, np.array([known[name] for name in names], np.int64))


def high_pip(table: pd.DataFrame, pip: float, tss: pd.DataFrame | None = None) -> pd.DataFrame:
    """Variants with a PIP above `pip` (all where the table has none), each once: with its nearest gene where genes are given.

    Adds the column tss_distance (bp; NaN without genes or where the gene is not among them).
    """
    kept = table[table["pip"] > pip] if "pip" in table.columns else table
    kept = kept.assign(tss_distance=_tss_distance(kept, tss)).reset_index(drop=True)
    kept = kept.assign(row=kept.groupby(KEY, sort=False).ngroup())
    return kept.sort_values(["row", "tss_distance"], kind="stable").drop_duplicates(KEY).drop(columns="row").reset_index(drop=True)


def low_pip(table: pd.DataFrame, max_pip: float) -> pd.DataFrame:
    """Variants with a PIP below `max_pip`: the negatives of a table that comes without a file of them."""
    if "pip" not in table.columns:
        raise InputError("the positives have no column pip: give --negatives, or a table with low-PIP variants too")
    return table.loc[table["pip"] < max_pip, KEY]


def without(negatives: pd.DataFrame, positives: pd.DataFrame) -> pd.DataFrame:
    """The negatives once each, without those that are positives too."""
    import pandas as pd

    known = pd.MultiIndex.from_frame(positives[KEY])
    unique = negatives.drop_duplicates(KEY)
    both = pd.MultiIndex.from_frame(unique[KEY]).isin(known)
    if both.any():
        log.warning("%d negatives are positives too: left out", int(both.sum()))
    return unique[~both].reset_index(drop=True)


def effect_signs(table: pd.DataFrame) -> pd.DataFrame:
    """Add `positive`, whether ALT raises expression, and drop variants whose sign differs between genes.

    Where the table has minor_allele, beta is the minor allele's effect and is flipped when that allele is not allele2 (ALT by default).
    """
    beta = table["beta"]
    if "minor_allele" in table.columns:
        second = table["allele2"] if "allele2" in table.columns else table["alt"]
        beta = beta.where(table["minor_allele"] == second, -beta)
    table = table.assign(beta=beta, positive=beta > 0)
    conflicting = table.groupby(KEY, sort=False)["positive"].transform("nunique") > 1
    if conflicting.any():
        log.info("%d rows of variants whose sign differs between genes: left out", int(conflicting.sum()))
    return table[~conflicting]


def classify(positives: pd.DataFrame, negatives: pd.DataFrame, features: Features, peaks: PeakMatrix, design: Design) -> Result:
    """Classify positives against negatives in each specificity bin.

    Args:
        positives: unique variants (`high_pip`). negatives: unique variants (`without`).
    """
    positives = _placed(positives, features, peaks, "positives")
    negatives = _placed(negatives, features, peaks, "negatives")
    draws = [np.random.RandomState(design.negative_seed + repeat) for repeat in range(design.repeats)]
    tasks = (_against(label, positives[positives["bin"] == label], negatives, draws, design) for label in specificity_labels(peaks))
    return _judge(tasks, features, design)


def direction(variants: pd.DataFrame, features: Features, peaks: PeakMatrix, design: Design) -> Result:
    """Tell variants that raise expression from those that lower it, in each specificity bin.

    Args:
        variants: unique variants with `positive` (`effect_signs`, then `high_pip`).
    """
    placed = _placed(variants, features, peaks, "variants")
    return _judge((_by_sign(label, placed[placed["bin"] == label], design) for label in specificity_labels(peaks)), features, design)


def _tss_distance(table: pd.DataFrame, tss: pd.DataFrame | None) -> NDArray[np.float64]:
    """Distance (n,) of each row to the nearest start of its own gene."""
    if tss is None or table.empty:
        return np.full(len(table), np.nan)
    if "gene" not in table.columns:
        raise InputError("genes are given, but the variants have no column gene")
    rows = table[["chrom", "gene", "pos"]].assign(row=np.arange(len(table)))
    both = rows.merge(tss, left_on=["chrom", "gene"], right_on=["chrom", "name"])
    if both.empty:
        raise InputError("no gene of the variants is in the genes file: names (column gene) and chromosomes must agree")
    nearest = (both["position"] - (both["pos"] - 1)).abs().groupby(both["row"]).min()
    return nearest.reindex(range(len(table))).to_numpy(np.float64)


def _placed(variants: pd.DataFrame, features: Features, peaks: PeakMatrix, what: str) -> pd.DataFrame:
    """Variants that have a score, with their specificity bin ("" outside the peaks) and their row of the score file."""
    table = variants.assign(
        bin=column_at(peaks, variants["chrom"].to_numpy(dtype=object), variants["pos"].to_numpy(), "specificity_bin"), row=features.find(variants)
    )
    scored = table["row"] >= 0
    if len(table) and not scored.any():
        raise InputError(f"none of the {len(table)} {what} is in the score files: chromosome names, positions and alleles must agree")
    log.info("%s: %d, %d scored, %d of these in peaks", what, len(table), int(scored.sum()), int((scored & (table["bin"] != "")).sum()))
    return table[scored].reset_index(drop=True)


def _against(label: str, positives: pd.DataFrame, negatives: pd.DataFrame, draws: list[np.random.RandomState], design: Design) -> Task:
    pool = negatives.loc[negatives["bin"] == label, "row"] if design.same_bin else negatives["row"]
    pool, rows = pool.to_numpy(), positives["row"].to_numpy()
    n = min(len(rows), len(pool))
    enough = len(rows) >= design.min_positives
    drawn = [pool[np.sort(draw.choice(len(pool), n, replace=False))] if enough and n else pool[:0] for draw in draws]
    labels = np.repeat([True, False], [len(rows), len(drawn[0])])
    return Task(label, [np.concatenate([rows, part]) for part in drawn], [labels] * len(draws), positives)


def _by_sign(label: str, variants: pd.DataFrame, design: Design) -> Task:
    rows, signs = variants["row"].to_numpy(), variants["positive"].to_numpy(bool)
    return Task(label, [rows] * design.repeats, [signs] * design.repeats, variants)


def _judge(tasks: Iterator[Task], features: Features, design: Design) -> Result:
    import pandas as pd

    rows, curves = [], []
    for index, task in enumerate(tasks):
        row, folds = _judge_bin(task, features, design, index)
        rows.append(row)
        if row.reason:
            log.warning("%s %s: %s", design.tissue, task.label, row.reason)
        else:
            log.info("%s %s: AUROC %.3f, AUPRC %.3f (%d positives)", design.tissue, task.label, row.auroc, row.auprc, row.n_positive)
            curves.append(_curves(folds, design.tissue, task.label))
    empty = pd.DataFrame(columns=["tissue", "bin", "curve", "x", "y"])
    return Result(pd.DataFrame(rows, columns=Row._fields), pd.concat(curves, ignore_index=True) if curves else empty)


def _judge_bin(task: Task, features: Features, design: Design, index: int) -> tuple[Row, list[Fold]]:
    first = task.labels[0]
    row = Row(design.tissue, task.label, int(first.sum()), int((~first).sum()), len(features.columns), design.seed)
    row = row._replace(tss_distance=_median(task.described, "tss_distance"), abs_beta=_median(task.described, "beta"))
    reason = _obstacle(row, len(task.described), design)
    if reason:
        return row._replace(reason=reason), []
    folds, areas, precisions = [], [], []
    for repeat, (rows, truth) in enumerate(zip(task.rows, task.labels, strict=True)):
        seed = design.seed + repeat
        labels = np.random.default_rng([seed, index]).permutation(truth) if design.shuffle else truth
        tested = _tested(features.read(rows), labels, seed, design)
        folds.append(tested)
        areas.append(delong(*tested[0]) if design.single_track else cross_validated(tested))
        precisions.append(_mean_precision(tested))
    area = pooled(areas)
    low, high = area.interval
    return row._replace(auroc=area.value, auprc=float(np.mean(precisions)), auroc_low=low, auroc_high=high), folds[0]


def _obstacle(row: Row, n: int, design: Design) -> str:
    """Why a bin cannot be judged; empty where it can."""
    if n < design.min_positives:
        return f"{n} variants, fewer than {design.min_positives}"
    least = 2 if design.single_track else design.folds
    if min(row.n_positive, row.n_negative) < least:
        return f"{row.n_positive} positives and {row.n_negative} negatives, both must be at least {least}"
    return ""


def _tested(values: NDArray[np.float32], labels: NDArray[np.bool_], seed: int, design: Design) -> list[Fold]:
    """Labels and scores of each test fold; a single one, of all variants, for the mean |score|."""
    if design.single_track:
        return [(labels, np.abs(values).mean(axis=1, dtype=np.float64))]
    from joblib import Parallel, delayed
    from sklearn.model_selection import StratifiedKFold

    split = StratifiedKFold(design.folds).split(values, labels)
    return list(Parallel(n_jobs=design.threads, prefer="threads")(delayed(_fold)(values, labels, train, test, seed) for train, test in split))


def _fold(values: NDArray[np.float32], labels: NDArray[np.bool_], train: NDArray[np.int64], test: NDArray[np.int64], seed: int) -> Fold:
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(max_features="log2", random_state=seed).fit(values[train], labels[train])
    return labels[test], forest.predict_proba(values[test])[:, 1]


def _mean_precision(folds: list[Fold]) -> float:
    from sklearn.metrics import average_precision_score

    return float(np.mean([average_precision_score(labels, scores) for labels, scores in folds]))


def _curves(folds: list[Fold], tissue: str, label: str) -> pd.DataFrame:
    """Points of the ROC (x false, y true positive rate) and PR (x recall, y precision) curves of the predictions of all test folds."""
    import pandas as pd
    from sklearn.metrics import precision_recall_curve, roc_curve

    labels, scores = (np.concatenate(part) for part in zip(*folds, strict=True))
    false_rate, true_rate, _ = roc_curve(labels, scores)
    precision, recall, _ = precision_recall_curve(labels, scores)
    parts = []
    for name, x, y in (("roc", false_rate, true_rate), ("pr", recall[::-1], precision[::-1])):
        kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), CURVE_POINTS)).round().astype(int))
        parts.append(pd.DataFrame({"tissue": tissue, "bin": label, "curve": name, "x": x[kept], "y": y[kept]}))
    return pd.concat(parts, ignore_index=True)


def _median(table: pd.DataFrame, column: str) -> float:
    values = np.abs(table[column].to_numpy(np.float64)) if column in table.columns else np.empty(0)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else np.nan
