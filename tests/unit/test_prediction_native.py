"""The compiled engine: the network's numbers, and bytes that depend on a window alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("keras")
pytest.importorskip("accessiflow_native", reason="the compiled engine is not installed: there was no C++ compiler")
from small_model import PARAMS, L, write_model

from accessiflow.errors import InputError
from accessiflow.genome import one_hot, reverse_complement
from accessiflow.model.build import build_model
from accessiflow.model.params import check_params, load_params
from accessiflow.model.weights import save_weights
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.loading import load_predictor
from accessiflow.prediction.native import NativePredictor, unavailable

BOTH = Ensemble(True, (1, 0, -1))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def predictor(model):
    return NativePredictor(load_params(model / "params.json"), model / "model_best.h5", 2)


@pytest.fixture(scope="module")
def genome():
    return np.random.default_rng(4).integers(0, 5, 3000, dtype=np.uint8)


def windows(genome, starts):
    return genome[np.asarray(starts)[:, None] + np.arange(L)]


def block(**keys):
    return {"name": "conv_block"} | keys


activations = st.sampled_from(["gelu", "relu", "linear", "softplus", "exp"])


@st.composite
def networks(draw):
    """Params of any network that the engine takes."""
    layers, rows = [], L
    for _ in range(draw(st.integers(1, 4))):
        width, same = draw(st.sampled_from([1, 2, 3, 5, 8])), draw(st.booleans())
        if not same and width > rows:
            continue
        pool = draw(st.integers(1, 4))
        rows = -(-(rows if same else rows - width + 1) // pool)
        padding, filters = "same" if same else "valid", draw(st.integers(1, 40))
        layers.append(
            block(
                filters=filters,
                kernel_size=width,
                padding=padding,
                pool_size=pool,
                activation=draw(activations.filter("exp".__ne__)),
            )
        )
    layers = layers or [block(filters=3)]
    if draw(st.booleans()):
        layers.append({"name": "flatten"})
    head = [
        {"name": "dense", "units": draw(st.integers(1, 9)), "activation": draw(activations)}
        for _ in range(draw(st.integers(1, 2)))
    ]
    head[0]["activation"] = "softplus"
    model = {"seq_length": L, "activation": draw(st.sampled_from(["gelu", "relu"])), "batch_norm": draw(st.booleans())}
    return {"train": {}, "model": model | {"trunk": layers, "head_seq": head}}


@settings(max_examples=12, deadline=None)
@given(networks(), st.integers(0, 2**32 - 1), st.integers(-700, 700))
def test_any_network_gives_the_numbers_of_keras(tmp_path_factory, document, seed, start):
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("net")
    params = check_params(document, "drawn")
    assert unavailable(params) == ""
    network = build_model(params)
    for weight in network.weights:
        value = rng.standard_normal(weight.shape)
        weight.assign(
            0.5 + np.abs(value) if "variance" in weight.path else value * (np.prod(weight.shape[:-1]) or 1) ** -0.5
        )
    save_weights(network, folder / "w.h5")
    codes = rng.integers(0, 5, (7, L), dtype=np.uint8)
    expected = network.predict(one_hot(codes), verbose=0)
    found = NativePredictor(params, folder / "w.h5", 1).ensemble(codes, Ensemble(), start + 40 * np.arange(7))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * max(1, np.abs(expected).max()))


def test_bytes_do_not_depend_on_other_windows_their_order_blocks_or_threads(predictor, genome):
    starts = np.random.default_rng(0).integers(0, len(genome) - L, 90)
    codes = windows(genome, starts)
    alone = np.concatenate([predictor.ensemble(codes[i : i + 1], BOTH, starts[i : i + 1]) for i in range(90)])
    assert np.array_equal(predictor.ensemble(codes, BOTH, starts), alone)
    order = np.random.default_rng(1).permutation(90)
    assert np.array_equal(predictor.ensemble(codes[order], BOTH, starts[order]), alone[order])
    engine = predictor._network
    for threads, memory in ((1, 1), (3, 1 << 16), (4, 1 << 30)):
        assert np.array_equal(
            engine.predict(codes, starts, threads=threads, memory=memory), engine.predict(codes, starts)
        )


def test_neighbouring_windows_share_and_stay_exact(predictor, genome):
    starts = np.arange(0, 2900, 16)
    codes = windows(genome, starts)
    assert np.array_equal(
        predictor.ensemble(codes, BOTH, starts),
        np.concatenate([predictor.ensemble(codes[[i]], BOTH, starts[[i]]) for i in range(182)]),
    )


@pytest.mark.parametrize("kind", ["base", "several", "everything"])
def test_an_alternative_window_is_that_window_scored_alone(predictor, genome, kind):
    starts = np.sort(np.random.default_rng(2).integers(0, len(genome) - L, 60))
    ref = windows(genome, starts)
    alt = ref.copy()
    if kind == "base":
        alt[:, 31] = (alt[:, 31] + 1) % 4
    elif kind == "several":
        alt[:, 3], alt[:, 60] = 4, (alt[:, 60] + 2) % 4
    else:
        alt = alt[::-1].copy()
    predicted = predictor.alleles(ref, alt, BOTH, starts)
    for found, given_windows in zip(predicted, (ref, alt), strict=True):
        assert np.array_equal(
            found, np.concatenate([predictor.ensemble(given_windows[[i]], BOTH, starts[[i]]) for i in range(60)])
        )
    back = predictor.alleles(alt, ref, BOTH, starts)
    assert np.array_equal(back[0], predicted[1])
    assert np.array_equal(back[1], predicted[0])


def test_mutants_of_a_window_are_those_windows(predictor, genome):
    codes = genome[100 : 100 + L]
    mutants = np.repeat(codes[None], L, axis=0)
    mutants[np.arange(L), np.arange(L)] = (codes + 1) % 4
    found, reference = predictor.changed(codes, mutants, BOTH, 100)
    places = np.full(L, 100)
    assert np.array_equal(found, predictor.ensemble(mutants, BOTH, places))
    assert np.array_equal(reference, predictor.ensemble(codes[None], BOTH, places[:1])[0])


def test_both_strands_give_one_ensemble(predictor, genome):
    codes = windows(genome, np.arange(0, 400, 13))
    forward, reverse = (predictor.ensemble(c, Ensemble(True)) for c in (codes, reverse_complement(codes)))
    assert np.array_equal(forward, reverse[:, ::-1])


def test_the_engine_says_what_it_cannot_run(model, tmp_path, refused):
    document = json.loads(json.dumps(PARAMS))
    document["model"]["trunk"][1]["residual"] = True
    assert "residual" in unavailable(check_params(document, "p"))
    document = json.loads(json.dumps(PARAMS))
    document["model"]["trunk"][0]["dilation_rate"] = 2
    (tmp_path / "params.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="--engine native: the engine has no strides, dilation"):
        load_predictor(tmp_path / "params.json", model / "model_best.h5", engine="native")
    with pytest.raises(InputError, match="expected one of auto, native, tensorflow"):
        load_predictor(model / "params.json", model / "model_best.h5", engine="fast")


def test_weights_that_do_not_fit_name_the_layer(model, tmp_path):
    document = json.loads(json.dumps(PARAMS))
    document["model"]["trunk"][1]["kernel_size"] = 3
    with pytest.raises(InputError, match=r"layer conv1d_1, the params describe \[\(3, 20, 12\)\]"):
        NativePredictor(check_params(document, "p"), model / "model_best.h5", 1)
    document["model"]["trunk"][1]["repeat"] = 1
    with pytest.raises(InputError, match="weights of another model"):
        NativePredictor(check_params(document, "p"), model / "model_best.h5", 1)


def test_bases_must_make_sense(predictor, genome):
    codes = windows(genome, [0, 0, 1])
    for starts, bases in (([0, 0, 0], [1, -1, -1]), ([0, 1, 0], [-1, 0, -1]), ([0, 0, 0], [-1, 0, 1])):
        with pytest.raises(ValueError, match="a base window"):
            predictor._network.predict(codes, np.array(starts), np.array(bases))
    with pytest.raises(ValueError, match="expected"):
        predictor._network.predict(codes[:, :-1])
