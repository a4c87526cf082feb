"""What the sections on accuracy say where there is much, little or nothing to show."""

from __future__ import annotations

import base64
import json
import re
from io import StringIO
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import summaries
from accessiflow.files import write_table
from accessiflow.report import comparison, figures, further, imbalance, ism, models, page, run_info, scatter, sequence
from accessiflow.report.section import Table, number, thinned, tips, with_interval
from accessiflow.results import Results

BINS = ("[1,3)", "[3,inf)")


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, na_rep="NA")


def add_accuracy(folder: Path, model: str, tracks: int, pearson: float, reason: str = "") -> None:
    value = np.nan if reason else pearson
    rows = [
        {"track": f"t{i}", "bin": b, "n": 60, "pearson": value + 0.01 * i, "reason": reason, "low": 0.1, "high": 0.9}
        for i in range(tracks)
        for b in BINS
    ]
    write(folder, f"evaluation/{model}.specificity.tsv", rows)


def add_board(folder: Path, *rows: dict[str, object]) -> None:
    whole = [{"rank": i, "replicates": 1, "pearson_all": 0.42, "verdict": "v"} | row for i, row in enumerate(rows, 1)]
    write(folder, "evaluation/leaderboard.tsv", whole)
    compared = [
        {"model": row["model"], "replicate": 1, "grouping": grouping, "group": group, "track": f"t{i}", "n": 9,
         "pearson": 0.4 + 0.02 * i, "reason": ""}
        for row in rows for grouping, group in (("all", "all"), ("specific", "specific")) for i in range(3)
    ]  # fmt: skip
    write(folder, "evaluation/comparison.tsv", compared)


def sum_up(folder: Path) -> None:
    table = summaries.summary(summaries.collect(Results(folder)), Bootstrap(50))
    write_table(table, folder / "evaluation/summary.tsv")


def titles(svg: str) -> list[str]:
    return re.findall(r"<title>([^<]*)</title>", svg)


@given(st.floats(-2, 2), st.integers(0, 4))
def test_no_number_is_minus_zero(value: float, digits: int) -> None:
    text = number(value, digits)
    assert float(text) == round(value, digits) or abs(float(text) - value) <= 0.5 * 10**-digits + 1e-12
    assert not re.fullmatch(r"-0(\.0*)?", text)


def test_an_interval_stands_beside_a_value_where_it_is_known() -> None:
    assert with_interval(-0.001, -0.004, 0.25) == "0.00 (0.00 to 0.25)"
    assert with_interval(0.5, None, 0.6) == with_interval(0.5, np.nan, np.nan) == "0.50"


def test_every_point_has_its_value_interval_and_n_over_it(tmp_path: Path) -> None:
    add_accuracy(tmp_path, "m", 2, 0.5)
    sum_up(tmp_path)
    made = models.section(Results(tmp_path))
    (accuracy,) = made.figures
    said = titles(accuracy.svg)
    assert "m, t1, [1,3): 0.51 (0.10 to 0.90), n 60" in said
    # the mean and quartiles of 0.50 and 0.51 by hand
    assert any(t.startswith("m, [1,3): median 0.51 (quartiles 0.50 to 0.51), mean 0.51") for t in said) or any(
        t.startswith("m, [1,3): median 0.50") for t in said
    )
    assert all(t.endswith("n 2 tracks") for t in said if "median" in t)
    assert "aria-label" not in accuracy.svg


def test_of_many_tracks_some_are_drawn_and_the_number_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(models, "POINTS", 10)
    add_accuracy(tmp_path, "m", 20, 0.2)
    sum_up(tmp_path)
    (accuracy,) = models.section(Results(tmp_path)).figures
    drawn = {re.search(r"t\d+", t)[0] for t in titles(accuracy.svg) if "median" not in t}
    assert drawn == {"t0", "t5", "t10", "t14", "t19"}, "evenly, with the first and the last"
    assert "Shown: 5 of 20 tracks, evenly over their order" in accuracy.caption
    assert any(t.endswith("n 20 tracks") for t in titles(accuracy.svg)), "the median is over all"


