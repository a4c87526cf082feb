"""Tables of measured variant effects as their authors wrote them: which column is which, by name or by the user."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import NA, open_text
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

# The names that published tables give these columns, matched whole and whatever their case.
_BUILD = r"(_?(hg|grch)\d+)?"
NAMES = {
    "chrom": rf"#?(chr|chrom|chromosome|variantchrom){_BUILD}",
    "pos": rf"(pos|position|variantposition){_BUILD}",
    "ref": r"(ref|ref_?allele|reference|variantref)",
    "alt": r"(alt|alt_?allele|alternate|variantalt)",
    "variant": rf"((hg|grch)\d+_)?variant(_?id)?{_BUILD}",
    "beta": r"(beta|slope|effect|effect_?size)",
    "p": r"(p|p_?val|p_?value)",
    "value": r"(value|effect|effect_?size|log2_?fc|skew|\w*normalized_variant_effect)",
    "element": r"(element|target|region|locus|our_gene_name)",
}
_VARIANT = re.compile(r"\s*([^\s:_]+)[:_](\d+)[\s:_]+([A-Za-z]+)[/:_>]([A-Za-z]+)(_\w+)?\s*")


def parse_columns(text: str) -> dict[str, str]:
    """Field -> column name of `chrom=chrom_hg18,pos=pos_hg18`.

    Raises:
        InputError: An item is no field=column, or its field is unknown.
    """
    out: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        field, equals, column = (part.strip() for part in item.partition("="))
        if not equals or not column or field not in NAMES:
            raise InputError(f"--columns {item[:60]}: expected FIELD=COLUMN with a field of {', '.join(NAMES)}")
        out[field] = column
    return out


def read_effects(path: Path, numbers: Sequence[str], optional: Sequence[str], given: Mapping[str, str]) -> pd.DataFrame:
    """Read a table (tabs, or commas in a .csv) as chrom, pos (1-based), ref, alt and the fields asked for.

    The variant is named by four columns, or by one as `chr1:123 A/G`, `chr1:123:A:G` or `chr1_123_A_G`. Rows stay in
    the order of the file.

    Args:
        path: The table.
        numbers: Fields of numbers that must be there (a value may be missing: NaN).
        optional: Fields that may be there ("element" is text, the others numbers).
        given: Field -> column, where the names do not say which it is.

    Raises:
        InputError: A field has no column or several, or a value is none of its kind (naming the row).
    """
    import pandas as pd

    raw = _read_text(path)
    columns = _columns_of(list(raw.columns), given, [*KEY, "variant", *numbers, *optional], path)
    missing = [field for field in numbers if field not in columns]
    if missing:
        raise _no_column(missing, raw, path)
    out = _keys(raw, columns, path)
    # values are checked one column at a time, so that a message names the column as the file does
    for field in (*numbers, *(f for f in optional if f in columns)):
        values = raw[columns[field]].str.strip()
        if field == "element":
            out[field] = values.where(values != "", NA)
            continue
        blank = values.isin(["", NA, "nan", "NaN"])
        number = pd.to_numeric(values.mask(blank), errors="coerce")
        _require(blank | np.isfinite(number), values, f"column {columns[field]}: expected a number", path)
        out[field] = number.astype(np.float64)
    return out


def _no_column(missing: Sequence[str], raw: pd.DataFrame, path: Path) -> InputError:
    columns = ", ".join(raw.columns[:12])
    return InputError(
        f"has no column for {', '.join(missing)} (found: {columns}): say which with --columns {missing[0]}=NAME", path
    )


def _read_text(path: Path) -> pd.DataFrame:
    import pandas as pd

    separator = "," if path.name.endswith((".csv", ".csv.gz")) else "\t"
    with open_text(path) as handle:
        try:
            # all as text: numbers are checked column by column, and "NA" may be the name of an element
            table = pd.read_csv(handle, sep=separator, dtype=str, na_filter=False, skip_blank_lines=False)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
            raise InputError(f"is not a readable table ({str(error).strip().splitlines()[0]})", path) from None
    if table.empty:
        raise InputError("has a header and no row", path)
    return table.fillna("")


def _columns_of(header: list[str], given: Mapping[str, str], fields: Sequence[str], path: Path) -> dict[str, str]:
    """Field -> column: as given, else the one whose name says so; of several names of whole variants, none."""
    unknown = [column for column in given.values() if column not in header]
    if unknown:
        raise InputError(f"has no column {unknown[0][:60]} (found: {', '.join(header[:12])})", path)
    found = dict(given)
    for field in fields:
        names = [name for name in header if re.fullmatch(NAMES[field], name.strip(), re.IGNORECASE)]
        # a column of just that name wins over those that are like it
        exact = [name for name in names if name.lower() == field]
        if field not in found and (exact or len(names) == 1):
            found[field] = (exact or names)[0]
        elif field not in found and len(names) > 1 and field != "variant":
            raise InputError(
                f"has several columns that may be {field} ({', '.join(names)}): say which with --columns {field}=NAME",
                path,
            )
    return found


def _keys(raw: pd.DataFrame, columns: Mapping[str, str], path: Path) -> pd.DataFrame:
    """chrom, pos, ref and alt (upper case) of four columns, or of the one that names the whole variant."""
    import pandas as pd

    missing = [field for field in KEY if field not in columns]
    if missing and "variant" in columns:
        texts = raw[columns["variant"]]
        found = texts.str.extract(_VARIANT.pattern + "$")
        _require(found[0].notna(), texts, f"column {columns['variant']}: expected a variant such as chr1:123 A/G", path)
        table = found[[0, 1, 2, 3]].set_axis(KEY, axis=1)
    elif missing:
        raise _no_column(missing, raw, path)
    else:
        table = pd.DataFrame({field: raw[columns[field]].str.strip() for field in KEY})
    for field in KEY:
        good, what = table[field] != "", "a value"
        if field == "pos":
            good, what = table[field].str.fullmatch(r"0*[1-9]\d{0,9}"), "a position from 1 on"
        _require(good, table[field], f"field {field}: expected {what}", path)
    return table.assign(pos=table["pos"].astype(np.int64), ref=table["ref"].str.upper(), alt=table["alt"].str.upper())


def _require(good: pd.Series, values: pd.Series, what: str, path: Path) -> None:
    wrong = ~good.to_numpy(bool)
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(f"{what}, found {values.iloc[row][:40]!r}", path, row + 2)
