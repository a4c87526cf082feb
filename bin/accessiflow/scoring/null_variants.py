"""Null variants, against which the scores of a set are held: the same changes where no effect is expected.

shuffled: variants of the set in surroundings whose bases are shuffled so that every dinucleotide keeps its count
    (shuffling.py): composition without grammar. `sad.score` shuffles them (ScoreOptions.shuffle_seed).
matched: single-base changes of the set with the same neighbouring bases, as far from a transcription start site as the
    variant is, but from another one.

Memory: the variants that are drawn, and the start sites.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.errors import InputError
from accessiflow.files import write_text
from accessiflow.genes import read_tss
from accessiflow.genome import UNKNOWN, Codes, Fasta
from accessiflow.log import left_out, log
from accessiflow.variants.alleles import check_variant
from accessiflow.variants.vcf import Variant, read_variants

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("shuffled", "matched")
SEARCHED = 500  # bp on both sides of a place, for the variant's own three bases
TRIES = 20  # start sites, before a variant is left out
_DRAWN_AT_ONCE = 1 << 16


class NullCounts(NamedTuple):
    """Variants of the null, and those drawn that have no place in it."""

    written: int
    left_out: int


def write_null(
    variants: Path, fasta: Path, output: Path, kind: str, number: int, seed: int, genes: Path | None = None
) -> NullCounts:
    """Write the null of a variant set as a VCF, in the order of the set.

    Args:
        variants: The set.
        fasta: The genome.
        output: The VCF.
        kind: One of KINDS.
        number: How many variants are drawn at most.
        seed: Seed of the draw and of the places.
        genes: Start sites; `matched` needs them.

    Raises:
        InputError: A file cannot be read, or no start site is on the genome.
    """
    rng = np.random.default_rng(seed)
    with Fasta(fasta) as genome, write_text(output) as out:
        drawn = _draw(variants, number, rng)
        checked = [check_variant(variant, genome, 1 << 30, "exclude") for variant in drawn]
        usable = [variant for variant, reason in checked if not reason]
        places = list(_matched(usable, genome, _start_sites(genes, genome), rng)) if kind == "matched" else usable
        out.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n")
        out.writelines(f"{v.chrom}\t{v.pos}\t{v.id}\t{v.ref}\t{v.alt}\n" for v in places)
    lost = len(drawn) - len(places)
    left_out("variants", lost, len(drawn), "drawn for the null, without a place in it")
    if drawn and not places:
        log.warning("%s: no variant of the set has a place in the null: there will be no p", variants.name)
    return NullCounts(len(places), lost)


def _draw(variants: Path, number: int, rng: np.random.Generator) -> list[Variant]:
    """At most `number` of the variants that are sequences, each as likely as any other, in the file's order."""
    good = (variant for variant in read_variants(variants) if not variant.reason)
    kept: list[tuple[int, Variant]] = []
    seen = 0
    while block := list(islice(good, _DRAWN_AT_ONCE)):
        # Vitter's reservoir: the i-th of all takes a random place of i, if that is one of the first `number`
        places = rng.integers(0, np.arange(seen, seen + len(block)) + 1)
        for i, (variant, place) in enumerate(zip(block, places.tolist(), strict=True), seen):
            if i < number:
                kept.append((i, variant))
            elif place < number:
                kept[place] = (i, variant)
        seen += len(block)
    return [variant for _, variant in sorted(kept, key=lambda pair: pair[0])]


def _start_sites(genes: Path | None, genome: Fasta) -> pd.DataFrame:
    if genes is None:
        raise InputError("a null that is matched on the distance to genes needs them: give --genes")
    sites = read_tss(genes)
    sites = sites[sites["chrom"].isin(list(genome.sizes))].sort_values(["chrom", "position"], kind="stable")
    if sites.empty:
        raise InputError("has no gene on the FASTA's contigs", genes)
    return sites.reset_index(drop=True)


def _matched(
    variants: Sequence[Variant], genome: Fasta, sites: pd.DataFrame, rng: np.random.Generator
) -> Iterator[Variant]:
    """Each single-base change at a place like its own; those without one are left out."""
    chroms, positions = sites["chrom"].to_numpy(), sites["position"].to_numpy(np.int64)
    by_chrom = {chrom: positions[chroms == chrom] for chrom in np.unique(chroms)}
    for variant in variants:
        own = by_chrom.get(variant.chrom)
        if own is None or len(variant.ref) != 1 or len(variant.alt) != 1:
            continue
        distance = int(np.abs(own - (variant.pos - 1)).min())
        three = genome.codes(variant.chrom, variant.pos - 2, variant.pos + 1)
        for site in rng.integers(0, len(sites), TRIES).tolist():
            target = int(positions[site]) + distance * int(rng.choice((-1, 1)))
            place = _nearest(genome, str(chroms[site]), target, three, by_chrom, distance)
            if place is not None and (chroms[site], place) != (variant.chrom, variant.pos - 1):
                chrom = str(chroms[site])
                yield Variant(0, chrom, place + 1, f"null_{variant.id}", variant.ref, variant.alt)
                break


def _nearest(
    genome: Fasta,
    chrom: str,
    target: int,
    three: Codes,
    by_chrom: dict[str, NDArray[np.int64]],
    distance: int,
) -> int | None:
    """The place (0-based) nearest to `target` with these three bases around it.

    None where there is none within SEARCHED, or where its nearest start site is another one than it was placed by.
    """
    low = target - SEARCHED
    codes = genome.codes(chrom, low - 1, target + SEARCHED + 2)
    hits = np.flatnonzero((codes[:-2] == three[0]) & (codes[1:-1] == three[1]) & (codes[2:] == three[2])) + low
    if not len(hits) or UNKNOWN in three:
        return None
    place = int(hits[np.abs(hits - target).argmin()])
    # a site close by would make the place's distance another one
    return place if abs(int(np.abs(by_chrom[chrom] - place).min()) - distance) <= SEARCHED else None
