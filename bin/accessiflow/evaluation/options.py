"""The options of the evaluation's commands as data, each once: a script makes options of them, the docs a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

REQUIRED: Final = object()  # the default of an option that must be given


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        name: name of the parameter; on the command line `--name` with hyphens.
        kind: type of its value; `list[...]` where it may be given several times, `... | None` where it may be absent.
        help: its help text.
        default: its value where it is not given; REQUIRED where it must be.
        least, most: bounds of a number.
        choices: the words that it may be.
        listed: its text is a comma-separated list.
    """

    name: str
    kind: Any
    help: str
    default: Any = REQUIRED
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    listed: bool = False

    @property
    def flag(self) -> str:
        """As it is written on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def by_default(self, default: Any) -> Option:
        """The same option with another default."""
        return replace(self, default=default)

    def saying(self, text: str) -> Option:
        """The same option with another help text."""
        return replace(self, help=text)


# inputs
PREDICTIONS = Option("predictions", Path, "preds.h5, predict.h5, .h5ad, .npy or .tsv: windows x tracks.")
TARGETS = Option("targets", Path, "The same of the measurement.")
PEAKS = Option("peaks", Path | None, "peaks.h5ad", None)
IS_PEAK = Option("is_peak", Path | None, "Peak flags of the windows, instead of --peaks.", None)
TRACKS = Option("tracks", Path | None, "Tracks sheet: names the columns of files without names.", None)
CLUSTERS = Option("clusters", Path | None, "BED of clusters (name in column 4), instead of those of peaks.h5ad.", None)
GENES = Option("genes", Path, "Genes: name, chrom, tx_start, strand, or BED6.")
REPLICATE = Option("replicate", Path, "A second experiment of the same tracks: windows x tracks.")
PAIRS = Option(
    "pairs",
    Path | None,
    "Tracks sheet whose columns replicate and donor say which tracks of --replicate repeat which.",
    None,
)

# thresholds and choices
# Read where it is used: without --peaks and --is-peak nobody asks for it.
EDGES = Option("edges", str, "Lower edges of the specificity bins, comma-separated; default: those of --peaks.", "")
MIN_TRACK = Option("min_track_peaks", int, "A track needs more test peaks than this.", 1000, least=0)
MIN_BIN = Option("min_bin_peaks", int, "A bin or cluster needs more windows than this.", 50, least=0)
MIN_NEGATIVE = Option("min_negative_tracks", int, "A negative is a peak of more tracks than this.", 10, least=0)
FDR = Option("fdr", float, "False discovery rate.", 0.05, least=0.0, most=1.0)
BH = Option(
    "bh", str, "Benjamini-Hochberg: correct, or floor (as the paper's code).", "correct", choices=("correct", "floor")
)
LACKING = Option(
    "missing",
    str,
    "A window that a model lacks: refuse, or exclude it for all.",
    "refuse",
    choices=("refuse", "exclude"),
)
SPECIFIC = Option(
    "specific",
    str,
    "Clusters to take as specific, comma-separated; default: those of the track's own cell type or group.",
    "",
    listed=True,
)
UBIQUITOUS = Option(
    "ubiquitous", str, "Clusters to take as ubiquitous, comma-separated; default: ubiquitous.", "", listed=True
)

# outputs
OUTPUT = Option("output", Path, "Table.")

# chance
RESAMPLES = Option("bootstrap", int, "Resamples of the windows for the 95 % intervals; 0: none.", 200, least=0)
SEED = Option("seed", int, "Seed of everything random.", 0, least=0)
# Every metric takes --seed, so that one call fits them all; where nothing is random this one stands.
UNUSED_SEED = SEED.saying("Accepted for every metric; without effect here: nothing is random.")
