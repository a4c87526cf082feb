"""The report on variants.

Models side by side, eQTLs model by model, the top variants with their links, and how variants were scored.
"""

from __future__ import annotations

import base64
import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.bootstrap import Bootstrap
from accessiflow.evaluation import summaries
from accessiflow.evaluation.variant_effects import collect, read_imbalance, summary
from accessiflow.files import write_table
from accessiflow.report import effects, eqtl, run_info, variants
from accessiflow.report.page import render
from accessiflow.report.section import Link, Section
from accessiflow.results import Results

HOSTILE = "<script>alert(1)</script>"
MODELS = {"multi.r1": 0.9, "ridge": 0.7}
TISSUES = {"T.cell": 0.0, "07": 0.06}
BINS = {"[1,3)": 0.0, "[3,inf)": 0.04}


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False, na_rep="NA")


def data(uri: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(base64.b64decode(uri.split(",", 1)[1]).decode()), sep="\t")


def eqtl_rows(tissue: str, auroc: float) -> list[dict[str, object]]:
    sizes = {"n_positive": 50, "n_negative": 50, "auprc": 0.5, "reason": ""}
    return [
        {
            "tissue": tissue,
            "bin": b,
            "auroc": auroc + more,
            "auroc_low": auroc - 0.1,
            "auroc_high": auroc + 0.1,
            **sizes,
        }
        for b, more in BINS.items()
    ]


def add_eqtls(folder: Path, models: dict[str, float]) -> None:
    for model, auroc in models.items():
        for tissue, more in TISSUES.items():
            write(folder, f"eqtl/{model}.{tissue}.classification.tsv", eqtl_rows(tissue, auroc + more))
            write(folder, f"eqtl/{model}.{tissue}.shuffled.tsv", eqtl_rows(tissue, 0.5))
            write(folder, f"eqtl/{model}.{tissue}.direction.tsv", eqtl_rows(tissue, auroc - 0.2))
            curves = [
                {"tissue": tissue, "bin": b, "curve": c, "x": x, "y": x}
                for b in BINS
                for c in ("roc", "pr")
                for x in (0.0, 1.0)
            ]
            write(folder, f"eqtl/{model}.{tissue}.classification.curves.tsv", curves)


def add_imbalance(folder: Path) -> None:
    write(folder, "peaks/peaks_per_track.tsv", [{"track": "t", "cell_type": "T.cell", "group": "blood"}])
    write(folder, "allelic_imbalance/T.cell.calls.tsv", [{"chrom": "chr1"}])
    areas = {
        "all": 0.8,
        "cluster:T.cell": 0.7,
        "cluster:blood": 0.9,
        "cluster:B": 0.1,
        "cluster:shared": 0.6,
        "specificity:[1,3)": 0.75,
        "no peak": 0.5,
    }
    for model in MODELS:
        rows = [{"group": g, "n": 40, "auroc": a, "low": a - 0.1, "high": a + 0.1} for g, a in areas.items()]
        write(folder, f"allelic_imbalance/{model}.T.cell.auroc.tsv", rows)


def test_imbalanced_against_balanced_sites_is_a_measure_by_specificity(tmp_path: Path) -> None:
    write(tmp_path, "allelic_imbalance/T.cell.calls.tsv", [{"chrom": "chr1"}])
    rows = [{"group": group, "n": 40, "auroc": 0.6, "low": 0.5, "high": 0.7} for group in ("all", "specificity:[1,3)")]
    write(tmp_path, "allelic_imbalance/m.1.T.cell.imbalanced.tsv", rows)
    found = collect(Results(tmp_path))
    assert found[["measure", "peaks", "model", "unit", "value"]].to_numpy().tolist() == [
        ["Imbalanced or balanced sites", "[1,3)", "m.1", "T.cell", 0.6]
    ]


def add_heritability(folder: Path) -> None:
    known, rows = [], []
    for owner, enrichment in (("A", 8.0), ("B", 3.0)):
        for half_of in ("high", "low"):
            name = f"{owner}.{half_of}"
            known.append({"annotation": name, "set": name, "model": "", "statistic": "", "half": "", "share": ""})
            rows.append({"model": name, "trait": "S", "Enrichment": enrichment, "focal": "yes"})
            for model in MODELS:
                for half, more in (("top", 2.0), ("bottom", -2.0)):
                    split = f"{name}.{model}.{half}"
                    known.append(
                        {
                            "annotation": split,
                            "set": name,
                            "model": model,
                            "statistic": "mean",
                            "half": half,
                            "share": 0.1,
                        }
                    )
                    rows.append({"model": split, "trait": "S", "Enrichment": enrichment + more, "focal": "yes"})
    write(folder, "heritability/heritability.tsv", rows)
    write(folder, "heritability/annotations.tsv", known)


