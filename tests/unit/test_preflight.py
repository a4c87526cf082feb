"""The checks before any compute: a clean study passes, and every fault is named, all of them at once."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyBigWig
import pysam
import pytest

from accessiflow import preflight
from accessiflow.preflight.findings import Findings, Inputs, some
from accessiflow.preflight.reference import Reference, compare_alleles, open_reference
from accessiflow.preflight.variants import Limits, _Row

SIZES = {"chr1": 4000, "chr2": 3000, "chr3": 2000}
N_SNPS = 40


def sequence(chrom: str) -> str:
    codes = np.random.default_rng([7, ord(chrom[-1])]).integers(0, 4, SIZES[chrom])
    return "".join("ACGT"[code] for code in codes)


def write_bigwig(path: Path, chroms: dict[str, int], with_data: list[str]) -> None:
    out = pyBigWig.open(str(path), "w")
    out.addHeader(list(chroms.items()))
    for chrom in with_data:
        out.addEntries([chrom], [100], ends=[200], values=[3.0])
    out.close()


def write_bam(path: Path, chroms: dict[str, int], with_data: list[str], index: bool = True) -> None:
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": c, "LN": n} for c, n in chroms.items()]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for chrom in with_data:
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.query_sequence, read.cigarstring = "r", "ACGT", "4M"
            read.reference_id, read.reference_start, read.mapping_quality = out.get_tid(chrom), 50, 60
            out.write(read)
    if index:
        pysam.index(str(path))


def variants(step: int = 60) -> list[tuple[str, int, str, str]]:
    rows = []
    for chrom in SIZES:
        bases = sequence(chrom)
        for pos in range(50, 50 + step * 14, step):
            ref = bases[pos - 1]
            rows.append((chrom, pos, ref, "A" if ref != "A" else "G"))
    return rows


def write_vcf(path: Path, rows: list[tuple[str, int, str, str]]) -> None:
    body = "".join(f"{c}\t{p}\trs{i}\t{r}\t{a}\t.\t.\t.\n" for i, (c, p, r, a) in enumerate(rows))
    path.write_text(f"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{body}")


def write_table(path: Path, header: str, rows: list[tuple]) -> None:
    path.write_text(header.replace(" ", "\t") + "\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small study without a fault."""
    d = tmp_path_factory.mktemp("clean")
    (d / "genome.fa").write_text("".join(f">{c}\n{sequence(c)}\n" for c in SIZES))
    write_bigwig(d / "A.bw", SIZES, list(SIZES))
    write_bam(d / "B.bam", SIZES, list(SIZES))
    with gzip.open(d / "C.fragments.tsv.gz", "wt") as out:
        out.writelines(f"{c}\t10\t90\tCELL\t1\n" for c in SIZES)
    (d / "D.bedgraph").write_text("".join(f"{c}\t0\t50\t2\n" for c in SIZES))
    (d / "barcodes.txt").write_text("CELL\n")
    (d / "tracks.csv").write_text(
        "track,cell_type,signal,barcodes\nA,a,A.bw,\nB,b,B.bam,\nC,c,C.fragments.tsv.gz,barcodes.txt\nD,d,D.bedgraph,\n"
    )
    (d / "models.csv").write_text("model,preset,init_from\nsmall,small,\nsecond,small,small\n")
    write_vcf(d / "v.vcf", variants())
    (d / "variants.csv").write_text("set,vcf\nv,v.vcf\n")
    fine = [(c, p, r, a, pip, 0.3, "g1") for (c, p, r, a), pip in zip(variants(), [0.95, 0.001] * 21, strict=True)]
    write_table(d / "e.tsv", "chrom pos ref alt pip beta gene", fine)
    (d / "eqtls.csv").write_text("tissue,variants\nblood,e.tsv\n")
    write_table(d / "c.tsv", "chrom pos ref alt ref_count alt_count", [(*v, 12, 15) for v in variants()])
    (d / "allelic_counts.csv").write_text("cell_type,counts,track\na,c.tsv,A\n")
    snps = [(f"rs{i}", "A", "G", 0.1, 0.02, 0.5, 1000) for i in range(N_SNPS)]
    write_table(d / "t.tsv", "SNP A1 A2 BETA SE P N", snps)
    (d / "gwas.csv").write_text("trait,sumstats\nt,t.tsv\n")
    (d / "panel.1.bim").write_text("".join(f"1\trs{i}\t0\t{i + 1}\tA\tG\n" for i in range(N_SNPS)))
    (d / "panel.1.fam").write_text("f i 0 0 0 -9\n")
    (d / "panel.1.bed").write_bytes(b"\x6c\x1b\x01" + bytes(N_SNPS))
    (d / "ld_panel.csv").write_text("chrom,bfile\n1,panel.1\n")
    (d / "genes.tsv").write_text("name\tchrom\ttx_start\tstrand\ng1\tchr1\t500\t+\n")
    (d / "black.bed").write_text("chr1\t10\t20\n")
    sheets = ("tracks", "models", "variants", "eqtls", "allelic_counts", "gwas", "ld_panel")
    params = {name: f"{name}.csv" for name in sheets} | {
        "fasta": "genome.fa", "genes": "genes.tsv", "blacklist": "black.bed", "seq_length": 1344,
        "target_width": 192, "stride": 192,
        "valid_chroms": "chr2", "test_chroms": ["chr3"], "min_snps": 10,
    }  # fmt: skip
    (d / "params.json").write_text(json.dumps(params))
    return d


@pytest.fixture
def study(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "study")
    return tmp_path / "study"


def run(study: Path, staged: dict[str, Path] | None = None, **changes: object) -> Findings:
    params = json.loads((study / "params.json").read_text()) | changes
    return preflight.check(
        params, study, staged, preflight.limits(params, None, 10**6), preflight.least_snps(params, None)
    )