@given(st.integers(1, 60), st.integers(1, 30))
def test_thinning_keeps_the_ends_and_the_order(names: int, most: int) -> None:
    table = pd.DataFrame({"track": [f"t{i}" for i in range(names) for _ in range(2)]})
    some, said = thinned(table, "track", most)
    kept = list(dict.fromkeys(some["track"]))
    assert len(kept) == min(names, most) and len(some) == 2 * len(kept)
    assert kept == [name for name in dict.fromkeys(table["track"]) if name in kept]
    assert (said == "") == (names <= most)
    assert most == 1 or {kept[0], kept[-1]} == {"t0", f"t{names - 1}"}


def test_the_summary_says_how_a_model_does_even_without_accuracy_by_bin(tmp_path: Path) -> None:
    reason = "1062 test peaks in the track, not above 1000000 (min_track_peaks)"
    add_accuracy(tmp_path, "m", 3, 0.5, reason)
    add_board(tmp_path, {"model": "m", "pearson_specific": 0.3, "low": 0.2, "high": 0.4})
    sum_up(tmp_path)
    made = models.section(Results(tmp_path))
    assert made.answer.startswith("m: Pearson R 0.42 (")
    assert "over all test windows, the mean of 3 track(s); no accuracy by specificity" in made.answer
    assert not made.figures, "no empty axes"
    (missing,) = [m for m in made.missing if m.startswith("Accuracy by specificity")]
    assert reason in missing and "none of 6 is given" in missing
    assert "--min_track_peaks and --min_bin_peaks set the limits" in missing
    assert any(m.startswith("Accuracy by TSS distance: no genes were given (--genes)") for m in made.missing)


@pytest.mark.parametrize(("low", "warned"), [(0.19, True), (0.21, False)])
def test_precision_at_chance_is_remarked_on(tmp_path: Path, low: float, warned: bool) -> None:
    add_accuracy(tmp_path, "m", 2, 0.5)
    rows = [{"bin": b, "n": 99, "precision": 0.22, "chance": 0.2, "reason": "", "low": low, "high": 0.25} for b in BINS]
    write(tmp_path, "evaluation/m.precision.tsv", rows)
    made = models.section(Results(tmp_path))
    assert any("is not above chance (0.20)" in w for w in made.warnings) == warned
    (precision,) = [f for f in made.figures if f.key == "accuracy-precision"]
    assert f"m, [1,3): 0.22 ({low:.2f} to 0.25), n 99, chance 0.20" in titles(precision.svg)


def test_no_model_is_called_the_best_where_none_is_above_0(tmp_path: Path) -> None:
    bad = {"model": "a", "pearson_specific": -0.004, "low": -0.09, "high": 0.03}
    add_board(tmp_path, bad, bad | {"model": "b", "pearson_specific": -0.02})
    answer = comparison.section(Results(tmp_path)).answer
    assert answer == (
        "In cell type-specific peaks no model's Pearson R is above 0: a 0.00 (-0.09 to 0.03), b -0.02 (-0.09 to 0.03)."
    )


def test_without_specific_accuracy_the_reason_and_the_parameter_are_said(tmp_path: Path) -> None:
    none = {"pearson_specific": np.nan, "low": np.nan, "high": np.nan, "note": "no specific accuracy: 3 windows"}
    add_board(tmp_path, {"model": "a"} | none)
    answer = comparison.section(Results(tmp_path)).answer
    assert "no specific accuracy: 3 windows" in answer and "--min_track_peaks" in answer


