"""How the results came about: parameters, versions, time, memory and device of every stage.

This is the one part of the page that differs between equal runs.
"""

from __future__ import annotations

from typing import Any

from accessiflow.report.section import Section, Table
from accessiflow.results import Results

SCORING = ("engine", "device", "threads")
TASK_COLUMNS = ("task", "seconds", "CPU seconds", "peak MB", "device", "rate", "left out", "warnings")
MEASURED = {"seconds": ".1f", "cpu_seconds": ".1f", "peak_memory_mb": ",.0f"}
PREFLIGHT = "PREFLIGHT_CHECK"
MANY = 300  # tasks: above that the table has a row a process


def section(results: Results) -> Section:
    """The section."""
    rows, records = [], results.jsons("pipeline_info/stages/*.run.json")
    for name, r in records.items():
        rate = ""
        if "seq_per_s" in r:
            rate = f"{r['seq_per_s']:,.0f} seq/s"
        elif "variants_per_hour" in r:
            rate = f"{r['variants_per_hour']:,.0f} variants/h"
        rows.append(
            [
                name.removesuffix(".run.json"),
                # programs that are not ours count neither their seconds nor their memory
                *(f"{r[key]:{form}}" if key in r else "" for key, form in MEASURED.items()),
                _computed_by(r),
                rate,
                str(len(r.get("left_out", []))),
                str(len(r.get("warnings", []))),
            ]
        )
    if len(rows) > MANY:
        rows = _by_process(records)
    parameters = [
        [name, _plain(value)]
        for name, value in sorted(results.json("pipeline_info/params.json").items())
        # Parameters that were not set are left out.
        if value is not None
    ]
    versions = [line.split(": ", 1) for line in results.text("pipeline_info/versions.yml").splitlines() if ": " in line]
    tables = [
        Table("run-stages", "Stages", list(TASK_COLUMNS), rows),
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


def _computed_by(record: dict[str, Any]) -> str:
    """A task's device, and the framework and precision where one computed a network."""
    how = ", ".join(str(record[name]) for name in ("backend", "precision") if name in record)
    return " ".join(filter(None, (str(record.get("device", "")), f"({how})" if how else "")))


def _by_process(records: dict[str, dict[str, Any]]) -> list[list[str]]:
    """One row a process in place of its tasks, whose records stay in pipeline_info/stages/."""
    processes: dict[str, list[dict[str, Any]]] = {}
    for name, record in records.items():
        processes.setdefault(name.partition(".")[0], []).append(record)
    return [
        [
            f"{name}, {len(of):,} tasks",
            # programs that are not ours count neither their seconds nor their memory
            *(f"{sum(r.get(key, 0) for r in of):.1f}" for key in ("seconds", "cpu_seconds")),
            f"{max(r.get('peak_memory_mb', 0) for r in of):,.0f}",
            ", ".join(sorted({_computed_by(r) for r in of})),
            "",
            str(sum(len(r.get("left_out", [])) for r in of)),
            str(sum(len(r.get("warnings", [])) for r in of)),
        ]
        for name, of in processes.items()
    ]


def warnings(results: Results) -> list[str]:
    """What the tasks warned of, by process: a sentence once with the number of its tasks."""
    said: dict[str, dict[str, list[str]]] = {}
    for name, record in results.jsons("pipeline_info/stages/*.run.json").items():
        process, _, task = name.removesuffix(".run.json").partition(".")
        for sentence in record.get("warnings", []):
            said.setdefault(process, {}).setdefault(sentence, []).append(task)
    # the checks before the run have a file of their own, whose warnings the page shows already
    said.pop(PREFLIGHT, None)
    out = []
    for process, sentences in said.items():
        for sentence, tasks in sentences.items():
            owner = f" {tasks[0]}" if tasks[0] else ""
            out.append(f"{process}{owner if len(tasks) == 1 else f' ({len(tasks)} tasks)'}: {sentence}")
    return out


def _scoring(records: dict[str, dict[str, Any]]) -> list[list[str]]:
    """One row a model and variant set, from the records of its shards; a cell names all values that occur."""
    # A record is called SAD_SCORE.MODEL.SET.NUMBER.run.json.
    shards: dict[str, list[dict[str, Any]]] = {}
    for name, record in records.items():
        if name.startswith("SAD_SCORE.") and "variants" in record:
            owner = name.removeprefix("SAD_SCORE.").removesuffix(".run.json").rpartition(".")[0]
            shards.setdefault(owner, []).append(record)
    rows = []
    for owner, of in shards.items():
        counts = [sum(record[key] for record in of) for key in ("variants", "excluded")]
        # Rates of shards are joined by their times: a small shard counts for little.
        hours = sum(record["variants"] / record["variants_per_hour"] for record in of if record["variants_per_hour"])
        facts = [", ".join(sorted({str(record.get(key, "NA")) for record in of})) for key in SCORING]
        rows.append(
            [owner, *(f"{count:,}" for count in counts), *facts, f"{counts[0] / hours:,.0f}" if hours else "NA"]
        )
    return rows


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}: {v}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
