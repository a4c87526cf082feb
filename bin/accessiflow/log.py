"""Messages, progress and the facts of a run, for every room; free of Typer, so that a notebook can import it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

_Item = TypeVar("_Item")

log = logging.getLogger("accessiflow")
run_facts: dict[str, Any] = {}  # for the run record; a command adds to it with `note`


def note(**facts: Any) -> None:
    """Add facts to the run record (device, threads, sequences per second...); a repeated key replaces the former."""
    run_facts.update(facts)


def progress(items: Iterable[_Item], total: int, what: str, every_seconds: float = 10.0) -> Iterator[_Item]:
    """Yield `items` and report on stderr how far they are: a bar on a terminal, else a line every few seconds."""
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        from rich.console import Console
        from rich.progress import track

        yield from track(items, total=total, description=what, console=Console(stderr=True))
        return
    last = time.monotonic()
    for done, item in enumerate(items):
        if time.monotonic() - last >= every_seconds:
            log.info("%s: %d of %d", what, done, total)
            last = time.monotonic()
        yield item
    log.info("%s: %d done", what, total)
