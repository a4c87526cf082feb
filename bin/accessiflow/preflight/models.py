"""The models sheet: every model can be made or exists, and starting weights come from another row of the sheet."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from accessiflow.files import read_json
from accessiflow.preflight.findings import Inputs
from accessiflow.scoring.lookup import SCORE_SUFFIXES

PRESETS = Path(__file__).resolve().parents[3] / "assets" / "presets"
TRAINED = ("params.json", "model_best.h5")  # what a folder of a trained model holds
SIGNAL_SUFFIXES = (".bw", ".bigwig")  # of predictions that come without preds.h5


def check_models(inputs: Inputs, rows: list[dict[str, str]], tracks: Collection[str] = ()) -> None:
    """Check every row of the models sheet; without one, the preset that a run with training then trains.

    Args:
        inputs: of the run.
        rows: of the sheet.
        tracks: of the models, where they are known.
    """
    if not inputs.params.get("models") and "train" in inputs.names("stages"):
        _check_preset(inputs, str(inputs.params.get("preset") or ""), "--preset")
    for row in rows:
        _check_source(inputs, row)
        if row["freeze"] == "yes" and not row["init_from"]:
            inputs.findings.problem(
                f"model {row['model']}: freeze keeps a trunk that it starts from: name one in init_from"
            )
        if row["output"] == "probability" and not any(row[column] for column in ("weights", "predictions", "scores")):
            inputs.findings.problem(
                f"model {row['model']}: is trained here, which gives coverage: output probability is for predictions, "
                "weights or scores made elsewhere"
            )
    _check_starts(inputs, {row["model"]: row["init_from"].partition(":")[0] for row in rows})
    _check_start_tracks(inputs, rows, tracks)
    inputs.findings.summary["models"] = {"rows": len(rows), "trained": sum(1 for row in rows if not row["weights"])}


def check_params(inputs: Inputs, name: str) -> None:
    """Check that a params file is JSON with the blocks that Basenji's have, for windows of the run's length."""
    path = inputs.file(name, "params file")
    if path is None:
        return
    with inputs.findings.collecting():
        params = read_json(path)
        if not isinstance(params, dict) or not isinstance(params.get("model"), dict):
            inputs.findings.problem(f"{name}: has no block 'model': expected a params file as Basenji's")
            return
        length, run_length = params["model"].get("seq_length"), inputs.number("seq_length")
        if run_length is not None and length is not None and length != run_length:
            inputs.findings.problem(
                f"{name}: its seq_length {length} is not the run's ({run_length:g}): use --seq_length {length}"
            )


def _check_source(inputs: Inputs, row: dict[str, str]) -> None:
    findings = inputs.findings
    owner = f"model {row['model']}"
    if not _has_source(row) and not inputs.params.get("preset"):
        findings.problem(f"{owner}: needs a preset, params, weights, predictions or scores")
    if row["preset"] and row["params"]:
        findings.problem(f"{owner}: has a preset and params: give one of them")
    _check_preset(inputs, row["preset"] or ("" if _has_source(row) else inputs.params.get("preset") or ""), owner)
    if row["params"]:
        check_params(inputs, row["params"])
    if _is_here(inputs, row["scores"]):
        _check_scores(inputs, row["model"], row["scores"])
    if _is_here(inputs, row["weights"]):
        _check_trained(inputs, row["model"], row["weights"])
    _check_import(inputs, row, owner)
    _check_adapter(inputs, row, owner)
    if _is_here(inputs, row["predictions"]):
        _check_predictions(inputs, row["model"], row["predictions"])


def _has_source(row: dict[str, str]) -> bool:
    return any(row[column] for column in ("preset", "params", "weights", "predictions", "scores"))


def _check_preset(inputs: Inputs, preset: str, owner: str) -> None:
    # None in a task where the library lies without the pipeline's assets: then no preset is refused.
    known = sorted(path.stem for path in PRESETS.glob("*.json"))
    if preset in known:
        check_params(inputs, str(PRESETS / f"{preset}.json"))
    elif preset and known:
        inputs.findings.problem(f"{owner}: no preset is called {preset!r} (presets: {', '.join(known)})")


def _is_here(inputs: Inputs, name: str) -> bool:
    return bool(name) and not inputs.is_remote(name) and not inputs.is_hidden(name)


def _check_trained(inputs: Inputs, model: str, name: str) -> None:
    folder = inputs.locate(name)
    if folder.is_file():
        return  # the weights themselves: their params.json lies next to them, but need not be staged with them
    if not folder.is_dir():
        inputs.findings.missing(
            name, f"{name}: no such folder: the model {model} expects {' and '.join(TRAINED)} in it"
        )
        return
    for member in TRAINED:
        if not (folder / member).is_file():
            inputs.findings.problem(f"{name}: holds no {member}, which the model {model} needs")


def _check_import(inputs: Inputs, row: dict[str, str], owner: str) -> None:
    """Check that what says how predictions are read stands beside predictions, and row labels can be read."""
    given = [column for column in ("format", "rows", "tracks_map", "missing") if row[column]]
    if given and not row["predictions"]:
        inputs.findings.problem(f"{owner}: {given[0]} says how predictions are read: name them in predictions")
    if row["rows"]:
        inputs.file(row["rows"], "file of row labels")


def _check_adapter(inputs: Inputs, row: dict[str, str], owner: str) -> None:
    """Check that an adapter runs a given model, and that its file lies in the model's folder."""
    file = row["adapter"].partition(":")[0]
    if row["adapter"] and not row["weights"]:
        inputs.findings.problem(f"{owner}: an adapter runs a model that was made elsewhere: name its folder in weights")
    elif file.endswith(".py") and _is_here(inputs, row["weights"]):
        folder = inputs.locate(row["weights"])
        if folder.is_dir() and not (folder / file).is_file():
            inputs.findings.problem(f"{row['weights']}: holds no {file}, the adapter of the {owner}")


