"""What a run computes on: one device, or several that share every batch; XLA; float32, or float16 with loss scaling.

XLA pays on a GPU, and on a CPU for networks of the paper's size (1.1 times as fast); for small ones oneDNN alone is
faster, without compiling. JAX compiles with XLA always.
Several devices: each takes an equal part of the batch, gradients are summed, batch normalisation uses the whole batch,
so that the result is that of one device within rounding (in TensorFlow dropout apart, which each device draws for
itself).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accessiflow.errors import InputError
from accessiflow.log import log
from accessiflow.model.device import framework, framework_name

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from accessiflow.model.params import Params

XLA_FROM = 1_000_000  # parameters from which XLA pays on a CPU


@dataclass(frozen=True)
class Compute:
    """How steps are computed.

    Attributes:
        jit: Compile with XLA; None: where it pays.
        mixed_precision: Compute the trunk in float16, with loss scaling.
        devices: The devices that share a batch, as the framework calls them; none for one device.
        strategy: TensorFlow's object for several devices.
    """

    jit: bool | None = None
    mixed_precision: bool = False
    devices: tuple[str, ...] = ()
    strategy: tf.distribute.Strategy | None = None

    @property
    def replicas(self) -> int:
        """Devices that share a batch."""
        return max(len(self.devices), 1)

    @property
    def synchronized(self) -> bool:
        """Whether batch normalisation has to ask the other devices; JAX computes it over the whole batch anyway."""
        return self.strategy is not None

    def uses_xla(self, model: keras.Model) -> bool:
        """Whether the steps of a model are compiled with XLA."""
        if framework_name() == "jax":
            return True
        if self.jit is None and self.strategy is None:
            return bool(framework().gpus()) or model.count_params() >= XLA_FROM
        return bool(self.jit)

    def scope(self) -> AbstractContextManager[object]:
        """Where variables have to be made."""
        return nullcontext() if self.strategy is None else self.strategy.scope()


def choose(params: Params, gpus: int | None = None, jit: bool | None = None, mixed_precision: bool = False) -> Compute:
    """The devices of a run: as many GPUs as asked for (`gpus`), or as train.num_gpu says and the framework sees.

    Raises:
        InputError: More GPUs are asked for than there are, or what `shared` refuses.
    """
    code = framework()
    visible = code.gpus()
    if gpus is not None and gpus > len(visible):
        names = ", ".join(visible) or "none"
        raise InputError(
            f"--gpus {gpus}: {code.LABEL} sees {len(visible)} GPU(s) here ({names}): ask for no more than these"
        )
    count = params.train["num_gpu"] if gpus is None else gpus
    # The option is a demand, the params file a wish: it may have been written on another machine.
    if count > max(len(visible), 1):
        what = f"train.num_gpu = {count}, but {code.LABEL} sees {len(visible)} GPU(s): batches stay as large"
        log.warning("%s: %s", params.source, what)
    if mixed_precision and not visible:
        log.warning("--mixed-precision: there is no GPU, and float16 is slow on a CPU")
    devices = visible[:count]
    if len(devices) > 1:
        return shared(params, devices, mixed_precision)
    return Compute(jit, mixed_precision)


def shared(params: Params, devices: Sequence[str], mixed_precision: bool = False) -> Compute:
    """Several devices that share every batch.

    Raises:
        InputError: The batch does not divide.
    """
    batch = params.train["batch_size"]
    # unequal parts would give the windows of a small part more weight in the mean of the gradients
    if batch % len(devices):
        raise InputError(
            f"has train.batch_size = {batch}, which {len(devices)} devices cannot share equally", params.source
        )
    log.info("%d devices share each batch of %d: %s", len(devices), batch, ", ".join(devices))
    if framework_name() == "jax":
        return Compute(None, mixed_precision, tuple(devices))
    import tensorflow as tf

    # without XLA, which cannot compile the exchange between TensorFlow's devices
    return Compute(False, mixed_precision, tuple(devices), tf.distribute.MirroredStrategy(devices))
