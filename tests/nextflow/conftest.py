"""Running Nextflow from a test: the launcher of `make`, one folder a test, plain logs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "scripts" / "nextflow"
VENVS = Path(os.environ.get("VENVS", ROOT / ".venvs"))

Nextflow = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def launcher() -> Path:
    """The Nextflow launcher, where Java is."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java: Nextflow cannot run")
    return LAUNCHER


@pytest.fixture
def nextflow(launcher: Path, tmp_path: Path) -> Nextflow:
    """nextflow("run", ROOT, ...) in a fresh folder -> CompletedProcess with stdout and stderr together."""

    def run(*args: object, cwd: Path = tmp_path, timeout: float = 900, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(launcher), *map(str, args)],
            cwd=cwd,
            env=os.environ | {"NXF_ANSI_LOG": "false"} | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def environments() -> Path:
    """The stage environments of `make envs`."""
    if not (VENVS / "peaks" / "bin" / "python").exists():
        pytest.skip(f"no stage environments in {VENVS}: run make envs")
    return VENVS
