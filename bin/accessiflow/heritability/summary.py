"""ldsc's `.results`, `.log` and `.part_delete` -> one table: enrichment, coefficients, tau*, facts of each regression.

tau*_c = tau_c sd_c M / h2g, with sd_c over the M SNPs of 0.05 < FRQ < 0.95 (Gazal et al. 2017); its standard error by
the delete-one-block jackknife of the whole ratio where ldsc wrote the delete values (`--print-delete-vals`), beside the
factor applied to SE(tau).

Memory: the annotation values of one file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table
from accessiflow.heritability.annotations import read_annotation
from accessiflow.heritability.conditioning import TOO_LARGE
from accessiflow.log import left_out
from accessiflow.variants.plink import AUTOSOMES

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
_MEASURED = [
    "Prop._SNPs", "Prop._h2", "Prop._h2_std_error", "Enrichment", "Enrichment_std_error", "Enrichment_p",
    "Coefficient", "Coefficient_std_error", "Coefficient_z-score",
]  # fmt: skip
RESULT_COLUMNS = [
    "model", "trait", "Category", *_MEASURED, "sd_annot", "tau_star", "tau_star_se", "tau_star_se_jack", "h2g",
    "focal", "annotation", "se_method",
    "reason", "baseline", "group",
]  # fmt: skip
_LOG = {
    "snps_sumstats": r"Read summary statistics for (\d+) SNPs",
    "snps_reference": r"Read reference panel LD Scores for (\d+) SNPs",
    "snps_after_reference": r"After merging with reference panel LD, (\d+) SNPs remain",
    "snps_after_weights": r"After merging with regression SNP LD, (\d+) SNPs remain",
    "snps_regression": r"\((\d+) SNPs remain\)",
    "h2": r"Total Observed scale h2: (\S+)",
    "h2_se": r"Total Observed scale h2: \S+ \((\S+)\)",
    "lambda_gc": r"Lambda GC: (\S+)",
    "mean_chi2": r"Mean Chi\^2: (\S+)",
    "intercept": r"Intercept: (\S+)",
    "intercept_se": r"Intercept: \S+ \((\S+)\)",
    "ratio": r"Ratio:? ([-+.\w]+)",
    "condition_number": r"condition number is (\d+)",
}
_FAULT = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception|Interrupt)): *(.*)$", re.MULTILINE)
ENOUGH_SNPS = 200_000
NO_H2 = "h2 is not above 0: proportions mean nothing"


@dataclass(frozen=True)
class Common:
    """The annotations of one model over the common SNPs (0.05 < FRQ < 0.95) of all chromosomes.

    Attributes:
        snps: how many SNPs there are.
        names: name of each annotation (c,).
        categories: ldsc's name of each (c,).
        sums: sum of each over the SNPs (c,).
        spreads: standard deviation of each over the SNPs (c,).
        last: how many of the annotations the last file set holds: those in question.
    """

    snps: int
    names: list[str]
    categories: list[str]
    sums: Floats
    spreads: Floats
    last: int


class CommonSnps:
    """The SNPs that ldsc counts, 0.05 < FRQ < 0.95, and the moments of annotations over them; every file is read once.

    Attributes:
        frq: prefix of the frequencies FRQ{chrom}.frq.
        masks: chromosome ("" for one file of all) -> whether a SNP counts (n,).
    """

    def __init__(self, frq: str) -> None:
        """Read the frequencies of every chromosome there is.

        Raises:
            InputError: there is none, or a file is no `.frq` of plink.
        """
        self.frq, self.masks = frq, _common_masks(frq)
        self._moments: dict[str, tuple[int, list[str], Floats, Floats]] = {}

    def moments(self, prefix: str) -> tuple[int, list[str], Floats, Floats]:
        """Number of common SNPs, and name, sum and standard deviation (c,) of the annotations of a file set."""
        if prefix not in self._moments:
            self._moments[prefix] = _moments(prefix, self)
        return self._moments[prefix]


def common_annotations(prefixes: Sequence[str], snps: CommonSnps) -> Common:
    """Read the annotation files PREFIX{chrom}.annot.gz of every chromosome that has frequencies.

    Raises:
        InputError: a file is missing, or its SNPs are not as many as the frequencies.
    """
    sets = [snps.moments(prefix) for prefix in prefixes]
    categories = [
        f"{'' if len(names) == 1 else name}L2_{k}" for k, (_, names, _, _) in enumerate(sets) for name in names
    ]
    names = [name for _, part, _, _ in sets for name in part]
    sums, spreads = (np.concatenate([part[i] for part in sets]) for i in (2, 3))
    return Common(sets[0][0], names, categories, sums, spreads, len(sets[-1][1]) if len(sets) > 1 else 1)


def _moments(prefix: str, snps: CommonSnps) -> tuple[int, list[str], Floats, Floats]:
    """What `CommonSnps.moments` gives: chromosomes pooled pairwise (Chan)."""
    count, names, mean, scatter = 0, [], np.zeros(0), np.zeros(0)
    for chrom, mask in snps.masks.items():
        path = _find(prefix, chrom, ".annot.gz")
        names, values = read_annotation(path)
        if len(values) != len(mask):
            raise InputError(
                f"holds {len(values)} SNPs, {snps.frq}{chrom}.frq {len(mask)}: they must list the same SNPs", path
            )
        if count and values.shape[1] != len(mean):
            raise InputError(f"has {values.shape[1]} annotations, the chromosomes before it {len(mean)}", path)
        values = values[mask]
        if not len(values):
            continue
        part, n = values.mean(axis=0), len(values)
        scattered = ((values - part) ** 2).sum(axis=0)
        if not count:
            count, mean, scatter = n, part, scattered
            continue
        scatter = scatter + scattered + (part - mean) ** 2 * count * n / (count + n)
        mean, count = mean + (part - mean) * n / (count + n), count + n
    if not count:
        raise InputError(f"--frqfile {snps.frq}: no SNP has 0.05 < frequency < 0.95")
    return count, names, mean * count, np.sqrt(scatter / count)


def _common_masks(frq: str) -> dict[str, NDArray[np.bool_]]:
    """Chromosome ("" for one file of all) -> whether 0.05 < FRQ < 0.95 (n,)."""
    import pandas as pd

    out = {}
    for chrom in ["", *map(str, range(1, 23))]:
        try:
            path = _find(frq, chrom, ".frq")
        except InputError:
            continue
        with open_text(path) as handle:
            table = pd.read_csv(handle, sep=r"\s+")
        column = next((c for c in ("MAF", "FRQ") if c in table), None)
        if column is None:
            raise InputError("has no column MAF: expected plink's .frq", path)
        if table[column].dtype.kind not in "fiu":
            raise InputError(f"has text in the column {column}: expected plink's .frq", path)
        out[chrom] = table[column].between(0.05, 0.95, inclusive="neither").to_numpy()
    if not out:
        raise InputError(f"--frqfile {frq}: there is no {frq}1.frq ... {frq}22.frq")
    return out


def _find(prefix: str, chrom: str, suffix: str) -> Path:
    """PREFIX{chrom}{suffix}, also with a dot between."""
    for between in ("", ".") if chrom else ("",):
        path = Path(f"{prefix}{between}{chrom}{suffix}")
        if path.exists():
            return path
    raise InputError("no such file: check the prefix", f"{prefix}{chrom}{suffix}")


def summarise(results: Path, model: str, trait: str, common: Common) -> tuple[pd.DataFrame, dict[str, object]]:
    """Rows of one regression (one a category; the last annotation set is focal), and its quality facts from the log.

    An empty `.results` stands for a regression that ldsc could not do: NA with the reason.
    """
    stem = str(results).removesuffix(".results")
    facts = {"model": model, "trait": trait, **read_log(Path(f"{stem}.log"))}
    if results.exists() and results.stat().st_size == 0:
        table = _failed(common, str(facts["reason"]))
    else:
        table = _measured(results, Path(f"{stem}.part_delete"), common)
    table["model"], table["trait"], table["annotation"] = model, trait, common.names
    table["focal"] = ["no"] * (len(table) - common.last) + ["yes"] * common.last
    return table.reindex(columns=RESULT_COLUMNS), facts


class Regressions(NamedTuple):
    """The regressions beside one baseline.

    Attributes:
        baseline: its name, or "". results: .results files, or folders of them. prefixes: of the annotation files, @
            standing for the model's name.
    """

    baseline: str
    results: Sequence[Path]
    prefixes: Sequence[str]


class Summary(NamedTuple):
    """Rows of all regressions, the facts of each, and the models of each baseline."""

    table: pd.DataFrame
    facts: list[dict[str, object]]
    models: dict[str, list[str]]


def summarise_all(sets: Sequence[Regressions], frq: str, groups: Mapping[str, str]) -> Summary:
    """`summarise` of every regression, sorted by model and trait within a baseline; every annotation file is read once.

    Args:
        frq: prefix of the .frq files. groups: trait -> the group (tissue) that the sheet states.
    """
    import pandas as pd

    files = [listed(part.results) for part in sets]
    snps = CommonSnps(frq)
    tables, facts, models = [], [], {}
    for part, paths in zip(sets, files, strict=True):
        named = sorted((split_name(path, part.prefixes)[::-1], path) for path in paths)
        known: dict[str, Common] = {}
        for (model, trait), path in named:
            if model not in known:
                known[model] = common_annotations([prefix.replace("@", model) for prefix in part.prefixes], snps)
            table, quality = summarise(path, model, trait, known[model])
            tables.append(table.assign(baseline=part.baseline, group=groups.get(trait, "")))
            facts.append(quality | {"baseline": part.baseline})
        models[part.baseline] = list(known)
    return Summary(pd.concat(tables, ignore_index=True), facts, models)


# A step of ldsc, the number of SNPs before it and after it, and who falls out there
_STEPS = (
    ("snps_sumstats", "snps_after_reference", "of the statistics, without LD scores in the reference"),
    ("snps_after_reference", "snps_after_weights", "of the statistics, without regression weights"),
    ("snps_after_weights", "snps_regression", "of the statistics, with a larger chi2 than ldsc takes"),
)


def count_losses(facts: Sequence[Mapping[str, object]], groups: Mapping[str, str]) -> None:
    """Count what the regressions left out: themselves, SNPs of their traits, traits without a regression.

    Args:
        facts: of each regression. groups: every trait of the sheet; none where there is no sheet.
    """
    faults = Counter(re.sub(r"\d+(\.\d+)?", "N", str(row["reason"])) for row in facts if row["reason"])
    for reason, n in faults.items():
        left_out("regressions", n, len(facts), f"ldsc has no fit ({reason})")
    # Annotations of one panel have the LD scores of the same SNPs: of a trait's regressions the one that lost most
    for trait in dict.fromkeys(str(row["trait"]) for row in facts):
        own = [row for row in facts if str(row["trait"]) == trait]
        worst = min(own, key=lambda row: np.nan_to_num(float(str(row["snps_after_reference"])), nan=np.inf))
        for before, after, reason in _STEPS:
            of, left = float(str(worst[before])), float(str(worst[after]))
            if np.isfinite([of, left]).all():
                left_out("SNPs", int(of - left), int(of), reason, source=trait)
    regressed = {str(row["trait"]) for row in facts}
    left_out("traits", len(set(groups) - regressed), len(groups), "of the sheet, without a regression")


def qc_table(facts: Sequence[dict[str, object]], conditions: Mapping[str, dict[str, float]]) -> pd.DataFrame:
    """Rows, one a regression: its facts `with_condition`, by baseline and model."""
    import pandas as pd

    return pd.DataFrame([with_condition(row, conditions[str(row["baseline"])]) for row in facts])


def _failed(common: Common, fault: str) -> pd.DataFrame:
    import pandas as pd

    empty = [name for name, total in zip(common.names, common.sums, strict=True) if total == 0]
    reason = f"no common SNP in {', '.join(empty)}" if empty else fault or "ldsc did not finish"
    return pd.DataFrame(
        {"Category": common.categories, "sd_annot": common.spreads, "se_method": "none", "reason": reason}
    )


def _measured(results: Path, deleted: Path, common: Common) -> pd.DataFrame:
    table = read_table(
        results,
        ["Category", "Prop._SNPs", "Prop._h2", "Enrichment", "Coefficient", "Coefficient_std_error"],
        text=["Category"],
    )
    if len(table) != len(common.sums):
        raise InputError(
            f"has {len(table)} categories, the annotation files {len(common.sums)}: "
            "name the files that the regression used",
            results,
        )
    for column in table.columns.drop("Category"):
        if table[column].dtype == object:
            raise InputError(f"has text in the column {column}: is it ldsc's .results?", results)
    m_categories = table["Prop._SNPs"].to_numpy(np.float64) * common.snps
    tau, tau_se = table["Coefficient"].to_numpy(np.float64), table["Coefficient_std_error"].to_numpy(np.float64)
    h2g = float((m_categories * tau).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = common.spreads * common.snps / h2g
        table["sd_annot"], table["tau_star"], table["tau_star_se"] = (
            common.spreads,
            tau * factor,
            np.abs(factor) * tau_se,
        )
        table["tau_star_se_jack"] = _jackknife(deleted, m_categories, common, tau * factor)
    table["h2g"] = h2g
    table["se_method"] = "jackknife" if table["tau_star_se_jack"].notna().any() else "factor"
    reasons = [
        (common.spreads == 0, "constant annotation: no tau*"),
        (np.full(len(table), not h2g > 0), NO_H2),
    ]
    table["reason"] = ["; ".join(text for flags, text in reasons if flags[i]) for i in range(len(table))]
    return table


def _jackknife(path: Path, m_categories: Floats, common: Common, estimate: Floats) -> Floats:
    """Standard errors (c,) of tau* from the coefficients with a block left out (blocks, c); NaN without the file."""
    if not path.exists() or path.stat().st_size == 0:
        return np.full(len(estimate), np.nan)
    with open_text(path) as handle:
        try:
            deleted = np.loadtxt(handle, ndmin=2)
        except ValueError as error:
            raise InputError(f"is no table of delete values ({error})", path) from None
    if deleted.shape[1] != len(estimate):
        raise InputError(f"has {deleted.shape[1]} columns, the regression {len(estimate)} categories", path)
    stars = deleted * common.spreads * common.snps / (deleted @ m_categories)[:, None]
    blocks = len(stars)
    pseudo = blocks * estimate - (blocks - 1) * stars
    return np.sqrt(pseudo.var(axis=0, ddof=1) / blocks)


def read_log(path: Path) -> dict[str, object]:
    """SNPs after each filter, mean chi2, lambda GC, intercept and ratio of a log; a warning below 200,000 SNPs.

    ldsc names the condition number only where it refuses it (above 100,000): NA else. `reason` is the first error in
    the log.
    """
    import pandas as pd

    with open_text(path) as handle:
        text = handle.read()
    facts: dict[str, object] = {}
    for name, pattern in _LOG.items():
        found = re.findall(pattern, text)
        # a word in a number's place ("Ratio < 0") is no number
        facts[name] = float(pd.to_numeric(found[-1], errors="coerce")) if found else float("nan")
    snps = (
        facts["snps_regression"]
        if facts["snps_regression"] == facts["snps_regression"]
        else facts["snps_after_weights"]
    )
    fault = _FAULT.search(text)
    facts["warning"] = f"fewer than {ENOUGH_SNPS} SNPs" if isinstance(snps, float) and snps < ENOUGH_SNPS else ""
    facts["reason"] = " ".join(f"{fault[1]}: {fault[2]}".split())[:200] if fault else ""
    return facts


def with_condition(facts: dict[str, object], conditions: dict[str, float]) -> dict[str, object]:
    """A regression's facts with the condition number of its LD scores, and a warning where ldsc would refuse them."""
    value = conditions.get(str(facts["model"]), facts["condition_number"])
    collinear = (
        f"condition number above {TOO_LARGE}: nearly collinear annotations"
        if isinstance(value, float) and value > TOO_LARGE
        else ""
    )
    return facts | {"condition_number": value, "warning": "; ".join(filter(None, (str(facts["warning"]), collinear)))}


