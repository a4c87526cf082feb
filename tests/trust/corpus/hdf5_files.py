"""HDF5: coverage, the peak matrix, scores, predictions and weights.

With members that are missing, of another shape, or not finite.
"""

from __future__ import annotations

from collections.abc import Callable

import h5py
import numpy as np

from corpus.case import (
    CLASSIFY,
    IMPORT,
    JOIN,
    MERGE,
    PEAKS,
    QTL,
    SCORE,
    SETS,
    SPECIFICITY,
    TEST,
    Change,
    refused,
    renamed,
    stored,
)

Rule = Callable[[h5py.File], object]


def put_in(name: str, value: object) -> Rule:
    """Another dataset in a member's place."""

    def rule(handle: h5py.File) -> None:
        if name in handle:
            del handle[name]
        handle[name] = value

    return rule


def without(name: str) -> Rule:
    """No such member."""
    return lambda handle: handle.__delitem__(name)


def group(name: str) -> Rule:
    """A group in a dataset's place."""

    def rule(handle: h5py.File) -> None:
        del handle[name]
        handle.create_group(name)

    return rule


def value(name: str, number: float) -> Rule:
    """The first value of a dataset."""

    def rule(handle: h5py.File) -> None:
        data = handle[name][()]
        data.flat[0] = number
        handle[name][...] = data

    return rule


def attribute(name: str, content: object) -> Rule:
    """An attribute of the file; None: none."""
    return lambda handle: handle.attrs.__delitem__(name) if content is None else handle.attrs.__setitem__(name, content)


_coverage: dict[str, tuple[Rule, str]] = {
    "without bin_size": (attribute("bin_size", None), "is not a coverage file: it has no bin_size attribute"),
    "whose bin_size is a word": (attribute("bin_size", "wide"), "bin_size"),
    "whose bin_size is 0": (attribute("bin_size", 0), "bin_size"),
    "whose bin_size is an array": (attribute("bin_size", [64, 64]), "bin_size"),
    "with negative coverage": (value("chr1", -1), "holds negative or infinite coverage: bin the signal again"),
    "with infinite coverage": (value("chr1", np.inf), "holds negative or infinite coverage: bin the signal again"),
    "with a chromosome that is a group": (group("chr1"), "chr1"),
    "with a chromosome of two dimensions": (put_in("chr1", np.ones((3, 3))), "chr1"),
    "with a chromosome that is text": (put_in("chr1", np.array([b"a", b"b"])), "chr1"),
    "with a chromosome that is one number": (put_in("chr1", 5.0), "chr1"),
    "without a chromosome": (lambda h: [h.__delitem__(c) for c in list(h)], "chromosome"),
    "whose order is a word": (
        lambda h: h["chr1"].attrs.__setitem__("order", "first"),
        "has the attribute order 'first', expected an integer",
    ),
    "of nothing but NaN": (lambda h: [h[c].__setitem__(slice(None), np.nan) for c in h], "has no coverage at all"),
}
for _kind, (_rule, _says) in _coverage.items():
    refused(f"coverage {_kind}", "coverage.h5", stored("A.coverage.h5", _rule), PEAKS, "A.coverage.h5: ", _says)
refused(
    "coverage of another bin size",
    "coverage.h5",
    stored("B.coverage.h5", attribute("bin_size", 32)),
    MERGE,
    "B.coverage.h5: has other chromosomes, bins or bin size than A.coverage.h5: bin all tracks alike",
)
refused(
    "coverage of other chromosomes",
    "coverage.h5",
    stored("B.coverage.h5", without("chr3")),
    MERGE,
    "B.coverage.h5: has other chromosomes, bins or bin size than A.coverage.h5",
)

