"""A run that was stopped goes on from its last epoch and ends with the same bytes.

A checkpoint that does not belong to it is left alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_training import document, fold, write_dataset

from accessiflow.errors import InputError
from accessiflow.training.checkpoint import Checkpoint, State
from accessiflow.training.history import Epoch
from accessiflow.training.run import TrainingRequest, train_model

RESULTS = ("model_best.h5", "training_curve.tsv", "metrics.json", "params.json", "targets.txt")
KILLED = """
import os, signal, sys
from pathlib import Path
from accessiflow.training import loop, run
save = loop.Checkpoint.save
def save_and_die(self, state):
    save(self, state)
    if len(state.history) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
loop.Checkpoint.save = save_and_die
p, d, o, c = map(Path, sys.argv[1:])
run.train_model(run.TrainingRequest(p, d, o, epochs=5, jit=False, checkpoint=c))
"""


class Stopped(Exception):
    """Stands for what ends a run from outside."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", fold(80, 1), fold(32, 2))


def request_for(tmp_path: Path, data: Path, name: str, train: dict[str, object], **options: object) -> TrainingRequest:
    path = tmp_path / "params.json"
    path.write_text(json.dumps(document(**train)))
    return TrainingRequest(path, data, tmp_path / name, epochs=5, jit=False, **options)


def stop_after(monkeypatch: pytest.MonkeyPatch, epochs: int) -> Callable[[], None]:
    """Let runs end after some epochs' checkpoint, until the function returned is called."""
    save = Checkpoint.save

    def save_and_stop(self: Checkpoint, state: State) -> None:
        save(self, state)
        if len(state.history) == epochs:
            raise Stopped

    monkeypatch.setattr(Checkpoint, "save", save_and_stop)
    return lambda: monkeypatch.setattr(Checkpoint, "save", save)


def same_results(one: Path, other: Path) -> bool:
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in RESULTS)


@pytest.mark.parametrize(
    ("after", "train"),
    [
        (1, {"optimizer": "adam", "augment_per_example": True}),
        (2, {"optimizer": "sgd", "schedule": "cosine", "specificity_sampling": 2.0, "keep": "last"}),
        (5, {"optimizer": "adamw", "weight_decay": 0.01, "clip_norm": 0.5, "learning_rate": 0.05}),
    ],
    ids=["adam", "sgd", "adamw"],
)
def test_a_run_that_goes_on_ends_with_the_same_bytes(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, train: dict[str, object], after: int
) -> None:
    """Dropout, augmentation and batch normalisation are on.

    After the last epoch only the results are left to be written.
    """
    train_model(request_for(tmp_path, data, "whole", train))
    stopped = request_for(tmp_path, data, "stopped", train, checkpoint=tmp_path / "state")
    go_on = stop_after(monkeypatch, after)
    with pytest.raises(Stopped):
        train_model(stopped)
    assert not (tmp_path / "stopped").exists()
    go_on()
    assert [epoch.epoch for epoch in train_model(stopped)] == [1, 2, 3, 4, 5]
    assert same_results(tmp_path / "whole", tmp_path / "stopped")
    assert not (tmp_path / "state").exists()


def test_killed_in_the_middle(tmp_path: Path, data: Path) -> None:
    request = request_for(tmp_path, data, "killed", {}, checkpoint=tmp_path / "state")
    command = [sys.executable, "-c", KILLED, request.params_file, data, request.out, request.checkpoint]
    died = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": ":".join(sys.path)}, capture_output=True, check=False, timeout=600
    )
    assert died.returncode == -9, died.stderr.decode()[-2000:]
    assert not request.out.exists()
    train_model(request)
    train_model(request_for(tmp_path, data, "whole", {}))
    assert same_results(tmp_path / "whole", tmp_path / "killed")


def test_another_run_does_not_go_on_from_it(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    go_on = stop_after(monkeypatch, 1)
    with pytest.raises(Stopped):
        train_model(request_for(tmp_path, data, "first", {}, checkpoint=state))
    go_on()
    with caplog.at_level("WARNING", "accessiflow"):
        train_model(request_for(tmp_path, data, "second", {}, checkpoint=state, seed=2))
    assert "is the checkpoint of another run" in caplog.text
    train_model(request_for(tmp_path, data, "alone", {}, seed=2))
    assert same_results(tmp_path / "second", tmp_path / "alone")


def made_up() -> State:
    epoch = Epoch(1, 1.0, 1.0, 0.5, float("nan"), 0.1, 0.5, 0.2, 0.1, 10.0)
    rng = np.random.default_rng(1).bit_generator.state
    return State([np.arange(6.0, dtype=np.float32), np.array(3)], [np.ones((2, 2), np.float32)], rng, [epoch])


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "state", "run").save(made_up())
    found = Checkpoint(tmp_path / "state", "run").load()
    assert found is not None
    for part in ("variables", "kept"):
        for a, b in zip(getattr(found, part), getattr(made_up(), part), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    assert found.rng == made_up().rng
    assert repr(found.history) == repr(made_up().history)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 0.99])
def test_a_truncated_checkpoint_is_left_alone_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, share: float
) -> None:
    path = tmp_path / "state"
    Checkpoint(path, "run").save(made_up())
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with caplog.at_level("WARNING", "accessiflow"):
        assert Checkpoint(path, "run").load() is None
    assert "no readable checkpoint" in caplog.text


def test_a_folder_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder, expected a checkpoint file"):
        Checkpoint(tmp_path, "run")
