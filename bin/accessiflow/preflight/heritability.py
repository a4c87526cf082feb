"""GWAS summary statistics and the LD panel: columns that munging knows, complete files, and enough SNPs in common.

Memory: 8 bytes a SNP of the panel, the ids of its largest chromosome (some 160 bytes a SNP), and one chunk of the
statistics.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.preflight.findings import Findings, Inputs, some
from accessiflow.variants.vcf import read_variants

ENOUGH = 200_000  # shared SNPs below which LDSC's own programs warn of unsteady estimates
IDS_AT_ONCE = 500_000
FIRST_ROWS = 1000  # of a panel's file that are compared with its .bim

# Column names that LDSC's munge_sumstats.py knows (upper case, - and . as _)
SNP = ("SNP", "MARKERNAME", "SNPID", "RS", "RSID", "RS_NUMBER", "RS_NUMBERS")
ALLELE1 = ("A1", "ALLELE1", "ALLELE_1", "EFFECT_ALLELE", "REFERENCE_ALLELE", "INC_ALLELE", "EA")
ALLELE2 = ("A2", "ALLELE2", "ALLELE_2", "OTHER_ALLELE", "NON_EFFECT_ALLELE", "DEC_ALLELE", "NEA")
P_VALUE = ("P", "PVALUE", "P_VALUE", "PVAL", "P_VAL", "GC_PVALUE")
SIGNED = ("Z", "ZSCORE", "Z_SCORE", "GC_ZSCORE", "OR", "B", "BETA", "LOG_ODDS", "EFFECTS", "EFFECT", "SIGNED_SUMSTAT")
SIZE = ("N", "WEIGHT")
CASES = ("N_CASES", "N_CASE", "NCASE", "N_CAS", "CASES_N")
CONTROLS = ("N_CONTROLS", "N_CONTROL", "NCONTROL", "N_CON", "CONTROLS_N")


class Header(NamedTuple):
    """Column names of a table, and what separates them, as a regular expression."""

    names: list[str]
    separator: str


def check_panel(inputs: Inputs, rows: list[dict[str, str]]) -> NDArray[np.uint64] | None:
    """Check the files of the LD panel; returns the sorted keys of its SNPs (None where a file cannot be read)."""
    if is_vcf(inputs.given("ld_panel")):
        return _check_vcf(inputs, inputs.given("ld_panel"))
    keys, counts, people = [], {}, {}
    for row in rows:
        _check_stems(inputs, row)
        files = inputs.siblings(row["bfile"], (".bed", ".bim", ".fam"), "bfile")
        snps = None
        with inputs.findings.collecting():
            if len(files) == 3:
                _check_bed(files[".bed"])
                people[row["chrom"]] = _lines(files[".fam"])
                snps = _bim_snps(files[".bim"], row["chrom"])
                keys.append(_keys(snps))
                counts[row["chrom"]] = len(snps)
        _check_companions(inputs, row, snps)
    _check_alike(inputs, rows, people)
    inputs.findings.summary["ld_panel"] = {"snps": counts, "people": next(iter(people.values()), 0)}
    # Part of a panel would make every trait look as if it shared too few SNPs.
    return np.unique(np.concatenate(keys)) if keys and len(keys) == len(rows) else None


def is_vcf(name: str) -> bool:
    """Whether the panel is one VCF instead of a sheet."""
    return re.fullmatch(r".*\.(vcf(\.b?gz)?|bcf)", name) is not None


def check_gwas(inputs: Inputs, rows: list[dict[str, str]], panel: NDArray[np.uint64] | None, min_snps: int) -> None:
    """Check the columns of each trait's statistics, and how many of their SNPs the panel has."""
    facts = {}
    for row in rows:
        path = inputs.file(row["sumstats"], "file of summary statistics")
        with inputs.findings.collecting():
            if path is None:
                continue
            header = _header(path)
            _check_columns(inputs, row, header.names)
            column = next((name for name in header.names if _clean(name) in SNP), None)
            if panel is not None and column is not None:
                shared = _shared(path, column, header.separator, panel)
                facts[row["trait"]] = _check_overlap(inputs, row["sumstats"], shared, min_snps)
    inputs.findings.summary["gwas"] = facts


def check_merge_alleles(inputs: Inputs) -> None:
    """Check that the list of SNPs that munging keeps has the columns SNP, A1 and A2."""
    name = inputs.given("merge_alleles")
    path = inputs.file(name, "list of SNPs") if name else None
    if path is not None:
        with inputs.findings.collecting(), open_text(path) as handle:
            missing = {"SNP", "A1", "A2"} - set(handle.readline().split())
            if missing:
                inputs.findings.problem(f"{name}: lacks the column(s) {', '.join(sorted(missing))}")