def test_a_clean_study_has_no_problem_and_its_facts(study: Path) -> None:
    found = run(study)
    assert found.problems == []
    assert found.summary["tracks"] == {
        "rows": 4,
        "cell_types": 4,
        "kinds": {"bam": 1, "bedgraph": 1, "bigwig": 1, "fragments": 1},
    }
    assert found.summary["variants"] == {"v": {"records": 42, "compared": 42, "ref_mismatches": 0}}
    assert found.summary["eqtls"]["blood"] == {"rows": 42, "high_pip": 21, "negatives": 21}
    assert found.summary["gwas"] == {"t": {"shared_snps": N_SNPS}}
    assert found.summary["fasta"] == {"contigs": 3, "bases": 9000}
    assert not (study / "genome.fa.fai").exists()


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(study: Path) -> None:
        text = (study / name).read_text()
        assert old in text
        (study / name).write_text(text.replace(old, new, 1))

    return change


def add(name: str, text: str) -> Callable[[Path], None]:
    def change(study: Path) -> None:
        with open(study / name, "a") as out:
            out.write(text)

    return change


def other_names(study: Path) -> None:
    write_bigwig(study / "A.bw", {"1": 4000, "2": 3000}, ["1"])


def other_lengths(study: Path) -> None:
    write_bigwig(study / "A.bw", {c: n + 5 for c, n in SIZES.items()}, list(SIZES))


def no_test_data(study: Path) -> None:
    write_bigwig(study / "A.bw", SIZES, ["chr1", "chr2"])


def no_test_reads(study: Path) -> None:
    write_bam(study / "B.bam", SIZES, ["chr1", "chr2"])


def no_test_reads_without_index(study: Path) -> None:
    (study / "B.bam.bai").unlink()
    write_bam(study / "B.bam", SIZES, ["chr1", "chr2"], index=False)


def wrong_assembly(study: Path) -> None:
    write_vcf(study / "v.vcf", [(c, p, "ACGT"[("ACGT".index(r) + 1) % 4], "N") for c, p, r, a in variants()])


def truncated_bam(study: Path) -> None:
    (study / "B.bam").write_bytes(b"not a bam file at all")


FAULTS = [
    (edit("tracks.csv", "A.bw", "gone.bw"), ["gone.bw", "no such bigwig file"]),
    (
        edit("tracks.csv", "track,cell_type,signal", "track,celltype,signal"),
        ["unknown column 'celltype'", "tracks.csv"],
    ),
    (add("tracks.csv", "A,a,D.bedgraph,\n"), ["'A' is already on line 2"]),
    (edit("tracks.csv", "barcodes.txt", "cells.txt"), ["cells.txt", "no such file of barcodes"]),
    (edit("tracks.csv", "D.bedgraph", "D.xyz"), ["D.xyz", "no known suffix"]),
    (other_names, ["A.bw: shares no chromosome with the FASTA", "here: 1, 2", "FASTA: chr1, chr2, chr3"]),
    (other_lengths, ["A.bw: chr1 has 4005 bp, in the genome 4000", "another assembly"]),
    (no_test_data, ["track A: has no data on any of the test_chroms (chr3)"]),
    (no_test_reads, ["track B: has no data on any of the test_chroms (chr3)"]),
    (no_test_reads_without_index, ["track B: has no data on any of the test_chroms (chr3)"]),
    (edit("D.bedgraph", "chr2\t0\t50", "chr1\t60\t90"), ["track D: has no data on any of the valid_chroms (chr2)"]),
    (edit("D.bedgraph", "\t50\t", "\tx\t"), ["D.bedgraph:1: needs integers 0 <= start < end, found '0' and 'x'"]),
    (edit("D.bedgraph", "\t50\t2", " 50 2"), ["D.bedgraph:1", "separated by tabs"]),
    (truncated_bam, ["B.bam", "not a readable BAM"]),
    (wrong_assembly, ["v.vcf: 42 of 42 REF alleles disagree", "chr1:50", "more than 10%"]),
    (edit("v.vcf", "chr1\t50", "chr1\tx"), ["v.vcf:3", "POS"]),
    (edit("models.csv", "second,small,small", "second,small,third"), ["model second: starts from 'third'"]),
    (edit("models.csv", "small,small,\n", "small,small,second\n"), ["second -> small -> second", "circle"]),
    (edit("models.csv", "second,small,small", "second,,"), ["model second: needs a preset"]),
    (edit("models.csv", "second,small", "second,huge"), ["no preset is called 'huge'"]),
    (edit("e.tsv", "pip", "posterior"), ["e.tsv", "no column pip"]),
    (edit("e.tsv", "chr1\t50", "chr1\t50.5"), ["e.tsv:2", "expected an integer"]),
    (edit("e.tsv", "0.95", "95"), ["pip must lie between 0 and 1"]),
    (edit("c.tsv", "ref_count", "counts"), ["c.tsv", "ref_count"]),
    (edit("c.tsv", "\t12\t", "\t-1\t"), ["c.tsv:2", "ref_count"]),
    (edit("allelic_counts.csv", "c.tsv,A", "c.tsv,Z"), ["predicted by the track Z"]),
    (edit("t.tsv", "A2", "other"), ["t.tsv: has no column for the other allele"]),
    (edit("t.tsv", "\tN", "\tsamples"), ["t.tsv: has no column N"]),
    (edit("t.tsv", "BETA", "SLOPE"), ["t.tsv: has no column for the signed effect"]),
    (edit("t.tsv", "SE", "Z"), ["t.tsv: has 2 columns for the signed effect (BETA, Z)"]),
    (edit("panel.1.bim", "\trs", "\tx_rs"), []),
    (edit("panel.1.bim", "1\trs0", "2\trs0"), ["panel.1.bim:1: holds chromosome 2"]),
    (edit("ld_panel.csv", "panel.1", "nowhere.1"), ["nowhere.1.bed", "nowhere.1.bim", "nowhere.1.fam"]),
    (edit("ld_panel.csv", "1,panel.1", "2,panel.1"), ["the bfile panel.1 of chromosome 2 must end in 2"]),
    (lambda study: (study / "panel.1.bed").write_bytes(b"abc"), ["panel.1.bed", "no plink .bed"]),
    (edit("black.bed", "20", "5000"), ["black.bed:1", "past the end of chr1"]),
    (edit("black.bed", "chr1", "1"), ["black.bed: shares no chromosome"]),
    (edit("genes.tsv", "chr1", "1"), ["genes.tsv: shares no chromosome"]),
    (lambda study: (study / "genome.fa").write_text("no fasta\n"), ["genome.fa", "FASTA"]),
    (lambda study: (study / "genome.fa").unlink(), ["genome.fa: no such FASTA file"]),
]


