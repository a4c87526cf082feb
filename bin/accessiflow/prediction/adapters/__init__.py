"""Adapters: how a model that is no Basenji-type Keras network is loaded and asked (docs/adapters.md).

An adapter is chosen by `--adapter`, or by the key `adapter` of the model's params.json: a name of `ADAPTERS`, or
FILE.py:CLASS, a class of the user's own, whose code is run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_json, require_file

KERAS = "keras"
Loader = Callable[[Path, Path], "Adapter"]


@runtime_checkable
class Adapter(Protocol):
    """A model as the tools see it.

    A class becomes an adapter by these members and by being called with (params file, weights file).

    Attributes:
        seq_length: Length in bp of the windows that it reads.
        output_length: Positions that it predicts.
        num_targets: Tracks that it predicts.
        batch_size: Windows that it is given at once.
    """

    seq_length: int
    output_length: int
    num_targets: int
    batch_size: int

    def predict(self, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions (batch_size, output_length, num_targets) of windows (batch_size, seq_length, 4).

        Unknown bases are 0.25 in every row.
        """
        ...


# imported only when chosen: each adapter needs packages of its own
def _kmer_ridge(params: Path, weights: Path) -> Adapter:
    from accessiflow.model.kmer_ridge import KmerRidge

    return KmerRidge(params, weights)


def _enformer(params: Path, weights: Path) -> Adapter:
    from accessiflow.prediction.adapters.enformer import EnformerAdapter

    return EnformerAdapter(params, weights)


ADAPTERS: dict[str, Loader] = {"kmer_ridge": _kmer_ridge, "enformer": _enformer}


def adapter_of(params_file: Path) -> str:
    """The adapter that a params file names; `keras` where it names none.

    Only the names of `ADAPTERS` are taken from a file: code of one's own is asked for on the command line.
    """
    document = read_json(params_file)
    name = document.get("adapter", KERAS) if isinstance(document, dict) else KERAS
    if name != KERAS and name not in ADAPTERS:
        names = ", ".join([KERAS, *ADAPTERS])
        raise InputError(
            f"names the adapter {name!r} (adapters: {names}; your own: --adapter FILE.py:CLASS)", params_file
        )
    return str(name)


def load_adapter(name: str, params_file: Path, weights: Path) -> Adapter:
    """Load a model through an adapter.

    Raises:
        InputError: There is no such adapter, or its class lacks a member of the protocol.
    """
    loader = ADAPTERS.get(name) or _from_file(name)
    adapter = loader(params_file, weights)
    if not isinstance(adapter, Adapter):
        missing = [m for m in (*Adapter.__annotations__, "predict") if not hasattr(adapter, m)]
        raise InputError(f"--adapter {name}: the class lacks {', '.join(missing)}")
    return adapter


def _from_file(name: str) -> Loader:
    file, colon, cls = name.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise InputError(f"--adapter {name}: expected one of {', '.join([KERAS, *ADAPTERS])}, or FILE.py:CLASS")
    path = require_file(Path(file), "adapter")
    spec = importlib.util.spec_from_file_location(f"accessiflow_adapter_{path.stem}", path)
    # under a name of its own: FILE may be called as a package is, numpy.py
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, cls):
        raise InputError(f"has no class {cls}", path)
    return getattr(module, cls)
