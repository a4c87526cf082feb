"""Augmentation, losses, metrics, and a training run: laws, repeatability, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import UNKNOWN, reverse_complement
from accessiflow.model.build import build_model
from accessiflow.model.params import Params, check_params
from accessiflow.model.weights import load_weights, save_weights
from accessiflow.training.augmentation import augment, shift_codes
from accessiflow.training.loop import fit, kept
from accessiflow.training.losses import loss_function
from accessiflow.training.metrics import Accuracy


def tiny(**train: object) -> Params:
    settings = {"batch_size": 16, "train_epochs_max": 2, "train_epochs_min": 1, "patience": None, "learning_rate": 0.01}
    model = {
        "seq_length": 24,
        "augment_rc": True,
        "augment_shift": 2,
        "batch_norm": True,
        "trunk": [{"name": "conv_block", "filters": 4, "kernel_size": 24, "padding": "valid", "dropout": 0.2}],
        "head_seq": [{"name": "dense", "units": 2}],
    }
    return check_params({"train": settings | train, "model": model}, "tiny.json")


def fold(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    codes = np.random.default_rng(seed).integers(0, 5, (n, 24), dtype=np.uint8)
    return codes, np.stack([(codes == 1).sum(1), (codes == 2).sum(1)], 1).astype(np.float32)[:, None]


@settings(max_examples=30, deadline=None)
@given(shift=st.integers(-5, 5), seed=st.integers(0, 99))
def test_a_shift_moves_the_window_and_leaves_unknown_bases(shift: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 4, (3, 8), dtype=np.uint8)
    moved = shift_codes(codes, np.full(3, shift))
    k = abs(shift)
    inner, vacated = (moved[:, k:], moved[:, :k]) if shift > 0 else (moved[:, : 8 - k], moved[:, 8 - k :])
    np.testing.assert_array_equal(inner, codes[:, : 8 - k] if shift > 0 else codes[:, k:])
    assert (vacated == UNKNOWN).all()


@pytest.mark.parametrize("per_example", [False, True])
def test_the_reverse_complement_is_drawn_once_a_batch_or_once_a_window(per_example: bool) -> None:
    codes = np.random.default_rng(0).integers(0, 4, (40, 30), dtype=np.uint8)
    targets = np.random.default_rng(1).random((40, 3, 2), dtype=np.float32)
    rng, shares = np.random.default_rng(2), []
    for _ in range(20):
        out, y = augment(codes, targets, True, 0, per_example, rng)
        turned = (out == reverse_complement(codes)).all(axis=1)
        np.testing.assert_array_equal(out[~turned], codes[~turned])
        np.testing.assert_array_equal(y, np.where(turned[:, None, None], targets[:, ::-1], targets))
        shares.append(turned.mean())
    assert 0.3 < np.mean(shares) < 0.7
    assert (set(shares) == {0.0, 1.0}) != per_example


def test_accuracy_over_batches_is_numpy_on_the_whole() -> None:
    rng = np.random.default_rng(3)
    y, p = rng.random((50, 2, 3), dtype=np.float32), rng.random((50, 2, 3), dtype=np.float32)
    y[:, :, 2] = 1
    seen = Accuracy(3)
    for low in (0, 20, 40):
        seen.update(y[low : low + 20], p[low : low + 20])
    for t in (0, 1):
        a, b = y[..., t].ravel().astype(float), p[..., t].ravel().astype(float)
        assert seen.pearson()[t] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)
        assert seen.r2()[t] == pytest.approx(1 - ((a - b) ** 2).sum() / ((a - a.mean()) ** 2).sum(), abs=1e-9)
    assert np.isnan(seen.pearson()[2])


def test_losses_by_hand() -> None:
    y, p = np.array([[[0.0, 3.0]]], np.float32), np.array([[[1.0, 2.0]]], np.float32)
    expected = {
        "poisson": (1 + 2 - 3 * np.log(2 + 1e-7)) / 2,
        "mse": 1.0,
        "log_mse": (np.log(2) ** 2 + np.log(4 / 3) ** 2) / 2,
    }
    for name, value in expected.items():
        assert float(loss_function(name)(y, p)) == pytest.approx(value, rel=1e-5)


def run(folder: Path, seed: int) -> bytes:
    import keras

    keras.utils.set_random_seed(seed)
    params = tiny()
    model = build_model(params)
    fit(model, params, fold(64, 1), fold(32, 2), seed, jit=False)
    save_weights(model, folder / f"{seed}.h5")
    return (folder / f"{seed}.h5").read_bytes()


def test_a_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    assert run(tmp_path, 1) == run(tmp_path, 1)
    assert run(tmp_path, 1) != run(tmp_path, 2)


def test_a_loss_that_is_not_finite_ends_the_run() -> None:
    train = fold(64, 1)
    train[1][5] = np.inf
    params = tiny()
    with pytest.raises(InputError, match=r"diverged: .*epoch 1 .*lower train.learning_rate"):
        fit(build_model(params), params, train, fold(32, 2), 1, jit=False)


def test_less_than_a_batch_is_refused() -> None:
    params = tiny()
    with pytest.raises(InputError, match="holds 15 validation windows, less than one batch of 16"):
        fit(build_model(params), params, fold(64, 1), fold(15, 2), 1, jit=False)


def test_an_undefined_validation_accuracy_still_keeps_an_epoch() -> None:
    """Constant validation targets have no Pearson R: the first epoch's weights are kept rather than none."""
    codes, y = fold(32, 2)
    numbers: list[int] = []
    params = tiny()
    history = fit(build_model(params), params, fold(64, 1), (codes, np.ones_like(y)), 1, jit=False, on_keep=lambda e: numbers.append(e.epoch))
    assert numbers == [1] == [kept(history, params).epoch]


def test_weights_of_another_shape_are_refused_naming_the_layer(tmp_path: Path) -> None:
    save_weights(build_model(tiny()), tmp_path / "m.h5")
    other = tiny()
    other.model["head_seq"][0]["units"] = 3
    with pytest.raises(InputError, match=r"in the layer dense, the params describe .*3"):
        load_weights(build_model(other), tmp_path / "m.h5")
