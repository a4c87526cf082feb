"""Reading a results folder: the tables that are there, with the model's name from the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accessiflow.files import read_json, read_table

if TYPE_CHECKING:
    import pandas as pd


class Results:
    """A results folder; what is absent is None or empty.

    Attributes:
        files: every file that was read, in order, relative to the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = []

    def table(self, name: str, text: Sequence[str] = ()) -> pd.DataFrame | None:
        """A table, or None where it is absent, empty or a stub.

        Args:
            name: its path in the folder.
            text: columns that are names, even where they look like numbers.
        """
        path = self._there(name)
        return read_table(path, text=text) if path else None

    def tables(self, folder: str, ending: str, text: Sequence[str] = ()) -> pd.DataFrame | None:
        """All tables of a folder with an ending, joined; None where there is none.

        The column `file` is the rest of each file's name.

        Args:
            folder: their folder.
            ending: how their names end.
            text: columns that are names, even where they look like numbers.
        """
        import pandas as pd

        names = sorted(
            (path.name for path in (self.folder / folder).glob(f"*{ending}")),
            key=lambda name: (self._place(name), name),
        )
        parts = [
            read_table(path, text=text).assign(file=name.removesuffix(ending))
            for name in names
            if not (ending == ".tsv" and name.count(".") > 1) and (path := self._there(f"{folder}/{name}"))
        ]
        parts = [p for p in parts if len(p)]
        return pd.concat(parts, ignore_index=True) if parts else None

    def _place(self, name: str) -> int:
        """Place in the models sheet of the model that a file's name starts with; files of no model come last."""
        places = [i for i, model in enumerate(self._models) if name.startswith(f"{model}.")]
        return max(places, key=lambda i: len(self._models[i])) if places else len(self._models)

    @cached_property
    def _models(self) -> list[str]:
        compared = self.table("evaluation/comparison.tsv")
        return [] if compared is None else list(dict.fromkeys(compared["model"]))

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object, or an empty one."""
        path = self._there(name)
        return read_json(path) if path else {}

    def jsons(self, pattern: str) -> dict[str, dict[str, Any]]:
        """Name -> JSON object of the files that match."""
        names = sorted(str(path.relative_to(self.folder)) for path in self.folder.glob(pattern))
        return {path.name: read_json(path) for name in names if (path := self._there(name))}

    def text(self, name: str) -> str:
        """A text file, or ""."""
        path = self._there(name)
        return path.read_text(encoding="utf-8") if path else ""

    def _there(self, name: str) -> Path | None:
        """A file that holds something, which is noted as read."""
        path = self.folder / name
        if not path.exists() or path.stat().st_size == 0:
            return None
        self.files.append(name)
        return path
