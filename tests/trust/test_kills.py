"""Heads and tasks killed, disks that fill, folders that cannot be written.

With -resume the results are those of an undisturbed run, byte for byte.

Every series of faults is drawn from a seed and placed by the progress of the run (how many tasks it has submitted), not
by the clock.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_disk import small_disk
from whole_run import Run, differences, kill, processes_in

pytestmark = [pytest.mark.nextflow, pytest.mark.slow]


def test_every_stage_gives_its_results(undisturbed: Run) -> None:
    results = undisturbed.results()
    for name in (
        "peaks/peaks.h5ad",
        "models/demo/model_best.h5",
        "predictions/demo/preds.h5",
        "evaluation/demo.specificity.tsv",
        "variants/demo/study/sad.h5",
        "heritability/heritability.tsv",
        "truth/summary.tsv",
        "igv_session.xml",
        "report.html",
    ):
        assert name in results, name
    assert "http://cdn" not in (undisturbed.folder / "results/report.html").read_text()


def kill_heads(run: Run, points: int, seed: int, record: Callable[..., None]) -> int:
    """Start and kill the head up to `points` times, each time some tasks later; returns the number of kills.

    In turn: head and tasks with SIGKILL; the head alone with SIGKILL (its tasks run on as orphans); the head with
    SIGTERM.
    """
    rng = random.Random(seed)
    kinds = [(signal.SIGKILL, True), (signal.SIGKILL, False), (signal.SIGTERM, False)]
    for point in range(points):
        what, tasks_too = kinds[point % len(kinds)]
        more, delay = (
            rng.randint(3, 12),
            rng.uniform(0, 3),
        )  # what was under way is done again: 14 points of the 105 tasks reach to the end
        head = run.start("-resume")
        if not run.wait_for_tasks(head, more + 1):
            return point
        time.sleep(delay)
        if head.poll() is not None:
            return point
        kill(head, what, tasks_too)
        last = run.submitted()[-1][1]
        record(
            fault=f"{what.name} head" + (" and tasks" if tasks_too else ""),
            where=f"{len(run.submitted())} tasks after the start, in {last}",
        )
        time.sleep(1)
    return points


def test_heads_killed_and_resumed_give_the_same_bytes(undisturbed_later: Callable[[], Run], tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert kill_heads(run, 3, seed=5, record=lambda **_: None) == 3
    run.finish("-resume")
    assert differences(run.results(), undisturbed_later().results()) == []


def test_a_result_left_half_copied_is_whole_after_resuming(undisturbed: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(undisturbed.folder, folder, symlinks=True)
    run, whole = Run(folder, "-work-dir", undisturbed.folder / "work"), undisturbed.results()
    for name in ("peaks/peaks.h5ad", "models/demo/model_best.h5", "evaluation/demo.specificity.tsv"):
        path = folder / "results" / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (folder / "results/variants/demo/study/sad.h5").unlink()
    printed = run.finish("-resume")
    assert "Submitted process > MODELS" not in printed
    assert differences(run.results(), whole) == []


@pytest.mark.trust
def test_heads_killed_many_times(undisturbed: Run, tmp_path: Path, evidence) -> None:
    run = Run(tmp_path)
    killed = kill_heads(run, 14, seed=19, record=lambda **row: evidence("kills", **row))
    assert killed >= 10
    run.finish("-resume")
    wrong = differences(run.results(), undisturbed.results())
    evidence(
        "kills",
        fault=f"({killed} kills of the head)",
        where=f"resumed to the end: {len(wrong)} of {len(undisturbed.results())} files differ",
    )
    assert wrong == []


@pytest.mark.trust
def test_tasks_killed_are_tried_again(undisturbed: Run, tmp_path: Path, evidence) -> None:
    """No -resume: the pipeline's own retries have to do."""
    rng, run = random.Random(23), Run(tmp_path)
    head, seen, hit = run.start(), set(), []
    while len(hit) < 12 and run.wait_until(head, lambda: any(task not in seen for task, _ in run.submitted())):
        task, process = next((task, process) for task, process in reversed(run.submitted()) if task not in seen)
        seen.add(task)
        limit = time.monotonic() + 5
        while process not in hit and time.monotonic() < limit and not scripts_of(run, task):
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 0.4))
        what = signal.SIGKILL if len(hit) % 2 else signal.SIGTERM
        if process not in hit and strike(scripts_of(run, task), what):
            hit.append(process)
            evidence("kills", fault=f"{what.name} task", where=process)
    assert head.wait(timeout=1500) == 0, run.printed()[-6000:]
    assert len(hit) >= 8
    assert run.printed().count("Execution is retried") >= len(hit) - 1  # one may have ended by itself just before
    wrong = differences(run.results(), undisturbed.results())
    evidence(
        "kills",
        fault=f"({len(hit)} kills of tasks)",
        where=f"to the end without -resume: {len(wrong)} of {len(undisturbed.results())} files differ",
    )
    assert wrong == []


