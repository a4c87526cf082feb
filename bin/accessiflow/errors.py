"""The exception for bad input: a sentence that names the file, the line or record, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def printable(sentence: str) -> str:
    """A sentence on one line, fit for a terminal or a log.

    Control characters, which text copied from a file may hold, become `?`.
    """
    # A name that holds an escape sequence could recolour a terminal or forge a line of a log.
    visible = "".join(c if c.isprintable() or c.isspace() else "?" for c in sentence)
    return " ".join(visible.split())


class InputError(Exception):
    """Bad input: the script prints the sentence and exits with code 2, without a traceback.

    Args:
        message: what is wrong, what was expected and found, and what to do, as one sentence.
        path: the file at fault, put in front of the message.
        line: its line or record number (1-based), put behind the path.
    """

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None) -> None:
        where = ""
        if path is not None:
            where = f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(f"{where}{message}")


class InputErrors(InputError):
    """Several faults of the input, reported together: the script prints each as a sentence of its own.

    Attributes:
        sentences: one for each fault.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = list(sentences)