@pytest.mark.parametrize(("change", "expected"), FAULTS, ids=range(len(FAULTS)))
def test_each_fault_is_named(study: Path, change: Callable[[Path], None], expected: list[str]) -> None:
    change(study)
    problems = run(study).problems
    if expected:
        text = "\n".join(problems)
        assert all(part in text for part in expected), text
    else:
        assert problems == []


def test_files_that_are_not_there_are_one_list(study: Path, script, refused) -> None:
    for name in ("A.bw", "e.tsv", "panel.1.bed"):
        (study / name).unlink()
    (study / "models.csv").write_text("model,weights\nold,gone\n")
    names = [str(study / name) for name in ("A.bw", "e.tsv", "panel.1.bed", "gone")]
    listed = f"these 4 files are to be fetched (or the path is to be put right): {', '.join(names)}"
    assert [problem for problem in run(study).problems if "fetched" in problem] == [listed]
    options = ("--params", study / "params.json", "--output", study / "report.json")
    assert listed in refused("preflight", "check", *options)

    done = script("preflight", "check", *options, "--offline")
    report = json.loads((study / "report.json").read_text())
    assert report["problems"] == []
    assert report["to_fetch"] == names
    assert listed in done.stderr
    # what is there is checked all the same
    (study / "v.vcf").write_text("chr1\tx\t.\tA\tC\n")
    assert "POS must be a positive integer" in refused("preflight", "check", *options, "--offline")


def test_a_long_list_of_files_is_whole(study: Path) -> None:
    rows = [f"T{i:04d},a,{'deep/' * 20}T{i:04d}.bw" for i in range(300)]
    (study / "tracks.csv").write_text("\n".join(["track,cell_type,signal", *rows]) + "\n")
    (listed,) = [problem for problem in run(study).problems if "to be fetched" in problem]
    assert listed.startswith("these 300 files are")
    assert listed.endswith("T0299.bw")


def test_a_set_may_not_be_named_as_another_ones_null(study: Path) -> None:
    (study / "variants.csv").write_text("set,vcf\nv,v.vcf\nv.null,v.vcf\n")
    assert run(study).problems == []
    (problem,) = run(study, variant_null="shuffled").problems
    assert problem == "variants: the set v.null has a name for null variants (.null): choose another"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"test_chroms": "chr3,chr2"}, "valid_chroms and test_chroms share chr2"),
        ({"test_chroms": "chr9"}, "test_chroms: the FASTA has no chr9 (it has chr1, chr2, chr3)"),
        ({"test_chroms": "chr1,chr3"}, "none is left for training"),
        ({"target_width": 2000}, "target_width 2000 is larger than seq_length 1344"),
        ({"target_width": 191}, "must be even"),
        ({"stride": 0}, "stride: must be at least 1, found 0"),
        ({"seq_length": "long"}, "seq_length: expected a number"),
        ({"stages": "peaks,fly"}, "no stage is called 'fly'"),
        ({"min_snps": 41}, "40 of its SNPs are in the LD panel, fewer than 41"),
        ({"eqtl_min_pip": 1}, "e.tsv: no variant has a PIP above 1: the tissue blood has no positives"),
        ({"eqtl_max_pip": 0}, "e.tsv: no variant has a PIP below 0 and there is no file of negatives"),
        ({"eqtl_min_pip": 0.005}, "eqtl_max_pip 0.01 is above eqtl_min_pip 0.005"),
        ({"seq_length": 960}, "its seq_length 1344 is not the run's (960)"),
        ({"peaks": "gone.h5ad"}, "gone.h5ad: no such peaks.h5ad file"),
        ({"dataset": "gone"}, "gone: no such folder"),
        ({"motifs": "tracks.csv"}, "is no motif file in MEME format"),
        ({"chain": "tracks.csv"}, "is no liftover chain"),
        ({"clusters": "black.bed"}, "needs the name of its cluster"),
        ({"merge_alleles": "tracks.csv"}, "lacks the column(s) A1, A2, SNP"),
    ],
)
def test_each_wrong_parameter_is_named(study: Path, changes: dict[str, object], expected: str) -> None:
    assert any(expected in problem for problem in run(study, **changes).problems)


def test_a_preset_without_a_sheet_is_checked_as_a_row_of_one(study: Path) -> None:
    wanted = "hg38mini.json: its seq_length 768 is not the run's (1344): use --seq_length 768"
    alone = {"models": None, "preset": "hg38mini"}
    (problem,) = run(study, stages=["dataset", "train"], **alone).problems
    assert problem.endswith(wanted)
    assert run(study, stages=["train"], seq_length=768, **alone).problems == []
    assert run(study, stages=["peaks"], **alone).problems == []  # no model is trained: the length is nobody's
    (problem,) = run(study, stages=["train"], models=None, preset="huge").problems
    assert problem.startswith("--preset: no preset is called 'huge'")
    # a row that names nothing takes the run's preset, and is checked with it
    edit("models.csv", "second,small,small", "second,,")(study)
    (problem,) = run(study, preset="hg38mini").problems
    assert problem.endswith(wanted)


