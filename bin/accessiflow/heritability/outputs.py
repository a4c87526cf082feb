"""LD scores of one chromosome in ldsc's files: PREFIX.l2.ldscore.gz, .l2.M, .l2.M_5_50."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.heritability.annotations import read_annotation
from accessiflow.heritability.ld_scores import block_lefts, ld_scores, standardise
from accessiflow.heritability.panel import COMMON, Panel, frequencies, open_panel
from accessiflow.log import left_out
from accessiflow.variants.plink import NO_ID, bare, check_map

if TYPE_CHECKING:
    import pandas as pd


def compute(
    bfile: Path,
    annotations: Sequence[Path],
    prefixes: Sequence[str],
    base: str | None,
    window_cm: float,
    print_snps: Path | None,
    extract: Path | None,
    print_every: bool = False,
) -> int:
    """LD scores of several annotation files in one pass; returns the number of SNPs.

    Args:
        annotations, prefixes: annotation files and the prefixes of their LD scores.
        base: prefix for the plain LD scores of all SNPs, with an all-ones annotation file; or None.
        print_snps: SNPs to print: a list, or a file of LD scores, whose order and places are then taken (ldsc joins
            files that it
            sorts by place). None: all whose id is one.
        extract: list of SNPs to compute with. print_every: refuse where one to print has no LD score.

    Raises:
        InputError: unreadable or disagreeing files, a genetic map that is none.
    """
    panel = open_panel(bfile)
    tables = [read_annotation(path, panel.bim) for path in annotations]
    if base is not None:
        tables, prefixes = [(["base"], np.ones((len(panel.bim), 1))), *tables], [base, *prefixes]
        _write_ones(f"{base}.annot.gz", len(panel.bim))
    elif not tables:
        tables = [(["L2"], np.ones((len(panel.bim), 1)))]
    keep, common = _usable(panel, extract)
    snps = panel.bim.iloc[keep]
    check_map(panel.bim["CM"].to_numpy(), panel.bim["BP"].to_numpy(), Path(f"{bfile}.bim"))
    values = np.concatenate([v for _, v in tables], axis=1)[keep]
    scores = ld_scores(
        lambda low, high: _standardised(panel, keep[low:high]),
        block_lefts(snps["CM"].to_numpy(), window_cm),
        values,
        panel.people,
    )
    shown = printed(snps, print_snps, print_every)
    at = 0
    for (names, _), prefix in zip(tables, prefixes, strict=True):
        columns = slice(at, at + len(names))
        at += len(names)
        _write(prefix, shown, names, scores[:, columns], values[:, columns], common[keep])
    return len(snps)


def _usable(panel: Panel, extract: Path | None) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Row numbers of the SNPs that ldsc uses, and which SNPs of the panel have a minor allele above 5 %."""
    keep, common = np.zeros(len(panel.bim), bool), np.zeros(len(panel.bim), bool)
    for low in range(0, len(panel.bim), 4096):
        high = min(low + 4096, len(panel.bim))
        frequency, keep[low:high], _ = frequencies(panel.genotypes(low, high))
        common[low:high] = np.minimum(frequency, 1 - frequency) > COMMON
    constant = int((~keep).sum())
    left_out("SNPs", constant, len(keep), "monomorphic, or heterozygous in everyone: without LD scores")
    if extract is not None:
        asked = panel.bim["SNP"].isin(_read_list(extract)).to_numpy()
        left_out("SNPs", int((keep & ~asked).sum()), len(keep), "not in --extract", expected=True)
        keep &= asked
    if not keep.any():
        raise InputError("has no SNP left: all are monomorphic, or none is in the list", Path(f"{panel.prefix}.bim"))
    return np.flatnonzero(keep), common


