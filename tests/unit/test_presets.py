"""The presets that come with the pipeline, and which epoch's weights a run keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from accessiflow.errors import InputError
from accessiflow.model.build import build_model
from accessiflow.model.params import Params, check_params, load_params
from accessiflow.training.loop import Epoch, fit, kept

PRESETS = sorted((Path(__file__).resolve().parents[2] / "assets" / "presets").glob("*.json"))
TINY = {
    "train": {"batch_size": 8, "train_epochs_max": 3, "train_epochs_min": 3, "patience": None},
    "model": {
        "seq_length": 16,
        "trunk": [{"name": "conv_block", "filters": 2, "kernel_size": 16, "padding": "valid"}],
        "head_seq": [{"name": "dense", "units": 1, "activation": "exp"}],
    },
}


def epoch(number: int, val_pearsonr: float) -> Epoch:
    return Epoch(number, 1.0, 1.0, 0.5, 0.5, 0.1, 0.5, val_pearsonr, 0.1, 10.0)


def tiny(**train: object) -> Params:
    params = check_params(TINY, "tiny.json")
    return replace(params, train=params.train | train)


@pytest.mark.parametrize("path", PRESETS, ids=lambda p: p.stem)
def test_a_preset_predicts_one_value_a_track(path: Path) -> None:
    params = load_params(path)
    params = params.filled(
        params.seq_length if params.model["seq_length"] else 1344, 10 if params.model["head_seq"][-1]["units"] is None else params.num_targets
    )
    assert build_model(params).output_shape == (None, 1, params.num_targets)


def test_kept_is_the_first_best_or_the_last_epoch() -> None:
    history = [epoch(1, 0.2), epoch(2, 0.6), epoch(3, 0.6), epoch(4, 0.1)]
    assert kept(history, tiny()).epoch == 2
    assert kept(history, tiny(keep="last")).epoch == 4


def test_the_last_epoch_is_kept_even_when_validation_gets_no_better() -> None:
    """A learning rate below a float32's step leaves every epoch's validation as it was: the first is the best."""
    codes = np.random.default_rng(1).integers(0, 4, (64, 16), dtype=np.uint8)
    y = 1 + (codes == 2).mean(axis=1, dtype=np.float32)[:, None, None]
    chosen: dict[str, list[int]] = {"best": [], "last": []}
    for keep, numbers in chosen.items():
        params = tiny(keep=keep, optimizer="sgd", learning_rate=1e-30)
        history = fit(build_model(params), params, (codes, y), (codes, y), seed=1, jit=False, on_keep=lambda e, n=numbers: n.append(e.epoch))
        assert numbers[-1] == kept(history, params).epoch
    assert chosen == {"best": [1], "last": [1, 2, 3]}


def test_an_unknown_choice_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"train\.keep = 'first', expected one of best, last"):
        check_params(TINY | {"train": {"keep": "first"}}, "x.json")


def test_keep_is_written_only_where_it_is_not_the_default() -> None:
    assert "keep" not in tiny().document()["train"]
    assert tiny(keep="last").document()["train"]["keep"] == "last"
