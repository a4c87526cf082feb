"""Signal files, genotypes and traits of the simulated study."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from accessiflow.genome import Fasta, decode
from accessiflow.signal.insertions import Counting, insertions, read_barcodes
from accessiflow.simulate import genotypes, signal, traits
from accessiflow.simulate.design import POLYGENIC, StudyDesign
from accessiflow.simulate.elements import make_chromosome
from accessiflow.simulate.grammar import CELL, TrueEffects, make_grammar

DESIGN = StudyDesign(
    seed=3, chromosomes=3, chrom_length=150_000, cell_types=4, individuals=61, gwas_individuals=300, snps=900
)
SIZES = {"chr1": 64_000}


@pytest.fixture(scope="module")
def snps():
    """A chromosome and the SNPs on it."""
    grammar = make_grammar(DESIGN)
    planted = make_chromosome(DESIGN, grammar, 0)
    made = genotypes.make_snps(DESIGN, planted, 0)
    return grammar, planted._replace(codes=genotypes.with_reference_alleles(planted.codes, made)), made


@pytest.fixture
def drawn():
    """Insertions of three cell types on one chromosome."""
    rng = np.random.default_rng(0)
    return {
        name: {"chr1": signal.draw_insertions(np.full(SIZES["chr1"] // CELL, 0.4), rng)}
        for name in ("alpha1", "alpha2", "beta1")
    }


def test_counts_are_negative_binomial():
    expected = np.full(24 * 40_000, 20 / 24)
    counts = np.bincount(signal.draw_insertions(expected, np.random.default_rng(1)) // 192, minlength=40_000)[1:-1]
    assert counts.mean() == pytest.approx(20, rel=0.01)
    assert counts.var() == pytest.approx(20 + signal.DISPERSION * 20**2, rel=0.05)


def test_bam_gives_back_the_insertions(drawn, tmp_path):
    signal.write_bam(drawn["alpha1"], SIZES, np.random.default_rng(0), tmp_path / "x.bam")
    assert (tmp_path / "x.bam.bai").exists()
    assert np.array_equal(insertions(tmp_path / "x.bam", "bam", SIZES, Counting())["chr1"], drawn["alpha1"]["chr1"])
    unfiltered = insertions(tmp_path / "x.bam", "bam", SIZES, Counting(min_mapq=0))["chr1"]
    assert len(unfiltered) > len(drawn["alpha1"]["chr1"])


def test_fragments_of_listed_barcodes_give_back_the_insertions(drawn, tmp_path):
    path, barcodes = tmp_path / "x.fragments.tsv.gz", tmp_path / "x.barcodes.txt"
    signal.write_fragments(drawn, "beta1", np.random.default_rng(0), path, barcodes)
    own = insertions(path, "fragments", SIZES, Counting(barcodes=read_barcodes(barcodes)))["chr1"]
    planted = drawn["beta1"]["chr1"]
    assert len(planted) - len(own) < 2 * signal.FRAGMENT_STEP
    assert np.array_equal(own, planted[: len(own)])
    assert len(insertions(path, "fragments", SIZES, Counting())["chr1"]) > 1.4 * len(own)


def test_bigwigs_hold_insertions_and_expectation(drawn, tmp_path):
    import pyBigWig

    expected = np.repeat([0.25, 3.0, 0.25], [1000, 24, 6976])
    signal.write_insertions_bigwig(drawn["alpha1"], SIZES, tmp_path / "i.bw")
    signal.write_expected_bigwig({"chr1": expected}, SIZES, tmp_path / "e.bw")
    with pyBigWig.open(str(tmp_path / "i.bw")) as handle:
        values = np.nan_to_num(handle.values("chr1", 0, SIZES["chr1"], numpy=True))
    assert np.array_equal(values, np.bincount(drawn["alpha1"]["chr1"], minlength=SIZES["chr1"]))
    with pyBigWig.open(str(tmp_path / "e.bw")) as handle:
        assert len(handle.intervals("chr1")) == 3
        assert np.nansum(handle.values("chr1", 0, SIZES["chr1"], numpy=True)) == pytest.approx(expected.sum(), rel=1e-4)


def test_snps_agree_with_the_genome_and_are_never_strand_ambiguous(snps):
    _, chromosome, made = snps
    position = made.table["pos"].to_numpy() - 1
    assert (np.diff(position) > 0).all()
    assert "".join(made.table["ref"]) == decode(chromosome.codes[position])
    assert not {"AT", "TA", "CG", "GC"} & set(made.table["ref"] + made.table["alt"])
    assert made.table["id"].is_unique


def test_either_allele_may_be_the_one_that_makes_the_motif(snps):
    grammar, chromosome, made = snps
    occupancy = grammar.occupancy(chromosome.codes)
    effects = grammar.effects(chromosome.codes, occupancy, made.table["pos"].to_numpy() - 1, made.alt).difference
    strongest = np.take_along_axis(effects, np.abs(effects).argmax(1)[:, None], 1).ravel()
    large = strongest[np.abs(strongest) > traits.LARGE]
    assert len(large) > 15
    assert 0.1 < (large > 0).mean() < 0.6


def test_snps_are_common_and_linked(snps):
    _, _, made = snps
    assert made.panel.shape == (len(made.table), 61)
    assert made.gwas.shape == (len(made.table), 300)
    frequency = made.panel.mean(1) / 2
    assert np.minimum(frequency, 1 - frequency).min() >= genotypes.MIN_MAF
    common = made.panel[np.minimum(frequency, 1 - frequency) > 0.1].astype(float)
    r2 = np.corrcoef(common) ** 2
    step = len(common) // 2
    assert np.diagonal(r2, 1).mean() > 2 * np.diagonal(r2, step).mean()


def test_a_share_of_the_snps_lies_on_motifs(snps):
    _, chromosome, made = snps
    covered = np.zeros(DESIGN.chrom_length, bool)
    for start, end in zip(chromosome.sites["start"], chromosome.sites["end"], strict=True):
        covered[start:end] = True
    assert 0.1 < covered[made.table["pos"] - 1].mean() < 0.35


def test_plink_files_hold_the_panel(snps, tmp_path):
    _, _, made = snps
    genotypes.write_plink(made, tmp_path / "panel.1")
    raw = np.frombuffer((tmp_path / "panel.1.bed").read_bytes(), np.uint8)
    assert raw[:3].tolist() == [0x6C, 0x1B, 0x01]
    pairs = (raw[3:].reshape(len(made.table), -1, 1) >> np.array([0, 2, 4, 6])) & 3
    copies = np.array([2, -1, 1, 0])[pairs.reshape(len(made.table), -1)[:, :61]]
    assert np.array_equal(copies, made.panel)
    bim = pd.read_csv(tmp_path / "panel.1.bim", sep="\t", header=None)
    assert bim[0].eq(1).all()
    assert np.allclose(bim[2], (bim[3] - 1) * 2e-6, atol=1e-6)
    assert (bim[4].to_numpy() == made.table["alt"].to_numpy()).all()
    assert len((tmp_path / "panel.1.fam").read_text().splitlines()) == 61


def test_vcf_refers_to_the_fasta(snps, tmp_path):
    import pysam

    _, chromosome, made = snps
    (tmp_path / "g.fa").write_text(f">chr1\n{decode(chromosome.codes)}\n")
    genotypes.write_vcf([made], DESIGN, tmp_path / "v.vcf.gz")
    with pysam.VariantFile(str(tmp_path / "v.vcf.gz")) as vcf, Fasta(tmp_path / "g.fa") as fasta:
        records = list(vcf.fetch("chr1"))
        assert len(records) == len(made.table)
        assert all(decode(fasta.codes(r.chrom, r.pos - 1, r.pos)) == r.ref for r in records)


def _toy_snps(rng: np.random.Generator, n: int = 40, people: int = 200) -> genotypes.Snps:
    table = pd.DataFrame(
        {
            "chrom": "chr1",
            "pos": np.arange(n) * 50 + 1,
            "id": [f"rs{i}" for i in range(n)],
            "ref": "A",
            "alt": "G",
            "cm": 0.0,
        }
    )
    dosage = rng.binomial(2, 0.3, (n, people)).astype(np.int8)
    return genotypes.Snps(table, np.zeros(n, np.uint8), np.full(n, 2, np.uint8), dosage[:, :20], dosage)


def test_gwas_equals_linear_regression():
    made = _toy_snps(np.random.default_rng(0))
    phenotype = np.round(np.random.default_rng(1).normal(size=200) / traits.PHENOTYPE_GRID) * traits.PHENOTYPE_GRID
    table = traits._associations(made, phenotype)
    for row in range(5):
        fit = stats.linregress(made.gwas[row], phenotype)
        assert table["BETA"][row] == pytest.approx(fit.slope, abs=1e-6)
        assert table["SE"][row] == pytest.approx(fit.stderr, abs=1e-6)
        assert table["P"][row] == pytest.approx(fit.pvalue, rel=0.05)


def test_gwas_sums_are_exact_in_any_order():
    rng = np.random.default_rng(0)
    made = _toy_snps(rng, people=3000)
    order = rng.permutation(3000)
    shuffled = made._replace(gwas=made.gwas[:, order])
    effects = rng.normal(size=40) * 0.1
    assert np.array_equal(
        traits._genetic_value(made.gwas, effects)[order], traits._genetic_value(shuffled.gwas, effects)
    )
    phenotype = np.round(rng.normal(size=3000) / traits.PHENOTYPE_GRID) * traits.PHENOTYPE_GRID
    exact = made.gwas.astype(object) @ [int(v / traits.PHENOTYPE_GRID) for v in phenotype]
    assert np.array_equal(made.gwas.astype(float) @ phenotype, exact.astype(float) * traits.PHENOTYPE_GRID)


def test_gwas_finds_the_planted_effect():
    made = _toy_snps(np.random.default_rng(0))
    table = traits.gwas([made], np.eye(40)[7], np.random.default_rng(2))[0]
    assert table["P"].idxmin() == 7
    assert table["BETA"][7] > 0
    assert list(table) == ["CHR", "BP", "SNP", "A1", "A2", "FRQ", "BETA", "SE", "P", "N"]


def test_heritability_lies_in_the_private_elements(snps):
    grammar, chromosome, made = snps
    occupancy = grammar.occupancy(chromosome.codes)
    difference = grammar.effects(chromosome.codes, occupancy, made.table["pos"].to_numpy() - 1, made.alt).difference
    for trait, cell_type in DESIGN.trait_cell_types.items():
        shares = traits.effect_shares(trait, DESIGN, made.table, chromosome.elements, difference)
        inside = traits.inside_cluster(made.table, chromosome.elements, cell_type)
        assert shares.sum() == pytest.approx(1)
        assert not shares[~inside].any()
        assert (shares[inside] >= 0.5 / inside.sum()).all()
        truth = traits.true_enrichment(DESIGN, made.table, chromosome.elements, {trait: np.sqrt(shares)}).set_index(
            "annotation"
        )
        assert truth.loc[cell_type, "true_enrichment"] == pytest.approx(1 / inside.mean())
    assert np.ptp(traits.effect_shares(POLYGENIC, DESIGN, made.table, chromosome.elements, difference)) == 0


def test_eqtls_are_the_large_effects():
    table = pd.DataFrame({"chrom": "chr1", "pos": [100, 5000, 9000], "ref": "A", "alt": "C"})
    genes = pd.DataFrame(
        {"chrom": "chr1", "start": [50, 8000], "end": [300, 9100], "name": ["near", "far"], "strand": ["+", "-"]}
    )
    difference = np.array([[traits.LARGE, 0, 0, 0], [-traits.SMALL * 2, 0, 0, 0], [0, traits.LARGE, 0, 0]])
    out = traits.eqtl_table(DESIGN, "alpha1", table, genes, difference)
    assert out["pip"].iloc[0] > 0.9
    assert 0.01 < out["pip"].iloc[1] < 0.9
    assert out["pip"].iloc[2] < 0.01
    assert list(out["gene"]) == ["near", "far", "far"]


def test_allelic_counts_are_beta_binomial_around_the_true_ratio():
    n = 4000
    made = _toy_snps(np.random.default_rng(0), n=n, people=40)
    ref, alt = np.full((n, 4), 60.0), np.full((n, 4), 20.0)
    out = traits.allelic_counts(DESIGN, "alpha1", [made], TrueEffects(ref, alt))
    depth = out["ref_count"] + out["alt_count"]
    assert depth.min() >= traits.MIN_DEPTH
    assert out["ref_count"].sum() / depth.sum() == pytest.approx(0.75, abs=0.005)
    expected = 0.75 * 0.25 * (1 / depth + traits.OVERDISPERSION * (1 - 1 / depth))
    assert ((out["ref_count"] / depth - 0.75) ** 2 / expected).mean() == pytest.approx(1, abs=0.1)
    closed = traits.allelic_counts(DESIGN, "alpha1", [made], TrueEffects(ref * 0.05, alt * 0.05))
    assert closed.empty
