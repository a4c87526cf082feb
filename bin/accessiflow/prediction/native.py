"""The compiled CPU engine: Basenji-type networks without TensorFlow, each activation that windows share computed once.

Bytes depend on a window's bases and its start modulo the engine's grid alone: not on the other windows, their order, blocks or threads.

Memory: 256 MB of activations a thread (at most 1 GB), 128 MB of windows and predictions of single passes, and the predictions that are returned.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.genome import ONE_HOT, Codes
from accessiflow.model.build import EPSILON
from accessiflow.model.params import tower_blocks
from accessiflow.model.weights import Stored, stored_layers
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.predictor import Predictor

if TYPE_CHECKING:
    from accessiflow_native import Layer

    from accessiflow.model.params import Params

BYTES = 1 << 27


class Block(NamedTuple):
    """A convolution of the chain: its sizes, whether it is normalised, and the activations of its input and of its output.

    Attributes:
        width: taps; 0: as many as there are rows.
        dense: whether its weights are those of a dense layer.
    """

    filters: int
    width: int
    same: bool
    pool: int
    normalised: bool
    before: str
    after: str
    dense: bool = False


def unavailable(params: Params) -> str:
    """Why the engine cannot run a network ("" if it can)."""
    if importlib.util.find_spec("accessiflow_native") is None:
        return "the compiled engine is not installed (no C++ compiler was at hand when the environment was built)"
    return _unsupported(params)


def _unsupported(params: Params) -> str:
    for block in _convolutions(params):
        if block["name"] not in ("conv_block", "conv_tower"):
            return f"the engine has no {block['name']} before a convolution"
        if block["stride"] > 1 or block["dilation_rate"] > 1 or block["residual"] or block["activation_end"]:
            return "the engine has no strides, dilation, residual blocks or activation_end"
    odd = [block["name"] for block in params.model["head_seq"] if block["name"] != "dense"]
    return f"the engine has no {odd[0]} in a head" if odd else ""


def _convolutions(params: Params) -> list[dict[str, Any]]:
    """The trunk's blocks, but for a flatten at its end: the dense layer behind it is a convolution over all rows."""
    trunk: list[dict[str, Any]] = params.model["trunk"]
    return trunk[:-1] if trunk[-1]["name"] == "flatten" else trunk


