#!/usr/bin/env python3
"""Datasets in Basenji's layout: windows, targets, sequences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import left_out, log

if TYPE_CHECKING:
    from accessiflow.dataset.windows import Geometry

app = cli.make_app(__doc__ or "")

# Options that `build` and `subset` share, and those of `build` that need more than a line. Short options, and the
# underscore in --stride_test, are those of basenji_data.py, so that its command lines work here.
Peaks = Annotated[Path | None, typer.Option(help="peaks.h5ad, for the training sets.")]
TrainingSet = Annotated[str, typer.Option(help="all, peaks, non_ubiquitous, balanced, gc_matched.")]
NonpeakRatio = Annotated[float, typer.Option(min=0, help="balanced: non-peak windows per peak window.")]
Records = Annotated[int, typer.Option("-r", min=1, help="Windows in one TFRecord file.")]
Threads = Annotated[int, typer.Option("-p", "--threads", min=1, help="CPU threads.")]
TargetsFile = Annotated[
    Path, typer.Argument(help="Targets table: file, sum_stat, clip, clip_soft, scale, identifier, description.")
]
Stride = Annotated[float, typer.Option("--stride", min=0, help="Distance of windows in bp; at most 1: in windows.")]
StrideTest = Annotated[
    float | None, typer.Option("--stride_test", min=0, help="The same for validation and test; default: --stride.")
]
Restart = Annotated[
    bool, typer.Option(help="Take the windows of OUT/sequences.bed, and targets that OUT/seqs_cov has.")
]
FloatType = Annotated[str, typer.Option(help="Targets in the TFRecords: float32, or float16 (65504 at most).")]


def _geometry(seq_length: int, crop: int, target_width: int, *strides: float) -> Geometry:
    """The windows' geometry; a stride of at most 1 is in windows, as in Basenji."""
    from accessiflow.dataset.windows import Geometry

    in_bp = [round(stride * seq_length if stride <= 1 else stride) for stride in strides]
    return Geometry(seq_length, crop, target_width, *in_bp)


@app.command()
def build(
    fasta: Annotated[Path, typer.Argument(help="Genome FASTA.")],
    targets: TargetsFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="Dataset folder.")],
    blacklist: Annotated[Path | None, typer.Option("-b", help="BED whose bases get the window's base level.")] = None,
    gaps: Annotated[Path | None, typer.Option("-g", help="BED of assembly gaps.")] = None,
    seq_length: Annotated[int, typer.Option("-l", min=1, help="Window in bp.")] = 1344,
    target_width: Annotated[int, typer.Option("-w", min=1, help="Bases summed into one target value.")] = 192,
    valid: Annotated[str, typer.Option("-v", help="Validation chromosomes, comma-separated.")] = "chr7,chr14,chr15",
    test: Annotated[str, typer.Option("-t", help="Test chromosomes, comma-separated.")] = "chr4,chr5",
    stride: Stride = 192,
    stride_test: StrideTest = None,
    crop: Annotated[int, typer.Option(min=0, help="Bases cut from each side of the target.")] = 576,
    limit: Annotated[Path | None, typer.Option(help="BED: windows inside its intervals only.")] = None,
    records: Records = 4096,
    restart: Restart = False,
    peaks: Peaks = None,
    training_set: TrainingSet = "all",
    nonpeak_ratio: NonpeakRatio = 1.0,
    exclude: Annotated[list[Path] | None, typer.Option(help="BED that no target may touch (repeatable).")] = None,
    seed: cli.Seed = 44,
    compat: Annotated[str, typer.Option(help="basenji: keep the original's faults, for parity.")] = "",
    keep_coverage: Annotated[bool, typer.Option(help="Write seqs_cov/I.h5 too.")] = False,
    float_type: FloatType = "float32",
    threads: Threads = 1,
) -> None:
    """Windows, targets and sequences as TFRecords."""
    from accessiflow.dataset import training_sets
    from accessiflow.dataset.build import DatasetRequest
    from accessiflow.dataset.build import build as build_dataset
    from accessiflow.intervals import split_list

    cli.one_of(training_set, training_sets.TRAINING_SETS, "--training-set")
    cli.one_of(compat, ("", "basenji"), "--compat")
    cli.one_of(float_type, ("float32", "float16"), "--float-type")
    request = DatasetRequest(
        geometry=_geometry(seq_length, crop, target_width, stride, stride if stride_test is None else stride_test),
        valid_chroms=split_list(valid),
        test_chroms=split_list(test),
        blacklist=blacklist,
        gaps=gaps,
        limit=limit,
        exclude=exclude or [],
        peaks=peaks,
        training_set=training_set,
        nonpeak_ratio=nonpeak_ratio,
        records_per_file=records,
        seed=seed,
        compat=compat == "basenji",
        restart=restart,
        keep_coverage=keep_coverage,
        half=float_type == "float16",
        threads=threads,
    )
    statistics = build_dataset(fasta, targets, out, request)
    log.info(
        "%(train_seqs)d training, %(valid_seqs)d validation, %(test_seqs)d test windows, %(num_targets)d tracks",
        statistics,
    )


