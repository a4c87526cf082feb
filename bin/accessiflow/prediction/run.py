"""Predictions on reference sequence, file to file: regions of a BED file, a dataset's test fold, whole chromosomes.

Memory: bed holds the predictions; test holds 256 MB each of windows, targets and predictions, what is more waits in
files of TMPDIR; genome holds one block of 4,096 tiles and its predictions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.scratch import WaitingTable
from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import fold_blocks, stored_fold
from accessiflow.errors import InputError
from accessiflow.files import atomic, read_json, read_table
from accessiflow.genome import Fasta
from accessiflow.hdf5 import create_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import left_out, log, progress
from accessiflow.prediction import files as outputs
from accessiflow.prediction import windows
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.joining import write_predictions
from accessiflow.prediction.predictor import OutputShape, Predictor, predict
from accessiflow.prediction.tracks import described, read_tracks
from accessiflow.sheets import NAME
from accessiflow.signal.bigwig import BigWigWriter
from accessiflow.statistics import Accuracy

if TYPE_CHECKING:
    import pandas as pd

SITE_WIDTH = 192  # bp of the site that predict.h5 names around a region's middle, as in Basenji
WINDOWS_AT_ONCE = 4096  # of windows, a byte a base


def predict_bed(
    predictor: Predictor, bed: Path, fasta: Path, targets: Path, out: Path, ensemble: Ensemble, site: int = SITE_WIDTH
) -> int:
    """Predict at the middle of each region -> OUT/predict.h5; returns the number of regions.

    Args:
        predictor: A model.
        bed: The regions.
        fasta: The genome.
        targets: The targets table of the model's tracks.
        out: The folder that is written.
        ensemble: What is averaged over.
        site: Length in bp of the sites that predict.h5 names.

    Raises:
        InputError: There is no region, one is on no contig of the FASTA, or the targets do not fit the model.
    """
    tracks, regions = read_tracks(targets, predictor), read_bed(bed)
    if regions.empty:
        raise InputError("holds no region", bed)
    chroms, middles = regions["chrom"].to_numpy(), (regions["start"].to_numpy() + regions["end"].to_numpy()) // 2
    size = predictor.seq_length
    order = windows.in_order(chroms, middles)  # overlapping windows follow one another, for the native engine
    predictions = np.empty((len(regions), predictor.output_length, len(tracks)))
    with Fasta(fasta) as genome, create_hdf5(out / "predict.h5") as handle:
        genome.require(regions["chrom"], bed)
        blocks = range(0, len(regions), WINDOWS_AT_ONCE)
        for low in progress(blocks, len(blocks), "blocks of regions predicted"):
            part = order[low : low + WINDOWS_AT_ONCE]
            codes = windows.centred(genome, chroms[part], middles[part], size)
            predictions[part] = predict(predictor, codes, ensemble, middles[part] - size // 2).values
        handle.create_dataset("preds", data=predictions)
        outputs.write_sites(handle, list(chroms), middles - site // 2, middles + site // 2, tracks)
    return len(regions)


def predict_test(
    predictor: Predictor, weights: Path, data_dir: Path, out: Path, ensemble: Ensemble, save: bool, fold: str = "test"
) -> Accuracy:
    """Predict a fold of a dataset -> OUT/acc.txt and, with `save`, preds.h5 and targets.h5.

    Args:
        predictor: A model.
        weights: Its weights file; a targets.txt beside it names the tracks that it was trained on.
        data_dir: The dataset folder.
        out: The folder that is written.
        ensemble: What is averaged over.
        save: Write the predictions, too.
        fold: The fold that is predicted.

    Raises:
        InputError: Windows or targets of the dataset have another shape than the model's.
    """
    shape, n = stored_fold(data_dir, fold)
    if shape.seq_length != predictor.seq_length:
        raise InputError(f"holds windows of {shape.seq_length} bp, the model reads {predictor.seq_length}", data_dir)
    tracks = described(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"]))
    columns = _columns(tracks["identifier"].tolist(), predictor, weights, data_dir)
    # a model of some of the dataset's tracks is compared with these alone
    tracks = tracks.iloc[columns]
    output = predictor.output_shape
    if output != (shape.target_length, len(columns)):
        raise InputError(
            f"holds targets of shape {(shape.target_length, len(columns))}, the model predicts {tuple(output)}",
            data_dir,
        )
    bed = _fold_sites(data_dir, fold, n) if save or (data_dir / "sequences.bed").exists() else None
    width = output.positions * output.tracks
    with (
        WaitingTable(n, shape.seq_length, np.uint8) as codes,
        WaitingTable(n, width, np.float32) as values,
        WaitingTable(n, width, np.float64) as predictions,
    ):
        _read_fold(data_dir, fold, columns, codes, values)
        _predict_fold(predictor, codes, ensemble, bed, n, predictions)
        blocks = _fold_blocks(predictions, values, n, output)
        if not save:
            accuracy = Accuracy(len(columns))
            for block in blocks:
                accuracy.update(block.targets, block.predictions)
            outputs.write_accuracy(out / "acc.txt", accuracy.pearson(), accuracy.r2(), tracks)
            return accuracy
        assert bed is not None
        return write_predictions(out, output.positions, blocks, _target_sites(bed, shape.seq_length, data_dir), tracks)


def _read_fold(data_dir: Path, fold: str, columns: list[int], codes: WaitingTable, values: WaitingTable) -> None:
    """Fill the tables of codes and of targets with a fold's windows, in its order."""
    low = 0
    for block in fold_blocks(data_dir, fold, columns=columns):
        numbers = np.arange(low, low + len(block.codes))
        codes.put(numbers, block.codes)
        values.put(numbers, block.targets.reshape(len(numbers), -1))
        low += len(numbers)