def top_row(rank: int, **other: object) -> dict[str, object]:
    row = {
        "group": "07",
        "rank": rank,
        "chrom": "chr2",
        "pos": 100 * rank,
        "id": f"rs{rank}",
        "ref": "A",
        "alt": "C",
        "track": "t",
    }
    return row | {"SAD": -1.5, "REF": 2.0, "ALT": 0.5} | other


def made_effects(folder: Path) -> Section | None:
    """The section on the tables that `evaluate.py effects` writes of a folder."""
    values = collect(Results(folder))
    (folder / "evaluation").mkdir(exist_ok=True)
    write_table(values, folder / effects.POINTS_FILE, float_format=None)
    write_table(summary(values, Bootstrap(200)), folder / effects.MEANS, float_format=None)
    return effects.section(Results(folder))


def panel(folder: Path, measure: str) -> dict[str, list[str]]:
    """Cells by kind of peaks, of a measure of the table side by side."""
    (table,) = made_effects(folder).tables
    return {row[1]: list(row[2:]) for row in table.rows if row[0] == measure}


def test_models_stand_side_by_side_by_bin(tmp_path: Path) -> None:
    add_eqtls(tmp_path, MODELS)
    made = made_effects(tmp_path)
    assert list(made.tables[0].header) == ["measure", "peaks", *MODELS]
    classified, directed = panel(tmp_path, "eQTL or not"), panel(tmp_path, "Direction of eQTLs")
    assert [cell.split(" ")[0] for cell in classified["[1,3)"]] == ["0.930", "0.730"], "the mean over two tissues"
    assert [cell.split(" ")[0] for cell in directed["[3,inf)"]] == ["0.740", "0.540"]
    assert all(cell.endswith("; 2)") for cell in classified["[1,3)"])
    assert made.answer.startswith("Best on eQTLs in the most specific peaks ([1,3) tracks): multi.r1 (mean AUROC 0.93")
    assert made.answer.endswith("before ridge 0.73.")
    points = data(made.figures[0].tsv)
    assert len(points) == 2 * len(MODELS) * len(TISSUES) * len(BINS), "each tissue is a point"


def test_the_most_specific_peaks_come_first_even_where_a_tissue_lacks_them(tmp_path: Path) -> None:
    add_eqtls(tmp_path, MODELS)
    for kind in ("classification", "direction"):
        write(
            tmp_path,
            f"eqtl/multi.r1.07.{kind}.tsv",
            [row | {"auroc": np.nan} for row in eqtl_rows("07", 0.5)[:1]] + eqtl_rows("07", 0.5)[1:],
        )
    classified = panel(tmp_path, "eQTL or not")
    assert list(classified) == list(BINS)
    assert classified["[1,3)"][0] == "0.900 (NA to NA; 1)"


def test_imbalance_is_by_bin_and_by_the_cell_types_own_clusters(tmp_path: Path) -> None:
    add_imbalance(tmp_path)
    assert list(panel(tmp_path, "Allelic imbalance")) == ["[1,3)"]
    clusters = panel(tmp_path, "Allelic imbalance by cluster")
    assert list(clusters) == ["own cell type", "shared"], "the cluster of another cell type says nothing of this one"
    assert clusters["own cell type"][0].startswith("0.800 "), "its own and its group's"
    assert set(read_imbalance(Results(tmp_path))["model"]) == set(MODELS)


def test_heritability_of_the_highest_scores_in_the_traits_own_tissue(tmp_path: Path) -> None:
    add_heritability(tmp_path)
    found = panel(tmp_path, "Heritability, highest |SAD|")
    assert list(found) == ["specific, 10 %", "shared, 10 %"]
    assert [cell.split(" ")[0] for cell in found["specific, 10 %"]] == ["10.000", "10.000"], (
        "top of A, not its bottom, not B"
    )


def test_heritability_without_splits_has_no_panel(tmp_path: Path) -> None:
    add_heritability(tmp_path)
    known = pd.read_csv(tmp_path / "heritability/annotations.tsv", sep="\t")
    known[known["half"].isna()].to_csv(tmp_path / "heritability/annotations.tsv", sep="\t", index=False)
    assert made_effects(tmp_path) is None


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_the_interval_lies_among_the_values_and_holds_the_mean_of_equal_ones(values: list[float]) -> None:
    (row,) = means_of(values)
    assert min(values) - 1e-12 <= row["low"] <= row["high"] <= max(values) + 1e-12
    assert (row["n"], row["reason"]) == (len(values), "")
    assert means_of(values) == [row]


def test_one_value_has_no_interval() -> None:
    (row,) = means_of([0.5, np.nan])
    assert (row["n"], row["mean"], row["reason"]) == (1, 0.5, "one value: no interval")
    assert np.isnan([row["low"], row["high"]]).all()


