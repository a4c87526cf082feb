"""The state of a run after an epoch, in one file: a run that was stopped goes on from it and ends with the same bytes.

State: all variables of model and optimizer (statistics of batch normalisation, seeds of dropout and the loss scale
included), the weights kept so far, the random generator and the epochs. A file belongs to one run by its fingerprint:
params, seed, data, initial weights and way of computing.

Disk and memory: 4 bytes a parameter for the weights, their kept copy and each slot of the optimizer.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import atomic
from accessiflow.log import log
from accessiflow.training.history import Epoch

if TYPE_CHECKING:
    import keras

Arrays = list[NDArray[Any]]
DATA_FILES = ("statistics.json", "sequences.bed", "targets.txt")


class State(NamedTuple):
    """What a run needs to go on.

    Attributes:
        variables: Values of all variables of model and optimizer, in their order.
        kept: The weights that the run would keep if it ended here.
        rng: The state of the numpy generator.
        history: The epochs so far.
    """

    variables: Arrays
    kept: Arrays
    rng: dict[str, Any]
    history: list[Epoch]


def fingerprint(facts: dict[str, Any], data_dir: Path, model: keras.Model) -> str:
    """SHA-256 over facts of a run (JSON values), the files that describe its dataset, and a model's present weights."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name in DATA_FILES:
        path = data_dir / name
        # statistics and targets decide the content of the TFRecords, which may be gigabytes: these are not read
        digest.update(path.read_bytes() if path.is_file() else b"")
    for value in model.get_weights():
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


class Checkpoint:
    """The checkpoint file of one run.

    Raises:
        InputError: The path is a folder.
    """

    def __init__(self, path: Path, run: str) -> None:
        if path.is_dir():
            raise InputError("is a folder, expected a checkpoint file or a new name", path)
        self._path, self._run = path, run

    def load(self) -> State | None:
        """The state in the file, if there is one.

        A file that is damaged or of another run gives None, with a warning.
        """
        if not self._path.exists():
            return None
        try:
            # no pickles: a checkpoint that came from elsewhere must not run code
            with open(self._path, "rb") as raw, np.load(raw, allow_pickle=False) as stored:
                facts = json.loads(str(stored["facts"]))
                if facts["run"] != self._run:
                    what = "is the checkpoint of another run (params, seed, data or start differ): not used"
                    log.warning("%s: %s", self._path, what)
                    return None
                variables, kept = (
                    [stored[f"{part}.{i}"] for i in range(facts[part])] for part in ("variables", "kept")
                )
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            log.warning("%s: is no readable checkpoint (%s): training starts over", self._path, error)
            return None
        return State(variables, kept, facts["rng"], [Epoch(**epoch) for epoch in facts["history"]])

    def save(self, state: State) -> None:
        """Replace the file at once: a run stopped in the middle leaves the former one."""
        facts = {
            "run": self._run,
            "rng": state.rng,
            "history": [asdict(epoch) for epoch in state.history],
            "variables": len(state.variables),
            "kept": len(state.kept),
        }
        arrays = _numbered("variables", state.variables) | _numbered("kept", state.kept)
        with atomic(self._path) as temporary, open(temporary, "wb") as out:
            np.savez(out, facts=np.array(json.dumps(facts)), **arrays)

    def remove(self) -> None:
        """Delete the file of a run that has ended."""
        self._path.unlink(missing_ok=True)


def _numbered(part: str, values: Sequence[NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{part}.{i}": value for i, value in enumerate(values)}
