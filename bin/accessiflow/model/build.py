"""Params -> Keras network, block by block (blocks.py) as Basenji's fork builds it.

After the trunk comes one more activation, then the blocks of the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from accessiflow.model.blocks import BuildContext, activate, build_block
from accessiflow.model.params import Params

if TYPE_CHECKING:
    import keras


class Network(NamedTuple):
    """A network, and the part of it below the head (the same layers)."""

    model: keras.Model
    trunk: keras.Model


def build_model(params: Params) -> keras.Model:
    """The inference network: one-hot (n, seq_length, 4) float32 -> (n, target_length, tracks).

    Raises:
        InputError: The lengths do not work out (a valid convolution wider than its input).
    """
    return build_network(params).model


def build_network(params: Params, mixed_precision: bool = False, synchronized: bool = False) -> Network:
    """The network with its trunk (see build_model).

    Args:
        params: Checked params with seq_length and the tracks filled in.
        mixed_precision: The trunk computes in float16; weights and head are float32 all the same.
        synchronized: Batch statistics are those of the whole batch where several devices share it.
    """
    import keras
    from keras import ops

    context = BuildContext(params, "mixed_float16" if mixed_precision else "float32", synchronized)
    sequence = keras.Input((params.seq_length, 4), name="sequence")
    trunk = sequence
    for block in params.model["trunk"]:
        trunk = build_block(trunk, block, context)
    trunk = activate(trunk, params.model["activation"])
    if mixed_precision:
        # float16 ends at 65,504 and has 11 significant bits: too little for a head's sums and the loss
        trunk, context.precision = ops.cast(trunk, "float32"), "float32"
    head = trunk
    for block in params.model["head_seq"]:
        head = build_block(head, block, context)
    return Network(keras.Model(sequence, head, name="model"), keras.Model(sequence, trunk, name="trunk"))


def count_parameters(model: keras.Model) -> int:
    """All parameters, the moving statistics of batch normalisation included."""
    return int(model.count_params())
