"""No value of a sheet, a parameter or a file reaches a shell.

Refused where they come in, and again where scripts are made of it.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pysam
import pytest
from wiring import PARAMETERS

from accessiflow.dataset.folds import rotation
from accessiflow.errors import InputError
from accessiflow.heritability.clusters import write_clusters
from accessiflow.heritability.panel import panel_from_vcf
from accessiflow.peaks.tables import write_sets
from accessiflow.sheets import NAME, SHEETS, check_sheet, path_fault

ROOT = Path(__file__).resolve().parents[2]
MARK = "pwned"
SECRET = "hunter2"
HOSTILE = [
    f"$(touch {MARK})",
    f"`touch {MARK}`",
    f"a;touch {MARK}",
    f"a|touch {MARK}",
    f"a||touch${{IFS}}{MARK}",
    f"a&touch {MARK}",
    f"a&&touch {MARK}",
    f"a\ntouch {MARK}",
    f"a\rtouch {MARK}",
    f"'; touch {MARK}; '",
    f'"; touch {MARK}; "',
    f"a > {MARK}",
    f"a >{MARK}",
    f"<(touch {MARK})",
    f"x=$(>{MARK})",
    "${IFS}",
    "$HOME",
    "$0",
    "a\\",
    "a\\ntouch",
    "{a,b}",
    "*",
    "a?",
    "[a-z]",
    "~root",
    "-rf",
    "--output=x",
    "#a",
    "!!",
    "a\x00b",
    "a\x1b[2Jb",
    "a\u2028b",
    "%s" + "${params.outdir}",
    f"https://me:{SECRET}@host/x",
    f"https://host/x?X-Amz-Signature={SECRET}",
    "x" * 10_000,
]
HOSTILE_PATHS = [
    "jar:file:///etc/passwd!/x",
    "ssh://host/x",
    "lustre+x://y",
    "a/-rf/b.bw",
    "/data/~root/b.bw",
    "dir$(id)/b.bw",
    "dir\n/b.bw",
]
HOSTILE_NAMES = [
    "../x",
    "a/b",
    "/etc/passwd",
    "..",
    ".",
    ".hidden",
    "a b",
    "é",
    "a:b",
    "a@b",
    "_a",
    "<script>",
    "A" * 65,
]
GOOD_NAMES = ["A", "9", "K562", "a.b_c-d", "A" * 64]
GOOD_PATHS = [
    "x.bw",
    "a b (1).bw",
    "über/x,y.bw",
    "../data/x=1.bw",
    "/abs/o@x%20.bw",
    "s3://bucket/a b/x.bw",
    "https://host:8080/x.bw",
    "chr1:2-3.bed",
    "",
]
COLUMNS = [(kind, column) for kind, sheet in SHEETS.items() for column in (*sheet.required, *sheet.optional)]


def row_of(kind: str) -> dict[str, str]:
    """A row that nothing is wrong with."""
    sheet = SHEETS[kind]
    row = dict.fromkeys((*sheet.required, *sheet.optional), "a")
    # columns with a form of their own
    formed = {"adapter": "keras", "columns": "a=b", "tracks_map": "a=b"}
    row |= {column: good for column, good in formed.items() if column in row}
    return row | dict.fromkeys(sheet.numbers, "1") | {column: allowed[0] for column, allowed in sheet.choices.items()}


def write_row(kind: str, row: dict[str, str], path: Path) -> Path:
    with open(path, "w", newline="") as out:
        writer = csv.DictWriter(out, list(row))
        writer.writeheader()
        writer.writerow(row)
    return path


@pytest.mark.parametrize(("kind", "column"), COLUMNS, ids=lambda value: value)
def test_no_column_takes_a_hostile_value(kind: str, column: str, tmp_path: Path, evidence) -> None:
    values = HOSTILE + (HOSTILE_PATHS if column in SHEETS[kind].paths else HOSTILE_NAMES)
    assert not check_sheet(kind, write_row(kind, row_of(kind), tmp_path / "good.csv"))[1]
    for value in values:
        if (column, value) == ("init_from", "a:b"):  # MODEL:TRACK
            continue
        rows, problems = check_sheet(kind, write_row(kind, row_of(kind) | {column: value}, tmp_path / "s.csv"))
        assert problems, value
        assert all(SECRET not in sentence for sentence in problems if column in SHEETS[kind].paths), (
            "a login in a message"
        )
        assert not any(value in row.values() for row in rows if column in SHEETS[kind].paths)
    evidence("security", check=f"hostile values in {kind}.{column}", tried=len(values), ran=0)


def test_ordinary_names_and_paths_are_taken() -> None:
    assert [name for name in GOOD_NAMES if not NAME.fullmatch(name)] == []
    assert {path: path_fault(path) for path in GOOD_PATHS if path_fault(path)} == {}


SHEET_VALUES = [
    {"kind": kind, "value": value, "row": row_of(kind) | {column: value, "index": 0}}
    for kind, column in COLUMNS
    for value in HOSTILE + (HOSTILE_PATHS if column in SHEETS[kind].paths else HOSTILE_NAMES[:3])
    if len(value) < 1000
]
GOOD_ROWS = [{"kind": kind, "value": "", "row": row_of(kind) | {"index": 0}} for kind in SHEETS]
HARMLESS = {"gpu_machine": {"*"}, "baseline_exclude": {"*", "a?"}, "cluster_options": {"[a-z]", "-rf", "--output=x"}}
PARAMETER_VALUES = [
    [name, value]
    for name in PARAMETERS
    if not name.startswith("help")
    for value in HOSTILE
    if value not in HARMLESS.get(name, ())
]
DEFAULTS = [[name, spec["default"]] for name, spec in PARAMETERS.items() if "default" in spec and name != "venvs"]
_PROBLEMS = "asked.collect { known.problems([(it[0]): it[1]]) }"
QUESTIONS: dict[str, tuple[str, list[Any]]] = {  # what the pipeline's own classes make of `asked`
    "rows": ("asked.collect { Sheets.faults(it.kind, [it.row]) }", SHEET_VALUES + GOOD_ROWS),
    "paths": ("asked.collect { SheetRules.fault(it) }", GOOD_PATHS),
    "parameters": (_PROBLEMS, PARAMETER_VALUES),
    "defaults": (_PROBLEMS, DEFAULTS),
    "code_ids": ("asked.collect { known.problems([code_id: it]) }", ["0123456789ab", "x\ntouch pwned"]),
}


@pytest.fixture(scope="module")
def answers(groovy) -> dict[str, list[Any]]:
    """The answers to all QUESTIONS, in one start of Nextflow."""
    asked = " ".join(f"answers.{name} = {{ asked -> {code} }}(given.{name});" for name, (code, _) in QUESTIONS.items())
    known = f"def known = new Parameters(file('{ROOT / 'nextflow_schema.json'}'))"
    code = f"{{ -> {known}; def answers = [:]; {asked} answers }}()"
    return groovy(code, {name: given for name, (_, given) in QUESTIONS.items()})


def test_the_head_refuses_the_same_values(answers) -> None:
    """The head reads the sheets with another parser: its own rule must be as strict, whatever the preflight saw."""
    faults = answers["rows"]
    assert len(faults) == len(SHEET_VALUES) + len(GOOD_ROWS)
    assert [case["row"] for case, found in zip(SHEET_VALUES, faults, strict=False) if not found] == []
    assert [SECRET in " ".join(found) for found in faults].count(True) == 0
    assert [found for found in faults[len(SHEET_VALUES) :] if found] == []
    assert set(answers["paths"]) == {""}


def test_no_parameter_takes_a_hostile_value(answers, evidence) -> None:
    faults = answers["parameters"]
    taken = [
        tuple(pair) for pair, found in zip(PARAMETER_VALUES, faults, strict=True) if not found and len(pair[1]) < 1000
    ]
    assert taken == []
    assert [pair for pair, found in zip(PARAMETER_VALUES, faults, strict=True) if SECRET in " ".join(found)] == [], (
        "a login in a message"
    )
    assert {str(pair): found for pair, found in zip(DEFAULTS, answers["defaults"], strict=True) if found} == {}
    evidence("security", check="hostile values in parameters", tried=len(PARAMETER_VALUES), ran=0)


def test_no_parameter_stands_for_the_digest_of_the_code(answers) -> None:
    assert all(answers["code_ids"])


# --- names that come from files: they become names of files, and words of scripts


def test_contigs_of_a_genome_that_would_be_a_command_are_refused() -> None:
    for name in (f"chr$(touch {MARK})", "chr1;id", "-v", "a b", "chr1'"):
        with pytest.raises(InputError, match="contig"):
            rotation({"chr1": 9, "chr2": 9, name: 9}, 3)
    assert rotation({"chr1": 9, "KI270728.1": 9, "HLA-A*01:01": 9}, 3)


@pytest.mark.parametrize("contig", ["../../x", "/tmp/x", f"$(touch_{MARK})", "a|b"])
def test_contigs_of_a_panel_cannot_name_files_elsewhere(contig: str, tmp_path: Path) -> None:
    text = f"##fileformat=VCFv4.2\n##contig=<ID={contig}>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=g>\n"
    text += f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tme\n{contig}\t5\tr\tA\tC\t.\t.\t.\tGT\t0/1\n"
    (tmp_path / "p.vcf").write_text(text)
    (tmp_path / "work" / "out").mkdir(parents=True)
    with pytest.raises(InputError):
        panel_from_vcf(tmp_path / "p.vcf", tmp_path / "work" / "out" / "panel")
    assert not list((tmp_path / "work" / "out").iterdir())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.vcf", "work"]


def test_clusters_and_tissues_become_plain_file_names(tmp_path: Path) -> None:
    from accessiflow.peaks.tissue_sets import TissueSet

    hostile = [value[:60] for value in HOSTILE[:15] + HOSTILE_NAMES if "\n" not in value and "\r" not in value]
    for number, name in enumerate(hostile):
        folder = tmp_path / str(number)
        write_clusters(pd.DataFrame({"chrom": "chr1", "start": [1], "end": [2], "name": [name]}), folder)
        rows = np.array([0])
        obs = pd.DataFrame({"chrom": ["chr1"], "start": [1], "end": [2]})
        write_sets(obs, [TissueSet(name=name, by="group", high=rows, low=rows, median=1.0, n_tracks=1)], folder)
        made = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
        assert all(
            set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") for path in made
        ), made
    assert {path.parent for path in tmp_path.rglob("*.bed")} == {tmp_path / str(i) for i in range(len(hostile))}


def test_control_characters_of_a_file_do_not_reach_the_terminal(refused, tmp_path: Path) -> None:
    (tmp_path / "b.bed").write_text("chr1\t\x1b]0;x\x07\t\x1b[2J\n")
    (tmp_path / "g.sizes").write_text("chr\x1b[31m1 x\n")
    sentence = refused("dataset", "folds", tmp_path / "g.sizes", "--number", "3", "-o", tmp_path / "o.tsv")
    sentence += refused("heritability", "clusters", "--bed", tmp_path / "b.bed", "--outdir", tmp_path / "c")
    assert sentence.isprintable()


# --- the pipeline itself


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A genome and a signal, as small as they can be."""
    import pyBigWig

    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(1)
    with open(folder / "g.fa", "w") as out:
        for name in ("chr1", "chr2", "chr3"):
            out.write(f">{name}\n{''.join(rng.choice(list('ACGT'), 60_000))}\n")
    pysam.faidx(str(folder / "g.fa"))
    with pyBigWig.open(str(folder / "x.bw"), "w") as bw:
        bw.addHeader([(c, 60_000) for c in ("chr1", "chr2", "chr3")])
        for chrom in ("chr1", "chr2", "chr3"):
            starts = np.sort(rng.choice(400, 60, replace=False)) * 128
            bw.addEntries(
                [chrom] * 60, starts.tolist(), ends=(starts + 128).tolist(), values=rng.gamma(0.4, 9.0, 60).tolist()
            )
    return folder


