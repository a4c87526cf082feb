#!/usr/bin/env python3
"""CPU time of every stage that reads a genome of many small scaffolds, as drafts of plants and animals have them.

    .venvs/test/bin/python benchmarks/contigs.py [--contigs 20000] [--only dataset]

The genome has three chromosomes of 100 kb beside the scaffolds of 300 to 1,000 bp; tracks, variants, genes and regions
lie on all of them. User and system time of each command, its start (imports) included.
"""

from __future__ import annotations

import gzip
import logging
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import pyBigWig
import pysam
import typer

ROOT = Path(__file__).resolve().parents[1]
log = logging.getLogger("benchmark")
CHROMOSOME, SCAFFOLD = 100_000, (300, 1000)  # bp
LIMIT = 15.0  # CPU seconds of a command at 20,000 contigs
FOLDS = "--valid-chroms chr2 --test-chroms chr3"
COVERAGE = " ".join(f"--coverage {track}.coverage.h5" for track in "ABCD")
MATRICES = "--predictions p/preds.h5 --targets p/targets.h5 --peaks peaks.h5ad"
BUILD = "dataset build genome.fa targets.txt -l 384 -w 192 --crop 96 --stride 192 -v chr2 -t chr3"
# (environment, command), in the order in which one needs another's output
COMMANDS = [
    ("peaks", "preflight check --params params.json --output preflight.json"),
    *(
        ("peaks", f"peaks bin {signal} --chrom-sizes genome.fa.fai --fasta genome.fa --output {out}.coverage.h5 {more}")
        for signal, out, more in (
            ("A.bw", "A", "--exclude black.bed"),
            ("B.bam", "B", "--bigwig B.bw"),
            ("B.cram", "cram", "--bigwig cram.bw"),
            ("C.fragments.tsv.gz", "C", "--bigwig C.bw"),
            ("D.bedgraph", "D", "--bigwig D.bw"),
        )
    ),
    *(("peaks", f"peaks call {track}.coverage.h5 --output {track}.peaks.bed.gz") for track in "ABCD"),
    (
        "peaks",
        f"peaks merge {' '.join(f'{track}.peaks.bed.gz' for track in 'ABCD')} --tracks tracks.csv {COVERAGE} {FOLDS}"
        " --fasta genome.fa --genes genes.bed --clusters clusters.bed --output peaks.h5ad --tables tables",
    ),
    ("peaks", "peaks sets peaks.h5ad --by cell_type --outdir sets"),
    ("train", "dataset targets --tracks tracks.csv --output made.txt"),
    ("train", f"{BUILD} -o D -b black.bed -g gaps.bed --exclude black.bed"),
    ("train", f"{BUILD} -o L --limit clusters.bed"),
    ("train", f"{BUILD} -o P --peaks peaks.h5ad --training-set gc_matched"),
    ("train", "dataset subset D -o S --peaks peaks.h5ad --training-set balanced"),
    ("train", "dataset folds genome.fa --number 5 -l 384 -o folds.tsv"),
    ("train", "train fit ridge.json S -o m --epochs 1"),
    ("score", "predict test m/params.json m/model_best.h5 D -o p --save"),
    ("score", "predict genome m/params.json m/model_best.h5 -f genome.fa -t m/targets.txt -o g --target-width 192"),
    ("score", "predict bed m/params.json m/model_best.h5 regions.bed -f genome.fa -t m/targets.txt -o b"),
    *(
        ("peaks", f"evaluate {metric} --bootstrap 0 --output e.tsv")
        for metric in (
            f"specificity {MATRICES} --tracks tracks.csv --min-track-peaks 1 --min-bin-peaks 1",
            f"clusters {MATRICES} --clusters clusters.bed",
            f"tss-distance {MATRICES} --genes genes.bed --min-track-peaks 1 --min-bin-peaks 1 --min-all-peaks 1",
            "sequence --fasta genome.fa --bed clusters.bed --motifs motifs.meme --number 2000",
        )
    ),
    ("score", "sad split v.vcf -o split"),
    ("score", "sad collect --vcf v.vcf --eqtl e.tsv --counts c.tsv --output more.vcf"),
    ("score", "sad score m/params.json m/model_best.h5 v.vcf -f genome.fa -t m/targets.txt -o sad --stats SAD,REF,ALT"),
    ("score", "sad top sad/sad.h5 --output top.tsv"),
    ("score", "interpret ism m/params.json m/model_best.h5 regions.bed -f genome.fa -t m/targets.txt -o i --length 2"),
    ("heritability", "heritability annotate --bim panel.@ --peaks clusters.bed --name x --output annot/x"),
    ("heritability", "heritability clusters --peaks peaks.h5ad --outdir clusters"),
    (
        "eqtl",
        "eqtl classify --positives e.tsv --negatives n.tsv --scores sad/sad.h5 --peaks peaks.h5ad --genes genes.bed"
        " --folds 2 --output eqtl.tsv --match tss,peak",
    ),
    ("peaks", "imbalance count B.bam --vcf v.vcf --output counted.tsv"),
    ("peaks", "imbalance call --counts c.tsv --output calls.tsv"),
    ("peaks", "imbalance evaluate --calls calls.tsv --scores sad/sad.h5 --track A --peaks peaks.h5ad --output ai.tsv"),
]


