"""What a check finds, and the files it reads; every message has the user's name of a file, wherever it is staged."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accessiflow.errors import InputError, printable
from accessiflow.files import exists, open_text, require_file
from accessiflow.sheets import path_fault

NAMES_SHOWN = 3
LONGEST_SENTENCE = 1000  # characters; a damaged file may put a whole line of binary data into one


class Findings:
    """Problems (the run is refused), warnings and facts, in the order of the checks.

    Attributes:
        problems: sentences, each once.
        warnings: sentences, each once.
        summary: facts by input.
        absent: files and folders that are not there -> the sentence that says so, each once.
        hidden: files whose folder is not there, which may be another machine's.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.summary: dict[str, Any] = {}
        self.absent: dict[str, str] = {}
        self.hidden: list[str] = []
        self._names: dict[str, str] = {}

    def rename(self, local: Path, name: str) -> None:
        """Write `name` for a path in all later messages."""
        if str(local) != name:
            self._names[str(local)] = name

    def problem(self, sentence: str) -> None:
        """Add a reason to refuse the run."""
        self._add(self.problems, sentence)

    def warning(self, sentence: str) -> None:
        """Add something that the user should know."""
        self._add(self.warnings, sentence)

    def missing(self, name: str, sentence: str) -> None:
        """Add a file or folder that is not there, as the user named it."""
        self.absent.setdefault(printable(name), printable(sentence[:LONGEST_SENTENCE]))

    def settle(self, offline: bool) -> None:
        """Once all is checked: what is not there becomes one problem, all of it in one sentence.

        Args:
            offline: the files are still to be fetched, so that their absence is a warning.
        """
        if offline:  # a folder that is not there yet is no other machine's
            for name in self.hidden:
                self.missing(name, "")
        names = list(self.absent)
        if len(names) == 1 and not offline:
            self._add(self.problems, self.absent[names[0]])
        elif names:
            # Whole, unlike other sentences: the list is there to be worked through.
            what = "this file is" if len(names) == 1 else f"these {len(names)} files are"
            (self.warnings if offline else self.problems).append(
                f"{what} to be fetched (or the path is to be put right): {', '.join(names)}"
            )

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Turn an InputError of the block into a problem."""
        try:
            yield
        except InputError as error:
            self.problem(str(error))

    def _add(self, sentences: list[str], sentence: str) -> None:
        # The longest path first: one may be the beginning of another.
        for local in sorted(self._names, key=len, reverse=True):
            sentence = sentence.replace(local, self._names[local])
        sentence = printable(sentence[:LONGEST_SENTENCE])
        if sentence not in sentences:
            sentences.append(sentence)


class Inputs:
    """The parameters of a run and the files that they name.

    Attributes:
        params: name -> value.
        findings: where findings go.
        staged: original name -> where the file lies; None: every file lies where its name says.
    """

    def __init__(
        self, params: Mapping[str, Any], folder: Path, staged: Mapping[str, Path] | None, findings: Findings
    ) -> None:
        self.params = params
        self.findings = findings
        self.staged = staged
        self._folder = folder

    def number(self, name: str) -> float | None:
        """A number, or None where the parameter is not given (or is a problem)."""
        value = self.params.get(name)
        if value in (None, ""):
            return None
        number = finite(value)
        if number is None:
            self.findings.problem(f"{name}: expected a number, found {str(value)[:40]!r}")
        return number

    def names(self, name: str) -> list[str]:
        """The items of a list parameter: a JSON list or a comma-separated string."""
        value = self.params.get(name) or []
        items = value if isinstance(value, list) else str(value).split(",")
        return [str(item).strip() for item in items if str(item).strip()]

    def given(self, name: str) -> str:
        """The file that a parameter names, made absolute; "" where it is not given or cannot be a path (a problem)."""
        value = str(self.params.get(name) or "")
        fault = path_fault(value if "://" in value else value.rpartition("/")[2])
        if fault:
            self.findings.problem(f"{name}: {fault}")
        return self.resolve(value) if value and not fault else ""

    def resolve(self, value: str) -> str:
        """A path or URI, relative ones against the folder of the parameters file."""
        value = value.removeprefix("file://")
        return value if "://" in value or value.startswith("/") else str(self._folder / value)

    def locate(self, name: str) -> Path:
        """Where a file lies; it need not exist."""
        local = (self.staged or {}).get(name, Path(name))
        self.findings.rename(local, name)
        return local

    def file(self, name: str, what: str = "file") -> Path | None:
        """Where a file lies; None where it is remote (a warning), missing, empty or unreadable (a problem)."""
        if self.is_remote(name):
            return None
        path = self.locate(name)
        if not exists(path):
            self.findings.missing(name, f"{name}: no such {what}: check the path")
            return None
        with self.findings.collecting():
            return require_file(path, what)
        return None

    def is_remote(self, name: str) -> bool:
        """Whether a file lies elsewhere and cannot be checked (a warning)."""
        remote = "://" in name
        if remote:
            self.findings.warning(f"{name}: lies elsewhere and is not checked")
        return remote

    def is_hidden(self, name: str) -> bool:
        """Whether a file that was not staged cannot be checked, as its folder is not seen from here (a warning)."""
        # A task in a container sees its own folder only: a file that is "missing" there may well exist.
        hidden = self.staged is not None and name not in self.staged and not Path(name).parent.exists()
        if hidden:
            self.findings.warning(f"{name}: cannot be seen from the task and is not checked")
            self.findings.hidden.append(name)
        return hidden

    def siblings(self, prefix: str, suffixes: Iterable[str], what: str) -> dict[str, Path]:
        """Suffix -> path of the files prefix + suffix, with or without `.gz`; each missing one is a problem."""
        if self.is_remote(prefix):
            return {}
        out: dict[str, Path] = {}
        for suffix in suffixes:
            options = [suffix, suffix.removesuffix(".gz") if suffix.endswith(".gz") else f"{suffix}.gz"]
            existing = [path for path in (self.locate(prefix + option) for option in options) if path.exists()]
            if existing:
                out[suffix] = existing[0]
            elif not self.is_hidden(prefix + suffix):
                self.findings.missing(
                    prefix + suffix, f"{prefix}{suffix}: no such file: check the prefix in the column {what}"
                )
        return out


def finite(value: Any) -> float | None:
    """A value as a finite number; None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_staged(path: Path) -> dict[str, Path]:
    """Read the table of staged files: original name, tab, where it lies (relative to the working directory).

    Raises:
        InputError: a line has no two columns.
    """
    out: dict[str, Path] = {}
    if path.exists() and path.stat().st_size == 0:  # no file to stage, which other readers would refuse
        return out
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.rstrip("\n").split("\t")
            if not line.strip():
                continue
            if len(fields) != 2:
                raise InputError("needs two tab-separated columns, the original path and where it lies", path, number)
            out[fields[0].removeprefix("file://")] = Path(fields[1])
    return out


def some(names: Iterable[str]) -> str:
    """The first few names of a list, and how many more there are."""
    names = [str(name) for name in names]
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
