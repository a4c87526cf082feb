"""What the tasks left out of their inputs, and the parts of the page that were not made, with what would make them."""

from __future__ import annotations

from typing import Any, NamedTuple

from accessiflow.log import WARN_SHARE
from accessiflow.report.run_info import PREFLIGHT
from accessiflow.report.section import Table
from accessiflow.results import Results

LOSS_COLUMNS = ("stage", "what", "left out", "of", "share", "reason", "asked for", "where")
_RECORDS = "pipeline_info/stages/*.run.json"


class ReportPart(NamedTuple):
    """A part of the page.

    Attributes:
        name: in words.
        files: pattern of the results that it is made of.
        needs: parameters without which it is not made.
        stages: any of which makes it.
    """

    name: str
    files: str
    needs: tuple[str, ...]
    stages: tuple[str, ...]


PARTS = (
    ReportPart("peaks and their specificity", "peaks/peaks_per_track.tsv", ("tracks", "fasta"), ("peaks",)),
    ReportPart("accuracy on reference sequence", "evaluation/*.specificity.tsv", ("tracks", "fasta"), ("evaluate",)),
    ReportPart("accuracy by distance to the TSS", "evaluation/*.tss_distance.tsv", ("genes",), ("evaluate",)),
    ReportPart("comparison of models", "evaluation/leaderboard.tsv", ("tracks", "fasta"), ("evaluate",)),
    ReportPart("motifs in peaks", "evaluation/sequence.motifs.tsv", ("motifs",), ("evaluate",)),
    ReportPart("scores of variants", "variants/*.top.tsv", ("variants",), ("score",)),
    ReportPart("eQTLs", "eqtl/*.classification.tsv", ("eqtls",), ("eqtl",)),
    ReportPart("allelic imbalance", "allelic_imbalance/*.auroc.tsv", ("allelic_counts",), ("imbalance",)),
    ReportPart("heritability", "heritability/heritability.tsv", ("gwas", "ld_panel"), ("heritability",)),
    ReportPart("heritability: ldsc's test of all annotations", "heritability/cts.tsv", ("h2_cts",), ("heritability",)),
    ReportPart("comparison with the planted truth", "truth/summary.tsv", ("truth",), ("report",)),
)


class _Kind(NamedTuple):
    """What is one row: unit and reason of a process."""

    process: str
    what: str
    reason: str
    expected: bool


class _Count(NamedTuple):
    """n of `of` (None: not counted), of a task and source."""

    n: int
    of: int | None
    where: str

    @property
    def share(self) -> float:
        """0 where the whole is unknown."""
        return self.n / self.of if self.of else 0.0


def tables(results: Results) -> tuple[Table, Table]:
    """What was left out, a row a process, unit and reason: above the share that a run warns of, and the rest.

    The share is the parameter warn_share; of several tasks the one that lost the largest share decides. What an
    option or the method asks for is among the rest.
    """
    given = results.json("pipeline_info/params.json").get("warn_share")
    limit = WARN_SHARE if given is None else float(given)
    rows: tuple[list[tuple[float, list[str]]], list[tuple[float, list[str]]]] = [], []
    for kind, counts in _counted(results).items():
        worst = max(counts, key=lambda count: count.share)
        rows[kind.expected or worst.share <= limit].append((-worst.share, _row(kind, counts, worst)))
    much, rest = ([row for _, row in sorted(part, key=lambda pair: pair[0])] for part in rows)
    return (
        Table("left-out", f"Left out: more than {100 * limit:g} % of what a task read", LOSS_COLUMNS, much),
        Table("left-out-rest", "Left out: less, or what an option or the method asks for", LOSS_COLUMNS, rest),
    )


def _counted(results: Results) -> dict[_Kind, list[_Count]]:
    found: dict[_Kind, list[_Count]] = {}
    for name, record in results.jsons(_RECORDS).items():
        process, _, task = name.removesuffix(".run.json").partition(".")
        # the preflight reads with the stages' readers, which count the same again
        for entry in record.get("left_out", []) if process != PREFLIGHT else ():
            kind = _Kind(process, entry["what"], entry["reason"], bool(entry.get("expected")))
            where = ", ".join(filter(None, dict.fromkeys((task, entry.get("source", "")))))
            found.setdefault(kind, []).append(_Count(entry["n"], entry.get("of"), where))
    return found


def _row(kind: _Kind, counts: list[_Count], worst: _Count) -> list[str]:
    """Cells; of several tasks n and the whole are sums."""
    whole = [count.of for count in counts]
    n, of = sum(count.n for count in counts), None if None in whole else sum(filter(None, whole))
    where = (
        worst.where if len(counts) == 1 else f"{len(counts)} of them, the most ({_share(worst.share)}) {worst.where}"
    )
    share = _share(n / of) if of else ""
    asked = "yes" if kind.expected else ""
    return [kind.process, kind.what, f"{n:,}", "" if of is None else f"{of:,}", share, kind.reason, asked, where]


def _share(share: float) -> str:
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def absent(results: Results) -> list[str]:
    """A sentence for each part of the page that was not made: why, and the parameter that makes it."""
    parameters = results.json("pipeline_info/params.json")
    return [
        f"{part.name}: {_why(part, parameters)}"
        for part in PARTS
        if not any(path.stat().st_size for path in results.folder.glob(part.files))
    ]


def _why(part: ReportPart, parameters: dict[str, Any]) -> str:
    options = ", ".join(f"--{name}" for name in part.needs)
    # a simulated study brings the files that no parameter names
    simulated = bool(parameters.get("simulate"))
    given = {name: parameters.get(name) for name in part.needs}
    lacking = [name for name, value in given.items() if not value and not (simulated and value is None)]
    if lacking:
        return f"not given: {', '.join(f'--{name}' for name in lacking)}"
    stages = parameters.get("stages") or []
    if not set(part.stages) & set(stages):
        return f"the stage {' or '.join(part.stages)} was not run: name it in --stages (it needs {options})"
    return "its stage made no table: the records in pipeline_info/stages/ and the warnings above say why"