def _predict_fold(
    predictor: Predictor,
    codes: WaitingTable,
    ensemble: Ensemble,
    bed: pd.DataFrame | None,
    n: int,
    predictions: WaitingTable,
) -> None:
    """Fill the table of predictions.

    They are computed in the order of the genome where sequences.bed gives it: neighbours share their work.
    """
    order, starts = np.arange(n), None
    if bed is not None:
        starts = bed["start"].to_numpy() - (predictor.seq_length - (bed["end"] - bed["start"]).to_numpy()) // 2
        order = windows.in_order(list(bed["chrom"]), starts)
    for low in range(0, n, WINDOWS_AT_ONCE):
        at = order[low : low + WINDOWS_AT_ONCE]
        found = predict(predictor, codes.take(at), ensemble, None if starts is None else starts[at]).values
        predictions.put(at, found.reshape(len(at), -1))


def _fold_blocks(
    predictions: WaitingTable, values: WaitingTable, n: int, output: OutputShape
) -> Iterator[outputs.PredictedBlock]:
    """The tables' rows in order, as they are written."""
    for low in range(0, n, WINDOWS_AT_ONCE):
        at = np.arange(low, min(low + WINDOWS_AT_ONCE, n))
        yield outputs.PredictedBlock(*(table.take(at).reshape(-1, *output) for table in (predictions, values)))


def _target_sites(bed: pd.DataFrame, seq_length: int, data_dir: Path) -> pd.DataFrame:
    """chrom, start, end of the windows' targets."""
    # sequences.bed holds whole windows (the fork) or their uncropped part (Basenji HEAD)
    whole = ((bed["end"] - bed["start"]) == seq_length).all()
    crop = int(read_json(data_dir / "statistics.json")["crop_bp"]) if whole else 0
    return bed.assign(start=bed["start"] + crop, end=bed["end"] - crop)


def _fold_sites(data_dir: Path, fold: str, count: int) -> pd.DataFrame:
    bed = read_bed(data_dir / "sequences.bed")
    bed = bed[bed["name"] == fold]
    if len(bed) != count:
        raise InputError(f"lists {len(bed)} {fold} windows, the TFRecords hold {count}", data_dir / "sequences.bed")
    return bed


