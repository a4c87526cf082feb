"""The steps on JAX: pure functions of a state, which lies on the device between steps.

The variables of model and optimizer see it when it is stored (after an epoch), not after every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.model.one_hot import one_hot
from accessiflow.model.params import Params
from accessiflow.training.compute import Compute
from accessiflow.training.losses.across_tracks import objective
from accessiflow.training.steps import StepResult, Steps

if TYPE_CHECKING:
    import jax
    import keras
    from jax.sharding import NamedSharding

    _Values = list[jax.Array]


class State(NamedTuple):
    """Values of the variables that are trained, of the others (batch statistics, seeds), and of the optimizer."""

    trained: _Values
    fixed: _Values
    optimizer: _Values


class JaxSteps(Steps):
    """Both steps, compiled; several devices share a batch by its sharding, over which XLA splits the whole step."""

    def __init__(self, model: keras.Model, params: Params, optimizer: keras.Optimizer, compute: Compute) -> None:
        """Steps of a model (see build.build_steps)."""
        import jax

        self.optimizer, self._model, self._losses = optimizer, model, objective(params)
        self._batch_sharding, self._state_sharding = _shardings(compute)
        # the former state's memory is used for the next one
        self._compiled_train = jax.jit(self._train_step, donate_argnums=0)
        self._compiled_evaluate = jax.jit(self._evaluate_step)
        self.load()

    def train(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """One step of the optimizer; predictions are those before it."""
        self._state, result = self._compiled_train(self._state, *self._placed(codes, targets))
        return result

    def evaluate(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> StepResult:
        """Loss and predictions in inference mode."""
        return self._compiled_evaluate(self._state, *self._placed(codes, targets))

    def store(self) -> None:
        """Put what has been learned into the variables of model and optimizer."""
        import jax.numpy as jnp

        for variables, values in zip(self._variables(), self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(jnp.copy(value))  # the next step takes the memory of the state's own

    def load(self) -> None:
        """Take over the variables of model and optimizer."""
        import jax
        import jax.numpy as jnp

        values = ([jnp.copy(v.value) for v in variables] for variables in self._variables())
        self._state = jax.device_put(State(*values), self._state_sharding)

    def _variables(self) -> tuple[list[keras.Variable], list[keras.Variable], list[keras.Variable]]:
        return self._model.trainable_variables, self._model.non_trainable_variables, self.optimizer.variables

    def _placed(self, codes: NDArray[np.uint8], targets: NDArray[np.float32]) -> tuple[jax.Array, jax.Array]:
        import jax

        return jax.device_put((np.asarray(codes), np.asarray(targets)), self._batch_sharding)

    def _train_step(self, state: State, codes: jax.Array, targets: jax.Array) -> tuple[State, StepResult]:
        import jax

        def scaled(trained: _Values) -> tuple[jax.Array, tuple[StepResult, _Values]]:
            predictions, fixed, penalties = self._model.stateless_call(
                trained, state.fixed, one_hot(codes), training=True, return_losses=True
            )
            loss, total = self._losses(targets, predictions)
            total = sum(penalties, total)  # L1 and L2
            return self._scaled(state.optimizer, total), (StepResult(loss, predictions), fixed)

        gradients, (result, fixed) = jax.grad(scaled, has_aux=True)(state.trained)
        trained, optimizer = self.optimizer.stateless_apply(state.optimizer, gradients, state.trained)
        return State(trained, fixed, optimizer), result

    def _evaluate_step(self, state: State, codes: jax.Array, targets: jax.Array) -> StepResult:
        predictions, _ = self._model.stateless_call(state.trained, state.fixed, one_hot(codes), training=False)
        return StepResult(self._losses(targets, predictions).loss, predictions)

    def _scaled(self, values: _Values, loss: jax.Array) -> jax.Array:
        import keras

        # the loss scale is a variable of the optimizer: it is read from the state
        with keras.StatelessScope(state_mapping=list(zip(self.optimizer.variables, values, strict=True))):
            return self.optimizer.scale_loss(loss)


def _shardings(compute: Compute) -> tuple[NamedSharding | jax.Device, NamedSharding | jax.Device]:
    """Where batches and the state lie: on the one device, or split over several and whole on each."""
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    if compute.replicas == 1:
        return jax.devices()[0], jax.devices()[0]
    chosen = [device for device in jax.devices() if str(device) in compute.devices]
    mesh = Mesh(np.array(chosen), ("batch",))
    return NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())