def _check_vcf(inputs: Inputs, name: str) -> NDArray[np.uint64] | None:
    """The ids of a panel that is a VCF."""
    path = inputs.file(name, "VCF of the LD panel")
    if path is None:
        return None
    with inputs.findings.collecting():
        ids = (variant.id for variant in read_variants(path))
        # Keys block by block: the ids of a whole genome as strings would take 20 times their memory.
        blocks = [np.empty(0, np.uint64)]
        while block := list(islice(ids, IDS_AT_ONCE)):
            blocks.append(_keys(np.array(block, dtype=object)))
        keys = np.concatenate(blocks)
        inputs.findings.summary["ld_panel"] = {"snps": len(keys)}
        return np.unique(keys) if len(keys) else None
    return None


def _check_stems(inputs: Inputs, row: dict[str, str]) -> None:
    """Prefixes end in their chromosome, as ldsc's `-chr` options build names."""
    chrom = row["chrom"].lower().removeprefix("chr")
    for column in ("bfile", "frq", "weights", "baseline"):
        if row[column] and not row[column].removesuffix(".frq").lower().endswith(chrom):
            inputs.findings.problem(
                f"ld_panel: the {column} {Path(row[column]).name} of chromosome {row['chrom']} must end in {chrom}: "
                "rename its files"
            )


def _check_companions(inputs: Inputs, row: dict[str, str], panel: NDArray[np.object_] | None) -> None:
    """Check that the frequencies, weights and baseline that the sheet names exist, and are of the panel's SNPs.

    Only their first rows are compared.
    """
    # ldsc joins frequencies and annotations to the panel by row, LD scores by SNP.
    ordered, subsets = [], []
    if row["frq"] and not inputs.is_hidden(row["frq"]):
        ordered.append(inputs.file(row["frq"], "file of frequencies"))
    if row["weights"]:
        subsets.append(inputs.siblings(row["weights"], (".l2.ldscore.gz",), "weights").get(".l2.ldscore.gz"))
    if row["baseline"]:
        baseline = inputs.siblings(row["baseline"], (".annot.gz", ".l2.ldscore.gz", ".l2.M_5_50"), "baseline")
        ordered.append(baseline.get(".annot.gz"))
        subsets.append(baseline.get(".l2.ldscore.gz"))
    if panel is None:
        return
    for path in filter(None, ordered):
        with inputs.findings.collecting():
            _compare_order(path, panel)
    for path in filter(None, subsets):
        with inputs.findings.collecting():
            _compare_members(path, panel, inputs.findings)


def _compare_order(path: Path, panel: NDArray[np.object_]) -> None:
    """Check that the first SNPs of a file are the panel's first.

    Raises:
        InputError: they are not, naming the first that differs.
    """
    snps = _first_snps(path)
    expected = list(panel[: len(snps)])
    if snps != expected:
        row = next((i for i, (a, b) in enumerate(zip(snps, expected, strict=False)) if a != b), len(expected))
        theirs = expected[row] if row < len(expected) else "no more SNP"
        raise InputError(
            f"holds {snps[row]} where the panel's .bim has {theirs} (SNP {row + 1}): "
            "both must hold the same SNPs in the same order",
            path,
        )


def _compare_members(path: Path, panel: NDArray[np.object_], findings: Findings) -> None:
    """Check that the first SNPs of a file are in the panel: some unknown ones are a warning, all a problem."""
    snps, known = _first_snps(path), set(panel)
    unknown = [snp for snp in snps if snp not in known]
    if snps and len(unknown) == len(snps):
        findings.problem(
            f"{path}: none of its first {len(snps)} SNPs is in the panel's .bim ({some(unknown)}): "
            "both must be of one panel"
        )
    elif unknown:
        findings.warning(
            f"{path}: {len(unknown)} of its first {len(snps)} SNPs are not in the panel's .bim ({some(unknown)})"
        )


def _first_snps(path: Path) -> list[str]:
    """Values of the column SNP in the first rows; none where there is no such column (thin annotations)."""
    try:
        with open_text(path) as handle:
            header = handle.readline().split()
            if "SNP" not in header:
                return []
            column = header.index("SNP")
            rows = (line.split(None, column + 1) for line in islice(handle, FIRST_ROWS))
            return [fields[column] for fields in rows if len(fields) > column]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error})", path) from None


def _check_alike(inputs: Inputs, rows: list[dict[str, str]], people: dict[str, int]) -> None:
    for column in ("frq", "weights", "baseline"):
        without = [row["chrom"] for row in rows if not row[column]]
        if without and len(without) < len(rows):
            inputs.findings.problem(
                f"ld_panel: {column} is given for some chromosomes only (not for {some(without)}): "
                "give it for all or none"
            )
    numbers = {str(n) for n in people.values()}
    if len(numbers) > 1:
        inputs.findings.warning(f"ld_panel: the chromosomes have different numbers of people ({some(sorted(numbers))})")


