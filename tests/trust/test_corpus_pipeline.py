"""Bad input to the whole pipeline: `nextflow run` itself says what is wrong and where, and leaves no result.

Odd but legal names work.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pysam
import pytest
from corpus import study
from corpus.case import Change, all_of, edit, missing, put, renamed, rewrite

pytestmark = [pytest.mark.trust, pytest.mark.nextflow]
ROOT = Path(__file__).resolve().parents[2]
OF_THE_RUN = {"ro-crate-metadata.json", "main.nf"}  # beside pipeline_info/: they say what was run, not what came of it
Run = Callable[[Path], tuple[int, str]]

REFUSED: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a track that runs a command": (edit("tracks.csv", "\nA,", "\n$(touch hacked),"), ("tracks.csv", "is not a name")),
    "a track that leaves its folder": (edit("tracks.csv", "\nA,", "\n../A,"), ("tracks.csv", "is not a name")),
    "a sheet with an unknown column": (
        edit("tracks.csv", "barcodes", "colour"),
        ("tracks.csv", "unknown column 'colour'"),
    ),
    "a signal that is no file": (missing("A.bw"), ("A.bw", "no such")),
    "a signal that is cut": (
        rewrite("A.bw", lambda content: content[: len(content) // 2]),
        ("A.bw", "cannot be read as bigWig"),
    ),
    "a genome with a contig twice": (
        all_of(edit("genome.fa", ">chr2", ">chr1"), missing("genome.fa.fai")),
        ("genome.fa", "chr1 twice"),
    ),
    "no genome": (missing("genome.fa"), ("genome.fa", "no such")),
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    return study.build(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def pipeline(nextflow, environments, tmp_path) -> Run:
    """Run the peak stage of a study: exit code and what is said."""

    def run(folder: Path) -> tuple[int, str]:
        given = (
            "--tracks",
            folder / "tracks.csv",
            "--fasta",
            folder / "genome.fa",
            "--valid_chroms",
            "chr2",
            "--test_chroms",
            "chr3",
            "--bin_size",
            64,
        )
        done = nextflow(
            "run",
            ROOT,
            "-profile",
            "venv",
            "--stages",
            "peaks",
            *given,
            "--venvs",
            environments,
            "--outdir",
            tmp_path / "results",
            timeout=600,
        )
        return done.returncode, done.stdout

    return run


@pytest.mark.parametrize("name", REFUSED)
def test_the_pipeline_refuses(clean, tmp_path, pipeline, evidence, name):
    change, says = REFUSED[name]
    folder = study.copy(clean, tmp_path / "study")
    change(folder)
    code, said = pipeline(folder)
    assert code != 0, said[-2000:]
    assert all(part in said for part in says), said[-3000:]
    assert "Traceback" not in said
    assert [p for p in tmp_path.rglob("*") if p.name == "hacked"] == []
    written = [p.relative_to(tmp_path / "results") for p in (tmp_path / "results").rglob("*") if p.is_file()]
    assert [p for p in written if p.parts[0] != "pipeline_info" and p.name not in OF_THE_RUN] == []
    sentence = next((line.strip() for line in said.splitlines() if all(part in line for part in says)), "")
    evidence(
        "corpus",
        case=f"{name} (nextflow run)",
        format="pipeline",
        refused=True,
        sentence=sentence.replace(str(tmp_path), ""),
    )
    shutil.rmtree(tmp_path / "work", ignore_errors=True)


def test_a_path_with_spaces_works(clean, tmp_path, pipeline):
    folder = study.copy(clean, tmp_path / "my study")
    sheet = "track,cell_type,group,signal\nA,a,g,my signal.bw\nB,b,h,B.bam\nD,d,h,D.bedgraph\n"
    all_of(renamed("A.bw", "my signal.bw"), put("tracks.csv", sheet))(folder)
    code, said = pipeline(folder)
    assert code == 0, said[-3000:]
    assert (tmp_path / "results" / "peaks" / "peaks.h5ad").is_file()


def test_a_cram_and_a_bgzipped_genome_without_index_work(clean, tmp_path, pipeline):
    """The preflight makes the index, all tasks take it, and the CRAM has the counts of its BAM."""
    folder = study.copy(clean, tmp_path / "study")
    with pysam.AlignmentFile(str(folder / "B.bam")) as bam:
        reference = str(folder / "genome.fa")
        with pysam.AlignmentFile(str(folder / "B.cram"), "wc", template=bam, reference_filename=reference) as cram:
            for read in bam.fetch(until_eof=True):
                cram.write(read)
    pysam.tabix_compress(str(folder / "genome.fa"), str(folder / "genome.fa.gz"))
    for name in ("genome.fa", "genome.fa.fai", "B.bam", "B.bam.bai"):
        (folder / name).unlink()
    (folder / "genome.fa.gz").rename(folder / "genome.fa")
    sheet = "track,cell_type,group,signal\nA,a,g,A.bw\nB,b,h,B.cram\nD,d,h,D.bedgraph\n"
    put("tracks.csv", sheet)(folder)
    before = {path.name for path in folder.iterdir()}
    code, said = pipeline(folder)
    assert code == 0, said[-3000:]
    assert {path.name for path in folder.iterdir()} == before
    counted = next((tmp_path / "work").rglob("B.coverage.h5"))
    with h5py.File(counted) as cram, h5py.File(clean / "B.coverage.h5") as bam:
        for chrom in study.SIZES:
            np.testing.assert_array_equal(cram[chrom][:], bam[chrom][:])
