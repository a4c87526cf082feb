"""What is written for TensorFlow alone: its start, its GPUs, and a compiled forward pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from accessiflow.log import log
from accessiflow.model.one_hot import one_hot

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from accessiflow.genome import Codes

LABEL = "TensorFlow"


def start(threads: int, training: bool, precision: str) -> None:
    """Configure TensorFlow.

    Training has convolutions by oneDNN on any processor, where TensorFlow alone would do so on some, and independent
    operations (the gradients of weights and inputs) at the same time.

    Raises:
        RuntimeError: A training is to begin where TensorFlow has started already: its bytes depend on the threads.
    """
    # These are read when TensorFlow is imported: they have to be set before.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if training:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads if training else 1)
    except RuntimeError:
        if training:
            raise
        # Another model of the same task asks for the same: nothing is to be said.
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            log.warning("TensorFlow has started already: it keeps the threads that it has")
    # TensorFlow's own default is TensorFloat-32, which moves SAD by percents
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    for gpu in tf.config.list_physical_devices("GPU"):
        # without this the first process takes all memory of a GPU, and tasks that share it fail
        tf.config.experimental.set_memory_growth(gpu, True)


def gpus() -> list[str]:
    """Names of the GPUs, such as GPU:0."""
    import tensorflow as tf

    return [device.name.removeprefix("/device:") for device in tf.config.list_logical_devices("GPU")]


def describe() -> str:
    """The first GPU's model, or "cpu"."""
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(found[0]).get("device_name", "gpu")) if found else "cpu"


def forward(model: keras.Model, outputs: Sequence[int] | None, batch: int) -> Callable[[Codes], tf.Tensor]:
    """A compiled function from `batch` windows of base codes to the predictions of some tracks (None: all)."""
    import tensorflow as tf

    def run(codes: tf.Tensor) -> tf.Tensor:
        predicted = model(one_hot(codes), training=False)
        # on the device: of a model of thousands of tracks only those asked for are copied back
        return predicted if outputs is None else tf.gather(predicted, outputs, axis=2)

    shape = (batch, model.input_shape[1])
    return tf.function(run, input_signature=[tf.TensorSpec(shape, tf.uint8)], autograph=False)
