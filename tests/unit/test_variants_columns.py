"""Tables of variants in the layouts that their makers write, and how they are told from one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accessiflow.errors import InputError
from accessiflow.log import kept_losses
from accessiflow.variants.columns import read_allele_counts, read_effects, read_fine_mapped, read_variants
from accessiflow.variants.tables import KEY

Warned = Callable[[], list[str]]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line.replace(" ", "\t") + "\n" for line in lines))
    return path


FINE_MAPPED = {
    "eQTL Catalogue, credible sets": (
        "molecular_trait_id gene_id cs_id variant rsid cs_size pip pvalue beta se z cs_min_r2 region",
        "ENST01 ENSG01 ENST01_L1 chr1_500_A_G rs5 3 0.95 1e-9 0.5 0.1 5 0.9 chr1:1-1000",
    ),
    "GTEx, DAP-G": (
        "tissue_id gene_id cluster_id variant_id variant_pip beta",
        "Blood ENSG01 1 chr1_500_A_G_b38 0.95 0.5",
    ),
    "GTEx, SuSiE": ("phenotype_id variant_id pip af cs_id slope", "ENSG01 chr1_500_A_G_b38 0.95 0.7 1 0.5"),
    "GTEx, CAVIAR with alleles": (
        "TISSUE GENE eQTL CHROM POS Probability beta",
        "Blood ENSG01 chr1_500_A_G_b38 1 500 0.95 0.5",
    ),
    "GTEx, CaVEMaN": (
        "TISSUE GENE eQTL CHROM POS Probability beta",
        "Blood ENSG01 chr1_500_A_G_b38 chr1 500 0.95 0.5",
    ),
    "CAVIAR": ("SNP_ID Prob_in_pCausalSet Causal_Post._Prob. beta gene", "chr1_500_A_G 0.5 0.95 0.5 ENSG01"),
    "FINEMAP": (
        "index rsid chromosome position allele1 allele2 maf beta se z prob log10bf mean sd gene",
        "1 rs5 chr1 500 A G 0.3 0.5 0.1 5 0.95 2.1 0.4 0.1 ENSG01",
    ),
    "gnomAD's names": ("variant pip beta gene", "chr1-500-A-G 0.95 0.5 ENSG01"),
    "FINEMAP, ids alone": ("index rsid prob beta gene", "1 chr1:500:A:G 0.95 0.5 ENSG01"),
    "eQTL Catalogue, before release 6": (
        "phenotype_id variant_id chr pos ref alt cs_id cs_index finemapped_region pip z cs_size posterior_mean",
        "ENSG01 chr1_500_A_G chr1 500 A G ENSG01_L1 L1 chr1:1-1000 0.95 5 3 0.5",
    ),
    "GTEx, CAVIAR": ("TISSUE GENE eQTL CHROM POS REF ALT Probability beta", "Blood ENSG01 rs5 chr1 500 A G 0.95 0.5"),
    "susieR": ("CHR BP REF ALT variable_prob beta gene", "chr1 500 a g 0.95 0.5 ENSG01"),
    "FinnGen": (
        "trait region v rsid chromosome position allele1 allele2 maf beta se p prob gene_name",
        "t r 1:500 rs5 chr1 500 A G 0.3 0.5 0.1 1e-9 0.95 ENSG01",
    ),
    "PolyFun": ("SNP CHR BP A1 A2 PIP BETA gene", "rs5 chr1 500 G A 0.95 0.5 ENSG01"),
    "effect and other allele": (
        "chromosome base_pair_location effect_allele other_allele PIP beta gene",
        "chr1 500 G A 0.95 0.5 ENSG01",
    ),
    "REF is the effect allele": ("#CHROM POS REF ALT A1 PIP BETA gene", "chr1 500 A G A 0.95 -0.5 ENSG01"),
    "BED": ("#chrom start end ref alt pip beta gene", "chr1 499 500 A G 0.95 0.5 ENSG01"),
    "start from 1": ("chrom start end ref alt pip beta gene", "chr1 500 500 A G 0.95 0.5 ENSG01"),
}


@pytest.mark.parametrize("layout", FINE_MAPPED)
def test_fine_mapped_variants_are_read_as_their_makers_write_them(tmp_path: Path, layout: str) -> None:
    table = read_fine_mapped(write(tmp_path / "t.tsv", *FINE_MAPPED[layout]), "blood", beta=True)
    assert table[[*KEY, "pip", "beta", "gene"]].to_numpy().tolist() == [["chr1", 500, "A", "G", 0.95, 0.5, "ENSG01"]]
    if "af" in FINE_MAPPED[layout][0].split() or "maf" in FINE_MAPPED[layout][0].split():
        assert table["maf"].iloc[0] == pytest.approx(0.3)


@pytest.mark.parametrize("between", [" ", "  ", ","])
def test_columns_may_stand_between_blanks_or_commas(tmp_path: Path, between: str) -> None:
    lines = (line.replace(" ", between) + "\n" for line in FINE_MAPPED["FINEMAP"])
    (tmp_path / "t.snp").write_text("# FINEMAP\n" + "".join(lines))
    table = read_fine_mapped(tmp_path / "t.snp", beta=True)
    assert table[[*KEY, "pip", "beta", "gene"]].to_numpy().tolist() == [["chr1", 500, "A", "G", 0.95, 0.5, "ENSG01"]]


DAPG = """Posterior expected model size: 1.226 (sd = 0.426)
LogNC = 12.2 ( Log10NC = 5.3 )

    1    7.7e-01    1    25.1   [chr1_500_A_G_b38]

