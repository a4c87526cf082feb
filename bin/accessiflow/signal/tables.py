"""Tab-separated interval tables, read some lines at a time."""

from __future__ import annotations

import csv
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.intervals import LONGEST

if TYPE_CHECKING:
    import pandas as pd


LINES_AT_ONCE = 1 << 18
HEADERS = ("#", "track", "browser")


def table_chunks(path: Path, columns: list[str]) -> Iterator[pd.DataFrame]:
    """Chunks of a headerless TSV as text, `#`, track and browser lines skipped; the column `line` is its line in the file."""
    import pandas as pd

    skipped, done = _leading_lines(path, columns), 0
    with open_text(path) as handle:
        try:
            for chunk in pd.read_csv(
                handle,
                sep="\t",
                header=None,
                usecols=range(len(columns)),
                names=columns,
                dtype=str,
                chunksize=LINES_AT_ONCE,
                keep_default_na=False,
                na_values=[""],
                quoting=csv.QUOTE_NONE,
                skiprows=skipped,
                skip_blank_lines=False,
            ):
                done += len(chunk)
                rows = chunk.assign(line=chunk.index + 1 + skipped)[
                    ~chunk["chrom"].str.startswith(HEADERS, na=True) | chunk["start"].notna()
                ]
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
        found = next(
            ((i, line) for i, line in enumerate(handle) if line.strip() and not line.startswith(HEADERS)), None
        )
    if found is None:
        raise InputError("holds no record", path)
    if found[1].count("\t") + 1 < len(columns):
        raise InputError(f"has fewer than {len(columns)} columns ({', '.join(columns)})", path, found[0] + 1)
    return found[0]


def _complete(rows: pd.DataFrame, columns: list[str], path: Path) -> pd.DataFrame:
    short = rows[columns].isna().any(axis=1).to_numpy()
    if short.any():
        raise InputError(
            f"has fewer than {len(columns)} columns ({', '.join(columns)})",
            path,
            int(rows["line"].iloc[int(short.argmax())]),
        )
    return rows.reset_index(drop=True)


def coordinates(chunk: pd.DataFrame, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    import pandas as pd

    start, end = (pd.to_numeric(chunk[c], errors="coerce").to_numpy(np.float64) for c in ("start", "end"))
    bad = ~((start >= 0) & (end > start) & (end < LONGEST) & (start == np.floor(start)) & (end == np.floor(end)))
    if bad.any():
        at = int(bad.argmax())
        raise InputError(
            f"needs integers 0 <= start < end, found {chunk['start'][at][:20]!r} and {chunk['end'][at][:20]!r}",
            path,
            int(chunk["line"][at]),
        )
    return start.astype(np.int64), end.astype(np.int64)
