"""Params -> Keras network, layer by layer as Basenji's fork builds it.

conv_block = activation -> Conv1D without bias -> BatchNorm -> dropout -> residual add -> max pooling ('same'); the activation acts on the block's
input, the one-hot sequence included. After the trunk comes one more activation, then the head. GELU(x) = x sigmoid(1.702 x).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from accessiflow.errors import InputError
from accessiflow.model.params import Params

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor


def build_model(params: Params) -> keras.Model:
    """The inference network: one-hot (n, seq_length, 4) float32 -> (n, target_length, tracks).

    Raises:
        InputError: the lengths do not work out (a valid convolution wider than its input).
    """
    return _Builder(params).model()


def count_parameters(model: keras.Model) -> int:
    """All parameters, the moving statistics of batch normalisation included."""
    return int(model.count_params())


class _Builder:
    """Builds one network; names the layers as Basenji's weight files do (conv1d, conv1d_1, batch_normalization, dense)."""

    def __init__(self, params: Params) -> None:
        self._params, self._model, self._counts = params, params.model, Counter[str]()

    def model(self) -> keras.Model:
        import keras

        sequence = keras.Input((self._params.seq_length, 4), name="sequence")
        current = sequence
        for block in self._model["trunk"]:
            current = getattr(self, f"_{block['name']}")(current, block)
        current = _activate(current, self._model["activation"])
        for block in self._model["head_seq"]:
            current = getattr(self, f"_{block['name']}")(current, block)
        return keras.Model(sequence, current, name="model")

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
            name=self._name("conv1d"),
        )(out)
        if self._model["batch_norm"] if block["batch_norm"] is None else block["batch_norm"]:
            momentum = block["bn_momentum"] or self._model["bn_momentum"]
            gamma = "zeros" if block["residual"] else "ones"
            out = layers.BatchNormalization(momentum=momentum, epsilon=1e-3, gamma_initializer=gamma, name=self._name("batch_normalization"))(out)
        if block["dropout"]:
            out = layers.Dropout(block["dropout"])(out)
        if block["residual"]:
            if x.shape[-1] != out.shape[-1]:
                raise InputError(
                    f"has a residual block of {block['filters']} filters on {x.shape[-1]} channels: they must be equal", self._params.source
                )
            out = layers.Add()([x, out])
        if block["activation_end"]:
            out = _activate(out, block["activation_end"])
        if block["pool_size"] > 1:
            out = layers.MaxPooling1D(block["pool_size"], padding="same")(out)
        return out

    def _conv_tower(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        shared = {k: v for k, v in block.items() if k not in ("name", "filters_init", "filters_mult", "repeat")}
        for i in range(block["repeat"]):
            x = self._conv_block(x, shared | {"filters": round(block["filters_init"] * block["filters_mult"] ** i)})
        return x

    def _dense(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import layers

        if block["dropout"]:
            x = layers.Dropout(block["dropout"])(x)
        out = layers.Dense(block["units"], kernel_initializer="he_normal", kernel_regularizer=self._penalty(block), name=self._name("dense"))(x)
        return _activate(out, block["activation"])

    def _global_pool(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:
        from keras import ops

        return (ops.mean if block["pool"] == "mean" else ops.max)(x, axis=1, keepdims=True)

    def _flatten(self, x: KerasTensor, block: dict[str, Any]) -> KerasTensor:  # noqa: ARG002 (every block is called alike)
        from keras import layers

        return layers.Reshape((1, x.shape[1] * x.shape[2]))(x)

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
