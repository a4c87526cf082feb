"""Bad input, file by file.

Each is refused with one sentence that says what is wrong and where, and leaves nothing behind; odd but legal input
gives the results of the plain one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from corpus import runner, study
from corpus.case import AGREE, CASES, COMMANDS, Case

FAMILIES = (
    "sheets",
    "whole_files",
    "genome_files",
    "signals",
    "variant_files",
    "hdf5_files",
    "heritability_files",
    "model_files",
)
for _family in FAMILIES:
    importlib.import_module(f"corpus.{_family}")

QUICK = [*CASES][::6]  # in every test run; the trust run has them all,
APART = [*CASES][1::8]  # and some in processes of their own
REPORTS = {"out/preflight.json"}  # written whether or not there are problems
INDEXES = (".fai", ".gzi")  # of the genome, made beside it
Run = Callable[[str, Path], tuple[int, str]]


def results(folder: Path) -> dict[str, bytes]:
    """Name -> content of the files that a command has written, without the folder's own name."""
    return {
        str(p.relative_to(folder)): p.read_bytes().replace(str(folder).encode(), b"")
        for p in sorted((folder / "out").rglob("*"))
        if p.is_file()
    }


def files(folder: Path) -> set[str]:
    """Files, and temporary folders."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() or p.name.startswith(".")}


class Clean:
    """The unspoilt study, and what each command makes of it."""

    def __init__(self, folder: Path, scratch: Path, run: Run) -> None:
        self.folder, self._scratch, self._run = folder, scratch, run
        self._expected: dict[str, dict[str, bytes]] = {}

    def expected(self, command: str) -> dict[str, bytes]:
        """Results of a command."""
        if command not in self._expected:
            copy = study.copy(self.folder, self._scratch / str(len(self._expected)))
            code, said = self._run(command, copy)
            assert code == 0, said
            self._expected[command] = results(copy)
        return self._expected[command]


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Clean:
    return Clean(study.build(tmp_path_factory.mktemp("clean")), tmp_path_factory.mktemp("results"), runner.inside)


def check_refused(case: Case, code: int, said: str, left: set[str]) -> str:
    """Exit 2, one `error:` line (preflight: one a problem) that says what was expected, no traceback, no file."""
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert code == 2, said[-3000:]
    assert "Traceback" not in said
    assert errors
    assert len(errors) == 1 or case.command.startswith("preflight"), errors
    fitting = [line for line in errors if all(part in line for part in case.says)]
    assert fitting, (case.says, errors)
    assert {name for name in left if name not in REPORTS and not name.endswith(INDEXES)} == set()
    return fitting[0]


def meet(case: Case, clean: Clean, folder: Path, run: Run) -> str:
    """Spoil a copy of the study, run the command, compare; returns the sentence ("" for what is accepted)."""
    study.copy(clean.folder, folder)
    case.change(folder)
    before = files(folder)
    code, said = run(case.command, folder)
    if case.says:
        return check_refused(case, code, said, files(folder) - before)
    assert code == 0, said[-3000:]
    found, expected = results(folder), clean.expected(case.command)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
    return ""


@pytest.mark.trust
@pytest.mark.parametrize("command", COMMANDS)
def test_the_study_as_it_is_passes(clean, command):
    assert clean.expected(command) or command == AGREE  # which writes nothing


@pytest.mark.parametrize("name", QUICK)
def test_a_case(clean, tmp_path, name):
    meet(CASES[name], clean, tmp_path / "study", runner.inside)


@pytest.mark.trust
@pytest.mark.parametrize("name", CASES)
def test_each_case(clean, tmp_path, name, evidence):
    case = CASES[name]
    sentence = meet(case, clean, tmp_path / "study", runner.inside).replace(str(tmp_path), "")
    evidence("corpus", case=name, format=case.format, refused=bool(case.says), sentence=sentence[:400])


@pytest.mark.trust
@pytest.mark.parametrize("name", APART)
def test_a_case_as_a_user_meets_it(clean, tmp_path, name):
    meet(CASES[name], clean, tmp_path / "study", runner.apart)


def test_the_corpus_is_large_enough():
    assert sum(bool(case.says) for case in CASES.values()) >= 130
    assert len({case.format for case in CASES.values()}) >= 25
