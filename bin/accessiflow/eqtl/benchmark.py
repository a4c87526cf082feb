"""The benchmarks: variants placed in specificity bins, negatives drawn, each bin cross-validated."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from accessiflow.eqtl import matching, tables
from accessiflow.eqtl.design import Design, Result, Row, Sample, Task
from accessiflow.eqtl.forest import Fold, classifier, cross_validate, fold_na_reason, mean_precision
from accessiflow.errors import InputError
from accessiflow.log import left_out, log, note, rows_without_value
from accessiflow.peaks.matrix import column_at, specificity_labels
from accessiflow.statistics import cross_validated, delong, pooled

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peaks.matrix import PeakMatrix
    from accessiflow.scoring.tracks import TrackScores


class _BinResult(NamedTuple):
    """A bin's row, the test folds of its first repeat (none where it is not evaluated) and its tracks alone."""

    row: Row
    folds: list[Fold]
    tracks: pd.DataFrame | None


def classify(
    positives: pd.DataFrame, negatives: pd.DataFrame, features: TrackScores, peaks: PeakMatrix, design: Design
) -> Result:
    """Classify positives against negatives in each specificity bin.

    Args:
        positives: unique variants, as `fine_mapped.high_pip` gives them.
        negatives: unique variants, as `fine_mapped.without` gives them; both `matching.prepare`d where they are
            matched.
        features: scores of the variants.
        peaks: peaks with their specificity bins.
        design: how a bin is evaluated.
    """
    # Only variants with a score can be classified.
    positives = _placed(positives, features, peaks, "positives")
    negatives = _placed(negatives, features, peaks, "negatives")
    labels = specificity_labels(peaks)
    groups = {label: positives[positives["bin"] == label] for label in labels}
    if design.matching.on:
        # A bin has a generator of its own: what one draws does not depend on the others.
        made = [_matched(label, groups[label], negatives, index, design) for index, label in enumerate(labels)]
    else:
        # One generator runs through the bins, as in the paper's code.
        draws = [np.random.RandomState(design.negative_seed + repeat) for repeat in range(design.repeats)]
        made = [(_against(label, groups[label], negatives, draws, design), None) for label in labels]
    classes = {"positive": positives, "negative": negatives}
    return _evaluate(
        [task for task, _ in made],
        features,
        design,
        tables.distributions(design.tissue, classes, labels),
        [s for _, s in made],
    )


def direction(variants: pd.DataFrame, features: TrackScores, peaks: PeakMatrix, design: Design) -> Result:
    """Classify variants by whether they raise or lower expression, in each specificity bin.

    Args:
        variants: unique variants with the column positive (`fine_mapped.effect_signs`, then `high_pip`).
        features: scores of the variants.
        peaks: peaks with their specificity bins.
        design: how a bin is evaluated.
    """
    placed = _placed(variants, features, peaks, "variants")
    labels = specificity_labels(peaks)
    classes = {"positive": placed[placed["positive"]], "negative": placed[~placed["positive"]]}
    tasks = [_by_sign(label, placed[placed["bin"] == label], design) for label in labels]
    return _evaluate(tasks, features, design, tables.distributions(design.tissue, classes, labels), [])


def _placed(variants: pd.DataFrame, features: TrackScores, peaks: PeakMatrix, what: str) -> pd.DataFrame:
    """Variants that have a score, with their specificity bin ("" outside the peaks) and their row of the score file."""
    table = variants.assign(
        bin=column_at(peaks, variants["chrom"].to_numpy(dtype=object), variants["pos"].to_numpy(), "specificity_bin"),
        row=features.find(variants),
    )
    scored = table["row"] >= 0
    if len(table) and not scored.any():
        raise InputError(
            f"none of the {len(table)} {what} is in the score files: chromosome names, positions and alleles must agree"
        )
    inside = int((scored & (table["bin"] != "")).sum())
    log.info("%s: %d, %d scored, %d of these in peaks", what, len(table), int(scored.sum()), inside)
    note(**{what: {"rows": len(table), "scored": int(scored.sum()), "in_peaks": inside}})
    left_out(what, int((~scored).sum()), len(table), "no score")
    left_out(what, int(scored.sum()) - inside, len(table), "in no peak: in no specificity bin", expected=True)
    if not scored.all():
        log.warning("%d of %d %s have no score: left out", int((~scored).sum()), len(table), what)
    return table[scored].reset_index(drop=True)


def _against(
    label: str, positives: pd.DataFrame, negatives: pd.DataFrame, draws: list[np.random.RandomState], design: Design
) -> Task:
    """Positives against negatives that one generator a repeat draws for one bin after the other."""
    pool = negatives[negatives["bin"] == label] if design.same_bin else negatives
    n = min(len(positives) * design.matching.ratio, len(pool))
    enough = len(positives) >= design.min_positives
    if not (enough and n):
        # A bin that is not evaluated draws nothing: the next one gets the draws that it has in the paper.
        return Task(label, [_sample(positives, pool.iloc[:0]) for _ in draws], positives)
    # In file order: forests depend on the order of their rows.
    drawn = [pool.iloc[np.sort(draw.choice(len(pool), n, replace=False))] for draw in draws]
    return Task(label, [_sample(positives, part) for part in drawn], positives)


