"""The same bytes at another path and with other numbers of threads; the record of a run, and its RO-Crate."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_run import Run, differences

pytestmark = [pytest.mark.nextflow, pytest.mark.slow]


@pytest.mark.trust
def test_the_demo_at_another_path_on_one_core(demo: Run, tmp_path: Path, evidence) -> None:
    where, args = "another/and a longer path", ("--max_cpus", 1, "--publish_mode", "link")
    run = Run(tmp_path / where, *args, profile="demo,venv")
    run.finish()
    wrong = differences(run.results(), demo.results())
    evidence(
        "reproducibility",
        run="demo " + " ".join([where, *map(str, args)]),
        files=len(demo.results()),
        differ=len(wrong),
    )
    assert wrong == []


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_record_names_versions_parameters_and_inputs(undisturbed: Run) -> None:
    info = undisturbed.folder / "results/pipeline_info"
    assert json.loads((info / "params.json").read_text())["seed"] == 1
    assert "numpy" in (info / "versions.yml").read_text()
    header, *rows = (line.split("\t") for line in (info / "checksums.tsv").read_text().splitlines())
    assert header == ["file", "bytes", "sha256"]
    names = [Path(row[0]).name for row in rows]
    assert {"tracks.csv", "genome.fa", "genome.fa.fai", "variants.csv"} <= set(names)
    assert len(names) > 20
    assert names.count("genome.fa") == 1
    for name, size, digest in rows:
        assert Path(name).stat().st_size == int(size)
        assert sha256(Path(name)) == digest


def references(value: object) -> Iterator[str]:
    """Every @id that a value points to."""
    if isinstance(value, dict):
        yield from [value["@id"]] if set(value) == {"@id"} else (r for v in value.values() for r in references(v))
    elif isinstance(value, list):
        yield from (r for v in value for r in references(v))


def test_the_crate_describes_the_run_and_every_result(undisturbed: Run) -> None:
    results = undisturbed.folder / "results"
    graph = json.loads((results / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    assert len(entities) == len(graph), "an entity stands twice"
    dangling = {r for entity in graph for r in references({k: v for k, v in entity.items() if k != "@id"})} - set(
        entities
    )
    assert {r for r in dangling if not r.startswith("https://")} == set()
    root, run = entities["./"], entities["#run"]
    assert root["mainEntity"]["@id"] == "pipeline_info/main.nf"
    assert run["instrument"] == root["mainEntity"]
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"
    listed = {r["@id"] for r in run["result"]}
    late = {
        "ro-crate-metadata.json",
        "trace.txt",
        "timeline.html",
        "execution_report.html",
        "dag.html",
    }  # written when the run is over
    assert listed == {
        str(path.relative_to(results)) for path in results.rglob("*") if path.is_file() and path.name not in late
    }
    assert [name for name in listed if entities[name]["sha256"] != sha256(results / name)] == []
    inputs = [entities[r["@id"]] for r in run["object"] if entities[r["@id"]]["@type"] == "File"]
    assert any(entity["name"] == "genome.fa" and len(entity["sha256"]) == 64 for entity in inputs)
    assert entities["#value-seed"]["value"] == "1"