def _standardised(panel: Panel, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    if len(rows) == 0:
        return np.empty((0, panel.people))
    return standardise(panel.genotypes(int(rows[0]), int(rows[-1]) + 1)[rows - rows[0]])


def _read_list(path: Path) -> set[str]:
    with open_text(path) as handle:
        return {line.split()[0] for line in handle if line.strip()}


def printed(snps: pd.DataFrame, print_snps: Path | None, every: bool = False) -> pd.DataFrame:
    """CHR, SNP, BP of the SNPs to print, and `row`: which of `snps` each is. Of several of the panel with one id the
    first, as ldsc.

    Raises:
        InputError: none of the list is there; with `every`, one is not.
    """
    place = snps[["CHR", "SNP", "BP"]].assign(CHR=snps["CHR"].map(bare), row=np.arange(len(snps)))
    known = place[~place["SNP"].isin(NO_ID) & ~place["SNP"].duplicated()]
    nameless = len(place) - len(known)
    left_out("SNPs", nameless, len(place), "without an id of their own: computed with, not printed")
    if print_snps is None:
        return known
    table = _read_places(print_snps)
    if table is None:
        listed = _read_list(print_snps)
        shown = known[known["SNP"].isin(listed)]
        left_out("SNPs", len(listed) - len(shown), len(listed), "of --print-snps, without LD scores in the panel")
    else:
        shown = table.merge(known[["SNP", "row"]], on="SNP")  # in the table's order
        lacking = table[~table["SNP"].isin(known["SNP"])] if every else table.iloc[:0]
        if len(lacking):
            raise InputError(
                f"holds {len(table)} SNPs, {len(lacking)} of which the panel lacks or has without variation "
                f"(the first: {lacking['SNP'].iloc[0]}): its LD scores must be of this panel",
                print_snps,
            )
        unknown = len(table) - len(shown)
        left_out("SNPs", unknown, len(table), "of --print-snps, without LD scores in the panel")
    left_out("SNPs", len(known) - len(shown), len(known), "of the panel, not in --print-snps", expected=True)
    if shown.empty:
        raise InputError("lists none of the panel's SNPs", print_snps)
    return shown


def _read_places(path: Path) -> pd.DataFrame | None:
    """CHR, SNP, BP of a file of LD scores; None of a plain list."""
    import pandas as pd

    with open_text(path) as handle:
        if not {"CHR", "SNP", "BP"} <= set(handle.readline().split()):
            return None
    with open_text(path) as handle:
        table = pd.read_csv(handle, sep=r"\s+", usecols=["CHR", "SNP", "BP"], dtype=str, na_filter=False)
    return table[["CHR", "SNP", "BP"]]


def _write_ones(path: str, n: int) -> None:
    with write_text(Path(path)) as out:
        out.write("base\n" + "1\n" * n)


def _write(
    prefix: str,
    shown: pd.DataFrame,
    names: Sequence[str],
    scores: NDArray[np.float64],
    values: NDArray[np.float64],
    common: NDArray[np.bool_],
) -> None:
    header = ["L2"] if len(names) == 1 else [f"{name}L2" for name in names]
    with write_text(Path(f"{prefix}.l2.ldscore.gz")) as out:
        out.write("\t".join(["CHR", "SNP", "BP", *header]) + "\n")
        place = zip(shown["CHR"], shown["SNP"], shown["BP"], strict=True)
        # + 0.0: no -0.000
        out.writelines(
            f"{c}\t{s}\t{b}\t" + "\t".join(f"{v:.3f}" for v in row) + "\n"
            for (c, s, b), row in zip(place, (np.round(scores[shown["row"].to_numpy()], 3) + 0.0).tolist(), strict=True)
        )
    for suffix, rows in (("M", slice(None)), ("M_5_50", common)):
        with write_text(Path(f"{prefix}.l2.{suffix}")) as out:
            whole = bool((values % 1 == 0).all())  # as ldsc: integers unless an annotation is continuous
            out.write("\t".join(str(int(v)) if whole else repr(float(v)) for v in values[rows].sum(axis=0)) + "\n")
