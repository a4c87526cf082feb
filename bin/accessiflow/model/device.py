"""The device that TensorFlow computes on: its threads, and a GPU where one is asked for."""

from __future__ import annotations

import os

from accessiflow.errors import InputError
from accessiflow.log import log, note


def start_tensorflow(threads: int, require_gpu: bool = False, training: bool = False) -> str:
    """Configure TensorFlow's threads and memory; returns and records the device.

    Args:
        threads: CPU threads of one operation.
        require_gpu: Refuse to run on a CPU.
        training: As suits training: convolutions by oneDNN on any processor, where TensorFlow alone would do so on
            some, and independent operations (the gradients of weights and inputs) at the same time.

    Raises:
        InputError: A GPU is required and none is visible.
    """
    # These are read when TensorFlow is imported: they have to be set before.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if training:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads if training else 1)
    except RuntimeError:
        if training:  # the bytes of a training depend on them
            raise
        log.warning("TensorFlow has started already: it keeps the threads that it has")
    gpus = tf.config.list_physical_devices("GPU")
    if require_gpu and not gpus:
        present = ", ".join(
            device.name.removeprefix("/physical_device:") for device in tf.config.list_physical_devices()
        )
        raise InputError(
            f"--require-gpu: TensorFlow sees no GPU here, only {present}: "
            "check the driver, the image (a -gpu tag) and the profile gpu"
        )
    for gpu in gpus:
        # without this the first process takes all memory of a GPU, and tasks that share it fail
        tf.config.experimental.set_memory_growth(gpu, True)
    device = "cpu"
    if gpus:
        device = str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "gpu"))
    log.info("device: %s, %d thread(s)", device, threads)
    note(device=device, threads=threads)
    return device
