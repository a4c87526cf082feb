"""Every parameter is described, every process has what the house asks of one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wiring import MODULES, PARAMETERS, ROOT, SCHEMA, digests, label, place, process, scripts


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
    assert set(config_parameters()) == set(PARAMETERS)


def test_schema_is_one_of_json_schema_as_nf_core_lints_it() -> None:
    """What `nf-core pipelines schema lint` asks for, without it: a draft 2020-12 schema whose groups are all used."""
    validator = jsonschema.validators.validator_for(SCHEMA, default=None)
    assert validator is jsonschema.Draft202012Validator
    validator.check_schema(SCHEMA)
    config = (ROOT / "nextflow.config").read_text()
    name, description = (re.search(rf"^    {field} += '(.+)'$", config, re.M)[1] for field in ("name", "description"))
    assert SCHEMA["title"] == f"{name} pipeline parameters"
    assert SCHEMA["description"] == description
    assert SCHEMA["$id"] == f"https://raw.githubusercontent.com/{name}/main/nextflow_schema.json"
    assert [ref["$ref"] for ref in SCHEMA["allOf"]] == [f"#/$defs/{name}" for name in SCHEMA["$defs"]]
    names = [name for group in SCHEMA["$defs"].values() for name in group["properties"]]
    assert len(names) == len(set(names))
    assert not any("." in name for name in names), "an object's parts are its properties"


def test_schema_takes_the_defaults_and_refuses_others() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    defaults: dict[str, Any] = {"containers": {}}
    for name, spec in PARAMETERS.items():
        whole, _, part = name.partition(".")
        if "default" in spec:
            (defaults[whole] if part else defaults)[part or whole] = spec["default"]
    validator.validate(defaults)
    for name, value in (("fdr", 2), ("seed", "one"), ("containers", {"peaks": "a b"}), ("bh", "exact")):
        assert list(validator.iter_errors(defaults | {name: value})), name


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameter_is_described_with_its_true_default(name: str) -> None:
    spec = PARAMETERS[name]
    assert len(spec["description"]) > 10
    assert spec["description"].endswith(".")
    default = config_parameters()[name]
    if default == "null":
        assert "default" not in spec
    elif "$" not in default:
        assert str(spec["default"]).lower() == default.lower()


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_module_wires_one_process_completely(module: Path) -> None:
    text = module.read_text()
    assert re.findall(r"^process (\w+) \{", text, re.M) == [process(module)]
    for word in ("tag ", "label ", "input:", "output:", "script:", "stub:", "emit: versions", "emit: run_info"):
        assert word in text, f"{module.name} lacks {word!r}"
    assert label(process(module)) in {
        "process_single",
        "process_low",
        "process_medium",
        "process_high",
        "process_gpu",
    }
    assert not re.search(r"\bparams\.(?!json)", text), "a module reads params"
    assert not re.search(r"^ +(container|conda|publishDir|cpus|memory|time) ", text, re.M), "set in conf/"
    outputs = text[text.index("output:") : text.index("script:")]
    assert all("emit: " in line for line in outputs.splitlines()[1:] if line.strip()), "an output without a name"
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_module_names_its_script_for_the_digest_of_its_code(module: Path) -> None:
    text, called = module.read_text(), scripts(process(module))
    assert [script for script, *_ in digests(process(module))] == sorted(called)
    body = text[text.index("    script:") : text.index("    stub:")]
    assert body.count("# code ${task.ext.code}\n") == len(called) == (0 if module.parent.name == "ldsc" else 1)


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_records_and_versions_of_every_task_reach_the_report(module: Path) -> None:
    text = module.read_text()
    # but of the page itself, which waits for them
    topics = [] if process(module) == "REPORT_RENDER" else ["run_info", "versions"]
    assert re.findall(r"emit: \w+, topic: (\w+)", text) == topics


def test_workflows_read_like_a_table_of_contents() -> None:
    files = [ROOT / "main.nf", ROOT / "nextflow.config", *(ROOT / "workflows").glob("*.nf"), *MODULES]
    files += [*(ROOT / "conf").rglob("*.config"), *(ROOT / "lib").glob("*.groovy")]
    assert {str(f): n for f in files for n in map(len, f.read_text().splitlines()) if n > 120} == {}
    assert len((ROOT / "main.nf").read_text().splitlines()) < 100
    for path in (ROOT / "workflows").glob("*.nf"):
        text = path.read_text()
        taken = text[text.index("take:") : text.index("main:")].splitlines()
        assert sum("//" in line for line in taken) <= 8, f"{path.name} takes too much"
        assert not re.search(r"\bit\b\.|\bit\[", re.sub(r"//.*", "", text)), f"{path.name}: an unnamed item"


@pytest.mark.parametrize("module", MODULES, ids=place)
def test_module_has_an_nf_test(module: Path) -> None:
    asked = {line for test in (ROOT / "tests" / "nf-test").rglob("*.nf.test") for line in test.read_text().splitlines()}
    assert f'    process "{process(module)}"' in asked


@pytest.mark.parametrize("stage", sorted(p.name for p in (ROOT / "containers").iterdir()))
def test_stage_has_a_pinned_container(stage: str) -> None:
    folder = ROOT / "containers" / stage
    lines = [
        line
        for line in (folder / "requirements.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert all("==" in line for line in lines)
    docker = (folder / "Dockerfile").read_text()
    assert "USER 1000:1000" in docker
    assert "procps" in docker
    assert "org.opencontainers.image.version" in docker
    assert (folder / "environment.yml").exists()
