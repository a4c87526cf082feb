"""The surroundings of a variant shuffled so that every dinucleotide keeps its count."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from accessiflow.genome import UNKNOWN, Codes
from accessiflow.variants.vcf import Variant


def shuffle_flanks(codes: Codes, start: int, end: int, variant: Variant, seed: int) -> Codes:
    """A window with what lies before `start` and from `end` on shuffled by dinucleotides.

    The neighbours of [start, end) stay, so that the dinucleotides across the allele do, too. The same variant and seed
    give the same bases, whatever else is scored beside it.
    """
    key = zlib.crc32(f"{variant.chrom}:{variant.pos}:{variant.ref}:{variant.alt}".encode())
    rng = np.random.default_rng([seed, key])
    left, right = (shuffle_dinucleotides(part, rng) for part in (codes[:start], codes[end:]))
    return np.concatenate([left, codes[start:end], right])


def shuffle_dinucleotides(codes: Codes, rng: np.random.Generator) -> Codes:
    """Base codes (n,) in another order with the same first and last base and the same count of every dinucleotide.

    A random Euler path over the bases (Altschul and Erickson 1985); unknown bases count as a fifth base.
    """
    if len(codes) < 4:
        return codes.copy()
    last = int(codes[-1])
    following = [codes[1:][codes[:-1] == base] for base in range(UNKNOWN + 1)]
    while True:
        ends = [int(rng.integers(len(after))) if len(after) else -1 for after in following]
        if _all_reach(last, following, ends):
            break
    order = []
    for base, after in enumerate(following):
        rest = np.delete(after, ends[base]) if len(after) and base != last else after.copy()
        rng.shuffle(rest)
        # the edge by which a base is left for the last time leads, over others, to the last base
        order.append(iter([*rest.tolist(), *([int(after[ends[base]])] if len(after) and base != last else [])]))
    out = np.empty_like(codes)
    out[0] = codes[0]
    for place in range(1, len(codes)):
        out[place] = next(order[out[place - 1]])
    return out


def _all_reach(last: int, following: Sequence[Codes], ends: Sequence[int]) -> bool:
    """Whether every base's last edge leads, over the others', to the last base."""
    for base, after in enumerate(following):
        at, steps = base, 0
        while len(after) and at != last and steps <= len(following):
            at, steps = int(following[at][ends[at]]), steps + 1
        if len(after) and at != last:
            return False
    return True
