"""The report: sections from whatever results are there, names as text, everything inside one file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation import summaries
from accessiflow.files import write_table
from accessiflow.report.page import render
from accessiflow.results import Results

HOSTILE = "<script>alert(1)</script>"
MODELS = {"multi": 2, "ridge": 1}


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, na_rep="NA")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of two models, one of them with two replicates, on two tracks, one of a hostile name."""
    tracks, folder = ["A", HOSTILE], tmp_path / "results"
    compared, board = [], []
    for rank, (model, replicates) in enumerate(MODELS.items(), 1):
        for replicate in range(1, replicates + 1):
            name = f"{model}.r{replicate}" if replicates > 1 else model
            accuracy = [
                {"track": t, "bin": b, "n": 60, "pearson": 0.1 * rank + 0.2 * i, "reason": ""}
                for t in tracks
                for i, b in enumerate(("[1,3)", "[3,inf)"))
            ]
            write(folder, f"evaluation/{name}.specificity.tsv", accuracy)
            pairs = [
                {"source": s, "cluster": "A", "track": t, "other": o, "n": 60, "pearson": 0.5, "reason": ""}
                for s in ("prediction", "measurement")
                for t in tracks
                for o in tracks
                if t != o
            ]
            write(folder, f"evaluation/{name}.cell_types.tsv", pairs)
            write(
                folder,
                f"evaluation/{name}.over_correlation.tsv",
                [{"cluster": "A", "pairs": 2, "prediction": 0.9, "measurement": 0.1, "over_correlation": 0.8}],
            )
            for group in ("specific", "ubiquitous"):
                compared += [
                    {
                        "model": model,
                        "replicate": replicate,
                        "grouping": "specific",
                        "group": group,
                        "track": t,
                        "n": 60,
                        "pearson": 0.3,
                        "reason": "",
                    }
                    for t in tracks
                ]
        lost = -0.1 if model == "multi" else 0.2
        board.append(
            {
                "rank": rank,
                "model": model,
                "replicates": replicates,
                "pearson_specific": 0.4,
                "low": 0.3,
                "high": 0.5,
                "specific_minus_own_mean": lost,
                "verdict": "v",
            }
        )
    write(folder, "evaluation/comparison.tsv", compared)
    write(folder, "evaluation/leaderboard.tsv", board)
    return summed_up(folder)


def summed_up(folder: Path) -> Path:
    """The folder with the table that `evaluate.py summary` makes of it."""
    table = summaries.summary(summaries.collect(Results(folder)), Bootstrap(100))
    write_table(table, folder / "evaluation/summary.tsv")
    return folder


def test_models_are_compared_in_the_order_of_the_sheet(results: Path, tmp_path: Path) -> None:
    assert render(results, tmp_path / "report.html") == ["accuracy", "comparison", "run"]
    page = (tmp_path / "report.html").read_text()
    assert "Best in cell type-specific peaks: multi (Pearson R 0.40, 0.30 to 0.50), before ridge 0.40." in page
    assert "multi does not beat its own mean over tracks in cell type-specific peaks" in page
    assert "predicted (multi.r1)" in page
    first = "multi.r1: no accuracy over all windows (evaluation/leaderboard.tsv); median Pearson R 0.10"
    assert page.index(first) < page.index("multi.r2: no accuracy over all windows")


def test_names_are_text_and_nothing_is_fetched(results: Path, tmp_path: Path) -> None:
    render(results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)


def test_a_single_model_has_a_leaderboard_of_its_own(results: Path, tmp_path: Path) -> None:
    board = pd.read_csv(results / "evaluation" / "leaderboard.tsv", sep="\t")
    board[board["model"] == "multi"].to_csv(results / "evaluation" / "leaderboard.tsv", sep="\t", index=False)
    assert "comparison" in render(results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "How good the model is" in page and "Which training choice" not in page
    assert "In cell type-specific peaks: Pearson R of multi 0.40 (0.30 to 0.50); v." in page


def test_the_same_results_give_the_same_page(results: Path, tmp_path: Path, script_apart) -> None:
    for name in ("a.html", "b.html"):  # the chart library numbers its gradients through a whole process
        script_apart("report", "render", results, "--output", tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize(
    ("warning", "shown"),
    [
        ("/tmp/work/39/d0/study/gwas/t.tsv: few SNPs", "gwas/t.tsv: few SNPs"),
        ("/tmp/a longer path/work/39/d0/study/gwas/t.tsv: few SNPs", "gwas/t.tsv: few SNPs"),
        (
            "x.tsv: shares no contig with /a b/c d/y.fa and /e/f/z.fa",
            "x.tsv: shares no contig with c d/y.fa and f/z.fa",
        ),
        ("1/2 of 3 / 4, and/or five", "1/2 of 3 / 4, and/or five"),
    ],
)
def test_a_warning_does_not_tell_where_the_run_was(results: Path, tmp_path: Path, warning: str, shown: str) -> None:
    info = results / "pipeline_info"
    info.mkdir(exist_ok=True)
    (info / "preflight.json").write_text(json.dumps({"warnings": [warning]}))
    render(results, tmp_path / "report.html")
    assert f"<li>{shown}</li>" in (tmp_path / "report.html").read_text()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no result"):
        render(tmp_path / "empty", tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
