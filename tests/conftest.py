"""Shared fixtures: the library on the path, the scripts as subprocesses, Nextflow, the reference files where a checkout has them."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from whole_run import Run

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LAUNCHER = ROOT / "scripts" / "nextflow"
VENVS = Path(os.environ.get("VENVS", ROOT / ".venvs"))

Nextflow = Callable[..., subprocess.CompletedProcess[str]]
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


def in_peace(profile: str, factory: pytest.TempPathFactory) -> Run:
    """A run of a profile that nothing disturbs: made once for all workers of a test session."""
    base = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    run, done = Run(base / f"{profile}-in-peace", profile=f"{profile},venv"), base / f"{profile}.done"
    with open(base / f"{profile}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            if run.folder.exists():
                pytest.fail(f"the undisturbed run failed before: {run.log}")
            run.finish()
            done.touch()
    return run


@pytest.fixture(scope="session")
def undisturbed(launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The smallest whole study, run once in peace."""
    return in_peace("test", tmp_path_factory)


@pytest.fixture(scope="session")
def demo(launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo, run once in peace."""
    return in_peace("demo", tmp_path_factory)