def test_one_model_has_errors_heights_and_variability(tmp_path: Path) -> None:
    add_board(tmp_path, {"model": "m", "pearson_specific": 0.3, "low": 0.2, "high": 0.4, "over_correlation_own": 0.7})
    rates = {"n_peaks": 40, "n_others": 900, "fnr": 0.1, "fnr_low": 0.05, "fnr_high": 0.2, "fpr": 0.02}
    errors = [{"track": t, "region": r} | rates for t in "AB" for r in ("all", "peaks")]
    write(tmp_path, "evaluation/m.errors.tsv", errors)
    heights = [{"track": t, "set": s, "n": 50, "pearson": 0.5, "reason": "", "low": 0.4, "high": 0.6}
               for t in "AB" for s in comparison.SETS]  # fmt: skip
    write(tmp_path, "evaluation/m.height_matched.tsv", heights)
    varied = {"n": 30, "cv_median": 0.2, "cv_mean": 0.3, "u": 5, "p": 0.01, "q": 0.02, "reason": "", "low": 0.1}
    write(tmp_path, "evaluation/m.replicates.tsv", [{"track": t, "cluster": "A", "high": 0.3} | varied for t in "AB"])
    sum_up(tmp_path)
    made = comparison.section(Results(tmp_path))
    drawn = {f.key: titles(f.svg) for f in made.figures}
    assert "m, A: 0.10 (0.05 to 0.20), n 40; false 0.02" in drawn["comparison-errors"]
    assert "m, A, ubiquitous, same heights: 0.50 (0.40 to 0.60), n 50" in drawn["comparison-heights"]
    assert "m, B, A: 0.20 (0.10 to 0.30), n 30, q 0.02" in drawn["comparison-variability"]
    (tests,) = [t for t in made.tables if t.key == "variability-tests"]
    assert list(tests.rows[0]) == ["m", "A", "A", "30", "0.200", "0.01", "0.02"]
    (board,) = [t for t in made.tables if t.key == "leaderboard"]
    assert "over-correlation, own peaks" in board.header and "first track of a pair" in board.note
    assert [m.split(":")[0] for m in made.missing] == ["Over-correlation"]


def test_counts_of_the_scatter_are_drawn_with_n_and_r(tmp_path: Path) -> None:
    rows = [
        {"track": t, "set": s, "measured": 0.5 * i, "predicted": 1.0, "width": 0.5, "n": 3 + i, "n_windows": 1234,
         "pearson": 0.25}
        for t in ("A", "B") for s in ("specific", "ubiquitous", "all") for i in range(4)
    ]  # fmt: skip
    write(tmp_path, "evaluation/m.density.tsv", rows)
    made = scatter.density(Results(tmp_path))
    assert titles(made.svg).count("measured 1.50, predicted 1.00: n 6") == 4, "two tracks, specific and ubiquitous"
    assert "A, specific: R 0.25, n 1,234" in made.svg
    assert scatter.density(Results(tmp_path / "nothing")) is None


def test_only_clear_motifs_are_in_the_table(tmp_path: Path) -> None:
    clear = {"cluster": "A", "control": "background", "n": 100, "tp": 40, "tp_percent": 40.0, "n_control": 900, "fp": 9,
             "fp_percent": 1.0, "enr": 40.0, "p": 1e-9, "q": 1e-8}  # fmt: skip
    rows = [clear | {"motif": f"M{i}", "motif_name": f"TF{i}", "p": 1e-30 * (i + 1)} for i in range(25)]
    rows += [clear | {"motif": name, "motif_name": name} | fault for name, fault in
             (("p", {"p": 1e-5}), ("few", {"tp_percent": 4.0}), ("ratio", {"enr": 1.2}))]  # fmt: skip
    write(tmp_path, "evaluation/sequence.motifs.tsv", rows)
    (table,) = sequence.section(Results(tmp_path)).tables
    assert [row[3] for row in table.rows] == [f"M{i}" for i in range(20)], "the 20 best of a cluster"
    assert "25 of 28 tests" in table.note


