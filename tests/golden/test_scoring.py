"""Variant scores against those of the original basenji_sad, through sad.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from accessiflow.files import read_table
from accessiflow.genome import Fasta
from accessiflow.variants.alleles import allele_windows
from accessiflow.variants.vcf import read_variants

pytest.importorskip("keras")
TEXT = ("snp", "chr", "ref_allele", "alt_allele")
ENSEMBLE = ("--rc", "--shifts", "1,0,-1", "--stats", "SAD,REF,ALT", "--threads", "1")


def content(path: Path) -> SimpleNamespace:
    """All datasets of a score file."""
    with h5py.File(path) as handle:
        return SimpleNamespace(**{name: data[()] for name, data in handle.items()})


def assert_close(ours: np.ndarray, original: np.ndarray) -> None:
    """Within one float16 unit in the last place and 2e-5."""
    ours, original = ours.astype(np.float64), original.astype(np.float16)
    unit = np.spacing(np.abs(original)).astype(np.float64)
    worst = np.abs(ours - original.astype(np.float64)) - unit
    assert worst.max() <= 2e-5, (
        f"{worst.max()} beyond one float16 ulp at {np.unravel_index(worst.argmax(), worst.shape)}"
    )


@pytest.fixture(scope="module")
def basenji(golden):
    return golden / "basenji"


@pytest.fixture(scope="module")
def score(script, basenji, tmp_path_factory):
    """Score a VCF of the reference inputs with the reference model."""

    def run(vcf: Path, *options: object) -> Path:
        out = tmp_path_factory.mktemp("sad")
        model = (basenji / "params_small.json", basenji / "model/model_best_small.h5")
        inputs = basenji / "inputs"
        script(
            "sad",
            "score",
            *model,
            vcf,
            "-f",
            inputs / "genome.fa",
            "-t",
            inputs / "targets.txt",
            "-o",
            out,
            *ENSEMBLE,
            *options,
        )
        return out

    return run


@pytest.fixture(scope="module")
def variants(score, basenji):
    """The 71 SNVs, indels, MNV and delins, stored as the original stores them."""
    return content(score(basenji / "inputs/variants.vcf", "--sad-dtype", "float16") / "sad.h5")


@pytest.fixture(scope="module")
def special(score, basenji, tmp_path_factory):
    """Edge, wrong-REF and multi-allelic records, in one file one after the other; scores by id and the folder."""
    vcf = tmp_path_factory.mktemp("vcf") / "special.vcf"
    names = ("edge", "pos671", "badref", "multiallelic")
    lines = [
        line
        for name in names
        for line in (basenji / f"inputs/variants_{name}.vcf").read_text().splitlines()
        if line[0] != "#"
    ]
    vcf.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + "\n".join(lines) + "\n")
    out = score(vcf, "--set", "special")
    return content(out / "sad.h5"), read_table(out / "excluded.tsv", text=["ref", "alt"])


def test_windows_are_those_of_the_original(basenji):
    stored = np.load(basenji / "sad/variants_seqs_and_float32.npz")
    with Fasta(basenji / "inputs/genome.fa") as genome:
        pairs = [allele_windows(v, genome, 1344) for v in read_variants(basenji / "inputs/variants.vcf")]
    for name in ("ref", "alt"):
        assert np.array_equal(np.array([getattr(p, name) for p in pairs]), stored[f"{name}_onehot"].argmax(axis=2)), (
            name
        )


def test_layout_is_that_of_the_original(variants, basenji):
    original = content(basenji / "sad/sad_variants.h5")
    assert vars(variants).keys() == vars(original).keys()
    for name, values in vars(original).items():
        ours = getattr(variants, name)
        assert (ours.dtype, ours.shape) == (values.dtype, values.shape), name
        if values.dtype.kind in "Su":
            assert np.array_equal(ours, values), name
    assert np.array_equal(variants.percentiles, original.percentiles)


@pytest.mark.parametrize("stat", ["SAD", "REF", "ALT"])
def test_scores_are_those_of_the_original(variants, basenji, stat):
    assert_close(getattr(variants, stat), getattr(content(basenji / "sad/sad_variants.h5"), stat))


def test_percentiles_are_those_of_the_stored_scores(variants):
    expected = [np.percentile(variants.SAD[:, t], 100 * variants.percentiles) for t in range(4)]
    assert np.array_equal(variants.SAD_pct, np.array(expected, np.float16))


def test_edge_windows_are_padded_not_shifted(special, basenji):
    scores, original = special[0], content(basenji / "sad/sad_edge.h5")
    assert scores.snp[:8].tolist() == [*original.snp.tolist(), b"pos671"]
    assert np.isfinite(scores.SAD).all()
    inside = [name in (b"pos672", b"right_full") for name in original.snp]  # no N in the window
    for stat in ("SAD", "REF", "ALT"):
        assert_close(getattr(scores, stat)[:7][inside], getattr(original, stat)[inside])


def test_record_that_fits_the_genome_nowhere_is_excluded_and_shifts_nothing(special, basenji):
    scores, excluded = special
    original = content(basenji / "sad/sad_badref.h5")
    rows = slice(8, 14)
    assert scores.snp[rows].tolist() == [s for s in original.snp.tolist() if s != b"neither_matches"]
    # the original's rows after the bad record hold the next record's scores
    assert_close(scores.SAD[rows], original.SAD[:6])
    assert excluded.to_dict("records") == [
        {
            "set": "special",
            "line": 14,
            "chrom": "chr4",
            "pos": 39768,
            "id": "neither_matches",
            "ref": "A",
            "alt": "C",
            "reason": "neither allele is the genome's",
        }
    ]


def test_multi_allelic_record_gives_a_row_an_allele(special, variants, basenji):
    scores, original = special[0], content(basenji / "sad/sad_multiallelic.h5")
    rows = slice(14, 22)
    assert scores.snp[rows].tolist() == [
        b"motif2_0",
        b"motif2_1",
        b"multi",
        b"multi",
        b"multi",
        b"motif1_3",
        b"motif1_4",
        b"motif2_5",
    ]
    assert scores.alt_allele[16:19].tolist() == [b"A", b"C", b"T"]
    assert_close(scores.SAD[14:17], original.SAD[:3])
    known = variants.snp.tolist()
    for row in (19, 20, 21):  # misaligned in the original, right in its run on biallelic records
        assert_close(scores.SAD[row], variants.SAD[known.index(scores.snp[row])])
