"""Measured effects beside scores: agreement of directions by where variants fall, correlation by element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.log import left_out, log, note
from accessiflow.qtl.intervals import Correlations, correlations
from accessiflow.statistics import Doubles, binomial_share
from accessiflow.variants.keys import variant_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.scoring.tracks import TrackScores

POOLED = "all"
_CORRELATIONS = ["pearson", "pearson_low", "pearson_high", "spearman", "spearman_low", "spearman_high", "reason"]
AGREEMENT_COLUMNS = ["group", "n", "n_unscored", "n_zero", "n_agree", "agreement", "low", "high", "p", *_CORRELATIONS]
CORRELATION_COLUMNS = ["element", "n", "n_unscored", "n_unmeasured", *_CORRELATIONS]


def once(table: pd.DataFrame, fields: Sequence[str]) -> pd.DataFrame:
    """The table without rows that repeat another in variant and `fields`, with warnings of these and of further rows.

    A variant has several rows where it was measured for several peaks or conditions: these count each.
    """
    known = [field for field in fields if field in table.columns]
    keyed = table[known].assign(variant=variant_keys(*(table[name].to_numpy() for name in KEY)))
    copies = keyed.duplicated().to_numpy()
    left_out("rows", int(copies.sum()), len(table), "repeat another")
    if copies.any():
        log.warning("%d of %d rows repeat another: left out", int(copies.sum()), len(table))
    again = int(keyed[~copies].duplicated("variant").sum())
    if again:
        log.warning("%d of %d rows are of a variant that has another row: each row counts", again, int((~copies).sum()))
    return table[~copies].reset_index(drop=True)


def mean_scores(variants: pd.DataFrame, tracks: TrackScores) -> Doubles:
    """Mean SAD over the tracks (n,) of each variant; NaN without a score.

    Raises:
        InputError: no variant has one.
    """
    # -1 where there is no score.
    rows = tracks.find(variants)
    scored = rows >= 0
    if not scored.any():
        raise InputError(
            f"none of the {len(variants)} variants is in the score files: "
            "assembly, chromosome names, positions and alleles must agree"
        )
    out = np.full(len(variants), np.nan)
    out[scored] = tracks.read(rows[scored]).mean(axis=1, dtype=np.float64)
    log.info("%d variants, %d of them scored", len(variants), int(scored.sum()))
    note(variants=len(variants), scored=int(scored.sum()))
    left_out("variants", int((~scored).sum()), len(variants), "no score")
    if not scored.all():
        log.warning("%d of %d variants have no score: left out", int((~scored).sum()), len(variants))
    return out


def agreement(
    beta: Doubles, scores: Doubles, groups: Mapping[str, NDArray[np.bool_]], bootstrap: Bootstrap
) -> pd.DataFrame:
    """How often scores and effects have the same sign, and their correlations, in each group (AGREEMENT_COLUMNS).

    Args:
        beta: measured effect of ALT of each variant (n,), NaN unknown.
        scores: of each variant (n,), NaN unknown.
        groups: name -> which variants are members (n,).
        bootstrap: of the intervals of correlations.
    """
    import pandas as pd

    scored = np.isfinite(scores)
    unknown = scored & ~np.isfinite(beta)
    zero = scored & np.isfinite(beta) & ((scores == 0) | (beta == 0))
    left_out("variants", int(unknown.sum()), len(beta), "scored, no measured effect")
    left_out("variants", int(zero.sum()), len(beta), "score or effect is 0: no sign to agree")
    rows = [[name, *_agreement(beta[members], scores[members], bootstrap, name)] for name, members in groups.items()]
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


def correlation(table: pd.DataFrame, scores: Doubles, bootstrap: Bootstrap) -> pd.DataFrame:
    """Correlation of scores with measured effects over all variants and in each element (CORRELATION_COLUMNS).

    Args:
        table: value, and element where there are several.
        scores: of each variant (n,), NaN unknown.
        bootstrap: of the intervals.
    """
    import pandas as pd

    value = table["value"].to_numpy(np.float64)
    unmeasured = np.isfinite(scores) & np.isnan(value)
    left_out("variants", int(unmeasured.sum()), len(value), "scored, no measured value")
    groups = {POOLED: np.arange(len(table))}
    if "element" in table.columns:
        groups |= {f"element:{name}": at for name, at in table.groupby("element", sort=False).indices.items()}
    rows = []
    for name, at in groups.items():
        x, y = scores[at], value[at]
        known = np.isfinite(x) & np.isfinite(y)
        counts = int(known.sum()), int(np.isnan(x).sum()), int(np.isnan(y).sum())
        rows.append([name, *counts, *_flat(correlations(x[known], y[known], bootstrap, name))])
    return pd.DataFrame(rows, columns=CORRELATION_COLUMNS)


def _agreement(beta: Doubles, scores: Doubles, bootstrap: Bootstrap, stream: str) -> list[float | str]:
    scored = np.isfinite(scores)
    known = scored & np.isfinite(beta)
    x, y = scores[known], beta[known]
    # A zero has no sign to agree.
    signed = (x != 0) & (y != 0)
    agree = int((np.sign(x) == np.sign(y))[signed].sum())
    share = binomial_share(agree, int(signed.sum()))
    return [
        int(known.sum()),
        int((~scored).sum()),
        int((~signed).sum()),
        agree,
        *share,
        *_flat(correlations(x, y, bootstrap, stream)),
    ]


def _flat(found: Correlations) -> list[float | str]:
    return [*found.pearson, *found.spearman, found.reason]
