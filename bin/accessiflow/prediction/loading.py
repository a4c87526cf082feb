"""From a params JSON and a weights file to a predictor: the adapter a model needs, and the engine that computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.errors import InputError
from accessiflow.log import log, note
from accessiflow.model.device import BACKENDS, gpu_at_hand, start
from accessiflow.model.params import Params, load_params
from accessiflow.prediction import native
from accessiflow.prediction.adapters import KERAS, adapter_of, load_adapter
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.native import NativePredictor
from accessiflow.prediction.predictor import AdaptedPredictor, KerasPredictor, Predictor, SideBySide
from accessiflow.prediction.tracks import read_tracks
from accessiflow.restart import PartFile, fingerprint

if TYPE_CHECKING:
    import pandas as pd

ENGINES = ("auto", "native", *BACKENDS)
MODEL_FILES = ("params.json", "model_best.h5", "targets.txt")  # of a trained model's folder


class TrackPredictor(NamedTuple):
    """A model that is ready to predict tracks.

    Attributes:
        predictor: The model.
        ensemble: What it averages over.
        tracks: The tracks, in the order of the predictions, with the columns identifier and description.
    """

    predictor: Predictor
    ensemble: Ensemble
    tracks: pd.DataFrame

    def part_file(
        self, path: Path | None, files: Sequence[Path], fasta: Path, request: Mapping[str, object]
    ) -> PartFile | None:
        """The part file of some work with this model, where one is asked for.

        Args:
            path: The part file, or None.
            files: Files whose content decides the result, beside the genome.
            fasta: The genome, which counts by its size alone: hashing it would take longer than many a shard.
            request: What else decides the result.
        """
        if path is None:
            return None
        views = {"rc": self.ensemble.rc, "shifts": list(self.ensemble.shifts)}
        facts = {"engine": self.predictor.engine, **views, "genome": fasta.stat().st_size}
        return PartFile(path, fingerprint(files, facts | dict(request)))


def load_tracks(
    params_file: Path,
    weights: Path,
    targets: Path,
    ensemble: Ensemble,
    adapter: str = "",
    engine: str = "auto",
    threads: int = 1,
    require_gpu: bool = False,
    backend: str = "",
) -> TrackPredictor:
    """A predictor of the tracks of a targets table (see load_predictor and read_tracks)."""
    predictor = load_predictor(params_file, weights, adapter, engine, threads, require_gpu, backend)
    return TrackPredictor(predictor, ensemble, read_tracks(targets, predictor))


def load_beside(
    first: TrackPredictor,
    folders: Sequence[Path],
    engine: str = "auto",
    threads: int = 1,
    require_gpu: bool = False,
    backend: str = "",
) -> TrackPredictor:
    """A model with further ones beside it: single-task models as one of all their tracks.

    Args:
        first: the model whose tracks come first.
        folders: those of the further models, each with MODEL_FILES.
        engine, threads, require_gpu, backend: as of `load_predictor`.

    Raises:
        InputError: what `load_tracks` raises, a model reads other windows than the first, or a track comes twice.
    """
    import pandas as pd

    members = [first]
    for folder in folders:
        params, weights, targets = (folder / name for name in MODEL_FILES)
        found = load_tracks(params, weights, targets, first.ensemble, "", engine, threads, require_gpu, backend)
        lengths = [(one.predictor.seq_length, one.predictor.output_length) for one in (first, found)]
        if lengths[0] != lengths[1]:
            raise InputError(
                f"reads {lengths[1][0]} bp and predicts {lengths[1][1]} position(s), the first model {lengths[0][0]} "
                f"and {lengths[0][1]}: models side by side have the same windows",
                params,
            )
        members.append(found)
    if len(members) == 1:
        return first
    tracks = pd.concat([one.tracks[["identifier", "description"]] for one in members], ignore_index=True)
    twice = tracks["identifier"][tracks["identifier"].duplicated()]
    if len(twice):
        raise InputError(f"the track {twice.iloc[0]} is in two of the models", folders[-1])
    return TrackPredictor(SideBySide([one.predictor for one in members]), first.ensemble, tracks)


def load_predictor(
    params_file: Path,
    weights: Path,
    adapter: str = "",
    engine: str = "auto",
    threads: int = 1,
    require_gpu: bool = False,
    backend: str = "",
) -> Predictor:
    """A predictor from a params JSON and a weights file.

    Args:
        params_file: The params JSON beside the trained weights.
        weights: The weights file.
        adapter: How to read and run the model (prediction/adapters); default: what the params say, else a Keras
            network.
        engine: native (compiled, CPU), tensorflow or jax, or auto: a framework on a GPU, else native, else the
            framework on the CPU.
        threads: CPU threads.
        require_gpu: Refuse to run on a CPU.
        backend: The framework, where one computes (model.device.chosen_backend).

    Raises:
        InputError: The params leave seq_length or the number of tracks open, the weights do not fit, there is no such
            adapter, the native engine is asked for and cannot run the network, or a GPU is required and there is none.
    """
    if engine not in ENGINES:
        raise InputError(f"--engine {engine}: expected one of {', '.join(ENGINES)}")
    name = adapter or adapter_of(params_file)
    if name != KERAS:
        if engine == "native":
            raise InputError(f"--engine native: the model runs through the adapter {name}")
        predictor: Predictor = AdaptedPredictor(load_adapter(name, params_file, weights), name)
    else:
        if engine in BACKENDS:
            if backend not in ("", engine):
                raise InputError(f"--engine {engine} and --backend {backend} contradict each other: give one of them")
            backend = engine
        predictor = _network(_closed(params_file), weights, engine, threads, require_gpu, backend)
    log.info("engine: %s; %d thread(s)", predictor.engine, threads)
    return predictor


def _network(params: Params, weights: Path, engine: str, threads: int, require_gpu: bool, backend: str) -> Predictor:
    unavailable = native.unavailable(params) if engine not in BACKENDS else ""
    if engine == "native":
        if unavailable or require_gpu:
            reason = unavailable or "--require-gpu needs tensorflow or jax"
            raise InputError(f"--engine native: {reason}; use auto, tensorflow or jax")
        return _native(params, weights, threads)
    # decided without a framework where that is possible: its import alone takes seconds
    if engine == "auto" and not require_gpu and not unavailable and not gpu_at_hand():
        return _native(params, weights, threads)
    device = start(threads, require_gpu, backend=backend)
    if unavailable and device.name == "cpu":
        log.warning("%s computes, slower on a CPU: %s", device.backend, unavailable)
    if engine == "auto" and device.name == "cpu" and not unavailable:
        return _native(params, weights, threads)
    return KerasPredictor(params, weights)


def _native(params: Params, weights: Path, threads: int) -> Predictor:
    note(device="cpu", threads=threads)
    return NativePredictor(params, weights, threads)


def _closed(params_file: Path) -> Params:
    params = load_params(params_file)
    if params.model["seq_length"] is None or params.model["head_seq"][-1]["units"] is None:
        raise InputError(
            "leaves seq_length or the units of the last layer open: take the params.json beside the trained weights",
            params_file,
        )
    return params
