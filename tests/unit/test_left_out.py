"""Nothing is lost without a word: what a stage leaves out of its input stands in its run record, and in the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyBigWig
import pytest

from accessiflow.report import run_info
from accessiflow.report.page import render
from accessiflow.results import Results

Case = Callable[[Path], list[object]]


def fragments(d: Path) -> list[object]:
    (d / "sizes").write_text("chr1\t1000\nchr2\t1000\n")
    (d / "f.tsv").write_text("chr1\t10\t90\tC\t1\n" * 1000 + "chr1\t950\t1001\tC\t1\nchrUn\t1\t5\tC\t1\n")
    options = ["--chrom-sizes", d / "sizes", "--kind", "fragments", "--bin-size", 100, "--output", d / "T.coverage.h5"]
    return ["peaks", "bin", d / "f.tsv", *options]


def bedgraph(d: Path) -> list[object]:
    (d / "sizes").write_text("chr1\t1000\nchr2\t1000\n")
    (d / "b.bedgraph").write_text("chr1\t10\t90\t2\nchrUn\t1\t5\t3\n")
    return ["peaks", "bin", d / "b.bedgraph", "--chrom-sizes", d / "sizes", "--output", d / "T.coverage.h5"]


def panel(d: Path) -> list[object]:
    rows = [("1", 10, "A", "G"), ("1", 20, "A", "GT"), ("1", 30, "AC", "G"), ("X", 10, "A", "G")]
    contigs = "##contig=<ID=1,length=1000>\n##contig=<ID=X,length=1000>\n"
    form = '##FORMAT=<ID=GT,Number=1,Type=String,Description="g">\n'
    body = "".join(f"{c}\t{p}\t.\t{r}\t{a}\t.\t.\t.\tGT\t0|1\n" for c, p, r, a in rows)
    head = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tS1\n"
    (d / "p.vcf").write_text(f"##fileformat=VCFv4.2\n{contigs}{form}{head}{body}")
    return ["heritability", "panel", d / "p.vcf", "--out", d / "p"]


def windows(d: Path) -> list[object]:
    letters = "ACGT" * 500
    (d / "g.fa").write_text("".join(f">{chrom}\n{letters}\n" for chrom in ("chr1", "chr2", "chr3")))
    with pyBigWig.open(str(d / "s.bw"), "w") as out:
        out.addHeader([(chrom, 2000) for chrom in ("chr1", "chr2", "chr3")])
        for chrom in ("chr1", "chr2", "chr3"):
            out.addEntries([chrom], [0], ends=[2000], values=[1.0])
    (d / "targets.txt").write_text("index\tidentifier\tfile\tsum_stat\tdescription\n0\tA\ts.bw\tsum\tA\n")
    (d / "x.bed").write_text("chr1\t0\t400\n")
    shape = ["-l", 200, "-w", 100, "--crop", 50, "--stride", 100, "--stride_test", 100]
    folds = ["-v", "chr2", "-t", "chr3", "--exclude", d / "x.bed"]
    return ["dataset", "build", d / "g.fa", d / "targets.txt", *shape, *folds, "-o", d / "out"]


def unscored_snps(d: Path) -> list[object]:
    (d / "p.1.bim").write_text("".join(f"1\trs{i}\t0.{i}\t{10 * i}\tA\tC\n" for i in range(1, 7)))
    (d / "p.bed").write_text("chr1\t0\t100\n")
    with h5py.File(d / "s.h5", "w") as handle:
        text = {"snp": [f"rs{i}" for i in range(1, 5)], "chr": ["chr1"] * 4, "ref": ["A"] * 4, "alt": ["C"] * 4}
        for name, values in (text | {"target_ids": ["a"], "target_labels": ["a"]}).items():
            handle[name] = np.array(values, "S")
        handle["pos"] = [10, 20, 30, 40]
        handle["SAD"] = np.array([[1], [0], [2], [0]], np.float32)
    inputs = ["--bim", d / "p.@", "--peaks", d / "p.bed", "--name", "T", "--sad", d / "s.h5"]
    return ["heritability", "annotate", *inputs, "--statistic", "mean,max", "--output", d / "out/x"]


CASES: dict[str, tuple[Case, dict[str, int]]] = {
    "fragments": (fragments, {"contigs unknown to the genome": 1, "insertions past the end of their chromosome": 1}),
    "bedGraph": (bedgraph, {"contigs unknown to the genome": 1}),
    "panel": (panel, {"records that are no biallelic SNP": 2, "records on other chromosomes than 1 to 22": 1}),
    "SNPs without a score": (unscored_snps, {"SNPs of the set without a score, in no split": 2}),
    # targets lie at 50 to 150 of a window each 100: those that begin at 0 to 300
    "windows": (windows, {"windows whose target touches an excluded interval": 4}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_stage_leaves_out_is_in_its_record(script, tmp_path: Path, name: str) -> None:
    case, expected = CASES[name]
    stage, *arguments = case(tmp_path)
    script(stage, "--run-info", tmp_path / "record.json", *arguments)
    assert json.loads((tmp_path / "record.json").read_text())["left_out"] == expected


def test_a_record_counts_nothing_where_nothing_is_left_out(script, tmp_path: Path) -> None:
    stage, *arguments = bedgraph(tmp_path)
    (tmp_path / "b.bedgraph").write_text("chr1\t10\t90\t2\n")
    script(stage, "--run-info", tmp_path / "record.json", *arguments)
    assert "left_out" not in json.loads((tmp_path / "record.json").read_text())


def test_a_warning_of_a_command_reaches_its_record_and_the_report(script, tmp_path: Path) -> None:
    stage, *arguments = fragments(tmp_path)
    results = tmp_path / "results"
    folder = results / "pipeline_info/stages"
    folder.mkdir(parents=True)
    script(stage, "--run-info", folder / "PEAKS_BIN.T.run.json", *arguments)
    told = [sentence.partition(", ")[0] for sentence in run_info.warnings(Results(results))]
    assert "PEAKS_BIN T: f.tsv: 1 insertion(s) past the end of their chromosome are left out" in told
    render(results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "1 insertion(s) past the end of their chromosome are left out" in page
    assert "1 contigs unknown to the genome, 1 insertions past the end of their chromosome" in page