def make_study(folder: Path, contigs: int) -> None:
    """Write the genome and every input of the commands."""
    rng = np.random.default_rng(1)
    lengths = [CHROMOSOME] * 3 + rng.integers(*SCAFFOLD, contigs).tolist()
    names = ["chr1", "chr2", "chr3", *(f"scaffold_{i}" for i in range(contigs))]
    sizes = dict(zip(names, lengths, strict=True))
    bases = {name: "".join("ACGT"[code] for code in rng.integers(0, 4, n)) for name, n in sizes.items()}
    (folder / "genome.fa").write_text("".join(f">{name}\n{sequence}\n" for name, sequence in bases.items()))
    pysam.faidx(str(folder / "genome.fa"))
    write_signals(folder, sizes, rng)
    write_regions(folder, sizes)
    write_variants(folder, bases)
    (folder / "params.json").write_text(
        '{"tracks": "tracks.csv", "fasta": "genome.fa", "genes": "genes.bed", "blacklist": "black.bed", "gaps": '
        '"gaps.bed", "clusters": "clusters.bed", "variants": "variants.csv", "eqtls": "eqtls.csv", "allelic_counts": '
        '"allelic_counts.csv", "valid_chroms": "chr2", "test_chroms": "chr3"}'
    )
    (folder / "ridge.json").write_text((ROOT / "assets" / "presets" / "kmer_ridge.json").read_text())
    (folder / "panel.1.bim").write_text("".join(f"1\trs{i}\t0\t{i * 10 + 1}\tA\tG\n" for i in range(2000)))


