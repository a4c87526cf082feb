"""Peaks against plain definitions.

The test and its correction, specificity bins, clusters, tissue sets, and the files of the stage.
"""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, poisson

from accessiflow.errors import InputError
from accessiflow.genes import nearest_distance, read_tss
from accessiflow.genome import gc_and_cpg
from accessiflow.peaks import calling as peaks
from accessiflow.peaks import matrix as peak_matrix
from accessiflow.peaks.build import Annotations, build
from accessiflow.peaks.cluster_bed import clusters_of
from accessiflow.peaks.files import break_at_chromosomes, read_peak_bins, write_peaks
from accessiflow.peaks.specificity import bin_labels, clusters, parse_edges, specificity_bin, specificity_edges
from accessiflow.peaks.tables import write_sets
from accessiflow.peaks.tissue_sets import tissue_sets
from accessiflow.sheets import read_sheet
from accessiflow.signal.bins import BinLayout, read_coverage, read_layout, write_coverage
from accessiflow.statistics import benjamini_hochberg

BIN = 128
LAYOUT = BinLayout(BIN, {"chr1": 20, "chr2": 10})


def paper_floor(p: np.ndarray) -> np.ndarray:
    """The paper's procedure, as written there: one p value after another."""
    q = np.empty(len(p))
    for rank, at in enumerate(np.argsort(p, kind="stable"), 1):
        q[at] = np.floor(p[at] * len(p) / rank)
    return q


class TestCalling:
    def test_p_is_the_upper_tail_of_the_rounded_count(self):
        counts = np.array([0, 0.4, 0.6, 2.5, 3.5, 40], np.float32)
        expected = [
            1,
            1,
            poisson.sf(0, 2),
            poisson.sf(1, 2),
            poisson.sf(3, 2),
            poisson.sf(39, 2),
        ]  # numpy rounds halves to even
        np.testing.assert_allclose(peaks.poisson_p(counts, 2.0), expected, rtol=1e-12)

    def test_the_tail_does_not_vanish_where_one_minus_cdf_does(self):
        assert 0 < peaks.poisson_p(np.array([60.0]), 2.0)[0] < 1e-50

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.integers(0, 30), min_size=1, max_size=200),
        st.sampled_from(["correct", "floor"]),
        st.sampled_from([0.001, 0.05, 0.5, 1.0]),
    )
    def test_ties_are_called_as_one_by_one(self, counts, method, fdr):
        values = np.array(counts, np.float32)
        found, mean = peaks.call_bins(values, fdr, method)
        if mean == 0:
            assert not found.any()
            return
        p = peaks.poisson_p(values, mean)
        q = false_discovery_control(p) if method == "correct" else paper_floor(p)
        clear = np.abs(q - fdr) > 1e-12  # a q on the threshold may differ by rounding
        np.testing.assert_array_equal(found[clear], (q < fdr)[clear])

    def test_excluded_bins_are_in_no_part_of_the_test(self):
        rng = np.random.default_rng(0)
        counts = rng.poisson(3, 300).astype(np.float32)
        counts[::50] = 30
        padded = np.insert(counts, np.arange(0, 300, 10), np.nan)
        plain, mean = peaks.call_bins(counts, 0.01)
        found, same = peaks.call_bins(padded, 0.01)
        assert mean == same and plain.sum() == 6
        np.testing.assert_array_equal(found[~np.isnan(padded)], plain)
        assert not found[np.isnan(padded)].any()

    @pytest.mark.parametrize("counts", [np.zeros(5), np.full(5, np.nan)])
    def test_no_coverage_no_peak(self, counts):
        assert not peaks.call_bins(counts.astype(np.float32), 0.05)[0].any()

    @given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
    def test_q_rises_with_p(self, p):
        q = benjamini_hochberg(np.array(p))
        assert (np.diff(q[np.argsort(p, kind="stable")]) >= -1e-12).all() and (q >= np.array(p) - 1e-12).all()

    @given(st.lists(st.booleans(), max_size=60))
    def test_runs_cover_the_peaks_and_do_not_touch(self, flags):
        first, last = peaks.join_bins(np.array(flags, bool))
        again = np.zeros(len(flags), bool)
        for a, b in zip(first, last, strict=True):
            again[a:b] = True
        assert again.tolist() == flags
        assert (first[1:] > last[:-1]).all()

    def test_height_of_a_run_is_its_greatest_bin(self):
        values = np.array([1, 5, 2, np.nan, 7, 3], np.float32)
        assert peaks.run_maximum(values, np.array([0, 4]), np.array([3, 6])).tolist() == [5, 7]
        assert peaks.run_maximum(values, np.array([], int), np.array([], int)).size == 0


