"""TensorBoard scalars: one value an epoch and column of train_log.tsv."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from accessiflow.errors import InputError
from accessiflow.training.history import Epoch


@contextmanager
def scalar_writer(folder: Path | None) -> Iterator[Callable[[Epoch], None]]:
    """A function that writes an epoch's scalars to an event file in a folder (None: it writes nothing).

    Raises:
        InputError: The folder cannot be made.
    """
    if folder is None:
        yield lambda _: None
        return
    import tensorflow as tf

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot be made ({error.strerror}): choose another folder for --tensorboard", folder
        ) from None
    with tf.summary.create_file_writer(str(folder)).as_default() as writer:

        def write(epoch: Epoch) -> None:
            for name, value in asdict(epoch).items():
                if name != "epoch":
                    tf.summary.scalar(name, value, step=epoch.epoch)
            writer.flush()  # a running TensorBoard shows an epoch when it ends, and a killed run loses none

        yield write