_peaks: dict[str, tuple[Rule, str]] = {
    "without obs": (without("obs"), "lacks obs"),
    "without its flags": (without("layers/is_peak"), "lacks layers/is_peak"),
    "without n_tracks": (without("obs/n_tracks"), ""),
    "whose obs is an array": (put_in("obs", np.ones(3)), ""),
    "whose flags are text": (put_in("layers/is_peak", np.array([b"a"])), ""),
    "whose flags are of other peaks": (put_in("layers/is_peak", np.ones((2, 2))), ""),
    "with a column too short": (put_in("obs/start", np.arange(2)), ""),
    "whose starts are text": (put_in("obs/start", np.array([b"a"] * 17)), ""),
}
for _kind, (_rule, _says) in _peaks.items():
    refused(f"a peak matrix {_kind}", "h5ad", stored("peaks.h5ad", _rule), SETS, "peaks.h5ad: ", _says)
    refused(
        f"a peak matrix {_kind}, for eQTLs", "h5ad", stored("peaks.h5ad", _rule), CLASSIFY, "peaks.h5ad: ", _says
    ) if "flags" not in _kind else None
    refused(
        f"a peak matrix {_kind}, for an evaluation",
        "h5ad",
        stored("peaks.h5ad", _rule),
        SPECIFICITY,
        "peaks.h5ad: ",
        _says,
    )

_scores: dict[str, tuple[Rule, str]] = {
    "without SAD": (without("SAD"), "lacks SAD"),
    "without positions and ids": (
        lambda h: (h.__delitem__("pos"), h.__delitem__("snp")),
        "neither by position and alleles nor by id",
    ),
    "with fewer positions": (put_in("pos", np.arange(3)), "expected"),
    "with more tracks than names": (
        put_in("SAD", np.ones((120, 5), np.float32)),
        "has SAD of shape (120, 5), expected variants x 2 tracks of 120 variants",
    ),
    "of one dimension": (
        put_in("SAD", np.ones(120)),
        "holds SAD of type float64 and shape (120,), expected numbers in 2 dimension(s)",
    ),
    "of text": (put_in("SAD", np.full((120, 2), b"a")), "SAD"),
    "whose SAD is a group": (group("SAD"), "SAD"),
    "whose positions are a group": (group("pos"), "pos"),
    "whose positions are text": (put_in("pos", np.array([b"x"] * 120)), "pos"),
    "whose names are numbers": (put_in("target_ids", 5), "target_ids"),
    "that are not finite": (value("SAD", np.nan), ""),
}
for _kind, (_rule, _says) in _scores.items():
    _file = "" if "finite" in _kind else "sad/sad.h5: "
    refused(
        f"scores {_kind}",
        "sad.h5",
        stored("sad/sad.h5", _rule),
        QTL,
        _file,
        _says or "scores that are not finite numbers",
    )
    if "names" not in _kind and "finite" not in _kind:
        refused(f"scores {_kind}, to join", "sad.h5", stored("sad/sad.h5", _rule), JOIN, "sad/sad.h5: ")

_matrices: dict[str, tuple[Rule, str]] = {
    "without predictions": (without("preds"), "needs one dataset of windows x tracks"),
    "with a NaN": (value("preds", np.nan), "holds nan in window 1, track A: expected finite numbers"),
    "with an infinite value": (value("preds", np.inf), "holds inf in window 1, track A: expected finite numbers"),
    "of text": (
        put_in("preds", np.full((22, 1, 3), b"a")),
        "holds preds of type |S1 and shape (22, 1, 3), expected numbers",
    ),
    "that are a group": (group("preds"), "preds"),
    "of one dimension": (
        put_in("preds", np.ones(5)),
        "holds preds of type float64 and shape (5,), expected numbers in 2 or 3 dimension(s)",
    ),
    "of more tracks than names": (put_in("preds", np.ones((22, 1, 5))), "names 3 tracks and holds values of 5"),
    "of no window": (put_in("preds", np.ones((0, 1, 3))), "expected windows x tracks"),
    "of other windows": (put_in("chrom", np.array([b"chrQ"] * 22)), "shares no window with targets.h5"),
    "of other tracks": (put_in("target_ids", np.array([b"X", b"Y", b"Z"])), "shares no track with targets.h5"),
    "whose chromosomes are a group": (group("chrom"), "chrom"),
    "whose starts are text": (put_in("start", np.array([b"a"] * 22)), "start"),
}
for _kind, (_rule, _says) in _matrices.items():
    refused(f"predictions {_kind}", "preds.h5", stored("preds/preds.h5", _rule), SPECIFICITY, "preds/preds.h5: ", _says)
