"""The params JSON (train and model sections) as Basenji reads it: every key is honoured, or refused by name.

Basenji's keys of `train`:
    batch_size, optimizer (sgd, adam; adamw is ours), loss (see training.losses), learning_rate.
    momentum (of sgd), adam_beta1 and adam_beta2 (of adam and adamw).
    clip_norm: the largest norm of each weight's gradient.
    patience (null: no early stop), train_epochs_min, train_epochs_max.
    shuffle_buffer: any value holds, since the windows of the whole fold are shuffled every epoch, as by a buffer that
        is never too small.
    num_gpu: GPUs over which each batch is split (see training.compute).
Basenji's keys of `model`:
    seq_length, augment_rc, augment_shift, activation, batch_norm, bn_momentum, l1_scale, l2_scale.
    norm_type: null or batch; batch needs batch_norm.
    bn_type: standard or sync. The statistics of a batch are always those of the whole batch, however many GPUs
        share it.
    trunk and head_seq: blocks conv_block, conv_tower, dense, global_pool, flatten with the keys of `BLOCK_DEFAULTS`.

Our own keys of `train` keep Basenji's behaviour at their defaults:
    weight_decay: decoupled weight decay.
    schedule: constant, or cosine (a warm-up over a twentieth of the steps, then a cosine down to a hundredth of
        learning_rate).
    augment_per_example: coin and shift are drawn for each window, not for the batch.
    keep: weights of the best epoch by validation Pearson R, or of the last.
    deviation_weight, cosine_weight: objectives for the differences between tracks (see training.losses).
    specificity_sampling: windows in which the tracks differ are drawn more often (see training.sampling).

A key that has no effect beside another (momentum with adam) is named in a warning; keys that contradict each other are
refused. In a preset, `seq_length` and the `units` of the head may be null: they are filled from the dataset.
"""

from __future__ import annotations

import copy
import difflib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accessiflow.errors import InputError
from accessiflow.files import read_json
from accessiflow.log import log

LONGEST_INPUT = 1 << 24  # bp of a window
Rule = tuple[Callable[[Any], bool], str]  # what fits, and its description in a message
TRAIN: dict[str, Any] = {
    "batch_size": 64,
    "shuffle_buffer": None,
    "optimizer": "sgd",
    "loss": "poisson",
    "learning_rate": 0.005,
    "momentum": 0.98,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "clip_norm": None,
    "patience": 3,
    "train_epochs_min": 3,
    "train_epochs_max": 30,
    "num_gpu": 1,
    # ours
    "weight_decay": 0.0,
    "schedule": "constant",
    "augment_per_example": False,
    "keep": "best",
    "deviation_weight": 0.0,
    "cosine_weight": 0.0,
    "specificity_sampling": 0.0,
}
ACROSS_TRACKS = ("deviation_weight", "cosine_weight", "specificity_sampling")
# keys that act only where another key has one of these values
ACTS_WITH = {
    "momentum": ("optimizer", ("sgd",)),
    "adam_beta1": ("optimizer", ("adam", "adamw")),
    "adam_beta2": ("optimizer", ("adam", "adamw")),
}
# Basenji's own reader fails without these, or takes other defaults: they are written even at our defaults
BASENJI_ALWAYS = (
    "batch_size",
    "optimizer",
    "loss",
    "learning_rate",
    "momentum",
    "patience",
    "train_epochs_min",
    "train_epochs_max",
)
MODEL: dict[str, Any] = {
    "seq_length": None,
    "augment_rc": False,
    "augment_shift": 0,
    "activation": "gelu",
    "batch_norm": False,
    "norm_type": None,
    "bn_momentum": 0.9,
    "bn_type": "standard",
    "l2_scale": 0.0,
    "l1_scale": 0.0,
    "trunk": None,
    "head_seq": None,
}
# null in a block: as the section model says
CONV: dict[str, Any] = {
    "filters": None,
    "kernel_size": 1,
    "activation": None,
    "activation_end": None,
    "stride": 1,
    "dilation_rate": 1,
    "l2_scale": None,
    "dropout": 0.0,
    "pool_size": 1,
    "batch_norm": None,
    "bn_momentum": None,
    "padding": "same",
    "residual": False,
}
BLOCK_DEFAULTS: dict[str, dict[str, Any]] = {
    "conv_block": CONV,
    "conv_tower": {k: v for k, v in CONV.items() if k != "filters"}
    | {"filters_init": None, "filters_mult": 1.0, "repeat": 1},
    "dense": {"units": None, "activation": "softplus", "dropout": 0.0, "l2_scale": None},
    "global_pool": {"pool": "mean"},
    "flatten": {},
}
CHOICES = {
    "optimizer": ("sgd", "adam", "adamw"),
    "loss": ("poisson", "mse", "log_mse"),
    "schedule": ("constant", "cosine"),
    "keep": ("best", "last"),
    "activation": ("gelu", "relu", "softplus", "linear", "exp"),
    "activation_end": ("gelu", "relu", "softplus", "linear", "exp"),
    "padding": ("same", "valid"),
    "pool": ("mean", "max"),
    "bn_type": ("standard", "sync"),
    "norm_type": ("batch",),
}


