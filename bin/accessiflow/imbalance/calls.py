"""Allelic imbalance: which heterozygous sites have unequal reads on their alleles.

Rules: Kathail et al. 2024 (more than 20 reads, binomial test, q < 0.01; AUROC of REF / (REF + ALT) with DeLong's
variance).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.imbalance.tails import beta_binomial_cdf
from accessiflow.log import log
from accessiflow.statistics import benjamini_hochberg
from accessiflow.variants.columns import COUNTS, FLAGS, MAPPABILITY, UNIQUE, read_allele_counts
from accessiflow.variants.keys import unordered_keys
from accessiflow.variants.tables import KEY

if TYPE_CHECKING:
    import pandas as pd

IMBALANCED, BALANCED, NEITHER = "imbalanced", "balanced", "neither"
BALANCED_P = 0.1


def read_counts(path: Path) -> pd.DataFrame:
    """Read allelic counts: one row a site, chrom pos ref alt ref_count alt_count n_rows, in order of first appearance.

    Rows of the same site (several individuals or libraries) are summed: scores know sites, not people, and repeated
    rows of one site are no independent observations of the direction. A column `mappability` stays: the first of the
    site's rows that is not `unique`.
    """
    table = _in_one_order(read_allele_counts(path), path)
    _warn_of_copies(table, path)
    grouped = table.assign(n_rows=1).groupby(KEY, sort=False, as_index=False)
    summed = grouped[[*COUNTS, "n_rows"]].sum()
    if MAPPABILITY not in table.columns:
        return summed
    odd = table[table[MAPPABILITY].fillna(UNIQUE) != UNIQUE].drop_duplicates(KEY)
    return summed.merge(odd[[*KEY, MAPPABILITY]], on=KEY, how="left").fillna({MAPPABILITY: UNIQUE})


def _in_one_order(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows of one site as its first row writes it: another may have REF and ALT exchanged, and their counts."""
    keys, turned = unordered_keys(*(table[name].to_numpy() for name in KEY))
    first = table.groupby(keys, sort=False)[KEY].transform("first")
    flipped = turned != table.assign(turned=turned).groupby(keys, sort=False)["turned"].transform("first").to_numpy()
    if flipped.any():
        log.warning(
            "%s: %d rows have REF and ALT of another row of their site exchanged: turned", path, int(flipped.sum())
        )
    ref, alt = (table[name].to_numpy() for name in COUNTS)
    counts = {"ref_count": np.where(flipped, alt, ref), "alt_count": np.where(flipped, ref, alt)}
    return table.assign(**{name: first[name] for name in KEY}, **counts)


def _warn_of_copies(table: pd.DataFrame, path: Path) -> None:
    """Warn where the rows of most repeated sites are equal: rows of other individuals or libraries would differ."""
    covered = table[table[COUNTS].sum(axis=1) > 0]
    repeated = covered[covered.duplicated(KEY, keep=False)]
    sites = len(repeated.drop_duplicates(KEY))
    differing = len(repeated.drop_duplicates([*KEY, *COUNTS]).loc[lambda t: t.duplicated(KEY)].drop_duplicates(KEY))
    if sites > 2 * differing:
        log.warning(
            "%s: all rows of %d of the %d repeated sites are equal, and summed like those of several samples: "
            "remove them if they are copies",
            path, sites - differing, sites,
        )  # fmt: skip


def site_counts(calls: pd.DataFrame) -> pd.DataFrame:
    """How many sites have each label, and why some were not tested: label, reason, n; of the table of `call`."""
    reason = calls["reason"].fillna("")
    counted = calls.assign(reason=reason).groupby(["label", "reason"], sort=True).size()
    return counted.rename("n").reset_index()


def binomial_p(ref: NDArray[np.int64], alt: NDArray[np.int64]) -> NDArray[np.float64]:
    """Two-sided p values (n,) that both alleles have the same chance of a read."""
    from scipy.stats import binom

    # Twice the smaller tail: exact, as the null is symmetric.
    return np.minimum(1.0, 2 * binom.cdf(np.minimum(ref, alt), ref + alt, 0.5))


def beta_binomial_p(ref: NDArray[np.int64], alt: NDArray[np.int64], rho: float) -> NDArray[np.float64]:
    """Two-sided p values (n,) under a beta-binomial of mean one half and over-dispersion `rho` (binomial at 0)."""
    if rho <= 0:
        return binomial_p(ref, alt)
    shape = (1 / rho - 1) / 2
    return np.minimum(1.0, 2 * beta_binomial_cdf(np.minimum(ref, alt), ref + alt, shape))


