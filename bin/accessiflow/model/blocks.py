"""Blocks of Basenji-type networks: one function a kind of block, from a tensor to a tensor, chosen by name in `BLOCKS`.

A new kind of block is a function here, an entry of `BLOCKS`, and its keys with defaults in params.BLOCK_DEFAULTS.

Basenji's conv_block is activation -> Conv1D without bias -> BatchNorm -> dropout -> residual add -> max pooling; its
activation acts on the block's input, the one-hot sequence included. GELU(x) = x sigmoid(1.702 x).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from accessiflow.errors import InputError
from accessiflow.model.params import Params, tower_blocks

if TYPE_CHECKING:
    import keras
    from keras import KerasTensor

    BlockBuilder = Callable[[KerasTensor, dict[str, Any], "BuildContext"], KerasTensor]

BATCH_NORM_EPSILON = 1e-3  # of batch normalisation; Keras' default, which Basenji keeps


@dataclass
class BuildContext:
    """What every block of one network shares: the params, the precision, and the numbering of layers.

    Attributes:
        precision: Keras dtype policy of the layers, "float32" or "mixed_float16".
        synchronized: whether batch statistics are those of the whole batch where several devices share it.
    """

    params: Params
    precision: str = "float32"
    synchronized: bool = False
    _counts: Counter[str] = field(default_factory=Counter)

    def layer_name(self, kind: str) -> str:
        """The next name of a kind of layer, as in Basenji's weight files: conv1d, conv1d_1, conv1d_2, ..."""
        # Keras numbers layers over the whole process; a network's own count keeps names, and so the bytes of a
        # weights file, the same whatever was built before.
        number = self._counts[kind]
        self._counts[kind] += 1
        return f"{kind}_{number}" if number else kind

    def setting(self, block: dict[str, Any], key: str) -> Any:
        """A block's own value of a key, or the model's where the block leaves it open (null)."""
        return self.params.model[key] if block[key] is None else block[key]

    def penalty(self, block: dict[str, Any]) -> keras.Regularizer | None:
        """The L1 and L2 penalty of a block's weights."""
        import keras

        l1, l2 = self.params.model["l1_scale"], self.setting(block, "l2_scale")
        return keras.regularizers.L1L2(l1, l2) if l1 or l2 else None


def build_block(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    """The output (n, positions, channels) of one block of a params file on `x`."""
    return BLOCKS[block["name"]](x, block, context)


def activate(x: KerasTensor, name: str) -> KerasTensor:
    """An activation by its name in a params file."""
    from keras import ops

    if name == "gelu":
        # Basenji's approximation by a sigmoid, which differs from Keras' own gelu (erf or tanh)
        return x * ops.sigmoid(1.702 * x)
    if name == "linear":
        return x
    return {"relu": ops.relu, "softplus": ops.softplus, "exp": ops.exp}[name](x)


def _conv_block(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    from keras import layers

    _check_width(x, block, context.params.source)
    out = activate(x, block["activation"] or context.params.model["activation"])
    # The names of layers are drawn in the order in which Basenji creates them: a convolution, then its normalisation.
    out = layers.Conv1D(
        block["filters"],
        block["kernel_size"],
        strides=block["stride"],
        padding=block["padding"],
        dilation_rate=block["dilation_rate"],
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_regularizer=context.penalty(block),
        dtype=context.precision,
        name=context.layer_name("conv1d"),
    )(out)
    if context.setting(block, "batch_norm"):
        out = _normalised(out, block, context)
    if block["dropout"]:
        out = layers.Dropout(block["dropout"], dtype=context.precision)(out)
    if block["residual"]:
        out = _added(x, out, block, context)
    if block["activation_end"]:
        out = activate(out, block["activation_end"])
    if block["pool_size"] > 1:
        out = layers.MaxPooling1D(block["pool_size"], padding="same", dtype=context.precision)(out)
    return out


def _check_width(x: KerasTensor, block: dict[str, Any], source: str) -> None:
    width = (block["kernel_size"] - 1) * block["dilation_rate"]
    if block["padding"] == "valid" and width >= x.shape[1]:
        raise InputError(
            f"has a valid convolution of width {block['kernel_size']} on {x.shape[1]} positions: "
            "seq_length is too short for it",
            source,
        )


def _normalised(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    from keras import layers

    return layers.BatchNormalization(
        momentum=context.setting(block, "bn_momentum"),
        epsilon=BATCH_NORM_EPSILON,
        # a residual block starts as the identity, as in Basenji
        gamma_initializer="zeros" if block["residual"] else "ones",
        synchronized=context.synchronized,
        dtype=context.precision,
        name=context.layer_name("batch_normalization"),
    )(x)


def _added(x: KerasTensor, out: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    from keras import layers

    if x.shape[-1] != out.shape[-1]:
        raise InputError(
            f"has a residual block of {block['filters']} filters on {x.shape[-1]} channels: they must be equal",
            context.params.source,
        )
    return layers.Add(dtype=context.precision)([x, out])


def _conv_tower(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    for one in tower_blocks(block):
        x = _conv_block(x, one, context)
    return x


def _dense(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:
    from keras import layers

    if block["dropout"]:
        x = layers.Dropout(block["dropout"], dtype=context.precision)(x)
    out = layers.Dense(
        block["units"],
        kernel_initializer="he_normal",
        kernel_regularizer=context.penalty(block),
        dtype=context.precision,
        name=context.layer_name("dense"),
    )(x)
    return activate(out, block["activation"])


def _global_pool(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:  # noqa: ARG001
    from keras import ops

    pool = ops.mean if block["pool"] == "mean" else ops.max
    return pool(x, axis=1, keepdims=True)  # one position stays, so that a head has the same rank with or without it


def _flatten(x: KerasTensor, block: dict[str, Any], context: BuildContext) -> KerasTensor:  # noqa: ARG001
    from keras import layers

    return layers.Reshape((1, x.shape[1] * x.shape[2]), dtype=context.precision)(x)


# every block is called alike, whether it needs all of its arguments or not
BLOCKS: dict[str, BlockBuilder] = {
    "conv_block": _conv_block,
    "conv_tower": _conv_tower,
    "dense": _dense,
    "global_pool": _global_pool,
    "flatten": _flatten,
}
