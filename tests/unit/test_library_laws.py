"""Laws of the array verbs predict, effects and ism on a small network, whichever engine computes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("keras")
from small_model import L, write_model

from accessiflow.genome import UNKNOWN, reverse_complement, shift_codes
from accessiflow.interpretation.ism import ism
from accessiflow.model.params import load_params
from accessiflow.prediction.ensemble import FORWARD, Ensemble
from accessiflow.prediction.loading import load_predictor
from accessiflow.prediction.predictor import KerasPredictor, predict
from accessiflow.scoring.effects import effects

N, T = 12, 3
WINDOWS = arrays(np.uint8, st.tuples(st.integers(1, N), st.just(L)), elements=st.integers(0, UNKNOWN))
ENSEMBLES = st.builds(
    Ensemble, st.booleans(), st.lists(st.integers(-5, 5), min_size=1, max_size=3, unique=True).map(tuple)
)
few = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module", params=["native", "keras"])
def predictor(request, tmp_path_factory):
    """The same network by either engine."""
    model = write_model(tmp_path_factory.mktemp("model"))
    if request.param == "native":
        pytest.importorskip("accessiflow_native", reason="the compiled engine is not installed: no C++ compiler")
        return load_predictor(model / "params.json", model / "model_best.h5", engine="native")
    return KerasPredictor(load_params(model / "params.json"), model / "model_best.h5")


@st.composite
def pairs(draw):
    """REF windows (n, L), and ALT windows that differ from them in a stretch of up to three bases."""
    ref = draw(WINDOWS)
    alt = ref.copy()
    for row in alt:
        at, width = draw(st.integers(0, L - 3)), draw(st.integers(0, 3))
        row[at : at + width] = draw(st.lists(st.integers(0, 3), min_size=width, max_size=width))
    return ref, alt


@few
@given(WINDOWS, ENSEMBLES, st.data())
def test_the_order_of_windows_does_not_matter(predictor, codes, ensemble, data):
    order = np.array(data.draw(st.permutations(range(len(codes)))))
    whole = predict(predictor, codes, ensemble)
    assert np.array_equal(predict(predictor, codes[order], ensemble).values, whole.values[order])
    assert np.array_equal(whole.sums, whole.values.sum(axis=1))


@few
@given(WINDOWS, ENSEMBLES, st.lists(st.integers(0, N), max_size=3))
def test_batches_may_be_split_anywhere(predictor, codes, ensemble, cuts):
    parts = np.split(codes, sorted(min(cut, len(codes)) for cut in cuts))
    found = [predict(predictor, part, ensemble).values for part in parts]
    assert np.array_equal(np.concatenate(found), predict(predictor, codes, ensemble).values)


@few
@given(WINDOWS, ENSEMBLES)
def test_an_ensemble_is_the_mean_of_single_passes(predictor, codes, ensemble):
    passes = []
    for shift in ensemble.shifts:
        moved = shift_codes(codes, np.full(len(codes), shift))
        passes.append(predict(predictor, moved).values)
        if ensemble.rc:
            passes.append(predict(predictor, reverse_complement(moved)).values[:, ::-1])
    expected = np.mean(passes, axis=0)
    # a shared tile of the native engine has other last bits than one that lies elsewhere on its grid
    np.testing.assert_allclose(predict(predictor, codes, ensemble).values, expected, rtol=1e-5, atol=1e-6)


@few
@given(WINDOWS, ENSEMBLES)
def test_a_variant_that_changes_nothing_has_no_effect(predictor, codes, ensemble):
    found = effects(predictor, codes, codes.copy(), ensemble)
    for scores in (found.sad, found.log_ratio, found.cosine, found.l2):
        assert (scores == 0).all()
    assert found.sad.shape == (len(codes), T)
    assert found.l2.shape == (len(codes),)


@few
@given(pairs(), ENSEMBLES)
def test_exchanged_alleles_have_the_opposite_effect(predictor, pair, ensemble):
    there, back = effects(predictor, *pair, ensemble), effects(predictor, *reversed(pair), ensemble)
    assert np.array_equal(there.sad, -back.sad)
    assert np.array_equal(there.log_ratio, -back.log_ratio)
    assert np.array_equal(there.cosine, back.cosine)
    assert np.array_equal(there.l2, back.l2)


@few
@given(pairs(), ENSEMBLES)
def test_effects_are_differences_of_predictions(predictor, pair, ensemble):
    ref, alt = (predict(predictor, codes, ensemble).sums for codes in pair)
    np.testing.assert_allclose(effects(predictor, *pair, ensemble).sad, alt - ref, rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(WINDOWS.map(lambda codes: codes[:2]), ENSEMBLES, st.integers(0, L - 1), st.integers(1, 4))
def test_ism_is_zero_at_the_base_that_is_there_and_an_effect_elsewhere(predictor, codes, ensemble, first, width):
    last = min(first + width, L)
    found = ism(predictor, codes, ensemble, first, last)
    assert found.scores.shape == found.centred.shape == (len(codes), last - first, 4, T)
    window, place = np.nonzero(codes[:, first:last] != UNKNOWN)
    assert (found.scores[window, place, codes[:, first:last][window, place]] == 0).all()
    np.testing.assert_allclose(found.centred.sum(axis=2), 0, atol=1e-9)
    np.testing.assert_allclose(found.reference, predict(predictor, codes, ensemble).sums, rtol=1e-5, atol=1e-6)
    changed = codes.copy()
    changed[:, first] = 2
    by_effects = effects(predictor, codes, changed, ensemble).sad
    np.testing.assert_allclose(found.scores[:, 0, 2], by_effects, rtol=1e-4, atol=1e-5)


def test_a_part_of_a_window_is_mutated_as_the_whole(predictor):
    codes = np.random.default_rng(2).integers(0, 4, (1, L), dtype=np.uint8)
    whole, part = ism(predictor, codes), ism(predictor, codes, FORWARD, 20, 30)
    assert np.array_equal(whole.scores[:, 20:30], part.scores)
    assert np.count_nonzero(whole.scores.any(axis=3)) > 2 * L  # the network sees its bases


def test_a_second_model_is_loaded_where_tensorflow_has_started(tmp_path, caplog):
    """As in a notebook; the threads are those of the process."""
    tf = pytest.importorskip("tensorflow")
    model = write_model(tmp_path)  # starts it
    threads = tf.config.threading.get_intra_op_parallelism_threads()
    second = load_predictor(model / "params.json", model / "model_best.h5", engine="tensorflow", threads=threads + 3)
    assert predict(second, np.zeros((1, L), np.uint8)).sums.shape == (1, T)
    assert "it keeps the threads that it has" in caplog.text
    assert tf.config.threading.get_intra_op_parallelism_threads() == threads