# JSON's true and false are integers in Python: they are no numbers here
def _integer(low: int) -> Rule:
    return (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= low), f"an integer of at least {low}"


def _number(fits: Callable[[float], bool], what: str) -> Rule:
    return (lambda v: isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) and fits(v)), what


# space-separated keys of sections and blocks -> what their values must be; NULLABLE ones may be null too
RULES: dict[str, Rule] = {
    "batch_size shuffle_buffer train_epochs_max num_gpu": _integer(1),
    "seq_length": (lambda v: _integer(1)[0](v) and v <= LONGEST_INPUT, f"an integer from 1 to {LONGEST_INPUT}"),
    "filters filters_init kernel_size repeat pool_size stride dilation_rate units": _integer(1),
    "patience train_epochs_min augment_shift": _integer(0),
    "learning_rate clip_norm filters_mult": _number(lambda v: v > 0, "a positive number"),
    "weight_decay l1_scale l2_scale deviation_weight cosine_weight specificity_sampling": _number(
        lambda v: v >= 0, "a number of at least 0"
    ),
    "momentum adam_beta1 adam_beta2 bn_momentum dropout": _number(lambda v: 0 <= v < 1, "a number in [0, 1)"),
    "augment_rc batch_norm residual augment_per_example": ((lambda v: isinstance(v, bool)), "true or false"),
}
NULLABLE = ("seq_length", "units", "shuffle_buffer", "patience", "clip_norm", "l2_scale", "batch_norm", "bn_momentum")