def test_a_panel_can_be_a_vcf(study: Path) -> None:
    write_vcf(study / "panel.vcf", variants())
    found = run(study, ld_panel="panel.vcf")
    assert found.problems == []
    assert found.summary["gwas"] == {"t": {"shared_snps": N_SNPS}}
    assert any(
        "40 of its SNPs are in the LD panel, fewer than 43" in p
        for p in run(study, ld_panel="panel.vcf", min_snps=43).problems
    )


def test_munged_statistics_need_no_p_value(study: Path) -> None:
    write_table(study / "t.sumstats", "SNP A1 A2 N Z", [(f"rs{i}", "A", "G", 10, 1.0) for i in range(N_SNPS)])
    edit("gwas.csv", "t.tsv", "t.sumstats")(study)
    assert run(study).problems == []
    (study / "t.sumstats").rename(study / "u.tsv")  # the header says what it is, not the name
    edit("gwas.csv", "t.sumstats", "u.tsv")(study)
    assert run(study).problems == []
    edit("u.tsv", "Z", "BETA")(study)
    assert any("u.tsv: has no column for the p value" in p for p in run(study).problems)


def full_panel(study: Path) -> None:
    """Frequencies, weights and a baseline beside the panel."""
    snps = [f"rs{i}" for i in range(N_SNPS)]
    write_table(study / "panel.1.frq", "CHR SNP A1 A2 MAF NCHROBS", [(1, s, "A", "G", 0.2, 2) for s in snps])
    write_table(study / "base.1.annot", "CHR BP SNP CM base", [(1, i, s, 0, 1) for i, s in enumerate(snps)])
    for name in ("base.1", "w.1"):
        write_table(study / f"{name}.l2.ldscore", "CHR SNP BP L2", [(1, s, i, 1.5) for i, s in enumerate(snps[::2])])
    (study / "base.1.l2.M_5_50").write_text("40\n")
    (study / "ld_panel.csv").write_text("chrom,bfile,frq,weights,baseline\n1,panel.1,panel.1.frq,w.1,base.1\n")


def test_a_panel_with_all_its_files_passes(study: Path) -> None:
    full_panel(study)
    assert run(study).problems == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (edit("panel.1.frq", "rs7\t", "rs8\t"), "panel.1.frq: holds rs8 where the panel's .bim has rs7 (SNP 8)"),
        (add("base.1.annot", "1\t99\trs99\t0\t1\n"), "base.1.annot: holds rs99 where the panel's .bim has no more SNP"),
        (
            lambda study: write_table(study / "w.1.l2.ldscore", "CHR SNP BP L2", [(1, "x1", 1, 2)]),
            "none of its 1 SNPs is in the panel's .bim (x1; panel: rs0)",
        ),
        (lambda study: (study / "base.1.l2.M_5_50").unlink(), "base.1.l2.M_5_50: no such file"),
        (lambda study: (study / "panel.1.frq").unlink(), "panel.1.frq: no such file of frequencies"),
        (add("ld_panel.csv", "2,panel.2,,,\n"), "frq is given for some chromosomes only (not for 2)"),
    ],
)
def test_each_mismatch_of_the_panels_files_is_named(study: Path, change: Callable[[Path], None], expected: str) -> None:
    full_panel(study)
    change(study)
    assert any(expected in problem for problem in run(study).problems), run(study).problems


def test_weights_with_some_other_snps_are_a_warning(study: Path) -> None:
    full_panel(study)
    edit("w.1.l2.ldscore", "rs4\t", "rs400\t")(study)
    found = run(study)
    assert found.problems == []
    assert any(
        "w.1.l2.ldscore: 1 of its 20 SNPs are not in the panel's .bim (the first: rs400)" in w for w in found.warnings
    )


@pytest.mark.parametrize("damage", ["empty", "noise", "truncated"])
def test_a_damaged_file_is_a_problem_that_names_it(study: Path, damage: str) -> None:
    full_panel(study)
    noise, missed = np.random.default_rng(11).bytes(300), []
    for path in sorted(p for p in study.iterdir() if p.name not in ("params.json", "B.bam.bai", "base.1.l2.M_5_50")):
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "noise": noise, "truncated": gzip.compress(whole)[:-12]}[damage])
        problems = run(study).problems
        if not any(path.name in problem for problem in problems):
            missed.append(path.name)
        path.write_bytes(whole)
    assert missed == []
    assert run(study).problems == []


def test_folds_do_not_matter_where_no_model_is_trained_or_evaluated(study: Path) -> None:
    assert run(study, test_chroms="chr9", stages="score,eqtl").problems == []


def test_a_few_wrong_ref_alleles_are_a_warning_with_the_first_three(study: Path) -> None:
    rows = variants()
    wrong = [(c, p, "ACGT"[("ACGT".index(r) + 1) % 4], "N") for c, p, r, _ in rows[:4]]
    write_vcf(study / "v.vcf", wrong + rows[4:])
    found = run(study)
    assert found.problems == []
    sentence = next(w for w in found.warnings if "disagree" in w)
    assert "4 of 42" in sentence
    assert sentence.count("FASTA:") == 3
    assert any("more than 5%" in p for p in run(study, max_ref_mismatch=0.05).problems)


def test_positions_counted_from_0_are_named_as_such_and_no_other_assembly(study: Path) -> None:
    rows = variants()
    write_vcf(study / "v.vcf", [(c, p - 1, r, a) for c, p, r, a in rows if p > 1])
    (sentence,) = (p for p in run(study).problems if "disagree" in p)
    # where the base before is the same one, the position is right by chance
    assert "REF is the genome's base behind: positions counted from 0? Add 1 to them" in sentence
    assert "another assembly" not in sentence


