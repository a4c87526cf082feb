"""GWAS summary statistics: which column is which, by the names that LDSC's munge_sumstats.py knows; raw or munged,
by the header alone.

Memory: one line.
"""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.log import left_out, log

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
_LOGS = ("LOG10P", "MLOGP", "MLOG10P", "NEG_LOG10_P_VALUE", "NEG_LOG_10_P_VALUE", "NEG_LOG10_P", "LOG10_P")
# Names of other tools, taken where munging knows none of the header's: PLINK 2, BOLT-LMM, SAIGE, REGENIE, FinnGen, the
# GWAS Catalog's harmonised files (hm_*). The first that is there counts; the values are called as munging knows them.
OTHERS: dict[str, dict[str, str]] = {
    "SNP": dict.fromkeys(("HM_RSID", "RSIDS", "RS_ID", "MARKERID", "VARIANT_ID", "ID"), "SNP"),
    "A1": dict.fromkeys(("HM_EFFECT_ALLELE", "TESTED_ALLELE", "ALT"), "A1"),
    "A2": dict.fromkeys(("HM_OTHER_ALLELE", "ALLELE0", "OMITTED", "AX"), "A2"),
    "signed": dict.fromkeys(("HM_BETA",), "BETA")
    | dict.fromkeys(("LOG_OR", "LOGOR", "LOG(OR)", "LN_OR", "LNOR"), "LOG_ODDS")
    | dict.fromkeys(("HM_ODDS_RATIO", "ODDS_RATIO"), "OR"),
    "P": dict.fromkeys(("P_BOLT_LMM", "P_BOLT_LMM_INF", "P_BOLT"), "P") | dict.fromkeys(_LOGS, "P"),
    "N": dict.fromkeys(("OBS_CT", "SAMPLE_SIZE", "SAMPLESIZE", "TOTALSAMPLESIZE", "N_TOTAL", "N_EFF", "NEFF"), "N"),
}
_SAIGE = ("AC_ALLELE2", "AF_ALLELE2")  # whose effects are Allele2's
OWN_TERM = "ADD"  # of PLINK's and REGENIE's rows of one SNP, those of the SNP itself
_OTHER_TERMS = f"rows are of other terms than {OWN_TERM}"
SEVERAL_IDS = r"[,;]rs\d.*$"  # what FinnGen's files have behind the first id of a variant
LOOKED_AT = 1000  # rows: a column without a value in them is none of an effect
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
        sides: columns of the two alleles of which A1 is one and A2 the other, where none is A2's own; or ().
    """

    names: list[str]
    separator: str
    line: int
    fields: dict[str, list[str]]
    sides: tuple[str, ...] = ()

    @property
    def munged(self) -> bool:
        """Whether it is munge_sumstats.py's output or as good as that: a Z score, and no p value to make it from."""
        signed = self.fields["signed"]
        return len(signed) == 1 and clean(signed[0]) in _Z and not self.fields["P"]

    def only(self, field: str) -> str | None:
        """The column of a field; None without."""
        return next(iter(self.fields[field]), None)

    @property
    def logs(self) -> bool:
        """Whether the column of p values holds -log10 p."""
        return any(clean(name) in _LOGS for name in self.fields["P"])

    @property
    def test(self) -> str | None:
        """The column that says which of a model's terms a row is of; None without."""
        return next((name for name in self.names if clean(name) == "TEST"), None)

    def munging(self, field: str) -> str:
        """The name of a field's column as munging knows it."""
        name = self.fields[field][0]
        return name if clean(name) in FIELDS[field] else OTHERS.get(field, {}).get(clean(name), field)

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
                first = Header(names, separator, number, {})
                return _with_fields(first, [first.split(row) for row in islice(handle, LOOKED_AT)])
    raise InputError("has no header: expected a table of summary statistics", path)


