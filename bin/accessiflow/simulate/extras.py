"""What further analyses of a study read, beside the files that every study has, which none of them changes.

Experiments that repeat others (replicates, donors), and predictions of a model of peak probabilities.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accessiflow.simulate import signal
from accessiflow.simulate.design import TARGET_WIDTH
from accessiflow.simulate.grammar import BASE, CELL, WINDOW_CELLS
from accessiflow.simulate.simulated import Study
from accessiflow.simulate.truth import calling_probability

DONOR_DISPERSION = 0.1  # variance over squared mean of what a donor's element has of the first donor's
FIRST_DONOR, SECOND_DONOR = "D1", "D2"
CALLED = 4.0  # times BASE: the count from which on the model of probabilities takes a window for a peak
CERTAIN = 0.99  # its greatest probability
DIGITS = 8  # of a base's share of a probability
MODEL_COLUMNS = ("predictions", "output")
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
    return {"model": "probabilities", "predictions": "predictions", "output": "probability"}


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
