"""Messages, progress and the facts of a run, for every room; free of Typer, so that a notebook can import it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from accessiflow.errors import printable

_Item = TypeVar("_Item")

log = logging.getLogger("accessiflow")
run_facts: dict[str, Any] = {}  # for the run record; a command adds to it with `note`


class WarningKeeper(logging.Handler):
    """Keeps the warnings of a run for its run record, each sentence once with how often it came.

    Handlers of the standard library write; this one only remembers, so that no stage must do so itself.
    """

    MOST = 200  # sentences: a record is read whole, and a warning a variant would fill the memory

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._times: dict[str, int] = {}
        self._more = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message; beyond MOST different ones it is only counted."""
        sentence = printable(record.getMessage())
        if sentence in self._times or len(self._times) < self.MOST:
            self._times[sentence] = self._times.get(sentence, 0) + 1
        else:
            self._more += 1

    def clear(self) -> None:
        """Forget all, for the next run in the same process."""
        self._times.clear()
        self._more = 0

    def sentences(self) -> list[str]:
        """The warnings in the order of their first coming."""
        sentences = [text if n == 1 else f"{text} ({n} times)" for text, n in self._times.items()]
        rest = [f"and {self._more} more warnings, in the log of the task"] if self._more else []
        return [*sentences, *rest]


kept_warnings = WarningKeeper()


def note(**facts: Any) -> None:
    """Add facts to the run record (device, threads, sequences per second...); a repeated key replaces the former."""
    run_facts.update(facts)


def left_out(what: str, n: int) -> None:
    """Count in the run record, under `left_out`, what a stage does not use of its input; 0 is not noted."""
    if n:
        counts = run_facts.setdefault("left_out", {})
        counts[what] = counts.get(what, 0) + n


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
