"""Training the baseline: ridge regression of log2(x + 1) on k-mer counts, its penalty chosen by leave-one-out error.

Two passes over the training windows: sums for the normal equations, then, for every penalty, the leave-one-out
residuals (y - p) / (1 - h), h from the hat matrix with an unpenalised intercept; one penalty for all tracks, as
scikit-learn's RidgeCV. Memory: two matrices of 4^k x 4^k and one block.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import read_json, read_table, write_json, write_table
from accessiflow.hdf5 import create_hdf5
from accessiflow.log import left_out, note
from accessiflow.model.kmer_ridge import KmerRidge, kmer_counts
from accessiflow.statistics import Accuracy, known_mean, log2p
from accessiflow.training.batches import FoldArrays
from accessiflow.training.history import Epoch

COUNTED_AT_ONCE = 2048  # windows: their counts of 6-mers are 64 MB
KEYS = {"model": {"seq_length", "k", "central"}, "train": {"penalties"}}
LARGEST_K = 6  # 4^6 = 4,096 features: a matrix of their sums is 128 MB


class RidgeSettings(NamedTuple):
    """What a params file says: the length of k-mers, the central bases (bp) whose k-mers count, and the penalties."""

    k: int
    central: int
    penalties: list[float]


class RidgeSolution(NamedTuple):
    """A fitted ridge: log2(x + 1) = (counts - means) / scales @ coefficients + intercepts.

    Attributes:
        coefficients: (4^k, B T).
        intercepts: (B T,).
        means: Mean count (4^k,) of each k-mer.
        scales: Standard deviation (4^k,) of each count.
        penalty: The penalty that was chosen.
    """

    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    penalty: float


class FeatureBlock(NamedTuple):
    """k-mer counts (rows, 4^k) and log2(x + 1) (rows, B T) of some windows."""

    counts: NDArray[np.float64]
    logs: NDArray[np.float64]


class Decomposition(NamedTuple):
    """What one eigendecomposition gives for every penalty.

    Attributes:
        means: Mean count (4^k,) of each k-mer.
        scales: Standard deviation (4^k,) of each count.
        intercepts: Mean (B T,) of each output.
        values: Eigenvalues (4^k,) of the standardised counts' scatter matrix.
        vectors: Its eigenvectors (4^k, 4^k).
    """

    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    values: NDArray[np.float64]
    vectors: NDArray[np.float64]


def is_kmer_ridge(params_file: Path) -> bool:
    """Whether a params file describes a k-mer ridge."""
    document = read_json(params_file)
    return isinstance(document, dict) and document.get("adapter") == "kmer_ridge"


def train_kmer_ridge(
    params_file: Path, data_dir: Path, out: Path, tracks: Sequence[str] = (), log_file: Path | None = None
) -> None:
    """Train and write the model folder, with the files of any other model.

    Args:
        params_file: The params JSON with the adapter kmer_ridge.
        data_dir: The dataset folder.
        out: The model folder.
        tracks: Predict these only; all without any.
        log_file: Where train_log.tsv goes; None for the model folder.

    Raises:
        InputError: There is an unknown key, a number out of range, or an unknown track.
    """
    started = time.monotonic()
    settings = _checked(read_json(params_file), params_file)
    targets = read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"])
    names = list(targets["identifier"])
    columns = track_columns(names, tracks or names, data_dir / "targets.txt")
    targets = targets.iloc[columns]
    train, valid = (FoldArrays(*load_fold(data_dir, fold, columns=columns)) for fold in ("train", "valid"))
    solution = fit_ridge(train, *settings)
    _write_model(solution, settings, train, out)
    write_table(targets, out / "targets.txt", None)
    # the epoch's figures are those of the written model, as it will be loaded
    ridge = KmerRidge(out / "params.json", out / "model_best.h5")
    epoch = _epoch(ridge, train, valid, time.monotonic() - started)
    _write_log(epoch, out, log_file)
    # the keys of any model's metrics.json: the report reads them without asking what the model is
    facts = {
        "best_epoch": 1,
        "epochs": 1,
        "val_pearsonr": epoch.val_pearsonr,
        "val_loss": epoch.val_loss,
        "parameters": solution.coefficients.size + solution.intercepts.size,
        "seed": 0,
        "penalty": solution.penalty,
        "train_windows": len(train),
        "valid_windows": len(valid),
        "tracks": list(targets["identifier"]),
    }
    write_json(facts, out / "metrics.json")
    note(seq_per_s=round(epoch.seq_per_s, 1), epochs=1)


def _write_model(solution: RidgeSolution, settings: RidgeSettings, train: FoldArrays, out: Path) -> None:
    with create_hdf5(out / "model_best.h5") as handle:
        for name in ("coefficients", "intercepts", "means", "scales"):
            handle.create_dataset(name, data=getattr(solution, name))
    length, positions, tracks = train.shape
    model = {"seq_length": length, "target_length": positions, "num_targets": tracks}
    model |= {"k": settings.k, "central": settings.central}
    document = {"adapter": "kmer_ridge", "model": model, "train": {"penalty": solution.penalty}}
    write_json(document, out / "params.json")


def _write_log(epoch: Epoch, out: Path, log_file: Path | None) -> None:
    import pandas as pd

    table = pd.DataFrame([asdict(epoch)])
    write_table(table, log_file or out / "train_log.tsv", "%.6g")
    write_table(table.drop(columns=["seconds", "ms_per_step", "seq_per_s"]), out / "training_curve.tsv", "%.6g")


def _checked(document: dict[str, Any], source: Path) -> RidgeSettings:
    for section, known in KEYS.items():
        extra = set(document.get(section, {})) - known
        if extra:
            raise InputError(
                f"has the unknown key {section}.{sorted(extra)[0]} (keys: {', '.join(sorted(known))})", source
            )
    model, train = document.get("model", {}), document.get("train", {})
    k, central, penalties = model.get("k", 5), model.get("central", 576), train.get("penalties", [1e3, 1e4, 1e5])
    if not isinstance(k, int) or not 1 <= k <= LARGEST_K:
        raise InputError(f"needs an integer of 1 to {LARGEST_K} in model.k, found {k!r}", source)
    if not isinstance(central, int) or central < k:
        raise InputError(f"needs an integer of at least k in model.central, found {central!r}", source)
    some = isinstance(penalties, list) and len(penalties) > 0
    if not some or not all(isinstance(p, int | float) and p > 0 for p in penalties):
        raise InputError(f"needs a list of positive numbers in train.penalties, found {penalties!r}", source)
    return RidgeSettings(k, central, [float(p) for p in penalties])


def _blocks(windows: FoldArrays, k: int, central: int) -> Iterator[FeatureBlock]:
    for low in range(0, len(windows), COUNTED_AT_ONCE):
        codes, targets = windows.batch(np.arange(low, min(low + COUNTED_AT_ONCE, len(windows))))
        # a target may be below 0 where a dataset was clipped or scaled elsewhere: log2p takes it as 0
        logs = log2p(targets.reshape(len(codes), -1))
        yield FeatureBlock(kmer_counts(codes, k, central).astype(np.float64), logs)


def fit_ridge(windows: FoldArrays, k: int, central: int, penalties: Sequence[float]) -> RidgeSolution:
    """Fit a ridge to every position and track of the windows, with the penalty of the least leave-one-out error.

    Raises:
        InputError: There are fewer than two windows.
    """
    n, outputs = len(windows), int(np.prod(windows.shape[1:]))
    if n < 2:
        raise InputError(f"{n} training windows are too few for a ridge regression")
    xx, xy = np.zeros((4**k, 4**k)), np.zeros((4**k, outputs))
    sx, sy = np.zeros(4**k), np.zeros(outputs)
    # sums, not the counts themselves: memory does not grow with the windows
    for x, y in _blocks(windows, k, central):
        xx, xy, sx, sy = xx + x.T @ x, xy + x.T @ y, sx + x.sum(axis=0), sy + y.sum(axis=0)
    means, intercepts = sx / n, sy / n
    # 1e-6 keeps a k-mer that never varies from dividing by 0: its standardised count is 0
    scales = np.sqrt(np.maximum(np.diag(xx) / n - means**2, 0)) + 1e-6
    # one decomposition serves all penalties: (Z'Z + p)^-1 = V (values + p)^-1 V'
    values, vectors = np.linalg.eigh((xx - n * np.outer(means, means)) / np.outer(scales, scales))
    right = vectors.T @ ((xy - np.outer(sx, intercepts)) / scales[:, None])
    solutions = [vectors @ (right / (values + p)[:, None]) for p in penalties]
    decomposition = Decomposition(means, scales, intercepts, values, vectors)
    errors = np.zeros(len(penalties))
    for block in _blocks(windows, k, central):
        errors += _leave_one_out(block, decomposition, penalties, solutions, n)
    best = int(np.argmin(errors))
    return RidgeSolution(solutions[best], intercepts, means, scales, penalties[best])


def _leave_one_out(
    block: FeatureBlock,
    parts: Decomposition,
    penalties: Sequence[float],
    solutions: Sequence[NDArray[np.float64]],
    n: int,
) -> NDArray[np.float64]:
    """Sum of squared leave-one-out residuals of a block, over its windows and all outputs, for each penalty.

    A window's residual of a fit without it is its residual / (1 - leverage); 1 / n is the intercept's leverage.
    """
    z = (block.counts - parts.means) / parts.scales
    turned = (z @ parts.vectors) ** 2
    errors = np.zeros(len(penalties))
    for i, (penalty, coefficients) in enumerate(zip(penalties, solutions, strict=True)):
        leverage = 1 / n + turned @ (1 / (parts.values + penalty))
        residuals = block.logs - parts.intercepts - z @ coefficients
        errors[i] = ((residuals / (1 - leverage)[:, None]) ** 2).sum()
    return errors


class FoldFigures(NamedTuple):
    """Squared error of log2(x + 1), and means over tracks of Pearson R and R2, of a fold."""

    loss: float
    pearsonr: float
    r2: float


def _epoch(ridge: KmerRidge, train: FoldArrays, valid: FoldArrays, seconds: float) -> Epoch:
    """The one line of the log."""
    return Epoch(
        1, seconds, 0.0, *_figures(ridge, train, "training"), *_figures(ridge, valid, "validation"),
        seq_per_s=len(train) / max(seconds, 1e-9),
    )  # fmt: skip


def _figures(ridge: KmerRidge, windows: FoldArrays, fold: str) -> FoldFigures:
    from accessiflow.genome import one_hot

    accuracy, loss = Accuracy(windows.shape.tracks), 0.0
    for low in range(0, len(windows), COUNTED_AT_ONCE):
        codes, targets = windows.batch(np.arange(low, min(low + COUNTED_AT_ONCE, len(windows))))
        predicted = ridge.predict(one_hot(codes))
        accuracy.update(targets, predicted)
        errors = (log2p(targets) - log2p(predicted)) ** 2
        loss += float(errors.mean(axis=(1, 2)).sum())
    pearson = accuracy.pearson()
    flat = int((~np.isfinite(pearson)).sum())
    left_out("tracks", flat, len(pearson), f"constant in the {fold} windows: not in their mean accuracy")
    return FoldFigures(loss / max(len(windows), 1), known_mean(pearson), known_mean(accuracy.r2()))
