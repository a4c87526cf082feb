"""What a user meets first: help and refusals (profiles and containers: tests/trust/test_profiles.py)."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from wiring import parameters

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.nextflow


def test_help_is_grouped_and_complete(nextflow) -> None:
    done = nextflow("run", ROOT, "--help_all")
    assert done.returncode == 0
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    for group in schema["$defs"].values():
        assert f"\n{group['title']}\n" in done.stdout
        for name, spec in parameters(group).items():
            assert re.search(rf"--{re.escape(name)}\s+{re.escape(spec['description'])}", done.stdout), name


def test_faulty_parameters_are_refused_together_with_the_nearest_name(nextflow) -> None:
    done = nextflow(
        "run", ROOT, "--trakcs", "x", "--fdr", "2", "--bh", "exact", "--seed", "one", "--containers.peeks", "x"
    )
    assert done.returncode == 2
    for sentence in (
        "unknown parameter --trakcs: did you mean --tracks?",
        "--fdr 2: must be at most 1",
        "--bh exact: expected one of correct, floor",
        "--seed one: expected a value of type integer",
        "unknown parameter --containers.peeks: did you mean --containers.peaks?",
    ):
        assert sentence in done.stdout


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ((), "nothing to do: give --tracks and --fasta"),
        (("--stages", "peeks", "--tracks", "t.csv"), "--stages peeks: no such stage"),
        (("--stages", "peaks", "--tracks", "t.csv"), "the stage peaks needs --fasta"),
        (
            ("--stages", "heritability,report", "--tracks", "t.csv", "--fasta", "g.fa"),
            "the stage heritability needs --gwas",
        ),
    ],
)
def test_impossible_requests_are_refused(nextflow, args: tuple[str, ...], sentence: str) -> None:
    done = nextflow("run", ROOT, *args)
    assert done.returncode == 2
    assert sentence in done.stdout