def means_of(values: list[float]) -> list[dict[str, object]]:
    """Rows of the summary of a model's values on one kind of peaks."""
    table = pd.DataFrame({"measure": "m", "peaks": "p", "model": "a", "unit": "u", "value": values, "reason": ""})
    return summary(table, Bootstrap(200)).to_dict("records")


def test_models_are_compared_on_equal_resamples() -> None:
    table = pd.DataFrame(
        {
            "measure": "m",
            "peaks": "p",
            "model": list("aaabbb"),
            "unit": list("xyzxyz"),
            "value": [1, 2, 4, 11, 12, 14.0],
            "reason": "",
        }
    )
    first, second = summary(table, Bootstrap(100)).to_dict("records")
    assert second["low"] - first["low"] == pytest.approx(10)
    assert second["high"] - first["high"] == pytest.approx(10)


def test_what_has_no_value_keeps_its_reason(tmp_path: Path) -> None:
    write(
        tmp_path,
        "eqtl/demo.T.classification.tsv",
        [eqtl_rows("T", 0.8)[0] | {"auroc": np.nan, "reason": "12 positives"}, eqtl_rows("T", 0.8)[1]],
    )
    table = collect(Results(tmp_path))
    assert table["reason"].tolist() == ["12 positives", ""]
    assert list(summary(table, Bootstrap(5))["peaks"]) == ["[3,inf)"]


def test_effects_through_the_script(tmp_path: Path, script) -> None:
    add_eqtls(tmp_path / "results", MODELS)
    script("evaluate", "effects", tmp_path / "results", "--output", tmp_path / "variant_effects.tsv")
    values, means = (pd.read_csv(tmp_path / f"variant_effects{part}.tsv", sep="\t") for part in ("", ".summary"))
    assert len(values) == 2 * len(MODELS) * len(TISSUES) * len(BINS)
    assert set(means["n"]) == {len(TISSUES)}
    assert ((means["low"] <= means["mean"]) & (means["mean"] <= means["high"])).all()


def test_eqtls_of_several_models_are_told_apart(tmp_path: Path) -> None:
    add_eqtls(tmp_path, MODELS)
    made = eqtl.section(Results(tmp_path))
    bins, roc, _ = made.figures
    assert [row[:2] for row in made.tables[0].rows] == [
        [m, t] for m in MODELS for t in sorted(TISSUES) for _ in BINS
    ], "07 stays a name"
    assert all(f">{model}<" in bins.svg for model in MODELS), "a panel a model"
    assert set(data(roc.tsv)["model"]) == set(MODELS)
    assert made.answer == "", "the section on all models sums them up"


def test_eqtls_of_one_model_keep_every_bin_of_the_curves(tmp_path: Path) -> None:
    add_eqtls(tmp_path, {"demo": 0.8})
    (tmp_path / "evaluation").mkdir()
    table = summaries.summary(summaries.collect(Results(tmp_path)), Bootstrap(0))
    write_table(table, tmp_path / "evaluation/summary.tsv")
    made = eqtl.section(Results(tmp_path))
    assert "specificity" in made.figures[1].title
    assert made.answer == (
        "eQTLs: mean AUROC in the most specific peaks ([1,3) tracks) 0.83, "
        "in the most shared evaluated ([3,inf) tracks) 0.87."
    )


def test_a_bin_that_is_not_evaluated_is_said_once_for_all_models(tmp_path: Path) -> None:
    for model in MODELS:
        write(
            tmp_path,
            f"eqtl/{model}.T.classification.tsv",
            [eqtl_rows("T", 0.8)[0] | {"auroc": np.nan, "reason": "12 positives"}],
        )
    made = eqtl.section(Results(tmp_path))
    assert list(made.warnings) == ["eQTLs of T, [1,3) tracks: 12 positives."]
    assert not made.figures


