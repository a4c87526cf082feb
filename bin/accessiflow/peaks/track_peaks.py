"""Peaks of one track: from its file of coverage to its BED."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accessiflow.errors import InputError
from accessiflow.log import left_out, log
from accessiflow.peaks.calling import call_bins, run_maximum
from accessiflow.peaks.files import break_at_chromosomes, write_peaks
from accessiflow.signal.bins import read_coverage, read_layout


def call_track(coverage: Path, fdr: float, bh: str, output: Path) -> None:
    """Call the peaks of a coverage file at q < fdr and write them, adjacent bins joined.

    Args:
        bh: how the false discovery rate is controlled, correct or floor (`calling.call_bins`).

    Raises:
        InputError: the coverage is negative or infinite somewhere, or 0 everywhere.
    """
    track, layout = read_layout(coverage)
    bins = read_coverage(coverage, layout)
    if np.isinf(bins).any() or (bins < 0).any():
        raise InputError("holds negative or infinite coverage: bin the signal again", coverage)
    if not np.nansum(bins) > 0:
        raise InputError("has no coverage at all: no peak can be called", coverage)
    left_out("bins", int(np.isnan(bins).sum()), len(bins), "excluded from the coverage: not tested", expected=True)
    is_peak, mean = call_bins(bins, fdr, bh)
    first, last = break_at_chromosomes(is_peak, layout)
    write_peaks(output, track, layout, first, last, run_maximum(bins, first, last))
    tested, joined = np.isfinite(bins).sum(), len(first)
    log.info("%s: %d of %d bins are peaks (lambda %.4g), %d joined", track, is_peak.sum(), tested, mean, joined)
