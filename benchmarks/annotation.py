#!/usr/bin/env python3
"""CPU seconds and peak memory of `sad.py annotate`: random scores of 684 tracks in nine groups, as float16.

OMP_NUM_THREADS=1 .venvs/test/bin/python benchmarks/annotation.py 50000 150000
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
TRACKS, GROUPS = 684, 9
AT_ONCE = 20_000


def write_scores(path: Path, variants: int) -> None:
    """SAD, REF and ALT of variants 7 bp apart."""
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as handle:
        handle["pos"] = np.arange(1, variants + 1, dtype=np.uint32) * 7
        for name, text in (("chr", b"chr1"), ("ref_allele", b"A"), ("alt_allele", b"C")):
            handle[name] = np.full(variants, text)
        handle["snp"] = np.array([f"rs{i}" for i in range(variants)], "S")
        for name in ("target_ids", "target_labels"):
            handle[name] = np.array([f"t{i}" for i in range(TRACKS)], "S")
        sad = handle.create_dataset("SAD", (variants, TRACKS), "f2")
        ref, alt = (handle.create_dataset(name, (variants, 1, TRACKS), "f2") for name in ("REF", "ALT"))
        for low in range(0, variants, AT_ONCE):
            high = min(variants, low + AT_ONCE)
            one, other = rng.random((2, high - low, TRACKS), dtype=np.float32)
            sad[low:high], ref[low:high, 0], alt[low:high, 0] = other - one, one, other


def write_study(folder: Path, variants: int) -> None:
    """The scores, the VCF and the tracks sheet."""
    write_scores(folder / "sad.h5", variants)
    rows = (f"chr1\t{7 * (i + 1)}\trs{i}\tA\tC\t.\tPASS\tAF=0.1\n" for i in range(variants))
    with open(folder / "set.vcf", "w", encoding="utf-8") as out:
        out.write("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        out.writelines(rows)
    lines = [f"t{i},t{i},group{i % GROUPS},t{i}.bw\n" for i in range(TRACKS)]
    (folder / "tracks.csv").write_text("".join(["track,cell_type,group,signal\n", *lines]))


def measure(variants: int) -> str:
    """One run, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_study(folder, variants)
        command = [sys.executable, str(ROOT / "bin" / "sad.py"), "annotate", str(folder / "sad.h5")]
        command += [
            "--variants",
            str(folder / "set.vcf"),
            "--tracks",
            str(folder / "tracks.csv"),
            "-o",
            str(folder / "o"),
        ]
        child = subprocess.Popen(command)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"exit status {status}")
        return f"{variants}\t{used.ru_utime + used.ru_stime:.1f} CPU s\t{used.ru_maxrss / 1024:.0f} MB"


if __name__ == "__main__":
    for number in sys.argv[1:]:
        sys.stdout.write(measure(int(number)) + "\n")
