"""Tables of variants (TSV with chrom, pos, ref, alt): reading them with every value checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import read_table

if TYPE_CHECKING:
    import pandas as pd

KEY = ["chrom", "pos", "ref", "alt"]
LARGEST = 1 << 53  # integers from here on are not all floating-point numbers


def read_variants(
    path: Path, integers: Sequence[str] = (), numbers: Sequence[str] = (), optional: Sequence[str] = ()
) -> pd.DataFrame:
    """Read a table of variants in file order; `pos` is 1-based, alleles become upper case.

    Args:
        integers: further columns of integers of at least 0, which must be there.
        numbers: further columns of finite numbers, which must be there.
        optional: columns of numbers that are checked where they are there (a missing value is allowed).

    Raises:
        InputError: a column is missing, or a value is none of its kind (naming the row).
    """
    table = read_table(path, [*KEY, *integers, *numbers], text=["chrom", "ref", "alt"])
    if table.empty:
        raise InputError("has a header and no row", path)
    for column in ("pos", *integers):
        table[column] = _checked(
            table[column], path, "an integer", lambda v: (v >= 0) & (v < LARGEST) & (v == np.floor(v))
        ).astype(np.int64)
    if (table["pos"] < 1).any():
        raise InputError("pos must be at least 1 (1-based)", path, int((table["pos"] < 1).to_numpy().argmax()) + 2)
    for column in numbers:
        table[column] = _checked(table[column], path, "a number", np.isfinite)
    for column in set(optional) & set(table.columns):
        table[column] = _checked(table[column], path, "a number", lambda v: ~np.isinf(v), missing=True)
    return table.assign(ref=table["ref"].str.upper(), alt=table["alt"].str.upper())


def _checked(values: pd.Series, path: Path, what: str, good: object, missing: bool = False) -> pd.Series:
    import pandas as pd

    found = pd.to_numeric(values, errors="coerce").astype(np.float64)
    wrong = (
        ~good(found.to_numpy()) if not missing else (found.isna() & values.notna()).to_numpy() | ~good(found.to_numpy())
    )  # type: ignore[operator]
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"column {values.name}: expected {what}, found {str(values.iloc[row])[:40]!r}", path, row + 2)
    return found
