"""Basenji's own networks, weights, predictions and training steps."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from accessiflow.model.build import build_model
from accessiflow.model.params import Params, check_params, load_params
from accessiflow.model.weights import load_weights, save_weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def basenji(golden: Path) -> Path:
    return golden / "basenji"


@pytest.fixture(scope="module")
def fixed(basenji: Path) -> np.ndarray:
    with np.load(basenji / "model/fixed64.npz") as data:
        return data["onehot"].astype(np.float32)


def forward(params: Params, weights: Path, sequences: np.ndarray) -> np.ndarray:
    model = build_model(params)
    load_weights(model, weights)
    return model.predict(sequences, verbose=0, batch_size=64)


def test_predictions_of_trained_weights(basenji: Path, fixed: np.ndarray, tmp_path: Path) -> None:
    params = load_params(basenji / "params_small.json")
    ours = forward(params, basenji / "model/model_best_small.h5", fixed)
    with np.load(basenji / "model/small_preds64.npz") as theirs:
        np.testing.assert_allclose(ours, theirs["forward"], rtol=1e-5, atol=1e-5)
        reverse = forward(params, basenji / "model/model_best_small.h5", fixed[:, ::-1, ::-1])
        np.testing.assert_allclose((ours + reverse[:, ::-1]) / 2, theirs["rc"], rtol=1e-5, atol=1e-5)
    model = build_model(params)
    load_weights(model, basenji / "model/model_best_small.h5")
    save_weights(model, tmp_path / "a.h5")
    save_weights(model, tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    np.testing.assert_array_equal(forward(params, tmp_path / "a.h5", fixed), ours)


def test_our_weight_files_have_the_layout_of_keras(basenji: Path, tmp_path: Path) -> None:
    model = build_model(load_params(basenji / "params_small.json"))
    save_weights(model, tmp_path / "ours.h5")
    with h5py.File(tmp_path / "ours.h5") as ours, h5py.File(basenji / "model/model_best_small.h5") as theirs:
        stored = [
            n
            for n in theirs["model_weights"].attrs["layer_names"]
            if len(theirs["model_weights"][n].attrs["weight_names"])
        ]
        assert len(stored) == len(ours["model_weights"].attrs["layer_names"])
        for mine, other in zip(ours["model_weights"].attrs["layer_names"], stored, strict=True):
            a, b = ours["model_weights"][mine], theirs["model_weights"][other]
            assert [n.decode().split("/")[-1] for n in a.attrs["weight_names"]] == [
                (n if isinstance(n, str) else n.decode()).split("/")[-1] for n in b.attrs["weight_names"]
            ]
            assert [a[n].shape for n in a.attrs["weight_names"]] == [b[n].shape for n in b.attrs["weight_names"]]


@pytest.mark.parametrize("name", ["loeb", "calderon"])
def test_full_architecture_from_the_recipe(basenji: Path, fixed: np.ndarray, name: str) -> None:
    params = load_params(basenji / f"params_seed_{name}_multitask.json")
    model = build_model(params)
    assert model.count_params() == {"loeb": 5_849_356, "calderon": 5_862_429}[name]
    assert (
        sum(int(np.prod(w.shape)) for w in model.trainable_weights) == {"loeb": 5_842_034, "calderon": 5_855_107}[name]
    )
    if name == "calderon":
        return
    rng = np.random.default_rng(7)
    rules = {
        "gamma": lambda z: 1 + 0.1 * z,
        "moving_variance": lambda z: 1 + 0.2 * np.abs(z),
        "kernel": lambda z: z * np.sqrt(2 / np.prod(z.shape[:-1])),
    }
    for layer in (one for one in model.layers if one.weights):
        layer.set_weights(
            [
                rules.get(w.name, lambda z: 0.1 * z)(rng.standard_normal(w.shape)).astype(np.float32)
                for w in layer.weights
            ]
        )
    with np.load(basenji / "model/seed_loeb_recipe7_preds64.npz") as theirs:
        np.testing.assert_allclose(
            model.predict(fixed, verbose=0, batch_size=64), theirs["forward"], rtol=1e-5, atol=1e-5
        )


def test_presets_have_the_capacities_of_the_paper(golden: Path) -> None:
    counts = json.loads((golden / "kathail2024/basset_param_counts.json").read_text())
    ours = {}
    for preset in ("basset", "basset_2x", "basset_4x", "basset_8x"):
        ours[preset] = build_model(
            load_params(ROOT / "assets/presets" / f"{preset}.json").filled(1344, 27)
        ).count_params()
    paper = {
        name: entry["params"] for name, entry in counts.items() if name.startswith("calderon") and "multitask" in name
    }
    assert sorted(ours.values()) == sorted(set(paper.values()))


def test_five_training_steps(basenji: Path) -> None:
    """Optimizer and batch normalisation: weights after five steps without dropout and augmentation, within 1e-5."""
    from accessiflow.model.device import framework_name
    from accessiflow.training.build import build_steps
    from accessiflow.training.compute import Compute

    params = check_params(json.loads((basenji / "model/params_small_noaug.json").read_text()), "params")
    model = build_model(params)
    with h5py.File(basenji / "model/trainsteps_small_noaug.h5") as stored:
        before, after = ([stored[part][name][()] for name in sorted(stored[part])] for part in ("before", "after"))
        losses, sequences, targets = (
            stored["losses_pearsonr_r2"][:, 0],
            stored["onehot"][()],
            stored["targets"][()].astype(np.float32),
        )
    for layer in (one for one in model.layers if one.weights):
        layer.set_weights([before.pop(0) for _ in layer.weights])
    steps = build_steps(model, params, 5, Compute(jit=False))
    codes = np.where(sequences.any(axis=2), sequences.argmax(axis=2), 4).astype(np.uint8)
    ours = [float(steps.train(codes[at : at + 64], targets[at : at + 64]).loss) for at in range(0, 320, 64)]
    assert len(losses) == len(ours)
    steps.store()
    for layer in (one for one in model.layers if one.weights):
        for value in layer.get_weights():
            # the original computed on TensorFlow; JAX sums in another order, and five steps amplify it
            np.testing.assert_allclose(value, after.pop(0), rtol=1e-5, atol=2e-5 if framework_name() == "jax" else 1e-5)
