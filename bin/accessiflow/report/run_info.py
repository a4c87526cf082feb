"""How the results came about: parameters, versions, time, memory and device of every stage. The one part that differs between equal runs."""

from __future__ import annotations

from typing import Any

from accessiflow.report.section import Section, Table
from accessiflow.results import Results

SCORING = ("engine", "device", "threads")


def section(results: Results) -> Section:
    """The section."""
    rows, records = [], results.jsons("pipeline_info/stages/*.run.json")
    for name, r in records.items():
        rate = (
            f"{r['seq_per_s']:,.0f} seq/s"
            if "seq_per_s" in r
            else f"{r['variants_per_hour']:,.0f} variants/h"
            if "variants_per_hour" in r
            else ""
        )
        rows.append(
            [
                name.removesuffix(".run.json"),
                f"{r['seconds']:.1f}",
                f"{r['cpu_seconds']:.1f}",
                f"{r['peak_memory_mb']:,.0f}",
                str(r["device"]),
                rate,
            ]
        )
    parameters = [
        [name, _plain(value)]
        for name, value in sorted(results.json("pipeline_info/params.json").items())
        if value is not None
    ]
    versions = [line.split(": ", 1) for line in results.text("pipeline_info/versions.yml").splitlines() if ": " in line]
    tables = [
        Table("run-stages", "Stages", ["task", "seconds", "CPU seconds", "peak MB", "device", "rate"], rows),
        Table(
            "run-scoring",
            "Scoring of variants",
            ["model and variant set", "variants", "excluded", *SCORING, "variants/h of a task"],
            _scoring(records),
        ),
        Table("run-params", "Parameters", ["parameter", "value"], parameters, "", True),
        Table("run-versions", "Software", ["package", "version"], [[a, b.strip('"')] for a, b in versions]),
    ]
    return Section(
        "run",
        "Run information",
        "Times and memory of this run; a resumed run shows those of the tasks as they ran.",
        "",
        [],
        [t for t in tables if t.rows],
    )


def _scoring(records: dict[str, dict[str, Any]]) -> list[list[str]]:
    """One row a model and variant set, from the records of its shards SAD_SCORE.MODEL.SET.NUMBER.run.json; a cell names all that differ."""
    shards: dict[str, list[dict[str, Any]]] = {}
    for name, record in records.items():
        if name.startswith("SAD_SCORE.") and "variants" in record:
            shards.setdefault(name.removeprefix("SAD_SCORE.").removesuffix(".run.json").rpartition(".")[0], []).append(
                record
            )
    rows = []
    for owner, of in shards.items():
        counts = [sum(record[key] for record in of) for key in ("variants", "excluded")]
        hours = sum(record["variants"] / record["variants_per_hour"] for record in of if record["variants_per_hour"])
        facts = [", ".join(sorted({str(record.get(key, "NA")) for record in of})) for key in SCORING]
        rows.append(
            [owner, *(f"{count:,}" for count in counts), *facts, f"{counts[0] / hours:,.0f}" if hours else "NA"]
        )
    return rows


def _plain(value: object) -> str:
    return (
        ", ".join(f"{k}: {v}" for k, v in value.items())
        if isinstance(value, dict)
        else ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
    )
