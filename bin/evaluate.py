#!/usr/bin/env python3
"""Reference accuracy of predictions, by cell type specificity."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Annotated, Any

import typer

from accessiflow import cli
from accessiflow.evaluation.metric import Command, Values
from accessiflow.evaluation.metrics import COMMANDS
from accessiflow.evaluation.options import Option
from accessiflow.log import left_out, log, rows_without_value

app = cli.make_app(__doc__ or "")


def add_command(name: str, command: Command) -> None:
    """A command of the script, with options as the registry has them."""

    def run(**values: Any) -> None:
        from accessiflow.files import write_table

        refuse_unknown_words(command.options, values)
        for path, table in command.tables(values):
            # PREFIX.METRIC.tsv of `all` is known by its metric
            if "reason" in table:
                rows_without_value(table["reason"], "rows", source=path.name)
            write_table(table, path)

    run.__signature__ = Signature([parameter(option) for option in command.options])  # type: ignore[attr-defined]
    app.command(name, help=command.summary)(run)


def parameter(option: Option) -> Parameter:
    """An option as Typer reads it from a signature."""
    kind = Annotated[option.kind, typer.Option(help=option.help, min=option.least, max=option.most)]
    default = Parameter.empty if option.required else option.default
    return Parameter(option.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def refuse_unknown_words(options: Iterable[Option], values: Values) -> None:
    """Refuse a value that is none of its option's choices."""
    for option in options:
        if option.choices:
            cli.one_of(values[option.name], option.choices, option.flag)


for name, command in COMMANDS.items():
    add_command(name, command)


@app.command()
def effects(
    results: Annotated[Path, typer.Argument(help="Results folder.")],
    output: Annotated[
        Path,
        typer.Option(
            help="Table NAME.tsv, a row a measure, kind of peaks, model and unit; the means go to NAME.summary.tsv."
        ),
    ],
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of the units for the 95 % intervals; 0: none.")
    ] = 2000,
    seed: cli.Seed = 0,
) -> None:
    """What every model does on variants, and its mean over tissues, cell types or traits."""
    from accessiflow.bootstrap import Bootstrap
    from accessiflow.evaluation.variant_effects import collect, summary
    from accessiflow.files import write_table
    from accessiflow.results import Results

    values = collect(Results(results))
    log.info("%d values on variants", int(values["value"].notna().sum()))
    lacking = values["value"].isna()
    rows_without_value(values["reason"].where(lacking, ""), "values on variants")
    write_table(values, output, float_format=None)
    write_table(summary(values, Bootstrap(bootstrap, seed)), output.with_suffix(".summary.tsv"), float_format=None)


@app.command()
def summary(
    results: Annotated[Path, typer.Argument(help="Results folder.")],
    output: Annotated[Path, typer.Option(help="Table, a row a measure, model and group.")],
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Resamples of the tracks, tissues or cell types for the 95 % intervals; 0: none.")
    ] = 2000,
    seed: cli.Seed = 0,
) -> None:
    """Each measure over its tracks, tissues or cell types: mean with its interval, median and quartiles."""
    from accessiflow.bootstrap import Bootstrap
    from accessiflow.evaluation import summaries
    from accessiflow.files import write_table
    from accessiflow.results import Results

    values = summaries.collect(Results(results))
    log.info("%d values in all", len(values))
    left_out("values", int(values["value"].isna().sum()), len(values), "NA in its table: in no mean")
    write_table(summaries.summary(values, Bootstrap(bootstrap, seed)), output)


if __name__ == "__main__":
    cli.run(app)
