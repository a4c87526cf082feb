"""Every parameter is described, every process has what the house asks of one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PROPERTIES = {name: spec for group in SCHEMA["$defs"].values() for name, spec in group["properties"].items()}
MODULES = sorted((ROOT / "modules").glob("*.nf"))


def config_parameters() -> dict[str, str]:
    """Parameters with their literal defaults in nextflow.config, `containers { x = y }` as containers.x."""
    text = (ROOT / "nextflow.config").read_text()
    block = text[text.index("params {") : text.index("\nprofiles {")]
    found, prefix = {}, ""
    for line in block.splitlines()[1:]:
        if match := re.match(r"\s+(\w+) \{", line):
            prefix = f"{match[1]}."
        elif line.strip() == "}":
            prefix = ""
        elif match := re.match(r"\s+(\w+)\s+= (.+)", line):
            found[prefix + match[1]] = match[2].strip().strip("'\"")
    return found


def test_schema_and_config_name_the_same_parameters() -> None:
    assert set(config_parameters()) == set(PROPERTIES)


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_parameter_is_described_with_its_true_default(name: str) -> None:
    spec = PROPERTIES[name]
    assert len(spec["description"]) > 10
    assert spec["description"].endswith(".")
    default = config_parameters()[name]
    if default == "null":
        assert "default" not in spec
    elif "$" not in default:
        assert str(spec["default"]).lower() == default.lower()


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_module_wires_one_process_completely(module: Path) -> None:
    text = module.read_text()
    assert re.findall(r"^process (\w+) \{", text, re.M) == [module.stem.upper()]
    for word in (
        "tag ",
        "label ",
        "container ",
        "input:",
        "output:",
        "script:",
        "stub:",
        "emit: versions",
        "emit: run_info",
        "# code ${params.code_id}",
    ):
        assert word in text, f"{module.name} lacks {word!r}"
    label = re.findall(r"label '(\w+)'", text)
    assert len(label) == 1
    assert label[0] in {"process_single", "process_low", "process_medium", "process_high", "process_gpu"}
    read = re.sub(r"params\.(code_id|containers\.\w+|container_registry)", "", text)
    assert not re.search(r"params\.(?!json)", read), "a module reads params"
    outputs = text[text.index("output:") : text.index("script:")]
    assert all("emit: " in line for line in outputs.splitlines()[1:] if line.strip()), "an output without a name"
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.stem)
def test_module_has_an_nf_test(module: Path) -> None:
    assert (ROOT / "tests" / "nf-test" / "modules" / f"{module.stem}.nf.test").exists()


@pytest.mark.parametrize("stage", sorted(p.name for p in (ROOT / "containers").iterdir()))
def test_stage_has_a_pinned_container(stage: str) -> None:
    folder = ROOT / "containers" / stage
    lines = [line for line in (folder / "requirements.txt").read_text().splitlines() if line.strip() and not line.startswith("#")]
    assert all("==" in line for line in lines)
    docker = (folder / "Dockerfile").read_text()
    assert "USER 1000:1000" in docker
    assert "procps" in docker
    assert "org.opencontainers.image.version" in docker
    assert (folder / "environment.yml").exists()
