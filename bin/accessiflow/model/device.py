"""The framework that computes a network, TensorFlow or JAX (Keras runs on either), and the device that it computes on.

One framework a process, chosen before Keras is imported. Everything that is written for one of them alone stands in
`on_tensorflow` and `on_jax` (here and in training/): neither framework is imported where the other computes.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from accessiflow.errors import InputError
from accessiflow.log import log, note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import keras
    from numpy.typing import ArrayLike

    from accessiflow.genome import Codes

BACKENDS = ("tensorflow", "jax")
PRECISIONS = ("float32", "tf32")


class Device(NamedTuple):
    """What computes: "cpu" or the name of a GPU, and the framework."""

    name: str
    backend: str


class Framework(Protocol):
    """What the module of a framework (on_tensorflow, on_jax) offers."""

    LABEL: str

    def start(self, threads: int, training: bool, precision: str) -> None:
        """Configure threads, memory and precision, before anything is computed."""

    def gpus(self) -> list[str]:
        """Names by which the framework knows the GPUs that it sees."""

    def describe(self) -> str:
        """The first GPU's model, or "cpu"."""

    def forward(self, model: keras.Model, outputs: Sequence[int] | None, batch: int) -> Callable[[Codes], ArrayLike]:
        """A compiled function from `batch` windows of base codes to the predictions of some tracks (None: all)."""


def start(
    threads: int,
    require_gpu: bool = False,
    training: bool = False,
    backend: str = "",
    precision: str = "float32",
) -> Device:
    """Choose the framework and configure it; returns and records the device.

    Args:
        threads: CPU threads of one operation.
        require_gpu: Refuse to run on a CPU.
        training: As suits training (see the frameworks' own modules).
        backend: tensorflow or jax; default: see `chosen_backend`.
        precision: float32, or tf32: the products of a GPU's matrix units are rounded to 10 bits, several times as
            fast. Predictions and scores are never computed so: it moves SAD by percents.

    Raises:
        InputError: The framework is not installed or another one runs already, or a GPU is required and none is
            visible.
    """
    if precision not in PRECISIONS:
        raise InputError(f"--precision {precision}: expected one of {', '.join(PRECISIONS)}")
    backend = chosen_backend(backend)
    os.environ["KERAS_BACKEND"] = backend  # read when Keras is imported
    code = _module(backend)
    code.start(threads, training, precision)
    if require_gpu and not code.gpus():
        raise InputError(
            f"--require-gpu: {code.LABEL} sees no GPU here: "
            "check the driver, the image (a -gpu tag) and the profile gpu"
        )
    device = code.describe()
    log.info("device: %s (%s, %s), %d thread(s)", device, code.LABEL, precision, threads)
    note(device=device, threads=threads, backend=backend, precision=precision)
    return Device(device, backend)


def chosen_backend(asked: str = "") -> str:
    """The framework of this process.

    The one that runs already; else the one asked for, by the option or by KERAS_BACKEND; else JAX where there is a GPU
    and JAX, which is the faster there; else TensorFlow, else the one that is installed.

    Raises:
        InputError: The one asked for is not installed, or another one runs.
    """
    if asked and asked not in BACKENDS:
        raise InputError(f"--backend {asked}: expected one of {', '.join(BACKENDS)}")
    if "keras" in sys.modules:
        running = framework_name()
        if asked not in ("", running):
            raise InputError(f"--backend {asked}: this process computes with {running} already")
        return running
    asked = asked or os.environ.get("KERAS_BACKEND", "")
    present = [name for name in BACKENDS if find_spec(name) is not None]
    if asked in BACKENDS:
        if asked not in present:
            raise InputError(
                f"--backend {asked}: {asked} is not installed here: "
                f"take the image or environment that has it (docs/containers.md), or --backend {present[0]}"
                if present
                else f"--backend {asked}: {asked} is not installed here"
            )
        return asked
    if not present:
        raise InputError("neither TensorFlow nor JAX is installed here: a network needs one of them")
    return "jax" if "jax" in present and gpu_at_hand() else present[0]


def framework_name() -> str:
    """The framework that Keras runs on in this process."""
    import keras

    return str(keras.config.backend())


def framework() -> Framework:
    """The code of the framework that Keras runs on."""
    return _module(framework_name())


def gpu_at_hand() -> bool:
    """Whether it is worth asking a framework for a GPU: its import alone takes seconds."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):  # Slurm hides GPUs from a job in this way
        return False
    devices = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, and either under Windows' Linux
    return any(Path(device).exists() for device in devices)


def _module(backend: str) -> Framework:
    if backend == "jax":
        from accessiflow.model import on_jax

        return on_jax
    from accessiflow.model import on_tensorflow

    return on_tensorflow
