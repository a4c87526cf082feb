"""Every stage script as a program of its own: it starts, and says what it can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from accessiflow import __version__

BIN = Path(__file__).resolve().parents[2] / "bin"
SCRIPTS = sorted(path.stem for path in BIN.glob("*.py"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_starts_and_lists_its_commands(script_apart, name: str) -> None:
    helped = script_apart(name, "--help").stdout
    assert helped.startswith(f"Usage: {name}.py [OPTIONS] COMMAND [ARGS]...")
    assert "Commands:" in helped


def test_a_script_says_its_version(script_apart) -> None:
    assert script_apart("peaks", "--version").stdout == f"accessiflow {__version__}\n"


def test_a_script_behaves_alike_in_this_process_and_in_its_own(script, script_apart, tmp_path: Path) -> None:
    arguments = ("peaks", "call", tmp_path / "none.h5", "--output", tmp_path / "t.bed.gz")
    own, here = (run(*arguments, check=False) for run in (script_apart, script))
    assert (own.returncode, own.stdout, own.stderr) == (here.returncode, here.stdout, here.stderr)
    assert own.returncode == 2
