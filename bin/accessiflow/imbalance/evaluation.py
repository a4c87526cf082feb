"""How well predictions classify sites of allelic imbalance: AUROC by group of sites, with DeLong's variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.imbalance.calls import BALANCED, IMBALANCED
from accessiflow.log import left_out, log, note
from accessiflow.peaks.matrix import read_peak_rows
from accessiflow.scoring.lookup import open_scores
from accessiflow.statistics import delong
from accessiflow.variants.columns import read_variants
from accessiflow.variants.groups import site_groups
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.scoring.lookup import Scores


GROUP_COLUMNS = ["group", "n", "n_positive", "auroc", "variance", "low", "high", "reason"]


@dataclass(frozen=True)
class Outcome:
    """What scores are to predict.

    Attributes:
        labels: sites that count.
        positive, negative: names of the two classes in reasons.
    """

    labels: tuple[str, ...]
    positive: str
    negative: str


DIRECTION = Outcome((IMBALANCED,), "sites with more REF", "with more ALT reads")
IMBALANCE = Outcome((IMBALANCED, BALANCED), "imbalanced", "balanced sites")
OUTCOMES = {"direction": DIRECTION, "imbalance": IMBALANCE}


@dataclass(frozen=True)
class LabelledSites:
    """Sites of a table of calls that count for an outcome.

    Attributes:
        table: chrom pos ref alt ratio label.
        outcome: what is predicted for them.
        fasta: the genome, for the look-up of insertions and deletions (`open_scores`).
    """

    table: pd.DataFrame
    outcome: Outcome
    fasta: Path | None = None

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Class (n,) of each site."""
        return truth(self.table, self.outcome)

    def predicted(self, scores: Sequence[Path], track: str) -> NDArray[np.float64]:
        """What the scores of a model, in one file or several, say of each site (n,); NaN without a score."""
        with open_scores(scores, self.fasta) as opened:
            return predict(self.table, opened, track, self.outcome)

    def groups(self, peaks: Path | None) -> dict[str, NDArray[np.bool_]]:
        """Name -> members (n,): all sites, and with peaks.h5ad those of each cluster and specificity bin."""
        return site_groups(self.table, read_peak_rows(peaks) if peaks else None)


def evaluate_files(
    calls: Path,
    scores: Sequence[Path],
    track: str,
    peaks: Path | None,
    outcome: Outcome,
    fasta: Path | None = None,
) -> pd.DataFrame:
    """`evaluate` of a model's score files on the sites of a table of calls."""
    sites = LabelledSites(read_labelled(calls, outcome), outcome, fasta)
    predicted = sites.predicted(scores, track)
    return evaluate(sites.truth, predicted, sites.groups(peaks), outcome)


def read_labelled(path: Path, outcome: Outcome = DIRECTION) -> pd.DataFrame:
    """Read the sites of a table of calls that count for an outcome: chrom pos ref alt ratio label."""
    table = read_variants(path, optional=["ratio"])
    missing = [column for column in ("ratio", "label") if column not in table.columns]
    if missing:
        raise InputError(f"lacks the column(s) {', '.join(missing)}: expected the output of imbalance.py call", path)
    chosen = table["label"].isin(outcome.labels)
    reason = f"not labelled {' or '.join(outcome.labels)}"
    left_out("sites", int((~chosen).sum()), len(table), reason, expected=True)
    return table.loc[chosen, [*KEY, "ratio", "label"]].reset_index(drop=True)


def truth(sites: pd.DataFrame, outcome: Outcome) -> NDArray[np.bool_]:
    """Class (n,) of each site: whether its measured REF share is above one half, or whether it is imbalanced."""
    if outcome is DIRECTION:
        return (sites["ratio"] > 0.5).to_numpy(bool)
    return (sites["label"] == IMBALANCED).to_numpy(bool)


