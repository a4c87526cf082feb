"""Windows of a bigWig from few queries: the values of one query a window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from accessiflow.errors import InputError
from accessiflow.signal import window_summaries as w

SIZES = {"chr1": 60_000, "chr2": 5_000}


@pytest.fixture(scope="module")
def bigwig(tmp_path_factory) -> Path:
    """Runs of 1 to 30 bp with gaps, negative values among them, and nothing on chr2's second half."""
    path, rng = tmp_path_factory.mktemp("bw") / "x.bw", np.random.default_rng(1)
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(list(SIZES.items()))
        for chrom, size in (("chr1", 60_000), ("chr2", 2_500)):
            length = rng.integers(1, 30, size // 20)
            end = np.cumsum(length + rng.integers(0, 9, len(length)))
            end, length = end[end < size], length[end < size]
            values = rng.normal(1, 2, len(end)).round(3)
            out.addEntries([chrom] * len(end), (end - length).tolist(), ends=end.tolist(), values=values.tolist())
    return path


def sites(n: int, width: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    chrom = rng.choice(list(SIZES), n, p=[0.9, 0.1])
    start = (rng.random(n) * [SIZES[c] - width // 2 for c in chrom]).astype(int)  # some pass the end
    return pd.DataFrame({"chrom": chrom, "start": start, "end": start + width})


def one_by_one(path: Path, windows: pd.DataFrame, summary: str) -> list[float]:
    out = []
    with pyBigWig.open(str(path)) as handle:
        for chrom, start, end in windows.itertuples(index=False):
            values = np.nan_to_num(handle.values(chrom, start, min(end, SIZES[chrom]), numpy=True))
            total = values.max(initial=0) if summary == "max" else values.sum()
            out.append(total if summary in ("sum", "max") else total / (end - start))
    return out


@pytest.mark.parametrize("summary", ["sum", "mean", "max"])
@pytest.mark.parametrize(("width", "span"), [(192, 1 << 20), (33, 500), (1000, 2000)])
def test_values_are_those_of_one_query_a_window(bigwig, summary, width, span, monkeypatch):
    monkeypatch.setattr(w, "BASES_AT_ONCE", span)
    monkeypatch.setattr(w, "LARGEST_GAP", 50)
    monkeypatch.setattr(w, "GATHERED", 4000)
    windows = sites(300, width, width)
    expected = np.array(one_by_one(bigwig, windows, summary), np.float32)
    assert np.array_equal(w.window_summaries(bigwig, windows, summary), expected)


def test_windows_of_several_lengths(bigwig):
    windows = pd.concat([sites(40, 192, 1), sites(40, 50, 2)], ignore_index=True)
    expected = np.array(one_by_one(bigwig, windows, "sum"), np.float32)
    assert np.array_equal(w.window_summaries(bigwig, windows, "sum"), expected)


class Counting:
    """A handle that counts its queries."""

    def __init__(self, handle: Any) -> None:
        self.handle, self.queries, self.bases = handle, 0, 0

    def values(self, chrom: str, left: int, right: int, numpy: bool) -> np.ndarray:
        self.queries, self.bases = self.queries + 1, self.bases + right - left
        return self.handle.values(chrom, left, right, numpy=numpy)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.handle, name)


@pytest.fixture
def counting(monkeypatch) -> list[Counting]:
    opened: list[Counting] = []
    real = w.open_bigwig

    def open_counting(path: Path) -> Counting:
        opened.append(Counting(real(path)))
        return opened[-1]

    monkeypatch.setattr(w, "open_bigwig", open_counting)
    return opened


def test_adjacent_windows_are_read_fifty_at_a_time_or_more(bigwig, counting):
    start = np.arange(0, 59_000, 192)
    windows = pd.DataFrame({"chrom": "chr1", "start": start, "end": start + 192}).sample(frac=1, random_state=0)
    w.window_summaries(bigwig, windows, "sum")
    assert counting[0].queries * 50 <= len(windows)


def test_far_windows_do_not_have_what_lies_between_them_read(bigwig, counting):
    windows = pd.DataFrame({"chrom": "chr1", "start": [100, 50_000], "end": [292, 50_192]})
    w.window_summaries(bigwig, windows, "sum")
    assert (counting[0].queries, counting[0].bases) == (2, 2 * 192)


def test_a_chromosome_that_the_file_lacks_is_named(bigwig):
    windows = pd.DataFrame({"chrom": ["chr9"], "start": [0], "end": [10]})
    with pytest.raises(InputError, match="has no chromosome chr9"):
        w.window_summaries(bigwig, windows, "sum")
