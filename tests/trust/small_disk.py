"""A disk that fills, or lets nothing be written."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Callable[[str], None]]:
    """A tmpfs of a size at `folder`.

    Gives a function that remounts it with other options, between two writes if need be.
    """

    def remount(options: str) -> None:
        limit = time.monotonic() + 60
        while (
            subprocess.run(
                ["mount", "-o", f"remount,{options}", str(folder)], capture_output=True, check=False
            ).returncode
            != 0
        ):
            assert time.monotonic() < limit, f"{folder} is never idle"

    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {made.stderr.strip()}")
    try:
        yield remount
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
