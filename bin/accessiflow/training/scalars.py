"""TensorBoard scalars: one value an epoch and column of train_log.tsv."""

from __future__ import annotations

import time
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
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot be made ({error.strerror}): choose another folder for --tensorboard", folder
        ) from None
    writer = EventFileWriter(str(folder))

    def write(epoch: Epoch) -> None:
        values = [Summary.Value(tag=k, simple_value=v) for k, v in asdict(epoch).items() if k != "epoch"]
        writer.add_event(Event(wall_time=time.time(), step=epoch.epoch, summary=Summary(value=values)))
        writer.flush()  # a running TensorBoard shows an epoch when it ends, and a killed run loses none

    try:
        yield write
    finally:
        writer.close()
