"""ldsc's test of many annotations at once (`--h2-cts`): the list it reads, and its results as one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text, read_table, write_text
from accessiflow.log import left_out, log
from accessiflow.statistics import benjamini_hochberg

if TYPE_CHECKING:
    import pandas as pd

_M = ".l2.M_5_50"
_RESULT = ".cell_type_results.txt"
TEST_COLUMNS = ["trait", "annotation", "coefficient", "coefficient_se", "z", "p", "q", "reason", "baseline"]


def write_list(counts: Sequence[Path], output: Path, folder: str = "") -> tuple[list[str], list[str]]:
    """Write `.ldcts`: one line an annotation, its name and the prefix FOLDER/NAME. of its LD scores.

    Args:
        counts: NAME.{chrom}.l2.M_5_50 of every annotation and chromosome.

    Returns:
        Names written, and names left out: those without a common SNP, on which ldsc would stop.

    Raises:
        InputError: a file of another name, or with several annotations.
    """
    totals: dict[str, float] = {}
    for path in counts:
        name, _, chrom = path.name.removesuffix(_M).rpartition(".")
        if not path.name.endswith(_M) or not name or not chrom:
            raise InputError(f"expected files named NAME.CHROMOSOME{_M}", path)
        totals[name] = totals.get(name, 0.0) + _single(path)
    written = sorted(name for name, total in totals.items() if total > 0)
    empty = sorted(set(totals) - set(written))
    if empty:
        log.warning("without a common SNP, not tested: %s", ", ".join(empty))
    with write_text(output) as out:
        out.writelines(f"{name}\t{folder}{name}.\n" for name in written)
    return written, empty


def _single(path: Path) -> float:
    with open_text(path) as handle:
        values = handle.read().split()
    try:
        (value,) = map(float, values)
    except ValueError:
        raise InputError(f"holds {len(values)} values, expected one number: one annotation a file set", path) from None
    return value


def collect(results: Sequence[Path], listed: Sequence[str], baselines: Sequence[str] = ()) -> pd.DataFrame:
    """One row a baseline, trait and annotation (TEST_COLUMNS) of TRAIT.cell_type_results.txt files.

    p is one-sided (coefficient > 0), as ldsc gives it; q is Benjamini-Hochberg's over the annotations of a trait. An
    empty file stands for a run that
    ldsc could not do: NA with the reason.

    Args:
        baselines: of the tests; of several, the files are named TRAIT.BASELINE.cell_type_results.txt.
    """
    import pandas as pd

    order = {name: place for place, name in enumerate(baselines)}
    named = sorted(
        (order.get(baseline, 0), str(path), trait, baseline)
        for path in results
        for trait, baseline in [_name(path, baselines)]
    )
    parts = [_trait(Path(path), trait, listed).assign(baseline=baseline) for _, path, trait, baseline in named]
    return pd.concat(parts, ignore_index=True).reindex(columns=TEST_COLUMNS)


def _name(path: Path, baselines: Sequence[str]) -> tuple[str, str]:
    """Trait and baseline of a file of results."""
    if not path.name.endswith(_RESULT):
        raise InputError(f"expected a file named TRAIT{_RESULT}", path)
    trait = path.name.removesuffix(_RESULT).removesuffix(".cts")
    if len(baselines) < 2:
        return trait, baselines[0] if baselines else ""
    trait, _, baseline = trait.rpartition(".")
    if baseline not in baselines:
        raise InputError(
            f"is named after none of the baselines {', '.join(baselines)}: expected TRAIT.BASELINE{_RESULT}", path
        )
    return trait, baseline


def _trait(path: Path, trait: str, listed: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if path.exists() and path.stat().st_size == 0:
        return pd.DataFrame({"trait": trait, "annotation": list(listed), "reason": "ldsc did not finish"})
    names = {
        "Name": "annotation",
        "Coefficient": "coefficient",
        "Coefficient_std_error": "coefficient_se",
        "Coefficient_P_value": "p",
    }
    found = read_table(path, list(names), text=["Name"]).rename(columns=names).set_index("annotation")
    if found.index.has_duplicates:
        raise InputError(f"names the annotation {found.index[found.index.duplicated()][0]} twice", path)
    text = [given for given, name in names.items() if name in found and found[name].dtype.kind not in "fiu"]
    if text:
        raise InputError(f"has text in the column {text[0]}: is it ldsc's?", path)
    if not found["p"].dropna().between(0, 1).all():
        raise InputError("has a Coefficient_P_value that is not between 0 and 1: is it ldsc's?", path)
    table = found.reindex(list(listed) or sorted(found.index)).reset_index()
    unlisted = int((~found.index.isin(table["annotation"])).sum())
    left_out("annotations", unlisted, len(found), "tested, not in the .ldcts file", source=trait)
    return table.assign(
        trait=trait,
        q=benjamini_hochberg(table["p"].to_numpy(np.float64)),
        z=table["coefficient"] / table["coefficient_se"],
        reason=_reasons(table),
    )


def _reasons(table: pd.DataFrame) -> NDArray[np.object_]:
    """Why a test has no p value: ldsc's error, where the file has it."""
    given = table["Reason"].astype(object) if "Reason" in table else table["p"].map(lambda _: np.nan)
    known = given.fillna("ldsc gives no p value").to_numpy(dtype=object)
    return np.where(table["p"].notna(), "", known)
