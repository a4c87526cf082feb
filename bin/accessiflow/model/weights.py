"""Weights in Keras' legacy HDF5 layout, as Basenji writes and reads them.

The datasets are model_weights/<layer>/<layer>/{kernel:0, gamma:0, ...}.
Read layer by layer in topological order, whatever the layers are called; nothing in the file is executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from zipfile import is_zipfile

import numpy as np

from accessiflow.errors import InputError
from accessiflow.hdf5 import as_texts, create_hdf5, open_hdf5

if TYPE_CHECKING:
    import h5py
    import keras

SAVE_AS_H5 = "load it into its model with Keras and save that by model.save('model_best.h5')"


class StoredLayer(NamedTuple):
    """A layer of a weights file: its name there, and its weights in the order of the file."""

    name: str
    values: list[np.ndarray]


def load_weights(model: keras.Model, path: Path) -> None:
    """Put the weights of a file into a model.

    Raises:
        InputError: The file is none of that layout, or has another number of layers, or a shape that does not fit
            (naming the layer).
    """
    _put([layer for layer in model.layers if layer.weights], _stored(path, model), path)


def load_trunk(model: keras.Model, trunk: keras.Model, source: Path) -> None:
    """Put the weights of a trained model below its head into the trunk of another; the head keeps its own.

    Args:
        model: The whole network, for the number of layers.
        trunk: Its part below the head, which gets the weights.
        source: A model folder, or a weights file. It must have as many layers with weights as `model`.

    Raises:
        InputError: As `load_weights`, for the layers of the trunk.
    """
    path = source / "model_best.h5" if source.is_dir() else source
    layers = [layer for layer in trunk.layers if layer.weights]
    # layers come in topological order: those of the trunk are the first of the file
    _put(layers, _stored(path, model)[: len(layers)], path)


def freeze(trunk: keras.Model) -> None:
    """Keep the weights of a trunk and the statistics of its batch normalisation as they are in training."""
    for layer in trunk.layers:
        if layer.weights:
            layer.trainable = False


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a model's weights; equal weights give equal bytes."""
    with create_hdf5(path) as handle:
        root = handle.create_group("model_weights")
        layers = [layer for layer in model.layers if layer.weights]
        root.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
        # what Basenji's TensorFlow 2 expects; a fixed version keeps the bytes the same under any Keras
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.15.0"
        for layer in layers:
            group = root.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, value in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=value)


def stored_layers(path: Path, count: int) -> list[StoredLayer]:
    """Name and weights of each layer of a file that has any.

    Raises:
        InputError: The file is none of that layout, or has another number of layers than `count`.
    """
    if is_zipfile(path):
        raise InputError(f"is a Keras 3 archive (.keras): {SAVE_AS_H5}", path)
    with open_hdf5(path) as handle:
        if "layer_names" not in handle.attrs and ("layers" in handle or "_layer_checkpoint_dependencies" in handle):
            raise InputError(f"is a Keras 3 weights file (.weights.h5): {SAVE_AS_H5}", path)
        root = handle["model_weights"] if "model_weights" in handle else handle
        if "layer_names" not in root.attrs:
            raise InputError("is not a Keras weights file: it has no layer_names", path)
        layers = [StoredLayer(name, _layer_values(root, name, path)) for name in _names(root, "layer_names")]
    stored = [layer for layer in layers if layer.values]  # activations and pooling have no weights
    if len(stored) != count:
        raise InputError(
            f"holds {len(stored)} layers with weights, the params describe {count}: weights of another model", path
        )
    return stored


def _stored(path: Path, model: keras.Model) -> list[StoredLayer]:
    return stored_layers(path, sum(1 for layer in model.layers if layer.weights))


def _put(layers: Sequence[keras.Layer], stored: Sequence[StoredLayer], path: Path) -> None:
    # all shapes first: a model is never left with the weights of two files
    for layer, (name, values) in zip(layers, stored, strict=True):
        shapes = [tuple(v.shape) for v in values]
        expected = [tuple(w.shape) for w in layer.weights]
        if shapes != expected:
            raise InputError(
                f"has shapes {shapes} in the layer {name}, the params describe {expected} ({layer.name})", path
            )
    for layer, (_, values) in zip(layers, stored, strict=True):
        layer.set_weights(values)


def _names(group: h5py.Group, attribute: str) -> list[str]:
    return as_texts(np.atleast_1d(group.attrs[attribute]))


def _layer_values(root: h5py.Group, name: str, path: Path) -> list[np.ndarray]:
    import h5py

    group = root.get(name)
    if not isinstance(group, h5py.Group) or "weight_names" not in group.attrs:
        raise InputError(f"lists the layer {name} but does not hold it: damaged", path)
    names = _names(group, "weight_names")
    absent = [n for n in names if not isinstance(group.get(n), h5py.Dataset)]
    if absent:
        raise InputError(f"lacks the weight {absent[0]}: damaged", path)
    values = [group[n][()] for n in names]
    wrong = [n for n, value in zip(names, values, strict=True) if not _all_finite(value)]
    if wrong:
        raise InputError(
            f"holds values in the weight {wrong[0]} that are no finite numbers: damaged, or training diverged", path
        )
    return values


def _all_finite(values: np.ndarray) -> bool:
    return values.dtype.kind in "fiu" and bool(np.isfinite(values).all())
