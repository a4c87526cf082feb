"""What a part of the page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accessiflow.report.figures import Figure


@dataclass(frozen=True)
class Link:
    """A cell that leads somewhere: its text, the address (with what comes from data percent-encoded), and what the reader is told of it."""

    text: str
    href: str
    title: str


@dataclass(frozen=True)
class Table:
    """A table of the page: header, rows of text, and a caption."""

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
        answer: one sentence for the summary at the top (plain text), or "". warnings: sentences for the list of warnings.
    """

    key: str
    title: str
    lead: str
    answer: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    warnings: Sequence[str] = field(default_factory=tuple)


def number(value: float, digits: int = 2) -> str:
    """A number for reading, NA where there is none."""
    return f"{value:.{digits}f}" if value == value else "NA"
