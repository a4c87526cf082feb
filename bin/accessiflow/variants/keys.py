"""Keys of variants: 64 bits of a hash, so that ten million variants are looked up in 80 MB."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.genome import Fasta
from accessiflow.hdf5 import as_text
from accessiflow.variants.normalise import DASH, names

# constants of SplitMix64: odd numbers whose multiples spread over all 64 bits
_MIX, _GOLDEN = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x9E3779B97F4A7C15)


def variant_keys(
    chrom: ArrayLike, pos: ArrayLike, ref: ArrayLike, alt: ArrayLike, genome: Fasta | None = None
) -> NDArray[np.uint64]:
    """64-bit keys (n,) of variants by their names (normalise.py); alleles count as upper case.

    Of 10 million variants two share a key with a chance below 1e-5.
    """
    key, named = text_keys(chrom), names(chrom, pos, ref, alt, genome)
    place = named.pos.astype(np.uint64) * _GOLDEN
    for part in (place, text_keys(named.ref, upper=True), text_keys(named.alt, upper=True)):
        key = (key ^ (key >> np.uint64(29)) ^ part) * _MIX
    return key ^ (key >> np.uint64(32))


class Unordered(NamedTuple):
    """Variants whatever the order of their alleles.

    Attributes:
        keys: A key (n,) that a variant and the one with REF and ALT exchanged share.
        turned: Whether a variant's alleles are in the other order than its key's (n,).
    """

    keys: NDArray[np.uint64]
    turned: NDArray[np.bool_]


def unordered_keys(chrom: ArrayLike, pos: ArrayLike, ref: ArrayLike, alt: ArrayLike) -> Unordered:
    """Keys of variants (n,) whatever the order of their alleles, where `exchangeable` says that it may be either."""
    first, second = (np.array([as_text(v).upper() for v in np.asarray(a, dtype=object)], object) for a in (ref, alt))
    turned = exchangeable(first, second) & (first > second)
    keys = variant_keys(chrom, pos, np.where(turned, second, first), np.where(turned, first, second))
    return Unordered(keys, turned)


def exchangeable(ref: ArrayLike, alt: ArrayLike) -> NDArray[np.bool_]:
    """Whether exchanged alleles are the same variant (n,): those of one length.

    An insertion exchanged is the deletion at the same place, which in a repeat is another variant of its own.
    """
    pairs = zip(np.asarray(ref, dtype=object), np.asarray(alt, dtype=object), strict=True)
    return np.array([len(one) == len(other) and as_text(one) != DASH != as_text(other) for one, other in pairs], bool)


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
