"""Weights in Keras' legacy HDF5 layout, as Basenji writes and reads them: model_weights/<layer>/<layer>/{kernel:0, gamma:0, ...}.

Read layer by layer in topological order, whatever the layers are called; nothing in the file is executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import create_hdf5, open_hdf5

if TYPE_CHECKING:
    import h5py
    import keras


def load_weights(model: keras.Model, path: Path) -> None:
    """Put the weights of a file into a model.

    Raises:
        InputError: not such a file, another number of layers, or a shape that does not fit (naming the layer).
    """
    with open_hdf5(path) as handle:
        root = handle["model_weights"] if "model_weights" in handle else handle
        if "layer_names" not in root.attrs:
            raise InputError("is not a Keras weights file: it has no layer_names", path)
        stored = [(name, values) for name in _names(root, "layer_names") if (values := _layer_values(root, name, path))]
    wanted = [layer for layer in model.layers if layer.weights]
    if len(stored) != len(wanted):
        raise InputError(f"holds {len(stored)} layers with weights, the params describe {len(wanted)}: weights of another model", path)
    for layer, (name, values) in zip(wanted, stored, strict=True):
        shapes = [tuple(v.shape) for v in values]
        expected = [tuple(w.shape) for w in layer.weights]
        if shapes != expected:
            raise InputError(f"has shapes {shapes} in the layer {name}, the params describe {expected} ({layer.name})", path)
        layer.set_weights(values)


def save_weights(model: keras.Model, path: Path) -> None:
    """Write a model's weights; equal weights give equal bytes."""
    with create_hdf5(path) as handle:
        root = handle.create_group("model_weights")
        layers = [layer for layer in model.layers if layer.weights]
        root.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.15.0"
        for layer in layers:
            group = root.create_group(layer.name)
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, value in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=value)


def _names(group: h5py.Group, attribute: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in group.attrs[attribute]]


def _layer_values(root: h5py.Group, name: str, path: Path) -> list[np.ndarray]:
    import h5py

    group = root.get(name)
    if not isinstance(group, h5py.Group) or "weight_names" not in group.attrs:
        raise InputError(f"lists the layer {name} but does not hold it: damaged", path)
    names = _names(group, "weight_names")
    absent = [n for n in names if not isinstance(group.get(n), h5py.Dataset)]
    if absent:
        raise InputError(f"lacks the weight {absent[0]}: damaged", path)
    return [group[n][()] for n in names]
