"""Accessibility signal: insertions drawn around the expectation, and the files of each kind that carry them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import atomic, write_text
from accessiflow.signal.bigwig import write_bigwig
from accessiflow.signal.coverage import ChromRuns
from accessiflow.simulate.design import TARGET_WIDTH
from accessiflow.simulate.grammar import CELL

DISPERSION = 0.05  # negative-binomial alpha of a count over TARGET_WIDTH
DISPERSION_BLOCK = 32  # bp that share one draw of the over-dispersion
EDGE = 40  # bp at a chromosome's ends without insertions, so that every read fits
READ = 36  # bp
SHIFT_FORWARD, SHIFT_REVERSE = 4, -5  # what readers of ATAC-seq add to the 5' end
DECOYS = 0.05  # share of reads added as duplicates, and again as reads of low mapping quality
FRAGMENT_STEP = 3  # insertions apart, in order, that make a fragment
CELLS = 40  # barcodes of a cell type
CONTAMINATION = 0.3  # share of the insertions of other cell types in the fragments file

InsertionSites = Mapping[str, NDArray[np.int64]]
"""Chromosome -> sorted 0-based positions, repeated where several insertions share a base."""


class _Fragments(NamedTuple):
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    barcode: NDArray[np.str_]


def draw_insertions(expected: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Sorted positions of insertions, negative binomial around the expectation per cell of 8 bp (cells,)."""
    per_block = DISPERSION_BLOCK // CELL
    alpha = (
        DISPERSION * TARGET_WIDTH / DISPERSION_BLOCK
    )  # of a block, so that a window of independent blocks has DISPERSION
    blocks = rng.gamma(1 / alpha, alpha, -(-len(expected) // per_block))
    # Rounded, so that the last bits of the expectation, which may differ between machines, cannot change a draw.
    counts = rng.poisson(np.round(expected * np.repeat(blocks, per_block)[: len(expected)], 6))
    position = np.sort(np.repeat(np.arange(len(expected)) * CELL, counts) + rng.integers(0, CELL, counts.sum()))
    return position[(position >= EDGE) & (position < len(expected) * CELL - EDGE)]


def write_insertions_bigwig(insertions: InsertionSites, sizes: Mapping[str, int], path: Path) -> None:
    """A bigWig with the number of insertions at each base that has any."""
    write_bigwig(path, sizes, (_base_counts(chrom, position) for chrom, position in insertions.items()))


def write_expected_bigwig(
    expected: Mapping[str, NDArray[np.float64]], sizes: Mapping[str, int], path: Path, digits: int = 5
) -> None:
    """A bigWig with the expected insertions per base to some digits, runs of equal cells joined."""
    # Rounded, so that neighbouring cells of equal expectation join, and the file does not hold the last bits of sums.
    write_bigwig(path, sizes, (_runs(chrom, np.round(cells / CELL, digits)) for chrom, cells in expected.items()))


def write_bam(insertions: InsertionSites, sizes: Mapping[str, int], rng: np.random.Generator, path: Path) -> None:
    """An indexed BAM of single-end reads whose shifted 5' ends are the insertions.

    Duplicates and reads of low mapping quality lie among them, which a reader has to leave out.
    """
    import pysam

    with atomic(path) as temporary:
        text = temporary.with_suffix(".sam")
        with write_text(text) as out:
            out.write("@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{c}\tLN:{n}\n" for c, n in sizes.items()))
            for chrom, position in insertions.items():
                out.writelines(_sam_lines(chrom, position, sizes[chrom], rng))
        # No @PG line: it would hold the temporary file's name, and equal studies would differ.
        pysam.samtools.view("--no-PG", "-b", "-o", str(temporary), str(text), catch_stdout=False)
    with atomic(Path(f"{path}.bai")) as index:
        pysam.samtools.index("-o", str(index), str(path), catch_stdout=False)


def write_fragments(
    insertions: Mapping[str, InsertionSites], cell_type: str, rng: np.random.Generator, path: Path, barcodes: Path
) -> None:
    """A bgzipped, indexed scATAC fragments file of several cell types, and the list of one cell type's barcodes.

    The ends of the fragments with a listed barcode are that cell type's insertions, but for a few at the end of a
    chromosome.
    """
    import pysam

    names = {name: np.array([f"{name.upper()}-{i + 1:03d}" for i in range(CELLS)]) for name in insertions}
    with atomic(path) as temporary:
        text = temporary.with_suffix("")
        with write_text(text) as out:
            for chrom in insertions[cell_type]:
                parts = [
                    _fragments(by_chrom[chrom], 1.0 if name == cell_type else CONTAMINATION, names[name], rng)
                    for name, by_chrom in insertions.items()
                ]
                out.writelines(_fragment_lines(chrom, _Fragments(*map(np.concatenate, zip(*parts, strict=True)))))
        pysam.tabix_compress(str(text), str(temporary), force=True)
    with write_text(barcodes) as out:
        out.write("\n".join(names[cell_type]) + "\n")
    pysam.tabix_index(str(path), preset="bed", force=True)


def _base_counts(chrom: str, position: NDArray[np.int64]) -> ChromRuns:
    base, count = np.unique(position, return_counts=True)
    return ChromRuns(chrom, base, base + 1, count.astype(np.float32))


def _runs(chrom: str, density: NDArray[np.float64]) -> ChromRuns:
    first = np.flatnonzero(np.diff(density, prepend=np.nan))  # NaN differs from everything: the first cell begins a run
    edges = np.append(first, len(density)) * CELL
    return ChromRuns(chrom, edges[:-1], edges[1:], density[first].astype(np.float32))


def _sam_lines(chrom: str, position: NDArray[np.int64], size: int, rng: np.random.Generator) -> Iterator[str]:
    duplicate = rng.choice(position, int(DECOYS * len(position)))
    doubtful = rng.integers(EDGE, size - EDGE, int(DECOYS * len(position)))
    site = np.concatenate([position, duplicate, doubtful])
    reverse = rng.random(len(site)) < 0.5
    flag = np.where(reverse, 16, 0) + np.repeat([0, 1024, 0], [len(position), len(duplicate), len(doubtful)])
    quality = np.repeat([60, 60, 3], [len(position), len(duplicate), len(doubtful)])
    # The 5' end is the first base of a forward read and the last of a reverse one; the reader adds the shift again.
    start = np.where(reverse, site - SHIFT_REVERSE + 1 - READ, site - SHIFT_FORWARD)
    for i in np.argsort(start, kind="stable"):
        yield f"r{i}\t{flag[i]}\t{chrom}\t{start[i] + 1}\t{quality[i]}\t{READ}M\t*\t0\t0\t*\t*\n"


def _fragments(
    position: NDArray[np.int64], share: float, barcodes: NDArray[np.str_], rng: np.random.Generator
) -> _Fragments:
    kept = position if share == 1 else position[rng.random(len(position)) < share]
    # Insertions i and i + FRAGMENT_STEP make a fragment; each insertion is the end of one.
    pairs = kept[: len(kept) // (2 * FRAGMENT_STEP) * 2 * FRAGMENT_STEP].reshape(-1, 2, FRAGMENT_STEP)
    start = pairs[:, 0].ravel()
    return _Fragments(start, pairs[:, 1].ravel() + 1, rng.choice(barcodes, len(start)))


def _fragment_lines(chrom: str, fragments: _Fragments) -> Iterator[str]:
    order: Sequence[int] = np.lexsort((fragments.barcode, fragments.end, fragments.start))
    for start, end, barcode in zip(*(column[order] for column in fragments), strict=True):
        yield f"{chrom}\t{start}\t{end}\t{barcode}\t1\n"