class TestRows:
    def test_edges_are_the_papers_at_its_number_of_tracks_and_scale_below(self):
        assert specificity_edges(684) == [1, 10, 50, 100, 300]
        assert specificity_edges(10) == [1, 4]
        assert specificity_edges(10, [5, 1, 2]) == [1, 2, 5]
        assert specificity_edges(1026) == [1, 15, 75, 150, 450]

    def test_every_peak_is_in_one_bin_whatever_the_number_of_tracks(self):
        for n in range(2, 5001):
            edges = specificity_edges(n)
            assert edges[0] == 1 and edges == sorted(set(edges)), n
            # the fewest and most tracks, and both sides of every edge
            counts = np.array([1, n, *edges, *(edge - 1 for edge in edges[1:])])
            bounds = [*edges, np.inf]
            own = [
                [
                    label
                    for label, low, high in zip(bin_labels(edges), edges, bounds[1:], strict=True)
                    if low <= c < high
                ]
                for c in counts
            ]
            assert own == [[label] for label in specificity_bin(counts, edges)], n

    def test_the_users_edges_begin_at_one_too(self):
        assert specificity_edges(10, [3, 5]) == parse_edges("5,3") == [1, 3, 5]
        assert parse_edges("") == []

    def test_bins_are_closed_below_and_open_above(self):
        assert specificity_bin(np.array([0, 1, 9, 10, 300, 684]), [1, 10, 300]).tolist() == [
            "",
            "[1,10)",
            "[1,10)",
            "[10,300)",
            "[300,inf)",
            "[300,inf)",
        ]

    def test_clusters(self):
        is_peak = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0], [1, 0, 1, 1], [0, 0, 1, 1]], bool)
        found = clusters(is_peak, ["A", "B", "C", "D"], ["g", "g", "h", "h"], 0.75)
        assert found.tolist() == ["A", "g", "C", "shared", "ubiquitous", "h"]

    def test_a_site_is_of_the_cluster_that_holds_its_centre(self, tmp_path):
        (tmp_path / "c.bed").write_text("chr1\t0\t100\tfirst\nchr1\t50\t200\tlast\nchr1\t60\t70\tfirst\nchr2\t0\t10\n")
        sites = pd.DataFrame(
            {
                "chrom": ["chr1"] * 4 + ["chr2", "chr3"],
                "start": [0, 40, 60, 190, 0, 0],
                "end": [100, 58, 72, 210, 10, 10],
            }
        )
        assert clusters_of(sites, tmp_path / "c.bed").tolist() == ["last", "first", "last", "", "", ""]

    def test_replicates_do_not_make_a_peak_ubiquitous(self):
        is_peak = np.array([[1, 1, 1, 1, 0]], bool)
        assert clusters(is_peak, ["A", "A", "A", "A", "B"], [""] * 5).tolist() == ["A"]

    def test_nearest_tss_counts_as_the_gap_plus_one(self):
        start, end = np.array([0, 128, 256, 1000]), np.array([128, 256, 384, 1128])
        assert nearest_distance(start, end, np.array([130, 500])).tolist() == [3, 0, 117, 500]
        assert np.isnan(nearest_distance(start, end, np.array([], int))).all()

    def test_cpg_islands(self):
        from accessiflow.genome import encode

        windows = np.stack([encode(s) for s in ("CG" * 32, "CCGG" * 16, "AT" * 32, "C" * 64, "N" * 64)])
        gc, ratio, island = gc_and_cpg(windows)
        np.testing.assert_array_equal(gc, [1, 1, 0, 1, np.nan])
        np.testing.assert_array_equal(ratio, [2, 1, np.nan, np.nan, np.nan])
        assert island.tolist() == ["True", "True", "False", "False", "NA"]

    @pytest.mark.parametrize(
        "text",
        ["g\tchr1\t500\t+\nh\tchr2\t70\t-\n", "name\tchrom\ttx_start\tstrand\ng\tchr1\t500\t+\nh\tchr2\t70\t-\n"],
    )
    def test_tss_of_a_table_with_or_without_header(self, tmp_path, text):
        (tmp_path / "g.tsv").write_text(text)
        table = read_tss(tmp_path / "g.tsv")
        assert table.to_numpy().tolist() == [["chr1", 500, "g"], ["chr2", 70, "h"]]

    def test_tss_of_a_bed_is_its_strands_first_base(self, tmp_path):
        (tmp_path / "g.bed").write_text("#c\nchr1\t100\t200\tg\t0\t+\nchr1\t100\t200\th\t0\t-\n")
        assert read_tss(tmp_path / "g.bed")["position"].tolist() == [100, 199]

    @pytest.mark.parametrize("names", ["tx_start\ttx_end", "txStart\ttxEnd"])
    def test_a_table_with_both_ends_has_its_strands_first_base(self, tmp_path, names):
        head = f"#name\tchrom\tstrand\t{names}\n"
        (tmp_path / "g.tsv").write_text(f"{head}g\tchr1\t+\t10000\t30000\nh\tchr1\t-\t10000\t30000\n")
        (tmp_path / "g.bed").write_text("chr1\t10000\t30000\tg\t0\t+\nchr1\t10000\t30000\th\t0\t-\n")
        assert read_tss(tmp_path / "g.tsv")["position"].tolist() == [10000, 29999]
        assert read_tss(tmp_path / "g.bed")["position"].tolist() == [10000, 29999]
        (tmp_path / "g.tsv").write_text(f"{head}g\tchr1\t+\t10000\t30000\nh\tchr1\t-\t10000\tx\n")
        with pytest.raises(InputError, match=r"g\.tsv:3: needs a chromosome and an integer tx_end, found 'x'"):
            read_tss(tmp_path / "g.tsv")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("chr1\t100\t200\tg\t0\t-1\n", 199),
            ("chr1\t100\t200\tg\t0\t1\n", 100),
            ("chr1\t100\t200\tg\t0\t-\t110\t190\t0\t1\t100,\t0,\n", 199),
            ("name\tchrom\ttx_start\ttx_end\tstrand\ng\tchr1\t100\t200\t-1\n", 199),
            ("chr1\t100\t200\tg\t-\n", "g.x:1: has its strand in column 5"),
            ("chr1\t100\t200\tg\t0\tminus\n", "g.x:1: has the strand 'minus', expected +, - or ."),
            ("name\tchrom\ttx_start\ttx_end\tstrand\ng\tchr1\t100\t200\treverse\n", "g.x:2: has the strand 'reverse'"),
            ('chr1\tHAVANA\tgene\t100\t200\t.\t-\t.\tgene_id "g"\n', "g.x:1: "),
            ("NM_1\tchr1\t-\t100\t200\t110\t190\t1\t100,\t200,\n", "g.x:1: "),
            ("585\tNM_1\tchr1\t-\t100\t200\t110\t190\t1\t100,\t200,\t0\tG\n", "g.x:1: "),
        ],
    )
    def test_strands_as_other_programs_write_them(self, tmp_path, text, expected):
        (tmp_path / "g.x").write_text(text)
        if isinstance(expected, int):
            assert read_tss(tmp_path / "g.x")["position"].tolist() == [expected]
        else:
            with pytest.raises(InputError, match=re.escape(expected)):
                read_tss(tmp_path / "g.x")

    def test_genes_without_a_strand_are_warned_of(self, tmp_path, warned):
        (tmp_path / "g.bed").write_text("chr1\t100\t101\tg\n")
        read_tss(tmp_path / "g.bed")
        assert warned() == []
        (tmp_path / "g.bed").write_text("chr1\t100\t200\tg\n")
        assert read_tss(tmp_path / "g.bed")["position"].tolist() == [100]
        assert warned() == ["g.bed: names no strand (column 6): every gene is taken to start at its first base"]

    def test_a_gene_without_position_is_refused(self, tmp_path):
        (tmp_path / "g.tsv").write_text("name\tchrom\ttx_start\ng\tchr1\tx\n")
        with pytest.raises(InputError, match=r"g\.tsv:2"):
            read_tss(tmp_path / "g.tsv")


