"""What a user meets at the door: help, refusals, profiles, swapped containers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.nextflow


def test_help_is_grouped_and_complete(nextflow) -> None:
    done = nextflow("run", ROOT, "--help_all")
    assert done.returncode == 0
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    for group in schema["$defs"].values():
        assert f"\n{group['title']}\n" in done.stdout
        for name, spec in group["properties"].items():
            assert re.search(rf"--{re.escape(name)}\s+{re.escape(spec['description'])}", done.stdout), name


def test_faulty_parameters_are_refused_together_with_the_nearest_name(nextflow) -> None:
    done = nextflow("run", ROOT, "--trakcs", "x", "--fdr", "2", "--bh", "exact", "--seed", "one", "--containers.peeks", "x")
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
        (("--stages", "heritability,report", "--tracks", "t.csv", "--fasta", "g.fa"), "the stage heritability needs --gwas"),
    ],
)
def test_impossible_requests_are_refused(nextflow, args: tuple[str, ...], sentence: str) -> None:
    done = nextflow("run", ROOT, *args)
    assert done.returncode == 2
    assert sentence in done.stdout


def inspect(nextflow, *args: str) -> dict[str, str]:
    done = nextflow("inspect", ROOT, *args)
    assert done.returncode == 0, done.stdout
    listed = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    return {p["name"].split(":")[-1]: p["container"] for p in listed["processes"]}


def test_every_process_has_a_container_and_one_swap_changes_one_stage(nextflow) -> None:
    before = inspect(nextflow, "-profile", "demo,docker")
    aliases = {"TRAIN_TRANSFER"}
    assert {module.stem.upper() for module in (ROOT / "modules").glob("*.nf")} | aliases >= set(before)
    assert all(before.values())
    after = inspect(nextflow, "-profile", "demo,docker", "--containers.eqtl", "quay.io/me/eqtl:2")
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"EQTL_CLASSIFY", "EQTL_DIRECTION"}
    assert after["EQTL_CLASSIFY"] == "quay.io/me/eqtl:2"
    mirrored = inspect(nextflow, "-profile", "demo,docker", "--container_registry", "registry.local/mirror")
    assert all(image.startswith(("registry.local/mirror/", "quay.io/biocontainers/")) for image in mirrored.values())


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ("docker", ["docker.enabled = true"]),
        ("podman", ["podman.enabled = true"]),
        ("singularity", ["singularity.enabled = true"]),
        ("apptainer", ["apptainer.enabled = true"]),
        ("charliecloud", ["charliecloud.enabled = true", "charliecloud.writeFake = false"]),
        ("conda", ["conda.enabled = true", "containers/score/environment.yml"]),
        ("slurm", ["process.executor = 'slurm'"]),
        ("awsbatch", ["process.executor = 'awsbatch'"]),
        ("googlebatch", ["process.executor = 'google-batch'"]),
        ("k8s", ["process.executor = 'k8s'"]),
        ("gpu", ["accelerator = 1", "params.containers.train = 'accessiflow-train:0.1.0-gpu'"]),
    ],
)
def test_profile_resolves(nextflow, profile: str, expected: list[str]) -> None:
    done = nextflow("config", ROOT, "-profile", profile, "-flat")
    assert done.returncode == 0, done.stdout
    for setting in expected:
        assert setting in done.stdout


def test_gpu_labels_are_inert_without_the_gpu_profile(nextflow) -> None:
    assert "accelerator" not in nextflow("config", ROOT, "-profile", "docker", "-flat").stdout
