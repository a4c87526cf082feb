"""A run of the whole pipeline that a test can start, watch, disturb, and compare with another."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "scripts" / "nextflow"
SUBMITTED = re.compile(r"^\[(\w\w/\w{6})\] Submitted process > (\S+)", re.M)


class Run:
    """One folder in which the pipeline is started, again and again if need be; all its output is in `log`."""

    heads: ClassVar[list[subprocess.Popen[bytes]]] = []  # of all runs

    def __init__(self, folder: Path, *args: object, profile: str = "test,venv", root: Path = ROOT) -> None:
        self.folder, self.log = folder, folder / "run.log"
        self.command = [str(LAUNCHER), "run", str(root), "-profile", profile, "-ansi-log", "false", *map(str, args)]
        self.begins_at = 0  # of the last start, in the log

    def start(self, *more: object, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the head in a process group of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.begins_at = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            head = subprocess.Popen(
                [*self.command, *map(str, more)],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=os.environ | {"NXF_ANSI_LOG": "false"} | (env or {}),
            )
        self.heads.append(head)
        return head

    def finish(self, *more: object, timeout: float = 3000, env: dict[str, str] | None = None) -> str:
        """Run to the end, which must be a success; returns what this start printed."""
        code = self.start(*more, env=env).wait(timeout=timeout)
        assert code == 0, self.printed()[-6000:]
        return self.printed()

    def printed(self) -> str:
        """What the last start printed so far."""
        return self.log.read_bytes()[self.begins_at :].decode(errors="replace")

    def submitted(self) -> list[tuple[str, str]]:
        """Tasks that the last start submitted so far: (short folder, process with its workflows)."""
        return SUBMITTED.findall(self.printed())

    def wait_until(self, head: subprocess.Popen[bytes], reached: Callable[[], bool], timeout: float = 900) -> bool:
        """Wait for something to come true while the head runs; False where the head ended first."""
        limit = time.monotonic() + timeout
        while head.poll() is None:
            if reached():
                return True
            assert time.monotonic() < limit, f"not reached within {timeout} s\n{self.printed()[-3000:]}"
            time.sleep(0.1)
        return False

    def wait_for_tasks(self, head: subprocess.Popen[bytes], tasks: int) -> bool:
        """Wait until this start has submitted so many tasks; False where the head ended first."""
        return self.wait_until(head, lambda: len(self.submitted()) >= tasks)

    def results(self) -> dict[str, str]:
        """Digest of every result file that must not differ between runs: all but the records of the run itself."""
        return digests(self.folder / "results")


def digests(results: Path) -> dict[str, str]:
    """sha256 of each file of a results folder by its relative path.

    Without pipeline_info/, the crate that lists it, the report's section on the run, and the browser session's ways to
    files outside the results.
    """
    out = {}
    for path in sorted(results.rglob("*")):
        name = str(path.relative_to(results))
        if path.is_file() and not name.startswith(("pipeline_info/", "ro-crate")):
            data = path.read_bytes()
            if name == "report.html":
                data = re.sub(rb'<section id="run">.*?</section>', b"", data, flags=re.S)
            if name == "igv_session.xml":  # where the user's own files lie, from here
                data = re.sub(rb'"\.\./[^"]*/', b'"', data)
            out[name] = hashlib.sha256(data).hexdigest()
    return out


def differences(a: dict[str, str], b: dict[str, str]) -> list[str]:
    """Names of the files that only one of two results has, or whose bytes differ."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def kill(head: subprocess.Popen[bytes], what: int = signal.SIGKILL, tasks_too: bool = False) -> None:
    """Send a signal to the head, or to it and all its local tasks; waits until it is gone."""
    if tasks_too:
        os.killpg(head.pid, what)
    else:
        head.send_signal(what)
    head.wait(timeout=120)


def processes_in(folder: Path) -> list[int]:
    """Processes whose working directory is a folder, the youngest last."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                here = (entry / "cwd").readlink()
            except OSError:
                continue
            if here == folder:
                found.append(int(entry.name))
    return sorted(found)
