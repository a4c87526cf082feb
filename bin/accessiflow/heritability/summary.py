"""ldsc's `.results`, `.log` and `.part_delete` -> one table: enrichment, coefficients, tau*, and what each regression was made of.

tau*_c = tau_c sd_c M / h2g, with sd_c over the M SNPs of 0.05 < FRQ < 0.95 (Gazal et al. 2017); its standard error by the delete-one-block
jackknife of the whole ratio where ldsc wrote the delete values (`--print-delete-vals`), beside the factor applied to SE(tau).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table
from accessiflow.heritability.annotations import read_annotation

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
COLUMNS = [
    "model", "trait", "Category", "Prop._SNPs", "Prop._h2", "Prop._h2_std_error", "Enrichment", "Enrichment_std_error", "Enrichment_p", "Coefficient",
    "Coefficient_std_error", "Coefficient_z-score", "sd_annot", "tau_star", "tau_star_se", "tau_star_se_jack", "h2g", "focal",
]  # fmt: skip
_LOG = {
    "snps_sumstats": r"Read summary statistics for (\d+) SNPs",
    "snps_after_reference": r"After merging with reference panel LD, (\d+) SNPs remain",
    "snps_after_weights": r"After merging with regression SNP LD, (\d+) SNPs remain",
    "snps_regression": r"\((\d+) SNPs remain\)",
    "h2": r"Total Observed scale h2: (\S+)",
    "h2_se": r"Total Observed scale h2: \S+ \((\S+)\)",
    "lambda_gc": r"Lambda GC: (\S+)",
    "mean_chi2": r"Mean Chi\^2: (\S+)",
    "intercept": r"Intercept: (\S+)",
    "intercept_se": r"Intercept: \S+ \((\S+)\)",
    "ratio": r"Ratio:? (\S+)",
}
ENOUGH_SNPS = 200_000


@dataclass(frozen=True)
class Common:
    """The annotations of one model over the common SNPs of all chromosomes: number of SNPs, and each category's sum and standard deviation."""

    snps: int
    sums: Floats
    spreads: Floats


def common_annotations(prefixes: Sequence[str], frq: str) -> Common:
    """Read the annotation files PREFIX{chrom}.annot.gz and frequencies FRQ{chrom}.frq of every chromosome there is.

    Raises:
        InputError: a file is missing, or its SNPs are not as many as the frequencies.
    """
    import pandas as pd

    chroms = [str(c) for c in range(1, 23) if Path(f"{frq}{c}.frq").exists()]
    if not chroms:
        raise InputError(f"--frqfile {frq}: there is no {frq}1.frq ... {frq}22.frq")
    parts = []
    for chrom in chroms:
        with open_text(Path(f"{frq}{chrom}.frq")) as handle:
            table = pd.read_csv(handle, sep=r"\s+")
        frequency = table["MAF" if "MAF" in table else "FRQ"].to_numpy()
        values = np.concatenate([read_annotation(Path(f"{p}{chrom}.annot.gz"))[1] for p in prefixes], axis=1)
        if len(values) != len(frequency):
            raise InputError(
                f"holds {len(values)} SNPs, {frq}{chrom}.frq {len(frequency)}: they must list the same SNPs", f"{prefixes[0]}{chrom}.annot.gz"
            )
        parts.append(values[(frequency > 0.05) & (frequency < 0.95)])
    pooled = np.concatenate(parts)
    return Common(len(pooled), pooled.sum(axis=0), pooled.std(axis=0))


def summarise(results: Path, model: str, trait: str, common: Common) -> tuple[pd.DataFrame, dict[str, object]]:
    """Rows of one regression (one a category; the last category is the focal one), and its quality facts from the log."""
    table = read_table(results, ["Category", "Prop._SNPs", "Prop._h2", "Enrichment", "Coefficient", "Coefficient_std_error"], text=["Category"])
    if len(table) != len(common.sums):
        raise InputError(f"has {len(table)} categories, the annotation files {len(common.sums)}: name the files that the regression used", results)
    stem = str(results).removesuffix(".results")
    m_categories = table["Prop._SNPs"].to_numpy(np.float64) * common.snps
    tau, tau_se = table["Coefficient"].to_numpy(np.float64), table["Coefficient_std_error"].to_numpy(np.float64)
    h2g = float((m_categories * tau).sum())
    factor = common.spreads * common.snps / h2g
    table["sd_annot"], table["tau_star"], table["tau_star_se"] = common.spreads, tau * factor, np.abs(factor) * tau_se
    table["tau_star_se_jack"] = _jackknife(Path(f"{stem}.part_delete"), m_categories, common, tau * factor)
    table["h2g"], table["model"], table["trait"] = h2g, model, trait
    table["focal"] = ["no"] * (len(table) - 1) + ["yes"]
    return table.reindex(columns=COLUMNS), {"model": model, "trait": trait, **read_log(Path(f"{stem}.log"))}


