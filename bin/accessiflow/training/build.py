"""The optimizer and the compiled steps of a run, on the framework that Keras runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accessiflow.model.device import framework_name
from accessiflow.model.params import Params
from accessiflow.training.compute import Compute
from accessiflow.training.steps import Steps

if TYPE_CHECKING:
    import keras


def build_steps(model: keras.Model, params: Params, total_steps: int, compute: Compute) -> Steps:
    """The steps of a model.

    Args:
        model: The network, made in the scope of `compute`.
        params: Loss, optimizer and schedule.
        total_steps: Steps of the whole run, for the schedule.
        compute: Devices and precision.
    """
    optimizer = build_optimizer(model, params, total_steps, compute)
    if framework_name() == "jax":
        from accessiflow.training.on_jax import JaxSteps

        return JaxSteps(model, params, optimizer, compute)
    from accessiflow.training.on_tensorflow import TensorFlowSteps

    return TensorFlowSteps(model, params, optimizer, compute)


def build_optimizer(model: keras.Model, params: Params, total_steps: int, compute: Compute) -> keras.Optimizer:
    """The optimizer of a params file, its slots made for a model (arguments as `compiled`)."""
    import keras

    options = params.train
    rate = options["learning_rate"]
    if options["schedule"] == "cosine":
        warmup = max(total_steps // 20, 1)  # Adam's first steps, whose moments are not yet settled, stay small
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, total_steps - warmup, alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    # 0 is stated to adamw, whose own default would decay the weights; the others take None for no decay
    decay = options["weight_decay"]
    if not decay and options["optimizer"] != "adamw":
        decay = None
    clip = options["clip_norm"]
    if clip is not None and compute.strategy is not None:
        clip /= compute.replicas  # each of TensorFlow's devices applies its share of the gradient
    shared = {"learning_rate": rate, "clipnorm": clip, "weight_decay": decay}
    with compute.scope():
        if options["optimizer"] == "sgd":
            optimizer = keras.optimizers.SGD(momentum=options["momentum"], **shared)
        else:
            kind = keras.optimizers.Adam if options["optimizer"] == "adam" else keras.optimizers.AdamW
            optimizer = kind(beta_1=options["adam_beta1"], beta_2=options["adam_beta2"], **shared)
        if compute.mixed_precision:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.trainable_variables)
    return optimizer
