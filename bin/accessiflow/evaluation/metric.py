"""What a metric is: a question, its options, the tables that it makes, and the function that computes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accessiflow.evaluation import loading, options
from accessiflow.evaluation.loading import EvaluationInputs
from accessiflow.evaluation.options import Option

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.evaluation.inputs import EvaluatedWindows

Values = Mapping[str, Any]  # of a command's options, by name
INPUT_NAMES = tuple(field.name for field in fields(EvaluationInputs))


@dataclass(frozen=True)
class MetricTable:
    """A table that a metric makes.

    Attributes:
        name: of the table; `all` writes it as PREFIX.name.tsv.
        columns: their names, comma-separated, each with its meaning in parentheses where a reader would ask.
        option: whose value is its path, where it has one of its own.
        beside: else it lies beside the output, as PREFIX.beside.tsv.
        published: its name in the results of a run of the pipeline; "" where the pipeline does not make it.
    """

    name: str
    columns: str
    option: Option | None = None
    beside: str = ""
    published: str = ""

    @property
    def column_names(self) -> list[str]:
        """The names alone."""
        return re.sub(r" \([^)]*\)", "", self.columns).split(", ")

    def path(self, values: Values) -> Path | None:
        """Where it is written; None where nobody asked for it."""
        if self.option is not None:
            return values[self.option.name]
        output: Path = values[options.OUTPUT.name]
        # A dot in a prefix is part of its name.
        stem = output.with_suffix("") if output.suffix == ".tsv" else output
        return stem.with_name(f"{stem.name}.{self.beside}.tsv")


@dataclass(frozen=True)
class Command:
    """A command of evaluate.py.

    Attributes:
        summary: its help.
        options: its options, in order.
        tables: path and table of everything that it writes, by the values of its options.
    """

    summary: str
    options: tuple[Option, ...]
    tables: Callable[[Values], Iterator[tuple[Path, pd.DataFrame]]]

    @property
    def defaults(self) -> dict[str, Any]:
        """Of the options that need not be given, by name."""
        return {option.name: option.default for option in self.options if not option.required}


@dataclass(frozen=True)
class Metric:
    """One question and how it is answered.

    Attributes:
        name: name of the command.
        question: what it answers.
        summary: what is computed, the help of the command.
        inputs: options that name files and what is taken from them.
        thresholds: numbers and choices, with the paper's values as defaults.
        tables: in the order in which `function` gives them.
        function: brings the function that computes the tables, of the windows, where `windows` says which, and of the
            options by name.
        source: where in the paper; "": ours.
        number: of the analysis in the reference outputs.
        windows: reads the inputs that `EvaluationInputs` holds; None where the function reads its own files.
        without_sites: what cannot be done for windows without coordinates; "" where none are needed.
        bootstrap: whether it has intervals by resampling.
        seed: its option.
        in_all: whether `all` computes it, of predicted coverage.
        of_probabilities: whether `all` computes it of predicted probabilities of a peak.
        in_all_thresholds: its thresholds there by the one for a bin.
    """

    name: str
    question: str
    summary: str
    inputs: tuple[Option, ...]
    thresholds: tuple[Option, ...]
    tables: tuple[MetricTable, ...]
    function: Callable[[], Callable[..., Any]]
    source: str = ""
    number: str = ""
    windows: Callable[[EvaluationInputs], EvaluatedWindows] | None = None
    without_sites: str = ""
    bootstrap: bool = True
    seed: Option = options.SEED
    in_all: bool = False
    of_probabilities: bool = False
    in_all_thresholds: Callable[[int], dict[str, int]] = lambda min_bin_peaks: {"min_bin_peaks": min_bin_peaks}

    @property
    def options(self) -> tuple[Option, ...]:
        """Of its command, in order."""
        outputs = tuple(table.option for table in self.tables if table.option is not None)
        resamples = (options.RESAMPLES,) if self.bootstrap else ()
        return (*self.inputs, *self.thresholds, *outputs, *resamples, self.seed)

    @property
    def further_inputs(self) -> tuple[Option, ...]:
        """The inputs that its function reads itself."""
        return tuple(o for o in self.inputs if self.windows is None or o.name not in INPUT_NAMES)

    @property
    def command(self) -> Command:
        """That computes it alone."""
        return Command(self.summary, self.options, self._written)

    def _written(self, values: Values) -> Iterator[tuple[Path, pd.DataFrame]]:
        for table, found in zip(self.tables, self.compute(values), strict=True):
            path = table.path(values)
            if path is not None and found is not None:
                yield path, found

    def compute(self, values: Values, windows: EvaluatedWindows | None = None) -> tuple[pd.DataFrame | None, ...]:
        """Its tables.

        Args:
            values: values of its options.
            windows: where they are read already.
        """
        if windows is None and self.windows is not None:
            windows = self.windows(inputs_of(values))
        if self.without_sites and windows is not None:
            loading.require_sites(windows, self.without_sites, values[options.PREDICTIONS.name])
        given = {} if windows is None else {"windows": windows}
        given |= {o.name: _value(o, values) for o in (*self.further_inputs, *self.thresholds)} | self._chance(values)
        found = self.function()(**given)
        return found if isinstance(found, tuple) else (found,)

    def _chance(self, values: Values) -> dict[str, Any]:
        if self.bootstrap:
            from accessiflow.bootstrap import Bootstrap

            return {"bootstrap": Bootstrap(values["bootstrap"], values["seed"])}
        # A function that draws nothing takes no seed.
        return {} if self.seed is options.UNUSED_SEED else {"seed": values["seed"]}


def inputs_of(values: Values) -> EvaluationInputs:
    """The files among the values of options."""
    return EvaluationInputs(**{name: values[name] for name in INPUT_NAMES if name in values})


def _value(option: Option, values: Values) -> Any:
    from accessiflow.intervals import split_list

    return split_list(values[option.name]) if option.listed else values[option.name]
