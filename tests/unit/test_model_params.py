"""Params files: every key is honoured or refused by name.

Networks whose lengths and channels do not work out are refused.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from accessiflow.errors import InputError
from accessiflow.model.blocks import BLOCKS
from accessiflow.model.build import build_model
from accessiflow.model.params import BLOCK_DEFAULTS, MODEL, RULES, TRAIN, check_params, load_params

GOOD: dict[str, Any] = {
    "train": {"batch_size": 4},
    "model": {
        "seq_length": 48,
        "batch_norm": True,
        "trunk": [
            {"name": "conv_block", "filters": 5, "kernel_size": 3, "pool_size": 3},
            {
                "name": "conv_tower",
                "filters_init": 5,
                "filters_mult": 1.5,
                "kernel_size": 3,
                "pool_size": 2,
                "repeat": 2,
            },
        ],
        "head_seq": [{"name": "dense", "units": None}],
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """GOOD with one value put at a dotted path (integers index lists)."""
    document = copy.deepcopy(GOOD)
    at: Any = document
    *holders, last = [int(k) if k.isdigit() else k for k in path.split(".")]
    for key in holders:
        at = at[key]
    at[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("train.learning_rat", 0.1, r"train.learning_rat .*learning_rate\?"),
        ("train.learning_rate", "fast", "train.learning_rate"),
        ("train.learning_rate", 0, "train.learning_rate"),
        ("train.momentum", 1.0, "train.momentum"),
        ("train.batch_size", True, "train.batch_size"),
        ("train.patience", -1, "train.patience"),
        ("train.optimizer", ["sgd"], "train.optimizer"),
        ("train.train_epochs_min", 99, "train_epochs_min above"),
        ("train.name", "x", "train.name"),
        ("train.deviation_weight", -1, "train.deviation_weight"),
        ("train.initial_learning_rate", 0.1, "train.initial_learning_rate"),
        ("trian", {}, "section 'trian'"),
        ("model.activation", None, "model.activation"),
        ("model.augment_rc", 1, "model.augment_rc"),
        ("model.augment_shift", 48, "augment_shift"),
        ("model.seq_length", 0, "model.seq_length"),
        ("model.norm_type", "layer", "model.norm_type"),
        ("model.bn_momentum", None, "model.bn_momentum"),
        ("model.trunk", [], "model.trunk"),
        ("model.trunk.0", "conv_block", "known are conv_block"),
        ("model.trunk.0.name", ["conv_block"], "known are conv_block"),
        ("model.trunk.0.dropuot", 0.1, r"dropuot .*dropout\?"),
        ("model.trunk.0.filters", None, r"trunk\[0\].filters"),
        ("model.trunk.0.dropout", "0.1", r"trunk\[0\].dropout"),
        ("model.trunk.0.activation_end", "tanh", r"trunk\[0\].activation_end"),
        ("model.trunk.1.filters", 5, r"trunk\[1\].filters"),
        ("model.head_seq.0.units", 0, r"head_seq\[0\].units"),
        ("model.head_seq", [{"name": "dense", "units": None}] * 2, r"head_seq\[0\]"),
        ("model.head_seq", [{"name": "global_pool"}], "dense block at the end"),
        ("model.trunk.0.residual", True, "residual block of 5 filters on 4 channels"),
        (
            "model.trunk.0",
            {"name": "conv_block", "filters": 4, "stride": 2, "residual": True},
            "residual with a stride",
        ),
        (
            "model.trunk.0",
            {"name": "conv_block", "filters": 4, "stride": 2, "dilation_rate": 2},
            "both stride and dilation_rate",
        ),
        ("model.trunk.0", {"name": "conv_block", "filters": 4, "kernel_size": 49, "padding": "valid"}, "too short"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(path: str, value: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        build_model(check_params(changed(path, value), "p.json").filled(48, 2))


def test_every_rule_names_keys_that_exist() -> None:
    known = set(TRAIN) | set(MODEL) | {key for block in BLOCK_DEFAULTS.values() for key in block}
    assert not {key for keys in RULES for key in keys.split()} - known


def test_every_block_of_the_params_has_a_builder() -> None:
    assert set(BLOCKS) == set(BLOCK_DEFAULTS)


def test_shapes_names_and_rounding_of_a_tower() -> None:
    model = build_model(check_params(GOOD, "p.json").filled(48, 2))
    assert model.output_shape == (None, 4, 2)
    names = [layer.name for layer in model.layers if layer.weights]
    assert names == [
        "conv1d",
        "batch_normalization",
        "conv1d_1",
        "batch_normalization_1",
        "conv1d_2",
        "batch_normalization_2",
        "dense",
    ]
    assert [layer.filters for layer in model.layers if layer.name.startswith("conv1d")] == [
        5,
        5,
        8,
    ]  # round(5 * 1.5) = round half to even


def test_a_stated_value_must_agree_with_the_dataset() -> None:
    params = check_params(changed("model.head_seq.0.units", 3), "p.json")
    assert params.filled(48, 3).num_targets == 3
    with pytest.raises(InputError, match="units of the last layer = 3, the dataset has 2"):
        params.filled(48, 2)
    with pytest.raises(InputError, match="seq_length = 48, the dataset has 96"):
        params.filled(96, 3)


def test_the_document_reads_back_as_the_same_params() -> None:
    params = check_params(changed("train", {"patience": None, "keep": "last", "weight_decay": 0.01}), "p.json").filled(
        48, 2
    )
    again = check_params(json.loads(json.dumps(params.document())), "p.json")
    assert (again.train, again.model) == (params.train, params.model)


def test_contradictory_keys_are_refused() -> None:
    document = changed("model.norm_type", "batch")
    assert check_params(document, "p.json").model["batch_norm"]
    document["model"]["batch_norm"] = False
    with pytest.raises(InputError, match=r"norm_type = batch and model\.batch_norm = false"):
        check_params(document, "p.json")


def test_a_key_without_effect_is_named_and_left_out_of_the_document(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", "accessiflow"):
        params = check_params(changed("train", {"optimizer": "adam", "momentum": 0.98, "adam_beta1": 0.8}), "p.json")
    assert [record.getMessage() for record in caplog.records] == [
        "p.json: train.momentum has no effect with the optimizer adam"
    ]
    train = params.document()["train"]
    assert "momentum" not in train
    assert train["adam_beta1"] == 0.8


def test_a_file_that_is_no_params_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"model": 3}')
    with pytest.raises(InputError, match=r"p\.json: is not a params file"):
        load_params(tmp_path / "p.json")
