"""Tables of variants: the columns that name one, and values checked one column at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import NA, open_text

if TYPE_CHECKING:
    import pandas as pd

KEY = ["chrom", "pos", "ref", "alt"]
EXACT_BELOW = 1 << 53  # integers from here on are not all floating-point numbers
_HEADER = re.compile(r"#(chr\w*|contig|variant\w*)\b", re.IGNORECASE)
NO_VALUE = ("", NA, ".")
NOT_A_NUMBER = ("nan", "NaN")


class TextTable(NamedTuple):
    """A table as it stands in its file.

    Attributes:
        path: The file.
        rows: Its columns as texts; a cell that a short row lacks is "".
        lines: The line of the file (n,) that each row stands in.
    """

    path: Path
    rows: pd.DataFrame
    lines: NDArray[np.int64]

    def require(self, good: NDArray[np.bool_], values: pd.Series, what: str) -> None:
        """Refuse the first value that is not good.

        Args:
            good: Which values are (n,).
            values: The values (n,) as texts.
            what: The column and what it should hold.

        Raises:
            InputError: One is not, with its line.
        """
        if not good.all():
            row = int((~good).argmax())
            raise InputError(f"{what}, found {str(values.iloc[row])[:40]!r}", self.path, int(self.lines[row]))

    def keep(self, chosen: NDArray[np.bool_]) -> TextTable:
        """Some of the rows."""
        return TextTable(self.path, self.rows[chosen].reset_index(drop=True), self.lines[chosen])


def read_text(path: Path) -> TextTable:
    """Read a table as texts, between tabs, commas or blanks, as its header is; blank lines and comments are skipped.

    A header may start with #, too, where its first column's name follows at once (#chrom).

    Raises:
        InputError: The file cannot be read, is no table, or has no row or fewer names than columns.
    """
    import io

    import pandas as pd

    texts: list[str] = []
    numbers: list[int] = []
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if not line.strip() or (line.startswith("#") and (texts or not _HEADER.match(line))):
                continue
            texts.append(line)
            numbers.append(number)
    if not texts:
        raise InputError("holds no table: it has comments alone", path)
    try:
        # all as text: numbers are checked column by column, and "nan" may be the name of a gene
        rows = pd.read_csv(
            io.StringIO("".join(texts)), sep=_separator(texts[0], path), dtype=str, na_filter=False, engine="c"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise InputError(f"is not a readable table ({str(error).strip().splitlines()[0]})", path) from None
    if rows.empty:
        raise InputError("has a header and no row", path)
    if not isinstance(rows.index, pd.RangeIndex):
        # pandas would take the first column for names of rows, and shift all others
        raise InputError(
            f"has more columns than names in its header ({len(rows.columns)}): a table of R with row names? "
            "write it with row.names = FALSE",
            path,
        )
    if len(rows) + 1 != len(numbers):  # a quoted cell of several lines
        numbers = list(range(1, len(rows) + 2))
    return TextTable(path, rows.fillna("").rename(columns=str.strip), np.array(numbers[1:], np.int64))


def _separator(header: str, path: Path) -> str:
    """What stands between the columns: a .csv's comma, else the first of tab, comma and blanks that the header has.

    Raises:
        InputError: Semicolons do, as where numbers have commas.
    """
    if ";" in header and not {"\t", ","} & set(header):
        raise InputError("has semicolons between its columns: write it with tabs, commas or blanks", path)
    if path.name.endswith((".csv", ".csv.gz")):
        return ","
    return next((mark for mark in "\t," if mark in header), r"\s+" if " " in header.strip() else "\t")


def counts_of(table: TextTable, column: str) -> NDArray[np.int64]:
    """A column of integers of at least 0 (n,).

    Raises:
        InputError: A value is none, with its line.
    """
    return _numbers(table, column, "an integer", _is_count).astype(np.int64)


def numbers_of(table: TextTable, column: str, missing: bool = False) -> NDArray[np.float64]:
    """A column of finite numbers (n,); with `missing`, an empty value or NA is NaN.

    Raises:
        InputError: A value is none, with its line.
    """
    return _numbers(table, column, "a number", np.isfinite, missing)


def _numbers(
    table: TextTable,
    column: str,
    what: str,
    good: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    missing: bool = False,
) -> NDArray[np.float64]:
    import pandas as pd

    values = table.rows[column].str.strip()
    blank = values.isin([*NO_VALUE, *NOT_A_NUMBER]).to_numpy() if missing else np.zeros(len(values), bool)
    found = pd.to_numeric(values.mask(blank), errors="coerce").to_numpy(np.float64)
    table.require(blank | good(found), values, f"column {column}: expected {what}")
    return found


def _is_count(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values >= 0) & (values < EXACT_BELOW) & (values == np.floor(values))
