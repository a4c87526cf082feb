"""The compiled training and validation steps: (codes (n, L) uint8, targets (n, B, T) float32) -> (loss, predictions (n, B, T))."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.model.params import Params
from accessiflow.training.compute import Compute
from accessiflow.training.losses.across_tracks import objective

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Step = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple["tf.Tensor", "tf.Tensor"]]


class Steps(NamedTuple):
    """Both steps, and the optimizer whose variables are part of a run's state."""

    train: Step
    evaluate: Step
    optimizer: keras.Optimizer


def compiled(model: keras.Model, params: Params, total_steps: int, compute: Compute) -> Steps:
    """The steps of a model made in the scope of `compute`. The loss is train.loss, without penalties and further objectives.

    Args:
        total_steps: of the run, for the schedule.
    """
    with compute.scope():
        optimizer = _optimizer(params, total_steps, compute)
        optimizer.build(model.trainable_variables)
    train, evaluate = _bare_steps(model, params, optimizer, compute)
    if compute.strategy is None:
        import tensorflow as tf

        build = tf.function(jit_compile=compute.uses_xla(model), autograph=False)
        return Steps(build(train), build(evaluate), optimizer)
    return Steps(_shared(train, compute.strategy), _shared(evaluate, compute.strategy), optimizer)


def _bare_steps(model: keras.Model, params: Params, optimizer: keras.Optimizer, compute: Compute) -> tuple[Step, Step]:
    import tensorflow as tf

    from accessiflow.model.one_hot import one_hot

    losses = objective(params)
    weights = model.trainable_variables

    def train(codes: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            predictions = model(one_hot(codes), training=True)
            loss, total = losses(targets, predictions)
            total = total + tf.add_n(model.losses) if model.losses else total
            scaled = optimizer.scale_loss(total / compute.replicas if compute.replicas > 1 else total)
        gradients = tape.gradient(scaled, weights)
        if compute.replicas > 1:  # equal on all devices, to be clipped and checked alike; the optimizer adds them up
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        optimizer.apply(gradients, weights)
        return loss, predictions

    def evaluate(codes: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        predictions = model(one_hot(codes), training=False)
        return losses(targets, predictions)[0], predictions

    return train, evaluate


def _shared(step: Step, strategy: tf.distribute.Strategy) -> Step:
    """A step whose batch is split over devices; the loss is the mean of theirs."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def run(codes: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        loss, predictions = strategy.run(step, (codes, targets))
        return strategy.reduce("MEAN", loss, axis=None), strategy.gather(predictions, axis=0)

    def split(values: NDArray[np.generic]) -> tf.Tensor:
        parts = np.split(np.asarray(values), strategy.num_replicas_in_sync)
        return strategy.experimental_distribute_values_from_function(
            lambda replica: tf.constant(parts[replica.replica_id_in_sync_group])
        )

    return lambda codes, targets: run(split(codes), split(targets))


def _optimizer(params: Params, total_steps: int, compute: Compute) -> keras.Optimizer:
    import keras

    options = params.train
    rate = options["learning_rate"]
    if options["schedule"] == "cosine":
        warmup = max(total_steps // 20, 1)
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, total_steps - warmup, alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    # adamw's own default would decay the weights where the params say 0
    decay = options["weight_decay"] if options["optimizer"] == "adamw" else options["weight_decay"] or None
    clip = (
        None if options["clip_norm"] is None else options["clip_norm"] / compute.replicas
    )  # each device applies its share of the gradient
    shared = {"learning_rate": rate, "clipnorm": clip, "weight_decay": decay}
    if options["optimizer"] == "sgd":
        optimizer = keras.optimizers.SGD(momentum=options["momentum"], **shared)
    else:
        kind = keras.optimizers.Adam if options["optimizer"] == "adam" else keras.optimizers.AdamW
        optimizer = kind(beta_1=options["adam_beta1"], beta_2=options["adam_beta2"], **shared)
    return keras.optimizers.LossScaleOptimizer(optimizer) if compute.mixed_precision else optimizer
