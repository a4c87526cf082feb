"""What a part of the page is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from accessiflow.report.figures import Figure


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
        tsv: its data as a data URI; "" where there are none beyond the rows.
        searchable: whether the reader can search in it.
    """

    key: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str | Link]]
    tsv: str = ""
    searchable: bool = False


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
    """

    key: str
    title: str
    lead: str
    answer: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = field(default_factory=tuple)


def known(value: object) -> bool:
    """Whether a cell of a table holds a value (pandas gives NaN for an empty one)."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def number(value: float, digits: int = 2) -> str:
    """A number for reading, NA where there is none."""
    return f"{value:.{digits}f}" if known(value) else "NA"


def two_digits(value: float) -> str:
    """A number for reading, with two significant digits, NA where there is none."""
    return f"{value:.2g}" if known(value) else "NA"
