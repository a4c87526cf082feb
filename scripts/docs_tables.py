#!/usr/bin/env python3
"""Write the tables of docs/ that are made from the code: the evaluation's metrics, and what only hand calls reach.

With the environment of the tests: `make docs-tables`.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from accessiflow.evaluation.metric import Metric  # noqa: E402
from accessiflow.evaluation.metrics import METRICS  # noqa: E402
from accessiflow.evaluation.options import Option  # noqa: E402

WIDEST = 150  # characters of a line of a table
COMMON = {"version", "versions", "run_info", "quiet", "help"}  # options of every script
FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
BLOCK = re.compile(r"withName: '?([^'{]+?)'? \{(.*?)\n    \}", re.DOTALL)


@dataclass(frozen=True)
class Call:
    """A command of a script as a module of the pipeline calls it, with every option that it may give."""

    script: str
    command: str
    flags: frozenset[str]


def commands() -> Iterator[tuple[str, str, Any]]:
    """Script, name and command of everything in bin/."""
    for path in sorted((ROOT / "bin").glob("*.py")):
        group: Any = typer.main.get_command(importlib.import_module(path.stem).app)
        yield from ((path.stem, name, command) for name, command in group.commands.items())


def calls() -> list[Call]:
    """What the modules call: options that stand in the module or in the arguments that conf/ gives it."""
    blocks = BLOCK.findall((ROOT / "conf" / "modules.config").read_text())
    found = []
    for path in sorted((ROOT / "modules").rglob("*.nf")):
        text = path.read_text()
        process = re.search(r"^process (\w+)", text, re.MULTILINE)
        assert process is not None
        given = [body for names, body in blocks if re.fullmatch(names, process[1])]
        flags = frozenset(FLAG.findall(" ".join([text, *given])))
        for line in re.sub(r"\\+\n", " ", text).splitlines():
            called = re.search(r"\b(\w+)\.py((?: +--(?:versions|run-info) \S+| +--quiet)*) +([a-z][a-z0-9-]*)", line)
            if called:
                found.append(Call(called[1], called[3], flags))
    return found


class ByHand(NamedTuple):
    """What the pipeline does not reach.

    Attributes:
        commands: script, command and summary of those that it does not call.
        options: those that it does not give to the commands that it calls.
    """

    commands: list[tuple[str, str, str]]
    options: list[tuple[str, str, str, str]]


def by_hand() -> ByHand:
    """Compare the scripts' commands with the pipeline's calls."""
    known = calls()
    alone, options = [], []
    for script, name, command in commands():
        used = [call.flags for call in known if (call.script, call.command) == (script, name)]
        if not used:
            alone.append((script, name, first_sentence(command.help or "")))
            continue
        given = frozenset().union(*used)
        for param in command.params:
            flags = [*param.opts, *param.secondary_opts]
            if param.param_type_name == "option" and param.name not in COMMON and not given & set(flags):
                options.append((script, name, shown(param), param.help or ""))
    return ByHand(alone, options)


def shown(param: Any) -> str:
    """An option as it is written in a call."""
    return " / ".join([max(param.opts, key=len), *param.secondary_opts])


def first_sentence(text: str) -> str:
    """Its first line, without the full stop."""
    return text.strip().split("\n\n")[0].replace("\n", " ").removesuffix(".")


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Markdown, one row a line."""
    cells = [header, ("---",) * len(header), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in cells)


def wrapped(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, too wide ones broken at commas of their last cell; what follows has empty cells before it."""
    out = []
    for *first, last in rows:
        cells, line = first, ""
        for item in re.split(r"(?<=,) (?![^(]*\))", last):
            longer = f"{line} {item}".strip()
            if line and len(" | ".join([*cells, longer])) > WIDEST - 4:
                out.append((*cells, line))
                cells, longer = [""] * len(first), item
            line = longer
        out.append((*cells, line))
    return out


def source(metric: Metric) -> str:
    """Where it comes from, with its number in the reference outputs."""
    return " ".join([metric.source or "ours", f"({metric.number})" if metric.number else ""]).strip()


def thresholds(metric: Metric) -> str:
    """Its thresholds with their defaults."""
    seed = [metric.seed] if metric.seed.default else []
    return ", ".join(f"`{o.flag}` {default(o)}".strip() for o in [*metric.thresholds, *seed])


def inputs(metric: Metric) -> str:
    """Its input options, the optional ones in brackets."""
    return " ".join(f"`{o.flag}`" if o.required else f"`[{o.flag}]`" for o in metric.inputs)


def default(option: Option) -> str:
    """As it would be typed; empty where its help says what holds then."""
    if isinstance(option.default, bool):
        return "yes" if option.default else "no"
    return str(option.default)


def metrics_text() -> str:
    """Tables of the metrics and of the columns that they write."""
    questions = [(f"`{metric.name}`", metric.question, source(metric)) for metric in METRICS]
    options = [
        (f"`{metric.name}`", text) for metric in METRICS for text in (inputs(metric), thresholds(metric)) if text
    ]
    columns = [
        (f"`{made.published or made.name}`", metric.name if made.published else f"{metric.name}, by hand", made.columns)
        for metric in METRICS
        for made in metric.tables
    ]
    parts = [
        table(("metric", "question", "source"), questions),
        table(("metric", "inputs; thresholds and their defaults"), wrapped(options)),
        table(("table", "of", "columns"), wrapped(columns)),
    ]
    return "\n\n".join(parts)


def by_hand_text() -> str:
    """Tables of the commands and options that only a call by hand reaches."""
    alone, options = by_hand()
    first = table(("script", "command", "what it does"), [(f"`{s}.py`", f"`{c}`", text) for s, c, text in alone])
    rows = [(f"`{s}.py`", f"`{c}`", f"`{o}`", text) for s, c, o, text in options]
    return f"{first}\n\n{table(('script', 'command', 'option', 'meaning'), rows)}"


def with_text(document: str, name: str, text: str) -> str:
    """The document with the text between its comments `name: begin` and `name: end`."""
    begin, end = f"<!-- {name}: begin (scripts/docs_tables.py) -->", f"<!-- {name}: end -->"
    before, rest = document.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


TABLES = {"docs/output.md": ("metrics", metrics_text), "docs/usage.md": ("by hand", by_hand_text)}

if __name__ == "__main__":
    for file, (name, text) in TABLES.items():
        path = ROOT / file
        path.write_text(with_text(path.read_text(), name, text()))
