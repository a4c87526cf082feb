"""The k-mer ridge: log2(x + 1) of each track, linear in standardised k-mer counts around a window's middle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_json
from accessiflow.hdf5 import dataset, open_hdf5


def kmer_counts(codes: NDArray[np.uint8], k: int, central: int) -> NDArray[np.float32]:
    """Counts (n, 4^k) of the k-mers, forward strand, that start in the central bases of windows (n, L) of base codes.

    K-mers with an unknown base are not counted.
    """
    n, length = codes.shape
    first = max(0, (length - central) // 2)
    last = min(first + central, length - k + 1)
    number, known = np.zeros((n, last - first), np.int64), np.ones((n, last - first), bool)
    for j in range(k):
        base = codes[:, first + j : last + j]
        number = number * 4 + np.minimum(base, 3)
        known &= base < 4
    # One bincount counts all windows: each has its own range of 4^k numbers and one more, for k-mers with an unknown
    # base, which is cut off again.
    number = np.where(known, number, 4**k) + np.arange(n)[:, None] * (4**k + 1)
    counts = np.bincount(number.ravel(), minlength=n * (4**k + 1))
    return counts.reshape(n, -1)[:, :-1].astype(np.float32)


class KmerRidge:
    """A trained k-mer ridge (training/kmer_ridge.py), with the members of an adapter (prediction/adapters)."""

    batch_size = 1024

    def __init__(self, params_file: Path, weights: Path) -> None:
        """Load params.json and model_best.h5.

        Raises:
            InputError: One of them lacks something, or they do not fit.
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
                dataset(handle, name, weights, "f")[()] for name in ("intercepts", "means", "scales")
            )
        self._check_shapes(weights)

    def _check_shapes(self, weights: Path) -> None:
        features, values = 4**self._k, self.output_length * self.num_targets
        shapes = {
            "coefficients": (self._coefficients.shape, (features, values)),
            "intercepts": (self._intercepts.shape, (values,)),
            "means": (self._means.shape, (features,)),
            "scales": (self._scales.shape, (features,)),
        }
        for name, (stored, expected) in shapes.items():
            if stored != expected:
                raise InputError(f"holds {name} of shape {stored}, the params need {expected}", weights)

    def predict(self, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions (n, target_length, num_targets) of windows (n, seq_length, 4), on the natural scale."""
        # an unknown base is 0.25 in every row
        codes = np.where(one_hot.max(axis=2) > 0.5, one_hot.argmax(axis=2), 4).astype(np.uint8)
        counts = kmer_counts(codes, self._k, self._central)
        logs = (counts - self._means) / self._scales @ self._coefficients + self._intercepts
        # the linear model may fall below log2(0 + 1): accessibility is not negative
        values = np.maximum(np.exp2(logs) - 1, 0)
        return values.reshape(len(codes), self.output_length, self.num_targets).astype(np.float32)
