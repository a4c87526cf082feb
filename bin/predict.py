#!/usr/bin/env python3
"""Predict with a trained model: regions of a BED file, a dataset's test fold, whole chromosomes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accessiflow import cli
from accessiflow.errors import InputError
from accessiflow.log import log

app = cli.make_app(__doc__ or "")


@app.command()
def bed(
    params: cli.ModelParams,
    model: cli.ModelWeights,
    bed_file: Annotated[Path, typer.Argument(help="Regions.")],
    fasta: cli.GenomeFasta,
    targets: cli.Targets,
    out: cli.OutFolder,
    rc: cli.Rc = False,
    shifts: cli.Shifts = "0",
    engine: cli.Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: cli.RequireGpu = False,
    backend: cli.Backend = "",
    adapter: cli.ModelAdapter = "",
) -> None:
    """Predictions at the middle of each region -> predict.h5."""
    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.loading import load_predictor
    from accessiflow.prediction.run import predict_bed

    ensemble = Ensemble.of(rc, shifts)
    predictor = load_predictor(params, model, adapter, engine, threads, require_gpu, backend)
    log.info("%d regions predicted", predict_bed(predictor, bed_file, fasta, targets, out, ensemble))


@app.command()
def test(
    params: cli.ModelParams,
    model: cli.ModelWeights,
    data_dir: Annotated[Path, typer.Argument(help="Dataset folder.")],
    out: cli.OutFolder,
    save: Annotated[bool, typer.Option("--save", help="Write preds.h5 and targets.h5.")] = False,
    rc: cli.Rc = False,
    shifts: cli.Shifts = "0",
    engine: cli.Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: cli.RequireGpu = False,
    backend: cli.Backend = "",
    adapter: cli.ModelAdapter = "",
) -> None:
    """Accuracy on the test fold -> acc.txt, preds.h5, targets.h5."""
    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.loading import load_predictor
    from accessiflow.prediction.run import predict_test
    from accessiflow.statistics import known_mean

    ensemble = Ensemble.of(rc, shifts)
    predictor = load_predictor(params, model, adapter, engine, threads, require_gpu, backend)
    # no --targets: the tracks are those of the dataset, or of the targets.txt beside the weights
    accuracy = predict_test(predictor, model, data_dir, out, ensemble, save)
    means = known_mean(accuracy.pearson()), known_mean(accuracy.r2())
    log.info("test Pearson R %.4f, R2 %.4f (mean over tracks)", *means)


@app.command()
def genome(
    params: cli.ModelParams,
    model: cli.ModelWeights,
    fasta: cli.GenomeFasta,
    targets: cli.Targets,
    out: cli.OutFolder,
    chromosomes: Annotated[str, typer.Option(help="Chromosomes, comma-separated; default: all.")] = "",
    rc: cli.Rc = False,
    shifts: cli.Shifts = "0",
    target_width: Annotated[int, typer.Option(min=1, help="Bases that one prediction sums.")] = 192,
    engine: cli.Engine = "auto",
    threads: cli.Threads = 2,
    require_gpu: cli.RequireGpu = False,
    backend: cli.Backend = "",
    adapter: cli.ModelAdapter = "",
) -> None:
    """Predictions along whole chromosomes -> one bigWig a track."""
    from accessiflow.intervals import split_list
    from accessiflow.prediction.ensemble import Ensemble
    from accessiflow.prediction.loading import load_predictor
    from accessiflow.prediction.run import predict_genome

    ensemble = Ensemble.of(rc, shifts)
    predictor = load_predictor(params, model, adapter, engine, threads, require_gpu, backend)
    predict_genome(predictor, fasta, targets, out, ensemble, split_list(chromosomes), target_width)


@app.command()
def experiments(
    tracks: Annotated[Path, typer.Option(help="Tracks sheet: rows with a replicate or donor are measured.")],
    windows: Annotated[Path, typer.Option(help="targets.h5: the windows, and what is measured of the model's tracks.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The measurements, in the layout of targets.h5.")],
    signal: Annotated[
        list[str] | None,
        typer.Option(help="NAME=FILE: the bigWig of a track (repeatable); default: the sheet's signal."),
    ] = None,
    seq_length: Annotated[int, typer.Option("-l", min=1, help="Window in bp.")] = 1344,
    target_width: Annotated[int, typer.Option("-w", min=1, help="Bases summed into one target value.")] = 192,
    blacklist: Annotated[Path | None, typer.Option("-b", help="BED whose bases get the window's base level.")] = None,
) -> None:
    """Measurements of replicates and donors at the test windows, for the ceilings of the evaluation."""
    from accessiflow.prediction.experiments import write_experiments

    # a file name may hold a "=", a track's name does not
    given = dict(item.partition("=")[::2] for item in signal or [])
    write_experiments(tracks, windows, given, output, seq_length, target_width, blacklist)


@app.command("import")
def import_(
    given: Annotated[
        list[Path],
        typer.Argument(
            help="Predictions made elsewhere (a file, bigWigs, or their folder), then the dataset folder or peaks.h5ad."
        ),
    ],
    out: cli.OutFolder,
    kind: Annotated[str, typer.Option("--format", help="auto, basenji, sei, bigwig, h5ad or tsv.")] = "auto",
    rows: Annotated[Path | None, typer.Option(help="Row labels of Sei's predictions; default: beside them.")] = None,
    tracks: Annotated[str, typer.Option(help="Names that differ: OURS=THEIRS, comma-separated.")] = "",
    missing: Annotated[str, typer.Option(help="Test windows that are not predicted: refuse, or exclude.")] = "refuse",
    test_chroms: Annotated[
        str, typer.Option("--test-chroms", help="Of peaks.h5ad: the bins of these chromosomes; default: all.")
    ] = "",
) -> None:
    """Predictions of any model at the test windows of a dataset, or at peak bins -> preds.h5, targets.h5, acc.txt."""
    from accessiflow.intervals import split_list
    from accessiflow.prediction.importing import FORMATS, import_predictions

    # one list with the dataset last, so that bigWigs can be named by a shell's pattern
    if len(given) < 2:
        raise InputError("give the predictions and, last, the dataset folder or peaks.h5ad")
    cli.one_of(kind, FORMATS, "--format")
    cli.one_of(missing, ("refuse", "exclude"), "--missing")
    pairs = [item.partition("=") for item in split_list(tracks)]
    if not all(ours and theirs for ours, _, theirs in pairs):
        raise InputError(f"--tracks {tracks}: expected OURS=THEIRS, comma-separated")
    names = {ours: theirs for ours, _, theirs in pairs}
    import_predictions(given[:-1], given[-1], out, kind, rows, names, missing == "exclude", split_list(test_chroms))


@app.command()
def merge(
    folders: Annotated[list[Path], typer.Argument(help="Folders with preds.h5 and targets.h5 of the same windows.")],
    out: cli.OutFolder,
    tracks: Annotated[Path | None, typer.Option(help="Targets table: the order of the tracks.")] = None,
) -> None:
    """Predictions of single-task models -> one preds.h5, targets.h5, acc.txt of all their tracks."""
    from accessiflow.files import read_table
    from accessiflow.prediction.joining import merge_predictions

    order = list(read_table(tracks, ["identifier"], text=["identifier"])["identifier"]) if tracks is not None else []
    merge_predictions(folders, out, order)


if __name__ == "__main__":
    cli.run(app)