for _kind in (
    "without predictions",
    "with a NaN",
    "that are a group",
    "of one dimension",
    "of other windows",
    "of other tracks",
    "whose starts are text",
):
    refused(
        f"predictions {_kind}, to import",
        "preds.h5",
        stored("preds/preds.h5", _matrices[_kind][0]),
        IMPORT,
        "preds/preds.h5",
    )

_weights: dict[str, tuple[Rule, str]] = {
    "without layer names": (
        lambda h: h["model_weights"].attrs.__delitem__("layer_names"),
        "is not a Keras weights file: it has no layer_names",
    ),
    "without a layer": (without("model_weights/dense"), "lists the layer dense but does not hold it: damaged"),
    "without a weight": (without("model_weights/dense/dense/bias:0"), "lacks the weight dense/bias:0: damaged"),
    "of another shape": (
        put_in("model_weights/dense/dense/kernel:0", np.ones((3, 2), np.float32)),
        "has shapes [(3, 2), (2,)] in the layer dense, the params describe [(4, 2), (2,)]",
    ),
    "with fewer layers": (
        lambda h: h["model_weights"].attrs.__setitem__("layer_names", np.array([b"dense"])),
        "holds 1 layers with weights, the params describe 2",
    ),
    "whose layer names are a number": (
        lambda h: h["model_weights"].attrs.__setitem__("layer_names", 5),
        "lists the layer 5 but does not hold it: damaged",
    ),
    "that are text": (put_in("model_weights/dense/dense/bias:0", np.array([b"a", b"b"])), "dense"),
    "that are NaN": (value("model_weights/dense/dense/kernel:0", np.nan), "dense"),
}
for _kind, (_rule, _says) in _weights.items():
    refused(
        f"weights {_kind}", "model_best.h5", stored("net/model_best.h5", _rule), SCORE, "net/model_best.h5: ", _says
    )
_ridges: dict[str, tuple[Rule, str]] = {
    "without coefficients": (without("coefficients"), "lacks coefficients"),
    "with coefficients of another shape": (
        put_in("coefficients", np.ones((4, 4))),
        "holds coefficients of shape (4, 4), the params need (16, 3)",
    ),
    "with means of another shape": (put_in("means", np.ones(5)), "means"),
    "with coefficients that are a group": (group("coefficients"), "coefficients"),
    "with coefficients that are text": (put_in("coefficients", np.full((16, 3), b"a")), "coefficients"),
}
for _kind, (_rule, _says) in _ridges.items():
    refused(
        f"a k-mer ridge {_kind}",
        "model_best.h5",
        stored("ridge/model_best.h5", _rule),
        TEST,
        "ridge/model_best.h5: ",
        _says,
    )


def _swap(a: str, b: str) -> Change:
    return renamed(a, b)


refused(
    "weights of another model",
    "model_best.h5",
    _swap("ridge/model_best.h5", "net/model_best.h5"),
    SCORE,
    "net/model_best.h5: is not a Keras weights file",
)
refused(
    "scores in the place of a peak matrix", "h5ad", _swap("sad/sad.h5", "peaks.h5ad"), SETS, "peaks.h5ad: lacks obs"
)
refused(
    "a peak matrix in the place of scores", "sad.h5", _swap("peaks.h5ad", "sad/sad.h5"), QTL, "sad/sad.h5: lacks SAD"
)