def scripts_of(run: Run, task: str) -> list[int]:
    """Python processes of a task, the youngest last."""
    folder = next((run.folder / "work").glob(f"{task}*"), None)
    return [pid for pid in processes_in(folder.resolve()) if is_python(pid)] if folder else []


def strike(victims: list[int], what: signal.Signals) -> bool:
    """Whether a signal met the youngest."""
    try:
        os.kill(victims[-1], what)
    except (IndexError, ProcessLookupError):
        return False
    return True


def is_python(pid: int) -> bool:
    try:
        return b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has just ended
        return False


def early(undisturbed: Run) -> dict[str, str]:
    """The results that `--stages evaluate` gives, too."""
    return {
        name: digest
        for name, digest in undisturbed.results().items()
        if name.startswith(("peaks/", "models/", "predictions/", "evaluation/"))
    }


@pytest.mark.trust
def test_a_full_disk_stops_the_run_and_space_lets_it_go_on(undisturbed: Run, tmp_path: Path, evidence) -> None:
    run, said = Run(tmp_path / "run", "-work-dir", tmp_path / "disk", "--stages", "evaluate"), []
    with small_disk(tmp_path / "disk", 4) as remount:
        for megabytes in (3, 6, 9, 12):
            remount(f"size={megabytes}m")
            head = run.start("-resume")
            assert head.wait(timeout=1500) != 0
            said.append("No space left on device" in run.printed())
            evidence(
                "kills",
                fault=f"work folder full at {megabytes} MB",
                where=(run.submitted() or [("", "the start")])[-1][1],
            )
        assert any(said), run.printed()[-3000:]  # where there is no room for a sentence, none is left
        remount("size=4g")
        run.finish("-resume")
        assert differences(run.results(), early(undisturbed)) == []


@pytest.mark.trust
def test_results_that_cannot_be_written_stop_the_run_and_resuming_completes_them(
    undisturbed: Run, tmp_path: Path, evidence
) -> None:
    run = Run(tmp_path, "--stages", "evaluate")
    with small_disk(tmp_path / "results", 1) as remount:
        for options, fault in (
            ("size=1m,rw", "results folder full at 1 MB"),
            ("size=1m,ro", "results folder read-only"),
        ):
            remount(options)
            assert run.start("-resume").wait(timeout=1500) != 0
            evidence("kills", fault=fault, where=(run.submitted() or [("", "the start")])[-1][1])
        remount("size=4g,rw")
        head = run.start("-resume")
        assert run.wait_for_tasks(head, 3)
        with small_disk(
            tmp_path / "results" / "models", 1
        ) as remount_part:  # the whole is never idle: Nextflow writes its trace there
            remount_part("size=1m,ro")
            assert head.wait(timeout=1500) != 0
            evidence("kills", fault="a folder of the results read-only in the middle", where=run.submitted()[-1][1])
        run.finish("-resume")
        assert differences(run.results(), early(undisturbed)) == []
