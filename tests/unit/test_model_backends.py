"""TensorFlow and JAX compute the same: predictions, losses of an epoch, scores; weights and checkpoints pass over.

Where both are installed the other one computes in a process of its own; strict float32 is guarded in either.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from accessiflow.errors import InputError
from accessiflow.model import device

WORK = """
import json, sys
from pathlib import Path
from accessiflow.model.device import framework_name, start
start(1, training=True, backend=sys.argv[1])
import keras
import numpy as np
from accessiflow.model.build import build_network
from accessiflow.model.weights import load_weights, save_weights
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.predictor import KerasPredictor
from accessiflow.scoring.effects import effects
from accessiflow.training.checkpoint import Checkpoint
from accessiflow.training.compute import Compute
from accessiflow.training.loop import fit
from small_training import fold, tiny

folder, epochs = Path(sys.argv[2]), int(sys.argv[3])
params = tiny(optimizer="adam", clip_norm=0.5, weight_decay=0.01, deviation_weight=1.0, cosine_weight=1.0)
params.model["l2_scale"] = 0.01
params.model["trunk"][0]["dropout"] = 0.0  # each framework draws for itself
keras.utils.set_random_seed(1)  # another framework draws other weights from it: the first one's are taken
network, start_at = build_network(params), folder / "start.h5"
if not start_at.exists():
    save_weights(network.model, start_at)
load_weights(network.model, start_at)
state = Checkpoint(folder / "state", "one run")
history = fit(network.model, params, fold(96, 1), fold(32, 2), 1, epochs, Compute(), state)
save_weights(network.model, folder / f"{sys.argv[1]}.h5")
predictor = KerasPredictor(params, start_at)
codes = np.random.default_rng(0).integers(0, 5, (40, 24), dtype=np.uint8)
other = codes.copy()
other[:, 11] = (codes[:, 11] + 1) % 4
found = effects(predictor, codes, other, Ensemble(True, (1, 0, -1)))
json.dump({
    "backend": framework_name(),
    "epochs": [[e.loss, e.val_loss, e.pearsonr, e.val_pearsonr] for e in history],
    "predictions": predictor.predict(codes).tolist(),
    "sad": np.asarray(found.sad).tolist(),
}, sys.stdout)
"""


def work(backend: str, folder: Path, epochs: int) -> dict:
    """What a backend makes of the one network and its data, in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", WORK, backend, str(folder), str(epochs)],
        env=environment | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


needs_both = pytest.mark.skipif(
    not all(find_spec(name) for name in device.BACKENDS), reason="one framework alone is installed here"
)


@needs_both
def test_both_frameworks_give_the_same_numbers(tmp_path: Path) -> None:
    tensorflow, jax = (work(backend, tmp_path, 1) for backend in device.BACKENDS)
    assert (tensorflow["backend"], jax["backend"]) == device.BACKENDS
    np.testing.assert_allclose(jax["predictions"], tensorflow["predictions"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax["sad"], tensorflow["sad"], atol=2e-6)
    np.testing.assert_allclose(jax["epochs"], tensorflow["epochs"], rtol=1e-4, atol=1e-5)


@needs_both
def test_a_run_begun_on_one_goes_on_on_the_other(tmp_path: Path) -> None:
    """The checkpoint of two epochs on TensorFlow becomes the third one on JAX."""
    (tmp_path / "whole").mkdir()
    whole = work("tensorflow", tmp_path / "whole", 3)
    work("tensorflow", tmp_path, 2)
    resumed = work("jax", tmp_path, 3)
    np.testing.assert_allclose(resumed["epochs"][:2], whole["epochs"][:2], rtol=1e-9)
    np.testing.assert_allclose(resumed["epochs"][2], whole["epochs"][2], rtol=1e-4, atol=1e-5)


def test_predictions_are_strict_float32() -> None:
    """A GPU would else take TensorFloat-32: the framework's switch is off, whatever it was before."""
    running = device.framework_name()
    if running == "jax":
        import jax
        from small_training import tiny

        from accessiflow.model.build import build_model
        from accessiflow.model.one_hot import one_hot

        jax.config.update("jax_default_matmul_precision", "tensorfloat32")
        device.start(1)
        model = build_model(tiny())
        text = jax.jit(lambda codes: model(one_hot(codes), training=False)).lower(np.zeros((2, 24), np.uint8)).as_text()
        products = [line for line in text.splitlines() if "stablehlo.convolution" in line or "dot_general" in line]
        assert products
        assert all("HIGHEST" in line for line in products)
    else:
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(True)
        device.start(1)
        assert not tf.config.experimental.tensor_float_32_execution_enabled()


def test_tf32_is_a_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    device.start(1, precision="tf32")
    if device.framework_name() == "jax":
        import jax

        assert jax.config.jax_default_matmul_precision == "tensorfloat32"
    else:
        import tensorflow as tf

        assert tf.config.experimental.tensor_float_32_execution_enabled()
    device.start(1)
    with pytest.raises(InputError, match="--precision half: expected one of float32, tf32"):
        device.start(1, precision="half")


def test_a_framework_that_runs_is_kept() -> None:
    running = device.framework_name()
    other = next(name for name in device.BACKENDS if name != running)
    assert device.chosen_backend() == device.chosen_backend(running) == running
    with pytest.raises(InputError, match=f"--backend {other}: this process computes with {running} already"):
        device.chosen_backend(other)
    with pytest.raises(InputError, match="--backend torch: expected one of tensorflow, jax"):
        device.chosen_backend("torch")


@pytest.mark.parametrize(
    ("present", "gpu", "environment", "asked", "expected"),
    [
        (("tensorflow", "jax"), False, "", "", "tensorflow"),
        (("tensorflow", "jax"), True, "", "", "jax"),
        (("tensorflow",), True, "", "", "tensorflow"),
        (("jax",), False, "", "", "jax"),
        (("tensorflow", "jax"), False, "jax", "", "jax"),
        (("tensorflow", "jax"), True, "jax", "tensorflow", "tensorflow"),
        (("tensorflow",), False, "", "jax", "--backend jax: jax is not installed here"),
        ((), False, "", "", "neither TensorFlow nor JAX is installed here"),
    ],
)
def test_the_framework_is_chosen_before_one_runs(
    monkeypatch: pytest.MonkeyPatch, present: tuple[str, ...], gpu: bool, environment: str, asked: str, expected: str
) -> None:
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setattr(device, "find_spec", lambda name: name if name in present else None)
    monkeypatch.setattr(device, "gpu_at_hand", lambda: gpu)
    monkeypatch.setenv("KERAS_BACKEND", environment)
    if expected in device.BACKENDS:
        assert device.chosen_backend(asked) == expected
    else:
        with pytest.raises(InputError, match=expected):
            device.chosen_backend(asked)
