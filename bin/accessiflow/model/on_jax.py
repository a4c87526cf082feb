"""What is written for JAX alone: its start, its GPUs, and a compiled forward pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from accessiflow.model.one_hot import one_hot

if TYPE_CHECKING:
    import jax
    import keras

    from accessiflow.genome import Codes

LABEL = "JAX"


def start(threads: int, training: bool, precision: str) -> None:  # noqa: ARG001 (as the other framework's)
    """Configure JAX."""
    # The size of XLA's thread pool on a CPU, read when its first computation is set up.
    os.environ["NPROC"] = str(threads)
    # of a shared GPU only what is used, as with TensorFlow
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import jax

    # JAX's own default on a GPU is TensorFloat-32, which moves SAD by percents
    jax.config.update("jax_default_matmul_precision", "tensorfloat32" if precision == "tf32" else "highest")


def gpus() -> list[str]:
    """Names of the GPUs, such as cuda:0."""
    import jax

    return [str(device) for device in jax.devices() if device.platform != "cpu"]


def describe() -> str:
    """The first GPU's model, or "cpu"."""
    import jax

    first = jax.devices()[0]
    return "cpu" if first.platform == "cpu" else str(first.device_kind)


def forward(
    model: keras.Model,
    outputs: Sequence[int] | None,
    batch: int,  # noqa: ARG001 (as the other framework's)
) -> Callable[[Codes], jax.Array]:
    """A compiled function from windows of base codes to the predictions of some tracks (None: all).

    It is compiled for the number of windows that it first gets, and again for another one.
    """
    import jax
    import jax.numpy as jnp

    @jax.jit
    def run(trainable: list[jax.Array], fixed: list[jax.Array], codes: jax.Array) -> jax.Array:
        predicted, _ = model.stateless_call(trainable, fixed, one_hot(codes), training=False)
        # on the device: of a model of thousands of tracks only those asked for are copied back
        return predicted if outputs is None else jnp.take(predicted, jnp.asarray(outputs), axis=2)

    # handed over, not captured: constants would be compiled into the function, and folded there
    weights = ([v.value for v in model.trainable_variables], [v.value for v in model.non_trainable_variables])
    return partial(run, *weights)
