"""The compiled CPU engine: Basenji-type networks without TensorFlow, each activation that windows share computed once.

Bytes depend on a window's bases and its start modulo the engine's grid alone: not on the other windows, their order,
blocks or threads.

Memory: 256 MB of activations a thread (at most 1 GB), 128 MB of windows and predictions of single passes, and the
predictions that are returned.
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
from accessiflow.model.blocks import BATCH_NORM_EPSILON
from accessiflow.model.params import tower_blocks
from accessiflow.model.weights import StoredLayer, stored_layers
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.predictor import AllelePredictions, MutantPredictions, Predictor

if TYPE_CHECKING:
    from accessiflow_native import Layer

    from accessiflow.model.params import Params

PASS_BYTES = 1 << 27  # windows and predictions of single passes that are in memory together


class Convolution(NamedTuple):
    """A convolution of the chain.

    Attributes:
        filters: Its output channels.
        width: Its taps; 0: as many as there are rows.
        same: Whether its input is padded, so that it keeps its length.
        pool: Rows that are pooled into one after it.
        normalised: Whether batch normalisation follows.
        before: The activation of its input.
        after: The activation of its output, which is the input of the next one.
        dense: Whether its weights are those of a dense layer.
    """

    filters: int
    width: int
    same: bool
    pool: int
    normalised: bool
    before: str
    after: str
    dense: bool = False


class FoldedWeights(NamedTuple):
    """Kernel (width, channels, filters) and bias (filters,) of a convolution, in float64."""

    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]


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
            InputError: The weights do not fit the params (naming the layer).
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

    def ensemble(
        self, codes: Codes, ensemble: Ensemble, starts: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Mean prediction (n, B, T); windows that overlap, by their starts, share what they have in common."""
        places = np.zeros(len(codes), np.int64) if starts is None else starts
        out = np.empty((len(codes), *self.output_shape))
        for part in self._parts(len(codes), ensemble):
            out[part] = self._ensemble(codes[part], ensemble, places[part], np.full(len(codes[part]), -1, np.int32))
        return out

    def alleles(self, ref: Codes, alt: Codes, ensemble: Ensemble, starts: NDArray[np.int64]) -> AllelePredictions:
        """Mean predictions (n, B, T) of REF and of ALT windows; of ALT only what differs from REF is computed."""
        # neighbours on the genome, whose windows overlap, in one part
        order = np.argsort(starts, kind="stable")
        out = np.empty((len(ref), 2, *self.output_shape))
        for part in self._parts(len(ref), ensemble):
            own = order[part]
            both = np.stack([ref[own], alt[own]], axis=1).reshape(2 * len(own), self.seq_length)
            # a REF window is computed whole (-1), the ALT window behind it as a change of it
            bases = np.stack([np.full(len(own), -1), 2 * np.arange(len(own))], axis=1).astype(np.int32).ravel()
            predicted = self._ensemble(both, ensemble, np.repeat(starts[own], 2), bases)
            out[own] = predicted.reshape(len(own), 2, *self.output_shape)
        return AllelePredictions(out[:, 0], out[:, 1])

    def changed(self, codes: Codes, windows: Codes, ensemble: Ensemble, start: int = 0) -> MutantPredictions:
        """Mean predictions of windows (n, seq_length) that differ from `codes` (seq_length,) in few places."""
        bases = np.concatenate([[-1], np.zeros(len(windows))]).astype(np.int32)
        starts = np.full(len(windows) + 1, start, np.int64)
        predicted = self._ensemble(np.concatenate([codes[None], windows]), ensemble, starts, bases)
        return MutantPredictions(predicted[1:], predicted[0])

    def _parts(self, n: int, ensemble: Ensemble) -> Iterator[slice]:
        """Parts of n windows (or pairs) whose passes and predictions take some PASS_BYTES."""
        a_pass = self.seq_length + 4 * self.output_length * self.num_targets
        step = max(64, PASS_BYTES // (2 * ensemble.size * a_pass))
        yield from (slice(low, low + step) for low in range(0, n, step))

    def _ensemble(
        self, codes: Codes, ensemble: Ensemble, starts: NDArray[np.int64], bases: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        """Mean prediction (n, B, T) of windows, of which some are given as changes of others.

        Args:
            codes: Windows (n, seq_length).
            ensemble: What is averaged over.
            starts: Where each window (n,) starts on its chromosome.
            bases: The window (n,) that each one is a change of, by its number; -1 for none.
        """
        n, size = len(codes), ensemble.size
        # Each window as all passes see it, one after another: a pass of a changed window finds the same pass of its
        # base at the same place behind the base's first one.
        passes = np.stack(list(ensemble.passes(codes)), axis=1)
        # A reverse complement runs from right to left: its start is the negative of the window's end, so that what
        # overlaps on the genome overlaps there too. A shift to the right shows bases from further left.
        places = np.stack(
            [-(starts - shift + self.seq_length) if reverse else starts - shift for shift, reverse in ensemble.views],
            axis=1,
        )
        of = np.where(bases[:, None] < 0, -1, bases[:, None] * size + np.arange(size)).astype(np.int32)
        flat = self._network.predict(passes.reshape(n * size, -1), places.ravel(), of.ravel(), self.threads)
        out = flat.reshape(n, size, *flat.shape[1:])[..., self._outputs]
        if ensemble.rc:
            out[:, 1::2] = out[:, 1::2, ::-1].copy()
        return out.sum(axis=1, dtype=np.float64) / size


def _chain(params: Params) -> list[Convolution]:
    """The chain of convolutions: those of the trunk, then the head's dense layers.

    A dense layer is a convolution over one row, the first one behind a flatten over all rows.
    """
    model = params.model
    blocks: list[dict[str, Any]] = []
    for block in _convolutions(params):
        blocks += tower_blocks(block) if block["name"] == "conv_tower" else [block]
    # A block's activation acts on its input: it is moved to the output of the block before it, whose values are shared
    # by all windows that see them. Only the first block's is left, which acts on the one-hot sequence.
    before = [b["activation"] or model["activation"] for b in blocks]
    after = [*before[1:], model["activation"]]
    chain = []
    for b, first, last in zip(blocks, before, after, strict=True):
        normalised = model["batch_norm"] if b["batch_norm"] is None else b["batch_norm"]
        same = b["padding"] == "same"
        chain.append(Convolution(b["filters"], b["kernel_size"], same, b["pool_size"], normalised, first, last))
    width = 0 if model["trunk"][-1]["name"] == "flatten" else 1
    for b in model["head_seq"]:
        chain.append(Convolution(b["units"], width, False, 1, False, "linear", b["activation"], dense=True))
        width = 1
    return chain


def _layers(params: Params, path: Path) -> list[Layer]:
    from accessiflow_native import Layer

    rows, channels, out = params.seq_length, 4, []
    chain = _chain(params)
    layers = iter(stored_layers(path, sum(2 if part.normalised else 1 for part in chain)))
    for number, given in enumerate(chain):
        block = given._replace(width=given.width or rows)
        kernel, bias = _folded(block, channels, layers, path)
        pad = (block.width - 1) // 2 if block.same else 0  # TensorFlow's "same": the odd row is padded on the right
        conv_rows = rows if block.same else rows - block.width + 1
        if conv_rows < 1:
            raise InputError(
                f"has a valid convolution of width {block.width} on {rows} positions: seq_length is too short for it",
                params.source,
            )
        pooled = -(-conv_rows // block.pool)
        # The first layer reads base codes: one of five responses is looked up at each tap instead of four products.
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


def _folded(block: Convolution, channels: int, layers: Iterator[StoredLayer], path: Path) -> FoldedWeights:
    """The weights of a convolution, its batch normalisation folded in."""
    name, values = next(layers)
    shape = (block.width * channels, block.filters) if block.dense else (block.width, channels, block.filters)
    _check(name, values, [shape, (block.filters,)] if block.dense else [shape], path)
    kernel = values[0].astype(np.float64).reshape(block.width, channels, block.filters)
    bias = values[1].astype(np.float64) if block.dense else np.zeros(block.filters)
    if block.normalised:
        name, values = next(layers)
        _check(name, values, [(block.filters,)] * 4, path)
        gamma, beta, mean, variance = (v.astype(np.float64) for v in values)
        # gamma (K x - mean) / sd + beta, with the moving statistics: one kernel and one bias
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        kernel, bias = kernel * scale, beta - mean * scale
    return FoldedWeights(kernel, bias)


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
