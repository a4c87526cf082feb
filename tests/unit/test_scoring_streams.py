"""Any variant file gives a row or an exclusion for each of its alleles, in order.

The network is replaced by a sum over bases.
"""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest
from fake_predictor import FakePredictor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accessiflow.errors import InputError
from accessiflow.genome import Fasta
from accessiflow.restart import PartFile
from accessiflow.scoring import sad
from accessiflow.variants.alleles import allele_windows
from accessiflow.variants.vcf import Variant, read_variants, split

L = 32
WEIGHTS = np.random.default_rng(0).random((L, 5))
TRACKS = pd.DataFrame({"identifier": ["T"], "description": ["t"]})


SUMMING = FakePredictor(lambda codes: WEIGHTS[np.arange(L), codes].sum(axis=1).reshape(-1, 1, 1), L)


@pytest.fixture(scope="module")
def fasta(tmp_path_factory):
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(
        ">chr1\n"
        + "".join("ACGT"[i] for i in np.random.default_rng(3).integers(0, 4, 90))
        + "NNnn\n>chr2\nACGTACGTAC\n"
    )
    with Fasta(path) as genome:
        genome.codes("chr1", 0, 1)
    return path


ALLELE = st.text("ACGTNacgt", min_size=1, max_size=4) | st.sampled_from(["<INS>", "*", ".", "R", "ACGT" * 20])
RECORD = st.tuples(
    st.sampled_from(["chr1"] * 6 + ["chr2", "1"]),
    st.integers(0, 100),
    st.sampled_from([".", "rs1", "é"]),
    ALLELE,
    st.lists(ALLELE, min_size=1, max_size=3),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=st.lists(RECORD, max_size=12),
    genomes=st.lists(st.booleans(), min_size=12, max_size=12),
    rule=st.sampled_from(["score", "exclude", "swap"]),
)
def test_every_allele_has_a_row_or_a_reason(tmp_path, fasta, records, genomes, rule):
    with Fasta(fasta) as genome:
        bases = "".join("ACGTN"[c] for c in genome.codes("chr1", 0, 94))
    rows = [
        (c, p, i, bases[p - 1 : p] if own and c == "chr1" and 1 <= p <= 94 else r, a)
        for (c, p, i, r, a), own in zip(records, genomes, strict=False)
    ]
    vcf = tmp_path / "a.vcf"
    vcf.write_text(
        "#CHROM\tPOS\tID\tREF\tALT\n" + "".join(f"{c}\t{p}\t{i}\t{r}\t{','.join(a)}\n" for c, p, i, r, a in rows)
    )
    options = sad.ScoreOptions(ref_mismatch=rule)
    alleles = list(read_variants(vcf))
    if alleles and all(v.chrom == "1" for v in alleles):
        with pytest.raises(InputError, match="shares no contig"):
            sad.score(SUMMING, vcf, fasta, TRACKS, tmp_path / "whole", None, options)
        return
    sad.score(SUMMING, vcf, fasta, TRACKS, tmp_path / "whole", None, options)
    excluded = [line.split("\t") for line in (tmp_path / "whole/excluded.tsv").read_text().split("\n")[1:-1]]
    with h5py.File(tmp_path / "whole/sad.h5") as handle:
        stored = [
            (c.decode(), int(p), s.decode(), r.decode(), a.decode())
            for c, p, s, r, a in zip(
                *(handle[n][()] for n in ("chr", "pos", "snp", "ref_allele", "alt_allele")), strict=True
            )
        ]
        scores = handle["SAD"][:, 0]
    _check_rows(alleles, stored, excluded, rule)
    with Fasta(fasta) as genome:
        for (chrom, pos, name, ref, alt), score in zip(stored, scores, strict=True):
            pair = allele_windows(Variant(0, chrom, pos, name, ref, alt), genome, L)
            expected = np.subtract(*(WEIGHTS[np.arange(L), codes].sum() for codes in (pair.alt, pair.ref)))
            assert score == pytest.approx(expected, abs=1e-5)
    shards = split(vcf, 3, tmp_path / "shards", "s")
    parts = [tmp_path / "parts" / shard.name for shard in shards]
    for shard, part in zip(shards, parts, strict=True):
        sad.score(SUMMING, shard, fasta, TRACKS, part, None, options)
    sad.merge(parts, tmp_path / "merged")
    for name in ("sad.h5", "excluded.tsv"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def _check_rows(alleles, stored, excluded, rule):
    """Walk through the alleles: each is the next stored row or the next exclusion."""
    rows, reasons = iter(stored), iter(excluded)
    kept, left = next(rows, None), next(reasons, None)
    for v in alleles:
        same = (
            kept is not None
            and kept[:3] == (v.chrom, v.pos, v.id)
            and ((v.ref, v.alt) == kept[3:] or (rule == "swap" and (v.alt, v.ref) == kept[3:]))
        )
        if left is not None and (left[1], left[3], left[6]) == (str(v.line), str(v.pos), v.alt):
            assert left[7]
            left = next(reasons, None)
        else:
            assert same, (v, kept)
            kept = next(rows, None)
    assert kept is None
    assert left is None


class Dying(FakePredictor):
    """Ends the run after some blocks."""

    left = 0

    def alleles(self, ref, alt, ensemble, starts):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().alleles(ref, alt, ensemble, starts)


@pytest.mark.parametrize("stops", [[0], [3], [1, 0, 2], [4, 4, 4]])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(tmp_path, fasta, monkeypatch, stops):
    monkeypatch.setattr(sad, "VARIANTS_AT_ONCE", 3)
    with Fasta(fasta) as genome:
        bases = "".join("ACGTN"[c] for c in genome.codes("chr1", 0, 90))
    vcf = tmp_path / "a.vcf"
    vcf.write_text(
        "".join(
            f"chr1\t{p}\tv{p}\t{bases[p - 1]}\t{'A,C' if p % 4 else '<DEL>'}{bases[p - 1 : p + 1]}\n"
            for p in range(1, 80, 2)
        )
    )
    options = sad.ScoreOptions(("SAD", "REF", "ALT", "LOGRATIO", "COS", "L2"))
    counts = sad.score(SUMMING, vcf, fasta, TRACKS, tmp_path / "whole", None, options)
    blocks = -(-counts[0] // 3)
    dying = Dying(SUMMING.function, L)
    for dying.left in stops:
        with pytest.raises(KeyboardInterrupt):
            sad.score(dying, vcf, fasta, TRACKS, tmp_path / "out", None, options, PartFile(tmp_path / "p", "f"))
        assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file()]
    dying.left = blocks - sum(stops)  # not one more
    assert (
        sad.score(dying, vcf, fasta, TRACKS, tmp_path / "out", None, options, PartFile(tmp_path / "p", "f")) == counts
    )
    for name in ("sad.h5", "excluded.tsv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "p").exists()
