#!/usr/bin/env python3
"""Evaluate variant scores on measured effects: accessibility QTLs and reporter assays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.log import left_out, rows_without_value

if TYPE_CHECKING:
    from accessiflow.scoring.lookup import Scores as OpenScores
    from accessiflow.scoring.tracks import TrackScores

app = cli.make_app(__doc__ or "")

Table = Annotated[Path, typer.Option("--variants", help="Table of measured effects (TSV, or .csv).")]
Scores = Annotated[
    list[Path], typer.Option("--scores", help="sad.h5 with the variants' scores; may be given several times.")
]
Tracks = Annotated[
    Path | None, typer.Option("--track-list", help="Tracks whose scores are averaged, one a line (default: all).")
]
Track = Annotated[str, typer.Option("--track", help="A single track instead.")]
Sheet = Annotated[Path | None, typer.Option("--tracks", help="Tracks sheet, for --cell-type.")]
CellType = Annotated[
    str, typer.Option("--cell-type", help="Average the tracks of this cell type or group of the sheet.")
]
Columns = Annotated[
    str, typer.Option("--columns", help="Columns that have other names: chrom=chrom_hg18,pos=pos_hg18,...")
]
Resamples = Annotated[int, typer.Option("--bootstrap", min=0, help="Resamples for the intervals of correlations.")]


@app.command()
def agreement(
    variants: Table,
    scores: Scores,
    output: Annotated[Path, typer.Option("--output", help="Table with one row a group of variants.")],
    columns: Columns = "",
    track: Track = "",
    track_list: Tracks = None,
    tracks: Sheet = None,
    cell_type: CellType = "",
    max_p: Annotated[
        float, typer.Option("--max-p", min=0.0, max=1.0, help="Variants with a p value of at most this.")
    ] = 1.0,
    peaks: Annotated[
        Path | None, typer.Option("--peaks", help="peaks.h5ad: groups by cluster and by specificity bin too.")
    ] = None,
    bootstrap: Resamples = 1000,
    seed: cli.Seed = 1,
    fasta: cli.LookupGenome = None,
) -> None:
    """Share of QTLs whose effect and score (SAD) have the same sign, and their correlation.

    The table has the columns chrom pos ref alt beta, and p for --max-p.
    """
    from accessiflow.bootstrap import Bootstrap
    from accessiflow.errors import InputError
    from accessiflow.files import write_table
    from accessiflow.peaks.matrix import read_peak_rows
    from accessiflow.qtl import agreement as measures
    from accessiflow.scoring.lookup import open_scores
    from accessiflow.variants.columns import parse_columns, read_effects
    from accessiflow.variants.groups import site_groups

    table = measures.once(read_effects(variants, ["beta"], ["p"], parse_columns(columns)), ["beta", "p"])
    # Without the option no p value is needed, and variants without one stay.
    if max_p < 1:
        if "p" not in table.columns:
            raise InputError("has no column for p, which --max-p needs: say which with --columns p=NAME", variants)
        unknown, above = int(table["p"].isna().sum()), int((table["p"] > max_p).sum())
        left_out("variants", unknown, len(table), "no p value, which --max-p asks for")
        left_out("variants", above, len(table), f"p above {max_p:g}", expected=True)
        table = table[table["p"] <= max_p].reset_index(drop=True)
        if table.empty:
            raise InputError(f"has no variant with a p value of at most {max_p:g}", variants)
    with open_scores(scores, fasta) as scored:
        means = measures.mean_scores(table, _tracks(scored, track, track_list, tracks, cell_type))
    groups = site_groups(table, read_peak_rows(peaks) if peaks else None)
    found = measures.agreement(table["beta"].to_numpy(), means, groups, Bootstrap(bootstrap, seed))
    rows_without_value(found["reason"], "groups")
    write_table(found, output)


@app.command()
def correlation(
    variants: Table,
    scores: Scores,
    output: Annotated[Path, typer.Option("--output", help="Table with one row an element, and one for all.")],
    columns: Columns = "",
    track: Track = "",
    track_list: Tracks = None,
    tracks: Sheet = None,
    cell_type: CellType = "",
    bootstrap: Resamples = 1000,
    seed: cli.Seed = 1,
    fasta: cli.LookupGenome = None,
) -> None:
    """Correlation of scores (SAD) with the effects of a reporter assay, by element and pooled.

    The table has the columns chrom pos ref alt value, and element where there are several.
    """
    from accessiflow.bootstrap import Bootstrap
    from accessiflow.files import write_table
    from accessiflow.qtl import agreement as measures
    from accessiflow.scoring.lookup import open_scores
    from accessiflow.variants.columns import parse_columns, read_effects

    table = measures.once(read_effects(variants, ["value"], ["element"], parse_columns(columns)), ["value", "element"])
    with open_scores(scores, fasta) as scored:
        means = measures.mean_scores(table, _tracks(scored, track, track_list, tracks, cell_type))
    found = measures.correlation(table, means, Bootstrap(bootstrap, seed))
    rows_without_value(found["reason"], "groups")
    write_table(found, output)


def _tracks(scored: OpenScores, track: str, track_list: Path | None, sheet: Path | None, cell_type: str) -> TrackScores:
    import numpy as np

    from accessiflow.errors import InputError
    from accessiflow.scoring.tracks import TrackScores, choose_tracks, tracks_of

    if (track != "") + (track_list is not None) + (cell_type != "") > 1:
        raise InputError("--track, --track-list and --cell-type exclude each other: give one")
    if cell_type and sheet is None:
        raise InputError("--cell-type needs the sheet that says which tracks are of it: give --tracks")
    if cell_type and sheet is not None:
        return tracks_of(scored, sheet, cell_type)
    return TrackScores(scored, np.array([scored.column(track)])) if track else choose_tracks(scored, track_list)


if __name__ == "__main__":
    cli.run(app)