class TestTissueSets:
    VAR = pd.DataFrame({"group": ["g", "g", "h", ""], "cell_type": ["A", "B", "C", "D"]})

    def test_share_and_median(self):
        is_peak = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 1, 0]], bool)
        found = {s.name: s for s in tissue_sets(is_peak, is_peak.sum(axis=1), self.VAR, ["group"], 0.5)}
        assert list(found) == ["g", "h"]
        assert found["g"].median == 2 and found["g"].high.tolist() == [0] and found["g"].low.tolist() == [1, 2]
        strict = next(tissue_sets(is_peak, is_peak.sum(axis=1), self.VAR, ["group"], 0.5, strict=True))
        assert strict.low.tolist() == [2] and strict.high.tolist() == [1]

    def test_a_share_met_exactly_survives_rounding(self):
        var = pd.DataFrame({"group": ["g"] * 10})
        is_peak = np.array([[1, 1, 1] + [0] * 7], bool)
        assert next(tissue_sets(is_peak, np.array([3]), var, ["group"], 0.3)).low.tolist() == [0]


class TestCoverageFiles:
    def test_chromosomes_keep_their_order_however_many(self, tmp_path):
        path, names = (
            tmp_path / "t.coverage.h5",
            [f"scaffold_{i}_of_an_unfinished_assembly" for i in range(3000, 0, -1)],
        )
        write_coverage(path, "t", "bigwig", 1.0, BIN, ((name, np.full(i % 2, 1.0)) for i, name in enumerate(names)))
        track, layout = read_layout(path)
        assert track == "t" and list(layout.bins) == names
        assert layout.locate(np.array([0, 1]))[0].tolist() == [names[1], names[3]]

    def test_a_file_of_another_layout_is_refused(self, tmp_path):
        path = tmp_path / "t.coverage.h5"
        write_coverage(path, "t", "bigwig", 1.0, BIN, [("chr1", np.ones(20))])
        with pytest.raises(InputError, match="chr2"):
            read_coverage(path, LAYOUT)
        with pytest.raises(InputError, match="bin_size"):
            with h5py.File(tmp_path / "x.h5", "w") as out:
                out["chr1"] = np.ones(3)
            read_layout(tmp_path / "x.h5")


