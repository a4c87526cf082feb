"""The simulated genome: a random sequence with an element of motif instances in every 2.2 kb, and its genes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accessiflow.genome import reverse_complement
from accessiflow.intervals import IntervalSet
from accessiflow.simulate.design import SEQ_LENGTH, UBIQUITOUS_CLUSTER, StudyDesign
from accessiflow.simulate.grammar import Grammar, instances

if TYPE_CHECKING:
    import pandas as pd

SPACING = 2200  # bp between elements, on average
ELEMENT_WIDTH = 192  # bp of an element
CORE = 160  # bp in its middle that hold the instances
MOST_INSTANCES = 5
UBIQUITOUS_SHARE, GROUP_SHARE = 0.2, 0.2  # the rest is private to one cell type
GENE_EVERY = 3  # ubiquitous elements: promoters
POOL = 2000  # instances drawn of each motif


class Chromosome(NamedTuple):
    """A chromosome.

    Attributes:
        codes: base codes (length,).
        elements: table of chrom, start, end and cluster.
        sites: table of the planted motif instances: chrom, start, end, motif (index), strand, element (row).
    """

    codes: NDArray[np.uint8]
    elements: pd.DataFrame
    sites: pd.DataFrame


class PlacedElements(NamedTuple):
    """Starts (n,) and clusters (n,) of a chromosome's elements."""

    start: NDArray[np.int64]
    cluster: NDArray[np.str_]


class PlacedInstances(NamedTuple):
    """Row of the element (k,), index of the motif (k,) and start (k,) of each motif instance."""

    element: NDArray[np.int64]
    motif: NDArray[np.int64]
    start: NDArray[np.int64]


def make_chromosome(design: StudyDesign, grammar: Grammar, index: int) -> Chromosome:
    """Draw a random sequence and plant its elements."""
    import pandas as pd

    rng = design.generator("genome", index)
    codes = rng.integers(0, 4, design.chrom_length, dtype=np.uint8)
    start, cluster = _place_elements(design, rng)
    element, motif, site = _place_instances(grammar, start, cluster, rng)
    strand = _plant(codes, grammar, motif, site, rng)
    width = np.array([m.width for m in grammar.motifs])[motif]
    chrom = design.chroms[index]
    elements = pd.DataFrame({"chrom": chrom, "start": start, "end": start + ELEMENT_WIDTH, "cluster": cluster})
    sites = pd.DataFrame(
        {"chrom": chrom, "start": site, "end": site + width, "motif": motif, "strand": strand, "element": element}
    )
    return Chromosome(codes, elements, sites)


def make_genes(elements: pd.DataFrame, design: StudyDesign) -> pd.DataFrame:
    """BED6 of genes of 5-30 kb that start in every third ubiquitous element; cut at the chromosome's ends."""
    import pandas as pd

    rng = design.generator("genes")
    promoters = elements[elements["cluster"] == UBIQUITOUS_CLUSTER].iloc[::GENE_EVERY]
    start = ((promoters["start"] + promoters["end"]) // 2).to_numpy()
    length, forward = rng.integers(5_000, 30_000, len(start)), rng.random(len(start)) < 0.5
    return pd.DataFrame(
        {
            "chrom": promoters["chrom"].to_numpy(),
            "start": np.where(forward, start, np.maximum(start - length + 1, 0)),
            "end": np.where(forward, np.minimum(start + length, design.chrom_length), start + 1),
            "name": [f"GENE{i + 1:05d}" for i in range(len(start))],
            "score": 0,
            "strand": np.where(forward, "+", "-"),
        }
    )


def inside_elements(chrom: ArrayLike, position: ArrayLike, elements: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each 0-based position (n,) lies in an element."""
    names, where, members = np.asarray(chrom, dtype=object), np.asarray(position), IntervalSet(elements)
    out = np.zeros(len(where), bool)
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        out[rows] = members.contains(str(name), where[rows])
    return out


def _place_elements(design: StudyDesign, rng: np.random.Generator) -> PlacedElements:
    """One element in each interval of SPACING bp; clusters in their exact proportions, in random order."""
    # A model's window around any element lies within the chromosome.
    n = (design.chrom_length - 2 * SEQ_LENGTH) // SPACING
    start = SEQ_LENGTH + np.arange(n) * SPACING + rng.integers(0, SPACING - ELEMENT_WIDTH, n)
    groups, cell_types = list(design.groups), design.cell_type_names
    private = 1 - UBIQUITOUS_SHARE - GROUP_SHARE
    share = [
        UBIQUITOUS_SHARE,
        *[GROUP_SHARE / len(groups)] * len(groups),
        *[private / len(cell_types)] * len(cell_types),
    ]
    # Rounding the running sum, not each share, makes the counts add up to n.
    count = np.diff(np.round(np.cumsum(share) * n), prepend=0).astype(int)
    return PlacedElements(start, rng.permutation(np.repeat([UBIQUITOUS_CLUSTER, *groups, *cell_types], count)))


def _place_instances(
    grammar: Grammar, start: NDArray[np.int64], cluster: NDArray[np.str_], rng: np.random.Generator
) -> PlacedInstances:
    """1-5 instances in the core of each element, one after the other with random gaps."""
    per_element = rng.integers(1, MOST_INSTANCES + 1, len(start))
    width = np.array([m.width for m in grammar.motifs])
    motif = [rng.choice(grammar.of_cluster[c], n) for c, n in zip(cluster, per_element, strict=True)]
    site = []
    for first, chosen in zip(start + (ELEMENT_WIDTH - CORE) // 2, motif, strict=True):
        # Sorted random offsets into the room that the instances leave: they never overlap.
        taken = np.r_[0, width[chosen].cumsum()]
        gaps = np.sort(rng.integers(0, CORE - taken[-1] + 1, len(chosen)))
        site.append(first + taken[:-1] + gaps)
    element = np.repeat(np.arange(len(start)), per_element)
    return PlacedInstances(element, np.concatenate(motif), np.concatenate(site))


def _plant(
    codes: NDArray[np.uint8],
    grammar: Grammar,
    motif: NDArray[np.int64],
    site: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.str_]:
    """Write instances into the sequence, on random strands; returns the strands (k,)."""
    reverse = rng.random(len(motif)) < 0.5
    for index, one in enumerate(grammar.motifs):
        chosen = np.flatnonzero(motif == index)
        pool = instances(one, POOL, rng)
        drawn = pool[rng.integers(0, POOL, len(chosen))]
        drawn = np.where(reverse[chosen][:, None], reverse_complement(drawn), drawn)
        codes[site[chosen][:, None] + np.arange(one.width)] = drawn
    return np.where(reverse, "-", "+")
