"""The page: sections from the results, one template, one self-contained file.

Two walls keep what comes from data from running: the template escapes it, and the page's policy lets the one script of
`page.js` run and nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from accessiflow import __version__
from accessiflow.errors import InputError
from accessiflow.files import write_text
from accessiflow.report import (
    comparison,
    effects,
    eqtl,
    further,
    heritability,
    imbalance,
    ism,
    losses,
    models,
    peaks,
    run_info,
    sequence,
    truth,
    variants,
)
from accessiflow.report.section import Link
from accessiflow.results import Results

_Made = TypeVar("_Made")  # a section, None, or tables
LINKED = 3  # files of a figure that are linked one by one

# In the order of the page; what lists the tables that no other shows comes after them.
MAKERS = (
    truth.section,
    models.section,
    comparison.section,
    peaks.section,
    sequence.section,
    effects.section,
    eqtl.section,
    imbalance.section,
    heritability.section,
    variants.top,
    ism.section,
    variants.scored,
    further.section,
    run_info.section,
)


WARNINGS_AT_ONCE = 12  # the others are there, folded


def render(folder: Path, output: Path) -> list[str]:
    """Write the report of a results folder; returns the keys of its sections.

    Raises:
        InputError: the folder holds no result, or one that is not as the stages write it.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    if not folder.is_dir():
        raise InputError("is no results folder", folder)
    results = Results(folder)
    sections = [made for made in (_section(maker, results) for maker in MAKERS) if made is not None]
    # The section on the run is always there.
    if len(sections) == 1 and not sections[0].tables:
        raise InputError("holds no result to report (peaks/, evaluation/, ... of a pipeline run)", folder)
    kept = _section(losses.tables, results)
    warnings = [
        *results.json("pipeline_info/preflight.json").get("warnings", []),
        *(w for s in sections for w in s.warnings),
        *run_info.warnings(results),
    ]
    here = Path(__file__).parent
    script = (here / "page.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("page.html").render(
        sections=sections,
        sources=partial(sources, folder),
        warnings=[_short(str(w)) for w in warnings],
        at_once=WARNINGS_AT_ONCE,
        left_out=kept,
        absent=losses.absent(results),
        version=__version__,
        script=script,
        digest=_digest(script),
    )
    with write_text(output) as out:
        out.write(page + "\n")
    return [s.key for s in sections]


def sources(folder: Path, patterns: Sequence[str]) -> list[Link]:
    """Links to the files of a results folder that match patterns: each of a few, the folder of many."""
    links = []
    for pattern in patterns:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.glob(pattern))
        if len(names) > LINKED:
            links.append(Link(f"{pattern} ({len(names)} files)", f"{quote(pattern.rpartition('/')[0])}/", "A folder"))
        else:
            links += [Link(name, quote(name), "A file beside this page") for name in names]
    return links


def _section(maker: Callable[[Results], _Made], results: Results) -> _Made:
    # What pandas makes of a damaged table is not known beforehand; the sentence names what was read.
    read = len(results.files)
    try:
        return maker(results)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        files = ", ".join(dict.fromkeys(results.files[read:])) or "its files"
        what = f"lacks {error}" if isinstance(error, KeyError) else str(error).split("\n")[0][:120]
        raise InputError(
            f"one of {files} is not as its stage writes it ({what}): make it again with -resume", results.folder
        ) from error


def _digest(script: str) -> str:
    """A script's hash as a Content-Security-Policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _short(sentence: str) -> str:
    """A sentence with its absolute paths cut to folder and file: a page does not show where a run's work folder was."""
    folder = r"[^/:\n]*[^/:\s]/"  # may hold spaces, but not at its end: there another path begins
    return re.sub(rf"(?<![\w.])/(?=\S)(?:{folder})*({folder}[^\s/]+)", r"\1", sentence)
