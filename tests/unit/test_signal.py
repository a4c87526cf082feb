"""Signals to bins.

Every reader against a plain count of bases, the shared rules for contigs, and files that are broken.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pyBigWig
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.signal import reading as signal
from accessiflow.signal.bedgraph import sum_intervals
from accessiflow.signal.coverage import ChromRuns
from accessiflow.signal.insertions import Counting, insertions, read_barcodes

SIZES = {"chr1": 1000, "chr2": 300, "chr3": 90}
COUNTING = Counting()


def all_bins(
    path: Path, kind: str, bin_size: int = 128, counting: Counting = COUNTING, sizes: dict[str, int] = SIZES
) -> dict[str, np.ndarray]:
    return dict(signal.open_signal(path, kind, sizes, counting).bins(bin_size))


def plain_bins(coverage: np.ndarray, bin_size: int) -> np.ndarray:
    n = len(coverage) // bin_size
    return coverage[: n * bin_size].reshape(n, bin_size).sum(axis=1)


def write_bigwig(path: Path, runs: list[tuple[str, int, int, float]], sizes: dict[str, int] = SIZES) -> Path:
    with pyBigWig.open(str(path), "w") as out:
        out.addHeader(list(sizes.items()))
        for chrom, start, end, value in runs:
            out.addEntries([chrom], [start], ends=[end], values=[value])
    return path


def write_bam(path: Path, reads: list[dict], sizes: dict[str, int] = SIZES) -> Path:
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": c, "LN": n} for c, n in sizes.items()]}
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for i, given_fields in enumerate(reads):
            fields = {"chrom": 0, "start": 100, "length": 36, "flag": 0, "mapq": 60, "tlen": 0} | given_fields
            read = pysam.AlignedSegment()
            read.query_name, read.flag, read.reference_id = f"r{i}", fields["flag"], fields["chrom"]
            read.reference_start, read.mapping_quality, read.template_length = (
                fields["start"],
                fields["mapq"],
                fields["tlen"],
            )
            read.query_sequence, read.cigarstring = "A" * fields["length"], f"{fields['length']}M"
            out.write(read)
    return path


def positions(path: Path, **options) -> list[int]:
    found = insertions(path, "bam", SIZES, Counting(**options))
    return found["chr1"].tolist()


class TestBigWig:
    def test_bins_are_sums_of_bases_and_gaps_are_zero(self, tmp_path):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", 10, 200, 1.5), ("chr1", 300, 301, 4.0), ("chr2", 0, 300, 2.0)])
        coverage = np.zeros(1000)
        coverage[10:200], coverage[300] = 1.5, 4
        found = all_bins(path, "bigwig")
        np.testing.assert_allclose(found["chr1"], plain_bins(coverage, 128))
        np.testing.assert_allclose(found["chr2"], [256, 256])
        assert list(found) == list(SIZES) and found["chr3"].shape == (0,)

    def test_chunks_leave_no_seam(self, tmp_path, monkeypatch):
        runs = [("chr1", i * 7, i * 7 + 5, float(i % 11)) for i in range(140)]
        path = write_bigwig(tmp_path / "a.bw", runs)
        whole = all_bins(path, "bigwig", 32)["chr1"]
        monkeypatch.setattr("accessiflow.signal.bigwig.BASES_AT_ONCE", 100)
        np.testing.assert_array_equal(all_bins(path, "bigwig", 32)["chr1"], whole)

    def test_a_contig_that_the_file_lacks_is_zero(self, tmp_path):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", 0, 500, 1.0)], {"chr1": 1000})
        found = all_bins(path, "bigwig")
        assert found["chr1"].tolist() == [128, 128, 128, 116, 0, 0, 0]
        assert found["chr2"].tolist() == [0, 0]

    def test_a_file_without_values_is_all_zero(self, tmp_path):
        assert all_bins(write_bigwig(tmp_path / "a.bw", []), "bigwig")["chr1"].sum() == 0

    def test_stored_nan_is_a_gap(self, tmp_path):
        path = tmp_path / "a.bw"
        with pyBigWig.open(str(path), "w") as out:
            out.addHeader(list(SIZES.items()))
            out.addEntries("chr1", 0, values=[np.nan, *[2.0] * 127, np.nan, 1.0], span=1, step=1)
        assert all_bins(path, "bigwig")["chr1"].tolist() == [254, 1, 0, 0, 0, 0, 0]

    def test_negative_coverage_is_refused_even_inside_a_positive_bin(self, tmp_path):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", 0, 100, 5.0), ("chr1", 100, 110, -1.0)])
        with pytest.raises(InputError, match="chr1:100-101"):
            all_bins(path, "bigwig")

    @pytest.mark.parametrize("share", [0, 0.001, 0.4, 0.8])
    def test_truncated_or_foreign_files_are_refused(self, tmp_path, share):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", i, i + 1, float(i)) for i in range(1000)])
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)] or b"")
        with pytest.raises(InputError, match=r"a\.bw"):
            all_bins(path, "bigwig")


class TestBam:
    def test_five_prime_ends_are_shifted_into_the_cut(self, tmp_path):
        path = write_bam(tmp_path / "a.bam", [{"start": 100}, {"start": 200, "flag": 16}])
        assert positions(path) == [104, 230]
        assert positions(path, shift=False) == [100, 235]

    @pytest.mark.parametrize("fields", [{"flag": flag} for flag in (0x4, 0x100, 0x200, 0x400, 0x800)] + [{"mapq": 29}])
    def test_doubtful_reads_do_not_count(self, tmp_path, fields):
        assert positions(write_bam(tmp_path / "a.bam", [{"start": 50}, fields])) == [54]

    def test_the_mapping_quality_is_a_parameter(self, tmp_path):
        path = write_bam(tmp_path / "a.bam", [{"mapq": 30}, {"mapq": 10}])
        assert len(positions(path)) == 1
        assert len(positions(path, min_mapq=0)) == 2

    def test_fragments_are_both_ends_of_proper_pairs(self, tmp_path):
        pair = [{"start": 100, "flag": 99, "tlen": 150}, {"start": 214, "flag": 147, "tlen": -150}]
        path = write_bam(tmp_path / "a.bam", [*pair, {"start": 500, "flag": 1, "tlen": 80}])
        assert positions(path, count="fragments") == [104, 244]
        assert positions(path, count="fragments", shift=False) == [100, 249]

    def test_order_and_index_do_not_matter(self, tmp_path):
        starts = [700, 3, 5, 400, 3]
        shuffled = write_bam(tmp_path / "a.bam", [{"start": s} for s in starts])
        assert positions(shuffled) == sorted(s + 4 for s in starts)

    def test_what_shifts_off_the_chromosome_is_left_out(self, tmp_path):
        path = write_bam(
            tmp_path / "a.bam", [{"start": 0, "length": 3, "flag": 16}, {"start": 998, "length": 2}, {"start": 10}]
        )
        assert positions(path) == [14]

    @pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
    def test_truncated_files_are_refused(self, tmp_path, share):
        rng = np.random.default_rng(0)
        path = write_bam(tmp_path / "a.bam", [{"start": int(s)} for s in rng.integers(0, 900, 5000)])
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
        with pytest.raises(InputError, match=r"a\.bam.*truncated"):
            positions(path)

    def test_a_file_that_ends_between_blocks_is_refused(self, tmp_path):
        path = write_bam(tmp_path / "a.bam", [{"start": 10}])
        path.write_bytes(path.read_bytes()[:-28])  # without the end-of-file block
        with pytest.raises(InputError, match=r"a\.bam"):
            positions(path)


class TestFragments:
    def fragments(self, path: Path, lines: list[str]) -> Path:
        with gzip.open(path, "wt") as out:
            out.write("".join(line + "\n" for line in lines))
        return path

    def test_both_ends_count_once_whatever_the_read_support(self, tmp_path):
        path = self.fragments(
            tmp_path / "f.tsv.gz", ["# made up", "", "chr1\t10\t60\tA#1\t9", "chr1\t200\t300\tB#1\t1"]
        )
        assert insertions(path, "fragments", SIZES, Counting())["chr1"].tolist() == [10, 59, 200, 299]

    def test_barcodes_choose_cells(self, tmp_path):
        path = self.fragments(tmp_path / "f.tsv.gz", ["chr1\t10\t60\tA#1\t9", "chr1\t200\t300\tA#2\t1"])
        (tmp_path / "cells.txt").write_text("A#2\n\n")
        chosen = read_barcodes(tmp_path / "cells.txt")
        assert insertions(path, "fragments", SIZES, Counting(barcodes=chosen))["chr1"].tolist() == [200, 299]
        with pytest.raises(InputError, match="barcodes"):
            insertions(path, "fragments", SIZES, Counting(barcodes=frozenset(["Z"])))

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("chr1\t10\tx\tA\t1", ":3: needs integers"),
            ("chr1\t60\t10\tA\t1", ":3: needs integers"),
            ("chr1\t-5\t10\tA\t1", ":3: needs integers"),
            ("chr1\t5\t99999999999\tA\t1", ":3: needs integers"),
            ("chr1\t10", ":3: has fewer than 4 columns"),
        ],
    )
    def test_a_bad_line_is_named(self, tmp_path, line, says):
        path = self.fragments(tmp_path / "f.tsv.gz", ["# head", "chr1\t10\t60\tA\t1", line, "chr1\t10\t60\tA\t1"])
        with pytest.raises(InputError, match=says):
            insertions(path, "fragments", SIZES, Counting())

    def test_a_truncated_file_is_refused(self, tmp_path):
        rng = np.random.default_rng(0)
        path = self.fragments(
            tmp_path / "f.tsv.gz", [f"chr1\t{s}\t{s + 50}\tcell{s}\t1" for s in rng.integers(0, 900, 5000)]
        )
        path.write_bytes(path.read_bytes()[:5000])
        with pytest.raises(InputError, match=r"f\.tsv\.gz"):
            insertions(path, "fragments", SIZES, Counting())

    def test_listed_barcodes_without_a_fragment_are_counted(self, tmp_path, caplog):
        path = tmp_path / "f.tsv"
        path.write_text("chr1\t5\t50\tA\t1\nchr1\t7\t70\tB\t1\n")
        with caplog.at_level("WARNING"):
            insertions(path, "fragments", SIZES, Counting(barcodes=frozenset("ACD")))
        assert "f.tsv: has no fragment of 2 of the 3 listed barcodes (C, D...)" in caplog.text

    def test_coordinates_as_r_writes_them(self, tmp_path):
        path = tmp_path / "f.tsv"
        path.write_text("chr1\t1e+02\t2e+02\tA\t1\n")
        assert insertions(path, "fragments", SIZES, COUNTING)["chr1"].tolist() == [100, 199]

    @pytest.mark.parametrize("column4", ["CELL-1", "N"])
    def test_a_strand_marks_single_reads_with_one_insertion(self, tmp_path, column4):
        """SnapATAC2's single-end fragments, tagAlign: the same reads as BAM give the same insertions."""
        reads = [(100, "+"), (200, "-"), (300, "+"), (400, ".")]
        path = tmp_path / "f.tsv"
        path.write_text("".join(f"chr1\t{s}\t{s + 36}\t{column4}\t1\t{strand}\n" for s, strand in reads))
        assert insertions(path, "fragments", SIZES, COUNTING)["chr1"].tolist() == [100, 235, 300, 400, 435]
        bam = write_bam(tmp_path / "a.bam", [{"start": 100}, {"start": 200, "flag": 16}, {"start": 300}])
        assert positions(bam, shift=False) == [100, 235, 300]

    def test_three_columns_are_fragments_of_no_cell(self, tmp_path):
        path = tmp_path / "f.tsv"
        path.write_text("chr1\t100\t200\n")
        assert insertions(path, "fragments", SIZES, COUNTING)["chr1"].tolist() == [100, 199]
        with pytest.raises(InputError, match=r"f.tsv:1: has fewer than 4 columns \(chrom, start, end, barcode\)"):
            insertions(path, "fragments", SIZES, Counting(barcodes=frozenset("A")))

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            (["chr1\t10\t40\tchr1\t90\t120\tr1\t60\t+\t-"], "is BEDPE"),
            (["chr1\t10\t40\tchr2\t90\t120"], "is BEDPE"),
            (["chr1\t10\t400\tp1\t500\t.\t9.1\t5.2\t3.1\t80"], "has 10 columns, as narrowPeak"),
            (["chr1\t10\t400\tp1\t500\t.\t9.1\t5.2\t3.1"], "has 9 columns"),
            (["chr1\t10\t400\tA\t1\tx"], "has 'x' in column 6"),
            (["chr1\t10\t400\t3.5", "chr1\t400\t500\t2"], "has numbers for barcodes in column 4, as bedGraph"),
            ([f"chr1\t{i}\t{i + 9}\tpeak_{i}" for i in range(100)], "as a BED of regions"),
            ([f"chr1\t{i}\t{i + 9}\tpeak_{i}\t0\t." for i in range(100)], "as a BED of regions"),
        ],
    )
    def test_what_is_no_fragments_file_is_refused(self, tmp_path, rows, says):
        path = tmp_path / "f.bed.gz"
        path.write_bytes(gzip.compress("\n".join(rows).encode()))
        with pytest.raises(InputError, match=says):
            insertions(path, "fragments", SIZES, COUNTING)

    @pytest.mark.parametrize(
        ("rows", "doubted"),
        [
            ([f"chr1\t{i * 40}\t{i * 40 + 30}" for i in range(20)], True),
            ([f"chr1\t{i * 40}\t{i * 40 + 30}\tpeak{i}\t5\t." for i in range(20)], True),
            ([f"chr1\t{i * 40}\t{i * 40 + 30}" for i in range(19)], False),
            ([f"chr1\t{i * 40}\t{i * 40 + 50}" for i in range(20)], False),  # they overlap
            ([f"chr1\t{i * 40}\t{i * 40 + 30}\tCELL{i % 19}\t1" for i in range(20)], False),  # a cell comes twice
            ([f"chr1\t{i * 40}\t{i * 40 + 30}\tr{i}\t1\t+" for i in range(20)], False),  # reads
        ],
    )
    def test_records_that_look_like_regions_are_warned_of(self, tmp_path, warned, rows, doubted):
        path = self.fragments(tmp_path / "f.bed.gz", rows)
        assert len(insertions(path, "fragments", SIZES, COUNTING)["chr1"]) == len(rows) * (1 if "+" in rows[0] else 2)
        assert [sentence for sentence in warned() if "as in a BED of peaks or regions" in sentence] == warned()
        assert bool(warned()) == doubted

    def test_reads_with_a_name_each_are_no_regions(self, tmp_path):
        """As bedtools bamtobed writes them."""
        path = tmp_path / "f.bed"
        path.write_text("".join(f"chr1\t{i}\t{i + 9}\tread{i}/1\t0\t-\n" for i in range(200)))
        assert insertions(path, "fragments", SIZES, COUNTING)["chr1"].tolist() == [*range(8, 208)]


