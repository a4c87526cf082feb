"""Devices and precision.

Two devices give the losses of one, float16 gives nearly those of float32, what is not there is refused.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from small_training import fold, tiny

from accessiflow.errors import InputError
from accessiflow.model.build import build_network
from accessiflow.model.device import framework_name
from accessiflow.model.weights import save_weights
from accessiflow.training.compute import Compute, choose, shared
from accessiflow.training.loop import fit

TWO_DEVICES = """
import json, os, sys
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
from accessiflow.model.device import framework_name, start
start(1, training=True)
import keras
names = ("CPU:0", "CPU:1")
if framework_name() == "jax":
    import jax
    names = tuple(map(str, jax.devices()))
else:
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from accessiflow.model.build import build_network
from accessiflow.training.compute import Compute, shared
from accessiflow.training.loop import fit
from small_training import fold, tiny

assert len(names) == 2
params = tiny(optimizer="adam", clip_norm=0.5, weight_decay=0.01, deviation_weight=1.0, cosine_weight=1.0)
params.model["l2_scale"] = 0.01
params.model["trunk"][0]["dropout"] = 0.0
out = []
for compute in (Compute(jit=False), shared(params, names)):
    keras.utils.set_random_seed(1)
    with compute.scope():
        model = build_network(params, synchronized=compute.synchronized).model
    history = fit(model, params, fold(64, 1), fold(32, 2), 1, epochs=3, compute=compute)
    out.append([[e.loss, e.val_loss, e.pearsonr, e.val_pearsonr] for e in history])
    assert compute.replicas == len(out)
json.dump(out, sys.stdout)
"""


def test_two_devices_give_the_losses_of_one() -> None:
    """Gradient, penalty, clipping and decay, batch normalisation, and both terms.

    Each would change if a device's half were taken for the whole.
    """
    done = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES],
        env=os.environ | {"PYTHONPATH": ":".join(sys.path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    one, two = json.loads(done.stdout)
    np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-5)


def test_float16_nearly_gives_the_losses_of_float32_and_stores_float32(tmp_path: Path) -> None:
    losses = []
    for mixed in (False, True):
        params = tiny()
        params.model["trunk"][0]["dropout"] = 0.0  # drawn otherwise for another type
        keras.utils.set_random_seed(1)
        network = build_network(params, mixed_precision=mixed)
        assert network.model.output.dtype == "float32"
        history = fit(network.model, params, fold(64, 1), fold(32, 2), 1, compute=Compute(False, mixed))
        losses.append([e.loss for e in history])
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.02)
    save_weights(network.model, tmp_path / "model.h5")
    kinds = []
    with h5py.File(tmp_path / "model.h5") as stored:
        stored.visititems(lambda _, entry: kinds.append(entry.dtype) if isinstance(entry, h5py.Dataset) else None)
    assert set(kinds) == {np.dtype("float32")}


def test_xla_compiles_large_networks_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_network(tiny()).model
    if framework_name() == "jax":
        assert Compute(jit=False).uses_xla(model), "JAX knows nothing else"
        return
    assert not Compute().uses_xla(model)
    assert Compute(jit=True).uses_xla(model)
    monkeypatch.setattr("accessiflow.training.compute.XLA_FROM", model.count_params())
    assert Compute().uses_xla(model)
    assert not Compute(jit=False).uses_xla(model)


def test_more_gpus_than_there_are_are_refused_or_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InputError, match=r"--gpus 99: (TensorFlow|JAX) sees \d+ GPU"):
        choose(tiny(), gpus=99)
    with caplog.at_level("WARNING", "accessiflow"):
        choose(tiny(num_gpu=99, batch_size=99))
    assert re.search("train.num_gpu = 99, but (TensorFlow|JAX) sees", caplog.text)


def test_a_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(InputError, match="batch_size = 16, which 3 devices cannot share equally"):
        shared(tiny(), ["GPU:0", "GPU:1", "GPU:2"])
