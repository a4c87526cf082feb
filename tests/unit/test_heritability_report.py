"""The heritability section: which figures a set of tables gives, and what it says of them."""

from __future__ import annotations

import base64
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from accessiflow.report.heritability import section
from accessiflow.results import Results


def _row(model: str, trait: str, enrichment: float) -> dict[str, object]:
    measured = {
        "Enrichment": enrichment,
        "Enrichment_std_error": 1.0,
        "Enrichment_p": 0.01,
        "Prop._SNPs": 0.02,
        "Prop._h2": 0.1,
    }
    star = {
        "Coefficient_z-score": 2.0,
        "tau_star": enrichment / 10,
        "tau_star_se": 0.2,
        "tau_star_se_jack": 0.3,
        "focal": "yes",
    }
    return {"model": model, "trait": trait, "Category": "L2_1", **measured, **star}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two traits, two tissues, a cluster; the specific peaks of T split by the scores of two models."""
    (tmp_path / "heritability").mkdir()
    rows = [
        _row(f"{t}.{half}", trait, e)
        for trait, own in (("S", "T"), ("U", "V"))
        for t in "TV"
        for half, e in (("high", 9 if t == own else 2), ("low", 1))
    ]
    rows += [_row("cluster.T", "S", 3.0)]
    described = [{"annotation": r["model"], "set": r["model"]} for r in rows if r["trait"] == "S"]
    for model in ("a", "b"):
        for half, e in (("top", 12.0), ("bottom", 4.0)):
            name = f"T.high_mean_sad_{half}_0.5.{model}"
            rows += [_row(name, trait, e) for trait in "SU"]
            described.append(
                {
                    "annotation": name,
                    "set": "T.high",
                    "model": model,
                    "statistic": "mean",
                    "half": half,
                    "share": 0.5,
                    "n_unscored": 7,
                }
            )
    pd.DataFrame(rows).to_csv(tmp_path / "heritability/heritability.tsv", sep="\t", index=False)
    pd.DataFrame(described).to_csv(tmp_path / "heritability/annotations.tsv", sep="\t", index=False)
    return tmp_path


def _data(uri: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(base64.b64decode(uri.split(",", 1)[1]).decode()), sep="\t")


def test_sets_clusters_and_splits_have_their_figures(folder):
    made = section(Results(folder))
    figures = {f.key: _data(f.tsv) for f in made.figures}
    assert list(figures) == ["heritability", "heritability-clusters", "heritability-sad", "heritability-sad-tau"]
    assert len(figures["heritability"]) == 8
    assert set(figures["heritability"]["specificity"]) == {"high specificity", "low specificity"}
    assert figures["heritability-clusters"]["annotation"].tolist() == ["cluster.T"]


def test_splits_are_shown_for_every_model_in_the_traits_own_tissue(folder):
    shown = _data(section(Results(folder)).figures[2].tsv)
    assert set(shown["trait"]) == {"S"}, "the tissue of the trait U is not split"
    assert set(shown["owner"]) == {"T"}
    assert set(shown["scores_of"].dropna()) == {"a", "b"}


def test_the_answer_names_the_most_enriched_tissue_and_warnings_the_missing_scores(folder):
    made = section(Results(folder))
    assert "S: most enriched in the specific peaks of T (9.0x, SE 1.0)." in made.answer
    assert "V (9.0x" in made.answer
    assert any("Up to 7 SNPs" in w for w in made.warnings)


def test_tables_of_tests_and_quality_are_shown_where_they_are(folder):
    (folder / "heritability/cts.tsv").write_text(
        "trait\tannotation\tcoefficient\tcoefficient_se\tz\tp\tq\treason\nS\tT.high\t1e-8\t5e-9\t2\t0.02\tNA\t\n"
    )
    (folder / "heritability/qc.tsv").write_text(
        "model\ttrait\tsnps_regression\tcondition_number\twarning\n"
        "T.high\tS\t900\t12.5\tfewer than 200000 SNPs; condition number above 100000: collinear\n"
    )
    made = section(Results(folder))
    tables = {t.key: t for t in made.tables}
    assert tables["heritability-cts"].rows == [["S", "T.high", "1e-08", "2.00", "0.02", "NA"]]
    assert tables["heritability-qc"].rows[0][-1] == "12.5"
    assert [w[:13] for w in made.warnings[:2]] == ["1 regressions"] * 2


def test_results_without_descriptions_still_have_their_section(folder):
    (folder / "heritability/annotations.tsv").unlink()
    assert [f.key for f in section(Results(folder)).figures] == ["heritability", "heritability-clusters"]


def test_no_regression_no_section(tmp_path):
    assert section(Results(tmp_path)) is None
