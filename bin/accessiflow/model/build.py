"""Params -> Keras network, layer by layer as Basenji's fork builds it.

conv_block = activation -> Conv1D without bias -> BatchNorm -> dropout -> residual add -> max pooling ('same'); the activation acts on the block's
input, the one-hot sequence included. After the trunk comes one more activation, then the head. GELU(x) = x sigmoid(1.702 x).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from accessiflow.errors import InputError
from accessiflow.model.params import Params, tower_blocks

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor


EPSILON = 1e-3  # of batch normalisation


class Network(NamedTuple):
    """A network, and the part of it below the head (the same layers)."""

    model: keras.Model
    trunk: keras.Model


def build_model(params: Params) -> keras.Model:
    """The inference network: one-hot (n, seq_length, 4) float32 -> (n, target_length, tracks).

    Raises:
        InputError: the lengths do not work out (a valid convolution wider than its input).
    """
    return build_network(params).model


def build_network(params: Params, mixed_precision: bool = False, synchronized: bool = False) -> Network:
    """The network with its trunk (see build_model).

    Args:
        mixed_precision: the trunk computes in float16; weights and head are float32 all the same.
        synchronized: batch statistics are those of the whole batch where several devices share it.
    """
    return _Builder(params, "mixed_float16" if mixed_precision else "float32", synchronized).network()


def count_parameters(model: keras.Model) -> int:
    """All parameters, the moving statistics of batch normalisation included."""
    return int(model.count_params())


class _Builder:
    """Builds one network; names the layers as Basenji's weight files do (conv1d, conv1d_1, batch_normalization, dense)."""

    def __init__(self, params: Params, precision: str, synchronized: bool) -> None:
        self._params, self._model, self._counts = params, params.model, Counter[str]()
        self._precision, self._synchronized = precision, synchronized

    def network(self) -> Network:
        import keras
        from keras import ops

        sequence = keras.Input((self._params.seq_length, 4), name="sequence")
        trunk = _activate(self._blocks(sequence, "trunk"), self._model["activation"])
        if self._precision != "float32":
            trunk, self._precision = ops.cast(trunk, "float32"), "float32"
        head = self._blocks(trunk, "head_seq")
        return Network(keras.Model(sequence, head, name="model"), keras.Model(sequence, trunk, name="trunk"))

    def _blocks(self, x: KerasTensor, part: str) -> KerasTensor:
        for block in self._model[part]:
            x = getattr(self, f"_{block['name']}")(x, block)
        return x

    def _name(self, kind: str) -> str:
        number = self._counts[kind]
        self._counts[kind] += 1
        return f"{kind}_{number}" if number else kind

    def _conv_block(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import layers

        if block["padding"] == "valid" and (block["kernel_size"] - 1) * block["dilation_rate"] >= x.shape[1]:
            raise InputError(
                f"has a valid convolution of width {block['kernel_size']} on {x.shape[1]} positions: seq_length is too short for it",
                self._params.source,
            )
        out = _activate(x, block["activation"] or self._model["activation"])
        out = layers.Conv1D(
            block["filters"],
            block["kernel_size"],
            strides=block["stride"],
            padding=block["padding"],
            dilation_rate=block["dilation_rate"],
            use_bias=False,
            kernel_initializer="he_normal",
            kernel_regularizer=self._penalty(block),
            dtype=self._precision,
            name=self._name("conv1d"),
        )(out)
        if self._model["batch_norm"] if block["batch_norm"] is None else block["batch_norm"]:
            out = self._normalised(out, block)
        if block["dropout"]:
            out = layers.Dropout(block["dropout"], dtype=self._precision)(out)
        if block["residual"]:
            if x.shape[-1] != out.shape[-1]:
                raise InputError(
                    f"has a residual block of {block['filters']} filters on {x.shape[-1]} channels: they must be equal",
                    self._params.source,
                )
            out = layers.Add(dtype=self._precision)([x, out])
        if block["activation_end"]:
            out = _activate(out, block["activation_end"])
        if block["pool_size"] > 1:
            out = layers.MaxPooling1D(block["pool_size"], padding="same", dtype=self._precision)(out)
        return out

    def _normalised(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import layers

        return layers.BatchNormalization(
            momentum=self._model["bn_momentum"] if block["bn_momentum"] is None else block["bn_momentum"],
            epsilon=EPSILON,
            gamma_initializer="zeros" if block["residual"] else "ones",
            synchronized=self._synchronized,
            dtype=self._precision,
            name=self._name("batch_normalization"),
        )(x)

    def _conv_tower(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        for one in tower_blocks(block):
            x = self._conv_block(x, one)
        return x

    def _dense(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import layers

        if block["dropout"]:
            x = layers.Dropout(block["dropout"], dtype=self._precision)(x)
        out = layers.Dense(
            block["units"],
            kernel_initializer="he_normal",
            kernel_regularizer=self._penalty(block),
            dtype=self._precision,
            name=self._name("dense"),
        )(x)
        return _activate(out, block["activation"])

    def _global_pool(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import ops

        return (ops.mean if block["pool"] == "mean" else ops.max)(x, axis=1, keepdims=True)

    def _flatten(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:  # noqa: ARG002 (every block is called alike)
        from keras import layers

        return layers.Reshape((1, x.shape[1] * x.shape[2]), dtype=self._precision)(x)

    def _penalty(self, block: dict[str, Any]) -> keras.Regularizer | None:
        import keras

        l1, l2 = self._model["l1_scale"], self._model["l2_scale"] if block["l2_scale"] is None else block["l2_scale"]
        return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def _activate(x: KerasTensor, name: str) -> KerasTensor:
    from keras import ops

    if name == "gelu":
        return x * ops.sigmoid(1.702 * x)
    if name == "linear":
        return x
    return {"relu": ops.relu, "softplus": ops.softplus, "exp": ops.exp}[name](x)
