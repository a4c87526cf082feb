"""CRAM: the counts of the BAM that it was made from, and the genome that it was written with, at every door."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pysam
import pytest

from accessiflow import preflight
from accessiflow.errors import InputError
from accessiflow.signal.insertions import Counting, insertions

LENGTHS = {"chr1": 5000, "chr2": 2000, "chr3": 1500}
SEQUENCES = {
    chrom: "".join("ACGT"[code] for code in np.random.default_rng([5, n]).integers(0, 4, n))
    for chrom, n in LENGTHS.items()
}


def write_fasta(path: Path, sequences: dict[str, str] = SEQUENCES) -> Path:
    path.write_text("".join(f">{chrom}\n{bases}\n" for chrom, bases in sequences.items()))
    pysam.faidx(str(path))
    return path


def write_reads(path: Path, mode: str, **options: str) -> None:
    """Reads of all flags and qualities, single and in pairs, some with a deletion."""
    rng = np.random.default_rng(0)
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": c, "LN": n} for c, n in LENGTHS.items()]}
    with pysam.AlignmentFile(str(path), mode, header=header, **options) as out:
        for chrom, bases in SEQUENCES.items():
            for number, start in enumerate(sorted(rng.integers(0, len(bases) - 60, len(bases) // 10))):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.flag = f"{chrom}.{number}", int(rng.choice([0, 16, 99, 256, 1024, 2048]))
                read.reference_id, read.reference_start = out.get_tid(chrom), int(start)
                read.mapping_quality, read.cigarstring = int(rng.choice([0, 29, 30, 60])), "30M5D15M"
                read.query_sequence = bases[start : start + 30] + bases[start + 35 : start + 50]
                read.query_qualities = pysam.qualitystring_to_array("I" * 45)
                read.template_length = 180 if read.flag == 99 else 0
                out.write(read)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """genome.fa, a.bam and a.cram of the same reads, v.vcf, and the sheet of both tracks."""
    write_fasta(tmp_path / "genome.fa")
    write_reads(tmp_path / "a.bam", "wb")
    write_reads(tmp_path / "a.cram", "wc", reference_filename=str(tmp_path / "genome.fa"))
    rows = [(c, p, s[p - 1], "A" if s[p - 1] != "A" else "C") for c, s in SEQUENCES.items() for p in range(50, 1500, 9)]
    (tmp_path / "v.vcf").write_text(
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        + "".join(f"{c}\t{p}\t.\t{ref}\t{alt}\t.\t.\t.\n" for c, p, ref, alt in rows)
    )
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal\nA,a,a.bam\nB,b,a.cram\n")
    return tmp_path


def problems(folder: Path, **params: object) -> list[str]:
    given = {"tracks": "tracks.csv", "fasta": "genome.fa", "test_chroms": "chr3", "valid_chroms": "chr2"} | params
    limits = preflight.limits(given, None, 10**6)
    found = preflight.check(given, folder, None, limits, 0)
    assert not [sentence for sentence in found.warnings if "index" in sentence]
    return found.problems


@pytest.mark.parametrize("count", ["insertions", "fragments"])
def test_a_cram_has_the_counts_of_its_bam(files: Path, count: str) -> None:
    counting = Counting(count, fasta=files / "genome.fa")
    bam, cram = (
        insertions(files / name, kind, LENGTHS, counting) for name, kind in (("a.bam", "bam"), ("a.cram", "cram"))
    )
    for chrom in LENGTHS:
        assert len(bam[chrom]) > 10
        np.testing.assert_array_equal(bam[chrom], cram[chrom])


def test_the_commands_read_a_cram_by_its_suffix(script, files: Path) -> None:
    for name in ("a.bam", "a.cram"):
        made = [
            files / f"{name}.h5",
            "--bin-size",
            50,
            "--fasta",
            files / "genome.fa",
            "--bigwig",
            files / f"{name}.bw",
        ]
        script("peaks", "bin", files / name, "--chrom-sizes", files / "genome.fa.fai", "--output", *made)
        counts = ["--vcf", files / "v.vcf", "--fasta", files / "genome.fa", "--output", files / f"{name}.tsv"]
        script("imbalance", "count", files / name, *counts)
    assert (files / "a.bam.tsv").read_text() == (files / "a.cram.tsv").read_text()
    assert (files / "a.bam.bw").read_bytes() == (files / "a.cram.bw").read_bytes()
    with h5py.File(files / "a.bam.h5") as bam, h5py.File(files / "a.cram.h5") as cram:
        assert cram.attrs["kind"] == "cram"
        for chrom in LENGTHS:
            assert bam[chrom][:].sum() > 20
            np.testing.assert_array_equal(bam[chrom][:], cram[chrom][:])


@pytest.mark.parametrize("indexed", [True, False])
def test_the_preflight_knows_where_a_cram_has_data(files: Path, indexed: bool) -> None:
    if indexed:
        pysam.index(str(files / "a.cram"))
    assert problems(files) == []
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": c, "LN": n} for c, n in LENGTHS.items()]}
    reference = str(files / "genome.fa")
    with pysam.AlignmentFile(str(files / "a.cram"), "wc", header=header, reference_filename=reference) as out:
        read = pysam.AlignedSegment(out.header)
        read.query_name, read.query_sequence, read.cigarstring = "r", SEQUENCES["chr2"][:20], "20M"
        read.reference_id, read.reference_start, read.mapping_quality = 1, 0, 60
        out.write(read)
    if indexed:
        pysam.index(str(files / "a.cram"))
    assert problems(files) == [
        "track B: has no data on any of the test_chroms (chr3): choose others or leave the track out"
    ]


def other_base(sequences: dict[str, str]) -> dict[str, str]:
    return sequences | {"chr3": sequences["chr3"][:-1] + "N"}


def without_a_contig(sequences: dict[str, str]) -> dict[str, str]:
    return {chrom: bases for chrom, bases in sequences.items() if chrom != "chr3"}


def shorter(sequences: dict[str, str]) -> dict[str, str]:
    return sequences | {"chr3": sequences["chr3"][:-1]}


def renamed(sequences: dict[str, str]) -> dict[str, str]:
    return {chrom.removeprefix("chr"): bases for chrom, bases in sequences.items()}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_base, "is a CRAM of another reference: the sequence of chr3 has another checksum (md5) in the FASTA"),
        (without_a_contig, "is a CRAM of a reference with the contig chr3, which the FASTA lacks (1 of 3 contigs)"),
        (shorter, "chr3 has 1500 bp, in the genome 1499 (1 of 3 contigs differ): another assembly?"),
        (renamed, "shares no c"),
    ],
)
def test_a_cram_of_another_genome_is_refused_at_every_door(
    refused, files: Path, monkeypatch: pytest.MonkeyPatch, change, says: str
) -> None:
    # The environment knows the right sequences: they are not asked for.
    cache = files / "cache"
    cache.mkdir()
    with pysam.AlignmentFile(str(files / "a.cram"), reference_filename=str(files / "genome.fa")) as handle:
        for contig in handle.header.to_dict()["SQ"]:
            (cache / contig["M5"]).write_text(SEQUENCES[contig["SN"]])
    monkeypatch.setenv("REF_PATH", f"{cache}/%s")
    monkeypatch.setenv("REF_CACHE", f"{cache}/%s")
    sequences = change(SEQUENCES)
    write_fasta(files / "genome.fa", sequences)
    (files / "tracks.csv").write_text("track,cell_type,signal\nB,b,a.cram\n")
    sentences = problems(files, test_chroms=list(sequences)[-1], valid_chroms="")
    assert len(sentences) == 1
    assert f"a.cram: {says}" in sentences[0]
    made = ["--chrom-sizes", files / "genome.fa.fai", "--output", files / "x.h5", "--fasta", files / "genome.fa"]
    assert f"a.cram: {says}" in refused("peaks", "bin", files / "a.cram", *made)
    if change is not shorter and change is not renamed:
        counted = ["--vcf", files / "v.vcf", "--fasta", files / "genome.fa", "--output", files / "x.tsv"]
        assert f"a.cram: {says}" in refused("imbalance", "count", files / "a.cram", *counted)
    assert not (files / "x.h5").exists()
    assert not (files / "x.tsv").exists()


def test_a_cram_needs_the_genome(refused, files: Path) -> None:
    says = "is a CRAM, which is read with the genome that it was written with: give --fasta"
    assert problems(files, fasta="") == [f"{files / 'a.cram'}: {says}"]
    made = ["--chrom-sizes", files / "genome.fa.fai", "--output", files / "x.h5"]
    assert f"a.cram: {says}" in refused("peaks", "bin", files / "a.cram", *made)
    assert f"a.cram: {says}" in refused(
        "imbalance", "count", files / "a.cram", "--vcf", files / "v.vcf", "--output", files / "x.tsv"
    )


@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
def test_a_truncated_cram_is_refused(files: Path, share: float) -> None:
    path = files / "a.cram"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"a\.cram: (is not a readable CRAM|cannot be read as CRAM)"):
        insertions(path, "cram", LENGTHS, Counting(fasta=files / "genome.fa"))


@pytest.mark.parametrize(
    ("name", "kind"), [("a.bam", "bam"), ("a.cram", "cram"), ("a.bw", "bigwig"), ("a.bedgraph", "bedgraph")]
)
def test_barcodes_choose_no_cells_where_there_are_none(refused, files: Path, name: str, kind: str) -> None:
    (files / "cells.txt").write_text("CELL-1\n")
    (files / "a.bedgraph").write_text("".join(f"{chrom}\t0\t50\t1\n" for chrom in LENGTHS))
    (files / "a.bw").write_text("x")
    says = f"{name}: is a {kind}, of which no cells can be chosen"
    made = ["--barcodes", files / "cells.txt", "--chrom-sizes", files / "genome.fa.fai", "--output", files / "x.h5"]
    assert says in refused("peaks", "bin", files / name, *made)
    (files / "tracks.csv").write_text(f"track,cell_type,signal,barcodes\nA,a,{name},cells.txt\n")
    assert any(says in sentence for sentence in problems(files))
