"""The input sheets: how a sheet is read and a row is checked; relative paths are resolved against the sheet's folder.

What each sheet holds and every rule is data, in sheets.json beside this file, which lib/SheetRules.groovy reads too.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accessiflow.errors import InputError
from accessiflow.files import open_text

if TYPE_CHECKING:
    import pandas as pd

_RULES: dict[str, Any] = json.loads(Path(__file__).with_name("sheets.json").read_text(encoding="utf-8"))
_CSV: dict[str, str] = _RULES["csv"]
_PATH: dict[str, Any] = _RULES["path"]
_LOGIN, _FORBIDDEN, _PART_START = (re.compile(_PATH[rule]) for rule in ("login", "forbidden", "part_start"))
_PATTERNS: dict[str, re.Pattern[str]] = {
    kind: re.compile(_RULES[kind]["pattern"])
    for kind in ("name", "number", "integer", "prefix", "pairs", "start", "adapter")
}
_NOUNS = {
    "name": "a name",
    "number": "a number",
    "integer": "a whole number",
    "pairs": "a list of pairs",
    "start": "a model to start from",
    "adapter": "an adapter",
}
NAME = _PATTERNS["name"]
# Variants of the eqtls sheet with a PIP above the first are positives, below the second negatives (Kathail et al.
# 2024); the defaults of the parameters eqtl_min_pip and eqtl_max_pip are the same numbers
MIN_PIP, MAX_PIP = 0.9, 0.01
SIGNALS: dict[str, tuple[str, ...]] = {
    kind: tuple(suffixes) for kind, suffixes in _RULES["signals"].items()
}  # kind of signal -> suffixes


@dataclass(frozen=True)
class Column:
    """What the values of a column are.

    Attributes:
        kind: name, path, prefix (a path whose last part begins several files' names), choice, boolean, number, integer,
            pairs (OURS=THEIRS, several with ';' between them), start (MODEL or MODEL:TRACK), adapter (a known one, or
            FILE.py:CLASS).
        required: whether every row needs a value.
        choices: the allowed values of a choice or boolean.
        reserved: names that are not allowed.
        minimum, above: a number's least value; the value that it must exceed.
        suffix_unless: the column that, where it is filled, frees a path from ending in a known suffix of a signal.
    """

    kind: str
    required: bool = False
    choices: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    minimum: float | None = None
    above: float | None = None
    suffix_unless: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Column:
        """A column as sheets.json describes it; choices may be the name of a part of that file, whose keys they are."""
        choices = _RULES["boolean"]["choices"] if given["kind"] == "boolean" else given.get("choices", ())
        named = _RULES[choices] if isinstance(choices, str) else choices
        return cls(**{**given, "choices": tuple(named), "reserved": tuple(given.get("reserved", ()))})


@dataclass(frozen=True)
class Sheet:
    """One kind of sheet.

    Attributes:
        key: the column whose values name the rows and must be unique.
        columns: by name, the required ones first.
    """

    key: str
    columns: dict[str, Column]

    @property
    def required(self) -> tuple[str, ...]:
        """Columns in which every row has a value."""
        return tuple(name for name, column in self.columns.items() if column.required)

    @property
    def optional(self) -> tuple[str, ...]:
        """The other columns."""
        return tuple(name for name, column in self.columns.items() if not column.required)

    @property
    def paths(self) -> tuple[str, ...]:
        """Columns that hold a path or URI, or the start of one."""
        return self._of("path", "prefix")

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that hold a number."""
        return self._of("number", "integer")

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """Column -> allowed values."""
        return {name: column.choices for name, column in self.columns.items() if column.choices}

    def _of(self, *kinds: str) -> tuple[str, ...]:
        return tuple(name for name, column in self.columns.items() if column.kind in kinds)


SHEETS: dict[str, Sheet] = {
    kind: Sheet(given["key"], {name: Column.of(column) for name, column in given["columns"].items()})
    for kind, given in _RULES["sheets"].items()
}
TRAINING_SETS = SHEETS["models"].choices["training_set"]


def check_sheet(kind: str, path: Path, read_from: Path | None = None) -> tuple[list[dict[str, str]], list[str]]:
    """Read a sheet and find everything wrong with it.

    Args:
        path: the sheet's name in messages; relative paths in it start at this folder.
        read_from: where it lies, if not there.

    Returns:
        rows: one dict a row: every known column ("" where absent, or wrong and no name; paths resolved), and `line`,
            its line in the file.
        problems: one sentence each, starting with `file:line`.
    """
    sheet, rows = SHEETS[kind], []
    try:
        with open_text(read_from or path) as handle:
            numbered = [(number, line.strip(_CSV["trimmed"] + "\n")) for number, line in enumerate(handle, 1)]
    except InputError as error:
        return [], [str(error)]
    lines = [(number, line) for number, line in numbered if line and not line.startswith(_CSV["comment"])]
    if not lines:
        return [], [f"{path}: is an empty sheet, expected a header with {', '.join(sheet.required)}"]
    header, problems = _fields(lines[0][1], path, lines[0][0])
    problems += _check_header(sheet, header, path, lines[0][0]) if not problems else []
    if problems:
        return [], problems
    if len(lines) == 1:
        return [], [f"{path}: has a header and no row"]
    seen: dict[str, int] = {}
    for line, text in lines[1:]:
        record, wrong = _fields(text, path, line)
        row, more = _check_row(sheet, header, record, path, line) if not wrong else ({}, [])
        problems += wrong + more
        key = row.get(sheet.key, "")
        if key and key in seen:
            problems.append(
                f"{path}:{line}: the {sheet.key} {key!r} is already on line {seen[key]}: names must be unique"
            )
        seen.setdefault(key, line)
        rows.append(row)
    return rows, problems


def read_sheet(kind: str, path: Path) -> pd.DataFrame:
    """Read a sheet as strings, one row each, all known columns.

    Raises:
        InputError: the first problem found.
    """
    import pandas as pd

    rows, problems = check_sheet(kind, path)
    if problems:
        raise InputError(problems[0])
    return pd.DataFrame(rows)


def read_tracks(path: Path) -> pd.DataFrame:
    """The tracks of the models in a tracks sheet: its rows but those that are measured for a ceiling alone.

    Raises:
        InputError: the first problem found, or no row is left.
    """
    rows = read_sheet("tracks", path)
    tracks = rows[rows["use"] != "ceiling"].reset_index(drop=True)
    if tracks.empty:
        raise InputError("has no track for the models: every row is used for a ceiling (column use)", path)
    return tracks


def for_ceiling(row: Mapping[str, str]) -> bool:
    """Whether a row of the tracks sheet is measured for a ceiling alone, and no track of the models."""
    return row.get("use") == "ceiling"


def replicate_pairs(rows: Iterable[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Tracks of a tracks sheet that are replicates of each other, each pair in both orders.

    Replicates are of one cell type and one donor (isogenic), and have different labels in the column replicate.
    """
    groups: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["cell_type"], row.get("donor") or ""), []).append(row)
    return [
        (first["track"], second["track"])
        for group in groups.values()
        for first in group
        for second in group
        if (first.get("replicate") or "") != (second.get("replicate") or "")
    ]


def signal_kind(signal: str, kind: str = "") -> str:
    """The kind of a signal file: as stated, else from its suffix.

    Raises:
        InputError: neither says it.
    """
    if kind:
        return kind
    found = next((kind for kind, suffixes in SIGNALS.items() if signal.lower().endswith(suffixes)), "")
    if not found:
        known = ", ".join(suffix for suffixes in SIGNALS.values() for suffix in suffixes)
        raise InputError(f"has no known suffix ({known}): state its kind in the column `kind`", signal)
    return found


def check_name(value: str, what: str) -> str:
    """Return a name that may reach a path, a shell or a page.

    Raises:
        InputError: it does not match the name rule, or is a word that tables take for a missing value.
    """
    if not NAME.fullmatch(value):
        raise InputError(f"the {what} {value[:80]!r} is not a name: {_RULES['name']['says']}")
    if reads_as_missing(value):
        raise InputError(f"the {what} {value!r} {_RULES['name']['reserved_says']}")
    return value


def reads_as_missing(name: str) -> bool:
    """Whether a name is a word that R, pandas and our own tables take for a missing value or a number, in any case."""
    return name.lower() in _RULES["name"]["reserved"]


def path_fault(value: str) -> str:
    """What keeps a path or URI from being used, "" if nothing does; the sentence never shows a login or a query.

    Characters that mean something to a shell or a glob are refused in any part: the workflow engine writes paths into
    scripts that it makes to bring files to a task, before any of ours could quote them.
    """
    scheme, found, _ = value.partition("://")
    if found and scheme not in _PATH["schemes"]:
        return f"has an unknown scheme: known are {', '.join(_PATH['schemes'])}"
    if _LOGIN.match(value):
        return f"the {scheme} address carries a login: keep it in the environment or in Nextflow's configuration"
    if found and _PATH["query"] in value:
        how = "fetch the file, or log in by Nextflow's configuration"
        return f"the {scheme} address has a query, which may be a signature: {how}"
    if odd := _FORBIDDEN.search(value):
        return f"{value[:80]!r} holds {odd[0]!r}, which no path may: rename the file or folder"
    if _PART_START.search(value):
        return f"{value[:80]!r} has a part that begins with '-' or '~': rename the file or folder"
    if (
        len(value) > _PATH["longest"]
        or max(len(part.encode()) for part in value.split("/")) > _PATH["longest_part_bytes"]
    ):
        return f"{value[:40]!r}... is too long for a path ({len(value)} characters)"
    return ""


def value_fault(column: Column, value: str) -> str:
    """What keeps a value out of a column, "" if nothing does; an empty value is none."""
    if not value:
        return ""
    if column.kind in ("path", "prefix"):
        fault = path_fault(value)
        wrong = not fault and column.kind == "prefix" and not _PATTERNS["prefix"].fullmatch(value)
        return f"{value[:80]!r} is no prefix of files: {_RULES['prefix']['says']}" if wrong else fault
    if column.choices:
        return "" if value in column.choices else f"{value[:40]!r} is not one of {', '.join(column.choices)}"
    number = column.kind in ("number", "integer")
    if not _PATTERNS[column.kind].fullmatch(value) or (number and not math.isfinite(float(value))):
        return f"{value[:80]!r} is not {_NOUNS[column.kind]}: {_RULES[column.kind]['says']}"
    if column.kind == "name" and reads_as_missing(value):
        return f"{value!r} {_RULES['name']['reserved_says']}"
    if value in column.reserved:
        return f"{value!r} is a word of the pipeline's own: choose another name"
    if column.minimum is not None and float(value) < column.minimum:
        return f"{value[:40]!r} is less than {column.minimum:g}, the least allowed"
    if column.above is not None and float(value) <= column.above:
        return f"{value[:40]!r} is not above {column.above:g}"
    return ""


def _fields(text: str, path: Path, line: int) -> tuple[list[str], list[str]]:
    """The values of a line, and what is wrong with its quotes; none goes on in the next line: none holds a line end."""
    try:
        record = next(csv.reader([text], delimiter=_CSV["separator"], quotechar=_CSV["quote"], strict=True))
    except csv.Error as error:
        return [], [f"{path}:{line}: is not a readable line of a CSV sheet ({error}): is a quote left open?"]
    return [value.strip(_CSV["trimmed"]) for value in record], []


def _check_header(sheet: Sheet, header: list[str], path: Path, line: int) -> list[str]:
    known = ", ".join((*sheet.required, *sheet.optional))
    problems = [f"{path}:{line}: lacks the column {c!r} (columns: {known})" for c in sheet.required if c not in header]
    problems += [
        f"{path}:{line}: unknown column {c[:60]!r} (columns: {known})" for c in header if c not in sheet.columns
    ]
    problems += [
        f"{path}:{line}: the column {c!r} appears twice" for c in sorted({c for c in header if header.count(c) > 1})
    ]
    return problems


def _check_row(
    sheet: Sheet, header: list[str], record: list[str], path: Path, line: int
) -> tuple[dict[str, str], list[str]]:
    """The row for further checks, and its problems. Names stay where they are wrong: they are looked up and shown."""
    if len(record) != len(header):
        return {}, [f"{path}:{line}: has {len(record)} field(s), the header has {len(header)}"]
    row = dict.fromkeys((*sheet.required, *sheet.optional), "") | dict(zip(header, record, strict=True))
    problems = [f"{path}:{line}: no value in the required column {c!r}" for c in sheet.required if not row[c]]
    usable = row | {"line": str(line)}
    for name, column in sheet.columns.items():
        if fault := value_fault(column, row[name]) or _suffix_fault(column, row, row[name]):
            problems.append(f"{path}:{line}: {name} {fault}")
            usable[name] = row[name] if column.kind == "name" else ""
        elif row[name] and name in sheet.paths:
            usable[name] = _resolve(row[name], path)
    return usable, problems


def _suffix_fault(column: Column, row: Mapping[str, str], value: str) -> str:
    if not value or not column.suffix_unless or row[column.suffix_unless]:
        return ""
    try:
        signal_kind(value)
    except InputError as error:
        return str(error)
    return ""


def _resolve(value: str, sheet: Path) -> str:
    return value if "://" in value or value.startswith("/") else str(Path(sheet).absolute().parent / value)
