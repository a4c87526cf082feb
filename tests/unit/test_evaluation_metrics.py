"""The registry of metrics.

Every one that is promised, the paper's thresholds, and tables that hold what the registry says.
"""

from __future__ import annotations

import inspect
from dataclasses import fields
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import typer
from metric_runs import run_metric
from scipy.sparse import csc_matrix

import evaluate
from accessiflow.errors import InputError
from accessiflow.evaluation import options
from accessiflow.evaluation.loading import EvaluationInputs
from accessiflow.evaluation.metrics import COMMANDS, METRICS
from accessiflow.genome import decode

BY_NAME = {metric.name: metric for metric in METRICS}
PROMISED = (
    "specificity precision tss-distance binary replicate-ceiling clusters cell-types replicates height-matched errors"
    " sequence compare"
)
N, TRACKS = 60, ["a", "b", "c"]

PAPER = {  # Kathail et al. 2024 as its code has them
    "specificity": {"min_track_peaks": 1000, "min_bin_peaks": 50},
    "replicate-ceiling": {"min_track_peaks": 1000, "min_bin_peaks": 50, "fdr": 0.01},
    "tss-distance": {
        "min_track_peaks": 1000,
        "min_bin_peaks": 25,
        "min_all_peaks": 500,
        "distance_edges": "8851,34701",
    },
    "binary": {"min_track_peaks": 1000, "min_bin_peaks": 50, "min_negative_tracks": 10, "seed": 11},
    "errors": {"fdr": 0.05},
    "donors": {"drop_zeros": True},
}
OURS = {  # where the paper states none, or its code has a fault
    "specificity": {"all_bins": False},
    "replicate-ceiling": {"bh": "correct"},
    "errors": {"bh": "correct"},
    "clusters": {"min_track_peaks": 0, "min_bin_peaks": 1},
    "precision": {},
    "cell-types": {"pair_tracks": 32},
    "loci": {"number": 3, "shown": 24},
    "density": {"number": 3, "cells": 20},
    "replicates": {"specific": "", "ubiquitous": "", "ddof": 1},
    "height-matched": {"specific": "", "ubiquitous": "", "repeats": 100},
    "compare": {
        "reference": "",
        "baseline": "kmer_ridge",
        "min_track_peaks": 0,
        "min_bin_peaks": 1,
        "fdr": 0.05,
        "bh": "correct",
        "missing": "refuse",
    },
    "ranks": {"probabilities": "", "min_track_peaks": 0, "min_bin_peaks": 1, "missing": "refuse"},
    "sequence": {"p_value": 1e-4, "background": "uniform", "number": 50_000},
}


def test_every_promised_metric_is_a_command_and_reads_what_is_promised():
    assert set(PROMISED.split()) <= set(COMMANDS)
    assert [*BY_NAME, "all"] == list(COMMANDS)
    for name, needed in (
        ("tss-distance", "genes"),
        ("replicate-ceiling", "replicate"),
        ("clusters", "clusters"),
        ("sequence", "fasta bed motifs"),
    ):
        assert set(needed.split()) <= {option.name for option in BY_NAME[name].inputs}
    for command in COMMANDS.values():
        assert {"seed"} <= {option.name for option in command.options}


@pytest.mark.parametrize("name", BY_NAME)
def test_thresholds_default_to_the_papers(name):
    metric = BY_NAME[name]
    defaults = {option.name: option.default for option in metric.thresholds}
    if "seed" in PAPER.get(name, {}):
        defaults["seed"] = metric.seed.default
    assert defaults == PAPER.get(name, {}) | OURS.get(name, {})


