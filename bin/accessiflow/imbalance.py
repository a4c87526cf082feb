"""Allelic imbalance: which heterozygous sites have unequal reads on their alleles, and whether scores tell which allele has more.

Rules: Kathail et al. 2024 (more than 20 reads, binomial test, q < 0.01; AUROC of REF / (REF + ALT) with DeLong's variance).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.auroc import delong
from accessiflow.cli import log
from accessiflow.errors import InputError
from accessiflow.peak_rows import column_at, specificity_labels
from accessiflow.peaks import benjamini_hochberg
from accessiflow.variant_table import KEY, read_variants

if TYPE_CHECKING:
    import pandas as pd

    from accessiflow.peak_matrix import PeakMatrix
    from accessiflow.variants.scores import Scores

COUNTS = ["ref_count", "alt_count"]
IMBALANCED, BALANCED, NEITHER = "imbalanced", "balanced", "neither"
BALANCED_P = 0.1
OUTSIDE = "no peak"
GROUP_COLUMNS = ["group", "n", "n_positive", "auroc", "variance", "low", "high", "reason"]


def read_counts(path: Path) -> pd.DataFrame:
    """Read allelic counts: one row a site, chrom pos ref alt ref_count alt_count n_rows, in order of first appearance.

    Rows of the same site (several individuals or libraries) are summed: scores know sites, not people, and repeated rows of one site are no
    independent observations of the direction.
    """
    table = read_variants(path, integers=COUNTS)
    grouped = table.assign(n_rows=1).groupby(KEY, sort=False, as_index=False)
    return grouped[[*COUNTS, "n_rows"]].sum()


def read_imbalanced(path: Path) -> pd.DataFrame:
    """Read the imbalanced sites of a table of calls: chrom pos ref alt ratio."""
    table = read_variants(path, optional=["ratio"])
    missing = [column for column in ("ratio", "label") if column not in table.columns]
    if missing:
        raise InputError(f"lacks the column(s) {', '.join(missing)}: expected the output of imbalance.py call", path)
    return table.loc[table["label"] == IMBALANCED, [*KEY, "ratio"]].reset_index(drop=True)


def binomial_p(ref: NDArray[np.int64], alt: NDArray[np.int64]) -> NDArray[np.float64]:
    """Two-sided p values (n,) that both alleles have the same chance of a read: twice the smaller tail, exact as the null is symmetric."""
    from scipy.stats import binom

    return np.minimum(1.0, 2 * binom.cdf(np.minimum(ref, alt), ref + alt, 0.5))


def beta_binomial_p(ref: NDArray[np.int64], alt: NDArray[np.int64], rho: float) -> NDArray[np.float64]:
    """Two-sided p values (n,) under a beta-binomial of mean one half and over-dispersion `rho` (the binomial's at 0)."""
    from scipy.stats import betabinom

    if rho <= 0:
        return binomial_p(ref, alt)
    shape = (1 / rho - 1) / 2
    return np.minimum(1.0, 2 * betabinom.cdf(np.minimum(ref, alt), ref + alt, shape, shape))


def overdispersion(ref: NDArray[np.int64], alt: NDArray[np.int64]) -> float:
    """Maximum-likelihood over-dispersion rho in [0, 0.5] of beta-binomial counts with mean one half; 0 where they are no wider than binomial.

    True imbalance counts as dispersion too, so that the test with it is conservative. rho = 1 / (a + b + 1) of the beta distribution.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    if len(ref) < 2:
        return 0.0

    def loss(logit: float) -> float:
        shape = np.exp(-logit) / 2
        return float(-(betaln(ref + shape, alt + shape) - betaln(shape, shape)).sum())

    best = minimize_scalar(loss, bounds=(np.log(1e-6), 0.0), method="bounded", options={"xatol": 1e-6})
    binomial = float((ref + alt).sum() * np.log(2))
    return float(1 / (1 + np.exp(-best.x))) if best.fun < binomial - 1e-6 else 0.0


def call(counts: pd.DataFrame, min_reads: int = 20, fdr: float = 0.01, test: str = "binomial", match_depth: int = 0) -> tuple[pd.DataFrame, float]:
    """Label sites (`read_counts`) as imbalanced (q < fdr), balanced (p > 0.1) or neither.

    Args:
        min_reads: a site is tested when it has more reads than this.
        test: whose p values count, "binomial" or "betabinomial".
        match_depth: keep this many balanced sites an imbalanced one, nearest in depth (0: all).

    Returns:
        The counts with ratio (REF share), p_binomial, p_betabinomial, q (NA where a site is not tested), label and reason; and rho.
    """
    ref, alt = (counts[column].to_numpy(np.int64) for column in COUNTS)
    depth = ref + alt
    tested = depth > min_reads
    rho = overdispersion(ref[tested], alt[tested])
    p_binomial, p_betabinomial = binomial_p(ref, alt), beta_binomial_p(ref, alt, rho)
    chosen = p_betabinomial if test == "betabinomial" else p_binomial
    q = np.full(len(counts), np.nan)
    q[tested] = benjamini_hochberg(chosen[tested])
    label = np.select([q < fdr, tested & (chosen > BALANCED_P)], [IMBALANCED, BALANCED], NEITHER).astype(object)
    reason = np.where(tested, "", f"no more than {min_reads} reads").astype(object)
    if match_depth:
        dropped = (label == BALANCED) & ~matched(depth, label == IMBALANCED, label == BALANCED, match_depth)
        label[dropped], reason[dropped] = NEITHER, "balanced, not among those matched on depth"
    ratio = np.divide(ref, depth, out=np.full(len(ref), np.nan), where=depth > 0)
    return counts.assign(ratio=ratio, p_binomial=p_binomial, p_betabinomial=p_betabinomial, q=q, label=label, reason=reason), rho


def matched(depth: NDArray[np.int64], cases: NDArray[np.bool_], controls: NDArray[np.bool_], ratio: int) -> NDArray[np.bool_]:
    """Controls (n,) chosen by depth: for each case, deepest first, the `ratio` nearest that are still free (shallower first on a tie).

    Deep controls are rare, so deep cases choose first.
    """
    out = np.zeros(len(depth), bool)
    free = np.flatnonzero(controls)
    free = free[np.argsort(depth[free], kind="stable")]
    for case in np.flatnonzero(cases)[np.argsort(-depth[cases], kind="stable")]:
        take = min(ratio, len(free))
        at = int(np.searchsorted(depth[free], depth[case]))
        low = max(0, at - take)
        window = slice(low, min(len(free), at + take))
        nearest = low + np.argsort(np.abs(depth[free[window]] - depth[case]), kind="stable")[:take]
        out[free[nearest]] = True
        free = np.delete(free, nearest)
    return out


def evaluate(ratio: NDArray[np.float64], predicted: NDArray[np.float64], groups: dict[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """AUROC, with DeLong's variance and 95 % interval, of the predicted REF share for sites whose measured REF share is above one half.

    Args:
        ratio: measured REF share (n,). predicted: (n,) NaN where a site has no score.
        groups: name -> members (n,).
    """
    import pandas as pd

    scored = np.isfinite(predicted)
    rows = []
    for name, members in groups.items():
        chosen = members & scored
        label = ratio[chosen] > 0.5
        area = delong(label, predicted[chosen])
        low, high = area.interval
        rows.append((name, int(chosen.sum()), int(label.sum()), area.value, area.variance, low, high, _reason(label)))
    return pd.DataFrame(rows, columns=GROUP_COLUMNS)


def site_groups(sites: pd.DataFrame, peaks: PeakMatrix | None) -> dict[str, NDArray[np.bool_]]:
    """Name -> members (n,) of `all` and, where peaks are given, of each `cluster:NAME`, each `specificity:BIN` and `no peak`."""
    groups = {"all": np.ones(len(sites), bool)}
    if peaks is None:
        return groups
    where = sites["chrom"].to_numpy(dtype=object), sites["pos"].to_numpy()
    bins = column_at(peaks, *where, "specificity_bin")
    if "cluster" in peaks.obs.columns:
        clusters = column_at(peaks, *where, "cluster")
        groups |= {f"cluster:{name}": clusters == name for name in sorted(set(peaks.obs["cluster"].astype(str)))}
    groups |= {f"specificity:{name}": bins == name for name in specificity_labels(peaks)}
    return groups | {OUTSIDE: bins == ""}


def predicted_ref_share(sites: pd.DataFrame, scores: Scores, track: str) -> NDArray[np.float64]:
    """Predicted REF share (n,) of each site in a track, NaN without a score; -SAD, which ranks like it roughly, where REF and ALT are not stored."""
    column, rows = scores.column(track), scores.find(sites)
    found = rows >= 0
    out = np.full(len(sites), np.nan)
    if len(sites) and not found.any():
        raise InputError(f"none of the {len(sites)} imbalanced sites is in the score files: chromosome names, positions and alleles must agree")
    if scores.has("REF") and scores.has("ALT"):
        out[found] = ref_share(*(scores.read(rows[found], stat)[:, column] for stat in ("REF", "ALT")))
    else:
        log.warning("the score files hold no REF and ALT: -SAD stands in for REF / (REF + ALT)")
        out[found] = -scores.read(rows[found])[:, column].astype(np.float64)
    log.info("%d imbalanced sites, %d of them scored", len(sites), int(found.sum()))
    return out


def ref_share(ref: NDArray[np.floating], alt: NDArray[np.floating]) -> NDArray[np.float64]:
    """Predicted REF / (REF + ALT), (n,); NaN where both are 0."""
    total = ref.astype(np.float64) + alt
    return np.divide(ref, total, out=np.full(len(total), np.nan), where=total > 0)


def _reason(label: NDArray[np.bool_]) -> str:
    """Why an AUROC or its variance is NA; empty where both are there."""
    fewer = min(int(label.sum()), int((~label).sum()))
    if fewer >= 2:
        return ""
    return f"{int(label.sum())} sites with more REF and {int((~label).sum())} with more ALT reads: both must be at least {1 + fewer}"
