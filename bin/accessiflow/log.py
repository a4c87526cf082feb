"""Messages, progress and the facts of a run, for every room; free of Typer, so that a notebook can import it."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from accessiflow.errors import printable

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
WARN_SHARE = 0.05  # of what a stage reads: where it leaves out more, and nothing asked for that, it warns
_COUNTED = "counted"  # mark of a log line whose content stands in the record as a count already

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
        if not getattr(record, _COUNTED, False):
            self.add({printable(record.getMessage()): 1}, 0)

    def add(self, times: dict[str, int], more: int) -> None:
        """Keep sentences with how often each came, and how many there were beyond MOST."""
        self._more += more
        for sentence, n in times.items():
            if sentence in self._times or len(self._times) < self.MOST:
                self._times[sentence] = self._times.get(sentence, 0) + n
            else:
                self._more += n

    def clear(self) -> None:
        """Forget all, for the next run in the same process."""
        self._times.clear()
        self._more = 0

    def state(self) -> tuple[dict[str, int], int]:
        """What was kept, as `add` takes it."""
        return dict(self._times), self._more

    def sentences(self) -> list[str]:
        """The warnings in the order of their first coming."""
        sentences = [text if n == 1 else f"{text} ({n} times)" for text, n in self._times.items()]
        rest = [f"and {self._more} more warnings, in the log of the task"] if self._more else []
        return [*sentences, *rest]


@dataclass
class Loss:
    """What a stage read and did not use, as its run record has it.

    Attributes:
        what: the unit: SNPs, windows, alignments...
        reason: why.
        source: the file, track or trait that it is of, where there are several; else "".
        expected: an option or the method asks for it: it is counted, not warned of.
        n: how many.
        of: of how many of that unit; None where nobody counted them.
    """

    what: str
    reason: str
    source: str
    expected: bool
    n: int = 0
    of: int | None = None

    @property
    def much(self) -> bool:
        """Whether more was lost than a share that goes without a warning."""
        return not self.expected and self.of is not None and self.n > WARN_SHARE * self.of

    def __str__(self) -> str:
        of = "" if self.of is None else f" of {self.of}"
        return f"{self.source}{': ' * bool(self.source)}{self.n}{of} {self.what} left out: {self.reason}"

    def record(self) -> dict[str, object]:
        """The entry of a run record; a field that says nothing is not there."""
        fields = {"what": self.what, "n": self.n, "of": self.of, "reason": self.reason}
        optional = {"source": self.source, "expected": self.expected}
        return fields | {name: value for name, value in optional.items() if value}


class LossKeeper:
    """Counts what a run leaves out, by unit, reason and source; threads of the run may count too."""

    def __init__(self) -> None:
        self._losses: dict[tuple[str, str, str], Loss] = {}
        self._lock = threading.Lock()

    def add(self, loss: Loss) -> None:
        """Add a count to those of its kind; one of 0 adds to the whole alone."""
        with self._lock:
            same = self._losses.setdefault(
                (loss.what, loss.reason, loss.source), Loss(loss.what, loss.reason, loss.source, loss.expected)
            )
            same.n += loss.n
            if loss.of is not None:
                same.of = (same.of or 0) + loss.of

    def clear(self) -> None:
        """Forget all, for the next run in the same process."""
        self._losses.clear()

    def state(self) -> list[Loss]:
        """All that was counted, those of 0 too, whose wholes add to those of other processes."""
        return list(self._losses.values())

    def losses(self) -> list[Loss]:
        """Those of more than 0, in the order of their first counting."""
        return [loss for loss in self._losses.values() if loss.n]

    def say(self) -> None:
        """Log each once, for a reader who has no record."""
        for loss in self.losses():
            log.log(logging.WARNING if loss.much else logging.INFO, "%s", loss, extra={_COUNTED: True})


kept_warnings = WarningKeeper()
kept_losses = LossKeeper()


def note(**facts: Any) -> None:
    """Add facts to the run record (device, threads, sequences per second...); a repeated key replaces the former."""
    run_facts.update(facts)


def left_out(
    what: str, n: int, of: int | None = None, reason: str = "", *, source: str = "", expected: bool = False
) -> None:
    """Count in the run record what a stage does not use of its input; repeated calls add up.

    Args:
        what: the unit, in the plural.
        n: how many are not used; 0 is no entry.
        of: how many of that unit were read.
        reason: why.
        source: the file, track or trait, where there are several.
        expected: an option or the method asks for it.
    """
    kept_losses.add(Loss(what, reason, source, expected, int(n), None if of is None else int(of)))


def rows_without_value(reasons: Iterable[object], what: str, *, source: str = "") -> None:
    """Count the rows of a result that have a reason instead of a value.

    Numbers in a reason become N: rows that differ in them alone have one reason.

    Args:
        reasons: of each row; an empty or missing one is no reason.
        what: the unit of a row, in the plural.
        source: as in `left_out`.
    """
    texts = [reason if isinstance(reason, str) else "" for reason in reasons]
    for reason, n in Counter(re.sub(r"\d+(\.\d+)?", "N", text) for text in texts).items():
        if reason:
            left_out(what, n, len(texts), reason, source=source)


class Recorded(NamedTuple, Generic[_Result]):
    """A result of a worker process, and what it warned of and left out meanwhile."""

    result: _Result
    warnings: tuple[dict[str, int], int]
    losses: list[Loss]


class Recording(Generic[_Item, _Result]):
    """A function for worker processes, which have a log and counts of their own: it brings them back (`recalled`)."""

    def __init__(self, function: Callable[[_Item], _Result]) -> None:
        self._function = function

    def __call__(self, item: _Item) -> Recorded[_Result]:
        # a forked worker has what its parent had kept, and a worker serves several items
        kept_warnings.clear()
        kept_losses.clear()
        if kept_warnings not in log.handlers:  # a worker that was not forked
            log.addHandler(kept_warnings)
        return Recorded(self._function(item), kept_warnings.state(), kept_losses.state())


def recalled(results: Iterable[Recorded[_Result]]) -> Iterator[_Result]:
    """The results of `Recording`, their warnings and counts added to those of this process."""
    for recorded in results:
        kept_warnings.add(*recorded.warnings)
        for loss in recorded.losses:
            kept_losses.add(loss)
        yield recorded.result


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