@app.command()
def subset(
    data_dir: Annotated[Path, typer.Argument(help="Dataset folder of all windows.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Dataset folder.")],
    peaks: Peaks = None,
    training_set: TrainingSet = "all",
    nonpeak_ratio: NonpeakRatio = 1.0,
    valid: Annotated[str, typer.Option("-v", help="Other validation chromosomes, comma-separated.")] = "",
    test: Annotated[str, typer.Option("-t", help="Other test chromosomes, comma-separated.")] = "",
    tracks: Annotated[str, typer.Option(help="Keep these tracks only, comma-separated.")] = "",
    records: Records = 4096,
    seed: cli.Seed = 44,
    threads: Threads = 1,
) -> None:
    """A training set, other folds or fewer tracks, from a dataset of all windows.

    The result is as `build` makes it, without reading genome and signals again.
    """
    from accessiflow.dataset import subset as subsets
    from accessiflow.dataset import training_sets
    from accessiflow.dataset.build import DatasetRequest
    from accessiflow.dataset.windows import Geometry
    from accessiflow.intervals import split_list

    cli.one_of(training_set, training_sets.TRAINING_SETS, "--training-set")
    request = DatasetRequest(
        geometry=Geometry(),
        valid_chroms=split_list(valid),
        test_chroms=split_list(test),
        peaks=peaks,
        training_set=training_set,
        nonpeak_ratio=nonpeak_ratio,
        records_per_file=records,
        seed=seed,
        threads=threads,
    )
    statistics = subsets.subset(data_dir, out, request, split_list(tracks))
    log.info(
        "%(train_seqs)d training, %(valid_seqs)d validation, %(test_seqs)d test windows, %(num_targets)d tracks",
        statistics,
    )


@app.command()
def folds(
    fasta: Annotated[Path, typer.Argument(help="Genome FASTA, or its .fai (or chrom.sizes).")],
    number: Annotated[int, typer.Option(help="Folds, at least 3.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Table: fold, valid_chroms, test_chroms.")],
    seq_length: Annotated[
        int, typer.Option("-l", min=1, help="Chromosomes shorter than a window are left out.")
    ] = 1344,
) -> None:
    """Chromosomes for k-fold rotation, in parts of near-equal length."""
    import pandas as pd

    from accessiflow.dataset.folds import contig_sizes, rotation
    from accessiflow.files import write_table

    every = contig_sizes(fasta)
    sizes = {name: size for name, size in every.items() if size >= seq_length}
    short = len(every) - len(sizes)
    left_out("chromosomes", short, len(every), f"shorter than a window of {seq_length} bp: in no fold")
    write_table(pd.DataFrame(rotation(sizes, number), columns=["fold", "valid_chroms", "test_chroms"]), output)


@app.command()
def targets(
    tracks: Annotated[Path, typer.Option(help="Tracks sheet.")],
    output: Annotated[Path, typer.Option(help="targets.txt")],
    signal: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: the bigWig of a track (repeatable); default: the sheet's signal."),
    ] = None,
) -> None:
    """The tracks sheet -> Basenji's targets table."""
    from accessiflow import sheets
    from accessiflow.dataset.targets import targets_table
    from accessiflow.files import write_table

    rows = sheets.read_tracks(tracks)
    # A file name may hold a "=", a track's name does not.
    given = dict(item.partition("=")[::2] for item in signal or [])
    unknown = set(given) - set(rows["track"])
    if unknown:
        raise InputError(f"--signal {min(unknown)}: no such track in the sheet {tracks}")
    write_table(targets_table(rows, given), output)


if __name__ == "__main__":
    cli.run(app)