def _with_fields(header: Header, rows: Sequence[Sequence[str]]) -> Header:
    """The header with what its columns are, by their names and, for effects, by whether they have values in `rows`."""
    names = header.names
    fields = {f: [name for name in names if clean(name) in known] for f, known in FIELDS.items()}
    others = {
        field: [name for other in known for name in names if clean(name) == other] for field, known in OTHERS.items()
    }
    # the Catalog's files have beta and odds_ratio, one of them without values
    filled = [name for name in fields["signed"] + others["signed"] if _has_values(rows, names.index(name))]
    if filled:
        fields["signed"] = [name for name in fields["signed"] if name in filled]
        others["signed"] = [name for name in others["signed"] if name in filled]
    if len(fields["SNP"]) > 1:  # SAIGE's files have rsid beside SNPID
        fields["SNP"] = [name for name in fields["SNP"] if clean(name) == "RSID"] or fields["SNP"]
    fields |= {field: fields[field] or found[:1] for field, found in others.items()}
    if {clean(name) for name in names} & set(_SAIGE):
        fields["A1"], fields["A2"] = (
            [name for name in names if clean(name) == allele] for allele in ("ALLELE2", "ALLELE1")
        )
    sides = tuple(name for side in ("REF", "ALT") for name in names if clean(name) == side)
    if len(sides) != 2 or fields["A2"] or not fields["A1"]:
        return header._replace(fields=fields)
    return header._replace(fields=fields | {"A2": [sides[0]]}, sides=sides)


def _has_values(rows: Sequence[Sequence[str]], at: int) -> bool:
    return any(len(row) > at and row[at] not in NOT_THERE for row in rows)


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
    names = [{"signed": "Z"}.get(f, f) if header.munged else header.munging(f) for f in fields]
    more = [f"{n:g}"] if header.munged and "N" not in fields else []
    out = folder / f"{trait}{'.sumstats.gz' if header.munged else '.txt'}"
    passed = len(header.names) - len(fields)
    left_out("columns", passed, len(header.names), "not read by ldsc", source=trait, expected=True)
    # the columns in which ldsc and its munging take no missing value
    needed = [i for i, f in enumerate(fields) if f not in (("A1", "A2") if header.munged else ("INFO",))]
    lost: Counter[str] = Counter()
    gaps, rows = 0, 0
    with write_text(out) as handle:
        handle.write("\t".join([*names, *(["N"] if more else [])]) + "\n")
        for row in _rows(path, header, fields, lost):
            handle.write("\t".join(row + more) + "\n")
            rows += 1
            gaps += any(row[i] == "NA" for i in needed)
    left_out("SNPs", gaps, rows, "a value is missing: ldsc passes over them", source=trait)
    for reason, count in sorted(lost.items()):
        log.warning("%s: %d %s", path, count, reason)
    others = sum(count for reason, count in lost.items() if reason.startswith(_OTHER_TERMS))
    left_out("rows", others, rows + others, f"of other terms than {OWN_TERM}", source=trait)
    return out


def _rows(path: Path, header: Header, fields: Sequence[str], lost: Counter[str]) -> Iterator[list[str]]:
    """The values of `fields` of every row, for munging; counts in `lost` what cannot be used."""
    at = [header.names.index(header.fields[f][0]) for f in fields]
    test = header.names.index(header.test) if header.test is not None and not header.munged else None
    sides = [header.names.index(name) for name in header.sides]
    with open_text(path) as handle:
        for number, line in enumerate(islice(handle, header.line, None), header.line + 1):
            values = header.split(line)
            if len(values) > len(header.names):
                raise InputError(f"has {len(values)} values, the header {len(header.names)}", path, number)
            if not any(values):
                continue
            values += [""] * (len(header.names) - len(values))
            if test is not None and values[test].upper() != OWN_TERM:
                lost[f"{_OTHER_TERMS} (column {header.test})"] += 1
                continue
            row = dict(zip(fields, (values[i] for i in at), strict=True))
            if sides:
                ref, alt = (values[i] for i in sides)
                row["A2"] = ref if row["A1"].upper() == alt.upper() else alt
            yield [_cell(field, value, header, lost, (path, number)) for field, value in row.items()]


def _cell(field: str, value: str, header: Header, lost: Counter[str], place: tuple[Path, int]) -> str:
    """A value as munging reads it; NA where it is missing, or not finite."""
    if value in NOT_THERE:
        return "NA"
    if field == "SNP":
        value = re.sub(SEVERAL_IDS, "", value)
    if field not in NUMBERS:
        return value.replace(" ", "_")
    number = _number(value, *place)
    if not math.isfinite(number):
        lost[f"values are not finite ({WORDS[field]}): their rows are left out"] += 1
        return "NA"
    if field == "P" and header.logs:
        value = f"{10.0**-number:.6g}"
        number = float(value)
    if field == "P" and number == 0:
        lost["p values are 0, or too small for a number: munging leaves their rows out"] += 1
    return value


def _number(value: str, path: Path, line: int) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"has {value[:40]!r} where a number belongs", path, line) from None