def test_reversed_alleles_are_named_as_such_and_no_other_assembly(study: Path) -> None:
    rows = variants()
    write_vcf(study / "v.vcf", [(c, p, a, r) if i % 5 == 0 else (c, p, r, a) for i, (c, p, r, a) in enumerate(rows)])
    found = run(study)
    assert found.problems == []
    sentence = next(w for w in found.warnings if "disagree" in w)
    assert "9 of 42 REF alleles disagree" in sentence
    assert "in 9 of 9 ALT is the genome's: alleles reversed, not another assembly" in sentence
    assert found.summary["variants"]["v"]["exchanged"] == 9


def test_a_pip_may_pass_its_limits_by_rounding_only(study: Path) -> None:
    text = (study / "e.tsv").read_text()
    (study / "e.tsv").write_text(text.replace("\t0.95\t", "\t1.0000000000000002\t").replace("0.001", "-1e-9"))
    assert run(study).problems == []
    (study / "e.tsv").write_text(text.replace("\t0.95\t", "\t1.00001\t"))
    assert any("e.tsv:2: pip must lie between 0 and 1" in p for p in run(study).problems)


def test_a_table_without_pip_is_warned_of_where_it_has_negatives(study: Path) -> None:
    rows = [line.split("\t") for line in (study / "e.tsv").read_text().splitlines()]
    (study / "n.tsv").write_text("\n".join("\t".join(row[:4]) for row in rows) + "\n")
    edit("e.tsv", "pip", "posterior")(study)
    (study / "eqtls.csv").write_text("tissue,variants,negatives\nblood,e.tsv,n.tsv\n")
    assert any("e.tsv: has no column pip: all 42 rows count as fine-mapped" in w for w in run(study).warnings)
    edit("e.tsv", "posterior", "PIP")(study)
    found = run(study)
    assert not any("no column pip" in w for w in found.warnings)
    assert found.summary["eqtls"]["blood"]["high_pip"] == 21


def test_unknown_contigs_are_a_warning_and_named(study: Path) -> None:
    add("v.vcf", "chrUn\t5\t.\tA\tG\t.\t.\t.\n")(study)
    found = run(study)
    assert found.problems == []
    assert any("v.vcf: 1 contig(s) unknown to the FASTA are left out (chrUn)" in w for w in found.warnings)


@pytest.mark.parametrize("at", [0, 99, 1500])
def test_stored_nan_is_no_lack_of_data(study: Path, at: int) -> None:
    """As a script writes whole arrays in which unmappable bases are NaN."""
    out = pyBigWig.open(str(study / "A.bw"), "w")
    out.addHeader(list(SIZES.items()))
    for chrom, length in SIZES.items():
        values = np.zeros(length)
        values[:100], values[1900] = np.nan, 3
        values[at] = np.nan
        out.addEntries(chrom, 0, values=values.tolist(), span=1, step=1)
    out.close()
    assert run(study).problems == []


def test_nothing_but_nan_is_no_data(study: Path) -> None:
    out = pyBigWig.open(str(study / "A.bw"), "w")
    out.addHeader(list(SIZES.items()))
    for chrom, value in {"chr1": 1.0, "chr2": 1.0, "chr3": np.nan}.items():
        out.addEntries(chrom, 0, values=[value] * 500, span=1, step=1)
    out.close()
    assert run(study).problems == [
        "track A: has no data on any of the test_chroms (chr3): choose others or leave the track out"
    ]


@pytest.mark.parametrize(
    ("line", "barcodes", "says"),
    [
        ("{}\t10\t90", "", None),
        ("{}\t10\t90", "barcodes.txt", "C.fragments.tsv.gz:1: has fewer than 4 columns"),
        ("{}\t10\t90\tCELL\t1\t+", "barcodes.txt", None),
        ("{}\t10\t90\tchr3\t150\t190", "", "C.fragments.tsv.gz:1: is BEDPE"),
        ("{}\t10\t90\tp\t0\t.\t1\t2\t3\t4", "", "C.fragments.tsv.gz:1: has 10 columns, as narrowPeak"),
    ],
)
def test_fragments_are_what_the_count_takes(study: Path, line: str, barcodes: str, says: str | None) -> None:
    with gzip.open(study / "C.fragments.tsv.gz", "wt") as out:
        out.writelines(line.format(chrom) + "\n" for chrom in SIZES)
    edit("tracks.csv", "gz,barcodes.txt", f"gz,{barcodes}")(study)
    problems = run(study).problems
    assert [says in problem for problem in problems] == [True] if says else problems == []


def one_other_length(study: Path) -> None:
    write_bigwig(study / "A.bw", SIZES | {"chr2": 3001}, list(SIZES))


def one_other_length_of_reads(study: Path) -> None:
    write_bam(study / "B.bam", SIZES | {"chr2": 3001}, list(SIZES))


def past_the_end(study: Path, index: bool = False) -> None:
    with gzip.open(study / "C.fragments.tsv.gz", "wt") as out:
        out.writelines(f"{c}\t{start}\t{start + 200}\tCELL\t1\n" for c, n in SIZES.items() for start in (10, n + 5))
    if index:
        (study / "C.fragments.tsv.gz").write_bytes(gzip.decompress((study / "C.fragments.tsv.gz").read_bytes()))
        pysam.tabix_compress(str(study / "C.fragments.tsv.gz"), str(study / "x.gz"), force=True)
        (study / "x.gz").rename(study / "C.fragments.tsv.gz")
        pysam.tabix_index(str(study / "C.fragments.tsv.gz"), preset="bed")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (one_other_length, "A.bw: chr2 has 3001 bp, in the genome 3000 (1 of 3 contigs differ): another assembly?"),
        (one_other_length_of_reads, "B.bam: chr2 has 3001 bp, in the genome 3000 (1 of 3 contigs differ)"),
        (past_the_end, "C.fragments.tsv.gz: reaches chr1:4205, in the genome chr1 has 4000 bp (3 of 6 record(s) end"),
        (lambda s: past_the_end(s, True), "C.fragments.tsv.gz: reaches chr1:4205, in the genome chr1 has 4000 bp (at"),
        (
            edit("D.bedgraph", "chr3\t0\t50", "chr3\t1950\t2150"),
            "D.bedgraph: reaches chr3:2150, in the genome chr3 has",
        ),
    ],
)
def test_signal_of_another_assembly_is_a_problem(study: Path, change: Callable[[Path], None], says: str) -> None:
    change(study)
    problems = run(study).problems
    assert len(problems) == 1 and says in problems[0], problems