class TestBedGraph:
    def bedgraph(self, path: Path, lines: list[str]) -> Path:
        path.write_text("".join(line + "\n" for line in lines))
        return path

    def test_bins_are_sums_of_bases(self, tmp_path):
        lines = [
            "track type=bedGraph",
            "chr2\t0\t300\t1",
            "chr1\t100\t400\t0.5",
            "chr1\t0\t100\t2",
            "chr1\t900\t1000\t1",
        ]
        coverage = np.zeros(1000)
        coverage[:100], coverage[100:400], coverage[900:] = 2, 0.5, 1
        found = all_bins(self.bedgraph(tmp_path / "a.bedgraph", lines), "bedgraph", 64)
        np.testing.assert_allclose(found["chr1"], plain_bins(coverage, 64))
        np.testing.assert_allclose(found["chr2"], plain_bins(np.ones(300), 64))

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            ("chr1\t5\t8\tnan", "coverage >= 0"),
            ("chr1\t5\t8\tinf", "coverage >= 0"),
            ("chr1\t5\t8\t-1", "coverage >= 0"),
            ("chr1\t5\t8\tmany", "coverage >= 0"),
            ("chr1\t5\t8", "fewer than 4 columns"),
            ("chr1\t2\t8\t1", "overlapping intervals at chr1:2"),
            ("chr2\t2\t8\t1\nchr1\t20\t21\t1", "comes back to chr1"),
        ],
    )
    def test_bad_lines_are_refused(self, tmp_path, line, says):
        with pytest.raises(InputError, match=says):
            all_bins(self.bedgraph(tmp_path / "a.bedgraph", ["chr1\t0\t3\t1", line]), "bedgraph")

    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 30), st.integers(1, 60), st.floats(0, 100, width=32)), max_size=30),
        st.sampled_from([1, 7, 64, 128]),
    )
    def test_sums_of_any_disjoint_intervals(self, runs, bin_size):
        coverage, position = np.zeros(1000), 0
        start, end, value = [], [], []
        for gap, length, height in runs:
            low, high = min(position + gap, 1000), min(position + gap + length, 1000)
            if low < high:
                start, end, value = [*start, low], [*end, high], [*value, height]
                coverage[low:high] = height
            position = high
        rows = ChromRuns("chr1", np.array(start, int), np.array(end, int), np.array(value, float))
        found = sum_intervals(rows, 1000 // bin_size, bin_size)
        np.testing.assert_allclose(found, plain_bins(coverage, bin_size), atol=1e-6)


class TestContigs:
    @pytest.mark.parametrize("kind", ["bigwig", "bam", "fragments", "bedgraph"])
    def test_no_shared_contig_names_both(self, tmp_path, kind):
        other = {"1": 1000}
        path = tmp_path / "a"
        if kind == "bigwig":
            write_bigwig(path, [("1", 0, 9, 1.0)], other)
        elif kind == "bam":
            write_bam(path, [{}], other)
        else:
            path.write_text("1\t0\t9\t1\n")
        with pytest.raises(InputError, match=r"file: 1; genome: chr1, chr2, chr3"):
            all_bins(path, kind)

    def test_unknown_contigs_are_left_out_with_a_line(self, tmp_path, caplog):
        path = tmp_path / "a.bedgraph"
        path.write_text("chrUn\t0\t9\t1\nchr1\t0\t9\t1\n")
        with caplog.at_level("INFO", logger="accessiflow"):
            assert all_bins(path, "bedgraph")["chr1"].sum() == 9
        assert "chrUn" in caplog.text


class TestAssembly:
    """Signal of another assembly is refused, naming file, contig and both lengths."""

    @pytest.mark.parametrize("sizes", [{"chr1": 999}, {"chr1": 1000, "chr2": 301}, {"chr1": 1000, "chr3": 91, "x": 5}])
    def test_any_shared_contig_of_another_length_in_a_header(self, tmp_path, sizes):
        wrong = next(chrom for chrom in sizes if sizes[chrom] != SIZES.get(chrom))
        bigwig = write_bigwig(tmp_path / "a.bw", [("chr1", 0, 50, 1.0)], sizes)
        bam = write_bam(tmp_path / "a.bam", [{"start": 100}], sizes)
        for path, kind in ((bigwig, "bigwig"), (bam, "bam")):
            says = (
                rf"{path.name}: {wrong} has {sizes[wrong]} bp, in the genome {SIZES[wrong]} \(1 of \d contigs differ\)"
            )
            with pytest.raises(InputError, match=says):
                all_bins(path, kind)

    def test_contigs_of_one_file_alone_say_nothing(self, tmp_path):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", 0, 50, 1.0)], {"chr1": 1000, "chrUn": 7})
        assert all_bins(path, "bigwig")["chr1"][0] == 50

    @pytest.mark.parametrize(("kind", "line"), [("fragments", "{}\t{}\t{}\tA\t1\n"), ("bedgraph", "{}\t{}\t{}\t1\n")])
    def test_records_past_the_end(self, tmp_path, kind, line, caplog):
        path = tmp_path / "a"
        inside = [line.format("chr1", s, s + 1) for s in range(950)]
        for last in (("chr1", 1000, 1010), ("chr1", 5000, 5001)):  # one that begins past the end is enough
            path.write_text("".join([*inside, line.format(*last)]))
            says = rf"a: reaches chr1:{last[2]}, in the genome chr1 has 1000 bp \(1 of 951 record\(s\) end past"
            with pytest.raises(InputError, match=says):
                all_bins(path, kind)
        path.write_text("".join([*inside[:900], line.format("chr1", 950, 1150)]))  # 1 of 901 is more than 1 in 1,000
        with pytest.raises(InputError, match="reaches chr1:1150, in the genome chr1 has 1000 bp"):
            all_bins(path, kind)
        path.write_text(
            "".join([*inside, *(line.format("chr2", s, s + 1) for s in range(50)), line.format("chr2", 290, 310)])
        )
        with caplog.at_level("WARNING"):
            found = all_bins(path, kind, 50)
        assert "a: 1 of 1001 record(s) hang over the end of their chromosome and are cut there" in caplog.text
        assert found["chr2"][5] == {"bedgraph": 10, "fragments": 1}[kind]  # up to the end of chr2, at 300


class TestScript:
    def test_bins_are_scaled_masked_and_described(self, script, tmp_path):
        path = write_bigwig(tmp_path / "a.bw", [("chr1", 0, 1000, 1.0)])
        (tmp_path / "sizes").write_text("".join(f"{c}\t{n}\n" for c, n in SIZES.items()))
        (tmp_path / "x.bed").write_text("chr1\t127\t129\n")
        (tmp_path / "y.bed").write_text("chr1\t512\t513\nchr1\t640\t640\n")
        script(
            *(
                "peaks",
                "bin",
                path,
                "--chrom-sizes",
                tmp_path / "sizes",
                "--bin-size",
                128,
                "--scale",
                0.5,
                "--track",
                "T",
            ),
            *("--exclude", tmp_path / "x.bed", "--exclude", tmp_path / "y.bed", "--output", tmp_path / "t.coverage.h5"),
        )
        with h5py.File(tmp_path / "t.coverage.h5") as found:
            np.testing.assert_array_equal(found["chr1"][:], np.float32([np.nan, np.nan, 64, 64, np.nan, 64, 64]))
            assert found["chr1"].dtype == np.float32
            assert {k: found.attrs[k] for k in ("bin_size", "kind", "scale", "track")} == {
                "bin_size": 128,
                "kind": "bigwig",
                "scale": 0.5,
                "track": "T",
            }

    @pytest.mark.parametrize("kind", ["bam", "fragments", "bedgraph"])
    def test_the_bigwig_written_beside_agrees_with_the_bins(self, script, tmp_path, kind):
        rng = np.random.default_rng(1)
        path = tmp_path / f"a.{kind}"
        if kind == "bam":
            write_bam(
                path,
                [
                    {"start": int(s), "flag": int(f)}
                    for s, f in zip(rng.integers(0, 900, 200), rng.choice([0, 16], 200), strict=True)
                ],
            )
        elif kind == "fragments":
            path.write_text("".join(f"chr1\t{s}\t{s + 40}\tc\t1\n" for s in rng.integers(0, 900, 200)))
        else:
            path.write_text("chr2\t0\t200\t3\n" + "".join(f"chr1\t{s}\t{s + 9}\t{s % 7}\n" for s in range(0, 900, 10)))
        (tmp_path / "sizes").write_text("".join(f"{c}\t{n}\n" for c, n in SIZES.items()))
        command = (
            "peaks",
            "bin",
            path,
            "--chrom-sizes",
            tmp_path / "sizes",
            "--kind",
            kind,
            "--bigwig",
            tmp_path / "t.bw",
        )
        script(*command, "--output", tmp_path / "t.coverage.h5")
        again = all_bins(tmp_path / "t.bw", "bigwig")
        with h5py.File(tmp_path / "t.coverage.h5") as found:
            assert found["chr1"][:].sum() > 0
            for chrom in SIZES:
                np.testing.assert_allclose(found[chrom][:], again[chrom], rtol=1e-6)
        first = (tmp_path / "t.bw").read_bytes(), (tmp_path / "t.coverage.h5").read_bytes()
        script(*command, "--output", tmp_path / "t.coverage.h5")
        assert first == ((tmp_path / "t.bw").read_bytes(), (tmp_path / "t.coverage.h5").read_bytes())

    def test_a_refused_signal_leaves_no_file(self, refused, tmp_path):
        (tmp_path / "a.bedgraph").write_text("chr1\t0\t9\t-1\n")
        (tmp_path / "sizes").write_text("chr1\t1000\n")
        sentence = refused(
            "peaks",
            "bin",
            tmp_path / "a.bedgraph",
            "--chrom-sizes",
            tmp_path / "sizes",
            "--output",
            tmp_path / "t.coverage.h5",
        )
        assert "a.bedgraph:1" in sentence
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.bedgraph", "sizes"]
