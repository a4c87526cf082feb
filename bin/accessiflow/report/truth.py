"""Every result beside the planted truth of a simulated study."""

from __future__ import annotations

from accessiflow.report.figures import table_uri
from accessiflow.report.section import Section, Table, known, number
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
    reached = with_target = 0
    for r in table.itertuples():
        mark = ""
        # A chance level is neither reached nor missed.
        if known(r.target) and known(r.value) and r.figure not in CHANCE:
            good = bool(r.value <= r.target if r.figure in LOW_IS_GOOD else r.value >= r.target)
            with_target, reached = with_target + 1, reached + good
            mark = MARKS[good]
        rows.append(
            [
                str(r.figure).replace("_", " "),
                str(r.unit),
                number(r.value, 3),
                number(r.ceiling, 3),
                number(r.target) if known(r.target) else "",
                mark,
                str(r.n) if known(r.n) else "",
                str(r.note) if known(r.note) else "",
            ]
        )
    header = ["figure", "of", "value", "ceiling", "target", "", "n", "note"]
    answer = ""
    if with_target:
        answer = f"Against the planted truth: {reached} of {with_target} figures with a target reach it."
    lead = (
        "This study is simulated: the ceiling is what the noise of the measurement allows, "
        "the target what a working pipeline reaches."
    )
    return Section(
        "truth",
        "Against the truth",
        lead,
        answer,
        [],
        [
            Table(
                "truth-table",
                "Results beside the planted truth",
                header,
                rows,
                table_uri(table),
                True,
                ["truth/summary.tsv"],
            )
        ],
    )
