"""Keys of variants: 64 bits of a hash, so that ten million variants are looked up in 80 MB."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.hdf5 import as_text

# constants of SplitMix64: odd numbers whose multiples spread over all 64 bits
_MIX, _GOLDEN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)


def variant_keys(chrom: ArrayLike, pos: ArrayLike, ref: ArrayLike, alt: ArrayLike) -> NDArray[np.uint64]:
    """64-bit keys (n,) of variants; alleles count as upper case.

    Of 10 million variants two share a key with a chance below 1e-5.
    """
    key = text_keys(chrom)
    for part in (np.asarray(pos).astype(np.uint64) * _GOLDEN, text_keys(ref, upper=True), text_keys(alt, upper=True)):
        key = (key ^ (key >> np.uint64(29)) ^ part) * _MIX
    return key ^ (key >> np.uint64(32))


def text_keys(texts: ArrayLike, upper: bool = False) -> NDArray[np.uint64]:
    """64-bit hashes (n,) of texts (str or UTF-8 bytes)."""
    import pandas as pd

    # each distinct text is hashed once: a set has millions of variants and few contigs and alleles
    codes, unique = pd.factorize(np.asarray(texts, dtype=object), use_na_sentinel=False)
    names = [as_text(v) for v in unique]
    if upper:
        names = [name.upper() for name in names]
    hashes = pd.util.hash_array(np.array(names, dtype=object), categorize=False)
    return hashes[codes]
