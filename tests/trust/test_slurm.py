"""A real scheduler.

The study on two SLURM nodes (scripts/slurm_lab.sh up), with its faults: memory, a lost node, a lost head.

Skipped, with the reason, where no such cluster is up; nothing is installed from here.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_run import ROOT, Run, differences, kill

LAB = Path(os.environ.get("SLURM_LAB", "/tmp/slurm-lab"))
CPUS = int(os.environ.get("SLURM_LAB_CPUS", "2"))  # of each node
PROFILE, PARTITIONS = (
    "test,venv,slurm",
    ("--queue", "main", "--gpu_queue", "gpu", "--max_cpus", CPUS, "--max_memory", "10.GB"),
)
pytestmark = [pytest.mark.nextflow, pytest.mark.slow, pytest.mark.xdist_group("slurm")]
# a lab answers at once, a cluster does not
IMPATIENT = (
    "executor { pollInterval = '1 sec'; queueStatInterval = '2 sec'; exitReadTimeout = '5 sec'; "
    "submitRateLimit = null }\n"
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two nodes; SLURM's programs find them, Nextflow's among them."""
    if shutil.which("sinfo") is None or not (LAB / "run").is_dir():
        pytest.skip("no SLURM lab is up: scripts/slurm_lab.sh up brings one (Debian packages, root)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(LAB / "etc" / "slurm.conf"))
        slurm("scontrol", "show", "nodes")
        yield


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def jobs() -> list[dict[str, str]]:
    """All ended jobs, none at first: JobState, Partition, NodeList, Name, WorkDir..."""
    record = LAB / "log" / "jobs.txt"
    return (
        [dict(re.findall(r"(\w+)=(\S*)", line)) for line in record.read_text().splitlines()] if record.exists() else []
    )


def recorded(job: str) -> dict[str, str]:
    """How a job ended; SLURM may write down that its node failed after the job that took its place has ended."""
    limit = time.monotonic() + 90
    while True:
        if found := [row for row in jobs() if row["JobId"] == job]:
            return found[0]
        assert time.monotonic() < limit, f"no end of job {job} in {LAB / 'log' / 'jobs.txt'}: {jobs()[-4:]}"
        time.sleep(0.5)


def settings(folder: Path, *more: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "lab.config"
    path.write_text(IMPATIENT + "".join(more))
    return path


def resumed(undisturbed: Run, folder: Path, *args: object, profile: str = PROFILE) -> Run:
    """A run that goes on from the undisturbed one's cache, with a work folder of its own."""
    shutil.copytree(
        undisturbed.folder, folder, symlinks=True, ignore=shutil.ignore_patterns("work", "results", "run.log")
    )
    return Run(folder, *args, profile=profile)


def test_whole_study_with_too_little_memory_and_a_lost_head(
    cluster: None, undisturbed_later: Callable[[], Run], tmp_path: Path, evidence
) -> None:
    before = len(jobs())
    config = settings(tmp_path, "process { withName: EVALUATE_SEQUENCE { memory = { 80.MB * task.attempt } } }\n")
    run = Run(tmp_path, "-c", config, *PARTITIONS, profile=PROFILE)
    head = run.start()
    assert run.wait_for_tasks(head, 25)
    kill(head, signal.SIGKILL)
    printed = run.log.read_text()
    run.finish("-resume")
    printed += run.printed()
    done = jobs()[before:]
    partitions = {
        name: {job["Partition"] for job in done if name in job["Name"]}
        for name in ("TRAIN_FIT", "SAD_SCORE", "PEAKS_BIN")
    }
    assert partitions == {"TRAIN_FIT": {"gpu"}, "SAD_SCORE": {"gpu"}, "PEAKS_BIN": {"main"}}
    assert {job["NodeList"] for job in done} == {"n1", "n2"}
    assert re.search(r"EVALUATE_SEQUENCE.*terminated .*-- Execution is retried \(1\)", printed), printed[-5000:]
    if (LAB / "etc" / "cgroup.conf").exists():  # else SLURM itself kills the job, and no exit status is left
        assert re.search(r"EVALUATE_SEQUENCE.*terminated with an error exit status \(137\)", printed), printed[-5000:]
        assert [job["JobState"] for job in done].count("OUT_OF_MEMORY") >= 1
    wrong = differences(run.results(), undisturbed_later().results())
    evidence(
        "slurm",
        what="whole test study, a task over its memory (137, retried with twice as much), head killed",
        jobs=len(done),
        differ=len(wrong),
    )
    assert wrong == []


@pytest.mark.trust
def test_the_demo(cluster: None, demo: Run, tmp_path: Path, evidence) -> None:
    before = len(jobs())
    run = Run(tmp_path, "-c", settings(tmp_path), *PARTITIONS, profile="demo,venv,slurm")
    run.finish()
    done = jobs()[before:]
    assert {job["NodeList"] for job in done} == {"n1", "n2"}
    assert {job["Partition"] for job in done if "TRAIN_FIT" in job["Name"]} == {"gpu"}
    wrong = differences(run.results(), demo.results())
    evidence("slurm", what="the demo", jobs=len(done), differ=len(wrong))
    assert wrong == []


def test_a_node_lost_in_the_middle_of_a_training(cluster: None, undisturbed: Run, tmp_path: Path, evidence) -> None:
    """The training goes on elsewhere from its last epoch, and ends where an undisturbed one ends."""
    longer = ("--stages", "train", "--epochs", 12)
    alone = resumed(undisturbed, tmp_path / "alone", *longer, "--max_cpus", CPUS, profile="test,venv")
    run = resumed(undisturbed, tmp_path / "run", "-c", settings(tmp_path), *PARTITIONS, *longer)
    head = run.start("-resume")
    assert run.wait_until(head, lambda: any((run.folder / "work" / "checkpoints").glob("*/demo.h5"))), run.printed()[
        -3000:
    ]
    node, job = slurm("squeue", "-h", "-t", "R", "-p", "gpu", "-o", "%N %i").split()[:2]
    lose(node)
    code = head.wait(timeout=1500)
    subprocess.run([ROOT / "scripts" / "slurm_lab.sh", "node", node], check=True, capture_output=True)
    assert code == 0, run.printed()[-5000:]
    lost = recorded(job)
    again = next(row for row in jobs() if "TRAIN_FIT" in row["Name"] and int(row["JobId"]) > int(job))
    assert (lost["JobState"], lost["NodeList"]) == ("NODE_FAIL", node), lost
    assert (again["JobState"], again["NodeList"]) == ("COMPLETED", "n2" if node == "n1" else "n1"), again
    assert any("goes on" in log.read_text() for log in Path(again["WorkDir"]).glob(".command.err")), again["WorkDir"]
    alone.finish("-resume")
    wrong = differences(run.results(), alone.results())
    evidence(
        "slurm",
        what=f"node {node} lost during training: goes on from its checkpoint on {again['NodeList']}",
        jobs=2,
        differ=len(wrong),
    )
    assert wrong == []
    assert "models/demo/model_best.h5" in alone.results()


def lose(node: str) -> None:
    """Kill a node's daemons and then all that runs under them, so that nobody is left to report it: a power cut."""
    daemon = int((LAB / "run" / f"slurmd-{node}.pid").read_text())
    running = slurm("squeue", "-h", "-w", node, "-o", "slurmstepd: [%i.").splitlines()
    steps = [pid for pid, _, command in processes() if command.startswith(tuple(running))]
    family = set(steps)
    while more := {pid for pid, parent, _ in processes() if parent in family} - family:
        family |= more
    for pid in (daemon, *steps, *family.difference(steps)):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def processes() -> list[tuple[int, int, str]]:
    """(pid, parent, command line) of every process."""
    listed = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [
        (int(pid), int(parent), command)
        for pid, parent, command in (line.split(None, 2) for line in listed if len(line.split(None, 2)) == 3)
    ]