@pytest.mark.parametrize("name", BY_NAME)
def test_a_function_takes_the_options_of_its_metric(name):
    metric = BY_NAME[name]
    expected = ["windows"] if metric.windows else []
    expected += [option.name for option in (*metric.further_inputs, *metric.thresholds)]
    expected += ["bootstrap"] if metric.bootstrap else ["seed"] if metric.seed is not options.UNUSED_SEED else []
    assert set(inspect.signature(metric.function()).parameters) == set(expected)
    if metric.windows:
        assert {option.name for option in metric.inputs} - {option.name for option in metric.further_inputs} <= {
            f.name for f in fields(EvaluationInputs)
        }


@pytest.mark.parametrize("name", COMMANDS)
def test_the_script_has_the_options_of_the_registry(name):
    given = {p.name: p for p in typer.main.get_command(evaluate.app).commands[name].params}
    assert list(given) == [option.name for option in COMMANDS[name].options]
    for option in COMMANDS[name].options:
        assert option.flag in given[option.name].opts
        assert given[option.name].required == option.required and given[option.name].help == option.help
        assert option.required or given[option.name].default in (option.default, [option.default])


def write_h5(path: Path, name: str, values: np.ndarray) -> Path:
    with h5py.File(path, "w") as out:
        out[name], out["target_ids"] = values[:, None, :], np.array(TRACKS, "S")
        start = np.arange(N) * 200
        out["chrom"], out["start"], out["end"] = np.full(N, b"chr4"), start, start + 192
    return path


def peaks_file(path: Path) -> Path:
    """Peak bins that are the windows themselves."""
    start = np.arange(N) * 200
    obs = pd.DataFrame(
        {
            "chrom": "chr4",
            "start": start,
            "end": start + 192,
            "n_tracks": 3,
            "specificity_bin": "[1,inf)",
            "cluster": "A",
        }
    )
    obs.index = obs.index.astype(str)
    var = pd.DataFrame({"cell_type": "A", "group": ""}, index=TRACKS)
    layers = {"is_peak": csc_matrix(np.ones((N, 3), bool))}
    anndata.AnnData(np.zeros((N, 3), np.float32), obs, var, layers=layers, uns={"edges": np.array([1])}).write_h5ad(
        path
    )
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Options by name for every metric, on 60 windows of 3 tracks."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(5)
    measured = rng.gamma(1.0, 8, (N, 3))
    peaks = measured > 6
    files = {"targets": write_h5(folder / "targets.h5", "targets", measured)}
    for name in ("predictions", "second", "replicate"):
        files[name] = write_h5(folder / f"{name}.h5", "preds", measured * rng.gamma(4.0, 0.25, (N, 3)))
    files["is_peak"] = write_h5(folder / "flags.h5", "is_peak", peaks.astype(np.int8))
    clusters = ["ubiquitous" if row.all() else "A" for row in peaks]
    files |= {name: folder / name for name in ("clusters", "tracks", "genes", "fasta", "motifs")}
    lines = (f"chr4\t{200 * i}\t{200 * i + 192}\t{name}\n" for i, name in enumerate(clusters))
    files["clusters"].write_text("".join(lines))
    files["tracks"].write_text(
        "track,cell_type,signal,donor\n" + "".join(f"{t},A,{t}.bw,d{i % 2}\n" for i, t in enumerate(TRACKS))
    )
    files["genes"].write_text("name\tchrom\ttx_start\tstrand\ng\tchr4\t500\t+\n")
    files["fasta"].write_text(f">chr4\n{decode(rng.integers(0, 4, 20_000).astype(np.uint8))}\n")
    files["motifs"].write_text(
        "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 CTCF\nletter-probability matrix: alength= 4 w= 6\n"
        + "0.94 0.02 0.02 0.02\n" * 6
    )
    return files | {"bed": files["clusters"], "edges": "1,3", "number": 50, "bootstrap": 10}


