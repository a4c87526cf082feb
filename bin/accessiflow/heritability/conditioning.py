"""The condition number of a regression's LD scores: how far its annotations say the same thing (ldsc refuses above
100,000).

It is the ratio of the largest to the smallest singular value of the matrix (SNPs, annotations), from its products
X'X: exact to 1e-6 up to 100,000.

Memory: the LD scores of one chromosome.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.heritability.annotations import present

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
TOO_LARGE = 100_000
_SUFFIX = ".l2.ldscore.gz"


def condition_numbers(prefixes: Sequence[str], models: Sequence[str], weights: str | None = None) -> dict[str, float]:
    """Condition number of each model's LD scores, over the SNPs that all of its files hold.

    Args:
        prefixes: of the LD score files of a regression, without the chromosome; @ stands for the model's name.
        weights: prefix of the regression weights, whose SNPs count alone; None: all.

    Returns:
        Model -> number (infinite where annotations are exactly collinear); a model whose files are not there is absent.
    """
    fixed, moving = [p for p in prefixes if "@" not in p], [p for p in prefixes if "@" in p]
    products: dict[str, Floats] = {}
    for chrom in map(str, range(1, 23)):
        base = _joined([_file(p, chrom) for p in fixed] + ([_file(weights, chrom)] if weights else []), len(fixed))
        if base is None:
            continue
        for model in models:
            own = (
                _joined([_file(p.replace("@", model), chrom) for p in moving], len(moving))
                if moving
                else base.iloc[:, :0]
            )
            if own is None:
                continue
            both = base.join(own, how="inner", rsuffix="_own").to_numpy(np.float64)
            products[model] = products.get(model, 0.0) + both.T @ both
    return {model: _condition(product) for model, product in products.items()}


def _condition(product: Floats) -> float:
    values = np.linalg.eigvalsh(product)
    return (
        float(np.sqrt(values[-1] / values[0]))
        if values[0] > values[-1] * len(values) * np.finfo(float).eps
        else float("inf")
    )


def _file(prefix: str, chrom: str) -> Path | None:
    names = (present(Path(f"{prefix}{between}{chrom}{_SUFFIX}")) for between in ("", "."))
    return next((path for path in names if path.exists()), None)


def _joined(paths: Sequence[Path | None], shown: int) -> pd.DataFrame | None:
    """LD scores by SNP of the first `shown` files, for the SNPs that all files hold; None where a file is missing."""
    import pandas as pd

    if not paths or None in paths:
        return None
    tables = list(_read([path for path in paths if path is not None]))
    common = tables[0].index
    for table in tables[1:]:
        if not common.equals(table.index):
            common = common[common.isin(table.index)]
    return pd.concat([table.loc[common].reset_index(drop=True) for table in tables[:shown]], axis=1).set_axis(common)


def _read(paths: Sequence[Path]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    for path in paths:
        with open_text(path) as handle:
            try:
                table = pd.read_csv(handle, sep=r"\s+", dtype={"SNP": str}).set_index("SNP")
            except (ValueError, KeyError, pd.errors.ParserError) as error:
                raise InputError(f"is no readable LD score file ({str(error).splitlines()[0]})", path) from None
        yield table.drop(columns=[c for c in ("CHR", "BP", "CM", "MAF") if c in table])
