"""Every result beside the planted truth of a simulated study."""

from __future__ import annotations

from accessiflow.report.figures import table_uri
from accessiflow.report.section import Section, Table, number
from accessiflow.results import Results

MARKS = {True: "reached", False: "missed"}
CHANCE = ("eqtl_auroc_shuffled",)  # should be about its target, neither above nor below
LOW_IS_GOOD = ("enrichment_rank",)


def section(results: Results) -> Section | None:
    """The section, or None without a truth."""
    table = results.table("truth/summary.tsv")
    if table is None:
        return None
    rows = []
    reached = asked = 0
    for r in table.itertuples():
        judged = r.target == r.target and r.value == r.value and r.figure not in CHANCE
        good = judged and (r.value <= r.target if r.figure in LOW_IS_GOOD else r.value >= r.target)
        asked, reached = asked + judged, reached + good
        mark = MARKS[bool(good)] if judged else ""
        note = "" if r.note != r.note else str(r.note)
        rows.append(
            [
                str(r.figure).replace("_", " "),
                str(r.unit),
                number(r.value, 3),
                number(r.ceiling, 3),
                number(r.target) if r.target == r.target else "",
                mark,
                str(r.n) if r.n == r.n else "",
                note,
            ]
        )
    header = ["figure", "of", "value", "ceiling", "target", "", "n", "note"]
    answer = f"Against the planted truth: {reached} of {asked} figures with a target reach it." if asked else ""
    lead = "This study is simulated: the ceiling is what the noise of the measurement allows, the target what a working pipeline reaches."
    return Section(
        "truth",
        "Against the truth",
        lead,
        answer,
        [],
        [Table("truth-table", "Results beside the planted truth", header, rows, table_uri(table), True)],
    )