def given_for(name: str, study: dict, output: Path) -> dict:
    """What the study gives a metric, and a path for each of its tables."""
    metric = BY_NAME[name]
    wanted = {option.name for option in metric.options}
    values = {key: value for key, value in study.items() if key in wanted}
    values |= {table.option.name: output / f"{table.name}.tsv" for table in metric.tables if table.option}
    if name in ("compare", "ranks"):
        values["predictions"] = [f"x={study['predictions']}", str(study["second"])]
    if name == "replicates":
        values["predictions"] = [study["predictions"], study["second"]]
    if name == "loci":
        values["peaks"] = peaks_file(output / "peaks.h5ad")
    if name == "binary":
        values["targets"] = study["is_peak"]
    return values


@pytest.mark.parametrize("name", BY_NAME)
def test_each_command_writes_the_columns_that_it_declares(name, study, tmp_path):
    written = run_metric(name, **given_for(name, study, tmp_path))
    for table, path in zip(BY_NAME[name].tables, written, strict=True):
        found = pd.read_csv(path, sep="\t")
        assert list(found) == table.column_names
        assert len(found) > 0, table.name


def test_tables_are_written_where_they_were_asked_for(study, tmp_path):
    values = given_for("tss-distance", study, tmp_path)
    assert list(run_metric("tss-distance", **values | {"tests": None})) == [values["output"]]
    assert not values["tests"].exists()
    paths = run_metric("sequence", **given_for("sequence", study, tmp_path) | {"output": tmp_path / "s.tsv"})
    assert [path.name for path in paths] == ["s.tsv", "s.summary.tsv", "s.motifs.tsv"]
    paths = run_metric(
        "sequence", **given_for("sequence", study, tmp_path) | {"output": tmp_path / "s", "motifs": None}
    )
    assert [path.name for path in paths] == ["s", "s.summary.tsv"]


def test_the_script_writes_what_the_registry_computes(study, script, refused, tmp_path):
    values = given_for("errors", study, tmp_path)
    run_metric("errors", **values)
    given = [
        text for name, value in values.items() if name != "output" for text in (f"--{name.replace('_', '-')}", value)
    ]
    script("evaluate", "errors", *given, "--output", tmp_path / "again.tsv", "--seed", 7)
    assert (tmp_path / "again.tsv").read_bytes() == values["output"].read_bytes()
    assert "--bh other: expected one of correct, floor" in refused(
        "evaluate", "errors", *given, "--output", tmp_path / "x.tsv", "--bh", "other"
    )
    assert not (tmp_path / "x.tsv").exists()


@pytest.mark.parametrize(
    ("name", "said"), [("loci", "no locus can be shown"), ("tss-distance", "no distance can be measured")]
)
def test_windows_without_coordinates_are_refused_where_they_are_needed(study, tmp_path, name, said):
    for key in ("predictions", "targets", "is_peak"):
        with h5py.File(study[key]) as handle:
            data = handle[{"predictions": "preds"}.get(key, key)][:, 0]
        np.save(tmp_path / f"{key}.npy", data)
    flags = {"is_peak": tmp_path / "is_peak.npy"} if name == "tss-distance" else {}
    values = (
        given_for(name, study, tmp_path) | {key: tmp_path / f"{key}.npy" for key in ("predictions", "targets")} | flags
    )
    with pytest.raises(InputError, match=said):
        run_metric(name, **values)
    assert not values["output"].exists()


def test_all_leaves_nothing_where_a_file_is_refused(study, tmp_path):
    peaks = peaks_file(tmp_path / "peaks.h5ad")
    (tmp_path / "far.tsv").write_text("name\tchrom\ttx_start\tstrand\ng\tchrZ\t500\t+\n")
    values = {name: study[name] for name in ("predictions", "targets", "bootstrap")} | {
        "peaks": peaks,
        "prefix": str(tmp_path / "m"),
    }
    with pytest.raises(InputError, match="no gene"):
        run_metric("all", **values, genes=tmp_path / "far.tsv")
    assert not list(tmp_path.glob("m.*"))
    paths = run_metric("all", **values)
    assert {path.name for path in paths} == {
        f"m.{t.name}.tsv" for m in METRICS if m.in_all and m.name != "tss-distance" for t in m.tables
    }
