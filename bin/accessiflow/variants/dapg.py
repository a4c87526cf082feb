"""DAP-G's own output, and GTEx's and fastENLOC's annotation of variants with it, as tables of fine-mapped variants.

DAP-G writes lines ((RANK)) VARIANT PIP LOG10_BF CLUSTER among others. The annotation has no header: chromosome,
position, id, REF, ALT, and GENE:SIGNAL@TISSUE=PIP[SIGNAL_PIP:SIZE], one for each gene and tissue, between bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.files import open_text
from accessiflow.variants.tables import TextTable

_RANKED = re.compile(r"\s*\(\((\d+)\)\)\s+(\S+)\s+(\S+)")
_TITLE = re.compile(r"\s*(Posterior expected model size|\(\(\d+\)\)\s)")
_SIGNAL = re.compile(r"([^:@=|]+)(?::\d+)?@([^=|]*)=([^\[|]+)(?:\[[^\]]*\])?")
_LOOKED_AT = 100  # lines above the first that tells the layout: comments, models


def read_dapg(path: Path, tissue: str = "") -> TextTable | None:
    """Read either layout; None where the file is neither.

    Args:
        path: The file.
        tissue: Of an annotation of several tissues, whose rows are read, where it has them.

    Raises:
        InputError: A line of the annotation is none.
    """
    with open_text(path) as handle:
        lines = [line for line in islice(handle, _LOOKED_AT) if line.strip() and not line.startswith("#")]
    if lines and _TITLE.match(lines[0]):
        with open_text(path) as handle:
            return _table(path, ["variant_id", "pip"], _ranked(handle))
    if lines and _SIGNAL.match(lines[0].rstrip("\n").split("\t")[-1]) and lines[0].count("\t") == 5:
        columns = ["chrom", "pos", "id", "ref", "alt", "gene_id", "tissue_id", "pip"]
        with open_text(path) as handle:
            known = {tissue} if any(f"@{tissue}=" in line for line in handle) else None
        with open_text(path) as handle:
            return _table(path, columns, _annotated(handle, path, known))
    return None


def _ranked(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, 1):
        found = _RANKED.match(line)
        if found:
            yield number, [found[2], found[3]]


def _annotated(lines: Iterable[str], path: Path, known: set[str] | None) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        *place, signals = line.rstrip("\n").split("\t")
        found = _SIGNAL.findall(signals)
        if len(place) != 5 or not found:
            raise InputError(
                "expected chromosome, position, id, REF, ALT and GENE:SIGNAL@TISSUE=PIP[...], tab-separated",
                path,
                number,
            )
        for gene, of, pip in found:
            if known is None or of in known:
                yield number, [*place, gene, of, pip]


def _table(path: Path, columns: list[str], rows: Iterable[tuple[int, list[str]]]) -> TextTable:
    import pandas as pd

    numbers, values = [], []
    for number, row in rows:
        numbers.append(number)
        values.append(row)
    if not values:
        raise InputError("holds no variant with a posterior inclusion probability", path)
    return TextTable(path, pd.DataFrame(values, columns=columns, dtype=str), np.array(numbers, np.int64))