def write_signals(folder: Path, sizes: dict[str, int], rng: np.random.Generator) -> None:
    """Four tracks (bigWig, BAM, fragments, bedGraph) with a peak on each contig, the BAM as CRAM too."""
    peaks = [(chrom, int(start)) for chrom, n in sizes.items() for start in rng.integers(0, n - 128, 1 + n // 2000)]
    peaks = list(dict.fromkeys((chrom, start // 128 * 128) for chrom, start in peaks))
    out = pyBigWig.open(str(folder / "A.bw"), "w")
    out.addHeader(list(sizes.items()))
    for chrom, start in grouped(peaks, sizes):
        out.addEntries([chrom] * len(start), start, ends=[s + 128 for s in start], values=[2.0] * len(start))
    out.close()
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": c, "LN": n} for c, n in sizes.items()]}
    for name, mode, options in (
        ("B.bam", "wb", {}),
        ("B.cram", "wc", {"reference_filename": str(folder / "genome.fa")}),
    ):
        with pysam.AlignmentFile(str(folder / name), mode, header=header, **options) as reads:
            numbers = {chrom: i for i, chrom in enumerate(sizes)}
            for chrom, start in grouped(peaks, sizes):
                for place in start:
                    for i in range(8):
                        read = pysam.AlignedSegment(reads.header)
                        read.query_name, read.query_sequence, read.cigarstring = f"r{i}", "ACGT" * 5, "20M"
                        read.reference_id, read.reference_start, read.mapping_quality = numbers[chrom], place + i, 60
                        reads.write(read)
    with gzip.open(folder / "C.fragments.tsv.gz", "wt", compresslevel=1) as text:
        for chrom, start in grouped(peaks, sizes):
            text.writelines(f"{chrom}\t{s + i}\t{s + i + 40}\tCELL\t1\n" for s in start for i in range(6))
    with open(folder / "D.bedgraph", "w") as text:
        for chrom, start in grouped(peaks, sizes):
            text.writelines(f"{chrom}\t{s}\t{s + 128}\t1.5\n" for s in start)
    (folder / "tracks.csv").write_text(
        "track,cell_type,signal\nA,a,A.bw\nB,b,B.bam\nC,c,C.fragments.tsv.gz\nD,d,D.bedgraph\n"
    )
    (folder / "targets.txt").write_text(
        "index\tidentifier\tfile\tsum_stat\tdescription\n"
        + "".join(f"{i}\t{track}\t{track}.bw\tsum\t{track}\n" for i, track in enumerate("ABCD"))
    )


def grouped(peaks: list[tuple[str, int]], sizes: dict[str, int]) -> list[tuple[str, list[int]]]:
    """Sorted starts of each chromosome's peaks, in the genome's order."""
    starts: dict[str, list[int]] = {chrom: [] for chrom in sizes}
    for chrom, start in peaks:
        starts[chrom].append(start)
    return [(chrom, sorted(found)) for chrom, found in starts.items() if found]


def write_regions(folder: Path, sizes: dict[str, int]) -> None:
    """A gene, an excluded interval, a gap and two clusters on every contig."""
    files = {
        "genes.bed": "".join(f"{c}\t50\t{n - 50}\tg_{c}\t0\t+\n" for c, n in sizes.items()),
        "black.bed": "".join(f"{c}\t{n - 60}\t{n - 40}\n" for c, n in sizes.items()),
        "gaps.bed": "".join(f"{c}\t{n - 20}\t{n}\n" for c, n in sizes.items()),
        "clusters.bed": "".join(f"{c}\t0\t{n // 2}\teven\n{c}\t{n // 2}\t{n}\todd\n" for c, n in sizes.items()),
        "regions.bed": "".join(f"{c}\t{n // 2 - 50}\t{n // 2 + 50}\n" for c, n in list(sizes.items())[-100:]),
        "motifs.meme": "MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 one\nletter-probability matrix: alength= 4 w= 3\n"
        "0.7 0.1 0.1 0.1\n0.1 0.7 0.1 0.1\n0.1 0.1 0.7 0.1\n",
    }
    for name, text in files.items():
        (folder / name).write_text(text)


def write_variants(folder: Path, bases: dict[str, str]) -> None:
    """A variant on every contig: VCF, eQTLs with a PIP, negatives, allelic counts, and their sheets."""
    rows = [(c, len(s) // 2, s[len(s) // 2 - 1], "A" if s[len(s) // 2 - 1] != "A" else "C") for c, s in bases.items()]
    header = "##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={c},length={len(s)}>\n" for c, s in bases.items())
    (folder / "v.vcf").write_text(
        f"{header}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"{c}\t{p}\tv{i}\t{r}\t{a}\t.\t.\t.\n" for i, (c, p, r, a) in enumerate(rows))
    )
    tables = {
        "e.tsv": (
            "chrom pos ref alt pip beta gene",
            [(*v, 0.95, (-1) ** i, f"g_{v[0]}") for i, v in enumerate(rows[::2])],
        ),
        "n.tsv": ("chrom pos ref alt gene", [(*v, f"g_{v[0]}") for v in rows[1::2]]),
        "c.tsv": ("chrom pos ref alt ref_count alt_count", [(*v, 12 + 60 * (i % 2), 40) for i, v in enumerate(rows)]),
    }
    for name, (columns, values) in tables.items():
        lines = [columns.replace(" ", "\t"), *("\t".join(map(str, row)) for row in values)]
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "variants.csv").write_text("set,vcf\nv,v.vcf\n")
    (folder / "eqtls.csv").write_text("tissue,variants,negatives\nblood,e.tsv,n.tsv\n")
    (folder / "allelic_counts.csv").write_text("cell_type,counts,track\na,c.tsv,A\n")


def cpu_seconds(folder: Path, venvs: Path, stage: str, command: str) -> float:
    """User and system seconds of a command."""
    script, *arguments = command.split()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [venvs / stage / "bin" / "python", ROOT / "bin" / f"{script}.py", "--quiet", *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        log.warning("%s: exit %d: %s", command[:60], done.returncode, done.stderr.strip()[-300:])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(
    contigs: Annotated[int, typer.Option(min=1, help="Scaffolds beside the three chromosomes.")] = 20_000,
    only: Annotated[str, typer.Option(help="Commands that hold one of these texts, comma-separated.")] = "",
    folder: Annotated[
        Path | None, typer.Option(help="Keep inputs and outputs here; default: a scratch folder.")
    ] = None,
    venvs: Annotated[Path, typer.Option(help="Folder of the environments.")] = ROOT / ".venvs",
) -> None:
    """Measure every command, and name those above 15 CPU seconds."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(folder or scratch)
        work.mkdir(parents=True, exist_ok=True)
        if not (work / "genome.fa").exists():
            make_study(work, contigs)
        for stage, command in COMMANDS:
            if any(text in command for text in only.split(",")):
                seconds = cpu_seconds(work, venvs, stage, command)
                log.info("%6.1f %s %s", seconds, "ABOVE" if seconds > LIMIT else "     ", command[:90])


if __name__ == "__main__":
    typer.run(main)