def test_sites_and_pairs_of_models_are_shown(tmp_path: Path) -> None:
    site = {"group": "all", "n": 40, "auroc": 0.8, "low": 0.7, "high": 0.9, "reason": ""}
    write(tmp_path, "allelic_imbalance/a.T.auroc.tsv", [site])
    pair = {"group": "all", "model_a": "a", "model_b": "b", "n": 40, "auroc_a": 0.8, "auroc_b": 0.7}
    pair |= {"difference": 0.1, "low": 0.02, "high": 0.18, "p": 0.01, "q": 0.03}
    write(tmp_path, "allelic_imbalance/T.models.tsv", [pair, pair | {"group": "x", "difference": np.nan}])
    write(tmp_path, "allelic_imbalance/T.sites.tsv", [{"label": "balanced", "reason": "", "n": 1200}])
    shown = {t.key: t.rows for t in imbalance.section(Results(tmp_path)).tables}
    assert shown["imbalance-pairs"] == [
        ["T", "all", "a", "b", "40", "0.800", "0.700", "0.100 (0.020 to 0.180)", "0.01", "0.03"]
    ]
    assert shown["imbalance-sites"] == [["T", "balanced", "", "1,200"]]


def test_logos_of_a_region_show_the_same_bases_of_every_model(tmp_path: Path) -> None:
    for model, peak in (("a", 120), ("b", 300)):
        rows = [
            {"region": 1, "chrom": "chr2", "start": 1000 + i, "base": "ACGT"[i % 4], "track": t,
             "height": 2.0 if i == peak else 0.5}
            for t in ("<T>", "U") for i in range(400)
        ]  # fmt: skip
        write(tmp_path, f"variants/{model}.ism.tsv", rows)
    (logo,) = ism.section(Results(tmp_path)).figures
    assert logo.title == "Region 1, chr2:1,085-1,157", "36 bases either side of the highest of the first model"
    assert titles(logo.svg).count("1,121 A: 2.000") == 2 and "1,121 A: 0.500" in titles(logo.svg)
    assert "<T>" not in logo.svg and "&lt;T&gt;" in logo.svg
    assert logo.width == ism.LEFT + ism.LETTER * 73 + 16


