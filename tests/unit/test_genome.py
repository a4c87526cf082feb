"""The genome's FASTA and its index: records without bases, and indexes that do not fit."""

from __future__ import annotations

from pathlib import Path

import pysam
import pytest

from accessiflow.errors import InputError
from accessiflow.genome import Fasta, decode
from accessiflow.intervals import read_bed, whole_number


@pytest.mark.parametrize(
    "text",
    [
        ">a\nACGT\n>empty\n>b\nGGG\n",
        ">empty\n>a\nACGT\n>b\nGGG\n",
        ">a\nACGT\n\n>empty one\n>empty2\n\n>b two\nGGG\n",
    ],
)
def test_records_without_bases_are_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "g.fa").write_text(text)
    with Fasta(tmp_path / "g.fa") as genome:
        assert {name: size for name, size in genome.sizes.items() if size} == {"a": 4, "b": 3}
        assert decode(genome.codes("b", 0, 3)) == "GGG"


def test_a_last_record_without_bases_passes_with_an_index_and_is_named_without(tmp_path: Path) -> None:
    """samtools takes such a file for a truncated one."""
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n>b\nGGG\n>last one\n")
    with pytest.raises(InputError, match=r"g.fa: cannot be opened .* its last record 'last one' has no bases"):
        Fasta(path)
    (tmp_path / "g.fa.fai").write_text("a\t4\t3\t4\t5\nb\t3\t11\t3\t4\n")
    with Fasta(path) as genome:
        assert genome.sizes == {"a": 4, "b": 3}


@pytest.mark.parametrize(
    "later",
    [
        ">a\nACGT\n>empty\n>b\nGGG\n>c\nA\n",
        ">a\nACGT\n>b\nGGG\n",
        ">a\nACGT\n>emptz\n>c\nGGG\n",
        ">a\nACGT\nA\n>mpty\n>b\nGGG\n",
    ],
)
def test_an_index_of_a_former_file_is_refused_among_such_records_too(tmp_path: Path, later: str) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">a\nACGT\n>empty\n>b\nGGG\n")
    pysam.faidx(str(path))
    path.write_text(later)
    with pytest.raises(InputError, match=r"does not fit its index g\.fa\.fai"):
        Fasta(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100000", 100000), ("1e+05", 100000), ("1E5", 100000), ("1.5e3", 1500), ("5.0", 5), ("-1", -1), ("0", 0),
        ("1.5", None), ("1e-5", None), ("x", None), ("", None), ("nan", None), ("inf", None), ("1_000", None),
        ("\u0663", None),
        ("0x10", None), ("1e", None), ("1e999", None),
    ],
)  # fmt: skip
def test_whole_numbers(text: str, value: int | None) -> None:
    assert whole_number(text) == value


def test_a_bed_file_as_r_writes_it(tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text("chr1\t1e+05\t2e+05\tx\n")
    assert read_bed(tmp_path / "a.bed")[["start", "end"]].to_numpy().tolist() == [[100000, 200000]]
