"""SNP annotations: membership in peak sets, and ldsc's annotation files. A SNP is in an interval [start, end) when
start <= BP - 1 < end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_bytes, open_text, write_text
from accessiflow.heritability.panel import read_bim
from accessiflow.intervals import IntervalSet, read_bed
from accessiflow.log import left_out, log
from accessiflow.variants.plink import bare

if TYPE_CHECKING:
    import pandas as pd

LEADING = ["CHR", "BP", "SNP", "CM"]
# PolyFun's files have the alleles beside the place, others the frequency; ldsc takes such columns for annotations
FOREIGN = ("A1", "A2", "MAF")
Flags = dict[str, NDArray[np.int8]]


def present(path: Path) -> Path:
    """The file, or the same without or with `.gz` where that is the one that exists."""
    name = path.name
    other = path.with_name(name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz")
    return other if other.exists() and not path.exists() else path


def refuse_foreign(columns: Sequence[str], path: Path) -> None:
    """Refuse columns that are no annotations but would be taken for some.

    Raises:
        InputError: there are such, naming them.
    """
    foreign = [column for column in columns if column in FOREIGN]
    if foreign:
        raise InputError(
            f"has the column(s) {', '.join(foreign)} (as PolyFun's files), "
            "which ldsc takes for annotations: leave them out",
            path,
        )


def bim_files(pattern: str) -> dict[str, Path]:
    """Chromosome (without chr) -> .bim file of PREFIX@, the @ standing for the chromosome."""
    if "@" not in pattern:
        raise InputError(f"--bim {pattern}: needs an @ where the chromosome stands")
    before, after = pattern.removesuffix(".bim").split("@", 1)
    folder, stem = Path(before + "x").parent, Path(before + "x").name[:-1]
    found = {}
    for path in sorted(folder.glob(f"{stem}*{after}.bim")):
        chrom = path.name[len(stem) : len(path.name) - len(after) - 4]
        if chrom:
            found[bare(chrom)] = path
    if not found:
        raise InputError(f"--bim {pattern}: no such .bim file")
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def in_peaks(bims: dict[str, pd.DataFrame], bed: Path, chain: Path | None) -> Flags:
    """Chromosome -> 0/1 (n,): whether each SNP lies in an interval of the BED file (lifted by the chain where one is
    given)."""
    peaks = read_bed(bed)
    if chain is not None:
        peaks = lift(peaks, chain)
    peaks = peaks.assign(chrom=[bare(c) for c in peaks["chrom"]])
    elsewhere = int((~peaks["chrom"].isin(list(bims))).sum())
    left_out("peaks", elsewhere, len(peaks), "on chromosomes that the panel lacks")
    index = IntervalSet(peaks)
    return {chrom: index.contains(chrom, bim["BP"].to_numpy() - 1).astype(np.int8) for chrom, bim in bims.items()}


def lift(intervals: pd.DataFrame, chain: Path) -> pd.DataFrame:
    """Intervals on the chain's target assembly; those whose ends do not map to one chromosome in order are left out
    (with a count)."""
    import pandas as pd
    from pyliftover import LiftOver

    _check_chain(chain)
    try:
        with open_bytes(chain) as raw:
            lifter = LiftOver(raw)
    except Exception as error:  # noqa: BLE001 (pyliftover raises nothing narrower for blocks that do not add up)
        raise InputError(
            f"is no readable chain file ({' '.join(str(error).split())[:120]}): truncated or damaged", chain
        ) from None
    rows = []
    for chrom, start, end, name in intervals.itertuples(index=False, name=None):
        first, last = lifter.convert_coordinate(chrom, start), lifter.convert_coordinate(chrom, end - 1)
        if (
            first
            and last
            and first[0][0] == last[0][0]
            and first[0][2] == last[0][2] == "+"
            and 0 <= last[0][1] - first[0][1] < 2 * (end - start)
        ):
            rows.append((first[0][0], first[0][1], last[0][1] + 1, name))
    log.info("liftover: %d of %d intervals mapped", len(rows), len(intervals))
    left_out("intervals", len(intervals) - len(rows), len(intervals), "not mapped by the chain")
    if not rows:
        raise InputError("maps none of the intervals: is it the chain from their assembly to the panel's?", chain)
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "name"])


def _check_chain(path: Path) -> None:
    """Refuse a file that is not text or starts as no chain does."""
    with open_text(path) as handle:
        first = ""
        for line in handle:
            first = first or line.split("#")[0].strip()
    if first.split()[:1] != ["chain"]:
        raise InputError("is no chain file: it should start with 'chain'", path)


def write_thin(prefix: str, columns: dict[str, Flags]) -> list[Path]:
    """Write PREFIX.{chrom}.annot.gz, one column an annotation; returns the files."""
    paths = []
    for chrom in next(iter(columns.values())):
        paths.append(Path(f"{prefix}.{chrom}.annot.gz"))
        with write_text(paths[-1]) as out:
            out.write("\t".join(columns) + "\n")
            stacked = np.column_stack([flags[chrom] for flags in columns.values()])
            out.writelines("\t".join(map(str, row)) + "\n" for row in stacked.tolist())
    return paths


def read_annotation(path: Path, bim: pd.DataFrame | None = None) -> tuple[list[str], NDArray[np.float64]]:
    """Names (c,) and values (n, c) of an annotation file, thin or with the four leading columns CHR, BP, SNP, CM.

    Raises:
        InputError: not a table of numbers, or other SNPs than the .bim (naming the first that differs).
    """
    import pandas as pd

    with open_text(path) as handle:
        try:
            table = pd.read_csv(handle, sep=r"\s+")
        except (ValueError, pd.errors.ParserError, EOFError, OSError) as error:
            raise InputError(f"is no readable annotation ({str(error).splitlines()[0]})", path) from None
    full = [c for c in LEADING if c in table]
    refuse_foreign(list(table.columns), path)
    if bim is not None:
        if len(table) != len(bim):
            raise InputError(
                f"holds {len(table)} SNPs, the panel {len(bim)}: "
                "annotation and panel must list the same SNPs in the same order",
                path,
            )
        if "SNP" in full and (differ := table["SNP"].astype(str).to_numpy() != bim["SNP"].to_numpy()).any():
            at = int(differ.argmax())
            raise InputError(
                f"has {table['SNP'][at]} where the panel has {bim['SNP'][at]}: "
                "they must list the same SNPs in the same order",
                path,
                at + 2,
            )
    values = table.drop(columns=full)
    try:
        numbers = values.to_numpy(np.float64)
    except ValueError:
        numbers = np.full((1, 1), np.nan)
    if not np.isfinite(numbers).all():
        raise InputError("has a value that is no finite number", path)
    return [str(c) for c in values], numbers


def load_bims(pattern: str) -> dict[str, pd.DataFrame]:
    """Chromosome -> SNPs, of all .bim files of a pattern."""
    return {chrom: read_bim(path) for chrom, path in bim_files(pattern).items()}