class TestPeakFiles:
    def test_round_trip_and_index(self, tmp_path):
        path = tmp_path / "t.peaks.bed.gz"
        write_peaks(path, "t", LAYOUT, np.array([2, 19, 20]), np.array([5, 20, 21]), np.array([1.0, 2.0, 3.0]))
        assert read_peak_bins(path, LAYOUT).tolist() == [2, 3, 4, 19, 20]
        with pysam.TabixFile(str(path)) as table:
            assert [row.split("\t")[:3] for row in table.fetch("chr2")] == [["chr2", "0", "128"]]

    def test_no_peak_is_an_empty_file_with_an_index(self, tmp_path):
        path, none = tmp_path / "t.peaks.bed.gz", np.array([], int)
        write_peaks(path, "t", LAYOUT, none, none, np.array([]))
        assert read_peak_bins(path, LAYOUT).size == 0 and Path(f"{path}.tbi").exists()

    @pytest.mark.parametrize("line", ["chr1\t0", "chr9\t0\t128", "chr1\tx\t128", "chr1\t0\t99999", "chr1\t128\t128"])
    def test_a_line_off_the_genome_is_refused(self, tmp_path, line):
        path = tmp_path / "t.bed"
        path.write_text(f"chr1\t0\t128\n{line}\n")
        with pytest.raises(InputError, match=r"t\.bed:2"):
            read_peak_bins(path, LAYOUT)