def test_a_large_table_is_linked_and_a_small_one_is_in_the_page(tmp_path: Path) -> None:
    small = pd.DataFrame({"a": range(100)})
    uri = figures.table_uri(small)
    assert pd.read_csv(StringIO(base64.b64decode(uri.split(",")[1]).decode()), sep="\t").equals(small)
    assert figures.table_uri(pd.DataFrame({"a": range(figures.EMBEDDED // 2 + 1)})) == ""
    assert figures.table_uri(pd.DataFrame({"a": ["x" * figures.EMBEDDED]})) == ""


def test_every_link_of_the_page_resolves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "EMBEDDED", 10)
    for model in ("a b", "m.r1", "m.r2", "n"):
        add_accuracy(tmp_path, model, 3, 0.5)
    add_board(tmp_path, {"model": "m", "pearson_specific": 0.3, "low": 0.2, "high": 0.4}, {"model": "n"})
    write(tmp_path, "variants/m/set 1/annotated.tsv", [{"chrom": "chr1", "SAD": 0.5}])
    write(tmp_path, "evaluation/ranks.tsv", [{"model": "m", "auroc": 0.5}])
    sum_up(tmp_path)
    assert "further" in page.render(tmp_path, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    links = {unquote(link) for link in re.findall(r'href="([^"#][^"]*)"', text) if not link.startswith("data:")}
    assert {
        "evaluation/",
        "evaluation/comparison.tsv",
        "variants/m/set 1/annotated.tsv",
        "evaluation/ranks.tsv",
    } <= links
    assert all((tmp_path / link).exists() for link in links), "seen from the results folder"
    assert "evaluation/*.specificity.tsv (4 files)" in text
    anchors = set(re.findall(r'href="#([^"]+)"', text))
    assert anchors <= set(re.findall(r' id="([^"]+)"', text))


def test_tables_that_a_section_shows_are_not_further_ones(tmp_path: Path) -> None:
    write(tmp_path, "evaluation/new.tsv", [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    write(tmp_path, "evaluation/leaderboard.tsv", [{"model": "m"}])
    write(tmp_path, "pipeline_info/trace.tsv", [{"a": 1}])
    (tmp_path / "evaluation/empty.tsv").touch()
    results = Results(tmp_path)
    results.table("evaluation/leaderboard.tsv")
    (table,) = further.section(results).tables
    assert [(row[0].text, *row[1:]) for row in table.rows] == [("evaluation/new.tsv", "2", "a, b")]
    results.table("evaluation/new.tsv")
    assert further.section(results) is None


def test_rows_beyond_those_of_a_page_are_counted(tmp_path: Path) -> None:
    rows = [[str(i)] for i in range(5)]
    assert Table("k", "t", ["a"], rows, most=3).shown == rows[:3]
    write(tmp_path, "peaks/peaks_per_track.tsv", [
        {"track": f"t{i}", "cell_type": "c", "group": "g", "lambda": 1.0, "n_peaks": 5, "share": 0.1}
        for i in range(450)
    ])  # fmt: skip
    write(tmp_path, "peaks/specificity.tsv", [{"specificity_bin": b, "n_bins": 10} for b in BINS])
    write(tmp_path, "peaks/clusters.tsv", [{"cluster": "A", "n_bins": 20}])
    page.render(tmp_path, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "The first 120 of 450 rows" in text and ">t119<" in text and ">t120<" not in text
    assert "444 further tracks have fewer than 1,000 peak bins" in text


def test_tips_hold_text_of_any_kind() -> None:
    table = tips(pd.DataFrame({"a": ['<b>"&'], "v": [np.nan]}), ["a"], "v")
    assert table["tip"].tolist() == ['tip:<b>"&: NA']


def test_of_thousands_of_tasks_the_table_has_a_row_a_process(tmp_path: Path) -> None:
    stages = tmp_path / "pipeline_info/stages"
    stages.mkdir(parents=True)
    record = {"seconds": 2.0, "cpu_seconds": 1.5, "peak_memory_mb": 99.0, "device": "cpu", "warnings": ["w"]}
    for i in range(run_info.MANY):
        (stages / f"SAD_SCORE.m.s.{i:04d}.run.json").write_text(json.dumps(record | {"peak_memory_mb": float(i)}))
    (stages / "LDSC_H2.t.run.json").write_text(json.dumps({"left_out": [{"what": "SNPs", "n": 3, "reason": "r"}]}))
    (table,) = (t for t in run_info.section(Results(tmp_path)).tables if t.key == "run-stages")
    assert [list(row) for row in table.rows] == [
        ["LDSC_H2, 1 tasks", "0.0", "0.0", "0", "", "", "1", "0"],
        ["SAD_SCORE, 300 tasks", "600.0", "450.0", "299", "cpu", "", "0", "300"],
    ]


def test_a_task_says_which_framework_computed_and_how_exactly(tmp_path: Path) -> None:
    stages = tmp_path / "pipeline_info/stages"
    stages.mkdir(parents=True)
    record = {"seconds": 2.0, "cpu_seconds": 1.5, "peak_memory_mb": 99.0, "device": "NVIDIA H100"}
    facts = {"TRAIN_FIT.m": {"backend": "jax", "precision": "tf32"}, "SAD_SCORE.m": {"threads": 2}}
    for task, more in facts.items():
        (stages / f"{task}.run.json").write_text(json.dumps(record | more))
    (table,) = (t for t in run_info.section(Results(tmp_path)).tables if t.key == "run-stages")
    at = run_info.TASK_COLUMNS.index("device")
    assert {row[0]: row[at] for row in table.rows} == {
        "TRAIN_FIT.m": "NVIDIA H100 (jax, tf32)",
        "SAD_SCORE.m": "NVIDIA H100",
    }
