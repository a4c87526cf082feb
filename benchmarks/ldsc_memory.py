#!/usr/bin/env python3
"""Seconds and peak memory of one `ldsc.py --h2` and one `--h2-cts` at the size of published files, on files made here.

1.2 million SNPs with LD scores (HapMap3) and 97 annotations, of a panel of 10 million; ldsc reads its annotations a
chromosome at a time, so that the largest alone has its real size here.

OMP_NUM_THREADS=1 python3 benchmarks/ldsc_memory.py [--ldsc .venvs/ldsc/bin/python] [--folder /scratch/x]
OMP_NUM_THREADS=1 python3 benchmarks/ldsc_memory.py --munge 1000000    # instead: munge_sumstats.py on so many rows
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHROMOSOMES, ANNOTATIONS, SNPS, LARGEST = 22, 97, 1_200_000, 780_000
ROWS = 4000  # distinct rows of values: the text of a million is not drawn anew
GIB = 1 << 30


def numbers(rng: random.Random, columns: int, draw: str) -> list[str]:
    """Lines of values, tab-separated: LD scores, or annotations of 0 and 1."""
    value = (lambda: f"{rng.expovariate(0.05):.3f}") if draw == "scores" else (lambda: str(int(rng.random() < 0.2)))
    return ["\t".join(value() for _ in range(columns)) for _ in range(ROWS)]


def write(path: Path, header: str, lines: Iterator[str]) -> None:
    """A gzipped table."""
    with gzip.open(path, "wt", compresslevel=1) as out:
        out.write(header + "\n")
        out.writelines(f"{line}\n" for line in lines)


def make(folder: Path, scale: float) -> None:
    """Baseline, one annotation, weights, frequencies and statistics; `scale` times the real size."""
    rng = random.Random(1)
    scores, flags = numbers(rng, ANNOTATIONS, "scores"), numbers(rng, ANNOTATIONS - 1, "annotations")
    names = [f"a{i}" for i in range(ANNOTATIONS)]
    for chrom in range(1, CHROMOSOMES + 1):
        listed, panel = int(SNPS * scale / CHROMOSOMES), int((LARGEST if chrom == 1 else SNPS / CHROMOSOMES) * scale)
        places = [f"{chrom}\trs{chrom}x{i}\t{i + 1}" for i in range(listed)]
        score_header = "CHR\tSNP\tBP\t"
        write(
            folder / f"b.{chrom}.l2.ldscore.gz",
            score_header + "\t".join(f"{n}L2" for n in names),
            (f"{p}\t{scores[rng.randrange(ROWS)]}" for p in places),
        )
        for name in "xw":
            write(
                folder / f"{name}.{chrom}.l2.ldscore.gz",
                score_header + "L2",
                (f"{p}\t{rng.expovariate(0.1):.3f}" for p in places),
            )
        ids = [f"rs{chrom}x{i}" for i in range(panel)]
        write(
            folder / f"b.{chrom}.annot.gz",
            "CHR\tBP\tSNP\tCM\t" + "\t".join(names),
            (f"{chrom}\t{i + 1}\t{snp}\t0\t1\t{flags[rng.randrange(ROWS)]}" for i, snp in enumerate(ids)),
        )
        write(folder / f"x.{chrom}.annot.gz", "x", (str(int(rng.random() < 0.02)) for _ in ids))
        with open(folder / f"f.{chrom}.frq", "w") as out:
            out.write("CHR SNP A1 A2 MAF NCHROBS\n")
            out.writelines(f"{chrom} {snp} A G {rng.uniform(0.01, 0.5):.4f} 978\n" for snp in ids)
        for name, columns in (("b", ANNOTATIONS), ("x", 1)):
            (folder / f"{name}.{chrom}.l2.M_5_50").write_text("\t".join(["100000"] * columns) + "\n")
    snps = (f"rs{chrom}x{i}" for chrom in range(1, CHROMOSOMES + 1) for i in range(int(SNPS * scale / CHROMOSOMES)))
    write(folder / "t.sumstats.gz", "SNP\tA1\tA2\tZ\tN", (f"{s}\tA\tG\t{rng.gauss(0, 1.2):.3f}\t360000" for s in snps))
    (folder / "x.ldcts").write_text("x\tx.\ny\tx.\n")


def make_statistics(path: Path, rows: int) -> None:
    """Summary statistics of eight columns, some 54 bytes a row."""
    rng = random.Random(1)
    with open(path, "w") as out:
        out.write("SNP\tA1\tA2\tFRQ\tBETA\tP\tN\tINFO\n")
        for i in range(rows):
            alleles, numbers = ("A\tG", "C\tT")[i % 2], f"{rng.uniform(0.02, 0.5):.4f}\t{rng.gauss(0, 0.01):.6f}"
            out.write(
                f"rs{100_000_000 + i}\t{alleles}\t{numbers}\t{rng.uniform(1e-6, 1):.6g}\t{360_000 + i % 7}\t0.99\n"
            )


def measure(python: str, folder: Path, program: str, *options: str) -> tuple[float, float, float, int]:
    """Seconds elapsed, CPU seconds, peak GiB and exit status of a program of ldsc."""
    command = [python, str(Path(python).parent / program), "--out", "o", *options]
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        os.dup2(os.open("stdout", os.O_WRONLY | os.O_CREAT), 1)
        os.execv(python, command)
    _, status, usage = os.wait4(pid, 0)
    elapsed, cpu = time.monotonic() - start, usage.ru_utime + usage.ru_stime
    return elapsed, cpu, usage.ru_maxrss * 1024 / GIB, os.waitstatus_to_exitcode(status)


def report(name: str, measured: tuple[float, float, float, int]) -> None:
    """Print a line."""
    seconds, cpu, peak, status = measured
    sys.stdout.write(f"{name}\t{seconds:.0f} s\t{cpu:.0f} CPU-s\t{peak:.2f} GiB\texit {status}\n")


def main() -> None:
    """Make the files, run ldsc twice, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ldsc", default=str(ROOT / ".venvs/ldsc/bin/python"), help="python of an environment with ldsc"
    )
    parser.add_argument("--folder", type=Path, help="keep the files there, and use those that are there")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of the real size")
    parser.add_argument("--munge", type=int, metavar="ROWS", help="measure munge_sumstats.py instead")
    arguments = parser.parse_args()
    python = str(Path(arguments.ldsc).absolute())
    if arguments.munge:
        with tempfile.TemporaryDirectory() as name:
            make_statistics(Path(name) / "t.txt", arguments.munge)
            report("munge", measure(python, Path(name), "munge_sumstats.py", "--sumstats", "t.txt"))
        return
    folder = arguments.folder or Path(tempfile.mkdtemp())
    if not (folder / "x.ldcts").exists():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, arguments.scale)
    regression = ("--ref-ld-chr", "b.,x.", "--frqfile-chr", "f.", "--overlap-annot", "--print-coefficients")
    tests = ("--ref-ld-chr", "b.", "--ref-ld-chr-cts", "x.ldcts")
    for name, options in (
        ("--h2", ("--h2", "t.sumstats.gz", *regression, "--print-delete-vals")),
        ("--h2-cts", ("--h2-cts", "t.sumstats.gz", *tests)),
    ):
        report(name, measure(python, folder, "ldsc.py", "--w-ld-chr", "w.", *options))
    if arguments.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
