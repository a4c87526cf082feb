"""A baseline model without some of its columns: the paper conditions on baselineLD without the promoter- and enhancer-like annotations, so that
regulatory peaks do not compete with themselves."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.heritability.annotations import LEADING

# promoter- and enhancer-like columns of baselineLD v2.2
REGULATORY = ("*Enhancer*", "*Promoter*", "TSS_Hoffman*", "H3K27ac*", "H3K4me1*", "H3K4me3*", "H3K9ac*", "BivFlnk*")


def drop_columns(annotation: Path, ldscore: str, patterns: Sequence[str], out: str) -> tuple[int, int]:
    """Write OUT.annot.gz, OUT.l2.ldscore.gz, OUT.l2.M and OUT.l2.M_5_50 without the annotations that match a glob.

    Returns:
        Numbers of annotations kept and dropped.

    Raises:
        InputError: annotation and LD scores disagree on the columns, or none is left.
    """
    import pandas as pd

    with open_text(annotation) as handle:
        table = pd.read_csv(handle, sep=r"\s+", dtype=str, keep_default_na=False)
    names = [c for c in table if c not in LEADING]
    kept = [i for i, name in enumerate(names) if not any(fnmatchcase(name, p) for p in patterns)]
    if not kept:
        raise InputError(f"has no column left after leaving out {', '.join(patterns)}", annotation)
    with open_text(Path(f"{ldscore}.l2.ldscore.gz")) as handle:
        scores = pd.read_csv(handle, sep=r"\s+", dtype=str, keep_default_na=False)
    columns = list(scores.columns[3:])
    if len(columns) != len(names):
        raise InputError(f"holds LD scores of {len(columns)} annotations, {annotation.name} has {len(names)}", Path(f"{ldscore}.l2.ldscore.gz"))
    _write(table[[c for c in table if c in LEADING] + [names[i] for i in kept]], Path(f"{out}.annot.gz"))
    _write(scores[list(scores.columns[:3]) + [columns[i] for i in kept]], Path(f"{out}.l2.ldscore.gz"))
    for suffix in ("M", "M_5_50"):
        with open_text(Path(f"{ldscore}.l2.{suffix}")) as handle:
            values = handle.read().split()
        with write_text(Path(f"{out}.l2.{suffix}")) as handle:
            handle.write("\t".join(values[i] for i in kept) + "\n")
    return len(kept), len(names) - len(kept)


def _write(table: object, path: Path) -> None:
    with write_text(path) as out:
        table.to_csv(out, sep="\t", index=False, lineterminator="\n")  # type: ignore[attr-defined]
