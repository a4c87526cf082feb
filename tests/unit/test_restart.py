"""Blocks that survive: a process killed while it appends, files cut at every place, files of other work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.restart import PartFile, fingerprint

BIN = Path(__file__).resolve().parents[2] / "bin"
N = 40


class Stopped(Exception):
    """Stands for whatever ends a run early."""


def block(i: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(i)
    return {
        "SAD": rng.standard_normal((3 + i % 2, 5)),
        "snp": np.array([b"rs1", b"rs22"]),
        "none": np.empty((0, 2), np.float16),
    }


def fill(path: Path, numbers, name: str = "f") -> int:
    """Append blocks and stop; returns how many there were before."""
    with pytest.raises(Stopped), PartFile(path, name) as part:
        done = part.blocks_done
        for i in numbers:
            part.append(block(i))
        raise Stopped
    return done


def assert_holds(path: Path, count: int, name: str = "f") -> None:
    """Opened again, the file has the first blocks, and no others."""
    with pytest.raises(Stopped), PartFile(path, name) as part:
        assert part.blocks_done == count
        found = list(part.blocks())
        assert len(found) == count
        for i, values in enumerate(found):
            for key, expected in block(i).items():
                assert values[key].dtype == expected.dtype
                np.testing.assert_array_equal(values[key], expected)
        raise Stopped


def test_a_run_goes_on_and_removes_the_file_when_all_is_well(tmp_path):
    path = tmp_path / "new/sad.partial"
    assert fill(path, range(3)) == 0
    assert fill(path, range(3, 5)) == 3
    with PartFile(path, "f") as part:
        part.append(block(5))
        assert sum(1 for _ in part.blocks()) == part.blocks_done == 6
    assert not path.exists()


def test_work_without_blocks_leaves_nothing(tmp_path):
    with PartFile(tmp_path / "p", "f") as part:
        assert list(part.blocks()) == []
    assert not (tmp_path / "p").exists()
    fill(tmp_path / "p", [])
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\0" * 5000, b"\x89HDF\r\n\x1a\n" + b"x" * 100])
def test_foreign_files_are_discarded_with_a_log_line(tmp_path, caplog, monkeypatch, content):
    monkeypatch.setattr("accessiflow.log.log.propagate", True)
    caplog.set_level("INFO", "accessiflow")
    path = tmp_path / "p"
    path.write_bytes(content)
    assert fill(path, range(2)) == 0
    assert ("discarded" in caplog.text) is bool(content)
    assert_holds(path, 2)
    assert fill(path, range(1), "another") == 0
    assert_holds(path, 1, "another")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), flip=st.booleans())
def test_whatever_is_cut_or_damaged_the_blocks_before_it_stay(tmp_path, place, flip):
    path, sizes = tmp_path / "p", []
    path.unlink(missing_ok=True)
    for i in range(4):
        fill(path, [i])
        sizes.append(path.stat().st_size)
    content = bytearray(path.read_bytes())
    at = min(int(place * len(content)), len(content) - 1)
    if flip:
        content[at] ^= 0xFF
    path.write_bytes(content if flip else content[:at])
    title = content.index(b"\n") + 1
    whole = 0 if at < title else sum(size <= at for size in sizes)
    assert_holds(path, whole)
    fill(path, range(whole, 4))
    assert path.stat().st_size == sizes[-1]
    assert_holds(path, 4)


CHILD = """
import sys, time
sys.path[:0] = [{bin!r}, {tests!r}]
from pathlib import Path
from test_restart import N, block
from accessiflow.restart import PartFile
with PartFile(Path(sys.argv[1]), "f") as part:
    for i in range(part.blocks_done, N):
        part.append(block(i))
        print(i, flush=True)
        time.sleep(0.05)  # so that a late signal still finds it at work
    for i, values in enumerate(part.blocks()):
        Path(sys.argv[2]).open("ab").write(b"".join(v.tobytes() for v in values.values()))
"""


def test_a_killed_process_loses_no_finished_block(tmp_path):
    code = CHILD.format(bin=str(BIN), tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", code, str(tmp_path / "sad.partial"), str(tmp_path / "result")]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    finished = 0
    for stop_after in (5, 11, 2):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, env=env, text=True)
        seen = [int(child.stdout.readline()) for _ in range(stop_after)]
        child.send_signal(signal.SIGKILL)
        seen += [int(line) for line in child.communicate()[0].split()]
        assert child.returncode == -signal.SIGKILL
        assert seen[0] in (finished, finished + 1)  # a block may have been finished and not yet reported
        finished = seen[-1] + 1
        assert not (tmp_path / "result").exists()
    subprocess.run(command, env=env, check=True, capture_output=True)
    assert (tmp_path / "result").read_bytes() == b"".join(v.tobytes() for i in range(N) for v in block(i).values())
    assert not (tmp_path / "sad.partial").exists()


def test_two_runs_cannot_hold_one_file(tmp_path):
    with PartFile(tmp_path / "p", "f") as part:
        part.append(block(0))
        with pytest.raises(InputError, match="in use by another run"), PartFile(tmp_path / "p", "f"):
            pass
        assert part.blocks_done == sum(1 for _ in part.blocks()) == 1


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="choose another place"), PartFile(tmp_path / "file/p", "f"):
        pass


def test_fingerprint_follows_content_order_and_options(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"12")
    b.write_bytes(b"3")
    one = fingerprint([a, b], {"rc": True, "shifts": [0]})
    assert one == fingerprint([a, b], {"shifts": [0], "rc": True})
    assert (
        len({one, fingerprint([b, a], {"rc": True, "shifts": [0]}), fingerprint([a, b], {"rc": False, "shifts": [0]})})
        == 3
    )
    a.write_bytes(b"1")
    b.write_bytes(b"23")
    assert fingerprint([a, b], {"rc": True, "shifts": [0]}) != one
    a.write_bytes(b"12")
    b.write_bytes(b"3")
    assert fingerprint([a, b], {"rc": True, "shifts": [0]}) == one
    with pytest.raises(InputError, match="no such file"):
        fingerprint([tmp_path / "absent"], {})
    folder = fingerprint([tmp_path], {})
    b.write_bytes(b"4")
    assert fingerprint([tmp_path], {}) != folder
