"""Shared fixtures: the library on the path, the scripts as subprocesses, the reference files where a checkout has them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
sys.path.insert(0, str(ROOT / "bin"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with reference data and outputs of the original tools; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference files at {SHARED}: parity with the original tools is not tested")
    return SHARED


@pytest.fixture(scope="session")
def golden(shared: Path) -> Path:
    """Outputs of the original tools."""
    return shared / "golden"


@pytest.fixture(scope="session")
def script():
    """Run a stage script as a user does: script("peaks", "bin", ...) -> CompletedProcess (text); check=False keeps a failure."""

    def run(name: str, *args: object, check: bool = True, cwd: Path | None = None, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "bin" / f"{name}.py"), *map(str, args)]
        env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=timeout, check=False)
        if check and done.returncode != 0:
            pytest.fail(f"{' '.join(command)} exited {done.returncode}\n{done.stderr[-4000:]}")
        return done

    return run


@pytest.fixture(scope="session")
def refused(script):
    """Run a script that must refuse its input: exit 2, one `error:` sentence, no traceback; returns the sentence."""

    def run(name: str, *args: object, **options: object) -> str:
        done = script(name, *args, check=False, **options)
        assert done.returncode == 2, f"exit {done.returncode}, expected 2\n{done.stderr[-3000:]}"
        assert "Traceback" not in done.stderr
        errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
        assert len(errors) == 1, done.stderr[-3000:]
        return errors[0]

    return run