@dataclass(frozen=True)
class Params:
    """A checked params file.

    Attributes:
        train: The section train, with every key present.
        model: The section model, with every key present, those of the blocks of `trunk` and `head_seq` too.
        source: Where it came from, for messages.
    """

    train: dict[str, Any]
    model: dict[str, Any]
    source: str

    @property
    def seq_length(self) -> int:
        """Model input in bp."""
        return int(self.model["seq_length"])

    @property
    def num_targets(self) -> int:
        """Tracks that the model predicts."""
        return int(self.model["head_seq"][-1]["units"])

    def filled(self, seq_length: int, num_targets: int) -> Params:
        """The same with a null seq_length and null units of the last layer filled in.

        Raises:
            InputError: A stated value contradicts the dataset.
        """
        model = copy.deepcopy(self.model)  # the preset itself stays open for the next dataset
        for name, holder, key, value in (
            ("seq_length", model, "seq_length", seq_length),
            ("units of the last layer", model["head_seq"][-1], "units", num_targets),
        ):
            if holder[key] is None:
                holder[key] = value
            elif holder[key] != value:
                raise InputError(f"states {name} = {holder[key]}, the dataset has {value}", self.source)
        across = [key for key in ACROSS_TRACKS if self.train[key]]
        if across and num_targets == 1:
            raise InputError(
                f"has train.{across[0]}, which compares tracks, and there is one track: leave it out", self.source
            )
        return Params(self.train, model, self.source)

    def document(self) -> dict[str, Any]:
        """The params as a JSON document that Basenji reads too (keys at their defaults left out)."""

        def changed(values: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
            return {k: v for k, v in values.items() if k == "name" or v != defaults.get(k)}

        model = {k: v for k, v in self.model.items() if k not in ("trunk", "head_seq") and v is not None}
        for part in ("trunk", "head_seq"):
            model[part] = [changed(block, BLOCK_DEFAULTS[block["name"]]) for block in self.model[part]]
        train = {k: v for k, v in self.train.items() if v != TRAIN[k] or k in BASENJI_ALWAYS}
        train = {k: v for k, v in train.items() if _acts(k, self.train)}
        return {"train": train, "model": model}


def _acts(key: str, train: dict[str, Any]) -> bool:
    """Whether a key of train has an effect beside the others."""
    other, values = ACTS_WITH.get(key, ("optimizer", CHOICES["optimizer"]))
    return train[other] in values


def load_params(path: Path) -> Params:
    """Read and check a params JSON.

    Raises:
        InputError: The file is no JSON, a key is unknown or missing, a value is out of range, or keys contradict each
            other.
    """
    return check_params(read_json(path), str(path))


def check_params(document: Any, source: str) -> Params:
    """Check a params document (see load_params)."""
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        raise InputError("is not a params file: it needs the sections train and model", source)
    extra = set(document) - {"train", "model"}
    if extra:
        raise InputError(f"has the unknown section {sorted(extra)[0]!r} (sections: train, model)", source)
    train = _section(document.get("train", {}), TRAIN, "train", source)
    model = _section(document["model"], MODEL, "model", source)
    for part in ("trunk", "head_seq"):
        blocks = model[part]
        if not isinstance(blocks, list) or not blocks:
            raise InputError(f"needs a non-empty list of blocks in model.{part}", source)
        model[part] = [_block(block, f"model.{part}[{i}]", source) for i, block in enumerate(blocks)]
    if model["head_seq"][-1]["name"] != "dense":
        raise InputError("needs a dense block at the end of model.head_seq", source)
    _check_values(train, model, source)
    for key in document.get("train", {}):
        if not _acts(key, train):
            log.warning("%s: train.%s has no effect with the optimizer %s", source, key, train["optimizer"])
    return Params(train, model, source)


def tower_blocks(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The conv_blocks that a conv_tower stands for."""
    shared = {k: v for k, v in block.items() if k not in ("name", "filters_init", "filters_mult", "repeat")}
    return [
        {"name": "conv_block"} | shared | {"filters": round(block["filters_init"] * block["filters_mult"] ** i)}
        for i in range(block["repeat"])
    ]


def _section(given: Any, defaults: dict[str, Any], where: str, source: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InputError(f"needs an object in {where}", source)
    for key in given:
        if key not in defaults and not (key == "name" and defaults in BLOCK_DEFAULTS.values()):
            near = difflib.get_close_matches(key, list(defaults), 1, 0.5)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise InputError(f"has the unknown key {where}.{key}{hint}", source)
    values = copy.deepcopy(defaults) | given  # a copy: defaults are shared by all models of a process
    for key, allowed in CHOICES.items():
        # null stands for "as the model says" where null is the default
        open_value = key in defaults and values[key] is None and defaults[key] is None
        if key in defaults and values[key] not in allowed and not open_value:
            raise InputError(f"has {where}.{key} = {values[key]!r}, expected one of {', '.join(allowed)}", source)
    for keys, (fits, what) in RULES.items():
        for key in keys.split():
            if key in defaults and not fits(values[key]) and not (values[key] is None and key in NULLABLE):
                raise InputError(f"needs {what} in {where}.{key}, found {values[key]!r}", source)
    return values


def _block(given: Any, where: str, source: str) -> dict[str, Any]:
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or name not in BLOCK_DEFAULTS:
        raise InputError(f"has the block {name!r} at {where}, known are {', '.join(BLOCK_DEFAULTS)}", source)
    return _section(given, BLOCK_DEFAULTS[name], where, source)


def _check_values(train: dict[str, Any], model: dict[str, Any], source: str) -> None:
    if train["train_epochs_min"] > train["train_epochs_max"]:
        raise InputError("has train_epochs_min above train_epochs_max", source)
    if model["seq_length"] is not None and model["augment_shift"] >= model["seq_length"]:
        raise InputError(f"has model.augment_shift = {model['augment_shift']}, as long as model.seq_length", source)
    if model["norm_type"] == "batch" and not model["batch_norm"]:
        raise InputError(
            "has model.norm_type = batch and model.batch_norm = false: set batch_norm to true or leave norm_type out",
            source,
        )
    for key in ("batch_norm", "bn_momentum", "l2_scale"):
        if model[key] is None:
            raise InputError(f"needs a value in model.{key}, found None", source)
    for part in ("trunk", "head_seq"):
        for i, block in enumerate(model[part]):
            if "units" in block and block["units"] is None and block is not model["head_seq"][-1]:
                raise InputError(
                    f"needs units in model.{part}[{i}]: only the last layer takes them from the dataset", source
                )
            if block.get("residual") and (block["stride"] > 1 or block["padding"] == "valid"):
                raise InputError(
                    f"has model.{part}[{i}] residual with a stride or valid padding: nothing of equal length to add",
                    source,
                )
            if block.get("stride", 1) > 1 and block["dilation_rate"] > 1:
                raise InputError(f"has model.{part}[{i}] with both stride and dilation_rate above 1", source)
