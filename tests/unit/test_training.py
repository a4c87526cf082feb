"""Augmentation, batches, losses, metrics, and the training loop: laws, repeatability, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_training import fold, tiny

from accessiflow.errors import InputError
from accessiflow.genome import UNKNOWN, reverse_complement, shift_codes
from accessiflow.model.build import build_model
from accessiflow.model.weights import load_weights, save_weights
from accessiflow.statistics import Accuracy, known_mean
from accessiflow.training.augmentation import augment
from accessiflow.training.batches import FoldArrays, one_behind, plain_batches, prefetched, training_batches
from accessiflow.training.compute import Compute
from accessiflow.training.history import Epoch, doubts, kept_epoch
from accessiflow.training.loop import fit
from accessiflow.training.losses.pointwise import loss_function

EAGER = Compute(jit=False)


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


@pytest.mark.parametrize("flat", [0, 0.1, 12.7, 63.999985, 0.37 * 192, 1e6])
def test_a_flat_track_has_no_accuracy_and_is_left_out_of_the_means(flat: float) -> None:
    """Whatever its value, and however its windows come in batches: undefined, and neither infinite nor a rounding
    error."""
    rng = np.random.default_rng(0)
    targets = rng.gamma(2, 3, (619, 1, 2)).astype("f")
    predictions = rng.gamma(2, 3, (619, 1, 2)).astype("f")
    targets[..., 1] = flat
    seen = Accuracy(2)
    for rows in np.array_split(np.arange(619), 20):
        seen.update(targets[rows], predictions[rows])
    assert np.isnan([seen.pearson()[1], seen.r2()[1]]).all()
    assert known_mean(seen.pearson()) == seen.pearson()[0]
    assert known_mean(seen.r2()) == seen.r2()[0]
    # and a flat prediction of a track that is not
    seen = Accuracy(2)
    for rows in np.array_split(np.arange(619), 20):
        seen.update(predictions[rows], targets[rows])
    assert np.isnan(seen.pearson()[1])
    assert np.isfinite(seen.r2()).all()


def test_the_best_epoch_is_one_of_a_finite_accuracy() -> None:
    values = (np.nan, 0.2, np.inf, 0.3, -np.inf, 0.3)
    history = [Epoch(n, 1, 1, 1, 0.1, 0.1, 1, value, 0.1, 1) for n, value in enumerate(values, 1)]
    assert kept_epoch(history, tiny()).epoch == 4


@pytest.mark.parametrize(
    ("losses", "accuracies", "says"),
    [
        ((3.0, 2.0, 1.5), (0.01, 0.2, 0.3), []),
        ((3.0, 3.5, 2.9), (0.1, 0.2, 0.06), []),
        ((3.0, 3.1, 3.2), (0.1, 0.2, 0.3), ["the training loss never fell below that of the first epoch, 3:"]),
        ((3.0, 2.9, 2.8), (0.01, 0.05, -0.3), ["no epoch has a validation Pearson R above 0.05 (the best: 0.050)"]),
        ((3.0, 3.0, 4.0), (np.nan, np.nan, np.nan), ["(the best: nan)", "the training loss never fell"]),
        ((3.0, 4.0), (0.0, 0.0), []),
    ],
)
def test_a_run_that_learned_nothing_is_doubted(
    losses: tuple[float, ...], accuracies: tuple[float, ...], says: list[str]
) -> None:
    pairs = enumerate(zip(losses, accuracies, strict=True), 1)
    found = doubts([Epoch(n, 1, 1, loss, 0.1, 0.1, 1, accuracy, 0.1, 1) for n, (loss, accuracy) in pairs])
    assert len(found) == len(says)
    assert all(part in sentence for part, sentence in zip(says, found, strict=True))


def test_losses_by_hand() -> None:
    y, p = np.array([[[0.0, 3.0]]], np.float32), np.array([[[1.0, 2.0]]], np.float32)
    expected = {
        "poisson": (1 + 2 - 3 * np.log(2 + 1e-7)) / 2,
        "mse": 1.0,
        "log_mse": (np.log(2) ** 2 + np.log(4 / 3) ** 2) / 2,
    }
    for name, value in expected.items():
        assert float(loss_function(name)(y, p)) == pytest.approx(value, rel=1e-5)


def test_a_fold_gives_the_wanted_tracks_of_the_wanted_rows_as_float32() -> None:
    codes, targets = np.arange(12, dtype=np.uint8).reshape(6, 2), np.arange(36, dtype=np.float16).reshape(6, 2, 3)
    windows = FoldArrays(codes, targets, [2, 0])
    assert windows.shape == (2, 2, 2)
    got = windows.batch(np.array([4, 1]))
    np.testing.assert_array_equal(got[0], codes[[4, 1]])
    np.testing.assert_array_equal(got[1], targets[[4, 1]][:, :, [2, 0]])
    assert got[1].dtype == np.float32


@pytest.mark.parametrize("weights", [None, np.full(50, 0.02)])
def test_an_epoch_has_whole_batches_in_an_order_of_its_own(weights: np.ndarray | None) -> None:
    """Without augmentation each window comes once (less the rest of a batch); drawn by weights some come again."""
    params = tiny(batch_size=16)
    params.model.update(augment_rc=False, augment_shift=0)
    windows = FoldArrays(np.arange(50, dtype=np.uint8)[:, None], np.arange(50, dtype=np.float32)[:, None, None])
    rng = np.random.default_rng(1)
    epochs = [list(training_batches(windows, params, weights, rng)) for _ in range(2)]
    orders = [np.concatenate([codes[:, 0] for codes, _ in batches]) for batches in epochs]
    assert [len(order) for order in orders] == [48, 48]
    assert (orders[0] != orders[1]).any()
    assert (len(set(orders[0].tolist())) == 48) == (weights is None)
    for codes, targets in epochs[0]:
        np.testing.assert_array_equal(codes[:, 0], targets[:, 0, 0])


def test_batches_made_ahead_or_read_late_are_the_same_in_the_same_order() -> None:
    def numbers():
        yield from range(7)

    assert list(prefetched(numbers())) == list(range(7)) == list(one_behind(numbers()))
    assert [list(one_behind(iter(values))) for values in ([], [1])] == [[], [1]]
    made: list[int] = []
    late = one_behind(made.append(i) or i for i in range(3))
    assert next(late) == 0
    assert made == [0, 1]


def test_an_error_while_a_batch_is_made_reaches_the_loop() -> None:
    def broken():
        yield 1
        raise OSError("the disk is gone")

    ahead = prefetched(broken())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


def test_the_batches_of_a_fold_leave_out_the_rest() -> None:
    sizes = [len(codes) for codes, _ in plain_batches(fold(40, 1), 16)]
    assert sizes == [16, 16]


def run(folder: Path, seed: int) -> bytes:
    import keras

    keras.utils.set_random_seed(seed)
    params = tiny()
    model = build_model(params)
    fit(model, params, fold(64, 1), fold(32, 2), seed, compute=EAGER)
    save_weights(model, folder / f"{seed}.h5")
    return (folder / f"{seed}.h5").read_bytes()


def test_a_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    assert run(tmp_path, 1) == run(tmp_path, 1)
    assert run(tmp_path, 1) != run(tmp_path, 2)


def test_a_loss_that_is_not_finite_ends_the_run_naming_epoch_and_step() -> None:
    train = fold(64, 1)
    train.targets[:] = np.inf
    params = tiny()
    with pytest.raises(
        InputError, match=r"diverged: the training loss of epoch 1 is not finite at step 1: lower train.learning_rate"
    ):
        fit(build_model(params), params, train, fold(32, 2), 1, compute=EAGER)


def test_files_of_keras_3_are_refused_with_what_to_do(tmp_path: Path) -> None:
    model = build_model(tiny())
    for name, kind in (("w.weights.h5", r"weights file \(.weights.h5\)"), ("m.keras", r"archive \(.keras\)")):
        (model.save_weights if name.startswith("w") else model.save)(tmp_path / name)
        with pytest.raises(InputError, match=rf"{name}: is a Keras 3 {kind}: load it into its model with Keras"):
            load_weights(model, tmp_path / name)
    model.save(tmp_path / "m.h5")
    other = build_model(tiny())
    load_weights(other, tmp_path / "m.h5")
    for mine, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_less_than_a_batch_is_refused() -> None:
    params = tiny()
    with pytest.raises(InputError, match="holds 15 validation windows, less than one batch of 16"):
        fit(build_model(params), params, fold(64, 1), fold(15, 2), 1, compute=EAGER)


def test_an_undefined_validation_accuracy_still_keeps_an_epoch() -> None:
    """Constant validation targets have no Pearson R: the first epoch's weights are kept rather than none."""
    valid = fold(32, 2)
    valid.targets[:] = 1
    params = tiny()
    history = fit(build_model(params), params, fold(64, 1), valid, 1, compute=EAGER)
    assert np.isnan([epoch.val_pearsonr for epoch in history]).all()
    assert kept_epoch(history, params).epoch == 1