def _check_scores(inputs: Inputs, model: str, name: str) -> None:
    path = inputs.locate(name)
    if not path.is_dir():
        inputs.file(name, "file of scores")
    elif not any(member.suffix in SCORE_SUFFIXES for member in path.iterdir()):
        inputs.findings.problem(
            f"{name}: holds no file of scores ({', '.join(SCORE_SUFFIXES)}), which the model {model} needs"
        )


def _check_predictions(inputs: Inputs, model: str, name: str) -> None:
    path = inputs.locate(name)
    if not path.exists():
        inputs.findings.missing(
            name, f"{name}: no such file or folder: the model {model} expects its predictions there"
        )
    elif (
        path.is_dir()
        and not (path / "preds.h5").is_file()
        and not any(p.suffix.lower() in SIGNAL_SUFFIXES for p in path.iterdir())
    ):
        inputs.findings.problem(f"{name}: holds neither preds.h5 nor bigWigs, the predictions of the model {model}")


def _check_starts(inputs: Inputs, starts: dict[str, str]) -> None:
    """Check that init_from names another row that starts from none itself, and that no rows start in a circle."""
    for model, start in starts.items():
        if start and start not in starts:
            inputs.findings.problem(f"model {model}: starts from {start!r} (init_from), which is no model of the sheet")
            continue
        if start and start != model and starts[start] and starts[start] != model:
            inputs.findings.problem(
                f"model {model}: starts from {start} (init_from), which starts from {starts[start]}: "
                f"start both from {starts[start]}"
            )
        # A circle is reported once, by its first model in the alphabet.
        path = [model]
        while starts.get(path[-1]) and starts[path[-1]] not in path:
            path.append(starts[path[-1]])
        if starts.get(path[-1]) == model and model == min(path):
            inputs.findings.problem(
                f"models {' -> '.join([*path, model])}: start from each other in a circle (init_from)"
            )


def _check_start_tracks(inputs: Inputs, rows: list[dict[str, str]], tracks: Collection[str]) -> None:
    """Check that one track's model is named where a row starts from a single-task row, and only there."""
    single = {row["model"] for row in rows if row["task"] == "single"}
    for row in rows:
        start, _, track = row["init_from"].partition(":")
        owner = f"model {row['model']}"
        if track and start not in single:
            inputs.findings.problem(
                f"{owner}: starts from {start}:{track}, but {start} is no row of single-task models"
            )
        elif track and tracks and track not in tracks:
            inputs.findings.problem(f"{owner}: starts from {start}:{track}, but the tracks sheet has no track {track}")
        elif start in single and not track and row["model"] not in single:
            inputs.findings.problem(
                f"{owner}: is one model of all tracks and starts from the single-task models {start}: say which "
                f"track's, {start}:TRACK"
            )
