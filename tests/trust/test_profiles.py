"""What every profile gives every process, as Nextflow itself resolves it.

Container, executor, queue, accelerator, and what swaps change.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from wiring import PROCESSES, label, stage

ROOT = Path(__file__).resolve().parents[2]
PROBE = Path(__file__).parent / "data" / "probe.nf"
pytestmark = [pytest.mark.nextflow, pytest.mark.xdist_group("profiles")]

QUEUES = {"queue": "cpus", "gpu_queue": "gpus"}
ON_HEAD = {"awsbatch", "google-batch"}  # executors beside which the preflight check runs on the head
DIRECTIVES = (
    *("executor", "queue", "accelerator", "machineType", "clusterOptions", "containerOptions", "errorStrategy"),
    *("resourceLimits", "container", "conda", "beforeScript"),
)
SETTINGS = (
    "docker.enabled",
    "docker.runOptions",
    "podman.enabled",
    "podman.runOptions",
    "singularity.enabled",
    "apptainer.enabled",
)
MORE = (
    "charliecloud.enabled",
    "charliecloud.writeFake",
    "conda.enabled",
    "k8s.runAsUser",
    "google.batch.maxSpotAttempts",
    "google.batch.spot",
)
OTHERS = {  # combinations beyond the documented table: what they are asked with
    "docker,slurm,gpu": QUEUES | {"gpus": 4, "cluster_options": "--account=lab"},
    "podman": {},
    "conda": {},
    "venv": {},
    "slurm,gpu": {"queue": "cpus"},
    "docker,googlebatch,gpu": {"gpu_type": "nvidia-l4", "gpu_machine": "g2-*", "gpus": 2},
    "docker,awsbatch": {"max_cpus": 4},
}


MODULES = {name: (label(name), stage(name)) for name in PROCESSES}
GPU = {name for name, (size, _) in MODULES.items() if size == "process_gpu"}


def table() -> dict[str, list[str]]:
    """The documented table: profiles -> cells."""
    text = (ROOT / "docs" / "cloud.md").read_text()
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip().replace("`", "") for cell in cells[1:]] for cells in rows[1:]}


TABLE = table()


def call(launcher: Path, folder: Path, *args: object) -> str:
    command = [str(launcher), *map(str, args)]
    env = os.environ | {"NXF_ANSI_LOG": "false"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def resolved(launcher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Profiles -> what they resolve to: the documented combinations first, then OTHERS.

    All in one start of Nextflow.
    """
    folder = tmp_path_factory.mktemp("profiles")
    asked = [*((profile, QUEUES) for profile in TABLE), *OTHERS.items()]
    request = {
        "root": str(ROOT),
        "processes": {name: size for name, (size, _) in MODULES.items()},
        "profiles": [{"profile": profile, "params": given} for profile, given in asked],
    }
    (folder / "asked.json").write_text(json.dumps(request))
    files = ("--asked", folder / "asked.json", "--found", folder / "found.json")
    call(
        launcher,
        folder,
        "run",
        PROBE,
        *files,
        "--directives",
        ",".join(DIRECTIVES),
        "--settings",
        ",".join(SETTINGS + MORE),
    )
    out: dict[str, list[dict[str, Any]]] = {}
    for (profile, _), found in zip(asked, json.loads((folder / "found.json").read_text()), strict=True):
        out.setdefault(profile, []).append(found)
    return out


@pytest.mark.parametrize("profile", TABLE)
def test_every_process_gets_what_the_documented_table_says(
    resolved: dict[str, list[dict[str, Any]]], profile: str
) -> None:
    executor, queue, gpu_queue, accelerator, machine, options = TABLE[profile]
    given = {"": None, "--queue": "cpus", "--gpu_queue": "gpus"}
    count, _, kind = accelerator.partition(" of ")
    wanted_accelerator = {"limit": int(count), "type": kind} if kind else int(count) if count else None
    for name, got in resolved[profile][0]["processes"].items():
        on_head = name == "PREFLIGHT_CHECK" and executor in ON_HEAD
        assert (got["executor"] or "local") == ("local" if on_head else executor), name
        gpu = name in GPU
        assert got["queue"] == given[gpu_queue if gpu else queue], name
        assert got["accelerator"] == (wanted_accelerator if gpu else None), name
        assert got["machineType"] == ((machine or None) if gpu else None), name
        assert " ".join(filter(None, (got["clusterOptions"], got["containerOptions"]))) == (options if gpu else ""), (
            name
        )


@pytest.mark.parametrize("profile", TABLE)
def test_profile_turns_on_the_engines_that_it_names_and_no_other(
    resolved: dict[str, list[dict[str, Any]]], profile: str
) -> None:
    settings = resolved[profile][0]["settings"]
    for engine in ("docker", "podman", "singularity", "apptainer", "charliecloud"):
        assert bool(settings[f"{engine}.enabled"]) == (engine in profile.split(",")), engine


def test_files_made_in_a_container_belong_to_the_user(resolved: dict[str, list[dict[str, Any]]]) -> None:
    assert resolved["docker"][0]["settings"]["docker.runOptions"] == "-u $(id -u):$(id -g)"
    assert resolved["docker,gpu"][0]["settings"]["docker.runOptions"] == "-u $(id -u):$(id -g)"
    assert resolved["podman"][0]["settings"]["podman.runOptions"] == "-u 0:0"
    assert resolved["k8s"][0]["settings"]["k8s.runAsUser"] == os.getuid()


