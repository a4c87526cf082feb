"""Basenji's loss and metrics on its own predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accessiflow.statistics import Accuracy
from accessiflow.training.losses.pointwise import loss_function


def test_loss_and_metrics_of_the_test_fold(golden: Path) -> None:
    with np.load(golden / "basenji/model/small_test_all.npz") as theirs:
        seen = Accuracy(4)
        seen.update(theirs["targets"], theirs["preds"])
        np.testing.assert_allclose(seen.pearson(), theirs["pearsonr"], atol=1e-5)
        np.testing.assert_allclose(seen.r2(), theirs["r2"], atol=1e-5)
        assert float(loss_function("poisson")(theirs["targets"], theirs["preds"])) == pytest.approx(
            float(theirs["poisson_loss"]), rel=1e-5
        )
