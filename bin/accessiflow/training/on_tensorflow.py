"""The steps on TensorFlow: graphs over the variables of model and optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.model.one_hot import one_hot
from accessiflow.model.params import Params
from accessiflow.training.compute import Compute
from accessiflow.training.losses.across_tracks import objective
from accessiflow.training.steps import StepResult, Steps

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

_Step = Callable[[NDArray[np.uint8], NDArray[np.float32]], StepResult]


class TensorFlowSteps(Steps):
    """Both steps as TensorFlow functions; several devices share a batch by MirroredStrategy."""

    def __init__(self, model: keras.Model, params: Params, optimizer: keras.Optimizer, compute: Compute) -> None:
        """Steps of a model (see build.build_steps)."""
        import tensorflow as tf

        self.optimizer = optimizer
        train, evaluate = _train_step(model, params, optimizer, compute), _evaluate_step(model, params)
        if compute.strategy is None:
            build = tf.function(jit_compile=compute.uses_xla(model), autograph=False)
            self._train, self._evaluate = build(train), build(evaluate)
        else:
            self._train, self._evaluate = _shared(train, compute.strategy), _shared(evaluate, compute.strategy)

    def train(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """One step of the optimizer; predictions are those before it."""
        return self._train(codes, targets)

    def evaluate(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """Loss and predictions in inference mode."""
        return self._evaluate(codes, targets)

    def store(self) -> None:
        """Nothing: the steps work on the variables themselves."""

    def load(self) -> None:
        """Nothing: the steps work on the variables themselves."""


def _train_step(model: keras.Model, params: Params, optimizer: keras.Optimizer, compute: Compute) -> _Step:
    import tensorflow as tf

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


def _evaluate_step(model: keras.Model, params: Params) -> _Step:
    losses = objective(params)

    def evaluate(codes: tf.Tensor, targets: tf.Tensor) -> StepResult:
        predictions = model(one_hot(codes), training=False)
        return StepResult(losses(targets, predictions).loss, predictions)

    return evaluate


def _shared(step: _Step, strategy: tf.distribute.Strategy) -> _Step:
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