def test_lost_machines_are_tried_again(resolved: dict[str, list[dict[str, Any]]]) -> None:
    settings = resolved["docker,googlebatch"][0]["settings"]
    assert (settings["google.batch.spot"], settings["google.batch.maxSpotAttempts"]) == (True, 5)
    assert {got["errorStrategy"] for found in resolved.values() for got in found[0]["processes"].values()} == {
        "retry"
    }  # of exit status 137


def test_parameters_reach_the_gpu_tasks(resolved: dict[str, list[dict[str, Any]]]) -> None:
    on_slurm = resolved["docker,slurm,gpu"][0]["processes"]
    assert on_slurm["TRAIN_FIT"]["clusterOptions"] == "--gres=gpu:4 --account=lab"
    assert on_slurm["TRAIN_FIT"]["accelerator"] == 4
    assert on_slurm["SAD_SCORE"]["clusterOptions"] == "--gres=gpu:1 --account=lab"
    assert on_slurm["PEAKS_BIN"]["clusterOptions"] == "--account=lab"
    google = resolved["docker,googlebatch,gpu"][1]["processes"]
    assert google["TRAIN_FIT"]["accelerator"] == {"limit": 2, "type": "nvidia-l4"}
    assert google["SAD_SCORE"]["accelerator"] == {"limit": 1, "type": "nvidia-l4"}
    assert {google[name]["machineType"] for name in GPU} == {"g2-*"}


def test_gpu_tasks_go_to_the_one_queue_where_no_other_is_named(resolved: dict[str, list[dict[str, Any]]]) -> None:
    assert {got["queue"] for got in resolved["slurm,gpu"][0]["processes"].values()} == {"cpus"}


def test_the_machine_limits_tasks_only_where_they_run_on_it(resolved: dict[str, list[dict[str, Any]]]) -> None:
    def most(profile: str, take: int = 0) -> set[int]:
        return {got["resourceLimits"]["cpus"] for got in resolved[profile][take]["processes"].values()}

    assert most("docker") == {len(os.sched_getaffinity(0))}
    assert most("slurm") == most("k8s") == most("docker,googlebatch") == {1024}
    assert most("docker,awsbatch", 1) == {4}


def test_conda_and_charliecloud(resolved: dict[str, list[dict[str, Any]]]) -> None:
    assert resolved["conda"][0]["settings"]["conda.enabled"] is True
    assert resolved["charliecloud"][0]["settings"]["charliecloud.writeFake"] is False


def test_a_stage_has_one_environment_in_every_profile(resolved: dict[str, list[dict[str, Any]]]) -> None:
    images = default_containers()
    for name, (_, own) in MODULES.items():
        got = {profile: resolved[profile][0]["processes"][name] for profile in ("conda", "venv", "docker")}
        assert got["conda"]["conda"] == str(ROOT / "containers" / own / "environment.yml"), name
        assert got["venv"]["beforeScript"] == f"export PATH='{ROOT}/.venvs/{own}/bin':$PATH", name
        assert got["docker"]["container"].endswith(images[own]), name
        assert (got["docker"]["conda"], got["docker"]["beforeScript"]) == (None, None), name


def inspect(launcher: Path, folder: Path, profile: str, *args: object) -> dict[str, str]:
    """Process -> container, of a study that calls nearly every process (LDSC's own LD scores and ISM too)."""
    (folder / "regions.bed").write_text("chr1\t1000\t121000\n")
    more = ("--ld_score_engine", "ldsc", "--regions", folder / "regions.bed", "--ism_logos")
    listed = call(launcher, folder, "inspect", ROOT, "-profile", profile, *more, *args)
    found = json.loads(listed[listed.index("{") : listed.rindex("}") + 1])
    return {
        process["name"].split(":")[-1].replace("TRAIN_TRANSFER", "TRAIN_FIT"): process["container"]
        for process in found["processes"]
    }


def default_containers() -> dict[str, str]:
    block = re.search(r"containers \{\n(.*?)\n    \}", (ROOT / "nextflow.config").read_text(), re.S)
    assert block
    return dict(re.findall(r"(\w+) += '([^']+)'", block[1]))


def test_each_stage_has_a_container_and_swaps_and_a_registry_change_exactly_that(
    launcher: Path, tmp_path: Path
) -> None:
    images = default_containers()
    assert {stage for stage in images if not stage.endswith("_jax")} == {stage for _, stage in MODULES.values()}
    plain = inspect(launcher, tmp_path, "test,docker")
    assert len(plain) > 30
    assert set(plain) <= set(MODULES)
    for name, image in plain.items():
        own = images[MODULES[name][1]]
        assert image == (own if "/" in own else f"ghcr.io/accessiflow/{own}"), name
    cuda = {stage: f"{images[stage]}-jax-gpu" for stage in ("train", "score")}
    swaps = {stage: f"quay.io/me/{stage}:2" for stage in ("peaks", "train_jax", "eqtl")}
    # on GPUs JAX computes: its flavour of a stage is the one that counts
    expected = images | cuda | {stage.removesuffix("_jax"): image for stage, image in swaps.items()}
    given = [word for stage, image in swaps.items() for word in (f"--containers.{stage}", image)]
    changed = inspect(launcher, tmp_path, "test,docker,gpu", "--container_registry", "registry.local/mirror", *given)
    assert set(changed) == set(plain)
    for name, image in changed.items():
        own = expected[MODULES[name][1]]
        assert image == (own if "/" in own else f"registry.local/mirror/{own}"), name
