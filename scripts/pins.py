#!/usr/bin/env python3
"""The pinned packages of every image: advisories against them (`audit`), and their licences (`licences`).

Run with the environment of the tests: .venvs/test/bin/python scripts/pins.py audit
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "licences.tsv"
HEADER = ("package", "version", "licence", "copyleft", "images")
CLEAN, KNOWN, UNASKED = 0, 1, 3  # exit codes of `audit`
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?==(?P<version>[A-Za-z0-9.+!]+)(?: ; .*)?")
SPDX = {  # words of a licence's statement, the first that is found counts
    r"lesser general|\blgpl": "LGPL",
    r"\bgpl-?v?3|general public license v3": "GPL-3.0",
    r"\bgpl\b|general public": "GPL",
    r"\bmpl\b|mozilla public": "MPL-2.0",
    r"apache": "Apache-2.0",
    r"bsd[- ]3|3-clause bsd": "BSD-3-Clause",
    r"bsd[- ]2|2-clause bsd": "BSD-2-Clause",
    r"bsd|redistribution and use in source": "BSD",
    r"\bisc\b": "ISC",
    r"\bmit\b|permission is hereby granted, free of charge": "MIT",
    r"psf|python software foundation|matplotlib versions": "PSF-2.0",
    r"nvidia": "LicenseRef-NVIDIA-Proprietary",
}
app = typer.Typer(help=__doc__, add_completion=False, no_args_is_help=True)
Pin = tuple[str, str]


class Terms(NamedTuple):
    """What a distribution says of its licence.

    Attributes:
        expression: SPDX expression.
        text: free text.
        classifiers: classifiers of the kind "License ::".
        file: the first lines of its licence file.
    """

    expression: str = ""
    text: str = ""
    classifiers: str = ""
    file: str = ""


def canonical(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_files() -> list[Path]:
    """The pins of every image."""
    return sorted(ROOT.glob("containers/*/requirements*.txt"))


def read_pins(path: Path) -> list[Pin]:
    """Name and version of each line of a requirements file.

    Raises:
        ValueError: a line that is no exact pin.
    """
    pins = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = PIN.fullmatch(line.partition(" #")[0].strip())
        if match is None:
            raise ValueError(f"{path}: {line!r} is no exact pin")
        pins.append((canonical(match["name"]), match["version"]))
    return pins


def images_of() -> dict[Pin, list[str]]:
    """Each pinned package with the images that hold it."""
    images: dict[Pin, list[str]] = {}
    for path in requirement_files():
        image = path.parent.name + path.stem.removeprefix("requirements")
        for pin in read_pins(path):
            images.setdefault(pin, []).append(image)
    return dict(sorted(images.items()))


def licence(terms: Terms) -> str:
    """One licence, named as SPDX does where the distribution says which it is; `unstated` where it says nothing."""
    if terms.expression:
        return terms.expression
    # The first line of the free text names a licence; further down it may quote those of bundled code.
    first_line = terms.text.splitlines()[0] if terms.text else ""
    for statement in (first_line, terms.classifiers, terms.file, terms.text):
        for pattern, name in SPDX.items():
            if re.search(pattern, statement.lower()):
                return name
    return "unstated"


def copyleft(name: str) -> str:
    """`strong` (GPL), `weak` (LGPL, MPL: of the package's own files), `no`, or `terms` for a vendor's own licence."""
    # Of licences joined by OR, the mildest may be chosen.
    kinds = [_copyleft_of_one(choice) for choice in re.split(r"\bOR\b", name)]
    return min(kinds, key=("no", "weak", "terms", "strong").index)


def _copyleft_of_one(name: str) -> str:
    if re.search(r"LGPL|MPL", name):
        return "weak"
    if "GPL" in name:
        return "strong"
    return "terms" if "Proprietary" in name else "no"


def installed(environments: Path) -> dict[Pin, Terms]:
    """What the distributions of the built environments say."""
    return {pin: terms for folder in sorted(environments.iterdir()) for pin, terms in installed_in(folder).items()}


def installed_in(environment: Path) -> dict[Pin, Terms]:
    """The same of one environment."""
    terms: dict[Pin, Terms] = {}
    for folder in environment.glob("lib/python3*/site-packages"):
        for package in metadata.distributions(path=[str(folder)]):
            pin = (canonical(package.metadata["Name"]), package.version)
            terms[pin] = _terms(package.metadata.json, _licence_file(package))
    return terms


def reported(report: Path) -> dict[Pin, Terms]:
    """The same of packages that are not installed here, from `pip install --dry-run --no-deps --report`."""
    items = [item["metadata"] for item in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return {(canonical(item["name"]), item["version"]): _terms(item, "") for item in items}


def _terms(facts: Mapping[str, str | list[str]], file: str) -> Terms:
    classifiers = [c for c in facts.get("classifier", []) if c.startswith("License ::")]
    return Terms(
        str(facts.get("license_expression", "")), str(facts.get("license", "")).strip(), " ".join(classifiers), file
    )


def _licence_file(package: metadata.Distribution) -> str:
    names = [
        path
        for path in package.files or []
        if re.search(r"dist-info/.*(licen[sc]e|copying)[^/]*$", str(path), re.IGNORECASE)
    ]
    return " ".join((names[0].read_text() or "").split())[:400] if names else ""


def rows(known: Mapping[Pin, Terms], before: Mapping[Pin, str]) -> Iterator[tuple[str, ...]]:
    """The table: what is not known now keeps the licence that it had in the table before."""
    for (name, version), images in images_of().items():
        terms = known.get((name, version))
        stated = licence(terms) if terms else before.get((name, version), "unstated")
        yield name, version, stated, copyleft(stated), ",".join(images)


def read_table(path: Path = TABLE) -> list[dict[str, str]]:
    """The rows of the licence table."""
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@app.command()
def licences(
    environments: Annotated[Path, typer.Option(help="Folder of the built environments (make envs).")] = ROOT / ".venvs",
    report: Annotated[Path | None, typer.Option(help="pip's report of packages that are in none of them.")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The table.")] = TABLE,
) -> None:
    """Write the licence of every package of every image."""
    known = installed(environments) | (reported(report) if report else {})
    before = {(row["package"], row["version"]): row["licence"] for row in read_table(output)} if output.exists() else {}
    lines = ["\t".join(row) for row in [HEADER, *rows(known, before)]]
    output.write_text("\n".join(lines) + "\n", encoding="utf-8")


@app.command()
def audit(
    tool: Annotated[str, typer.Option(help="The pip-audit to ask with (pip install pip-audit).")] = "pip-audit",
    uv: Annotated[str, typer.Option(help="The uv to ask the index with, for releases that were withdrawn.")] = "uv",
) -> None:
    """Ask the advisory service and the index about every pin.

    Exit 0: nothing is known; 1: something is; 3: some could not be asked.
    """
    worst = CLEAN
    for path in requirement_files():
        for findings in (_ask(tool, path), _withdrawn(uv, path)):
            for line in findings.known + findings.unasked:
                sys.stderr.write(f"{path.relative_to(ROOT)}: {line}\n")
            if findings.known:
                worst = KNOWN
            elif findings.unasked and worst != KNOWN:
                worst = UNASKED
    sentences = {
        CLEAN: "nothing is known against the pins\n",
        KNOWN: "see above\n",
        UNASKED: "some pins could not be asked about\n",
    }
    sys.stderr.write(sentences[worst])
    raise typer.Exit(worst)


class PinFindings(NamedTuple):
    """What is known of the pins of a file.

    Attributes:
        known: sentences on those against which something is known.
        unasked: sentences on those that could not be asked about.
    """

    known: list[str]
    unasked: list[str]


def _ask(tool: str, path: Path) -> PinFindings:
    """What the advisory service says of the pins of a file."""
    command = [tool, "-r", str(path), "--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        answers: Sequence[dict] = json.loads(done.stdout)["dependencies"]
    except FileNotFoundError:
        return PinFindings([], [f"no {tool} on PATH: pip install pip-audit"])
    except (json.JSONDecodeError, KeyError):
        return PinFindings([], [f"{tool} gave no answer ({' '.join(done.stderr.split())[-200:]})"])
    known = [
        f"{a['name']} {a['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or 'none'}"
        for a in answers
        for v in a.get("vulns", [])
    ]
    answered = {canonical(a["name"]) for a in answers if "skip_reason" not in a}
    unknown = [(name, version) for name, version in read_pins(path) if name not in answered]
    return PinFindings(known, [f"{name} {version}: not known to the service" for name, version in unknown])


def _withdrawn(uv: str, path: Path) -> PinFindings:
    """Which pins of a file their authors withdrew from the index."""
    command = [uv, "pip", "compile", "--no-deps", "--no-header", "--no-annotate", "--python-version", "3.11", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return PinFindings([], [f"no {uv} on PATH: pip install uv"])
    lines = done.stderr.splitlines()
    withdrawn = [line for line in lines if "is yanked" in line]
    return PinFindings(withdrawn, [] if done.returncode == 0 else [f"{uv} gave no answer ({' '.join(lines)[-200:]})"])


if __name__ == "__main__":
    app()
