"""Training the baseline: ridge regression of log2(x + 1) on k-mer counts, its penalty chosen by leave-one-out error.

Two passes over the training windows: sums for the normal equations, then, for every penalty, the leave-one-out residuals y - p / (1 - h), h from the
hat matrix with an unpenalised intercept; one penalty for all tracks, as scikit-learn's RidgeCV. Memory: two matrices of 4^k x 4^k and one block.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import read_json, read_table, write_json, write_table
from accessiflow.hdf5 import create_hdf5
from accessiflow.log import note
from accessiflow.model.kmer_ridge import KmerRidge, kmer_counts
from accessiflow.statistics import Accuracy
from accessiflow.training.batches import Windows
from accessiflow.training.history import Epoch

Doubles = NDArray[np.float64]
BLOCK = 2048
KEYS = {"model": {"seq_length", "k", "central"}, "train": {"penalties"}}
MOST = 6  # k: 4^6 = 4,096 features


def is_kmer_ridge(params_file: Path) -> bool:
    """Whether a params file describes a k-mer ridge."""
    document = read_json(params_file)
    return isinstance(document, dict) and document.get("adapter") == "kmer_ridge"


def train_kmer_ridge(
    params_file: Path, data_dir: Path, out: Path, tracks: Sequence[str] = (), log_file: Path | None = None
) -> None:
    """Train and write the model folder, the files of any other model.

    Raises:
        InputError: an unknown key, a number out of range, or an unknown track.
    """
    started = time.monotonic()
    k, central, penalties = _checked(read_json(params_file), params_file)
    targets = read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"])
    names = list(targets["identifier"])
    columns = track_columns(names, tracks or names, data_dir / "targets.txt")
    train, valid = (Windows(*load_fold(data_dir, fold), columns) for fold in ("train", "valid"))
    length, positions, num = train.shape
    solution = fit_ridge(train, k, central, penalties)
    with create_hdf5(out / "model_best.h5") as handle:
        for name in ("coefficients", "intercepts", "means", "scales"):
            handle.create_dataset(name, data=solution[name])
    model = {"seq_length": length, "target_length": positions, "num_targets": num, "k": k, "central": central}
    write_json(
        {"adapter": "kmer_ridge", "model": model, "train": {"penalty": solution["penalty"]}}, out / "params.json"
    )
    write_table(targets.iloc[columns], out / "targets.txt", None)
    ridge = KmerRidge(out / "params.json", out / "model_best.h5")
    epoch = _epoch(ridge, train, valid, time.monotonic() - started)
    _write_log(epoch, out, log_file)
    facts = {"best_epoch": 1, "epochs": 1, "val_pearsonr": epoch.val_pearsonr, "val_loss": epoch.val_loss}
    facts |= {
        "parameters": solution["coefficients"].size + solution["intercepts"].size,
        "seed": 0,
        "penalty": solution["penalty"],
    }
    write_json(
        facts
        | {
            "train_windows": len(train),
            "valid_windows": len(valid),
            "tracks": list(targets["identifier"].iloc[columns]),
        },
        out / "metrics.json",
    )
    note(seq_per_s=round(epoch.seq_per_s, 1), epochs=1)


def _write_log(epoch: Epoch, out: Path, log_file: Path | None) -> None:
    import pandas as pd

    table = pd.DataFrame([asdict(epoch)])
    write_table(table, log_file or out / "train_log.tsv", "%.6g")
    write_table(table.drop(columns=["seconds", "ms_per_step", "seq_per_s"]), out / "training_curve.tsv", "%.6g")


def _checked(document: dict[str, Any], source: Path) -> tuple[int, int, list[float]]:
    for section, known in KEYS.items():
        extra = set(document.get(section, {})) - known
        if extra:
            raise InputError(
                f"has the unknown key {section}.{sorted(extra)[0]} (keys: {', '.join(sorted(known))})", source
            )
    model, train = document.get("model", {}), document.get("train", {})
    k, central, penalties = model.get("k", 5), model.get("central", 576), train.get("penalties", [1e3, 1e4, 1e5])
    if not isinstance(k, int) or not 1 <= k <= MOST:
        raise InputError(f"needs an integer of 1 to {MOST} in model.k, found {k!r}", source)
    if not isinstance(central, int) or central < k:
        raise InputError(f"needs an integer of at least k in model.central, found {central!r}", source)
    if (
        not isinstance(penalties, list)
        or not penalties
        or not all(isinstance(p, int | float) and p > 0 for p in penalties)
    ):
        raise InputError(f"needs a list of positive numbers in train.penalties, found {penalties!r}", source)
    return k, central, [float(p) for p in penalties]


def _blocks(windows: Windows, k: int, central: int) -> Iterator[tuple[Doubles, Doubles]]:
    """k-mer counts (rows, 4^k) and log2(x + 1) (rows, B T) of blocks of windows."""
    for low in range(0, len(windows), BLOCK):
        codes, targets = windows.batch(np.arange(low, min(low + BLOCK, len(windows))))
        yield (
            kmer_counts(codes, k, central).astype(np.float64),
            np.log2(np.maximum(targets, 0).reshape(len(codes), -1).astype(np.float64) + 1),
        )


def fit_ridge(windows: Windows, k: int, central: int, penalties: Sequence[float]) -> dict[str, Any]:
    """coefficients (4^k, B T) of standardised counts, intercepts, means and scales, and the penalty chosen."""
    n, outputs = len(windows), int(np.prod(windows.shape[1:]))
    if n < 2:
        raise InputError(f"{n} training windows are too few for a ridge regression")
    xx, xy = np.zeros((4**k, 4**k)), np.zeros((4**k, outputs))
    sx, sy = np.zeros(4**k), np.zeros(outputs)
    for x, y in _blocks(windows, k, central):
        xx, xy, sx, sy = xx + x.T @ x, xy + x.T @ y, sx + x.sum(axis=0), sy + y.sum(axis=0)
    means, intercepts = sx / n, sy / n
    scales = np.sqrt(np.maximum(np.diag(xx) / n - means**2, 0)) + 1e-6
    values, vectors = np.linalg.eigh((xx - n * np.outer(means, means)) / np.outer(scales, scales))
    right = vectors.T @ ((xy - np.outer(sx, intercepts)) / scales[:, None])
    solutions = [vectors @ (right / (values + p)[:, None]) for p in penalties]
    errors = _leave_one_out(
        windows,
        k,
        central,
        (means, scales, intercepts),
        (values, vectors),
        list(zip(penalties, solutions, strict=True)),
    )
    best = int(np.argmin(errors))
    return {
        "coefficients": solutions[best],
        "intercepts": intercepts,
        "means": means,
        "scales": scales,
        "penalty": penalties[best],
    }


def _leave_one_out(
    windows: Windows,
    k: int,
    central: int,
    standard: tuple[Doubles, Doubles, Doubles],
    decomposed: tuple[Doubles, Doubles],
    candidates: Sequence[tuple[float, Doubles]],
) -> Doubles:
    """Sum of squared leave-one-out residuals over windows and outputs for each candidate (penalty, coefficients)."""
    (means, scales, intercepts), (values, vectors) = standard, decomposed
    errors = np.zeros(len(candidates))
    for x, y in _blocks(windows, k, central):
        z = (x - means) / scales
        turned = (z @ vectors) ** 2
        for i, (penalty, coefficients) in enumerate(candidates):
            leverage = 1 / len(windows) + turned @ (1 / (values + penalty))
            errors[i] += (((y - intercepts - z @ coefficients) / (1 - leverage)[:, None]) ** 2).sum()
    return errors


def _epoch(ridge: KmerRidge, train: Windows, valid: Windows, seconds: float) -> Epoch:
    """The one line of the log: squared error of log2(x + 1), Pearson R and R2 of the training and validation windows."""
    from accessiflow.genome import one_hot

    found = []
    for windows in (train, valid):
        accuracy, loss = Accuracy(windows.shape[2]), 0.0
        for low in range(0, len(windows), BLOCK):
            codes, targets = windows.batch(np.arange(low, min(low + BLOCK, len(windows))))
            predicted = ridge.predict(one_hot(codes))
            accuracy.update(targets, predicted)
            loss += float(((np.log2(np.maximum(targets, 0) + 1) - np.log2(predicted + 1)) ** 2).mean(axis=(1, 2)).sum())
        found.append((loss / max(len(windows), 1), _mean(accuracy.pearson()), _mean(accuracy.r2())))
    return Epoch(1, seconds, 0.0, *found[0], *found[1], len(train) / max(seconds, 1e-9))


def _mean(values: Doubles) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
