"""From a params JSON and a weights file to a predictor: the adapter a model needs, and the engine that computes it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from accessiflow.errors import InputError
from accessiflow.log import log, note
from accessiflow.model.params import Params, load_params
from accessiflow.prediction import native
from accessiflow.prediction.adapters import KERAS, adapter_of, load_adapter
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.native import NativePredictor
from accessiflow.prediction.predictor import AdaptedPredictor, KerasPredictor, Predictor
from accessiflow.prediction.tracks import read_tracks
from accessiflow.restart import PartFile, fingerprint

if TYPE_CHECKING:
    import pandas as pd

ENGINES = ("auto", "native", "tensorflow")


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
) -> TrackPredictor:
    """A predictor of the tracks of a targets table (see load_predictor and read_tracks)."""
    predictor = load_predictor(params_file, weights, adapter, engine, threads, require_gpu)
    return TrackPredictor(predictor, ensemble, read_tracks(targets, predictor))


def load_predictor(
    params_file: Path,
    weights: Path,
    adapter: str = "",
    engine: str = "auto",
    threads: int = 1,
    require_gpu: bool = False,
) -> Predictor:
    """A predictor from a params JSON and a weights file.

    Args:
        params_file: The params JSON beside the trained weights.
        weights: The weights file.
        adapter: How to read and run the model (prediction/adapters); default: what the params say, else a Keras
            network.
        engine: native (compiled, CPU), tensorflow, or auto: TensorFlow on a GPU, else native, else TensorFlow on the
            CPU.
        threads: CPU threads.
        require_gpu: Refuse to run on a CPU.

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
        predictor = _network(_closed(params_file), weights, engine, threads, require_gpu)
    log.info("engine: %s; %d thread(s)", predictor.engine, threads)
    return predictor


def _network(params: Params, weights: Path, engine: str, threads: int, require_gpu: bool) -> Predictor:
    unavailable = native.unavailable(params) if engine != "tensorflow" else ""
    if engine == "native":
        if unavailable or require_gpu:
            reason = unavailable or "--require-gpu needs the engine tensorflow"
            raise InputError(f"--engine native: {reason}; use auto or tensorflow")
        return _native(params, weights, threads)
    # decided without TensorFlow where that is possible: its import alone takes seconds
    if engine == "auto" and not require_gpu and not unavailable and not _gpu_at_hand():
        return _native(params, weights, threads)
    from accessiflow.model.device import start_tensorflow

    device = start_tensorflow(threads, require_gpu)
    if unavailable and device == "cpu":
        log.warning("TensorFlow computes, slower on a CPU: %s", unavailable)
    if engine == "auto" and device == "cpu" and not unavailable:
        return _native(params, weights, threads)
    return KerasPredictor(params, weights)


def _native(params: Params, weights: Path, threads: int) -> Predictor:
    note(device="cpu", threads=threads)
    return NativePredictor(params, weights, threads)


def _gpu_at_hand() -> bool:
    """Whether it is worth asking TensorFlow for a GPU."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0") in ("", "-1"):  # Slurm hides GPUs from a job in this way
        return False
    devices = ("/dev/nvidia0", "/dev/kfd", "/dev/dxg")  # NVIDIA, AMD, and either under Windows' Linux
    return any(Path(device).exists() for device in devices)


def _closed(params_file: Path) -> Params:
    params = load_params(params_file)
    if params.model["seq_length"] is None or params.model["head_seq"][-1]["units"] is None:
        raise InputError(
            "leaves seq_length or the units of the last layer open: take the params.json beside the trained weights",
            params_file,
        )
    return params