def listed(results: Sequence[Path]) -> list[Path]:
    """The `.results` files that are given, and those of given folders: a command line does not hold ten thousands.

    Raises:
        InputError: a folder has none.
    """
    found = []
    for given in results:
        files = sorted(given.glob("*.results")) if given.is_dir() else [given]
        if not files:
            raise InputError("holds no .results of ldsc", given)
        found.extend(files)
    return found


def split_name(results: Path, prefixes: Sequence[str]) -> tuple[str, str]:
    """Trait and model of TRAIT.MODEL.results; the model is a name for which annotation files exist (@ of PREFIX)."""
    stem = results.name.removesuffix(".results")
    parts = stem.split(".")
    moving = [p for p in prefixes if "@" in p]
    for cut in range(1, len(parts)):
        trait, model = ".".join(parts[:cut]), ".".join(parts[cut:])
        if not moving or all(
            any(Path(f"{p.replace('@', model)}{c}.annot.gz").exists() for c in AUTOSOMES) for p in moving
        ):
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


def _count_unpooled(focal: pd.DataFrame) -> None:
    """Count the results (of a trait and focal annotation) that are in no meta-analysis."""
    negative = focal["h2g"] <= 0
    unknown = ~negative & (focal["Enrichment"].isna() | ~(focal["Enrichment_std_error"] > 0))
    left_out("results", int(negative.sum()), len(focal), "of traits whose h2 is not above 0: not in the meta-analysis")
    left_out("results", int(unknown.sum()), len(focal), "without an enrichment or its error: not in the meta-analysis")


