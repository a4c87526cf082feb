"""Sequence of peaks.

Composition against plain counting, motifs that were planted, enrichment by Fisher's test, background off the peaks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metric_runs import run_metric
from scipy.stats import fisher_exact

from accessiflow.bootstrap import Bootstrap
from accessiflow.errors import InputError
from accessiflow.evaluation import sequence
from accessiflow.genome import Fasta, decode, encode, gc_and_cpg, reverse_complement
from accessiflow.motifs import Motif

SITE = "TGACTCAGCA"


def motif(text: str, name: str = "CTCF", identifier: str = "M1") -> Motif:
    matrix = np.full((len(text), 4), 0.01)
    matrix[np.arange(len(text)), encode(text)] = 0.97
    return Motif(name, identifier, matrix)


@pytest.fixture
def genome(tmp_path):
    """Two contigs of 20 kb; every second of 40 peaks (`ubiquitous`) holds the motif, on alternating strands."""
    rng = np.random.default_rng(4)
    contigs = {name: rng.integers(0, 4, 20_000).astype(np.uint8) for name in ("chr1", "chr2")}
    rows = []
    for number in range(40):
        chrom, start = ("chr1", "chr2")[number % 4 // 2], 300 + number * 400
        ubiquitous = number % 2 == 0
        if ubiquitous:
            site = encode(SITE)
            contigs[chrom][start + 20 : start + 20 + len(SITE)] = reverse_complement(site) if number % 4 else site
        rows.append((chrom, start, start + 100 + number, "ubiquitous" if ubiquitous else "A"))
    path = tmp_path / "g.fa"
    path.write_text("".join(f">{name}\n{decode(codes)}\n" for name, codes in contigs.items()))
    (tmp_path / "m.meme").write_text(meme([motif(SITE), motif("GGGGCCCCGG", "OTHER", "M2")]))
    pd.DataFrame(rows).to_csv(tmp_path / "p.bed", sep="\t", header=False, index=False)
    return tmp_path


def meme(motifs: list[Motif]) -> str:
    text = "MEME version 4\n\nALPHABET= ACGT\n"
    for item in motifs:
        rows = "".join(" ".join(map(str, row)) + "\n" for row in item.probabilities)
        text += f"\nMOTIF {item.matrix_id} {item.name}\nletter-probability matrix: alength= 4 w= {item.width}\n{rows}"
    return text


class TestComposition:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.text("ACGTacgtN", min_size=1, max_size=60), min_size=1, max_size=5))
    def test_counts_are_those_of_the_text(self, texts):
        table = sequence.composition([encode(text) for text in texts])
        for text, row in zip((t.upper() for t in texts), table.to_dict("records"), strict=True):
            known = len(text) - text.count("N")
            if known == 0:
                assert np.isnan(row["gc"]) and np.isnan(row["cpg_oe"]) and row["cpg_island"] == "NA"
                continue
            assert row["gc"] == pytest.approx((text.count("G") + text.count("C")) / known)
            if text.count("C") * text.count("G"):
                ratio = text.count("CG") * known / (text.count("C") * text.count("G"))
                assert row["cpg_oe"] == pytest.approx(ratio)
                assert (row["cpg_island"] == "True") == (row["gc"] > 0.5 and ratio > 0.6)
            else:
                assert np.isnan(row["cpg_oe"]) and row["cpg_island"] == "False"

    def test_the_peak_matrix_and_the_table_of_peaks_have_one_rule(self):
        texts = ["CGAT", "CGCGCG" + 10 * "N", "CGCGAATT", "CCGG", "ATAT", "CCCC", "NNNN", "CGNNCG"]
        table = sequence.composition([encode(text) for text in texts])
        for text, row in zip(texts, table.to_dict("records"), strict=True):
            gc, ratio, island = gc_and_cpg(encode(text)[None])
            np.testing.assert_array_equal([row["gc"], row["cpg_oe"]], [gc[0], ratio[0]])
            assert row["cpg_island"] == island[0]
        assert table["cpg_island"].tolist() == ["False", "True", "False", "True", "False", "False", "NA", "True"]
        assert table["gc"][1] == 1, "unknown bases do not count"

    def test_shares_are_of_peaks_with_a_known_base(self):
        table = sequence.composition([encode(text) for text in ("CGCG", "ATAT", "NN")]).assign(cluster="A")
        summary = sequence.summarise(table, Bootstrap(10)).set_index("figure")
        assert summary.loc[["gc", "cpg_oe", "cpg_island", "ctcf"], "n"].tolist() == [2, 1, 2, 0]
        assert summary.loc[["gc", "cpg_oe", "cpg_island"], "value"].tolist() == [0.5, 2, 0.5]
        nothing = sequence.summarise(table[2:], Bootstrap(10)).set_index("figure")["reason"]
        assert nothing["gc"] == nothing["cpg_island"] == "no known base in any sequence"

    def test_a_dinucleotide_does_not_span_two_peaks(self):
        assert sequence.composition([encode("AGC"), encode("GCA")])["cpg_oe"].tolist() == [0, 0]

    def test_blocks_do_not_change_it(self, monkeypatch):
        sequences = [encode(text) for text in ("ACGT", "CCGG", "GGGCA")]
        whole = sequence.composition(sequences)
        monkeypatch.setattr(sequence, "SEQUENCES_AT_ONCE", 2)
        pd.testing.assert_frame_equal(sequence.composition(sequences), whole)


class TestMotifs:
    def test_a_site_is_found_on_both_strands_and_not_over_unknown_bases(self):
        site = encode(SITE)
        texts = [
            encode("A" * 30 + SITE),
            np.r_[encode("AAAA"), reverse_complement(site), encode("TT" * 9)],
            encode("A" * 50),
            encode("TGANTCAGCA"),
            encode("AC"),
        ]
        found = sequence.occurrences(texts, [motif(SITE)], 1e-5)
        assert found[:, 0].tolist() == [True, True, False, False, False]

    def test_enrichment_is_fishers_and_seas_ratio(self):
        rng = np.random.default_rng(0)
        holds, background = rng.random((60, 2)) < [0.5, 0.1], rng.random((200, 2)) < 0.1
        cluster = np.array(["A"] * 25 + ["ubiquitous"] * 35, dtype=object)
        table = sequence.enrichment(holds, cluster, background, [motif(SITE), motif(SITE, "X", "M2")])
        assert table[["cluster", "control"]].drop_duplicates().to_numpy().tolist() == [
            ["A", "ubiquitous"],
            ["A", "background"],
            ["ubiquitous", "background"],
        ]
        row = table[(table["cluster"] == "A") & (table["control"] == "background")].iloc[0]
        tp, fp = int(holds[:25, 0].sum()), int(background[:, 0].sum())
        assert row["p"] == pytest.approx(fisher_exact([[tp, 25 - tp], [fp, 200 - fp]], alternative="greater").pvalue)
        assert row["enr"] == pytest.approx(((tp + 1) / 26) / ((fp + 1) / 201))
        assert row["tp_percent"] == pytest.approx(100 * tp / 25) and (table["q"] >= table["p"] - 1e-12).all()


class TestBackground:
    @pytest.mark.parametrize("matched", [False, True])
    def test_windows_are_as_wide_as_peaks_and_seeded(self, genome, matched):
        sites = pd.read_csv(genome / "p.bed", sep="\t", names=["chrom", "start", "end", "cluster"])
        with Fasta(genome / "g.fa") as fasta:
            first, again = (sequence.background_windows(fasta, sites, 50, matched, 3) for _ in range(2))
        assert 20 <= len(first) <= 60 and {len(w) for w in first} <= set(sites["end"] - sites["start"])
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
        held = sequence.occurrences(first, [motif(SITE)], 1e-6)
        assert held.mean() < 0.05  # the planted sites lie in the peaks


class TestCommand:
    def run(self, folder, **options):
        run_metric("sequence", fasta=folder / "g.fa", **options, number=200, bootstrap=20, output=folder / "out.tsv")
        return tuple(pd.read_csv(folder / f"out{part}.tsv", sep="\t") for part in ("", ".summary", ".motifs"))

    def test_the_planted_motif_is_enriched_where_it_was_planted(self, genome):
        peaks, summary, motifs = self.run(genome, bed=genome / "p.bed", motifs=genome / "m.meme", p_value=1e-5)
        assert len(peaks) == 40 and (peaks["ctcf"] == np.where(peaks["cluster"] == "ubiquitous", "yes", "no")).all()
        share = summary[summary["figure"] == "ctcf"].set_index("cluster")["value"]
        assert share["ubiquitous"] == 1 and share["A"] == 0
        found = motifs.set_index(["cluster", "control", "motif"])
        assert found.loc[("ubiquitous", "background", "M1"), "q"] < 1e-6 < found.loc[("A", "ubiquitous", "M1"), "p"]
        assert found.loc[("ubiquitous", "background", "M1"), "tp_percent"] == 100

    def test_names_of_peaks_are_no_clusters(self, genome):
        lines = [f"chr1\t{i * 50}\t{i * 50 + 40}" for i in range(60)]
        for text in ("\n".join(lines), "\n".join(f"{line}\tpeak{i}" for i, line in enumerate(lines))):
            (genome / "p.bed").write_text(text + "\n")
            peaks, summary, motifs = self.run(genome, bed=genome / "p.bed", motifs=genome / "m.meme")
            assert set(peaks["cluster"]) == set(summary["cluster"]) == set(motifs["cluster"]) == {"all"}

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("p.bed", "chr9\t0\t100\tA\n", "chr9"),
            ("p.bed", "chr1\t5\t5\tA\n", "empty"),
            ("p.bed", "chr1\t0\t99999\tA\n", "past the end"),
            ("m.meme", "MEME version 4\n", "no motif"),
        ],
    )
    def test_what_cannot_be_read_is_refused(self, genome, name, text, said):
        (genome / name).write_text(text)
        options = {
            "fasta": genome / "g.fa",
            "bed": genome / "p.bed",
            "motifs": genome / "m.meme",
            "output": genome / "o.tsv",
        }
        with pytest.raises(InputError, match=said):
            run_metric("sequence", **options)
        assert not list(genome.glob("o*.tsv"))