def _columns(known: list[str], predictor: Predictor, weights: Path, data_dir: Path) -> list[int]:
    """Columns of the dataset that the model predicts: by the targets.txt beside the weights, else all."""
    own = weights.parent / "targets.txt"
    names = read_table(own, ["identifier"], text=["identifier"])["identifier"].tolist() if own.exists() else known
    if len(names) != predictor.num_targets:
        raise InputError(
            f"lists {len(names)} tracks, the model predicts {predictor.num_targets}",
            own if own.exists() else data_dir / "targets.txt",
        )
    return track_columns(known, names, data_dir / "targets.txt")


def predict_genome(
    predictor: Predictor,
    fasta: Path,
    targets: Path,
    out: Path,
    ensemble: Ensemble,
    chromosomes: Sequence[str],
    width: int = SITE_WIDTH,
) -> list[Path]:
    """Predict tiles of `width` bp along chromosomes -> one bigWig a track, in the unit of the measured one.

    A base's value is its tile's prediction / scale, and / width for a track whose targets are sums; clips are not
    undone.

    Args:
        predictor: A model.
        fasta: The genome.
        targets: The targets table of the model's tracks, with their scale and summary.
        out: The folder that is written.
        ensemble: What is averaged over.
        chromosomes: Chromosomes to predict; all without any.
        width: Bases that one position of the model sums.

    Raises:
        InputError: A chromosome is not in the FASTA, or a track cannot name a file.
    """
    tracks = read_tracks(targets, predictor)
    # before anything is predicted: whole chromosomes take hours
    unsafe = [n for n in tracks["identifier"] if not NAME.fullmatch(n)]
    if unsafe:
        raise InputError(f"names the track {unsafe[0][:40]!r}, which cannot name a file", targets)
    per_base = _per_base(tracks, width)
    paths = [out / f"{name}.bw" for name in tracks["identifier"]]
    with Fasta(fasta) as genome, ExitStack() as stack:
        genome.require(chromosomes, "--chromosomes")
        # in the order of the FASTA, which a bigWig's header has too
        chosen = [c for c in genome.sizes if c in chromosomes or not chromosomes]
        passed = len(genome.sizes) - len(chosen)
        left_out("chromosomes", passed, len(genome.sizes), "not among --chromosomes", expected=True)
        tile = width * predictor.output_length
        ends, bases = sum(genome.sizes[c] % tile for c in chosen), sum(genome.sizes[c] for c in chosen)
        left_out("bases", ends, bases, f"at the ends of chromosomes, which fill no tile of {tile} bp")
        handles = [
            BigWigWriter(stack.enter_context(atomic(path)), {c: genome.sizes[c] for c in chosen}) for path in paths
        ]
        reach = (predictor.seq_length - tile) // 2  # bases that a window has to the left of its tile
        for block, codes in windows.tiles(genome, chosen, tile, predictor.seq_length, WINDOWS_AT_ONCE):
            log.info("predicting from %s:%d", block[0].chrom, block[0].starts[0])
            starts = np.concatenate([part.starts for part in block])
            predicted = predict(predictor, codes, ensemble, starts - reach).values * per_base
            low = 0
            for part in block:
                values = predicted[low : low + len(part.starts)].reshape(-1, len(paths))
                low += len(part.starts)
                for column, handle in enumerate(handles):
                    handle.add_steps(part.chrom, int(part.starts[0]), width, values[:, column])
        for handle in handles:
            handle.close()  # its index is written here, before the file gets its final name
    return paths


def _per_base(tracks: pd.DataFrame, width: int) -> NDArray[np.float64]:
    """What turns a prediction (T,) into measured coverage a base."""
    scale = tracks["scale"].fillna(1).to_numpy(np.float64) if "scale" in tracks else np.ones(len(tracks))
    sums = tracks["sum_stat"].eq("sum").to_numpy() if "sum_stat" in tracks else np.ones(len(tracks), bool)
    return 1 / (scale * np.where(sums, width, 1))