def evaluate(
    labels: NDArray[np.bool_],
    predicted: NDArray[np.float64],
    groups: dict[str, NDArray[np.bool_]],
    outcome: Outcome = DIRECTION,
) -> pd.DataFrame:
    """AUROC of the predictions for each group, with DeLong's variance and 95 % interval.

    Args:
        labels: class of each site (n,), as `truth` gives it.
        predicted: prediction of each site (n,), NaN without a score.
        groups: name -> which sites are members (n,).
        outcome: what is predicted.
    """
    import pandas as pd

    scored = np.isfinite(predicted)
    rows = []
    for name, members in groups.items():
        chosen = members & scored
        label = labels[chosen]
        area = delong(label, predicted[chosen])
        low, high = area.interval
        rows.append(
            (name, int(chosen.sum()), int(label.sum()), area.value, area.variance, low, high, na_reason(label, outcome))
        )
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def predict(sites: pd.DataFrame, scores: Scores, track: str, outcome: Outcome) -> NDArray[np.float64]:
    """What a track's scores say of each site (n,), NaN without a score.

    The direction: `predicted_ref_share`. Imbalance: its distance from one half, which ranks as |log(ALT / REF)| does;
    |SAD| without REF and ALT.
    """
    share = predicted_ref_share(sites, scores, track)
    if outcome is DIRECTION:
        return share
    # Without alleles `share` is -SAD, whose size is all there is.
    return np.abs(share - 0.5) if _has_alleles(scores) else np.abs(share)


def predicted_ref_share(sites: pd.DataFrame, scores: Scores, track: str) -> NDArray[np.float64]:
    """Predicted REF share (n,) of each site in a track, NaN without a score.

    Where REF and ALT are not stored it is -SAD, which ranks sites roughly alike.
    """
    column, rows = np.array([scores.column(track)]), scores.find(sites)
    scored = rows >= 0
    out = np.full(len(sites), np.nan)
    if len(sites) and not scored.any():
        raise InputError(
            f"none of the {len(sites)} sites is in the score files: chromosome names, positions and alleles must agree"
        )
    if _has_alleles(scores):
        out[scored] = ref_share(*(scores.read(rows[scored], stat, column)[:, 0] for stat in ("REF", "ALT")))
    else:
        log.warning("the score files hold no REF and ALT: -SAD stands in for REF / (REF + ALT)")
        out[scored] = -scores.read(rows[scored], columns=column)[:, 0].astype(np.float64)
    log.info("%d sites, %d of them scored", len(sites), int(scored.sum()))
    note(sites=len(sites), scored=int(scored.sum()))
    source = scores.files[0].path.parent.name
    left_out("sites", int((~scored).sum()), len(sites), "no score", source=source)
    undefined = int(np.isnan(out[scored]).sum())
    left_out("sites", undefined, len(sites), "REF and ALT are both predicted as 0: no share", source=source)
    if not scored.all():
        log.warning("%d of %d sites have no score: left out", int((~scored).sum()), len(sites))
    return out


def ref_share(ref: NDArray[np.floating], alt: NDArray[np.floating]) -> NDArray[np.float64]:
    """Predicted REF / (REF + ALT), (n,); NaN where both are 0."""
    total = ref.astype(np.float64) + alt
    return np.divide(ref, total, out=np.full(len(total), np.nan), where=total > 0)


def na_reason(labels: NDArray[np.bool_], outcome: Outcome) -> str:
    """Why an AUROC or its variance is NA; empty where both are there."""
    n_positive, n_negative = int(labels.sum()), int((~labels).sum())
    fewer = min(n_positive, n_negative)
    if fewer >= 2:
        return ""
    # One of a class gives an area without a variance, none gives neither.
    return f"{n_positive} {outcome.positive} and {n_negative} {outcome.negative}: both must be at least {1 + fewer}"


def _has_alleles(scores: Scores) -> bool:
    return scores.has("REF") and scores.has("ALT")
