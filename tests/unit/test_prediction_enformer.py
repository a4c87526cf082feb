"""Enformer through its adapter.

A tiny random-weight instance, where the packages are installed (containers/enformer).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from accessiflow.errors import InputError
from accessiflow.prediction.loading import load_predictor

LENGTH = 2048


def test_a_folder_without_the_packages_or_the_model_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "params.json").write_text('{"adapter": "enformer"}')
    (tmp_path / "model.bin").write_text("x")
    with pytest.raises(InputError, match=r"enformer-pytorch|config\.json"):
        load_predictor(tmp_path / "params.json", tmp_path / "model.bin")


def test_a_tiny_enformer_predicts_what_the_package_predicts(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: run in the environment of containers/enformer")
    package = pytest.importorskip(
        "enformer_pytorch", reason="enformer-pytorch is not installed: run in the environment of containers/enformer"
    )
    torch.manual_seed(0)
    sizes = {
        "dim": 48,
        "depth": 1,
        "heads": 2,
        "target_length": 4,
        "output_heads": {"human": 3},
        "dim_divisible_by": 4,
        "num_downsamples": 7,
    }
    model = package.Enformer.from_hparams(**sizes).eval()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text(model.config.to_json_string(use_diff=False))
    (tmp_path / "params.json").write_text(json.dumps({"adapter": "enformer", "seq_length": LENGTH}))
    predictor = load_predictor(tmp_path / "params.json", tmp_path / "pytorch_model.bin")
    codes = np.random.default_rng(0).integers(0, 4, (2, LENGTH), dtype=np.uint8)
    expected = [
        model(torch.nn.functional.one_hot(torch.from_numpy(c.astype(np.int64)), 4).float()[None], head="human")
        .detach()
        .numpy()[0]
        for c in codes
    ]
    np.testing.assert_allclose(predictor.predict(codes), expected, rtol=1e-4, atol=1e-5)
