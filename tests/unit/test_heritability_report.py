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


def _with(folder: Path, rule) -> None:
    path = folder / "heritability/heritability.tsv"
    rule(pd.read_csv(path, sep="\t")).to_csv(path, sep="\t", index=False)


def test_a_trait_is_shown_in_the_tissue_that_its_sheet_names(folder):
    """S is most enriched in T; its group V is shown all the same, and no choice is spoken of."""
    _with(folder, lambda t: t.assign(group=t["trait"].map({"S": "V", "U": "T"})))
    made = section(Results(folder))
    assert "S: enriched in the specific peaks of its tissue V (2.0x, SE 1.0)." in made.answer
    assert "most enriched" not in made.answer
    split = made.figures[2]
    shown = _data(split.tsv)
    assert set(shown["trait"]) == {"U"}
    assert set(shown["owner"]) == {"T"}
    assert not shown["tissue_chosen_by_enrichment"].any()
    assert "Each trait in its tissue (group of the gwas sheet)" in split.caption
    assert "favours" not in split.caption


def test_a_choice_by_enrichment_is_named_in_caption_and_table(folder):
    split = section(Results(folder)).figures[2]
    assert "Without a group in the gwas sheet" in split.caption
    assert "a choice by the result itself" in split.caption
    assert _data(split.tsv)["tissue_chosen_by_enrichment"].all()
    _with(folder, lambda t: t.assign(group=t["trait"].map({"S": "", "U": "T"})))
    mixed = section(Results(folder)).figures[2]
    assert "Without a group (S)" in mixed.caption
    assert _data(mixed.tsv).groupby("trait")["tissue_chosen_by_enrichment"].first().to_dict() == {"S": True, "U": False}


def test_a_group_without_a_peak_set_is_paired_with_none(folder):
    _with(folder, lambda t: t.assign(group=t["trait"].map({"S": "Kidney", "U": "T"})))
    made = section(Results(folder))
    assert "S:" not in made.answer


def test_regressions_without_a_fit_and_without_heritability_are_counted_with_a_reason(folder):
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        failed = (table["trait"] == "S") & (table["model"] == "V.low")
        table["reason"] = "h2 is not above 0: proportions mean nothing"
        table.loc[table["trait"] == "S", "reason"] = ""
        table.loc[failed, "reason"] = "LinAlgError: Singular matrix"
        table.loc[failed, ["Enrichment", "Prop._SNPs", "Enrichment_p"]] = float("nan")
        return table

    _with(folder, spoil)
    made = section(Results(folder))
    assert any(
        "1 of 17 regressions could not be fitted by ldsc and are NA (S on V.low: LinAlgError: Singular matrix" in w
        for w in made.warnings
    )
    assert any("8 regressions have a heritability of 0 or less (U)" in w for w in made.warnings)
    rows = {tuple(row[:2]): row for row in made.tables[0].rows}
    assert rows["S", "V.low"][2:] == [
        "NA",
        "10.0 %",
        "NA",
        "1.00",
        "NA",
        "2.00",
        "0.10",
        "0.30",
        "LinAlgError: Singular matrix",
    ]


def test_figures_show_one_baseline_and_the_table_all(folder):
    _with(
        folder,
        lambda t: pd.concat(
            [t.assign(baseline=b, Enrichment=t["Enrichment"] + i) for i, b in enumerate(("none", "given", "reduced"))]
        ),
    )
    made = section(Results(folder))
    assert "beside the baseline 'reduced'; the table has all (none, given, reduced)" in made.lead
    assert _data(made.figures[0].tsv)["Enrichment"].max() == 11
    assert len(_data(made.figures[0].tsv)) == 8
    assert len(made.tables[0].rows) == 3 * 17
    assert ["S", "T.high, baseline given"] in [row[:2] for row in made.tables[0].rows]


def test_both_statistics_have_their_own_rows(folder):
    path = folder / "heritability/annotations.tsv"
    known = pd.read_csv(path, sep="\t")
    more = known[known["half"].notna()].assign(statistic="max")
    more["annotation"] = more["annotation"].str.replace("mean", "max")
    pd.concat([known, more]).to_csv(path, sep="\t", index=False)
    _with(
        folder,
        lambda t: pd.concat(
            [t, t[t["model"].str.contains("mean")].assign(model=lambda m: m["model"].str.replace("mean", "max"))]
        ),
    )
    shown = _data(section(Results(folder)).figures[2].tsv)
    assert shown.groupby("statistic").size().to_dict() == {"max": 4, "mean": 4}
