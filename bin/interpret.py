#!/usr/bin/env python3
"""Interpret a trained model: in-silico saturation mutagenesis (ISM), logos and per-base tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import log

app = cli.make_app(__doc__ or "")


@app.command()
def ism(
    params: cli.ModelParams,
    model: cli.ModelWeights,
    bed: Annotated[Path, typer.Argument(help="Regions.")],
    fasta: cli.GenomeFasta,
    targets: cli.Targets,
    out: cli.OutFolder,
    rc: cli.Rc = False,
    shifts: cli.Shifts = "0",
    engine: cli.Engine = "auto",
    length: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Mutate this many bases at the middle; default: the whole window, with --whole-regions an eighth.",
        ),
    ] = None,
    whole_regions: Annotated[
        bool,
        typer.Option(
            "--whole-regions",
            help="Mutate every base of a region longer than --length, by a window around each --length of it.",
        ),
    ] = False,
    share: Annotated[
        str,
        typer.Option(
            help="Mutate the I-th of N equal shares of the windows only, as I/N; merge-ism puts them together."
        ),
    ] = "1/1",
    partial: cli.Partial = None,
    threads: cli.Threads = 2,
    require_gpu: cli.RequireGpu = False,
    backend: cli.Backend = "",
    adapter: cli.ModelAdapter = "",
) -> None:
    """Score every single-base change of each region's window -> scores.h5."""
    import re
    from dataclasses import asdict

    from accessiflow.interpretation.ism import IsmRequest, write_ism
    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.loading import load_tracks

    # from 1, as a task numbers itself; at most six digits each
    numbers = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", share)
    if numbers is None or int(numbers[1]) > int(numbers[2]):
        raise InputError(f"--share {share}: expected I/N with I from 1 to N")
    request = IsmRequest(length, whole_regions, (int(numbers[1]), int(numbers[2])))
    loaded = load_tracks(
        params, model, targets, Ensemble.of(rc, shifts), adapter, engine, threads, require_gpu, backend
    )
    predictor, ensemble, tracks = loaded
    # windows that a killed run left count only for the same inputs and options
    part = loaded.part_file(partial, [params, model, bed, targets], fasta, {"request": asdict(request)})
    log.info("%d windows mutated", write_ism(predictor, bed, fasta, tracks, out, ensemble, request, part))


@app.command("merge-ism")
def merge_ism(
    shares: Annotated[list[Path], typer.Argument(help="Folders of the shares of one BED file, or their scores.h5.")],
    out: cli.OutFolder,
    bedgraphs: Annotated[
        bool, typer.Option("--bedgraphs", help="Write the height of each base as a bedGraph a track, too.")
    ] = False,
    table: Annotated[
        Path | None, typer.Option("--table", help="Write the heights of some regions and tracks as a table, too.")
    ] = None,
) -> None:
    """Shares of ISM scores, in the order of the numbers in their names -> one scores.h5."""
    from accessiflow.files import in_order, write_table
    from accessiflow.interpretation.bedgraph import write_bedgraphs
    from accessiflow.interpretation.ism import merge_ism as merge_shares
    from accessiflow.interpretation.ism_file import open_ism
    from accessiflow.interpretation.ism_table import heights

    # by their numbers: rows of scores.h5 come in the order of the BED file
    files = [path if path.is_file() else path / "scores.h5" for path in in_order(shares)]
    log.info("%d windows", merge_shares(files, out))
    if bedgraphs:
        with open_ism(out / "scores.h5") as ism_file:
            write_bedgraphs(ism_file, out)
    if table is not None:
        with open_ism(out / "scores.h5") as ism_file:
            write_table(heights(ism_file), table)


IsmScores = Annotated[Path, typer.Argument(help="scores.h5 of interpret.py ism, or of basenji_sat_bed.")]
Tracks = Annotated[list[str] | None, typer.Option("--track", help="Track (repeatable); default: all.")]
Kind = Annotated[
    str, typer.Option(help="height (loss by the worst change) or importance (minus the mean of the four bases).")
]


@app.command()
def logo(
    scores: IsmScores,
    out: cli.OutFolder,
    track: Tracks = None,
    kind: Kind = "height",
    form: Annotated[str, typer.Option("--format", help="png, svg or both.")] = "png",
    start: Annotated[int | None, typer.Option(help="First base to draw, 0-based, on the chromosome.")] = None,
    end: Annotated[int | None, typer.Option(help="Draw the bases before this one.")] = None,
) -> None:
    """ISM scores -> a sequence logo of each region and track."""
    from accessiflow.interpretation.ism_file import ISM_KINDS, open_ism
    from accessiflow.interpretation.logo import Drawing, write_logos

    formats = ("png", "svg") if cli.one_of(form, ("png", "svg", "both"), "--format") == "both" else (form,)
    drawing = Drawing(cli.one_of(kind, ISM_KINDS, "--kind"), formats, start, end)
    with open_ism(scores) as ism_file:
        log.info("%d logos drawn", len(write_logos(ism_file, out, track or (), drawing)))


@app.command()
def bedgraph(scores: IsmScores, out: cli.OutFolder, track: Tracks = None, kind: Kind = "height") -> None:
    """ISM scores -> a per-base bedGraph of each track."""
    from accessiflow.interpretation.bedgraph import write_bedgraphs
    from accessiflow.interpretation.ism_file import ISM_KINDS, open_ism

    cli.one_of(kind, ISM_KINDS, "--kind")
    with open_ism(scores) as ism_file:
        log.info("%d tracks written", len(write_bedgraphs(ism_file, out, track or (), kind)))


if __name__ == "__main__":
    cli.run(app)
