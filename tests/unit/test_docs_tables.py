"""The tables of docs/ that are made from the code are those of the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    """scripts/docs_tables.py."""
    spec = importlib.util.spec_from_file_location("docs_tables", ROOT / "scripts" / "docs_tables.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", ["docs/output.md", "docs/usage.md"])
def test_the_docs_show_what_the_code_says(tables, file):
    name, text = tables.TABLES[file]
    document = (ROOT / file).read_text()
    assert tables.with_text(document, name, text()) == document, "run make docs-tables"


def test_what_the_pipeline_gives_is_not_by_hand(tables):
    commands, options = tables.by_hand()
    flags = {(script, command, flag.split(" / ")[0]) for script, command, flag, _ in options}
    assert ("evaluate", "specificity") in {row[:2] for row in commands} and ("evaluate", "all") not in {
        row[:2] for row in commands
    }
    assert ("evaluate", "compare", "--reference") in flags
    assert ("peaks", "bin", "--bin-size") not in flags  # in conf/modules.config
    assert ("peaks", "bin", "--barcodes") not in flags  # in the module
    assert ("peaks", "merge", "--valid-chroms") not in flags
    assert all(meaning for *_, meaning in options)


def test_every_metric_has_its_rows_and_every_table_one(tables):
    questions, options, columns = (
        [line.split("`")[1] for line in part.splitlines() if line.startswith("| `")]
        for part in tables.metrics_text().split("\n\n")
    )
    names = [metric.name for metric in tables.METRICS]
    assert questions == names and list(dict.fromkeys(options)) == names
    assert columns == [made.published or made.name for metric in tables.METRICS for made in metric.tables]


def test_no_line_of_a_table_is_too_wide_and_nothing_is_lost_where_it_breaks(tables):
    text = tables.metrics_text() + tables.by_hand_text()
    assert max(map(len, text.splitlines())) <= tables.WIDEST
    cell = ", ".join(f"column_{i} (what, and which)" for i in range(20))
    rows = tables.wrapped([("`t`", cell)])
    assert len(rows) > 1 and " ".join(row[1] for row in rows) == cell
    assert [row[0] for row in rows] == ["`t`", *[""] * (len(rows) - 1)]


def test_the_pipeline_calls_commands_that_exist(tables):
    """A module whose call cannot be read here would make everything that it gives look like a matter of hand."""
    known = {(script, command) for script, command, _ in tables.commands()}
    called = {(call.script, call.command) for call in tables.calls()}
    scripts = {path.stem for path in (ROOT / "bin").glob("*.py")}
    assert {call for call in called if call[0] in scripts} <= known
    modules = [
        path.name
        for path in (ROOT / "modules").rglob("*.nf")
        if any(f"{name}.py " in path.read_text() for name in scripts)
    ]
    assert len(modules) > 40 and len({c for c in called if c[0] in scripts}) > 35
