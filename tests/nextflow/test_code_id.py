"""An edit of the library runs again the tasks that use it, and those alone."""

from __future__ import annotations

import ast
import functools
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from whole_run import Run
from wiring import PROCESSES, ROOT, digests, scripts

BIN = ROOT / "bin"
SCRIPTS = sorted(path.stem for path in BIN.glob("*.py"))


def modules(name: str) -> Iterator[Path]:
    """Files that importing a module of the library executes: its packages', and its own."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        path = BIN.joinpath(*parts[:depth])
        yield from (file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists())


@functools.cache
def imported(file: Path) -> set[str]:
    """Names of the library's modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import, which lib/CodeId.groovy does not follow"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] == "accessiflow"}


@functools.cache
def closure(script: str, command: str = "") -> set[Path]:
    """A script (or a command's module of its room, and cli), what it imports, directly or not, and the data beside
    that."""
    seen: set[Path] = set()
    roots = ("accessiflow/cli", f"accessiflow/{script}/{command}") if command else (script,)
    left = {BIN / f"{root}.py" for root in roots}
    while left:
        seen.add(file := left.pop())
        left |= {path for name in imported(file) for path in modules(name)} - seen
    rooms = {file.parent for file in seen} - {BIN}
    return seen | {path for room in rooms for path in room.iterdir() if path.is_file() and path.suffix != ".py"}


@pytest.mark.nextflow
def test_the_head_finds_the_same_files_as_python(groovy) -> None:
    code = (
        "given.collect { script -> CodeId.files(CodeId.BIN, script).collect { CodeId.BIN.relativize(it).toString() } }"
    )
    found = dict(zip(SCRIPTS, groovy(code, SCRIPTS), strict=True))
    for script in SCRIPTS:
        expected = [path.relative_to(BIN).as_posix() for path in closure(script)]
        assert sorted(found[script]) == sorted(expected), script


@pytest.mark.nextflow
def test_a_command_may_have_a_digest_of_its_own(groovy) -> None:
    code = "given.collect { CodeId.files(CodeId.BIN, it[0], it[1]).collect { CodeId.BIN.relativize(it).toString() } }"
    (found,) = groovy(code, [["report", "igv"]])
    assert sorted(found) == sorted(path.relative_to(BIN).as_posix() for path in closure("report", "igv"))
    assert "accessiflow/report/models.py" not in found


@pytest.mark.nextflow
def test_digests_are_of_the_files_alone(groovy) -> None:
    code = "given.collect { CodeId.of(it) } + [CodeId.library()]"
    once = groovy(code, SCRIPTS)
    assert once == groovy(code, SCRIPTS)
    assert len(set(once)) == len(SCRIPTS) + 1
    assert all(re.fullmatch("[0-9a-f]{12}", digest) for digest in once)


def test_an_edit_reaches_few_processes() -> None:
    """The processes that an edited line of the library makes run again: on average, and of some files."""
    users = [file for name in PROCESSES for file in closure_of(name)]
    lines = {path: len(path.read_text().splitlines()) for path in (BIN / "accessiflow").rglob("*.py")}
    reach = sum(lines[path] * users.count(path) for path in lines) / sum(lines.values())
    sys.stdout.write(f"an edited line of the library reaches {reach:.1f} of {len(PROCESSES)} processes on average\n")
    assert reach <= 12
    models = BIN / "accessiflow" / "report" / "models.py"
    assert {name for name in PROCESSES if models in closure_of(name)} == {"REPORT_RENDER"}
    assert not any(scripts(name) for name in PROCESSES if name.startswith("LDSC_"))


def closure_of(process: str) -> set[Path]:
    """What the digest of a process is of; nothing where it runs no code of ours."""
    return {path for given in digests(process) for path in closure(*given)}


@pytest.fixture(scope="module")
def checkout(launcher: Path, environments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pipeline that may be edited."""
    root = tmp_path_factory.mktemp("edited") / "pipeline"
    root.mkdir()
    for name in ("assets", "bin", "conf", "containers", "lib", "modules", "workflows"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("main.nf", "nextflow.config", "nextflow_schema.json"):
        shutil.copy(ROOT / name, root / name)
    (root / ".venvs").symlink_to(environments)
    return root


@pytest.mark.nextflow
@pytest.mark.slow
def test_only_what_an_edit_touches_runs_again(checkout: Path) -> None:
    run = Run(checkout.parent / "run", "--stages", "predict,report", root=checkout)
    run.finish()
    assert {name.split(":")[-1] for _, name in run.submitted()} >= {"PEAKS_MERGE", "TRAIN_FIT", "REPORT_RENDER"}

    def again(edited: str) -> set[str]:
        file = checkout / "bin" / "accessiflow" / edited
        file.write_text(file.read_text() + "\n# edited\n")
        run.finish("-resume")
        return {name.split(":")[-1] for _, name in run.submitted()}

    assert again("report/models.py") == {"REPORT_RENDER"}
    follows = {"PREDICT_TEST", "PREDICT_GENOME", "TRUTH_COMPARE", "REPORT_RENDER"}
    assert again("training/losses/pointwise.py") == {"TRAIN_FIT"} | follows
