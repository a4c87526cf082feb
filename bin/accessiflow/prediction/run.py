"""Predictions on reference sequence, file to file: regions of a BED file, a dataset's test fold, whole chromosomes.

Memory: bed holds the predictions, test the windows too (a byte a base); genome holds one block of 4,096 tiles and one
chromosome's predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accessiflow.dataset.targets import track_columns
from accessiflow.dataset.tfrecords import load_fold
from accessiflow.errors import InputError
from accessiflow.files import atomic, read_json, read_table
from accessiflow.genome import Fasta
from accessiflow.hdf5 import create_hdf5
from accessiflow.intervals import read_bed
from accessiflow.log import left_out, log, progress
from accessiflow.prediction import files as outputs
from accessiflow.prediction import windows
from accessiflow.prediction.ensemble import Ensemble
from accessiflow.prediction.predictor import Predictor, predict
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
    codes, values = load_fold(data_dir, fold)
    if codes.shape[1] != predictor.seq_length:
        raise InputError(f"holds windows of {codes.shape[1]} bp, the model reads {predictor.seq_length}", data_dir)
    tracks = described(read_table(data_dir / "targets.txt", ["identifier"], text=["identifier"]))
    columns = _columns(tracks["identifier"].tolist(), predictor, weights, data_dir)
    # a model of some of the dataset's tracks is compared with these alone
    tracks, values = tracks.iloc[columns], values[:, :, columns]
    predictions = _predict_fold(predictor, codes, ensemble, data_dir, fold)
    if predictions.shape != values.shape:
        raise InputError(
            f"holds targets of shape {values.shape[1:]}, the model predicts {predictions.shape[1:]}", data_dir
        )
    bed = _fold_sites(data_dir, fold, len(codes)) if save else None
    accuracy = Accuracy(len(columns))
    accuracy.update(values, predictions)
    outputs.write_accuracy(out / "acc.txt", accuracy.pearson(), accuracy.r2(), tracks)
    if bed is not None:
        # sequences.bed holds whole windows (the fork) or their uncropped part (Basenji HEAD)
        whole = ((bed["end"] - bed["start"]) == codes.shape[1]).all()
        crop = int(read_json(data_dir / "statistics.json")["crop_bp"]) if whole else 0
        outputs.write_test(
            out,
            predictions,
            values,
            list(bed["chrom"]),
            bed["start"].to_numpy() + crop,
            bed["end"].to_numpy() - crop,
            tracks,
        )
    return accuracy


def _predict_fold(
    predictor: Predictor, codes: NDArray[np.uint8], ensemble: Ensemble, data_dir: Path, fold: str
) -> NDArray[np.float64]:
    """Predictions (n, B, T) of a fold's windows.

    They are computed in the order of the genome where sequences.bed gives it: neighbours share their work.
    """
    if not (data_dir / "sequences.bed").exists():
        return predict(predictor, codes, ensemble).values
    bed = _fold_sites(data_dir, fold, len(codes))
    starts = bed["start"].to_numpy() - (codes.shape[1] - (bed["end"] - bed["start"]).to_numpy()) // 2
    order = windows.in_order(list(bed["chrom"]), starts)
    predictions = np.empty((len(codes), *predictor.output_shape))
    predictions[order] = predict(predictor, codes[order], ensemble, starts[order]).values
    return predictions


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
        for chrom in chosen:
            log.info("predicting %s", chrom)
            reach = (predictor.seq_length - tile) // 2  # bases that a window has to the left of its tile
            for starts, codes in windows.tiles(genome, chrom, tile, predictor.seq_length, WINDOWS_AT_ONCE):
                predicted = predict(predictor, codes, ensemble, starts - reach).values
                values = predicted.reshape(-1, len(paths)) * per_base
                for column, handle in enumerate(handles):
                    handle.add_steps(chrom, int(starts[0]), width, values[:, column])
        for handle in handles:
            handle.close()  # its index is written here, before the file gets its final name
    return paths


def _per_base(tracks: pd.DataFrame, width: int) -> NDArray[np.float64]:
    """What turns a prediction (T,) into measured coverage a base."""
    scale = tracks["scale"].fillna(1).to_numpy(np.float64) if "scale" in tracks else np.ones(len(tracks))
    sums = tracks["sum_stat"].eq("sum").to_numpy() if "sum_stat" in tracks else np.ones(len(tracks), bool)
    return 1 / (scale * np.where(sums, width, 1))