Posterior inclusion probability

((1))     chr1_500_A_G_b38    9.50000e-01     25.100    1
((2))     chr1_900_CA_C_b38   4.10000e-03      1.300   -1

Independent association signal clusters

     cluster    member_snp   cluster_pip    average_r2
       {1}          1         9.5e-01          1.000
"""


def test_dap_gs_own_output_is_read(tmp_path: Path) -> None:
    (tmp_path / "fm.out").write_text(DAPG)
    table = read_fine_mapped(tmp_path / "fm.out")
    assert table[[*KEY, "pip"]].to_numpy().tolist() == [["chr1", 500, "A", "G", 0.95], ["chr1", 900, "CA", "C", 0.0041]]
    (tmp_path / "fm.out").write_text(DAPG.replace("chr1_900_CA_C_b38", "rs9"))
    with pytest.raises(InputError, match=r"fm\.out:9: column variant_id: expected a variant"):
        read_fine_mapped(tmp_path / "fm.out")
    (tmp_path / "fm.out").write_text(DAPG.replace("((", "(["))
    with pytest.raises(InputError, match="holds no variant with a posterior inclusion probability"):
        read_fine_mapped(tmp_path / "fm.out")


def test_gtexs_annotation_with_dap_g_is_read_by_tissue(tmp_path: Path, warned: Warned) -> None:
    path = tmp_path / "CS95.txt"
    path.write_text(
        "chr1\t500\tchr1_500_A_G_b38\tA\tG\tENSG01.5:2@Liver=9.5e-01[9.99e-01:3]|ENSG02.1:1@Blood=0.25[1:9]|\n"
        "chr1\t900\tchr1_900_CA_C_b38\tCA\tC\tENSG01.5:2@Liver=0.004[9.99e-01:3]\n"
    )
    table = read_fine_mapped(path, "Liver")
    rows = [["chr1", 500, "A", "G", 0.95, "ENSG01.5"], ["chr1", 900, "CA", "C", 0.004, "ENSG01.5"]]
    assert table[[*KEY, "pip", "gene"]].to_numpy().tolist() == rows
    with pytest.raises(InputError, match=r"holds 2 tissues in column tissue_id \(Liver, Blood...\), none of them skin"):
        read_fine_mapped(path, "skin")
    assert len(read_fine_mapped(path)) == 3 and "2 tissues are taken together" in warned()[0]
    path.write_text(path.read_text() + "chr1\t901\tx\tA\tG\tENSG01\n")
    with pytest.raises(InputError, match=r"CS95\.txt:3: expected chromosome, position, id, REF, ALT and GENE"):
        read_fine_mapped(path, "Liver")


def test_alleles_that_are_no_sequence_are_left_out_with_their_number(tmp_path: Path, warned: Warned) -> None:
    alleles = ("A <DEL>", "A *", "N A", "I D", "A G,T", "a g", "A -", "- ga", "A A")
    lines = [f"chr1 {i + 5} {pair} 0.{i + 1}" for i, pair in enumerate(alleles)]
    path = write(tmp_path / "t.tsv", "chrom pos ref alt pip", *lines)
    kept_losses.clear()
    table = read_fine_mapped(path)
    # the values stay beside their variants
    rows = [["chr1", 10, "A", "G", 0.6], ["chr1", 11, "A", "-", 0.7], ["chr1", 12, "-", "GA", 0.8]]
    assert table[[*KEY, "pip"]].to_numpy().tolist() == rows
    losses = [(loss.n, loss.of, loss.source) for loss in kept_losses.losses() if loss.reason.startswith("REF or ALT")]
    assert losses == [(6, 9, "t.tsv")]
    assert (
        "6 of 9 rows are left out, whose REF or ALT is no sequence of A, C, G, T (the first: chr1:5 A/<DEL>)"
        in warned()[0]
    )
    effects = read_effects(path, ["value"], [], {"value": "pip"})
    assert effects["value"].tolist() == [0.6, 0.7, 0.8]


def test_which_allele_is_which_is_said_where_the_names_do_not(tmp_path: Path, warned: Warned) -> None:
    read_fine_mapped(write(tmp_path / "t.tsv", *FINE_MAPPED["FINEMAP"]))
    assert warned() == [f"{tmp_path}/t.tsv: allele1 is taken as REF, allele2 as ALT, whose effect beta is"]


def test_an_effect_allele_that_is_neither_leaves_no_beta(tmp_path: Path, warned: Warned) -> None:
    lines = ("chrom pos ref alt effect_allele beta", "chr1 5 A G T 0.5", "chr1 6 A G a 0.5", "chr1 7 A G G 0.5")
    for table in (
        read_fine_mapped(write(tmp_path / "t.tsv", *lines)),
        read_effects(tmp_path / "t.tsv", ["beta"], [], {}),
    ):
        assert np.array_equal(table["beta"], [np.nan, -0.5, 0.5], equal_nan=True)
    assert len(warned()) == 1 and "in 1 of 3 rows the effect allele is neither REF nor ALT" in warned()[0]


def test_a_guess_of_the_effect_allele_is_warned_of(tmp_path: Path, warned: Warned) -> None:
    read_fine_mapped(write(tmp_path / "t.tsv", *FINE_MAPPED["PolyFun"]))
    assert warned() == [f"{tmp_path}/t.tsv: A1 is taken as the effect allele, A2 as the other one"]


def test_rows_of_one_tissue_are_read_of_a_table_of_several(tmp_path: Path, warned: Warned) -> None:
    lines = (
        "tissue_id variant_id pip",
        "Blood chr1_5_A_G_b38 0.9",
        "Liver chr1_6_A_G_b38 0.8",
        "Liver chr1_7_A_G_b38 2",
    )
    path = write(tmp_path / "t.tsv", *lines)
    assert list(read_fine_mapped(path, "Blood")["pos"]) == [5]
    with pytest.raises(InputError, match=r"t\.tsv:4: pip must lie between 0 and 1"):
        read_fine_mapped(path, "Liver")
    with pytest.raises(InputError, match=r"holds 2 tissues in column tissue_id \(Blood, Liver...\), none of them skin"):
        read_fine_mapped(path, "skin")
    read_fine_mapped(write(path, *lines[:3]))
    assert warned() == [f"{path}: the rows of 2 tissues are taken together: name one of them"]


COUNTS = {
    "ours": ("chrom pos ref alt ref_count alt_count", "chr1 500 A G 22 10"),
    "GATK's ASEReadCounter": (
        "contig position variantID refAllele altAllele refCount altCount totalCount lowMAPQDepth lowBaseQDepth "
        "rawDepth otherBases improperPairs",
        "chr1 500 rs5 A G 22 10 32 0 1 33 0 0",
    ),
    "GTEx": (
        "CHR POS VARIANT_ID REF_ALLELE ALT_ALLELE SAMPLE_ID SUBJECT_ID TISSUE_ID REF_COUNT ALT_COUNT TOTAL_COUNT "
        "REF_RATIO OTHER_ALLELE_COUNT NULL_RATIO BINOM_P GENE_ID LOW_MAPABILITY MAPPING_BIAS_SIM GENOTYPE_WARNING",
        "chr1 500 chr1_500_A_G_b38 A G s1 p1 WHLBLD 22 10 32 0.69 0 0.5 0.05 ENSG01 0 0 0",
    ),
    "without place": ("variantID ref_reads alt_reads", "chr1_500_A_G 22 10.0"),
}


@pytest.mark.parametrize("layout", COUNTS)
def test_allelic_counts_are_read_as_their_makers_write_them(tmp_path: Path, layout: str) -> None:
    table = read_allele_counts(write(tmp_path / "c.tsv", *COUNTS[layout]))
    assert table[[*KEY, "ref_count", "alt_count"]].to_numpy().tolist() == [["chr1", 500, "A", "G", 22, 10]]


def test_gtexs_flags_and_repeated_rows_count(tmp_path: Path, warned: Warned) -> None:
    header = "CHR POS REF_ALLELE ALT_ALLELE SUBJECT_ID REF_COUNT ALT_COUNT GENE_ID LOW_MAPABILITY GENOTYPE_WARNING"
    rows = [
        "chr1 5 A G p1 22 10 g1 0 0",
        "chr1 5 A G p1 22 10 g2 0 0",
        "chr1 5 A G p2 22 10 g1 0 0",
        "chr1 6 A G p1 9 9 g1 0 1",
    ]
    table = read_allele_counts(write(tmp_path / "c.tsv", header, *rows))
    assert list(table["pos"]) == [5, 5, 6]
    assert list(table["mappability"]) == ["unique", "unique", "genotype_warning"]
    assert warned() == [f"{tmp_path}/c.tsv: 1 rows repeat another of the same sample: left out"]


def test_rows_without_counts_are_left_out_with_their_number(tmp_path: Path, warned: Warned) -> None:
    path = write(tmp_path / "c.tsv", "chrom pos ref alt ref_count alt_count", "chr1 5 A G NA 3", "chr1 6 A G 0 0")
    assert list(read_allele_counts(path)["pos"]) == [6]
    assert warned() == [f"{path}: 1 of 2 rows have no counts: left out"]
    with pytest.raises(InputError, match="has no row with counts"):
        read_allele_counts(write(path, "chrom pos ref alt ref_count alt_count", "chr1 5 A G NA 3"))
    with pytest.raises(InputError, match=r"c\.tsv:3: column alt_count: expected an integer, found '2.5'"):
        read_allele_counts(write(path, "chrom pos ref alt ref_count alt_count", "chr1 5 A G NA 3", "chr1 6 A G 1 2.5"))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("CHROM POS Probability", "chr1 5 0.9"), r"lacks the column\(s\) ref, alt \(found: CHROM, POS, Probability\)"),
        (("chrom pos ref alt pip PIP", "chr1 5 A G 0.9 0.8"), r"several columns that may be pip \(pip, PIP\)"),
        (("chrom start end ref alt", "chr1 5 9 A G"), "neither the length of REF"),
        (("chrom pos ref alt", "1 chr1 5 A G"), "has more columns than names in its header"),
        (("variant_id pip", "chr1_5_A_G 0.9", "rs5 0.9"), r"t\.tsv:3: column variant_id: expected a variant such as"),
        (
            ("variant_id pip", "rs5 0.9"),
            r"lacks the column\(s\) chrom, pos, ref, alt, and its column variant_id \('rs5'\)",
        ),
        (
            ("TISSUE GENE eQTL CHROM POS Probability", "Blood ENSG01 1_14677 1 14677 0.9"),
            r"lacks the column\(s\) ref, alt, and its column eQTL \('1_14677'\) names no place with alleles such as "
            r"chr1_123_A_G: take the file with alleles",
        ),
        (
            ("SNP_ID Prob_in_pCausalSet Causal_Post._Prob.", "rs5 0.5 0.9"),
            r"lacks the column\(s\) chrom, pos, ref, alt, and its column SNP_ID \('rs5'\)",
        ),
        (("variable variable_prob cs", "1 0.9 1"), r"lacks the column\(s\) chrom, pos, ref, alt \(found: variable"),
        (("chrom pos ref alt pip", "chr1 5 A <DEL> 0.9"), r"in all 1 rows REF or ALT is no sequence of A, C, G, T"),
        (("chrom;pos;ref;alt;pip", "chr1;5;A;G;0,9"), "has semicolons between its columns"),
        (("chrom pos ref alt pip", "chr1 5 A G 95%"), r"t\.tsv:2: column pip: expected a number, found '95%'"),
        (("chrom pos ref alt pip", "chr1 5 A G 95"), r"t\.tsv:2: pip must lie between 0 and 1, found '95"),
        (("chrom pos ref alt", "chr1 5 A ."), r"t\.tsv:2: has no value in column alt"),
        (
            ("# some comment", "#chrom pos ref alt", "# comment", "chr1 x A G"),
            r"t\.tsv:4: column pos: expected an integer",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_fine_mapped(write(tmp_path / "t.tsv", *lines))


def test_variant_names_hold_contigs_with_any_name(tmp_path: Path) -> None:
    names = ["chr1_KI270706v1_random_12_A_GT_b38", "1:12:A:GT", "chr1:12 A/GT", "chr1_12_A_GT", "HLA-A_12_A>GT"]
    path = tmp_path / "t.tsv"
    path.write_text("variant\n" + "\n".join(names) + "\n")
    table = read_variants(path)
    assert list(table["chrom"]) == ["chr1_KI270706v1_random", "1", "chr1", "chr1", "HLA-A"]
    assert set(zip(table["pos"], table["ref"], table["alt"], strict=True)) == {(12, "A", "GT")}
