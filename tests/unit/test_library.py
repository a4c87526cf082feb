"""The library as a package: docs/library.md runs as it stands, an installed copy is whole, and the version is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest

import accessiflow

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "bin" / "accessiflow"
DOCUMENT = ROOT / "docs" / "library.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEFT_OVERS = {"bin/accessiflow.egg-info", "build"}  # of a build in the checkout
# Imports every module but the scripts' own, and says what that loaded.
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import accessiflow
names = [m.name for m in pkgutil.walk_packages(accessiflow.__path__, "accessiflow.") if m.name != "accessiflow.cli"]
for name in names:
    importlib.import_module(name)
json.dump({"file": accessiflow.__file__, "names": names, "loaded": list(sys.modules)}, sys.stdout)
"""
BUILD = "import sys; from setuptools import build_meta; build_meta.{kind}(sys.argv[1])"


@pytest.fixture(scope="module")
def examples() -> list[str]:
    """The Python of docs/library.md, block by block."""
    return re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.M | re.S)


def test_the_examples_of_the_docs_run(examples, tmp_path, monkeypatch, script) -> None:
    pytest.importorskip("tensorflow")  # the small model's weights are written with it
    from small_results import write_results

    monkeypatch.chdir(write_results(tmp_path, script))
    space: dict[str, object] = {}
    for number, code in enumerate(examples, 1):
        exec(compile(code, f"docs/library.md, example {number}", "exec"), space)
    space["genome"].close()
    # the verbs give what the stage scripts wrote
    np.testing.assert_array_equal(space["stored"], space["found"].sad.astype(np.float32))
    assert len(space["variants"]) == len(space["checked"]) - 1 == len(space["stored"])
    assert space["gain"].shape == (3,)
    assert space["reason"] == ""
    assert set(space["peaks_of_first"]["cluster"]) == {"a", "ubiquitous"}
    assert Path("logo.svg").stat().st_size > 1000


def test_every_verb_of_the_docs_is_there() -> None:
    from importlib import import_module

    rows = re.findall(r"^\| (`.*?`) \|", DOCUMENT.read_text(), re.M)
    verbs = [verb for row in rows for verb in re.findall(r"`([\w.]+)`", row)]
    assert len(verbs) > 10
    module = ""
    for verb in verbs:
        module, name = verb.rsplit(".", 1) if "." in verb else (module, verb)
        assert callable(getattr(import_module(f"accessiflow.{module}"), name)), verb


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """What a build reads."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "bin", folder / "bin", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "README.md", "LICENSE", *map(str, requirements())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def requirements() -> dict[Path, str]:
    """The file of each extra -> its name."""
    return {path.relative_to(ROOT): path.parent.name for path in sorted(ROOT.glob("containers/*/requirements.in"))}


def built(checkout: Path, kind: str, out: Path) -> zipfile.ZipFile:
    """A wheel of the checkout."""
    out.mkdir()
    command = [sys.executable, "-c", BUILD.format(kind=kind), str(out)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Deprecat" not in done.stderr
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel)


def library_files(folder: Path) -> set[str]:
    """Files of the library but for what Python caches."""
    files = (path for path in (folder / "bin").glob("accessiflow/**/*") if path.is_file() and path.suffix != ".pyc")
    return {path.relative_to(folder / "bin").as_posix() for path in files}


def imported_from(place: Path, folder: Path) -> dict[str, object]:
    """What importing all of the library does, outside the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_installed_copy_is_whole_and_imports_without_typer(checkout, tmp_path) -> None:
    with built(checkout, "build_wheel", tmp_path / "wheel") as wheel:
        wheel.extractall(tmp_path / "site")
        inside = {name for name in wheel.namelist() if name.startswith("accessiflow/")}
    assert inside == library_files(ROOT)
    assert {Path(name).name for name in inside} >= {"py.typed", "sheets.json", "stages.json", "page.html", "page.js"}
    found = imported_from(tmp_path / "site", tmp_path)
    assert Path(found["file"]).is_relative_to(tmp_path / "site")
    assert len(found["names"]) > 150
    # neither the scripts' packages nor what takes seconds to load
    assert {"typer", "click", "rich", "tensorflow", "matplotlib", "anndata"} & set(found["loaded"]) == set()
    (metadata,) = (tmp_path / "site").glob("accessiflow-*.dist-info/METADATA")
    assert f"\nVersion: {accessiflow.__version__}\n" in metadata.read_text()
    assert set(re.findall(r"^Provides-Extra: (.*)$", metadata.read_text(), re.M)) == set(requirements().values())


def test_an_editable_install_is_the_checkout(checkout, tmp_path) -> None:
    with built(checkout, "build_editable", tmp_path / "wheel") as wheel:
        (pth,) = (name for name in wheel.namelist() if name.endswith(".pth"))
        place = Path(wheel.read(pth).decode().strip())
    assert place == checkout / "bin"
    assert Path(imported_from(place, tmp_path)["file"]).parent == checkout / "bin" / "accessiflow"


def test_a_build_leaves_nothing_in_the_library(checkout, tmp_path) -> None:
    """CodeId digests the files of bin/accessiflow, and the tests read them: a build may not add to them."""
    before = library_files(checkout)
    built(checkout, "build_wheel", tmp_path / "wheel").close()
    assert library_files(checkout) == before
    left = {path.relative_to(checkout).as_posix() for path in checkout.glob("*")} - {"bin", "containers"}
    left |= {path.relative_to(checkout).as_posix() for path in (checkout / "bin").glob("*/")} - {"bin/accessiflow"}
    assert left - {"pyproject.toml", "README.md", "LICENSE"} == LEFT_OVERS
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    assert {"build", "*.egg-info"} <= set(ignored)


def test_extras_are_the_stages_with_requirements() -> None:
    extras = PROJECT["tool"]["setuptools"]["dynamic"]["optional-dependencies"]
    assert extras == {name: {"file": [str(path)]} for path, name in requirements().items()}
    named = re.search(r"An extra is what the image of a stage holds: (.*?)\.", DOCUMENT.read_text(), re.S)[1]
    assert set(re.findall("`(.*?)`", named)) == set(extras)


def test_the_base_is_in_every_analysis_environment() -> None:
    """What the library needs by itself is no other set of packages than what the stages are pinned to."""
    pinned = (ROOT / "containers/score/requirements.in").read_text().split()
    assert set(PROJECT["project"]["dependencies"]) <= set(pinned)
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "accessiflow.__version__"}


def test_the_version_is_one() -> None:
    stated = {
        "nextflow.config": r"\n +version +=.*'(.+)'",
        "CITATION.cff": r"\nversion: (.+)",
        "CHANGELOG.md": r"\n## (\S+)",
        **{str(path.relative_to(ROOT)): r"\nARG VERSION=(.+)" for path in ROOT.glob("containers/*/Dockerfile")},
    }
    for name, pattern in stated.items():
        assert re.findall(pattern, (ROOT / name).read_text())[:1] == [accessiflow.__version__], name
    images = ["nextflow.config", "conf/gpu.config", "nextflow_schema.json", "docs/containers.md"]
    for name in images:
        tags = re.findall(r"accessiflow-[$\w]+:(\d[^'\"\s]*)", (ROOT / name).read_text())
        assert {re.sub(r"(-jax)?(-gpu|-\$kind)?$", "", tag) for tag in tags} == {accessiflow.__version__}, name
