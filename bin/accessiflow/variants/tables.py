"""Tables of variants (TSV with chrom, pos, ref, alt): reading them with every value checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_table

if TYPE_CHECKING:
    import pandas as pd

KEY = ["chrom", "pos", "ref", "alt"]
EXACT_BELOW = 1 << 53  # integers from here on are not all floating-point numbers


def read_variants(
    path: Path, integers: Sequence[str] = (), numbers: Sequence[str] = (), optional: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table of variants in file order; `pos` is 1-based, alleles become upper case.

    Args:
        path: The table.
        integers: Further columns of integers of at least 0, which must be there.
        numbers: Further columns of finite numbers, which must be there.
        optional: Columns of numbers that are checked where they are there (a missing value is allowed).

    Raises:
        InputError: A column is missing, or a value is none of its kind (naming the row).
    """
    table = read_table(path, [*KEY, *integers, *numbers], text=["chrom", "ref", "alt"])
    if table.empty:
        raise InputError("has a header and no row", path)
    for column in ("pos", *integers):
        table[column] = _checked(table[column], path, "an integer", _is_count).astype(np.int64)
    if (table["pos"] < 1).any():
        raise InputError("pos must be at least 1 (1-based)", path, int((table["pos"] < 1).to_numpy().argmax()) + 2)
    for column in numbers:
        table[column] = _checked(table[column], path, "a number", np.isfinite)
    for column in set(optional) & set(table.columns):
        table[column] = _checked(table[column], path, "a number", np.isfinite, missing=True)
    return table.assign(ref=table["ref"].str.upper(), alt=table["alt"].str.upper())


def _is_count(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (values >= 0) & (values < EXACT_BELOW) & (values == np.floor(values))


def _checked(
    values: pd.Series,
    path: Path,
    what: str,
    good: Callable[[NDArray[np.float64]], NDArray[np.bool_]],
    missing: bool = False,
) -> pd.Series:
    """Values as float64, each `good`; with `missing` an empty one stays NaN."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64)
    wrong = ~good(numbers.to_numpy())
    if missing:
        wrong &= values.notna().to_numpy()  # a text that is no number became NaN, too: it is wrong all the same
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"column {values.name}: expected {what}, found {str(values.iloc[row])[:40]!r}", path, row + 2)
    return numbers
