"""What every reader of an LD panel holds to: the chromosomes that LDSC reads, the genetic map, the names of SNPs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError

AUTOSOMES = tuple(str(number) for number in range(1, 23))  # what LDSC's `-chr` options stand for
# What pandas, and so LDSC, reads as a missing value: such an id is equal to no other, not even to itself
NO_ID = frozenset({"", ".", "NA", "N/A", "NaN", "nan", "-nan", "-NaN", "null", "NULL", "None", "n/a", "<NA>", "#N/A"})
# Human chromosomes have 1 to 2.5 cM a Mb, in Morgans 0.01 to 0.025; no stretch of 100 kb has 100.
MAPPED_BP, LOWEST_RATE, HIGHEST_RATE = 100_000, 0.03, 100.0
_MEND = "write the map into column 3 (plink --cm-map), or cM = bp / 1e6: awk '{$3 = $4 / 1e6} 1'"


def bare(chrom: str) -> str:
    """A chromosome's name without `chr`."""
    return chrom[3:] if chrom.lower().startswith("chr") else chrom


def check_map(cm: NDArray[np.float64], bp: NDArray[np.int64], bim: Path) -> None:
    """Refuse positions by which a window in cM holds nearly all SNPs of a chromosome, or none.

    Args:
        cm, bp: positions (n,) of one chromosome's SNPs, in the order of the file.

    Raises:
        InputError: cM go down, do not change, or are Morgans or base pairs; says how to mend it.
    """
    if (np.diff(cm) < 0).any():
        raise InputError(
            f"has positions in cM that go down: sort the panel by position, or {_MEND}",
            bim,
            int((np.diff(cm) < 0).argmax()) + 2,
        )
    span = int(bp.max() - bp.min()) if len(bp) else 0
    if span < MAPPED_BP:  # too short for its cM to be told from rounding
        return
    rate = (cm[-1] - cm[0]) / (span / 1e6)
    if rate == 0:
        raise InputError(f"has {cm[0]:g} cM for every SNP: the window would be the whole chromosome; {_MEND}", bim)
    if rate < LOWEST_RATE:
        raise InputError(
            f"has {rate:.2g} cM a Mb, a human chromosome 1 to 2.5: are these Morgans? Multiply column 3 by 100", bim
        )
    if rate > HIGHEST_RATE:
        raise InputError(
            f"has {rate:.2g} cM a Mb, a human chromosome 1 to 2.5: is column 3 base pairs? Then {_MEND}", bim
        )


def named(name: str | None, chrom: str, pos: int, ref: str, alt: str, seen: set[str]) -> str:
    """The id of a record of a VCF; chrom:pos:ref:alt where it has none or one that is taken. Adds it to `seen`."""
    # two records of one split multi-allelic site share an id, which would make one of them invisible to LDSC
    place = f"{chrom}:{pos}"
    name = name if name and name not in NO_ID and name != place and name not in seen else f"{place}:{ref}:{alt}"
    seen.add(name)
    return name
