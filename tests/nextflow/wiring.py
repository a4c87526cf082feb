"""The processes and parameters of the pipeline, from its modules, its configuration and its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "modules").rglob("*.nf"))
# Process names of published run records and configurations that do not repeat the folder and the file
NAMES = {"evaluate/models": "EVALUATE", "score/collect": "VARIANTS_COLLECT", "simulate/compare": "TRUTH_COMPARE"} | {
    f"score/{part}": f"SAD_{part.upper()}" for part in ("score", "null", "split", "merge", "join", "annotate", "top")
}


def place(module: Path) -> str:
    """room/file of a module, as the workflows include it."""
    return module.relative_to(ROOT / "modules").with_suffix("").as_posix()


def process(module: Path) -> str:
    """The name of the one process that a module's place stands for."""
    return NAMES.get(place(module)) or place(module).replace("/", "_").upper()


PROCESSES = {process(module): module for module in MODULES}


def label(name: str) -> str:
    """The resource label of a process."""
    (found,) = re.findall(r"^ +label '(\w+)'", PROCESSES[name].read_text(), re.M)
    return found


def scripts(name: str) -> set[str]:
    """The project's own scripts that a process calls."""
    called = re.findall(r"^ +(\w+)\.py ", PROCESSES[name].read_text(), re.M)
    return {script for script in called if (ROOT / "bin" / f"{script}.py").exists()}


def digests(name: str) -> list[tuple[str, ...]]:
    """Arguments of CodeId.of in a process: the script, and where it has one of its own the command's module."""
    found = re.findall(r"^    ext code: CodeId\.of\(([^)]*)\)$", PROCESSES[name].read_text(), re.M)
    return [tuple(re.findall(r"'(\w+)'", arguments)) for arguments in found]


def stage(name: str) -> str:
    """The stage whose environment a process runs in."""
    text = (ROOT / "conf" / "stages.config").read_text()
    # the image of a stage with flavours is that without one, the last named
    parts = r"withName: '([^']+)' \{\s+ext\.stage = '(\w+)'\s+(?:ext\.flavour = .*\s+)?"
    parts += r"ext\.image = .*params\.containers\.(\w+)"
    named = re.findall(parts, text)
    assert all(stage == image for _, stage, image in named)
    (found,) = [stage for pattern, stage, _ in named if re.fullmatch(pattern, name)]
    return found


def parameters(group: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters of a group of the schema, those of an object as parameters of their own: containers.peaks."""
    found = {}
    for name, spec in group["properties"].items():
        parts = {f"{name}.{part}": inner for part, inner in spec.get("properties", {}).items()}
        found |= parts or {name: spec}
    return found


SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
PARAMETERS = {name: spec for group in SCHEMA["$defs"].values() for name, spec in parameters(group).items()}
