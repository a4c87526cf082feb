"""The k-mer ridge: log2(x + 1) of each track as a linear function of standardised k-mer counts around a window's middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_json
from accessiflow.hdf5 import dataset, open_hdf5

Doubles = NDArray[np.float64]


def kmer_counts(codes: NDArray[np.uint8], k: int, central: int) -> NDArray[np.float32]:
    """Counts (n, 4^k) of the k-mers, forward strand, that start in the central bases of windows of base codes (n, L); those with an unknown base are
    not counted."""
    n, length = codes.shape
    first = max(0, (length - central) // 2)
    last = min(first + central, length - k + 1)
    number, known = np.zeros((n, last - first), np.int64), np.ones((n, last - first), bool)
    for j in range(k):
        base = codes[:, first + j : last + j]
        number = number * 4 + np.minimum(base, 3)
        known &= base < 4
    number = np.where(known, number, 4**k) + np.arange(n)[:, None] * (4**k + 1)
    return np.bincount(number.ravel(), minlength=n * (4**k + 1)).reshape(n, -1)[:, :-1].astype(np.float32)


class KmerRidge:
    """A trained k-mer ridge (training/kmer_ridge.py)."""

    batch_size = 1024

    def __init__(self, params_file: Path, weights: Path) -> None:
        """Load params.json and model_best.h5.

        Raises:
            InputError: one of them lacks something, or they do not fit.
        """
        params = read_json(params_file)
        try:
            model = params["model"]
            self.seq_length, self.output_length, self.num_targets = (
                int(model[key]) for key in ("seq_length", "target_length", "num_targets")
            )
            self._k, self._central = int(model["k"]), int(model["central"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"is no params file of a k-mer ridge: it lacks a number ({error})", params_file) from None
        with open_hdf5(weights, ["coefficients", "intercepts", "means", "scales"]) as handle:
            self._coefficients = dataset(handle, "coefficients", weights, "f", (2,))[()]
            self._intercepts, self._means, self._scales = (
                dataset(handle, n, weights, "f")[()] for n in ("intercepts", "means", "scales")
            )
        features, values = 4**self._k, self.output_length * self.num_targets
        expected = {
            "coefficients": (features, values),
            "intercepts": (values,),
            "means": (features,),
            "scales": (features,),
        }
        for name, shape in expected.items():
            if getattr(self, f"_{name}").shape != shape:
                raise InputError(
                    f"holds {name} of shape {getattr(self, f'_{name}').shape}, the params need {shape}", weights
                )

    def predict(self, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions (n, target_length, num_targets) of windows (n, seq_length, 4), on the natural scale."""
        codes = np.where(one_hot.max(axis=2) > 0.5, one_hot.argmax(axis=2), 4).astype(np.uint8)
        logs = (
            kmer_counts(codes, self._k, self._central) - self._means
        ) / self._scales @ self._coefficients + self._intercepts
        return (
            np.maximum(np.exp2(logs) - 1, 0)
            .reshape(len(codes), self.output_length, self.num_targets)
            .astype(np.float32)
        )