def _check_bed(path: Path) -> None:
    # The third byte is the order: plink 1 could write people by people, which ldsc cannot read.
    with open(path, "rb") as raw:
        if raw.read(3) != b"\x6c\x1b\x01":
            raise InputError("is no plink .bed file in SNP-major order (its first bytes are wrong)", path)


def _lines(path: Path) -> int:
    with open_text(path) as handle:
        return sum(1 for line in handle if line.strip())


def _bim_snps(path: Path, chrom: str) -> NDArray[np.object_]:
    """SNP ids of a .bim in file order, all on the chromosome that the sheet says."""
    import pandas as pd

    try:
        table = pd.read_csv(
            path, sep=r"\s+", header=None, usecols=[0, 1], dtype=str, names=["chrom", "snp"], keep_default_na=False
        )
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError) as error:
        raise InputError(f"is no plink .bim table ({str(error).splitlines()[0]})", path) from None
    if table.empty:
        raise InputError("holds no SNP", path)
    other = table["chrom"].str.removeprefix("chr") != chrom.removeprefix("chr")
    if other.any():
        row = int(other.to_numpy().argmax())
        raise InputError(f"holds chromosome {table['chrom'].iloc[row]}, the panel sheet says {chrom}", path, row + 1)
    return table["snp"].to_numpy(dtype=object)


def _keys(snps: NDArray[np.object_]) -> NDArray[np.uint64]:
    """64-bit keys (n,) of SNP ids."""
    # Two of a million ids share a key once in some 40 million panels; a count of shared SNPs needs no more.
    import pandas as pd

    return pd.util.hash_array(snps, categorize=False)


def _header(path: Path) -> Header:
    try:
        with open_text(path) as handle:
            first = next((line for line in handle if not line.startswith("##")), "")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read as text ({error})", path) from None
    return Header(first.split(), "\t" if "\t" in first else r"\s+")


def _clean(name: str) -> str:
    return re.sub(r"[-.]", "_", name.upper())


def _check_columns(inputs: Inputs, row: dict[str, str], header: Sequence[str]) -> None:
    names = {_clean(name) for name in header}
    # Munged statistics have Z and N in place of the p value.
    munged = row["sumstats"].endswith((".sumstats.gz", ".sumstats"))
    needed: list[tuple[str, Iterable[str]]] = [
        ("the SNP id", SNP),
        ("the effect allele", ALLELE1),
        ("the other allele", ALLELE2),
        ("the signed effect", SIGNED),
    ]
    if not munged:
        needed.append(("the p value", P_VALUE))
    for what, options in needed:
        several = [name for name in header if _clean(name) in options]
        if len(several) > 1:
            inputs.findings.problem(
                f"{row['sumstats']}: has {len(several)} columns for {what} ({', '.join(several)}): "
                "munging takes one, rename the others"
            )
        elif not several:
            inputs.findings.problem(
                f"{row['sumstats']}: has no column for {what} "
                f"(one of {', '.join(options)}; found: {', '.join(header[:12])})"
            )
    if not row["n"] and not names & set(SIZE) and not (names & set(CASES) and names & set(CONTROLS)):
        inputs.findings.problem(
            f"{row['sumstats']}: has no column N: state the sample size in the column n of the gwas sheet"
        )


def _chunks(path: Path, column: str, separator: str) -> Iterator[NDArray[np.uint64]]:
    import pandas as pd

    try:
        with open_text(path) as handle:
            reader = pd.read_csv(
                handle,
                sep=separator,
                usecols=[column],
                dtype=str,
                chunksize=IDS_AT_ONCE,
                keep_default_na=False,
                engine="c",
            )
            for chunk in reader:
                yield _keys(chunk[column].to_numpy(dtype=object))
    except (ValueError, OSError, EOFError, pd.errors.ParserError) as error:
        raise InputError(f"is not a readable table ({str(error).strip().splitlines()[0]})", path) from None


def _shared(path: Path, column: str, separator: str, panel: NDArray[np.uint64]) -> int:
    """SNPs of the statistics that the panel has; counting stops at enough."""
    shared = 0
    for keys in _chunks(path, column, separator):
        at = np.minimum(np.searchsorted(panel, keys), len(panel) - 1)  # the place of a key, if it is there
        shared += int((panel[at] == keys).sum())
        if shared >= ENOUGH:
            return ENOUGH
    return shared


def _check_overlap(inputs: Inputs, name: str, shared: int, min_snps: int) -> dict[str, int]:
    if shared < min_snps:
        inputs.findings.problem(
            f"{name}: {shared} of its SNPs are in the LD panel, fewer than {min_snps} (min_snps): "
            "the ids must be the panel's"
        )
    elif shared < ENOUGH:
        inputs.findings.warning(
            f"{name}: {shared} of its SNPs are in the LD panel, fewer than {ENOUGH}: estimates are unsteady"
        )
    return {"shared_snps": shared}