def test_coordinates_as_r_writes_them_are_read(study: Path) -> None:
    edit("D.bedgraph", "\t50\t", "\t5e+01\t")(study)
    edit("black.bed", "\t20", "\t2e+01")(study)
    edit("genes.tsv", "\t500\t", "\t5e+02\t")(study)
    assert run(study).problems == []


def test_a_cluster_needs_a_name_that_tables_can_hold(study: Path) -> None:
    (study / "clusters.bed").write_text("chr1\t0\t90\tfine\nchr1\t100\t200\tNA\n")
    assert run(study, clusters="clusters.bed").problems == [
        f"{study}/clusters.bed: names a cluster 'NA', which is read as a missing value in tables: rename it"
    ]


def test_remote_files_are_not_checked_but_mentioned(study: Path) -> None:
    edit("tracks.csv", "A.bw", "s3://bucket/A.bw")(study)
    found = run(study)
    assert found.problems == []
    assert "s3://bucket/A.bw: lies elsewhere and is not checked" in found.warnings


def test_the_script_lists_every_problem_at_once(script, study: Path) -> None:
    edit("tracks.csv", "A.bw", "gone.bw")(study)
    edit("models.csv", "second,small,small", "second,small,third")(study)
    edit("t.tsv", "BETA", "SLOPE")(study)
    done = script("preflight", "check", "--params", study / "params.json", "--output", study / "p.json", check=False)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert done.returncode == 2
    assert len(errors) == 3
    assert "Traceback" not in done.stderr
    report = json.loads((study / "p.json").read_text())
    assert [f"error: {p}" for p in report["problems"]] == errors
    again = script("preflight", "check", "--params", study / "params.json", "--output", study / "q.json", check=False)
    assert again.returncode == 2
    assert (study / "p.json").read_bytes() == (study / "q.json").read_bytes()


def test_the_script_refuses_what_are_no_parameters(refused, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("[1]")
    assert "no JSON object" in refused(
        "preflight", "check", "--params", tmp_path / "p.json", "--output", tmp_path / "o.json"
    )
    (tmp_path / "p.json").write_text("{")
    assert "not valid JSON" in refused(
        "preflight", "check", "--params", tmp_path / "p.json", "--output", tmp_path / "o.json"
    )
    assert not (tmp_path / "o.json").exists()


def test_staged_files_are_read_where_they_lie_and_named_as_given(study: Path, tmp_path: Path) -> None:
    """Every file moved to a folder of its own, as an executor stages them.

    The same findings, under the users' names.
    """
    write_vcf(study / "v.vcf", [(c, p, "N" if p == 50 else r, a) for c, p, r, a in variants()])
    edit("t.tsv", "BETA", "SLOPE")(study)
    pysam.faidx(str(study / "genome.fa"))
    expected = run(study)
    staged = {}
    for number, path in enumerate(sorted(p for p in study.iterdir() if p.name != "params.json")):
        (tmp_path / str(number)).mkdir()
        staged[str(path)] = tmp_path / str(number) / path.name
        path.rename(staged[str(path)])
    found = run(study, staged)
    assert found.problems == expected.problems
    assert found.summary == expected.summary
    assert not any(str(tmp_path / "1") in sentence for sentence in found.problems + found.warnings)


@pytest.mark.parametrize("zipped", [False, True])
def test_the_index_that_a_genome_lacks_is_made_once_for_all_tasks(script, study: Path, zipped: bool) -> None:
    """A run's tasks read it beside the FASTA: without one, each of them would index the genome anew."""
    name = "genome.fa"
    if zipped:
        pysam.tabix_compress(str(study / "genome.fa"), str(study / "genome.fa.gz"))
        name = "genome.fa.gz"
    (study / "params.json").write_text(json.dumps({"fasta": name, "tracks": "tracks.csv"}))
    (study / "staged.tsv").write_text("".join(f"{path}\t{path}\n" for path in study.iterdir()))
    made = ["--params", study / "params.json", "--staged", study / "staged.tsv", "--output", study / "out.json"]
    script("preflight", "check", *made, "--index-folder", study / "index")
    expected = {f"{name}.fai", f"{name}.gzi"} if zipped else {f"{name}.fai"}
    assert {path.name for path in (study / "index").iterdir()} == expected
    pysam.faidx(str(study / name))
    for index in expected:
        assert (study / "index" / index).read_bytes() == (study / index).read_bytes()
    # With the user's own there is nothing to make.
    (study / "staged.tsv").write_text("".join(f"{path}\t{path}\n" for path in study.iterdir() if path.is_file()))
    script("preflight", "check", *made, "--index-folder", study / "none")
    assert not (study / "none").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            gzip.compress(b">chr1\nACGT\n"),
            "it is compressed by gzip, in which no base can be looked up: gunzip genome.fa,",
        ),
        (b">chr1\nACGT\nAC\nACGT\n", "lines of one length are needed"),
        (b">chr1\nACGT\n>chr1\nACGT\n", "holds the contig chr1 twice"),
    ],
)
def test_a_genome_that_cannot_be_indexed_says_why(study: Path, content: bytes, says: str) -> None:
    (study / "genome.fa").write_bytes(content)
    sentences = run(study).problems
    assert [sentence for sentence in sentences if says in sentence], sentences
    preflight.check({"fasta": "genome.fa"}, study, None, preflight.limits({}, None, 1), 0, index_folder=study / "index")
    assert not (study / "index").exists()


