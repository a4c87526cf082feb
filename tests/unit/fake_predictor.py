"""A predictor for tests without a network: the prediction is a function of the window's base codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from accessiflow.prediction.predictor import AllelePredictions, MutantPredictions


class FakePredictor:
    """Predicts positions x tracks of windows (n, seq_length) by `function`, which gives (n, positions, tracks)."""

    def __init__(self, function: Callable[[np.ndarray], np.ndarray], seq_length: int, output_length: int = 1) -> None:
        """Of a function of base codes (n, seq_length)."""
        self.function, self.seq_length, self.output_length = function, seq_length, output_length

    def ensemble(self, codes, ensemble, starts=None):
        return self.function(codes)

    def alleles(self, ref, alt, ensemble, starts):
        return AllelePredictions(self.function(ref), self.function(alt))

    def changed(self, codes, windows, ensemble, start=0):
        return MutantPredictions(self.function(windows), self.function(codes[None])[0])
