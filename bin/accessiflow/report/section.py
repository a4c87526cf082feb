"""What a part of the page is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accessiflow.report.figures import TIP, Figure
from accessiflow.statistics import evenly

if TYPE_CHECKING:
    import pandas as pd

PLURAL = {"track": "tracks", "tissue": "tissues", "cell_type": "cell types", "unit": "tissues, cell types or traits"}

ROWS = 120  # of a table on the page: more make it slow to open


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere.

    Attributes:
        text: text of the cell.
        href: the address, with what comes from data percent-encoded.
        title: what the reader sees over it.
    """

    text: str
    href: str
    title: str


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Attributes:
        key: its identifier and file name.
        title: its caption.
        header: names of the columns.
        rows: cells, as text or links.
        tsv: its data as a data URI; "" where there are none beyond the rows, or where they are too many for a page.
        searchable: whether the reader can search in it.
        files: patterns of the files of the results that hold its data.
        most: rows that the page shows; what follows is counted, and stands in the files.
        note: a sentence below the title.
    """

    key: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Link]]
    tsv: str = ""
    searchable: bool = False
    files: Sequence[str] = ()
    most: int = ROWS
    note: str = ""

    @property
    def shown(self) -> Sequence[Sequence[str | Link]]:
        """The rows of the page."""
        return self.rows[: self.most]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        key: its identifier on the page.
        title: its heading.
        lead: the sentences below the heading.
        answer: one sentence for the summary at the top (plain text), or "".
        figures, tables: what it shows, in order.
        warnings: sentences for the list of warnings.
        missing: what has no figure, why, and which parameter changes it; one sentence each.
    """

    key: str
    title: str
    lead: str
    answer: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = field(default_factory=tuple)
    missing: Sequence[str] = field(default_factory=tuple)


def known(value: object) -> bool:
    """Whether a cell of a table holds a value (pandas gives NaN for an empty one)."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def number(value: float, digits: int = 2) -> str:
    """A number for reading, NA where there is none; what rounds to 0 has no sign."""
    if not known(value):
        return "NA"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def two_digits(value: float) -> str:
    """A number for reading, with two significant digits, NA where there is none."""
    return f"{value:.2g}" if known(value) else "NA"


def between(low: object, high: object, digits: int = 2) -> str:
    """An interval for reading, "" where there is none."""
    if not (known(low) and known(high)):
        return ""
    return f"{number(float(str(low)), digits)} to {number(float(str(high)), digits)}"


def with_interval(value: float, low: object, high: object, digits: int = 2) -> str:
    """A value and, where it is known, its interval in parentheses."""
    limits = between(low, high, digits)
    return f"{number(value, digits)} ({limits})" if limits else number(value, digits)


def tips(
    table: pd.DataFrame, names: Sequence[str], value: str, low: str = "low", high: str = "high", n: str = "n"
) -> pd.DataFrame:
    """The table with the column `tip`: what a reader sees over a point: its names, value, interval and n.

    Args:
        names: columns that say which point it is.
        value, low, high, n: columns of numbers; low, high and n where the table has them.
    """
    absent = [None] * len(table)
    columns = [table[c] if c in table else absent for c in (value, low, high, n)]
    labels = table[list(names)].astype(str).agg(", ".join, axis=1) if len(table) else []
    texts = []
    for label, at, lower, upper, count in zip(labels, *columns, strict=True):
        size = f", n {int(count):,}" if known(count) else ""
        texts.append(f"{TIP}{label}: {with_interval(at, lower, upper)}{size}")
    return table.assign(tip=texts)


def thinned(table: pd.DataFrame, column: str, most: int) -> tuple[pd.DataFrame, str]:
    """The rows of at most so many of a column's names, evenly over their order, and a sentence where it is not all."""
    names = list(dict.fromkeys(table[column]))
    if len(names) <= most:
        return table, ""
    shown = [names[i] for i in evenly(len(names), most)]
    said = f" Shown: {most} of {len(names):,} {PLURAL.get(column, column)}, evenly over their order; the data hold all."
    return table[table[column].isin(shown)], said
