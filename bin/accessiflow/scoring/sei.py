"""Sei's (Selene's) variant effects.

Scores: `PREFIX_diffs.h5`, `PREFIX.ref_predictions.h5`, `PREFIX.alt_predictions.h5`, each a dataset `data` (variants,
features), or the sequence classes' `PREFIX.sequence_class_scores.npy`.
Variants: `PREFIX_row_labels.txt` beside them (chrom, pos, name, ref, alt, with or without a header).
Features: one name a line in `PREFIX_feature_labels.txt`, `target.names` or (sequence classes) `seqclass.names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, require_file
from accessiflow.hdf5 import open_hdf5
from accessiflow.scoring import files as score_files
from accessiflow.scoring.files import STATS, ScoreFile, TrackNames, read_names, read_part
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import h5py
    import pandas as pd

LABEL_COLUMNS = ("chrom", "pos", "name", "ref", "alt")
_POSITION = re.compile(r"[0-9]{1,10}")
_NAME = re.compile(
    r"(?P<prefix>.*?)[_.]?(?:diffs|ref_predictions|alt_predictions|predictions|sequence_class_scores)?\.(?:h5|hdf5|npy)"
)


class SeiLabels(NamedTuple):
    """The file of row labels, and that of the features' names, if there is one."""

    rows: Path
    features: Path | None


class SeiFile(ScoreFile):
    """Sei's variant effects, open: differences, or the predictions of both alleles, or all three."""

    def __init__(self, path: Path, data: dict[str, Any], labels: Path, names: Path | None) -> None:
        """A file of scores.

        Args:
            path: The file, for messages.
            data: Arrays (variants, features) by score (SAD, REF, ALT).
            labels: The file of row labels.
            names: The file of the features' names; default: numbers.
        """
        rows, features = next(iter(data.values())).shape
        numbers = [str(i) for i in range(features)]
        ids, described = TrackNames(numbers, numbers) if names is None else read_names(names)
        if len(ids) != features:
            raise InputError(f"holds {features} features, {names} names {len(ids)}", path)
        self._data, self._labels = data, labels
        super().__init__(path, ids, described, rows)

    @property
    def stats(self) -> list[str]:
        """Names of the scores that are there; the difference of two predictions counts."""
        return [name for name in STATS if name == "SAD" or name in self._data]

    def read(self, stat: str, low: int, high: int) -> NDArray[np.floating]:
        """Scores (high - low, T) of consecutive variants."""
        if stat == "SAD" and stat not in self._data:
            return self.read("ALT", low, high) - self.read("REF", low, high)
        return read_part(self._data[stat], slice(low, high), self.path)

    def variants(self) -> Iterator[pd.DataFrame]:
        """The variants in order, block by block, from the row labels."""
        import pandas as pd

        with open_text(self._labels) as lines:
            first = lines.readline().rstrip("\n").lstrip("#").split("\t")
        names = first if {"chrom", "pos"} <= set(first) else None
        missing = [n for n in KEY if names is not None and n not in names]
        if missing or (names is None and len(first) < len(LABEL_COLUMNS)):
            lacking, columns = (missing or ["alt"])[0], ", ".join(LABEL_COLUMNS)
            raise InputError(f"lacks the column {lacking}: expected {columns}, tab-separated", self._labels, 1)
        count = 0  # said at the end of the file, not before: the labels are read once, as a stream
        with open_text(self._labels) as lines:
            for block in _blocks(lines, names, self._labels):
                count += len(block["pos"])
                yield pd.DataFrame(block)
        if count != self.rows:
            raise InputError(f"names {count} variants, {self.path.name} scores {self.rows}", self._labels)


@contextmanager
def open_sei(path: Path, labels: Path | None = None, names: Path | None = None) -> Iterator[SeiFile]:
    """Open Sei's variant effects by one of their files.

    Args:
        path: One of the files of scores.
        labels: The row labels; default: those beside the file.
        names: The features' names, one a line, or a targets table; default: those beside the file, or numbers.

    Raises:
        InputError: They are not there, or do not fit each other.
    """
    if path.suffix == ".npy":
        yield SeiFile(path, {"SAD": _memory_map(path)}, *_label_files(path, labels, names, "seqclass.names"))
        return
    with ExitStack() as stack:
        data = {stat: stack.enter_context(open_hdf5(p, ["data"]))["data"] for stat, p in _companions(path).items()}
        _check_shapes(data, path)
        yield SeiFile(path, data, *_label_files(path, labels, names, "target.names"))


