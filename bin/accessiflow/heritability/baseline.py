"""A baseline model without some of its columns: the paper conditions on baselineLD without the promoter- and enhancer-like annotations, so that
regulatory peaks do not compete with themselves."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from accessiflow.errors import InputError
from accessiflow.files import open_text, write_text
from accessiflow.heritability.annotations import LEADING

# promoter- and enhancer-like columns of baselineLD v2.2
REGULATORY = ("*Enhancer*", "*Promoter*", "TSS_Hoffman*", "H3K27ac*", "H3K4me1*", "H3K4me3*", "H3K9ac*", "BivFlnk*")


def drop_columns(annotation: Path, ldscore: str, patterns: Sequence[str], out: str) -> tuple[int, int]:
    """Write OUT.annot.gz, OUT.l2.ldscore.gz, OUT.l2.M and OUT.l2.M_5_50 without the annotations that match a glob; line by line, values as they are.

    Returns:
        Numbers of annotations kept and dropped.

    Raises:
        InputError: annotation and LD scores disagree on the columns, a line lacks fields, or no annotation is left.
    """
    scores = Path(f"{ldscore}.l2.ldscore.gz")
    header, columns = _header(annotation), _header(scores)[3:]
    names = [c for c in header if c not in LEADING]
    kept = [i for i, name in enumerate(names) if not any(fnmatchcase(name, p) for p in patterns)]
    if not kept:
        raise InputError(f"has no column left after leaving out {', '.join(patterns)}", annotation)
    if len(columns) != len(names):
        raise InputError(f"holds LD scores of {len(columns)} annotations, {annotation.name} has {len(names)}", scores)
    wanted = {names[i] for i in kept} | set(LEADING)
    with ExitStack() as stack:  # all files are written, then all get their names
        _copy(
            annotation,
            [i for i, c in enumerate(header) if c in wanted],
            stack.enter_context(write_text(Path(f"{out}.annot.gz"))),
        )
        _copy(scores, [0, 1, 2, *(i + 3 for i in kept)], stack.enter_context(write_text(Path(f"{out}.l2.ldscore.gz"))))
        for suffix in ("M", "M_5_50"):
            _copy(Path(f"{ldscore}.l2.{suffix}"), kept, stack.enter_context(write_text(Path(f"{out}.l2.{suffix}"))))
    return len(kept), len(names) - len(kept)


def _header(path: Path) -> list[str]:
    with open_text(path) as handle:
        return handle.readline().split()


def _copy(path: Path, columns: Sequence[int], out: IO[str]) -> None:
    """Some columns of a table of words, tab-separated."""
    with open_text(path) as handle:
        for number, line in enumerate(handle, 1):
            fields = line.split()
            if len(fields) <= columns[-1]:
                raise InputError(
                    f"has {len(fields)} fields, expected at least {columns[-1] + 1}: truncated?", path, number
                )
            out.write("\t".join([fields[i] for i in columns]) + "\n")
