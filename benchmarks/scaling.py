#!/usr/bin/env python3
"""CPU seconds and peak memory of every stage at 1, 4 and 16 times the tracks, genome, variants and annotations.

.venvs/test/bin/python benchmarks/scaling.py --work FOLDER [--axes tracks,genome,variants,annotations] > scaling.tsv
.venvs/test/bin/python benchmarks/scaling.py --read scaling.tsv        # the table of exponents, as Markdown

Each point is a run of the pipeline on a simulated study; the figures are those of the tasks' own records. With a fixed
part (starting Python, loading libraries) and a part that grows as a power of the size, three sizes in equal ratio give
the exponent without the fixed part: log((y16 - y4) / (y4 - y1)) / log(4).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FACTORS = (1, 4, 16)
BASE = {"chrom-length": 600_000, "cell-types": 4, "snps": 3000}
# axis -> what grows, what else differs from the base, the stages that see it
AXES = {
    # The study's tracks again under other names.
    "tracks": ("", {}, "evaluate,report"),
    "genome": ("chrom-length", {}, "evaluate,report"),
    "variants": ("snps", {"chrom-length": 9_600_000}, "score,heritability,report"),
    # Two a track: the more and the less specific half of its peaks.
    "annotations": ("", {"snps": 12_000}, "heritability,report"),
}
FLAT = 0.1  # growth from 1x to 16x below this share of the value counts as none


def simulate(folder: Path, size: dict[str, int]) -> dict[str, Path]:
    """A simulated study; its files by the name of the parameter that takes them."""
    # Without the truth: comparing with it would be one more stage to measure.
    if not (folder / "params.json").exists():
        options = [text for name, value in size.items() for text in (f"--{name}", str(value))]
        people = ["--chromosomes", "3", "--individuals", "100", "--gwas-individuals", "400"]
        command = [
            str(ROOT / ".venvs/simulate/bin/python"),
            str(ROOT / "bin/simulate.py"),
            "study",
            "--outdir",
            str(folder),
            *people,
            *options,
        ]
        subprocess.run(command, check=True)
    given = json.loads((folder / "params.json").read_text())
    return {
        name: folder / value
        for name, value in given.items()
        if name != "truth" and isinstance(value, str) and (folder / value).exists()
    }


def repeated(sheet: Path, times: int) -> Path:
    """A tracks sheet with every track so many times, each a cell type of its own."""
    with open(sheet, newline="") as handle:
        rows = list(csv.DictReader(handle))
    path = sheet.with_name("tracks_repeated.csv")
    with open(path, "w", newline="") as handle:
        out = csv.DictWriter(handle, list(rows[0]))
        out.writeheader()
        for i in range(times):
            out.writerows(
                row | {name: row[name] + (f".{i}" if i else "") for name in ("track", "cell_type")} for row in rows
            )
    return path


def measure(axis: str, factor: int, work: Path) -> list[dict[str, object]]:
    """Run one study; one row a process: tasks, CPU seconds in all and of the longest task, peak memory."""
    grows, others, stages = AXES[axis]
    size = BASE | others
    if grows:
        size[grows] *= factor
    folder = work / f"{axis}_{factor}"
    given = simulate(folder / "study", size)
    if not grows:
        given["tracks"] = repeated(folder / "study" / "tracks.csv", factor)
    command = [
        ROOT / "scripts/nextflow",
        "run",
        ROOT,
        "-profile",
        "test,venv",
        "-resume",
        "-ansi-log",
        "false",
        "--simulate",
        "false",
    ]
    options = ["--stages", stages, "--h2_clusters", "false", "--h2_cts", "false", "--shard_size", "20000"]
    options += [text for name, path in given.items() for text in (f"--{name}", str(path))]
    # stdout is for the rows.
    subprocess.run([*map(str, command), *options], cwd=folder, check=True, stdout=sys.stderr)
    by_process: dict[str, list[dict[str, float]]] = defaultdict(list)
    for path in (folder / "results/pipeline_info/stages").glob("*.run.json"):
        by_process[path.name.split(".")[0]].append(json.loads(path.read_text()))
    return [
        {
            "axis": axis,
            "factor": factor,
            "process": process,
            "tasks": len(records),
            "cpu_seconds": round(sum(r["cpu_seconds"] for r in records), 1),
            "longest": round(max(r["cpu_seconds"] for r in records), 1),
            "peak_memory_mb": max(r["peak_memory_mb"] for r in records),
        }
        for process, records in sorted(by_process.items())
    ]


def exponent(values: list[float]) -> str:
    """The power with which what is not fixed grows: `0` where nothing grows."""
    y1, y4, y16 = values
    # Noise of a second or a few MB would else give any exponent.
    if y16 - y1 < FLAT * y16 or y16 <= y4:
        return "0"
    if y4 <= y1:
        return "> 1"
    return f"{math.log((y16 - y4) / (y4 - y1)) / math.log(4):.1f}"


def table(rows: list[dict[str, str]]) -> str:
    """Markdown: for each axis and process, CPU seconds of all tasks and peak memory of one, and their exponents."""
    points = {(r["axis"], r["process"], int(r["factor"])): r for r in rows}
    lines = [
        "| grows | process | tasks | CPU-s at 1x, 4x, 16x | exponent | MB at 1x, 4x, 16x | exponent |",
        "|---|---|---|---|---|---|---|",
    ]
    for axis, process in sorted({key[:2] for key in points}, key=lambda k: (list(AXES).index(k[0]), k[1])):
        three = [points.get((axis, process, factor)) for factor in FACTORS]
        if not all(three):
            continue
        cpu, memory = ([float(row[column]) for row in three if row] for column in ("cpu_seconds", "peak_memory_mb"))
        tasks = ", ".join(dict.fromkeys(row["tasks"] for row in three if row))
        figures = [
            ", ".join(f"{value:.0f}" if value >= 10 else f"{value:.1f}" for value in values) for values in (cpu, memory)
        ]
        lines.append(
            f"| {axis} | {process} | {tasks} | {figures[0]} | {exponent(cpu)} | {figures[1]} | {exponent(memory)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and write rows to stdout, or read rows and write the table of exponents."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder of the runs (resumed where they exist)")
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--read", type=Path, help="rows measured before")
    given = parser.parse_args()
    if given.read:
        with open(given.read, newline="") as handle:
            sys.stdout.write(table(list(csv.DictReader(handle, delimiter="\t"))) + "\n")
        return
    if not given.work:
        parser.error("--work or --read is needed")
    rows = [row for axis in given.axes.split(",") for factor in FACTORS for row in measure(axis, factor, given.work)]
    out = csv.DictWriter(sys.stdout, list(rows[0]), delimiter="\t", lineterminator="\n")
    out.writeheader()
    out.writerows(rows)


if __name__ == "__main__":
    main()
