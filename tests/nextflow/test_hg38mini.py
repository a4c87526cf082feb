"""Real data on compact human sequence.

Ten ENCODE DNase tracks, a real VCF as variant set and as LD panel, real summary statistics.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.nextflow, pytest.mark.slow]


@pytest.fixture
def sheets(shared: Path, tmp_path: Path) -> Path:
    """The sheets of the study, written beside the run."""
    data = shared / "data" / "hg38mini"
    with open(data / "hg38mini.tracks.tsv") as handle:
        rows = [
            f"{r['track']},{r['track']},{'ab'[i % 2]},{data / r['bigwig']}"
            for i, r in enumerate(csv.DictReader(handle, delimiter="\t"))
        ]
    (tmp_path / "tracks.csv").write_text("track,cell_type,group,signal\n" + "\n".join(rows) + "\n")
    (tmp_path / "variants.csv").write_text(f"set,vcf\neur,{data / 'hg38mini.1000G_EUR489.vcf.gz'}\n")
    with open(data / "hg38mini.bolt_sumstats.tsv") as handle:
        stats = [
            f"{r['SNP']}\t{r['ALLELE1']}\t{r['ALLELE0']}\t{r['BETA']}\t{r['P_LINREG']}\t100000"
            for r in csv.DictReader(handle, delimiter="\t")
        ]
    (tmp_path / "bolt.tsv").write_text("SNP\tA1\tA2\tBETA\tP\tN\n" + "\n".join(stats) + "\n")
    (tmp_path / "gwas.csv").write_text("trait,sumstats\nbolt,bolt.tsv\n")
    return tmp_path


def test_tracks_to_report(nextflow, environments: Path, shared: Path, sheets: Path) -> None:
    data = shared / "data" / "hg38mini"
    genome = (
        "--fasta",
        data / "hg38mini.fa",
        "--unmeasured",
        data / "hg38mini.unmeasured.bed",
        "--blacklist",
        data / "hg38mini.blacklist.bed",
    )
    inputs = (
        "--tracks",
        "tracks.csv",
        "--variants",
        "variants.csv",
        "--gwas",
        "gwas.csv",
        "--ld_panel",
        data / "hg38mini.1000G_EUR489.vcf.gz",
    )
    quick = (
        "--preset",
        "test",
        "--seq_length",
        "384",
        "--stride",
        "192",
        "--epochs",
        "1",
        "--shifts",
        "0",
        "--sets_by",
        "group",
    )
    done = nextflow(
        "run",
        ROOT,
        "-profile",
        "venv",
        "-params-file",
        ROOT / "conf/params/hg38mini.yml",
        *genome,
        *inputs,
        *quick,
        "-ansi-log",
        "false",
    )
    assert done.returncode == 0, done.stdout[-6000:]
    results = sheets / "results"
    with open(results / "peaks/peaks_per_track.tsv") as handle:
        tracks = list(csv.DictReader(handle, delimiter="\t"))
    assert len(tracks) == 10
    assert all(200 < int(t["n_peaks"]) < 6000 for t in tracks)
    with open(results / "heritability/qc.tsv") as handle:
        quality = list(csv.DictReader(handle, delimiter="\t"))
    assert quality
    assert all(float(q["snps_sumstats"]) > 500 for q in quality)
    assert (results / "variants/test/eur/sad.h5").exists()
    assert (results / "report.html").stat().st_size > 100_000
