"""GWAS summary statistics: which column is which, by the names that LDSC's munge_sumstats.py knows; raw or munged,
by the header alone.

Memory: one line.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text

# field -> column names (upper case, - and . as _) that munge_sumstats.py takes for it
FIELDS: dict[str, tuple[str, ...]] = {
    "SNP": ("SNP", "MARKERNAME", "SNPID", "RS", "RSID", "RS_NUMBER", "RS_NUMBERS"),
    "A1": ("A1", "ALLELE1", "ALLELE_1", "EFFECT_ALLELE", "REFERENCE_ALLELE", "INC_ALLELE", "EA"),
    "A2": ("A2", "ALLELE2", "ALLELE_2", "OTHER_ALLELE", "NON_EFFECT_ALLELE", "DEC_ALLELE", "NEA"),
    "signed": (
        *("Z", "ZSCORE", "Z_SCORE", "GC_ZSCORE", "OR", "B", "BETA", "LOG_ODDS", "EFFECTS", "EFFECT", "SIGNED_SUMSTAT"),
    ),
    "P": ("P", "PVALUE", "P_VALUE", "PVAL", "P_VAL", "GC_PVALUE"),
    "N": ("N", "WEIGHT"),
    "N_CAS": ("N_CASES", "N_CASE", "NCASE", "N_CAS", "CASES_N"),
    "N_CON": ("N_CONTROLS", "N_CONTROL", "NCONTROL", "N_CON", "CONTROLS_N"),
    "FRQ": ("FRQ", "EAF", "MAF", "FRQ_U", "F_U"),
    "INFO": ("INFO",),
    "NSTUDY": ("NSTUDY", "N_STUDY", "NSTUDIES", "N_STUDIES"),
}
WORDS = {
    "SNP": "the SNP id",
    "A1": "the effect allele",
    "A2": "the other allele",
    "signed": "the signed effect",
    "P": "the p value",
    "N": "the sample size",
    "N_CAS": "the number of cases",
    "N_CON": "the number of controls",
    "FRQ": "the allele frequency",
    "INFO": "the imputation quality",
    "NSTUDY": "the number of studies",
}
NUMBERS = ("signed", "P", "N", "N_CAS", "N_CON", "FRQ", "INFO", "NSTUDY")
NOT_THERE = frozenset(
    {"", ".", "-", "--", "NA", "N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "<NA>", "#N/A"}
)
_Z = ("Z", "ZSCORE", "Z_SCORE", "GC_ZSCORE")
_MUNGED = ("SNP", "A1", "A2", "signed", "N")


class Header(NamedTuple):
    """The columns of a file.

    Attributes:
        names: of all columns.
        separator: a tab, a comma, or "" for any blanks.
        line: the header's, from 1; comments stand above it.
        fields: field (FIELDS) -> names of the columns that are of it.
    """

    names: list[str]
    separator: str
    line: int
    fields: dict[str, list[str]]

    @property
    def munged(self) -> bool:
        """Whether it is munge_sumstats.py's output or as good as that: a Z score, and no p value to make it from."""
        signed = self.fields["signed"]
        return len(signed) == 1 and clean(signed[0]) in _Z and not self.fields["P"]

    def only(self, field: str) -> str | None:
        """The column of a field; None without."""
        return next(iter(self.fields[field]), None)

    def split(self, line: str) -> list[str]:
        """The values of a line, without blanks around them."""
        line = line.rstrip("\n")
        if self.separator == ",":
            return [value.strip() for value in next(csv.reader([line]), [])]
        return [value.strip() for value in line.split("\t")] if self.separator else line.split()


def clean(name: str) -> str:
    """A column's name as munge_sumstats.py compares it."""
    return re.sub(r"[-.]", "_", name.upper())


def read_header(path: Path) -> Header:
    """The header of a file: its first line that is not empty and does not start with ##.

    Raises:
        InputError: no text, or no such line.
    """
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            if line.strip() and not line.startswith("##"):
                separator = next((mark for mark in "\t," if mark in line), "")
                names = Header([], separator, number, {}).split(line)
                names[0] = names[0].removeprefix("#")
                fields = {f: [name for name in names if clean(name) in known] for f, known in FIELDS.items()}
                return Header(names, separator, number, fields)
    raise InputError("has no header: expected a table of summary statistics", path)


def faults(header: Header, with_n: bool) -> list[str]:
    """What keeps a file from being munged, or from being read where it is munged; with_n: the sheet states N."""
    needed = ("SNP", "signed") if header.munged else ("SNP", "A1", "A2", "signed", "P")
    found = []
    for field, columns in header.fields.items():
        if len(columns) > 1:
            found.append(
                f"has {len(columns)} columns for {WORDS[field]} ({', '.join(columns)}): "
                "munging takes one, rename the others"
            )
        elif field in needed and not columns:
            found.append(
                f"has no column for {WORDS[field]} "
                f"(one of {', '.join(FIELDS[field])}; found: {', '.join(header.names[:12])})"
            )
    counted = header.fields["N"] or (header.fields["N_CAS"] and header.fields["N_CON"] and not header.munged)
    if not with_n and not counted:
        found.append("has no column N: state the sample size in the column n of the gwas sheet")
    return found


def bring(path: Path, trait: str, folder: Path, n: float | None = None) -> Path:
    """Write TRAIT.sumstats.gz (SNP A1 A2 Z N) of munged statistics, else TRAIT.txt with the columns that munging reads.

    Tab-separated. Missing values become NA. The rows are the file's, in its order.

    Args:
        n: the sample size where the file has none.

    Raises:
        InputError: see `faults`; or a line has more values than the header, or no number where one belongs.
    """
    header = read_header(path)
    wrong = faults(header, n is not None)
    if wrong:
        raise InputError("; ".join(wrong), path)
    fields = [f for f in (_MUNGED if header.munged else FIELDS) if header.fields[f]]
    at = [header.names.index(header.fields[f][0]) for f in fields]
    names = [{"signed": "Z"}.get(f, f) if header.munged else header.names[i] for f, i in zip(fields, at, strict=True)]
    more = [f"{n:g}"] if header.munged and "N" not in fields else []
    out = folder / f"{trait}{'.sumstats.gz' if header.munged else '.txt'}"
    with write_text(out) as handle:
        handle.write("\t".join([*names, *(["N"] if more else [])]) + "\n")
        numeric = [f in NUMBERS for f in fields]
        handle.writelines("\t".join(row + more) + "\n" for row in _rows(path, header, at, numeric))
    return out


def _rows(path: Path, header: Header, at: Sequence[int], numeric: Sequence[bool]) -> Iterator[list[str]]:
    width = len(header.names)
    with open_text(path) as handle:
        for number, line in enumerate(islice(handle, header.line, None), header.line + 1):
            values = header.split(line)
            if len(values) > width:
                raise InputError(f"has {len(values)} values, the header {width}", path, number)
            if not any(values):
                continue
            values += [""] * (width - len(values))
            row = ["NA" if values[i] in NOT_THERE else values[i].replace(" ", "_") for i in at]
            for value, wanted in zip(row, numeric, strict=True):
                if wanted and value != "NA":
                    _check_number(value, path, number)
            yield row


def _check_number(value: str, path: Path, line: int) -> None:
    try:
        float(value)
    except ValueError:
        raise InputError(f"has {value[:40]!r} where a number belongs", path, line) from None
