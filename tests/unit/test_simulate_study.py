"""The study as a user gets it, and the comparison of results with its truth, through the script."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyBigWig
import pytest

from accessiflow.files import read_table, write_table
from accessiflow.genome import Fasta, decode
from accessiflow.hdf5 import create_hdf5
from accessiflow.sheets import SHEETS, check_sheet
from accessiflow.simulate import compare
from accessiflow.simulate.design import VARIANT_KEY
from accessiflow.simulate.truth import Truth, agreement, calling_probability

SMALL = (
    "--chromosomes",
    3,
    "--chrom-length",
    200_000,
    "--cell-types",
    4,
    "--individuals",
    60,
    "--gwas-individuals",
    300,
    "--snps",
    900,
)
CELL_TYPES = ["alpha1", "alpha2", "beta1", "beta2"]
BIN = 128
ALWAYS = sorted(SHEETS.keys() - {"qtls", "mpra"})  # the sheets of a study without extras


@pytest.fixture(scope="module")
def study(script_apart, tmp_path_factory) -> Path:
    """A small study, of two processes."""
    folder = tmp_path_factory.mktemp("study")
    script_apart("simulate", "study", "--outdir", folder, "--seed", 1, *SMALL)
    return folder


@pytest.fixture(scope="module")
def truth(study) -> Truth:
    """Its truth."""
    return Truth(study / "truth")


def _bytes(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_same_seed_same_bytes_whatever_the_threads(script, study, tmp_path):
    script("simulate", "study", "--outdir", tmp_path / "again", "--seed", 1, "--threads", 1, *SMALL)
    first, again = _bytes(study), _bytes(tmp_path / "again")
    assert [name for name in first if first[name] != again.get(name)] == []
    assert first.keys() == again.keys()
    assert len(first) > 50


@pytest.fixture(scope="module")
def extras(script_apart, tmp_path_factory) -> Path:
    """The same study with what further analyses read."""
    folder = tmp_path_factory.mktemp("extras")
    script_apart("simulate", "study", "--outdir", folder, "--seed", 1, *SMALL, "--extras")
    return folder


def test_extras_change_no_file_but_the_sheets_that_name_them(study, extras):
    first, more = _bytes(study), _bytes(extras)
    assert {name for name in first if more.get(name) != first[name]} == {
        "tracks.csv",
        "models.csv",
        "allelic_counts.csv",
        "params.json",
    }
    rows, problems = check_sheet("tracks", extras / "tracks.csv")
    assert problems == []
    # The models' tracks come first, as they were, with labels.
    plain, _ = check_sheet("tracks", study / "tracks.csv")
    assert [row["track"] for row in rows if row["use"] != "ceiling"] == [row["track"] for row in plain]
    assert {Path(row["signal"]).name for row in rows if row["use"] == "ceiling"} == {
        "alpha1.r2.bw",
        "alpha1.d2.bw",
        "beta1.d2.bw",
    }


def test_a_second_donor_differs_more_than_a_replicate(extras):
    sums = {}
    for name in ("alpha1", "alpha1.r2", "alpha1.d2"):
        with pyBigWig.open(str(extras / "tracks" / f"{name}.bw")) as handle:
            size = handle.chroms("chr1") // 192 * 192
            values = np.nan_to_num(handle.values("chr1", 0, size, numpy=True))
            sums[name] = values.reshape(-1, 192).sum(axis=1)
    replicate, donor = (np.corrcoef(sums["alpha1"], sums[name])[0, 1] for name in ("alpha1.r2", "alpha1.d2"))
    assert 0.8 < donor < replicate - 0.01


def test_a_model_of_probabilities_gives_probabilities_that_follow_the_truth(extras, truth):
    rows, problems = check_sheet("models", extras / "models.csv")
    assert problems == [] and [row["output"] for row in rows] == ["", "probability", ""]
    elements = truth.elements[truth.elements["chrom"] == "chr3"]
    with pyBigWig.open(str(extras / "predictions" / "beta1.bw")) as handle:
        values = np.nan_to_num(handle.values("chr3", 0, handle.chroms("chr3"), numpy=True))
    total = np.concatenate([[0.0], values.cumsum()])
    everywhere = total[192:] - total[:-192]
    assert everywhere.min() >= -1e-9 and everywhere.max() <= 1
    inside = everywhere[elements["start"].to_numpy()]
    active = elements["beta1"].to_numpy() == 1
    assert np.median(inside[active]) > 0.5
    assert np.median(inside[~active]) < 0.1


def test_qtls_and_the_reporter_assay_have_the_true_effects(extras, truth):
    truly = truth.variants.set_index(VARIANT_KEY)["alpha1"]
    qtls = read_table(extras / "qtls" / "alpha1.tsv").rename(columns={"chrom_sim": "chrom", "pos_sim": "pos"})
    effect = truly.loc[pd.MultiIndex.from_frame(qtls[VARIANT_KEY])].to_numpy()
    found = qtls["pval"].to_numpy() < 0.001
    assert found.sum() > 20
    assert (np.sign(effect[found]) == np.sign(qtls["slope"].to_numpy()[found])).mean() > 0.95
    assert np.corrcoef(effect, qtls["slope"])[0, 1] > 0.6
    assay = read_table(extras / "mpra" / "alpha1.tsv")
    assert assay.groupby("element").size().tolist() == [3 * 192] * 3
    assert assay.duplicated(VARIANT_KEY).sum() == 0
    with Fasta(extras / "genome.fa") as fasta:
        bases = [decode(fasta.codes("chr3", pos - 1, pos)) for pos in assay["pos"]]
    assert bases == assay["ref"].tolist()
    shared = assay.merge(truth.variants, on=VARIANT_KEY)
    assert np.abs(shared["value"] - shared["alpha1"] / 120).max() < 0.25


def test_reads_in_place_of_counts_give_the_same_counts(script, extras, tmp_path):
    rows, problems = check_sheet("allelic_counts", extras / "allelic_counts.csv")
    assert problems == [] and [bool(row["counts"]) for row in rows] == [True, True, True, False]
    script("imbalance", "count", rows[-1]["bam"], "--vcf", rows[-1]["vcf"], "--output", tmp_path / "c.tsv")
    columns = [*VARIANT_KEY, "ref_count", "alt_count"]
    drawn = read_table(extras / "allelic_counts" / "beta2.tsv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "c.tsv")[columns], drawn[columns])
    assert len(drawn) > 20


def test_files_of_the_contract_are_there(study):
    names = [
        "genome.fa",
        "genome.fa.fai",
        "genes.bed",
        "motifs.meme",
        "params.json",
        *(f"{kind}.csv" for kind in ALWAYS),
    ]
    assert all((study / name).stat().st_size for name in names)
    assert all(
        (study / "truth" / f"{name}.tsv").stat().st_size for name in ("elements", "variants", "eqtls", "heritability")
    )
    elements = read_table(study / "truth" / "elements.tsv")
    assert list(elements) == ["chrom", "start", "end", "cluster", *CELL_TYPES]
    assert list(read_table(study / "truth" / "variants.tsv")) == [*VARIANT_KEY, *CELL_TYPES]
    assert not [p for p in study.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("kind", sorted(SHEETS))
def test_sheets_are_valid_and_their_files_exist(study, extras, kind):
    folder = study if kind in ALWAYS else extras
    rows, problems = check_sheet(kind, folder / f"{kind}.csv")
    assert problems == []
    for row in rows:
        for column in SHEETS[kind].paths:
            if row[column] and column != "bfile":
                assert Path(row[column]).stat().st_size, row
    if kind == "ld_panel":
        assert all(Path(row["bfile"] + suffix).stat().st_size for row in rows for suffix in (".bed", ".bim", ".fam"))
    if kind == "tracks":
        assert sorted({row["kind"] for row in rows}) == ["bam", "bigwig", "fragments"]
        assert len({row["group"] for row in rows}) == 2


def test_params_name_files_of_the_study(study):
    params = json.loads((study / "params.json").read_text())
    for name in ("fasta", "genes", "motifs", "truth", *ALWAYS):
        assert (study / params[name]).exists()
    with Fasta(study / "genome.fa") as fasta:
        assert list(fasta.sizes) == ["chr1", params["valid_chroms"], params["test_chroms"]]


def test_bad_input_is_refused(refused, tmp_path):
    assert "--chromosomes 2 is not between 3 and 22" in refused(
        "simulate", "study", "--outdir", tmp_path / "x", "--chromosomes", 2
    )
    (tmp_path / "file").write_text("taken")
    assert "choose another --outdir" in refused("simulate", "study", "--outdir", tmp_path / "file", *SMALL)


def _perfect_peaks(truth: Truth, path: Path) -> None:
    """Every bin with an expectation well above the background is a peak."""
    import anndata
    from scipy.sparse import csc_matrix

    n = truth.params["design"]["chrom_length"] // BIN
    chroms = sorted(set(truth.elements["chrom"]))
    obs = pd.DataFrame({"chrom": np.repeat(chroms, n), "start": np.tile(np.arange(n) * BIN, len(chroms))}).assign(
        end=lambda t: t["start"] + BIN
    )
    starts = np.arange(n) * BIN
    coverage = np.column_stack(
        [np.concatenate([truth.expected(t).sums(c, starts, starts + BIN) for c in chroms]) for t in CELL_TYPES]
    ).round()
    is_peak = coverage > 9
    kept = is_peak.any(1)
    obs = obs[kept].set_index(np.arange(kept.sum()).astype(str))
    data = anndata.AnnData(
        coverage[kept].astype(np.float32), obs, pd.DataFrame({"cell_type": CELL_TYPES}, index=CELL_TYPES)
    )
    data.layers["is_peak"] = csc_matrix(is_peak[kept])
    data.write_h5ad(path)


def _windows(truth: Truth, folder: Path) -> tuple[Path, Path]:
    """targets.h5 of the noise-free expectation of the test chromosome, and preds.h5 that are proportional to it."""
    chrom, start = truth.params["test_chroms"][0], np.arange(96, 199_000, 192)
    values = np.column_stack([truth.expected(t).sums(chrom, start, start + 192) for t in CELL_TYPES])[:, None, :]
    with create_hdf5(folder / "targets.h5") as out:
        out["targets"], out["chrom"], out["start"], out["end"] = (
            values,
            np.full(len(start), chrom.encode()),
            start,
            start + 192,
        )
        out["target_ids"] = np.array(CELL_TYPES, dtype="S")
    with create_hdf5(folder / "preds.h5") as out:
        out["preds"] = values.astype(np.float32)
    return folder / "preds.h5", folder / "targets.h5"


def _scores(truth: Truth, path: Path, noise: float) -> None:
    table = truth.variants
    with create_hdf5(path) as out:
        out["chr"], out["pos"] = table["chrom"].to_numpy().astype("S"), table["pos"].to_numpy()
        out["ref_allele"], out["alt_allele"] = table["ref"].to_numpy().astype("S"), table["alt"].to_numpy().astype("S")
        out["SAD"] = table[CELL_TYPES].to_numpy() + noise * np.random.default_rng(0).normal(size=(len(table), 4))
        out["target_ids"] = np.array(CELL_TYPES, dtype="S")


def test_ideal_results_reach_their_ceilings(script, truth, tmp_path):
    _perfect_peaks(truth, tmp_path / "peaks.h5ad")
    predictions, targets = _windows(truth, tmp_path)
    _scores(truth, tmp_path / "sad.h5", 0.0)
    files = (
        "--peaks",
        tmp_path / "peaks.h5ad",
        "--predictions",
        predictions,
        "--targets",
        targets,
        "--scores",
        tmp_path / "sad.h5",
    )
    script("simulate", "compare", "--truth", truth.folder, "--output", tmp_path / "summary.tsv", *files)
    summary = read_table(tmp_path / "summary.tsv")
    assert tuple(summary) == compare.COMPARISON_COLUMNS
    assert summary["figure"].value_counts().to_dict() == {
        "element_recall": 4, "element_precision": 4, "pearson_specific": 5, "pearson_ubiquitous": 5,
        "sad_correlation": 4
    }  # fmt: skip
    demanded = summary.dropna(subset="target")
    assert len(demanded) == 14
    assert (demanded["value"] >= demanded["target"]).all()
    exact = summary[summary["figure"].str.startswith(("pearson", "sad"))]
    assert np.allclose(exact["value"], 1, atol=1e-5)
    assert np.allclose(exact["ceiling"], 1, atol=1e-5)
    assert summary["ceiling"].between(0.5, 1.000001).all()


def test_noise_lowers_the_correlation(truth, tmp_path):
    _scores(truth, tmp_path / "sad.h5", 5.0)
    rows = compare.compare_scores(truth, [tmp_path / "sad.h5"], truth.params["test_chroms"])
    assert [row.unit for row in rows] == CELL_TYPES
    assert max(row.value for row in rows) < 0.9
    assert {row.n for row in rows} == {int(truth.variants["chrom"].isin(truth.params["test_chroms"]).sum())}


def test_eqtl_bins_below_forty_positives_have_no_target(truth, tmp_path):
    table = pd.DataFrame(
        {"tissue": "alpha1", "bin": ["[1,3)", "[3,inf)"], "n_positive": [80, 12], "auroc": [0.9, np.nan]}
    )
    write_table(table, tmp_path / "t.tsv")
    rows = compare.compare_eqtl("eqtl_auroc", [tmp_path / "t.tsv"])
    assert (rows[0].unit, rows[0].target) == ("alpha1:[1,3)", 0.75)
    assert np.isnan(rows[1].target)
    assert rows[1].note == "fewer than 40 positives"
    assert compare.compare_eqtl("eqtl_auroc_shuffled", [tmp_path / "t.tsv"])[0].target == 0.5


def test_imbalance_gets_its_ceiling_from_the_calls(truth, tmp_path):
    ratios = truth.allelic_ratios[truth.allelic_ratios["cell_type"] == "beta1"].head(60)
    calls = ratios[VARIANT_KEY].assign(
        ratio=ratios["true_ratio"] + np.where(np.arange(len(ratios)) % 2, 0.1, -0.1), label="imbalanced"
    )
    write_table(calls, tmp_path / "beta1.calls.tsv")
    write_table(
        pd.DataFrame({"group": ["all", "ubiquitous"], "n": [60, 20], "auroc": [0.85, 0.8]}),
        tmp_path / "demo.beta1.auroc.tsv",
    )
    overall, part = compare.compare_imbalance(
        truth, [tmp_path / "demo.beta1.auroc.tsv"], [tmp_path / "beta1.calls.tsv"]
    )
    assert (overall.unit, overall.value, overall.target, overall.n) == ("beta1", 0.85, 0.8, 60)
    assert 0.5 < overall.ceiling <= 1
    assert part.unit == "beta1:ubiquitous"
    assert np.isnan(part.target)


def test_enrichment_is_ranked_among_specific_annotations(truth, tmp_path):
    models = [f"{c}.{half}" for c in CELL_TYPES for half in ("high", "low")] + [
        "ubiquitous",
        "alpha1.high_mean_sad_top_0.5",
    ]

    def enrichment(trait: str, model: str, category: str) -> float:
        if category == "base" or "low" in model or "sad" in model:
            return 99.0
        return 5.0 * (model[:6] in trait + ".")

    rows = [
        (trait, model, category, enrichment(trait, model, category))
        for trait in ("trait_alpha1", "trait_beta1", "polygenic")
        for model in models
        for category in ("base", "L2_1")
    ]
    write_table(
        pd.DataFrame(rows, columns=["trait", "model", "Category", "Enrichment"]).assign(h2g=0.25, Enrichment_p=0.03),
        tmp_path / "h.tsv",
    )
    summary = pd.DataFrame(compare.compare_heritability(truth, tmp_path / "h.tsv")).set_index("unit")
    ranks = summary[summary["figure"] == "enrichment_rank"]
    assert ranks.loc["trait_alpha1", ["value", "target", "n"]].tolist() == [1, 1, 4]
    assert np.isnan(ranks.loc["polygenic", "target"])
    sizes = summary[summary["figure"] == "enrichment"]
    assert len(sizes) == 3 * 4
    assert sizes["target"].isna().all()
    assert sizes["note"].str.startswith("p 0.03; shown").all()
    total = summary[summary["figure"] == "total_h2"]
    assert total.loc["polygenic", ["value", "ceiling"]].tolist() == [0.25, 0.5]
    planted = truth.heritability.set_index(["trait", "annotation"])["true_enrichment"]
    assert sizes.loc["trait_beta1:beta1.high", "ceiling"] == planted["trait_beta1", "beta1"] > 10


def test_agreement_tolerates_one_bin(truth):
    elements = pd.DataFrame({"chrom": "c", "start": [1000, 5000], "end": [1192, 5192]})
    called = np.zeros(100)
    called[[6, 60]] = 1  # 768-896: the bin before the element's first; 7680: nowhere near
    found = agreement({"c": called}, elements, BIN)
    assert (found.recall, found.precision, found.elements, found.bins) == (0.5, 0.5, 2, 2)
    probability = np.zeros(100)
    probability[[7, 8]] = 0.5
    assert agreement({"c": probability}, elements, BIN).recall == pytest.approx(0.75 / 2)


def test_calling_probability_is_the_tail_of_the_counts():
    draws = np.random.default_rng(0).negative_binomial(1 / 0.1, (1 / 0.1) / (1 / 0.1 + 8.0), 200_000)
    assert calling_probability(np.array([8.0]), 10, 0.1)[0] == pytest.approx((draws >= 10).mean(), abs=0.005)


def test_compare_refuses_what_it_cannot_compare(refused, truth, tmp_path):
    base = ("simulate", "compare", "--truth", truth.folder, "--output", tmp_path / "s.tsv")
    assert "nothing to compare" in refused(*base)
    predictions, targets = _windows(truth, tmp_path)
    assert "belong together" in refused(*base, "--predictions", predictions)
    assert "no such" in refused(*base, "--heritability", tmp_path / "none.tsv")
    with create_hdf5(tmp_path / "other.h5") as out:
        out["preds"] = np.zeros((3, 1, 4))
    assert "has 3 windows" in refused(*base, "--predictions", tmp_path / "other.h5", "--targets", targets)
    assert not (tmp_path / "s.tsv").exists()


def test_unknown_tracks_are_named(truth, tmp_path):
    _scores(truth, tmp_path / "sad.h5", 0.0)
    import h5py

    with h5py.File(tmp_path / "sad.h5", "r+") as handle:
        handle["target_ids"][1] = b"liver"
    with pytest.raises(compare.InputError, match="its track 'liver' is not one of the study's"):
        compare.compare_scores(truth, [tmp_path / "sad.h5"], ["chr3"])
