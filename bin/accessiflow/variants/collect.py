"""Variants that the benchmark tables name and no variant set holds, as a VCF: so every benchmark finds its scores.

Memory: 8 bytes a variant of the sets, and the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import write_text
from accessiflow.log import left_out
from accessiflow.sheets import NAME
from accessiflow.variants import columns
from accessiflow.variants.keys import variant_keys
from accessiflow.variants.tables import KEY
from accessiflow.variants.vcf import read_variants


class TissueTable(NamedTuple):
    """A table of fine-mapped variants, and the tissue whose rows are meant ("": all)."""

    tissue: str
    path: Path


def named_tables(items: Sequence[str]) -> list[TissueTable]:
    """Tables from `TISSUE=FILE` or `FILE`, each once: one file may be given for many tissues."""
    return list(dict.fromkeys(_named(item) for item in items))


def _named(item: str) -> TissueTable:
    tissue, equals, file = item.partition("=")
    # a path may hold the sign, a tissue's name cannot hold a path's
    return TissueTable(tissue, Path(file)) if equals and NAME.fullmatch(tissue) else TissueTable("", Path(item))


def collect(
    vcfs: Sequence[Path],
    eqtls: Sequence[TissueTable],
    counts: Sequence[Path],
    output: Path,
    effects: Sequence[tuple[Path, Mapping[str, str]]] = (),
) -> int:
    """Write the missing variants, sorted by contig and position, each once; returns their number.

    Args:
        vcfs: The variant sets.
        eqtls: Tables of eQTLs and their negatives; of several tissues in one file, rows of those asked for.
        counts: Tables of allelic counts.
        output: The VCF.
        effects: Tables of QTLs and reporter assays, each with the columns that have other names: field -> column.
    """
    import pandas as pd

    parts = [columns.read_fine_mapped(path, tissue)[KEY] for tissue, path in eqtls]
    parts += [columns.read_variants(path)[KEY] for path in counts]
    parts += [columns.read_effects(path, [], [], given) for path, given in effects]
    rows = sum(map(len, parts))
    missing = pd.concat(parts, ignore_index=True).drop_duplicates() if parts else pd.DataFrame(columns=KEY)
    left_out("rows", rows - len(missing), rows, "of a variant that another row of the tables has", expected=True)
    named = len(missing)
    if len(missing):
        # by hash: the sets may be millions of variants, the tables are thousands
        held = np.concatenate([np.empty(0, np.uint64), *(_keys_of(path) for path in vcfs)])
        keys = variant_keys(*(missing[name] for name in KEY))
        # of several writings of a variant the first is scored: `variant_keys` finds it by all of them
        new = ~np.isin(keys, held) & ~pd.Series(keys).duplicated().to_numpy()
        missing = missing[new].sort_values(KEY, kind="stable")
    left_out("variants", named - len(missing), named, "in a variant set already", expected=True)
    with write_text(output) as out:
        out.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n")
        out.writelines(f"{c}\t{p}\t.\t{r}\t{a}\n" for c, p, r, a in missing.itertuples(index=False, name=None))
    return len(missing)


def _keys_of(path: Path) -> NDArray[np.uint64]:
    keys = [np.empty(0, np.uint64)]
    # in blocks: hashing texts pays only for many at once, and a set of millions is not held as text
    variants = ((v.chrom, v.pos, v.ref, v.alt) for v in read_variants(path))
    while block := list(islice(variants, 1 << 18)):
        keys.append(variant_keys(*zip(*block, strict=True)))
    return np.concatenate(keys)