def test_the_table_of_staged_files(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("file:///a/b.fa\tstaged/1/b.fa\n/c\tstaged/2/c\n")
    assert preflight.read_staged(tmp_path / "s.tsv") == {"/a/b.fa": Path("staged/1/b.fa"), "/c": Path("staged/2/c")}
    (tmp_path / "empty.tsv").write_text("")
    assert preflight.read_staged(tmp_path / "empty.tsv") == {}


def test_ref_alleles_are_compared_only_where_both_are_known(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c\nacgtNNACGT\n")
    inputs = Inputs({"fasta": "g.fa"}, tmp_path, None, Findings())
    with open_reference(inputs) as genome:
        assert isinstance(genome, Reference)
        rows = [
            _Row("c", 1, "A", "N"),
            _Row("c", 1, "ACG", "N"),
            _Row("c", 5, "A", "N"),
            _Row("c", 2, "R", "N"),
            _Row("d", 1, "A", "N"),
            _Row("c", 10, "TT", "N"),
            _Row("c", 3, "C", "N"),
        ]
        agreement = compare_alleles(rows, genome, 100)
        assert (agreement.records, agreement.compared, agreement.mismatches) == (7, 4, 2)
        assert agreement.examples == ["c:10 TT (FASTA: T)", "c:3 C (FASTA: G)"]
        assert agreement.exchanged == 0
        assert agreement.contigs == ["c", "d"]
        assert compare_alleles(rows, genome, 2).records == 2
        # the genome's allele as ALT; beyond the contig's end there is none
        reversed_rows = [
            _Row("c", 3, "C", "G"),
            _Row("c", 1, "T", "ACG"),
            _Row("c", 10, "A", "TA"),
            _Row("c", 2, "C", "T"),
        ]
        agreement = compare_alleles(reversed_rows, genome, 100)
        assert (agreement.mismatches, agreement.exchanged) == (3, 2)


def test_long_lists_of_names_are_cut() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some("abcde") == "a, b, c and 2 more"


def test_limits_come_from_the_option_then_the_parameter() -> None:
    assert preflight.limits({}, None, 5) == Limits(0.1, 5)
    assert preflight.limits({"max_ref_mismatch": 0.3}, None, 5).ref_mismatch == 0.3
    assert preflight.limits({"max_ref_mismatch": 0.3}, 0.2, 5).ref_mismatch == 0.2
    assert preflight.least_snps({"min_snps": 7}, None) == 7


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["A,a,A.bw,,,ceiling"], "every row is used for a ceiling"),
        (["A,a,A.bw,,,", "A2,a,A.bw,,,ceiling"], "track A2: is used for a ceiling (column use): say in the column"),
        (["A,a,A.bw,1,,", "B2,b,A.bw,2,,ceiling"], "track B2: is a replicate of no track: no track of the models has"),
        (["A,a,A.bw,1,D1,", "A2,a,A.bw,1,D1,ceiling"], "the cell type a and the donor D1 and another label"),
        (["A,a,A.bw,1,D1,", "A2,a,A.bw,2,D1,ceiling"], ""),
        (["A,a,A.bw,,D1,", "A2,a,A.bw,,D2,ceiling"], ""),
    ],
)
def test_a_row_for_a_ceiling_says_what_it_repeats(study: Path, rows: list[str], said: str) -> None:
    (study / "tracks.csv").write_text("\n".join(["track,cell_type,signal,replicate,donor,use", *rows, ""]))
    problems = [one for one in run(study).problems if "ceiling" in one or "replicate" in one]
    assert len(problems) == bool(said)
    assert said in "".join(problems)


def test_one_donor_alone_is_a_warning(study: Path) -> None:
    (study / "tracks.csv").write_text("track,cell_type,signal,donor\nA,a,A.bw,D1\nB,b,B.bam,\n")
    assert "tracks: all experiments are of the donor D1: donors cannot be compared" in run(study).warnings


def test_an_experiment_for_a_ceiling_predicts_no_counts(study: Path) -> None:
    (study / "tracks.csv").write_text("track,cell_type,signal,replicate,use\nB,a,A.bw,1,\nA,a,A.bw,2,ceiling\n")
    assert any("is predicted by the track A, which the tracks sheet lacks" in one for one in run(study).problems)


def test_a_model_trained_here_gives_no_probabilities(study: Path) -> None:
    (study / "p.tsv").write_text("chrom\tstart\tend\tA\n")
    (study / "models.csv").write_text(
        "model,preset,predictions,output\nsmall,small,,probability\nsei,,p.tsv,probability\nours,small,,coverage\n"
    )
    problems = [one for one in run(study).problems if "probability" in one]
    assert len(problems) == 1 and problems[0].startswith("model small: is trained here, which gives coverage")


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("qtls", "q,e.tsv,A,,,", ""),
        ("qtls", "q,e.tsv,,a,,", ""),
        ("mpra", "q,e.tsv,A,,value=beta", ""),
        ("qtls", "q,e.tsv,A,a,,", "qtls: the set q: has a track and a cell_type: give one of them"),
        ("qtls", "q,e.tsv,Z,,,", "qtls: the set q: is predicted by the track Z, which the tracks sheet lacks"),
        ("mpra", "q,e.tsv,,z,value=beta", "mpra: the set q: is predicted by the cell_type z, which the tracks sheet"),
        ("qtls", "q,e.tsv,A,,,0.05", "has no column for p"),
        ("qtls", "q,e.tsv,A,,p=pip,0.05", ""),
        ("mpra", "q,e.tsv,A,,", "has no column for value"),
        ("mpra", "q,e.tsv,A,,value=size", "has no column size"),
        ("mpra", "q,gone.tsv,A,,", "gone.tsv: no such table of variants"),
    ],
)
def test_tables_of_measured_effects_are_read(study: Path, kind: str, row: str, said: str) -> None:
    header = "set,variants,track,cell_type,columns" + (",max_p" if kind == "qtls" else "")
    (study / "s.csv").write_text(f"{header}\n{row}\n")
    found = run(study, **{kind: "s.csv"})
    assert len(found.problems) == bool(said), found.problems
    assert said in "".join(found.problems)
    if not said:
        assert found.summary[kind] == {"q": {"variants": 42}}


