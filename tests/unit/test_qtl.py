"""Measured effects beside scores: recognised columns, directions, correlations and their intervals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow import bootstrap
from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.qtl import agreement as measures
from accessiflow.qtl import intervals
from accessiflow.variants.columns import parse_columns, read_effects

N = 60
EFFECTS = ["beta", "value"]


def write_scores(path: Path, table: pd.DataFrame, sad: np.ndarray) -> None:
    text = h5py.string_dtype()
    with h5py.File(path, "w") as out:
        for name, column in (("chr", "chrom"), ("ref_allele", "ref"), ("alt_allele", "alt")):
            out.create_dataset(name, data=list(table[column]), dtype=text)
        for name in ("target_ids", "target_labels"):
            out.create_dataset(name, data=[f"t{i}" for i in range(sad.shape[1])], dtype=text)
        out["pos"], out["SAD"] = table["pos"].to_numpy(), sad.astype(np.float32)


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, pd.DataFrame, np.ndarray]:
    """60 variants whose scores in track t0 have the sign of the effect in all but the first 6.

    The last 4 have no score.
    """
    rng = np.random.default_rng(1)
    effect = rng.normal(size=N)
    table = pd.DataFrame(
        {
            "chrom": "chr1",
            "pos": np.arange(N) + 1,
            "ref": "A",
            "alt": "G",
            "beta": effect,
            "target": np.repeat(["x", "y", "z"], 20),
        }
    )
    sad = np.column_stack([effect * np.where(np.arange(N) < 6, -1, 1), rng.normal(size=N)])
    write_scores(tmp_path / "sad.h5", table.iloc[:-4], sad[:-4])
    return tmp_path, table, sad


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("chrom\tpos\tref\talt\tbeta", "chr1\t5\ta\tG\t0.5"),
        ("chrom_hg18\tpos_hg18\tid\tref\talt\tbeta\tse\tp", "chr1\t5\tx\tA\tG\t0.5\t1\t0.01"),
        ("#CHR\tPosition\tREF_ALLELE\tAlt_allele\tslope", "chr1\t5\tA\tG\t0.5"),
        ("hg19_variant\teffect_size", "chr1:5 A/G\t0.5"),
        ("variant_id\tbeta", "chr1_5_A_G_b38\t0.5"),
        ("variant\tbeta", "chr1:5:a:g\t0.5"),
    ],
)
def test_columns_are_known_by_their_names(tmp_path: Path, header: str, row: str) -> None:
    (tmp_path / "t.tsv").write_text(f"{header}\r\n{row}\r\n")
    table = read_effects(tmp_path / "t.tsv", ["beta"], ["p"], {})
    assert table[["chrom", "pos", "ref", "alt", "beta"]].to_numpy().tolist() == [["chr1", 5, "A", "G", 0.5]]


def test_tables_with_commas_and_given_columns(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "hg38_variant,hg19_variant,gene,a,b\nchr1:5 A/G,chr1:9 A/G,g,1,\nchr1:6 A/G,chr1:10 C/T,,2,3\n"
    )
    table = read_effects(
        tmp_path / "t.csv", ["value"], ["element"], parse_columns("variant=hg19_variant, value=b,element=gene")
    )
    assert list(table["pos"]) == [9, 10]
    assert np.isnan(table["value"].iloc[0])
    assert list(table["element"]) == ["g", "NA"]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (
            "chrom\tpos\tref\talt\nchr1\t5\tA\tG\n",
            "",
            "has no column for beta (found: chrom, pos, ref, alt): say which with --columns beta=NAME",
        ),
        ("pos\tref\tbeta\n5\tA\t1\n", "", "has no column for chrom, alt"),
        (
            "chrom\tpos_hg18\tpos_hg19\tref\talt\tbeta\nchr1\t5\t6\tA\tG\t1\n",
            "",
            "several columns that may be pos (pos_hg18, pos_hg19)",
        ),
        (
            "chrom\tpos\tref\talt\tbeta\nchr1\t5\tA\tG\t1\nchr1\t0\tA\tG\t1\n",
            "",
            "t.tsv:3: pos must be at least 1 (1-based), found '0'",
        ),
        ("chrom\tpos\tref\talt\tbeta\nchr1\t5\tA\tG\tx\n", "", "t.tsv:2: column beta: expected a number, found 'x'"),
        ("chrom\tpos\tref\talt\tbeta\nchr1\t5\tA\tG\tinf\n", "", "expected a number, found 'inf'"),
        ("chrom\tpos\tref\talt\tbeta\nchr1\t5\t\tG\t1\n", "", "t.tsv:2: has no value in column ref"),
        ("variant\tbeta\nrs5\t1\n", "", "its column variant ('rs5') names no place with alleles such as chr1_123_A_G"),
        ("chrom\tpos\tref\talt\tbeta\n", "", "has a header and no row"),
        ("chrom\tpos\tref\talt\tbeta\nchr1\t5\tA\tG\t1\n", "beta=b", "has no column b"),
        ("x\n1\n", "beta", "--columns beta: expected FIELD=COLUMN"),
        ("x\n1\n", "gamma=x", "--columns gamma=x: expected FIELD=COLUMN"),
    ],
)
def test_what_is_missing_is_told(tmp_path: Path, text: str, columns: str, message: str) -> None:
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(InputError) as error:
        read_effects(tmp_path / "t.tsv", ["beta"], [], parse_columns(columns))
    assert message in str(error.value)


def test_correlations_are_scipys_and_do_not_change_with_scale() -> None:
    from scipy.stats import pearsonr, spearmanr

    rng = np.random.default_rng(2)
    x = rng.normal(size=80).round(1)
    y = (x + rng.normal(size=80)).round(1)
    found = intervals.correlations(x, y, Bootstrap(200, 1), "s")
    assert found.pearson.value == pytest.approx(pearsonr(x, y).statistic)
    assert found.spearman.value == pytest.approx(spearmanr(x, y).statistic)
    for estimate in (found.pearson, found.spearman):
        assert estimate.low < estimate.value < estimate.high
        assert 0.1 < estimate.high - estimate.low < 0.6
    scaled = intervals.correlations(3 * x + 1, -y, Bootstrap(200, 1), "s")
    assert scaled.pearson.value == pytest.approx(-found.pearson.value)
    assert scaled.spearman.low == pytest.approx(-found.spearman.high)


def test_blocks_of_resamples_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 30))
    whole = intervals.correlations(x, y, Bootstrap(50, 1), "s")
    monkeypatch.setattr(bootstrap, "CELLS_AT_ONCE", 100)
    assert intervals.correlations(x, y, Bootstrap(50, 1), "s") == whole


def test_correlations_of_too_little_have_a_reason() -> None:
    few = intervals.correlations(np.ones(2), np.ones(2), Bootstrap(10, 1), "s")
    flat = intervals.correlations(np.ones(5), np.arange(5.0), Bootstrap(10, 1), "s")
    assert few.reason == "2 variants, fewer than 3"
    assert flat.reason == "all scores or all effects are equal"
    assert np.isnan([*few.pearson, *flat.spearman]).all()
    plain = intervals.correlations(np.arange(5.0), np.arange(5.0), Bootstrap(0, 1), "s")
    assert plain.pearson.value == 1
    assert np.isnan(plain.pearson.low)


def test_directions_agree_where_signs_do() -> None:
    beta, scores = np.array([1.0, -1, 2, -2, 0, 1, np.nan, 3]), np.array([0.5, -0.5, -1, -3, 1, 0, 1, np.nan])
    groups = {"all": np.ones(8, bool), "first": np.arange(8) < 2, "none": np.zeros(8, bool)}
    table = measures.agreement(beta, scores, groups, Bootstrap(20, 1)).set_index("group")
    assert list(table.reset_index().columns) == measures.AGREEMENT_COLUMNS
    assert table.loc["all", ["n", "n_unscored", "n_zero", "n_agree"]].tolist() == [6, 1, 2, 3]
    assert table.loc["all", "agreement"] == 0.75
    assert table.loc["first", "agreement"] == 1
    assert table.loc["first", "reason"] == "2 variants, fewer than 3"
    assert np.isnan(table.loc["none", "agreement"])


def test_agreement_through_the_script(script, study: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    folder, table, _ = study
    table.rename(columns={"pos": "pos_hg18"}).assign(p=np.where(np.arange(N) < 6, 0.5, 0.01)).to_csv(
        folder / "q.tsv", sep="\t", index=False
    )
    options = ["--variants", folder / "q.tsv", "--scores", folder / "sad.h5", "--track", "t0", "--bootstrap", 100]
    script("qtl", "agreement", *options, "--output", folder / "a.tsv")
    script("qtl", "agreement", *options, "--max-p", 0.05, "--output", folder / "b.tsv")
    every, significant = (pd.read_csv(folder / name, sep="\t").iloc[0] for name in ("a.tsv", "b.tsv"))
    assert (every["n"], every["n_unscored"], every["n_agree"]) == (N - 4, 4, N - 10)
    assert (significant["agreement"], significant["n"]) == (1, N - 10)
    assert significant["pearson"] == pytest.approx(1)
    assert every["low"] < every["agreement"] < every["high"]
    assert every["p"] < 1e-6


def test_correlation_through_the_script(script, study: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    folder, table, sad = study
    table["beta"] = table["beta"].where(np.arange(N) != 10)
    table.rename(columns={"beta": "effect_size"}).to_csv(folder / "m.tsv", sep="\t", index=False)
    options = ["--variants", folder / "m.tsv", "--scores", folder / "sad.h5", "--bootstrap", 100, "--seed", 3]
    script("qtl", "correlation", *options, "--output", folder / "c.tsv")
    result = pd.read_csv(folder / "c.tsv", sep="\t").set_index("element")
    assert list(result.index) == ["all", "element:x", "element:y", "element:z"]
    assert list(result["n"]) == [N - 5, 19, 20, 16]
    assert result.loc["element:z", "n_unscored"] == 4
    assert result.loc["element:x", "n_unmeasured"] == 1
    expected = np.corrcoef(table["beta"][20:40], sad[20:40].mean(axis=1))[0, 1]
    assert result.loc["element:y", "pearson"] == pytest.approx(expected, abs=1e-6)
    assert ((result["pearson_low"] < result["pearson"]) & (result["pearson"] < result["pearson_high"])).all()


def test_bad_input_is_refused(refused, study: tuple[Path, pd.DataFrame, np.ndarray]) -> None:
    folder, table, _ = study
    table.assign(chrom="1").to_csv(folder / "q.tsv", sep="\t", index=False)
    options = ["--variants", folder / "q.tsv", "--scores", folder / "sad.h5", "--output", folder / "a.tsv"]
    assert "none of the 60 variants is in the score files" in refused("qtl", "agreement", *options)
    assert "has no column for p" in refused("qtl", "agreement", *options, "--max-p", 0.1)
    assert not (folder / "a.tsv").exists()


def test_real_tables_are_read(shared: Path) -> None:
    dsqtl = read_effects(shared / "data/dsqtl/dsQTL_LCL_hg18.train_chroms.tsv", ["beta"], ["p"], {})
    assert len(dsqtl) == 3400
    assert dsqtl["beta"].abs().max() < 50
    assert dsqtl["p"].between(0, 1).all()
    cagi = read_effects(shared / "data/variants/CAGI5_satmut_training.tsv", ["value"], ["element"], {})
    assert (len(cagi), cagi["element"].nunique()) == (4650, 15)
    malinois = read_effects(shared / "data/variants/Malinois_MPRA_GM12878_effect_sizes.csv", ["value"], ["element"], {})
    assert len(malinois) == 1630
    assert malinois["pos"].iloc[0] == 6665097
    assert malinois["value"].iloc[0] == pytest.approx(1.0115962345655771)


def test_exchanged_alleles_change_neither_agreement_nor_correlation(script, study) -> None:
    folder, table, sad = study
    table.to_csv(folder / "t.tsv", sep="\t", index=False)
    third = np.arange(len(table)) % 3 == 0
    stored = table.assign(ref=np.where(third, "G", "A"), alt=np.where(third, "A", "G"))
    write_scores(folder / "turned.h5", stored.iloc[:-4], (np.where(third[:, None], -1, 1) * sad)[:-4])
    found = []
    for scores in ("sad.h5", "turned.h5"):
        script(
            "qtl",
            "agreement",
            "--variants",
            folder / "t.tsv",
            "--scores",
            folder / scores,
            "--output",
            folder / "o.tsv",
        )
        found.append((folder / "o.tsv").read_bytes())
    assert found[0] == found[1]


def test_the_tracks_of_a_cell_type_or_group_are_averaged(study, script, refused):
    folder, table, _ = study
    table.rename(columns={"beta": "value"}).to_csv(folder / "mpra.tsv", sep="\t", index=False)
    (folder / "tracks.csv").write_text(
        "track,cell_type,group,signal,use,replicate\nt0,a,g,x.bw,,\nt1,b,g,x.bw,,\nt9,b,h,x.bw,,\nt1b,b,h,x.bw,ceiling,2\n"
    )

    def pearson(*which: object) -> float:
        given = ("--variants", folder / "mpra.tsv", "--scores", folder / "sad.h5", "--bootstrap", 0)
        script("qtl", "correlation", *given, *which, "--output", folder / "o.tsv")
        return pd.read_csv(folder / "o.tsv", sep="\t").loc[0, "pearson"]

    sheet = ("--tracks", folder / "tracks.csv", "--cell-type")
    assert pearson(*sheet, "a") == pearson("--track", "t0")
    # A track of the sheet that no score has is no track of the mean.
    assert pearson(*sheet, "b") == pearson("--track", "t1")
    assert pearson(*sheet, "g") == pearson()
    given = ("--variants", folder / "mpra.tsv", "--scores", folder / "sad.h5", "--output", folder / "n.tsv")
    assert "none of the tracks of h" in refused("qtl", "correlation", *given, *sheet, "h")
    assert "no track of the cell type or group z" in refused("qtl", "correlation", *given, *sheet, "z")
    assert "needs the sheet" in refused("qtl", "correlation", *given, "--cell-type", "a")
    assert "exclude each other" in refused("qtl", "correlation", *given, *sheet, "a", "--track", "t0")
    assert not (folder / "n.tsv").exists()


def test_variants_of_tables_with_columns_of_other_names_are_collected(script, refused, tmp_path):
    (tmp_path / "q.tsv").write_text("chrom_sim\tat\tref\talt\tslope\nchr1\t7\tA\tG\t0.5\nchr1\t5\tC\tT\t0.1\n")
    (tmp_path / "m.tsv").write_text("chrom\tpos\tref\talt\tvalue\nchr1\t7\tA\tG\t2\nchr1\t6\tG\tC\t1\n")
    (tmp_path / "s.vcf").write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\nchr1\t5\t.\tC\tT\n")
    tables = ("--effects", tmp_path / "q.tsv", "--effects", tmp_path / "m.tsv", "--vcf", tmp_path / "s.vcf")
    names = ("--columns", "chrom=chrom_sim,pos=at", "--columns", "")
    script("sad", "collect", *tables, *names, "--output", tmp_path / "o.vcf")
    lines = [line.split("\t") for line in (tmp_path / "o.vcf").read_text().splitlines() if line[0] != "#"]
    assert [(line[1], line[3], line[4]) for line in lines] == [("6", "G", "C"), ("7", "A", "G")]
    said = refused("sad", "collect", *tables, "--columns", "pos=at", "--output", tmp_path / "n.vcf")
    assert "1 --columns for 2 --effects" in said


def test_rows_that_repeat_count_once_and_further_rows_of_a_variant_are_said(
    tmp_path: Path, warned: Callable[[], list[str]]
) -> None:
    rows = ["chr1 5 A G 1", "chr1 5 A G 1", "chr1 4 TA TG 1", "chr1 5 A G 2", "chr1 9 A G 1", "chr1 8 A G NA"]
    text = "".join(row.replace(" ", "\t") + "\n" for row in ["chrom pos ref alt beta", *rows])
    (tmp_path / "t.tsv").write_text(text)
    table = measures.once(read_effects(tmp_path / "t.tsv", ["beta"], ["p"], {}), ["beta", "p"])
    assert table["pos"].tolist() == [5, 5, 9, 8]
    assert warned() == [
        "2 of 6 rows repeat another: left out",
        "1 of 4 rows are of a variant that has another row: each row counts",
    ]
