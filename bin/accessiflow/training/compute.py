"""What a run computes on: one device, or several that share every batch; XLA; float32, or float16 with loss scaling.

XLA pays on a GPU, and on a CPU for networks of the paper's size (1.1 times as fast); for small ones oneDNN alone is
faster, without compiling.
Several devices (MirroredStrategy): each takes an equal part of the batch, gradients are summed, batch normalisation
uses the whole batch, so that the result is that of one device within rounding (dropout apart, which each device draws
for itself). XLA is left out there: it cannot compile the exchange between devices.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accessiflow.errors import InputError
from accessiflow.log import log

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
        strategy: How several devices share a batch; None for one device.
    """

    jit: bool | None = None
    mixed_precision: bool = False
    strategy: tf.distribute.Strategy | None = None

    @property
    def replicas(self) -> int:
        """Devices that share a batch."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    def uses_xla(self, model: keras.Model) -> bool:
        """Whether the steps of a model are compiled with XLA."""
        import tensorflow as tf

        if self.jit is None and self.strategy is None:
            return bool(tf.config.list_logical_devices("GPU")) or model.count_params() >= XLA_FROM
        return bool(self.jit)

    def scope(self) -> AbstractContextManager[object]:
        """Where variables have to be made."""
        return nullcontext() if self.strategy is None else self.strategy.scope()


def choose(params: Params, gpus: int | None = None, jit: bool | None = None, mixed_precision: bool = False) -> Compute:
    """The devices of a run: as many GPUs as asked for (`gpus`), or as train.num_gpu says and TensorFlow sees.

    Raises:
        InputError: More GPUs are asked for than there are, or what `mirrored` refuses.
    """
    import tensorflow as tf

    visible = [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices("GPU")]
    if gpus is not None and gpus > len(visible):
        names = ", ".join(visible) or "none"
        raise InputError(
            f"--gpus {gpus}: TensorFlow sees {len(visible)} GPU(s) here ({names}): ask for no more than these"
        )
    count = params.train["num_gpu"] if gpus is None else gpus
    # The option is a demand, the params file a wish: it may have been written on another machine.
    if count > max(len(visible), 1):
        what = f"train.num_gpu = {count}, but TensorFlow sees {len(visible)} GPU(s): batches stay as large"
        log.warning("%s: %s", params.source, what)
    if mixed_precision and not visible:
        log.warning("--mixed-precision: there is no GPU, and float16 is slow on a CPU")
    devices = visible[:count]
    if len(devices) > 1:
        return mirrored(params, devices, mixed_precision)
    return Compute(jit, mixed_precision)


def mirrored(params: Params, devices: Sequence[str], mixed_precision: bool = False) -> Compute:
    """Several devices that share every batch.

    Raises:
        InputError: The batch does not divide.
    """
    import tensorflow as tf

    batch = params.train["batch_size"]
    # unequal parts would give the windows of a small part more weight in the mean of the gradients
    if batch % len(devices):
        raise InputError(
            f"has train.batch_size = {batch}, which {len(devices)} devices cannot share equally", params.source
        )
    log.info("%d devices share each batch of %d: %s (without XLA)", len(devices), batch, ", ".join(devices))
    return Compute(False, mixed_precision, tf.distribute.MirroredStrategy(devices))