class NativePredictor(Predictor):
    """A Basenji-type network on the compiled engine."""

    def __init__(self, params: Params, weights: Path, threads: int) -> None:
        """Read the weights and fold batch normalisation into them.

        Raises:
            InputError: weights that do not fit the params (naming the layer).
        """
        from accessiflow_native import Network

        self.params, self.threads = params, threads
        self._network = Network(params.seq_length, _layers(params, weights))
        super().__init__(params.seq_length, self._network.output_shape[0], params.num_targets)

    @property
    def engine(self) -> str:
        """What computes, for the log."""
        return f"native, {self._network.instructions}"

    def predict(self, codes: Codes) -> NDArray[np.float32]:
        """Predictions (n, B, T) of windows (n, seq_length) of base codes."""
        return self._network.predict(codes, threads=self.threads)[:, :, self._outputs]

    def ensemble(self, codes: Codes, how: Ensemble, starts: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
        """Mean prediction (n, B, T); windows that overlap, by their starts, share what they have in common."""
        places = np.zeros(len(codes), np.int64) if starts is None else starts
        out = np.empty((len(codes), *self.output_shape))
        for part in self._parts(len(codes), how):
            out[part] = self._ensemble(codes[part], how, places[part], np.full(len(codes[part]), -1, np.int32))
        return out

    def alleles(
        self, ref: Codes, alt: Codes, how: Ensemble, starts: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean predictions (n, B, T) of REF and of ALT windows; of ALT only what differs from REF is computed."""
        order = np.argsort(starts, kind="stable")
        out = np.empty((len(ref), 2, *self.output_shape))
        for part in self._parts(len(ref), how):
            own = order[part]
            both = np.stack([ref[own], alt[own]], axis=1).reshape(2 * len(own), self.seq_length)
            bases = np.stack([np.full(len(own), -1), 2 * np.arange(len(own))], axis=1).astype(np.int32).ravel()
            out[own] = self._ensemble(both, how, np.repeat(starts[own], 2), bases).reshape(
                len(own), 2, *self.output_shape
            )
        return out[:, 0], out[:, 1]

    def changed(
        self, codes: Codes, windows: Codes, how: Ensemble, start: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean predictions (n, B, T) of windows (n, seq_length) that differ from `codes` (seq_length,) in few places, and (B, T) of `codes`."""
        bases = np.concatenate([[-1], np.zeros(len(windows))]).astype(np.int32)
        predicted = self._ensemble(
            np.concatenate([codes[None], windows]), how, np.full(len(windows) + 1, start, np.int64), bases
        )
        return predicted[1:], predicted[0]

    def _parts(self, n: int, how: Ensemble) -> Iterator[slice]:
        """Parts of n windows (or pairs) whose passes and predictions take some BYTES."""
        step = max(64, BYTES // (2 * how.size * (self.seq_length + 4 * self.output_length * self.num_targets)))
        yield from (slice(low, low + step) for low in range(0, n, step))

    def _ensemble(
        self, codes: Codes, how: Ensemble, starts: NDArray[np.int64], bases: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """Windows, each as all passes see it, one after another: the passes of a base window stand where those of its derivatives look."""
        n, size = len(codes), how.size
        passes = np.stack(list(how.passes(codes)), axis=1)
        places = np.stack(
            [-(starts - shift + self.seq_length) if reverse else starts - shift for shift, reverse in how.views], axis=1
        )
        of = np.where(bases[:, None] < 0, -1, bases[:, None] * size + np.arange(size)).astype(np.int32)
        flat = self._network.predict(passes.reshape(n * size, -1), places.ravel(), of.ravel(), self.threads)
        out = flat.reshape(n, size, *flat.shape[1:])[..., self._outputs]
        if how.rc:
            out[:, 1::2] = out[:, 1::2, ::-1].copy()
        return out.sum(axis=1, dtype=np.float64) / size


def _blocks(params: Params) -> list[Block]:
    """The chain of convolutions: trunk, then the head's dense layers as convolutions over one row (the first one behind a flatten: over all)."""
    model = params.model
    convolutions = [
        b
        for block in _convolutions(params)
        for b in (tower_blocks(block) if block["name"] == "conv_tower" else [block])
    ]
    before = [b["activation"] or model["activation"] for b in convolutions]
    after = [*before[1:], model["activation"]]
    out = []
    for b, first, last in zip(convolutions, before, after, strict=True):
        normalised = model["batch_norm"] if b["batch_norm"] is None else b["batch_norm"]
        out.append(
            Block(b["filters"], b["kernel_size"], b["padding"] == "same", b["pool_size"], normalised, first, last)
        )
    widths = [0 if model["trunk"][-1]["name"] == "flatten" else 1] + [1] * (len(model["head_seq"]) - 1)
    out += [
        Block(b["units"], w, False, 1, False, "linear", b["activation"], dense=True)
        for b, w in zip(model["head_seq"], widths, strict=True)
    ]
    return out


def _layers(params: Params, path: Path) -> list[Layer]:
    from accessiflow_native import Layer

    rows, channels, out = params.seq_length, 4, []
    blocks = _blocks(params)
    layers = iter(stored_layers(path, sum(2 if block.normalised else 1 for block in blocks)))
    for number, given in enumerate(blocks):
        block = given._replace(width=given.width or rows)
        kernel, bias = _folded(block, channels, layers, path)
        pad = (block.width - 1) // 2 if block.same else 0
        conv_rows = rows if block.same else rows - block.width + 1
        if conv_rows < 1:
            raise InputError(
                f"has a valid convolution of width {block.width} on {rows} positions: seq_length is too short for it",
                params.source,
            )
        pooled = -(-conv_rows // block.pool)
        weights = _responses(kernel, block.before) if number == 0 else kernel
        pool_pad = (pooled * block.pool - conv_rows) // 2
        out.append(
            Layer(
                weights.astype(np.float32),
                bias.astype(np.float32),
                pad,
                conv_rows,
                block.pool,
                pool_pad,
                pooled,
                block.after,
            )
        )
        rows, channels = pooled, block.filters
    return out


def _folded(
    block: Block, channels: int, layers: Iterator[Stored], path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel (width, channels, filters) and bias (filters,) of a block, its batch normalisation folded in, in float64."""
    name, values = next(layers)
    shape = (block.width * channels, block.filters) if block.dense else (block.width, channels, block.filters)
    _check(name, values, [shape, (block.filters,)] if block.dense else [shape], path)
    kernel = values[0].astype(np.float64).reshape(block.width, channels, block.filters)
    bias = values[1].astype(np.float64) if block.dense else np.zeros(block.filters)
    if block.normalised:
        name, values = next(layers)
        _check(name, values, [(block.filters,)] * 4, path)
        gamma, beta, mean, variance = (v.astype(np.float64) for v in values)
        scale = gamma / np.sqrt(variance + EPSILON)
        kernel, bias = kernel * scale, beta - mean * scale
    return kernel, bias


def _check(name: str, values: list[np.ndarray], expected: list[tuple[int, ...]], path: Path) -> None:
    shapes = [v.shape for v in values]
    if shapes != expected:
        raise InputError(f"has shapes {shapes} in the layer {name}, the params describe {expected}", path)


def _responses(kernel: NDArray[np.float64], activation: str) -> NDArray[np.float64]:
    """What each base (A, C, G, T, unknown) adds at each tap: (width, 5, filters)."""
    return np.einsum("bc,wcf->wbf", _activated(ONE_HOT.astype(np.float64), activation), kernel)


def _activated(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if name == "gelu":
        return x / (1 + np.exp(-1.702 * x))
    if name == "softplus":
        return np.logaddexp(0, x)
    return {"relu": np.maximum(x, 0), "exp": np.exp(x), "linear": x}[name]
