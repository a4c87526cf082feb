"""k-fold rotation over chromosomes: parts of near-equal length, each in turn test, the next one validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from accessiflow.errors import InputError
from accessiflow.genome import Fasta
from accessiflow.intervals import read_chrom_sizes

CONTIG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:*+=-]*")  # no comma or space, which end an item of a list


class RotationFold(NamedTuple):
    """A fold of a rotation: its number from 1, and its chromosomes as comma-separated lists."""

    fold: int
    valid_chroms: str
    test_chroms: str


def contig_sizes(path: Path) -> dict[str, int]:
    """Contig name -> length of a FASTA, of its .fai or of a chrom.sizes, in file order."""
    if path.suffix in (".fai", ".sizes"):
        return read_chrom_sizes(path)
    with Fasta(path) as genome:
        return genome.sizes


def parts_of(sizes: Mapping[str, int], number: int) -> list[list[str]]:
    """Chromosomes in `number` parts of near-equal length, each part in genome order.

    Raises:
        InputError: there are fewer than three parts, or fewer chromosomes than parts, or a name cannot stand in a list
            on a command line.
    """
    odd = [name for name in sizes if not CONTIG.fullmatch(name)]
    if odd:
        raise InputError(
            f"the genome has the contig {odd[0][:80]!r}, which cannot stand in a list of chromosomes: "
            "rename it or leave it out"
        )
    if number < 3:
        raise InputError(f"--number {number}: a rotation needs at least 3 parts (training, validation, test)")
    if len(sizes) < number:
        raise InputError(
            f"--number {number}: only {len(sizes)} chromosomes hold a window, each fold needs one: ask for fewer"
        )
    parts: list[list[str]] = [[] for _ in range(number)]
    filled = [0] * number
    # The longest chromosome first, each to the part that is shortest so far; the name breaks ties.
    for name in sorted(sizes, key=lambda n: (-sizes[n], n)):
        least = filled.index(min(filled))
        parts[least].append(name)
        filled[least] += sizes[name]
    place = {name: i for i, name in enumerate(sizes)}
    return [sorted(part, key=place.__getitem__) for part in parts]


def rotation(sizes: Mapping[str, int], number: int) -> list[RotationFold]:
    """The folds of a rotation: part i is tested, the next one validates, the others train."""
    parts = [",".join(part) for part in parts_of(sizes, number)]
    return [RotationFold(i + 1, parts[(i + 1) % number], parts[i]) for i in range(number)]