def test_names_of_variants_are_text(tmp_path: Path, script) -> None:
    rows = [top_row(1, id=HOSTILE, alt="C" * 60), top_row(2, chrom='chr1" onclick="alert(1)')]
    write(tmp_path / "results", "variants/demo.top.tsv", rows)
    script("report", "render", tmp_path / "results", "--output", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE not in page
    assert 'onclick="' not in page
    assert "C" * 25 not in page, "a long allele is cut"
    assert not re.search(r"""<(?:script|link|img)[^>]+(?:src|href)=""", page), "nothing is fetched"


def test_a_locus_leads_to_its_figure_or_to_the_browser(tmp_path: Path) -> None:
    write(
        tmp_path,
        "variants/demo.top.tsv",
        [top_row(1, pos=5000), top_row(2, pos=6000), top_row(3, pos=500), top_row(4, chrom=np.nan, pos=np.nan)],
    )
    locus = {"locus": "t:best", "rule": "best", "chrom": "chr2", "pearson": 0.5, "measured": 1, "predicted": 1}
    rows = [
        locus | {"track": track, "start": start, "end": start + 100} for track in ("t", "u") for start in (4900, 5000)
    ]
    write(tmp_path, "evaluation/demo.loci.tsv", rows)
    links = [row[3] for row in variants.top(Results(tmp_path)).tables[0].rows]
    assert links[0] == Link("chr2:5000", "#accuracy-loci", "Example locus t:best of this page")
    assert [link.href for link in links[1:3]] == [
        f"http://localhost:60151/goto?locus=chr2:{span}" for span in ("4000-8000", "1-2500")
    ]
    assert "igv_session.xml" in links[1].title
    assert links[3] == "NA"


def test_a_large_table_shows_the_best_of_every_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "SHOWN", 8)
    for model in MODELS:
        write(
            tmp_path,
            f"variants/{model}.top.tsv",
            [top_row(rank, group=group) for group in ("a", "b") for rank in range(1, 6)],
        )
    (table,) = variants.top(Results(tmp_path)).tables
    assert [tuple(row[:3]) for row in table.rows] == [(m, g, r) for m in MODELS for g in ("a", "b") for r in ("1", "2")]
    assert table.searchable


def test_rates_and_devices_are_in_the_run_information_only(tmp_path: Path) -> None:
    shards = {
        "multi.r1.study.0000": ("native", 100, 50),
        "multi.r1.study.0001": ("tensorflow", 300, 100),
        "ridge.study.0000": ("native", 0, 0),
    }
    for name, (engine, count, rate) in shards.items():
        record = {
            "seconds": 1.0,
            "cpu_seconds": 1.0,
            "peak_memory_mb": 1.0,
            "device": "cpu",
            "threads": 2,
            "engine": engine,
            "excluded": 1,
        }
        path = tmp_path / f"pipeline_info/stages/SAD_SCORE.{name}.run.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record | {"variants": count, "variants_per_hour": rate}))
    (table,) = (t for t in run_info.section(Results(tmp_path)).tables if t.key == "run-scoring")
    assert table.rows == [
        ["multi.r1.study", "400", "2", "native, tensorflow", "cpu", "2", "80"],
        ["ridge.study", "0", "1", "native", "cpu", "2", "NA"],
    ]
    assert variants.scored(Results(tmp_path)) is None


def test_warnings_of_the_tasks_stand_at_the_head_of_the_page(tmp_path: Path) -> None:
    record = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_mb": 1.0, "device": "cpu"}
    said = {
        "EQTL_CLASSIFY.m.blood": ["12 negatives are positives too: left out", *(f"w{i}" for i in range(6))],
        "EQTL_CLASSIFY.m.liver": ["12 negatives are positives too: left out"],
        "PREFLIGHT_CHECK": ["shown by its own file"],
        "PEAKS_MERGE": ["an <odd> track"],
    }
    folder = tmp_path / "pipeline_info/stages"
    folder.mkdir(parents=True)
    for name, sentences in said.items():
        (folder / f"{name}.run.json").write_text(json.dumps(record | {"warnings": sentences}))
    (folder / "LDSC_H2.t.run.json").write_text(json.dumps(record))  # of a program that is not ours
    results = Results(tmp_path)
    assert run_info.warnings(results) == [
        "EQTL_CLASSIFY (2 tasks): 12 negatives are positives too: left out",
        *(f"EQTL_CLASSIFY m.blood: w{i}" for i in range(6)),
        "PEAKS_MERGE: an <odd> track",
    ]
    (stages,) = (t for t in run_info.section(results).tables if t.key == "run-stages")
    assert {row[0]: row[-1] for row in stages.rows} == {
        "EQTL_CLASSIFY.m.blood": "7", "EQTL_CLASSIFY.m.liver": "1", "LDSC_H2.t": "0", "PEAKS_MERGE": "1",
        "PREFLIGHT_CHECK": "1",
    }  # fmt: skip
    render(tmp_path, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "PEAKS_MERGE: an &lt;odd&gt; track" in page and "shown by its own file" not in page


def test_the_page_holds_every_section_and_is_the_same_again(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    add_eqtls(folder, MODELS)
    add_imbalance(folder)
    (folder / "peaks/peaks_per_track.tsv").unlink()
    write(folder, "variants/demo.top.tsv", [top_row(1)])
    assert made_effects(folder) is not None
    shown = ["effects", "eqtl", "imbalance", "top-variants", "further", "run"]
    assert render(folder, tmp_path / "a.html") == shown
    assert "allelic_imbalance/T.cell.calls.tsv" in (tmp_path / "a.html").read_text(), "no section shows the calls"
    render(folder, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
