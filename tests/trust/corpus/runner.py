"""Running a case's command line: inside this process (fast), or as a user does."""

from __future__ import annotations

import shlex
from pathlib import Path

import commands

SECONDS = 60  # no script may take longer to refuse these files


def inside(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a command line `script command ...` run in a folder by this process."""
    done = commands.inside(*shlex.split(command), cwd=folder, timeout=SECONDS)
    return done.returncode, done.stderr


def apart(command: str, folder: Path) -> tuple[int, str]:
    """Exit code and standard error of a command line run in a folder by a process of its own."""
    done = commands.apart(*shlex.split(command), cwd=folder, timeout=SECONDS)
    return done.returncode, done.stderr
