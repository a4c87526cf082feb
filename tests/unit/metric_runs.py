"""Metrics run as evaluate.py runs them, in this process and without a command line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from accessiflow.evaluation.metrics import COMMANDS
from accessiflow.files import write_table


def run_metric(metric: str, **values: object) -> dict[Path, pd.DataFrame]:
    """Compute a metric with the defaults of its other options and write its tables.

    They are returned by path as they were written.
    """
    command = COMMANDS[metric]
    assert values.keys() <= {option.name for option in command.options}
    written = {}
    for path, table in command.tables(command.defaults | values):
        write_table(table, path)
        written[path] = table
    return written
