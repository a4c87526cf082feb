"""The configurations of Kathail et al. 2024: a study's folder, and what is still to be fetched for it."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import yaml

from accessiflow import preflight
from accessiflow.preflight.findings import Findings

ROOT = Path(__file__).resolve().parents[2]
SHEETS = ROOT / "assets" / "papers" / "kathail2024"
PARAMS = {path.stem.removeprefix("kathail2024_"): path for path in ROOT.glob("conf/params/kathail2024_*.yml")}
SCHEMA = json.loads((ROOT / "nextflow_schema.json").read_text())
DEFAULTS = {
    name: spec["default"]
    for group in SCHEMA["$defs"].values()
    for name, spec in group["properties"].items()
    if "default" in spec
}
COLUMNS = b"chrom\tpos\tref\talt\tpip\tbeta\tgene\n"  # of tables whose header decides what runs


def parameters(name: str) -> dict[str, object]:
    """What a params file says, and the defaults of the rest."""
    return DEFAULTS | yaml.safe_load(PARAMS[name].read_text())


def study(folder: Path, rows: int | None = None) -> Path:
    """A copy of the sheets; with `rows`, sheets of alike rows keep that many, and of the models the first and last."""
    shutil.copytree(SHEETS, folder)
    for sheet in folder.glob("*.csv") if rows else ():
        header, *lines = [line for line in sheet.read_text().splitlines() if not line.startswith("#")]
        kept = dict.fromkeys([lines[0], lines[-1]]) if sheet.name.endswith("models.csv") else lines[:rows]
        sheet.write_text("\n".join([header, *kept]) + "\n")
    return folder


def checked(name: str, folder: Path, offline: bool = True) -> Findings:
    """What the checks before a run find in a study's folder."""
    params = parameters(name)
    limits, least = preflight.limits(params, None, 1000), preflight.least_snps(params, None)
    return preflight.check(params, folder, None, limits, least, offline)


def pretend(absent: list[str]) -> None:
    """Put something in the place of everything that is to be fetched."""
    for path in map(Path, absent):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            path.write_bytes(gzip.compress(COLUMNS) if path.suffix == ".gz" else COLUMNS)
        else:
            path.mkdir()
            (path / "preds.h5").write_bytes(COLUMNS)
