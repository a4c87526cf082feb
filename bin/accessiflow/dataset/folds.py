"""k-fold rotation over chromosomes: parts of near-equal length, each in turn test, the next one validation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from accessiflow.errors import InputError
from accessiflow.genome import Fasta
from accessiflow.intervals import read_chrom_sizes

CONTIG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:*+=-]*")


def contig_sizes(path: Path) -> dict[str, int]:
    """Contig name -> length of a FASTA, of its .fai or of a chrom.sizes, in file order."""
    if path.suffix in (".fai", ".sizes"):
        return read_chrom_sizes(path)
    with Fasta(path) as genome:
        return genome.sizes


def parts_of(sizes: Mapping[str, int], number: int) -> list[list[str]]:
    """Chromosomes in `number` parts: the longest first, each to the part that is shortest so far; in every part in genome order.

    Raises:
        InputError: fewer than three parts, fewer chromosomes than parts, or a name that cannot stand in a list on a command line.
    """
    odd = [name for name in sizes if not CONTIG.fullmatch(name)]
    if odd:
        raise InputError(
            f"the genome has the contig {odd[0][:80]!r}, which cannot stand in a list of chromosomes: rename it or leave it out"
        )
    if number < 3:
        raise InputError(f"--number {number}: a rotation needs at least 3 parts (training, validation, test)")
    if len(sizes) < number:
        raise InputError(
            f"--number {number}: only {len(sizes)} chromosomes hold a window, each fold needs one: ask for fewer"
        )
    parts: list[list[str]] = [[] for _ in range(number)]
    filled = [0] * number
    for name in sorted(sizes, key=lambda n: (-sizes[n], n)):
        least = filled.index(min(filled))
        parts[least].append(name)
        filled[least] += sizes[name]
    place = {name: i for i, name in enumerate(sizes)}
    return [sorted(part, key=place.__getitem__) for part in parts]


def rotation(sizes: Mapping[str, int], number: int) -> list[tuple[int, str, str]]:
    """Rows fold (from 1), valid_chroms, test_chroms: part i is tested, the next one validates."""
    parts = parts_of(sizes, number)
    return [(i + 1, ",".join(parts[(i + 1) % number]), ",".join(parts[i])) for i in range(number)]
