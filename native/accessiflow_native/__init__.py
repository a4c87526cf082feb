"""Predictions of convolutional networks on CPU, exact to float32 rounding.

Activations that overlapping or nearly equal windows share are computed once. The engine is C++, compiled for several
instruction sets; the widest one that the processor has is loaded.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__version__ = "1.0.0"
ACTIVATIONS = ("linear", "gelu", "relu", "softplus", "exp")  # their numbers in the engine
# Bytes of activations that a thread holds at once; more than four threads share four times it.
MEMORY = 256 << 20


class _Engine(NamedTuple):
    """The loaded library, and the instruction set that it was compiled for."""

    library: ctypes.CDLL
    instructions: str


class Layer(NamedTuple):
    """A convolution, then pooling (maximum), a bias and an activation.

    Attributes:
        weights: kernel (width, inputs, filters) float32; of the first layer the response (width, 5, filters) to A, C,
            G, T and an unknown base.
        bias: (filters,) float32.
        pad: zero rows left of the input.
        rows: rows that the convolution gives.
        pool: width of the pooling.
        pool_pad: rows missing on the left of the first pool.
        pooled: rows after the pooling.
        activation: one of ACTIVATIONS.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    pad: int
    rows: int
    pool: int
    pool_pad: int
    pooled: int
    activation: str


class Network:
    """A chain of layers over windows of one length."""

    def __init__(self, seq_length: int, layers: Sequence[Layer]) -> None:
        """Pack the weights.

        Raises:
            OSError: the package was built without a library that this machine can load.
        """
        self._engine, self.instructions = _library()
        self._handle = ctypes.c_void_p(self._engine.accessiflow_create(seq_length))
        self.seq_length, self.output_shape = seq_length, (layers[-1].pooled, len(layers[-1].bias))
        for layer in layers:
            weights, bias = (np.ascontiguousarray(a, np.float32) for a in (layer.weights, layer.bias))
            width, inputs, filters = weights.shape
            numbers = (
                inputs,
                filters,
                width,
                layer.pad,
                layer.rows,
                layer.pool,
                layer.pool_pad,
                layer.pooled,
                ACTIVATIONS.index(layer.activation),
            )
            self._engine.accessiflow_layer(self._handle, *numbers, _pointer(weights), _pointer(bias))

    def __del__(self) -> None:
        """Free the weights."""
        if hasattr(self, "_handle"):
            self._engine.accessiflow_destroy(self._handle)

    def predict(
        self,
        codes: NDArray[np.uint8],
        starts: NDArray[np.int64] | None = None,
        bases: NDArray[np.int32] | None = None,
        threads: int = 1,
        memory: int | None = None,
    ) -> NDArray[np.float32]:
        """Predictions (n, rows, tracks) of windows (n, seq_length) of base codes (0-3 A, C, G, T; 4 unknown).

        Args:
            codes: base codes (n, seq_length).
            starts: coordinate (n,) of each window's first base, 0 by default: windows that overlap share what they have
                in common.
            bases: index (n,) of an earlier window with the same start, itself without a base, from which this one
                differs in few places; -1 for none.
            threads: CPU threads.
            memory: bytes of activations that a thread holds at once.

        Neither `memory` nor `threads`, `bases` or the other windows change a byte of a prediction.

        Raises:
            ValueError: shapes or indices do not fit each other.
            MemoryError: the engine ran out of memory.
        """
        n = len(codes)
        codes = np.ascontiguousarray(codes, np.uint8)
        starts = np.zeros(n, np.int64) if starts is None else np.ascontiguousarray(starts, np.int64)
        bases = np.full(n, -1, np.int32) if bases is None else np.ascontiguousarray(bases, np.int32)
        if codes.shape != (n, self.seq_length) or starts.shape != (n,) or bases.shape != (n,):
            raise ValueError(
                f"codes of shape {codes.shape}, {starts.shape} starts and {bases.shape} bases: "
                f"expected ({n}, {self.seq_length})"
            )
        derived = np.flatnonzero(bases >= 0)
        of = bases[derived]
        if (of >= derived).any() or (bases[of] >= 0).any() or (starts[of] != starts[derived]).any():
            raise ValueError(
                "a base window comes before the windows it is the base of, starts where they start, and has none itself"
            )
        out = np.empty((n, *self.output_shape), np.float32)
        arrays = (_pointer(codes, ctypes.c_uint8), _pointer(starts, ctypes.c_int64), _pointer(bases, ctypes.c_int32))
        most = min(MEMORY, 4 * MEMORY // threads) if memory is None else memory
        if n and self._engine.accessiflow_predict(self._handle, *arrays, n, most, threads, _pointer(out)):
            raise MemoryError("the engine ran out of memory")
        return out


def _pointer(array: np.ndarray, kind: type = ctypes.c_float) -> ctypes._Pointer:
    return array.ctypes.data_as(ctypes.POINTER(kind))


@cache
def _library() -> _Engine:
    """The library for the widest instruction set of this processor."""
    # The portable one is loaded first, to ask it which sets the processor has: code of another set would crash.
    portable = _load("portable")
    portable.accessiflow_supports.argtypes = [ctypes.c_char_p]
    for name in ("avx512", "avx2"):
        if portable.accessiflow_supports(name.encode()) and _path(name).exists():
            return _Engine(_load(name), name)
    return _Engine(portable, "portable")


def _load(name: str) -> ctypes.CDLL:
    # Declared in full: ctypes takes an undeclared result for a 32-bit integer, which cuts pointers.
    library = ctypes.CDLL(str(_path(name)))
    floats, integer = ctypes.POINTER(ctypes.c_float), ctypes.c_int
    library.accessiflow_create.argtypes = [integer]
    library.accessiflow_create.restype = ctypes.c_void_p
    library.accessiflow_destroy.argtypes = [ctypes.c_void_p]
    library.accessiflow_destroy.restype = None
    library.accessiflow_layer.argtypes = [ctypes.c_void_p, *[integer] * 9, floats, floats]
    library.accessiflow_layer.restype = None
    arrays = [ctypes.POINTER(kind) for kind in (ctypes.c_uint8, ctypes.c_int64, ctypes.c_int32)]
    library.accessiflow_predict.argtypes = [ctypes.c_void_p, *arrays, ctypes.c_int64, ctypes.c_int64, integer, floats]
    return library


def _path(name: str) -> Path:
    return Path(__file__).parent / f"engine_{name}.so"
