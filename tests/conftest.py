"""Shared fixtures.

The library on the path, the stage scripts, Nextflow, the reference files where a checkout has them.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import commands
import pytest
from hypothesis import settings
from whole_run import Run

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LAUNCHER = ROOT / "scripts" / "nextflow"
VENVS = Path(os.environ.get("VENVS", ROOT / ".venvs"))

# no example may fail because the machine is busy
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

Nextflow = Callable[..., subprocess.CompletedProcess[str]]
sys.path.insert(0, str(ROOT / "bin"))
# Keras alone would ask for TensorFlow, in an environment that has JAX in its place too
os.environ.setdefault("KERAS_BACKEND", "tensorflow" if find_spec("tensorflow") else "jax")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order and groups for several workers.

    The longest run first, and a file without pipelines on one worker, where its fixtures are made once.
    """
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        if not item.get_closest_marker("nextflow"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        elif not item.get_closest_marker("trust"):
            # on one worker, or the other would wait for the run that they share in place of doing something
            for run in {"demo", "undisturbed"} & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.xdist_group(run))
    items.sort(key=turn)


def turn(item: pytest.Item) -> int:
    """The demo first, beside it what runs no pipeline.

    Then the other whole runs, beside them what only starts Nextflow; groups before single tests.
    """
    if "demo" in getattr(item, "fixturenames", ()):
        return 0
    if not item.get_closest_marker("nextflow"):
        return 1
    return 2 + 2 * (item.get_closest_marker("slow") is None) + (item.get_closest_marker("xdist_group") is None)


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


@pytest.fixture
def warned() -> Iterator[Callable[[], list[str]]]:
    """warned() -> the warnings that the library has logged in this test, as a run record has them."""
    from accessiflow.log import WarningKeeper, log

    keeper = WarningKeeper()
    log.addHandler(keeper)
    yield keeper.sentences
    log.removeHandler(keeper)


@pytest.fixture(scope="session")
def script():
    """Run a stage script within this process: script("peaks", "bin", ...) -> CompletedProcess (text).

    With check=False a failure is returned too.
    """
    return partial(checked, commands.inside)


@pytest.fixture(scope="session")
def script_apart():
    """The same in a process of its own, as a user does.

    For what depends on the process, and for children that are forked.
    """
    return partial(checked, commands.apart)


def checked(
    run: Callable[..., commands.Done], name: str, *args: object, check: bool = True, **options: object
) -> commands.Done:
    """Run a script, which must end well unless a failure is to be kept."""
    done = run(name, *args, **options)
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(done.args)} exited {done.returncode}\n{done.stderr[-4000:]}")
    return done


@pytest.fixture(scope="session")
def refused(script):
    """Run a script that must refuse its input: exit 2, one `error:` sentence, no traceback; returns the sentence."""
    return partial(refusal, script)


@pytest.fixture(scope="session")
def refused_apart(script_apart):
    """The same of a process of its own."""
    return partial(refusal, script_apart)


def refusal(run: Callable[..., commands.Done], name: str, *args: object, **options: object) -> str:
    """The one sentence with which a script refuses."""
    done = run(name, *args, check=False, **options)
    assert done.returncode == 2, f"exit {done.returncode}, expected 2\n{done.stderr[-3000:]}"
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1, done.stderr[-3000:]
    return errors[0]


@pytest.fixture(scope="session")
def launcher() -> Path:
    """The Nextflow launcher, where Java is."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java: Nextflow cannot run")
    return LAUNCHER


@pytest.fixture
def nextflow(launcher: Path, tmp_path: Path) -> Nextflow:
    """nextflow("run", ROOT, ...) in a fresh folder -> CompletedProcess with stdout and stderr together."""

    def run(
        *args: object, cwd: Path = tmp_path, timeout: float = 900, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
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
def groovy(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, object], object]:
    """groovy(code, given) -> what the code, with the pipeline's own classes and `given` at hand, makes of it."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java: Nextflow cannot run")

    def run(code: str, given: object) -> object:
        folder = tmp_path_factory.mktemp("groovy")
        for name in ("lib", "assets", "bin"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "given.json").write_text(json.dumps(given))
        (folder / "main.nf").write_text(
            'def given = new groovy.json.JsonSlurper().parse(file("${projectDir}/given.json"))\n'
            f'file("${{projectDir}}/answer.json").text = groovy.json.JsonOutput.toJson({code})\nworkflow {{ }}\n'
        )
        done = subprocess.run(
            [str(ROOT / "scripts" / "nextflow"), "run", "main.nf"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((folder / "answer.json").read_text())

    return run


@pytest.fixture(scope="session")
def environments() -> Path:
    """The stage environments of `make envs`."""
    if not (VENVS / "peaks" / "bin" / "python").exists():
        pytest.skip(f"no stage environments in {VENVS}: run make envs")
    return VENVS


def undisturbed_run(profile: str, factory: pytest.TempPathFactory) -> Run:
    """A run of a profile that nothing disturbs: made once for all workers of a test session."""
    base = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    run, done = Run(base / f"{profile}-undisturbed", profile=f"{profile},venv"), base / f"{profile}.done"
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
    """The smallest whole study, run once."""
    return undisturbed_run("test", tmp_path_factory)


@pytest.fixture(scope="session")
def undisturbed_later(
    launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Run]:
    """The same for a test that first makes a run of its own: another worker may be at the undisturbed one meanwhile."""
    return cache(partial(undisturbed_run, "test", tmp_path_factory))


@pytest.fixture(scope="session")
def demo(launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo, run once."""
    return undisturbed_run("demo", tmp_path_factory)