@pytest.fixture
def tracks(tmp_path):
    """Coverage files of three tracks on two chromosomes, with their sheet and peak calls to be made."""
    rng = np.random.default_rng(5)
    heights = {"a1": [2, 8], "a2": [2], "b1": [2, 15, 25]}
    for track, where in heights.items():
        bins = rng.poisson(2, 30).astype(float)
        bins[where] += 60
        write_coverage(
            tmp_path / f"{track}.coverage.h5", track, "bigwig", 1.0, BIN, [("chr1", bins[:20]), ("chr2", bins[20:])]
        )
    (tmp_path / "tracks.csv").write_text("track,cell_type,signal,group\na1,A,a1.bw,g\na2,A,a2.bw,g\nb1,B,b1.bw,h\n")
    (tmp_path / "genome.fa").write_text(f">chr1\n{'ACGT' * 640}\n>chr2\n{'CG' * 640}\n")
    (tmp_path / "genes.bed").write_text("chr1\t0\t100\tg\t0\t+\n")
    return tmp_path


class TestLongContigs:
    """Positions above 2^29 bp, as on the opossum's chromosome 1 or wheat's: no .tbi can hold them."""

    def test_peaks_behind_2_29_are_indexed(self, script, tmp_path):
        (tmp_path / "g.sizes").write_text("1\t748055161\n")
        (tmp_path / "f.fragments").write_text("1\t600000000\t600000064\tA-1\t1\n" * 200)
        script(
            "peaks", "bin", tmp_path / "f.fragments", "--chrom-sizes", tmp_path / "g.sizes",
            "--bin-size", 4096, "--output", tmp_path / "T.coverage.h5",
        )  # fmt: skip
        script("peaks", "call", tmp_path / "T.coverage.h5", "--output", tmp_path / "T.peaks.bed.gz")
        assert not (tmp_path / "T.peaks.bed.gz.tbi").exists()
        with pysam.TabixFile(str(tmp_path / "T.peaks.bed.gz"), index=str(tmp_path / "T.peaks.bed.gz.csi")) as handle:
            found = [row.split("\t")[:3] for row in handle.fetch("1", 599_990_000, 600_010_000)]
        assert found == [["1", "599998464", "600002560"]]

    def test_the_last_position_of_a_tbi_is_in_one(self, tmp_path):
        layout = BinLayout(1 << 20, {"1": 512})
        path = tmp_path / "t.peaks.bed.gz"
        write_peaks(path, "t", layout, np.array([511]), np.array([512]), np.array([1.0]))
        with pysam.TabixFile(str(path), index=f"{path}.tbi") as handle:
            assert len(list(handle.fetch("1", 511 << 20, 1 << 29))) == 1


