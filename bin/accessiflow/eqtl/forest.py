"""Cross-validated random forests: the folds, and the scores of the variants in the fold that did not train."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.eqtl.design import INTELEX, Design
from accessiflow.errors import InputError

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

Fold = tuple[NDArray[np.bool_], NDArray[np.float64]]  # labels and scores of the variants that a fold tests
FoldRows = tuple[NDArray[np.int64], NDArray[np.int64]]  # rows to train on, rows to test


def splits(labels: NDArray[np.bool_], chroms: NDArray[np.object_], design: Design) -> list[FoldRows]:
    """Rows to train on and to test, a pair a fold.

    Folds are stratified and unshuffled; by chromosome they are whole chromosomes, near equal in both classes.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if not design.by_chromosome:
        return list(StratifiedKFold(design.folds).split(labels, labels))
    return list(StratifiedGroupKFold(design.folds).split(labels, labels, chroms))


def fold_na_reason(labels: NDArray[np.bool_], chroms: NDArray[np.object_], design: Design) -> str:
    """Why whole chromosomes cannot be folds; empty where they can."""
    if not design.by_chromosome or design.single_track:
        return ""
    n = len(set(chroms))
    if n < design.folds:
        return f"the variants lie on {n} chromosomes, fewer than {design.folds} folds"
    # A fold of one class has no AUROC.
    single = sum(len(set(labels[test])) < 2 for _, test in splits(labels, chroms, design))
    if single:
        return f"{single} of {design.folds} folds of whole chromosomes hold one class only: take fewer folds"
    return ""


def classifier(engine: str) -> type[RandomForestClassifier]:
    """The class of the forests.

    Raises:
        InputError: its package is not installed.
    """
    if engine == INTELEX:
        try:
            from sklearnex.ensemble import RandomForestClassifier
        except ImportError:
            raise InputError(
                "--rf-engine intelex needs the package scikit-learn-intelex, which is not installed: "
                "install it or take sklearn"
            ) from None
    else:
        from sklearn.ensemble import RandomForestClassifier
    return RandomForestClassifier


def cross_validate(
    values: NDArray[np.float32], labels: NDArray[np.bool_], chroms: NDArray[np.object_], seed: int, design: Design
) -> list[Fold]:
    """Labels and scores of each test fold; a single one, of all variants, for the mean |score|.

    Args:
        values: scores (n, F) of n variants in F tracks.
        labels, chroms: class and chromosome of each variant (n,).
        seed: seed of the forests.
        design: folds, engine and threads.
    """
    if design.single_track:
        return [(labels, np.abs(values).mean(axis=1, dtype=np.float64))]
    from joblib import Parallel, delayed

    make = classifier(design.engine)
    # Threads are enough: trees are grown in code that lets go of the interpreter lock.
    run = Parallel(n_jobs=design.threads, prefer="threads")
    return list(run(delayed(_fold)(make, values, labels, split, seed) for split in splits(labels, chroms, design)))


def mean_precision(folds: list[Fold]) -> float:
    """Mean over the folds of the average precision."""
    from sklearn.metrics import average_precision_score

    return float(np.mean([average_precision_score(labels, scores) for labels, scores in folds]))


def _fold(
    make: type[RandomForestClassifier],
    values: NDArray[np.float32],
    labels: NDArray[np.bool_],
    split: FoldRows,
    seed: int,
) -> Fold:
    train, test = split
    forest = make(max_features="log2", random_state=seed).fit(values[train], labels[train])
    return labels[test], forest.predict_proba(values[test])[:, 1]