def test_effects_of_another_assembly_are_refused(study: Path) -> None:
    rows = [(c, p + 1, r, a, 0.5) for c, p, r, a in variants()]
    write_table(study / "e2.tsv", "chrom pos ref alt beta", rows)
    (study / "s.csv").write_text("set,variants\nq,e2.tsv\n")
    assert any("e2.tsv" in one and "REF" in one for one in run(study, qtls="s.csv").problems)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,,B.bam,g.vcf,,A", ""),
        ("a,,B.bam,g.vcf,S2,A", ""),
        ("a,,,,,A", "the cell type a: needs counts, or a bam and a vcf from which they are made"),
        ("a,,B.bam,,,A", "the cell type a: needs counts, or a bam and a vcf from which they are made"),
        ("a,c.tsv,B.bam,g.vcf,,A", "the cell type a: has counts and a bam or vcf to make them from: give one of them"),
        ("a,,B.bam,g.vcf,S3,A", "g.vcf: has no sample S3 (it has S1, S2)"),
        ("a,,gone.bam,g.vcf,,A", "gone.bam: no such alignments"),
        ("a,,D.bedgraph,g.vcf,,A", "D.bedgraph: is not a readable BAM or CRAM file"),
        ("a,,B.bam,D.bedgraph,,A", "D.bedgraph: is not a readable VCF or BCF file"),
        ("a,,other.bam,g.vcf,,A", "other.bam: "),
    ],
)
def test_counts_or_what_they_are_made_from(study: Path, row: str, said: str) -> None:
    records = "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\tGT\t0/1\t0/0\n" for c, p, r, a in variants())
    header = '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n' + "".join(f"##contig=<ID={c}>\n" for c in SIZES)
    names = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\tS2\n"
    (study / "g.vcf").write_text(f"##fileformat=VCFv4.2\n{header}{names}{records}")
    write_bam(study / "other.bam", {"scaffold1": 900}, ["scaffold1"])
    (study / "allelic_counts.csv").write_text(f"cell_type,counts,bam,vcf,sample,track\n{row}\n")
    found = run(study)
    assert len(found.problems) == bool(said), found.problems
    assert said in "".join(found.problems)
    if not said:
        assert found.summary["allelic_counts"] == {"a": {"variants": len(variants())}}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("m,p.tsv,,tsv,rows.txt,A=x;B=y,exclude", ""),
        ("m,,,,,A=x,", "model m: tracks_map says how predictions are read: name them in predictions"),
        ("m,,,sei,,,", "model m: format says how predictions are read: name them in predictions"),
        ("m,p.tsv,,,gone.txt,,", "gone.txt: no such file of row labels"),
        ("m,,scores,,,,", ""),
        ("m,,empty,,,,", "empty: holds no file of scores (.h5, .hdf5, .npy), which the model m needs"),
        ("m,,gone.h5,,,,", "gone.h5: no such file of scores"),
    ],
)
def test_how_predictions_and_scores_are_read(study: Path, row: str, said: str) -> None:
    for name in ("p.tsv", "rows.txt", "scores/1000G.1.h5", "empty/README.md"):
        (study / name).parent.mkdir(exist_ok=True)
        (study / name).write_text("text\n")
    (study / "models.csv").write_text(f"model,predictions,scores,format,rows,tracks_map,missing\n{row}\n")
    problems = run(study, preset="small").problems
    assert len(problems) == bool(said), problems
    assert said in "".join(problems)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["one,small,single,", "all,small,multi,one:A"], ""),
        (["one,small,single,", "two,small,single,one"], ""),
        (["one,small,single,", "two,small,single,one:B"], ""),
        (["all,small,multi,", "two,small,single,all:B"], "starts from all:B, but all is no row of single-task models"),
        (["one,small,single,", "all,small,multi,one:Z"], "starts from one:Z, but the tracks sheet has no track Z"),
        (["one,small,single,", "all,small,multi,one"], "say which track's, one:TRACK"),
        (["one,small,single,", "all,small,multi,two:A"], "starts from 'two' (init_from), which is no model"),
    ],
)
def test_a_start_names_a_model_that_there_is(study: Path, rows: list[str], said: str) -> None:
    (study / "models.csv").write_text("\n".join(["model,preset,task,init_from", *rows, ""]))
    problems = run(study).problems
    assert bool(problems) == bool(said), problems
    assert said in "".join(problems)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("m,given,gc.py:ShareOfGC", ""),
        ("m,given,enformer", ""),
        ("m,given,other.py:Model", "given: holds no other.py, the adapter of the model m"),
        ("m,,gc.py:ShareOfGC", "model m: an adapter runs a model that was made elsewhere: name its folder in weights"),
        ("m,given,gc.py", "'gc.py' is not an adapter: use keras"),
    ],
)
def test_an_adapter_lies_in_the_folder_of_its_model(study: Path, row: str, said: str) -> None:
    (study / "given").mkdir()
    for name in ("params.json", "model_best.h5", "gc.py"):
        (study / "given" / name).write_text("{}")
    (study / "models.csv").write_text(f"model,weights,adapter\n{row}\n")
    problems = run(study, preset="small").problems
    assert len(problems) == bool(said), problems
    assert said in "".join(problems)
