"""How the results came about: parameters, versions, time, memory and device of every stage. The one part that differs between equal runs."""

from __future__ import annotations

from accessiflow.report.results import Results
from accessiflow.report.section import Section, Table


def section(results: Results) -> Section:
    """The section."""
    rows = []
    for name, r in results.jsons("pipeline_info/stages/*.run.json").items():
        rate = f"{r['seq_per_s']:,.0f} seq/s" if "seq_per_s" in r else f"{r['variants_per_hour']:,.0f} variants/h" if "variants_per_hour" in r else ""
        rows.append(
            [name.removesuffix(".run.json"), f"{r['seconds']:.1f}", f"{r['cpu_seconds']:.1f}", f"{r['peak_memory_mb']:,.0f}", str(r["device"]), rate]
        )
    parameters = [[name, _plain(value)] for name, value in sorted(results.json("pipeline_info/params.json").items()) if value is not None]
    versions = [line.split(": ", 1) for line in results.text("pipeline_info/versions.yml").splitlines() if ": " in line]
    tables = [
        Table("run-stages", "Stages", ["task", "seconds", "CPU seconds", "peak MB", "device", "rate"], rows),
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


def _plain(value: object) -> str:
    return (
        ", ".join(f"{k}: {v}" for k, v in value.items())
        if isinstance(value, dict)
        else ", ".join(map(str, value))
        if isinstance(value, list)
        else str(value)
    )
