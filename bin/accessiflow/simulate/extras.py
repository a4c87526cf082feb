"""What further analyses of a study read, beside the files that every study has, which none of them changes.

Experiments that repeat others (replicates, donors), predictions of a model of peak probabilities, a model behind an
adapter, accessibility QTLs, a reporter assay of every base of some elements, and reads with their donor's genotypes in
place of allelic counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.files import atomic, write_json, write_table, write_text
from accessiflow.genome import decode
from accessiflow.simulate import signal
from accessiflow.simulate.design import SEQ_LENGTH, TARGET_WIDTH, VARIANT_KEY
from accessiflow.simulate.elements import ELEMENT_WIDTH
from accessiflow.simulate.grammar import AMPLITUDE, BASE, CELL, WINDOW_CELLS, Grammar
from accessiflow.simulate.simulated import Study, write_sheet
from accessiflow.simulate.truth import calling_probability

if TYPE_CHECKING:
    import pandas as pd

DONOR_DISPERSION = 0.1  # variance over squared mean of what a donor's element has of the first donor's
FIRST_DONOR, SECOND_DONOR = "D1", "D2"
CALLED = 4.0  # times BASE: the count from which on the model of probabilities takes a window for a peak
CERTAIN = 0.99  # its greatest probability
DIGITS = 8  # of a base's share of a probability
QTL_ERROR, QTL_MAX_P = 0.05, 0.001  # standard error of a QTL's effect; p value of those that count
ASSAYED, ASSAY_ERROR = 3, 0.05  # elements whose every base is changed; noise of a measurement
FURTHER_SHEETS = ("qtls", "mpra")
READS_COLUMNS = ("bam", "vcf")
MODEL_COLUMNS = ("predictions", "output", "weights", "adapter", "score")
ADAPTER = "share_of_gc.py:ShareOfGC"
ADAPTER_CODE = '''"""Accessibility as the share of G and C in the window, times a slope for each track."""

import json
from pathlib import Path

import numpy as np


class ShareOfGC:
    """A model that no training made, behind the protocol of adapters."""

    batch_size = 64
    output_length = 1

    def __init__(self, params: Path, weights: Path) -> None:
        self.seq_length = json.loads(Path(params).read_text())["seq_length"]
        self.slopes = np.loadtxt(weights, ndmin=1)
        self.num_targets = len(self.slopes)

    def predict(self, one_hot: np.ndarray) -> np.ndarray:
        share = one_hot[:, :, 1:3].sum(axis=(1, 2)) / self.seq_length
        return share[:, None, None] * self.slopes
'''
EXPERIMENT_COLUMNS = ("replicate", "donor", "use")
SheetRow = dict[str, object]


def add_experiments(study: Study, rows: list[SheetRow], folder: Path) -> list[SheetRow]:
    """The rows of the tracks sheet with labels, and more: a replicate, and a second donor of two cell types.

    The further ones are bigWigs of their own draws, and are measured for the ceilings alone.
    """
    names = study.design.cell_type_names
    # One of each group: donors are compared within a cell type and between them.
    firsts = [members[0] for members in study.design.groups.values()]
    out = [row | {"replicate": 1, "donor": FIRST_DONOR, "use": ""} for row in rows]
    further = [(firsts[0], "r2", 2, FIRST_DONOR), *((name, "d2", 1, SECOND_DONOR) for name in firsts)]
    for number, (cell_type, ending, replicate, donor) in enumerate(further):
        rng = study.design.generator("experiment", number)
        track, index = f"{cell_type}.{ending}", names.index(cell_type)
        insertions = {
            chrom: signal.draw_insertions(_of_donor(part.expected[:, index], donor, rng), rng)
            for chrom, part in zip(study.design.chroms, study.parts, strict=True)
        }
        path = f"tracks/{track}.bw"
        signal.write_insertions_bigwig(insertions, study.sizes, folder / path)
        labels = {"replicate": replicate, "donor": donor, "use": "ceiling"}
        out.append(dict(rows[index]) | {"track": track, "signal": path, "kind": "bigwig", "barcodes": ""} | labels)
    return out


def add_probabilities(study: Study, folder: Path) -> SheetRow:
    """A row of the models sheet with predictions made elsewhere: how probable it is that a window's count is a peak's.

    They follow from the expectation, and so from the truth; a bigWig a track, whose sum over TARGET_WIDTH bases is the
    probability at the middle of these.
    """
    for index, name in enumerate(study.design.cell_type_names):
        cells = {
            chrom: _peak_probability(part.expected[:, index])
            for chrom, part in zip(study.design.chroms, study.parts, strict=True)
        }
        signal.write_expected_bigwig(cells, study.sizes, folder / "predictions" / f"{name}.bw", DIGITS)
    return {"model": "probabilities", "replicates": 1, "predictions": "predictions", "output": "probability"}


def add_adapter(study: Study, folder: Path) -> SheetRow:
    """A row of the models sheet with a model that runs through an adapter: the share of G and C of a window.

    Its folder holds the class, the two files that it reads, and the table of its tracks.
    """
    names = study.design.cell_type_names
    model = folder / "models" / "share_of_gc"
    write_json({"seq_length": SEQ_LENGTH, "tracks": len(names)}, model / "params.json")
    for name, text in (
        ("model_best.h5", "".join(f"{BASE * (i + 1):g}\n" for i in range(len(names)))),
        ("targets.txt", "index\tidentifier\tdescription\n" + "".join(f"{i}\t{n}\t{n}\n" for i, n in enumerate(names))),
        (ADAPTER.partition(":")[0], ADAPTER_CODE),
    ):
        with write_text(model / name) as out:
            out.write(text)
    row = {"model": "share_of_gc", "replicates": 1, "weights": "models/share_of_gc", "adapter": ADAPTER}
    return row | {"score": "no"}


def write_qtls(study: Study, folder: Path) -> None:
    """Accessibility QTLs of the first cell type (the true effects, and noise), and the sheet that names them."""
    from scipy.special import ndtr

    name = study.design.cell_type_names[0]
    rng = study.design.generator("accessibility qtl")
    effect = study.effects.difference[:, 0] / (BASE * AMPLITUDE)
    beta = effect + QTL_ERROR * rng.standard_normal(len(effect))
    p = np.maximum(2 * ndtr(-np.abs(beta) / QTL_ERROR), 1e-300)
    table = study.table[VARIANT_KEY].rename(columns={"chrom": "chrom_sim", "pos": "pos_sim"})
    write_table(table.assign(slope=beta.round(4), pval=p), folder / "qtls" / f"{name}.tsv", float_format="%.4g")
    row = {"set": f"caqtl_{name}", "variants": f"qtls/{name}.tsv", "track": name}
    row |= {"columns": "chrom=chrom_sim;pos=pos_sim", "max_p": QTL_MAX_P}
    write_sheet([row], folder / "qtls.csv", list(row))


def write_reporter_assay(study: Study, grammar: Grammar, folder: Path) -> None:
    """Every single-base change of elements of the test chromosome that are the first cell type's own, and the sheet.

    The value is the true effect with noise, in units of a saturated element; as of saturation mutagenesis.
    """
    import pandas as pd

    name, last = study.design.cell_type_names[0], study.parts[-1]
    rng = study.design.generator("reporter assay")
    elements = last.chromosome.elements
    chosen = elements[elements["cluster"] == name].head(ASSAYED)
    position = np.concatenate(
        [np.arange(start, end) for start, end in zip(chosen["start"], chosen["end"], strict=True)]
    )
    codes = last.chromosome.codes
    position, change = np.repeat(position, 3), np.tile([1, 2, 3], len(position))
    alt = ((codes[position] + change) % 4).astype(np.uint8)
    effects = grammar.effects(codes, grammar.occupancy(codes), position, alt)
    value = effects.difference[:, 0] / (BASE * AMPLITUDE) + ASSAY_ERROR * rng.standard_normal(len(position))
    place = np.repeat(np.arange(len(chosen)), 3 * ELEMENT_WIDTH)
    table = pd.DataFrame({"chrom": study.design.chroms[-1], "pos": position + 1})
    table = table.assign(ref=list(decode(codes[position])), alt=list(decode(alt)), value=value.round(4))
    write_table(table.assign(element=[f"element{i + 1}" for i in place]), folder / "mpra" / f"{name}.tsv")
    row = {"set": f"saturation_{name}", "variants": f"mpra/{name}.tsv", "cell_type": name}
    write_sheet([row], folder / "mpra.csv", list(row))


def write_allelic_reads(study: Study, name: str, counts: pd.DataFrame, folder: Path) -> SheetRow:
    """Alignments with these reads of each allele, and the heterozygous genotypes; the row of the sheet that names them.

    A read has one base of good quality, at its site, so that it counts there alone.

    Args:
        study: the study.
        name: the cell type.
        counts: chrom, pos, ref, alt, ref_count, alt_count, by place.
        folder: of the study.
    """
    import pysam

    bam, vcf = (f"allelic_counts/{name}.{ending}" for ending in ("bam", "vcf.gz"))
    contigs = "".join(f"##contig=<ID={chrom},length={size}>\n" for chrom, size in study.sizes.items())
    with atomic(folder / vcf) as temporary:
        text = temporary.with_suffix("")
        with write_text(text) as out:
            out.write(f'##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n{contigs}')
            out.write(f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{FIRST_DONOR}\n")
            rows = counts[VARIANT_KEY].itertuples(index=False, name=None)
            out.writelines(f"{c}\t{p}\t.\t{r}\t{a}\t.\tPASS\t.\tGT\t0/1\n" for c, p, r, a in rows)
        pysam.tabix_compress(str(text), str(temporary), force=True)
    with atomic(folder / bam) as temporary:
        text = temporary.with_suffix(".sam")
        with write_text(text) as out:
            out.write(
                "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{c}\tLN:{n}\n" for c, n in study.sizes.items())
            )
            out.writelines(_allele_lines(counts))
        # No @PG line: it would hold the temporary file's name, and equal studies would differ.
        pysam.samtools.view("--no-PG", "-b", "-o", str(temporary), str(text), catch_stdout=False)
    return {"cell_type": name, "track": name, "bam": bam, "vcf": vcf}


def _allele_lines(counts: pd.DataFrame) -> Iterator[str]:
    """A SAM line a read, in the order of the genome; the site is the middle of the read."""
    half = signal.READ // 2
    quality = "!" * half + "I" + "!" * (signal.READ - half - 1)
    number = 0
    for row in counts.itertuples(index=False):
        for base, times in ((row.ref, row.ref_count), (row.alt, row.alt_count)):
            sequence = "N" * half + base + "N" * (signal.READ - half - 1)
            for _ in range(times):
                number += 1
                place = f"{row.chrom}\t{row.pos - half}\t60\t{signal.READ}M"
                yield f"r{number}\t0\t{place}\t*\t0\t0\t{sequence}\t{quality}\n"


def _peak_probability(expected: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability (cells,) that the window around a cell is called, as a share of its cells: they sum to it."""
    from scipy.ndimage import uniform_filter1d

    around = uniform_filter1d(expected, WINDOW_CELLS, mode="constant") * WINDOW_CELLS
    called = CERTAIN * calling_probability(around, CALLED * BASE, signal.DISPERSION)
    # The mean of neighbours keeps the sum of a window within [0, 1].
    return uniform_filter1d(called, WINDOW_CELLS) / WINDOW_CELLS


def _of_donor(expected: NDArray[np.float64], donor: str, rng: np.random.Generator) -> NDArray[np.float64]:
    """The expectation (cells,) in a donor: the first donor's, or with a factor for each stretch of TARGET_WIDTH."""
    if donor == FIRST_DONOR:
        return expected
    per_block = TARGET_WIDTH // CELL
    factors = rng.gamma(1 / DONOR_DISPERSION, DONOR_DISPERSION, -(-len(expected) // per_block))
    return expected * np.repeat(factors, per_block)[: len(expected)]