class TestScript:
    NAMES = ("a1", "a2", "b1")

    def call(self, folder: Path) -> None:
        """The peak files of the three tracks, without a process each."""
        for name in self.NAMES:
            bins = read_coverage(folder / f"{name}.coverage.h5", LAYOUT)
            first, last = break_at_chromosomes(peaks.call_bins(bins, 0.01)[0], LAYOUT)
            write_peaks(
                folder / f"{name}.peaks.bed.gz", name, LAYOUT, first, last, peaks.run_maximum(bins, first, last)
            )

    def merge(self, script, folder: Path, output: str) -> None:
        coverage = [option for name in ("b1", "a1", "a2") for option in ("--coverage", folder / f"{name}.coverage.h5")]
        script(
            *(
                "peaks",
                "merge",
                *(folder / f"{name}.peaks.bed.gz" for name in ("b1", "a2", "a1")),
                "--tracks",
                folder / "tracks.csv",
                *coverage,
            ),
            *(
                "--fasta",
                folder / "genome.fa",
                "--genes",
                folder / "genes.bed",
                "--test-chroms",
                "chr2",
                "--valid-chroms",
                "",
            ),
            *("--edges", "1,3", "--tables", folder / "tables", "--output", folder / output),
        )

    def test_call_joins_bins_and_repeats_its_bytes(self, script, tracks):
        self.call(tracks)
        first = (tracks / "b1.peaks.bed.gz").read_bytes()
        script("peaks", "call", tracks / "b1.coverage.h5", "--fdr", 0.01, "--output", tracks / "b1.peaks.bed.gz")
        assert first == (tracks / "b1.peaks.bed.gz").read_bytes()
        with gzip.open(tracks / "b1.peaks.bed.gz", "rt") as handle:
            assert [line.split("\t")[:4] for line in handle] == [
                ["chr1", "256", "384", "b1_1"],
                ["chr1", "1920", "2048", "b1_2"],
                ["chr2", "640", "768", "b1_3"],
            ]

    def test_from_peaks_to_tissue_sets(self, script, tracks):
        self.call(tracks)
        self.merge(script, tracks, "peaks.h5ad")
        self.merge(script, tracks, "again.h5ad")
        assert (tracks / "peaks.h5ad").read_bytes() == (tracks / "again.h5ad").read_bytes()
        data = anndata.read_h5ad(tracks / "peaks.h5ad")
        assert data.obs["start"].tolist() == [2 * BIN, 8 * BIN, 15 * BIN, 5 * BIN]
        assert data.obs["n_tracks"].tolist() == [3, 1, 1, 1]
        assert data.obs["specificity_bin"].tolist() == ["[3,inf)", "[1,3)", "[1,3)", "[1,3)"]
        assert data.obs["cluster"].tolist() == ["ubiquitous", "A", "B", "B"]
        assert data.obs["fold"].tolist() == ["train", "train", "train", "test"]
        assert data.obs["tss_distance"].iloc[0] == 256 and np.isnan(data.obs["tss_distance"].iloc[3])
        assert data.obs["gc"].tolist() == [0.5, 0.5, 0.5, 1.0] and data.obs["cpg_island"].tolist() == [
            "False",
            "False",
            "False",
            "True",
        ]
        assert data.var_names.tolist() == list(self.NAMES) and data.var["n_peaks"].tolist() == [2, 1, 3]
        np.testing.assert_array_equal(data.layers["is_peak"].toarray(), [[1, 1, 1], [1, 0, 0], [0, 0, 1], [0, 0, 1]])
        bins = read_coverage(tracks / "a1.coverage.h5", LAYOUT)
        np.testing.assert_array_equal(data.X[:, 0], bins[[2, 8, 15, 25]])
        assert data.var["lambda"].iloc[0] == pytest.approx(bins.mean()) and data.X.dtype == np.float32
        script("peaks", "sets", tracks / "peaks.h5ad", "--by", "both", "--outdir", tracks / "sets")
        assert (tracks / "sets" / "g.high.bed").read_text() == "chr1\t1024\t1152\n"
        assert (tracks / "sets" / "g.low.bed").read_text() == "chr1\t256\t384\n"
        table = pd.read_csv(tracks / "sets" / "sets.tsv", sep="\t")
        var = peak_matrix.read_peaks(tracks / "peaks.h5ad").var
        lists = {path.name.removesuffix(".tracks.txt"): path for path in (tracks / "sets").glob("*.tracks.txt")}
        assert set(lists) == set(table["set"])
        for name, by in table[["set", "by"]].drop_duplicates("set").itertuples(index=False):
            assert lists[name].read_text().split() == var.index[var[by] == name].tolist()
        assert table["set"].unique().tolist() == ["g", "h", "A", "B"]

    def test_tissues_are_cell_types_where_the_sheet_names_no_group(self, script, refused, tracks):
        self.call(tracks)
        sheet = pd.read_csv(tracks / "tracks.csv")
        for column, expected in ((["group"], ["g", "h"]), ([], ["A", "B"])):
            sheet[["track", "cell_type", *column, "signal"]].to_csv(tracks / "tracks.csv", index=False)
            self.merge(script, tracks, "peaks.h5ad")
            script("peaks", "sets", tracks / "peaks.h5ad", "--by", "auto", "--outdir", tracks / "sets")
            assert pd.read_csv(tracks / "sets" / "sets.tsv", sep="\t")["set"].unique().tolist() == expected
        assert "no track names a group" in refused("peaks", "sets", tracks / "peaks.h5ad", "--outdir", tracks / "none")

    def test_a_half_without_peaks_is_said(self, tmp_path, caplog):
        sites = pd.DataFrame({"chrom": "chr1", "start": [0, 128], "end": [128, 256]})
        is_peak, var = np.ones((2, 2), bool), pd.DataFrame({"group": ["g", "g"], "cell_type": ["a", "b"]})
        found = list(tissue_sets(is_peak, np.array([2, 2]), var, ["group"], 0.3))
        with caplog.at_level("WARNING"):
            write_sets(sites, found, tmp_path)
        assert (
            "the tissue set g.high.bed is empty and gives no annotation: no peak of the tissue is in fewer tracks "
            "than the "
            "median, 2 (tracks: 2)" in caplog.text
        )
        assert "g.low.bed" not in caplog.text
        table = pd.read_csv(tmp_path / "sets.tsv", sep="\t").set_index("split")
        assert table["n_bins"].to_dict() == {"high": 0, "low": 2}
        assert table.loc["high", "reason"] == "no peak of the tissue is in fewer tracks than the median, 2 (tracks: 2)"
        assert pd.isna(table.loc["low", "reason"])
        caplog.clear()
        with caplog.at_level("WARNING"):
            write_sets(sites, list(tissue_sets(~is_peak, np.array([2, 2]), var, ["group"], 0.3)), tmp_path)
        assert caplog.text.count("no peak is in enough tracks of the tissue") == 2

    def test_columns_are_written_in_blocks(self, tracks, monkeypatch):
        self.call(tracks)
        sheet = read_sheet("tracks", tracks / "tracks.csv")
        files, called = ({t: tracks / f"{t}.{end}" for t in self.NAMES} for end in ("coverage.h5", "peaks.bed.gz"))
        found = []
        for columns in (32, 2):
            monkeypatch.setattr("accessiflow.peaks.build.COLUMNS_AT_ONCE", columns)
            build(sheet, files, called, LAYOUT, Annotations(), tracks / "peaks.h5ad")
            found.append(anndata.read_h5ad(tracks / "peaks.h5ad"))
        np.testing.assert_array_equal(found[0].X, found[1].X)
        assert found[1].obs["fold"].unique().tolist() == ["NA"] and found[1].obs["gc"].isna().all()
        assert peak_matrix.read_peaks(tracks / "peaks.h5ad").tracks == list(self.NAMES)

    def test_what_does_not_fit_is_refused(self, refused, tracks):
        self.call(tracks)
        merge = ("peaks", "merge", "--tracks", tracks / "tracks.csv", "--output", tracks / "x.h5ad")
        files = [tracks / f"{name}.peaks.bed.gz" for name in self.NAMES]
        coverage = [option for name in self.NAMES for option in ("--coverage", tracks / f"{name}.coverage.h5")]
        assert "b1" in refused(*merge, *coverage[:4], *files)
        write_coverage(tracks / "b1.coverage.h5", "b1", "bigwig", 1.0, 64, [("chr1", np.ones(40))])
        assert "bin all tracks alike" in refused(*merge, *coverage, *files)
        write_coverage(tracks / "z.coverage.h5", "z", "bigwig", 1.0, BIN, [("chr1", np.zeros(9))])
        assert "no coverage" in refused(
            "peaks", "call", tracks / "z.coverage.h5", "--output", tracks / "z.peaks.bed.gz"
        )
        assert not (tracks / "x.h5ad").exists() and not (tracks / "z.peaks.bed.gz").exists()
