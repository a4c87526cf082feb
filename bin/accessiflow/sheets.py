"""The input sheets: which columns each has, and how a row is checked. CSV with a header, `#` comments, relative paths
resolved against the sheet's folder."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from accessiflow.errors import InputError
from accessiflow.files import open_text

if TYPE_CHECKING:
    import pandas as pd

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
PREFIX = re.compile(r"(?:.*/)?[A-Za-z0-9][A-Za-z0-9._-]*")
SCHEMES = ("file", "http", "https", "ftp", "s3", "gs", "az")
LONGEST_PATH, LONGEST_FILE_NAME = (
    1000,
    200,
)  # characters; a file system takes 255 bytes of a name, and suffixes are added
_NOT_IN_PATHS = re.compile(r"""[\x00-\x1f\x7f-\x9f\u2028\u2029'"`$\\;&|<>*?\[\]{}!#]""")
_LOGIN = re.compile(r"\w+://[^/]*@")
KINDS = {
    ".bw": "bigwig",
    ".bigwig": "bigwig",
    ".bam": "bam",
    ".tsv.gz": "fragments",
    ".fragments": "fragments",
    ".fragments.gz": "fragments",
    ".bed.gz": "fragments",
    ".bedgraph": "bedgraph",
    ".bedgraph.gz": "bedgraph",
    ".bdg": "bedgraph",
    ".bdg.gz": "bedgraph",
}
TRAINING_SETS = ("all", "peaks", "non_ubiquitous", "balanced", "gc_matched")


@dataclass(frozen=True)
class Sheet:
    """The columns of one kind of sheet.

    Attributes:
        key: the column whose values name the rows and must be unique.
        required, optional: column names.
        names: columns whose values must match the name rule.
        paths: columns that hold a path or URI.
        prefixes: those of them whose last part is the start of several files' names, and a word of a command.
        numbers: columns that hold a number.
        choices: column -> allowed values.
        unique: whether the key must not repeat.
    """

    key: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unique: bool = True


SHEETS: dict[str, Sheet] = {
    "tracks": Sheet(
        "track",
        ("track", "cell_type", "signal"),
        ("group", "replicate", "donor", "kind", "barcodes", "scale", "clip", "clip_soft", "sum_stat"),
        names=("track", "cell_type", "group", "replicate", "donor"),
        paths=("signal", "barcodes"),
        numbers=("scale", "clip", "clip_soft"),
        choices={"kind": ("bigwig", "bam", "fragments", "bedgraph"), "sum_stat": ("sum", "mean", "avg", "max", "peak")},
    ),
    "models": Sheet(
        "model",
        ("model",),
        (
            "preset",
            "params",
            "training_set",
            "task",
            "replicates",
            "init_from",
            "freeze",
            "weights",
            "predictions",
            "scores",
        ),
        names=("model", "preset", "init_from"),
        paths=("params", "weights", "predictions", "scores"),
        numbers=("replicates",),
        choices={"training_set": TRAINING_SETS, "task": ("multi", "single"), "freeze": ("yes", "no")},
    ),
    "variants": Sheet("set", ("set", "vcf"), names=("set",), paths=("vcf",)),
    "eqtls": Sheet(
        "tissue",
        ("tissue", "variants"),
        ("negatives", "group"),
        names=("tissue", "group"),
        paths=("variants", "negatives"),
    ),
    "allelic_counts": Sheet(
        "cell_type", ("cell_type", "counts"), ("track",), names=("cell_type", "track"), paths=("counts",)
    ),
    "gwas": Sheet(
        "trait", ("trait", "sumstats"), ("n", "group"), names=("trait", "group"), paths=("sumstats",), numbers=("n",)
    ),
    "ld_panel": Sheet(
        "chrom",
        ("chrom", "bfile"),
        ("frq", "weights", "baseline"),
        names=("chrom",),
        paths=("bfile", "frq", "weights", "baseline"),
        prefixes=("bfile", "frq", "weights", "baseline"),
    ),
}


def check_sheet(kind: str, path: Path, read_from: Path | None = None) -> tuple[list[dict[str, str]], list[str]]:
    """Read a sheet and find everything wrong with it.

    Args:
        path: the sheet's name in messages; relative paths in it start at this folder.
        read_from: where it lies, if not there.

    Returns:
        rows: one dict a row (every known column present, "" where absent; paths resolved; `line` = its line in the file).
        problems: one sentence each, starting with `file:line`.
    """
    sheet, problems, rows = SHEETS[kind], [], []
    try:
        with open_text(read_from or path) as handle:
            lines = [
                (i, line) for i, line in enumerate(handle, 1) if line.strip() and not line.lstrip().startswith("#")
            ]
        records = list(csv.reader([line for _, line in lines], strict=True))
    except (InputError, UnicodeDecodeError, csv.Error, OSError) as error:
        return [], [
            str(error)
            if isinstance(error, InputError)
            else f"{path}: is not a readable CSV sheet ({error}): is a quote left open?"
        ]
    if not records:
        return [], [f"{path}: is an empty sheet, expected a header with {', '.join(sheet.required)}"]
    header = [name.strip().lstrip("\ufeff") for name in records[0]]
    problems += _check_header(sheet, header, path, lines[0][0])
    if problems:
        return [], problems
    if len(records) == 1:
        return [], [f"{path}: has a header and no row"]
    seen: dict[str, int] = {}
    for record, (line, _) in zip(records[1:], lines[1:], strict=False):
        row, wrong = _check_row(sheet, header, record, path, line)
        problems += wrong
        key = row.get(sheet.key, "")
        if sheet.unique and key and key in seen:
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


def signal_kind(signal: str, kind: str = "") -> str:
    """The kind of a signal file: as stated, else from its suffix.

    Raises:
        InputError: neither says it.
    """
    if kind:
        return kind
    found = [k for suffix, k in KINDS.items() if signal.lower().endswith(suffix)]
    if not found:
        raise InputError(f"has no known suffix ({', '.join(KINDS)}): state its kind in the column `kind`", signal)
    return found[0]


def check_name(value: str, what: str) -> str:
    """Return a name that may reach a path, a shell or a page.

    Raises:
        InputError: it does not match the name rule.
    """
    if not NAME.fullmatch(value):
        raise InputError(
            f"the {what} {value[:80]!r} is not a name: use letters, digits, '.', '_' and '-' (at most 64, first a letter or digit)"
        )
    return value


def path_fault(value: str) -> str:
    """What keeps a path or URI from being used, "" if nothing does; the sentence never shows a login.

    Characters that mean something to a shell or a glob are refused in any part: the workflow engine writes paths into scripts that it
    makes to bring files to a task, before any of ours could quote them.
    """
    scheme, found, _ = value.partition("://")
    if found and scheme not in SCHEMES:
        return f"has the scheme {scheme[:20]!r}: known are {', '.join(SCHEMES)}"
    if _LOGIN.match(value):
        return f"the {scheme} address carries a login: keep it in the environment or in Nextflow's configuration"
    odd = _NOT_IN_PATHS.search(value)
    if odd and odd[0] == "?" and found:
        return f"the {scheme} address has a query, which may be a signature: fetch the file, or log in by Nextflow's configuration"
    if odd:
        return f"{value[:80]!r} holds {odd[0]!r}, which no path may: rename the file or folder"
    if re.search(r"(^|/)[-~]", value):
        return f"{value[:80]!r} has a part that begins with '-' or '~': rename the file or folder"
    if len(value) > LONGEST_PATH or max(len(part.encode()) for part in value.split("/")) > LONGEST_FILE_NAME:
        return f"{value[:40]!r}... is too long for a path ({len(value)} characters)"
    return ""


def _check_header(sheet: Sheet, header: list[str], path: Path, line: int) -> list[str]:
    known = (*sheet.required, *sheet.optional)
    problems = [
        f"{path}:{line}: lacks the column {c!r} (columns: {', '.join(known)})"
        for c in sheet.required
        if c not in header
    ]
    problems += [
        f"{path}:{line}: unknown column {c[:60]!r} (columns: {', '.join(known)})" for c in header if c not in known
    ]
    problems += [
        f"{path}:{line}: the column {c!r} appears twice" for c in sorted({c for c in header if header.count(c) > 1})
    ]
    return problems


def _check_row(
    sheet: Sheet, header: list[str], record: list[str], path: Path, line: int
) -> tuple[dict[str, str], list[str]]:
    if len(record) != len(header):
        return {}, [f"{path}:{line}: has {len(record)} field(s), the header has {len(header)}"]
    row = dict.fromkeys((*sheet.required, *sheet.optional), "") | {
        c: v.strip() for c, v in zip(header, record, strict=True)
    }
    problems = [f"{path}:{line}: no value in the required column {c!r}" for c in sheet.required if not row[c]]
    for column in sheet.names:
        if row[column] and not NAME.fullmatch(row[column]):
            problems.append(
                f"{path}:{line}: {column} {row[column][:80]!r} is not a name: use letters, digits, '.', '_' and '-' (at most 64)"
            )
    for column in sheet.numbers:
        if row[column] and not is_number(row[column]):
            problems.append(f"{path}:{line}: {column} {row[column][:40]!r} is not a number")
    for column, allowed in sheet.choices.items():
        if row[column] and row[column] not in allowed:
            problems.append(f"{path}:{line}: {column} {row[column][:40]!r} is not one of {', '.join(allowed)}")
    for column in sheet.paths:
        if fault := _check_path(sheet, column, row[column]):
            problems.append(f"{path}:{line}: {column} {fault}")
            row[column] = ""
        elif row[column]:
            row[column] = _resolve(row[column], path)
    return row | {"line": str(line)}, problems


def _check_path(sheet: Sheet, column: str, value: str) -> str:
    fault = path_fault(value)
    if value and not fault and column in sheet.prefixes and not PREFIX.fullmatch(value):
        return f"{value[:80]!r} must end in letters, digits, '.', '_' and '-' (first a letter or digit)"
    return fault


def is_number(text: str) -> bool:
    """Whether a text is a finite decimal number."""
    return re.fullmatch(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", text) is not None and math.isfinite(
        float(text)
    )


def _resolve(value: str, sheet: Path) -> str:
    return value if "://" in value or value.startswith("/") else str(Path(sheet).absolute().parent / value)
