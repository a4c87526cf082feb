"""What the trust tests share: no head that outlives its test, and a place for the figures that they measure."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_run import Run, kill

Evidence = Callable[..., None]


@pytest.fixture(autouse=True)
def _no_head_outlives_its_test() -> Iterator[None]:
    yield
    while Run.heads:
        if (head := Run.heads.pop()).poll() is None:
            kill(head, tasks_too=True)


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    """evidence("kills", fault="SIGKILL head", ...): one row more in $TRUST_EVIDENCE/kills.tsv.

    Nothing where the variable is not set.
    """
    folder = os.environ.get("TRUST_EVIDENCE")

    def add(table: str, **row: object) -> None:
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        with open(Path(folder) / f"{table}.tsv", "a", encoding="utf-8") as out:
            fcntl.flock(out, fcntl.LOCK_EX)
            if out.tell() == 0:
                out.write("\t".join(row) + "\n")
            out.write("\t".join(" ".join(str(value).split()) for value in row.values()) + "\n")

    return add