def overdispersion(ref: NDArray[np.int64], alt: NDArray[np.int64]) -> float:
    """Maximum-likelihood over-dispersion rho of beta-binomial counts with mean one half, in [0, 0.5].

    It is 0 where the counts are no wider than binomial.

    True imbalance counts as dispersion too, so that the test with it is conservative. rho = 1 / (a + b + 1) of the beta
    distribution.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import betaln

    if len(ref) < 2:
        return 0.0

    def loss(logit: float) -> float:
        shape = np.exp(-logit) / 2
        return float(-(betaln(ref + shape, alt + shape) - betaln(shape, shape)).sum())

    # On the logit scale: rho may be orders of magnitude below 1.
    best = minimize_scalar(loss, bounds=(np.log(1e-6), 0.0), method="bounded", options={"xatol": 1e-6})
    # The search never reaches rho = 0 itself.
    binomial = float((ref + alt).sum() * np.log(2))
    return float(1 / (1 + np.exp(-best.x))) if best.fun < binomial - 1e-6 else 0.0


class Called(NamedTuple):
    """Labelled sites.

    Attributes:
        table: the counts with ratio (REF share), p_binomial, p_betabinomial, q (NA where a site is not tested), label
            and reason.
        rho: over-dispersion of the tested sites.
    """

    table: pd.DataFrame
    rho: float


def call(
    counts: pd.DataFrame, min_reads: int = 20, fdr: float = 0.01, test: str = "binomial", match_depth: int = 0
) -> Called:
    """Label sites (`read_counts`) as imbalanced (q < fdr), balanced (p > 0.1) or neither.

    Args:
        counts: one row a site.
        min_reads: a site is tested when it has more reads than this.
        fdr: q below which a site is imbalanced.
        test: whose p values count, "binomial" or "betabinomial".
        match_depth: keep this many balanced sites an imbalanced one, nearest in depth (0: all).

    Sites whose `mappability` is not `unique` are not tested.
    """
    ref, alt = (counts[column].to_numpy(np.int64) for column in COUNTS)
    depth = ref + alt
    deep = depth > min_reads
    unique = counts[MAPPABILITY].to_numpy() == UNIQUE if MAPPABILITY in counts.columns else np.ones(len(counts), bool)
    tested = deep & unique
    rho = overdispersion(ref[tested], alt[tested])
    p_binomial, p_betabinomial = binomial_p(ref, alt), beta_binomial_p(ref, alt, rho)
    chosen = p_betabinomial if test == "betabinomial" else p_binomial
    q = benjamini_hochberg(np.where(tested, chosen, np.nan))
    # Between the two thresholds a site is evidence of nothing.
    label = np.select([q < fdr, tested & (chosen > BALANCED_P)], [IMBALANCED, BALANCED], NEITHER).astype(object)
    flagged = counts[MAPPABILITY].isin(FLAGS).to_numpy() if MAPPABILITY in counts.columns else ~unique
    reason = np.select(
        [~deep, flagged, ~unique],
        [f"no more than {min_reads} reads", "flagged in the table of counts", "reads of an allele may map elsewhere"],
        "",
    ).astype(object)
    if match_depth:
        dropped = (label == BALANCED) & ~matched(depth, label == IMBALANCED, label == BALANCED, match_depth)
        label[dropped], reason[dropped] = NEITHER, "balanced, not among those matched on depth"
    ratio = np.divide(ref, depth, out=np.full(len(ref), np.nan), where=depth > 0)
    columns = {"ratio": ratio, "p_binomial": p_binomial, "p_betabinomial": p_betabinomial}
    return Called(counts.assign(**columns, q=q, label=label, reason=reason), rho)


def matched(
    depth: NDArray[np.int64], cases: NDArray[np.bool_], controls: NDArray[np.bool_], ratio: int
) -> NDArray[np.bool_]:
    """Controls (n,) chosen by depth: for each case the `ratio` nearest that are still free (shallower first on a tie).

    Deep controls are rare, so deep cases choose first.

    Args:
        depth: reads of each site (n,).
        cases, controls: which sites are which (n,).
        ratio: controls a case.
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
