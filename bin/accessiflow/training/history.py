"""The epochs of a run: what each brought, which one's weights are kept, and when to stop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from accessiflow.model.params import Params

FEWEST_EPOCHS = 3  # after which a run that learns shows it
NO_ACCURACY = 0.05  # validation Pearson R


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought: the columns of train_log.tsv."""

    epoch: int
    seconds: float
    ms_per_step: float
    loss: float
    pearsonr: float
    r2: float
    val_loss: float
    val_pearsonr: float
    val_r2: float
    seq_per_s: float


def kept_epoch(history: Sequence[Epoch], params: Params) -> Epoch:
    """The epoch whose weights a run keeps: by train.keep the best one, or the last.

    The best is the first one of the highest validation Pearson R; any value beats one that is no finite number.
    """
    return history[-1] if params.train["keep"] == "last" else _best(history)


def finished(history: Sequence[Epoch], params: Params, epochs: int | None = None) -> bool:
    """Whether a run ends here: after `epochs`, or by Basenji's rule (train_epochs_max, train_epochs_min, patience)."""
    options, done = params.train, len(history)
    if done >= (epochs or options["train_epochs_max"]):
        return True
    if epochs is not None or options["patience"] is None or done <= options["train_epochs_min"]:
        return False
    return done - _best(history).epoch >= options["patience"]


def doubts(history: Sequence[Epoch]) -> list[str]:
    """What says that a run of at least three epochs has learned nothing, one sentence each."""
    if len(history) < FEWEST_EPOCHS:
        return []
    out, best, first = [], _best(history).val_pearsonr, history[0]
    advice = "look at the targets (extreme values? set clip), the learning rate and the size of the dataset"
    if not best > NO_ACCURACY:
        out.append(f"no epoch has a validation Pearson R above {NO_ACCURACY:g} (the best: {best:.3f}): {advice}")
    if all(epoch.loss >= first.loss for epoch in history[1:]):
        out.append(f"the training loss never fell below that of the first epoch, {first.loss:.4g}: {advice}")
    return out


def _best(history: Sequence[Epoch]) -> Epoch:
    # max() keeps the first of equal ones, but a NaN would win or lose by its place, and an infinity win for ever
    return max(history, key=lambda epoch: epoch.val_pearsonr if math.isfinite(epoch.val_pearsonr) else -math.inf)
