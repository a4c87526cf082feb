"""The device that TensorFlow computes on: its threads, and a GPU where one is asked for."""

from __future__ import annotations

import logging
import os

from accessiflow import cli
from accessiflow.errors import InputError

log = logging.getLogger("accessiflow")


def start_tensorflow(threads: int, require_gpu: bool = False) -> str:
    """Configure TensorFlow's threads and memory; returns and records the device.

    Raises:
        InputError: a GPU is required and none is visible.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    found = tf.config.list_physical_devices("GPU")
    if require_gpu and not found:
        raise InputError("--require-gpu: TensorFlow sees no GPU here: check the driver, the image (a -gpu tag) and the profile gpu")
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    device = tf.config.experimental.get_device_details(found[0]).get("device_name", "gpu") if found else "cpu"
    log.info("device: %s, %d thread(s)", device, threads)
    cli.note(device=device, threads=threads)
    return str(device)
