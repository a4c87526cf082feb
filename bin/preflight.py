#!/usr/bin/env python3
"""Check every sheet and header of a run before any compute."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.log import log

app = cli.make_app(__doc__ or "")


@app.command()
def check(
    params: Annotated[
        Path, typer.Option("--params", help="The run's parameters, as JSON; relative paths start at its folder.")
    ],
    output: Annotated[
        Path, typer.Option("--output", help="Report (JSON): problems, warnings, and facts of each input.")
    ],
    staged: Annotated[
        Path | None, typer.Option("--staged", help="Table of original path, tab, where the file lies here.")
    ] = None,
    index_folder: Annotated[
        Path | None, typer.Option("--index-folder", help="Keep here the index that is made of a FASTA that has none.")
    ] = None,
    # None, not the default value: a parameter of the run comes before the default.
    max_ref_mismatch: Annotated[
        float | None,
        typer.Option(
            "--max-ref-mismatch",
            min=0.0,
            max=1.0,
            help="Refuse a file with a larger share of wrong REF alleles (default 0.1).",
        ),
    ] = None,
    min_snps: Annotated[
        int | None,
        typer.Option("--min-snps", min=0, help="Refuse a GWAS that shares fewer SNPs with the panel (default 500)."),
    ] = None,
    max_records: Annotated[
        int, typer.Option("--max-records", min=1, help="Compare the REF alleles of this many records of a file.")
    ] = 1_000_000,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Files that are not there are still to be fetched: list them, check the rest."),
    ] = False,
) -> None:
    """Report all problems of a run's inputs at once; exit 2 when there is one. The report is written either way."""
    from accessiflow import preflight
    from accessiflow.errors import InputError, InputErrors
    from accessiflow.files import read_json, write_json

    given = read_json(params)
    if not isinstance(given, dict):
        raise InputError("is no JSON object of parameters", params)
    limits = preflight.limits(given, max_ref_mismatch, max_records)
    least = preflight.least_snps(given, min_snps)
    lies = None if staged is None else preflight.read_staged(staged)
    findings = preflight.check(given, params.absolute().parent, lies, limits, least, offline, index_folder)
    # Written before the run is refused: the report holds the warnings and facts that the sentences leave out.
    report = {"problems": findings.problems, "warnings": findings.warnings, "summary": findings.summary}
    write_json(report | {"to_fetch": list(findings.absent)}, output)
    for sentence in findings.warnings:
        log.warning("%s", sentence)
    if findings.problems:
        raise InputErrors(findings.problems)
    log.info("no problem found, %d warning(s)", len(findings.warnings))


@app.command()
def checksums(
    staged: Annotated[Path, typer.Option("--staged", help="Table of original path, tab, where the file lies here.")],
    output: Annotated[Path, typer.Option("--output", help="Table (TSV): file, bytes, sha256.")],
) -> None:
    """Digest input files; one pass over each, constant memory."""
    import pandas as pd

    from accessiflow import preflight
    from accessiflow.files import digest, write_table

    rows = [(original, path.stat().st_size, digest(path)) for original, path in preflight.read_staged(staged).items()]
    write_table(pd.DataFrame(rows, columns=["file", "bytes", "sha256"]), output)


if __name__ == "__main__":
    cli.run(app)