def _matched(
    label: str, positives: pd.DataFrame, negatives: pd.DataFrame, index: int, design: Design
) -> tuple[Task, pd.DataFrame | None]:
    """Positives against matched negatives, and how strata were filled; None where the bin has too few positives."""
    inside = design.same_bin or "peak" in design.matching.on
    pool = negatives[negatives["bin"] == label] if inside else negatives
    if len(positives) < design.min_positives:
        return Task(label, [_sample(positives, pool.iloc[:0])] * design.repeats, positives), None
    seeds = [[design.negative_seed + repeat, index] for repeat in range(design.repeats)]
    drawn = [matching.draw(positives, pool, design.matching, np.random.default_rng(seed)) for seed in seeds]
    strata = drawn[0].table.assign(tissue=design.tissue, bin=label)[matching.STRATUM_COLUMNS]
    samples = [_sample(positives, pool.iloc[one.rows]) for one in drawn]
    return Task(label, samples, positives, reason=drawn[0].shortage), strata


def _sample(positives: pd.DataFrame, negatives: pd.DataFrame) -> Sample:
    rows, chroms = (np.concatenate([positives[c].to_numpy(), negatives[c].to_numpy()]) for c in ("row", "chrom"))
    return Sample(rows.astype(np.int64), np.repeat([True, False], [len(positives), len(negatives)]), chroms)


def _shuffled(sample: Sample, seed: list[int]) -> Sample:
    return sample._replace(labels=np.random.default_rng(seed).permutation(sample.labels))


def _by_sign(label: str, variants: pd.DataFrame, design: Design) -> Task:
    sample = Sample(variants["row"].to_numpy(), variants["positive"].to_numpy(bool), variants["chrom"].to_numpy())
    return Task(label, [sample] * design.repeats, variants, signed=True)


def _evaluate(
    tasks: Iterable[Task],
    features: TrackScores,
    design: Design,
    distributions: pd.DataFrame,
    strata: Iterable[pd.DataFrame | None],
) -> Result:
    import pandas as pd

    classifier(design.engine)  # a missing package is refused before any work
    rows, curves, tracks = [], [], []
    # Bin after bin: only one bin's scores are in memory.
    for index, task in enumerate(tasks):
        row, folds, alone = _evaluate_bin(task, features, design, index)
        rows.append(row)
        if row.reason:
            log.warning("%s %s: %s", design.tissue, task.label, row.reason)
        else:
            log.info(
                "%s %s: AUROC %.3f, AUPRC %.3f (%d positives)",
                design.tissue,
                task.label,
                row.auroc,
                row.auprc,
                row.n_positive,
            )
            curves.append(tables.curve_points(folds, design.tissue, task.label))
        tracks.append(alone)
    rows_without_value([row.reason for row in rows], "specificity bins")
    joined = (
        _joined(parts, columns) for parts, columns in ((curves, tables.CURVE_COLUMNS), (tracks, tables.TRACK_COLUMNS))
    )
    return Result(
        pd.DataFrame(rows, columns=Row._fields), *joined, distributions, _joined(strata, matching.STRATUM_COLUMNS)
    )


def _evaluate_bin(task: Task, features: TrackScores, design: Design, index: int) -> _BinResult:
    first = task.samples[0].labels
    row = Row(design.tissue, task.label, int(first.sum()), int((~first).sum()), len(features.columns), design.seed)
    row = row._replace(
        tss_distance=tables.median(task.described, "tss_distance"), abs_beta=tables.median(task.described, "beta")
    )
    # Labels alone are permuted: the variants of the control are those of the figure.
    if design.shuffle:
        task = task._replace(
            samples=[_shuffled(sample, [design.seed + repeat, index]) for repeat, sample in enumerate(task.samples)]
        )
    row = row._replace(reason=_na_reason(row, task, design))
    folds, areas, precisions, alone = [], [], [], []
    for repeat, sample in enumerate([] if row.reason else task.samples):
        values = features.read(sample.rows)
        tested = cross_validate(values, sample.labels, sample.chroms, design.seed + repeat, design)
        folds.append(tested)
        areas.append(delong(*tested[0]) if design.single_track else cross_validated(tested))
        precisions.append(mean_precision(tested))
        if design.per_track:
            alone.append(tables.track_areas(values, sample.labels, task.signed))
    tracks = None
    if design.per_track:
        tracks = tables.track_table(design.tissue, task.label, features.tracks, first, alone, row.reason)
    if row.reason:
        return _BinResult(row, [], tracks)
    area = pooled(areas)
    low, high = area.interval
    return _BinResult(
        row._replace(auroc=area.value, auprc=float(np.mean(precisions)), auroc_low=low, auroc_high=high),
        folds[0],
        tracks,
    )


def _na_reason(row: Row, task: Task, design: Design) -> str:
    """Why a bin cannot be evaluated; empty where it can."""
    if len(task.described) < design.min_positives:
        return f"{len(task.described)} variants, fewer than {design.min_positives}"
    if task.reason:
        return task.reason
    least = 2 if design.single_track else design.folds
    if min(row.n_positive, row.n_negative) < least:
        return f"{row.n_positive} positives and {row.n_negative} negatives, both must be at least {least}"
    reasons = (fold_na_reason(sample.labels, sample.chroms, design) for sample in task.samples)
    return next(filter(None, reasons), "")


def _joined(parts: Iterable[pd.DataFrame | None], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    given = [part for part in parts if part is not None]
    return pd.concat(given, ignore_index=True) if given else pd.DataFrame(columns=columns)