@pytest.fixture
def pipeline(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """pipeline("--tracks", ...): a run of the pipeline in a folder of its own; stdout and stderr together."""
    if not (ROOT / ".venvs" / "peaks" / "bin" / "python").exists():
        pytest.skip("no stage environments: run make envs")

    def run(*args: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [ROOT / "scripts" / "nextflow", "run", ROOT, "-ansi-log", "false", "-profile", "venv", *args]
        options = {
            "cwd": tmp_path,
            "env": os.environ | (env or {}),
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
        }
        return subprocess.run([str(word) for word in command], **options, text=True, timeout=900, check=False)  # type: ignore[call-overload]

    return run


def marks(folder: Path) -> Iterator[Path]:
    return folder.rglob(f"*{MARK}*")


CHROMS = ("--valid_chroms", "chr2", "--test_chroms", "chr3", "--stages", "peaks")


@pytest.mark.trust
@pytest.mark.nextflow
def test_a_hostile_sheet_is_refused_by_the_pipeline_and_nothing_of_it_runs(
    pipeline, study: Path, tmp_path: Path, evidence
) -> None:
    """The workflow engine leaves $, globs and newlines of a path unquoted in the script that brings files to a task.

    That is so even for the preflight's.
    """
    names = [value for value in HOSTILE if "/" not in value and "\x00" not in value and len(value) < 100]
    with open(tmp_path / "t.csv", "w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["track", "cell_type", "signal"])
        for number, name in enumerate(names):
            (tmp_path / name).touch()
            rows.writerows([[f"t{number}", "A", name], [name, "A", "x.bw"]])
    before = set(tmp_path.iterdir())
    done = pipeline("--tracks", tmp_path / "t.csv", "--fasta", study / "g.fa", *CHROMS)
    assert done.returncode != 0
    assert "holds '$', which no path may" in done.stdout
    made = {path for path in tmp_path.rglob("*") if MARK in path.name} - before
    assert not made
    assert Path.home().is_dir()
    evidence("security", check="hostile names in a sheet, real run", tried=2 * len(names), ran=0)


@pytest.mark.trust
@pytest.mark.nextflow
def test_the_head_stops_where_the_preflight_let_a_value_pass(pipeline, study: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"track,cell_type,signal\nA,$(touch {MARK}),x.bw\n")
    done = pipeline("--tracks", tmp_path / "t.csv", "--fasta", study / "g.fa", *CHROMS, "-stub-run")
    assert done.returncode != 0
    assert "is not a name" in done.stdout
    assert not list(marks(tmp_path))


@pytest.mark.trust
@pytest.mark.nextflow
def test_names_that_are_only_unusual_run_through(pipeline, study: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a folder (über)"
    odd.mkdir()
    genome = odd / "the genome, v1 (2).fa"
    for suffix in ("", ".fai"):
        shutil.copy(study / f"g.fa{suffix}", f"{genome}{suffix}")
    shutil.copy(study / "x.bw", odd / "a b, c=1 (é) %20@x.bw")
    (odd / "the sheet.csv").write_text(
        'track,cell_type,group,signal\nA,A,G,"a b, c=1 (é) %20@x.bw"\nB,B,G,"./a b, c=1 (é) %20@x.bw"\n'
    )
    done = pipeline("--tracks", odd / "the sheet.csv", "--fasta", genome, *CHROMS)
    assert done.returncode == 0, done.stdout[-3000:]
    with h5py.File(tmp_path / "results" / "peaks" / "peaks.h5ad") as peaks:
        assert sorted(peaks["var"]["_index"].asstr()) == ["A", "B"]


@pytest.mark.trust
@pytest.mark.nextflow
def test_no_secret_of_the_environment_or_an_address_is_written(pipeline, study: Path, tmp_path: Path) -> None:
    env = dict.fromkeys(
        ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_OAUTH_TOKEN", "NXF_GITHUB_TOKEN"), SECRET
    )
    (tmp_path / "t.csv").write_text(
        f"track,cell_type,signal\nA,A,https://me:{SECRET}@host.invalid/x.bw\nB,B,https://h.invalid/x.bw?sig={SECRET}\n"
    )
    done = pipeline("--tracks", tmp_path / "t.csv", "--fasta", study / "g.fa", *CHROMS, env=env)
    assert done.returncode != 0
    assert "carries a login" in done.stdout
    assert "has a query" in done.stdout
    assert SECRET not in done.stdout
    (tmp_path / "t.csv").write_text(f"track,cell_type,group,signal\nA,A,G,{study / 'x.bw'}\n")
    done = pipeline("--tracks", tmp_path / "t.csv", "--fasta", study / "g.fa", *CHROMS[:-1], "peaks,report", env=env)
    assert done.returncode == 0, done.stdout[-3000:]
    written = [
        path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink() and path != tmp_path / "t.csv"
    ]
    assert len(written) > 20
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
