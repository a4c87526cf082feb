"""The report of whole studies: it has every place that docs/paper_figures.md names, and stays small.

Every figure of the paper has an answer there.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from accessiflow.evaluation.metrics import COMMANDS
from accessiflow.report.page import render

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "paper_figures.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.splitlines()
    if re.match(r"\| (?:[1-4][A-F]|S\d|Tables)", line)
]
HELD = {"M": "*", "TISSUE": "*", "CELL": "*"}  # words that stand for a name
LARGEST = 600_000  # bytes of one figure or table
NOT_MADE, NONE = "not made", "none"


def made(folder: Path, tracks: int) -> Path:
    """A made-up study of two models with the tables of every stage, and its report."""
    spec = importlib.util.spec_from_file_location("report_size", ROOT / "benchmarks" / "report_size.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.TISSUES, module.CELL_TYPES, module.CLUSTERS, module.LOCUS_WINDOWS, module.PAIR_TRACKS = 1, 1, 3, 8, 4
    module.Study(folder, tracks, 2, 1).write()
    render(folder, folder / "report.html")
    return folder


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of three tracks."""
    return made(tmp_path_factory.mktemp("paper") / "results", 3)


def test_every_figure_of_the_paper_has_a_row() -> None:
    named = {name.strip() for row in ROWS for name in row[0].split(",")}
    main = {"1C", *(f"2{x}" for x in "ABCD"), *(f"3{x}" for x in "ABCDEF"), *(f"4{x}" for x in "ABC")}
    assert main <= named
    assert {f"S{i}" for i in range(1, 20)} <= {re.sub(r"[A-D]$", "", name) for name in named}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_row_has_an_answer(row: list[str]) -> None:
    assert len(row) == 5 and all(row)
    if row[2] != NOT_MADE:
        assert "`#" in row[2] and "`" in row[3]
    else:
        assert row[3] == NONE and "outside this pipeline" in row[4]


def test_every_place_is_in_the_report(study: Path) -> None:
    ids = set(re.findall(r' id="([\w-]+)"', (study / "report.html").read_text()))
    named = set(re.findall(r"`#([\w-]+)`", DOCUMENT))
    assert named - ids <= {"further-tables"}, "a table without a figure is in the list of the others"
    assert len(named) > 25


def test_every_table_is_written_by_a_run_or_documented(study: Path) -> None:
    described = (ROOT / "docs" / "output.md").read_text()
    for name in sorted({name for row in ROWS for name in re.findall(r"`([\w/.]+\.tsv)`", row[3])}):
        pattern = "/".join(".".join(HELD.get(word, word) for word in part.split(".")) for part in name.split("/"))
        made = list(study.glob(pattern))
        word = name.rpartition("/")[2].removesuffix(".tsv").rpartition(".")[2]
        assert made or f"`{word}`" in described or f"{word}.tsv`" in described, name


def test_every_parameter_command_and_option_is_there() -> None:
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    known = {name for group in schema["$defs"].values() for name in group["properties"]}
    text = re.sub(r"`evaluate\.py ([\w-]+)[^`]*`", lambda found: f"<{found[1]}>", DOCUMENT)
    assert set(re.findall(r"<([\w-]+)>", text)) <= set(COMMANDS)
    assert set(re.findall(r"--(\w+)", text)) <= known


def test_a_hundred_times_the_tracks_are_a_page_of_bounded_size(study: Path, tmp_path: Path) -> None:
    few, many = ((folder / "report.html").read_text() for folder in (study, made(tmp_path / "results", 300)))
    assert len(many) < 1.6 * len(few) and len(many) < 4.5e6
    pieces = re.split(r'(?=<(?:figure|div|section) [^>]*\bid=")', many)
    sizes = {found[1]: len(p) for p in pieces if (found := re.match(r'<\w+ [^>]*\bid="([^"]+)"', p))}
    assert {"accuracy-specificity", "comparison-errors", "peaks-tracks", "top"} <= set(sizes)
    assert {key: size for key, size in sizes.items() if size > LARGEST} == {}
    assert "of 300 tracks, evenly over their order" in many
