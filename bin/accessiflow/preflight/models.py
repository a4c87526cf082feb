"""The models sheet: every model can be made or is there, and its starting weights come from a row that comes before it."""

from __future__ import annotations

from pathlib import Path

from accessiflow.files import read_json
from accessiflow.preflight.findings import Inputs

PRESETS = Path(__file__).resolve().parents[3] / "assets" / "presets"
TRAINED = ("params.json", "model_best.h5")
SIGNAL_SUFFIXES = (".bw", ".bigwig")


def check_models(inputs: Inputs, rows: list[dict[str, str]]) -> None:
    """Check every row of the models sheet."""
    for row in rows:
        _check_source(inputs, row)
        if row["freeze"] == "yes" and not row["init_from"]:
            inputs.found.problem(
                f"model {row['model']}: freeze keeps a trunk that it starts from: name one in init_from"
            )
        if row["replicates"] and (not row["replicates"].isdigit() or int(row["replicates"]) < 1):
            inputs.found.problem(
                f"model {row['model']}: replicates must be a positive integer, found {row['replicates']}"
            )
    _check_starts(inputs, {row["model"]: row["init_from"] for row in rows})
    inputs.found.summary["models"] = {"rows": len(rows), "trained": sum(1 for row in rows if not row["weights"])}


def check_params(inputs: Inputs, name: str) -> None:
    """A model's params file is JSON with the blocks that Basenji's have, for windows of the run's length."""
    path = inputs.file(name, "params file")
    if path is None:
        return
    with inputs.found.collecting():
        params = read_json(path)
        if not isinstance(params, dict) or not isinstance(params.get("model"), dict):
            inputs.found.problem(f"{name}: has no block 'model': expected a params file as Basenji's")
            return
        length, wanted = params["model"].get("seq_length"), inputs.number("seq_length")
        if wanted is not None and length is not None and length != wanted:
            inputs.found.problem(f"{name}: its seq_length {length} is not the run's ({wanted:g}): make them equal")


def _check_source(inputs: Inputs, row: dict[str, str]) -> None:
    found = inputs.found
    if not any(
        row[column] for column in ("preset", "params", "weights", "predictions", "scores")
    ) and not inputs.params.get("preset"):
        found.problem(f"model {row['model']}: needs a preset, params, weights, predictions or scores")
    if row["preset"] and row["params"]:
        found.problem(f"model {row['model']}: has a preset and params: give one of them")
    known = sorted(path.stem for path in PRESETS.glob("*.json"))
    if row["preset"] in known:
        check_params(inputs, str(PRESETS / f"{row['preset']}.json"))
    elif row["preset"] and known:
        found.problem(f"model {row['model']}: no preset is called {row['preset']!r} (presets: {', '.join(known)})")
    if row["params"]:
        check_params(inputs, row["params"])
    if row["scores"]:
        inputs.file(row["scores"], "file of scores")
    if _is_here(inputs, row["weights"]):
        _check_trained(inputs, row["model"], row["weights"])
    if _is_here(inputs, row["predictions"]):
        _check_predictions(inputs, row["model"], row["predictions"])


def _is_here(inputs: Inputs, name: str) -> bool:
    return bool(name) and not inputs.is_remote(name) and not inputs.is_hidden(name)


def _check_trained(inputs: Inputs, model: str, name: str) -> None:
    folder = inputs.locate(name)
    if folder.is_file():
        return  # the weights themselves: their params.json lies beside them, which need not be so in the task
    if not folder.is_dir():
        inputs.found.problem(f"{name}: no such folder: the model {model} expects {' and '.join(TRAINED)} in it")
        return
    for member in TRAINED:
        if not (folder / member).is_file():
            inputs.found.problem(f"{name}: holds no {member}, which the model {model} needs")


def _check_predictions(inputs: Inputs, model: str, name: str) -> None:
    path = inputs.locate(name)
    if not path.exists():
        inputs.found.problem(f"{name}: no such file or folder: the model {model} expects its predictions there")
    elif (
        path.is_dir()
        and not (path / "preds.h5").is_file()
        and not any(p.suffix.lower() in SIGNAL_SUFFIXES for p in path.iterdir())
    ):
        inputs.found.problem(f"{name}: holds neither preds.h5 nor bigWigs, the predictions of the model {model}")


def _check_starts(inputs: Inputs, starts: dict[str, str]) -> None:
    """init_from names another row that starts from none itself, and nothing starts from itself in a circle."""
    for model, start in starts.items():
        if start and start not in starts:
            inputs.found.problem(f"model {model}: starts from {start!r} (init_from), which is no model of the sheet")
            continue
        if start and start != model and starts[start] and starts[start] != model:
            inputs.found.problem(
                f"model {model}: starts from {start} (init_from), which starts from {starts[start]}: start both from {starts[start]}"
            )
        path = [model]
        while starts.get(path[-1]) and starts[path[-1]] not in path:
            path.append(starts[path[-1]])
        if starts.get(path[-1]) == model and model == min(path):
            inputs.found.problem(f"models {' -> '.join([*path, model])}: start from each other in a circle (init_from)")
