"""A small network with random weights for the tests of prediction and scoring: 64 bp -> 4 positions of 3 tracks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from accessiflow.model.build import build_model
from accessiflow.model.params import load_params
from accessiflow.model.weights import save_weights

L = 64
PARAMS = {
    "train": {},
    "model": {
        "seq_length": L,
        "activation": "gelu",
        "batch_norm": True,
        "trunk": [
            {"name": "conv_block", "filters": 20, "kernel_size": 7, "pool_size": 2},
            {
                "name": "conv_tower",
                "filters_init": 12,
                "filters_mult": 1.3,
                "kernel_size": 5,
                "pool_size": 2,
                "repeat": 2,
            },
            {"name": "conv_block", "filters": 9, "kernel_size": 5, "padding": "valid"},
        ],
        "head_seq": [{"name": "dense", "units": 3, "activation": "softplus"}],
    },
}
TARGETS = "\tidentifier\tsum_stat\tscale\tdescription\n0\tA\tsum\t1\ta\n1\tB\tmean\t2\t\n2\tC\tsum\t0.5\tc\n"


def write_model(folder: Path) -> Path:
    """Write params.json, model_best.h5, targets.txt and genome.fa (chr1 500 bp, chr2 90 bp, tiny 4 bp) to a folder."""
    rng = np.random.default_rng(5)
    (folder / "params.json").write_text(json.dumps(PARAMS))
    network = build_model(load_params(folder / "params.json"))
    for weight in network.weights:
        value = rng.standard_normal(weight.shape)
        if "variance" in weight.path or "gamma" in weight.path:
            weight.assign(1 + 0.2 * np.abs(value))
        else:
            weight.assign(value * (np.prod(weight.shape[:-1]) / 2) ** -0.5 if "kernel" in weight.path else 0.1 * value)
    save_weights(network, folder / "model_best.h5")
    (folder / "targets.txt").write_text(TARGETS)
    sequence = "".join("ACGT"[i] for i in rng.integers(0, 4, 500))
    (folder / "genome.fa").write_text(f">chr1\n{sequence}\n>chr2\n{sequence[:90]}\n>tiny\nACGT\n")
    return folder
