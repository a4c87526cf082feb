"""examples/notebook.ipynb: its stored outputs are whole, small and of no machine, and it runs on any results."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
LARGEST = 150_000  # bytes of the file, outputs included

Execute = Callable[[Path], NotebookNode]


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def execute(tmp_path: Path, monkeypatch) -> Execute:
    """Run the notebook on a results folder, in a kernel that has nothing of the user's."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "bin"), *filter(None, [os.getenv("PYTHONPATH")])]))
    monkeypatch.delenv("ACCESSIFLOW_FASTA", raising=False)

    def run(results: Path) -> NotebookNode:
        monkeypatch.setenv("ACCESSIFLOW_RESULTS", str(results))
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        where = {"metadata": {"path": str(tmp_path)}}
        # an error in a cell is raised here
        return NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()

    return run


def check(notebook: NotebookNode) -> None:
    """Every code cell shows something, none of it an error or a warning, and there is a logo."""
    for cell in code_cells(notebook):
        kinds = [(output.output_type, output.get("name")) for output in cell.outputs]
        assert kinds == [("execute_result", None)], cell.source
    shown = [kind for cell in code_cells(notebook) for output in cell.outputs for kind in output.data]
    assert shown.count("image/svg+xml") == 1
    page, _ = HTMLExporter().from_notebook_node(notebook)
    assert page.count("</table>") == len(code_cells(notebook)) - 1


def test_stored_outputs_are_whole_small_and_of_no_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    check(notebook)
    assert [cell.execution_count for cell in code_cells(notebook)] == [*range(1, len(code_cells(notebook)) + 1)]
    assert NOTEBOOK.stat().st_size < LARGEST
    outputs = json.dumps([cell.outputs for cell in code_cells(notebook)])
    assert re.findall(r"/(?:home|root|tmp|work|mnt|Users|opt|usr)/", outputs) == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert all("execution" not in cell.metadata for cell in notebook.cells)


def test_it_runs_on_results_of_a_small_model(execute: Execute, tmp_path: Path, script) -> None:
    pytest.importorskip("tensorflow")  # the small model's weights are written with it
    from small_results import write_results

    check(execute(write_results(tmp_path, script) / "results"))


@pytest.mark.nextflow
def test_it_runs_on_the_results_of_a_run(execute: Execute, undisturbed) -> None:
    check(execute(undisturbed.folder / "results"))
