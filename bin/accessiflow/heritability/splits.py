"""Splits of a peak set's SNPs by |SAD| (Kathail et al. 2024).

Thresholds are `np.quantile` over the SNPs of the set on all chromosomes; bottom q is <= quantile q, top q is >=
quantile 1 - q (a tie is in both);
a SNP without a score is in neither.

Memory: 8 bytes a SNP of the panel, and the scores of a block of SNPs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.intervals import split_list
from accessiflow.log import left_out, log
from accessiflow.variants.plink import bare

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.heritability.annotations import Flags
    from accessiflow.scoring.lookup import Scores

_BLOCK_VALUES = 1 << 24
SPLIT_COLUMNS = [
    "annotation",
    "set",
    "model",
    "statistic",
    "half",
    "share",
    "threshold",
    "n_snps",
    "n_set",
    "n_unscored",
]


@dataclass(frozen=True)
class Split:
    """How a set is split.

    Attributes:
        statistic: of |SAD| over the tracks, mean or max. quantiles: shares of the top and bottom.
        tracks: names of the tracks that count (none: all). any_tracks: count all tracks where the scores have none of
            them.
        model: the scores' model, part of the annotations' names; or "".
    """

    statistic: str = "mean"
    quantiles: Sequence[float] = (0.5,)
    tracks: Sequence[str] = ()
    any_tracks: bool = False
    model: str = ""


@dataclass(frozen=True)
class Part:
    """One half of a split: its annotation's name, 0/1 a chromosome, bottom or top, its share, and the |SAD| where it
    begins."""

    name: str
    flags: Flags
    half: str
    share: float
    threshold: float


def parse_shares(text: str) -> list[float]:
    """Shares of the top and bottom from an option: numbers between 0 and 1, comma-separated.

    Raises:
        InputError: something else stands there.
    """
    try:
        shares = [float(share) for share in split_list(text)]
    except ValueError:
        raise InputError(f"--quantiles {text}: expected numbers, comma-separated") from None
    if not all(0 < share < 1 for share in shares):
        raise InputError(f"--quantiles {text}: expected shares between 0 and 1")
    return shares


def absolute_sad(bims: dict[str, pd.DataFrame], scores: Scores, split: Split) -> dict[str, NDArray[np.float64]]:
    """Chromosome -> mean or maximum over tracks of |SAD| (n,), NaN without a score; alleles match in either order.

    Raises:
        InputError: the scores have none of the tracks.
    """
    columns = _columns(scores, split)
    block = max(1, _BLOCK_VALUES // len(columns))
    out = {}
    for chrom, bim in bims.items():
        rows = _find(bim, scores)
        values = np.full(len(bim), np.nan)
        found = np.flatnonzero(rows >= 0)
        for low in range(0, len(found), block):
            at = found[low : low + block]
            sad = np.abs(scores.read(rows[at], columns=columns).astype(np.float64))
            values[at] = sad.max(axis=1) if split.statistic == "max" else sad.mean(axis=1)
        out[chrom] = values
    return out


def _columns(scores: Scores, split: Split) -> NDArray[np.int64]:
    """Numbers of the tracks that count."""
    known = {*scores.tracks, *scores.labels}
    if split.any_tracks and split.tracks and not known & set(split.tracks):
        log.warning(
            "the scores%s have none of the tracks %s...: all %d count",
            f" of {split.model}" * bool(split.model),
            split.tracks[0],
            len(known),
        )
        return np.arange(len(scores.tracks))
    wanted = [t for t in split.tracks if t in known] if split.any_tracks else split.tracks
    lacking = len(split.tracks) - len(wanted)
    left_out("tracks", lacking, len(split.tracks), "of --track-list, not scored", source=split.statistic)
    return np.array([scores.column(t) for t in wanted] or range(len(scores.tracks)), np.int64)


def _find(bim: pd.DataFrame, scores: Scores) -> NDArray[np.int64]:
    """Row of each SNP in the scores; -1 without."""
    rows = np.full(len(bim), -1, np.int64)
    for prefix in ("", "chr"):
        for ref, alt in (("A1", "A2"), ("A2", "A1")):
            names = prefix + bim["CHR"].map(bare)
            table = bim.assign(chrom=names, pos=bim["BP"], ref=bim[ref], alt=bim[alt], id=bim["SNP"])
            rows = np.where(rows < 0, scores.find(table), rows)
    return rows


def sad_splits(member: Flags, sad: dict[str, NDArray[np.float64]], name: str, split: Split) -> list[Part]:
    """The bottom and the top of each share, of a set's SNPs `member`.

    Raises:
        InputError: no SNP of the panel has a score.
    """
    if all(np.isnan(values).all() for values in sad.values()):
        raise InputError(f"{name}: none of the panel's SNPs has a score: are variants and panel of one assembly?")
    pooled = np.concatenate([sad[c][member[c] == 1] for c in member])
    absent = int(np.isnan(pooled).sum())
    if absent:
        log.info("%s: %d of %d SNPs have no score: in neither half", name, absent, len(pooled))
    pooled = pooled[~np.isnan(pooled)]
    parts = []
    for q in split.quantiles:
        low, high = (float(np.quantile(pooled, share)) if len(pooled) else np.nan for share in (q, 1 - q))
        for half, at in (("bottom", low), ("top", high)):
            with np.errstate(invalid="ignore"):
                inside = {c: sad[c] <= at if half == "bottom" else sad[c] >= at for c in member}
            flags = {c: ((member[c] == 1) & inside[c]).astype(np.int8) for c in member}
            parts.append(Part(_name(name, split, half, q), flags, half, q, at))
    return parts


def _name(name: str, split: Split, half: str, share: float) -> str:
    return f"{name}_{split.statistic}_sad_{half}_{share:g}" + (f".{split.model}" if split.model else "")


def describe(
    name: str, member: Flags, sad: dict[str, NDArray[np.float64]] | None, parts: Sequence[Part], split: Split
) -> pd.DataFrame:
    """One row an annotation (SPLIT_COLUMNS): the set and its parts, with their numbers of SNPs; thresholds in units
    of |SAD|."""
    import pandas as pd

    size = sum(int(flags.sum()) for flags in member.values())
    unscored = None if sad is None else sum(int((np.isnan(sad[c]) & (member[c] == 1)).sum()) for c in member)
    rows: list[tuple[object, ...]] = [(name, name, None, None, None, None, None, size, size, None)]
    for part in parts:
        count = sum(int(flags.sum()) for flags in part.flags.values())
        rows.append(
            (
                part.name,
                name,
                split.model or None,
                split.statistic,
                part.half,
                part.share,
                part.threshold,
                count,
                size,
                unscored,
            )
        )
    return pd.DataFrame(rows, columns=SPLIT_COLUMNS).astype({"n_unscored": "Int64"})
