"""Tab-separated interval tables, read some lines at a time."""

from __future__ import annotations

import csv
import gc
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import BED_HEADERS, LONGEST_CHROMOSOME

if TYPE_CHECKING:
    import pandas as pd


LINES_AT_ONCE = 1 << 18  # about 100 MB as text in pandas


def table_chunks(path: Path, columns: list[str], places: Sequence[int] = ()) -> Iterator[pd.DataFrame]:
    """Chunks of a headerless TSV as text, without its `#`, track and browser lines.

    The further column `line` is the number of the line in the file, for messages.

    Args:
        path: the file.
        columns: names of the columns that are read.
        places: where they stand, from 0, ascending; default: the first ones.

    Raises:
        InputError: there is no record, or one has too few columns.
    """
    import pandas as pd

    skipped, done = _leading_lines(path, columns), 0
    with open_text(path) as handle:
        try:
            for chunk in pd.read_csv(
                handle,
                sep="\t",
                header=None,
                usecols=list(places) or range(len(columns)),
                names=columns,
                dtype=str,
                chunksize=LINES_AT_ONCE,
                keep_default_na=False,
                na_values=[""],
                quoting=csv.QUOTE_NONE,
                skiprows=skipped,
                skip_blank_lines=False,  # else the numbers of the lines would be wrong
            ):
                done += len(chunk)
                # A chromosome may be called "track1": a header line has no second column.
                is_record = ~chunk["chrom"].str.startswith(BED_HEADERS, na=True) | chunk["start"].notna()
                rows = chunk.assign(line=chunk.index + 1 + skipped)[is_record]
                yield _complete(rows, columns, path)
                del chunk, rows
                gc.collect()  # pandas leaves them in cycles, which else stay for many chunks
        except pd.errors.EmptyDataError:
            raise InputError("holds no record", path) from None
        except (pd.errors.ParserError, ValueError, OSError, EOFError, UnicodeDecodeError) as error:
            raise InputError(
                f"cannot be read after record {done} as a table of {', '.join(columns)} ({str(error).splitlines()[0]})",
                path,
            ) from None


def _leading_lines(path: Path, columns: list[str]) -> int:
    """Number of comment, track and browser lines before the first record, which must have the columns."""
    with open_text(path) as handle:
        for skipped, line in enumerate(handle):
            if line.strip() and not line.startswith(BED_HEADERS):
                if line.count("\t") + 1 < len(columns):
                    raise InputError(f"has fewer than {len(columns)} columns ({', '.join(columns)})", path, skipped + 1)
                return skipped
    raise InputError("holds no record", path)


def _complete(rows: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    """The rows, of which each must have a value in every column."""
    short = rows[columns].isna().any(axis=1).to_numpy()
    if short.any():
        raise InputError(
            f"has fewer than {len(columns)} columns ({', '.join(columns)})",
            path,
            int(rows["line"].iloc[int(short.argmax())]),
        )
    return rows.reset_index(drop=True)


def coordinates(chunk: pd.DataFrame, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends (n,) of a chunk's intervals.

    Raises:
        InputError: a row is no interval (with its line).
    """
    import pandas as pd

    # By way of float64, which holds all integers up to 2^53 and shows text and fractions as what they are.
    start, end = (pd.to_numeric(chunk[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bad = ~(
        (start >= 0) & (end > start) & (end < LONGEST_CHROMOSOME) & (start == np.floor(start)) & (end == np.floor(end))
    )
    if bad.any():
        at = int(bad.argmax())
        raise InputError(
            f"needs integers 0 <= start < end, found {chunk['start'][at][:20]!r} and {chunk['end'][at][:20]!r}",
            path,
            int(chunk["line"][at]),
        )
    return start.astype(np.int64), end.astype(np.int64)
