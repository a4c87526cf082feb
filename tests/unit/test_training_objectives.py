"""The terms that ask for differences between tracks.

Values by hand, what their gradients leave alone, and how windows are drawn.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from small_training import fold, tiny

from accessiflow.errors import InputError
from accessiflow.model.device import framework_name
from accessiflow.training.batches import FoldArrays, training_batches
from accessiflow.training.losses.across_tracks import cosine_distance, deviation_error, objective
from accessiflow.training.losses.pointwise import loss_function
from accessiflow.training.sampling import sampling_weights


def pair(seed: int, tracks: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return tuple(rng.gamma(2, 2, (5, 3, tracks)).astype(np.float32) for _ in range(2))


def gradient(term, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Gradient with respect to log(1 + p)."""
    logs = np.log1p(p)
    if framework_name() == "jax":
        import jax

        return np.asarray(jax.grad(lambda x: term(y, ops.expm1(x)))(logs))
    import tensorflow as tf

    with tf.GradientTape() as tape:
        watched = tf.constant(logs)
        tape.watch(watched)
        value = term(y, ops.expm1(watched))
    return tape.gradient(value, watched).numpy()


def test_values_by_hand() -> None:
    y = np.float32([[[0.0, np.e**2 - 1]]])  # log1p: 0, 2; deviation -1, 1
    p = np.float32([[[np.e**3 - 1, np.e - 1]]])  # log1p: 3, 1; deviation 1, -1
    assert float(deviation_error(y, p)) == pytest.approx(4.0, rel=1e-5)
    assert float(cosine_distance(y, p)) == pytest.approx(2.0, rel=1e-3)
    assert float(cosine_distance(y, y)) == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 999), factor=st.floats(0.5, 4))
def test_what_all_tracks_share_is_no_deviation(seed: int, factor: float) -> None:
    """Multiplying 1 + p of all tracks of a window by one factor leaves both terms: gradients sum to 0 over tracks."""
    y, p = pair(seed)
    for term in (deviation_error, cosine_distance):
        assert float(term(y, (1 + p) * max(factor, 1.0) - 1)) == pytest.approx(float(term(y, p)), rel=1e-4, abs=1e-5)
        np.testing.assert_allclose(gradient(term, y, p).sum(axis=-1), 0, atol=1e-6)


def test_a_step_down_the_gradient_brings_the_deviations_nearer() -> None:
    y, p = pair(3)
    for term, rate in ((deviation_error, 5.0), (cosine_distance, 0.5)):
        better = np.expm1(np.log1p(p) - rate * gradient(term, y, p))
        assert float(term(y, better)) < float(term(y, p))


def test_the_cosine_leaves_the_size_of_the_deviation_alone() -> None:
    """The gradient is orthogonal to the predicted deviation, and 0 for windows that are measured flat."""
    y, p = pair(4)
    logs = np.log1p(p)
    deviation = logs - logs.mean(axis=-1, keepdims=True)
    slope = gradient(cosine_distance, y, p)
    along = (
        np.abs((slope * deviation).sum(axis=-1)) / np.linalg.norm(slope, axis=-1) / np.linalg.norm(deviation, axis=-1)
    )
    assert along.max() < 0.02  # not 0 by the 0.01 in the predicted norm
    flat = np.ones_like(y)
    assert float(cosine_distance(flat, p)) == 0
    assert not gradient(cosine_distance, flat, p).any()
    assert np.isfinite(gradient(cosine_distance, y, np.ones_like(p))).all()


def test_weights_scale_the_terms_and_0_is_the_plain_loss() -> None:
    y, p = pair(5)
    plain = np.asarray(loss_function("poisson")(y, p))
    loss, total = objective(tiny(4))(y, p)
    assert np.asarray(loss).tobytes() == np.asarray(total).tobytes() == plain.tobytes()
    loss, total = objective(tiny(4, deviation_weight=0.5, cosine_weight=2.0))(y, p)
    assert np.asarray(loss) == plain
    assert float(total) == pytest.approx(
        float(plain) + 0.5 * float(deviation_error(y, p)) + 2 * float(cosine_distance(y, p)), rel=1e-6
    )


def test_windows_are_drawn_by_their_variance_across_tracks() -> None:
    windows = fold(40, 1)
    windows.targets[:30] = 3  # equal in both tracks
    weights = sampling_weights(windows, 2.0)
    assert weights is not None
    variance = np.log1p(windows.targets.astype(float)).var(axis=2).mean(axis=1)
    np.testing.assert_allclose(
        weights, (1 + 2 * variance / variance.mean()) / 120
    )  # the weights 1 + s v / mean(v) average 1 + s
    assert weights.sum() == pytest.approx(1)
    params = tiny(batch_size=8, specificity_sampling=2.0)
    params.model.update(augment_rc=False, augment_shift=0)
    rng, drawn = np.random.default_rng(0), []
    for _ in range(100):
        drawn += [
            row
            for _, targets in training_batches(windows, params, weights, rng)
            for row in (targets != 3).any(axis=(1, 2))
        ]
    assert np.mean(drawn) == pytest.approx(weights[30:].sum(), abs=0.03)


def test_no_strength_and_no_variance_draw_nothing_special() -> None:
    windows = fold(40, 1)
    assert sampling_weights(windows, 0.0) is None
    flat = FoldArrays(windows.codes, np.ones_like(windows.targets))
    np.testing.assert_array_equal(sampling_weights(flat, 3.0), np.full(40, 1 / 40))


@pytest.mark.parametrize("key", ["deviation_weight", "cosine_weight", "specificity_sampling"])
def test_one_track_has_nothing_to_differ_from(key: str) -> None:
    with pytest.raises(InputError, match=rf"train\.{key}, which compares tracks, and there is one track"):
        tiny(1, **{key: 1.0})
