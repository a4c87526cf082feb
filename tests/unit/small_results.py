"""The folder that docs/library.md and examples/notebook.ipynb expect: results/, genome.fa, variants.vcf."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from metric_runs import run_metric
from scipy.sparse import csc_matrix
from small_model import write_model

from accessiflow.files import write_table
from accessiflow.genome import Fasta
from accessiflow.prediction.files import write_test
from accessiflow.prediction.loading import load_predictor
from accessiflow.prediction.predictor import predict
from accessiflow.prediction.tracks import read_tracks
from accessiflow.prediction.windows import centred

WIDTH, FIRST, LAST = 8, 40, 460  # windows of the evaluation on chr1
EDGES = (1, 3)
CELL_TYPES = ("a", "b", "c")


def write_results(folder: Path, script: Callable[..., object]) -> Path:
    """Write what a run of a random network leaves: model, predictions and measurements, peaks, scores, comparison."""
    results = folder / "results"
    model = results / "models" / "demo"
    model.mkdir(parents=True)
    write_model(model)
    (model / "genome.fa").rename(folder / "genome.fa")
    write_variants(folder / "variants.vcf", folder / "genome.fa")
    files = [model / name for name in ("params.json", "model_best.h5", "targets.txt")]
    scores = results / "variants" / "demo" / "study"
    script(
        *("sad", "score", files[0], files[1], folder / "variants.vcf", "-f", folder / "genome.fa"),
        *("-t", files[2], "-o", scores, "--rc", "--stats", "SAD,REF,ALT"),
    )
    script("sad", "top", scores / "sad.h5", "-o", results / "variants" / "demo.top.tsv")
    write_evaluation(results, folder / "genome.fa", files)
    info = results / "pipeline_info"
    info.mkdir()
    (info / "params.json").write_text(json.dumps({"rc": True, "shifts": "0"}))
    genome = pd.DataFrame({"file": [str(folder / "genome.fa")], "bytes": [1], "sha256": ["0"]})
    write_table(genome, info / "checksums.tsv")
    return folder


def write_variants(path: Path, fasta: Path) -> None:
    """A change of every 20th base, a deletion, and one whose REF is not the genome's."""
    with Fasta(fasta) as genome:
        sequence = ["ACGT"[code] for code in genome.codes("chr1", 0, 500)]
    rows = [(pos, sequence[pos - 1], "ACGT"["TGCA".index(sequence[pos - 1])]) for pos in range(60, 440, 20)]
    rows += [(450, "".join(sequence[449:452]), sequence[449])]
    wrong = [base for base in "ACGT" if base != sequence[459]]
    rows += [(460, wrong[0], wrong[1])]
    lines = [f"chr1\t{pos}\trs{pos}\t{ref}\t{alt}\t.\t.\t.\n" for pos, ref, alt in rows]
    path.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "".join(lines))


def write_evaluation(results: Path, fasta: Path, files: list[Path]) -> None:
    """preds.h5, targets.h5 (the predictions with noise), peaks.h5ad, and what evaluate.py compare makes of them."""
    rng, starts = np.random.default_rng(8), np.arange(FIRST, LAST, WIDTH)
    predictor = load_predictor(files[0], files[1])
    tracks = read_tracks(files[2], predictor)
    chroms = ["chr1"] * len(starts)
    with Fasta(fasta) as genome:
        codes = centred(genome, chroms, starts + WIDTH // 2, predictor.seq_length)
    predicted = predict(predictor, codes).values.mean(axis=1, keepdims=True)
    measured = (predicted * rng.gamma(8.0, 0.125, predicted.shape)).astype(np.float32)
    folder = results / "predictions" / "demo"
    write_test(folder, predicted, measured, chroms, starts, starts + WIDTH, tracks)
    write_peaks(results / "peaks" / "peaks.h5ad", starts, list(tracks["identifier"]))
    run_metric(
        "compare",
        predictions=[f"demo={folder / 'preds.h5'}"],
        targets=folder / "targets.h5",
        peaks=results / "peaks" / "peaks.h5ad",
        output=results / "evaluation" / "comparison.tsv",
        tests=results / "evaluation" / "comparison_tests.tsv",
        leaderboard=results / "evaluation" / "leaderboard.tsv",
    )


def write_peaks(path: Path, starts: np.ndarray, tracks: list[str]) -> None:
    """Every window a peak bin: in turn one of each cell type's own, and one of all."""
    turn = np.arange(len(starts)) % (len(tracks) + 1)
    is_peak = (turn[:, None] == np.arange(len(tracks))) | (turn == len(tracks))[:, None]
    shared = is_peak.sum(axis=1)
    obs = pd.DataFrame(
        {
            "chrom": "chr1",
            "start": starts,
            "end": starts + WIDTH,
            "n_tracks": shared,
            "specificity_bin": np.where(shared >= EDGES[1], "[3,inf)", "[1,3)"),
            "cluster": np.array([*CELL_TYPES, "ubiquitous"])[turn],
            "gc": 0.5,
        },
        index=[str(i) for i in range(len(starts))],
    )
    var = pd.DataFrame({"cell_type": CELL_TYPES, "group": ""}, index=tracks)
    flags = {"is_peak": csc_matrix(is_peak)}
    path.parent.mkdir(parents=True)
    anndata.AnnData(is_peak.astype(np.float32), obs, var, layers=flags, uns={"edges": np.array(EDGES)}).write_h5ad(path)
