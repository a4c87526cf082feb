"""GWAS summary statistics: columns that munging knows, values that it can use, enough SNPs in common with the panel.

Memory: a byte a SNP of the panel, and one chunk of the statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.preflight.findings import Inputs
from accessiflow.preflight.panel import IDS_AT_ONCE, Usable, keys
from accessiflow.variants.sumstats import (
    NOT_THERE,
    NUMBERS,
    OWN_TERM,
    SEVERAL_IDS,
    WORDS,
    Header,
    clean,
    faults,
    read_header,
)

if TYPE_CHECKING:
    import pandas as pd

ENOUGH = 200_000  # shared SNPs below which LDSC's own programs warn of unsteady estimates
MEDIAN_ROWS, MEDIAN_OFF = 100, 0.1  # munging refuses a median effect that is further from none
IDS_LOOKED_AT = 1000
INFO_MIN = 0.9  # munging leaves out what is imputed worse
UNAMBIGUOUS = frozenset({"AC", "AG", "CA", "CT", "GA", "GT", "TC", "TG"})
BASELINES = ("none", "given", "reduced")


def check_gwas(inputs: Inputs, rows: list[dict[str, str]], panel: Usable | None, min_snps: int) -> None:
    """Check columns and first values of each trait's statistics, and how many of their SNPs a regression has."""
    facts = {}
    for row in rows:
        path = inputs.file(row["sumstats"], "file of summary statistics")
        with inputs.findings.collecting():
            if path is None:
                continue
            header = read_header(path)
            wrong = faults(header, bool(row["n"]))
            for fault in wrong:
                inputs.findings.problem(f"{row['sumstats']}: {fault}")
            column = header.only("SNP")
            if column is not None:
                shared, first = _read(inputs, row["sumstats"], path, header, None if wrong else panel)
                if panel is not None and shared is not None:
                    facts[row["trait"]] = _check_overlap(inputs, row["sumstats"], shared, min_snps, panel, first)
    inputs.findings.summary["gwas"] = facts


def check_groups(inputs: Inputs, rows: list[dict[str, str]], tracks: list[dict[str, str]]) -> None:
    """A trait's group must name peak sets: cell types or groups of the tracks, whichever they are made of."""
    by = "cell_type" if inputs.params.get("sets_by") == "cell_type" else "group"
    known = {row[by] for row in tracks if row.get(by)}
    for row in rows:
        if row["group"] and known and row["group"] not in known:
            inputs.findings.warning(
                f"gwas: the group {row['group']} of the trait {row['trait']} is no {by} of the tracks sheet, which "
                "peak sets are made of (sets_by): no peak set is paired with the trait"
            )


def check_baselines(inputs: Inputs, panel_rows: list[dict[str, str]]) -> None:
    """The baselines that are asked for must be known, and given where one is needed."""
    asked = inputs.names("baselines")
    unknown = [name for name in asked if name not in BASELINES]
    if unknown:
        inputs.findings.problem(f"baselines: {unknown[0][:40]!r} is none of {', '.join(BASELINES)}")
    needing = [name for name in asked if name in ("given", "reduced")]
    if needing and not any(row["baseline"] for row in panel_rows):
        inputs.findings.problem(f"baselines: {needing[0]} needs the column baseline of the ld_panel sheet")


def check_merge_alleles(inputs: Inputs) -> None:
    """Check that the list of SNPs that munging keeps has the columns SNP, A1 and A2."""
    name = inputs.given("merge_alleles")
    path = inputs.file(name, "list of SNPs") if name else None
    if path is not None:
        with inputs.findings.collecting(), open_text(path) as handle:
            missing = {"SNP", "A1", "A2"} - set(handle.readline().split())
            if missing:
                inputs.findings.problem(f"{name}: lacks the column(s) {', '.join(sorted(missing))}")


def _read(inputs: Inputs, name: str, path: Path, header: Header, panel: Usable | None) -> tuple[int | None, str]:
    """SNPs of the statistics that the panel has (counting stops at enough), and the first id; checks first values."""
    seen = None if panel is None else np.zeros(len(panel.keys), bool)
    first = ""
    for number, chunk in enumerate(_chunks(path, header)):
        ids = _ids(chunk[header.fields["SNP"][0]])
        if not number:
            first = str(ids[0]) if len(ids) else ""
            _check_values(inputs, name, chunk, header)
        if panel is None or seen is None:
            return None, first
        own = keys(ids)
        at = np.minimum(np.searchsorted(panel.keys, own), len(panel.keys) - 1)  # the place of a key, if it is there
        seen[at[panel.keys[at] == own]] = True
        if seen.sum() >= ENOUGH:
            return ENOUGH, first
    return (None if seen is None else int(seen.sum())), first


def _ids(values: pd.Series) -> NDArray[np.object_]:
    """The ids (n,) that munging gets."""
    values = values.fillna("").str.strip()
    if values.iloc[:IDS_LOOKED_AT].str.contains("[,;]").any():
        values = values.str.replace(SEVERAL_IDS, "", regex=True)
    return values.to_numpy(dtype=object)


