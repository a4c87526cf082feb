"""Parameters that are no files: stages (of stages.json, which lib/Study.groovy reads too), numbers and their bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accessiflow.preflight.findings import Inputs

_LISTED: dict[str, Any] = json.loads(Path(__file__).with_name("stages.json").read_text(encoding="utf-8"))
STAGES: tuple[str, ...] = tuple(stage["name"] for stage in _LISTED["stages"])
FOLD_STAGES = frozenset(stage["name"] for stage in _LISTED["stages"] if stage.get("folds"))
# A task in a container sees bin/ alone: there lib/Parameters.groovy has held the parameters against the schema before
SCHEMA = Path(__file__).resolve().parents[3] / "nextflow_schema.json"


def check_stages(inputs: Inputs) -> None:
    """Every stage asked for is one."""
    for stage in inputs.names("stages"):
        if stage not in STAGES:
            inputs.findings.problem(f"stages: no stage is called {stage!r} (stages: {', '.join(STAGES)})")


def check_numbers(inputs: Inputs) -> None:
    """Every parameter that is a number lies within the bounds of the pipeline's schema, where the schema is at hand."""
    for group in _schema()["$defs"].values():
        for name, spec in group["properties"].items():
            if spec["type"] not in ("integer", "number") or (value := inputs.number(name)) is None:
                continue
            if fault := _fault(spec, value):
                inputs.findings.problem(f"{name}: {fault}, found {value:g}")


def _schema() -> dict[str, Any]:
    return json.loads(SCHEMA.read_text(encoding="utf-8")) if SCHEMA.is_file() else {"$defs": {}}


def _fault(spec: Mapping[str, Any], value: float) -> str:
    if spec["type"] == "integer" and value != int(value):
        return "must be a whole number"
    if value < spec.get("minimum", value):
        return f"must be at least {spec['minimum']}"
    return f"must be at most {spec['maximum']}" if value > spec.get("maximum", value) else ""
