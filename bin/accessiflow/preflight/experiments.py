"""The labels of repeated measurements in the tracks sheet: whose replicate or donor a row is, and what it is for."""

from __future__ import annotations

from accessiflow.preflight.findings import Inputs
from accessiflow.sheets import for_ceiling, replicate_pairs

Rows = list[dict[str, str]]


def modelled(rows: Rows) -> Rows:
    """The rows that are tracks of the models."""
    return [row for row in rows if not for_ceiling(row)]


def check_experiments(inputs: Inputs, rows: Rows) -> None:
    """Check that a row that is measured for a ceiling says whose, and that labels have another to be compared with."""
    findings = inputs.findings
    if rows and not modelled(rows):
        findings.problem("tracks: every row is used for a ceiling (column use): no track is left for the models")
        return
    known = {row["track"] for row in modelled(rows)}
    donors = {row["donor"] for row in rows} - {""}
    paired = {second for first, second in replicate_pairs(rows) if first in known}
    for row in rows:
        if not for_ceiling(row):
            continue
        if not row["replicate"] and not row["donor"]:
            findings.problem(
                f"track {row['track']}: is used for a ceiling (column use): say in the column replicate or donor "
                "what it repeats"
            )
        elif row["track"] not in paired and (not row["donor"] or len(donors) < 2):
            donor = f" and the donor {row['donor']}" if row["donor"] else ""
            findings.problem(
                f"track {row['track']}: is a replicate of no track: no track of the models has the cell type "
                f"{row['cell_type']}{donor} and another label in the column replicate"
            )
    if len(donors) == 1:
        findings.warning(f"tracks: all experiments are of the donor {min(donors)}: donors cannot be compared")
