#!/usr/bin/env python3
"""The report of a results folder, and a genome-browser session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.log import log

app = cli.make_app(__doc__ or "")


@app.command()
def render(
    results: Annotated[Path, typer.Argument(help="Results folder.")],
    output: Annotated[Path, typer.Option(help="report.html")],
) -> None:
    """Results -> one self-contained page."""
    from accessiflow.report.page import render as render_page

    log.info("sections: %s", ", ".join(render_page(results, output)))


@app.command()
def igv(
    tracks: Annotated[
        list[str],
        typer.Argument(help="NAME=PATH of bigWig and BED files, relative to the session's folder, or addresses."),
    ],
    genome: Annotated[str, typer.Option(help="Genome id, or FASTA relative to the session's folder.")],
    output: Annotated[Path, typer.Option(help="igv_session.xml")],
    locus: Annotated[str, typer.Option(help="Where to open.")] = "All",
) -> None:
    """A session file for IGV."""
    from accessiflow.report.igv import parse_tracks, write_session

    write_session(parse_tracks(tracks), genome, locus, output)


if __name__ == "__main__":
    cli.run(app)
