"""The head of the page: every warning, what was left out of how many and why, and what is not on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from accessiflow.errors import InputError
from accessiflow.report import losses
from accessiflow.report.page import WARNINGS_AT_ONCE, render
from accessiflow.results import Results

TIMES = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 1.0, "device": "cpu"}


def loss(n: int, of: int | None, what: str = "SNPs", reason: str = "no score", **more: object) -> dict[str, object]:
    return {"what": what, "n": n, "of": of, "reason": reason} | more


def write_records(folder: Path, **records: dict[str, object]) -> Results:
    """Run records of tasks; `__` stands for the dot in their names."""
    stages = folder / "pipeline_info/stages"
    stages.mkdir(parents=True, exist_ok=True)
    for name, record in records.items():
        (stages / f"{name.replace('__', '.')}.run.json").write_text(json.dumps(TIMES | record))
    return Results(folder)


def write_parameters(folder: Path, **parameters: object) -> None:
    (folder / "pipeline_info").mkdir(parents=True, exist_ok=True)
    (folder / "pipeline_info/params.json").write_text(json.dumps(parameters))


def test_kinds_of_losses_are_rows_those_of_the_largest_share_first(tmp_path: Path) -> None:
    results = write_records(
        tmp_path,
        PEAKS_BIN__T={
            "left_out": [loss(10, 100, "alignments", "unmapped", source="T.bam"), loss(1, 1000, "bases", "a")]
        },
        PEAKS_BIN__U={"left_out": [loss(30, 100, "alignments", "unmapped", source="U.bam")]},
        DATASET_SUBSET__d={"left_out": [loss(90, 100, "windows", "not in it", expected=True)]},
        SAD_MERGE__m__v={"left_out": [loss(60, 100), loss(7, None, "records", "unknown whole")]},
        PREFLIGHT_CHECK={"left_out": [loss(90, 100)]},
    )
    much, rest = losses.tables(results)
    assert much.header == losses.LOSS_COLUMNS
    assert much.rows == [
        ["SAD_MERGE", "SNPs", "60", "100", "60.0 %", "no score", "", "m.v"],
        ["PEAKS_BIN", "alignments", "40", "200", "20.0 %", "unmapped", "", "2 of them, the most (30.0 %) U, U.bam"],
    ]
    assert rest.rows == [
        ["DATASET_SUBSET", "windows", "90", "100", "90.0 %", "not in it", "yes", "d"],
        ["PEAKS_BIN", "bases", "1", "1,000", "0.1 %", "a", "", "T"],
        ["SAD_MERGE", "records", "7", "", "", "unknown whole", "", "m.v"],
    ]
    assert much.title.endswith("more than 5 % of what a task read")


def test_the_share_is_the_runs_parameter(tmp_path: Path) -> None:
    write_parameters(tmp_path, warn_share=0.5)
    much, rest = losses.tables(write_records(tmp_path, X={"left_out": [loss(40, 100), loss(60, 100, reason="b")]}))
    assert [row[5] for row in much.rows] == ["b"]
    assert [row[5] for row in rest.rows] == ["no score"]
    assert "50 %" in much.title


def test_the_page_has_every_loss_and_every_warning_the_many_folded(tmp_path: Path) -> None:
    said = [f"warning {i}" for i in range(WARNINGS_AT_ONCE + 3)]
    lost = [loss(i, 100, reason=f"<reason> {i}") for i in range(1, 60)]
    write_records(tmp_path, X__t={"warnings": said, "left_out": lost})
    render(tmp_path, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert page.count("<li>X t: warning ") == len(said)
    assert "<summary>3 more warnings</summary>" in page
    assert len(set(re.findall(r"<td>&lt;reason&gt; (\d+)</td>", page))) == len(lost)
    assert '<details id="left-out">' in page, "long: folded"
    assert page.index('id="warnings"') < page.index('id="run"')


def test_few_losses_are_open_and_none_is_no_table(tmp_path: Path) -> None:
    write_records(tmp_path, X={"left_out": [loss(60, 100)]})
    render(tmp_path, tmp_path / "report.html")
    assert '<details id="left-out" open>' in (tmp_path / "report.html").read_text()
    write_records(tmp_path, X={"left_out": []})
    render(tmp_path, tmp_path / "report.html")
    assert 'id="left-out' not in (tmp_path / "report.html").read_text()


def test_parts_that_were_not_made_are_named_with_what_makes_them(tmp_path: Path) -> None:
    given = {"tracks": "t.csv", "fasta": "g.fa", "gwas": "g.csv", "eqtls": "e.csv", "allelic_counts": "a.csv"}
    write_parameters(tmp_path, **given, h2_cts=False, stages=["peaks", "evaluate", "eqtl"])
    for name in ("peaks/peaks_per_track.tsv", "evaluation/m.specificity.tsv", "evaluation/leaderboard.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a\n1\n")
    (tmp_path / "evaluation/m.tss_distance.tsv").write_text("")  # as a stub leaves it
    assert losses.absent(Results(tmp_path)) == [
        "accuracy by distance to the TSS: not given: --genes",
        "motifs in peaks: not given: --motifs",
        "scores of variants: not given: --variants",
        "eQTLs: its stage made no table: the records in pipeline_info/stages/ and the warnings above say why",
        "allelic imbalance: the stage imbalance was not run: name it in --stages (it needs --allelic_counts)",
        "heritability: not given: --ld_panel",
        "heritability: ldsc's test of all annotations: not given: --h2_cts",
        "comparison with the planted truth: not given: --truth",
    ]


def test_a_simulated_study_brings_its_files_but_no_choices(tmp_path: Path) -> None:
    write_parameters(tmp_path, simulate=True, h2_cts=False, stages=["heritability"])
    found = dict(sentence.rsplit(": ", 1)[::-1] for sentence in losses.absent(Results(tmp_path)))
    assert [part for reason, part in found.items() if reason.startswith("--")] == [
        "heritability: ldsc's test of all annotations: not given"
    ]


def test_every_part_is_of_a_stage_and_of_parameters_that_there_are() -> None:
    root = Path(__file__).resolve().parents[2]
    stages = {stage["name"] for stage in json.loads((root / "assets/stages.json").read_text())["stages"]}
    groups = json.loads((root / "nextflow_schema.json").read_text())["$defs"].values()
    parameters = {name for group in groups for name in group["properties"]}
    for part in losses.PARTS:
        assert set(part.stages) <= stages
        assert set(part.needs) <= parameters


def test_a_record_that_is_none_is_named(tmp_path: Path) -> None:
    write_records(tmp_path, X={"left_out": [{"what": "SNPs"}]})
    with pytest.raises(InputError, match=r"X\.run\.json is not as its stage writes it"):
        render(tmp_path, tmp_path / "report.html")


def test_a_record_of_a_program_that_is_not_ours_is_a_row_without_times(tmp_path: Path) -> None:
    folder = tmp_path / "pipeline_info/stages"
    folder.mkdir(parents=True)
    record = {"warnings": ["WARNING: odd"], "left_out": [loss(12, 100, reason="with missing values", source="T")]}
    (folder / "LDSC_MUNGE.T.run.json").write_text(json.dumps(record))
    render(tmp_path, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "LDSC_MUNGE T: WARNING: odd" in page
    assert "<td>with missing values</td>" in page
    assert "<td>LDSC_MUNGE.T</td><td></td><td></td><td></td><td></td><td></td><td>1</td><td>1</td>" in page
