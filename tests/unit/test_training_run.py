"""A run from files to files: what it writes, where it starts, and what it refuses without leaving anything behind."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from small_training import document, fold, write_dataset

from accessiflow.errors import InputError
from accessiflow.training.batches import FoldArrays
from accessiflow.training.run import TrainingRequest, train_model


@pytest.fixture
def request_(tmp_path: Path) -> TrainingRequest:
    (tmp_path / "params.json").write_text(json.dumps(document()))
    return TrainingRequest(
        tmp_path / "params.json",
        write_dataset(tmp_path / "data", fold(64, 1), fold(32, 2)),
        tmp_path / "out",
        jit=False,
    )


def weights(folder: Path) -> dict[str, np.ndarray]:
    out = {}
    with h5py.File(folder / "model_best.h5") as stored:
        stored.visititems(
            lambda name, entry: out.update({name: entry[()]}) if isinstance(entry, h5py.Dataset) else None
        )
    return out


def test_a_run_writes_its_folder_and_its_scalars(request_: TrainingRequest, tmp_path: Path) -> None:
    history = train_model(replace(request_, tensorboard=tmp_path / "board", log_file=tmp_path / "log.tsv"))
    out = request_.out
    assert sorted(p.name for p in out.iterdir()) == [
        "metrics.json",
        "model_best.h5",
        "params.json",
        "targets.txt",
        "training_curve.tsv",
    ]
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["epochs"] == len(history) == 2
    assert metrics["tracks"] == ["A", "B"]
    assert metrics["tracks_without_signal"] == []
    assert not any("sec" in key for key in metrics)
    assert "seq_per_s" in (tmp_path / "log.tsv").read_text()
    assert "seq_per_s" not in (out / "training_curve.tsv").read_text()
    events = next((tmp_path / "board").glob("events*")).read_bytes()
    assert b"val_pearsonr" in events


def test_one_track_of_a_dataset(request_: TrainingRequest) -> None:
    train_model(replace(request_, tracks=["B"]))
    assert json.loads((request_.out / "metrics.json").read_text())["tracks"] == ["B"]
    assert weights(request_.out)["model_weights/dense/dense/bias:0"].shape == (1,)


def test_a_trunk_goes_on_under_a_new_head(request_: TrainingRequest, tmp_path: Path) -> None:
    train_model(request_)
    base = weights(request_.out)
    frozen, free = (
        replace(
            request_, out=tmp_path / name, init_from=request_.out, freeze_trunk=name == "frozen", tracks=["A"], seed=2
        )
        for name in ("frozen", "free")
    )
    train_model(frozen)
    train_model(replace(free, init_from=request_.out / "model_best.h5"))
    for name, value in weights(frozen.out).items():
        assert name.startswith("model_weights/dense") != np.array_equal(value, base[name]), name
    for name, value in weights(free.out).items():
        assert not np.array_equal(value, base[name]), name


def test_all_weights_can_be_restored(request_: TrainingRequest, tmp_path: Path) -> None:
    train_model(request_)
    (tmp_path / "params.json").write_text(json.dumps(document(learning_rate=1e-30)))
    again = replace(request_, out=tmp_path / "again", restore=request_.out / "model_best.h5", seed=2)
    train_model(again)
    np.testing.assert_array_equal(
        weights(again.out)["model_weights/dense/dense/kernel:0"],
        weights(request_.out)["model_weights/dense/dense/kernel:0"],
    )


def test_a_trunk_of_other_shapes_is_refused_naming_the_layer(request_: TrainingRequest, tmp_path: Path) -> None:
    train_model(request_)
    wider = document()
    wider["model"] = wider["model"] | {"trunk": [wider["model"]["trunk"][0] | {"filters": 5}]}
    (tmp_path / "wider.json").write_text(json.dumps(wider))
    other = replace(request_, params_file=tmp_path / "wider.json", out=tmp_path / "other", init_from=request_.out)
    with pytest.raises(
        InputError,
        match=r"shapes \[\(24, 4, 4\)\] in the layer conv1d, the params describe \[\(24, 4, 5\)\] \(conv1d\)",
    ):
        train_model(other)
    assert not other.out.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"freeze_trunk": True}, "--freeze-trunk would keep random weights"),
        (
            {"restore": Path("a.h5"), "init_from": Path("b.h5")},
            "--restore takes all weights of a model, --init-from its trunk",
        ),
        ({"init_from": Path("nowhere.h5")}, "nowhere.h5: no such HDF5 file"),
        ({"tracks": ["C"]}, "has no track C"),
        ({"gpus": 64}, "--gpus 64: (TensorFlow|JAX) sees"),
        ({"checkpoint": Path(__file__).parent}, "is a folder, expected a checkpoint file"),
    ],
)
def test_options_that_do_not_fit_are_refused(request_: TrainingRequest, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        train_model(replace(request_, **options))
    assert not request_.out.exists()


def test_a_place_that_cannot_be_written_to_is_refused_before_training(request_: TrainingRequest) -> None:
    with pytest.raises(InputError, match=r"cannot be written: .*params\.json is no folder"):
        train_model(replace(request_, out=request_.params_file / "out"))


def test_a_run_that_diverges_leaves_nothing(request_: TrainingRequest, tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text(json.dumps(document(learning_rate=1e30, loss="mse", train_epochs_max=9)))
    with pytest.raises(
        InputError, match=r"diverged: the (training|validation) loss of epoch \d+ is not finite at step \d+"
    ):
        train_model(request_)
    assert not request_.out.exists()


def with_targets(request: TrainingRequest, tmp_path: Path, change) -> TrainingRequest:
    train = fold(64, 1)
    targets = train.targets.copy()
    change(targets)
    return replace(request, data_dir=write_dataset(tmp_path / "changed", FoldArrays(train.codes, targets), fold(32, 2)))


def test_a_target_that_is_no_number_is_refused(request_: TrainingRequest, tmp_path: Path) -> None:
    def change(targets: np.ndarray) -> None:
        targets[6, 0, 1] = np.nan

    with pytest.raises(InputError, match=r"train-0\.tfr:7: has a target that is no finite number"):
        train_model(with_targets(request_, tmp_path, change))


def test_a_track_of_zeros_is_named_and_only_zeros_are_refused(
    request_: TrainingRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def change(targets: np.ndarray) -> None:
        targets[:, :, 1] = 0

    changed = with_targets(request_, tmp_path, change)
    with caplog.at_level("WARNING", "accessiflow"):
        train_model(changed)
    assert "B: 0 in all training windows" in caplog.text
    assert json.loads((request_.out / "metrics.json").read_text())["tracks_without_signal"] == ["B"]
    with pytest.raises(InputError, match="has no signal of B in any training window: nothing to learn"):
        train_model(replace(changed, tracks=["B"]))


def test_a_gpu_that_is_not_there_is_refused(refused_apart, request_: TrainingRequest) -> None:
    says = refused_apart("train", "fit", request_.params_file, request_.data_dir, "-o", request_.out, "--require-gpu")
    assert "--require-gpu: " in says
    assert "sees no GPU here" in says
    assert not request_.out.exists()
