"""What the system does to a stage: a full disk, too little memory, a worker that is killed.

One sentence, and an exit code of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import small_disk

ROOT = Path(__file__).resolve().parents[2]
STAGE = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
import numpy as np
from accessiflow import cli
app = cli.make_app("A stage.")

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

@app.command()
def write(path: Path) -> None:
    with open(path, "w") as out:
        out.write("x" * 100000)

@app.command()
def hoard() -> None:
    np.ones(1 << 50)

@app.command()
def lose() -> None:
    with ProcessPoolExecutor(1) as pool:
        list(pool.map(die, [1]))

@app.command()
def bigwig(path: Path) -> None:
    from accessiflow.signal.bigwig import write_bigwig
    starts = np.arange(60000) * 10
    write_bigwig(path, {"chr1": 1000000}, [("chr1", starts, starts + 5, np.random.default_rng(0).random(60000))])

@app.command()
def hdf5(path: Path) -> None:
    from accessiflow.hdf5 import create_hdf5
    with create_hdf5(path) as out:
        out["x"] = np.random.default_rng(0).random(60000)

cli.run(app)
"""
Stage = Callable[..., tuple[int, str]]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    path = tmp_path / "stage.py"
    path.write_text(STAGE)

    def run(*args: object) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, str(path), *map(str, args)],
            env=os.environ | {"PYTHONPATH": str(ROOT / "bin")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stderr

    return run


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_sentence(stage: Stage) -> None:
    code, said = stage("write", "/dev/full")
    assert code == 1
    assert said == (
        "error: cannot be written: No space left on device: "
        "make room or choose another folder, then go on with -resume\n"
    )


@pytest.mark.parametrize("command", ["hoard", "lose"])
def test_too_little_memory_ends_as_a_killed_task_does(stage: Stage, command: str) -> None:
    code, said = stage(command)
    assert code == 137
    assert said.startswith("error: too little memory, or a worker process was killed")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["bigwig", "hdf5"])
def test_a_disk_that_fills_leaves_no_file_and_no_crash(stage: Stage, tmp_path: Path, command: str) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, 1) as remount:
        for kilobytes in (60, 250, 500, 650, 1000, 1500, 3000):
            remount(f"size={kilobytes}k")
            code, said = stage(command, disk / "made")
            assert code == 0 or (code == 1 and "No space left on device" in said and said.count("\n") == 1), (
                kilobytes,
                code,
                said,
            )
            assert [path.name for path in disk.iterdir()] == (["made"] if code == 0 else []), kilobytes
            (disk / "made").unlink(missing_ok=True)
        assert code == 0