def without_companions(paths: Sequence[Path]) -> list[Path]:
    """The files of a folder of which each is a set of scores, in their order: of Sei's, one for each prefix.

    The differences speak for the predictions of either allele, and single features for the sequence classes.
    """
    rank = {"diffs": 0, "ref_predictions": 1, "alt_predictions": 2}
    by_features = [path for path in paths if path.suffix != ".npy"]
    kept: dict[str, Path] = {}
    for path in by_features or paths:
        key, kind = _prefix(path), _kind(path)
        if kind not in rank:
            kept[path.name] = path
        elif key not in kept or rank[kind] < rank[_kind(kept[key])]:
            kept[key] = path
    return [path for path in paths if path in kept.values()]


def _kind(path: Path) -> str:
    return path.stem.removeprefix(_prefix(path)).lstrip("._")


def _companions(path: Path) -> dict[str, Path]:
    """Which file holds which score, of those beside a Sei file.

    The file itself holds the differences if its name says nothing else.
    """
    prefix = _prefix(path)
    point, line = (".", "_") if prefix else ("", "")
    known = {
        "SAD": f"{prefix}{line}diffs",
        "REF": f"{prefix}{point}ref_predictions",
        "ALT": f"{prefix}{point}alt_predictions",
    }
    found = {stat: path.with_name(f"{name}{path.suffix}") for stat, name in known.items()}
    found = {stat: p for stat, p in found.items() if p.exists()}
    if path not in found.values():
        return {"SAD": path}
    # one allele's predictions alone give no difference
    if {"REF", "ALT"} & set(found) and not {"REF", "ALT"} <= set(found):
        found = {stat: p for stat, p in found.items() if stat == "SAD"}
    if not found:
        raise InputError(
            "holds the predictions of one allele only: the other's file, or the differences', must lie beside it", path
        )
    return found


def _prefix(path: Path) -> str:
    match = _NAME.fullmatch(path.name)
    return match["prefix"] if match else path.stem


def _label_files(path: Path, labels: Path | None, names: Path | None, model_names: str) -> SeiLabels:
    """The files of labels: as given, else those beside a file of scores."""
    prefix = _prefix(path)
    start = f"{prefix}_" if prefix else ""
    labels = labels or path.with_name(f"{start}row_labels.txt")
    if not labels.exists():
        raise InputError(f"needs its row labels: no {labels.name} beside it, state them with --labels", path)
    candidates = (path.with_name(name) for name in (f"{start}feature_labels.txt", model_names))
    return SeiLabels(labels, names or next((p for p in candidates if p.exists()), None))


def _check_shapes(data: dict[str, h5py.Dataset], path: Path) -> None:
    shapes = {d.shape for d in data.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 2:
        texts = " and ".join(map(str, sorted(shapes)))
        raise InputError(f"holds arrays of shape {texts} with its companions, expected variants x features", path)


def _memory_map(path: Path) -> NDArray[np.floating]:
    require_file(path, "file of scores")
    try:
        # mapped, and without pickles: only the rows asked for are read, and no code of the file is run
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise InputError("is not a readable .npy array (truncated or another format)", path) from None
    if data.ndim != 2 or data.dtype.kind != "f":
        raise InputError(f"holds an array of shape {data.shape}, expected numbers, variants x features", path)
    return data


def _blocks(lines: Iterator[str], header: list[str] | None, path: Path) -> Iterator[dict[str, list[Any]]]:
    """Blocks of row labels, as columns id, chrom, pos, ref, alt."""
    at = {name: i for i, name in enumerate(header or LABEL_COLUMNS)}
    places = [at[n] for n in KEY] + [at.get("name", at["pos"])]
    numbered = islice(enumerate(lines, 1), header is not None, None)
    while part := list(islice(numbered, score_files.NAMES_AT_ONCE)):
        rows = [line.rstrip("\n").split("\t") for _, line in part if line.strip()]
        numbers = [number for number, line in part if line.strip()]
        for number, row in zip(numbers, rows, strict=True):
            if len(row) <= max(places) or not _POSITION.fullmatch(row[at["pos"]]):
                columns = ", ".join(LABEL_COLUMNS)
                raise InputError(f"needs the columns {columns}, with an integer in pos", path, number)
        chrom, pos, ref, alt, name = ([row[place] for row in rows] for place in places)
        yield {"id": name, "chrom": chrom, "pos": [int(p) for p in pos], "ref": ref, "alt": alt}