def _chunks(path: Path, header: Header) -> Iterator[pd.DataFrame]:
    import pandas as pd

    wanted = {*(columns[0] for columns in header.fields.values() if columns), *header.sides}
    wanted |= {header.test} if header.test is not None else set()
    try:
        with open_text(path) as handle:
            for _ in islice(handle, header.line):  # comments and the header, whose names may start with #
                pass
            chunks = pd.read_csv(
                handle,
                sep=header.separator or r"\s+",
                header=None,
                names=header.names,
                usecols=[name for name in header.names if name in wanted],
                dtype=str,
                chunksize=IDS_AT_ONCE,
                keep_default_na=False,
                skipinitialspace=True,
                index_col=False,
                engine="c",
            )
            for chunk in chunks:
                yield chunk if header.test is None else chunk[chunk[header.test].str.upper() == OWN_TERM]
    except pd.errors.EmptyDataError:  # a header alone
        return
    except (ValueError, OSError, EOFError, pd.errors.ParserError) as error:
        raise InputError(f"is not a readable table ({str(error).strip().splitlines()[0]})", path) from None


def _check_values(inputs: Inputs, name: str, chunk: pd.DataFrame, header: Header) -> None:
    """What munging, or LDSC, would stop at or silently leave out."""
    import pandas as pd

    numbers: dict[str, pd.Series] = {}
    for field in NUMBERS:
        column = header.only(field)
        if column is None or not len(chunk):
            continue
        text = chunk[column].fillna("").str.strip()
        numbers[field] = pd.to_numeric(text.where(~text.isin(NOT_THERE)), errors="coerce")
        if field == "P" and header.logs:
            numbers[field] = 10.0 ** -numbers[field]
        wrong = numbers[field].isna() & ~text.isin(NOT_THERE)
        if wrong.any():
            row = wrong.idxmax()  # of the file, whose rows of other terms are left out here
            inputs.findings.problem(
                f"{name}:{header.line + 1 + row}: has {text[row][:40]!r} in the column {column} "
                f"({WORDS[field]}), expected a number"
            )
            return
    for sentence in _out_of_range(numbers, header):
        inputs.findings.problem(f"{name}: {sentence}")
    repeated = int(chunk[header.fields["SNP"][0]].duplicated().sum())
    if repeated:
        inputs.findings.warning(
            f"{name}: {repeated} of its first {len(chunk)} rows have an id of an earlier row: the first counts"
        )
    alleles = list(header.sides) or [header.only(field) for field in ("A1", "A2")]
    if not header.munged and len(chunk) and all(alleles):
        pairs = (chunk[alleles[0]].fillna("") + chunk[alleles[1]].fillna("")).str.strip().str.upper()
        if not pairs.isin(UNAMBIGUOUS).any():
            inputs.findings.problem(
                f"{name}: no row has two of the letters A, C, G, T that are not each other's complement (the first: "
                f"{pairs.iloc[0][:20]!r}): munging would leave out all"
            )


def _out_of_range(numbers: dict[str, pd.Series], header: Header) -> Iterator[str]:
    """Columns whose values cannot be what their name says."""
    for field, values in numbers.items():
        known = values.dropna()
        if known.empty:
            yield f"has no value in the column {header.only(field)}"
            continue
        if field == "P" and not ((known > 0) & (known <= 1)).mean() > 0.5:
            yield f"has most p values outside (0, 1] in the column {header.only(field)}: are these -log10 p?"
        if field in ("N", "N_CAS", "N_CON") and not (known > 0).mean() > 0.5:
            yield f"has most sample sizes at 0 or below in the column {header.only(field)}"
        if field == "FRQ" and not known.between(0, 1).mean() > 0.5:
            yield f"has most frequencies outside 0 to 1 in the column {header.only(field)}: are these percent?"
        if field == "INFO" and not (known >= INFO_MIN).any():
            yield f"has no INFO of {INFO_MIN} or more: munging would leave out all SNPs"
        if field == "signed" and not header.munged:
            yield from _off_median(known, str(header.only(field)), header.munging(field))


def _off_median(values: pd.Series, column: str, munging: str) -> Iterator[str]:
    """An effect whose median is not that of no effect: odds ratios called BETA, or their logarithms called OR."""
    none = 1.0 if clean(munging) == "OR" else 0.0
    median = float(values.median())
    if len(values) >= MEDIAN_ROWS and abs(median - none) > MEDIAN_OFF:
        other = "log odds (call it LOG_ODDS)" if none else "an odds ratio (call it OR)"
        yield f"has a median of {median:.2g} in the column {column}, expected {none:g} for no effect: is it {other}?"


def _check_overlap(inputs: Inputs, name: str, shared: int, min_snps: int, panel: Usable, first: str) -> dict[str, int]:
    with_others = f"with {panel.beside}; " if panel.beside else ""
    if shared < min_snps:
        inputs.findings.problem(
            f"{name}: {shared} of its SNPs are in the LD panel, fewer than {min_snps} (min_snps): "
            f"the ids must be the panel's ({with_others}here: {first[:40]}; panel: {panel.example[:40]})"
        )
    elif shared < ENOUGH:
        inputs.findings.warning(
            f"{name}: {shared} of its SNPs are in the LD panel{' ' * bool(with_others)}{with_others[:-2]}, "
            f"fewer than {ENOUGH}: estimates are unsteady"
        )
    return {"shared_snps": shared}
