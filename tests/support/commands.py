"""A stage script's command line, run inside this process or in one of its own, as a user does.

Inside, what it imports is paid once.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import IO

import pytest

from accessiflow import cli

BIN = Path(__file__).resolve().parents[2] / "bin"
ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
Done = subprocess.CompletedProcess[str]


def inside(name: str, *args: object, cwd: Path | None = None, timeout: int = 600) -> Done:
    """Run a script in this process; warnings are errors here, as in every test."""
    command = [str(BIN / f"{name}.py"), *map(str, args)]
    app = import_module(name).app
    with _undone(), pytest.MonkeyPatch.context() as patch, _file(1) as out, _file(2) as err, time_limit(timeout):
        if cwd is not None:
            patch.chdir(cwd)
        patch.setattr(sys, "argv", command)
        for variable, value in ENVIRONMENT.items():
            patch.setenv(variable, value)
        with (
            _stream(1) as stdout,
            _stream(2) as stderr,
            redirect_stdout(stdout),
            redirect_stderr(stderr),
            pytest.raises(SystemExit) as ended,
        ):
            cli.run(app)
        code = int(ended.value.code or 0)
        said = [_text(file) for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *said)


def apart(name: str, *args: object, cwd: Path | None = None, timeout: float = 600) -> Done:
    """Run a script in a process of its own: where the process itself is what is tested, or its threads and children."""
    command = [sys.executable, str(BIN / f"{name}.py"), *map(str, args)]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        cwd=cwd,
        env=os.environ | ENVIRONMENT,
        timeout=timeout,
        check=False,
    )


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Fail what takes longer."""

    def late(*_: object) -> None:
        pytest.fail(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _undone() -> Iterator[None]:
    """Take back what a command changes for its process: environment variables, and where its log goes."""
    log, environment = logging.getLogger("accessiflow"), dict(os.environ)
    handlers, level, propagate = log.handlers[:], log.level, log.propagate
    try:
        yield
    finally:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _file(number: int) -> Iterator[IO[bytes]]:
    """Send a file descriptor to a file: C libraries and child processes write there too."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(number)
        os.dup2(file.fileno(), number)
        try:
            yield file
        finally:
            os.dup2(kept, number)
            os.close(kept)


def _stream(number: int) -> IO[str]:
    return open(number, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
