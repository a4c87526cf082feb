"""A baseline model without some of its columns: the paper conditions on baselineLD without the promoter- and
enhancer-like annotations, so that
regulatory peaks do not compete with themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.heritability.annotations import LEADING, present, refuse_foreign
from accessiflow.heritability.consistency import score_columns

SCORE_PLACE = ("CHR", "SNP", "BP")
# promoter- and enhancer-like columns of baselineLD v2.2
REGULATORY = ("*Enhancer*", "*Promoter*", "TSS_Hoffman*", "H3K27ac*", "H3K4me1*", "H3K4me3*", "H3K9ac*", "BivFlnk*")


def drop_columns(annotation: Path, ldscore: str, patterns: Sequence[str], out: str) -> tuple[int, int]:
    """Write OUT.annot.gz, OUT.l2.ldscore.gz, OUT.l2.M_5_50 (and .l2.M, where there is one) without the annotations
    that match a glob.

    Line by line, values as they are; each file may be compressed or not.

    Returns:
        Numbers of annotations kept and dropped.

    Raises:
        InputError: annotation and LD scores disagree on the columns, a column is no annotation, a line lacks fields,
            or no annotation is left.
    """
    annotation, scores = present(annotation), present(Path(f"{ldscore}.l2.ldscore.gz"))
    header, columns = _header(annotation), score_columns(scores)
    refuse_foreign(header, annotation)
    names = [c for c in header if c not in LEADING]
    kept = [i for i, name in enumerate(names) if not any(fnmatchcase(name, p) for p in patterns)]
    if not kept:
        raise InputError(f"has no column left after leaving out {', '.join(patterns)}", annotation)
    if len(columns) != len(names):
        raise InputError(f"holds LD scores of {len(columns)} annotations, {annotation.name} has {len(names)}", scores)
    if (unnamed := [c.removesuffix("L2") for c in columns]) != names and set(unnamed) == set(names):
        raise InputError(f"has its annotations in another order than {annotation.name}", scores)
    wanted = {names[i] for i in kept} | set(LEADING)
    place = _header(scores)
    if lacking := [name for name in SCORE_PLACE if name not in place]:
        raise InputError(f"lacks the column(s) {', '.join(lacking)}: is it a file of LD scores?", scores)
    shown = [place.index(name) for name in SCORE_PLACE]
    with ExitStack() as stack:  # all files are written, then all get their names
        _copy(
            annotation,
            [i for i, c in enumerate(header) if c in wanted],
            stack.enter_context(write_text(Path(f"{out}.annot.gz"))),
        )
        columns = [*shown, *(place.index(columns[i]) for i in kept)]
        _copy(scores, columns, stack.enter_context(write_text(Path(f"{out}.l2.ldscore.gz"))))
        for suffix in ("M", "M_5_50"):
            counts = Path(f"{ldscore}.l2.{suffix}")
            if suffix == "M_5_50" or counts.exists():  # ldsc reads M_5_50 alone
                _copy(counts, kept, stack.enter_context(write_text(Path(f"{out}.l2.{suffix}"))))
    return len(kept), len(names) - len(kept)


def _header(path: Path) -> list[str]:
    with open_text(path) as handle:
        return handle.readline().split()


def _copy(path: Path, columns: Sequence[int], out: IO[str]) -> None:
    """Some columns of a table of words, tab-separated."""
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.split()
            if len(fields) <= max(columns):
                raise InputError(
                    f"has {len(fields)} fields, expected at least {max(columns) + 1}: truncated?", path, number
                )
            out.write("\t".join([fields[i] for i in columns]) + "\n")
