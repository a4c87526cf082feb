"""What is made of reference files and statistics: LD scores for the SNPs of a baseline, unique ids, one name a trait,
several baselines at once."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from accessiflow.errors import InputError
from accessiflow.heritability.outputs import printed
from accessiflow.heritability.panel import panel_from_vcf
from accessiflow.heritability.summary import NO_H2, meta_table
from accessiflow.variants.sumstats import bring


def _panel(folder: Path, n: int = 120, cm: float = 1.0, ids: dict[int, str] | None = None) -> Path:
    """A chromosome of n SNPs 10 kb apart, `cm` cM a Mb, of 20 people."""
    rng, bim = np.random.default_rng(5), []
    for i in range(n):
        bp = 10_000 * (i + 1)
        bim.append(f"1\t{(ids or {}).get(i, f'rs{i}')}\t{cm * bp / 1e6:.6f}\t{bp}\tA\tC\n")
    (folder / "p.1.bim").write_text("".join(bim))
    (folder / "p.1.fam").write_text("".join(f"f{i} i{i} 0 0 0 -9\n" for i in range(20)))
    codes = rng.choice([0, 2, 3], (n, 20)).reshape(n, 5, 4)
    (folder / "p.1.bed").write_bytes(b"\x6c\x1b\x01" + (codes @ [1, 4, 16, 64]).astype(np.uint8).tobytes())
    (folder / "x.1.annot.gz").write_text("x\n" + "".join(f"{i % 3 == 0:d}\n" for i in range(n)))
    return folder / "p.1"


def _scores(folder: Path, script, *more: object) -> pd.DataFrame:
    options = [
        "--bfile",
        folder / "p.1",
        "--annot",
        folder / "x.1.annot.gz",
        "--out",
        folder / "x.1",
        "--base",
        folder / "base.1",
    ]
    script("heritability", "ld-scores", *options, "--ld-wind-cm", 0.2, *more)
    base, own = (pd.read_csv(folder / f"{name}.1.l2.ldscore.gz", sep="\t") for name in ("base", "x"))
    pd.testing.assert_frame_equal(base[["CHR", "SNP", "BP"]], own[["CHR", "SNP", "BP"]])
    return own


def test_ld_scores_are_printed_for_the_snps_of_a_baseline_in_its_order_and_counted_over_all(tmp_path, script):
    _panel(tmp_path)
    every = _scores(tmp_path, script).set_index("SNP")["L2"]
    counts = [(tmp_path / f"x.1.l2.{m}").read_text() for m in ("M", "M_5_50")]
    listed = ["rs77", "rs5", "rs30", "rs31"]
    # places of another assembly: ldsc sorts both files by them, so that ours must have them too
    text = "CHR SNP BP baseL2 CodingL2\n" + "".join(f"1 {s} {9000 - i} 1 2\n" for i, s in enumerate(listed))
    (tmp_path / "b.1.l2.ldscore.gz").write_bytes(gzip.compress(text.encode()))
    found = _scores(tmp_path, script, "--print-snps", tmp_path / "b.1.l2.ldscore.gz", "--print-every")
    assert found["SNP"].tolist() == listed
    assert found["BP"].tolist() == [9000, 8999, 8998, 8997]
    assert found["L2"].tolist() == every[listed].tolist()
    assert [(tmp_path / f"x.1.l2.{m}").read_text() for m in ("M", "M_5_50")] == counts


def test_a_frequency_of_exactly_5_per_cent_is_common_in_both_files_or_in_neither(tmp_path, script):
    # A2 on 2, 38, 20 and 1 of 40 chromosomes. ldsc counts the common SNPs (M_5_50) where min(f, 1 - f) > 0.05: for 38,
    # 1 - 0.95 is 0.05000000000000004 in floating point. Its regressions take those of .frq.
    counts = np.zeros((4, 20), int)
    counts[0, :2] = counts[3, 0] = 1
    counts[1], counts[2, :10] = 2 - counts[0], 2
    codes = np.array([0, 2, 3])[counts].reshape(4, 5, 4)
    (tmp_path / "p.1.bed").write_bytes(b"\x6c\x1b\x01" + (codes @ [1, 4, 16, 64]).astype(np.uint8).tobytes())
    (tmp_path / "p.1.bim").write_text("".join(f"1\trs{i}\t{i}\t{i + 1}\tA\tC\n" for i in range(4)))
    (tmp_path / "p.1.fam").write_text("".join(f"f{i} i{i} 0 0 0 -9\n" for i in range(20)))
    (tmp_path / "x.1.annot.gz").write_text("x\n1\n1\n1\n1\n")
    options = ("--bfile", tmp_path / "p.1")
    script("heritability", "ld-scores", *options, "--annot", tmp_path / "x.1.annot.gz", "--out", tmp_path / "x.1")
    script("heritability", "freq", *options, "--out", tmp_path / "p.1.frq")
    frequency = pd.read_csv(tmp_path / "p.1.frq", sep=r"\s+")["MAF"]
    assert frequency.tolist() == pytest.approx([0.05, 0.05, 0.5, 0.025], abs=1e-11)
    common = frequency.between(0.05, 0.95, inclusive="neither")
    assert common.tolist() == [False, True, True, False]
    assert (tmp_path / "x.1.l2.M_5_50").read_text() == "2\n"


def test_a_plain_list_is_printed_in_the_panels_order_as_ldsc_does(tmp_path, script):
    _panel(tmp_path)
    (tmp_path / "list.txt").write_text("rs77\nrs5\nrs999\n")
    assert _scores(tmp_path, script, "--print-snps", tmp_path / "list.txt")["SNP"].tolist() == ["rs5", "rs77"]


def test_weights_may_have_other_snps_a_baseline_may_not(tmp_path, script, refused):
    _panel(tmp_path)
    (tmp_path / "w.1.l2.ldscore").write_text("CHR SNP BP L2\n1 rs9 1 1\n1 rsX 2 1\n1 rs3 3 1\n")
    assert _scores(tmp_path, script, "--print-snps", tmp_path / "w.1.l2.ldscore")["SNP"].tolist() == ["rs9", "rs3"]
    options = [
        "heritability",
        "ld-scores",
        "--bfile",
        tmp_path / "p.1",
        "--out",
        tmp_path / "y",
        "--print-snps",
        tmp_path / "w.1.l2.ldscore",
    ]
    sentence = refused(*options, "--print-every")
    assert (
        "w.1.l2.ldscore: holds 3 SNPs, 1 of which the panel lacks or has without variation (the first: rsX)" in sentence
    )
    assert not list(tmp_path.glob("y*"))


def test_of_snps_with_one_id_the_first_is_printed_and_those_without_are_not(tmp_path, script):
    plain = tmp_path / "plain"
    plain.mkdir()
    _panel(plain)
    expected = _scores(plain, script)["L2"].tolist()
    _panel(tmp_path, ids={7: "rs3", 20: ".", 21: ".", 22: "NA"})
    found = _scores(tmp_path, script)
    left_out = [7, 20, 21, 22]
    assert found["L2"].tolist() == [v for i, v in enumerate(expected) if i not in left_out]
    done = script("heritability", "check", "--bim", tmp_path / "p.1.bim", "--ldscore", tmp_path / "x.1.l2.ldscore.gz")
    assert "120 SNPs agree" in done.stderr


def test_a_baseline_keeps_the_rows_that_it_repeats(tmp_path):
    # ldsc compares the files row by row after it drops repeats from both
    snps = pd.DataFrame({"CHR": "chr1", "SNP": ["a", "b"], "BP": [1, 2]})
    (tmp_path / "b.l2.ldscore").write_text("CHR SNP BP L2\n1 b 2 1\n1 b 2 1\n1 a 1 1\n")
    found = printed(snps, tmp_path / "b.l2.ldscore", every=True)
    assert found[["SNP", "row"]].values.tolist() == [["b", 1], ["b", 1], ["a", 0]]


@pytest.mark.parametrize(("rate", "words"), [(0.0, "0 cM for every SNP"), (0.01, "Morgans"), (1e6, "base pairs")])
def test_a_genetic_map_that_is_none_is_refused(tmp_path, refused, rate, words):
    prefix = _panel(tmp_path, cm=rate)
    sentence = refused("heritability", "ld-scores", "--bfile", prefix, "--out", tmp_path / "o")
    assert "p.1.bim" in sentence
    assert words in sentence
    assert not list(tmp_path.glob("o*"))


VCF = (
    '##fileformat=VCFv4.2\n##contig=<ID=chr1>\n##contig=<ID=chr2>\n##contig=<ID=chrX>\n##FORMAT=<ID=GT,Number=1,Type=String,Description="x">\n'
    "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\n"
)


def test_a_panel_from_a_vcf_has_unique_ids_and_the_chromosomes_that_ldsc_reads(tmp_path, refused):
    records = [
        ("chr1", 10, "rs1", "A", "C"),
        ("chr1", 10, "rs1", "A", "G"),
        ("chr1", 20, ".", "C", "T"),
        ("chr2", 5, "rs1", "G", "A"),
        ("chrX", 7, "rs9", "G", "A"),
    ]
    rows = "".join(f"{c}\t{p}\t{i}\t{r}\t{a}\t.\t.\t.\tGT\t0/1\t1/1\n" for c, p, i, r, a in records)
    (tmp_path / "v.vcf").write_text(VCF + rows)
    assert panel_from_vcf(tmp_path / "v.vcf", tmp_path / "p") == {"1": 3, "2": 1}
    names = [line.split()[1] for c in "12" for line in (tmp_path / f"p.{c}.bim").read_text().splitlines()]
    assert names == ["rs1", "chr1:10:A:G", "chr1:20:C:T", "rs1"]
    assert not (tmp_path / "p.X.bim").exists()
    (tmp_path / "x.vcf").write_text(VCF + rows.splitlines()[-1] + "\n")
    assert "no SNP on the chromosomes 1 to 22" in refused(
        "heritability", "panel", tmp_path / "x.vcf", "--out", tmp_path / "q"
    )


# --- summary statistics


def _text(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.name.endswith(".gz") else raw).decode()


MUNGED = "SNP\tA1\tA2\tZ\tN\nrs1\tA\tG\t1.5\t100\nrs2\tC\tT\tNA\t100\n"


@pytest.mark.parametrize("name", ["B.sumstats.gz", "x.sumstats", "x.tsv"])
@pytest.mark.parametrize(
    "text",
    [
        MUNGED.replace("NA", ""),
        MUNGED.replace("NA", "."),
        MUNGED.replace("\n", "\r\n"),
        MUNGED.replace("\t", ","),
        MUNGED.replace("\t", " "),
        "##a line\n" + MUNGED,
        MUNGED.replace("SNP\tA1\tA2\tZ\tN", "rsid\tEA\tNEA\tz-score\tn"),
    ],
)
def test_munged_statistics_get_their_traits_name_whatever_theirs_is(tmp_path, name, text):
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    made = bring(tmp_path / name, "height", tmp_path / "out")
    assert made == tmp_path / "out/height.sumstats.gz"
    assert _text(made) == MUNGED


def test_the_sheets_size_stands_where_munged_statistics_have_none(tmp_path):
    (tmp_path / "x").write_text("SNP Z\nrs1 1.5\n")
    assert _text(bring(tmp_path / "x", "t", tmp_path, 361194)) == "SNP\tZ\tN\nrs1\t1.5\t361194\n"
    with pytest.raises(InputError, match="has no column N"):
        bring(tmp_path / "x", "t", tmp_path)


def test_raw_statistics_keep_their_names_and_lose_what_munging_does_not_read(tmp_path):
    (tmp_path / "raw.sumstats.gz").write_text(
        "##a line\n#rsid,effect_allele,other_allele,gene name,beta,p-value,n\nrs1,A,G,two words,0.1,-,100\n"
        "rs2,A,G,,-0.1,0.5,100\n"
    )
    made = bring(tmp_path / "raw.sumstats.gz", "t", tmp_path)
    assert made.name == "t.txt"
    assert (
        made.read_text()
        == "rsid\teffect_allele\tother_allele\tbeta\tp-value\tn\nrs1\tA\tG\t0.1\tNA\t100\nrs2\tA\tG\t-0.1\t0.5\t100\n"
    )


def test_lines_that_are_no_rows_are_refused_by_line(tmp_path):
    for text, words in (
        ("rs1 A G 0.1 x 10\n", "x:2: has 'x' where a number belongs"),
        ("rs1 A G 0.1 1 10 9\n", "x:2: has 7 values, the header 6"),
    ):
        (tmp_path / "x").write_text("SNP A1 A2 BETA P N\n" + text)
        with pytest.raises(InputError) as error:
            bring(tmp_path / "x", "t", tmp_path / "o")
        assert words in str(error.value)
        assert not list((tmp_path / "o").glob("*"))


def test_the_command_gives_each_trait_its_own_file(tmp_path, script):
    for trait, z in (("A", 1), ("B", 2)):
        (tmp_path / trait).mkdir()
        (tmp_path / trait / "munged.sumstats.gz").write_text(f"SNP Z N\nrs1 {z} 9\n")
        script(
            "heritability", "sumstats", tmp_path / trait / "munged.sumstats.gz", "--trait", trait, "--outdir", tmp_path
        )
    assert [_text(tmp_path / f"{t}.sumstats.gz").split()[-2] for t in "AB"] == ["1", "2"]


# --- results


def _row(trait: str, enrichment: float, h2: float, baseline: str = "none") -> dict[str, object]:
    values = {
        "Enrichment": enrichment,
        "Enrichment_std_error": 20.0,
        "tau_star": enrichment / 10,
        "tau_star_se_jack": 1.0,
        "tau_star_se": 1.0,
    }
    named = {"model": "m", "Category": "L2_1", "focal": "yes", "trait": trait, "baseline": baseline}
    return named | values | {"h2g": h2, "reason": "" if h2 > 0 else NO_H2}


def test_a_trait_without_heritability_is_not_pooled():
    rows = [_row("good", 61.0, 0.15), _row("neg", -1.0, -0.72), _row("good", 9.0, 0.1, "given")]
    pooled = meta_table(pd.DataFrame(rows))
    assert pooled["n_traits"].tolist() == [1] * 4
    assert pooled["mean"].tolist() == pytest.approx([61.0, 6.1, 9.0, 0.9])
    assert pooled["reason"].tolist() == ["1 trait(s) left out, whose h2 is not above 0 (neg)"] * 2 + [""] * 2
    assert pooled["baseline"].tolist() == ["none"] * 2 + ["given"] * 2
    none = meta_table(pd.DataFrame(rows[1:2]))
    assert none["n_traits"].tolist() == [0, 0]
    assert none["mean"].isna().all()
    assert none["reason"].iloc[0].startswith("no trait has a value and its error; 1 trait(s)")


def test_regressions_beside_several_baselines_are_one_table_with_the_traits_groups(tmp_path, script):
    (tmp_path / "f.1.frq").write_text(
        "CHR SNP A1 A2 MAF NCHROBS\n" + "".join(f"1 rs{i} A C 0.2 10\n" for i in range(4))
    )
    for name, columns, rows in (("base", "base", "1\n"), ("given", "base\tCoding", "1\t1\n"), ("x", "x", "1\n")):
        (tmp_path / f"{name}.1.annot.gz").write_text(columns + "\n" + rows * 4)
    for baseline in ("none", "given"):
        (tmp_path / baseline).mkdir()
        for trait in ("S", "T"):
            (tmp_path / baseline / f"{trait}.x.results").touch()
            (tmp_path / baseline / f"{trait}.x.log").write_text(
                "numpy.linalg.LinAlgError: Singular matrix\nTypeError: '>=' not supported between instances\n"
            )
    (tmp_path / "traits.tsv").write_text("trait\tgroup\nS\tCNS\nT\t\n")
    script("heritability", "summarise", "none", "given", "--baseline", "none", "--annot", "base.,@.",
           "--baseline", "given", "--annot", "given.,@.", "--frqfile", "f.",
           "--traits", "traits.tsv", "--output", "h.tsv", "--qc", "qc.tsv", "--meta", "meta.tsv",
           cwd=tmp_path)  # fmt: skip
    table = pd.read_csv(tmp_path / "h.tsv", sep="\t")
    assert table.groupby(["baseline", "trait"]).size().to_dict() == {
        ("given", "S"): 3,
        ("given", "T"): 3,
        ("none", "S"): 2,
        ("none", "T"): 2,
    }
    assert table["baseline"].drop_duplicates().tolist() == ["none", "given"]
    assert table.loc[table["trait"] == "S", "group"].tolist() == ["CNS"] * 5
    assert table.loc[table["trait"] == "T", "group"].isna().all()
    assert set(table["reason"]) == {"LinAlgError: Singular matrix"}
    assert pd.read_csv(tmp_path / "qc.tsv", sep="\t")["baseline"].tolist() == ["none"] * 2 + ["given"] * 2
    assert set(pd.read_csv(tmp_path / "meta.tsv", sep="\t")["baseline"]) == {"none", "given"}


def test_both_statistics_and_several_shares_come_of_one_command(tmp_path, script):
    (tmp_path / "p.1.bim").write_text("".join(f"1\trs{i}\t0.{i}\t{10 * i}\tA\tC\n" for i in range(1, 5)))
    (tmp_path / "p.bed").write_text("chr1\t0\t100\n")
    with h5py.File(tmp_path / "s.h5", "w") as handle:
        text = {"snp": [f"rs{i}" for i in range(1, 5)], "chr": ["chr1"] * 4, "ref": ["A"] * 4, "alt": ["C"] * 4}
        for name, values in (text | {"target_ids": ["a", "b"], "target_labels": ["a", "b"]}).items():
            handle[name] = np.array(values, "S")
        handle["pos"] = [10, 20, 30, 40]
        handle["SAD"] = np.array([[1, 1], [0, 3], [2, 2], [0, 0]], np.float32)
    script("heritability", "annotate", "--bim", tmp_path / "p.@", "--peaks", tmp_path / "p.bed", "--name", "T", "--sad",
           tmp_path / "s.h5", "--statistic",
           "mean,max", "--quantiles", "0.5,0.25", "--model", "m", "--separate", "--output", tmp_path / "out/x",
           "--table", tmp_path / "t.tsv")  # fmt: skip
    table = pd.read_csv(tmp_path / "t.tsv", sep="\t")
    assert table.groupby(["statistic", "share", "half"]).size().to_dict() == {
        (s, q, h): 1 for s in ("mean", "max") for q in (0.5, 0.25) for h in ("top", "bottom")
    }
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        f"{name}.1.annot.gz" for name in table["annotation"]
    )
    top = {
        s: pd.read_csv(tmp_path / f"out/T_{s}_sad_top_0.25.m.1.annot.gz", sep="\t").iloc[:, 0].tolist()
        for s in ("mean", "max")
    }
    assert top == {"mean": [0, 0, 1, 0], "max": [0, 1, 0, 0]}
