"""The presets that come with the pipeline, and which epoch's weights a run keeps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from accessiflow.errors import InputError
from accessiflow.model.build import build_model
from accessiflow.model.params import Params, check_params, load_params
from accessiflow.training.batches import FoldArrays
from accessiflow.training.compute import Compute
from accessiflow.training.history import Epoch, finished, kept_epoch
from accessiflow.training.loop import fit

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "presets"
PRESETS = sorted(
    path for path in FOLDER.glob("*.json") if "adapter" not in json.loads(path.read_text())
)  # those of networks
TINY = {
    "train": {"batch_size": 8, "train_epochs_max": 3, "train_epochs_min": 3, "patience": None},
    "model": {
        "seq_length": 16,
        "trunk": [{"name": "conv_block", "filters": 2, "kernel_size": 16, "padding": "valid"}],
        "head_seq": [{"name": "dense", "units": 1, "activation": "exp"}],
    },
}


def epoch(number: int, val_pearsonr: float) -> Epoch:
    return Epoch(number, 1.0, 1.0, 0.5, 0.5, 0.1, 0.5, val_pearsonr, 0.1, 10.0)


def tiny(**train: object) -> Params:
    params = check_params(TINY, "tiny.json")
    return replace(params, train=params.train | train)


@pytest.mark.parametrize("path", [path for path in PRESETS if not path.stem.startswith("basset")], ids=lambda p: p.stem)
def test_a_preset_predicts_one_value_a_track(path: Path) -> None:
    params = load_params(path)
    params = params.filled(
        params.seq_length if params.model["seq_length"] else 1344,
        10 if params.model["head_seq"][-1]["units"] is None else params.num_targets,
    )
    assert build_model(params).output_shape == (None, 1, params.num_targets)


def test_kept_is_the_first_best_or_the_last_epoch() -> None:
    history = [epoch(1, 0.2), epoch(2, 0.6), epoch(3, 0.6), epoch(4, 0.1)]
    assert kept_epoch(history, tiny()).epoch == 2
    assert kept_epoch(history, tiny(keep="last")).epoch == 4


@pytest.mark.parametrize(
    ("preset", "loeb", "calderon"),
    [
        ("basset", 5_849_356, 5_862_429),
        ("basset_2x", 11_758_834, 11_784_793),
        ("basset_4x", 23_434_020, 23_459_979),
        ("basset_8x", 48_430_974, 48_483_215),
    ],
)
def test_the_networks_of_the_paper_have_their_size(preset: str, loeb: int, calderon: int) -> None:
    """For 10 and 27 tracks, which differ in the last layer alone."""
    model = build_model(load_params(FOLDER / f"{preset}.json").filled(1344, 10))
    assert model.output_shape == (None, 1, 10)
    assert model.count_params() == loeb
    width = model.get_layer("dense").kernel.shape[0]
    assert loeb + 17 * (width + 1) == calderon


def test_the_single_task_network_of_the_paper() -> None:
    params = load_params(FOLDER / "basset_single.json").filled(1344, 1)
    assert build_model(params).count_params() == 5_842_435
    baseline = load_params(FOLDER / "basset.json").train
    assert params.train == baseline | {"learning_rate": 0.0005}


def test_the_presets_of_the_demo_differ_in_what_their_names_say() -> None:
    demo = load_params(FOLDER / "demo.json").filled(384, 6)
    sizes = {
        name: build_model(load_params(FOLDER / f"{name}.json").filled(384, 6)).count_params()
        for name in ("demo", "demo_2x")
    }
    assert 1.9 < sizes["demo_2x"] / sizes["demo"] < 2.1
    for name, key in (
        ("demo_deviation", "deviation_weight"),
        ("demo_cosine", "cosine_weight"),
        ("demo_sampling", "specificity_sampling"),
    ):
        other = load_params(FOLDER / f"{name}.json").filled(384, 6)
        assert other.model == demo.model
        assert {k for k in demo.train if demo.train[k] != other.train[k]} == {key}


@pytest.mark.parametrize("name", ["basset_single", "demo_single"])
def test_a_single_task_preset_refuses_several_tracks(name: str) -> None:
    params = load_params(FOLDER / f"{name}.json")
    with pytest.raises(InputError, match="units of the last layer = 1, the dataset has 6"):
        params.filled(params.seq_length, 6)


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_model_ends_with_the_weights_of_the_kept_epoch(keep: str) -> None:
    """Validation targets opposite to those of training: accuracy falls from epoch to epoch."""
    codes = np.random.default_rng(1).integers(0, 4, (64, 16), dtype=np.uint8)
    y = 1 + (codes == 2).mean(axis=1, dtype=np.float32)[:, None, None]
    params = tiny(keep=keep)
    keras.utils.set_random_seed(3)
    model, after = build_model(params), []
    history = fit(
        model,
        params,
        FoldArrays(codes, y),
        FoldArrays(codes, 3 - y),
        1,
        compute=Compute(jit=False),
        on_epoch=lambda _: after.append(model.get_weights()[0]),
    )
    chosen = kept_epoch(history, params).epoch
    assert chosen == 3 if keep == "last" else chosen < 3
    np.testing.assert_array_equal(model.get_weights()[0], after[chosen - 1])
    assert not np.array_equal(after[0], after[2])


@pytest.mark.parametrize(
    ("scores", "train", "epochs", "ends"),
    [
        ([0.1, 0.2, 0.3], {"train_epochs_max": 3, "patience": 1}, None, 3),
        ([0.3, 0.2, 0.1, 0.1, 0.1], {"train_epochs_max": 9, "train_epochs_min": 3, "patience": 1}, None, 4),
        ([0.3, 0.2, 0.4, 0.1, 0.1], {"train_epochs_max": 9, "train_epochs_min": 0, "patience": 2}, None, 5),
        ([0.3, 0.3, 0.3], {"train_epochs_max": 9, "train_epochs_min": 0, "patience": 2}, None, 3),
        ([0.3, 0.2, 0.1, 0.1], {"train_epochs_max": 9, "train_epochs_min": 0, "patience": None}, None, None),
        ([0.3, 0.2, 0.1, 0.1], {"train_epochs_max": 2, "train_epochs_min": 0, "patience": 1}, 4, 4),
        ([math.nan, math.nan, math.nan], {"train_epochs_max": 9, "train_epochs_min": 0, "patience": 2}, None, 3),
    ],
)
def test_a_run_ends_by_the_rules_of_basenji(
    scores: list[float], train: dict[str, object], epochs: int | None, ends: int | None
) -> None:
    history = [epoch(i, score) for i, score in enumerate(scores, 1)]
    stops = [n for n in range(1, len(history) + 1) if finished(history[:n], tiny(**train), epochs)]
    assert (stops[0] if stops else None) == ends


def test_an_unknown_choice_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"train\.keep = 'first', expected one of best, last"):
        check_params(TINY | {"train": {"keep": "first"}}, "x.json")


def test_keep_is_written_only_where_it_is_not_the_default() -> None:
    assert "keep" not in tiny().document()["train"]
    assert tiny(keep="last").document()["train"]["keep"] == "last"
