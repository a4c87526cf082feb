"""Tables that no section of the page shows, each with its way to the file."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import quote

from accessiflow.report.section import Link, Section, Table
from accessiflow.results import Results

ENDINGS = (".tsv", ".tsv.gz", ".vcf.gz")
NOT_RESULTS = "pipeline_info/"  # the run's own record, of which the last section shows what a reader asks for


def section(results: Results) -> Section | None:
    """The section, or None where every table is shown; it comes after those that read tables."""
    read = set(results.files)
    found = [path for path in sorted(results.folder.rglob("*")) if path.name.endswith(ENDINGS) and path.is_file()]
    rows: list[list[str | Link]] = []
    for path in found:
        name = path.relative_to(results.folder).as_posix()
        if name in read or name.startswith(NOT_RESULTS) or not path.stat().st_size:
            continue
        rows.append([Link(name, quote(name), "A file beside this page"), *_described(path)])
    if not rows:
        return None
    table = Table("further-tables", "Further tables", ["file", "rows", "columns"], rows, searchable=True)
    lead = "Results that have no figure on this page. docs/output.md says what their columns are."
    return Section("further", "Further tables", lead, tables=[table])


def _described(path: Path) -> tuple[str, str]:
    """Number of rows and names of the columns of a table; comments before the header are passed over."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        header = next((line for line in lines if not line.startswith("##")), "")
        count = sum(1 for _ in lines)
    return f"{count:,}", header.removeprefix("#").rstrip("\n").replace("\t", ", ")
