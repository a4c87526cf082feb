"""Running a script's command line: inside this process (fast), or as a user does."""

from __future__ import annotations

import importlib.util
import io
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from accessiflow import cli, log
from accessiflow.heritability import summary

BIN = Path(__file__).resolve().parents[3] / "bin"
SECONDS = 60  # no script may take longer to refuse these files


@cache
def script_module(name: str) -> ModuleType:
    """A stage script, imported once."""
    spec = importlib.util.spec_from_file_location(f"corpus_{name}", BIN / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def time_limit(seconds: int) -> Iterator[None]:
    """Fail what takes longer."""

    def late(*_: object) -> None:
        raise AssertionError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def words(command: str) -> tuple[str, list[str]]:
    """Script and arguments of a command line `script command ...`."""
    script, *arguments = shlex.split(command)
    return script, arguments


def inside(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a command line run in a folder by this process."""
    script, arguments = words(command)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, time_limit(SECONDS), redirect_stderr(said), redirect_stdout(io.StringIO()):
        patch.chdir(folder)
        patch.setattr(sys, "argv", [f"{script}.py", *arguments])
        log.run_facts.clear()
        patch.setattr(cli, "_outputs", {})
        for kept in (summary._moments, summary._common_snps):  # by names relative to the folder
            kept.cache_clear()
        with pytest.raises(SystemExit) as ended:
            cli.run(script_module(script).app)
    return int(ended.value.code or 0), said.getvalue()


def apart(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a command line run in a folder by a process of its own."""
    script, arguments = words(command)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    line = [sys.executable, str(BIN / f"{script}.py"), *arguments]
    done = subprocess.run(line, capture_output=True, text=True, cwd=folder, env=environment, timeout=SECONDS, check=False, errors="replace")
    return done.returncode, done.stderr