def meta_table(table: pd.DataFrame) -> pd.DataFrame:
    """Enrichment and tau* meta-analysed over the traits, a row a model, focal category, quantity and baseline.

    A trait whose h2 is not above 0 is left out, as proportions of it mean nothing. The error of tau* is the jackknife's
    where there is one, else the factor's.
    """
    import pandas as pd

    rows = []
    focal = table[table["focal"] == "yes"]
    _count_unpooled(focal)
    # a regression that stands alone is beside no named baseline
    focal = focal.assign(baseline=focal["baseline"].fillna("") if "baseline" in focal else "")
    focal = focal.assign(tau_star_error=focal["tau_star_se_jack"].fillna(focal["tau_star_se"]))
    for (baseline, model, category), part in focal.groupby(["baseline", "model", "Category"], sort=False):
        negative = (part["h2g"] <= 0).to_numpy()
        for name, error in (("Enrichment", "Enrichment_std_error"), ("tau_star", "tau_star_error")):
            values, errors = part[name].to_numpy(np.float64), part[error].to_numpy(np.float64)
            good = np.isfinite(values) & np.isfinite(errors) & (errors > 0) & ~negative
            pooled = meta_analysis(values[good], errors[good]) if good.any() else (np.nan,) * 3
            named = ", ".join(part["trait"][negative].astype(str)[:3])
            reasons = [
                "" if good.any() else "no trait has a value and its error",
                f"{negative.sum()} trait(s) left out, whose h2 is not above 0 ({named})" if negative.any() else "",
            ]
            rows.append((model, category, name, int(good.sum()), *pooled, "; ".join(filter(None, reasons)), baseline))
    return pd.DataFrame(
        rows, columns=["model", "Category", "quantity", "n_traits", "mean", "se", "tau2", "reason", "baseline"]
    )