def _jackknife(path: Path, m_categories: Floats, common: Common, estimate: Floats) -> Floats:
    """Standard errors (c,) of tau* from the coefficients with one block left out (blocks, c); NaN where the file is absent."""
    if not path.exists():
        return np.full(len(estimate), np.nan)
    with open_text(path) as handle:
        deleted = np.atleast_2d(np.loadtxt(handle))
    if deleted.shape[1] != len(estimate):
        raise InputError(f"has {deleted.shape[1]} columns, the regression {len(estimate)} categories", path)
    stars = deleted * common.spreads * common.snps / (deleted @ m_categories)[:, None]
    blocks = len(stars)
    pseudo = blocks * estimate - (blocks - 1) * stars
    return np.sqrt(pseudo.var(axis=0, ddof=1) / blocks)


def read_log(path: Path) -> dict[str, object]:
    """SNPs after each filter, mean chi2, lambda GC, intercept and ratio of a regression's log; a warning below 200,000 SNPs."""
    with open_text(path) as handle:
        text = handle.read()
    facts: dict[str, object] = {}
    for name, pattern in _LOG.items():
        found = re.findall(pattern, text)
        facts[name] = (float(found[-1]) if _is_number(found[-1]) else found[-1]) if found else float("nan")
    snps = facts["snps_regression"] if facts["snps_regression"] == facts["snps_regression"] else facts["snps_after_weights"]
    facts["warning"] = f"fewer than {ENOUGH_SNPS} SNPs" if isinstance(snps, float) and snps < ENOUGH_SNPS else ""
    return facts


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_name(results: Path, prefixes: Sequence[str]) -> tuple[str, str]:
    """Trait and model of TRAIT.MODEL.results, the model being a name for which annotation files exist (PREFIX with @ = the model)."""
    stem = results.name.removesuffix(".results")
    parts = stem.split(".")
    moving = [p for p in prefixes if "@" in p]
    for cut in range(1, len(parts)):
        trait, model = ".".join(parts[:cut]), ".".join(parts[cut:])
        if not moving or all(any(Path(f"{p.replace('@', model)}{c}.annot.gz").exists() for c in range(1, 23)) for p in moving):
            return trait, model
    if not moving:
        return stem, stem
    raise InputError(f"is named after no annotation of {', '.join(moving)}: expected TRAIT.MODEL.results", results)


def meta_analysis(values: Floats, errors: Floats) -> tuple[float, float, float]:
    """DerSimonian-Laird random-effects mean, its standard error and tau2 of k estimates.

    tau2 = max(0, (Q - (k - 1)) / C), weights 1 / (se2 + tau2).
    """
    weights = 1 / errors**2
    mean = float((weights * values).sum() / weights.sum())
    q = float((weights * (values - mean) ** 2).sum())
    c = float(weights.sum() - (weights**2).sum() / weights.sum())
    tau2 = max(0.0, (q - (len(values) - 1)) / c) if c > 0 else 0.0
    weights = 1 / (errors**2 + tau2)
    return float((weights * values).sum() / weights.sum()), float(1 / np.sqrt(weights.sum())), tau2


def meta_table(table: pd.DataFrame, groups: Mapping[str, Sequence[str]] | None = None) -> pd.DataFrame:
    """Rows, one a (group of traits, model, quantity): the focal enrichment and tau* meta-analysed over traits."""
    import pandas as pd

    rows = []
    focal = table[table["focal"] == "yes"]
    for group, traits in (groups or {"all": list(dict.fromkeys(focal["trait"]))}).items():
        for model, part in focal[focal["trait"].isin(traits)].groupby("model", sort=False):
            for name, error in (("Enrichment", "Enrichment_std_error"), ("tau_star", "tau_star_se_jack")):
                good = part[np.isfinite(part[name].to_numpy(np.float64)) & (part[error].to_numpy(np.float64) > 0)]
                mean, se, tau2 = meta_analysis(good[name].to_numpy(np.float64), good[error].to_numpy(np.float64)) if len(good) else (np.nan,) * 3
                rows.append((group, model, name, len(good), mean, se, tau2))
    return pd.DataFrame(rows, columns=["group", "model", "quantity", "n_traits", "mean", "se", "tau2"])
