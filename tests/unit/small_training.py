"""A small network, its windows and a dataset folder for the tests of training: 24 bp -> counts of C and G."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accessiflow.dataset.tfrecords import write_records
from accessiflow.files import write_json
from accessiflow.model.params import Params, check_params
from accessiflow.training.batches import FoldArrays

DOCUMENT = {
    "train": {"batch_size": 16, "train_epochs_max": 2, "train_epochs_min": 1, "patience": None, "learning_rate": 0.01},
    "model": {
        "seq_length": 24,
        "augment_rc": True,
        "augment_shift": 2,
        "batch_norm": True,
        "trunk": [{"name": "conv_block", "filters": 4, "kernel_size": 24, "padding": "valid", "dropout": 0.2}],
        "head_seq": [{"name": "dense", "units": None}],
    },
}


def document(**train: object) -> dict:
    """The params document with some keys of train changed."""
    return {"train": DOCUMENT["train"] | train, "model": DOCUMENT["model"]}


def tiny(tracks: int = 2, **train: object) -> Params:
    """Checked params for a number of tracks."""
    return check_params(document(**train), "tiny.json").filled(24, tracks)


def fold(n: int, seed: int) -> FoldArrays:
    """Random windows; the two targets are the numbers of C and G."""
    codes = np.random.default_rng(seed).integers(0, 5, (n, 24), dtype=np.uint8)
    return FoldArrays(codes, np.stack([(codes == 1).sum(1), (codes == 2).sum(1)], 1).astype(np.float32)[:, None])


def write_dataset(folder: Path, train: FoldArrays, valid: FoldArrays) -> Path:
    """A dataset folder of two folds, with tracks A, B, ..."""
    for name, part in (("train", train), ("valid", valid)):
        write_records(folder / "tfrecords" / f"{name}-0.tfr", zip(part.codes, part.targets, strict=True))
    length, positions, tracks = train.shape
    facts = {
        "num_targets": tracks,
        "seq_length": length,
        "target_length": positions,
        "train_seqs": len(train),
        "valid_seqs": len(valid),
    }
    write_json(facts, folder / "statistics.json")
    (folder / "sequences.bed").write_text("chr1\t0\t24\ttrain\n")
    rows = "".join(f"{i}\t{'ABCDEF'[i]}\tsum\t{'ABCDEF'[i]}\n" for i in range(tracks))
    (folder / "targets.txt").write_text(f"\tidentifier\tsum_stat\tdescription\n{rows}")
    return folder
