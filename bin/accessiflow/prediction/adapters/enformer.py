"""Enformer (Avsec et al. 2021) through `enformer-pytorch`, from local files.

Nothing is ever downloaded, no pickled code is run. The two files that an adapter is given are
    a params.json, {"adapter": "enformer", "head": "human", "use_tf_gamma": true} (true for the published weights, whose
    positional features were computed in TensorFlow);
    the weights, pytorch_model.bin or model.safetensors, beside their config.json.
The targets table's first column numbers the tracks of the head.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import read_json, require_file

ENFORMER_LENGTH = 196_608  # bp, of the published model


class EnformerAdapter:
    """A loaded Enformer: 196,608 bp -> 896 bins of 128 bp (or as its config says) of one head's tracks."""

    batch_size = 1  # a window is 196,608 bp: the activations of a few fill a GPU

    def __init__(self, params_file: Path, weights: Path) -> None:
        """Load the model.

        Raises:
            InputError: The packages are not installed, the folder holds no Enformer, or it has no such head.
        """
        try:
            import torch
            from enformer_pytorch.modeling_enformer import Enformer, EnformerConfig
        except ImportError as error:
            raise InputError(
                "the adapter enformer needs the packages torch and enformer-pytorch "
                f"(the image accessiflow-enformer): {error}"
            ) from None
        params = read_json(params_file)
        settings = read_json(require_file(weights.parent / "config.json", "Enformer's config.json"))
        # enformer-pytorch computes the gamma features otherwise than TensorFlow did, unless asked to follow it
        if "use_tf_gamma" in params:
            settings["use_tf_gamma"] = bool(params["use_tf_gamma"])
        self._torch, self._head = torch, str(params.get("head", "human"))
        config = EnformerConfig(**settings)
        if self._head not in config.output_heads:
            raise InputError(
                f"asks for the head {self._head!r}, the model has {', '.join(config.output_heads)}", params_file
            )
        self._model = Enformer(config)
        try:
            self._model.load_state_dict(_state(weights))
        except RuntimeError as error:
            raise InputError(f"does not fit its config.json ({str(error).splitlines()[-1].strip()})", weights) from None
        self._model.eval()
        torch.use_deterministic_algorithms(True)  # the same bytes in every run, also on a GPU
        self.seq_length = int(params.get("seq_length", ENFORMER_LENGTH))
        self.output_length, self.num_targets = int(config.target_length), int(config.output_heads[self._head])

    def predict(self, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
        """Predictions (n, 896, tracks) of windows (n, 196608, 4)."""
        with self._torch.inference_mode():
            return self._model(self._torch.from_numpy(np.ascontiguousarray(one_hot)), head=self._head).numpy()


def _state(weights: Path) -> Mapping[str, Any]:
    """The tensors of a weights file."""
    import torch

    require_file(weights, "weights")
    if weights.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(str(weights))
    try:
        return torch.load(weights, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(f"holds no PyTorch weights ({str(error).splitlines()[0]})", weights) from None
