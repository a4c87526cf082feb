"""The compiled training and validation steps: codes (n, L) uint8 and targets (n, B, T) float32 -> StepResult."""

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


class StepResult(NamedTuple):
    """The loss of a batch (train.loss alone, a scalar) and its predictions (n, B, T)."""

    loss: tf.Tensor
    predictions: tf.Tensor


Step = Callable[[NDArray[np.uint8], NDArray[np.float32]], StepResult]


class Steps(NamedTuple):
    """Both steps, and the optimizer whose variables are part of a run's state."""

    train: Step
    evaluate: Step
    optimizer: keras.Optimizer


def compiled(model: keras.Model, params: Params, total_steps: int, compute: Compute) -> Steps:
    """The steps of a model.

    The loss that they return is train.loss, without penalties and further objectives.

    Args:
        model: The network, made in the scope of `compute`.
        params: Loss, optimizer and schedule.
        total_steps: Steps of the whole run, for the schedule.
        compute: Devices and precision.
    """
    with compute.scope():
        optimizer = _optimizer(params, total_steps, compute)
        optimizer.build(model.trainable_variables)
    train, evaluate = _train_step(model, params, optimizer, compute), _evaluate_step(model, params)
    if compute.strategy is None:
        import tensorflow as tf

        build = tf.function(jit_compile=compute.uses_xla(model), autograph=False)
        return Steps(build(train), build(evaluate), optimizer)
    return Steps(_shared(train, compute.strategy), _shared(evaluate, compute.strategy), optimizer)


def _train_step(model: keras.Model, params: Params, optimizer: keras.Optimizer, compute: Compute) -> Step:
    import tensorflow as tf

    from accessiflow.model.one_hot import one_hot

    losses = objective(params)
    weights = model.trainable_variables

    def train(codes: tf.Tensor, targets: tf.Tensor) -> StepResult:
        with tf.GradientTape() as tape:
            predictions = model(one_hot(codes), training=True)
            loss, total = losses(targets, predictions)
            if model.losses:  # the L1 and L2 penalties
                total = total + tf.add_n(model.losses)
            # each device sees a part of the batch, and the optimizer adds up what they find
            share = total / compute.replicas if compute.replicas > 1 else total
            scaled = optimizer.scale_loss(share)
        gradients = tape.gradient(scaled, weights)
        if compute.replicas > 1:
            # equal on all devices, to be clipped and checked for infinities alike
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        optimizer.apply(gradients, weights)
        return StepResult(loss, predictions)

    return train


def _evaluate_step(model: keras.Model, params: Params) -> Step:
    from accessiflow.model.one_hot import one_hot

    losses = objective(params)

    def evaluate(codes: tf.Tensor, targets: tf.Tensor) -> StepResult:
        predictions = model(one_hot(codes), training=False)
        return StepResult(losses(targets, predictions).loss, predictions)

    return evaluate


def _shared(step: Step, strategy: tf.distribute.Strategy) -> Step:
    """A step whose batch is split over devices; the loss is the mean of theirs."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def run(codes: tf.Tensor, targets: tf.Tensor) -> StepResult:
        loss, predictions = strategy.run(step, (codes, targets))
        return StepResult(strategy.reduce("MEAN", loss, axis=None), strategy.gather(predictions, axis=0))

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
        warmup = max(total_steps // 20, 1)  # Adam's first steps, whose moments are not yet settled, stay small
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, total_steps - warmup, alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    # 0 is stated to adamw, whose own default would decay the weights; the others take None for no decay
    decay = options["weight_decay"]
    if not decay and options["optimizer"] != "adamw":
        decay = None
    clip = options["clip_norm"]
    if clip is not None:
        clip /= compute.replicas  # each device applies its share of the gradient
    shared = {"learning_rate": rate, "clipnorm": clip, "weight_decay": decay}
    if options["optimizer"] == "sgd":
        optimizer = keras.optimizers.SGD(momentum=options["momentum"], **shared)
    else:
        kind = keras.optimizers.Adam if options["optimizer"] == "adam" else keras.optimizers.AdamW
        optimizer = kind(beta_1=options["adam_beta1"], beta_2=options["adam_beta2"], **shared)
    return keras.optimizers.LossScaleOptimizer(optimizer) if compute.mixed_precision else optimizer
